//! A small town to test in: a clock that stands still unless told otherwise, chance that
//! can be repeated, and people, clients and grants on demand.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use hallpass_core::id::{
    AgentId, ApprovalId, AuditId, DeviceId, GrantId, InvitationId, JobId, MailId, OrgId, ProjectId,
    ResourceId, SessionId, TokenId, UserId,
};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::{Clock, Digest, Random, Scope, Timestamp};

use crate::{
    By, Client, ClientKind, Credential, Device, Entitled, GrantKind, Issue, NewCode, NewDevice,
    NewGrant, NewInvitation, NewOrg, NewProject, NewRefresh, NewSession, NewToken, NewUser, Org,
    Project, Reported, Role, Spend, Start, Store, Successor, User,
};

/// The client that most grants are for.
pub(super) const CLIENT: &str = "town-cli";
/// When every town begins.
pub(super) const DAWN: Timestamp = Timestamp::from_secs(1_800_000_000);
/// How long secrets are good in a town.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// Owners and admins invite, as usual.
pub(super) fn everybody() -> Entitled {
    Entitled { org: vec![OrgRole::Owner, OrgRole::Admin], project: vec![ProjectRole::Owner] }
}

/// What a call leaves behind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leaves {
    /// No audit row, the same epoch.
    Nothing,
    /// One audit row, the same epoch.
    Change,
    /// One audit row, the next epoch.
    Revocation,
    /// The same, and a row of the key that ends with it.
    WithKey,
}

/// The town. Clones are the same town.
#[derive(Clone)]
pub(super) struct Town {
    pub(super) store: Store,
    tick: Arc<AtomicI64>,
    dice: Arc<Dice>,
}

/// Numbers that never repeat.
struct Dice(AtomicU64);

impl Random for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            // The low bytes are the ones that differ.
            chunk.copy_from_slice(&number[8 - chunk.len()..]);
        }
    }
}

impl Clock for Town {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.tick.load(Ordering::Relaxed))
    }
}

macro_rules! fresh {
    ($($name:ident: $id:ty),*) => {$(
        pub(super) fn $name(&self) -> $id {
            <$id>::new(self, &*self.dice)
        }
    )*};
}

impl Town {
    /// A town on an empty store, with its client.
    pub(super) async fn new(store: Store) -> Self {
        let tick = Arc::new(AtomicI64::new(DAWN.millis()));
        let town = Self { store, tick, dice: Arc::new(Dice(AtomicU64::new(1))) };
        town.store.clients().create(town.client(CLIENT), &town.by()).await.unwrap();
        town
    }

    fresh!(
        user_id: UserId,
        agent_id: AgentId,
        approval_id: ApprovalId,
        grant_id: GrantId,
        job_id: JobId,
        session_id: SessionId,
        device_id: DeviceId,
        resource_id: ResourceId,
        org_id: OrgId,
        project_id: ProjectId,
        token_id: TokenId,
        mail_id: MailId,
        invitation_id: InvitationId
    );

    /// Lets time pass.
    pub(super) fn pass(&self, time: Duration) {
        self.tick.store((self.now() + time).millis(), Ordering::Relaxed);
    }

    /// Somebody who makes one change now.
    pub(super) fn by(&self) -> By {
        By {
            id: AuditId::new(self, &*self.dice),
            at: self.now(),
            actor: "anonymous".to_owned(),
            client_id: Some(CLIENT.to_owned()),
            address: Some("192.0.2.7".to_owned()),
            letters: Vec::new(),
        }
    }

    /// A person who makes one change now.
    pub(super) fn by_of(&self, person: UserId) -> By {
        By { actor: person.to_string(), ..self.by() }
    }

    /// The digest of a secret that nobody else has.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.dice.0.fetch_add(1, Ordering::Relaxed).to_be_bytes())
    }

    /// Awaits `call`, and checks what it leaves behind.
    pub(super) async fn sees<T>(&self, leaves: Leaves, call: impl Future<Output = T>) -> T {
        let before = self.counts().await;
        let answer = call.await;
        let after = self.counts().await;
        let (rows, epochs) = match leaves {
            Leaves::Nothing => (0, 0),
            Leaves::Change => (1, 0),
            Leaves::Revocation => (1, 1),
            Leaves::WithKey => (2, 1),
        };
        assert_eq!(after.0 - before.0, rows, "audit rows, where {leaves:?} was to be left");
        assert_eq!(after.1 - before.1, epochs, "epochs, where {leaves:?} was to be left");
        answer
    }

    /// How many audit rows there are, and the epoch.
    pub(super) async fn counts(&self) -> (u64, i64) {
        let rows = self.store.audit().count().await.unwrap();
        (rows, self.store.tombstones().epoch().await.unwrap())
    }

    pub(super) fn client(&self, id: &str) -> Client {
        Client {
            id: id.to_owned(),
            name: "The town's own".to_owned(),
            kind: ClientKind::Public,
            secret: None,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
            scopes: "openid email".parse().unwrap(),
            pkce_required: true,
            id_token_alg: "RS256".to_owned(),
            created_at: self.now(),
            disabled_at: None,
            dpop_required: false,
        }
    }

    pub(super) fn new_user(&self) -> NewUser {
        let id = self.user_id();
        NewUser {
            id,
            email: format!("{id}@Example.com"),
            name: "Zoë".to_owned(),
            admin: false,
            password: Some("$argon2id$first".to_owned()),
        }
    }

    /// Somebody new.
    pub(super) async fn user(&self) -> User {
        self.store.users().create(self.new_user(), &self.by()).await.unwrap()
    }

    /// A grant to be, of `user` to the town's client.
    pub(super) fn new_grant(&self, user: UserId, kind: GrantKind) -> NewGrant {
        NewGrant {
            id: self.grant_id(),
            user_id: user,
            client_id: CLIENT.to_owned(),
            kind,
            scope: "openid".parse().unwrap(),
            resources: vec!["https://api.example.com/".to_owned()],
            auth_time: self.now(),
            session_id: None,
            expires_at: None,
            address: Some("192.0.2.8".to_owned()),
            reported: Reported {
                host: Some("laptop-7".to_owned()),
                user: Some("zoe".to_owned()),
                command: None,
            },
            jkt: None,
            agent: None,
        }
    }

    pub(super) fn new_code(&self, user: UserId) -> NewCode {
        NewCode {
            digest: self.digest(),
            grant: self.new_grant(user, GrantKind::Code),
            redirect_uri: "http://127.0.0.1:4711/callback".to_owned(),
            challenge: None,
            nonce: None,
            expires_at: self.now() + MINUTE,
        }
    }

    /// A code that can be spent, and its grant.
    pub(super) async fn code(&self, user: UserId) -> (Digest, GrantId) {
        let new = self.new_code(user);
        let (digest, grant) = (new.digest, new.grant.id);
        assert_eq!(self.store.codes().issue(new, &self.by()).await, Ok(Issue::Issued));
        (digest, grant)
    }

    /// A grant that is live.
    pub(super) async fn grant(&self, user: UserId) -> GrantId {
        self.code(user).await.1
    }

    pub(super) fn new_refresh(&self) -> NewRefresh {
        NewRefresh { digest: self.digest(), expires_at: self.now() + MINUTE * 60, jkt: None }
    }

    /// A refresh token that can be rotated, and its grant.
    pub(super) async fn refresh(&self, user: UserId) -> (Digest, GrantId) {
        let (code, grant) = self.code(user).await;
        let first = self.new_refresh();
        let digest = first.digest;
        let spent = self.store.codes().spend(&code, Some(first), &self.by()).await;
        assert_eq!(spent, Ok(Spend::Won));
        (digest, grant)
    }

    pub(super) fn new_device(&self) -> NewDevice {
        NewDevice {
            id: self.device_id(),
            device_digest: self.digest(),
            user_code_digest: self.digest(),
            client_id: CLIENT.to_owned(),
            scope: Scope::empty(),
            resources: Vec::new(),
            interval_secs: 5,
            expires_at: self.now() + MINUTE * 10,
            address: None,
            reported: Reported::default(),
            jkt: None,
        }
    }

    /// A device authorization that waits, and its device code.
    pub(super) async fn device(&self) -> (Device, Digest) {
        let new = self.new_device();
        let code = new.device_digest;
        assert_eq!(self.store.devices().start(new, 1000, &self.by()).await, Ok(Start::Started));
        (self.store.devices().peek(&code).await.unwrap().unwrap(), code)
    }

    pub(super) fn new_session(&self, user: UserId) -> NewSession {
        NewSession {
            id: self.session_id(),
            digest: self.digest(),
            user_id: user,
            auth_time: self.now(),
            expires_at: self.now() + MINUTE * 60,
            address: Some("192.0.2.9".to_owned()),
            user_agent: Some("Netscape\0Navigator".to_owned()),
            checked_password: None,
        }
    }

    /// A live session and its cookie.
    pub(super) async fn session(&self, user: UserId) -> (SessionId, Digest) {
        let new = self.new_session(user);
        let (id, cookie) = (new.id, new.digest);
        assert_eq!(self.store.sessions().start(new, &self.by()).await, Ok(true));
        (id, cookie)
    }

    /// A token to be, that never ends; its name is its id.
    pub(super) fn new_token(&self, owner: UserId) -> NewToken {
        let id = self.token_id();
        NewToken {
            id,
            digest: self.digest(),
            prefix: "hp_user_".to_owned(),
            last_four: "a1B2".to_owned(),
            owner,
            name: id.to_string(),
            scope: None,
            projects: Vec::new(),
            expires_at: None,
            grant_id: self.grant_id(),
        }
    }

    /// A token that is live.
    pub(super) async fn token(&self, owner: UserId) -> Credential {
        let new = self.new_token(owner);
        self.store.credentials().create(new, &self.by()).await.unwrap()
    }

    /// What is to take over from a token.
    pub(super) fn successor(&self) -> Successor {
        Successor {
            id: self.token_id(),
            digest: self.digest(),
            prefix: "hp_user_".to_owned(),
            last_four: "c3D4".to_owned(),
            grant_id: self.grant_id(),
            expires_at: None,
            expires_by: None,
        }
    }

    /// An organization to be; its slug is made of its id.
    pub(super) fn new_org(&self) -> NewOrg {
        let id = self.org_id();
        let slug = id.to_string().to_lowercase();
        NewOrg { id, slug, name: "Analytical Engines".to_owned(), plan: String::new() }
    }

    /// An organization that `owner` owns.
    pub(super) async fn org(&self, owner: UserId) -> Org {
        self.store.orgs().create(self.new_org(), Some(owner), &self.by()).await.unwrap()
    }

    pub(super) fn new_project(&self, org_id: OrgId) -> NewProject {
        let id = self.project_id();
        let slug = id.to_string().to_lowercase();
        NewProject { id, org_id, slug, name: "Notes".to_owned() }
    }

    pub(super) async fn project(&self, org: OrgId) -> Project {
        self.store.projects().create(self.new_project(org), &self.by()).await.unwrap()
    }

    /// An invitation to be, of somebody new as a member; open for an hour.
    pub(super) fn new_invitation(&self, org_id: OrgId, inviter: UserId) -> NewInvitation {
        let id = self.invitation_id();
        NewInvitation {
            id,
            digest: self.digest(),
            org_id,
            email: format!("{id}@example.com").to_lowercase(),
            role: Role::Org(OrgRole::Member),
            inviter,
            mailed: false,
            expires_at: self.now() + MINUTE * 60,
        }
    }

    /// Whether the token is good now, its owner included.
    pub(super) async fn admits(&self, token: &Credential) -> bool {
        let facts = self.store.credentials().facts(&token.digest).await.unwrap();
        facts.is_some_and(|facts| {
            facts.credential.is_live(self.now())
                && facts.user.is_none_or(|user| user.disabled_at.is_none())
        })
    }

    /// Whether the grant is good now.
    pub(super) async fn is_good(&self, grant: GrantId) -> bool {
        let standing = self.store.grants().standing(grant, None).await.unwrap();
        standing.is_some_and(|standing| standing.is_good(self.now()))
    }
}
