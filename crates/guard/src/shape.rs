//! What cannot be an access token is told apart without a look-up.
//!
//! An access token is a JWT whose header says `typ: at+jwt` (RFC 9068 §2.1). A refresh
//! token, a code or an ID token at an API is a mistake or an attack; neither deserves
//! the work of a signature or a database (RFC 8725 §3.11). This is no verification:
//! whatever passes here is still to be checked by the [`Verifier`](crate::Verifier).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Longer than any access token of ours.
const MAX_LEN: usize = 8 * 1024;

#[derive(Deserialize)]
struct Header {
    typ: String,
}

/// Whether `token` looks like an access token.
pub fn is_access_token(token: &str) -> bool {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    if token.len() > MAX_LEN || claims.is_empty() || signature.is_empty() {
        return false;
    }
    let header = URL_SAFE_NO_PAD.decode(header).ok();
    header
        .and_then(|json| serde_json::from_slice::<Header>(&json).ok())
        // RFC 7515 §4.1.9: compared as a media type, `application/` left out or not.
        .is_some_and(|header| {
            let typ = header.typ.to_ascii_lowercase();
            typ.strip_prefix("application/").unwrap_or(&typ) == "at+jwt"
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(header: &str) -> String {
        format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header))
    }

    // proves: G04
    #[test]
    fn only_what_says_it_is_an_access_token() {
        assert!(is_access_token(&jwt(r#"{"alg":"ES256","typ":"at+jwt"}"#)));
        assert!(is_access_token(&jwt(r#"{"typ":"application/AT+JWT"}"#)));
        for other in [
            r#"{"alg":"RS256","typ":"JWT"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"typ":"logout+jwt"}"#,
            r#"{"typ":null}"#,
            r#"{"typ":"at+jwt","typ":"at+jwt"}"#,
            "[]",
            "",
        ] {
            assert!(!is_access_token(&jwt(other)), "{other}");
        }
        for other in [
            "hp_rt_000000000000000000000000000000000000",
            "..",
            "a.b",
            "a.b.c.d",
            &format!("{}.", jwt(r#"{"typ":"at+jwt"}"#)),
            &format!("{}{}", jwt(r#"{"typ":"at+jwt"}"#), "x".repeat(MAX_LEN)),
        ] {
            assert!(!is_access_token(other), "{other}");
        }
    }
}
