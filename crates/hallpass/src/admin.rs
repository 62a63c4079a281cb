//! `hallpass admin`: an operator's commands. Data goes to standard output, and nothing
//! else: a script can use it as it is.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use hallpass_core::{Secret, Timestamp};
use hallpass_server::admin::command::NewClient;
use hallpass_server::admin::{self, Answer, Command as Asked};
use hallpass_server::serve::Failure;

use crate::{serve, settings, system};

/// Settings that decide where the data is, and what is needed to open it.
const SETTINGS: [&str; 7] = [
    "data_dir",
    "database_url",
    "database_url_file",
    "master_key_file",
    "public_url",
    "brand_file",
    "log_level",
];
const MAX_PASSWORD: u64 = 4096;

/// Its part of the tree.
pub(crate) fn command() -> Command {
    let shared = settings::flags(|setting| SETTINGS.contains(&setting.name));
    Command::new("admin")
        .about("Prepare and look after a server, running or not")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(shared.into_iter().map(|flag| flag.global(true)))
        .subcommand(user())
        .subcommand(client())
        .subcommand(signing_keys())
        .subcommand(audit())
}

fn group(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).subcommand_required(true).arg_required_else_help(true)
}

fn user() -> Command {
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
                .arg(who()),
        )
        .subcommand(Command::new("enable").about("Let them in again").arg(who()))
        .subcommand(
            Command::new("set-password")
                .about("Give them another password, and end everything of theirs")
                .arg(who())
                .arg(password()),
        )
}

fn client() -> Command {
    let id = || text("id", "ID").required(true).help("Its client_id");
    group("client", "Programs that ask for tokens")
        .subcommand(
            Command::new("create")
                .about("Register a client; prints its secret, if it gets one, this once")
                .arg(id())
                .arg(text("name", "N").help("What people see [default: the id]"))
                .arg(switch("confidential", "It can keep a secret, and gets one"))
                .arg(several("redirect-uri", "URI").help("Where codes may be sent; complete"))
                .arg(several("post-logout-redirect-uri", "URI").help("Where sign-out may lead"))
                .arg(several("grant-type", "TYPE").help("What it may use [default: the usual ones]"))
                .arg(several("scope", "S").help("What it may ask for [default: everything]"))
                .arg(several("resource", "URI").help(
                    "What it may introspect tokens for [default: this server's own API, if confidential]",
                ))
                .arg(switch("without-pkce", "It may come without PKCE; only if confidential"))
                .arg(text("id-token-alg", "ALG").help("RS256 or ES256 [default: RS256]")),
        )
        .subcommand(Command::new("list").about("All clients"))
        .subcommand(
            Command::new("disable")
                .about("End everything of it, and issue nothing to it")
                .arg(Arg::new("id").value_name("ID").required(true).help("Its client_id")),
        )
}

fn signing_keys() -> Command {
    group("signing-keys", "Keys that sign tokens")
        .subcommand(
            Command::new("rotate")
                .about("Make the next ones; they sign after the usual time of publication")
                .arg(switch("now", "Sign with them at once: a key has leaked")),
        )
        .subcommand(Command::new("list").about("All signing keys"))
}

fn audit() -> Command {
    group("audit", "The log of changes").subcommand(
        Command::new("list").about("Its newest rows").arg(
            Arg::new("limit")
                .long("limit")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..=10_000))
                .default_value("50")
                .help("How many"),
        ),
    )
}

fn text(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value)
}

fn several(name: &'static str, value: &'static str) -> Arg {
    text(name, value).action(ArgAction::Append)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// Runs it.
pub(crate) fn run(matches: &ArgMatches) -> ExitCode {
    let asked = match read(matches) {
        Ok(asked) => asked,
        Err(why) => return refuse(&why),
    };
    let answered = settings::layers(matches)
        .map_err(Failure::from)
        .and_then(|layers| admin::run(&layers, system::data_dir(), asked));
    match answered {
        Ok(answer) => tell(&answer, matches.get_flag("json")),
        Err(failure) => serve::fail("admin", &failure),
    }
}

fn refuse(why: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "hallpass admin: {why}");
    ExitCode::from(2)
}

fn read(matches: &ArgMatches) -> Result<Asked, String> {
    let (noun, matches) = matches.subcommand().ok_or("say what to do; see --help")?;
    let (verb, matches) = matches.subcommand().ok_or("say what to do; see --help")?;
    let one = |name| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let many = |name| {
        matches.get_many::<String>(name).map(|all| all.cloned().collect()).unwrap_or_default()
    };
    Ok(match (noun, verb) {
        ("user", "create") => Asked::UserCreate {
            email: one("email"),
            name: one("name"),
            password: password()?,
            admin: matches.get_flag("admin"),
        },
        ("user", "list") => Asked::UserList,
        ("user", "disable") => Asked::UserDisable { user: one("user") },
        ("user", "enable") => Asked::UserEnable { user: one("user") },
        ("user", "set-password") => {
            Asked::UserPassword { user: one("user"), password: password()? }
        }
        ("client", "create") => Asked::ClientCreate(NewClient {
            id: one("id"),
            name: one("name"),
            confidential: matches.get_flag("confidential"),
            redirect_uris: many("redirect-uri"),
            post_logout_redirect_uris: many("post-logout-redirect-uri"),
            grant_types: many("grant-type"),
            scopes: many("scope"),
            resources: many("resource"),
            without_pkce: matches.get_flag("without-pkce"),
            id_token_alg: matches.get_one::<String>("id-token-alg").cloned(),
        }),
        ("client", "list") => Asked::ClientList,
        ("client", "disable") => Asked::ClientDisable { id: one("id") },
        ("signing-keys", "rotate") => Asked::SigningKeysRotate { now: matches.get_flag("now") },
        ("signing-keys", "list") => Asked::SigningKeysList,
        ("audit", "list") => {
            Asked::AuditList { limit: matches.get_one("limit").copied().unwrap_or(50) }
        }
        _ => return Err("there is no such command; see --help".to_owned()),
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

fn tell(answer: &Answer, json: bool) -> ExitCode {
    let (out, err) = match answer {
        Answer::Done(what) | Answer::Unchanged(what) => (String::new(), format!("{what}.\n")),
        Answer::UserCreated { id } => (format!("{id}\n"), String::new()),
        Answer::ClientCreated { secret: Some(secret) } => {
            (format!("{}\n", secret.expose()), String::new())
        }
        Answer::ClientCreated { secret: None } => {
            (String::new(), "The client is registered.\n".to_owned())
        }
        Answer::Users(rows) if json => (lines_of(rows), String::new()),
        Answer::Clients(rows) if json => (lines_of(rows), String::new()),
        Answer::SigningKeys(rows) if json => (lines_of(rows), String::new()),
        Answer::Audit(rows) if json => (lines_of(rows), String::new()),
        listed => (table(listed), String::new()),
    };
    let written = io::stdout()
        .lock()
        .write_all(out.as_bytes())
        .and_then(|()| io::stderr().lock().write_all(err.as_bytes()));
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One JSON object a line.
fn lines_of<T: serde::Serialize>(rows: &[T]) -> String {
    rows.iter().filter_map(|row| serde_json::to_string(row).ok()).map(|row| row + "\n").collect()
}

fn table(answer: &Answer) -> String {
    let since = |at: &Option<Timestamp>, word| match at {
        Some(at) => format!("{word} {at}"),
        None => String::new(),
    };
    let rows: Vec<Vec<String>> = match answer {
        Answer::Users(users) => users
            .iter()
            .map(|user| {
                let role = if user.admin { "admin" } else { "user" };
                let disabled = since(&user.disabled_at, "disabled");
                vec![
                    user.id.clone(),
                    user.email.clone(),
                    shown(&user.name),
                    role.to_owned(),
                    disabled,
                ]
            })
            .collect(),
        Answer::Clients(clients) => clients
            .iter()
            .map(|client| {
                let kind = if client.confidential { "confidential" } else { "public" };
                let disabled = since(&client.disabled_at, "disabled");
                vec![client.id.clone(), shown(&client.name), kind.to_owned(), disabled]
            })
            .collect(),
        Answer::SigningKeys(keys) => keys
            .iter()
            .map(|key| {
                let from = format!("signs from {}", key.signs_from);
                vec![key.id.clone(), key.alg.clone(), from, since(&key.signs_until, "until")]
            })
            .collect(),
        Answer::Audit(rows) => rows
            .iter()
            .map(|row| {
                let detail = row.detail.as_deref().map(shown).unwrap_or_default();
                vec![
                    row.at.to_string(),
                    row.actor.clone(),
                    row.action.clone(),
                    row.subject.clone(),
                    detail,
                ]
            })
            .collect(),
        _ => Vec::new(),
    };
    aligned(&rows)
}

/// Names come from elsewhere, and a terminal obeys what it prints.
fn shown(text: &str) -> String {
    hallpass_core::text::presentable(text, 60)
}

fn aligned(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (n, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(n) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
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
            "admin client create --id web --confidential --redirect-uri https://a/cb --redirect-uri https://b/cb",
            "admin client list",
            "admin client disable web",
            "admin signing-keys rotate --now",
            "admin signing-keys list",
            "admin audit list --limit 3",
        ];
        for line in lines {
            let matches = command().try_get_matches_from(line.split(' ')).expect(line);
            assert!(read(&matches).is_ok(), "{line}");
        }
    }

    #[test]
    fn columns_are_aligned_and_end_without_spaces() {
        let rows = [vec!["a".to_owned(), "bcd".to_owned()], vec!["efg".to_owned(), String::new()]];
        assert_eq!(aligned(&rows), "a    bcd\nefg\n");
    }
}
