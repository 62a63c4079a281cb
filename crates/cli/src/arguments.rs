//! The global flags, and what must never stand on a command line.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueEnum, value_parser};
use hallpass_client::StorePolicy;
use hallpass_client::target::Asked;
use hallpass_core::Secret;
use hallpass_core::brand::Brand;

use crate::terminal::ColorWhen;

/// The flags that every command takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globals {
    /// `--server URL`.
    pub server: Option<String>,
    /// `--profile NAME`.
    pub profile: Option<String>,
    /// `--store WHERE`.
    pub store: Option<StorePolicy>,
    /// `--ca-bundle FILE`.
    pub ca_bundle: Option<PathBuf>,
    /// `--org ORG`.
    pub org: Option<String>,
    /// `--project PROJECT`.
    pub project: Option<String>,
    /// What the brand's flag for a token says.
    pub token: Option<Secret>,
    /// What the brand's flag for another file says.
    pub file: Option<PathBuf>,
    /// `--json`.
    pub json: bool,
    /// `-v`.
    pub verbose: bool,
    /// `--color WHEN`.
    pub color: ColorWhen,
}

/// Adds the global flags to the root of a tree.
pub fn add_globals(root: Command, brand: &Brand) -> Command {
    let server = format!(
        "The server to talk to, if not that of the profile [or ${}; default: {}]",
        brand.variable("SERVER"),
        brand.default_server
    );
    let profile = format!("The account to use [or ${}]", brand.variable("PROFILE"));
    // A tool that takes the keyring alone offers nothing else.
    let places = match brand.vault.refresh_in_keyring {
        true => "with the keyring, or none [keyring, none",
        false => "with the keyring, in a file, or none [auto, keyring, file, none",
    };
    let store = format!("Keep sign-ins {places}; or ${}]", brand.variable("STORE"));
    let project = format!("The project in it, or ORG/PROJECT [or ${}]", brand.variable("PROJECT"));
    let root = root.next_help_heading("Everywhere");
    let root = match &brand.sources.flag {
        Some(flag) => root.arg(
            Arg::new("given-token")
                .long(flag.clone())
                .value_name("TOKEN")
                .global(true)
                .help(format!("Sign this command in; better set ${}", brand.variable("TOKEN"))),
        ),
        None => root,
    };
    let root = match &brand.vault.file_flag {
        Some(flag) => root.arg(
            Arg::new("kept-file")
                .long(flag.clone())
                .value_name("PATH")
                .global(true)
                .value_parser(value_parser!(PathBuf))
                .help("Keep the sign-in in this file"),
        ),
        None => root,
    };
    root.args([
        Arg::new("server").long("server").value_name("URL").global(true).help(server),
        Arg::new("profile").long("profile").value_name("NAME").global(true).help(profile),
        Arg::new("store")
            .long("store")
            .value_name("WHERE")
            .global(true)
            .value_parser(PossibleValuesParser::new(StorePolicy::NAMES))
            .hide_possible_values(true)
            .help(store),
        Arg::new("ca-bundle")
            .long("ca-bundle")
            .value_name("FILE")
            .global(true)
            .value_parser(value_parser!(PathBuf))
            .help("Trust the certificates in this PEM file instead of the system's"),
        Arg::new("org")
            .long("org")
            .value_name("ORG")
            .global(true)
            .help(format!("The organization it is about [or ${}]", brand.variable("ORG"))),
        Arg::new("project")
            .long("project")
            .value_name(brand.words.worded("PROJECT"))
            .global(true)
            .help(brand.words.worded(&project)),
        Arg::new("json")
            .long("json")
            .global(true)
            .action(ArgAction::SetTrue)
            .help("Answer in JSON, for programs"),
        Arg::new("verbose")
            .short('v')
            .long("verbose")
            .global(true)
            .action(ArgAction::SetTrue)
            .help("Say why things are done the way they are"),
        Arg::new("color")
            .long("color")
            .value_name("WHEN")
            .global(true)
            .value_parser(value_parser!(ColorWhen))
            .hide_possible_values(true)
            .help("auto, always or never"),
    ])
}

impl Globals {
    /// Reads them, wherever on the command line they stood.
    pub fn read(matches: &ArgMatches) -> Self {
        let text = |name| matches.get_one::<String>(name).cloned();
        Self {
            server: text("server"),
            profile: text("profile"),
            store: text("store").and_then(|store| store.parse().ok()),
            ca_bundle: matches.get_one::<PathBuf>("ca-bundle").cloned(),
            org: text("org"),
            project: text("project"),
            token: matches
                .try_get_one::<String>("given-token")
                .ok()
                .flatten()
                .filter(|token| !token.is_empty())
                .map(|token| Secret::new(token.as_str())),
            file: matches.try_get_one::<PathBuf>("kept-file").ok().flatten().cloned(),
            json: matches.get_flag("json"),
            verbose: matches.get_flag("verbose"),
            color: matches.get_one::<ColorWhen>("color").copied().unwrap_or_default(),
        }
    }
}

impl From<&Globals> for Asked {
    fn from(globals: &Globals) -> Self {
        Self { org: globals.org.clone(), project: globals.project.clone() }
    }
}

/// `--color` on a command line that clap did not get to the end of.
pub fn color_of(arguments: &[String]) -> ColorWhen {
    let value = arguments.iter().enumerate().find_map(|(n, argument)| {
        let rest = argument.strip_prefix("--color")?;
        rest.strip_prefix('=').or_else(|| arguments.get(n + 1).map(String::as_str))
    });
    value.and_then(|value| ColorWhen::from_str(value, false).ok()).unwrap_or_default()
}

/// Whether clap did not understand `--token`.
///
/// A secret on a command line is in the process list and in the shell's history before
/// we can see it, so there is no such flag. Not even a hidden one: completions would
/// offer it. Whoever tries it is told what to do instead.
pub fn is_token_in_argv(error: &clap::Error) -> bool {
    let argument = error.get(ContextKind::InvalidArg);
    error.kind() == ErrorKind::UnknownArgument
        && matches!(argument, Some(ContextValue::String(name)) if name == "--token")
}

/// `message` without the command-line arguments that look like credentials.
///
/// A usage error quotes what it did not understand; that must not put a misplaced
/// token into a log.
pub fn without_secrets(message: &str, arguments: &[String]) -> String {
    let mut message = message.to_owned();
    for argument in arguments {
        let value = argument.split_once('=').map_or(argument.as_str(), |(_, value)| value);
        if looks_secret(value) {
            message = message.replace(value, "(not shown)");
        }
    }
    message
}

/// Whether `text` could be a credential: 20 characters and more of base62, base64url
/// and dots, and no word, path or address.
pub fn looks_secret(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.~+/=".contains(&b);
    let digits = text.bytes().any(|b| b.is_ascii_digit());
    let id = ["ses_", "grt_", "usr_", "tok_", "org_", "prj_"]
        .iter()
        .any(|prefix| text.starts_with(prefix));
    text.len() >= 20 && text.bytes().all(plain) && digits && !id && !text.starts_with(['/', '-'])
}

#[cfg(test)]
mod tests {
    use hallpass_core::token::{Kind, TokenText};

    use super::*;

    struct Counting;
    impl hallpass_core::Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            (1u8..).zip(bytes).for_each(|(n, byte)| *byte = n);
        }
    }

    // proves: client-H1
    #[test]
    fn a_misplaced_token_is_not_quoted() {
        let token = TokenText::mint(Kind::Personal, &Counting);
        for argument in [token.expose().to_owned(), format!("--tokn={}", token.expose())] {
            let message = format!("unexpected argument '{argument}' found");
            let shown = without_secrets(&message, &[argument]);
            assert!(!shown.contains(token.expose()), "{shown}");
        }
    }

    #[test]
    fn the_wish_for_colour_is_heard_in_help_too() {
        let color = |line: &str| color_of(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(color("--color never --help"), ColorWhen::Never);
        assert_eq!(color("login --color=always --help"), ColorWhen::Always);
        assert_eq!(color("login --help"), ColorWhen::Auto);
        assert_eq!(color("--help --color"), ColorWhen::Auto);
    }

    #[test]
    fn addresses_ids_and_words_are_quoted() {
        for text in [
            "https://id.example.com:8470",
            "session",
            "ses_01JD2XW6S7Y8Z9ABCDEFGHJKMN",
            "/home/ada/.config/hallpass/token1",
        ] {
            assert!(!looks_secret(text), "{text}");
        }
    }
}
