//! Browser sessions, their list, and what their forms carry.

use hallpass_core::wire::api::SessionKind;

use super::house::{House, home};
use crate::device::DeviceDecision;
use crate::session::Current;

const DAY: u64 = 24 * 3600;

#[tokio::test]
async fn a_session_ends_when_idle_and_at_last() {
    let house = House::new().await;
    house.ada().await;
    let idle = house.sign_in("ada@example.com").await.cookie;
    let busy = house.sign_in("ada@example.com").await.cookie;
    let live = async |cookie: &hallpass_core::Secret| {
        house.issuer.session(cookie.expose()).await.unwrap().is_some()
    };
    for day in 1..30 {
        house.pass(DAY);
        assert!(live(&busy).await, "day {day}");
        // Written down once a minute, or not: use counts at once.
        if day % 5 == 0 {
            house.issuer.tend().await.unwrap();
        }
    }
    assert!(!live(&idle).await);
    house.pass(DAY);
    assert!(!live(&busy).await, "thirty days are over");
}

#[tokio::test]
async fn what_is_no_cookie_is_nobodys() {
    let house = House::new().await;
    house.ada().await;
    for cookie in ["", "x", "hp_ses_", "hp_ses_0123456789ABCDEFGHIJKLMNOPQRST3OurKA", "hp_rt_x"] {
        assert!(house.issuer.session(cookie).await.unwrap().is_none(), "{cookie}");
    }
}

#[tokio::test]
async fn everything_that_is_signed_in_is_listed_and_can_be_ended() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.pass(10);
    house.tokens(&ada).await;
    house.pass(10);
    let device = house.device(&[("hallpass_host", "laptop-7")]).await.unwrap();
    house.decide(&ada, &device, DeviceDecision::Approve).await;
    let who = ada.user.id;
    let current = Some(Current::Session(ada.session.id));
    let listed = house.issuer.sessions_of(who, current).await.unwrap();
    let kinds: Vec<_> = listed.iter().map(|session| session.kind).collect();
    assert_eq!(kinds, [SessionKind::Device, SessionKind::Program, SessionKind::Browser]);
    assert_eq!(listed[0].reported_host.as_deref(), Some("laptop-7"));
    assert_eq!(listed[0].address.as_deref(), Some("198.51.100.9"), "the device's own address");
    assert_eq!((listed[1].name.as_str(), listed[2].name.as_str()), ("hallpass", "Test/1.0"));
    assert_eq!(listed.iter().map(|s| s.current).collect::<Vec<_>>(), [false, false, true]);

    let bob = house.person("bob@example.com").await;
    for session in &listed {
        assert!(!house.issuer.end_session(bob.user.id, &session.id, &home()).await.unwrap());
        assert!(house.issuer.end_session(who, &session.id, &home()).await.unwrap());
        assert!(!house.issuer.end_session(who, &session.id, &home()).await.unwrap());
    }
    assert!(house.issuer.sessions_of(who, None).await.unwrap().is_empty());
    for nonsense in ["", "ses_", "grt_x", "usr_01", "ses_01JAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(!house.issuer.end_session(who, nonsense, &home()).await.unwrap(), "{nonsense}");
    }
}

#[tokio::test]
async fn last_use_is_noted_and_written_down() {
    let house = House::new().await;
    let ada = house.ada().await;
    let tokens = house.tokens(&ada).await;
    house.pass(120);
    assert!(house.admits(&tokens.access_token).await);
    house.issuer.tend().await.unwrap();
    let listed = house.issuer.sessions_of(ada.user.id, None).await.unwrap();
    let program = listed.iter().find(|session| session.kind == SessionKind::Program).unwrap();
    assert_eq!(program.last_used_at.unwrap().since(program.created_at).as_secs(), 120);
}

// proves: A23, D13
#[tokio::test]
async fn a_form_token_is_good_for_its_browser_and_purpose() {
    let house = House::new().await;
    let issuer = &house.issuer;
    let token = issuer.csrf_token("cookie", "device");
    assert!(issuer.csrf_holds("cookie", "device", &token));
    house.pass(60);
    assert_ne!(token, issuer.csrf_token("cookie", "device"), "a fresh one for each page");
    for (cookie, purpose) in
        [("other", "device"), ("cookie", "consent"), ("", "device"), ("cookiedevice", "")]
    {
        assert!(!issuer.csrf_holds(cookie, purpose, &token), "{cookie} {purpose}");
    }
    let (made, mac) = token.split_once('.').unwrap();
    let later = made.parse::<i64>().unwrap() + 1;
    for forged in [
        "",
        ".",
        "x",
        made,
        mac,
        &format!("{later}.{mac}"),
        &format!("{token}A"),
        &token[..token.len() - 1],
    ] {
        assert!(!issuer.csrf_holds("cookie", "device", forged), "{forged}");
    }
    house.pass(8 * 3600);
    assert!(!issuer.csrf_holds("cookie", "device", &token));
}
