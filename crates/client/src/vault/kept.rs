//! One private file: mode 0600, in a directory of mode 0700.
//!
//! Reading takes no lock: a replacement is atomic, so a reader sees the old or the new
//! file. Changing takes the lock file beside it, reads again, edits, replaces. A link
//! in the file's place is followed once and stays (CLIENT D8).

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hallpass_core::Random;
use zeroize::Zeroizing;

use super::VaultError;
use super::atomic::{self, Step};
use super::lock::{self, GaveUp, Held};
use crate::status::Warning;
use crate::time::Time;

/// A file larger than this is not ours.
const MAX_SIZE: u64 = 4 * 1024 * 1024;
/// Nobody changes a file for longer than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// One private file.
pub(crate) struct KeptFile {
    dir: PathBuf,
    path: PathBuf,
    name: String,
    /// The directory is not ours to make private.
    foreign: bool,
    time: Arc<dyn Time>,
    random: Arc<dyn Random>,
    #[cfg(test)]
    pub(crate) fail_at: std::sync::Mutex<Option<Step>>,
}

impl KeptFile {
    /// The file `name` in `dir`. Nothing is opened or made yet.
    pub(crate) fn new(
        dir: &Path,
        name: &str,
        time: Arc<dyn Time>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            path: dir.join(name),
            dir: dir.to_owned(),
            name: name.to_owned(),
            foreign: false,
            time,
            random,
            #[cfg(test)]
            fail_at: std::sync::Mutex::default(),
        }
    }

    /// Another one in a directory that is somebody else's: its mode stays as it is.
    pub(crate) fn elsewhere(&self, dir: &Path, name: &str) -> Self {
        let file = Self::new(dir, name, self.time.clone(), self.random.clone());
        Self { foreign: true, ..file }
    }

    /// Another one in the same directory.
    pub(crate) fn beside(&self, name: &str) -> Self {
        let file = Self::new(&self.dir, name, self.time.clone(), self.random.clone());
        Self { foreign: self.foreign, ..file }
    }

    /// Whether somebody named it, and it may be anything.
    pub(crate) fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Its directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where it is, links not followed.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself: a link in its place is followed, once.
    pub(crate) fn target(&self) -> Result<PathBuf, VaultError> {
        self.check_home()?;
        let not_a_file = |path: &Path, what| VaultError::NotAFile { path: path.to_owned(), what };
        let kind = |path: &Path| match std::fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(metadata.file_type())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", path, &error)),
        };
        match kind(&self.path)? {
            None => Ok(self.path.clone()),
            Some(kind) if kind.is_file() => Ok(self.path.clone()),
            Some(found) if found.is_symlink() => {
                let link = std::fs::read_link(&self.path)
                    .map_err(|error| failed("read", &self.path, &error))?;
                let target = self.dir.join(link);
                match kind(&target)? {
                    Some(kind) if kind.is_symlink() => {
                        Err(not_a_file(&self.path, "a link to a link"))
                    }
                    Some(kind) if !kind.is_file() => {
                        Err(not_a_file(&self.path, "a link to something that is no file"))
                    }
                    None if !target.parent().is_some_and(Path::is_dir) => {
                        Err(not_a_file(&self.path, "a link that leads nowhere"))
                    }
                    _ => Ok(target),
                }
            }
            Some(_) => Err(not_a_file(&self.path, "not a plain file")),
        }
    }

    /// What is in it; `None` if there is nothing yet.
    pub(crate) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.check_directory()?;
        self.load(&self.target()?)
    }

    /// What is in `target`.
    pub(crate) fn load(&self, target: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let mut options = OpenOptions::new();
        options.read(true);
        atomic::private(&mut options);
        let mut file = match options.open(target) {
            Ok(file) => file.take(MAX_SIZE + 1),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", target, &error)),
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
        file.read_to_end(&mut bytes).map_err(|error| failed("read", target, &error))?;
        if bytes.len() as u64 > MAX_SIZE {
            return Err(corrupt(target, "it is far too large"));
        }
        Ok(Some(bytes))
    }

    /// Whether a change could be written. A directory of our own that only lacks the permission
    /// gets it; one of somebody else, or on a file system that is read-only, does not.
    pub(crate) fn writable(&self) -> Result<(), VaultError> {
        let target = match self.target() {
            // What stands in its place can be put aside.
            Err(VaultError::NotAFile { path, .. }) => path,
            target => target?,
        };
        let directory = target.parent().unwrap_or(&self.dir);
        if !directory.exists() {
            // It is to be made.
            let there = directory.ancestors().find(|above| above.exists()).unwrap_or(directory);
            return may_write(there).map_err(|error| failed("make", directory, &error));
        }
        if may_write(directory).is_err() {
            // The second look says why not.
            let _ = self.prepare();
        }
        may_write(directory).map_err(|error| failed("write in", directory, &error))
    }

    /// A relative directory would be a different one for each working directory.
    fn check_home(&self) -> Result<(), VaultError> {
        if self.dir.is_absolute() { Ok(()) } else { Err(VaultError::NoHome) }
    }

    /// Makes the directory, and makes it private.
    fn prepare(&self) -> Result<(), VaultError> {
        self.check_home()?;
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.dir).map_err(|error| failed("make", &self.dir, &error))?;
        self.check_directory()?;
        #[cfg(unix)]
        if !self.foreign && mode(&self.dir).is_some_and(|mode| mode & 0o777 != 0o700) {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&self.dir, std::fs::Permissions::from_mode(0o700))
                .map_err(|error| failed("make private", &self.dir, &error))?;
        }
        Ok(())
    }

    /// CLIENT D7: where others can change the directory, or put another in its place,
    /// nothing in it can be believed.
    fn check_directory(&self) -> Result<(), VaultError> {
        const STICKY: u32 = 0o1000;
        let exposed = |path: &Path, mode: u32| VaultError::Exposed {
            path: path.to_owned(),
            mode: mode & 0o7777,
        };
        if let Some(mode) = mode(&self.dir)
            && mode & 0o022 != 0
        {
            return Err(exposed(&self.dir, mode));
        }
        // Above it, a group that may write is often the person's own; everybody never is.
        if let Some(parent) = self.dir.parent()
            && let Some(mode) = mode(parent)
            && mode & 0o002 != 0
            && mode & STICKY == 0
        {
            return Err(exposed(parent, mode));
        }
        Ok(())
    }

    /// Takes the lock that every change takes, and makes the directory if need be.
    pub(crate) fn lock(&self) -> Result<Held, VaultError> {
        self.prepare()?;
        let path = self.dir.join(format!("{}.lock", self.name));
        match lock::acquire(&path, PATIENCE, &*self.time, &*self.random, &mut || true)? {
            Ok(held) => Ok(held),
            Err(GaveUp::Deadline | GaveUp::NotWanted) => {
                Err(VaultError::Busy { path: self.path.clone() })
            }
        }
    }

    /// Replaces it. Only under the lock.
    pub(crate) fn store(&self, target: &Path, bytes: &[u8]) -> Result<(), VaultError> {
        atomic::sweep(target);
        atomic::replace(target, bytes, &*self.random, &|step| self.at(step))
            .map_err(|error| failed("write", target, &error))
    }

    /// Removes it and its lock: nothing is left to keep, so nothing is left behind.
    pub(crate) fn remove(&self, target: &Path, held: Held) -> Result<(), VaultError> {
        match std::fs::remove_file(target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", target, &error));
            }
            _ => {}
        }
        atomic::sweep(target);
        held.remove();
        Ok(())
    }

    /// Removes it without a lock of its own, if it is there. Only under a lock that covers it.
    pub(crate) fn forget(&self) -> Result<(), VaultError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &self.path, &error))
            }
            _ => Ok(()),
        }
    }

    /// The time of now, for what is written down with it.
    pub(crate) fn now(&self) -> hallpass_core::Timestamp {
        self.time.now()
    }

    /// Moves it out of the way, to the same name with a `mark` behind it, and says where it is
    /// now; `None` if there was nothing.
    pub(crate) fn set_aside(&self, mark: &str) -> Result<Option<PathBuf>, VaultError> {
        let _held = self.lock()?;
        let target = match self.target() {
            // The link itself then, or what else stands in the file's place.
            Err(VaultError::NotAFile { path, .. }) => path,
            target => target?,
        };
        let mut aside = target.clone().into_os_string();
        aside.push(format!(".{mark}"));
        let aside = PathBuf::from(aside);
        match std::fs::rename(&target, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("move", &target, &error)),
        }
    }

    /// What is loose about it.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        [self.dir.as_path(), self.path.as_path()]
            .into_iter()
            .filter_map(|path| {
                let mode = mode(path)? & 0o777;
                (mode & 0o077 != 0)
                    .then(|| Warning::LooseMode { path: path.display().to_string(), mode })
            })
            .collect()
    }

    #[cfg(test)]
    fn at(&self, step: Step) -> io::Result<()> {
        if *self.fail_at.lock().unwrap() == Some(step) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }

    #[cfg(not(test))]
    fn at(&self, _step: Step) -> io::Result<()> {
        Ok(())
    }
}

/// serde's own words can quote the file, which holds secrets.
pub(crate) fn why(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a member is missing or of the wrong type",
        _ => "it is not well-formed JSON",
    }
}

pub(crate) fn corrupt(path: &Path, why: &str) -> VaultError {
    VaultError::Corrupt { path: path.to_owned(), why: why.to_owned() }
}

/// Whether this process may make files there.
fn may_write(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::fs::Access;
        rustix::fs::access(directory, Access::WRITE_OK | Access::EXEC_OK)?;
    }
    #[cfg(not(unix))]
    if std::fs::metadata(directory)?.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

pub(crate) fn failed(what: &'static str, path: &Path, error: &io::Error) -> VaultError {
    VaultError::Io { what, path: path.to_owned(), why: error.to_string() }
}

/// Permission bits, the sticky one included; `None` where there are none or there is nothing.
#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).ok().map(|metadata| metadata.permissions().mode())
}

#[cfg(not(unix))]
fn mode(_path: &Path) -> Option<u32> {
    None
}
