//! Trust in outside issuers: a token once, ids for good, and a policy's end.

use std::time::Duration;

use hallpass_core::Digest;
use hallpass_core::id::{TrustDeniedId, TrustId};
use hallpass_core::role::ProjectRole;
use hallpass_core::trust::{Changed, Pin};

use super::RACERS;
use super::mirror::Mirror;
use super::races::{count, race};
use super::town::{CLIENT, Leaves, MINUTE, Town};
use crate::{
    Admission, Admit, Error, JobGrant, NewDenied, NewTrust, Org, Project, Repin, Store,
    TrustDenied, TrustPolicy,
};

const DAY: Duration = Duration::from_secs(86_400);

impl Town {
    pub(super) fn new_trust(&self, org: &Org, project: &Project) -> NewTrust {
        NewTrust {
            id: TrustId::from_bits(self.token_id().to_bits()),
            org: org.id,
            project: project.id,
            issuer: "https://ci.example".to_owned(),
            platform: "github".to_owned(),
            conditions: "[]".to_owned(),
            pins: Vec::new(),
            pin_first_use: true,
            permissions: "runs:create".parse().unwrap(),
            ttl_seconds: 900,
            words: "everybody".to_owned(),
        }
    }

    fn admission(&self, policy: &TrustPolicy, once: Digest, repository: &str) -> Admission {
        Admission {
            policy: policy.id,
            once,
            once_until: self.by().at + MINUTE * 5,
            pins: vec![Pin {
                claim: "repository".to_owned(),
                name: "acme/warehouse".to_owned(),
                id_claim: "repository_id".to_owned(),
                id: repository.to_owned(),
            }],
            id: self.job_id(),
            client_id: CLIENT.to_owned(),
            role: ProjectRole::Collaborator,
            scope: "runs:create".parse().unwrap(),
            expires_at: self.by().at + MINUTE * 15,
            who: "acme/warehouse".to_owned(),
            subject: "repo:acme/warehouse:ref:refs/heads/main".to_owned(),
        }
    }

    async fn admitted(&self, policy: &TrustPolicy) -> JobGrant {
        let new = self.admission(policy, self.digest(), "200");
        let admitted = self.sees(Leaves::Change, self.store.trust().admit(new, &self.by())).await;
        let Ok(Admit::Done(job)) = admitted else { panic!("{admitted:?}") };
        *job
    }

    /// Whether the pass of a job is good now, but for its place.
    async fn job_runs(&self, job: &JobGrant) -> bool {
        let standing = self.store.trust().standing(job.id).await.unwrap().unwrap();
        standing.job.is_live(self.by().at) && !standing.client_disabled
    }
}

// proves: H06, H10, HP05, attack-16
pub(super) async fn life(store: Store) {
    let mirror = Mirror::of(&store);
    let town = Town::new(store).await;
    let org = town.org(town.user().await.id).await;
    let project = town.project(org.id).await;
    let trust = town.store.trust();
    let new = town.new_trust(&org, &project);
    let by = town.by();
    let policy = town.sees(Leaves::Change, trust.create(new, &by)).await.unwrap();
    assert_eq!(trust.of_issuer("https://ci.example").await.unwrap(), std::slice::from_ref(&policy));
    assert_eq!(trust.of_issuer("https://ci.example/").await.unwrap(), []);
    assert_eq!(trust.of(org.id, Some(project.id)).await.unwrap(), std::slice::from_ref(&policy));

    // A token is taken once, and the id behind a name stays.
    let once = town.digest();
    let (first, by) = (town.admission(&policy, once, "200"), town.by());
    let admitted = town.sees(Leaves::Change, trust.admit(first.clone(), &by)).await;
    let Ok(Admit::Done(job)) = admitted else { panic!("{admitted:?}") };
    assert_eq!((job.id, job.project, job.policy), (first.id, project.id, policy.id));
    assert!(town.job_runs(&job).await);
    let again = town.admission(&policy, once, "200");
    assert_eq!(trust.admit(again, &town.by()).await, Ok(Admit::Again));
    let other = town.admission(&policy, town.digest(), "201");
    assert_eq!(trust.admit(other, &town.by()).await, Ok(Admit::OtherId));
    let pins = trust.by_id(policy.id).await.unwrap().unwrap().pins;
    assert_eq!(pins.iter().map(|pin| pin.id.as_str()).collect::<Vec<_>>(), ["200"]);
    let listed = trust.exchanges(org.id, Some(project.id), None, 9).await.unwrap();
    assert_eq!(listed.iter().map(|it| (it.id, it.ended_at)).collect::<Vec<_>>(), [(job.id, None)]);

    // One is given back, and its like goes on.
    let other = town.admitted(&policy).await;
    let by = town.by();
    assert_eq!(town.sees(Leaves::Revocation, trust.end_job(other.id, &by)).await, Ok(true));
    assert!(!town.job_runs(&other).await && town.job_runs(&job).await);
    assert_eq!(trust.end_job(other.id, &town.by()).await, Ok(false));
    assert_eq!(trust.end_job(town.job_id(), &town.by()).await, Ok(false));
    mirror.shows(&town.store, town.by().at).await;

    // The name is somebody else's, and theirs all the same: by whoever names both ids.
    let (wrong, by) = (changed("199", "201"), town.by());
    let moved = town.sees(Leaves::Nothing, trust.repin(policy.id, &wrong, Vec::new(), &by)).await;
    assert_eq!(moved, Ok(Repin::Moved));
    let (right, by) = (changed("200", "201"), town.by());
    let done = town.sees(Leaves::Revocation, trust.repin(policy.id, &right, Vec::new(), &by)).await;
    assert_eq!(done, Ok(Repin::Done));
    assert!(!town.job_runs(&job).await, "it was whose the name was");
    let old = town.admission(&policy, town.digest(), "200");
    assert_eq!(trust.admit(old, &town.by()).await, Ok(Admit::OtherId));
    let again = town.admission(&policy, town.digest(), "201");
    let Ok(Admit::Done(job)) = trust.admit(again, &town.by()).await else { panic!("let in") };
    let gone = trust.repin(TrustId::from_bits(7), &right, Vec::new(), &town.by()).await;
    assert_eq!(gone, Ok(Repin::Gone));

    // With the policy its passes end, and nobody gets another.
    let by = town.by();
    assert_eq!(
        town.sees(Leaves::Revocation, trust.revoke(policy.id, Vec::new(), &by)).await,
        Ok(true)
    );
    assert!(!town.job_runs(&job).await);
    mirror.shows(&town.store, town.by().at).await;
    assert_eq!(trust.revoke(policy.id, Vec::new(), &town.by()).await, Ok(false));
    let late = town.admission(&policy, town.digest(), "200");
    assert_eq!(trust.admit(late, &town.by()).await, Ok(Admit::Gone));
    assert_eq!(trust.by_id(policy.id).await, Ok(None));
    let nowhere = NewTrust { org: town.org_id(), ..town.new_trust(&org, &project) };
    let missing = Err(Error::Missing("organization"));
    assert_eq!(trust.create(nowhere, &town.by()).await, missing);

    // A project that moves takes no pass along, and none outlives its time.
    let new = town.new_trust(&org, &project);
    let policy = trust.create(new, &town.by()).await.unwrap();
    let moved = town.admitted(&policy).await;
    let to = town.org(town.user().await.id).await;
    town.store.projects().transfer(project.id, org.id, to.id, &town.by()).await.unwrap();
    assert!(!town.job_runs(&moved).await);
    mirror.shows(&town.store, town.by().at).await;
}

/// Equal ones are counted, so many are kept, and old ones go.
pub(super) async fn denied(store: Store) {
    let town = Town::new(store).await;
    let org = town.org(town.user().await.id).await;
    let project = town.project(org.id).await;
    let trust = town.store.trust();
    let new = |fingerprint: Digest| NewDenied {
        id: TrustDeniedId::from_bits(town.token_id().to_bits()),
        org: org.id,
        project: Some(project.id),
        fingerprint,
        issuer: "https://ci.example".to_owned(),
        who: "acme/warehouse".to_owned(),
        why: "ref".to_owned(),
        alarm: false,
        claims: "{}".to_owned(),
    };
    let same = town.digest();
    for _ in 0..3 {
        let by = town.by();
        town.sees(Leaves::Nothing, trust.deny(new(same), &by)).await.unwrap();
    }
    let since = town.by().at - DAY;
    let listed = trust.denied(org.id, Some(project.id), since, None, 9).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.count).collect::<Vec<_>>(), [3]);
    assert_eq!(trust.denied_by_id(listed[0].id).await.unwrap().as_ref(), listed.first());
    assert_eq!(trust.alarms(org.id, None, since).await, Ok(Vec::new()));
    let alarm = NewDenied { alarm: true, ..new(town.digest()) };
    let id = alarm.id;
    trust.deny(alarm, &town.by()).await.unwrap();
    let alarms = trust.alarms(org.id, Some(project.id), since).await.unwrap();
    assert_eq!(alarms.iter().map(|it| it.id).collect::<Vec<_>>(), [id]);
    // What was no alarm when it was last tried is none, and the other way round.
    for alarm in [true, false] {
        let again = NewDenied { alarm, ..new(same) };
        trust.deny(again, &town.by()).await.unwrap();
        assert_eq!(trust.denied_by_id(listed[0].id).await.unwrap().unwrap().alarm, alarm);
    }
    // Page by page nothing is left out, also of what was at one time.
    for _ in 0..4 {
        trust.deny(new(town.digest()), &town.by()).await.unwrap();
    }
    let mut seen = Vec::new();
    while let Some(next) = {
        let before = seen.last().map(|it: &TrustDenied| (it.at, it.id));
        trust.denied(org.id, None, since, before, 1).await.unwrap().pop()
    } {
        seen.push(next);
    }
    let ids: std::collections::BTreeSet<_> = seen.iter().map(|it| it.id).collect();
    assert_eq!((seen.len(), ids.len()), (6, 6));
    let now = town.by().at;
    trust.forget(now + DAY, now).await.unwrap();
    assert_eq!(trust.denied(org.id, None, since, None, 9).await, Ok(Vec::new()));
}

fn changed(pinned: &str, found: &str) -> Changed {
    Changed {
        claim: "repository".to_owned(),
        name: "acme/warehouse".to_owned(),
        id_claim: "repository_id".to_owned(),
        pinned: pinned.to_owned(),
        found: found.to_owned(),
    }
}

/// What one policy has pinned counts for all of its organization and issuer that have not pinned
/// the name themselves.
// proves: attack-18
pub(super) async fn of_one_organization(store: Store) {
    let town = Town::new(store).await;
    let org = town.org(town.user().await.id).await;
    let (project, far) = (town.project(org.id).await, town.project(org.id).await);
    let trust = town.store.trust();
    let made = async |new: NewTrust| trust.create(new, &town.by()).await.unwrap();
    let first = made(town.new_trust(&org, &project)).await;
    let second = made(town.new_trust(&org, &project)).await;
    let third = made(town.new_trust(&org, &far)).await;
    let other = "https://ci.example.org".to_owned();
    let foreign = made(NewTrust { issuer: other, ..town.new_trust(&org, &project) }).await;
    let neighbour = town.org(town.user().await.id).await;
    let yard = town.project(neighbour.id).await;
    let theirs = made(town.new_trust(&neighbour, &yard)).await;
    let comes = async |policy: &TrustPolicy, id: &str| {
        let new = town.admission(policy, town.digest(), id);
        trust.admit(new, &town.by()).await.unwrap()
    };
    let pins = async |policy: &TrustPolicy| -> Vec<String> {
        let found = trust.by_id(policy.id).await.unwrap().unwrap();
        found.pins.into_iter().map(|pin| pin.id).collect()
    };
    assert!(matches!(comes(&first, "200").await, Admit::Done(_)));
    for policy in [&second, &third] {
        assert_eq!(comes(policy, "999").await, Admit::OtherId);
        assert_eq!(pins(policy).await, Vec::<String>::new(), "who is not let in pins nothing");
    }
    // Another issuer's names are other names, and another organization knows its own.
    assert!(matches!(comes(&foreign, "999").await, Admit::Done(_)));
    assert!(matches!(comes(&theirs, "999").await, Admit::Done(_)));
    assert!(matches!(comes(&second, "200").await, Admit::Done(_)));

    // Who manages one policy says whose the name is there; others go by their own.
    let says = async |policy: &TrustPolicy, pinned: &str, found: &str| {
        trust.repin(policy.id, &changed(pinned, found), Vec::new(), &town.by()).await.unwrap()
    };
    assert_eq!(says(&third, "998", "999").await, Repin::Moved);
    assert_eq!(says(&third, "200", "999").await, Repin::Done);
    assert_eq!(pins(&third).await, ["999"]);
    assert!(matches!(comes(&third, "999").await, Admit::Done(_)));
    assert_eq!(comes(&third, "200").await, Admit::OtherId);
    assert_eq!(comes(&first, "999").await, Admit::OtherId);
    // Now they disagree: another one takes neither, until somebody has said which.
    let fourth = made(town.new_trust(&org, &far)).await;
    assert_eq!(comes(&fourth, "200").await, Admit::OtherId);
    assert_eq!(comes(&fourth, "999").await, Admit::OtherId);
    assert!(trust.revoke(third.id, Vec::new(), &town.by()).await.unwrap());
    assert!(matches!(comes(&fourth, "200").await, Admit::Done(_)));
    // Two names at once: both have to be right, or neither is pinned.
    let fifth = made(town.new_trust(&org, &far)).await;
    let mut two = town.admission(&fifth, town.digest(), "999");
    let owner = Pin { name: "acme".to_owned(), ..two.pins[0].clone() };
    two.pins.insert(0, owner);
    assert_eq!(trust.admit(two, &town.by()).await, Ok(Admit::OtherId));
    assert_eq!(pins(&fifth).await, Vec::<String>::new());
}

/// Different ids for one name, each through a policy of its own, at the same time: one is pinned.
// proves: attack-18
pub(super) async fn one_id(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    for _ in 0..rounds {
        let org = town.org(town.user().await.id).await;
        let project = town.project(org.id).await;
        let mut policies = Vec::new();
        for _ in 0..RACERS {
            let new = town.new_trust(&org, &project);
            policies.push(town.store.trust().create(new, &town.by()).await.unwrap());
        }
        let answers = race(|racer| {
            let (store, by) = (town.store.clone(), town.by());
            let new = town.admission(&policies[racer], town.digest(), &racer.to_string());
            async move { store.trust().admit(new, &by).await.unwrap() }
        });
        assert_eq!(count(&answers.await, &Admit::OtherId), RACERS - 1);
        let kept = town.store.trust().of(org.id, None).await.unwrap();
        assert_eq!(kept.iter().map(|it| it.pins.len()).sum::<usize>(), 1);
    }
}

// proves: attack-16
pub(super) async fn once(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let org = town.org(town.user().await.id).await;
    let project = town.project(org.id).await;
    let new = town.new_trust(&org, &project);
    let policy = town.store.trust().create(new, &town.by()).await.unwrap();
    for _ in 0..rounds {
        let once = town.digest();
        let answers = race(|_| {
            let (store, by) = (town.store.clone(), town.by());
            let new = town.admission(&policy, once, "200");
            async move { store.trust().admit(new, &by).await.unwrap() }
        });
        let answers = answers.await;
        assert_eq!(count(&answers, &Admit::Again), RACERS - 1);
        assert_eq!(answers.iter().filter(|it| matches!(it, Admit::Done(_))).count(), 1);
    }
}
