//! The last tokens that look like an older system's.

use std::time::Duration;

use hallpass_core::brand::Brand;
use hallpass_core::role::ProjectRole;
use hallpass_core::wire::tokens::{CreatedLegacyToken, NewLegacyToken, NewToken};
use hallpass_store::{Place, Store};
use hallpass_verdict::{Ask, PlaceAsked};

use super::house::{API, House, config, home};
use crate::legacy::{MintError, Phase, Step};
use crate::tokens::Actor;
use crate::{Config, SignedIn};

/// A house in which an older system was, and somebody who owns `acme/site`.
async fn house(prefix: Option<&str>) -> (House, SignedIn) {
    let mut brand = Brand::hallpass();
    brand.tokens.legacy_prefix = prefix.map(str::to_owned);
    let store = Store::open(&Place::Memory).await.unwrap();
    let house = House::over(store, Config { brand, ..config() }).await;
    let (issuer, ada) = (&house.issuer, house.ada().await);
    let operator = Actor::Operator;
    issuer.create_org("acme", None, None, &operator, &home()).await.unwrap();
    issuer.create_project("acme", "site", None, &operator, &home()).await.unwrap();
    role(&house, "ada@example.com", ProjectRole::Owner).await;
    (house, ada)
}

async fn role(house: &House, who: &str, role: ProjectRole) {
    let (issuer, operator) = (&house.issuer, Actor::Operator);
    issuer.set_project_member(&operator, "acme", "site", who, role, &home()).await.unwrap();
}

async fn step(house: &House, phase: Phase) {
    let step = Step { phase: Some(phase), back: true, ..Step::default() };
    house.issuer.step_legacy(step, "system").await.unwrap();
}

async fn mint(
    house: &House,
    actor: &Actor<'_>,
    role: Option<ProjectRole>,
) -> Result<CreatedLegacyToken, MintError> {
    let new = NewLegacyToken { name: "nightly".to_owned(), role };
    house.issuer.mint_legacy(actor, ("acme", "site"), new, &home()).await
}

async fn publishes(house: &House, text: &str) -> bool {
    let place = PlaceAsked::Project { org: "acme", project: "site" };
    let ask = Ask { resource: None, place: Some(place) };
    let judged = house.issuer.check(text, &ask).await.unwrap();
    judged.is_ok_and(|decision| decision.may("project:publish"))
}

// proves: ST13, ST15
#[tokio::test]
async fn one_is_made_in_phase_a_and_in_no_other() {
    let (house, ada) = house(Some("stk_")).await;
    let ada = Actor::Person(&ada.user);
    let refused = mint(&house, &ada, None).await.unwrap_err().to_string();
    assert!(refused.contains("has not begun") && !house.issuer.mints_legacy(), "{refused}");
    step(&house, Phase::A).await;
    assert!(house.issuer.mints_legacy());
    let made = mint(&house, &ada, None).await.unwrap();
    assert!(
        made.value.expose().starts_with("stk_") && made.value.expose().ends_with(&made.last_four)
    );
    assert_eq!((&*made.project, made.role), ("acme/site", ProjectRole::Collaborator));
    assert!(publishes(&house, made.value.expose()).await);
    for phase in [Phase::B, Phase::C] {
        step(&house, phase).await;
        let refused = mint(&house, &ada, None).await.unwrap_err().to_string();
        assert!(refused.contains("not made any more") && !house.issuer.mints_legacy());
        assert!(publishes(&house, made.value.expose()).await, "what is there works on");
    }
    // An end that is set is that of new ones too, and after it there are none.
    step(&house, Phase::A).await;
    let end = house.issuer.now() + Duration::from_secs(60);
    let sunset = Step { sunset: Some(Some(end)), ..Step::default() };
    house.issuer.step_legacy(sunset, "system").await.unwrap();
    assert_eq!(mint(&house, &ada, None).await.unwrap().expires_at, Some(end));
    house.pass(60);
    assert!(matches!(mint(&house, &ada, None).await, Err(MintError::Over(_))));

    let audit = house.issuer.0.store.audit().page(None, 50).await.unwrap();
    let rows: Vec<_> = audit.iter().filter(|row| row.action == "legacy.create").collect();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().any(|row| row.subject == made.id));
    assert!(!format!("{audit:?}").contains(made.value.expose()));
}

#[tokio::test]
async fn where_no_older_system_was_none_is_made() {
    let (house, ada) = house(None).await;
    step(&house, Phase::A).await;
    let refused = mint(&house, &Actor::Person(&ada.user), None).await.unwrap_err();
    assert!(matches!(refused, MintError::Over(_)), "{refused}");
}

// proves: attack-50
#[tokio::test]
async fn only_who_is_signed_in_and_manages_the_tokens_there_makes_one() {
    let (house, ada) = house(Some("stk_")).await;
    let bo = house.person("bo@example.com").await;
    step(&house, Phase::A).await;
    let bo = Actor::Person(&bo.user);
    assert!(matches!(mint(&house, &bo, None).await, Err(MintError::Place(_))));
    for too_low in [ProjectRole::Viewer, ProjectRole::Collaborator] {
        role(&house, "bo@example.com", too_low).await;
        assert!(mint(&house, &bo, None).await.is_err());
    }
    // No token makes one, whatever it may do, and the one that was made neither.
    let person = Actor::Person(&ada.user);
    let scope = Some(["account", "tokens", "tokens:manage"].into_iter().collect());
    let new = NewToken { name: "ci".to_owned(), scope, ..NewToken::default() };
    let personal = house.issuer.create_token(&person, new, &home()).await.unwrap();
    let legacy = mint(&house, &person, Some(ProjectRole::Owner)).await.unwrap();
    for text in [&personal.value, &legacy.value] {
        let decision = house.issuer.verify(text.expose(), API).await.unwrap();
        assert!(mint(&house, &Actor::Bearer(&decision), None).await.is_err());
    }
    // A sign-in with the scope does.
    let signed_in = house.tokens(&ada).await;
    let decision = house.issuer.verify(signed_in.access_token.expose(), API).await.unwrap();
    assert!(mint(&house, &Actor::Bearer(&decision), None).await.is_ok());

    // It never may more than whoever made it may now.
    assert!(publishes(&house, legacy.value.expose()).await);
    role(&house, "ada@example.com", ProjectRole::Viewer).await;
    assert!(!publishes(&house, legacy.value.expose()).await);
    role(&house, "ada@example.com", ProjectRole::Owner).await;
    house.issuer.disable_user(ada.user.id, "system").await.unwrap();
    assert!(!publishes(&house, legacy.value.expose()).await);
}
