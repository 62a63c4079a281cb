//! `credential`: answers other tools in their own protocols (CLIENT group I).
//!
//! Standard output carries the protocol and nothing else. A token that is good is handed
//! over without asking anybody; every answer comes within five seconds. A token goes to the
//! server that it is for, and to the addresses that the person has listed with `--for`.
//!
//! | module | whom |
//! |---|---|
//! | `pick` | whose token, if any, an asker may have |
//! | `ask` | signing in on the way, if that was allowed (`--login`) |
//! | `git` | git's credential helpers |
//! | `cargo` | cargo's credential providers |
//! | `docker` | docker's and podman's credential helpers |
//! | `kubectl` | Kubernetes' exec plugins |
//! | `pip` | pip's, uv's and twine's `keyring` |
//! | `headers` | Bazel's and uv's helpers, pnpm's token helper, `credential_process` |

mod ask;
mod cargo;
mod docker;
mod git;
mod headers;
mod kubectl;
mod pick;
mod pip;

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_core::brand::Brand;

use crate::arguments::Globals;
use crate::tree::Below;
use crate::{Context, Exit, Failure, Input, Output};
use pick::Pick;

/// The command's part of the tree.
pub fn command(brand: &Brand) -> Command {
    Command::new("credential")
        .about("Answer git, cargo, docker, kubectl and others in their own protocols")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("for")
                .long("for")
                .value_name("URL")
                .action(ArgAction::Append)
                .global(true)
                .help("Give the token for this address too, not only for the server"),
        )
        .arg(
            Arg::new("login")
                .long("login")
                .action(ArgAction::SetTrue)
                .global(true)
                .help("Sign in if nobody is, where somebody is there to"),
        )
        .subcommand(git::command(brand))
        .subcommand(cargo::command(brand))
        .subcommand(docker::command())
        .subcommand(kubectl::command())
        .subcommand(headers::npm_command())
        .subcommand(pip::command())
        .subcommand(headers::bazel_command())
        .subcommand(headers::process_command())
}

/// Answers.
pub(crate) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    let Some((who, matches)) = below.verb() else {
        let help = format!("{} credential --help", cx.program);
        return Err(Failure::usage("no command was given", help));
    };
    // A helper's answer is what the protocol says, whatever else was asked for.
    out.json = false;
    let mut pick = Pick::read(cx, globals, matches)?;
    match who {
        "git" => git::run(&mut pick, out, stdin, matches),
        "cargo" => cargo::run(&mut pick, out, stdin, matches),
        "docker" => docker::run(&mut pick, out, stdin, matches),
        "kubectl" => kubectl::run(&mut pick, out),
        "npm" => headers::npm(&mut pick, out),
        "pip" => pip::run(&mut pick, out, matches),
        "bazel" => headers::bazel(&mut pick, out, stdin),
        "process" => headers::process(&mut pick, out),
        _ => Err(Failure::usage("no such helper", format!("{} credential --help", cx.program))),
    }
}

/// The largest request that is read.
const REQUEST: u64 = 64 * 1024;

/// All of a request, as text.
fn request(pick: &Pick<'_>, stdin: &mut dyn Input) -> Result<String, Failure> {
    let failed = |why: String| {
        Failure::usage(
            format!("the request cannot be read: {why}"),
            format!("{} credential --help", pick.program()),
        )
    };
    let bytes = stdin.read_all(REQUEST).map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > REQUEST {
        return Err(failed("it is too long".to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| failed("it is not text".to_owned()))
}

/// What is typed for it in this tool.
fn line(brand: &Brand, ours: &str) -> String {
    brand.line(ours).unwrap_or_else(|| format!("{} {ours}", brand.name))
}

/// The operation, which other tools choose and may add to.
fn operation() -> Arg {
    Arg::new("operation")
        .required(true)
        .value_name("OPERATION")
        .help("What the tool asks for; it adds this by itself")
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use hallpass_core::brand::Brand;

    use crate::testing::Town;

    // proves: HP17
    #[test]
    fn the_help_names_the_line_that_this_tool_has() {
        let placed = |place: &'static str, verb: &'static str, line: &str| {
            let town = Town::new().brand(|brand: &mut Brand| {
                brand.commands.insert(place.to_owned(), verb.to_owned());
            });
            town.run(&format!("hallpass {line} --help")).stdout
        };
        let helper = |line: &str| format!("credential.helper = '!hallpass {line}'");
        let help = placed("auth helper", "credential", "auth helper git");
        assert!(help.contains(&helper("auth helper git")), "{help}");
        let help = placed("for-git", "credential git", "for-git");
        assert!(help.contains(&helper("for-git")), "{help}");
        let help = Town::new().run("hallpass credential git --help").stdout;
        assert!(help.contains(&helper("credential git")), "{help}");
    }
}
