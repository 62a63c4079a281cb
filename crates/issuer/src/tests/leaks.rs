//! The leak desk.

use hallpass_core::wire::tokens::NewToken;
use hallpass_core::{Kind, Secret, TokenText};
use hallpass_verdict::Ask;

use super::chance::Dice;
use super::house::{House, from, home};
use crate::tokens::Actor;

// proves: HP13
#[tokio::test]
async fn whoever_has_it_may_have_it_revoked_and_its_owner_is_told() {
    let house = House::new().await;
    let ada = house.ada().await;
    let actor = Actor::Person(&ada.user);
    let new = NewToken { name: "ci".to_owned(), ..NewToken::default() };
    let personal = house.issuer.create_token(&actor, new, &home()).await.unwrap();
    let (first, second) = (house.tokens(&ada).await, house.tokens(&ada).await);
    let refresh = first.refresh_token.unwrap();
    let made_up = TokenText::mint(Kind::Personal, &Dice::new()).into_secret();

    let brought = [
        Secret::new(format!(" {}\n", personal.value.expose())),
        refresh.clone(),
        second.access_token.clone(),
        made_up,
        Secret::new("a.b.c"),
        Secret::new("nonsense"),
        Secret::new(""),
    ];
    let finder = from("198.51.100.9");
    let were = house.issuer.revoke_leaked(&brought, "a test", &finder).await.unwrap();
    assert_eq!(were, [true, true, true, false, false, false, false]);
    let judged = house.issuer.check(personal.value.expose(), &Ask::default()).await.unwrap();
    assert!(judged.is_err());
    // A refresh token takes its whole grant along; an access token only itself.
    assert!(!house.admits(&first.access_token).await && !house.admits(&second.access_token).await);
    assert!(house.refresh(&refresh, &[]).await.is_err());
    assert!(house.refresh(&second.refresh_token.unwrap(), &[]).await.is_ok());

    let listed = house.issuer.tokens_of(&actor, None, None, 9).await.unwrap().items;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].leaked_at.is_some());
    let audit = house.issuer.0.store.audit().page(None, 50).await.unwrap();
    let row = audit.iter().find(|row| row.action == "token.leaked").expect("a row");
    assert_eq!(
        (row.subject.as_str(), row.address.as_deref()),
        (&*personal.token.id, Some("198.51.100.9"))
    );
    let again = house.issuer.revoke_leaked(&brought[..1], "a test", &finder).await.unwrap();
    assert_eq!(again, [false]);
}
