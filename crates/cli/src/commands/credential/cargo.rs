//! cargo's credential providers (RFC 2730): one JSON message a line (CLIENT I2). Without
//! `--cargo-plugin` it prints the token, for `cargo:token-from-stdout`.

use std::sync::mpsc;

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::Which;
use hallpass_core::Secret;
use hallpass_core::brand::Brand;
use hallpass_core::text::presentable;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask;
use super::pick::{Asker, Given, Pick};
use crate::{Exit, Failure, Input, Output};

/// The variable in which `cargo:token-from-stdout` names the registry.
const INDEX_URL: &str = "CARGO_REGISTRY_INDEX_URL";

pub(super) fn command(brand: &Brand) -> Command {
    Command::new("cargo")
        .about(format!("cargo: credential-provider = ['{}']", brand.name))
        .arg(
            Arg::new("plugin")
                .long("cargo-plugin")
                .action(ArgAction::SetTrue)
                .help("Speak cargo's protocol; cargo adds this by itself"),
        )
        .arg(
            Arg::new("bearer")
                .long("bearer")
                .action(ArgAction::SetTrue)
                .help("Put \"Bearer \" before the token: cargo sends it as it is"),
        )
}

/// A request of cargo's. Whatever else is in it is for later versions.
#[derive(Deserialize)]
struct Asked {
    v: u32,
    registry: Registry,
    kind: String,
    /// What stands after the provider's name in cargo's configuration.
    #[serde(default)]
    args: Vec<String>,
    /// `cargo login` hands one over.
    token: Option<Secret>,
}

#[derive(Deserialize)]
struct Registry {
    #[serde(rename = "index-url")]
    index_url: String,
}

pub(super) fn run(
    pick: &mut Pick<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let bearer = matches.get_flag("bearer");
    if !matches.get_flag("plugin") {
        return print(pick, out, bearer);
    }
    out.data(b"{\"v\":[1]}\n")?;
    let (sender, lines) = mpsc::channel();
    stdin.each_line(Box::new(move |line| sender.send(line).is_ok()));
    for line in lines {
        let said = match serde_json::from_str::<Asked>(&line) {
            Ok(asked) => answer(pick, out, &asked, bearer),
            // serde's own words could repeat a token.
            Err(_) => other("the request is not one that this version understands"),
        };
        // It holds the token.
        let said = Secret::new(format!("{said}\n"));
        out.data(said.expose().as_bytes())?;
    }
    Ok(Exit::Usable)
}

fn print(pick: &Pick<'_>, out: &mut Output<'_>, bearer: bool) -> Result<Exit, Failure> {
    let handed = match pick.context().environment.var(INDEX_URL) {
        Some(address) => {
            match pick.for_asker(out, &Asker { address: address.clone(), username: None })? {
                Given::Token(handed) => handed,
                Given::NotOurs => return Err(not_listed(pick, &address)),
            }
        }
        None => pick.for_whoever(out, true)?,
    };
    out.data(header(&handed.token, bearer).expose().as_bytes())?;
    out.data(b"\n")?;
    Ok(Exit::Usable)
}

/// Whoever set us up for an address has to say that the token may go there.
pub(super) fn not_listed(pick: &Pick<'_>, address: &str) -> Failure {
    let address = presentable(address, 200);
    let what = format!("no sign-in is for {address}, and it is not among those listed with --for");
    Failure::new(Exit::NotSignedIn, "not_ours", what, format!("{} status", pick.program()))
        .kept("Nothing was handed over.")
}

fn header(token: &Secret, bearer: bool) -> Secret {
    match bearer {
        true => Secret::new(format!("Bearer {}", token.expose())),
        false => token.clone(),
    }
}

fn answer(pick: &mut Pick<'_>, out: &mut Output<'_>, asked: &Asked, bearer: bool) -> Value {
    if asked.v != 1 {
        return json!({ "Err": { "kind": "operation-not-supported" } });
    }
    let mut bearer = bearer;
    let mut args = asked.args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bearer" => bearer = true,
            "--for" => args.next().into_iter().for_each(|address| pick.allow(address)),
            _ => {}
        }
    }
    let asker = Asker { address: asked.registry.index_url.clone(), username: None };
    match asked.kind.as_str() {
        "get" => match pick.for_asker(out, &asker) {
            Ok(Given::NotOurs) => json!({ "Err": { "kind": "url-not-supported" } }),
            Ok(Given::Token(handed)) => {
                let token = header(&handed.token, bearer);
                got(&token, handed.expires_at.map(|end| end.secs()))
            }
            Err(failure) => refused(&failure),
        },
        "login" if asked.token.is_some() => {
            other(&format!("no token is taken here; sign in with {} login", pick.program()))
        }
        "login" => match pick.client_for(&asker) {
            None => json!({ "Err": { "kind": "url-not-supported" } }),
            Some(client) => {
                let selection = client.selection().clone();
                match ask::sign_in(pick.context(), out, pick.globals(), &selection) {
                    Ok(()) => json!({ "Ok": { "kind": "login" } }),
                    Err(failure) => refused(&failure),
                }
            }
        },
        "logout" => match pick.client_for(&asker).map(|client| client.logout(Which::Selected)) {
            None => json!({ "Err": { "kind": "url-not-supported" } }),
            Some(Ok(report)) if report.ended.is_empty() => not_found(),
            Some(Ok(_)) => json!({ "Ok": { "kind": "logout" } }),
            Some(Err(error)) => refused(&pick.refuse(&error)),
        },
        _ => json!({ "Err": { "kind": "operation-not-supported" } }),
    }
}

fn got(token: &Secret, ends: Option<i64>) -> Value {
    let mut said = json!({ "cache": if ends.is_some() { "expires" } else { "session" } });
    if let Some(ends) = ends {
        said["expiration"] = ends.into();
    }
    said["kind"] = "get".into();
    said["operation_independent"] = true.into();
    said["token"] = token.expose().into();
    json!({ "Ok": said })
}

fn not_found() -> Value {
    json!({ "Err": { "kind": "not-found" } })
}

/// cargo shows the message; the next command belongs to it.
fn refused(failure: &Failure) -> Value {
    other(&format!("{}; next: {}", failure.what, failure.next))
}

fn other(message: &str) -> Value {
    json!({ "Err": { "caused-by": [], "kind": "other", "message": message } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    /// What cargo reads after its hello, for these lines.
    fn transcript(town: Town, lines: &str) -> String {
        let mut town = town.piped();
        town.stdin(lines.as_bytes());
        let done = town.run("hallpass credential cargo --cargo-plugin");
        assert_eq!((done.exit, done.stderr.as_str()), (Exit::Usable, ""), "{done:?}");
        done.stdout
    }

    fn ask(kind: &str, more: &str) -> String {
        format!(
            r#"{{"v":1,"registry":{{"index-url":"sparse+https://crates.example.com/","name":"lab","new":1}},"kind":"{kind}","operation":"read","unknown":true{more}}}"#
        ) + "\n"
    }

    // proves: client-I2
    #[test]
    fn golden_transcripts() {
        let town = || Town::new().var("HALLPASS_TOKEN", "token-x");
        let listed = r#","args":["--for","https://crates.example.com","--new"]"#;
        let bearer = r#","args":["--bearer","--for","https://crates.example.com"]"#;
        let lines = [
            ask("get", ""),
            ask("get", listed),
            ask("get", bearer),
            ask("frobnicate", listed),
            ask("login", &format!(r#"{listed},"token":"hp_user_y""#)),
            "nonsense\n".to_owned(),
            ask("get", listed).replace("\"v\":1", "\"v\":2"),
        ];
        insta::assert_snapshot!(transcript(town(), &lines.concat()), @r#"
        {"v":[1]}
        {"Err":{"kind":"url-not-supported"}}
        {"Ok":{"cache":"session","kind":"get","operation_independent":true,"token":"token-x"}}
        {"Ok":{"cache":"session","kind":"get","operation_independent":true,"token":"Bearer token-x"}}
        {"Err":{"kind":"operation-not-supported"}}
        {"Err":{"caused-by":[],"kind":"other","message":"no token is taken here; sign in with hallpass login"}}
        {"Err":{"caused-by":[],"kind":"other","message":"the request is not one that this version understands"}}
        {"Err":{"kind":"operation-not-supported"}}
        "#);
        insta::assert_snapshot!(got(&Secret::new("at-1"), Some(1_795_351_440)), @r#"{"Ok":{"cache":"expires","expiration":1795351440,"kind":"get","operation_independent":true,"token":"at-1"}}"#);
    }

    // proves: client-I2, client-A9
    #[test]
    fn nobody_signed_in_is_told_with_the_next_command() {
        let listed = r#","args":["--for","https://crates.example.com"]"#;
        let said = transcript(Town::new(), &ask("get", listed));
        assert!(said.contains("next: hallpass login http://localhost:8470"), "{said}");
        let said = transcript(Town::new(), &ask("logout", listed));
        assert!(said.ends_with("{\"Err\":{\"kind\":\"not-found\"}}\n"), "{said}");
        // In CI nobody is asked, whatever cargo wants.
        let said = transcript(Town::new().var("CI", "1"), &ask("login", listed));
        assert!(said.contains("CI is set"), "{said}");
    }

    // proves: client-I2
    #[test]
    fn the_token_alone_for_token_from_stdout() {
        let town = Town::new().piped().var("HALLPASS_TOKEN", "token-x");
        let town = town.var(INDEX_URL, "sparse+https://crates.example.com/");
        let done = town.run("hallpass credential cargo --for https://crates.example.com");
        assert_eq!((done.exit, done.stdout.as_str()), (Exit::Usable, "token-x\n"), "{done:?}");
        let done = town.run("hallpass credential cargo");
        assert_eq!((done.exit, done.stdout.as_str()), (Exit::NotSignedIn, ""), "{done:?}");
    }
}
