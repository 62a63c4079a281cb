//! Upgrading in place, and refusing what a newer version made.

use rusqlite::Connection;

use super::{change, crash, open, refusal, value};
use crate::migrate::{ALL, Migration};
use crate::{OpenError, Place, Store};

/// What this binary brings a database to.
const OURS: i64 = ALL.len() as i64;
const NEXT: Migration = Migration {
    version: OURS + 1,
    min_compatible: OURS,
    both: "CREATE TABLE toys (id TEXT PRIMARY KEY NOT NULL)",
    sqlite: "",
    postgres: "",
};
const LATER: Migration = Migration {
    version: OURS + 2,
    min_compatible: OURS + 2,
    both: "DROP TABLE settings",
    sqlite: "",
    postgres: "",
};
const BROKEN: Migration = Migration {
    version: OURS + 1,
    min_compatible: OURS + 1,
    both: "DROP TABLE settings",
    sqlite: "CREATE TABLE toys (id TEXT); INSERT INTO nothing VALUES (1)",
    postgres: "",
};

/// Opens with our migrations and then `more`.
async fn open_with(dir: &std::path::Path, more: Vec<Migration>) -> Result<Store, OpenError> {
    let ours = ALL.iter().map(|ours| Migration { ..*ours });
    let all: Vec<_> = ours.chain(more).collect();
    Store::open_with(&Place::Directory(dir.to_owned()), &all).await
}

/// A database as the first version left it is brought up to date, with what is in it.
#[tokio::test]
async fn from_the_first_version() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::Directory(dir.path().to_owned());
    let store = Store::open_with(&place, &ALL[..1]).await.unwrap();
    // Without a row in the log, which has more columns by now.
    store.settings().set_once("value", "kept").await.unwrap();
    store.close().await;
    let store = open(&dir).await.unwrap();
    assert_eq!(value(&store).await.as_deref(), Some("kept"));
    store.close().await;
    let refused = Store::open_with(&place, &ALL[..1]).await;
    assert!(matches!(refused, Err(OpenError::Newer { found: OURS, known: 1, needed: 14 })));
}

#[tokio::test]
async fn happens_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    change(&store, "kept").await;
    store.close().await;
    let store = open_with(dir.path(), vec![NEXT]).await.unwrap();
    assert_eq!(value(&store).await.as_deref(), Some("kept"));
    store.close().await;
    let tables = Connection::open(dir.path().join("hallpass.db")).unwrap();
    assert!(tables.table_exists(None, "toys").unwrap());
    drop(tables);
    // The older version can live with it, and neither undoes nor repeats it.
    let store = open(&dir).await.unwrap();
    assert_eq!(value(&store).await.as_deref(), Some("kept"));
    store.close().await;
    open_with(dir.path(), vec![NEXT]).await.unwrap().close().await;

    // With what comes next it cannot.
    open_with(dir.path(), vec![NEXT, LATER]).await.unwrap().close().await;
    assert_eq!(
        refusal(&dir).await,
        format!(
            "the database was upgraded by a newer hallpass (schema {last}; this one knows {OURS}, \
             and schema {last} is the oldest that may still use it); run that newer version",
            last = OURS + 2,
        )
    );
    open_with(dir.path(), vec![NEXT, LATER]).await.unwrap();
}

/// One that fails leaves everything as it was.
#[tokio::test]
async fn that_fails_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    change(&store, "kept").await;
    store.close().await;
    assert!(open_with(dir.path(), vec![BROKEN]).await.is_err());
    assert_eq!(value(&open(&dir).await.unwrap()).await.as_deref(), Some("kept"));
}

/// One that is killed half-way leaves everything as it was, and is made when the server
/// starts again.
#[tokio::test]
async fn that_is_killed_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    change(&store, "kept").await;
    store.close().await;
    let mut conn = Connection::open(dir.path().join("hallpass.db")).unwrap();
    // So small a cache that the log has half of it on disk before the commit.
    conn.pragma_update(None, "cache_size", 1).unwrap();
    let half = conn.transaction().unwrap();
    half.execute_batch("DROP TABLE settings; CREATE TABLE toys (id TEXT)").unwrap();
    for number in 0..2000 {
        half.execute("INSERT INTO toys VALUES (?1)", [format!("{number:0100}")]).unwrap();
    }
    let killed = crash(dir.path());
    let log = std::fs::metadata(killed.path().join("hallpass.db-wal")).unwrap().len();
    assert!(log > 100_000, "nothing had been written yet: {log}");
    let store = open_with(killed.path(), vec![NEXT]).await.unwrap();
    assert_eq!(value(&store).await.as_deref(), Some("kept"));
}

/// A database of something else is not touched.
#[tokio::test]
async fn is_for_our_databases_only() {
    let dir = tempfile::tempdir().unwrap();
    let other = Connection::open(dir.path().join("hallpass.db")).unwrap();
    other.execute_batch("CREATE TABLE users (id TEXT)").unwrap();
    drop(other);
    let refused = refusal(&dir).await;
    assert!(refused.contains("it holds another program's tables"), "{refused}");
    let other = Connection::open(dir.path().join("hallpass.db")).unwrap();
    assert!(!other.table_exists(None, "schema").unwrap());
}
