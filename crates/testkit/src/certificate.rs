//! A certificate for `localhost` that nobody but these tests trusts.

use std::path::{Path, PathBuf};

use anyhow::Result;

/// A self-signed certificate and its key, as files.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate, PEM.
    pub pem: String,
    /// The file that holds it.
    pub certificate: PathBuf,
    /// The file that holds its key.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes one, in `directory`.
    pub fn make(directory: &Path) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
        let pem = made.cert.pem();
        std::fs::write(&certificate, &pem)?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        Ok(Self { pem, certificate, key })
    }
}
