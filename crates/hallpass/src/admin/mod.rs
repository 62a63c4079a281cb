//! `hallpass admin`: an operator's commands. Data goes to standard output, and nothing
//! else: a script can use it as it is.
//!
//! | module | what |
//! |---|---|
//! | `user`, `client` | people, and programs that ask for tokens |
//! | `org` | organizations, projects, and roles in them |
//! | `token`, `patterns` | personal tokens, and what scanners look for |
//! | `legacy` | tokens of an older system |
//! | `books` | signing keys, the audit log |
//! | `print`, `words` | answers, flags |

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{ArgMatches, Command};
use hallpass_server::admin::command::books::Command as Asks;
use hallpass_server::admin::{self, Answer, Command as Asked};
use hallpass_server::serve::Failure;
use serde_json::json;

use crate::{settings, system};

mod books;
mod client;
mod legacy;
mod org;
mod patterns;
mod print;
mod token;
mod user;
mod words;

/// Settings that decide where the data is, and what is needed to open it.
const SETTINGS: [&str; 10] = [
    "data_dir",
    "database_url",
    "database_url_file",
    "master_key_file",
    "public_url",
    "brand_file",
    "permissions_file",
    "outside_issuer",
    "outside_client_id",
    "log_level",
];

/// Its part of the tree.
pub(crate) fn command() -> Command {
    let shared = settings::flags(|setting| SETTINGS.contains(&setting.name));
    Command::new("admin")
        .about("Prepare and look after a server, running or not")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(shared.into_iter().map(|flag| flag.global(true)))
        .subcommand(user::command())
        .subcommand(org::org())
        .subcommand(org::project())
        .subcommand(org::member())
        .subcommand(token::command())
        .subcommand(patterns::command())
        .subcommand(legacy::command())
        .subcommand(client::command())
        .subcommand(books::signing_keys())
        .subcommand(books::secrets())
        .subcommand(books::audit())
}

/// Runs it.
pub(crate) fn run(matches: &ArgMatches) -> ExitCode {
    if let Some(("audit", audit)) = matches.subcommand()
        && let Some(("verify", verify)) = audit.subcommand()
    {
        return books::verify(verify);
    }
    let asked = match read(matches) {
        Ok(asked) => asked,
        Err(why) => return refuse(&why, matches),
    };
    if let Asked::Books(Asks::Export(position)) = asked {
        return books::export(matches, position);
    }
    let answered = settings::layers(matches)
        .map_err(Failure::from)
        .and_then(|layers| admin::run(&layers, system::data_dir(), asked));
    match answered {
        Ok(Answer::Patterns(all)) => print::out(&patterns::written(&all, matches), ""),
        Ok(answer) => print::tell(&answer, matches.get_flag("json")),
        Err(failure) => failed(&failure, matches),
    }
}

/// What was asked for cannot be.
fn refuse(why: &str, matches: &ArgMatches) -> ExitCode {
    told("usage", why, 2, matches)
}

/// What was asked for was not done.
fn failed(failure: &Failure, matches: &ArgMatches) -> ExitCode {
    told(failure.code(), &failure.to_string(), failure.exit_code(), matches)
}

/// Why nothing came of it, on standard error: with `--json` as the other commands tell a failure.
fn told(code: &str, why: &str, exit: u8, matches: &ArgMatches) -> ExitCode {
    let text = match matches.get_flag("json") {
        true => {
            let error = json!({
                "code": code, "exit": exit, "message": why, "next": "hallpass admin --help",
            });
            json!({"error": error}).to_string()
        }
        false => format!("hallpass admin: {why}"),
    };
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(exit)
}

fn read(matches: &ArgMatches) -> Result<Asked, String> {
    let (noun, matches) = matches.subcommand().ok_or("say what to do; see --help")?;
    let (verb, matches) = matches.subcommand().ok_or("say what to do; see --help")?;
    Ok(match noun {
        "user" => user::read(verb, matches)?,
        "org" => org::read_org(verb, matches),
        "project" => org::read_project(verb, matches),
        "member" => org::read_member(verb, matches),
        "token" => token::read(verb, matches)?,
        "tokens" => patterns::read(),
        "legacy" => legacy::read(verb, matches)?,
        "client" => client::read(verb, matches),
        "signing-keys" => books::read_signing_keys(verb, matches),
        "secrets" => Asked::SecretsRotate,
        "audit" => books::read_audit(verb, matches)?,
        _ => return Err("there is no such command; see --help".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_tree_can_be_read() {
        command().debug_assert();
        let lines = [
            "admin user list",
            "admin user disable ada@example.com",
            "admin user enable usr_1 --data-dir /x",
            "admin user link ada@example.com --subject auth0|7",
            "admin org create acme --name Acme --owner ada@example.com",
            "admin org list",
            "admin org plan acme Team",
            "admin org archive acme/site",
            "admin org unarchive acme",
            "admin project create acme/site",
            "admin project list acme",
            "admin member set acme/site ada@example.com viewer",
            "admin member remove acme usr_1",
            "admin member list acme",
            "admin token create --user a@b --name ci --expires 30d --project a/b --project a/c --scope account",
            "admin token list --user a@b",
            "admin token revoke tok_1",
            "admin tokens patterns --format github",
            "admin legacy import /dev/null --project a/b --role viewer --owner a@b",
            "admin legacy phase",
            "admin legacy phase b --sunset never --back",
            "admin legacy report --project a/b",
            "admin legacy revoke tok_1",
            "admin legacy revoke --project a/b",
            "admin client create --id web --confidential --redirect-uri https://a/cb --redirect-uri https://b/cb",
            "admin client list",
            "admin client disable web",
            "admin signing-keys rotate --now",
            "admin signing-keys list",
            "admin secrets rotate",
            "admin audit list --limit 3",
            "admin audit export --since 2026-04-18 --until 2026-04-19T10:00:00Z --format csv",
            "admin audit export",
            "admin audit keys",
            "admin audit keys rotate",
            "admin user disable usr_1 --keys revoke",
        ];
        for line in lines {
            let matches = command().try_get_matches_from(line.split(' ')).expect(line);
            assert!(read(&matches).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "admin token create --user a@b --name ci --expires 30",
            "admin token create --user a@b --name ci --expires soon",
            "admin legacy phase A --sunset soon",
            "admin legacy import /does/not/exist",
            "admin audit export --since yesterday",
        ] {
            let matches = command().try_get_matches_from(line.split(' ')).expect(line);
            assert!(read(&matches).is_err(), "{line}");
        }
        for line in [
            "admin tokens patterns --format xml",
            "admin legacy phase D",
            "admin legacy revoke",
            "admin legacy revoke tok_1 --project a/b",
            "admin member set acme ada@example.com",
            "admin audit export --format xml",
        ] {
            assert!(command().try_get_matches_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
