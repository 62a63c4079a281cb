//! One condition on one claim.

use serde::{Deserialize, Serialize};

use super::claims::{Claim, Claims};
use super::pattern::{BadPattern, Pattern};
use super::platform::Platform;

/// The longest value that a condition compares with.
const MAX_VALUE: usize = 512;
/// The most values in a list.
const MAX_VALUES: usize = 50;
/// The longest name of a claim.
const MAX_NAME: usize = 128;

/// A claim, and what it has to be. A claim that is missing, or is no text, meets no condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The claim's name, or a JSON pointer to it that begins with `/`.
    pub claim: String,
    /// What it has to be.
    #[serde(flatten)]
    pub test: Test,
}

/// What a claim has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// This, byte for byte.
    Is(String),
    /// One of these, byte for byte.
    OneOf(Vec<String>),
    /// Matched by a pattern; for refs and environments only.
    Like(Pattern),
    /// Anything, as long as it is there: `true` is the only value. Said aloud, because it is
    /// dangerous.
    Any(bool),
}

/// Why a condition cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCondition {
    /// It names no claim.
    #[error("a condition names a claim of 1 to {MAX_NAME} visible characters")]
    Name,
    /// It is not `claim=value` or `claim~pattern`.
    #[error("write claim=value, or claim~pattern for refs and environments, not {0:?}")]
    Form(String),
    /// Its value cannot be met.
    #[error(
        "{0} has to be compared with 1 to {MAX_VALUES} texts of 1 to {MAX_VALUE} bytes, \
         without control characters and spaces at their ends"
    )]
    Value(String),
    /// A pattern on a claim that is no ref and no environment.
    #[error("{0} is compared exactly; patterns are for refs and environments only")]
    NoPattern(String),
    /// A star in an exact value, where a pattern was meant, or could be.
    #[error("{0} is compared exactly, and {1:?} has a star; name what you mean")]
    Star(String, String),
    /// The pattern is none.
    #[error("{0}: {1}")]
    Pattern(String, BadPattern),
    /// A claim that has a check of its own.
    #[error("{0} is checked for every token; no condition is about it")]
    Reserved(String),
}

/// Claims that are checked before any policy is looked at.
const RESERVED: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

impl Condition {
    /// `claim` is `value`.
    pub fn is(claim: &str, value: &str) -> Self {
        Self { claim: claim.to_owned(), test: Test::Is(value.to_owned()) }
    }

    /// `claim` is matched by `pattern`, or is `pattern` if that has no star.
    pub fn like(claim: &str, pattern: &str) -> Result<Self, BadPattern> {
        if !pattern.contains('*') {
            return Ok(Self::is(claim, pattern));
        }
        Ok(Self { claim: claim.to_owned(), test: Test::Like(Pattern::parse(pattern)?) })
    }

    /// `claim` is anything.
    pub fn any(claim: &str) -> Self {
        Self { claim: claim.to_owned(), test: Test::Any(true) }
    }

    /// Reads `claim=value`, `claim~pattern`, or `claim=*` for anything.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self, BadCondition> {
        let form = || BadCondition::Form(crate::text::presentable(text, 100));
        let at = text.find(['=', '~']).ok_or_else(form)?;
        let (claim, value) = (&text[..at], &text[at + 1..]);
        if text.as_bytes()[at] == b'=' {
            return Ok(if value == "*" { Self::any(claim) } else { Self::is(claim, value) });
        }
        let pattern = Pattern::parse(value)
            .map_err(|error| BadCondition::Pattern(claim.to_owned(), error))?;
        Ok(Self { claim: claim.to_owned(), test: Test::Like(pattern) })
    }

    /// Whether it can be used at this platform.
    pub fn check(&self, platform: Platform) -> Result<(), BadCondition> {
        let name = &self.claim;
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadCondition::Name);
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(BadCondition::Reserved(name.clone()));
        }
        let values: &[String] = match &self.test {
            Test::Is(value) => std::slice::from_ref(value),
            Test::OneOf(values) => values,
            Test::Like(_) if platform.is_pattern_claim(name) => return Ok(()),
            Test::Like(_) => return Err(BadCondition::NoPattern(name.clone())),
            Test::Any(true) => return Ok(()),
            Test::Any(false) => return Err(BadCondition::Value(name.clone())),
        };
        let usable = |value: &String| {
            (1..=MAX_VALUE).contains(&value.len())
                && !value.chars().any(char::is_control)
                && value.trim() == value
        };
        if !(1..=MAX_VALUES).contains(&values.len()) || !values.iter().all(usable) {
            return Err(BadCondition::Value(name.clone()));
        }
        // No git ref and no repository has a star: whoever writes one means a pattern.
        if let Some(value) = values.iter().find(|value| value.contains('*')) {
            return Err(BadCondition::Star(name.clone(), crate::text::presentable(value, 100)));
        }
        Ok(())
    }

    /// Whether these claims meet it.
    pub fn is_met(&self, claims: &Claims) -> bool {
        match claims.get(&self.claim) {
            Claim::Text(text) => self.allows(&text),
            Claim::Missing | Claim::Odd => false,
        }
    }

    /// Whether this value of the claim meets it.
    pub fn allows(&self, text: &str) -> bool {
        match &self.test {
            Test::Is(value) => value == text,
            Test::OneOf(values) => values.iter().any(|value| value == text),
            Test::Like(pattern) => pattern.matches(text),
            Test::Any(truth) => *truth,
        }
    }

    /// The values that it compares with, if it does so exactly.
    pub fn exact(&self) -> &[String] {
        match &self.test {
            Test::Is(value) => std::slice::from_ref(value),
            Test::OneOf(values) => values,
            Test::Like(_) | Test::Any(_) => &[],
        }
    }

    /// What it wants, in words.
    pub fn wants(&self) -> String {
        match &self.test {
            Test::Is(value) => value.clone(),
            Test::OneOf(values) => values.join(" or "),
            Test::Like(pattern) => format!("like {pattern}"),
            Test::Any(_) => "anything".to_owned(),
        }
    }
}
