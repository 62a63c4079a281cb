//! The real keyring: Secret Service over D-Bus on Linux, the Keychain on macOS, the
//! Credential Manager on Windows. Never the kernel's keyring: what is in it is gone after
//! the next start (CLIENT D13).

use std::sync::{Arc, Mutex, PoisonError};

use hallpass_core::Secret;

use super::{Keyring, KeyringError};

/// The keyring of the person who is logged in to this machine.
pub struct SystemKeyring {
    service: String,
    store: Mutex<Option<Arc<imp::Store>>>,
}

impl SystemKeyring {
    /// Entries are kept under the name `service`. Nothing is opened yet.
    pub fn new(service: impl Into<String>) -> Self {
        Self { service: service.into(), store: Mutex::default() }
    }

    fn store(&self) -> Result<Arc<imp::Store>, KeyringError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = &*store {
            return Ok(Arc::clone(store));
        }
        let opened = imp::open()?;
        *store = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

impl Keyring for SystemKeyring {
    fn name(&self) -> &'static str {
        imp::NAME
    }

    fn get(&self, entry: &str) -> Result<Option<Secret>, KeyringError> {
        imp::get(&*self.store()?, &self.service, entry)
    }

    fn set(&self, entry: &str, label: &str, secret: &Secret) -> Result<(), KeyringError> {
        imp::set(&*self.store()?, &self.service, entry, label, secret)
    }

    fn remove(&self, entry: &str) -> Result<(), KeyringError> {
        imp::remove(&*self.store()?, &self.service, entry)
    }
}

#[cfg(any(target_os = "linux", target_os = "macos", windows))]
mod imp {
    use std::collections::HashMap;
    use std::sync::Arc;

    use hallpass_core::Secret;
    use hallpass_core::text::presentable;
    use keyring_core::{Entry, Error};

    use super::super::KeyringError;

    pub(super) type Store = keyring_core::CredentialStore;

    #[cfg(target_os = "linux")]
    pub(super) const NAME: &str = "Secret Service";
    #[cfg(target_os = "macos")]
    pub(super) const NAME: &str = "Keychain";
    #[cfg(windows)]
    pub(super) const NAME: &str = "Credential Manager";

    pub(super) fn open() -> Result<Arc<Store>, KeyringError> {
        #[cfg(target_os = "linux")]
        let opened = zbus_secret_service_keyring_store::Store::new();
        #[cfg(target_os = "macos")]
        let opened = apple_native_keyring_store::keychain::Store::new();
        #[cfg(windows)]
        let opened = windows_native_keyring_store::Store::new();
        match opened {
            Ok(store) => Ok(store),
            // Nobody to talk to: no bus, or no service on it.
            Err(error) => Err(KeyringError::Absent(presentable(&error.to_string(), 200))),
        }
    }

    fn entry(
        store: &Store,
        service: &str,
        entry: &str,
        label: Option<&str>,
    ) -> Result<Entry, KeyringError> {
        // Only the Secret Service has labels.
        let label = label.filter(|_| cfg!(target_os = "linux"));
        let modifiers: HashMap<_, _> = label.map(|label| ("label", label)).into_iter().collect();
        store.build(service, entry, Some(&modifiers)).map_err(failed)
    }

    pub(super) fn get(
        store: &Store,
        service: &str,
        name: &str,
    ) -> Result<Option<Secret>, KeyringError> {
        match entry(store, service, name, None)?.get_password() {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) fn set(
        store: &Store,
        service: &str,
        name: &str,
        label: &str,
        secret: &Secret,
    ) -> Result<(), KeyringError> {
        entry(store, service, name, Some(label))?.set_password(secret.expose()).map_err(failed)
    }

    pub(super) fn remove(store: &Store, service: &str, name: &str) -> Result<(), KeyringError> {
        match entry(store, service, name, None)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// What the store said. Its words name no secret, but may hold anything else.
    fn failed(error: Error) -> KeyringError {
        match error {
            Error::NoStorageAccess(_) => KeyringError::Locked,
            Error::TooLong(_, most) => KeyringError::Full(format!("it takes {most} characters")),
            // These would show what is in an entry.
            Error::BadEncoding(_) | Error::BadDataFormat(..) => {
                KeyringError::Failed("the entry is not text".to_owned())
            }
            Error::Ambiguous(_) => KeyringError::Failed("the entry is there twice".to_owned()),
            error => KeyringError::Failed(presentable(&error.to_string(), 200)),
        }
    }
}

/// Where no keyring is known.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod imp {
    use std::sync::Arc;

    use hallpass_core::Secret;

    use super::super::KeyringError;

    pub(super) enum Store {}

    pub(super) const NAME: &str = "keyring";

    pub(super) fn open() -> Result<Arc<Store>, KeyringError> {
        Err(KeyringError::Absent("this system has none that is known".to_owned()))
    }

    pub(super) fn get(store: &Store, _: &str, _: &str) -> Result<Option<Secret>, KeyringError> {
        match *store {}
    }

    pub(super) fn set(
        store: &Store,
        _: &str,
        _: &str,
        _: &str,
        _: &Secret,
    ) -> Result<(), KeyringError> {
        match *store {}
    }

    pub(super) fn remove(store: &Store, _: &str, _: &str) -> Result<(), KeyringError> {
        match *store {}
    }
}
