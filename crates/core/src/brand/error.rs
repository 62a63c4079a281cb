//! Why a brand file cannot be used, and where in it.

use super::line::line_of;
use super::nearest;
use crate::token::MAX_PREFIX_LEN;
use crate::user_code::BadGrouping;

/// Why a brand file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadBrand {
    /// Not TOML, or an unknown or misspelt key.
    #[error("line {line}: {what}")]
    Toml {
        /// Where, counted from 1.
        line: usize,
        /// What is wrong, naming the key; safe to show.
        what: String,
    },
    /// The user code's grouping.
    #[error(transparent)]
    Grouping(#[from] BadGrouping),
    /// A colour is not `#rrggbb`.
    #[error("{key} must be a colour like #1f5fbf, not {value:?}")]
    Colour {
        /// The key.
        key: &'static str,
        /// What stood there.
        value: String,
    },
    /// A prefix that tokens cannot begin with.
    #[error(
        "{key} must be 2 to {MAX_PREFIX_LEN} lower-case letters, digits and '_', and end in '_', not {value:?}"
    )]
    Prefix {
        /// The key.
        key: &'static str,
        /// What stood there.
        value: String,
    },
    /// A directory that is not below the home directory.
    #[error("{key} must be a path below the home directory like .mytool, not {value:?}")]
    Directory {
        /// The key.
        key: &'static str,
        /// What stood there.
        value: String,
    },
    /// An order that names nothing, or something twice.
    #[error("sources.order must name one or more of variable, workload and profile, each once")]
    Sources,
    /// A permission that is no scope token.
    #[error(
        "a permission must be made of visible characters without quotes, like results:read, not {0:?}"
    )]
    Permission(String),
    /// Something that is named in a table of the brand and is not known.
    #[error("{key} names {value:?}, which there is not{hint}")]
    Unknown {
        /// The table, or the key in it.
        key: String,
        /// What stood there.
        value: String,
        /// The nearest right one, as the end of a sentence.
        hint: String,
    },
    /// Something that cannot be.
    #[error("{key}: {why}")]
    Impossible {
        /// The key.
        key: String,
        /// Why.
        why: String,
    },
    /// A name that cannot be a command, variable or directory.
    #[error(
        "{key} must be 1 to 64 letters, digits, '-' and '_' and begin with a letter, not {value:?}"
    )]
    Name {
        /// The key.
        key: &'static str,
        /// What stood there.
        value: String,
    },
}

impl BadBrand {
    /// What is wrong, and where in `toml`.
    pub fn told(&self, toml: &str) -> String {
        match (self, self.line(toml)) {
            // The parser's own words say it themselves.
            (Self::Toml { .. }, _) | (_, None) => self.to_string(),
            (_, Some(line)) => format!("line {line}: {self}"),
        }
    }

    /// The line of `toml` that it is about, counted from 1, if one can be told.
    pub fn line(&self, toml: &str) -> Option<usize> {
        let (key, value) = match self {
            Self::Toml { line, .. } => return Some(*line),
            Self::Grouping(_) => ("user_code.groups", None),
            Self::Sources => ("sources.order", None),
            Self::Permission(value) => ("roles", Some(value.as_str())),
            Self::Impossible { key, .. } => (key.as_str(), None),
            Self::Unknown { key, value, .. } => (key.as_str(), Some(value.as_str())),
            Self::Colour { key, value }
            | Self::Prefix { key, value }
            | Self::Directory { key, value }
            | Self::Name { key, value } => (*key, Some(value.as_str())),
        };
        line_of(toml, key, value.filter(|value| !value.is_empty()))
    }
}

/// The parser's own text would repeat the line, control characters and all.
pub(super) fn malformed(toml: &str, error: &toml::de::Error) -> BadBrand {
    let at = error.span().map_or(0, |span| span.start);
    let line = toml.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let message = error.message();
    let key = toml.lines().nth(line - 1).and_then(|line| line.split_once('='));
    let key = key
        .map(|(key, _)| key.trim())
        .filter(|_| message.starts_with("invalid ") || message.starts_with("must "));
    let message = message
        .replace("expected u8", "expected a number from 0 to 255")
        .replace("expected usize", "expected a number")
        .replace("expected a sequence", "expected a list in [brackets]");
    let message = match key {
        Some(key) => format!("{key}: {message}"),
        None => message,
    };
    let message = message.as_str();
    let hint = match elsewhere(message, &toml[..at.min(toml.len())]) {
        Some(table) => format!("; it belongs above the first [table], and this is [{table}]"),
        None => nearest::of_message(message),
    };
    // A long list of all that there is would hide the one that was meant.
    let shown = if hint.is_empty() {
        message
    } else {
        message.split(", expected").next().unwrap_or(message)
    };
    BadBrand::Toml { line, what: format!("{}{hint}", crate::text::presentable(shown, 300)) }
}

/// The table in which a key stands that belongs above all of them, as after `>>` to a file.
fn elsewhere<'t>(message: &str, before: &'t str) -> Option<&'t str> {
    const ABOVE: [&str; 8] = [
        "name",
        "title",
        "about",
        "client_id",
        "default_server",
        "issuer",
        "variable_prefix",
        "config_dir",
    ];
    let key = message.strip_prefix("unknown field `")?.split('`').next()?;
    let mut heads =
        before.lines().filter_map(|line| line.trim().strip_prefix('[')?.split(']').next());
    heads.next_back().filter(|_| ABOVE.contains(&key))
}
