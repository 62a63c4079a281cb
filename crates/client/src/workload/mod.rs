//! A job signs in with what its platform gives it anyway: its own short identity, traded for a
//! short pass (RFC 8693). There is no secret to keep, and nothing is written to disk.
//!
//! | module | what |
//! |---|---|
//! | [`platform`] | which platform this is, and where its identity is: a pure function |
//! | `identity` | asking the platform for it |
//! | [`job`] | what the later steps of the same job find, or its end revokes; no other job |
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
use hallpass_core::id::JobId;
use hallpass_core::{Secret, Timestamp};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::Error;
use crate::client::Parts;
use crate::http::Http;
use crate::login::oidc::{self, Pass};
use crate::logout::REVOKING;
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
    held: Option<Pass>,
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

/// The end of a pass of a job, as far as its text tells: a JWT whose `sub` is a job. `None`: it is
/// none.
pub(crate) fn end_of_pass(token: &Secret) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
        exp: i64,
    }
    let claims = token.expose().split('.').nth(1);
    let claims = claims.and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).map(Zeroizing::new);
    let claims = claims.and_then(|text| serde_json::from_slice::<Claims>(&text).ok());
    let job = claims.filter(|claims| claims.sub.parse::<JobId>().is_ok())?;
    Some(Timestamp::from_secs(job.exp))
}

/// The server that an earlier step of this job signed in to.
pub(crate) fn remembered_server(found: &Found, parts: &Parts) -> Option<String> {
    let key = JobKey::of(found, &parts.brand, &*parts.environment).filter(|key| key.serves)?;
    key.load(&*parts.job_memory).into_iter().next().map(|kept| kept.server)
}

impl Workload {
    pub(crate) fn new(found: Found, parts: &Parts) -> Self {
        let key = JobKey::of(&found, &parts.brand, &*parts.environment);
        Self { found, key, held: None, handed: false, wanted: oidc::wanted(parts) }
    }

    pub(crate) fn platform(&self) -> Platform {
        self.found.platform
    }

    /// The passes that wait for this job, or for its end. Sends nothing.
    pub(crate) fn kept(&self, parts: &Parts) -> Vec<Kept> {
        self.key.as_ref().map(|key| key.load(&*parts.job_memory)).unwrap_or_default()
    }

    /// The newest that is for `server`, for the project that is wanted, and not over.
    pub(crate) fn waiting(&self, parts: &Parts, server: &str) -> Option<Pass> {
        let fits = |kept: &Kept| {
            let project = self.wanted.project.as_ref();
            kept.server == server
                && kept.resources == self.wanted.resources
                && project.is_none_or(|project| *project == kept.pass.project)
                && !remaining(&kept.pass.access, parts).is_zero()
        };
        let serves = self.key.as_ref().is_some_and(|key| key.serves);
        serves.then(|| self.kept(parts))?.into_iter().find(fits).map(|kept| kept.pass)
    }

    /// An identity that is taken once is not traded where its pass could wait for no later step.
    pub(crate) fn could_wait(&self, parts: &Parts, http: &Http, server: &str) -> Result<(), Error> {
        identity::obtain(&self.found, server, parts, http)?;
        let could = self.key.as_ref().filter(|key| key.serves).is_some_and(|key| {
            let memory = &*parts.job_memory;
            !key.load(memory).is_empty() || key.could_store(memory)
        });
        let variable = parts.brand.variable("TOKEN");
        if could { Ok(()) } else { Err(Error::TakenOnce { variable }) }
    }

    /// Puts a pass with those that wait, for as long as it is good.
    fn keep(&self, parts: &Parts, server: &str, pass: &Pass) {
        let Some(key) = &self.key else { return };
        let (server, resources) = (server.to_owned(), self.wanted.resources.clone());
        let seconds = remaining(&pass.access, parts).as_secs();
        let kept = Kept { server, resources, pass: pass.clone() };
        key.store(&*parts.job_memory, &kept, seconds, &*parts.random);
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
        if let Some(held) = self.held.as_ref().filter(|held| meets(&held.access)) {
            return Ok(held.access.token.clone());
        }
        if let Some(pass) = self.waiting(parts, server).filter(|pass| meets(&pass.access)) {
            return Ok(self.held.insert(pass).access.token.clone());
        }
        match self.trade(parts, http, server) {
            Ok(pass) => Ok(pass.access.token),
            Err(error) => {
                // Early is early: as long as the pass is good, trouble can wait.
                let held = self.held.as_ref().map(|held| &held.access);
                let good = held.filter(|held| !remaining(held, parts).is_zero());
                match (good, need, &error) {
                    (Some(held), Need::Age, Error::Http(_) | Error::PlatformSilent { .. }) => {
                        Ok(held.token.clone())
                    }
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
        let mut pass = oidc::exchange(parts, http, server, &self.wanted, &identity);
        if let Err(Error::NotTrusted { detail: Some(detail), .. }) = &mut pass
            && !self.found.identity.is_renewed()
        {
            detail.push_str("; this job has one identity, and a server takes it once");
        }
        let pass = pass?;
        if self.key.as_ref().is_some_and(|key| key.serves) {
            self.keep(parts, server, &pass);
        }
        self.held = Some(pass.clone());
        Ok(pass)
    }

    /// Whether the later steps of this job find the pass that is held.
    pub(crate) fn waits(&self, parts: &Parts) -> bool {
        let serves = self.key.as_ref().is_some_and(|key| key.serves);
        let held = self.held.as_ref().filter(|_| serves).map(|held| &held.access.token);
        held.is_some_and(|held| self.kept(parts).iter().any(|kept| kept.pass.access.token == *held))
    }

    /// The pass goes to another program, and is that one's from now on; the end of the job
    /// revokes it.
    pub(crate) fn hand_over(&mut self, parts: &Parts, server: &str) {
        self.handed = true;
        if let Some(held) = &self.held
            && !self.waits(parts)
        {
            self.keep(parts, server, held);
        }
    }

    /// When the pass that is held ends.
    pub(crate) fn expires_at(&self, parts: &Parts) -> Option<Timestamp> {
        self.held.as_ref().and_then(|held| held.access.expires_at(&*parts.time))
    }

    /// The pass that nobody will use any more: it waits for no later step, and was handed to
    /// nobody.
    pub(crate) fn spent(&mut self, parts: &Parts) -> Option<Secret> {
        let waits = self.waits(parts);
        let held = self.held.take()?.access;
        let over = self.handed || remaining(&held, parts).is_zero();
        (!over && !waits).then_some(held.token)
    }

    /// Takes a pass from among those that wait, or that the end of the job revokes.
    pub(crate) fn forget(&self, parts: &Parts, token: &Secret) {
        if let Some(key) = &self.key {
            key.remove(&*parts.job_memory, token);
        }
    }
}

impl Session {
    /// Whether what is presented is the pass of a job that no later step will find. A program
    /// that is handed it is to have it for its own life, and no longer ([`Session::take_back`]).
    pub fn is_for_this_step(&self) -> bool {
        match &*self.held.lock().unwrap_or_else(PoisonError::into_inner) {
            Held::Workload(workload) => !workload.waits(&self.parts),
            _ => false,
        }
    }

    /// The program that the pass was handed to has ended, however long it ran: so ends the pass.
    pub fn take_back(mut self) {
        self.http = self.http.clone().afresh(&self.parts.time, REVOKING);
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Held::Workload(workload) = held {
            workload.handed = false;
            if let Some(held) = &workload.held {
                workload.forget(&self.parts, &held.access.token);
            }
        }
    }
}

impl Drop for Session {
    /// A pass that was traded for this alone, and that no later step finds, ends with it.
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Held::Workload(workload) = held else { return };
        if let Some(token) = workload.spent(&self.parts) {
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
