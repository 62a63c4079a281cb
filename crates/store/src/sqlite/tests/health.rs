//! A damaged database is refused, and so is one that is older than what was acknowledged.

use std::fs;
use std::path::Path;

use super::{change, crash, open, refusal, value};
use crate::{Error, Store};

/// Overwrites `count` bytes of a file with something else.
fn spoil(path: &Path, from: usize, count: usize) {
    let mut bytes = fs::read(path).unwrap();
    for byte in &mut bytes[from..from + count] {
        *byte ^= 0x5A;
    }
    fs::write(path, bytes).unwrap();
}

/// A store with something in it, closed: one file.
async fn filled(values: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    for number in 0..values {
        let large = "x".repeat(1_000_000);
        store.settings().set_once(&format!("large {number}"), &large).await.unwrap();
    }
    change(&store, "kept").await;
    store.close().await;
    dir
}

#[tokio::test]
async fn damage_is_found_at_the_start() {
    let dir = filled(1).await;
    let file = dir.path().join("hallpass.db");

    let no_database = crash(dir.path());
    spoil(&no_database.path().join("hallpass.db"), 0, 16);
    let refused = refusal(&no_database).await;
    assert!(refused.starts_with("the database is damaged: file is not a database"), "{refused}");
    assert!(refused.ends_with("stop hallpass and restore a backup"), "{refused}");

    let spoilt = crash(dir.path());
    let length = fs::metadata(&file).unwrap().len() as usize;
    for page in (4096..length).step_by(4096) {
        spoil(&spoilt.path().join("hallpass.db"), page, 100);
    }
    let refused = refusal(&spoilt).await;
    assert!(refused.starts_with("the database is damaged: "), "{refused}");

    let cut = crash(dir.path());
    let half = fs::read(&file).unwrap();
    fs::write(cut.path().join("hallpass.db"), &half[..length / 2]).unwrap();
    let refused = refusal(&cut).await;
    assert!(refused.starts_with("the database is damaged: "), "{refused}");

    assert_eq!(value(&open(&dir).await.unwrap()).await.as_deref(), Some("kept"));
}

/// A large file is checked while it is served; once damage is found, nothing is served.
#[tokio::test]
async fn damage_is_found_while_serving() {
    let dir = filled(17).await;
    let file = dir.path().join("hallpass.db");
    let length = fs::metadata(&file).unwrap().len() as usize;
    // In the middle of the large values, which nobody reads.
    for page in (length / 4096 / 2..length / 4096 / 2 + 200).map(|page| page * 4096) {
        spoil(&file, page, 100);
    }
    let store = open(&dir).await.unwrap();
    let damage = loop {
        match store.settings().get("value").await {
            Ok(_) => tokio::task::yield_now().await,
            Err(damage) => break damage,
        }
    };
    assert!(matches!(damage, Error::Corrupt { .. }), "{damage:?}");
    assert_eq!(store.settings().get("value").await, Err(damage.clone()));
    assert_eq!(store.settings().set("value", "y", &super::by()).await, Err(damage.clone()));
    assert_eq!(store.ping().await, Err(damage));
}

/// After a crash, everything that was acknowledged is there.
#[tokio::test]
async fn a_crash_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    for number in 0..20 {
        let number = number.to_string();
        change(&store, &number).await;
        let crashed = crash(dir.path());
        assert_eq!(value(&open(&crashed).await.unwrap()).await, Some(number));
    }
}

/// A crash while three changes were acknowledged, and the log in which they are.
async fn crashed_with_a_log() -> tempfile::TempDir {
    let dir = filled(0).await;
    let store: Store = open(&dir).await.unwrap();
    for text in ["one", "two", "three"] {
        change(&store, text).await;
    }
    crash(dir.path())
}

#[tokio::test]
async fn a_log_that_was_lost_is_missed() {
    let expected = |dir: &Path, last: u32| {
        format!(
            "{}/hallpass.db is older than what hallpass has acknowledged (its last change is \
             number {last}, and 4 was), so revoked credentials could come back; put back the \
             newest hallpass.db together with its hallpass.db-wal",
            dir.display()
        )
    };
    let lost = crashed_with_a_log().await;
    fs::remove_file(lost.path().join("hallpass.db-wal")).unwrap();
    assert_eq!(refusal(&lost).await, expected(lost.path(), 1));
    // And again: nothing was made good by trying.
    assert_eq!(refusal(&lost).await, expected(lost.path(), 1));

    let cut = crashed_with_a_log().await;
    let log = cut.path().join("hallpass.db-wal");
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() - 4096]).unwrap();
    assert_eq!(refusal(&cut).await, expected(cut.path(), 3));

    let spoilt = crashed_with_a_log().await;
    let log = spoilt.path().join("hallpass.db-wal");
    spoil(&log, 32 + 24 + 100, 1);
    assert_eq!(refusal(&spoilt).await, expected(spoilt.path(), 1));

    // The shared memory is made anew from the log.
    let whole = crashed_with_a_log().await;
    fs::remove_file(whole.path().join("hallpass.db-shm")).unwrap();
    assert_eq!(value(&open(&whole).await.unwrap()).await.as_deref(), Some("three"));
}

/// An old copy of the file is not taken for the database.
#[tokio::test]
async fn a_stale_copy_is_refused() {
    let dir = filled(0).await;
    let copy = fs::read(dir.path().join("hallpass.db")).unwrap();
    let store = open(&dir).await.unwrap();
    change(&store, "newer").await;
    store.close().await;
    fs::write(dir.path().join("hallpass.db"), copy).unwrap();
    assert!(refusal(&dir).await.contains("(its last change is number 1, and 2 was)"));
    // A database that was lost altogether is not made anew either.
    fs::remove_file(dir.path().join("hallpass.db")).unwrap();
    for _ in 0..2 {
        assert!(refusal(&dir).await.contains("(its last change is number 0, and 2 was)"));
    }
}

/// A mark that a power loss cut says nothing.
#[tokio::test]
async fn a_spoilt_mark_is_no_obstacle() {
    let dir = filled(0).await;
    fs::write(dir.path().join("hallpass.mark"), "\0\0").unwrap();
    let store = open(&dir).await.unwrap();
    assert_eq!(value(&store).await.as_deref(), Some("kept"));
    let mark = fs::read_to_string(dir.path().join("hallpass.mark")).unwrap();
    assert!(mark.starts_with("00000000000000000001 "), "{mark}");
}
