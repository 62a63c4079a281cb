//! Keys of projects and organizations, and being told in time.

use std::time::Duration;

use hallpass_core::wire::keys::NewKey;
use hallpass_core::wire::tokens::{NewToken, RotateToken};
use hallpass_verdict::{Ask, PlaceAsked, Refusal};

use super::house::{House, home};
use super::mail::Pigeon;
use crate::SignedIn;
use crate::keys::KeyError;
use crate::tokens::{Actor, TokenError};

const DAY: u64 = 86_400;
const TOOLS: PlaceAsked<'_> = PlaceAsked::Project { org: "lab", project: "tools" };

/// Ada, who owns `lab` with the project `tools`.
async fn lab(house: &House) -> SignedIn {
    let ada = house.ada().await;
    let actor = Actor::Person(&ada.user);
    house.issuer.create_org("lab", None, None, &actor, &home()).await.unwrap();
    house.issuer.create_project("lab", "tools", None, &actor, &home()).await.unwrap();
    ada
}

fn called(name: &str) -> NewKey {
    NewKey { name: name.to_owned(), ..NewKey::default() }
}

async fn check(house: &House, key: &str) -> Result<Vec<String>, Refusal> {
    let ask = Ask { resource: None, place: Some(TOOLS) };
    let judged = house.issuer.check(key, &ask).await.unwrap();
    judged.map(|it| it.place.map(|it| it.permissions.iter().cloned().collect()).unwrap_or_default())
}

// proves: HP06
#[tokio::test]
async fn of_both_generations_the_last_use_is_known() {
    let house = House::new().await;
    let ada = lab(&house).await;
    let actor = Actor::Person(&ada.user);
    let first =
        house.issuer.create_key(&actor, "lab", Some("tools"), called("ci"), &home()).await.unwrap();
    assert_eq!(
        check(&house, first.value.expose()).await.unwrap(),
        ["project:publish", "project:read"]
    );
    house.pass(60);
    let week = Duration::from_secs(7 * DAY);
    let second = house.issuer.rotate_key(&actor, &first.key.id, week, &home()).await.unwrap();
    house.pass(DAY);
    assert!(check(&house, first.value.expose()).await.is_ok());
    house.issuer.tend().await.unwrap();
    let listed = house.issuer.keys_of(&actor, "lab", None, None, 9).await.unwrap().items;
    let seen: Vec<_> = listed
        .iter()
        .map(|key| (&*key.id, key.overlap_until.is_some(), key.last_used_at.is_some()))
        .collect();
    assert_eq!(
        seen,
        [(&*second.key.id, false, false), (&*first.key.id, true, true)],
        "the old one is still used"
    );
    house.pass(6 * DAY);
    assert_eq!(check(&house, first.value.expose()).await, Err(Refusal::Expired));
    assert!(check(&house, second.value.expose()).await.is_ok());
}

/// As long again, or as long as somebody says; a key that rotates itself stays within its own end.
// proves: HP06
#[tokio::test]
async fn a_successor_lives_as_long_as_the_one_before_or_as_was_said() {
    let house = House::new().await;
    let ada = lab(&house).await;
    let actor = Actor::Person(&ada.user);
    let days = |days: u64| house.issuer.now() + Duration::from_secs(days * DAY);
    let first =
        house.issuer.create_key(&actor, "lab", Some("tools"), called("ci"), &home()).await.unwrap();
    house.pass(80 * DAY);
    let rotate = async |id: &str, expires_at| {
        let how = RotateToken { expires_at, ..RotateToken::default() };
        house.issuer.rotate_key(&actor, id, how, &home()).await.map(|made| made.key)
    };
    let second = rotate(&first.key.id, None).await.unwrap();
    assert_eq!(second.expires_at, Some(days(90)));
    let past = rotate(&second.id, Some(Some(days(0)))).await.unwrap_err();
    assert!(matches!(past, KeyError::Token(TokenError::Invalid { .. })), "{past}");
    let third = rotate(&second.id, Some(Some(days(180)))).await.unwrap();
    assert_eq!(third.expires_at, Some(days(180)));
    assert_eq!(rotate(&third.id, Some(None)).await.unwrap().expires_at, None);
}

// proves: RB07
#[tokio::test]
async fn a_key_ends_in_90_days_unless_something_else_is_said_and_never_without_a_word() {
    let house = House::new().await;
    let ada = lab(&house).await;
    let actor = Actor::Person(&ada.user);
    let make =
        async |project, new| house.issuer.create_key(&actor, "lab", project, new, &home()).await;
    let usual = make(Some("tools"), called("usual")).await.unwrap();
    let (ends, now) = (usual.key.expires_at.unwrap(), house.issuer.now());
    assert_eq!(ends.since(now).as_secs(), 90 * DAY);
    let never = make(None, NewKey { expires_at: Some(None), ..called("never") }).await.unwrap();
    assert_eq!(never.key.expires_at, None);
    house.pass(90 * DAY);
    assert_eq!(check(&house, usual.value.expose()).await, Err(Refusal::Expired));
    assert!(check(&house, never.value.expose()).await.is_ok());
    let again = make(None, called("never")).await;
    assert!(matches!(again, Err(KeyError::NameTaken)), "{again:?}");
    make(Some("tools"), called("usual")).await.expect("the name of an expired key is free");
}

// proves: HP12
#[tokio::test]
async fn whose_credential_ends_is_told_at_14_3_and_0_days_once_each() {
    let house = House::new().await;
    let ada = lab(&house).await;
    let bo = house.person("bo@example.com").await;
    let actor = Actor::Person(&ada.user);
    let in_days = |days: u64| Some(house.issuer.now() + Duration::from_secs(days * DAY));
    let token = async |who: &SignedIn, name: &str, days: u64| {
        let new =
            NewToken { name: name.to_owned(), expires_at: in_days(days), ..NewToken::default() };
        house.issuer.create_token(&Actor::Person(&who.user), new, &home()).await.unwrap();
    };
    token(&bo, "deploy", 20).await;
    token(&bo, "for a week", 7).await;
    house.issuer.create_key(&actor, "lab", Some("tools"), called("ci"), &home()).await.unwrap();
    // Without mail nothing is told, and nothing counts as told.
    house.pass(5 * DAY);
    house.issuer.tend().await.unwrap();
    let pigeon = Pigeon::of(&house);
    let told = async || {
        for _ in 0..2 {
            house.issuer.tend().await.unwrap();
        }
        let mut told: Vec<String> = pigeon
            .carried(&house)
            .await
            .into_iter()
            .map(|(to, subject)| {
                format!("{} {}", to.split('@').next().unwrap(), subject.split('"').nth(1).unwrap())
            })
            .collect();
        told.sort_unstable();
        told.join(", ")
    };
    // It was made for 7 days, and has 2 left.
    assert_eq!(told().await, "bo for a week");
    house.pass(DAY);
    assert_eq!(told().await, "bo deploy, bo for a week", "14 days and 1 day");
    assert_eq!(told().await, "");
    // All servers were down: of what was missed only the last is told.
    house.pass(14 * DAY);
    assert_eq!(told().await, "bo deploy");
    house.pass(57 * DAY);
    assert_eq!(told().await, "ada ci", "the owners of the project");
    house.pass(10 * DAY);
    assert_eq!(told().await, "ada ci");
    house.pass(2 * DAY);
    assert_eq!(told().await, "ada ci");
    house.pass(30 * DAY);
    assert_eq!(told().await, "");
}
