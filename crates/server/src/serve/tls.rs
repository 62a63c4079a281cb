//! Certificates. The provider is named everywhere: with two in one build, rustls's
//! default panics. A renewed certificate is taken up within a minute, without a restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::Failure;
use crate::config::Settings;

/// TLS that ends here.
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Current>,
}

/// The certificate as it is now.
#[derive(Debug)]
struct Current {
    files: Files,
    provider: Arc<CryptoProvider>,
    loaded: RwLock<(Arc<CertifiedKey>, [Option<SystemTime>; 2])>,
}

#[derive(Debug)]
struct Files {
    chain: PathBuf,
    key: PathBuf,
}

/// Reads the certificate that the settings name; `None` if they name none.
pub fn load(settings: &Settings) -> Result<Option<Arc<Tls>>, Failure> {
    let files = match (&settings.tls_cert, &settings.tls_key) {
        (None, None) => return Ok(None),
        (Some(chain), Some(key)) => Files { chain: chain.clone(), key: key.clone() },
        _ => {
            let what = "a certificate needs its key: give both --tls-cert and --tls-key";
            return Err(Failure::Settings(what.to_owned()));
        }
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let loaded = (files.read(&provider)?, files.changed());
    let certificate =
        Arc::new(Current { files, provider: provider.clone(), loaded: RwLock::new(loaded) });
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| certificate.files.wrong(why))?
        .with_no_client_auth()
        .with_cert_resolver(certificate.clone());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })))
}

impl Tls {
    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Takes up a renewed certificate. One that cannot be used is said in the log, and
    /// the old one stays.
    pub(super) fn reload(&self) {
        let current = &*self.certificate;
        let changed = current.files.changed();
        let known = current.loaded.read().unwrap_or_else(PoisonError::into_inner).1;
        if changed == known {
            return;
        }
        match current.files.read(&current.provider) {
            Ok(key) => {
                let mut loaded = current.loaded.write().unwrap_or_else(PoisonError::into_inner);
                *loaded = (key, changed);
                tracing::info!("a renewed certificate was taken up");
            }
            Err(error) => {
                tracing::error!(cause = %error, "the changed certificate was not taken up; the old one stays");
            }
        }
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.loaded.read().unwrap_or_else(PoisonError::into_inner).0.clone())
    }
}

impl Files {
    fn read(&self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, Failure> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |why: rustls_pki_types::pem::Error| Failure::Tls { path, why: why.to_string() }
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.chain)
            .and_then(Iterator::collect)
            .map_err(at(&self.chain))?;
        if chain.is_empty() {
            let why = "it holds no certificate".to_owned();
            return Err(Failure::Tls { path: self.chain.clone(), why });
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(at(&self.key))?;
        // It also checks that the key belongs to the certificate.
        CertifiedKey::from_der(chain, key, provider).map(Arc::new).map_err(|why| self.wrong(why))
    }

    /// When the files were changed last.
    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.chain, &self.key]
            .map(|path| std::fs::metadata(path).and_then(|data| data.modified()).ok())
    }

    fn wrong(&self, why: rustls::Error) -> Failure {
        Failure::Tls { path: self.chain.clone(), why: why.to_string() }
    }
}
