//! The vault in a file: `credentials.json`, mode 0600, in a directory of mode 0700.
//!
//! Reading takes no lock: a replacement is atomic, so a reader sees the old or the new
//! file. Changing takes `credentials.json.lock`, reads again, edits, replaces. A link
//! in the file's place is followed once and stays (CLIENT D8).

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hallpass_core::Random;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::atomic::{self, Step};
use super::lock::{self, GaveUp, Held};
use super::model::SCHEMA_VERSION;
use super::{Contents, Place, Vault, VaultError};
use crate::status::Warning;
use crate::time::Time;

/// The file's name.
const NAME: &str = "credentials.json";
/// A file larger than this is not ours.
const MAX_SIZE: u64 = 4 * 1024 * 1024;
/// Nobody changes a file for longer than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// The vault in a file.
pub struct FileVault {
    dir: PathBuf,
    path: PathBuf,
    time: Arc<dyn Time>,
    random: Arc<dyn Random>,
    #[cfg(test)]
    pub(crate) fail_at: std::sync::Mutex<Option<Step>>,
}

impl FileVault {
    /// The vault in `dir`, the tool's configuration directory. Nothing is opened or made yet.
    pub fn new(dir: impl Into<PathBuf>, time: Arc<dyn Time>, random: Arc<dyn Random>) -> Self {
        let dir = dir.into();
        Self {
            path: dir.join(NAME),
            dir,
            time,
            random,
            #[cfg(test)]
            fail_at: std::sync::Mutex::default(),
        }
    }

    /// The file itself: a link in its place is followed, once.
    fn target(&self) -> Result<PathBuf, VaultError> {
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
                    _ => Ok(target),
                }
            }
            Some(_) => Err(not_a_file(&self.path, "not a plain file")),
        }
    }

    fn load(&self, target: &Path) -> Result<Contents, VaultError> {
        let mut options = OpenOptions::new();
        options.read(true);
        atomic::private(&mut options);
        let mut file = match options.open(target) {
            Ok(file) => file.take(MAX_SIZE + 1),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Contents::default());
            }
            Err(error) => return Err(failed("read", target, &error)),
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
        file.read_to_end(&mut bytes).map_err(|error| failed("read", target, &error))?;
        if bytes.len() as u64 > MAX_SIZE {
            return Err(corrupt(target, "it is far too large"));
        }
        parse(&bytes, target)
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
        if mode(&self.dir).is_some_and(|mode| mode & 0o777 != 0o700) {
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

    fn lock(&self) -> Result<Held, VaultError> {
        let path = self.dir.join(format!("{NAME}.lock"));
        match lock::acquire(&path, PATIENCE, &*self.time, &*self.random, &mut || true)? {
            Ok(held) => Ok(held),
            Err(GaveUp::Deadline | GaveUp::NotWanted) => {
                Err(VaultError::Busy { path: self.path.clone() })
            }
        }
    }

    fn store(&self, target: &Path, contents: &Contents) -> Result<(), VaultError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
        serde_json::to_writer_pretty(&mut *bytes, contents)
            .map_err(|error| failed("write", target, &error.into()))?;
        bytes.push(b'\n');
        atomic::sweep(target);
        atomic::replace(target, &bytes, &*self.random, &|step| self.at(step))
            .map_err(|error| failed("write", target, &error))
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

impl Vault for FileVault {
    fn read(&self) -> Result<Contents, VaultError> {
        self.check_directory()?;
        self.load(&self.target()?)
    }

    fn change(&self, edit: &mut dyn FnMut(&mut Contents) -> bool) -> Result<(), VaultError> {
        self.prepare()?;
        let held = self.lock()?;
        let target = self.target()?;
        let mut contents = self.load(&target)?;
        if !edit(&mut contents) {
            return Ok(());
        }
        if contents.is_empty() {
            // Nothing is left to keep, so nothing is left behind.
            match std::fs::remove_file(&target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove", &target, &error));
                }
                _ => {}
            }
            atomic::sweep(&target);
            held.remove();
            return Ok(());
        }
        self.store(&target, &contents)
    }

    fn set_aside(&self) -> Result<Option<PathBuf>, VaultError> {
        self.prepare()?;
        let _held = self.lock()?;
        let target = self.target()?;
        let mut aside = target.clone().into_os_string();
        aside.push(format!(".corrupt-{}", self.time.now().secs()));
        let aside = PathBuf::from(aside);
        match std::fs::rename(&target, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("move", &target, &error)),
        }
    }

    fn dir(&self) -> &Path {
        &self.dir
    }

    fn place(&self) -> Place {
        Place { kind: "file", path: self.path.clone() }
    }

    fn warnings(&self) -> Vec<Warning> {
        [self.dir.as_path(), self.path.as_path()]
            .into_iter()
            .filter_map(|path| {
                let mode = mode(path)? & 0o777;
                (mode & 0o077 != 0)
                    .then(|| Warning::LooseMode { path: path.display().to_string(), mode })
            })
            .collect()
    }
}

/// Reads a file of ours. The schema first: a newer file is not a corrupt one.
fn parse(bytes: &[u8], path: &Path) -> Result<Contents, VaultError> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u32,
    }
    let version: Version =
        serde_json::from_slice(bytes).map_err(|error| corrupt(path, why(&error)))?;
    if version.schema_version > SCHEMA_VERSION {
        return Err(VaultError::Newer {
            path: path.to_owned(),
            found: version.schema_version,
            known: SCHEMA_VERSION,
        });
    }
    serde_json::from_slice(bytes).map_err(|error| corrupt(path, why(&error)))
}

/// serde's own words can quote the file, which holds secrets.
fn why(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a member is missing or of the wrong type",
        _ => "it is not well-formed JSON",
    }
}

fn corrupt(path: &Path, why: &str) -> VaultError {
    VaultError::Corrupt { path: path.to_owned(), why: why.to_owned() }
}

fn failed(what: &'static str, path: &Path, error: &io::Error) -> VaultError {
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

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
