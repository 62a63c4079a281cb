//! Redirect URIs: what may be registered, and what matches (RFC 6749 §3.1.2,
//! RFC 8252 §7.3, RFC 9700 §2.1).
//!
//! Matching is exact comparison of the *string*. The one exception, the port of a
//! loopback literal, is made on a parsed URL that must serialise back to the very
//! text that came in, so that nothing which parses in a surprising way can use it.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// A redirect URI as a client registered it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegisteredRedirect(String);

/// Why a URI cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRedirect {
    /// RFC 6749 §3.1.2: absolute.
    #[error("a redirect URI must be an absolute URI")]
    NotAbsolute,
    /// RFC 6749 §3.1.2: no fragment.
    #[error("a redirect URI must have no fragment (#…)")]
    Fragment,
    /// A user name in front of the host deceives whoever reads it.
    #[error("a redirect URI must have no user name")]
    Userinfo,
    /// It parses to something other than what is written, so people and machines would read it differently.
    #[error("a redirect URI must be written in its normal form")]
    NotNormal,
    /// http is for loopback only, and script-like schemes are for nobody.
    #[error(
        "a redirect URI must be https, http on 127.0.0.1, [::1] or localhost, or a private scheme with a dot (com.example.app:/…)"
    )]
    Scheme,
}

impl RegisteredRedirect {
    /// Checks a URI that a client wants to register. It must be complete (RFC 8252 §8.4).
    pub fn parse(text: &str) -> Result<Self, BadRedirect> {
        let url = Url::parse(text).map_err(|_| BadRedirect::NotAbsolute)?;
        if text.contains('#') {
            return Err(BadRedirect::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadRedirect::Userinfo);
        }
        match url.scheme() {
            "https" => {}
            "http" if crate::public_url::is_loopback(&url) => {}
            // RFC 8252 §7.1: a private-use scheme is a reversed domain name, so it has a dot.
            scheme if scheme.contains('.') => {}
            _ => return Err(BadRedirect::Scheme),
        }
        if url.as_str() != text {
            return Err(BadRedirect::NotNormal);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a request's `redirect_uri` is this one.
    pub fn matches(&self, requested: &str) -> bool {
        self.0 == requested || self.matches_but_for_port(requested).unwrap_or(false)
    }

    /// Whether it is an `http` loopback literal, the form that native clients use.
    pub fn is_loopback_literal(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| loopback_literal(&url).is_some())
    }

    /// As registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// RFC 8252 §7.3: any port on a loopback IP literal; all else identical.
    fn matches_but_for_port(&self, requested: &str) -> Option<bool> {
        let registered = Url::parse(&self.0).ok()?;
        loopback_literal(&registered)?;
        let mut url = Url::parse(requested).ok()?;
        if url.as_str() != requested || url.port_or_known_default() == Some(0) {
            return None;
        }
        // Url drops empty userinfo, so the round trip above has refused `http://@127.0.0.1`.
        url.set_port(registered.port()).ok()?;
        Some(url.as_str() == self.0)
    }
}

/// `127.0.0.1` and `[::1]`, the two literals of RFC 8252 §7.3; not `localhost` (§8.3).
fn loopback_literal(url: &Url) -> Option<()> {
    let literal = match url.host()? {
        Host::Ipv4(ip) => ip == std::net::Ipv4Addr::LOCALHOST,
        Host::Ipv6(ip) => ip == std::net::Ipv6Addr::LOCALHOST,
        Host::Domain(_) => false,
    };
    (url.scheme() == "http" && literal).then_some(())
}

impl TryFrom<String> for RegisteredRedirect {
    type Error = BadRedirect;
    fn try_from(text: String) -> Result<Self, BadRedirect> {
        Self::parse(&text)
    }
}

impl From<RegisteredRedirect> for String {
    fn from(uri: RegisteredRedirect) -> String {
        uri.0
    }
}

impl fmt::Display for RegisteredRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: A06, A11
    #[test]
    fn what_may_be_registered() {
        for good in [
            "https://app.example.com/cb",
            "https://app.example.com/",
            "http://127.0.0.1/callback",
            "http://[::1]/callback",
            "http://localhost:3000/cb",
            "com.example.app:/oauth",
        ] {
            assert!(RegisteredRedirect::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("/cb", BadRedirect::NotAbsolute),
            ("https://a.example/cb#", BadRedirect::Fragment),
            ("https://a.example/cb#x", BadRedirect::Fragment),
            ("https://u@a.example/cb", BadRedirect::Userinfo),
            ("http://a.example/cb", BadRedirect::Scheme),
            ("javascript:alert(1)", BadRedirect::Scheme),
            ("data:text/html,x", BadRedirect::Scheme),
            ("https://A.example/cb", BadRedirect::NotNormal),
            ("https://a.example", BadRedirect::NotNormal),
            ("https://a.example/x/../cb", BadRedirect::NotNormal),
            (" https://a.example/cb", BadRedirect::NotNormal),
        ] {
            assert_eq!(RegisteredRedirect::parse(bad), Err(why), "{bad}");
        }
    }

    // proves: A08, A09, A10
    #[test]
    fn only_the_port_of_a_loopback_literal_may_vary() {
        let v4 = RegisteredRedirect::parse("http://127.0.0.1/callback").unwrap();
        for good in [
            "http://127.0.0.1/callback",
            "http://127.0.0.1:1/callback",
            "http://127.0.0.1:65535/callback",
        ] {
            assert!(v4.matches(good), "{good}");
        }
        for bad in [
            "http://localhost:1/callback",
            "http://[::1]:1/callback",
            "https://127.0.0.1:1/callback",
            "http://127.0.0.1:1/callback/",
            "http://127.0.0.1:1/callback?x=1",
            "http://127.0.0.1:1/callback#",
            "http://127.0.0.1:1@evil.example/callback",
            "http://@127.0.0.1:1/callback",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:080/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.1:1/callback",
            "http://0x7f.1:1/callback",
            "http://2130706433:1/callback",
            "http://127.0.0.2:1/callback",
        ] {
            assert!(!v4.matches(bad), "{bad}");
        }
        let https = RegisteredRedirect::parse("https://a.example/cb").unwrap();
        assert!(!https.matches("https://a.example:8443/cb"));
        let with_port = RegisteredRedirect::parse("http://[::1]:9/callback").unwrap();
        assert!(with_port.matches("http://[::1]:10/callback"));
    }
}
