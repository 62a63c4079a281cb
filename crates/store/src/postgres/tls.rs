//! TLS to the database: rustls with aws-lc-rs, given explicitly, and certificates
//! that are always verified.

use std::sync::Arc;

use hallpass_core::Secret;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a URL says about TLS in libpq's words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Whether it has an `sslmode`.
    pub(crate) chosen: bool,
    /// `sslrootcert`: a PEM file with the certificates to trust.
    roots: Option<String>,
}

impl Wish {
    /// Takes out of a URL what tokio-postgres does not know: `sslrootcert`, and the two
    /// modes that ask for a verified certificate, which is what `require` means here.
    pub(crate) fn take(url: &str) -> Result<(Secret, Self), String> {
        let mut wish = Self::default();
        let Some((place, query)) = url.split_once('?') else {
            return Ok((Secret::new(url), wish));
        };
        let mut rest = Vec::new();
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("sslrootcert", file)) => wish.roots = Some(decode(file)?),
                Some(("sslmode", mode)) => {
                    wish.chosen = true;
                    let verified = matches!(mode, "verify-ca" | "verify-full");
                    rest.push(if verified { "sslmode=require" } else { pair });
                }
                _ => rest.push(pair),
            }
        }
        Ok((Secret::new(format!("{place}?{}", rest.join("&"))), wish))
    }
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Result<String, String> {
    let bad = || "sslrootcert is not a file name".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, more @ ..] = rest {
        rest = more;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (hex, more) = rest.split_at_checked(2).ok_or_else(bad)?;
        let hex = std::str::from_utf8(hex).map_err(|_| bad())?;
        bytes.push(u8::from_str_radix(hex, 16).map_err(|_| bad())?);
        rest = more;
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

/// A connector that trusts the given certificates, or else the system's.
pub(crate) fn connector(wish: &Wish, mode: SslMode) -> Result<MakeRustlsConnect, String> {
    let mut roots = RootCertStore::empty();
    match &wish.roots {
        _ if mode == SslMode::Disable => {}
        Some(file) => {
            let unreadable = |error| format!("sslrootcert {file} cannot be read: {error}");
            for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
                let certificate = certificate.map_err(unreadable)?;
                roots.add(certificate).map_err(|error| format!("sslrootcert {file}: {error}"))?;
            }
        }
        None => {
            // Single certificates that cannot be read are not worth failing for.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libpq_words_for_tls_are_understood() {
        let take = |url: &str| {
            let (rest, wish) = Wish::take(url).unwrap();
            (rest.expose().to_owned(), wish)
        };
        let url = "postgres://u:p@db/h?sslmode=verify-full&sslrootcert=%2Fetc%2Fdb%20ca.pem&a=b";
        let wish = Wish { chosen: true, roots: Some("/etc/db ca.pem".to_owned()) };
        assert_eq!(take(url), ("postgres://u:p@db/h?sslmode=require&a=b".to_owned(), wish));
        let plain = "postgres://u:p@db/h";
        assert_eq!(take(plain), (plain.to_owned(), Wish::default()));
        assert!(Wish::take("postgres://db/h?sslrootcert=%2").is_err());
    }

    #[test]
    fn a_root_certificate_that_is_not_there_is_named() {
        let wish = Wish { chosen: true, roots: Some("/nowhere/ca.pem".to_owned()) };
        let error = connector(&wish, SslMode::Require).err().unwrap();
        assert!(error.starts_with("sslrootcert /nowhere/ca.pem cannot be read"), "{error}");
    }
}
