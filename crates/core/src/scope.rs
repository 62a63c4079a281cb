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

/// A set of scope tokens. A cheap clone: it is in every answer about a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope(Arc<BTreeSet<String>>);

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
        self.0.contains(token)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everything here is in `other` too.
    pub fn is_subset(&self, other: &Scope) -> bool {
        self.0.is_subset(&other.0)
    }

    /// What is in both.
    pub fn intersection(&self, other: &Scope) -> Scope {
        self.0.intersection(&other.0).map(String::as_str).collect()
    }

    /// The tokens, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for Scope {
    type Err = BadScope;
    fn from_str(text: &str) -> Result<Self, BadScope> {
        if text.is_empty() {
            return Ok(Self::empty());
        }
        // scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        text.split(' ')
            .map(|token| {
                let ok = !token.is_empty() && token.bytes().all(allowed);
                ok.then(|| token.to_owned()).ok_or(BadScope)
            })
            .collect::<Result<_, _>>()
            .map(|tokens| Self(Arc::new(tokens)))
    }
}

impl<'a> FromIterator<&'a str> for Scope {
    /// From tokens that are known to be well-formed.
    fn from_iter<I: IntoIterator<Item = &'a str>>(tokens: I) -> Self {
        Self(Arc::new(tokens.into_iter().map(str::to_owned).collect()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, token) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
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
    }

    #[test]
    fn malformed_scopes_are_refused() {
        for bad in [" ", "a  b", " a", "a ", "a\tb", "\"", "\\", "é", "a\0"] {
            assert_eq!(bad.parse::<Scope>(), Err(BadScope), "{bad:?}");
        }
    }
}
