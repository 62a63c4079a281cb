//! People who sign in at a provider elsewhere: who they are here.

use std::sync::Arc;

use hallpass_core::id::UserId;
use hallpass_store::{Place, Store};
use hallpass_verdict::{Ask, Who};
use serde_json::json;

use super::federation::{CI as PROVIDER, Ci, NOW, OTHER, header};
use super::house::{House, config};
use crate::federation::Provider;

const CLIENT: &str = "native";

/// A process that takes the ID tokens of this issuer.
async fn process(store: &Store, ci: &Arc<Ci>, issuer: &str) -> House {
    let provider = Some(Provider { issuer: issuer.to_owned(), client_id: CLIENT.to_owned() });
    let house = House::over(store.clone(), crate::Config { provider, ..config() }).await;
    house.issuer.fetch_keys_through(ci.clone());
    house
}

/// Who comes with the ID token of a subject with a verified address.
async fn who(
    house: &House,
    ci: &Ci,
    (issuer, subject): (&str, &str),
    email: &str,
) -> (UserId, String) {
    let claims = json!({
        "aud": CLIENT,
        "email": email,
        "email_verified": true,
        "exp": NOW + 300,
        "iat": NOW,
        "iss": issuer,
        "sub": subject,
    });
    let token = ci.sign(&header().to_string(), &claims.to_string());
    let ask = Ask { resource: None, place: None };
    let decision = house.issuer.check(&token, &ask).await.unwrap().unwrap();
    match &*decision.who {
        Who::User { id, email, .. } => (*id, email.clone()),
        other => panic!("{other:?}"),
    }
}

/// An address is anybody's to have, here and there; whose it is says who nobody is.
// proves: I11
#[tokio::test]
async fn they_are_known_by_issuer_and_subject_and_never_by_their_address() {
    const ADA: &str = "ada@example.com";
    let (store, ci) = (Store::open(&Place::Memory).await.unwrap(), Ci::new());
    let house = process(&store, &ci, PROVIDER).await;
    let here = house.person(ADA).await.user.id;
    // The very address of somebody who has an account here.
    let (there, address) = who(&house, &ci, (PROVIDER, "1"), ADA).await;
    assert_ne!(there, here);
    assert_ne!(address, ADA, "it is hers already");
    // Somebody else there with the same address is somebody else here.
    assert_ne!(who(&house, &ci, (PROVIDER, "2"), ADA).await.0, there);
    // The same subject is the same person, whatever its address is by now.
    for email in [ADA, "lovelace@example.com"] {
        assert_eq!(who(&house, &ci, (PROVIDER, "1"), email).await.0, there, "{email}");
    }
    // The same subject of another issuer is not.
    let house = process(&store, &ci, OTHER).await;
    // Its dice fall as those of the first, at another time.
    house.pass(1);
    let other = who(&house, &ci, (OTHER, "1"), ADA).await.0;
    assert!(other != there && other != here);
}
