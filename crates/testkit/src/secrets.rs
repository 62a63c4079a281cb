//! Marked secrets, and the search for their marks.
//!
//! Whatever is secret in a run is told to [`Secrets`]; at the end everything that was
//! kept, logged or shown is searched for it: as it is, and in the encodings that a
//! careless line of code would put it in.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Secrets of a run, by what they are.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeMap<String, String>);

/// Shorter than this, a secret would be found by accident.
const SHORTEST: usize = 8;

impl Secrets {
    /// Remembers a secret. What is empty is none.
    pub fn add(&mut self, what: &str, secret: &str) {
        if !secret.is_empty() {
            assert!(secret.len() >= SHORTEST, "{what} is too short to be searched for");
            self.0.insert(format!("{what} #{}", self.0.len()), secret.to_owned());
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Each secret that is in `bytes`, in any encoding, as `what in place`.
    pub fn found_in(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for (what, secret) in &self.0 {
            let encodings = encodings(secret);
            let hit = encodings.iter().find(|(_, form)| contains(bytes, form));
            found.extend(hit.map(|(encoding, _)| format!("{what} ({encoding}) in {place}")));
        }
        found
    }

    /// Each secret that is in a file below `directory`, or in a file's name.
    pub fn found_below(&self, directory: &Path) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let place = path.display().to_string();
            found.extend(self.found_in("a file's name", place.as_bytes()));
            if path.is_dir() {
                found.extend(self.found_below(&path)?);
            } else if path.is_file() {
                found.extend(self.found_in(&place, &std::fs::read(&path)?));
            }
        }
        Ok(found)
    }
}

/// The texts of all files below `directory`.
pub fn texts_below(directory: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            texts.extend(texts_below(&path)?);
        } else if path.is_file() {
            texts.push(String::from_utf8_lossy(&std::fs::read(&path)?).into_owned());
        }
    }
    Ok(texts)
}

/// The forms in which a secret may lie around.
fn encodings(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let percent = url::form_urlencoded::byte_serialize(bytes).collect::<String>();
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let json = serde_json::to_string(secret).unwrap_or_default().trim_matches('"').to_owned();
    let mut forms = vec![
        ("as it is", bytes.to_vec()),
        ("URL-encoded", percent.into_bytes()),
        ("in JSON", json.into_bytes()),
        ("in hexadecimal", hex.clone().into_bytes()),
        ("in upper-case hexadecimal", hex.to_uppercase().into_bytes()),
        ("reversed", secret.chars().rev().collect::<String>().into_bytes()),
    ];
    // Within a longer text, base64 has three alignments; the middle of each is stable.
    for skip in 0..3 {
        if let Some(rest) = bytes.get(skip..).filter(|rest| rest.len() >= SHORTEST) {
            let whole = &rest[..rest.len() / 3 * 3];
            forms.push(("in base64", STANDARD_NO_PAD.encode(whole).into_bytes()));
            forms.push(("in base64url", URL_SAFE_NO_PAD.encode(whole).into_bytes()));
        }
    }
    forms.push(("in padded base64", STANDARD.encode(bytes).into_bytes()));
    forms
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && memchr::memmem::find(haystack, needle).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_each_encoding_and_nowhere_else() {
        let mut secrets = Secrets::default();
        secrets.add("token", "hp_rt_0123456789abc+/");
        secrets.add("nothing", "");
        assert_eq!(secrets.count(), 1);
        let basic = STANDARD.encode("a:hp_rt_0123456789abc+/");
        for text in [
            "x hp_rt_0123456789abc+/ y",
            "q=hp_rt_0123456789abc%2B%2F",
            "68705f72745f303132333435363738396162632b2f",
            &basic,
        ] {
            assert_eq!(secrets.found_in("here", text.as_bytes()).len(), 1, "{text}");
        }
        assert_eq!(secrets.found_in("here", b"hp_rt_0123456789abc").len(), 0);
    }
}
