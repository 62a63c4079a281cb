//! What a brand says about the command-line tool: its tree, its words, what it keeps and ends.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Every verb of ours that a brand can place in its tree. Some bring commands of their own.
pub const VERBS: [&str; 22] = [
    "login",
    "login-token",
    "status",
    "whoami",
    "logout",
    "profile",
    "session",
    "token",
    "key",
    "trust",
    "org",
    "project",
    "member",
    "agent",
    "api",
    "exec",
    "credential",
    "context",
    "doctor",
    "config",
    "completions",
    "man",
];

/// What can be placed by itself of a verb that brings commands of its own: for a tool that wants
/// some of them, or has some in one program and some in another.
pub const PARTS: &[(&str, &[&str])] = &[
    ("profile", &["list", "use", "remove"]),
    ("session", &["list", "end"]),
    ("token", &["create", "list", "rename", "expire", "revoke", "rotate", "print"]),
    ("key", &["create", "list", "rotate", "revoke"]),
    ("trust", &["add", "list", "remove", "test", "denied", "repin"]),
    ("org", &["list", "create", "rename", "transfer", "archive", "unarchive", "use"]),
    ("project", &["list", "create", "rename", "transfer", "archive", "unarchive", "use"]),
    ("member", &["list", "set", "remove", "leave", "invite", "invitations", "uninvite"]),
    (
        "agent",
        &[
            "run",
            "child",
            "list",
            "show",
            "stop",
            "status",
            "ask",
            "approvals",
            "approvals list",
            "approvals show",
            "approvals approve",
            "approvals deny",
            "approvals watch",
            "secret",
            "secret set",
            "secret list",
            "secret remove",
            "secret get",
        ],
    ),
    ("credential", &["git", "cargo", "docker", "kubectl", "npm", "pip", "bazel", "process"]),
    ("context", &["show", "use", "clear"]),
    ("config", &["get", "set", "list"]),
];

/// Everything that can be placed: verbs, and their parts.
pub fn placeable() -> impl Iterator<Item = String> {
    let parts = |(verb, parts): &(&str, &'static [&str])| {
        let verb = (*verb).to_owned();
        parts.iter().map(move |part| format!("{verb} {part}"))
    };
    VERBS.iter().map(|verb| (*verb).to_owned()).chain(PARTS.iter().flat_map(parts))
}

/// Whether a verb or a part of one can be placed. Every start of a tool asks, so it lists nothing.
pub(super) fn is_placeable(verb: &str) -> bool {
    let part = |(verb, part): (&str, &str)| {
        PARTS.iter().any(|(whole, parts)| *whole == verb && parts.contains(&part))
    };
    VERBS.contains(&verb) || verb.split_once(' ').is_some_and(part)
}

/// What is placed, `agent secret get --json`, in two: the verb, and the flags that it has already.
pub fn parts(placed: &str) -> (String, Vec<&str>) {
    let (flags, verb): (Vec<_>, Vec<_>) =
        placed.split(' ').partition(|word| word.starts_with("--"));
    (verb.join(" "), flags)
}

/// What variables are called behind their prefix.
pub const CALLED: [&str; 13] = [
    "token",
    "auth_token",
    "server",
    "profile",
    "org",
    "project",
    "store",
    "noninteractive",
    "keyring_timeout",
    // Only where a brand names them.
    "mode",
    "issuer",
    "client_id",
    "audience",
];

/// The states in which a command can end: those of a sign-in, those of exit codes, and what
/// went wrong.
pub const STATES: &[&str] = &[
    "usable",
    "valid",
    "refreshable",
    "not_signed_in",
    "expired",
    "ended",
    "rejected",
    "cannot_verify",
    "store_unavailable",
    "login_ended",
    "other",
    "session_ended",
    "refresh_failed",
    "key_missing",
    "malformed",
    "local_mode",
    "not_configured",
    "bad_mode",
    "nobody_to_ask",
    "no_flow",
    "bad_token",
    "bad_server",
    "cannot_reach_server",
    "refresh_in_progress",
    "bad_metadata",
    "access_denied",
    "not_trusted",
    "expired_token",
    "timed_out",
    "cancelled",
    "store_corrupt",
    "store_io",
    "store_denied",
    "keyring_locked",
    "keyring_silent",
    "keyring_full",
    "keyring_failed",
    "store_unencrypted",
    "keyring_absent",
    "invalid_token",
    "insufficient_scope",
    "no_agent",
];

/// What `login` takes and keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoginRules {
    /// What its argument is.
    pub argument: Argument,
    /// The only ways to sign in, the first one first; what fits the surroundings if not given.
    #[serde(deserialize_with = "ways")]
    pub flows: Vec<Way>,
    /// Whether a browser is opened at the page of a device code, too.
    pub opens_page: bool,
    /// Whether somebody who is signed in is not asked again: what they have is refreshed.
    pub refreshes: bool,
    /// What is kept once somebody has signed in.
    pub keeps: Keeps,
    /// What calls carry.
    pub presents: Presents,
    /// Whether `--token VALUE` is taken, with a warning: only for a tool whose documentation
    /// says so.
    pub token_argument: bool,
}

impl LoginRules {
    /// Whether this is a way to sign in.
    pub fn allows(&self, way: Way) -> bool {
        self.flows.is_empty() || self.flows.contains(&way)
    }
}

/// Who signs in, as a variable of a brand's says it for its tool and its server alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everybody, at the provider that other variables name.
    Clerk,
    /// Nobody.
    Local,
}

/// That is no mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it can be clerk, local or unset{}",
    .meant.map(|meant| format!(", and is written {meant}")).unwrap_or_default()
)]
pub struct NotAMode {
    /// The one that it is but for capitals and blanks.
    pub meant: Option<&'static str>,
}

impl FromStr for Mode {
    type Err = NotAMode;

    fn from_str(text: &str) -> Result<Self, NotAMode> {
        match text {
            "clerk" => Ok(Mode::Clerk),
            "local" => Ok(Mode::Local),
            other => {
                let other = other.trim().to_ascii_lowercase();
                let meant = ["clerk", "local"].into_iter().find(|mode| *mode == other);
                Err(NotAMode { meant })
            }
        }
    }
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// With a browser on this machine.
    Browser,
    /// With a code, in a browser anywhere.
    Device,
}

/// One way at least, and none twice.
fn ways<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Way>, D::Error> {
    let ways = Vec::<Way>::deserialize(deserializer)?;
    let twice = ways.iter().enumerate().any(|(at, way)| ways[..at].contains(way));
    match ways.is_empty() || twice {
        true => Err(D::Error::custom("must name one or more of browser and device, each once")),
        false => Ok(ways),
    }
}

/// What calls carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presents {
    /// The access token.
    #[default]
    AccessToken,
    /// The ID token, to an API that takes those of the provider that it names at
    /// `/auth/config`: it says for whom the ID token is, and nobody checks that here.
    IdToken,
    /// The same where the sign-in is at a provider that is not the server itself, and the access
    /// token of the server's own.
    IdTokenElsewhere,
}

/// What the argument of `login` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Argument {
    /// The server's address.
    #[default]
    Server,
    /// A project of the older system, whose own token is taken and kept.
    Project,
    /// There is none.
    None,
}

/// What is kept once somebody has signed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keeps {
    /// The sign-in itself: an access token, and a refresh token.
    #[default]
    SignIn,
    /// A personal token that is made with it; the sign-in itself ends at once.
    Token,
}

/// What `logout` ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogoutRules {
    /// At the server.
    pub revokes: Revokes,
}

/// What `logout` ends at the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revokes {
    /// The sign-in, but not a token that was handed over.
    #[default]
    SignIn,
    /// A token that was handed over, too.
    Everything,
    /// Nothing: what is stored goes, and the server hears nothing of it.
    Nothing,
}

/// How `status` finds out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StatusRules {
    /// Ask the server without `--check`, too; if it cannot be reached, say what is known here.
    pub asks_server: bool,
}

/// What `config` calls the address of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigRules {
    /// `api_url`.
    pub server: String,
}

impl Default for ConfigRules {
    fn default() -> Self {
        Self { server: "server".to_owned() }
    }
}

/// The pages' addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pages {
    /// Other addresses of pages: `/cli/authorize` leads to `/device`.
    pub aliases: BTreeMap<String, String>,
    /// The page that a device sign-in names, if it is one of the aliases of `/device`.
    pub device: Option<String>,
    /// What the code is called in its query; `user_code` if not given.
    pub device_code: Option<String>,
    /// What pages are called in the menu: `/settings/tokens` is "CLI Tokens".
    pub names: BTreeMap<String, String>,
}

/// The pages that a brand can give a name in the menu.
pub(super) const NAMED: [&str; 8] = [
    "/settings/sessions",
    "/settings/tokens",
    "/settings/agents",
    "/settings/approvals",
    "/orgs",
    "/settings/keys",
    "/settings/trust",
    "/settings/security",
];

impl Pages {
    /// What the code is called in the query of the device page's address.
    pub fn device_code(&self) -> &str {
        self.device_code.as_deref().unwrap_or("user_code")
    }
}

/// A command that is one call to the API.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// `GET`, `POST`, …
    pub method: String,
    /// At the server; `{package}` stands for an argument, `{org}` and `{project}` for the place
    /// that the invocation is about.
    pub path: String,
    /// What it needs at the API, for whoever writes that.
    #[serde(default)]
    pub permission: Option<String>,
    /// Its line in the help.
    #[serde(default)]
    pub about: Option<String>,
    /// Its arguments, in order; each has to be given. Those that the path does not name are
    /// members of the body.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Its options with a value, members of the body or, for `GET`, of the query.
    #[serde(default)]
    pub options: Vec<String>,
    /// What the help says of an argument or an option, by its name.
    #[serde(default)]
    pub help: BTreeMap<String, String>,
    /// Whether the place that the invocation is about goes with it like an option, as `org` and
    /// `project`, where one was chosen.
    #[serde(default)]
    pub place: bool,
}

/// What is said in the tool's own words. `{account}` and the like stand for what is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Texts {
    /// Before a browser is opened: `{url}`.
    pub browser: Option<String>,
    /// Where to enter the code: `{uri}`, `{uri_complete}`, `{code}`, `{seconds}`, `{minutes}`.
    pub device: Option<String>,
    /// While somebody is waited for: `{left}`, `{minutes}`.
    pub waiting: Option<String>,
    /// No browser could be opened: `{url}`, `{code}`.
    pub no_browser: Option<String>,
    /// Signed in: `{account}`, `{email}`, `{name}`, `{server}`, `{kept}`.
    pub signed_in: Option<String>,
    /// Somebody who was signed in already still is; as `signed_in`.
    pub refreshed: Option<String>,
    /// A token that was handed over is kept; as `signed_in`.
    pub token_kept: Option<String>,
    /// `{kept}`, in a file: `{path}`.
    pub kept_in_file: Option<String>,
    /// `{kept}`, in or sealed with the keyring: `{path}`.
    pub kept_in_keyring: Option<String>,
    /// Signed out: `{account}`, `{server}`.
    pub signed_out: Option<String>,
    /// Nobody was signed in; as `signed_out` if not given.
    pub nobody_signed_out: Option<String>,
    /// A sign-in that can be used: `{account}`, `{email}`, `{name}`, `{server}`, `{org}`,
    /// `{plan}`, `{project}`, `{ends}`, `{ends_in}`, `{refreshes}`, `{source}`. A line whose facts
    /// are not all known is left out.
    pub status: Option<String>,
    /// Who the server says it is: `{email}`, `{name}`.
    pub whoami: Option<String>,
}

impl Texts {
    /// Each with its key and what may stand in braces in it.
    pub fn all(&self) -> [(&'static str, Option<&str>, &'static [&'static str]); 13] {
        const ACCOUNT: &[&str] = &["account", "email", "name", "server", "kept"];
        const STATUS: &[&str] = &[
            "account",
            "email",
            "name",
            "server",
            "org",
            "plan",
            "project",
            "ends",
            "ends_in",
            "refreshes",
            "source",
        ];
        [
            ("texts.browser", self.browser.as_deref(), &["url"]),
            (
                "texts.device",
                self.device.as_deref(),
                &["uri", "uri_complete", "code", "seconds", "minutes"],
            ),
            ("texts.waiting", self.waiting.as_deref(), &["left", "minutes"]),
            ("texts.no_browser", self.no_browser.as_deref(), &["url", "code"]),
            ("texts.signed_in", self.signed_in.as_deref(), ACCOUNT),
            ("texts.refreshed", self.refreshed.as_deref(), ACCOUNT),
            ("texts.token_kept", self.token_kept.as_deref(), ACCOUNT),
            ("texts.kept_in_file", self.kept_in_file.as_deref(), &["path"]),
            ("texts.kept_in_keyring", self.kept_in_keyring.as_deref(), &["path"]),
            ("texts.signed_out", self.signed_out.as_deref(), &["account", "server"]),
            ("texts.nobody_signed_out", self.nobody_signed_out.as_deref(), &[]),
            ("texts.status", self.status.as_deref(), STATUS),
            ("texts.whoami", self.whoami.as_deref(), &["email", "name"]),
        ]
    }
}
