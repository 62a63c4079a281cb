//! An authorized handle: calls an API as the person, and refreshes without notice.
//!
//! The token is kept in memory while it is fresh; the vault is looked at again before a
//! refresh and after a refusal, so that a long-lived program picks up what other
//! processes did (CLIENT E9). Threads wait for one another here, processes at the lock
//! file of [`crate::refresh`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hallpass_core::text::presentable;
use hallpass_core::wire::api::{Page, Problem, Session as Listed};
use hallpass_core::wire::path;
use hallpass_core::{Secret, Timestamp, chance};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::Error;
use crate::client::Parts;
use crate::dpop::{BoundKey, Signer, proven};
use crate::http::{Http, HttpError, Reply};
use crate::mask::Masked;
use crate::refresh::{Fitness, Need, fitness};
use crate::source::{self, Resolved, Source};
use crate::status::{Account, Warning};
use crate::vault::Credential;
use crate::workload::Workload;

mod whoami;

/// The longest list that is asked for; a server that never ends one is broken.
const MAX_PAGES: usize = 1000;

/// Calls an API as somebody. Cheap calls from many threads share one refresh.
pub struct Session {
    pub(crate) parts: Parts,
    pub(crate) http: Http,
    pub(crate) server: String,
    source: Source,
    /// Spreads the refreshes of many processes.
    pub(crate) jitter: u8,
    pub(crate) held: Mutex<Held>,
    warnings: Mutex<Vec<Warning>>,
    skew_told: AtomicBool,
    end_told: AtomicBool,
}

/// What is presented.
pub(crate) enum Held {
    /// A token from outside the vault: used as it is, never refreshed.
    Outside(Secret),
    /// Nothing: nobody has to sign in.
    Nothing,
    /// The identity of this job, and the pass that it was traded for.
    Workload(Box<Workload>),
    /// The profile's.
    Stored {
        profile: String,
        credential: Box<Credential>,
        /// What it is bound to, since it was last looked for.
        key: Option<Arc<BoundKey>>,
    },
}

/// A token for a call of our own, and what it is bound to.
pub(crate) struct Presented {
    pub(crate) token: Secret,
    key: Option<Arc<BoundKey>>,
}

/// A call to the API.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// A path at the server, `/api/v1/whoami`; a full address must be at the same origin.
    pub path: &'a str,
    /// Further headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body: its media type and its bytes.
    pub body: Option<(&'a str, &'a [u8])>,
}

/// The answer to a [`Call`], whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A token for a program that makes its own calls.
#[derive(Clone, Debug)]
pub struct Handed {
    /// The token, good now.
    pub token: Secret,
    /// When it ends, if that is known.
    pub expires_at: Option<Timestamp>,
    /// Whose it is; nobody knows that about a token from outside the vault.
    pub account: Option<Account>,
}

impl Session {
    /// For what was resolved; sends nothing.
    pub(crate) fn new(parts: &Parts, http: Http, resolved: Resolved) -> Result<Self, Error> {
        let Resolved { source, server, token, contents, workload } = resolved;
        let not_signed_in = || Error::NotSignedIn { server: server.clone() };
        let held = match (&source, token) {
            (Source::Workload { .. }, _) => {
                let found = workload.ok_or_else(not_signed_in)?;
                Held::Workload(Box::new(Workload::new(found, parts)))
            }
            (_, Some(token)) => {
                Held::Outside(source::check_outside(&source, &token, &parts.brand)?)
            }
            (Source::Profile { name }, None) => {
                let credential = contents
                    .as_ref()
                    .and_then(|contents| contents.of_profile(name))
                    .ok_or_else(not_signed_in)?;
                if let Some(ended) = &credential.ended {
                    return Err(Error::SessionEnded {
                        profile: name.clone(),
                        reason: ended.reason.clone(),
                        at: ended.at,
                    });
                }
                Held::Stored {
                    profile: name.clone(),
                    credential: Box::new(credential.clone()),
                    key: None,
                }
            }
            _ => return Err(not_signed_in()),
        };
        let session = Self::holding(parts, http, server, source, held);
        session.tell_stored_end();
        Ok(session)
    }

    /// At a server where nobody has to sign in.
    pub(crate) fn open(parts: &Parts, http: Http, server: String) -> Self {
        Self::holding(parts, http, server, Source::None, Held::Nothing)
    }

    fn holding(parts: &Parts, http: Http, server: String, source: Source, held: Held) -> Self {
        let [jitter] = chance::bytes::<1>(&*parts.random);
        Self {
            parts: parts.clone(),
            http,
            server,
            source,
            jitter,
            held: Mutex::new(held),
            warnings: Mutex::default(),
            skew_told: AtomicBool::new(false),
            end_told: AtomicBool::new(false),
        }
    }

    /// Calls the API. A 401 with `invalid_token` makes one refresh and one more try;
    /// any other status is an [`Answer`].
    pub fn call(&self, call: &Call<'_>) -> Result<Answer, Error> {
        let reply = self.reply(call)?;
        Ok(Answer {
            status: reply.status,
            content_type: reply.content_type,
            body: reply.body.to_vec(),
        })
    }

    /// What a GET of `path` answers, read as JSON.
    ///
    /// # Errors
    /// [`Error::Problem`] and [`Error::Rejected`] for a status that is no success.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.send("GET", path, None::<&()>)?.json_of()
    }

    /// What a POST of `body`, as JSON, answers, read as JSON.
    ///
    /// # Errors
    /// As [`Session::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Error> {
        self.send("POST", path, Some(body))?.json_of()
    }

    /// `GET /api/v1/sessions`, all pages.
    pub fn sessions(&self) -> Result<Vec<Listed>, Error> {
        self.read_all(path::SESSIONS, &[])
    }

    /// `DELETE /api/v1/sessions/{id}`.
    pub fn end_session(&self, id: &str) -> Result<(), Error> {
        let address = format!("{}/{}", path::SESSIONS, path_segment(id));
        self.send("DELETE", &address, None::<&()>).map(drop)
    }

    /// Gets a new access token even if the one that there is could go on.
    ///
    /// # Errors
    /// [`Error::SessionEnded`] or [`Error::Expired`] if there is none to be had.
    pub fn renew(&self) -> Result<(), Error> {
        let presented = self.presented(Need::Age)?;
        self.presented(Need::Refused(&presented.token)).map(drop)
    }

    /// The server that calls go to.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Where the credential comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What happened on the way that is worth a line on stderr; each is told once.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn warn(&self, warning: Warning) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    /// A token that was handed over may have been stored with its end.
    fn tell_stored_end(&self) {
        let end = match &*self.held.lock().unwrap_or_else(PoisonError::into_inner) {
            Held::Stored { credential, .. } => {
                let access = credential.access.as_ref();
                access.and_then(|access| access.expires_at(&*self.parts.time))
            }
            Held::Outside(_) | Held::Nothing | Held::Workload(_) => None,
        };
        self.tell_end(end);
    }

    /// Says once that the token ends soon. One of a sign-in always does, and is replaced.
    fn tell_end(&self, at: Option<Timestamp>) {
        let masked = match &*self.held.lock().unwrap_or_else(PoisonError::into_inner) {
            Held::Outside(token) => Some(Masked::of(token, &self.parts.brand)),
            Held::Workload(_) | Held::Nothing => None,
            Held::Stored { credential, .. } => credential.masked(&self.parts.brand),
        };
        if let Some(warning) = Warning::of_end(masked.as_ref(), at, self.parts.time.now())
            && !self.end_told.swap(true, Ordering::Relaxed)
        {
            self.warn(warning);
        }
    }

    /// The gate: one thread refreshes, the others wait for what it gets.
    pub(crate) fn presented(&self, need: Need<'_>) -> Result<Presented, Error> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (profile, credential, key) = match &mut *held {
            Held::Outside(token) => return Ok(Presented { token: token.clone(), key: None }),
            Held::Nothing => return Ok(Presented { token: Secret::default(), key: None }),
            Held::Workload(workload) => {
                let token = workload.token(need, &self.parts, &self.http, &self.server)?;
                return Ok(Presented { token, key: None });
            }
            Held::Stored { profile, credential, key } => (profile, credential, key),
        };
        self.find_key(credential, key)?;
        let usable = match need {
            // What is bound to a key that is not here is good for nothing; the server is asked,
            // so that the owner hears of the copy.
            _ if credential.binding.is_some() && key.is_none() => false,
            Need::Age => fitness(credential, &self.parts, self.jitter) == Fitness::Fresh,
            // Another thread may have got a new one while this one waited.
            Need::Refused(refused) => {
                credential.access.as_ref().is_some_and(|access| access.token != *refused)
            }
        };
        if !usable {
            let keyless = credential.binding.is_some() && key.is_none();
            let need = if keyless { credential.refused_token(need) } else { need };
            let refreshed = self.refresh(profile).run(credential, need)?;
            **credential = refreshed.credential;
            refreshed.warning.into_iter().for_each(|warning| self.warn(warning));
            self.find_key(credential, key)?;
        }
        match &credential.access {
            Some(access) => Ok(Presented { token: access.token.clone(), key: key.clone() }),
            None => Err(Error::Expired { profile: profile.clone() }),
        }
    }

    /// Looks for the key that a credential is bound to, unless it is at hand: another process
    /// may have signed in anew.
    fn find_key(
        &self,
        credential: &Credential,
        key: &mut Option<Arc<BoundKey>>,
    ) -> Result<(), Error> {
        let jkt = credential.binding.as_ref().map(|binding| binding.jkt.as_str());
        let at_hand = key.as_ref().map(|key| key.thumbprint().to_string());
        if at_hand.as_deref() != jkt {
            *key = BoundKey::of(&self.parts, credential)?.map(Arc::new);
        }
        Ok(())
    }

    fn reply(&self, call: &Call<'_>) -> Result<Reply, Error> {
        self.reply_at(&self.address(call.path)?, call)
    }

    /// At an address that the token is for.
    fn reply_at(&self, address: &str, call: &Call<'_>) -> Result<Reply, Error> {
        if matches!(*self.held.lock().unwrap_or_else(PoisonError::into_inner), Held::Nothing) {
            return Ok(self.http.call_openly(address, call)?);
        }
        let send = |presented: &Presented| {
            let token = presented.token.expose();
            let signer = presented.key.as_ref().map(|key| Signer::new(key, &self.parts));
            let (method, headers, body) = (call.method, call.headers, call.body);
            let call =
                |proof: Option<&str>| self.http.call(method, address, token, proof, headers, body);
            let reply = proven(&self.http, signer, method, address, Some(token), call)?;
            let skew = Warning::of_clocks(self.parts.time.now(), reply.date);
            if let Some(skew) = skew
                && !self.skew_told.swap(true, Ordering::Relaxed)
            {
                self.warn(skew);
            }
            Ok::<_, Error>(reply)
        };
        let presented = self.presented(Need::Age)?;
        let reply = send(&presented)?;
        let refused = reply.status == 401 && reply.challenges_with("invalid_token");
        if !refused || matches!(self.source, Source::Explicit | Source::Variable { .. }) {
            return Ok(reply);
        }
        match self.presented(Need::Refused(&presented.token)) {
            Ok(presented) => send(&presented),
            // There was nothing better to be had; the refusal is the answer.
            Err(Error::Rejected { .. } | Error::NotTrusted { .. } | Error::Expired { .. }) => {
                Ok(reply)
            }
            Err(error) => Err(error),
        }
    }

    /// A call whose answer is a success (2xx), with a body in JSON if there is one.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Succeeded, Error> {
        let body = body.map(serde_json::to_vec).transpose().map_err(|_| {
            let why = "the request has no JSON form".to_owned();
            HttpError::Malformed { host: self.server.clone(), why }
        })?;
        let body = body.as_ref().map(|bytes| ("application/json", bytes.as_slice()));
        let reply = self.reply(&Call { method, path, headers: &[], body })?;
        if (200..300).contains(&reply.status) {
            Ok(Succeeded(reply))
        } else {
            Err(self.problem(&reply))
        }
    }

    /// All pages of a list.
    pub(crate) fn read_all<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut pairs = url::form_urlencoded::Serializer::new(String::new());
            let cursor_pair = cursor.as_deref().map(|cursor| ("cursor", cursor));
            pairs.extend_pairs(query.iter().copied().chain(cursor_pair));
            let query = pairs.finish();
            let mark = if query.is_empty() { "" } else { "?" };
            let page: Page<T> =
                self.send("GET", &format!("{path}{mark}{query}"), None::<&()>)?.json_of()?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// CLIENT H7: tokens go to the server that they are for, and nowhere else.
    fn address(&self, path: &str) -> Result<String, Error> {
        let bad = |why: &str| Error::BadPath { text: presentable(path, 200), why: why.to_owned() };
        let full = if path.starts_with('/') {
            format!("{}{path}", self.server)
        } else if path.contains("://") {
            path.to_owned()
        } else {
            return Err(bad("a path begins with /"));
        };
        let url = Url::parse(&full).map_err(|_| bad("it is not an address"))?;
        let plain = url.username().is_empty() && url.password().is_none();
        if url.origin().ascii_serialization() != self.server || !plain {
            return Err(bad(&format!(
                "it is not at {}, and the token is for nobody else",
                self.server
            )));
        }
        Ok(url.into())
    }

    /// RFC 9457, or whatever came instead.
    fn problem(&self, reply: &Reply) -> Error {
        if reply.is_temporary() || (300..400).contains(&reply.status) {
            return reply.unexpected().into();
        }
        let problem = reply.json::<Problem>().ok();
        if reply.status == 401 {
            return Error::Rejected {
                server: self.server.clone(),
                what: match self.source {
                    Source::Explicit | Source::Variable { .. } => "the given token",
                    Source::Workload { .. } => "the pass of this job",
                    Source::Profile { .. } | Source::None => "this sign-in",
                },
                code: problem.map_or("invalid_token".to_owned(), |p| presentable(&p.code, 60)),
                detail: match &self.source {
                    Source::Variable { name } => Some(format!("it came from {name}")),
                    _ => None,
                },
            };
        }
        let code = match &problem {
            // RFC 6750 §3.1: every resource server says it here, whatever its bodies are.
            _ if reply.status == 403 && reply.challenges_with("insufficient_scope") => {
                "insufficient_scope".to_owned()
            }
            Some(problem) => presentable(&problem.code, 60),
            None => format!("http_{}", reply.status),
        };
        Error::Problem {
            server: self.server.clone(),
            status: reply.status,
            code,
            title: problem
                .as_ref()
                .map_or_else(|| "no explanation".to_owned(), |p| presentable(&p.title, 200)),
            detail: problem.and_then(|p| p.detail).map(|text| presentable(&text, 400)),
            by: Box::new(self.source.clone()),
        }
    }
}

/// The answer to a call that worked.
pub(crate) struct Succeeded(Reply);

impl Succeeded {
    /// Its body.
    pub(crate) fn json_of<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(self.0.json()?)
    }
}

/// One segment of a path, whatever is in it.
pub(crate) fn path_segment(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
