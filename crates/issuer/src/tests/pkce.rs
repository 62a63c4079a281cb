//! B01–B08: Proof Key for Code Exchange.

use super::house::{CHALLENGE, House, VERIFIER, WEB, basic, changed, code_of, query, redirected};
use crate::admin::NewClient;
use crate::authorize::Authorize;

// proves: B01, B02, B03, B07, attack-8
#[tokio::test]
async fn a_request_has_a_challenge_that_can_be_answered() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.web().await;
    house
        .client(NewClient {
            id: "old-web".to_owned(),
            confidential: true,
            without_pkce: true,
            redirect_uris: vec![WEB.to_owned()],
            ..NewClient::default()
        })
        .await;
    let (cli, web, old) = ("hallpass-cli", "web", "old-web");
    let short = &CHALLENGE[1..];
    // Client, challenge, method, nonce; whether it is let through.
    let table = [
        (cli, CHALLENGE, "S256", "", true),
        (cli, "", "", "", false),
        (cli, "", "", "n", false),
        (cli, "", "S256", "", false),
        (cli, CHALLENGE, "", "", false),
        (cli, CHALLENGE, "plain", "", false),
        (cli, CHALLENGE, "s256", "", false),
        (cli, CHALLENGE, "S512", "", false),
        (cli, short, "S256", "", false),
        (cli, VERIFIER, "plain", "", false),
        (web, CHALLENGE, "S256", "", true),
        (web, "", "", "", false),
        (web, "", "", "n", false),
        (web, CHALLENGE, "plain", "n", false),
        (old, CHALLENGE, "S256", "", true),
        (old, "", "", "n", true),
        (old, "", "", "", false),
        (old, "", "S256", "n", false),
        (old, CHALLENGE, "plain", "n", false),
        (old, CHALLENGE, "", "n", false),
    ];
    for (client, challenge, method, nonce, good) in table {
        let row = format!("{client} {challenge:?} {method:?} {nonce:?}");
        let redirect = if client == cli { super::house::LOOPBACK } else { WEB };
        let changes = [
            ("client_id", client),
            ("redirect_uri", redirect),
            ("code_challenge", challenge),
            ("code_challenge_method", method),
            ("nonce", nonce),
        ];
        let answer = house.ask(Some(&ada), &changes).await;
        if good {
            assert!(matches!(answer, Ok(Authorize::Consent(_))), "{row}: {answer:?}");
        } else {
            assert_eq!(query(&redirected(answer))["error"], "invalid_request", "{row}");
        }
    }
}

// proves: B05, B06, B07, attack-8
#[tokio::test]
async fn a_verifier_that_does_not_answer_spends_the_code() {
    let house = House::new().await;
    let ada = house.ada().await;
    let long = "a".repeat(129);
    for wrong in [
        "a".repeat(43).as_str(),
        CHALLENGE,
        &VERIFIER[1..],
        &format!("{VERIFIER}="),
        &format!("{VERIFIER} "),
        &VERIFIER.to_lowercase(),
        &long,
        "é".repeat(43).as_str(),
        "x",
    ] {
        let code = house.code(&ada, &[]).await;
        assert_eq!(
            code_of(house.redeem(&code, &[("code_verifier", wrong)]).await),
            "invalid_grant"
        );
        assert_eq!(code_of(house.redeem(&code, &[]).await), "invalid_grant", "{wrong}");
    }
    // Who forgot it has guessed nothing, and may come again.
    let code = house.code(&ada, &[]).await;
    assert_eq!(code_of(house.redeem(&code, &[("code_verifier", "")]).await), "invalid_request");
    assert!(house.redeem(&code, &[]).await.is_ok());
}

// proves: B07, attack-8
#[tokio::test]
async fn a_verifier_without_a_challenge_is_a_downgrade() {
    let house = House::new().await;
    let ada = house.ada().await;
    let new = NewClient {
        id: "old-web".to_owned(),
        confidential: true,
        without_pkce: true,
        redirect_uris: vec![WEB.to_owned()],
        ..NewClient::default()
    };
    let secret = house.client(new).await.unwrap();
    let asked = [
        ("client_id", "old-web"),
        ("redirect_uri", WEB),
        ("nonce", "n"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let redeem = async |code: &str, verifier: &str| {
        let request = changed(
            &House::redeem_with(code),
            &[("client_id", "old-web"), ("redirect_uri", WEB), ("code_verifier", verifier)],
        );
        house.issuer.token(&request, basic("old-web", &secret), &super::house::home()).await
    };
    let code = house.code(&ada, &asked).await;
    assert_eq!(code_of(redeem(&code, VERIFIER).await), "invalid_grant");
    assert_eq!(code_of(redeem(&code, "").await), "invalid_grant", "spent");
    let code = house.code(&ada, &asked).await;
    assert!(redeem(&code, "").await.is_ok());
}

// proves: B08, attack-8
#[tokio::test]
async fn nothing_of_pkce_travels_in_a_redirect() {
    let house = House::new().await;
    let ada = house.ada().await;
    let answer = house.ask(Some(&ada), &[("state", VERIFIER)]).await;
    assert_eq!(query(&redirected(answer))["error"], "invalid_request");

    let request = changed(&House::ASK, &[]);
    let url = house.issuer.approve(&request, &ada, &super::house::home()).await.unwrap();
    assert_eq!(query(&url).into_keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
    assert!(!url.contains(CHALLENGE) && !url.contains(VERIFIER));
}
