//! Fuzz targets: what must hold for *any* bytes.
//!
//! A target is a plain function that panics when a property does not hold. It runs in
//! three ways: under libFuzzer (`fuzz/run TARGET`), over its kept corpus in every test
//! run, and over what proptest makes up (`tests/fuzz.rs`).
//!
//! | module | targets |
//! |---|---|
//! | [`words`] | token text, user code, PKCE verifier and challenge, scope |
//! | [`addresses`] | redirect URIs, public URLs |
//! | [`http`] | the `Authorization` header, query strings and form bodies |
//! | [`files`] | brand files, configuration files |
//! | [`jwt`] | access tokens |
//! | [`audit`] | exported audit logs |
//! | [`dpop`] | proofs of possession |
//! | [`trust`] | lines and patterns of trust policies |
//!
//! A property is checked by other means than the code that it is about: by hand over
//! the bytes, not with the parser under test.

pub mod addresses;
pub mod audit;
pub mod dpop;
pub mod files;
pub mod http;
pub mod jwt;
pub mod trust;
pub mod words;

/// A target's name, which is also its corpus directory and its binary, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 14] = [
    ("audit", audit::audit),
    ("authorization", http::authorization),
    ("brand", files::brand),
    ("config", files::config),
    ("dpop", dpop::dpop),
    ("jwt", jwt::jwt),
    ("params", http::params),
    ("pkce", words::pkce),
    ("public_url", addresses::public_url),
    ("redirect", addresses::redirect),
    ("scope", words::scope),
    ("token_text", words::token_text),
    ("trust", trust::trust),
    ("user_code", words::user_code),
];

/// The bytes as text; most parsers take nothing else.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
