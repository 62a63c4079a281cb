//! The audit log, tidying up, the handle itself.

use std::sync::Mutex;

use hallpass_core::{Clock, Timestamp};

use super::town::{CLIENT, DAWN, Leaves, MINUTE, Town};
use crate::{Engine, Error, Poll, Spend, Store};

pub(super) async fn audit(store: Store) {
    let town = Town::new(store).await;
    let audit = town.store.audit();
    let zoe = town.user().await.id;
    let mut by = town.by();
    by.actor = zoe.to_string();
    let grant = town.grant(zoe).await;
    town.store.grants().end(grant, "lost laptop", &by).await.unwrap();
    let rows = audit.page(None, 100).await.unwrap();
    assert_eq!(rows.len() as u64, audit.count().await.unwrap());
    assert!(rows.is_sorted_by(|a, b| a.seq < b.seq));
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["client.create", "user.create", "code.issue", "grant.end"]);
    let last = rows.last().unwrap();
    assert_eq!((last.id, last.at, &last.actor), (by.id, by.at, &by.actor));
    assert_eq!(last.subject, grant.to_string());
    assert_eq!((&last.client_id, &last.address), (&by.client_id, &by.address));
    assert_eq!(last.detail.as_deref(), Some("lost laptop"));

    assert_eq!(audit.page(None, 3).await.unwrap(), rows[..3]);
    assert_eq!(audit.page(Some(rows[2].seq), 3).await.unwrap(), rows[3..]);
    assert_eq!(audit.page(Some(last.seq), 3).await, Ok(Vec::new()));
}

/// What is long over is deleted, what may still be asked for is not.
pub(super) async fn tidying(store: Store) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let (code, grant) = town.code(zoe).await;
    let (refresh, _) = town.refresh(zoe).await;
    let (_, device) = town.device().await;
    let (_, cookie) = town.session(zoe).await;
    let key = ["somebody".to_owned()];
    town.store.failures().record(&key, town.by().at).await.unwrap();

    let dawn = town.by().at;
    assert_eq!(town.store.tidy(dawn).await, Ok(0));
    assert_eq!(town.store.devices().poll(&device, dawn).await, Ok(Poll::Pending));
    let later = dawn + MINUTE * 61;
    // Two codes, the device code, the refresh token, the session, the counter.
    assert_eq!(town.sees(Leaves::Nothing, town.store.tidy(later)).await, Ok(6));
    assert_eq!(town.store.codes().peek(&code).await, Ok(None));
    assert_eq!(town.store.refresh().by_digest(&refresh).await, Ok(None));
    assert_eq!(town.store.devices().peek(&device).await, Ok(None));
    assert_eq!(town.store.sessions().by_digest(&cookie, dawn).await, Ok(None));
    assert_eq!(town.store.failures().counts(&key, dawn).await, Ok(vec![0]));
    assert_eq!(town.store.codes().spend(&code, None, &town.by()).await, Ok(Spend::Gone));
    assert!(town.is_good(grant).await, "a grant outlives its code");
}

/// More than one portion.
pub(super) async fn tidying_much(store: Store) {
    let town = Town::new(store).await;
    let keys: Vec<_> = (0..700).map(|number| format!("key {number}")).collect();
    town.store.failures().record(&keys, DAWN).await.unwrap();
    town.store.failures().record(&keys, DAWN + MINUTE).await.unwrap();
    assert_eq!(town.store.tidy(DAWN + MINUTE).await, Ok(700));
    assert_eq!(town.store.failures().counts(&keys, DAWN).await, Ok(vec![1; 700]));
}

/// A clock that shows one time after the other.
struct Shown(Mutex<Vec<i64>>);

impl Clock for Shown {
    fn now(&self) -> Timestamp {
        let mut left = self.0.lock().unwrap();
        Timestamp::from_millis(if left.len() > 1 { left.remove(0) } else { left[0] })
    }
}

/// The database's clock counts; a measurement that agrees with what is known changes
/// nothing.
pub(super) async fn time(store: Store) {
    store.learn_time(&Shown(Mutex::new(vec![0]))).await.unwrap();
    let zero = Timestamp::from_millis(0);
    let there = store.database_time(zero);
    if store.engine() == Engine::Sqlite {
        assert_eq!(there, zero, "it is the same clock");
        return;
    }
    assert!(there.secs() > 1_700_000_000, "{there}");
    // An answer that took ten minutes says only so much.
    store.learn_time(&Shown(Mutex::new(vec![-300_000, 300_000]))).await.unwrap();
    assert_eq!(store.database_time(zero), there);
    // One that says otherwise is believed.
    store.learn_time(&Shown(Mutex::new(vec![3_600_000]))).await.unwrap();
    assert!(store.database_time(zero) <= there - MINUTE * 50);
}

/// After closing nothing is answered, and nothing hangs.
pub(super) async fn closing(store: Store) {
    let town = Town::new(store).await;
    assert_eq!(town.store.ping().await, Ok(()));
    town.store.close().await;
    town.store.close().await;
    let closed = |answer: Result<(), Error>| {
        assert!(matches!(answer, Err(Error::Unavailable { .. })), "{answer:?}");
    };
    closed(town.store.ping().await);
    closed(town.store.clients().by_id(CLIENT).await.map(drop));
    closed(town.store.setup().begin(&town.digest()).await);
}
