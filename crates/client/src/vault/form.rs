//! How the files of a vault are kept: plain, or sealed with a key that lies in the keyring.
//!
//! Which of the two is decided anew at each write, so that a plain file moves to the sealed
//! form as soon as there is a keyring, and back if that was asked for.

use std::path::{Path, PathBuf};

use hallpass_core::chance;
use serde::Serialize;
use zeroize::Zeroizing;

use super::chest::{Chest, Chests};
use super::file::{FileVault, NAME};
use super::kept::{KeptFile, corrupt, failed};
use super::keyring::KeyringError;
use super::model::SEALED_VERSION;
use super::policy::{Settings, StorePolicy};
use super::seal::Envelope;
use super::{Place, VaultError, newer};

/// What a brand demands of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// A refresh token lies in the keyring itself, never in a file in any form.
    pub refresh_in_keyring: bool,
    /// Without a keyring a plain file will do, and nobody is asked.
    pub file_without_question: bool,
}

/// How a file is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// With the key in this entry of the keyring.
    Sealed(String),
}

/// What is in a file, how it was kept, and the entry that it was sealed with.
pub(super) struct Opened {
    pub(super) plain: Zeroizing<Vec<u8>>,
    pub(super) form: Form,
    pub(super) chest: Option<Chest>,
}

impl FileVault {
    /// Whether everything is to be kept in memory only.
    pub(super) fn in_memory(&self) -> Result<bool, VaultError> {
        match &self.asked {
            Ok(asked) => Ok(*asked == Some(StorePolicy::None)),
            Err(unknown) => Err(VaultError::UnknownPolicy(unknown.clone())),
        }
    }

    /// What was asked for, else what is remembered.
    pub(super) fn policy(&self) -> Result<StorePolicy, VaultError> {
        let policy = match &self.asked {
            Ok(Some(policy)) => *policy,
            Ok(None) => self.settings()?.store.unwrap_or_default(),
            Err(unknown) => return Err(VaultError::UnknownPolicy(unknown.clone())),
        };
        Ok(match policy {
            StorePolicy::None => policy,
            _ if self.rules.refresh_in_keyring => StorePolicy::Keyring,
            policy => policy,
        })
    }

    pub(super) fn settings(&self) -> Result<Settings, VaultError> {
        match self.settings.read()? {
            // What cannot be read remembers nothing; it stops nobody.
            Some(bytes) => Ok(Settings::parse(&bytes, self.settings.path()).unwrap_or_default()),
            None => Ok(Settings::default()),
        }
    }

    pub(super) fn change_settings(
        &self,
        edit: impl FnOnce(&mut Settings),
    ) -> Result<(), VaultError> {
        let held = self.settings.lock()?;
        let target = self.settings.target()?;
        let mut settings = match self.settings.load(&target)? {
            Some(bytes) => Settings::parse(&bytes, &target).unwrap_or_default(),
            None => Settings::default(),
        };
        edit(&mut settings);
        if settings.is_empty() {
            return self.settings.remove(&target, held);
        }
        self.settings.store(&target, &to_bytes(&settings, &target)?)
    }

    /// How a file is to be written that is kept as `current` now.
    pub(super) fn form(&self, current: Option<Form>) -> Result<Form, VaultError> {
        let plain = current == Some(Form::Plain);
        match (self.policy()?, current) {
            (StorePolicy::File | StorePolicy::None, _) => Ok(Form::Plain),
            // Its key was read a moment ago.
            (_, Some(sealed @ Form::Sealed(_))) => Ok(sealed),
            (StorePolicy::Keyring, _) => self.new_seal(),
            (StorePolicy::Auto, _) => match self.new_seal() {
                Err(VaultError::Keyring { .. }) if plain || self.rules.file_without_question => {
                    Ok(Form::Plain)
                }
                // It was asked before, and agreed to.
                Err(VaultError::Keyring { .. })
                    if self.settings()?.store == Some(StorePolicy::File) =>
                {
                    Ok(Form::Plain)
                }
                Err(VaultError::Keyring { why }) => {
                    Err(VaultError::Unasked { path: self.tokens.path().to_owned(), why })
                }
                form => form,
            },
        }
    }

    pub(super) fn chests(&self) -> Result<&Chests, VaultError> {
        let none = || KeyringError::Absent("none was given".to_owned());
        self.chests.as_ref().ok_or_else(|| VaultError::Keyring { why: none() })
    }

    /// Our entry in the keyring; makes it if there is none.
    pub(super) fn new_seal(&self) -> Result<Form, VaultError> {
        let chests = self.chests()?;
        let settings = self.settings()?;
        let known = [&self.tokens, &self.keys].into_iter().find_map(sealed_by);
        let by = known.or(settings.keyring_entry.clone()).unwrap_or_else(|| self.new_id());
        let failed = |why| VaultError::Keyring { why };
        if chests.open(&by, 0).map_err(failed)?.is_some() {
            return Ok(Form::Sealed(by));
        }
        // A new name, so that nobody else's entry can be overwritten (CLIENT D12).
        let by = self.new_id();
        chests.make(&by, &*self.random).map_err(failed)?;
        self.change_settings(|settings| settings.keyring_entry = Some(by.clone()))?;
        Ok(Form::Sealed(by))
    }

    pub(super) fn new_id(&self) -> String {
        let mark = u64::from_be_bytes(chance::bytes(&*self.random));
        format!("sign-ins-{mark:016x}")
    }

    /// The entry that seals a file, which has to be there.
    pub(super) fn chest(
        &self,
        by: &str,
        generation: u64,
        path: &Path,
    ) -> Result<Chest, VaultError> {
        let chest = self.chests()?.open(by, generation);
        let chest = chest.map_err(|why| VaultError::Keyring { why })?;
        chest.ok_or_else(|| VaultError::KeyGone { path: path.to_owned() })
    }

    /// What is in a file, and how it was kept.
    pub(super) fn open(&self, bytes: &[u8], path: &Path, name: &str) -> Result<Opened, VaultError> {
        if newer(bytes, path)? != SEALED_VERSION {
            let plain = Zeroizing::new(bytes.to_vec());
            return Ok(Opened { plain, form: Form::Plain, chest: None });
        }
        let envelope = Envelope::parse(bytes, path)?;
        let by = envelope.sealed.by.clone();
        if name == NAME {
            // Named even if it cannot be opened.
            self.saw(Some(Form::Sealed(by.clone())));
        }
        let chest = self.chest(&by, envelope.sealed.generation, path)?;
        let gone = || VaultError::KeyGone { path: path.to_owned() };
        let key = chest.key().ok_or_else(gone)?;
        let plain = envelope.open(&key, name).ok_or_else(gone)?;
        // What was sealed by a later version may be of one, too.
        if newer(&plain, path)? == SEALED_VERSION {
            return Err(corrupt(path, "it is sealed twice"));
        }
        Ok(Opened { plain, form: Form::Sealed(by), chest: Some(chest) })
    }

    /// Writes `what` in `form`. Only under the lock of `file`.
    pub(super) fn write(
        &self,
        file: &KeptFile,
        target: &Path,
        name: &str,
        what: &impl Serialize,
        form: &Form,
    ) -> Result<(), VaultError> {
        let plain = to_bytes(what, target)?;
        let Form::Sealed(by) = form else { return file.store(target, &plain) };
        let chest = self.chest(by, 0, target)?;
        let key = chest.key().ok_or_else(|| VaultError::KeyGone { path: target.to_owned() })?;
        let envelope = Envelope::seal((by, chest.generation, &key), name, &plain, &*self.random);
        file.store(target, &envelope.to_bytes(target)?)
    }

    /// Takes our entry out of the keyring when no file needs it any more (CLIENT K2).
    /// `sealed` is how the file was kept that has just gone.
    pub(super) fn tidy(&self, sealed: Option<Form>) -> Result<(), VaultError> {
        let left = |file: &KeptFile| file.path().symlink_metadata().is_ok();
        if left(&self.tokens) || left(&self.keys) {
            return Ok(());
        }
        let remembered = self.settings()?.keyring_entry;
        let used = match sealed {
            Some(Form::Sealed(by)) => Some(by),
            _ => None,
        };
        for by in used.iter().chain(remembered.iter().filter(|by| used.as_ref() != Some(by))) {
            if let Some(chests) = &self.chests {
                // A key that seals nothing is worth nothing.
                let _ = chests.remove(by);
            }
        }
        if remembered.is_none() {
            return Ok(());
        }
        self.change_settings(|settings| settings.keyring_entry = None)
    }

    pub(super) fn place_of(&self, form: Option<&Form>) -> Place {
        let path = self.tokens.path().to_owned();
        if self.in_memory().is_ok_and(|in_memory| in_memory) {
            return Place { kind: "none", path: PathBuf::new(), keyring: None };
        }
        match form {
            Some(Form::Sealed(_)) => Place {
                kind: if self.rules.refresh_in_keyring { "keyring" } else { "sealed_file" },
                path,
                keyring: self.chests.as_ref().map(Chests::keyring),
            },
            _ => Place { kind: "file", path, keyring: None },
        }
    }
}

/// The keyring's entry that a file names, if it is sealed.
pub(super) fn sealed_by(file: &KeptFile) -> Option<String> {
    let bytes = file.read().ok()??;
    (newer(&bytes, file.path()).ok()? == SEALED_VERSION)
        .then(|| Envelope::parse(&bytes, file.path()).ok().map(|envelope| envelope.sealed.by))?
}

pub(super) fn to_bytes(
    what: &impl Serialize,
    target: &Path,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer_pretty(&mut *bytes, what)
        .map_err(|error| failed("write", target, &error.into()))?;
    bytes.push(b'\n');
    Ok(bytes)
}
