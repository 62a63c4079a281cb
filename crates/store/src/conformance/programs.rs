//! Clients, resources, and the deployment's own facts.

use super::town::{CLIENT, Leaves, MINUTE, Town};
use crate::{ClientKind, Error, NewResource, SigningKey, Store};
use hallpass_core::id::SigningKeyId;
use hallpass_core::redirect::RegisteredRedirect;

pub(super) async fn clients(store: Store) {
    let town = Town::new(store).await;
    let clients = town.store.clients();
    let mut server = town.client("a-server");
    server.kind = ClientKind::Confidential;
    server.secret = Some(town.digest());
    server.redirect_uris = vec![
        RegisteredRedirect::parse("https://app.example.com/cb?x=1,2").unwrap(),
        RegisteredRedirect::parse("http://127.0.0.1/cb").unwrap(),
    ];
    server.post_logout_redirect_uris = vec!["https://app.example.com/\"bye\"".to_owned()];
    server.pkce_required = false;
    town.sees(Leaves::Change, clients.create(server.clone(), &town.by())).await.unwrap();
    assert_eq!(clients.by_id("a-server").await.unwrap().as_ref(), Some(&server));
    assert_eq!(clients.by_id("A-server").await, Ok(None));
    let taken =
        town.sees(Leaves::Nothing, clients.create(town.client("a-server"), &town.by())).await;
    assert_eq!(taken, Err(Error::Conflict("client_id")));

    // What comes with hallpass is made once; only what it may ask for grows with us.
    let mut ensured = town.client("a-server");
    ensured.name = "another name".to_owned();
    ensured.scopes = "openid tokens".parse().unwrap();
    for _ in 0..2 {
        town.sees(Leaves::Nothing, clients.ensure(ensured.clone())).await.unwrap();
        let kept = clients.by_id("a-server").await.unwrap().unwrap();
        assert_eq!((&kept.name, &kept.scopes), (&server.name, &ensured.scopes));
    }
    clients.ensure(town.client("built-in")).await.unwrap();
    let all: Vec<_> = clients.list().await.unwrap().into_iter().map(|c| c.id).collect();
    assert_eq!(all, ["a-server", "built-in", CLIENT]);

    // Another secret in place of the one before; only for who has one.
    let secret = town.digest();
    let change = async |id, secret| clients.change_secret(id, secret, &town.by()).await;
    let changing = change("a-server", secret);
    assert_eq!(town.sees(Leaves::Revocation, changing).await, Ok(true));
    assert_eq!(clients.by_id("a-server").await.unwrap().unwrap().secret, Some(secret));
    for nobody in [CLIENT, "nobody"] {
        let changing = change(nobody, town.digest());
        assert_eq!(town.sees(Leaves::Nothing, changing).await, Ok(false));
    }
    // One that asks about tokens from the start is one change.
    let api = |uri: &str| NewResource {
        id: town.resource_id(),
        uri: uri.to_owned(),
        name: uri.to_owned(),
    };
    let uris = vec![api("https://b.example/"), api("https://a.example/")];
    let mut caller = server.clone();
    caller.id = "caller".to_owned();
    town.sees(Leaves::Change, clients.create_for(caller, uris, &town.by())).await.unwrap();
    let resources = town.store.resources().of_caller("caller").await.unwrap();
    assert_eq!(resources, ["https://a.example/", "https://b.example/"]);

    let zoe = town.user().await.id;
    let grant = town.grant(zoe).await;
    assert_eq!(town.sees(Leaves::Revocation, clients.disable(CLIENT, &town.by())).await, Ok(true));
    assert!(!town.is_good(grant).await);
    assert!(clients.by_id(CLIENT).await.unwrap().unwrap().disabled_at.is_some());
    for nobody in [CLIENT, "nobody"] {
        assert_eq!(
            town.sees(Leaves::Nothing, clients.disable(nobody, &town.by())).await,
            Ok(false)
        );
    }
}

pub(super) async fn resources(store: Store) {
    let town = Town::new(store).await;
    let resources = town.store.resources();
    let uri = "https://api.example.com/";
    let new =
        || NewResource { id: town.resource_id(), uri: uri.to_owned(), name: "The API".to_owned() };
    assert_eq!(resources.exists(uri).await, Ok(false));
    town.sees(Leaves::Change, resources.register(new(), None, &town.by())).await.unwrap();
    town.sees(Leaves::Nothing, resources.register(new(), None, &town.by())).await.unwrap();
    assert_eq!(resources.exists(uri).await, Ok(true));
    assert_eq!(resources.of_caller(CLIENT).await, Ok(Vec::new()));
    for leaves in [Leaves::Change, Leaves::Nothing] {
        town.sees(leaves, resources.register(new(), Some(CLIENT), &town.by())).await.unwrap();
    }
    assert_eq!(resources.of_caller(CLIENT).await, Ok(vec![uri.to_owned()]));
    let mut other = new();
    other.uri = "https://other.example.com/".to_owned();
    let missing =
        town.sees(Leaves::Nothing, resources.register(other, Some("nobody"), &town.by())).await;
    assert_eq!(missing, Err(Error::Missing("client")));
    assert_eq!(resources.exists("https://other.example.com/").await, Ok(false));
}

pub(super) async fn settings(store: Store) {
    let town = Town::new(store).await;
    let settings = town.store.settings();
    assert_eq!(settings.get("public_url").await, Ok(None));
    assert_eq!(
        town.sees(Leaves::Nothing, settings.set_once("public_url", "https://one.example.com"))
            .await
            .unwrap(),
        "https://one.example.com"
    );
    let twice = settings.set_once("public_url", "https://two.example.com").await;
    assert_eq!(twice.unwrap(), "https://one.example.com");
    town.sees(Leaves::Change, settings.set("public_url", "https://two.example.com", &town.by()))
        .await
        .unwrap();
    let stands = settings.get("public_url").await.unwrap();
    assert_eq!(stands.as_deref(), Some("https://two.example.com"));
}

pub(super) async fn failures(store: Store) {
    let town = Town::new(store).await;
    let failures = town.store.failures();
    let keys = ["account zoe".to_owned(), "network 192.0.2.0/24".to_owned()];
    let start = town.by().at;
    assert_eq!(failures.counts(&keys, start).await, Ok(vec![0, 0]));
    town.sees(Leaves::Nothing, failures.record(&keys, start)).await.unwrap();
    failures.record(&keys[1..], start).await.unwrap();
    let later = start + MINUTE;
    failures.record(&keys, later).await.unwrap();
    assert_eq!(failures.counts(&keys, start).await, Ok(vec![2, 3]));
    assert_eq!(failures.counts(&keys, later).await, Ok(vec![1, 1]));
    assert_eq!(failures.counts(&keys, later + MINUTE).await, Ok(vec![0, 0]));
    failures.forget(&keys[0]).await.unwrap();
    assert_eq!(failures.counts(&keys, start).await, Ok(vec![0, 3]));
}

/// A key that signs from `now` on.
pub(super) fn key(town: &Town, alg: &str) -> SigningKey {
    let now = town.by().at;
    let dice = Seed(town.digest());
    SigningKey {
        id: SigningKeyId::new(town, &dice),
        alg: alg.to_owned(),
        public_jwk: "{}".to_owned(),
        sealed_private: vec![0, 159, 146, 150],
        created_at: now,
        signs_from: now,
        signs_until: None,
        published_until: None,
    }
}

struct Seed(hallpass_core::Digest);

impl hallpass_core::Random for Seed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0.as_bytes()[..bytes.len()]);
    }
}

pub(super) async fn signing_keys(store: Store) {
    let town = Town::new(store).await;
    let keys = town.store.signing_keys();
    let first = key(&town, "ES256");
    let all = town.sees(Leaves::Nothing, keys.ensure(first.clone())).await.unwrap();
    assert_eq!(all, std::slice::from_ref(&first));
    assert_eq!(keys.ensure(key(&town, "ES256")).await.unwrap(), all, "one signs already");
    town.pass(MINUTE);
    assert_eq!(keys.ensure(key(&town, "RS256")).await.unwrap().len(), 2);

    town.pass(MINUTE);
    let mut next = key(&town, "ES256");
    next.signs_from = town.by().at + MINUTE;
    town.sees(Leaves::Change, keys.insert(next.clone(), &town.by())).await.unwrap();
    let (until, published) = (next.signs_from, next.signs_from + MINUTE);
    assert_eq!(
        town.sees(Leaves::Change, keys.retire(first.id, until, published, &town.by())).await,
        Ok(true)
    );
    let unknown = key(&town, "ES256").id;
    assert_eq!(
        town.sees(Leaves::Nothing, keys.retire(unknown, until, published, &town.by())).await,
        Ok(false)
    );
    let all = keys.all().await.unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!((all[0].id, all[0].signs_until), (first.id, Some(until)), "oldest first");
    assert!(all[0].signs(town.by().at) && !all[0].signs(until));
    assert_eq!(all[2], next);

    let (another, end) = (key(&town, "RS256"), next.signs_from + MINUTE * 5);
    let ends = vec![(next.id, end, end)];
    let new = vec![another.clone()];
    town.sees(Leaves::Change, keys.rotate(new, ends, &town.by())).await.unwrap();
    let all = keys.all().await.unwrap();
    assert!(all.contains(&another));
    assert_eq!(all.iter().find(|key| key.id == next.id).unwrap().signs_until, Some(end));

    assert_eq!(keys.drop_unpublished(until).await, Ok(0));
    assert_eq!(town.sees(Leaves::Nothing, keys.drop_unpublished(published)).await, Ok(1));
    assert_eq!(keys.all().await.unwrap().len(), 3);
}
