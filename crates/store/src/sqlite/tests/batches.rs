//! One writer, one sync for all that wait.

use std::sync::mpsc;

use tokio::task::JoinSet;

use super::{by, change, open, value};
use crate::db::{Db, Tx, binds, statements};
use crate::sqlite::Sqlite;
use crate::{Error, Place, Store};

statements! {
    PUT = "INSERT INTO settings (key, value) VALUES ($1, $2)";
    TOO_BIG = "PRAGMA max_page_count = 1";
    BIG_AGAIN = "PRAGMA max_page_count = 1000000";
    /// `$N` in an order that is not the one in which it appears.
    BACKWARDS = "SELECT CAST($2 AS TEXT) || CAST($3 AS TEXT) || CAST($1 AS TEXT) || CAST($2 AS TEXT)";
}

fn sqlite(store: &Store) -> &Sqlite {
    match store.db() {
        Db::Sqlite(db) => db,
        Db::Postgres(_) => unreachable!("these stores are SQLite"),
    }
}

/// Keeps the writer busy until the sender is used or dropped.
async fn busy(store: &Store) -> mpsc::Sender<()> {
    let (free, until_freed) = mpsc::channel();
    let until_freed = std::sync::Mutex::new(until_freed);
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = std::sync::Mutex::new(Some(begun));
    let store = store.clone();
    tokio::spawn(async move {
        let wait = async move |_: &mut Tx<'_>| {
            if let Some(begun) = begun.lock().unwrap().take() {
                begun.send(()).unwrap();
            }
            // Freed by a message or by the sender's end, all the same.
            let _ = until_freed.lock().unwrap().recv();
            Ok(())
        };
        sqlite(&store).change(wait).await
    });
    has_begun.await.unwrap();
    free
}

/// How many commits the write-ahead log holds: frames that say how large the database is
/// after them.
fn commits(dir: &std::path::Path) -> usize {
    let log = std::fs::read(dir.join("hallpass.db-wal")).unwrap();
    let frame = 24 + 4096;
    log[32..].chunks_exact(frame).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_committed_together() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    change(&store, "first").await;
    let before = commits(dir.path());
    let free = busy(&store).await;
    let mut waiting = JoinSet::new();
    for number in 0..64 {
        let store = store.clone();
        waiting.spawn(async move {
            let key = format!("key {number}");
            store.settings().set(&key, "x", &by()).await
        });
    }
    // None is answered while the writer is busy; all of them are in its queue.
    while sqlite(&store).writer.waiting() < 64 {
        tokio::task::yield_now().await;
    }
    free.send(()).unwrap();
    assert!(waiting.join_all().await.iter().all(Result::is_ok));
    // The busy one changed nothing, so its commit left no frame.
    assert_eq!(commits(dir.path()) - before, 1);
}

/// A change that fails, or panics, takes none of its batch with it.
#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_by_itself() {
    let store = Store::open(&Place::Memory).await.unwrap();
    let free = busy(&store).await;
    let put = |key: &'static str, then: fn() -> Result<(), Error>| {
        let store = store.clone();
        tokio::spawn(async move {
            let change = async move |tx: &mut Tx<'_>| {
                tx.execute(&PUT, binds![key, "x"]).await?;
                then()
            };
            sqlite(&store).change(change).await.map(drop)
        })
    };
    let good = put("good", || Ok(()));
    let refused = put("refused", || Err(Error::Conflict("email")));
    let panicked = put("panicked", || panic!("a change that panics"));
    let pending = tokio::spawn({
        let store = store.clone();
        async move {
            let change = async |_: &mut Tx<'_>| {
                tokio::task::yield_now().await;
                Ok(())
            };
            sqlite(&store).change(change).await.map(drop)
        }
    });
    while sqlite(&store).writer.waiting() < 4 {
        tokio::task::yield_now().await;
    }
    drop(free);
    assert_eq!(good.await.unwrap(), Ok(()));
    assert_eq!(refused.await.unwrap(), Err(Error::Conflict("email")));
    let broken = |answer: Result<(), Error>| {
        assert!(answer.unwrap_err().to_string().contains("a change is broken"));
    };
    broken(panicked.await.unwrap());
    broken(pending.await.unwrap());
    assert_eq!(store.settings().get("good").await.unwrap().as_deref(), Some("x"));
    for undone in ["refused", "panicked"] {
        assert_eq!(store.settings().get(undone).await, Ok(None));
    }
}

/// A full disk: every change of the batch is told so, nothing is kept, what is there can
/// be read, and it goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing() {
    let store = Store::open(&Place::Memory).await.unwrap();
    change(&store, "before").await;
    let set_limit = async |statement| {
        let change = async move |tx: &mut Tx<'_>| {
            tx.first(statement, binds![], |row| row.next::<i64>()).await
        };
        sqlite(&store).change(change).await.unwrap()
    };
    set_limit(&TOO_BIG).await;
    let free = busy(&store).await;
    let mut waiting = JoinSet::new();
    for number in 0..8 {
        let store = store.clone();
        let large = "x".repeat(100_000);
        waiting.spawn(async move {
            let key = format!("key {number}");
            store.settings().set(&key, &large, &by()).await
        });
    }
    while sqlite(&store).writer.waiting() < 8 {
        tokio::task::yield_now().await;
    }
    drop(free);
    let answers = waiting.join_all().await;
    assert!(answers.iter().all(|answer| *answer == Err(Error::StorageFull)), "{answers:?}");
    let rows = store.audit().count().await.unwrap();
    assert_eq!((value(&store).await.as_deref(), rows), (Some("before"), 1));

    set_limit(&BIG_AGAIN).await;
    change(&store, "after").await;
    assert_eq!(value(&store).await.as_deref(), Some("after"));
}

/// SQLite numbers `$N` by first appearance; we bind by name.
#[tokio::test]
async fn parameters_are_bound_by_name() {
    let store = Store::open(&Place::Memory).await.unwrap();
    let read = |row: &mut crate::db::Row<'_>| row.next::<String>();
    let answer = store.db().first(&BACKWARDS, binds!["a", "b", "c"], read).await;
    assert_eq!(answer.unwrap().as_deref(), Some("bcab"));
    let short = store.db().first(&BACKWARDS, binds!["a", "b"], read).await;
    assert!(matches!(short, Err(Error::Unavailable { .. })));
    assert_eq!(STATEMENTS.len(), 4);
}
