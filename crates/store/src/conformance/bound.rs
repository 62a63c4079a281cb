//! Grants that are bound to keys, proofs that are used once, copies that are noted.

use std::time::Duration;

use hallpass_core::Clock as _;
use hallpass_core::dpop::{PublicKey, Thumbprint};

use super::town::Town;
use crate::{NewDevice, NewRefresh, Rotation, Spend, Store};

const HOUR: Duration = Duration::from_secs(3600);

fn key(n: u8) -> Thumbprint {
    PublicKey { x: [n; 32], y: [n; 32] }.thumbprint()
}

// proves: HP03
pub(super) async fn binding(store: Store) {
    let town = Town::new(store).await;
    let user = town.user().await.id;
    let jkt = async |id| town.store.grants().by_id(id).await.unwrap().unwrap().jkt;

    let (code, grant) = town.code(user).await;
    assert_eq!(jkt(grant).await, None);
    let first = NewRefresh { jkt: Some(key(1)), ..town.new_refresh() };
    let presented = first.digest;
    let spent = town.store.codes().spend(&code, Some(first), &town.by()).await;
    assert_eq!(spent, Ok(Spend::Won));
    assert_eq!(jkt(grant).await, Some(key(1)));
    // It is bound for good.
    let child = NewRefresh { jkt: Some(key(2)), ..town.new_refresh() };
    let rotated = town.store.refresh().rotate(&presented, child, vec![1], HOUR, &town.by()).await;
    assert_eq!(rotated, Ok(Rotation::Won));
    assert_eq!(jkt(grant).await, Some(key(1)));

    let new = NewDevice { jkt: Some(key(3)), ..town.new_device() };
    let code = new.device_digest;
    let _ = town.store.devices().start(new, 1000, &town.by()).await.unwrap();
    assert_eq!(town.store.devices().peek(&code).await.unwrap().unwrap().jkt, Some(key(3)));
}

// proves: HP03
pub(super) async fn proofs(store: Store) {
    let town = Town::new(store).await;
    let (one, two) = (town.digest(), town.digest());
    let (now, later) = (town.now(), town.now() + HOUR);
    let spend = async |digest, until| town.store.proofs().spend(digest, until).await.unwrap();
    assert!(spend(&one, now).await);
    assert!(!spend(&one, later).await, "used before");
    assert!(spend(&two, later).await);
    assert_eq!(town.store.proofs().forget(now).await, Ok(1));
    assert!(!spend(&two, later).await, "still remembered");
}

// proves: HP03
pub(super) async fn copies(store: Store) {
    let town = Town::new(store).await;
    let user = town.user().await.id;
    let grant = town.grant(user).await;
    let by = |address: &str, later| {
        let by = town.by();
        crate::By { at: by.at + later, address: Some(address.to_owned()), ..by }
    };
    let note = async |by| town.store.copies().note(grant, &by).await.unwrap();
    let minute = Duration::from_secs(60);
    let (rows, _) = town.counts().await;
    assert!(note(by("192.0.2.1", Duration::ZERO)).await);
    assert!(!note(by("192.0.2.1", minute)).await, "noted lately");
    assert!(!note(by("192.0.2.2", Duration::ZERO)).await, "whoever it is");
    assert_eq!(town.counts().await.0, rows + 1);
    assert!(note(by("192.0.2.2", minute * 2)).await);
    assert!(note(by("192.0.2.2", minute * 2 + HOUR)).await);
    assert_eq!(town.counts().await.0, rows + 3);
    let shown = town.store.copies().of_user(user).await.unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!((shown[0].grant_id, shown[0].address.as_deref()), (grant, Some("192.0.2.2")));
    town.store.grants().end(grant, "over", &town.by()).await.unwrap();
    assert_eq!(town.store.copies().of_user(user).await, Ok(Vec::new()));
}
