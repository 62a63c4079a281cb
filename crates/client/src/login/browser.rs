//! Signing in with a browser on this machine: authorization code with PKCE and a
//! loopback redirect (RFC 8252, RFC 7636).

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::pkce::Verifier;
use hallpass_core::wire::oauth;
use hallpass_core::{Random, Secret, chance};
use url::Url;

use super::answer::{Expected, Judged};
use super::attempt::Attempt;
use super::choose::{Choice, Launch};
use super::inbox::{Inbox, Message};
use super::listener::{self, Listener, Visit};
use super::page::{Look, Page};
use super::{Event, Login};
use crate::Error;
use crate::oauth::{NoTokens, redeem};

/// How long a person may take if nothing else is said (CLIENT B10).
const TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How often the wait looks at the clock.
const TICK: Duration = Duration::from_millis(250);
/// How long a browser may take to fetch the last page.
const LAST_PAGE: Duration = Duration::from_secs(3);
/// The same for a visitor that did not ask for a page.
const LAST_ANSWER: Duration = Duration::from_millis(200);

/// What comes back: from the listener with a browser that waits, or pasted.
struct Came {
    answer: Result<Secret, Error>,
    visit: Option<Visit>,
}

/// Runs the flow to its end. `inbox` also brings what the person does meanwhile.
pub(crate) fn run(
    attempt: &Attempt<'_>,
    choice: &Choice,
    inbox: Inbox,
    sink: &mut dyn FnMut(Event),
) -> Result<Login, Error> {
    let random = &*attempt.parts.random;
    let timeout = attempt.options.timeout.unwrap_or(TIMEOUT);
    let deadline = attempt.parts.time.monotonic() + timeout;
    // One of each for this attempt alone (PROTOCOL J03, B08: the state says nothing).
    let verifier = Verifier::mint(random);
    let state = new_state(random);

    let bound = listener::bind(attempt.options.callback_port)?;
    let redirect_uri = bound.redirect_uri();
    let url = authorization_url(attempt, &redirect_uri, &verifier, &state)?;
    let expected = Expected {
        state,
        issuer: attempt.found.issuer.clone(),
        iss_promised: attempt.found.metadata.authorization_response_iss_parameter_supported,
    };
    let look = Look::of(&attempt.parts.brand);
    let listener = bound.listen(expected, inbox.sender.clone(), look);

    let launching = choice.launch != Launch::Nothing;
    sink(Event::SignInAt { url: url.to_string(), launching, timeout });
    if launching {
        launch(attempt, choice, &url, &inbox);
    }

    let came = wait(attempt, &listener, &inbox, deadline, timeout, sink)?;
    let is_browser = came.visit.as_ref().map(|visit| visit.is_browser);
    let outcome = finish(attempt, came.answer, &redirect_uri, &verifier, sink);
    if let Some(visit) = &came.visit {
        visit.reply(match &outcome {
            Ok(login) => Page::SignedIn { account: login.account.label().to_owned() },
            Err(error) => Page::Failed { why: error.to_string() },
        });
    }
    if let Ok(login) = &outcome {
        sink(Event::Authenticated(Box::new(login.clone())));
    }
    if let Some(is_browser) = is_browser {
        await_last_page(attempt, &inbox, if is_browser { LAST_PAGE } else { LAST_ANSWER });
    }
    listener.close();
    outcome
}

/// 256 random bits, as text.
fn new_state(random: &dyn Random) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(chance::bytes::<32>(random)))
}

/// RFC 6749 §4.1.1, RFC 7636 §4.3.
fn authorization_url(
    attempt: &Attempt<'_>,
    redirect_uri: &str,
    verifier: &Verifier,
    state: &Secret,
) -> Result<Url, Error> {
    let found = &attempt.found;
    // Discovery checked it, and the choice of this flow that it is there.
    let endpoint = found.metadata.authorization_endpoint.as_deref().unwrap_or_default();
    let mut url = Url::parse(endpoint)
        .map_err(|error| Error::bad_server(endpoint.to_owned(), error.to_string()))?;
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &found.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &attempt.scope.to_string())
            .append_pair("state", state.expose())
            .append_pair("code_challenge", verifier.challenge().as_str())
            .append_pair("code_challenge_method", "S256");
        if let Some(resource) = &found.resource {
            query.append_pair("resource", resource);
        }
        if let Some(prompt) = found.prompt(&attempt.scope) {
            query.append_pair("prompt", prompt);
        }
        if let Some(jkt) = attempt.jkt() {
            query.append_pair("dpop_jkt", &jkt);
        }
    }
    Ok(url)
}

/// On a thread of its own: a launcher that hangs must not stop the login (CLIENT A5).
fn launch(attempt: &Attempt<'_>, choice: &Choice, url: &Url, inbox: &Inbox) {
    let launcher = attempt.parts.launcher.clone();
    let (what, url) = (choice.launch.clone(), url.to_string());
    let outcome = inbox.sender.clone();
    std::thread::spawn(move || {
        // The login may be over by then.
        let _ = outcome.send(Message::Launched(launcher.launch(&what, &url)));
    });
}

/// Waits for the callback, a pasted line, the end of time or a wish to stop.
fn wait(
    attempt: &Attempt<'_>,
    listener: &Listener,
    inbox: &Inbox,
    deadline: Duration,
    timeout: Duration,
    sink: &mut dyn FnMut(Event),
) -> Result<Came, Error> {
    let mut shown = None;
    loop {
        let remaining = deadline.saturating_sub(attempt.parts.time.monotonic());
        if remaining.is_zero() {
            return Err(Error::TimedOut { seconds: timeout.as_secs() });
        }
        if shown != Some(remaining.as_secs()) {
            shown = Some(remaining.as_secs());
            sink(Event::Waiting { remaining });
        }
        match inbox.receiver.recv_timeout(remaining.min(TICK)) {
            Ok(Message::Callback { answer, visit }) => {
                return Ok(Came { answer, visit: Some(visit) });
            }
            Ok(Message::Pasted(line)) => match listener.judge_pasted(&line) {
                Judged::NotOurs(why) => sink(Event::Ignored { why }),
                Judged::Ours(answer) => return Ok(Came { answer, visit: None }),
            },
            Ok(Message::Ignored(why)) => sink(Event::Ignored { why }),
            Ok(Message::Launched(ok)) => sink(Event::Launched { ok }),
            Ok(Message::Stop) => return Err(Error::Cancelled),
            Ok(Message::PageShown) | Err(RecvTimeoutError::Timeout) => {}
            // We hold a sender ourselves, so this cannot be; stopping is right anyway.
            Err(RecvTimeoutError::Disconnected) => return Err(Error::Cancelled),
        }
    }
}

/// Exchanges the code (RFC 6749 §4.1.3) and stores what comes.
fn finish(
    attempt: &Attempt<'_>,
    answer: Result<Secret, Error>,
    redirect_uri: &str,
    verifier: &Verifier,
    sink: &mut dyn FnMut(Event),
) -> Result<Login, Error> {
    let code = answer?;
    sink(Event::Finishing);
    let mut parameters = vec![
        ("grant_type", oauth::AUTHORIZATION_CODE),
        ("code", code.expose()),
        ("redirect_uri", redirect_uri),
        ("client_id", attempt.found.client_id.as_str()),
        ("code_verifier", verifier.expose()),
    ];
    if let Some(resource) = &attempt.found.resource {
        parameters.push(("resource", resource));
    }
    match redeem(attempt.http, attempt.token_endpoint(), &parameters, attempt.signer()) {
        Ok(granted) => attempt.store(granted),
        Err(NoTokens::Refused(refusal)) => {
            Err(refusal.into_error(&attempt.found.issuer, "the code of this sign-in"))
        }
        Err(NoTokens::Unavailable { why, .. }) => Err(why.into()),
    }
}

/// The listener stays until the browser has the page that says how it ended.
fn await_last_page(attempt: &Attempt<'_>, inbox: &Inbox, patience: Duration) {
    let deadline = attempt.parts.time.monotonic() + patience;
    loop {
        let left = deadline.saturating_sub(attempt.parts.time.monotonic());
        match inbox.receiver.recv_timeout(left) {
            Ok(Message::PageShown | Message::Stop) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
#[path = "browser_tests.rs"]
mod tests;
