//! A disk that takes no more: by a limit on the size of files, and, where mounting is
//! allowed, by really being full.

use std::fs;
use std::path::Path;
use std::process::Command;

use hallpass_store::{Error, OpenError, Place, Store};
use hallpass_testkit::system;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::by;

/// How large the disk is.
const ROOM: u64 = 4 << 20;
/// Where the test is to write when it runs again under a limit.
const DIRECTORY: &str = "HALLPASS_TEST_FULL_DISK";
const NAME: &str = "full_disk::a_full_disk_loses_nothing";

async fn open(dir: &Path) -> Result<Store, OpenError> {
    Store::open(&Place::Directory(dir.to_owned())).await
}

/// Writes until the disk is full, and on once `make_room` has made some.
async fn fill(dir: &Path, make_room: impl FnOnce()) {
    let store = open(dir).await.unwrap();
    let large = "x".repeat(50_000);
    let put =
        async |number: u64| store.settings().set(&format!("key {number}"), &large, &by()).await;
    let mut kept = 0;
    let refused = loop {
        match put(kept).await {
            Ok(()) => kept += 1,
            Err(refused) => break refused,
        }
        assert!(kept < 2 * ROOM / 50_000, "the disk was never full");
    };
    assert!(kept > 10, "the disk was full from the start");
    assert_eq!(refused, Error::StorageFull);
    assert_eq!(put(kept).await, Err(Error::StorageFull));
    // What was acknowledged is there and can be read; of what was not, nothing is.
    assert_eq!(store.settings().get("key 0").await.unwrap().as_ref(), Some(&large));
    assert_eq!(store.settings().get(&format!("key {kept}")).await, Ok(None));
    assert_eq!(store.audit().count().await, Ok(kept));
    make_room();
    put(kept).await.expect("it goes on by itself");
    store.close().await;

    let store = open(dir).await.unwrap();
    assert_eq!(store.audit().count().await, Ok(kept + 1));
    assert_eq!(store.settings().get(&format!("key {kept}")).await.unwrap(), Some(large));
}

#[tokio::test]
async fn a_full_disk_loses_nothing() {
    if let Some(dir) = system::var(DIRECTORY) {
        return fill(Path::new(&dir), lift_the_limit).await;
    }
    let dir = tempfile::tempdir().unwrap();
    // A process that writes beyond the limit is killed unless it does not mind.
    let limited = Command::new("env")
        .args(["--ignore-signal=XFSZ", "prlimit", &format!("--fsize={ROOM}:unlimited")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env(DIRECTORY, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stdout);
    assert!(limited.status.success() && said.contains("1 passed"), "{said}");

    if let Some(disk) = Disk::mount() {
        let ballast = disk.path().join("ballast");
        fs::write(&ballast, vec![0; ROOM as usize / 4]).unwrap();
        fill(&disk.path().join("data"), || fs::remove_file(&ballast).unwrap()).await;
    }
}

fn lift_the_limit() {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: maximum, maximum }).unwrap();
}

/// A small disk in memory; unmounted when dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    /// Mounts it, unless that is not allowed.
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={ROOM}"), "tmpfs"])
            .arg(dir.path())
            .output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then(|| Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What cannot be unmounted stays; the test is over either way.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
