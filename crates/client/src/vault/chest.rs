//! What lies in the keyring: one short entry for each tool and home, with the key that
//! seals the files (CLIENT D6), and, for a brand that demands it, the refresh tokens.
//!
//! It is read once for each process, however many tokens are asked for (CLIENT D5).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::{Random, Secret, chance};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::keyring::KeyringError;
use super::keyring::watched::Watched;
use super::seal::SealKey;

/// The most that an entry holds: every keyring takes that much (CLIENT D6).
const LONGEST: usize = 1_000;

/// One entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Chest {
    version: u32,
    key: Shut,
    /// Counts the changes of `refresh`; a file says which one it was written with.
    #[serde(default)]
    pub(crate) generation: u64,
    /// Refresh tokens that must not be in any file, by [`super::Key::file_name`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) refresh: BTreeMap<String, Shut>,
}

/// A secret in an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Shut(#[serde(serialize_with = "Secret::serialize_exposed")] pub(crate) Secret);

impl Chest {
    fn new(random: &dyn Random) -> Self {
        let key = Zeroizing::new(chance::bytes::<32>(random));
        let key = Shut(Secret::new(URL_SAFE_NO_PAD.encode(*key)));
        Self { version: 1, key, generation: 0, refresh: BTreeMap::new() }
    }

    /// The key that seals the files; `None` if what is there is none.
    pub(crate) fn key(&self) -> Option<SealKey> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(self.key.0.expose()).ok()?);
        SealKey::new(&bytes)
    }
}

/// The entries that this process knows.
pub(crate) struct Chests {
    keyring: Watched,
    /// What the entries are called to somebody who looks into the keyring.
    label: String,
    known: Mutex<BTreeMap<String, Chest>>,
}

impl Chests {
    pub(crate) fn new(keyring: Watched, label: String) -> Self {
        Self { keyring, label, known: Mutex::default() }
    }

    pub(crate) fn keyring(&self) -> &'static str {
        self.keyring.name()
    }

    /// The entry `id`, at least as new as `generation`; `None` if the keyring has none.
    pub(crate) fn open(&self, id: &str, generation: u64) -> Result<Option<Chest>, KeyringError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chest) = known.get(id).filter(|chest| chest.generation >= generation) {
            return Ok(Some(chest.clone()));
        }
        let entry = id.to_owned();
        let Some(text) = self.keyring.ask(move |keyring| keyring.get(&entry))? else {
            return Ok(None);
        };
        // Something else under our name is as good as nothing, and is not overwritten
        // either: a new id is made.
        let Ok(chest) = serde_json::from_str::<Chest>(text.expose()) else { return Ok(None) };
        known.insert(id.to_owned(), chest.clone());
        Ok(Some(chest))
    }

    /// Makes the entry `id`, with a new key.
    pub(crate) fn make(&self, id: &str, random: &dyn Random) -> Result<(), KeyringError> {
        self.put(id, Chest::new(random))
    }

    /// Writes the entry `id`.
    pub(crate) fn put(&self, id: &str, chest: Chest) -> Result<(), KeyringError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let text = Zeroizing::new(
            serde_json::to_string(&chest).map_err(|_| KeyringError::Failed("no JSON".into()))?,
        );
        if text.len() > LONGEST {
            return Err(KeyringError::Full(format!("an entry holds {LONGEST} characters")));
        }
        let (entry, label, secret) =
            (id.to_owned(), self.label.clone(), Secret::new(text.as_str()));
        self.keyring.ask(move |keyring| keyring.set(&entry, &label, &secret))?;
        known.insert(id.to_owned(), chest);
        Ok(())
    }

    /// Removes the entry `id`.
    pub(crate) fn remove(&self, id: &str) -> Result<(), KeyringError> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        let entry = id.to_owned();
        self.keyring.ask(move |keyring| keyring.remove(&entry))
    }
}
