//! Browser sessions, and the list of everything that is signed in to an account.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use hallpass_core::id::{GrantId, SessionId, UserId};
use hallpass_core::wire::api;
use hallpass_core::{Kind, Timestamp, TokenText};
use hallpass_store::{Copied, Grant, GrantKind, Session, User};

use crate::tokens::Actor;
use crate::{Error, Issuer, Origin};

/// A browser that is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// By which session.
    pub session: Session,
    /// There is a place whose keys they manage.
    pub manages_keys: bool,
}

/// Which sign-in a request itself belongs to, to be marked in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Current {
    /// A browser session.
    Session(SessionId),
    /// A program's grant.
    Grant(GrantId),
}

/// A time of last use is written down once a minute; nobody needs it finer.
const FRESH: Duration = Duration::from_secs(60);

/// When sessions and grants were last used, until it is written down.
#[derive(Default)]
pub(crate) struct LastUse {
    sessions: Mutex<HashMap<SessionId, Timestamp>>,
    grants: Mutex<HashMap<GrantId, Timestamp>>,
}

fn note<K: std::hash::Hash + Eq>(map: &Mutex<HashMap<K, Timestamp>>, key: K, at: Timestamp) {
    map.lock().unwrap_or_else(|broken| broken.into_inner()).insert(key, at);
}

fn take<K>(map: &Mutex<HashMap<K, Timestamp>>) -> Vec<(K, Timestamp)> {
    map.lock().unwrap_or_else(|broken| broken.into_inner()).drain().collect()
}

impl Issuer {
    /// Whom a session cookie stands for; `None` if for nobody, now.
    pub async fn session(&self, cookie: &str) -> Result<Option<SignedIn>, Error> {
        let Ok(text) = TokenText::parse(Kind::Session, cookie) else { return Ok(None) };
        let now = self.now();
        let live = self.0.store.sessions().by_digest(&text.digest(), now).await?;
        let Some((session, user)) = live.filter(|(session, _)| self.is_awake(session, now)) else {
            return Ok(None);
        };
        if now.since(session.last_seen_at) >= FRESH {
            note(&self.0.last_use.sessions, session.id, now);
        }
        let manages_keys = self.manages_keys(user.id).await?;
        Ok(Some(SignedIn { user, session, manages_keys }))
    }

    /// Ends this browser's session.
    pub async fn sign_out(&self, signed_in: &SignedIn, origin: &Origin) -> Result<(), Error> {
        let (user, session) = (signed_in.user.id, signed_in.session.id);
        let by = self.by(&user.to_string(), None, Some(origin));
        self.0.store.sessions().end(session, user, &by).await?;
        Ok(())
    }

    /// Everything that is signed in to an account, newest first.
    pub async fn sessions_of(
        &self,
        user: UserId,
        current: Option<Current>,
    ) -> Result<Vec<api::Session>, Error> {
        let now = self.now();
        let mut listed = Vec::new();
        for session in self.0.store.sessions().live_of_user(user, now).await? {
            if self.is_awake(&session, now) {
                let is_current = current == Some(Current::Session(session.id));
                listed.push((session.created_at, browser(session, is_current)));
            }
        }
        let names: HashMap<String, String> = self
            .0
            .store
            .clients()
            .list()
            .await?
            .into_iter()
            .map(|client| (client.id, client.name))
            .collect();
        let copies = self.0.store.copies().of_user(user).await?;
        for grant in self.0.store.grants().live_of_user(user, now).await? {
            let is_current = current == Some(Current::Grant(grant.id));
            let name = names.get(&grant.client_id).unwrap_or(&grant.client_id).clone();
            let copied = copies.iter().find(|copied| copied.grant_id == grant.id).cloned();
            listed.push((grant.created_at, program(grant, copied, name, is_current)));
        }
        listed.sort_by_key(|(created_at, _)| std::cmp::Reverse(*created_at));
        Ok(listed.into_iter().map(|(_, session)| session).collect())
    }

    /// Ends one sign-in (`ses_…` or `grt_…`) of `user`. False if it is none of theirs, or
    /// had ended before.
    pub async fn end_session(
        &self,
        user: UserId,
        id: &str,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let by = self.by(&user.to_string(), None, Some(origin));
        if let Ok(session) = id.parse::<SessionId>() {
            return Ok(self.0.store.sessions().end(session, user, &by).await?);
        }
        let Ok(grant) = id.parse::<GrantId>() else { return Ok(false) };
        Ok(self.0.store.grants().end_owned(user, grant, "ended by the person", &by).await?)
    }

    /// The same, for an administrator who looks after `user`.
    pub async fn end_session_for(
        &self,
        actor: &Actor<'_>,
        user: UserId,
        id: &str,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let by = self.by(&actor.name(), None, Some(origin));
        if let Ok(session) = id.parse::<SessionId>() {
            return Ok(self.0.store.sessions().end(session, user, &by).await?);
        }
        let Ok(grant) = id.parse::<GrantId>() else { return Ok(false) };
        let reason = "ended by an administrator";
        Ok(self.0.store.grants().end_owned(user, grant, reason, &by).await?)
    }

    /// Notes that a grant was used at `now`.
    pub(crate) fn used(&self, grant: GrantId, now: Timestamp) {
        note(&self.0.last_use.grants, grant, now);
    }

    /// Writes down what was noted. What is lost by a crash is a minute of it.
    pub(crate) async fn write_last_use(&self) -> Result<(), Error> {
        let sessions = take(&self.0.last_use.sessions);
        if !sessions.is_empty() {
            self.0.store.sessions().touch(&sessions).await?;
        }
        let grants = take(&self.0.last_use.grants);
        if !grants.is_empty() {
            self.0.store.grants().touch(&grants).await?;
        }
        Ok(())
    }

    /// Whether a session has been used lately enough. What was noted and is not written
    /// down yet counts.
    fn is_awake(&self, session: &Session, now: Timestamp) -> bool {
        let noted = self.0.last_use.sessions.lock().unwrap_or_else(|broken| broken.into_inner());
        let seen =
            noted.get(&session.id).map_or(session.last_seen_at, |at| session.last_seen_at.max(*at));
        now.since(seen) < self.0.config.session_idle_ttl
    }
}

fn browser(session: Session, current: bool) -> api::Session {
    api::Session {
        id: session.id.to_string(),
        kind: api::SessionKind::Browser,
        name: session.user_agent.unwrap_or_else(|| "a browser".to_owned()),
        reported_host: None,
        address: session.address,
        created_at: session.created_at,
        last_used_at: Some(session.last_seen_at),
        current,
        bound: false,
        copy_tried: None,
    }
}

fn program(grant: Grant, copied: Option<Copied>, name: String, current: bool) -> api::Session {
    api::Session {
        id: grant.id.to_string(),
        kind: match grant.kind {
            GrantKind::Code | GrantKind::Agent => api::SessionKind::Program,
            GrantKind::Device => api::SessionKind::Device,
        },
        name,
        reported_host: grant.reported.host,
        address: grant.address,
        created_at: grant.created_at,
        last_used_at: grant.last_used_at,
        current,
        bound: grant.jkt.is_some(),
        copy_tried: copied.map(|Copied { at, address, .. }| api::CopyTried { at, address }),
    }
}
