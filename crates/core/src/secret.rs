//! A secret is a type.
//!
//! It has no `Display`, its `Debug` is redacted, it is wiped when dropped, and
//! the one way to its text is named [`Secret::expose`], so that a reviewer can
//! grep for it. It is compared in constant time and is never a tracing field.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Text that must not be seen: a token, a password, a code.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes ownership of `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text. Every call is a place where a secret leaves its type.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is `text`; compared in constant time.
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For answers that hand the secret to its owner; pair with `#[serde(serialize_with)]`.
    ///
    /// `Secret` has no `Serialize` of its own, so that no struct leaks one by a derive.
    pub fn serialize_exposed<S: serde::Serializer>(
        secret: &Secret,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        secret.0.serialize(s)
    }

    /// As [`Secret::serialize_exposed`], for an optional secret.
    pub fn serialize_exposed_option<S: serde::Serializer>(
        secret: &Option<Secret>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(|secret| &secret.0).serialize(s)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: J09
    #[test]
    fn debug_shows_nothing_and_equality_compares_all() {
        let secret = Secret::new("hp_user_abc");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret, Secret::new("hp_user_abc"));
        assert_ne!(secret, Secret::new("hp_user_abd"));
        assert_ne!(secret, Secret::new("hp_user_ab"));
    }
}
