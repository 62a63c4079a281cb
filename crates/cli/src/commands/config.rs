//! `config`: the server that this tool talks to when nothing else is said.

use clap::{Arg, Command};
use hallpass_client::Origin;
use hallpass_core::brand::Brand;
use serde::Serialize;

use super::client;
use crate::arguments::Globals;
use crate::refusal::told;
use crate::tree::Below;
use crate::{Context, Exit, Failure, Output, layout, words};

/// The command's part of the tree.
pub fn command(brand: &Brand) -> Command {
    let key = || {
        Arg::new("key")
            .required(true)
            .value_name("KEY")
            .value_parser([brand.config.server.clone()])
            .help("What it is called")
    };
    Command::new("config")
        .about("See and set what holds on this machine when nothing else is said")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("get").about("Print what holds").arg(key()))
        .subcommand(Command::new("list").about("Print all that holds, and who says it"))
        .subcommand(
            Command::new("set")
                .about("Set it")
                .arg(key())
                .arg(Arg::new("value").required(true).value_name("VALUE").help("An address")),
        )
}

/// Runs the verb.
pub(crate) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    let key = &cx.brand.config.server;
    let client = client(cx, globals);
    let refuse = |error| told(&error, cx, &format!("{} config get {key}", cx.program));
    match below.verb() {
        Some(("get", _)) => {
            let server = client.server().map_err(refuse)?;
            out.data(format!("{server}\n").as_bytes())?;
        }
        Some(("list", _)) => {
            let (server, origin) = client.server_said().map_err(refuse)?;
            let item = item(key, &server, &origin);
            if out.json {
                out.object(&Listed { items: [item] })?;
            } else {
                out.data(render(cx, out, &item, &origin).as_bytes())?;
            }
        }
        Some(("set", matches)) => {
            let value = matches.get_one::<String>("value").map_or("", String::as_str);
            let server = client.set_server(value).map_err(|error| {
                let mut failure = refuse(error);
                // What was typed was no address; that is all that has to change.
                if failure.code == "bad_server" {
                    failure.next =
                        format!("{} config set {key} https://registry.example.com", cx.program);
                    failure.kept = Some("Nothing was changed.".into());
                }
                failure
            })?;
            out.success(&format!("{key} is {server} from now on"));
        }
        _ => {
            let help = format!("{} config --help", cx.program);
            return Err(Failure::usage("no command was given", help));
        }
    }
    Ok(Exit::Usable)
}

/// `config list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    items: [Item<'a>; 1],
}

#[derive(Serialize)]
struct Item<'a> {
    key: &'a str,
    value: &'a str,
    source: SourceView,
}

/// Who says it.
#[derive(Serialize)]
struct SourceView {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

fn item<'a>(key: &'a str, value: &'a str, origin: &Origin) -> Item<'a> {
    let (kind, name) = match origin {
        Origin::Flag => ("flag", Some("--server".to_owned())),
        Origin::Variable { name } => ("variable", Some(name.clone())),
        Origin::Profile { name } => ("profile", Some(name.clone())),
        Origin::Job => ("job", None),
        Origin::File { path } => ("file", Some(path.display().to_string())),
        Origin::Default => ("default", None),
    };
    Item { key, value, source: SourceView { kind, name } }
}

/// For people; or tab-separated where standard output is no terminal: key, value,
/// what kind of source says it, and its name.
fn render(cx: &Context<'_>, out: &Output<'_>, item: &Item<'_>, origin: &Origin) -> String {
    let SourceView { kind, name } = &item.source;
    if !out.terminal.streams.stdout {
        let name = name.as_deref().unwrap_or_default();
        return format!("{}\t{}\t{kind}\t{name}\n", item.key, item.value);
    }
    let said = match origin {
        Origin::File { path } => words::path(path, cx.environment.home().as_deref()),
        Origin::Job => "an earlier step of this job".to_owned(),
        Origin::Default => "nothing else is said".to_owned(),
        Origin::Flag => "--server".to_owned(),
        Origin::Variable { name } => format!("the variable {name}"),
        Origin::Profile { name } => format!("profile {name}"),
    };
    let paint = out.terminal.data();
    let value = format!("{} ({})", paint.foreign(item.value, 200), paint.foreign(&said, 300));
    layout::fields(&[(item.key, value)], out.terminal.width, paint)
}

#[cfg(test)]
mod tests {
    use crate::Exit;
    use crate::testing::Town;

    // proves: SC07
    #[test]
    fn the_list_says_what_holds_and_who_says_it() {
        let town = Town::new().brand(|brand| {
            brand.commands.insert("config".to_owned(), "config".to_owned());
            brand.config.server = "api_url".to_owned();
        });
        let listed = |town: &Town, more: &str| {
            let done = town.run(&format!("hallpass config list{more}"));
            assert_eq!(done.exit, Exit::Usable, "{done:?}");
            done.stdout
        };
        let told = listed(&town, "");
        assert!(told.contains("http://localhost:8470 (nothing else is said)"), "{told}");
        let set = town.run("hallpass config set api_url registry.example.com");
        assert_eq!(set.exit, Exit::Usable, "{set:?}");
        for bad in ["notaurl", "ftp://x"] {
            let done = town.run(&format!("hallpass config set api_url {bad}"));
            assert_eq!(done.exit, Exit::Usage, "{done:?}");
            let next = "Next: hallpass config set api_url https://registry.example.com\n";
            assert!(done.stderr.ends_with(next), "{done:?}");
            assert!(done.stderr.contains("Nothing was changed."), "{done:?}");
        }
        let told = listed(&town, "");
        let file = "https://registry.example.com (~/.config/hallpass/config.json)";
        assert!(told.contains("api_url") && told.contains(file), "{told}");
        let told = listed(&town, " --server https://a.example");
        assert!(told.contains("https://a.example (--server)"), "{told}");
        let town = town.var("HALLPASS_SERVER", "https://b.example");
        let told = listed(&town, "");
        assert!(told.contains("https://b.example (the variable HALLPASS_SERVER)"), "{told}");
        let json: serde_json::Value = serde_json::from_str(&listed(&town, " --json")).unwrap();
        assert_eq!(json["schema_version"], 1);
        let source = serde_json::json!({ "kind": "variable", "name": "HALLPASS_SERVER" });
        assert_eq!(json["items"][0]["source"], source);
        let lines = listed(&town.piped(), "");
        assert_eq!(lines, "api_url\thttps://b.example\tvariable\tHALLPASS_SERVER\n");
    }
}
