//! What is SQLite's own: batches, the directory, damage, upgrades.

mod batches;
mod directory;
mod health;
mod plans;
mod upgrades;

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use hallpass_core::id::AuditId;
use hallpass_core::{Clock, Random, Timestamp};

use crate::{By, OpenError, Place, Store, conformance};

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_memory() {
    conformance::run(async || Store::open(&Place::Memory).await.unwrap(), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_a_directory() {
    let town = tempfile::tempdir().unwrap();
    let make = async || open(tempfile::tempdir_in(town.path()).unwrap().keep()).await.unwrap();
    conformance::run(make, 3).await;
}

async fn open(dir: impl AsRef<Path>) -> Result<Store, OpenError> {
    Store::open(&Place::Directory(dir.as_ref().to_owned())).await
}

/// Why it could not be opened, as a person reads it.
async fn refusal(dir: impl AsRef<Path>) -> String {
    open(dir).await.map(|_| "it was opened").unwrap_err().to_string()
}

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_800_000_000)
    }
}

struct Counting(AtomicI64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.copy_from_slice(&number[8 - bytes.len().min(8)..].repeat(2)[..bytes.len()]);
    }
}

/// Somebody who makes one change.
fn by() -> By {
    static NEXT: Counting = Counting(AtomicI64::new(1));
    By {
        id: AuditId::new(&Standing, &NEXT),
        at: Standing.now(),
        actor: "system".to_owned(),
        client_id: None,
        address: None,
        letters: Vec::new(),
    }
}

/// Makes a change that is acknowledged.
async fn change(store: &Store, value: &str) {
    store.settings().set("value", value, &by()).await.unwrap();
}

/// What the last change was.
async fn value(store: &Store) -> Option<String> {
    store.settings().get("value").await.unwrap()
}

/// Copies the files as they are now: what a crash at this moment would leave behind.
fn crash(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}
