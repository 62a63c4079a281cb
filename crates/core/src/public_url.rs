//! The one address of a deployment. It is also the issuer, so it is compared byte
//! for byte and has one spelling.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};

/// `https://id.example.com` or, on loopback only, `http://localhost:8470`.
/// No path, query, fragment or user; no trailing slash (RFC 8414 §2, RFC 9207 §2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicUrl {
    issuer: String,
    default_resource: String,
}

/// Why a URL cannot be a deployment's public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPublicUrl {
    /// Not a URL at all.
    #[error("it is not a URL; it should look like https://id.example.com")]
    NotAUrl,
    /// Neither https, nor http on loopback.
    #[error("it must be https; http is for localhost, 127.0.0.1 and [::1] only")]
    Scheme,
    /// More than scheme, host and port.
    #[error(
        "it must have no path, query, fragment or user name; hallpass lives at the root of its host"
    )]
    MoreThanOrigin,
}

impl PublicUrl {
    /// Checks and normalises.
    pub fn parse(text: &str) -> Result<Self, BadPublicUrl> {
        let url = Url::parse(text).map_err(|_| BadPublicUrl::NotAUrl)?;
        let loopback = is_loopback(&url);
        if !(url.scheme() == "https" || url.scheme() == "http" && loopback) {
            return Err(BadPublicUrl::Scheme);
        }
        let only_origin = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && !text.contains('@');
        if !only_origin {
            return Err(BadPublicUrl::MoreThanOrigin);
        }
        let issuer = url.origin().ascii_serialization();
        Ok(Self { default_resource: format!("{issuer}/api"), issuer })
    }

    /// The issuer identifier (RFC 8414 §2), without a trailing slash.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `path` (which begins with a slash) at this deployment.
    pub fn join(&self, path: &str) -> String {
        debug_assert!(path.starts_with('/'));
        format!("{}{path}", self.issuer)
    }

    /// The `Origin` that browsers send from our own pages (RFC 6454 §7).
    pub fn origin(&self) -> &str {
        &self.issuer
    }

    /// The resource that tokens are made out for when nothing else was asked for.
    pub fn default_resource(&self) -> &str {
        &self.default_resource
    }

    /// Whether it is served over TLS, here or at a proxy.
    pub fn is_https(&self) -> bool {
        self.issuer.starts_with("https:")
    }

    /// The port, given or implied.
    pub fn port(&self) -> u16 {
        Url::parse(&self.issuer).ok().and_then(|url| url.port_or_known_default()).unwrap_or(443)
    }

    /// Host, and port if it is not the scheme's own: what the `Host` header says.
    pub fn authority(&self) -> &str {
        self.issuer.split_once("://").map_or("", |(_, rest)| rest)
    }
}

/// Whether the URL's host is `localhost` or a loopback address literal.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether a text can be an issuer: https, and nothing but host and path. http is for an issuer
/// on the same machine, which a server has to allow by name besides.
pub fn is_issuer(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let plain = text.len() <= 512 && text.bytes().all(|b| b.is_ascii_graphic());
    plain
        && url.host().is_some()
        && !text.contains(['?', '#', '@', '\\'])
        && (url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url))
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.issuer)
    }
}

impl Serialize for PublicUrl {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.issuer)
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: A16, F01
    #[test]
    fn one_spelling_and_nothing_but_an_origin() {
        let same =
            |text: &str, issuer: &str| assert_eq!(PublicUrl::parse(text).unwrap().issuer(), issuer);
        same("https://ID.Example.com/", "https://id.example.com");
        same("https://id.example.com:443", "https://id.example.com");
        same("http://localhost:8470", "http://localhost:8470");
        same("http://[::1]:8470/", "http://[::1]:8470");
        for (text, why) in [
            ("id.example.com", BadPublicUrl::NotAUrl),
            ("http://id.example.com", BadPublicUrl::Scheme),
            ("http://localhost.example.com", BadPublicUrl::Scheme),
            ("ftp://localhost", BadPublicUrl::Scheme),
            ("https://id.example.com/auth", BadPublicUrl::MoreThanOrigin),
            ("https://id.example.com?x", BadPublicUrl::MoreThanOrigin),
            ("https://id.example.com#x", BadPublicUrl::MoreThanOrigin),
            ("https://me@id.example.com", BadPublicUrl::MoreThanOrigin),
            ("https://@id.example.com", BadPublicUrl::MoreThanOrigin),
        ] {
            assert_eq!(PublicUrl::parse(text), Err(why), "{text}");
        }
    }
}
