//! Lock files: try, poll with jitter, give up at a deadline (CLIENT E2).
//!
//! Always a file of its own in the user's own directory, never the data file and never
//! in `/tmp`. Never a blocking `flock`: a process that hangs must not hang all others.
//! The kernel lets go of the lock when a process dies, so a stale file means nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_core::{Random, chance};

use super::VaultError;
use crate::time::Time;

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
    file: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing it would do, but for a child that another thread is starting at this moment:
        // until its exec it has the file open too, and the lock with it. There is no more to be
        // done if this fails: the file is closed next.
        let _ = self.file.unlock();
    }
}

impl Held {
    /// Removes the lock file. Whoever waits for it notices and makes a new one.
    pub(crate) fn remove(self) {
        // A lock file that stays is harmless.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Why waiting ended without the lock.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GaveUp {
    /// The deadline passed.
    Deadline,
    /// `still_wanted` said no.
    NotWanted,
}

/// Waits for the lock at `path`, for as long as `still_wanted` says and `deadline` allows.
pub(crate) fn acquire(
    path: &Path,
    deadline: Duration,
    time: &dyn Time,
    random: &dyn Random,
    still_wanted: &mut dyn FnMut() -> bool,
) -> Result<Result<Held, GaveUp>, VaultError> {
    let failed = |error: io::Error| VaultError::Io {
        what: "lock",
        path: path.to_owned(),
        why: error.to_string(),
    };
    let began = time.monotonic();
    let mut pause = Duration::from_millis(2);
    loop {
        let file = open(path).map_err(failed)?;
        match file.try_lock() {
            // The holder before us may have removed the file: then we hold a lock that
            // nobody else will ever look at.
            Ok(()) if is_still_at(&file, path) => {
                return Ok(Ok(Held { path: path.to_owned(), file }));
            }
            Ok(()) => continue,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        if !still_wanted() {
            return Ok(Err(GaveUp::NotWanted));
        }
        if time.monotonic().saturating_sub(began) >= deadline {
            return Ok(Err(GaveUp::Deadline));
        }
        let [jitter] = chance::bytes::<1>(random);
        time.sleep(pause + pause * u32::from(jitter) / 255);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    super::atomic::private(&mut options);
    options.open(path)
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(held), Ok(there)) => held.dev() == there.dev() && held.ino() == there.ino(),
        _ => false,
    }
}

/// An open file cannot be removed there.
#[cfg(not(unix))]
fn is_still_at(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeTime, counting};

    fn scratch() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    // proves: client-E2
    #[test]
    fn one_holder_at_a_time_and_a_deadline_for_the_rest() {
        let dir = scratch();
        let path = dir.path().join("a.lock");
        let (time, random) = (FakeTime::new(), counting());
        let get = |wanted: bool| {
            acquire(&path, Duration::from_secs(9), &time, &random, &mut || wanted).unwrap()
        };
        let held = get(true).unwrap();
        assert_eq!(get(true).unwrap_err(), GaveUp::Deadline);
        assert_eq!(get(false).unwrap_err(), GaveUp::NotWanted);
        drop(held);
        assert!(get(true).is_ok());
    }

    // A child that another thread is starting has the file open too, until its exec.
    #[test]
    fn it_is_let_go_while_somebody_else_has_the_file_open() {
        let dir = scratch();
        let path = dir.path().join("a.lock");
        let (time, random) = (FakeTime::new(), counting());
        let held = acquire(&path, Duration::ZERO, &time, &random, &mut || true).unwrap().unwrap();
        let child = held.file.try_clone().unwrap();
        drop(held);
        assert!(acquire(&path, Duration::ZERO, &time, &random, &mut || true).unwrap().is_ok());
        drop(child);
    }

    // proves: client-E2
    #[cfg(unix)]
    #[test]
    fn it_is_private_and_never_a_link() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = scratch();
        let path = dir.path().join("a.lock");
        let (time, random) = (FakeTime::new(), counting());
        let mut wanted = || true;
        acquire(&path, Duration::ZERO, &time, &random, &mut wanted).unwrap().unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        let link = dir.path().join("b.lock");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).unwrap();
        assert!(acquire(&link, Duration::ZERO, &time, &random, &mut wanted).is_err());
        assert!(!dir.path().join("elsewhere").exists());
    }

    // A removed lock file must not let two in: the one that waited on the old file
    // would hold a lock that nobody else sees.
    #[test]
    fn a_lock_that_was_removed_is_taken_anew() {
        let dir = scratch();
        let path = dir.path().join("a.lock");
        let (time, random) = (FakeTime::new(), counting());
        let first = acquire(&path, Duration::ZERO, &time, &random, &mut || true).unwrap().unwrap();
        let stale = open(&path).unwrap();
        first.remove();
        stale.try_lock().unwrap();
        assert!(!is_still_at(&stale, &path));
        let second = acquire(&path, Duration::ZERO, &time, &random, &mut || true).unwrap().unwrap();
        assert!(is_still_at(&second.file, &path));
    }
}
