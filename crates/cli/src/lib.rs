//! How a person asks for a token: one file per command; mounts into any clap tree. A tool of
//! your own is best served by [`embed`]; this is what lies below it.
//!
//! ```no_run
//! use hallpass_core::brand::Brand;
//!
//! let brand = Brand::hallpass();
//! let tree = || hallpass_cli::mount(clap::Command::new("yourtool"), &brand);
//! let process = hallpass_cli::system::Process {
//!     brand: &brand,
//!     program: "yourtool",
//!     tree: &tree,
//! };
//! let exit = process.parse().map_or_else(|exit| exit, |matches| process.run(&matches));
//! std::process::exit(exit.code().into());
//! ```
//!
//! Nothing in here reads the process by itself but [`system`]: a command gets a
//! [`Context`] and the streams ([`Io`]), and gives back an [`Exit`].
//!
//! | module | what |
//! |---|---|
//! | [`commands`] | one file per command: its part of the tree, options, run, and the texts |
//! | [`arguments`] | global flags; what must not be on a command line |
//! | [`context`] | what a command needs from outside |
//! | [`embed`] | our commands in somebody else's tool |
//! | [`exit`] | exit codes |
//! | [`failure`] | what happened, what was kept, one next command |
//! | [`output`] | prose to the terminal, data to standard output |
//! | [`terminal`] | width, letters, colours, or none of them |
//! | [`layout`], [`paint`], [`qr`], [`words`] | how text looks |
//! | [`system`] | the real process |
//! | [`tool`] | a whole tool from its brand file |
//! | `tree` | where each command sits |
//! | `own` | what a brand says in its own words |
//! | `refusal` | a client's error as a failure |
//! | `testing` | surroundings for tests |
//!
//! To add a command: a file in `commands/` with `command()` and `run()`, and one line
//! each in [`commands::of`] and [`commands::dispatch`].

pub mod arguments;
pub mod commands;
pub mod context;
pub mod embed;
pub mod exit;
pub mod failure;
pub mod layout;
pub mod output;
mod own;
pub mod paint;
pub mod qr;
mod refusal;
pub mod system;
pub mod terminal;
#[cfg(test)]
mod testing;
pub mod tool;
mod tree;
pub mod words;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgMatches, Command};
use hallpass_core::brand::Brand;

pub use context::{Context, Input, Io};
pub use exit::Exit;
pub use failure::Failure;
pub use output::Output;
pub use tree::{contradiction, has_command};

use arguments::Globals;
use terminal::Terminal;

/// Our command tree under the brand's own name.
pub fn command(brand: &Brand) -> Command {
    mount(root(brand), brand)
}

/// The same tree with only the command at the root that is called `name`, if there is one:
/// to parse a line that begins with it. A tree of everything costs more than all else that
/// a quick command does.
pub fn command_alone(brand: &Brand, name: &str) -> Option<Command> {
    tree::one(brand, name).map(|command| with_globals(root(brand), brand).subcommand(command))
}

fn root(brand: &Brand) -> Command {
    let usual = || format!("Sign in to {}, and stay signed in", brand.title);
    Command::new(brand.name.clone())
        .about(brand.about.clone().unwrap_or_else(usual))
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
}

/// Adds our commands and global flags to `parent`: the root of a tool's own tree, or
/// one of its commands (`yourtool auth`).
pub fn mount(parent: Command, brand: &Brand) -> Command {
    with_globals(parent, brand).subcommands(tree::all(brand))
}

fn with_globals(parent: Command, brand: &Brand) -> Command {
    arguments::add_globals(parent, brand).styles(styles()).disable_help_subcommand(true)
}

/// What help looks like.
fn styles() -> Styles {
    Styles::styled()
        .header(AnsiColor::Green.on_default().bold())
        .usage(AnsiColor::Green.on_default().bold())
        .literal(AnsiColor::Cyan.on_default())
        .placeholder(AnsiColor::Cyan.on_default())
}

/// Runs the command that `matches`, of the [`Command`] that [`mount`] was called on, names.
pub fn run(cx: &Context<'_>, io: Io<'_>, matches: &ArgMatches) -> Exit {
    let globals = Globals::read(matches);
    let terminal = Terminal::read(io.streams, globals.color, cx.environment);
    let mut out = Output::new(terminal, cx.program, io.stdout, io.stderr);
    out.json = globals.json;
    out.verbose = globals.verbose;
    out.brand = Some(cx.brand);
    if globals.token.is_some() {
        out.warning(&own::seen_in_argv(cx));
    }
    match commands::dispatch(cx, &mut out, io.stdin, &globals, matches) {
        Ok(exit) => out.exit_of("", exit),
        Err(failure) => out.failure(&failure),
    }
}

/// Tells a command line that clap refused, or the help or version that it was asked for.
pub fn usage(cx: &Context<'_>, io: Io<'_>, error: &clap::Error, arguments: &[String]) -> Exit {
    let color = arguments::color_of(arguments);
    let terminal = Terminal::read(io.streams, color, cx.environment);
    if arguments::is_token_in_argv(error) {
        let mut out = Output::new(terminal, cx.program, io.stdout, io.stderr);
        out.json = arguments.iter().any(|argument| argument == "--json");
        return out.failure(&commands::login::token::refused_in_argv(cx));
    }
    let text = error.render();
    let (colour, stream) = if error.use_stderr() {
        (terminal.colour_err, io.stderr)
    } else {
        (terminal.colour_out, io.stdout)
    };
    let text = if colour { text.ansi().to_string() } else { text.to_string() };
    // Help goes to `| less`, which may be closed before it was read.
    let _ = stream.write_all(arguments::without_secrets(&text, arguments).as_bytes());
    if error.use_stderr() { Exit::Usage } else { Exit::Usable }
}

/// What docs/embed.md shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embed.md")]
struct Embedding;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    #[test]
    fn the_tree_is_sound() {
        command(&Brand::hallpass()).debug_assert();
        mount(Command::new("yourtool"), &Brand::hallpass()).debug_assert();
    }

    #[test]
    fn help_goes_to_standard_output_and_teaches_every_command() {
        let done = Town::new().run("hallpass --help");
        assert_eq!((done.exit, done.stderr.as_str()), (Exit::Usable, ""));
        insta::assert_snapshot!(done.stdout, @"
        Sign in to hallpass, and stay signed in

        Usage: hallpass [OPTIONS] <COMMAND>

        Commands:
          login        Sign in: in a browser here, or with a code in a browser anywhere
          status       Say whether you are signed in, as whom, and how
          whoami       Ask the server who you are signed in as
          logout       Revoke the sign-in at the server, and remove it here
          profile      See, choose and remove the accounts that are signed in here
          session      See and end where you are signed in
          token        Make, list and end tokens for scripts, CI and servers
          key          Make, list and end keys of projects and organizations
          trust        Let CI jobs in without a secret, and see why others were not
          org          Organizations: see, make, rename, hand over, archive
          project      Projects: see, make, rename, move, archive
          member       People and their roles: see, invite, change, remove
          agent        Run programs as agents, with a small pass of their own
          api          Call the server's API as yourself
          exec         Run a program with a token that is good now
          credential   Answer git, cargo, docker, kubectl and others in their own
                       protocols
          context      Show and choose the organization and project that commands are
                       about
          doctor       Look at everything that decides here: store, server, clock,
                       variables
          completions  Print a shell's completions for this command
          man          Write manual pages into a directory
          serve        Run the server

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Everywhere:
              --server <URL>       The server to talk to, if not that of the profile [or
                                   $HALLPASS_SERVER; default: http://localhost:8470]
              --profile <NAME>     The account to use [or $HALLPASS_PROFILE]
              --store <WHERE>      Keep sign-ins with the keyring, in a file, or none
                                   [auto, keyring, file, none; or $HALLPASS_STORE]
              --ca-bundle <FILE>   Trust the certificates in this PEM file instead of
                                   the system's
              --org <ORG>          The organization it is about [or $HALLPASS_ORG]
              --project <PROJECT>  The project in it, or ORG/PROJECT [or
                                   $HALLPASS_PROJECT]
              --json               Answer in JSON, for programs
          -v, --verbose            Say why things are done the way they are
              --color <WHEN>       auto, always or never
        ");
    }

    #[test]
    fn the_help_of_login_shows_every_way_and_no_secret_one() {
        let done = Town::new().run("hallpass login --help");
        assert!(!done.stdout.contains("--token "), "{}", done.stdout);
        insta::assert_snapshot!(done.stdout, @"
        Sign in: in a browser here, or with a code in a browser anywhere

        Usage: hallpass login [OPTIONS] [URL]

        Arguments:
          [URL]  The server to sign in to [default: http://localhost:8470]

        Options:
              --web                   Use a browser on this machine
              --device                Show a code to enter in a browser on any device
              --with-token            Store a token that standard input or a hidden
                                      prompt gives
              --token-file <FILE>     Store the token that is in a file
              --oidc                  As the CI job that this is, with what its platform
                                      gives it
              --client-id <ID>        Sign in as this client, at any OpenID provider
              --issuer <URL>          The OpenID provider, if it is not the server
              --no-browser            Open nothing; only show the address
              --timeout <SECONDS>     Wait no longer than this
              --callback-port <PORT>  Where the browser comes back to, if a firewall
                                      wants to know
              --qr                    Show the address as a QR code too; implies
                                      --device
              --no-wait               Show the code and leave; --resume goes on. Implies
                                      --device
              --resume [<HANDLE>]     Go on with what --no-wait began
              --replace-account       Let the profile change hands if somebody else
                                      signs in
          -h, --help                  Print help

        Everywhere:
              --server <URL>       The server to talk to, if not that of the profile [or
                                   $HALLPASS_SERVER; default: http://localhost:8470]
              --profile <NAME>     The account to use [or $HALLPASS_PROFILE]
              --store <WHERE>      Keep sign-ins with the keyring, in a file, or none
                                   [auto, keyring, file, none; or $HALLPASS_STORE]
              --ca-bundle <FILE>   Trust the certificates in this PEM file instead of
                                   the system's
              --org <ORG>          The organization it is about [or $HALLPASS_ORG]
              --project <PROJECT>  The project in it, or ORG/PROJECT [or
                                   $HALLPASS_PROJECT]
              --json               Answer in JSON, for programs
          -v, --verbose            Say why things are done the way they are
              --color <WHEN>       auto, always or never

        Without --web or --device, what fits is chosen: a browser on a desktop, a code
        over
        SSH, in containers and where there is no display. In CI, use --oidc: there is no
        secret to keep. In other scripts, set HALLPASS_TOKEN instead of signing in.
        ");
    }

    #[test]
    fn the_version_that_is_said_early_is_the_one_that_the_tree_says() {
        let said = format!("hallpass {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(command(&Brand::hallpass()).render_version(), said);
    }

    // proves: client-H1
    #[test]
    fn a_usage_error_is_two_and_repeats_no_token() {
        let token = "hp_user_0123456789abcdefghijklmnopqrst123456";
        for line in [
            format!("hallpass token print {token}"),
            format!("hallpass status --tokn={token}"),
            format!("hallpass {token}"),
        ] {
            let done = Town::new().run(&line);
            assert_eq!((done.exit, done.stdout.as_str()), (Exit::Usage, ""), "{line}");
            assert!(!done.stderr.contains(token), "{}", done.stderr);
        }
    }

    // proves: client-D10
    #[test]
    fn a_corrupt_store_stops_only_what_needs_it() {
        let town = Town::new();
        let dir = town.home().join(".config/hallpass");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("credentials.json"), "{").unwrap();
        for line in ["--version", "--help", "completions bash", "login --help"] {
            let done = town.run(&format!("hallpass {line}"));
            assert_eq!(done.exit, Exit::Usable, "{line}: {done:?}");
        }
        for line in ["status", "token print", "whoami"] {
            let done = town.run(&format!("hallpass {line}"));
            assert_eq!(done.exit, Exit::StoreUnavailable, "{line}: {done:?}");
            assert!(done.stderr.contains("credentials.json"), "{line}: {done:?}");
            assert!(done.stdout.is_empty(), "{line}: {done:?}");
        }
    }

    // proves: client-D10, client-L3
    #[cfg(unix)]
    #[test]
    fn what_is_wrong_with_the_store_is_named_kept_and_has_one_next_command() {
        use std::fs;
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        use std::path::Path;
        let write = |text: &'static str| move |file: &Path| fs::write(file, text).unwrap();
        let chmod = |mode| {
            move |file: &Path| {
                fs::write(file, r#"{"schema_version":1}"#).unwrap();
                let dir = file.parent().unwrap();
                fs::set_permissions(dir, fs::Permissions::from_mode(mode)).unwrap();
            }
        };
        type Spoil<'a> = Box<dyn Fn(&Path) + 'a>;
        // What is wrong, what it is called, what to do, and whether signing out gets over it.
        let cases: [(Spoil<'_>, &str, &str, bool); 9] = [
            (Box::new(write("{")), "corrupted", "hallpass login", true),
            (Box::new(write("")), "corrupted", "hallpass login", true),
            (Box::new(write("[1]")), "corrupted", "hallpass login", true),
            (Box::new(write(r#"{"token":"x"}"#)), "corrupted", "hallpass login", true),
            (
                Box::new(write(r#"{"schema_version":9,"x":1}"#)),
                "newer version",
                "hallpass login",
                true,
            ),
            (
                Box::new(write(
                    r#"{"schema_version":2,"sealed":{"by":"sign-ins-0","nonce":"AAAA","text":"AAAA"}}"#,
                )),
                "keyring",
                "hallpass login --store file",
                false,
            ),
            (
                Box::new(|file| fs::create_dir(file).unwrap()),
                "not a plain file",
                "hallpass login",
                true,
            ),
            (
                Box::new(|file| {
                    let dir = file.parent().unwrap();
                    symlink(dir.join("there"), dir.join("here")).unwrap();
                    symlink(dir.join("here"), file).unwrap();
                }),
                "a link to a link",
                "hallpass login",
                true,
            ),
            (Box::new(chmod(0o777)), "changed by other users", "chmod 700", false),
        ];
        for (spoil, says, next, got_over) in cases {
            let town = Town::new().without_a_store();
            let dir = town.home().join(".config/hallpass");
            fs::create_dir_all(&dir).unwrap();
            let file = dir.join("credentials.json");
            spoil(&file);
            let before = fs::read(&file).ok();
            for line in ["status", "token print", "whoami"] {
                let done = town.run(&format!("hallpass {line}"));
                assert_eq!(done.exit, Exit::StoreUnavailable, "{says}, {line}: {done:?}");
                assert!(done.stdout.is_empty(), "{says}, {line}: {done:?}");
                let text = done.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(text.contains(says), "{says}, {line}: {done:?}");
                assert_eq!(text.matches("Next: ").count(), 1, "{says}, {line}: {done:?}");
                if line == "status" {
                    assert!(text.contains(&format!("Next: {next}")), "{says}: {done:?}");
                }
            }
            assert_eq!(fs::read(&file).ok(), before, "{says}");
            for line in ["--version", "--help", "completions bash", "login --help", "logout --help"]
            {
                let done = town.run(&format!("hallpass {line}"));
                assert_eq!(done.exit, Exit::Usable, "{says}, {line}: {done:?}");
            }
            let done = town.run("hallpass logout");
            let expected = if got_over { Exit::Usable } else { Exit::StoreUnavailable };
            assert_eq!(done.exit, expected, "{says}: {done:?}");
            // It is kept, byte for byte.
            let aside = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
            let mut kept = aside.filter_map(|path| fs::read(path).ok());
            assert!(before.is_none() || kept.any(|bytes| Some(bytes) == before), "{says}");
        }
        // Readable by the group is told and goes on.
        let town = Town::new();
        let dir = town.home().join(".config/hallpass");
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
        let file = dir.join("credentials.json");
        fs::write(&file, r#"{"schema_version":1,"profiles":{}}"#).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(town.run("hallpass status").exit, Exit::NotSignedIn);
    }

    // proves: client-A9
    #[test]
    fn no_command_but_login_signs_in() {
        for line in [
            "whoami",
            "token print",
            "token create ci",
            "token list",
            "token revoke ci",
            "session list",
            "api GET /api/v1/whoami",
            "status",
        ] {
            let done = Town::new().run(&format!("hallpass {line}"));
            assert_eq!((done.exit, done.stdout.as_str()), (Exit::NotSignedIn, ""), "{line}");
            let next = "Next: hallpass login http://localhost:8470\n";
            assert!(done.stderr.ends_with(next), "{line}: {}", done.stderr);
        }
    }

    // proves: client-A7, client-A8
    #[test]
    fn login_is_refused_where_nobody_is() {
        let towns = [
            Town::new().piped(),
            Town::new().var("CI", "true"),
            Town::new().var("HALLPASS_NONINTERACTIVE", "1"),
        ];
        for town in towns {
            let done = town.run("hallpass login");
            assert_eq!((done.exit, done.stdout.as_str()), (Exit::Usage, ""));
            for way in ["HALLPASS_TOKEN", "--device", "--with-token"] {
                assert!(done.stderr.contains(way), "{}", done.stderr);
            }
        }
    }

    // proves: client-K2
    #[test]
    fn signing_out_twice_is_no_failure() {
        let done = Town::new().run("hallpass logout");
        assert_eq!((done.exit, done.stderr.as_str()), (Exit::Usable, "Nobody was signed in.\n"));
    }

    // proves: client-G3, client-G4
    #[test]
    fn status_for_programs_is_one_object_with_the_same_exit_code() {
        let done = Town::new().piped().run("hallpass status --json");
        assert_eq!((done.exit, done.stderr.as_str()), (Exit::NotSignedIn, ""));
        let json: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(json["state"], "not_signed_in");

        let done = Town::new().var("HALLPASS_TOKEN", "token-x").run("hallpass status");
        assert_eq!((done.exit, done.stderr.as_str()), (Exit::Usable, ""), "{done:?}");
        assert!(!done.stdout.contains("token-x"), "{}", done.stdout);
    }

    // proves: client-F3, client-H6
    #[test]
    fn token_print_writes_the_token_that_status_speaks_of() {
        let town = Town::new().var("HALLPASS_TOKEN", "token-x");
        let done = town.run("hallpass -v token print");
        assert_eq!((done.exit, done.stdout.as_str()), (Exit::Usable, "token-x\n"), "{done:?}");
        let status = town.run("hallpass status --json");
        assert!(status.stdout.contains(r#""source":{"kind":"variable","name":"HALLPASS_TOKEN"}"#));

        let done = town.run("hallpass token print --no-env");
        assert_eq!((done.exit, done.stdout.as_str()), (Exit::NotSignedIn, ""));
        let done = town.run("hallpass token print --json");
        assert_eq!((done.exit, done.stdout.as_str()), (Exit::Usage, ""));
    }
}
