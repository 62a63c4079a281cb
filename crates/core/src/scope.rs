//! Scope sets (RFC 6749 §3.3): `scope-token *( SP scope-token )`, order without meaning.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The scope that makes a request an OpenID Connect one (OIDC Core §3.1.2.1).
pub const OPENID: &str = "openid";
/// Name claims (OIDC Core §5.4).
pub const PROFILE: &str = "profile";
/// E-mail claims (OIDC Core §5.4).
pub const EMAIL: &str = "email";
/// A refresh token (OIDC Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";
/// hallpass's own: see and manage one's own account over `/api/v1`.
pub const ACCOUNT: &str = "account";
/// hallpass's own: make, change and revoke personal tokens.
pub const TOKENS: &str = "tokens";
/// hallpass's own: start, see and stop agents of one's own, and nothing else (a broker's).
pub const AGENTS: &str = "agents";
/// hallpass's own: what every agent has, and nobody else: report, and ask for what is its own.
pub const AGENT: &str = "agent";

/// A set of scope tokens. A cheap clone: it is in every answer about a token.
///
/// Kept as it is spoken: sorted, each token once, single spaces between them. There are few in
/// it, so looking through them is as fast as anything.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Scope(Arc<str>);

/// The text is not `scope-token *( SP scope-token )`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope must be a list of tokens of visible ASCII characters, separated by single spaces")]
pub struct BadScope;

impl Scope {
    /// No scope at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Whether `token` is in it.
    pub fn contains(&self, token: &str) -> bool {
        self.iter().any(|known| known == token)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everything here is in `other` too.
    pub fn is_subset(&self, other: &Scope) -> bool {
        self.iter().all(|token| other.contains(token))
    }

    /// What is in both.
    pub fn intersection(&self, other: &Scope) -> Scope {
        self.iter().filter(|token| other.contains(token)).collect()
    }

    /// The tokens, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        // The empty text would have one empty token.
        self.0.split(' ').filter(|token| !token.is_empty())
    }

    /// As it is spoken: the tokens, sorted, with single spaces between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl FromStr for Scope {
    type Err = BadScope;
    fn from_str(text: &str) -> Result<Self, BadScope> {
        // scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        let token = |token: &str| !token.is_empty() && token.bytes().all(allowed);
        if text.is_empty() || text.split(' ').all(token) {
            Ok(text.split(' ').collect())
        } else {
            Err(BadScope)
        }
    }
}

impl<'a> FromIterator<&'a str> for Scope {
    /// From tokens that are known to be well-formed.
    fn from_iter<I: IntoIterator<Item = &'a str>>(tokens: I) -> Self {
        let tokens: BTreeSet<&str> = tokens.into_iter().filter(|token| !token.is_empty()).collect();
        Self(tokens.into_iter().collect::<Vec<_>>().join(" ").into())
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_set() {
        let scope: Scope = "profile openid profile".parse().unwrap();
        assert_eq!(scope.to_string(), "openid profile");
        assert!(scope.contains(OPENID) && !scope.contains(EMAIL));
        assert!("openid".parse::<Scope>().unwrap().is_subset(&scope));
        assert!(!scope.contains("") && !scope.contains("open") && !scope.contains(" "));
        assert_eq!(scope.iter().collect::<Vec<_>>(), [OPENID, PROFILE]);
        assert_eq!(scope, "openid profile".parse().unwrap());
    }

    #[test]
    fn no_scope_is_nothing() {
        let none: Scope = "".parse().unwrap();
        assert!(none.is_empty() && none == Scope::empty() && none.iter().next().is_none());
        assert!(none.is_subset(&none) && none.to_string().is_empty());
        assert_eq!(none.intersection(&"openid".parse().unwrap()), none);
    }

    #[test]
    fn malformed_scopes_are_refused() {
        for bad in [" ", "a  b", " a", "a ", "a\tb", "\"", "\\", "é", "a\0"] {
            assert_eq!(bad.parse::<Scope>(), Err(BadScope), "{bad:?}");
        }
    }
}
