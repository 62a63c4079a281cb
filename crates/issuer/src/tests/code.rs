//! B09–B14: authorization codes are redeemed.

use std::time::Duration;

use super::house::{House, LOOPBACK, WEB, basic, changed, code_of, home};

// proves: B09, attack-9
#[tokio::test]
async fn a_second_use_is_refused_and_ends_what_came_of_the_first() {
    let house = House::new().await;
    let ada = house.ada().await;
    let code = house.code(&ada, &[]).await;
    let tokens = house.redeem(&code, &[]).await.unwrap();
    assert!(house.admits(&tokens.access_token).await);
    assert_eq!(code_of(house.redeem(&code, &[]).await), "invalid_grant");
    assert!(!house.admits(&tokens.access_token).await);
    assert_eq!(code_of(house.refresh(&tokens.refresh_token.unwrap(), &[]).await), "invalid_grant");
}

// proves: B09
#[tokio::test]
async fn a_second_use_is_noticed_after_the_code_has_expired() {
    let house = House::new().await;
    let ada = house.ada().await;
    let code = house.code(&ada, &[]).await;
    let tokens = house.redeem(&code, &[]).await.unwrap();
    house.pass(120);
    assert_eq!(code_of(house.redeem(&code, &[]).await), "invalid_grant");
    assert!(!house.admits(&tokens.access_token).await);
}

// proves: B10
#[tokio::test]
async fn a_code_lives_for_a_minute() {
    let house = House::new().await;
    assert!(house.issuer.config().code_ttl <= Duration::from_secs(60));
    let ada = house.ada().await;
    let code = house.code(&ada, &[]).await;
    house.pass(59);
    assert!(house.redeem(&code, &[]).await.is_ok());
    let code = house.code(&ada, &[]).await;
    house.pass(60);
    assert_eq!(code_of(house.redeem(&code, &[]).await), "invalid_grant");
}

// proves: B11, B12, attack-11
#[tokio::test]
async fn a_code_is_bound_and_a_wrong_hand_spends_nothing() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.other_cli().await;
    let code = house.code(&ada, &[]).await;
    let table: [(&[(&str, &str)], &str); 9] = [
        (&[("client_id", "other-cli")], "invalid_grant"),
        (&[("client_id", "nobody")], "invalid_client"),
        (&[("client_id", "")], "invalid_client"),
        (&[("redirect_uri", "http://127.0.0.1:4712/callback")], "invalid_grant"),
        (&[("redirect_uri", "http://127.0.0.1:4711/callback/")], "invalid_grant"),
        (&[("redirect_uri", "http://[::1]:4711/callback")], "invalid_grant"),
        (&[("redirect_uri", "")], "invalid_request"),
        (&[("resource", "https://elsewhere.example")], "invalid_target"),
        (&[("grant_type", "refresh_token"), ("refresh_token", "x")], "invalid_grant"),
    ];
    for (changes, error) in table {
        assert_eq!(code_of(house.redeem(&code, changes).await), error, "{changes:?}");
    }
    assert!(house.redeem(&code, &[]).await.is_ok(), "nothing was spent");
}

// proves: B11
#[tokio::test]
async fn a_confidential_clients_code_needs_its_secret() {
    let house = House::new().await;
    let ada = house.ada().await;
    let secret = house.web().await;
    let code = house.code(&ada, &[("client_id", "web"), ("redirect_uri", WEB)]).await;
    let request =
        changed(&House::redeem_with(&code), &[("client_id", "web"), ("redirect_uri", WEB)]);
    assert_eq!(code_of(house.token(&request).await), "invalid_client");
    assert!(house.issuer.token(&request, basic("web", &secret), &home()).await.is_ok());
}

// proves: B13, B14, attack-9
#[tokio::test(flavor = "multi_thread")]
async fn of_64_at_once_one_wins_and_the_grant_is_ended() {
    let house = std::sync::Arc::new(House::new().await);
    let ada = house.ada().await;
    for _ in 0..20 {
        let code = house.code(&ada, &[]).await;
        let tries: Vec<_> = (0..64)
            .map(|_| {
                let (house, code) = (house.clone(), code.clone());
                tokio::spawn(async move { house.redeem(&code, &[]).await })
            })
            .collect();
        let mut won = Vec::new();
        for attempt in tries {
            won.extend(attempt.await.unwrap().ok());
        }
        assert_eq!(won.len(), 1);
        assert!(!house.admits(&won[0].access_token).await, "reuse was noticed");
    }
}

#[tokio::test]
async fn what_is_no_code_is_refused_without_a_look_up() {
    let house = House::new().await;
    for code in ["x", "hp_ac_", "hp_rt_0123456789ABCDEFGHIJKLMNOPQRST3OurKA", "\u{0}", "é"] {
        assert_eq!(code_of(house.redeem(code, &[]).await), "invalid_grant", "{code:?}");
    }
    assert_eq!(code_of(house.redeem("", &[("redirect_uri", LOOPBACK)]).await), "invalid_request");
}
