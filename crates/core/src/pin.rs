//! What a directory says about itself: a small file beside the code, `.hallpass.toml`.
//!
//! It is checked in and shared, so it holds no secret, and whoever gets a repository from
//! somebody else gets that file too: it may say which organization and project the work is
//! about, and at which server they are, but it never leads a credential to a server.

use serde::Deserialize;

use crate::text::presentable;

/// A longer file is not ours.
pub const MAX_LEN: usize = 4096;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Where organization and project are. At another server the file says nothing.
    pub server: Option<String>,
    /// The organization.
    pub org: Option<String>,
    /// The project: `tools`, or `lab/tools`.
    pub project: Option<String>,
}

/// Why the file says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPin(String);

impl Pin {
    /// Reads the file's text.
    ///
    /// # Errors
    /// If it is no TOML, or has a key that we do not know: a typing error would otherwise
    /// look like a choice.
    pub fn parse(text: &str) -> Result<Self, BadPin> {
        if text.len() > MAX_LEN {
            return Err(BadPin(format!("it is longer than {MAX_LEN} bytes")));
        }
        // The parser's own text would repeat the line, control characters and all.
        toml::from_str(text).map_err(|error| BadPin(presentable(error.message(), 200)))
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (key, value) in
            [("server", &self.server), ("org", &self.org), ("project", &self.project)]
        {
            if let Some(value) = value {
                text.push_str(&format!("{key} = {value:?}\n"));
            }
        }
        text
    }
}

/// What an organization or a project may be called, as far as a command line can tell; the
/// server has the last word.
pub fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=100).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with(['-', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_it_says_and_nothing_else() {
        let text = "server = \"https://id.example.com\"\norg = \"lab\"\nproject = \"tools\"\n";
        let pin = Pin::parse(text).unwrap();
        assert_eq!(pin.project.as_deref(), Some("tools"));
        assert_eq!(pin.text(), text);
        for bad in ["token = 'x'", "org = 1", "orgg = 'lab'", "[", "profile = 'work'"] {
            assert!(Pin::parse(bad).is_err(), "{bad}");
        }
        assert!(Pin::parse(&"#".repeat(MAX_LEN + 1)).is_err());
    }

    #[test]
    fn names() {
        for good in ["lab", "a", "scan-2", "org.name", "A_b"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-x", ".x", "a b", "a/b", "ü", "a\n"] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
