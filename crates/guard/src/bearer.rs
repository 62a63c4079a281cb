//! The credential of a request: exactly one, in the `Authorization` header.

use hallpass_core::Secret;
use hallpass_core::wire::authorization;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::Refusal;

/// A token, and how it was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// `Authorization: Bearer`: whoever has it may use it.
    Bearer(Secret),
    /// `Authorization: DPoP`: only with a proof of the key that it is bound to (RFC 9449 §7.1).
    Bound(Secret),
}

impl Presented {
    /// The token.
    pub fn token(&self) -> &Secret {
        match self {
            Self::Bearer(token) | Self::Bound(token) => token,
        }
    }
}

/// Reads the bearer token of a request, for endpoints where nobody can prove anything.
pub fn token(headers: &HeaderMap, query: Option<&str>) -> Result<Secret, Refusal> {
    match presented(headers, query)? {
        Presented::Bearer(token) => Ok(token),
        Presented::Bound(_) => Err(Refusal::NoCredential),
    }
}

/// Reads the token of a request.
///
/// - A token in the query is refused, even beside a good header (RFC 6750 §2.3 is
///   gone from OAuth 2.1 §5.1.1: URLs end up in logs).
/// - Two credentials are refused (RFC 6750 §2).
/// - Another scheme is no credential for us: a bare challenge (RFC 6750 §3.1).
pub fn presented(headers: &HeaderMap, query: Option<&str>) -> Result<Presented, Refusal> {
    if query.is_some_and(names_a_token) {
        return Err(Refusal::TokenInUrl);
    }
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let header = match (sent.next(), sent.next()) {
        (None, _) => return Err(Refusal::NoCredential),
        (Some(header), None) => header,
        (Some(_), Some(_)) => return Err(Refusal::TwoCredentials),
    };
    match authorization::parse(header.as_bytes()) {
        Ok(authorization::Presented::Bearer(token)) => Ok(Presented::Bearer(token)),
        Ok(authorization::Presented::Dpop(token)) => Ok(Presented::Bound(token)),
        Ok(_) => Err(Refusal::NoCredential),
        Err(authorization::Malformed) => Err(Refusal::Malformed),
    }
}

/// Whether `access_token` is a parameter, however it is escaped.
fn names_a_token(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[&str], query: Option<&str>) -> Result<Secret, Refusal> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(AUTHORIZATION, header.parse().expect("header"));
        }
        token(&map, query)
    }

    // proves: G11, G13
    #[test]
    fn exactly_one_credential_and_only_in_the_header() {
        assert_eq!(read(&["Bearer abc"], Some("page=2")), Ok(Secret::new("abc")));
        assert_eq!(read(&[], None), Err(Refusal::NoCredential));
        assert_eq!(read(&["Basic YTpi"], None), Err(Refusal::NoCredential));
        assert_eq!(read(&["DPoP abc"], None), Err(Refusal::NoCredential));
        assert_eq!(read(&["Bearer a b"], None), Err(Refusal::Malformed));
        assert_eq!(read(&["Bearer abc", "Bearer abc"], None), Err(Refusal::TwoCredentials));
        assert_eq!(read(&["Bearer abc", "Basic YTpi"], None), Err(Refusal::TwoCredentials));
        for query in ["access_token=abc", "a=b&access_token", "access%5Ftoken=abc"] {
            assert_eq!(read(&[], Some(query)), Err(Refusal::TokenInUrl), "{query}");
            assert_eq!(read(&["Bearer abc"], Some(query)), Err(Refusal::TokenInUrl), "{query}");
        }
    }
}
