//! A certificate for `localhost` that nobody but these tests trusts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

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
        let names = ["localhost", "::ffff:127.0.0.1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names)?;
        let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
        let pem = made.cert.pem();
        std::fs::write(&certificate, &pem)?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        Ok(Self { pem, certificate, key })
    }

    /// What speaks TLS with it.
    pub fn acceptor(&self) -> Result<TlsAcceptor> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = vec![CertificateDer::from_pem_slice(self.pem.as_bytes())?];
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_file(&self.key)?)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
