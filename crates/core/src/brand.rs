//! A brand: names, prefixes, paths, variables and texts, as data.
//!
//! One TOML file re-badges the engine; it configures server and client alike.
//! Unknown keys are refused with the nearest right one.

mod calls;
mod check;
mod error;
mod line;
mod nearest;
mod sense;
mod shown;
mod text;
mod tool;
mod values;
mod words;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use error::BadBrand;
pub use text::filled;
pub use tool::{
    Argument, CALLED, Call, ConfigRules, Keeps, LoginRules, LogoutRules, Mode, NotAMode, PARTS,
    Pages, Presents, Revokes, STATES, StatusRules, Texts, VERBS, Way, parts, placeable,
};
pub use words::Words;

use crate::Kind;
use crate::permission::PermissionTable;
use crate::token::{MAX_PREFIX_LEN, NotAToken, TokenText};
use crate::user_code::Grouping;

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
    /// What its help says that it is for, if that is not signing in.
    #[serde(default)]
    pub about: Option<String>,
    /// The public client that the CLI signs in as.
    pub client_id: String,
    /// The server that the CLI talks to when nothing else is said.
    pub default_server: String,
    /// The OpenID provider to sign in at, where the server does not say one itself.
    #[serde(default)]
    pub issuer: Option<String>,
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
    /// Personal tokens.
    #[serde(default)]
    pub tokens: Tokens,
    /// Where the command line keeps sign-ins.
    #[serde(default)]
    pub vault: VaultRules,
    /// Keys of projects and organizations.
    #[serde(default)]
    pub keys: Keys,
    /// Where the command line takes a credential from.
    #[serde(default)]
    pub sources: Sources,
    /// Which role may do what.
    #[serde(default)]
    pub roles: PermissionTable,
    /// Variables that are called otherwise than prefix and name: `token` is `SCION_HUB_TOKEN`.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Where each verb sits in the command tree: `auth login` is `login`. hallpass's own tree
    /// if it is empty.
    #[serde(default)]
    pub commands: BTreeMap<String, String>,
    /// What the help says of a command or a group of the tree: its place, and its line.
    #[serde(default)]
    pub help: BTreeMap<String, String>,
    /// The tool's own commands that are one call to its API.
    #[serde(default)]
    pub calls: BTreeMap<String, Call>,
    /// What `login` takes and keeps.
    #[serde(default)]
    pub login: LoginRules,
    /// What `logout` ends.
    #[serde(default)]
    pub logout: LogoutRules,
    /// How `status` finds out.
    #[serde(default)]
    pub status: StatusRules,
    /// What `config` calls things.
    #[serde(default)]
    pub config: ConfigRules,
    /// The pages' addresses.
    #[serde(default)]
    pub pages: Pages,
    /// What things are called.
    #[serde(default)]
    pub words: Words,
    /// What is said in the tool's own words.
    #[serde(default)]
    pub texts: Texts,
    /// A state that ends a command, and what is said of it instead.
    #[serde(default)]
    pub failures: BTreeMap<String, String>,
    /// A state that ends a command, and the exit code that it has here.
    #[serde(default)]
    pub exits: BTreeMap<String, u8>,
}

/// Personal tokens, and those of the system that was there before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// What their text begins with. Once issued, it never changes.
    pub prefix: String,
    /// What an older system's tokens begin with, if there was one.
    pub legacy_prefix: Option<String>,
    /// Where an older command line left them, a file for each project, below the home
    /// directory.
    pub legacy_dir: Option<String>,
    /// Whether a token that was not narrowed may make tokens.
    pub may_make_tokens: bool,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            prefix: Kind::Personal.prefix().to_owned(),
            legacy_prefix: None,
            legacy_dir: None,
            may_make_tokens: false,
        }
    }
}

/// What a plain file with a sign-in looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// hallpass's own: profiles and their sign-ins.
    #[default]
    Own,
    /// The text of one token, and nothing else.
    Token,
    /// JSON with members of the tool's own choice, for one sign-in.
    Fields,
}

/// What a member of a file can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The access token.
    AccessToken,
    /// The refresh token, if there is one.
    RefreshToken,
    /// The ID token, if there is one.
    IdToken,
    /// `Bearer`.
    TokenType,
    /// Where it is refreshed.
    TokenEndpoint,
    /// When the access token ends, in seconds with a fraction.
    ExpiresAt,
    /// When it was kept, in seconds with a fraction.
    StoredAt,
}

/// Where the command line keeps sign-ins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VaultRules {
    /// What our entries in the keyring are filed under; `config_dir` if not given.
    pub service: Option<String>,
    /// A refresh token lies in the keyring itself, never in a file in any form.
    pub refresh_in_keyring: bool,
    /// Without a keyring a plain file will do, and nobody is asked.
    pub file_without_question: bool,
    /// The directory, below the home directory, in place of `config_dir` below the
    /// configuration directory.
    pub dir: Option<String>,
    /// The file that holds the sign-in; `credentials.json` if not given.
    pub file: Option<String>,
    /// What a plain file looks like.
    pub format: Format,
    /// A flag that names another file: `credentials-path`.
    pub file_flag: Option<String>,
    /// The members of a file in the format `fields`, and what stands in each.
    pub fields: BTreeMap<String, Fact>,
}

/// Keys of projects and organizations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// What their text begins with, of both kinds; hallpass's own, one for each kind, if absent.
    /// Once issued, it never changes.
    pub prefix: Option<String>,
    /// Whether `key revoke` takes a key's text on the command line, with a warning: only for a
    /// tool whose documentation says so.
    pub revoke_by_value: bool,
}

/// Where the command line takes a credential from, after what a program hands over itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// The first that has one counts; one that is not named is never asked.
    pub order: Vec<SourceKind>,
    /// A flag that hands a token over on the command line, with a warning: only for a tool
    /// whose documentation says so. It counts more than all of them.
    pub flag: Option<String>,
    /// Whether an agent's token is looked at, in an agent. Not by a tool for people whose agents
    /// have a tool of their own.
    pub agent: bool,
}

/// A place that a credential may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// The variable for a token.
    Variable,
    /// The identity that a job's platform gives it, traded for a pass.
    Workload,
    /// A stored sign-in: the profile that is named, else the current one.
    Profile,
}

impl Default for Sources {
    fn default() -> Self {
        let order = vec![SourceKind::Variable, SourceKind::Workload, SourceKind::Profile];
        Self { order, flag: None, agent: true }
    }
}

impl Sources {
    /// Whether a token in the variable counts more than a stored sign-in.
    pub fn variable_wins(&self) -> bool {
        self.order.first() == Some(&SourceKind::Variable)
    }
}

/// The look of the pages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Look {
    /// `#rrggbb`, used on light pages; the dark one is derived if not given.
    pub accent: String,
    /// `#rrggbb`, used on dark pages.
    pub accent_dark: String,
    /// An SVG document, in place of our own sign on the pages and in the browser's tab.
    pub logo: Option<String>,
}

impl Default for Look {
    fn default() -> Self {
        Self { accent: "#1f5fbf".to_owned(), accent_dark: "#8ab8ff".to_owned(), logo: None }
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

impl Brand {
    /// Reads a brand file.
    pub fn parse(toml: &str) -> Result<Self, BadBrand> {
        let brand: Brand = toml::from_str(toml).map_err(|error| error::malformed(toml, &error))?;
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
            ("vault.service", brand.vault.service.as_ref().unwrap_or(&brand.config_dir)),
        ] {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            let begins = value.starts_with(|c: char| c.is_ascii_alphabetic());
            if !begins || value.len() > 64 || !value.bytes().all(plain) {
                return Err(BadBrand::Name { key, value: value.clone() });
            }
        }
        let prefixes = [
            ("tokens.prefix", Some(&brand.tokens.prefix)),
            ("tokens.legacy_prefix", brand.tokens.legacy_prefix.as_ref()),
            ("keys.prefix", brand.keys.prefix.as_ref()),
        ];
        for (key, value) in prefixes.into_iter().flat_map(|(key, value)| Some((key, value?))) {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            let whole = (2..=MAX_PREFIX_LEN).contains(&value.len()) && value.ends_with('_');
            if !whole || !value.bytes().all(plain) {
                return Err(BadBrand::Prefix { key, value: value.clone() });
            }
        }
        let order = &brand.sources.order;
        let twice = |(at, kind)| order[..at].contains(kind);
        if order.is_empty() || order.iter().enumerate().any(twice) {
            return Err(BadBrand::Sources);
        }
        if let Some(value) =
            brand.tokens.legacy_dir.as_ref().filter(|dir| !check::is_below_home(dir))
        {
            let value = value.clone();
            return Err(BadBrand::Directory { key: "tokens.legacy_dir", value });
        }
        brand.roles.check().map_err(BadBrand::Permission)?;
        check::tool(&brand)?;
        values::values(&brand)?;
        calls::calls(&brand)?;
        shown::shown(&brand)?;
        sense::sense(&brand)?;
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

    /// What the text of a key of this kind begins with.
    pub fn key_prefix(&self, kind: Kind) -> &str {
        self.keys.prefix.as_deref().unwrap_or(kind.prefix())
    }

    /// What the credentials of this brand begin with that people make: personal tokens and keys.
    pub fn prefixes(&self) -> [&str; 3] {
        let keys = [Kind::ProjectKey, Kind::OrgKey].map(|kind| self.key_prefix(kind));
        [&*self.tokens.prefix, keys[0], keys[1]]
    }

    /// Why a text that begins like a credential of this brand is none: no server takes a part of
    /// one. What an older system made may begin alike, and has no check that could be tried.
    pub fn damaged(&self, text: &str) -> Option<NotAToken> {
        let legacy = self.tokens.legacy_prefix.as_deref();
        if legacy.is_some_and(|prefix| text.starts_with(prefix)) {
            return None;
        }
        let read = |prefix| TokenText::parse_with_prefix(prefix, text).err();
        self.prefixes().into_iter().filter_map(read).find(|why| *why != NotAToken::Prefix)
    }

    /// An environment variable of this brand: `HALLPASS_TOKEN`.
    pub fn variable(&self, name: &str) -> String {
        match self.variables.get(&name.to_ascii_lowercase()) {
            Some(own) => own.clone(),
            None => format!("{}_{name}", self.variable_prefix),
        }
    }

    /// Whether there is room for one sign-in only.
    pub fn keeps_one(&self) -> bool {
        self.vault.format != Format::Own
    }
}

#[cfg(test)]
#[path = "brand/tests.rs"]
mod tests;
