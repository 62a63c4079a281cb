//! Parameters of an OAuth request, from a query or a form body.
//!
//! RFC 6749 §3.1 and §3.2: a parameter without a value counts as omitted, an
//! unknown one is ignored, and none may appear twice. `resource` (RFC 8707 §2) and
//! `audience` (RFC 8693 §2.1) alone may repeat.

use std::borrow::Cow;
use std::fmt;

use super::encoding;
use crate::Secret;

/// More pairs than any request of ours has.
const MAX_PAIRS: usize = 64;
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// Parsed parameters. Values may be secret, so `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Params(Vec<(String, Secret)>);

/// Why parameters were refused as a whole (`invalid_request`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadParams {
    /// RFC 6749 §3.1.
    #[error("parameter {0} appears more than once")]
    Repeated(String),
    /// Not `application/x-www-form-urlencoded` in UTF-8.
    #[error("the parameters are not valid form encoding")]
    Encoding,
    /// Nobody needs that many.
    #[error("there are too many parameters")]
    TooMany,
}

impl Params {
    /// Reads a query string or a form body.
    pub fn parse(encoded: &[u8]) -> Result<Self, BadParams> {
        let given = pairs(encoded)?.into_iter().filter(|(_, value)| !value.is_empty());
        Ok(Self(given.map(|(name, value)| (name.into_owned(), Secret::new(value))).collect()))
    }

    /// The value of `name`, if it was given and is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.expose())
    }

    /// All values of a parameter that may repeat.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.expose())
    }

    /// All pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose()))
    }

    /// Adds or replaces a parameter.
    pub fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.0.push((name.to_owned(), Secret::new(value)));
    }

    /// Takes a parameter out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }

    /// As a query string.
    pub fn to_query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.iter() {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

/// A name and a value.
pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Names and values as they were sent, in order, those without a value too.
pub fn pairs(encoded: &[u8]) -> Result<Vec<Pair<'_>>, BadParams> {
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        if pairs.len() >= MAX_PAIRS {
            return Err(BadParams::TooMany);
        }
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let name = encoding::decode(&pair[..end]).ok_or(BadParams::Encoding)?;
        let value = pair.get(end + 1..).unwrap_or_default();
        let value = encoding::decode(value).ok_or(BadParams::Encoding)?;
        if pairs.iter().any(|(known, _)| *known == name) && !REPEATABLE.contains(&&*name) {
            return Err(BadParams::Repeated(crate::text::presentable(&name, 40)));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: A02, A03, A04
    #[test]
    fn once_each_and_empty_is_omitted() {
        let params = Params::parse(b"scope=a+b&state=&x=%C3%A9&resource=r1&resource=r2").unwrap();
        assert_eq!(params.get("scope"), Some("a b"));
        assert_eq!(params.get("state"), None);
        assert_eq!(params.get("x"), Some("é"));
        assert_eq!(params.all("resource").collect::<Vec<_>>(), ["r1", "r2"]);
        for twice in ["a=1&a=1", "a=1&a=", "a=&a=1", "a&a", "%61=1&a=2"] {
            assert_eq!(
                Params::parse(twice.as_bytes()).unwrap_err(),
                BadParams::Repeated("a".into()),
                "{twice}"
            );
        }
    }

    #[test]
    fn what_is_not_form_encoding_is_refused() {
        for bad in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=\u{1}", "a=%C3"] {
            assert_eq!(Params::parse(bad.as_bytes()).unwrap_err(), BadParams::Encoding, "{bad}");
        }
        let many: String = (0..65).map(|n| format!("p{n}=1&")).collect();
        assert_eq!(Params::parse(many.as_bytes()).unwrap_err(), BadParams::TooMany);
    }

    #[test]
    fn debug_shows_names_only() {
        let params = Params::parse(b"client_secret=hush").unwrap();
        assert_eq!(format!("{params:?}"), r#"["client_secret"]"#);
    }
}
