//! The `Authorization` header: Bearer (RFC 6750 §2.1), DPoP (RFC 9449 §7.1) and Basic
//! (RFC 6749 §2.3.1).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::encoding;
use crate::Secret;

/// A header with more than this is nobody's credential.
const MAX_LEN: usize = 8 * 1024;

/// What an `Authorization` header presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// `Bearer b64token`.
    Bearer(Secret),
    /// `DPoP token68`: a token that is bound to a key.
    Dpop(Secret),
    /// `Basic`, form-decoded as RFC 6749 §2.3.1 asks.
    Basic {
        /// The client id.
        client_id: String,
        /// The client secret.
        client_secret: Secret,
    },
    /// Another scheme; its lower-case name.
    Other(String),
}

/// The header is not well-formed. It never holds the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Authorization header is not well-formed")]
pub struct Malformed;

/// Reads the value of an `Authorization` header.
pub fn parse(header: &[u8]) -> Result<Presented, Malformed> {
    if header.len() > MAX_LEN {
        return Err(Malformed);
    }
    let text = std::str::from_utf8(header).map_err(|_| Malformed)?;
    let (scheme, rest) = text.split_once(' ').ok_or(Malformed)?;
    if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(Malformed);
    }
    // RFC 9110 §11.4: one or more spaces, and the scheme in any case.
    let rest = rest.trim_matches(' ');
    match scheme {
        _ if scheme.eq_ignore_ascii_case("bearer") => token(rest).map(Presented::Bearer),
        _ if scheme.eq_ignore_ascii_case("dpop") => token(rest).map(Presented::Dpop),
        _ if scheme.eq_ignore_ascii_case("basic") => basic(rest),
        other => Ok(Presented::Other(other.to_ascii_lowercase())),
    }
}

/// RFC 6750 §2.1, and RFC 9449 §7.1 the same: `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn token(token: &str) -> Result<Secret, Malformed> {
    let body = token.trim_end_matches('=');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    if body.is_empty() || !body.bytes().all(allowed) {
        return Err(Malformed);
    }
    Ok(Secret::new(token))
}

fn basic(encoded: &str) -> Result<Presented, Malformed> {
    let decoded = STANDARD.decode(encoded).map_err(|_| Malformed)?;
    let pair = Secret::new(String::from_utf8(decoded).map_err(|_| Malformed)?);
    let (id, secret) = pair.expose().split_once(':').ok_or(Malformed)?;
    let client_id = form_decode(id)?;
    if client_id.is_empty() {
        return Err(Malformed);
    }
    Ok(Presented::Basic { client_id, client_secret: Secret::new(form_decode(secret)?) })
}

/// One value of the form encoding.
fn form_decode(text: &str) -> Result<String, Malformed> {
    // A raw `&` or `=` cannot come from the encoding that the RFC prescribes, but
    // clients that skip it do send `=` in secrets; ours have neither.
    if text.contains(['&', '=']) {
        return Err(Malformed);
    }
    encoding::decode(text.as_bytes()).map(Cow::into_owned).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_and_basic() {
        assert_eq!(
            parse(b"Bearer a.b-c_d~e+f/g=="),
            Ok(Presented::Bearer(Secret::new("a.b-c_d~e+f/g==")))
        );
        assert_eq!(parse(b"bearer  abc"), Ok(Presented::Bearer(Secret::new("abc"))));
        let basic = format!("Basic {}", STANDARD.encode("my%3Aid:s%20e+c"));
        assert_eq!(
            parse(basic.as_bytes()),
            Ok(Presented::Basic { client_id: "my:id".into(), client_secret: Secret::new("s e c") })
        );
        assert_eq!(parse(b"DPoP abc"), Ok(Presented::Dpop(Secret::new("abc"))));
        assert_eq!(parse(b"Digest a=b"), Ok(Presented::Other("digest".into())));
    }

    #[test]
    fn malformed_headers_are_refused() {
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "DPoP a b",
            "DPoP ",
            "Bearer a,b",
            "Bearer =",
            "Bearer \u{e9}",
            "Basic !!!",
            "Basic Og==",
            "Basic YWJj",
            " Bearer a",
        ] {
            assert_eq!(parse(bad.as_bytes()), Err(Malformed), "{bad:?}");
        }
        assert_eq!(parse(format!("Bearer {}", "a".repeat(9000)).as_bytes()), Err(Malformed));
        assert_eq!(parse(b"Bearer \xff"), Err(Malformed));
    }
}
