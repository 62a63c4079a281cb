//! What an administrator does for others, against a store in memory.

use std::time::Duration;

use hallpass_core::wire::tokens::TokenChange;
use hallpass_store::Act;

use super::Actor;
use super::tests::{named, refused, scoped};
use crate::admin::NewUser;
use crate::tests::house::{House, home};

const DAY: Duration = Duration::from_secs(24 * 3600);

// proves: SM13
#[tokio::test]
async fn an_administrator_changes_rotates_and_revokes_for_others_who_are_told() {
    let house = House::new().await;
    let (ada, bo) = (house.ada().await, house.person("bo@example.com").await);
    let root = NewUser {
        email: "root@example.com".to_owned(),
        name: "Root".to_owned(),
        password: None,
        admin: true,
    };
    let root = house.issuer.create_user(root, "system").await.unwrap();
    let (admin, bystander) = (Actor::Person(&root), Actor::Person(&bo.user));
    let made = house.make(&ada, named("ci")).await;
    let id = made.token.id.as_str();
    let rename = || TokenChange { name: Some("build".to_owned()), ..TokenChange::default() };
    // Somebody else, and a token of the administrator's that has every right there is.
    let own = house.issuer.create_token(&admin, scoped("own", "account tokens"), &home()).await;
    let decision = house.judged(&own.unwrap()).await.unwrap();
    for actor in [bystander, Actor::Bearer(&decision)] {
        let issuer = &house.issuer;
        assert_eq!(refused(issuer.own_token(&actor, id).await), "unknown");
        assert_eq!(refused(issuer.token_of(&actor, ada.user.id, id).await), "unknown");
        assert_eq!(refused(issuer.change_token(&actor, id, rename(), &home()).await), "unknown");
        let rotated = issuer.rotate_token(&actor, id, Duration::ZERO, &home()).await;
        assert_eq!(refused(rotated), "unknown");
        assert_eq!(refused(issuer.revoke_token(&actor, id, &home()).await), "unknown");
        assert_eq!(refused(issuer.people(&actor, "", None, 9).await), "unknown");
        let person = issuer.person_for(&actor, &ada.user.id.to_string()).await;
        assert_eq!(refused(person), "unknown");
    }
    assert!(house.issuer.done_by_others(ada.user.id).await.unwrap().is_empty());

    assert_eq!(house.issuer.own_token(&admin, id).await.unwrap().name, "ci");
    assert!(house.issuer.token_of(&admin, ada.user.id, id).await.is_ok());
    // On the page about one person there is nobody else's.
    let wrong_page = house.issuer.token_of(&admin, bo.user.id, id).await;
    assert_eq!(refused(wrong_page), "unknown");
    house.issuer.change_token(&admin, id, rename(), &home()).await.unwrap();
    let rotated = house.issuer.rotate_token(&admin, id, DAY, &home()).await.unwrap();
    assert_eq!(rotated.token.created_by, Some(root.id.to_string()));
    assert!(house.judged(&made).await.is_ok() && house.judged(&rotated).await.is_ok());
    house.issuer.revoke_token(&admin, &rotated.token.id, &home()).await.unwrap();
    assert!(house.judged(&rotated).await.is_err());

    let done = house.issuer.done_by_others(ada.user.id).await.unwrap();
    let told: Vec<_> = done.iter().map(|it| (it.id.to_string(), it.act)).collect();
    let revoked = (rotated.token.id.clone(), Act::Revoked);
    assert!(told.contains(&revoked) && told.contains(&(id.to_owned(), Act::Renamed)), "{told:?}");
    let addresses = house.issuer.addresses_of(done.iter().map(|it| &*it.actor)).await.unwrap();
    assert_eq!(addresses[&root.id.to_string()], "root@example.com");
    let for_ada = format!("for {}", ada.user.id);
    let rows = house.issuer.0.store.audit().page(None, 99).await.unwrap();
    for action in ["token.rename", "token.rotate", "token.revoke"] {
        let row = rows.iter().find(|row| row.action == action).expect(action);
        assert_eq!(row.actor, root.id.to_string(), "{action}");
        assert!(row.address.is_some(), "{action}");
        assert!(row.detail.as_deref().is_some_and(|it| it.ends_with(&for_ada)), "{row:?}");
    }
}

#[tokio::test]
async fn people_are_found_by_address_and_name_page_by_page() {
    let house = House::new().await;
    for number in 0..5 {
        house.person(&format!("p{number}@example.com")).await;
        house.pass(1);
    }
    let root = NewUser {
        email: "root@example.org".to_owned(),
        name: "Root".to_owned(),
        password: None,
        admin: true,
    };
    let root = house.issuer.create_user(root, "system").await.unwrap();
    let admin = Actor::Person(&root);
    let find = async |search: &str, cursor: Option<&str>, limit| {
        let page = house.issuer.people(&admin, search, cursor, limit).await.unwrap();
        let emails: Vec<_> = page.items.into_iter().map(|user| user.email).collect();
        (emails.join(" "), page.next_cursor)
    };
    let (first, next) = find("EXAMPLE.COM", None, 3).await;
    assert_eq!(first, "p0@example.com p1@example.com p2@example.com");
    let (rest, end) = find("example.com", next.as_deref(), 3).await;
    assert_eq!((rest.as_str(), end), ("p3@example.com p4@example.com", None));
    assert_eq!(find(" ROOT ", None, 3).await.0, "root@example.org");
    assert_eq!(find("P3@example.com", None, 3).await, ("p3@example.com".to_owned(), None));
    assert_eq!(find("nobody", None, 3).await, (String::new(), None));
    let bad = house.issuer.people(&admin, "", Some("x"), 3).await;
    assert_eq!(refused(bad), "invalid_cursor");
}
