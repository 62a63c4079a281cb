//! C13, E06, E11, attack 12: every event that revokes, against every credential.

use hallpass_core::Secret;
use hallpass_core::wire::oauth::DeviceAuthorization;

use super::house::{House, PASSWORD, changed, home};
use crate::device::DeviceDecision;
use crate::signin::SignedInCookie;
use crate::{ClientCredentials, SignedIn};

/// One of everything that Ada can hold, all of one client, each of a grant of its own.
struct Held {
    ada: SignedInCookie,
    elsewhere: SignedInCookie,
    access: Secret,
    refresh: Secret,
    /// Rotated a moment ago: within the grace it could be asked for again.
    rotated: Secret,
    code: String,
    device: DeviceAuthorization,
}

/// What is still good, in the order of [`NAMES`].
type Good = [bool; 8];
const NAMES: [&str; 8] = [
    "access token",
    "refresh token",
    "rotated refresh token",
    "code",
    "device code",
    "introspection",
    "this session",
    "other session",
];
const ALL: Good = [true; 8];

async fn hold(house: &House) -> Held {
    let ada = house.sign_in("ada@example.com").await;
    let elsewhere = house.sign_in("ada@example.com").await;
    let who = &ada.signed_in;
    let refresh = house.tokens(who).await.refresh_token.unwrap();
    let rotated = house.tokens(who).await.refresh_token.unwrap();
    house.refresh(&rotated, &[]).await.unwrap();
    let device = house.device(&[]).await.unwrap();
    house.decide(who, &device, DeviceDecision::Approve).await;
    Held {
        access: house.tokens(who).await.access_token,
        code: house.code(who, &[]).await,
        refresh,
        rotated,
        device,
        ada,
        elsewhere,
    }
}

async fn good(house: &House, held: &Held, api: &Secret) -> Good {
    let ask = changed(&[("token", held.access.expose())], &[]);
    let caller = super::house::basic("api", api);
    let live = async |cookie: &SignedInCookie| {
        house.issuer.session(cookie.cookie.expose()).await.unwrap().is_some()
    };
    [
        house.admits(&held.access).await
            && house.issuer.userinfo(held.access.expose()).await.is_ok(),
        house.refresh(&held.refresh, &[]).await.is_ok(),
        house.refresh(&held.rotated, &[]).await.is_ok(),
        house.redeem(&held.code, &[]).await.is_ok(),
        house.poll(&held.device, &[]).await.is_ok(),
        house.issuer.introspect(&ask, caller, &home()).await.unwrap().active,
        live(&held.ada).await,
        live(&held.elsewhere).await,
    ]
}

async fn after(event: impl AsyncFnOnce(&House, &Held)) -> (House, Good) {
    let house = House::new().await;
    house.ada().await;
    let api = house.api().await;
    let held = hold(&house).await;
    event(&house, &held).await;
    let good = good(&house, &held, &api).await;
    (house, good)
}

#[track_caller]
fn assert_good(good: Good, expected: Good) {
    for ((name, good), expected) in NAMES.iter().zip(good).zip(expected) {
        assert_eq!(good, expected, "{name}");
    }
}

// proves: C13, attack-12
#[tokio::test]
async fn nothing_happened() {
    assert_good(after(async |_, _| {}).await.1, ALL);
}

// proves: C13, E06, E11, attack-12
#[tokio::test]
async fn the_user_is_disabled() {
    let (house, good) = after(async |house, held| {
        let id = held.ada.signed_in.user.id;
        assert!(house.issuer.disable_user(id, "system").await.unwrap());
        assert!(!house.issuer.disable_user(id, "system").await.unwrap());
    })
    .await;
    assert_good(good, [false; 8]);
    let refused =
        house.issuer.sign_in("ada@example.com", &Secret::new(PASSWORD), None, &home()).await;
    assert!(matches!(refused, Err(crate::signin::SignInError::Wrong)));
}

// proves: C13, attack-12
#[tokio::test]
async fn the_user_is_disabled_and_enabled_again() {
    let (house, good) = after(async |house, held| {
        let id = held.ada.signed_in.user.id;
        house.issuer.disable_user(id, "system").await.unwrap();
        assert!(house.issuer.enable_user(id, "system").await.unwrap());
    })
    .await;
    assert_good(good, [false; 8]);
    house.sign_in("ada@example.com").await;
}

// proves: C13, E06, E11, attack-12
#[tokio::test]
async fn the_password_is_changed() {
    let new = Secret::new("another long password");
    let (house, good) = after(async |house, held| {
        let present = Secret::new(PASSWORD);
        let who = &held.ada.signed_in;
        house.issuer.change_password(who, &present, &new, &home()).await.unwrap();
    })
    .await;
    assert_good(good, [false, false, false, false, false, false, true, false]);
    let old = house.issuer.sign_in("ada@example.com", &Secret::new(PASSWORD), None, &home()).await;
    assert!(old.is_err());
    assert!(house.issuer.sign_in("ada@example.com", &new, None, &home()).await.is_ok());
}

// proves: C13, E11, attack-12
#[tokio::test]
async fn an_operator_sets_the_password() {
    let (_, good) = after(async |house, held| {
        let (id, new) = (held.ada.signed_in.user.id, Secret::new("set by the operator"));
        house.issuer.set_password(id, &new, "system").await.unwrap();
    })
    .await;
    assert_good(good, [false; 8]);
}

// proves: C13, E11, attack-12
#[tokio::test]
async fn the_client_is_disabled() {
    let (_, good) = after(async |house, _| {
        assert!(house.issuer.disable_client("hallpass-cli", "system").await.unwrap());
    })
    .await;
    assert_good(good, [false, false, false, false, false, false, true, true]);
}

// proves: E06, E11, attack-12
#[tokio::test]
async fn the_person_ends_everything_on_the_sessions_page() {
    let (_, good) = after(async |house, held| {
        let who = held.ada.signed_in.user.id;
        for session in house.issuer.sessions_of(who, None).await.unwrap() {
            assert!(house.issuer.end_session(who, &session.id, &home()).await.unwrap());
        }
    })
    .await;
    assert_good(good, [false; 8]);
}

// proves: E06, attack-12
#[tokio::test]
async fn the_browser_signs_out() {
    let (_, good) = after(async |house, held| {
        house.issuer.sign_out(&held.ada.signed_in, &home()).await.unwrap();
    })
    .await;
    // Programs are signed in by themselves, and listed by themselves.
    assert_good(good, [true, true, true, true, true, true, false, true]);
}

// proves: E05, E11, attack-12
#[tokio::test]
async fn revoking_the_grant_kills_its_unredeemed_codes() {
    let house = House::new().await;
    let ada = house.ada().await;
    let code = house.code(&ada, &[]).await;
    let device = house.device(&[]).await.unwrap();
    house.decide(&ada, &device, DeviceDecision::Approve).await;
    let listed = house.issuer.sessions_of(ada.user.id, None).await.unwrap();
    for program in listed.iter().filter(|session| session.id.starts_with("grt_")) {
        assert!(house.issuer.end_session(ada.user.id, &program.id, &home()).await.unwrap());
    }
    assert!(house.redeem(&code, &[]).await.is_err());
    assert!(house.poll(&device, &[]).await.is_err());
}

// proves: attack-12
#[tokio::test]
async fn nothing_is_approved_by_who_was_disabled_meanwhile() {
    let house = House::new().await;
    let ada = house.ada().await;
    let device = house.device(&[]).await.unwrap();
    house.issuer.disable_user(ada.user.id, "system").await.unwrap();
    let decided = house.decide(&ada, &device, DeviceDecision::Approve).await;
    assert_eq!(decided, crate::device::Decided::TooLate);
    assert!(house.issuer.approve(&changed(&House::ASK, &[]), &ada, &home()).await.is_err());
    let none = ClientCredentials::None;
    let poll = changed(
        &[("grant_type", super::house::DEVICE), ("client_id", "hallpass-cli")],
        &[("device_code", device.device_code.expose())],
    );
    assert!(house.issuer.token(&poll, none, &home()).await.is_err());
}

/// Only what belongs to one person ends with that person.
#[tokio::test]
async fn others_go_on() {
    let house = House::new().await;
    let ada = house.ada().await;
    let bob = house.person("bob@example.com").await;
    let tokens = house.tokens(&bob).await;
    let theirs: &SignedIn = &bob;
    house.issuer.disable_user(ada.user.id, "system").await.unwrap();
    assert!(house.admits(&tokens.access_token).await);
    let session = theirs.session.id.to_string();
    assert!(!house.issuer.end_session(ada.user.id, &session, &home()).await.unwrap());
    assert!(house.refresh(&tokens.refresh_token.unwrap(), &[]).await.is_ok());
}
