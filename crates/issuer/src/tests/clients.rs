//! C03–C08: client authentication.

use hallpass_core::Secret;

use super::house::{DEVICE, House, basic, changed, code_of, from, home};
use crate::ClientCredentials;

type Pairs<'a> = &'a [(&'a str, &'a str)];

const REFRESH: [(&str, &str); 2] = [("grant_type", "refresh_token"), ("refresh_token", "x")];

// proves: C03, C06
#[tokio::test]
async fn one_method_and_the_right_secret() {
    let house = House::new().await;
    let secret = house.web().await;
    let wrong = Secret::new("hp_cs_wrong");
    let none = || ClientCredentials::None;
    let right = secret.expose();
    // With the right client the refresh token is looked at, and refused.
    let past = "invalid_grant";
    let table: [(ClientCredentials, Pairs<'_>, &str); 21] = [
        (basic("web", &secret), &[], past),
        (basic("web", &secret), &[("client_id", "web")], past),
        (none(), &[("client_id", "web"), ("client_secret", right)], past),
        (none(), &[("client_id", "hallpass-cli")], past),
        (basic("hallpass-cli", &Secret::new("")), &[], past),
        (basic("web", &secret), &[("client_secret", right)], "invalid_request"),
        (
            basic("web", &secret),
            &[("client_id", "web"), ("client_secret", right)],
            "invalid_request",
        ),
        (basic("web", &secret), &[("client_id", "hallpass-cli")], "invalid_request"),
        (basic("web", &secret), &[("client_assertion", "x")], "invalid_request"),
        (
            none(),
            &[("client_id", "web"), ("client_secret", right), ("client_assertion", "x")],
            "invalid_request",
        ),
        (none(), &[("client_id", "web"), ("client_assertion", "x")], "invalid_client"),
        (none(), &[], "invalid_client"),
        (none(), &[("client_id", "web")], "invalid_client"),
        (none(), &[("client_id", "nobody")], "invalid_client"),
        (none(), &[("client_secret", right)], "invalid_client"),
        (basic("web", &wrong), &[], "invalid_client"),
        (basic("web", &Secret::new("")), &[], "invalid_client"),
        (basic("nobody", &secret), &[], "invalid_client"),
        (basic("hallpass-cli", &secret), &[], "invalid_client"),
        (none(), &[("client_id", "hallpass-cli"), ("client_secret", right)], "invalid_client"),
        (ClientCredentials::Unusable, &[("client_id", "hallpass-cli")], "invalid_client"),
    ];
    for (credentials, more, error) in table {
        let request = changed(&REFRESH, more);
        let row = format!("{credentials:?} {request:?}");
        let refused = house.issuer.token(&request, credentials, &home()).await.unwrap_err();
        assert_eq!(refused.code.as_str(), error, "{row}");
        if error == "invalid_client" {
            assert_eq!((refused.status(), refused.challenge().is_some()), (401, true), "{row}");
        }
    }
}

// proves: C05
#[tokio::test]
async fn wrong_secrets_are_counted_and_the_right_one_is_never_locked_out() {
    let house = House::new().await;
    let secret = house.web().await;
    let request = changed(&REFRESH, &[]);
    let present = async |secret: &Secret, address: &str| {
        let credentials = basic("web", secret);
        house.issuer.token(&request, credentials, &from(address)).await.unwrap_err()
    };
    let wrong = Secret::new("hp_cs_wrong");
    let limit = house.issuer.config().limits.client_per_network;
    for n in 0..limit {
        assert_eq!(present(&wrong, &format!("203.0.113.{n}")).await.status(), 401);
    }
    let refused = present(&wrong, "203.0.113.200").await;
    assert_eq!((refused.status(), refused.retry_after.is_some()), (429, true));
    // Another network counts by itself, and the right secret passes from anywhere.
    assert_eq!(present(&wrong, "198.51.100.1").await.status(), 401);
    assert_eq!(present(&secret, "203.0.113.200").await.code.as_str(), "invalid_grant");
    // It is over with the window.
    house.pass(house.issuer.config().limits.client_window.as_secs() + 1);
    assert_eq!(present(&wrong, "203.0.113.200").await.status(), 401);
}

// proves: C08
#[tokio::test]
async fn the_password_grant_and_unknown_ones_are_not_supported() {
    let house = House::new().await;
    house.web().await;
    for grant_type in ["password", "client_credentials", "implicit", "x", "Authorization_Code"] {
        let request = changed(
            &[("client_id", "hallpass-cli"), ("username", "ada"), ("password", "x")],
            &[("grant_type", grant_type)],
        );
        assert_eq!(code_of(house.token(&request).await), "unsupported_grant_type", "{grant_type}");
    }
    let nothing = changed(&[("client_id", "hallpass-cli")], &[]);
    assert_eq!(code_of(house.token(&nothing).await), "invalid_request");
}

// proves: D15
#[tokio::test]
async fn a_client_uses_only_its_own_grant_types() {
    let house = House::new().await;
    let secret = house.web().await;
    let request = changed(&[("grant_type", DEVICE), ("device_code", "x")], &[]);
    let refused = house.issuer.token(&request, basic("web", &secret), &home()).await;
    assert_eq!(code_of(refused), "unauthorized_client");
    let start = changed(&[("scope", "openid")], &[]);
    let refused = house.issuer.device_authorization(&start, basic("web", &secret), &home()).await;
    assert_eq!(code_of(refused), "unauthorized_client");
}
