//! The command line of `login`, understood.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use hallpass_client::{LoginOptions, Selection, StorePolicy, Wish};
use hallpass_core::Secret;
use hallpass_core::brand::{Argument, Brand, Way};

use super::token::From;
use crate::arguments::{Globals, looks_secret};
use crate::{Context, Failure};

/// The longest wait that may be asked for: a day.
pub(super) const LONGEST_WAIT: u64 = 86_400;

/// The command's part of the tree.
pub fn command(brand: &Brand) -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let command = Command::new("login").args(argument(brand)).args(token_argument(brand));
    let [browser, code] = [Way::Browser, Way::Device].map(|way| brand.login.allows(way));
    let (about, chosen) = match (browser, code) {
        (true, true) => (
            "Sign in: in a browser here, or with a code in a browser anywhere",
            "Without --web or --device, what fits is chosen: a browser on a desktop, a code over\n\
             SSH, in containers and where there is no display. ",
        ),
        (true, false) => ("Sign in, in a browser here", ""),
        (false, _) => ("Sign in with a code, in a browser anywhere", ""),
    };
    let opens = browser || brand.login.opens_page;
    let chosen = if brand.login.flows.is_empty() { chosen } else { "" };
    command
        .about(about)
        .after_help(format!(
            "{chosen}In CI, use --oidc: there is no\n\
             secret to keep. In other scripts, set {} instead of signing in.",
            brand.variable("TOKEN")
        ))
        .arg(
            flag("web")
                .conflicts_with_all([
                    "device",
                    "with-token",
                    "token-file",
                    "no-wait",
                    "resume",
                    "qr",
                ])
                .help("Use a browser on this machine"),
        )
        .arg(
            flag("device")
                .conflicts_with_all(["with-token", "token-file", "resume"])
                .help("Show a code to enter in a browser on any device"),
        )
        .arg(
            flag("with-token")
                .conflicts_with_all(["token-file", "no-wait", "resume"])
                .help("Store a token that standard input or a hidden prompt gives"),
        )
        .arg(
            Arg::new("token-file")
                .long("token-file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with_all(["no-wait", "resume"])
                .help("Store the token that is in a file"),
        )
        .arg(
            flag("oidc")
                .conflicts_with_all([
                    "web",
                    "device",
                    "with-token",
                    "token-file",
                    "no-wait",
                    "resume",
                    "qr",
                    "issuer",
                    "client-id",
                    "no-browser",
                    "timeout",
                    "callback-port",
                    "replace-account",
                ])
                .help("As the CI job that this is, with what its platform gives it"),
        )
        .arg(
            Arg::new("client-id")
                .long("client-id")
                .value_name("ID")
                .help("Sign in as this client, at any OpenID provider"),
        )
        .arg(
            Arg::new("issuer")
                .long("issuer")
                .value_name("URL")
                .help("The OpenID provider, if it is not the server"),
        )
        .arg(flag("no-browser").help("Open nothing; only show the address"))
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECONDS")
                .value_parser(value_parser!(u64).range(1..=LONGEST_WAIT))
                .help("Wait no longer than this"),
        )
        .arg(
            Arg::new("callback-port")
                .long("callback-port")
                .value_name("PORT")
                .value_parser(value_parser!(u16).range(1..))
                .help("Where the browser comes back to, if a firewall wants to know"),
        )
        .arg(
            flag("qr")
                .overrides_with("no-qr")
                .conflicts_with_all(["with-token", "token-file"])
                .help("Show the address as a QR code too; implies --device"),
        )
        .arg(flag("no-qr").overrides_with("qr").hide(true))
        .arg(
            flag("no-wait")
                .conflicts_with("resume")
                .help("Show the code and leave; --resume goes on. Implies --device"),
        )
        .arg(
            Arg::new("resume")
                .long("resume")
                .value_name("HANDLE")
                .num_args(0..=1)
                .default_missing_value("")
                .hide_default_value(true)
                .help("Go on with what --no-wait began"),
        )
        // What it is called elsewhere.
        .arg(flag("insecure-storage").conflicts_with("store").hide(true))
        .arg(flag("replace-account").help("Let the profile change hands if somebody else signs in"))
        .mut_args(move |argument| {
            let hidden = match argument.get_id().as_str() {
                "web" | "callback-port" => !browser,
                "no-browser" => !opens,
                "device" | "qr" | "no-wait" | "resume" => !code,
                _ => argument.is_hide_set(),
            };
            argument.hide(hidden)
        })
}

/// What `login` takes without a flag.
fn argument(brand: &Brand) -> Option<Arg> {
    match brand.login.argument {
        Argument::Server => Some(
            Arg::new("url")
                .value_name("URL")
                .help(format!("The server to sign in to [default: {}]", brand.default_server)),
        ),
        Argument::Project => {
            let word = &brand.words.project;
            Some(
                Arg::new("older-project")
                    .value_name(word.to_ascii_uppercase())
                    .help(format!("Keep an older token that is good for one {word} only")),
            )
        }
        Argument::None => None,
    }
}

/// `--token`, for a tool whose documentation says so.
fn token_argument(brand: &Brand) -> Option<Arg> {
    let token = Arg::new("token")
        .long("token")
        .value_name("TOKEN")
        .conflicts_with_all(["with-token", "token-file", "web", "device", "no-wait", "resume"])
        .help("Store this token; - reads standard input, which nobody else can see");
    brand.login.token_argument.then_some(token)
}

/// The project of an older system that was named.
pub(super) fn project(matches: &ArgMatches) -> Option<&String> {
    matches.try_get_one::<String>("older-project").ok().flatten()
}

/// The token that is there already, and where from.
pub(super) fn token(matches: &ArgMatches) -> Option<From> {
    let given = matches.try_get_one::<String>("token").ok().flatten();
    match (given.map(String::as_str), matches.get_one::<PathBuf>("token-file")) {
        (Some("-"), _) => Some(From::Stdin),
        (Some(given), _) => Some(From::Given(Secret::new(given))),
        (None, Some(file)) => Some(From::File(file.clone())),
        (None, None) => matches.get_flag("with-token").then_some(From::Stdin),
    }
}

/// How to sign in.
#[derive(Debug)]
pub enum How {
    /// A flow, and wait for it.
    Wait,
    /// Begin a device sign-in and leave.
    Begin,
    /// Go on with the one that this handle names, or with the only one.
    Resume(Option<String>),
    /// A token that is there already.
    Token(From),
    /// The identity of the job that this is.
    Job,
}

/// What was asked for.
#[derive(Debug)]
pub struct Options {
    /// How to sign in.
    pub how: How,
    /// Which server and profile.
    pub selection: Selection,
    /// The flow's own options.
    pub login: LoginOptions,
    /// Draw a QR code.
    pub qr: bool,
    /// The command to type again.
    pub retry: String,
}

impl Options {
    /// Reads them.
    ///
    /// # Errors
    /// [`Exit::Usage`](crate::Exit::Usage) if they contradict each other, or if the address
    /// looks like a secret.
    pub fn read(
        cx: &Context<'_>,
        globals: &Globals,
        matches: &ArgMatches,
        stdin_is_terminal: bool,
    ) -> Result<Self, Failure> {
        let flag = |name| matches.get_flag(name);
        let text = |name| matches.try_get_one::<String>(name).ok().flatten();
        let provider = Provider::read(text("url"), text("issuer"), text("client-id"));
        let named = provider.server.as_ref().or(text("url"));
        let server = server(cx, globals, named)?;
        let device = flag("device") || flag("qr") || flag("no-wait");
        for (asked, way, told) in [
            (flag("web"), Way::Browser, "only a code signs in here, so there is no --web"),
            (device, Way::Device, "only a browser here signs in, so there is no code"),
        ] {
            if asked && !cx.brand.login.allows(way) {
                let help = format!("{} login --help", cx.program);
                return Err(Failure::usage(told, help));
            }
        }
        let wish = match (flag("web"), device) {
            (true, _) => Wish::Web,
            (_, true) => Wish::Device,
            _ => match cx.brand.login.flows[..] {
                [Way::Device, ..] => Wish::Device,
                [Way::Browser] => Wish::Web,
                _ => Wish::Auto,
            },
        };
        let how = if flag("oidc") {
            How::Job
        } else if let Some(from) = token(matches) {
            How::Token(from)
        } else if flag("no-wait") {
            How::Begin
        } else if let Some(handle) = matches.get_one::<String>("resume") {
            How::Resume(Some(handle.clone()).filter(|handle| !handle.is_empty()))
        } else {
            How::Wait
        };
        let shown = text("url").cloned().or_else(|| server.clone());
        // What the brand chooses need not be typed.
        let typed = if flag("web") || device { wish } else { Wish::Auto };
        let mut retry = retry(cx, globals, shown.as_deref(), typed, &how);
        for name in ["issuer", "client-id"] {
            if let Some(value) = text(name) {
                retry.push_str(&format!(" --{name} {value}"));
            }
        }
        let login = LoginOptions {
            wish,
            usual: !flag("web") && !device,
            no_browser: flag("no-browser"),
            timeout: matches.get_one::<u64>("timeout").map(|secs| Duration::from_secs(*secs)),
            callback_port: matches.get_one::<u16>("callback-port").copied(),
            scope: None,
            stdin_is_terminal,
            command: cx.brand.spelt(cx.program, &retry),
            replace_account: flag("replace-account"),
            issuer: provider.issuer,
            client_id: text("client-id").cloned(),
        };
        let selection = Selection {
            token: None,
            profile: globals.profile.clone(),
            server,
            ignore_variables: false,
            store: globals.store.or(flag("insecure-storage").then_some(StorePolicy::File)),
            ca_bundle: globals.ca_bundle.clone(),
            file: globals.file.clone(),
        };
        Ok(Self { how, selection, login, qr: flag("qr"), retry })
    }
}

/// A provider that somebody named.
#[derive(Debug, Default)]
struct Provider {
    issuer: Option<String>,
    /// Its origin, if no server was named beside it.
    server: Option<String>,
}

impl Provider {
    /// `--issuer`, or with `--client-id` an address with a path: providers live at such, and
    /// servers of ours do not.
    fn read(url: Option<&String>, issuer: Option<&String>, client_id: Option<&String>) -> Self {
        let origin = |text: &str| {
            let url = url::Url::parse(text).ok()?;
            url.has_host().then(|| (url.path() != "/", url.origin().ascii_serialization()))
        };
        let with_path = |url: &&String| origin(url).is_some_and(|(path, _)| path);
        let issuer = issuer.or_else(|| client_id.and(url).filter(with_path));
        let server = match issuer {
            // A server beside it is where calls go.
            Some(issuer) if url.is_none_or(|url| url == issuer) => {
                origin(issuer).map(|(_, origin)| origin)
            }
            _ => None,
        };
        Self { issuer: issuer.cloned(), server }
    }
}

/// The server that was named, once.
fn server(
    cx: &Context<'_>,
    globals: &Globals,
    url: Option<&String>,
) -> Result<Option<String>, Failure> {
    let example = format!("{} login https://id.example.com", cx.program);
    match (url, &globals.server) {
        (Some(url), _) if looks_secret(url) && !url.contains("://") => Err(Failure::usage(
            "login takes a server's address, not a token; a token is read with --with-token or \
             --token-file",
            format!("{} login --with-token", cx.program),
        )),
        (Some(url), Some(other)) if url != other => {
            Err(Failure::usage("two different servers were named", example))
        }
        (Some(url), _) => Ok(Some(url.clone())),
        (None, server) => Ok(server.clone()),
    }
}

/// What to type to try the same again; also what the approving person is shown.
fn retry(
    cx: &Context<'_>,
    globals: &Globals,
    server: Option<&str>,
    wish: Wish,
    how: &How,
) -> String {
    let mut line = format!("{} login", cx.program);
    if let Some(server) = server {
        line.push_str(&format!(" {server}"));
    }
    if let Some(profile) = &globals.profile {
        line.push_str(&format!(" --profile {profile}"));
    }
    if let Some(store) = globals.store {
        line.push_str(&format!(" --store {store}"));
    }
    line.push_str(match (how, wish) {
        (How::Job, _) => " --oidc",
        (How::Token(_), _) => " --with-token",
        (_, Wish::Web) => " --web",
        (_, Wish::Device) => " --device",
        (_, Wish::Auto) => "",
    });
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Exit;
    use crate::testing::Town;

    fn read(line: &str) -> Result<Options, Failure> {
        Town::new().parse(line, |cx, globals, matches| Options::read(cx, globals, matches, true))
    }

    #[test]
    fn the_flow_is_what_was_asked_for() {
        let wish = |line: &str| read(line).unwrap().login.wish;
        assert_eq!(wish("hallpass login"), Wish::Auto);
        assert_eq!(wish("hallpass login --web"), Wish::Web);
        for line in ["--device", "--qr", "--no-wait", "--device --no-wait --qr"] {
            assert_eq!(wish(&format!("hallpass login {line}")), Wish::Device, "{line}");
        }
        assert!(matches!(read("hallpass login --no-wait").unwrap().how, How::Begin));
        assert!(matches!(read("hallpass login --resume").unwrap().how, How::Resume(None)));
        let How::Resume(handle) = read("hallpass login --resume x7").unwrap().how else {
            panic!("--resume resumes");
        };
        assert_eq!(handle.as_deref(), Some("x7"));
        assert!(!read("hallpass login --qr --no-qr").unwrap().qr);
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for line in [
            "--web --device",
            "--web --qr",
            "--with-token --token-file x",
            "--device --with-token",
            "--no-wait --resume",
            "--timeout 0",
            "--timeout soon",
            "--callback-port 0",
            "--callback-port 70000",
            "https://a.example --server https://b.example",
        ] {
            let done = Town::new().run(&format!("hallpass login {line}"));
            assert_eq!(done.exit, Exit::Usage, "{line}: {done:?}");
            assert!(done.stdout.is_empty(), "{line}");
        }
    }

    #[test]
    fn the_server_is_the_address_or_the_flag() {
        let server = |line| read(line).unwrap().selection.server;
        assert_eq!(server("hallpass login"), None);
        assert_eq!(
            server("hallpass login https://a.example").as_deref(),
            Some("https://a.example")
        );
        assert_eq!(
            server("hallpass login --server https://a.example").as_deref(),
            Some("https://a.example")
        );
        assert_eq!(
            server("hallpass --server https://a.example login").as_deref(),
            Some("https://a.example")
        );
    }

    // proves: client-H1
    #[test]
    fn a_token_in_the_place_of_the_address_is_not_repeated() {
        let token = "hp_user_0123456789abcdefghijklmnopqrst123456";
        let done = Town::new().run(&format!("hallpass login {token}"));
        assert_eq!(done.exit, Exit::Usage);
        assert!(!done.stderr.contains(token), "{}", done.stderr);
        assert!(done.stderr.contains("--with-token"), "{}", done.stderr);
    }

    #[test]
    fn what_the_approving_person_is_shown_is_what_was_typed() {
        let typed = |line| read(line).unwrap().login.command;
        assert_eq!(typed("hallpass login --qr"), "hallpass login --device");
        assert_eq!(
            typed("hallpass login https://a.example --profile work"),
            "hallpass login https://a.example --profile work"
        );
    }
}
