//! A job signs in with what its platform gives it anyway: its own short identity, traded for a
//! short pass (RFC 8693). There is no secret to keep, and nothing is written to disk.
//!
//! | module | what |
//! |---|---|
//! | [`platform`] | which platform this is, and where its identity is: a pure function |
//! | `identity` | asking the platform for it |
//! | [`job`] | what the later steps of the same job find, and no other job |
//! | [`kernel`] | where that waits: the kernel's keyring |
//!
//! The pass is never refreshed: before it ends, and when it is refused, the job trades anew.

mod identity;
pub mod job;
pub mod kernel;
pub mod platform;

use std::sync::PoisonError;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::Secret;
use hallpass_core::id::JobId;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::Error;
use crate::client::Parts;
use crate::http::Http;
use crate::login::oidc::{self, Pass};
use crate::refresh::Need;
use crate::session::{Held, Session};
use crate::vault::model::Access;
pub use job::JobMemory;
use job::{JobKey, Kept};
pub use kernel::KernelMemory;
use platform::Found;
pub use platform::Platform;

/// A new one is traded for this long before the end, or a tenth of the lifetime.
const MARGIN: Duration = Duration::from_secs(60);
/// What a pass lives if the server does not say.
const UNSAID_LIFETIME: u64 = 60;

/// This process as a job: its identity, and the pass that it holds.
pub(crate) struct Workload {
    found: Found,
    key: Option<JobKey>,
    held: Option<Access>,
    /// Somebody else has the pass too, so it does not end with us.
    handed: bool,
    /// What was asked for.
    pub(crate) wanted: Wanted,
}

/// What a pass is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The project, `org/project`, where the job may be let in to several.
    pub(crate) project: Option<String>,
    /// The APIs that take it, besides the server's own.
    pub(crate) resources: Vec<String>,
}

/// Whether it is a pass of a job, as far as its text tells: a JWT whose `sub` is a job.
pub(crate) fn is_pass(token: &Secret) -> bool {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let claims = token.expose().split('.').nth(1);
    let claims = claims.and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).map(Zeroizing::new);
    let claims = claims.and_then(|text| serde_json::from_slice::<Claims>(&text).ok());
    claims.is_some_and(|claims| claims.sub.parse::<JobId>().is_ok())
}

/// The server that an earlier step of this job signed in to.
pub(crate) fn remembered_server(found: &Found, parts: &Parts) -> Option<String> {
    let key = JobKey::of(found, &parts.brand, &*parts.environment)?;
    key.load(&*parts.job_memory).map(|kept| kept.server)
}

impl Workload {
    pub(crate) fn new(found: Found, parts: &Parts) -> Self {
        let key = JobKey::of(&found, &parts.brand, &*parts.environment);
        Self { found, key, held: None, handed: false, wanted: oidc::wanted(parts) }
    }

    pub(crate) fn platform(&self) -> Platform {
        self.found.platform
    }

    /// The pass that waits for this job. Sends nothing.
    pub(crate) fn kept(&self, parts: &Parts) -> Option<Kept> {
        self.key.as_ref()?.load(&*parts.job_memory)
    }

    /// The same, if it is for `server`, for the project that is wanted, and not over.
    pub(crate) fn waiting(&self, parts: &Parts, server: &str) -> Option<Access> {
        let fits = |kept: &Kept| {
            let project = self.wanted.project.as_ref();
            kept.server == server
                && kept.resources == self.wanted.resources
                && project.is_none_or(|project| *project == kept.project)
        };
        let kept = self.kept(parts).filter(fits)?;
        (!remaining(&kept.access, parts).is_zero()).then_some(kept.access)
    }

    /// A pass that meets `need`: the one that is held, the one that waits for this job, or a
    /// new one.
    pub(crate) fn token(
        &mut self,
        need: Need<'_>,
        parts: &Parts,
        http: &Http,
        server: &str,
    ) -> Result<Secret, Error> {
        let meets = |access: &Access| match need {
            Need::Age => remaining(access, parts) > margin(access),
            Need::Refused(refused) => {
                access.token != *refused && remaining(access, parts) > Duration::ZERO
            }
        };
        if let Some(access) = self.held.as_ref().filter(|access| meets(access)) {
            return Ok(access.token.clone());
        }
        if let Some(access) = self.waiting(parts, server).filter(meets) {
            return Ok(self.held.insert(access).token.clone());
        }
        match self.trade(parts, http, server) {
            Ok(pass) => Ok(pass.access.token),
            Err(error) => {
                // Early is early: as long as the pass is good, trouble can wait.
                let good = self.held.as_ref().filter(|held| !remaining(held, parts).is_zero());
                match (good, need, &error) {
                    (Some(held), Need::Age, Error::Http(_)) => Ok(held.token.clone()),
                    _ => Err(error),
                }
            }
        }
    }

    /// Trades the job's identity for a pass, and lets it wait for the later steps.
    pub(crate) fn trade(
        &mut self,
        parts: &Parts,
        http: &Http,
        server: &str,
    ) -> Result<Pass, Error> {
        // A server takes an identity that is made out for its own address, and for no other.
        let identity = || identity::obtain(&self.found, server, parts, http);
        let pass = oidc::exchange(parts, http, server, &self.wanted, &identity)?;
        if let Some(key) = &self.key {
            let kept = Kept {
                server: server.to_owned(),
                project: pass.project.clone(),
                resources: self.wanted.resources.clone(),
                access: pass.access.clone(),
            };
            let seconds = remaining(&pass.access, parts).as_secs();
            key.store(&*parts.job_memory, &kept, seconds, &*parts.random);
        }
        self.held = Some(pass.access.clone());
        Ok(pass)
    }

    /// Whether the later steps of this job find the pass.
    pub(crate) fn waits(&self, parts: &Parts, server: &str) -> bool {
        self.waiting(parts, server).is_some()
    }

    /// The pass goes to another program, and is that one's from now on.
    pub(crate) fn hand_over(&mut self) {
        self.handed = true;
    }

    /// When the pass that is held ends.
    pub(crate) fn expires_at(&self, parts: &Parts) -> Option<hallpass_core::Timestamp> {
        self.held.as_ref().and_then(|access| access.expires_at(&*parts.time))
    }

    /// The pass that nobody will use any more: it waits for no later step, and was handed to
    /// nobody.
    pub(crate) fn spent(&mut self, parts: &Parts, server: &str) -> Option<Secret> {
        let held = self.held.take()?;
        let over = self.handed || remaining(&held, parts).is_zero();
        let waits = self.waiting(parts, server).is_some_and(|kept| kept.token == held.token);
        (!over && !waits).then_some(held.token)
    }

    /// Takes away what waits for this job.
    pub(crate) fn forget(&self, parts: &Parts) {
        if let Some(key) = &self.key {
            key.forget(&*parts.job_memory);
        }
    }
}

impl Drop for Session {
    /// A pass that was traded for this alone, and that no later step finds, ends with it.
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Held::Workload(workload) = held else { return };
        if let Some(token) = workload.spent(&self.parts, &self.server) {
            // If nobody answers, it ends by itself in minutes.
            let _ = oidc::revoke_pass(&self.parts, &self.http, &self.server, &token);
        }
    }
}

fn remaining(access: &Access, parts: &Parts) -> Duration {
    let said = access.expires_in.unwrap_or(UNSAID_LIFETIME);
    let access = Access { expires_in: Some(said), ..access.clone() };
    access.remaining(&*parts.time).unwrap_or_default()
}

fn margin(access: &Access) -> Duration {
    MARGIN.min(Duration::from_secs(access.expires_in.unwrap_or(UNSAID_LIFETIME)) / 10)
}

#[cfg(test)]
#[path = "../workload_tests.rs"]
mod tests;
