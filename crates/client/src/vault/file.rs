//! The vault in files: `credentials.json` for the tokens, and `keys.json` for the keys
//! that bind them. How each of them is kept is `form`'s business.
//!
//! Reading a plain file opens no keyring. Nothing in here asks anybody anything.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hallpass_core::Random;

use super::binding::{self, BindingKey, Keys};
use super::chest::{Chests, Shut};
use super::form::{Form, Opened, Rules, sealed_by};
use super::kept::{KeptFile, corrupt, why};
use super::keyring::Keyring;
use super::keyring::watched::Watched;
use super::model::{CredentialKind, Key, SEALED_VERSION};
use super::policy::{self, StorePolicy, UnknownPolicy};
use super::shape::{self, Shape};
use super::{Contents, Place, Vault, VaultError, newer};
use crate::status::Warning;
use crate::time::Time;

/// The file's name.
pub(super) const NAME: &str = "credentials.json";

/// The vault in files.
pub struct FileVault {
    pub(crate) tokens: KeptFile,
    pub(crate) keys: KeptFile,
    pub(super) settings: KeptFile,
    pub(super) random: Arc<dyn Random>,
    pub(super) chests: Option<Chests>,
    pub(super) asked: Result<Option<StorePolicy>, UnknownPolicy>,
    pub(super) rules: Rules,
    /// What a plain file looks like, if not as ours.
    pub(super) shape: Option<Shape>,
    /// How the tokens were kept when they were last looked at.
    seen: Mutex<Option<Form>>,
    /// What is kept nowhere else.
    memory: Mutex<(Contents, Keys)>,
}

impl FileVault {
    /// The vault in `dir`, the tool's configuration directory, in plain files. Nothing is
    /// opened or made yet.
    pub fn new(dir: impl Into<PathBuf>, time: Arc<dyn Time>, random: Arc<dyn Random>) -> Self {
        let dir = dir.into();
        let file = |name| KeptFile::new(&dir, name, time.clone(), random.clone());
        Self {
            tokens: file(NAME),
            keys: file(binding::NAME),
            settings: file(policy::NAME),
            random,
            chests: None,
            asked: Ok(Some(StorePolicy::File)),
            rules: Rules::default(),
            shape: None,
            seen: Mutex::default(),
            memory: Mutex::default(),
        }
    }

    /// With one sign-in, in a file that looks as another tool wants it.
    #[must_use]
    pub fn shaped(mut self, shape: Shape) -> Self {
        self.tokens = match &shape.elsewhere {
            Some(dir) => self.tokens.elsewhere(dir, &shape.file),
            None => self.tokens.beside(&shape.file),
        };
        self.shape = Some(shape);
        self
    }

    /// With a keyring to seal the files with, if `policy` says so; if nothing was said, what
    /// was remembered counts. The keyring is given up on after `deadline`.
    #[must_use]
    pub fn with_keyring(
        mut self,
        keyring: Arc<dyn Keyring>,
        deadline: Duration,
        policy: Result<Option<StorePolicy>, UnknownPolicy>,
        rules: Rules,
    ) -> Self {
        let label = format!("Key of the sign-ins in {}", self.tokens.dir().display());
        self.chests = Some(Chests::new(Watched::new(keyring, deadline), label));
        self.asked = policy;
        self.rules = rules;
        self
    }

    fn open_tokens(&self, bytes: &[u8], path: &Path) -> Result<(Contents, Form), VaultError> {
        if let Some(shape) = self.shape.as_ref().filter(|shape| shape.is_mine(bytes)) {
            self.saw(Some(Form::Plain));
            return Ok((shape.read(bytes, &self.tokens)?, Form::Plain));
        }
        let Opened { plain, form, chest } = self.open(bytes, path, NAME)?;
        let mut contents: Contents =
            serde_json::from_slice(&plain).map_err(|error| corrupt(path, why(&error)))?;
        for credential in &mut contents.credentials {
            if let Some(chest) = &chest
                && credential.refresh_token.is_none()
                && let Some(token) = chest.refresh.get(&credential.key.file_name())
            {
                credential.refresh_token = Some(token.0.clone());
            }
        }
        Ok((contents, form))
    }

    fn open_keys(&self, bytes: &[u8], path: &Path) -> Result<(Keys, Form), VaultError> {
        let Opened { plain, form, .. } = self.open(bytes, path, binding::NAME)?;
        Ok((Keys::parse(&plain, path)?, form))
    }

    /// Writes the tokens in `form`; those that must not be in a file go into the keyring.
    fn write_tokens(
        &self,
        target: &Path,
        contents: &Contents,
        form: &Form,
    ) -> Result<(), VaultError> {
        let Form::Sealed(by) = form else {
            return match &self.shape {
                Some(shape) => shape.write(&self.tokens, target, contents),
                None => self.write(&self.tokens, target, NAME, contents, form),
            };
        };
        if !self.rules.refresh_in_keyring {
            return self.write(&self.tokens, target, NAME, contents, form);
        }
        let mut shown = contents.clone();
        let mut chest = self.chest(by, 0, target)?;
        let before = std::mem::take(&mut chest.refresh);
        let oauth = |credential: &&mut super::Credential| credential.kind == CredentialKind::Oauth;
        for credential in shown.credentials.iter_mut().filter(oauth) {
            // The access token lives in memory, as long as a process does.
            credential.access = None;
            if let Some(token) = credential.refresh_token.take() {
                chest.refresh.insert(credential.key.file_name(), Shut(token));
            }
        }
        if chest.refresh != before {
            chest.generation += 1;
            self.chests()?.put(by, chest).map_err(|why| VaultError::Keyring { why })?;
        }
        self.write(&self.tokens, target, NAME, &shown, form)
    }

    fn change_keys(&self, edit: &mut dyn FnMut(&mut Keys) -> bool) -> Result<(), VaultError> {
        let held = self.keys.lock()?;
        let target = self.keys.target()?;
        let (mut keys, current) = match self.keys.load(&target)? {
            Some(bytes) => {
                let (keys, form) = self.open_keys(&bytes, &target)?;
                (keys, Some(form))
            }
            None => (Keys::default(), None),
        };
        if !edit(&mut keys) {
            return Ok(());
        }
        if keys.is_empty() {
            self.keys.remove(&target, held)?;
            return self.tidy(current);
        }
        // A key may be kept as the tokens are, even if it is the first one.
        let current = match current {
            None => match self.tokens.read()? {
                Some(bytes) if self.shape.as_ref().is_some_and(|shape| shape.is_mine(&bytes)) => {
                    Some(Form::Plain)
                }
                Some(bytes) if newer(&bytes, &target)? != SEALED_VERSION => Some(Form::Plain),
                _ => None,
            },
            current => current,
        };
        let form = self.form(current)?;
        self.write(&self.keys, &target, binding::NAME, &keys, &form)
    }

    /// What stands behind the name of a file that was put aside.
    fn mark(&self, why: &str) -> String {
        format!("{why}-{}", self.tokens.now().secs())
    }

    pub(super) fn saw(&self, form: Option<Form>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = form;
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, (Contents, Keys)> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault for FileVault {
    fn read(&self) -> Result<Contents, VaultError> {
        if self.in_memory()? {
            return Ok(self.memory().0.clone());
        }
        let Some(bytes) = self.tokens.read()? else {
            self.saw(None);
            return Ok(Contents::default());
        };
        let (contents, form) = self.open_tokens(&bytes, self.tokens.path())?;
        self.saw(Some(form));
        Ok(contents)
    }

    fn change(&self, edit: &mut dyn FnMut(&mut Contents) -> bool) -> Result<(), VaultError> {
        if self.in_memory()? {
            edit(&mut self.memory().0);
            return Ok(());
        }
        let held = self.tokens.lock()?;
        let target = self.tokens.target()?;
        let (mut contents, current) = match self.tokens.load(&target)? {
            Some(bytes) => {
                let (contents, form) = self.open_tokens(&bytes, &target)?;
                (contents, Some(form))
            }
            None => (Contents::default(), None),
        };
        if !edit(&mut contents) {
            return Ok(());
        }
        if contents.is_empty() {
            if self.shape.is_some() {
                shape::forget(&self.tokens)?;
            }
            self.tokens.remove(&target, held)?;
            self.saw(None);
            return self.tidy(current);
        }
        let form = self.form(current)?;
        self.write_tokens(&target, &contents, &form)?;
        self.saw(Some(form));
        Ok(())
    }

    fn ready(&self) -> Result<Place, VaultError> {
        if self.in_memory()? {
            return Ok(self.place_of(None));
        }
        let current = match self.tokens.read() {
            // It will be put aside.
            Err(error) if error.is_unreadable() => None,
            Err(error) => return Err(error),
            Ok(None) => None,
            Ok(Some(bytes)) => match self.open_tokens(&bytes, self.tokens.path()) {
                Ok((_, form)) => Some(form),
                Err(error) if error.is_unreadable() => None,
                Err(VaultError::Keyring { .. }) if self.policy()? == StorePolicy::File => None,
                Err(error) => return Err(error),
            },
        };
        let form = self.form(current)?;
        self.tokens.writable()?;
        Ok(self.place_of(Some(&form)))
    }

    fn writable(&self) -> Result<(), VaultError> {
        if self.in_memory()? { Ok(()) } else { self.tokens.writable() }
    }

    fn remember(&self, policy: StorePolicy) -> Result<(), VaultError> {
        let kept = Some(policy).filter(|policy| *policy != StorePolicy::Auto);
        match (policy, self.settings()?.store) {
            (StorePolicy::None, _) => Ok(()),
            (_, known) if known == kept => Ok(()),
            _ => self.change_settings(|settings| settings.store = kept),
        }
    }

    fn set_aside(&self) -> Result<Option<PathBuf>, VaultError> {
        // A file that somebody named is moved by nobody: it may be one of theirs.
        if self.tokens.is_foreign() {
            return self.read().map(|_| None);
        }
        let why = match sealed_by(&self.tokens) {
            Some(_) => "sealed",
            None => self.read().err().and_then(|error| error.aside()).unwrap_or("corrupt"),
        };
        let mark = self.mark(why);
        let aside = self.tokens.set_aside(&mark)?;
        // Without their keys the sign-ins in it would be worth nothing to whoever can read them:
        // a newer version, or the keyring that is gone now.
        self.keys.set_aside(&mark)?;
        if self.settings()?.keyring_entry.is_some() {
            self.change_settings(|settings| settings.keyring_entry = None)?;
        }
        Ok(aside)
    }

    fn binding_keys(&self, all: &[&Key]) -> Result<Vec<Option<BindingKey>>, VaultError> {
        let of = |keys: &Keys| all.iter().map(|key| keys.get(key)).collect();
        if self.in_memory()? {
            return Ok(of(&self.memory().1));
        }
        Ok(match self.keys.read()? {
            Some(bytes) => of(&self.open_keys(&bytes, self.keys.path())?.0),
            None => vec![None; all.len()],
        })
    }

    fn keep_binding_key(&self, key: &Key, private: &BindingKey) -> Result<(), VaultError> {
        if self.in_memory()? {
            self.memory().1.put(key, private);
            return Ok(());
        }
        let keep = || {
            self.change_keys(&mut |keys| {
                keys.put(key, private);
                true
            })
        };
        match keep() {
            // CLIENT D10: a login is how a person gets over a broken store.
            Err(error) if super::gets_over(self, &error) => {
                self.keys.set_aside(&self.mark(error.aside().unwrap_or("sealed")))?;
                keep()
            }
            kept => kept,
        }
    }

    fn remove_binding_key(&self, key: &Key) -> Result<(), VaultError> {
        if self.in_memory()? {
            self.memory().1.remove(key);
            return Ok(());
        }
        // Most have none, and then nothing is made, not even a lock file.
        let removed = match self.keys.read() {
            Ok(None) => Ok(()),
            Ok(Some(_)) => self.change_keys(&mut |keys| keys.remove(key)),
            Err(error) => Err(error),
        };
        match removed {
            // Nothing in it can be used, so nothing in it needs removing; what is no file holds none.
            Err(error) if super::gets_over(self, &error) => {
                self.keys.set_aside(&self.mark(error.aside().unwrap_or("sealed"))).map(drop)
            }
            removed => removed,
        }
    }

    fn dir(&self) -> &Path {
        self.settings.dir()
    }

    fn place(&self) -> Place {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.place_of(seen.as_ref())
    }

    fn warnings(&self) -> Vec<Warning> {
        match self.in_memory() {
            Ok(true) => Vec::new(),
            _ => {
                let mut all = self.tokens.warnings();
                // The directory is the same one.
                let more = self.keys.warnings();
                all.extend(more.into_iter().filter(|one| !all.contains(one)).collect::<Vec<_>>());
                all
            }
        }
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "sealed_tests.rs"]
mod sealed_tests;
