//! A name that came back with another id, at every policy of an organization: also at those that
//! have not seen the name yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hallpass_core::trust::{Changed, Platform};
use hallpass_core::wire::trust::{DeniedExplained, Exchanged, NewTrustPolicy, TrustPolicy};
use hallpass_store::{Place, Store};
use serde_json::json;

use super::federation::{Ci, OTHER, brought, claims, header, process};
use super::house::{House, home};
use crate::federation::Refusal;
use crate::federation::policies::TrustError;
use crate::tokens::Actor;

const MAIN: &str = "repo:acme/warehouse:ref:refs/heads/main";
const PRODUCTION: &str = "repo:acme/warehouse:environment:production";

/// An organization that lets jobs in from [`OTHER`].
struct Yard {
    house: House,
    ci: Arc<Ci>,
    came: AtomicU32,
}

impl Yard {
    async fn new() -> Self {
        let (store, ci) = (Store::open(&Place::Memory).await.unwrap(), Ci::new());
        let house = process(&store, &ci, Duration::ZERO).await;
        let (issuer, operator, origin) = (&house.issuer, Actor::Operator, home());
        issuer.create_org("acme", None, None, &operator, &origin).await.unwrap();
        for project in ["warehouse", "far"] {
            issuer.create_project("acme", project, None, &operator, &origin).await.unwrap();
        }
        Self { house, ci, came: AtomicU32::new(0) }
    }

    async fn trusts(&self, project: &str, line: &str) -> Result<TrustPolicy, TrustError> {
        let new = NewTrustPolicy {
            line: Some(line.to_owned()),
            issuer: Some(OTHER.to_owned()),
            platform: Some(Platform::GitHub),
            permissions: "project:read".parse().unwrap(),
            ..NewTrustPolicy::default()
        };
        // Each is older than the next one.
        self.house.clock.pass(Duration::from_millis(1));
        let issuer = &self.house.issuer;
        issuer.create_trust(&Actor::Operator, "acme", project, new, &home()).await
    }

    /// A job of the repository with this id, at `refs/heads/…` or in an environment.
    async fn comes(&self, id: &str, at: &str) -> Result<Exchanged, Refusal> {
        let jti = self.came.fetch_add(1, Ordering::Relaxed).to_string();
        let mut said = claims(OTHER, &jti);
        said["repository_id"] = json!(id);
        match at.strip_prefix("refs/") {
            Some(_) => {
                said["ref"] = json!(at);
                said["sub"] = json!(format!("repo:acme/warehouse:ref:{at}"));
            }
            None => {
                said["environment"] = json!(at);
                said["ref"] = json!("refs/heads/release");
                said["sub"] = json!(format!("repo:acme/warehouse:environment:{at}"));
            }
        }
        let token = self.ci.sign(&header().to_string(), &said.to_string());
        self.house.issuer.exchange_outside(&brought(token), &home()).await
    }

    async fn is_denied(&self, id: &str, at: &str) {
        let answer = self.comes(id, at).await;
        assert!(matches!(answer, Err(Refusal::Denied)), "{id} {at}: {answer:?}");
    }

    /// Projects and reasons of the alarms there are.
    async fn alarms(&self) -> Vec<(String, String)> {
        let found = self.house.issuer.alarms(&Actor::Operator, "acme", None).await.unwrap();
        let mut all: Vec<_> =
            found.into_iter().map(|it| (it.project.unwrap_or_default(), it.why)).collect();
        all.sort();
        all
    }

    /// The denied exchange of a project whose job is told so.
    async fn explained(&self, project: &str, who: &str) -> DeniedExplained {
        let (issuer, operator) = (&self.house.issuer, Actor::Operator);
        let kept =
            issuer.denied_exchanges(&operator, "acme", Some(project), None, 100).await.unwrap();
        let found = kept.items.iter().find(|it| it.who.contains(who));
        let id = &found.unwrap_or_else(|| panic!("{who}: {kept:?}")).id;
        issuer.explain_denied(&operator, id, None).await.unwrap()
    }

    async fn pins(&self, policy: &TrustPolicy) -> Vec<String> {
        let found = self.house.issuer.trust(&Actor::Operator, &policy.id).await.unwrap();
        found.pins.into_iter().map(|pin| pin.id).collect()
    }
}

// proves: attack-18, HP05
#[tokio::test]
async fn a_name_that_came_back_gets_in_through_no_policy_of_the_organization() {
    let yard = Yard::new().await;
    let main = yard.trusts("warehouse", MAIN).await.unwrap();
    let production = yard.trusts("warehouse", PRODUCTION).await.unwrap();
    let far = yard.trusts("far", "repo:acme/warehouse:environment:staging").await.unwrap();
    yard.comes("200", "refs/heads/main").await.unwrap();
    for at in ["refs/heads/main", "production", "staging"] {
        yard.is_denied("999", at).await;
    }
    for policy in [&production, &far] {
        assert_eq!(yard.pins(policy).await, Vec::<String>::new(), "{}", policy.sentence);
    }
    // Each project whose policy would have taken it is told, and why.
    let why = "repository_id is 999, and acme/warehouse is pinned with 200.".to_owned();
    let told = yard.alarms().await;
    for project in ["far", "warehouse"] {
        assert!(told.contains(&(project.to_owned(), why.clone())), "{told:?}");
    }
    let listed = yard.house.issuer.trust_exchanges(&Actor::Operator, "acme", None, None, 9);
    let who = listed.await.unwrap().items.remove(0).who;
    assert_eq!(who, "acme/warehouse (id 200) refs/heads/main push");
    // The one that it always was is let in everywhere.
    yard.comes("200", "production").await.unwrap();
    assert_eq!(yard.pins(&production).await, ["200"]);

    // Who manages one project says that the new one is theirs. The other one goes by what it pins.
    let explained = yard.explained("far", "staging").await;
    let changed = explained.policies.iter().find(|it| it.id == far.id).unwrap().changed[0].clone();
    let issuer = &yard.house.issuer;
    issuer.repin_trust(&Actor::Operator, &far.id, &changed, &home()).await.unwrap();
    yard.comes("999", "staging").await.unwrap();
    yard.is_denied("200", "staging").await;
    yard.is_denied("999", "production").await;
    assert_eq!(yard.pins(&main).await, ["200"]);
    // They disagree: who comes to a policy that has not seen the name is let in by nobody's guess.
    let next = yard.trusts("far", "repo:acme/warehouse:environment:next").await.unwrap();
    yard.is_denied("200", "next").await;
    yard.is_denied("999", "next").await;
    issuer.revoke_trust(&Actor::Operator, &far.id, &home()).await.unwrap();
    yard.comes("200", "next").await.unwrap();
    assert_eq!(yard.pins(&next).await, ["200"]);
}

// proves: HP04
#[tokio::test]
async fn what_is_said_of_a_denied_job_begins_with_one_policy_and_is_about_that_job() {
    let yard = Yard::new().await;
    let main = yard.trusts("warehouse", MAIN).await.unwrap();
    let production = yard.trusts("warehouse", PRODUCTION).await.unwrap();
    yard.comes("200", "refs/heads/main").await.unwrap();
    yard.is_denied("200", "refs/heads/dev").await;
    let before = yard.explained("warehouse", "heads/dev").await;
    assert_eq!(
        before.denied.why,
        "ref is refs/heads/dev, and the nearest policy wants refs/heads/main."
    );
    assert_eq!(before.policies[0].id, main.id, "the oldest of those that are equally near");
    // Others coming under its name, and one policy that knows them, change nothing for it.
    yard.is_denied("999", "refs/heads/other").await;
    let [claim, name, id_claim, pinned, found] =
        ["repository", "acme/warehouse", "repository_id", "200", "999"].map(str::to_owned);
    let changed = Changed { claim, name, id_claim, pinned, found };
    let issuer = &yard.house.issuer;
    issuer.repin_trust(&Actor::Operator, &production.id, &changed, &home()).await.unwrap();
    let after = yard.explained("warehouse", "heads/dev").await;
    assert_eq!((after.settled, after.denied.alarm), (false, false));
    let least = after.least.unwrap().policy;
    assert_eq!(least.pins.iter().map(|pin| &*pin.id).collect::<Vec<_>>(), ["200"]);

    // The same once more is no second policy.
    let again = yard.trusts("warehouse", MAIN).await;
    assert!(
        matches!(&again, Err(TrustError::Exists(id)) if id.to_string() == main.id),
        "{again:?}"
    );
    yard.trusts("far", MAIN).await.unwrap();
}

// proves: HP05
#[tokio::test]
async fn a_typed_id_shuts_out_no_job_of_another_policy_and_contradicts_none_that_came() {
    let yard = Yard::new().await;
    let main = yard.trusts("warehouse", MAIN).await.unwrap();
    // Nobody ever came with it.
    let typed = |id: &str, at: &str| format!("repo:acme@100/warehouse@{id}:environment:{at}");
    yard.trusts("far", &typed("999", "staging")).await.unwrap();
    yard.comes("200", "refs/heads/main").await.unwrap();
    assert_eq!(yard.pins(&main).await, ["200"]);
    yard.is_denied("200", "staging").await;
    // From now on the name is known.
    let refused = yard.trusts("far", &typed("999", "next")).await.unwrap_err();
    assert!(matches!(refused, TrustError::Pinned { .. }), "{refused:?}");
    let said = refused.to_string();
    for part in [&*main.id, "acme/warehouse", "200", "999", "repin"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    yard.trusts("far", &typed("200", "next")).await.unwrap();
    yard.comes("200", "next").await.unwrap();
    // Whose policy somebody came through says it for all.
    let unseen = yard.trusts("far", PRODUCTION).await.unwrap();
    yard.is_denied("999", "production").await;
    assert_eq!(yard.pins(&unseen).await, Vec::<String>::new());
}

// proves: HP04
#[tokio::test]
async fn who_asks_for_one_project_after_the_other_is_kept_as_one() {
    let yard = Yard::new().await;
    yard.trusts("warehouse", MAIN).await.unwrap();
    for n in 0..20 {
        let jti = format!("asks-{n}");
        let token = yard.ci.sign(&header().to_string(), &claims(OTHER, &jti).to_string());
        let mut asked = brought(token);
        asked.project = Some(format!("acme/else{n}"));
        yard.house.issuer.exchange_outside(&asked, &home()).await.unwrap_err();
    }
    let issuer = &yard.house.issuer;
    let kept = issuer.denied_exchanges(&Actor::Operator, "acme", None, None, 100).await.unwrap();
    assert_eq!(kept.items.iter().map(|it| it.count).collect::<Vec<_>>(), [20]);
    assert!(kept.items[0].why.ends_with("it asked for acme/else19."), "{kept:?}");
}
