//! Signing out (CLIENT group K): revoke at the server, then remove locally whatever the
//! server said, and say which of the two failed (PROTOCOL J10).

use std::path::PathBuf;
use std::time::Duration;

use hallpass_core::brand::Revokes;
use hallpass_core::{Secret, Timestamp};

use crate::Error;
use crate::client::{Parts, Which};
use crate::discovery::{Said, discover, parse_server};
use crate::http::Http;
use crate::login::{oidc, pending};
use crate::refresh::lock_path;
use crate::revoke::{NotRevoked, revoke};
use crate::source::{self, Resolved, Selection, Source};
use crate::status::Account;
use crate::vault::lock::{self, Held};
use crate::vault::model::{Access, Credential, CredentialKind};
use crate::vault::{Key, VaultError};
use crate::workload::job::Kept;
use crate::workload::platform;
use crate::workload::{self, Platform, Workload};

/// How long the servers of one sign-in may take to hear of its end: nobody who signs out is kept
/// by one that is silent, and no other sign-in pays for it.
pub(crate) const REVOKING: Duration = Duration::from_secs(10);
/// How long to wait for a refresh that is under way. Its new token would be refused
/// anyway: revoking any token of a grant ends the grant.
const PATIENCE: Duration = Duration::from_secs(5);

/// What one sign-out did. The local copy is gone, unless `left` says why not.
#[derive(Clone, Debug)]
pub struct Logout {
    /// The profile.
    pub profile: String,
    /// Its server.
    pub server: String,
    /// Whose it was.
    pub account: Account,
    /// What happened at the server.
    pub revocation: Revocation,
    /// Why the local copy is still there, if it is.
    pub left: Option<VaultError>,
    /// Where the browser's own session at a provider that is not ours can be ended (OIDC
    /// RP-Initiated Logout §2). Nothing secret is in it.
    pub end_session: Option<String>,
}

/// What happened at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It was revoked: no verifier admits it any more.
    Revoked,
    /// The server had already ended it.
    AlreadyEnded,
    /// It was handed over with `--with-token`, so it is not ours to revoke.
    NotOurs,
    /// Another profile uses the same sign-in, so it goes on.
    StillUsed,
    /// It could not be revoked.
    LocalOnly {
        /// Why.
        reason: String,
        /// Until when an access token may still be good, if it is.
        access_token_valid_until: Option<Timestamp>,
        /// Whether a refresh token may be good, too: until the server ends the sign-in.
        refresh_token: bool,
    },
}

/// The end of a job's pass.
#[derive(Clone, Debug)]
pub struct JobEnded {
    /// Its server.
    pub server: String,
    /// Whose job it was.
    pub platform: Platform,
    /// What happened at the server.
    pub revocation: Revocation,
}

/// What `logout` did.
#[derive(Clone, Debug, Default)]
pub struct LogoutReport {
    /// Each profile that was signed out; empty if none was signed in.
    pub ended: Vec<Logout>,
    /// What happened to the pass of this job, if one was there for its later steps.
    pub job: Option<JobEnded>,
    /// A variable that still authenticates (CLIENT K2).
    pub variable: Option<String>,
    /// Why nothing was signed out, where a profile was named that there is not.
    pub unknown: Option<Error>,
    /// Where an unreadable store was moved to (CLIENT D10).
    pub set_aside: Option<PathBuf>,
}

/// Signs out.
pub(crate) fn run(
    parts: &Parts,
    http: &Http,
    selection: &Selection,
    which: Which,
) -> Result<LogoutReport, Error> {
    let variable = source::token_variable(&parts.brand);
    let mut report = LogoutReport {
        variable: parts.environment.var(&variable).map(|_| variable),
        ..LogoutReport::default()
    };
    if let Some(job) = Job::here(parts, selection) {
        if job.token.is_some() {
            // It is still set, and good for nothing.
            report.variable = None;
        }
        report.job = job.end(parts, http);
        if which == Which::Selected {
            // What is stored beside it is not this job's.
            return Ok(report);
        }
    }
    let profiles = match profiles(parts, selection, which) {
        Ok(profiles) => profiles,
        Err(Error::Vault(error)) if error.is_unreadable() => {
            report.set_aside = parts.vault.set_aside()?;
            return Ok(report);
        }
        // Signing out of what is not there is done (CLIENT K2).
        Err(error @ Error::UnknownProfile { .. }) => {
            report.unknown = Some(error);
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    for profile in profiles {
        report.ended.extend(end(parts, &http.clone().within(&parts.time, REVOKING), &profile)?);
    }
    match which {
        Which::All => pending::remove_for(&*parts.vault, None),
        Which::Selected => {
            for ended in &report.ended {
                pending::remove_for(&*parts.vault, Some(&ended.server));
            }
        }
    }
    Ok(report)
}

/// A job that signs out.
struct Job {
    workload: Workload,
    server: String,
    /// The pass that it has put into the variable for the rest of its script. What else may be in
    /// there lives longer than a job, and is not the job's.
    token: Option<Secret>,
}

impl Job {
    fn here(parts: &Parts, selection: &Selection) -> Option<Self> {
        let Resolved { source, server, token, workload, .. } =
            source::resolve(selection, parts).ok()?;
        let (found, token) = match (source, token) {
            (Source::Workload { .. }, _) => (workload?, None),
            (Source::Variable { .. }, Some(token)) if workload::end_of_pass(&token).is_some() => {
                (platform::standing(&parts.brand, &*parts.environment)?, Some(token))
            }
            _ => return None,
        };
        Some(Self { workload: Workload::new(found, parts), server, token })
    }

    /// Ends that one, what waits for the later steps, and what earlier ones handed to other
    /// programs. Where neither is, each step's has ended with the step.
    fn end(self, parts: &Parts, http: &Http) -> Option<JobEnded> {
        let platform = self.workload.platform();
        let mut passes: Vec<_> =
            self.token.map(|token| (self.server, token, None)).into_iter().collect();
        for Kept { server, pass, .. } in self.workload.kept(parts) {
            let until = ahead(parts, [&pass.access]);
            let token = pass.access.token;
            if passes.iter().all(|(_, known, _)| *known != token) {
                passes.push((server, token, until));
            }
        }
        let mut told = None;
        for (server, token, access_token_valid_until) in passes {
            let http = http.clone().within(&parts.time, REVOKING);
            let revocation = match oidc::revoke_pass(parts, &http, &server, &token) {
                Ok(()) => Revocation::Revoked,
                Err(why) => {
                    let reason = why.to_string();
                    Revocation::LocalOnly { reason, access_token_valid_until, refresh_token: false }
                }
            };
            // The first, unless another could not be revoked.
            let failed = revocation != Revocation::Revoked;
            self.workload.forget(parts, &token);
            if told.is_none() || failed {
                told = Some(JobEnded { server, platform, revocation });
            }
        }
        told
    }
}

/// The profiles that it is about. What is stored counts, whatever a variable says: a
/// variable cannot be signed out.
fn profiles(parts: &Parts, selection: &Selection, which: Which) -> Result<Vec<String>, Error> {
    if which == Which::All {
        return Ok(parts.vault.read()?.profiles.into_keys().collect());
    }
    let stored = Selection { token: None, ignore_variables: true, ..selection.clone() };
    Ok(match source::resolve(&stored, parts)?.source {
        Source::Profile { name } => vec![name],
        _ => Vec::new(),
    })
}

/// Ends one profile. The refresh lock is held meanwhile, so that no refresh brings the
/// session back.
fn end(parts: &Parts, http: &Http, name: &str) -> Result<Option<Logout>, Error> {
    let contents = parts.vault.read()?;
    let Some(profile) = contents.profiles.get(name) else { return Ok(None) };
    let lock = hold(parts, &profile.key);
    // What is on disk now: a refresh may have just ended.
    let contents = parts.vault.read()?;
    let credential = contents.credential(&profile.key);
    let shared = contents.profiles.iter().any(|(n, p)| n != name && p.key == profile.key);
    let mut ended = credential.map(|credential| Logout {
        profile: name.to_owned(),
        server: profile.server.clone(),
        account: credential.account(),
        revocation: if shared {
            Revocation::StillUsed
        } else {
            revoke_all(parts, http, &profile.server, credential)
        },
        left: None,
        end_session: end_session(credential).filter(|_| !shared),
    });
    let forget = || {
        parts.vault.change(&mut |contents| {
            contents.remove_profile(name);
            true
        })?;
        if shared { Ok(()) } else { parts.vault.remove_binding_key(&profile.key) }
    };
    match (forget(), &mut ended) {
        (Ok(()), _) if shared => {}
        (Ok(()), _) => lock.into_iter().for_each(Held::remove),
        // What was done at the server is done.
        (Err(error), Some(ended)) => ended.left = Some(error),
        (Err(error), None) => return Err(error.into()),
    }
    Ok(ended)
}

/// The last end of these that is still to come.
fn ahead<'a>(parts: &Parts, all: impl IntoIterator<Item = &'a Access>) -> Option<Timestamp> {
    let ends = all.into_iter().filter_map(|access| access.expires_at(&*parts.time));
    ends.filter(|end| *end > parts.time.now()).max()
}

/// The provider's page for it. It knows the client from the address; without a hint of who it
/// is, which would be a token in an address, it asks the person.
fn end_session(credential: &Credential) -> Option<String> {
    let mut url = url::Url::parse(credential.endpoints.end_session.as_deref()?).ok()?;
    url.query_pairs_mut().append_pair("client_id", &credential.key.client_id);
    Some(url.into())
}

/// `None` if somebody else keeps it for too long, or if it cannot be had at all; signing
/// out depends on neither.
fn hold(parts: &Parts, key: &Key) -> Option<Held> {
    let path = lock_path(parts, key);
    lock::acquire(&path, PATIENCE, &*parts.time, &*parts.random, &mut || true).ok()?.ok()
}

/// RFC 7009 §2.1: revoking the refresh token ends the grant. The access token is revoked
/// too, for servers that keep it alive.
fn revoke_all(parts: &Parts, http: &Http, server: &str, credential: &Credential) -> Revocation {
    let revokes = parts.brand.logout.revokes;
    if revokes == Revokes::Nothing
        || credential.kind == CredentialKind::Given && revokes != Revokes::Everything
    {
        return Revocation::NotOurs;
    }
    let local_only = |reason: String| Revocation::LocalOnly {
        reason,
        access_token_valid_until: ahead(
            parts,
            credential.access.iter().chain(credential.narrowed.iter().map(|kept| &kept.access)),
        ),
        refresh_token: credential.refresh_token.is_some(),
    };
    let said = match credential.kind {
        CredentialKind::Given => at_server(parts, http, server),
        CredentialKind::Oauth => Ok(None),
    };
    let (found, client_id) = match said {
        Ok(Some(said)) => said,
        Ok(None) => (credential.endpoints.revocation.clone(), credential.key.client_id.clone()),
        Err(why) => return local_only(why.to_string()),
    };
    let endpoint = found.as_deref();
    let send = |token, hint| revoke(http, endpoint, &client_id, token, Some(hint));
    let access = credential.access.as_ref();
    let refresh = credential.refresh_token.as_ref().map(|token| send(token, "refresh_token"));
    let outcome = match (refresh, access) {
        (None, None) => return Revocation::AlreadyEnded,
        // Where the refresh token could not be revoked for want of a server, the access
        // token cannot either.
        (Some(Err(why)), _) => Err(why),
        (Some(Ok(())), Some(access)) => match send(&access.token, "access_token") {
            // RFC 7009 §2.2.1: a server need not know how.
            Err(NotRevoked::Refused(_)) | Ok(()) => Ok(()),
            Err(why) => Err(why),
        },
        (Some(Ok(())), None) => Ok(()),
        (None, Some(access)) => send(&access.token, "access_token"),
    };
    match outcome {
        Ok(()) => Revocation::Revoked,
        Err(why) => local_only(why.to_string()),
    }
}

/// Where a token that was handed over is revoked, and as which client: nobody wrote that down.
fn at_server(
    parts: &Parts,
    http: &Http,
    server: &str,
) -> Result<Option<(Option<String>, String)>, Error> {
    let server = parse_server(server)?;
    let found = discover(http, &server, &parts.brand.client_id, Said::default())?;
    Ok(Some((found.metadata.revocation_endpoint, found.client_id)))
}

#[cfg(test)]
#[path = "logout_tests.rs"]
mod tests;
