//! D01–D18: device authorization.

use std::sync::Arc;
use std::time::Duration;

use hallpass_core::PublicUrl;
use hallpass_core::user_code::{Grouping, UserCode};

use super::house::{API, DEVICE, House, basic, changed, code_of, config, from, home};
use crate::admin::NewClient;
use crate::device::{Decided, DeviceDecision, UserCodeError};
use crate::{ClientCredentials, Config, Issuer, Limits, MasterKey, StartError};

// proves: D01, D08, D09, D16
#[tokio::test]
async fn the_answer_holds_all_that_the_device_needs() {
    let house = House::new().await;
    let answer = house.device(&[]).await.unwrap();
    assert!(answer.device_code.expose().starts_with("hp_dc_"));
    assert_eq!(answer.device_code.expose().len(), "hp_dc_".len() + 36, "178 random bits");
    let shown = answer.user_code.expose();
    assert!(UserCode::parse(shown, &Grouping::default()).is_some() && shown.contains('-'));
    assert_eq!(answer.verification_uri, "http://localhost:8470/device");
    assert_eq!(
        answer.verification_uri_complete.unwrap(),
        format!("http://localhost:8470/device?user_code={shown}")
    );
    assert_eq!((answer.expires_in, answer.interval), (600, Some(5)));
    let metadata = house.issuer.metadata();
    assert_eq!(
        metadata.device_authorization_endpoint.unwrap(),
        "http://localhost:8470/oauth/device"
    );
    assert!(metadata.grant_types_supported.contains(&DEVICE.to_owned()));
}

// proves: D03
#[tokio::test]
async fn pending_then_approved_once() {
    let house = House::new().await;
    let ada = house.ada().await;
    let device = house.device(&[("scope", "openid account")]).await.unwrap();
    for _ in 0..3 {
        assert_eq!(code_of(house.poll(&device, &[]).await), "authorization_pending");
        house.pass(5);
    }
    assert_eq!(
        house.decide(&ada, &device, DeviceDecision::Approve).await,
        Decided::Approved { client_name: "hallpass".to_owned() }
    );
    let tokens = house.poll(&device, &[]).await.unwrap();
    assert_eq!(tokens.scope.unwrap().to_string(), "account openid");
    assert!(tokens.id_token.is_some());
    let decision = house.issuer.verify(tokens.access_token.expose(), API).await.unwrap();
    assert_eq!(decision.user().expect("a person"), ada.user.id);
    assert!(house.refresh(&tokens.refresh_token.unwrap(), &[]).await.is_ok());
}

// proves: D03
#[tokio::test]
async fn denied_expired_and_unknown() {
    let house = House::new().await;
    let ada = house.ada().await;
    let denied = house.device(&[]).await.unwrap();
    assert_eq!(
        house.decide(&ada, &denied, DeviceDecision::Deny).await,
        Decided::Denied { client_name: "hallpass".to_owned() }
    );
    assert_eq!(code_of(house.poll(&denied, &[]).await), "access_denied");

    let late = house.device(&[]).await.unwrap();
    let approved_late = house.device(&[]).await.unwrap();
    house.decide(&ada, &approved_late, DeviceDecision::Approve).await;
    house.pass(600);
    assert_eq!(code_of(house.poll(&late, &[]).await), "expired_token");
    assert_eq!(code_of(house.poll(&approved_late, &[]).await), "expired_token");

    for nothing in ["x", "hp_dc_x", "hp_rt_0123456789ABCDEFGHIJKLMNOPQRST3OurKA"] {
        assert_eq!(code_of(house.poll(&late, &[("device_code", nothing)]).await), "invalid_grant");
    }
    assert_eq!(code_of(house.poll(&late, &[("device_code", "")]).await), "invalid_request");
}

// proves: D04
#[tokio::test]
async fn who_polls_too_fast_waits_five_seconds_longer_for_good() {
    let house = House::new().await;
    let device = house.device(&[]).await.unwrap();
    assert_eq!(code_of(house.poll(&device, &[]).await), "authorization_pending");
    house.pass(4);
    assert_eq!(code_of(house.poll(&device, &[]).await), "slow_down", "interval is 10 now");
    house.pass(6);
    assert_eq!(code_of(house.poll(&device, &[]).await), "slow_down", "15 now");
    house.pass(15);
    assert_eq!(code_of(house.poll(&device, &[]).await), "authorization_pending");
    house.pass(14);
    assert_eq!(code_of(house.poll(&device, &[]).await), "slow_down", "20 now");
    house.pass(20);
    assert_eq!(code_of(house.poll(&device, &[]).await), "authorization_pending");
}

// proves: D05, attack-4
#[tokio::test]
async fn another_client_gets_nothing_and_slows_nobody_down() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.other_cli().await;
    let device = house.device(&[]).await.unwrap();
    assert_eq!(code_of(house.poll(&device, &[]).await), "authorization_pending");
    house.pass(5);
    for _ in 0..3 {
        let other = house.poll(&device, &[("client_id", "other-cli")]).await;
        assert_eq!(code_of(other), "invalid_grant");
    }
    assert_eq!(code_of(house.poll(&device, &[]).await), "authorization_pending");
    house.decide(&ada, &device, DeviceDecision::Approve).await;
    let other = house.poll(&device, &[("client_id", "other-cli")]).await;
    assert_eq!(code_of(other), "invalid_grant");
    house.pass(5);
    assert!(house.poll(&device, &[]).await.is_ok(), "the right one still works");
}

// proves: D06, attack-9
#[tokio::test(flavor = "multi_thread")]
async fn of_64_at_once_one_wins_and_the_grant_is_ended() {
    let house = Arc::new(House::new().await);
    let ada = house.ada().await;
    for _ in 0..20 {
        let device = Arc::new(house.device(&[]).await.unwrap());
        house.decide(&ada, &device, DeviceDecision::Approve).await;
        let tries: Vec<_> = (0..64)
            .map(|_| {
                let (house, device) = (house.clone(), device.clone());
                tokio::spawn(async move { house.poll(&device, &[]).await })
            })
            .collect();
        let mut won = Vec::new();
        for attempt in tries {
            won.extend(attempt.await.unwrap().ok());
        }
        assert_eq!(won.len(), 1);
        house.pass(60);
        assert_eq!(code_of(house.poll(&device, &[]).await), "invalid_grant");
        assert!(!house.admits(&won[0].access_token).await, "reuse was noticed");
    }
}

// proves: D10, D11, D12, attack-1
#[tokio::test]
async fn the_page_says_who_asks_from_where_and_looking_changes_nothing() {
    let house = House::new().await;
    let ada = house.ada().await;
    let device = house
        .device(&[
            ("scope", "openid"),
            ("hallpass_host", "laptop\u{202e}-7\x1b[31m"),
            ("hallpass_user", "ada"),
            ("hallpass_command", &"x".repeat(500)),
        ])
        .await
        .unwrap();
    house.pass(90);
    let typed = device.user_code.expose().to_lowercase().replace('-', " ");
    for _ in 0..3 {
        let shown = house.issuer.device_prompt(&ada, &typed, &home()).await.unwrap();
        assert_eq!(shown.grouped_code, device.user_code.expose());
        assert_eq!(
            (shown.client_name.as_str(), shown.client_id.as_str()),
            ("hallpass", "hallpass-cli")
        );
        assert_eq!(shown.reported.host.as_deref(), Some("laptop-7"));
        assert_eq!(shown.reported.user.as_deref(), Some("ada"));
        assert!(shown.reported.command.unwrap().chars().count() <= 81);
        assert_eq!(shown.address, Some("198.51.100.9".parse().unwrap()));
        assert_eq!(shown.same_network, Some(false));
        assert_eq!(
            (shown.age, shown.expires_in),
            (Duration::from_secs(90), Duration::from_secs(510))
        );
        assert_eq!(shown.scopes.len(), 1);
    }
    let near = house.issuer.device_prompt(&ada, &typed, &from("198.51.100.200")).await.unwrap();
    assert_eq!(near.same_network, Some(true));
    assert_eq!(code_of(house.poll(&device, &[]).await), "authorization_pending");
}

// proves: attack-1
#[tokio::test]
async fn behind_a_proxy_that_nobody_named_no_network_is_called_the_same() {
    let here = from("127.0.0.1");
    for (public_url, same) in [
        ("http://localhost:8470", Some(true)),
        ("https://localhost:8470", Some(true)),
        // Everybody comes from this machine there: by a proxy or a tunnel.
        ("https://id.example.com", None),
    ] {
        let public_url = PublicUrl::parse(public_url).unwrap();
        let house = House::with(Config { public_url, ..config() }).await;
        let ada = house.ada().await;
        let request = changed(&[("client_id", "hallpass-cli")], &[]);
        let none = ClientCredentials::None;
        let device = house.issuer.device_authorization(&request, none, &here).await.unwrap();
        let typed = device.user_code.expose();
        let shown = house.issuer.device_prompt(&ada, typed, &here).await.unwrap();
        assert_eq!(shown.same_network, same);
    }
}

#[tokio::test]
async fn what_was_decided_stays_decided() {
    let house = House::new().await;
    let ada = house.ada().await;
    let device = house.device(&[]).await.unwrap();
    house.decide(&ada, &device, DeviceDecision::Deny).await;
    let typed = device.user_code.expose();
    let again = house.issuer.device_decide(&ada, typed, DeviceDecision::Approve, &home()).await;
    assert!(matches!(again, Err(UserCodeError::Wrong)), "{again:?}");
    assert_eq!(code_of(house.poll(&device, &[]).await), "access_denied");
}

fn some_code(n: u32) -> String {
    let letters = b"BCDFGHJKLMNPQRSTVWXZ";
    let mut rest = n;
    (0..8)
        .map(|_| {
            let letter = char::from(letters[(rest % 20) as usize]);
            rest /= 20;
            letter
        })
        .collect()
}

// proves: D07, attack-3
#[tokio::test]
async fn wrong_codes_are_counted_per_account() {
    let house = House::new().await;
    let ada = house.ada().await;
    let bob = house.person("bob@example.com").await;
    let device = house.device(&[]).await.unwrap();
    let guess = async |who, n: u32, address: &str| {
        house.issuer.device_prompt(who, &some_code(n), &from(address)).await
    };
    // What cannot be a code at all is no guess.
    for typed in ["", "ABC", "WDJB-MJH", "12345678"] {
        let wrong = house.issuer.device_prompt(&ada, typed, &home()).await;
        assert!(matches!(wrong, Err(UserCodeError::Wrong)));
    }
    for n in 0..5 {
        let wrong = guess(&ada, n, &format!("203.0.{n}.1")).await;
        assert!(matches!(wrong, Err(UserCodeError::Wrong)), "{n}: {wrong:?}");
    }
    // Now even the right one is not looked at, from wherever.
    for decision in [DeviceDecision::Approve, DeviceDecision::Deny] {
        let typed = device.user_code.expose();
        let right = house.issuer.device_decide(&ada, typed, decision, &from("192.0.2.1")).await;
        assert!(matches!(right, Err(UserCodeError::TooMany { .. })), "{right:?}");
    }
    // Somebody else is not held up; nor is she, once the time is over.
    assert!(house.issuer.device_prompt(&bob, device.user_code.expose(), &home()).await.is_ok());
    house.pass(601);
    let ada = house.sign_in("ada@example.com").await.signed_in;
    let fresh = house.device(&[]).await.unwrap();
    assert!(house.issuer.device_prompt(&ada, fresh.user_code.expose(), &home()).await.is_ok());
}

// proves: D07, attack-3
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_guesses_at_once_are_no_more_than_the_limits() {
    let limits = Limits { user_code_global: 30, ..Limits::default() };
    let house = Arc::new(House::with(Config { limits, ..config() }).await);
    let mut people = Vec::new();
    for n in 0..20 {
        people.push(Arc::new(house.person(&format!("p{n}@example.com")).await));
    }
    // One network: 20 wrong ones. Everybody together: 30.
    let mut together = 0;
    for (address, most) in [(Some("203.0.113.1"), 20), (None, 30)] {
        let tries: Vec<_> = (0..1000)
            .map(|n: u32| {
                let (house, who) = (house.clone(), people[n as usize % people.len()].clone());
                let address =
                    address.map_or_else(|| format!("10.{}.{}.1", n / 250, n % 250), str::to_owned);
                tokio::spawn(async move {
                    let origin = from(&address);
                    house.issuer.device_prompt(&who, &some_code(n), &origin).await
                })
            })
            .collect();
        let mut looked = 0;
        for attempt in tries {
            match attempt.await.unwrap() {
                Err(UserCodeError::Wrong) => looked += 1,
                Err(UserCodeError::TooMany { retry_after }) => assert!(!retry_after.is_zero()),
                other => panic!("{other:?}"),
            }
        }
        assert!((1..=most).contains(&looked), "{looked} of at most {most}");
        together += looked;
    }
    assert!(together <= 30, "{together}");
}

// proves: D07, attack-3
#[tokio::test]
async fn no_more_wait_at_once_than_the_sums_allow() {
    let house = House::with(Config { device_max_live: 8, ..config() }).await;
    let ada = house.ada().await;
    let mut waiting = Vec::new();
    for n in 0..8 {
        let request = changed(&[("client_id", "hallpass-cli")], &[]);
        let origin = from(&format!("10.0.{n}.1"));
        let none = ClientCredentials::None;
        waiting.push(house.issuer.device_authorization(&request, none, &origin).await.unwrap());
    }
    let refused = house.device(&[]).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.status()), ("temporarily_unavailable", 503));
    assert!(refused.retry_after.is_some());
    house.decide(&ada, &waiting[0], DeviceDecision::Deny).await;
    assert!(house.device(&[]).await.is_ok(), "a decided one makes room");
    house.pass(601);
    assert!(house.device(&[]).await.is_ok(), "so does time");
}

// proves: D07, attack-3
#[tokio::test]
async fn a_server_whose_codes_could_be_guessed_does_not_start() {
    let limits = |user_code_global| Limits { user_code_global, ..Limits::default() };
    let table = [
        (config(), true),
        (Config { device_max_live: 426, ..config() }, true),
        (Config { device_max_live: 427, ..config() }, false),
        (Config { limits: limits(641), ..config() }, false),
        (Config { device_ttl: Duration::from_secs(601), ..config() }, false),
    ];
    for (config, starts) in table {
        let store = hallpass_store::Store::open(&hallpass_store::Place::Memory).await.unwrap();
        let clock = Arc::new(super::chance::Hourglass::new());
        let dice = Arc::new(super::chance::Dice::new());
        let started = Issuer::start(store, MasterKey::new([7; 32]), config, clock, dice).await;
        match started {
            Ok(_) => assert!(starts),
            Err(error @ StartError::GuessableUserCodes { .. }) => {
                assert!(!starts, "{error}");
                assert!(error.to_string().contains("use longer codes"));
            }
            Err(other) => panic!("{other}"),
        }
    }
}

// proves: D18
#[tokio::test]
async fn codes_are_kept_as_digests_only() {
    let house = House::new().await;
    let device = house.device(&[]).await.unwrap();
    let shown = format!("{:?}", device);
    assert!(!shown.contains(device.user_code.expose()) && !shown.contains("hp_dc_"));
    let rows = house.issuer.0.store.audit().page(None, 100).await.unwrap();
    let log = format!("{rows:?}");
    assert!(!log.contains(&device.user_code.expose().replace('-', "")));
    assert!(!log.contains(device.user_code.expose()) && !log.contains(device.device_code.expose()));
}

// proves: D15
#[tokio::test]
async fn the_flow_can_be_off_for_a_client() {
    let house = House::new().await;
    let new = NewClient {
        id: "no-device".to_owned(),
        redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
        grant_types: Some(vec!["authorization_code".to_owned(), "refresh_token".to_owned()]),
        ..NewClient::default()
    };
    house.client(new).await;
    let refused = house.device(&[("client_id", "no-device")]).await;
    assert_eq!(code_of(refused), "unauthorized_client");
}

#[tokio::test]
async fn the_request_is_checked_like_any_other() {
    let house = House::new().await;
    let secret = house
        .client(NewClient {
            id: "tv".to_owned(),
            confidential: true,
            grant_types: Some(vec![DEVICE.to_owned()]),
            ..NewClient::default()
        })
        .await
        .unwrap();
    for (changes, error) in [
        (("client_id", ""), "invalid_client"),
        (("client_id", "nobody"), "invalid_client"),
        (("client_id", "tv"), "invalid_client"),
        (("scope", "root"), "invalid_scope"),
        (("resource", "https://unknown.example"), "invalid_target"),
    ] {
        assert_eq!(code_of(house.device(&[changes]).await), error, "{changes:?}");
    }
    let request = changed(&[("scope", "openid")], &[]);
    let started = house.issuer.device_authorization(&request, basic("tv", &secret), &home()).await;
    assert!(started.is_ok());
}
