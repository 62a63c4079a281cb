//! Agents: trees that end as one.

use hallpass_core::id::{AgentId, GrantId, ProjectId, UserId};
use hallpass_core::wire::agents::SecretOf;

use super::mirror::Mirror;
use super::town::{Leaves, MINUTE, Town};
use crate::{
    AgentRef, Begin, Disable, Grant, GrantKind, NewAgent, Renew, Rotate, SealedSecret, Store, Whose,
};

/// More than any town has.
const MOST: u32 = 100;

impl Town {
    fn new_agent(&self, owner: UserId, above: Option<&Grant>, depth: u32) -> NewAgent {
        let mut grant = self.new_grant(owner, GrantKind::Agent);
        let above = above.and_then(|grant| grant.agent.as_ref());
        grant.expires_at = Some(self.by().at + MINUTE * 15);
        grant.agent = Some(AgentRef {
            id: self.agent_id(),
            name: "builder".to_owned(),
            project: None,
            parents: above
                .into_iter()
                .flat_map(|it| [vec![it.id], it.parents.clone()])
                .flatten()
                .collect(),
            depth,
        });
        NewAgent { grant, place: None, ttl: 900, broker: None }
    }

    pub(super) async fn agent(&self, owner: UserId, above: Option<&Grant>, depth: u32) -> Grant {
        let new = self.new_agent(owner, above, depth);
        match self.store.agents().begin(new, MOST, &self.by()).await {
            Ok(Begin::Begun(grant)) => *grant,
            other => panic!("no agent but {other:?}"),
        }
    }

    async fn runs(&self, grant: GrantId) -> bool {
        let standing = self.store.grants().standing(grant, None).await.unwrap().unwrap();
        standing.is_good(self.by().at)
    }
}

fn id(grant: &Grant) -> AgentId {
    grant.agent.as_ref().unwrap().id
}

/// Started, renewed, seen by its owner alone, and ended with its owner.
pub(super) async fn life(store: Store) {
    let mirror = Mirror::of(&store);
    let town = Town::new(store).await;
    let (zoe, other) = (town.user().await.id, town.user().await.id);
    let agents = town.store.agents();
    let new = town.new_agent(zoe, None, 2);
    let begun = town.sees(Leaves::Change, agents.begin(new.clone(), MOST, &town.by())).await;
    let Ok(Begin::Begun(grant)) = begun else { panic!("{begun:?}") };
    assert_eq!((&grant.agent, grant.user_id), (&new.grant.agent, zoe));
    let agent = agents.one(id(&grant), Whose::Owner(zoe)).await.unwrap().unwrap();
    assert_eq!((agent.grant, agent.owner, agent.depth, agent.ttl), (grant.id, zoe, 2, 900));
    assert_eq!(agents.one(id(&grant), Whose::Owner(other)).await, Ok(None));
    assert_eq!(agents.one(town.agent_id(), Whose::Itself).await, Ok(None));
    // It is no sign-in of its owner's.
    let now = town.by().at;
    assert_eq!(town.store.grants().live_of_user(zoe, now).await, Ok(Vec::new()));
    let (grants, by) = (town.store.grants(), town.by());
    let end = grants.end_owned(zoe, grant.id, "x", &by);
    assert_eq!(town.sees(Leaves::Nothing, end).await, Ok(false));

    let until = now + MINUTE * 30;
    let stranger = agents.renew(id(&grant), Whose::Owner(other), until, &by);
    assert_eq!(town.sees(Leaves::Nothing, stranger).await, Ok(Renew::Gone));
    let renewed = agents.renew(id(&grant), Whose::Owner(zoe), until, &by);
    let renewed = town.sees(Leaves::Change, renewed).await;
    let Ok(Renew::Renewed(renewed)) = renewed else { panic!("{renewed:?}") };
    assert_eq!(renewed.expires_at, Some(until));
    let report = agents.report(id(&grant), "half of it", Some(50), now);
    town.sees(Leaves::Nothing, report).await.unwrap();
    let listed = agents.of_owner((zoe, None), None, 9, (now, now)).await.unwrap();
    assert_eq!((listed.len(), listed[0].progress), (1, Some(50)));
    assert_eq!(agents.of_owner((other, None), None, 9, (now, now)).await, Ok(Vec::new()));
    mirror.shows(&town.store, now).await;

    // As many as are allowed, and not one more.
    let one_more = town.new_agent(zoe, None, 0);
    let many = agents.begin(one_more.clone(), 1, &by);
    assert_eq!(town.sees(Leaves::Nothing, many).await, Ok(Begin::TooMany));
    // What nobody renews ends by itself, and is not renewed any more.
    town.pass(MINUTE * 30);
    assert!(!town.runs(grant.id).await);
    let late = town.by();
    let renewed = agents.renew(id(&grant), Whose::Owner(zoe), late.at + MINUTE, &late);
    assert_eq!(town.sees(Leaves::Nothing, renewed).await, Ok(Renew::Gone));
    let past = (late.at, late.at);
    assert_eq!(agents.of_owner((zoe, None), None, 9, past).await, Ok(Vec::new()));
    assert_eq!(agents.of_owner((zoe, None), None, 9, (late.at, now)).await.unwrap().len(), 1);
    // Nobody begins anything for somebody who is disabled, and what they had is over.
    let last = town.agent(zoe, None, 0).await;
    assert_eq!(town.store.users().disable(zoe, &town.by()).await, Ok(Disable::Done));
    assert!(!town.runs(last.id).await);
    let gone = agents.begin(one_more, MOST, &late);
    assert_eq!(town.sees(Leaves::Nothing, gone).await, Ok(Begin::Gone));
    mirror.shows(&town.store, town.by().at).await;
}

/// A tree ends as one, from any of its nodes on downwards.
pub(super) async fn trees(store: Store) {
    let mirror = Mirror::of(&store);
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let agents = town.store.agents();
    let root = town.agent(zoe, None, 2).await;
    let left = town.agent(zoe, Some(&root), 9).await;
    let right = town.agent(zoe, Some(&root), 0).await;
    let leaf = town.agent(zoe, Some(&left), 9).await;
    // Each level has one less below it, whatever it asked for.
    let depth = |grant: &Grant| grant.agent.as_ref().unwrap().depth;
    assert_eq!([&root, &left, &right, &leaf].map(depth), [2, 1, 0, 0]);
    let by = town.by();
    for childless in [&right, &leaf] {
        let deep = agents.begin(town.new_agent(zoe, Some(childless), 0), MOST, &by);
        assert_eq!(town.sees(Leaves::Nothing, deep).await, Ok(Begin::TooDeep));
    }
    // Nobody is below somebody else's agent.
    let other = town.user().await.id;
    let stolen = agents.begin(town.new_agent(other, Some(&root), 0), MOST, &by);
    assert_eq!(town.sees(Leaves::Nothing, stolen).await, Ok(Begin::Gone));
    // A parent reaches what is below it, and neither itself nor what is beside or above it.
    let below = Whose::Below(id(&left));
    assert!(agents.one(id(&leaf), below).await.unwrap().is_some());
    for outside in [&left, &right, &root] {
        assert_eq!(agents.one(id(outside), below).await, Ok(None));
        let stop = agents.stop(id(outside), below, "x", &by);
        assert_eq!(town.sees(Leaves::Nothing, stop).await, Ok(false));
        let renew = agents.renew(id(outside), below, by.at + MINUTE, &by);
        assert_eq!(town.sees(Leaves::Nothing, renew).await, Ok(Renew::Gone));
    }
    // No child outlives its parent, however it is renewed.
    let renewed = agents.renew(id(&leaf), below, by.at + MINUTE * 60, &town.by()).await;
    let Ok(Renew::Renewed(renewed)) = renewed else { panic!("{renewed:?}") };
    assert_eq!(renewed.expires_at, left.expires_at);

    let owner = Whose::Owner(zoe);
    let stop = agents.stop(id(&left), owner, "enough", &by);
    assert_eq!(town.sees(Leaves::Revocation, stop).await, Ok(true));
    let runs = async || {
        let mut all = Vec::new();
        for grant in [&root, &left, &right, &leaf] {
            all.push(town.runs(grant.id).await);
        }
        all
    };
    assert_eq!(runs().await, [true, false, true, false]);
    let by = town.by();
    let again = agents.stop(id(&left), owner, "enough", &by);
    assert_eq!(town.sees(Leaves::Nothing, again).await, Ok(true), "it is over, as was asked");
    let late = agents.begin(town.new_agent(zoe, Some(&left), 0), MOST, &by);
    assert_eq!(town.sees(Leaves::Nothing, late).await, Ok(Begin::Gone));
    let stop = agents.stop(id(&root), Whose::Itself, "done", &by);
    assert_eq!(town.sees(Leaves::Revocation, stop).await, Ok(true));
    assert_eq!(runs().await, [false; 4]);
    mirror.shows(&town.store, town.by().at).await;
}

/// No child slips in while its tree is stopped.
pub(super) async fn none_slips_in(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    for _ in 0..rounds {
        let root = town.agent(zoe, None, 2).await;
        let middle = town.agent(zoe, Some(&root), 1).await;
        let mut children = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (town, middle) = (town.clone(), middle.clone());
            children.spawn(async move {
                let new = town.new_agent(zoe, Some(&middle), 0);
                let grant = new.grant.id;
                let begun = town.store.agents().begin(new, 10_000, &town.by()).await.unwrap();
                (matches!(begun, Begin::Begun(_)), grant)
            });
        }
        let stopped = town.store.agents().stop(id(&root), Whose::Itself, "x", &town.by()).await;
        assert_eq!(stopped, Ok(true));
        for (begun, grant) in children.join_all().await {
            assert!(!begun || !town.runs(grant).await, "a child of a stopped tree runs");
        }
    }
}

/// What is bound to a project says where.
pub(super) async fn bound(store: Store) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let org = town.org(zoe).await;
    let project = town.project(org.id).await;
    let mut new = town.new_agent(zoe, None, 0);
    new.place = Some((org.id, project.id));
    new.grant.agent.as_mut().unwrap().project = Some(project.id);
    let Ok(Begin::Begun(grant)) = town.store.agents().begin(new, MOST, &town.by()).await else {
        panic!("no agent");
    };
    let found = town.store.agents().one(id(&grant), Whose::Itself).await.unwrap().unwrap();
    let at: (Option<ProjectId>, _) = (found.project, found.place);
    assert_eq!(at, (Some(project.id), Some((org.slug, project.slug))));
}

/// Set, read by whoever it is for, resealed unless it was set meanwhile, and gone with its run.
pub(super) async fn secrets(store: Store) {
    let town = Town::new(store).await;
    let (zoe, other) = (town.user().await.id, town.user().await.id);
    let secrets = town.store.agent_secrets();
    let itself = async |grant: &Grant| {
        town.store.agents().one(id(grant), Whose::Itself).await.unwrap().unwrap()
    };
    let grant = town.agent(zoe, None, 1).await;
    let agent = itself(&grant).await;
    let child = itself(&town.agent(zoe, Some(&grant), 0).await).await;
    let stranger = itself(&town.agent(other, None, 0).await).await;
    let secret = |of: &SecretOf, sealed: &[u8]| {
        let (kind, which) = of.parts();
        let (kind, which, name) = (kind.to_owned(), which.to_owned(), "KEY".to_owned());
        SealedSecret { owner: zoe, kind, which, name, sealed: sealed.to_vec(), generation: 1 }
    };
    let by_name = SecretOf::Agent("builder".to_owned());
    let by_run = SecretOf::Run(agent.id.to_string());
    let read = async |agent: &crate::Agent| {
        let found = secrets.read(agent, "KEY", &town.by()).await.unwrap();
        found.map(|found| found.sealed)
    };
    assert_eq!(town.sees(Leaves::Nothing, read(&agent)).await, None);
    let by = town.by();
    let set = secrets.set(secret(&by_name, b"one"), 2, &by);
    town.sees(Leaves::Change, set).await.unwrap();
    assert_eq!(town.sees(Leaves::Change, read(&agent)).await, Some(b"one".to_vec()));
    assert_eq!(town.sees(Leaves::Nothing, read(&stranger)).await, None);
    // The child is called so too, but by its parent.
    assert_eq!((&*child.name, read(&child).await), ("builder", None));
    // What is for this run alone comes first; of a name and its agents there is one.
    for text in [b"old", b"two"] {
        secrets.set(secret(&by_run, text), 2, &town.by()).await.unwrap();
    }
    assert_eq!(read(&agent).await, Some(b"two".to_vec()));
    let by = town.by();
    let many = secrets.set(secret(&SecretOf::Agent("x".to_owned()), b"x"), 2, &by);
    assert!(town.sees(Leaves::Nothing, many).await.is_err());
    let now = town.by().at;
    let listed = secrets.of_owner(zoe, now).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|kept| kept.read_at.is_some()));
    assert_eq!(secrets.of_owner(other, now).await, Ok(Vec::new()));

    let old = secrets.older_than(2, 9).await.unwrap();
    assert_eq!(old.len(), 2);
    let reseal = secrets.reseal(&old[0], b"new".to_vec(), 2);
    assert_eq!(town.sees(Leaves::Nothing, reseal).await, Ok(true));
    assert_eq!(secrets.reseal(&old[0], b"late".to_vec(), 2).await, Ok(false), "it is newer");
    assert_eq!(secrets.older_than(2, 9).await.unwrap().len(), 1);
    let by = town.by();
    let not_hers = secrets.remove(other, ("name", "builder"), "KEY", &by);
    assert_eq!(town.sees(Leaves::Nothing, not_hers).await, Ok(false));
    let remove = secrets.remove(zoe, ("name", "builder"), "KEY", &by);
    assert_eq!(town.sees(Leaves::Change, remove).await, Ok(true));

    // What is for a run goes with it: the child's when its parent is stopped, and where nobody
    // stops it when it is over.
    let lasting = itself(&town.agent(zoe, None, 0).await).await;
    for of in [&child, &lasting].map(|agent| SecretOf::Run(agent.id.to_string())) {
        secrets.set(secret(&of, b"x"), 9, &town.by()).await.unwrap();
    }
    assert_eq!(secrets.forget(now).await, Ok(0));
    let by = town.by();
    let agents = town.store.agents();
    assert_eq!(agents.stop(agent.id, Whose::Owner(zoe), "enough", &by).await, Ok(true));
    let left = secrets.of_owner(zoe, now).await.unwrap();
    let left: Vec<_> = left.iter().map(|kept| &*kept.which).collect();
    assert_eq!(left, [lasting.id.to_string()]);
    assert_eq!(secrets.older_than(9, 9).await.unwrap().len(), 1, "they are gone, not hidden");
    let later = now + MINUTE * 15;
    assert_eq!(secrets.of_owner(zoe, later).await, Ok(Vec::new()));
    assert_eq!(town.sees(Leaves::Nothing, secrets.forget(later)).await, Ok(1));
}

/// What was started through a token is that token's alone, and ends with it.
pub(super) async fn brokers(store: Store) {
    let mirror = Mirror::of(&store);
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let agents = town.store.agents();
    let begin = async |broker| {
        let new = NewAgent { broker: Some(broker), ..town.new_agent(zoe, None, 1) };
        agents.begin(new, MOST, &town.by()).await.unwrap()
    };
    let (token, other) = (town.token(zoe).await, town.token(zoe).await);
    let Begin::Begun(ours) = begin(token.id).await else { panic!("no agent") };
    let Begin::Begun(theirs) = begin(other.id).await else { panic!("no agent") };
    let (child, hers) = (town.agent(zoe, Some(&ours), 0).await, town.agent(zoe, None, 0).await);
    let now = town.by().at;
    let listed = agents.of_owner((zoe, Some(token.id)), None, 9, (now, now)).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|agent| agent.id).collect();
    assert_eq!(listed, [id(&child), id(&ours)]);
    let through = Whose::Broker(zoe, token.id);
    let found = agents.one(id(&child), through).await.unwrap().unwrap();
    assert_eq!(found.broker, Some((token.id, token.name.clone())));
    for outside in [&theirs, &hers] {
        assert_eq!(agents.one(id(outside), through).await, Ok(None));
        let by = town.by();
        let renew = agents.renew(id(outside), through, by.at + MINUTE, &by);
        assert_eq!(town.sees(Leaves::Nothing, renew).await, Ok(Renew::Gone));
        let stop = agents.stop(id(outside), through, "x", &by);
        assert_eq!(town.sees(Leaves::Nothing, stop).await, Ok(false));
    }
    // A token that is rotated hands them over, and the one that is revoked takes them along.
    let (successor, by) = (town.successor(), town.by());
    let rotated = town.store.credentials().rotate(zoe, token.id, successor, None, &by).await;
    let Ok(Rotate::Done(token)) = rotated else { panic!("{rotated:?}") };
    assert!(agents.one(id(&ours), Whose::Broker(zoe, token.id)).await.unwrap().is_some());
    assert!(town.runs(ours.id).await);
    let (credentials, by) = (town.store.credentials(), town.by());
    let revoke = credentials.revoke(Some(zoe), token.id, "enough", &by);
    assert!(town.sees(Leaves::Revocation, revoke).await.is_ok());
    for (grant, runs) in [(&*ours, false), (&child, false), (&*theirs, true), (&hers, true)] {
        assert_eq!(town.runs(grant.id).await, runs);
    }
    assert_eq!(begin(token.id).await, Begin::Gone);
    mirror.shows(&town.store, town.by().at).await;
}

/// Nothing is left running that was started while its broker's token was revoked.
pub(super) async fn none_outlives_its_broker(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    for _ in 0..rounds {
        let token = town.token(zoe).await.id;
        let mut starting = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let town = town.clone();
            starting.spawn(async move {
                let new = NewAgent { broker: Some(token), ..town.new_agent(zoe, None, 0) };
                let grant = new.grant.id;
                let begun = town.store.agents().begin(new, 10_000, &town.by()).await.unwrap();
                (matches!(begun, Begin::Begun(_)), grant)
            });
        }
        let revoked = town.store.credentials().revoke(Some(zoe), token, "x", &town.by()).await;
        assert!(revoked.is_ok(), "{revoked:?}");
        for (begun, grant) in starting.join_all().await {
            assert!(!begun || !town.runs(grant).await, "an agent of a revoked token runs");
        }
    }
}
