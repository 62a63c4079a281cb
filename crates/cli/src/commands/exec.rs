//! `exec -- CMD`: another program, with a token that is good now (CLIENT H8).
//!
//! The program takes our place, so signals and exit code are its own. It gets the token
//! under the names that were asked for, or from a file descriptor, and none of our own
//! long-lived variables. The pass of a job that no later step finds ends with the program, so
//! there we stay, pass signals on, and revoke it at the end.

use std::ffi::OsString;
use std::process;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use hallpass_core::Secret;
use hallpass_core::brand::Brand;

use super::token::print::masked;
use super::{PATIENCE, client, retry, warn};
use crate::arguments::Globals;
use crate::refusal::told;
use crate::{Context, Exit, Failure, Output, system};

/// Our variables that hold a secret for longer than a child should have it.
const LONG_LIVED: [&str; 5] =
    ["TOKEN", "AUTH_TOKEN", "ID_TOKEN", "SERVER_DATABASE_URL", "SERVER_MASTER_KEY_FILE"];

/// The command's part of the tree.
pub fn command(brand: &Brand) -> Command {
    let fd = brand.variable("TOKEN_FD");
    Command::new("exec")
        .about("Run a program with a token that is good now")
        .after_help(
            "The token lives for minutes. A program that runs for longer asks again: with\n\
             `token print`, or as a credential helper.",
        )
        .arg(
            Arg::new("env")
                .long("env")
                .value_name("NAME")
                .action(ArgAction::Append)
                .required_unless_present("fd")
                .help("Give it the token in this variable; may be repeated"),
        )
        .arg(Arg::new("fd").long("fd").action(ArgAction::SetTrue).help(format!(
            "Give it the token on a file descriptor that ${fd} names; it can be read once"
        )))
        .arg(
            Arg::new("command")
                .last(true)
                .required(true)
                .num_args(1..)
                .value_name("CMD")
                .value_parser(value_parser!(OsString))
                .help("The program and its arguments"),
        )
}

/// Becomes the program.
pub fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let names = names(cx, matches)?;
    let refuse = |error| told(&error, cx, &retry(cx, globals, "status --check"));
    let client = client(cx, globals);
    let session = client.within(PATIENCE).session().map_err(refuse)?;
    let token = session.access_token().map_err(refuse)?;
    warn(out, &session.take_warnings());
    if let Some(mask) = masked(&client, &session, &token) {
        out.line(mask.expose());
    }
    let words: Vec<_> = matches.get_many::<OsString>("command").into_iter().flatten().collect();
    let mut command = child(cx, &words, &names, &token);
    let pipe = matches.get_flag("fd").then(|| system::on_a_descriptor(&token)).transpose();
    let pipe = pipe.map_err(|error| cannot(cx, globals, Exit::Other, &error.to_string()))?;
    if let Some(pipe) = &pipe {
        command.env(cx.brand.variable("TOKEN_FD"), pipe.number().to_string());
    }
    drop(token);
    let ran = if session.is_for_this_step() {
        let ran = system::run_beside(&mut command);
        session.take_back();
        ran
    } else {
        system::run_instead(&mut command)
    };
    match ran {
        Ok(code) => Ok(Exit::Child(code)),
        Err(error) => {
            let name = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
            // As shells count: 127 for a program that is not there, 126 for one that is none.
            let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
            let what = format!("{} cannot be run: {error}", out.paint().foreign(&name, 200));
            Err(cannot(cx, globals, Exit::Child(code), &what))
        }
    }
}

fn cannot(cx: &Context<'_>, globals: &Globals, exit: Exit, what: &str) -> Failure {
    Failure::new(exit, "not_run", what, retry(cx, globals, "exec --help"))
        .kept("Nothing was run, and your sign-in is unchanged.")
}

/// The names to give the token under. A variable's name is a name (POSIX §8.1), and the
/// search path is none of them.
fn names<'a>(cx: &Context<'_>, matches: &'a ArgMatches) -> Result<Vec<&'a str>, Failure> {
    let names: Vec<_> =
        matches.get_many::<String>("env").into_iter().flatten().map(String::as_str).collect();
    let plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    match names.iter().find(|name| !plain(name) || **name == "PATH") {
        None => Ok(names),
        Some(_) => Err(Failure::usage(
            "--env takes the name of a variable; the token itself is put into it by us",
            format!("{} exec --env API_TOKEN -- CMD", cx.program),
        )),
    }
}

/// The program, in our surroundings without our own secrets.
fn child(
    cx: &Context<'_>,
    words: &[&OsString],
    names: &[&str],
    token: &Secret,
) -> process::Command {
    let mut words = words.iter();
    let mut command = process::Command::new(words.next().map_or("".as_ref(), |w| w.as_os_str()));
    command.args(words);
    for name in LONG_LIVED {
        command.env_remove(cx.brand.variable(name));
    }
    for name in names {
        command.env(name, token.expose());
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    // proves: client-H8
    #[test]
    fn the_child_gets_what_was_named_and_loses_what_is_ours() {
        let words = [OsString::from("printenv"), OsString::from("-0")];
        Town::new().with(|cx| {
            let token = Secret::new("at-1");
            let child = child(cx, &words.iter().collect::<Vec<_>>(), &["API_TOKEN"], &token);
            assert_eq!(child.get_program(), "printenv");
            assert_eq!(child.get_args().collect::<Vec<_>>(), ["-0"]);
            let changed: Vec<_> = child
                .get_envs()
                .map(|(name, value)| (name.to_str().unwrap(), value.and_then(|v| v.to_str())))
                .collect();
            assert_eq!(
                changed,
                [
                    ("API_TOKEN", Some("at-1")),
                    ("HALLPASS_AUTH_TOKEN", None),
                    ("HALLPASS_ID_TOKEN", None),
                    ("HALLPASS_SERVER_DATABASE_URL", None),
                    ("HALLPASS_SERVER_MASTER_KEY_FILE", None),
                    ("HALLPASS_TOKEN", None),
                ]
            );
        });
    }

    // proves: client-H8
    #[test]
    fn nothing_is_given_that_was_not_asked_for() {
        let town = Town::new().var("HALLPASS_TOKEN", "token-x");
        for line in [
            "exec -- true",
            "exec --env A=b -- true",
            "exec --env 1A -- true",
            "exec --env PATH -- true",
            "exec --env A true",
            "exec --env A",
        ] {
            let done = town.run(&format!("hallpass {line}"));
            assert_eq!((done.exit, done.stdout.as_str()), (Exit::Usage, ""), "{line}: {done:?}");
            assert!(!done.stderr.contains("token-x"), "{done:?}");
        }
        let done = town.run("hallpass exec --env A -- /not/there/at/all");
        assert_eq!(done.exit, Exit::Child(127), "{done:?}");
        let done = Town::new().run("hallpass exec --env A -- true");
        assert_eq!(done.exit, Exit::NotSignedIn, "{done:?}");
    }
}
