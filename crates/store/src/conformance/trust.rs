//! Trust in outside issuers: a token once, ids for good, and a policy's end.

use std::time::Duration;

use hallpass_core::Digest;
use hallpass_core::id::{TrustDeniedId, TrustId};
use hallpass_core::role::ProjectRole;
use hallpass_core::trust::Pin;

use super::RACERS;
use super::races::{count, race};
use super::town::{Leaves, MINUTE, Town};
use crate::{
    Admission, Admit, Error, NewDenied, NewTrust, Org, Project, Store, TokenKind, TrustPolicy,
};

const DAY: Duration = Duration::from_secs(86_400);

impl Town {
    fn new_trust(&self, org: &Org, project: &Project) -> NewTrust {
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
            id: self.token_id(),
            digest: self.digest(),
            prefix: "hp_job_".to_owned(),
            last_four: "aB3d".to_owned(),
            role: ProjectRole::Collaborator,
            scope: "runs:create".parse().unwrap(),
            expires_at: self.by().at + MINUTE * 15,
            who: "acme/warehouse".to_owned(),
            subject: "repo:acme/warehouse:ref:refs/heads/main".to_owned(),
        }
    }
}

// proves: H06, H10, HP05, attack-16
pub(super) async fn life(store: Store) {
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
    let Ok(Admit::Done(pass)) = admitted else { panic!("{admitted:?}") };
    assert_eq!((pass.kind, pass.project_id), (TokenKind::Workload, Some(project.id)));
    assert!(town.admits(&pass).await);
    let again = town.admission(&policy, once, "200");
    assert_eq!(trust.admit(again, &town.by()).await, Ok(Admit::Again));
    let other = town.admission(&policy, town.digest(), "201");
    assert_eq!(trust.admit(other, &town.by()).await, Ok(Admit::OtherId));
    let pins = trust.by_id(policy.id).await.unwrap().unwrap().pins;
    assert_eq!(pins.iter().map(|pin| pin.id.as_str()).collect::<Vec<_>>(), ["200"]);
    let listed = trust.exchanges(org.id, Some(project.id), None, 9).await.unwrap();
    assert_eq!(listed.iter().map(|it| (it.id, it.ended_at)).collect::<Vec<_>>(), [(pass.id, None)]);

    // With the policy its passes end, and nobody gets another.
    let by = town.by();
    assert_eq!(town.sees(Leaves::Revocation, trust.revoke(policy.id, &by)).await, Ok(true));
    assert!(!town.admits(&pass).await);
    assert_eq!(trust.revoke(policy.id, &town.by()).await, Ok(false));
    let late = town.admission(&policy, town.digest(), "200");
    assert_eq!(trust.admit(late, &town.by()).await, Ok(Admit::Gone));
    assert_eq!(trust.by_id(policy.id).await, Ok(None));
    let nowhere = NewTrust { org: town.org_id(), ..town.new_trust(&org, &project) };
    let missing = Err(Error::Missing("organization"));
    assert_eq!(trust.create(nowhere, &town.by()).await, missing);
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
    let now = town.by().at;
    trust.forget(now + DAY, now).await.unwrap();
    assert_eq!(trust.denied(org.id, None, since, None, 9).await, Ok(Vec::new()));
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
