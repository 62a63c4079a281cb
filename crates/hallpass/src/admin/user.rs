//! `admin user`: people.

use std::io::{self, IsTerminal as _, Read as _};

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_core::Secret;
use hallpass_server::admin::Command as Asked;

use super::words::{group, maybe, one, switch, text};

const MAX_PASSWORD: u64 = 4096;

pub(super) fn command() -> Command {
    let who = || Arg::new("user").value_name("EMAIL|ID").required(true).help("Who");
    let password = || {
        Arg::new("password_stdin")
            .long("password-stdin")
            .action(ArgAction::SetTrue)
            .required(true)
            .help("Read the password from standard input")
    };
    group("user", "People")
        .subcommand(
            Command::new("create")
                .about("Make a user; prints their id")
                .arg(text("email", "E").required(true).help("E-mail address"))
                .arg(text("name", "N").required(true).help("What to call them"))
                .arg(switch("admin", "They administer this server"))
                .arg(password()),
        )
        .subcommand(Command::new("list").about("All users"))
        .subcommand(
            Command::new("disable")
                .about("End everything of theirs, and let them in no more")
                .arg(who())
                .arg(super::words::keys_made()),
        )
        .subcommand(
            Command::new("link")
                .about("Say who somebody is whom the provider elsewhere signs in")
                .arg(who())
                .arg(
                    text("subject", "SUB")
                        .required(true)
                        .help("What the provider's ID tokens say in sub, to the letter"),
                ),
        )
        .subcommand(Command::new("enable").about("Let them in again").arg(who()))
        .subcommand(
            Command::new("set-password")
                .about("Give them another password, and end everything of theirs")
                .arg(who())
                .arg(password()),
        )
}

pub(super) fn read(verb: &str, matches: &ArgMatches) -> Result<Asked, String> {
    Ok(match verb {
        "create" => Asked::UserCreate {
            email: one(matches, "email"),
            name: one(matches, "name"),
            password: password()?,
            admin: matches.get_flag("admin"),
        },
        "list" => Asked::UserList,
        "disable" => {
            Asked::UserDisable { user: one(matches, "user"), keys: maybe(matches, "keys") }
        }
        "link" => Asked::UserLink { user: one(matches, "user"), subject: one(matches, "subject") },
        "enable" => Asked::UserEnable { user: one(matches, "user") },
        _ => Asked::UserPassword { user: one(matches, "user"), password: password()? },
    })
}

/// One line of standard input.
fn password() -> Result<Secret, String> {
    if io::stdin().is_terminal() {
        return Err("the password is read from standard input; pipe it in, for example with: printf %s \"$PASSWORD\" | hallpass admin …".to_owned());
    }
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(MAX_PASSWORD)
        .read_to_string(&mut text)
        .map_err(|why| format!("the password could not be read: {why}"))?;
    let text = Secret::new(text);
    let line = text.expose();
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.contains('\n') {
        return Err("standard input should hold one line, the password".to_owned());
    }
    Ok(Secret::new(line))
}
