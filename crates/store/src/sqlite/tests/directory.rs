//! The data directory: who may see it, and who holds it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{change, open, refusal, value};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn is_for_its_owner_alone() {
    let town = tempfile::tempdir().unwrap();
    let dir = town.path().join("not/there/yet");
    let store = open(&dir).await.unwrap();
    change(&store, "x").await;
    assert_eq!(mode(&dir), 0o700);
    let mut names: Vec<_> =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in &names {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    let names: Vec<_> =
        names.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(
        names,
        ["hallpass.db", "hallpass.db-shm", "hallpass.db-wal", "hallpass.lock", "hallpass.mark"]
    );
    // Files and a directory that somebody opened up are closed again.
    store.close().await;
    fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(dir.join("hallpass.db"), Permissions::from_mode(0o644)).unwrap();
    let store = open(&dir).await.unwrap();
    assert_eq!((mode(&dir), mode(&dir.join("hallpass.db"))), (0o700, 0o600));
    assert_eq!(value(&store).await.as_deref(), Some("x"));
}

/// A directory that others use too is left as it is; what we put there is not for them.
#[tokio::test]
async fn of_others_is_left_as_it_is() {
    let town = tempfile::tempdir().unwrap();
    fs::set_permissions(town.path(), Permissions::from_mode(0o755)).unwrap();
    fs::write(town.path().join("of others"), "").unwrap();
    let _store = open(&town).await.unwrap();
    assert_eq!(mode(town.path()), 0o755);
    assert_eq!(mode(&town.path().join("hallpass.db")), 0o600);
}

#[tokio::test]
async fn belongs_to_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    change(&store, "x").await;
    let refused = refusal(&dir).await;
    assert_eq!(
        refused,
        format!(
            "{} belongs to a running hallpass; stop it first, or choose another directory with \
             --data-dir",
            dir.path().display()
        )
    );
    // Closed or dropped, it is free at once, and everything is in the one file.
    store.close().await;
    assert!(!dir.path().join("hallpass.db-wal").exists());
    let store = open(&dir).await.unwrap();
    let clone = store.clone();
    drop(store);
    assert!(refusal(&dir).await.contains("belongs to a running hallpass"));
    drop(clone);
    assert_eq!(value(&open(&dir).await.unwrap()).await.as_deref(), Some("x"));
}

#[tokio::test]
async fn that_cannot_be_made_is_named() {
    let town = tempfile::tempdir().unwrap();
    let file = town.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let refused = refusal(file.join("data")).await;
    assert!(refused.starts_with(&format!("cannot use {}/data: ", file.display())), "{refused}");
    assert!(refused.contains("make it writable for this user"), "{refused}");
    assert!(refusal("/proc/hallpass").await.starts_with("cannot use /proc/hallpass: "));
    // Not even root makes a file there.
    assert!(refusal("/sys/kernel").await.starts_with("cannot use /sys/kernel: "));
}
