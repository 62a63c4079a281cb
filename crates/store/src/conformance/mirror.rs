//! What a watcher is told is what the store holds.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use hallpass_core::Timestamp;
use hallpass_core::id::{GrantId, JobId, OrgId, ProjectId, TokenId, UserId};
use tokio::sync::watch;

use super::history::History;
use super::legacy::legacy;
use super::town::{DAWN, MINUTE, Town};
use crate::{
    Client, Credential, Disable, Effect, Error, Grant, JobGrant, LegacyHash, Membership, Org,
    Project, Store, User, Watcher,
};

/// All that decides whether a credential is good.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Picture {
    users: BTreeMap<UserId, User>,
    clients: BTreeMap<String, (Client, Vec<String>)>,
    orgs: BTreeMap<OrgId, Org>,
    projects: BTreeMap<ProjectId, Project>,
    members: BTreeMap<(String, OrgId, Option<ProjectId>), Membership>,
    grants: BTreeMap<GrantId, Grant>,
    jobs: BTreeMap<JobId, JobGrant>,
    credentials: BTreeMap<TokenId, Credential>,
    jwts: BTreeMap<String, Timestamp>,
    epoch: i64,
}

/// More than one page of everything.
const PAGE: u32 = 3;

impl Picture {
    /// As the store holds it, read page by page.
    pub(super) async fn read(store: &Store, now: Timestamp) -> Self {
        let image = store.image();
        let mut picture =
            Self { epoch: store.tombstones().epoch().await.unwrap(), ..Self::default() };
        macro_rules! pages {
            ($noun:ident $(, $now:ident)?) => {
                let mut after = None;
                loop {
                    let page = image.$noun(after, PAGE $(, $now)?).await.unwrap();
                    let Some(last) = page.last() else { break };
                    after = Some(last.id);
                    picture.$noun.extend(page.into_iter().map(|it| (it.id, it)));
                }
            };
        }
        pages!(users);
        pages!(orgs);
        pages!(projects);
        pages!(grants, now);
        pages!(jobs, now);
        pages!(credentials, now);
        let mut after = String::new();
        loop {
            let page = image.members(&after, PAGE).await.unwrap();
            let Some(last) = page.last() else { break };
            after.clone_from(&last.principal);
            page.into_iter().for_each(|it| picture.member(it));
        }
        for (client, resources) in image.clients().await.unwrap() {
            picture.clients.insert(client.id.clone(), (client, resources));
        }
        picture.jwts = image.revoked_jwts(now).await.unwrap().into_iter().collect();
        picture.at(now)
    }

    fn member(&mut self, it: Membership) {
        self.members.insert((it.principal.clone(), it.org_id, it.role.project()), it);
    }

    /// Without what is over by then, and without what is merely noted.
    fn at(mut self, now: Timestamp) -> Self {
        self.grants.retain(|_, grant| grant.is_live(now));
        self.jobs.retain(|_, job| job.is_live(now));
        self.credentials.retain(|_, credential| credential.is_live(now));
        self.jwts.retain(|_, until| now < *until);
        self.grants.values_mut().for_each(|grant| grant.last_used_at = None);
        for credential in self.credentials.values_mut() {
            (credential.last_used_at, credential.last_used_address) = (None, None);
        }
        self
    }

    fn apply(&mut self, effect: Effect) -> Result<(), String> {
        match effect {
            Effect::User(it) => drop(self.users.insert(it.id, it)),
            Effect::Client { client, resources } => {
                self.clients.insert(client.id.clone(), (client, resources));
            }
            Effect::Org(it) => drop(self.orgs.insert(it.id, it)),
            Effect::Project(it) => drop(self.projects.insert(it.id, it)),
            Effect::Member(it) => self.member(it),
            Effect::MemberGone { principal, org, project } => {
                self.members.remove(&(principal, org, project));
            }
            Effect::Grant(it) => drop(self.grants.insert(it.id, it)),
            Effect::Job(it) => drop(self.jobs.insert(it.id, it)),
            Effect::GrantEnded(id) => {
                self.grants.remove(&id);
                self.jobs.remove(&JobId::from_bits(id.to_bits()));
            }
            Effect::Credential(it) => drop(self.credentials.insert(it.id, it)),
            Effect::CredentialEnded { id, digest } => {
                let ended = self.credentials.remove(&id);
                if ended.is_some_and(|ended| ended.digest != digest) {
                    return Err(format!("{id} ended under another digest"));
                }
            }
            Effect::JwtRevoked { jti, until } => drop(self.jwts.insert(jti, until)),
            Effect::Epoch { epoch, .. } => {
                if epoch != self.epoch + 1 {
                    return Err(format!("epoch {epoch} came after {}", self.epoch));
                }
                self.epoch = epoch;
            }
        }
        Ok(())
    }
}

/// Keeps a picture of all that it is told.
#[derive(Default)]
pub(super) struct Mirror(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    picture: Picture,
    effects: usize,
    wrong: Vec<String>,
}

impl Mirror {
    /// One that watches an empty store.
    pub(super) fn of(store: &Store) -> Arc<Self> {
        let mirror = Arc::new(Self::default());
        assert!(store.watch(mirror.clone()), "nobody watches an empty store");
        mirror
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    /// That it shows what the store holds.
    pub(super) async fn shows(&self, store: &Store, now: Timestamp) {
        let holds = Picture::read(store, now).await;
        let seen = self.seen();
        assert_eq!(seen.wrong, Vec::<String>::new());
        assert_eq!(seen.picture.clone().at(now), holds);
    }
}

impl Watcher for Mirror {
    fn committed(&self, effects: Vec<Effect>) {
        let mut seen = self.seen();
        for effect in effects {
            seen.effects += 1;
            if let Err(wrong) = seen.picture.apply(effect) {
                seen.wrong.push(wrong);
            }
        }
    }

    fn settled(&self, epoch: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut seen = self.seen();
        if epoch > seen.picture.epoch {
            seen.wrong.push(format!("asked to settle {epoch} before it was told"));
        }
        Box::pin(std::future::ready(()))
    }
}

/// Whatever is done, in whatever order.
pub(super) async fn random_history(store: Store, seed: u64) {
    let mirror = Mirror::of(&store);
    let town = Town::new(store).await;
    let mut history = History::new(town.clone(), seed).await;
    for _ in 0..40 {
        for _ in 0..8 {
            history.step().await;
        }
        mirror.shows(&town.store, town.by().at).await;
    }
    assert!(!town.store.watch(mirror), "one watches at most");
}

/// A revoked JWT is of interest until it expires.
pub(super) async fn jwts(store: Store) {
    let mirror = Mirror::of(&store);
    let town = Town::new(store).await;
    let until = DAWN + MINUTE;
    town.store.tombstones().revoke_jwt("jti_one", until, &town.by()).await.unwrap();
    town.grant(town.user().await.id).await;
    let now = town.store.image().revoked_jwts(DAWN).await;
    assert_eq!(now, Ok(vec![("jti_one".to_owned(), until)]));
    mirror.shows(&town.store, DAWN).await;
    assert_eq!(town.store.image().revoked_jwts(until).await, Ok(Vec::new()));
}

/// A change that is undone means nothing, whatever it told before.
pub(super) async fn undone(store: Store) {
    let mirror = Mirror::of(&store);
    let town = Town::new(store).await;
    let org = town.org(town.user().await.id).await.id;
    let project = town.project(org).await.id;
    let before = mirror.seen().effects;
    let good = legacy(&town, LegacyHash::Digest(town.digest()));
    let mut bad = legacy(&town, LegacyHash::Digest(town.digest()));
    bad.owner = Some(town.user_id());
    let import = town.store.legacy().import(project, vec![good, bad], &town.by()).await;
    assert_eq!(import, Err(Error::Missing("user")));
    assert_eq!(mirror.seen().effects, before);
    mirror.shows(&town.store, town.by().at).await;
}

/// Settles when it is let.
struct Slow {
    asked: watch::Sender<Vec<i64>>,
    settled: watch::Sender<bool>,
}

impl Watcher for Slow {
    fn committed(&self, _: Vec<Effect>) {}

    fn settled(&self, epoch: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.asked.send_modify(|asked| asked.push(epoch));
        let mut settled = self.settled.subscribe();
        Box::pin(async move { drop(settled.wait_for(|settled| *settled).await) })
    }
}

/// A revocation is answered once nobody admits what it ended; so is who asks for it again.
pub(super) async fn settling(store: Store) {
    let slow =
        Arc::new(Slow { asked: watch::Sender::default(), settled: watch::Sender::default() });
    assert!(store.watch(slow.clone()));
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let (token, session) = (town.token(zoe).await.id, town.session(zoe).await.0);
    assert!(slow.asked.borrow().is_empty(), "nothing was narrowed");
    let mut asked = slow.asked.subscribe();
    let mut answers = Vec::new();
    for attempt in 1..=2 {
        let late = town.clone();
        answers.push(tokio::spawn(async move {
            late.store.credentials().revoke(None, token, "by hand", &late.by()).await
        }));
        asked.wait_for(|asked| asked.len() == attempt).await.unwrap();
        let late = town.store.credentials().by_id(token).await.unwrap().unwrap();
        assert!(late.revoked_at.is_some(), "it is committed");
    }
    let late = town.clone();
    let users = tokio::spawn(async move { late.store.users().disable(zoe, &late.by()).await });
    asked.wait_for(|asked| asked.len() == 3).await.unwrap();
    let late = town.clone();
    let sessions =
        tokio::spawn(async move { late.store.sessions().end(session, zoe, &late.by()).await });
    asked.wait_for(|asked| asked.len() == 4).await.unwrap();
    assert_eq!(*slow.asked.borrow(), [1, 1, 2, 2]);
    assert!(answers.iter().chain([&sessions]).all(|answer| !answer.is_finished()));
    assert!(!users.is_finished());
    // What narrows nothing does not wait.
    town.user().await;
    slow.settled.send_replace(true);
    let [first, second] = <[_; 2]>::try_from(answers).unwrap();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(true), Ok(false)));
    assert_eq!((users.await.unwrap(), sessions.await.unwrap()), (Ok(Disable::Done), Ok(false)));
}
