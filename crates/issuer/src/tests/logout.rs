//! I13: RP-Initiated Logout.

use super::house::{House, WEB, basic, changed, home, params};
use crate::logout::Logout;

const BYE: &str = "https://app.example.com/bye";

// proves: I13
#[tokio::test]
async fn only_a_good_hint_signs_out_without_asking_and_only_a_registered_uri_is_followed() {
    let house = House::new().await;
    house.ada().await;
    let bob = house.person("bob@example.com").await;
    let secret = house.web().await;
    house.other_cli().await;
    let hint_for = async |who| {
        let code = house.code(who, &[("client_id", "web"), ("redirect_uri", WEB)]).await;
        let redeem =
            changed(&House::redeem_with(&code), &[("client_id", ""), ("redirect_uri", WEB)]);
        let tokens = house.issuer.token(&redeem, basic("web", &secret), &home()).await.unwrap();
        tokens.id_token.unwrap().expose().to_owned()
    };
    let ada = house.sign_in("ada@example.com").await.signed_in;
    let hint = hint_for(&ada).await;
    let bobs = hint_for(&bob).await;
    let cli = house.tokens(&ada).await;
    let clis = cli.id_token.unwrap().expose().to_owned();
    let access = cli.access_token.expose().to_owned();
    let (signed, _) = hint.rsplit_once('.').unwrap();
    let modified = format!("{signed}.AAAA");
    house.pass(7200);

    let to_bye = Some(BYE);
    // Hint, client_id, redirect URI; whether the person is asked; where it leads.
    let table: [(&str, &str, &str, bool, Option<&str>); 14] = [
        (&hint, "", "", false, None),
        (&hint, "", BYE, false, to_bye),
        (&hint, "web", BYE, false, to_bye),
        (&hint, "", "https://app.example.com/bye/", false, None),
        (&hint, "", "https://evil.example/bye", false, None),
        (&hint, "", WEB, false, None),
        (&hint, "other-cli", BYE, true, None),
        (&clis, "", BYE, false, None),
        (&bobs, "", BYE, true, to_bye),
        (&modified, "", BYE, true, None),
        (&access, "", BYE, true, None),
        ("nonsense", "", BYE, true, None),
        ("", "", "", true, None),
        ("", "web", BYE, true, None),
    ];
    for (hint, client, uri, asks, leads) in table {
        let row = format!("{client} {uri} {asks}");
        let ada = house.sign_in("ada@example.com").await;
        let who = Some(&ada.signed_in);
        let request = params(&[
            ("id_token_hint", hint),
            ("client_id", client),
            ("post_logout_redirect_uri", uri),
        ]);
        let live = async || house.issuer.session(ada.cookie.expose()).await.unwrap().is_some();
        let mut answer = house.issuer.logout(&request, who, &home()).await.unwrap();
        if let Logout::Ask { request, client_name } = answer {
            assert!(asks, "{row}");
            assert!(live().await, "{row}: nothing happened yet");
            assert_eq!(client_name.is_some(), !client.is_empty(), "{row}");
            answer = house.issuer.logout_confirmed(&request, who, &home()).await.unwrap();
        } else {
            assert!(!asks, "{row}");
        }
        let Logout::SignedOut { redirect } = answer else { panic!("{row}: asked twice") };
        assert_eq!(redirect.as_deref(), leads, "{row}");
        assert!(!live().await, "{row}");
    }
}

// proves: I13
#[tokio::test]
async fn state_comes_back_and_a_stranger_is_only_sent_on() {
    let house = House::new().await;
    let ada = house.ada().await;
    let secret = house.web().await;
    let code = house.code(&ada, &[("client_id", "web"), ("redirect_uri", WEB)]).await;
    let redeem = changed(&House::redeem_with(&code), &[("client_id", ""), ("redirect_uri", WEB)]);
    let tokens = house.issuer.token(&redeem, basic("web", &secret), &home()).await.unwrap();
    let hint = tokens.id_token.unwrap();
    let request = params(&[
        ("id_token_hint", hint.expose()),
        ("post_logout_redirect_uri", BYE),
        ("state", "a b&c"),
        ("ui_locales", "de"),
        ("logout_hint", "ada"),
    ]);
    let answer = house.issuer.logout(&request, None, &home()).await.unwrap();
    let Logout::SignedOut { redirect: Some(url) } = answer else { panic!("{answer:?}") };
    assert_eq!(url, format!("{BYE}?state=a+b%26c"));
    let answer = house.issuer.logout(&params(&[]), None, &home()).await.unwrap();
    assert!(matches!(answer, Logout::SignedOut { redirect: None }));
    assert!(
        house
            .issuer
            .sessions_of(ada.user.id, None)
            .await
            .unwrap()
            .iter()
            .any(|s| s.id.starts_with("ses_"))
    );
}
