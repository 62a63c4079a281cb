//! G07–G09, C11: what tokens are made out for.

use super::house::{API, House, changed, code_of, home, params};
use crate::ClientCredentials;

const SHOP: &str = "https://shop.example/api";
const MAIL: &str = "https://mail.example";

async fn house() -> House {
    let house = House::new().await;
    for uri in [SHOP, MAIL] {
        house.issuer.register_resource(uri, uri, None, "system").await.unwrap();
    }
    house
}

async fn code_for(house: &House, resources: &[&str]) -> String {
    let ada = house.sign_in("ada@example.com").await.signed_in;
    let mut pairs = House::ASK.to_vec();
    pairs.extend(resources.iter().map(|uri| ("resource", *uri)));
    let url = house.issuer.approve(&params(&pairs), &ada, &home()).await.unwrap();
    super::house::query(&url)["code"].clone()
}

async fn audience(house: &House, token: &hallpass_core::Secret) -> Vec<String> {
    let mut found = Vec::new();
    for uri in [API, SHOP, MAIL] {
        if house.issuer.verify(token.expose(), uri).await.is_ok() {
            found.push(uri.to_owned());
        }
    }
    found
}

// proves: G08, G09
#[tokio::test]
async fn a_token_is_good_where_it_was_asked_for_and_nowhere_else() {
    let house = house().await;
    house.ada().await;
    for (asked, good) in [
        (&[][..], &[API][..]),
        (&[SHOP], &[SHOP]),
        (&[SHOP, MAIL], &[SHOP, MAIL]),
        (&[MAIL, MAIL], &[MAIL]),
    ] {
        let code = code_for(&house, asked).await;
        let tokens = house.redeem(&code, &[]).await.unwrap();
        assert_eq!(audience(&house, &tokens.access_token).await, good, "{asked:?}");
        let own = house.issuer.userinfo(tokens.access_token.expose()).await;
        assert_eq!(own.is_ok(), good.contains(&API));
    }
}

// proves: G08, C11
#[tokio::test]
async fn a_token_request_may_narrow_and_not_widen() {
    let house = house().await;
    house.ada().await;
    let code = code_for(&house, &[SHOP, MAIL]).await;
    for (wider, error) in [
        (API, "invalid_target"),
        ("https://shop.example/api/", "invalid_target"),
        ("https://shop.example", "invalid_target"),
        ("shop", "invalid_target"),
        ("https://shop.example/api#x", "invalid_target"),
    ] {
        assert_eq!(code_of(house.redeem(&code, &[("resource", wider)]).await), error, "{wider}");
    }
    let tokens = house.redeem(&code, &[("resource", SHOP)]).await.unwrap();
    assert_eq!(audience(&house, &tokens.access_token).await, [SHOP]);
    // The refresh token keeps what was granted.
    let refresh = tokens.refresh_token.unwrap();
    assert_eq!(code_of(house.refresh(&refresh, &[("resource", API)]).await), "invalid_target");
    let next = house.refresh(&refresh, &[("resource", MAIL)]).await.unwrap();
    assert_eq!(audience(&house, &next.access_token).await, [MAIL]);
    let both = house.refresh(&next.refresh_token.unwrap(), &[]).await.unwrap();
    assert_eq!(audience(&house, &both.access_token).await, [SHOP, MAIL]);
}

// proves: G07, G08
#[tokio::test]
async fn the_device_flow_too() {
    let house = house().await;
    let ada = house.ada().await;
    assert_eq!(code_of(house.device(&[("resource", "https://x.example")]).await), "invalid_target");
    let device = house.device(&[("resource", SHOP)]).await.unwrap();
    let shown = house.issuer.device_prompt(&ada, device.user_code.expose(), &home()).await.unwrap();
    assert_eq!(shown.resources, [SHOP]);
    house.decide(&ada, &device, crate::device::DeviceDecision::Approve).await;
    assert_eq!(code_of(house.poll(&device, &[("resource", MAIL)]).await), "invalid_target");
    house.pass(5);
    let tokens = house.poll(&device, &[]).await.unwrap();
    assert_eq!(audience(&house, &tokens.access_token).await, [SHOP]);
}

// proves: E08, G09
#[tokio::test]
async fn introspection_answers_for_the_callers_resources_only() {
    let house = house().await;
    house.ada().await;
    let shop = house
        .client(crate::admin::NewClient {
            id: "shop".to_owned(),
            confidential: true,
            resources: Some(vec![SHOP.to_owned()]),
            ..Default::default()
        })
        .await
        .unwrap();
    for (asked, seen) in
        [(&[SHOP][..], true), (&[SHOP, MAIL], true), (&[MAIL], false), (&[], false)]
    {
        let code = code_for(&house, asked).await;
        let tokens = house.redeem(&code, &[]).await.unwrap();
        let ask = changed(&[("token", tokens.access_token.expose())], &[]);
        let said = house.issuer.introspect(&ask, super::house::basic("shop", &shop), &home()).await;
        assert_eq!(said.unwrap().active, seen, "{asked:?}");
    }
    let public = changed(&[("client_id", "hallpass-cli"), ("token", "x")], &[]);
    let refused = house.issuer.introspect(&public, ClientCredentials::None, &home()).await;
    assert_eq!(code_of(refused), "invalid_client");
}
