//! What was refused and is of interest: wrong passwords, a disabled person, a revoked token that
//! somebody still uses, a client with what is not its own, a good credential at a place where it
//! has no role.
//!
//! Noting it costs next to nothing and waits for nobody. It is written down a moment later: of
//! each kind, subject and address one row a minute, and then how many more there were. A server
//! that is killed loses a second of them; they are no changes. Nothing that a stranger typed is
//! written, for it may be a secret in the wrong field: only ids of what is there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hallpass_core::id::{GrantId, OrgId};
use hallpass_core::{Digest, Timestamp};
use hallpass_store::{By, Denied, User};
use hallpass_verdict::live::Principal;
use hallpass_verdict::{Decision, Refusal};

use crate::{Error, Issuer, Origin};

/// How long what is like the first is only counted.
const WINDOW: Duration = Duration::from_secs(60);
/// Different ones that are remembered at once; of more it is only known that there were.
const KINDS: usize = 256;
/// Tokens that are looked up each second, to see whether they are revoked ones.
const LOOKED_UP: usize = 64;
/// Longest name of a place that is looked up.
const MAX_NAME: usize = 64;

/// Somebody tried to sign in.
const SIGN_IN: &str = "session.denied";
/// A client authenticated wrongly.
pub(crate) const CLIENT: &str = "client.denied";
/// A client came to the token endpoint with what it may not redeem.
pub(crate) const TOKEN: &str = "token.denied";
/// A credential was presented that is not good any more, or not there.
const CHECK: &str = "check.denied";

/// What was asked about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum About {
    /// By id.
    Id(String),
    /// Nothing that is there.
    Unknown,
    /// An organization or a project, as it was named.
    Place(String, Option<String>),
}

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Note {
    pub(crate) action: &'static str,
    pub(crate) actor: String,
    pub(crate) about: About,
    pub(crate) client: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) why: &'static str,
}

struct Seen {
    since: Timestamp,
    written: bool,
    more: u64,
}

/// What was noted and is not written yet.
#[derive(Default)]
pub(crate) struct Denials {
    seen: Mutex<HashMap<Note, Seen>>,
    waiting: AtomicUsize,
    tokens: Mutex<Vec<(Digest, Option<IpAddr>)>>,
}

impl Denials {
    /// Something was refused at `now`.
    pub(crate) fn note(&self, note: Note, now: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let full = seen.len() >= KINDS && !seen.contains_key(&note);
        match seen.entry(if full { others() } else { note }) {
            Entry::Occupied(mut known) => known.get_mut().more += 1,
            Entry::Vacant(new) => {
                new.insert(Seen { since: now, written: false, more: 0 });
            }
        }
    }

    /// A credential was refused of which nothing is known: it may be a revoked one.
    pub(crate) fn unknown_token(&self, digest: Digest, address: Option<IpAddr>) {
        if self.waiting.load(Ordering::Relaxed) >= LOOKED_UP {
            return;
        }
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() < LOOKED_UP && !tokens.iter().any(|(known, _)| *known == digest) {
            tokens.push((digest, address));
            self.waiting.store(tokens.len(), Ordering::Relaxed);
        }
    }

    fn take_tokens(&self) -> Vec<(Digest, Option<IpAddr>)> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.store(0, Ordering::Relaxed);
        std::mem::take(&mut *tokens)
    }

    /// What is to be written now: first ones, and how many more there were in a minute that is
    /// over. `all`: the minute is over for all of them.
    fn due(&self, now: Timestamp, all: bool) -> Vec<(Note, Timestamp, Option<u64>)> {
        let mut due = Vec::new();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|note, known| {
            if !known.written {
                known.written = true;
                due.push((note.clone(), known.since, None));
            }
            let over = all || now.since(known.since) >= WINDOW;
            if over && known.more > 0 {
                due.push((note.clone(), now, Some(known.more)));
            }
            !over
        });
        due
    }
}

/// Stands for whatever is too much to be remembered one by one.
fn others() -> Note {
    Note {
        action: CHECK,
        actor: "anonymous".to_owned(),
        about: About::Unknown,
        client: None,
        address: None,
        why: "too many different ones at once: this stands for the others",
    }
}

impl Issuer {
    /// Writes down what was noted. The server calls it each second, and once before it stops,
    /// with `all`.
    pub async fn write_denied(&self, all: bool) -> Result<(), Error> {
        for (digest, address) in self.0.denials.take_tokens() {
            self.note_revoked(&digest, address).await?;
        }
        let mut rows = Vec::new();
        for (note, at, more) in self.0.denials.due(self.now(), all) {
            if let Some(row) = self.denied_row(note, at, more).await? {
                rows.push(row);
            }
        }
        if !rows.is_empty() {
            self.0.store.audit().denied(rows).await?;
        }
        Ok(())
    }

    async fn denied_row(
        &self,
        note: Note,
        at: Timestamp,
        more: Option<u64>,
    ) -> Result<Option<Denied>, Error> {
        let (subject, org) = match note.about {
            About::Id(id) => (id, None),
            About::Unknown => ("unknown".to_owned(), None),
            About::Place(org, project) => match self.place_of(&org, project.as_deref()).await? {
                Some((subject, org)) => (subject, Some(org)),
                // A place that is not there is nobody's secret, and no row of anybody's.
                None => return Ok(None),
            },
        };
        let detail = match more {
            None => note.why.to_owned(),
            Some(1) => format!("{}; 1 more within a minute was left out", note.why),
            Some(more) => format!("{}; {more} more within a minute were left out", note.why),
        };
        let by = By {
            at,
            client_id: note.client,
            address: note.address,
            ..self.by(&note.actor, None, None)
        };
        Ok(Some(Denied { by, action: note.action, subject, org, detail }))
    }

    async fn place_of(
        &self,
        org: &str,
        project: Option<&str>,
    ) -> Result<Option<(String, OrgId)>, Error> {
        let store = &self.0.store;
        let found = match org.parse::<OrgId>() {
            Ok(id) => store.orgs().by_id(id).await?,
            Err(_) => store.orgs().by_slug(org).await?,
        };
        let Some(org) = found else { return Ok(None) };
        let Some(project) = project else { return Ok(Some((org.id.to_string(), org.id))) };
        let found = match project.parse() {
            Ok(id) => store.projects().by_id(id).await?,
            Err(_) => store.projects().by_slug(&org.slug, project).await?,
        };
        let found = found.filter(|it| it.org_id == org.id);
        Ok(found.map(|project| (project.id.to_string(), org.id)))
    }

    /// Notes a token that is kept, and not good any more.
    async fn note_revoked(&self, digest: &Digest, address: Option<IpAddr>) -> Result<(), Error> {
        let Some(facts) = self.0.store.credentials().facts(digest).await? else { return Ok(()) };
        let disabled = facts.user.as_ref().is_some_and(|user| user.disabled_at.is_some());
        let why = match (facts.credential.revoked_at, disabled) {
            (_, true) => "the account is disabled",
            (Some(_), false) => "the token was revoked",
            (None, false) => return Ok(()),
        };
        self.note(Note {
            action: CHECK,
            actor: facts.credential.principal.clone(),
            about: About::Id(facts.credential.id.to_string()),
            client: None,
            address: address.map(|address| address.to_canonical().to_string()),
            why,
        });
        Ok(())
    }

    pub(crate) fn note(&self, note: Note) {
        self.0.denials.note(note, self.now());
    }

    /// Somebody did not get in with a password.
    pub(crate) fn note_sign_in(&self, user: Option<&User>, origin: &Origin, why: &'static str) {
        let disabled = user.is_some_and(|user| user.disabled_at.is_some());
        self.note(Note {
            action: SIGN_IN,
            actor: "anonymous".to_owned(),
            about: user.map_or(About::Unknown, |user| About::Id(user.id.to_string())),
            client: None,
            address: origin.address_text(),
            why: if disabled { "the account is disabled" } else { why },
        });
    }

    /// A client came with what it may not have.
    pub(crate) fn note_client(
        &self,
        action: &'static str,
        client: &str,
        about: String,
        origin: &Origin,
        why: &'static str,
    ) {
        self.note(Note {
            action,
            actor: client.to_owned(),
            about: About::Id(about),
            client: Some(client.to_owned()),
            address: origin.address_text(),
            why,
        });
    }

    /// A JWT of ours was presented that is not good any more.
    pub(crate) fn note_jwt(&self, who: Principal, grant: GrantId, refusal: Refusal) {
        let why = match refusal {
            Refusal::UserDisabled => "the account is disabled",
            Refusal::ClientDisabled => "the client is disabled",
            Refusal::GrantEnded => "the sign-in has ended",
            Refusal::Revoked => "the access token was revoked",
            _ => return,
        };
        self.note(Note {
            action: CHECK,
            actor: who.to_string(),
            about: About::Id(grant.to_string()),
            client: None,
            address: None,
            why,
        });
    }

    /// A good credential asked for a place where it has no role, or not the right one.
    pub fn denied_at(
        &self,
        decision: &Decision,
        org: &str,
        project: Option<&str>,
        address: Option<IpAddr>,
    ) {
        let named = [Some(org), project].into_iter().flatten();
        if named.into_iter().any(|name| name.len() > MAX_NAME) {
            return;
        }
        self.note(Note {
            action: CHECK,
            actor: decision.who.id(),
            about: About::Place(org.to_owned(), project.map(str::to_owned)),
            client: decision.client_id.as_deref().map(str::to_owned),
            address: address.map(|address| address.to_canonical().to_string()),
            why: "no role there, or not one that may this",
        });
    }
}
