//! What arrives in a request.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_core::wire::authorization::{self, Presented};
use hallpass_core::wire::params::Params;

/// Only a whole, well-formed credential is one, and Debug never shows it.
pub fn authorization(bytes: &[u8]) {
    let Ok(presented) = authorization::parse(bytes) else { return };
    let header = std::str::from_utf8(bytes).expect("a header that was read is text");
    let shown = format!("{presented:?}");
    match &presented {
        Presented::Bearer(token) | Presented::Dpop(token) => {
            let token = token.expose();
            assert!(
                !token.is_empty()
                    && !token.contains([' ', ',', '"', '\\', '\0'])
                    && token.is_ascii()
            );
            let scheme = if matches!(presented, Presented::Dpop(_)) { "dpop" } else { "bearer" };
            assert!(
                header[..scheme.len()].eq_ignore_ascii_case(scheme)
                    && header.trim_end().ends_with(token)
            );
            assert!(token.len() < 12 || !shown.contains(token));
        }
        Presented::Basic { client_id, client_secret } => {
            assert!(!client_id.is_empty());
            // Written the way that RFC 6749 §2.3.1 says, it reads back as the same.
            let encode = |text: &str| {
                url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
            };
            let pair = format!("{}:{}", encode(client_id), encode(client_secret.expose()));
            let again = format!("Basic {}", STANDARD.encode(pair));
            if again.len() <= 8 * 1024 {
                assert_eq!(authorization::parse(again.as_bytes()).as_ref(), Ok(&presented));
            }
            let secret = client_secret.expose();
            assert!(secret.len() < 12 || client_id.contains(secret) || !shown.contains(secret));
        }
        Presented::Other(scheme) => {
            assert!(!matches!(scheme.as_str(), "bearer" | "basic" | "dpop"));
            assert!(scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        }
    }
}

/// Each name once but for the two that may repeat, nothing empty, and a round trip.
pub fn params(bytes: &[u8]) {
    let Ok(params) = Params::parse(bytes) else { return };
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, value) in params.iter() {
        assert!(!value.is_empty());
        let count = seen.entry(name).or_default();
        *count += 1;
        assert!(*count == 1 || matches!(name, "resource" | "audience"), "{name} twice");
        assert!(params.all(name).any(|one| one == value));
    }
    let again = Params::parse(params.to_query().as_bytes()).expect("what we write, we can read");
    assert!(again.iter().eq(params.iter()));
}
