//! Sealing a file with a key that lies elsewhere: AES-256-GCM, with the file's name and
//! the key's name as associated data, so that neither can be taken for another.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_core::{Random, chance};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::VaultError;
use super::kept::{corrupt, failed, why};
use super::model::SEALED_VERSION;

/// A key of 32 bytes.
pub(crate) struct SealKey(LessSafeKey);

impl SealKey {
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, bytes).ok().map(|key| Self(LessSafeKey::new(key)))
    }
}

/// A sealed file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Envelope {
    schema_version: u32,
    pub(crate) sealed: Sealed,
    /// Fields of later versions, kept.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What is sealed, and with what.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// The entry in the keyring.
    pub(crate) by: String,
    /// The entry's generation when this was written.
    #[serde(default)]
    pub(crate) generation: u64,
    nonce: String,
    text: String,
}

impl Envelope {
    /// Reads the envelope, and opens nothing.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self, VaultError> {
        serde_json::from_slice(bytes).map_err(|error| corrupt(path, why(&error)))
    }

    /// Seals `plain`, as the file `name`.
    pub(crate) fn seal(
        (by, generation, key): (&str, u64, &SealKey),
        name: &str,
        plain: &[u8],
        random: &dyn Random,
    ) -> Self {
        // 96 random bits: one file is written far less often than 2^32 times.
        let nonce: [u8; NONCE_LEN] = chance::bytes(random);
        let mut text = plain.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        key.0
            .seal_in_place_append_tag(unique, aad(name, by), &mut text)
            .expect("a file is far shorter than what GCM can seal");
        Self {
            schema_version: SEALED_VERSION,
            sealed: Sealed {
                by: by.to_owned(),
                generation,
                nonce: STANDARD.encode(nonce),
                text: STANDARD.encode(text),
            },
            rest: Map::new(),
        }
    }

    /// What was sealed as the file `name`; `None` if the key is another one, or if
    /// anything was changed.
    pub(crate) fn open(&self, key: &SealKey, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let nonce = STANDARD.decode(&self.sealed.nonce).ok()?;
        let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
        let mut text = Zeroizing::new(STANDARD.decode(&self.sealed.text).ok()?);
        let length = key.0.open_in_place(nonce, aad(name, &self.sealed.by), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }

    /// As it is written.
    pub(crate) fn to_bytes(&self, path: &Path) -> Result<Vec<u8>, VaultError> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| failed("write", path, &error.into()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

fn aad(name: &str, by: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("hallpass 2 {name} {by}").into_bytes())
}
