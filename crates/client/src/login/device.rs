//! Signing in with a code that is approved elsewhere (RFC 8628).
//!
//! The code's life is measured on a clock that only goes forward, from before the
//! request was sent (CLIENT C3). Trouble on the way never ends the flow; only the
//! server's word, the code's end, the person or the timeout do.

use std::time::Duration;

use hallpass_core::Secret;
use hallpass_core::text::presentable;
use hallpass_core::wire::oauth::{DEVICE_CODE, DeviceAuthorization, ErrorCode, ErrorResponse};
use hallpass_core::wire::reported;
use url::{Host, Url};

use super::attempt::Attempt;
use super::choose::Launch;
use super::inbox::Inbox;
use super::{Event, Login};
use crate::Error;
use crate::http::is_safe;
use crate::oauth::{Granted, NoTokens, Refusal, redeem};
use crate::time::Time;

/// RFC 8628 §3.2: what to wait between polls if the server does not say.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// RFC 8628 §3.5: what `slow_down` adds, for this poll and all that follow.
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// The longest wait between polls of a server that cannot be reached.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// How often a wait looks whether the person wants to stop.
const TICK: Duration = Duration::from_millis(250);

/// A device authorization that is waiting for its approval.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    pub device_code: Secret,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: Option<String>,
    pub interval: Duration,
    /// How long the code lives from `began`.
    pub expires_in: Duration,
    /// On the monotonic clock.
    pub began: Duration,
}

/// How long a person is waited for: until when, and for how long that is in all.
type Patience = Option<(Duration, Duration)>;

fn patience(attempt: &Attempt<'_>) -> Patience {
    let began = attempt.parts.time.monotonic();
    attempt.options.timeout.map(|timeout| (began + timeout, timeout))
}

/// Asks for a code, shows it, and polls to the end. Who is ready to wait longer than a code
/// lives is shown a fresh one.
pub(crate) fn run(
    attempt: &Attempt<'_>,
    launch: Launch,
    inbox: &Inbox,
    sink: &mut dyn FnMut(Event),
) -> Result<Login, Error> {
    let patience = patience(attempt);
    let mut launch = Some(launch).filter(|launch| *launch != Launch::Nothing);
    loop {
        let started = begin(attempt)?;
        announce(attempt, &started, sink);
        if let Some(what) = launch.take() {
            let page = started.verification_uri_complete.as_ref();
            let page = page.unwrap_or(&started.verification_uri);
            sink(Event::Launched { ok: attempt.parts.launcher.launch(&what, page) });
        }
        let now = || attempt.parts.time.monotonic();
        match finish_within(attempt, &started, patience, inbox, sink) {
            Err(Error::CodeExpired) if patience.is_some_and(|(until, _)| now() < until) => {}
            done => return done,
        }
    }
}

/// Polls a started authorization to the end, and stores what comes.
pub(crate) fn finish(
    attempt: &Attempt<'_>,
    started: &Started,
    inbox: &Inbox,
    sink: &mut dyn FnMut(Event),
) -> Result<Login, Error> {
    finish_within(attempt, started, patience(attempt), inbox, sink)
}

fn finish_within(
    attempt: &Attempt<'_>,
    started: &Started,
    patience: Patience,
    inbox: &Inbox,
    sink: &mut dyn FnMut(Event),
) -> Result<Login, Error> {
    let granted = poll(attempt, started, patience, inbox, sink)?;
    sink(Event::Finishing);
    let login = attempt.store(granted)?;
    sink(Event::Authenticated(Box::new(login.clone())));
    Ok(login)
}

/// RFC 8628 §3.1, with what we report about ourselves (HP11).
pub(crate) fn begin(attempt: &Attempt<'_>) -> Result<Started, Error> {
    let found = &attempt.found;
    // Discovery says whether it is there, and the choice of this flow depends on it.
    let endpoint = found.metadata.device_authorization_endpoint.as_deref().unwrap_or_default();
    let scope = attempt.scope.to_string();
    let environment = &*attempt.parts.environment;
    let host = environment.host_name().unwrap_or_default();
    let user = environment.user_name().unwrap_or_default();
    let mut parameters = vec![("client_id", found.client_id.as_str()), ("scope", &scope)];
    if let Some(resource) = &found.resource {
        parameters.push(("resource", resource));
    }
    if let Some(prompt) = found.prompt(&attempt.scope) {
        parameters.push(("prompt", prompt));
    }
    let jkt = attempt.jkt();
    if let Some(jkt) = &jkt {
        parameters.push(("dpop_jkt", jkt));
    }
    for (name, value) in [
        (reported::HOST, &host),
        (reported::USER, &user),
        (reported::COMMAND, &attempt.options.command),
    ] {
        if !value.is_empty() {
            parameters.push((name, value));
        }
    }
    let began = attempt.parts.time.monotonic();
    let reply = attempt.http.post_form(endpoint, &parameters)?;
    if reply.status != 200 {
        if reply.status < 500
            && let Ok(answer) = reply.json::<ErrorResponse>()
        {
            return Err(Refusal::new(answer).into_error(&found.issuer, "to sign in a device"));
        }
        return Err(reply.unexpected().into());
    }
    let answer: DeviceAuthorization = reply.json()?;
    if answer.device_code.is_empty() || answer.user_code.is_empty() {
        return Err(reply.malformed("a code is empty").into());
    }
    let own = |uri: &str| {
        own_page(&found.issuer, uri)
            .ok_or_else(|| Error::ForeignPage { issuer: found.issuer.clone() })
    };
    let complete = answer.verification_uri_complete.filter(|uri| !uri.is_empty());
    let interval = answer.interval.map_or(DEFAULT_INTERVAL, Duration::from_secs);
    Ok(Started {
        device_code: answer.device_code,
        user_code: presentable(answer.user_code.expose(), 40),
        verification_uri: own(&answer.verification_uri)?,
        verification_uri_complete: complete.as_deref().map(own).transpose()?,
        // A server that says zero does not mean to be flooded.
        interval: interval.clamp(Duration::from_secs(1), MAX_BACKOFF),
        expires_in: Duration::from_secs(answer.expires_in),
        began,
    })
}

/// Says where to approve.
pub(crate) fn announce(attempt: &Attempt<'_>, started: &Started, sink: &mut dyn FnMut(Event)) {
    let time = &*attempt.parts.time;
    let expires_in = started.remaining(time);
    sink(Event::Verification {
        verification_uri: started.verification_uri.clone(),
        verification_uri_complete: started.verification_uri_complete.clone(),
        user_code: started.user_code.clone(),
        expires_in,
        expires_at: time.now() + expires_in,
    });
}

impl Started {
    /// How long the code still lives.
    pub(crate) fn remaining(&self, time: &dyn Time) -> Duration {
        (self.began + self.expires_in).saturating_sub(time.monotonic())
    }
}

/// RFC 8628 §3.4, §3.5.
fn poll(
    attempt: &Attempt<'_>,
    started: &Started,
    timeout: Patience,
    inbox: &Inbox,
    sink: &mut dyn FnMut(Event),
) -> Result<Granted, Error> {
    let time = &*attempt.parts.time;
    let mut interval = started.interval;
    // Failures in a row; each doubles the wait.
    let mut failures = 0u32;
    let mut at_least = Duration::ZERO;
    loop {
        let backoff = interval.saturating_mul(1 << failures.min(6)).min(MAX_BACKOFF.max(interval));
        wait(started, timeout, backoff.max(at_least), time, inbox, sink)?;
        at_least = Duration::ZERO;
        let answer = redeem(
            attempt.http,
            attempt.token_endpoint(),
            &[
                ("grant_type", DEVICE_CODE),
                ("device_code", started.device_code.expose()),
                ("client_id", &attempt.found.client_id),
            ],
            attempt.signer(),
        );
        match answer {
            Ok(granted) => return Ok(granted),
            Err(NoTokens::Refused(refusal)) => {
                failures = 0;
                if refusal.is(ErrorCode::AuthorizationPending) {
                    continue;
                }
                if refusal.is(ErrorCode::SlowDown) {
                    interval += SLOW_DOWN;
                    sink(Event::SlowDown { interval });
                    continue;
                }
                return Err(if refusal.is(ErrorCode::AccessDenied) {
                    Error::Denied
                } else if refusal.is(ErrorCode::ExpiredToken) {
                    Error::CodeExpired
                } else {
                    refusal.into_error(&attempt.found.issuer, "the device code")
                });
            }
            Err(NoTokens::Unavailable { why, after }) => {
                failures += 1;
                at_least = after.unwrap_or_default().min(MAX_BACKOFF);
                let next =
                    interval.saturating_mul(1 << failures.min(6)).min(MAX_BACKOFF.max(interval));
                sink(Event::Retrying { reason: why.to_string(), after: next.max(at_least) });
            }
        }
    }
}

/// Waits for the next poll; ends early if the code, the person's patience or the
/// person does.
fn wait(
    started: &Started,
    timeout: Patience,
    pause: Duration,
    time: &dyn Time,
    inbox: &Inbox,
    sink: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    let until = time.monotonic() + pause;
    let mut shown = None;
    loop {
        let now = time.monotonic();
        let alive = started.remaining(time);
        if alive.is_zero() {
            return Err(Error::CodeExpired);
        }
        let patient = timeout.map_or(Duration::MAX, |(deadline, _)| deadline.saturating_sub(now));
        if let Some((_, timeout)) = timeout
            && patient.is_zero()
        {
            return Err(Error::TimedOut { seconds: timeout.as_secs() });
        }
        if inbox.wants_to_stop() {
            return Err(Error::Cancelled);
        }
        let remaining = alive.min(patient);
        if shown != Some(remaining.as_secs()) {
            shown = Some(remaining.as_secs());
            sink(Event::Waiting { remaining });
        }
        let left = until.saturating_sub(now);
        if left.is_zero() {
            return Ok(());
        }
        time.sleep(left.min(TICK).min(remaining));
    }
}

/// CLIENT C4: the page where a person approves must be the issuer's: https, and the same
/// site. On loopback the scheme may be http, and the host must be a loopback one too.
/// Gives the address in its normal form, in which nothing can steer a terminal.
fn own_page(issuer: &str, uri: &str) -> Option<String> {
    let (issuer, page) = (Url::parse(issuer).ok()?, Url::parse(uri).ok()?);
    let own = page.username().is_empty()
        && page.password().is_none()
        && is_safe(&page)
        && page.scheme() == issuer.scheme()
        && same_site(&issuer, &page);
    own.then(|| page.into())
}

/// The same registrable domain, by the public suffix list; addresses and names without
/// one must be equal.
fn same_site(a: &Url, b: &Url) -> bool {
    match (a.host(), b.host()) {
        (Some(Host::Domain(a)), Some(Host::Domain(b))) => {
            a == b
                || match (psl::domain_str(a), psl::domain_str(b)) {
                    (Some(a), Some(b)) => a == b,
                    _ => false,
                }
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
