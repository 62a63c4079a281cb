//! Patterns, for refs and environments only.
//!
//! - A pattern and a text are compared as bytes: upper and lower case differ, and nothing is
//!   decoded, folded or trimmed.
//! - `/` divides both into parts. They match part by part, each whole.
//! - `*` stands for any number of bytes, also none, within one part: `refs/heads/release-*`
//!   matches `refs/heads/release-1`, not `refs/heads/release-1/x`.
//! - `**` is a part of its own and the last one. It stands for one or more parts:
//!   `refs/heads/release/**` matches `refs/heads/release/1/x`, not `refs/heads/release`.
//! - Nothing else has a meaning: `?`, `[`, `{`, `!` and `\` are themselves.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest pattern.
const MAX_LEN: usize = 512;
/// The most stars in it.
const MAX_STARS: usize = 8;

/// A pattern, well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Nothing, or too much.
    #[error("a pattern has between 1 and {MAX_LEN} bytes")]
    Length,
    /// `**` elsewhere than at the end.
    #[error("** stands alone, as the last part: refs/heads/release/**")]
    DoubleStar,
    /// More stars than anybody needs.
    #[error("a pattern has at most {MAX_STARS} stars")]
    Stars,
    /// Control characters.
    #[error("a pattern has no control characters and no spaces at its ends")]
    Character,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        if text.is_empty() || text.len() > MAX_LEN {
            return Err(BadPattern::Length);
        }
        if text.chars().any(char::is_control) || text.trim() != text {
            return Err(BadPattern::Character);
        }
        let parts: Vec<&str> = text.split('/').collect();
        let last = parts.len() - 1;
        let misplaced =
            |(at, part): (usize, &&str)| part.contains("**") && (at != last || *part != "**");
        if parts.iter().enumerate().any(misplaced) {
            return Err(BadPattern::DoubleStar);
        }
        if text.bytes().filter(|b| *b == b'*').count() > MAX_STARS {
            return Err(BadPattern::Stars);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether `text` is matched by it.
    pub fn matches(&self, text: &str) -> bool {
        let mut theirs = text.split('/');
        for part in self.0.split('/') {
            let Some(their) = theirs.next() else { return false };
            if part == "**" {
                return true;
            }
            if !part_matches(part.as_bytes(), their.as_bytes()) {
                return false;
            }
        }
        theirs.next().is_none()
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One part, with `*` for any bytes: the pieces between the stars, from left to right.
fn part_matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut pieces = pattern.split(|b| *b == b'*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut pieces: Vec<&[u8]> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        if piece.is_empty() {
            continue;
        }
        let Some(at) = rest.windows(piece.len()).position(|window| window == piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_matches() {
        for (pattern, matches, not) in [
            (
                "refs/heads/main",
                &["refs/heads/main"][..],
                &["refs/heads/Main", "refs/heads/main/", "refs/heads/mai", "/refs/heads/main"][..],
            ),
            (
                "refs/heads/*",
                &["refs/heads/main", "refs/heads/"],
                &["refs/heads/a/b", "refs/heads", "refs/tags/main"],
            ),
            (
                "refs/heads/release-*",
                &["refs/heads/release-1", "refs/heads/release-"],
                &["refs/heads/release", "refs/heads/release-1/x", "refs/heads/xrelease-1"],
            ),
            (
                "refs/heads/release/**",
                &["refs/heads/release/1", "refs/heads/release/1/x"],
                &["refs/heads/release", "refs/heads/releases/1"],
            ),
            ("**", &["x", "a/b", ""], &[]),
            ("*", &["x", "", "prod:eu"], &["a/b"]),
            ("a*b*c", &["abc", "axbxc", "abbc"], &["ab", "acb", "abcx", "a/bc"]),
            ("*-eu", &["prod-eu", "-eu"], &["prod-eu2", "eu"]),
            ("v[0-9]?", &["v[0-9]?"], &["v1", "v12"]),
            ("*aa", &["aa", "aaa"], &["a"]),
            ("aa*aa", &["aaaa", "aaxaa"], &["aaa", "aa"]),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            for text in matches {
                assert!(pattern.matches(text), "{pattern} {text}");
            }
            for text in not {
                assert!(!pattern.matches(text), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn what_is_none() {
        let long = "x".repeat(MAX_LEN + 1);
        for (text, why) in [
            ("", BadPattern::Length),
            (&*long, BadPattern::Length),
            ("**/main", BadPattern::DoubleStar),
            ("refs/**/main", BadPattern::DoubleStar),
            ("refs/heads/x**", BadPattern::DoubleStar),
            ("refs/***", BadPattern::DoubleStar),
            ("*a*a*a*a*a*a*a*a*a", BadPattern::Stars),
            ("a\nb", BadPattern::Character),
            (" a", BadPattern::Character),
        ] {
            assert_eq!(Pattern::parse(text), Err(why), "{text:?}");
        }
    }
}
