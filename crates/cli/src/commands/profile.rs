//! `profile list`, `profile use`, `profile remove`: many accounts, many servers (CLIENT F5).

use clap::{Arg, ArgMatches, Command};
use hallpass_client::profiles::Listed;
use hallpass_client::{State, Which};
use hallpass_core::Timestamp;
use serde::Serialize;

use super::status::AccountView;
use super::{agent, client, logout, retry};
use crate::arguments::Globals;
use crate::refusal::told;
use crate::terminal::Terminal;
use crate::tree::Below;
use crate::{Context, Exit, Failure, Output, words};

/// The command's part of the tree.
pub fn command() -> Command {
    let name = || Arg::new("name").required(true).value_name("NAME").help("As `list` shows it");
    Command::new("profile")
        .about("See, choose and remove the accounts that are signed in here")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("list").about("Every account at every server"))
        .subcommand(Command::new("use").about("Use it when nothing else is said").arg(name()))
        .subcommand(
            Command::new("remove")
                .about("Revoke its sign-in at the server, and remove it here")
                .arg(name()),
        )
}

/// Lists, chooses or removes.
pub(crate) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    let name =
        |matches: &ArgMatches| matches.get_one::<String>("name").cloned().unwrap_or_default();
    match below.verb() {
        Some(("use", matches)) => choose(cx, out, globals, &name(matches)),
        Some(("remove", matches)) => remove(cx, out, globals, name(matches)),
        _ => list(cx, out, globals),
    }
}

fn list(cx: &Context<'_>, out: &mut Output<'_>, globals: &Globals) -> Result<Exit, Failure> {
    let refuse = |error| told(&error, cx, &retry(cx, globals, "profile list"));
    let profiles = client(cx, globals).profiles().map_err(refuse)?;
    if out.json {
        out.json(&View { schema_version: 1, items: profiles.iter().map(Item::from).collect() })?;
        return Ok(Exit::Usable);
    }
    let text = render(&profiles, cx.clock.now(), &out.terminal);
    out.data(text.as_bytes())?;
    if profiles.is_empty() {
        out.sentence("Nobody is signed in yet.");
        match agent::refuses_login(cx, globals) {
            Ok(()) => out.next(&format!("{} login", cx.program)),
            Err(refused) => out.next(&refused.next),
        }
    } else if let Some(variable) = overriding(cx) {
        out.warning(&format!("{variable} is set and wins over the current profile"));
    }
    Ok(Exit::Usable)
}

/// A variable that decides before the current profile does.
fn overriding(cx: &Context<'_>) -> Option<String> {
    ["TOKEN", "PROFILE"]
        .map(|name| cx.brand.variable(name))
        .into_iter()
        .find(|name| cx.environment.var(name).is_some())
}

fn choose(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    name: &str,
) -> Result<Exit, Failure> {
    let refuse = |error| told(&error, cx, &retry(cx, globals, "profile list"));
    let chosen = client(cx, globals).use_profile(name).map_err(refuse)?;
    if out.json {
        out.json(&Chosen { schema_version: 1, current: Item::from(&chosen) })?;
        return Ok(Exit::Usable);
    }
    let paint = out.paint();
    let who = paint.foreign(chosen.account.label(), 320);
    out.success(&format!("Using {} ({who} at {})", paint.foreign(name, 80), chosen.server));
    if let Some(variable) = overriding(cx) {
        out.warning(&format!("{variable} is set and wins over it"));
        out.next(&format!("unset {variable}"));
    }
    Ok(Exit::Usable)
}

fn remove(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    name: String,
) -> Result<Exit, Failure> {
    let globals = Globals { profile: Some(name.clone()), server: None, ..globals.clone() };
    let client = client(cx, &globals);
    let refuse = |error| told(&error, cx, &retry(cx, &globals, "logout"));
    let known = client.profiles().map_err(refuse)?;
    if !known.iter().any(|profile| profile.name == name) {
        let known = known.into_iter().map(|profile| profile.name).collect();
        let error = hallpass_client::Error::UnknownProfile { name, known };
        let mut failure = told(&error, cx, "");
        failure.next = format!("{} profile list", cx.program);
        return Err(failure);
    }
    let report = client.logout(Which::Selected).map_err(refuse)?;
    logout::told(cx, out, &report)?;
    Ok(Exit::Usable)
}

/// `profile list --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    items: Vec<Item<'a>>,
}

/// `profile use --json`.
#[derive(Serialize)]
struct Chosen<'a> {
    schema_version: u32,
    current: Item<'a>,
}

#[derive(Serialize)]
struct Item<'a> {
    name: &'a str,
    current: bool,
    server: &'a str,
    account: AccountView<'a>,
    state: &'static str,
    expires_at: Option<Timestamp>,
}

impl<'a> From<&'a Listed> for Item<'a> {
    fn from(profile: &'a Listed) -> Self {
        Self {
            name: &profile.name,
            current: profile.current,
            server: &profile.server,
            account: (&profile.account).into(),
            state: profile.state.name(),
            expires_at: profile.expires_at,
        }
    }
}

/// Two lines for each, or one line of tab-separated fields where standard output is no
/// terminal.
fn render(profiles: &[Listed], now: Timestamp, terminal: &Terminal) -> String {
    if !terminal.streams.stdout {
        let line = |profile: &Listed| {
            let current = if profile.current { "current" } else { "" };
            let fields = [
                profile.name.as_str(),
                current,
                &profile.server,
                profile.account.label(),
                profile.state.name(),
            ];
            format!("{}\n", fields.join("\t"))
        };
        return profiles.iter().map(line).collect();
    }
    let paint = terminal.data();
    let card = |profile: &Listed| {
        let current = if profile.current { paint.good("  used") } else { String::new() };
        let name = paint.strong(&paint.foreign(&profile.name, 80));
        let who = paint.foreign(profile.account.label(), 320);
        let state = state(profile, now);
        format!("{name}{current}\n  {who} at {}\n  {state}\n", paint.foreign(&profile.server, 200))
    };
    profiles.iter().map(card).collect::<Vec<_>>().join("\n")
}

fn state(profile: &Listed, now: Timestamp) -> String {
    match (&profile.state, profile.expires_at) {
        (State::Valid, Some(end)) if end > now => {
            format!("signed in; the access token ends {}", words::ends(end, now))
        }
        (State::Valid, _) => "signed in".to_owned(),
        (State::Refreshable, _) => "signed in; will refresh at the next use".to_owned(),
        (State::Expired, _) => "ended; sign in again".to_owned(),
        (State::KeyMissing, _) => "its key is not on this machine; sign in again".to_owned(),
        (State::Ended { at, .. }, _) => format!("ended by the server on {}", at.to_human()),
        (state, _) => state.name().replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    /// A store with two people in it, as an older version wrote it.
    fn stored(town: &Town) {
        let dir = town.home().join(".config/hallpass");
        std::fs::create_dir_all(&dir).unwrap();
        let key = |account: &str| {
            format!(
                r#""issuer":"https://id.example.com","client_id":"hallpass-cli","account":"{account}""#
            )
        };
        let profile =
            |account| format!(r#"{{"server":"https://id.example.com",{}}}"#, key(account));
        let credential = |account, email| {
            format!(
                r#"{{{},"email":"{email}","kind":"given","access":{{"token":"hp_user_{account}","received":{{"at":"2026-11-22T12:40:00Z"}}}}}}"#,
                key(account)
            )
        };
        let text = format!(
            r#"{{"schema_version":1,"current":"work","profiles":{{"home":{},"work":{}}},"credentials":[{},{}]}}"#,
            profile("usr_1"),
            profile("usr_2"),
            credential("usr_1", "ada@example.com"),
            credential("usr_2", "ada@work.example")
        );
        std::fs::write(dir.join("credentials.json"), text).unwrap();
    }

    // proves: client-F5
    #[test]
    fn profiles_are_listed_chosen_and_removed() {
        let town = Town::new();
        stored(&town);
        insta::assert_snapshot!(town.run("hallpass profile list").stdout, @r"
        home
          ada@example.com at https://id.example.com
          signed in

        work  used
          ada@work.example at https://id.example.com
          signed in
        ");
        let token = |line: &str| town.run(line).stdout;
        assert_eq!(token("hallpass token print"), "hp_user_usr_2\n");
        let done = town.run("hallpass profile use home");
        assert_eq!(done.exit, Exit::Usable, "{done:?}");
        assert!(done.stderr.contains("Using home (ada@example.com at https://id.example.com)"));
        assert_eq!(token("hallpass token print"), "hp_user_usr_1\n");
        assert_eq!(token("hallpass token print --profile work"), "hp_user_usr_2\n");

        let done = town.run("hallpass profile use wrok");
        assert_eq!((done.exit, done.stdout.as_str()), (Exit::NotSignedIn, ""));
        assert!(done.stderr.contains("home, work"), "{}", done.stderr);
        let done = town.run("hallpass profile remove wrok");
        assert_eq!(done.exit, Exit::NotSignedIn);
        assert!(done.stderr.ends_with("Next: hallpass profile list\n"), "{}", done.stderr);

        // A token that was handed over is nobody's to revoke, so this asks no server.
        let done = town.run("hallpass profile remove home");
        assert_eq!(done.exit, Exit::Usable, "{done:?}");
        let json: serde_json::Value =
            serde_json::from_str(&town.run("hallpass profile list --json").stdout).unwrap();
        assert_eq!(json["items"].as_array().unwrap().len(), 1);
        assert_eq!(json["items"][0]["name"], "work");
        // The only one that is left is the one that is used.
        assert_eq!(token("hallpass token print"), "hp_user_usr_2\n");
    }

    // proves: client-F2
    #[test]
    fn a_variable_that_wins_over_the_chosen_profile_is_named() {
        let town = Town::new().var("HALLPASS_PROFILE", "work");
        stored(&town);
        let done = town.run("hallpass profile use home");
        assert!(done.stderr.contains("HALLPASS_PROFILE is set and wins"), "{}", done.stderr);
        assert_eq!(town.run("hallpass token print").stdout, "hp_user_usr_2\n");
    }
}
