//! The private keys that bind refresh tokens to this machine (RFC 9449 §5), in a file of
//! their own: `keys.json`, apart from the tokens, so that a copied tokens file is worth
//! nothing at refresh. What a key is made of is not this file's business.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::kept::{corrupt, why};
use super::model::{Key, SCHEMA_VERSION};
use super::{VaultError, newer};

/// The file's name.
pub(crate) const NAME: &str = "keys.json";

/// A private key as its owner encodes it (PKCS#8); opaque in here.
#[derive(Clone, PartialEq, Eq)]
pub struct BindingKey(Zeroizing<Vec<u8>>);

impl BindingKey {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for BindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BindingKey(…)")
    }
}

/// All of them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Keys {
    schema_version: u32,
    #[serde(default)]
    keys: Vec<Kept>,
    /// Fields of later versions, kept.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    key: Key,
    #[serde(serialize_with = "Secret::serialize_exposed")]
    private: Secret,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Default for Keys {
    fn default() -> Self {
        Self { schema_version: SCHEMA_VERSION, keys: Vec::new(), rest: Map::new() }
    }
}

impl Keys {
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self, VaultError> {
        newer(bytes, path)?;
        serde_json::from_slice(bytes).map_err(|error| corrupt(path, why(&error)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.rest.is_empty()
    }

    pub(crate) fn get(&self, key: &Key) -> Option<BindingKey> {
        let kept = self.keys.iter().find(|kept| kept.key == *key)?;
        URL_SAFE_NO_PAD.decode(kept.private.expose()).ok().map(BindingKey::new)
    }

    pub(crate) fn put(&mut self, key: &Key, private: &BindingKey) {
        self.remove(key);
        let private = Secret::new(URL_SAFE_NO_PAD.encode(private.expose()));
        self.keys.push(Kept { key: key.clone(), private, rest: Map::new() });
    }

    /// Whether there was one.
    pub(crate) fn remove(&mut self, key: &Key) -> bool {
        let before = self.keys.len();
        self.keys.retain(|kept| kept.key != *key);
        self.keys.len() != before
    }
}
