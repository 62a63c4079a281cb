//! A brand: names, prefixes, paths, variables and texts, as data.
//!
//! One TOML file re-badges the engine; it configures server and client alike.
//! Unknown keys are refused with the nearest right one.

use serde::Deserialize;

use crate::user_code::{BadGrouping, Grouping};

/// hallpass's own brand, compiled in.
pub const HALLPASS: &str = include_str!("../../../brands/hallpass.toml");

/// A tool's names and looks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// The command's name: `hallpass`.
    pub name: String,
    /// As people write it: `hallpass`, `SkillMeat`.
    pub title: String,
    /// The public client that the CLI signs in as.
    pub client_id: String,
    /// The server that the CLI talks to when nothing else is said.
    pub default_server: String,
    /// What environment variables begin with: `HALLPASS`.
    pub variable_prefix: String,
    /// Directory below the configuration directory.
    pub config_dir: String,
    /// The look of the pages.
    #[serde(default)]
    pub look: Look,
    /// The user code that people type.
    #[serde(default)]
    pub user_code: UserCodeShape,
}

/// The look of the pages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Look {
    /// `#rrggbb`, used on light pages; the dark one is derived if not given.
    pub accent: String,
    /// `#rrggbb`, used on dark pages.
    pub accent_dark: String,
}

impl Default for Look {
    fn default() -> Self {
        Self { accent: "#1f5fbf".to_owned(), accent_dark: "#8ab8ff".to_owned() }
    }
}

/// How the user code is grouped.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserCodeShape {
    /// Letters in each group: `[4, 4]` is `WDJB-MJHT`.
    pub groups: Vec<usize>,
}

impl Default for UserCodeShape {
    fn default() -> Self {
        Self { groups: vec![4, 4] }
    }
}

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
    /// A name that cannot be a command, variable or directory.
    #[error("{key} must consist of letters, digits, '-' and '_', not {value:?}")]
    Name {
        /// The key.
        key: &'static str,
        /// What stood there.
        value: String,
    },
}

impl Brand {
    /// Reads a brand file.
    pub fn parse(toml: &str) -> Result<Self, BadBrand> {
        let brand: Brand = toml::from_str(toml).map_err(|error| malformed(toml, &error))?;
        Grouping::new(brand.user_code.groups.clone())?;
        for (key, value) in
            [("look.accent", &brand.look.accent), ("look.accent_dark", &brand.look.accent_dark)]
        {
            let hex = value.strip_prefix('#').unwrap_or_default();
            if hex.len() != 6 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(BadBrand::Colour { key, value: value.clone() });
            }
        }
        for (key, value) in [
            ("name", &brand.name),
            ("client_id", &brand.client_id),
            ("variable_prefix", &brand.variable_prefix),
            ("config_dir", &brand.config_dir),
        ] {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if value.is_empty() || !value.bytes().all(plain) {
                return Err(BadBrand::Name { key, value: value.clone() });
            }
        }
        Ok(brand)
    }

    /// hallpass's own.
    pub fn hallpass() -> Self {
        Self::parse(HALLPASS).expect("the compiled-in brand is tested")
    }

    /// The user code's grouping.
    pub fn grouping(&self) -> Grouping {
        Grouping::new(self.user_code.groups.clone()).unwrap_or_default()
    }

    /// An environment variable of this brand: `HALLPASS_TOKEN`.
    pub fn variable(&self, name: &str) -> String {
        format!("{}_{name}", self.variable_prefix)
    }
}

/// The parser's own text would repeat the line, control characters and all.
fn malformed(toml: &str, error: &toml::de::Error) -> BadBrand {
    let at = error.span().map_or(0, |span| span.start);
    let line = toml.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    BadBrand::Toml { line, what: crate::text::presentable(error.message(), 300) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_brand_reads() {
        let brand = Brand::hallpass();
        assert_eq!(brand.name, "hallpass");
        assert_eq!(brand.variable("TOKEN"), "HALLPASS_TOKEN");
        assert_eq!(brand.client_id, crate::wire::CLI_CLIENT_ID);
    }

    #[test]
    fn a_misspelt_key_is_refused_by_name() {
        let bad = HALLPASS.replace("title", "titel");
        let error = Brand::parse(&bad).unwrap_err().to_string();
        assert!(error.starts_with("line 3: ") && error.contains("titel"), "{error}");
    }
}
