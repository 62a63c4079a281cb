//! The vault in files: `credentials.json` for the tokens, and `keys.json` for the keys
//! that bind them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_core::Random;
use zeroize::Zeroizing;

use super::binding::{self, BindingKey, Keys};
use super::kept::{KeptFile, corrupt, failed, why};
use super::model::Key;
use super::{Contents, Place, Vault, VaultError, newer};
use crate::status::Warning;
use crate::time::Time;

/// The file's name.
const NAME: &str = "credentials.json";

/// The vault in files.
pub struct FileVault {
    pub(crate) tokens: KeptFile,
    pub(crate) keys: KeptFile,
}

impl FileVault {
    /// The vault in `dir`, the tool's configuration directory. Nothing is opened or made yet.
    pub fn new(dir: impl Into<PathBuf>, time: Arc<dyn Time>, random: Arc<dyn Random>) -> Self {
        let dir = dir.into();
        Self {
            tokens: KeptFile::new(&dir, NAME, time.clone(), random.clone()),
            keys: KeptFile::new(&dir, binding::NAME, time, random),
        }
    }

    fn change_keys(&self, edit: &mut dyn FnMut(&mut Keys) -> bool) -> Result<(), VaultError> {
        let held = self.keys.lock()?;
        let target = self.keys.target()?;
        let mut keys = match self.keys.load(&target)? {
            Some(bytes) => Keys::parse(&bytes, &target)?,
            None => Keys::default(),
        };
        if !edit(&mut keys) {
            return Ok(());
        }
        if keys.is_empty() {
            return self.keys.remove(&target, held);
        }
        self.keys.store(&target, &to_bytes(&keys, &target)?)
    }
}

impl Vault for FileVault {
    fn read(&self) -> Result<Contents, VaultError> {
        match self.tokens.read()? {
            Some(bytes) => parse(&bytes, self.tokens.path()),
            None => Ok(Contents::default()),
        }
    }

    fn change(&self, edit: &mut dyn FnMut(&mut Contents) -> bool) -> Result<(), VaultError> {
        let held = self.tokens.lock()?;
        let target = self.tokens.target()?;
        let mut contents = match self.tokens.load(&target)? {
            Some(bytes) => parse(&bytes, &target)?,
            None => Contents::default(),
        };
        if !edit(&mut contents) {
            return Ok(());
        }
        if contents.is_empty() {
            return self.tokens.remove(&target, held);
        }
        self.tokens.store(&target, &to_bytes(&contents, &target)?)
    }

    fn set_aside(&self) -> Result<Option<PathBuf>, VaultError> {
        self.tokens.set_aside("corrupt")
    }

    fn binding_key(&self, key: &Key) -> Result<Option<BindingKey>, VaultError> {
        match self.keys.read()? {
            Some(bytes) => Ok(Keys::parse(&bytes, self.keys.path())?.get(key)),
            None => Ok(None),
        }
    }

    fn keep_binding_key(&self, key: &Key, private: &BindingKey) -> Result<(), VaultError> {
        let keep = || {
            self.change_keys(&mut |keys| {
                keys.put(key, private);
                true
            })
        };
        match keep() {
            // CLIENT D10: a login is how a person gets over a broken store.
            Err(VaultError::Corrupt { .. }) => {
                self.keys.set_aside("corrupt")?;
                keep()
            }
            kept => kept,
        }
    }

    fn remove_binding_key(&self, key: &Key) -> Result<(), VaultError> {
        // Most have none, and then nothing is made, not even a lock file.
        match self.keys.read()? {
            None => Ok(()),
            Some(_) => match self.change_keys(&mut |keys| keys.remove(key)) {
                // Nothing in it can be used, so nothing in it needs removing.
                Err(VaultError::Corrupt { .. }) => self.keys.set_aside("corrupt").map(drop),
                removed => removed,
            },
        }
    }

    fn dir(&self) -> &Path {
        self.tokens.dir()
    }

    fn place(&self) -> Place {
        Place { kind: "file", path: self.tokens.path().to_owned() }
    }

    fn warnings(&self) -> Vec<Warning> {
        self.tokens.warnings()
    }
}

/// Reads a file of ours. The schema first: a newer file is not a corrupt one.
fn parse(bytes: &[u8], path: &Path) -> Result<Contents, VaultError> {
    newer(bytes, path)?;
    serde_json::from_slice(bytes).map_err(|error| corrupt(path, why(&error)))
}

fn to_bytes(what: &impl serde::Serialize, target: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer_pretty(&mut *bytes, what)
        .map_err(|error| failed("write", target, &error.into()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
