//! `hallpass serve`: the flags, and what is told while it runs.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{ArgMatches, Command};
use hallpass_server::Settings;
use hallpass_server::config::LogFormat;
use hallpass_server::serve::{self, Event, Failure, Ready, SetUp, Start};

use crate::{settings, system};

const AFTER: &str = "\
Every flag is also a variable (HALLPASS_SERVER_LISTEN) and a key of the TOML file \
(listen). A flag counts more than a variable, a variable more than the file.

Exit codes: 2 a setting is wrong, 7 the store cannot be reached, 10 the address is taken, \
11 the data directory is in use, 12 it cannot be read or written, 13 the database is \
damaged, 14 it is newer than this program, 15 the disk is full, 16 the master key is \
missing, 17 the certificate cannot be used, 1 anything else.";

const LOCAL: &str = "
Local mode: nobody has to sign in, and nobody but this machine is answered.
To have people sign in, stop it and start it without --local; everything is kept.
";

/// Its part of the tree.
pub(crate) fn command() -> Command {
    Command::new("serve").about("Run the server").after_help(AFTER).args(settings::flags(|_| true))
}

/// Runs it until a signal stops it.
pub(crate) fn run(matches: &ArgMatches) -> ExitCode {
    let outcome = settings::layers(matches).map_err(Failure::from).and_then(|layers| {
        let json = Settings::read(&layers)?.log_format == LogFormat::Json;
        // JSON is for a log, and the setup link never goes to one.
        let terminal = io::stderr().is_terminal() && !json;
        let start = Start { layers, default_data_dir: system::data_dir(), terminal };
        serve::run(start, &mut |event| tell(&event, json))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail("serve", &failure),
    }
}

/// Says what went wrong, and answers its exit code.
pub(crate) fn fail(command: &str, failure: &Failure) -> ExitCode {
    say(&format!("hallpass {command}: {failure}\n"));
    ExitCode::from(failure.exit_code())
}

/// Standard error: prose, or one JSON object a line where the logs are JSON too.
fn tell(event: &Event, json: bool) {
    say(&if json { as_json(event) } else { as_prose(event) });
}

/// Nobody may be reading any more; the server goes on all the same.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn as_prose(event: &Event) -> String {
    match event {
        Event::Ready(Ready { public_url, addresses, data, local, advice, setup }) => {
            let version = env!("CARGO_PKG_VERSION");
            let mut text = format!(
                "hallpass {version} is ready at {public_url}\n  Listening on {}\n  Data in {data}\n",
                listed(addresses)
            );
            if *local {
                text.push_str(LOCAL);
            }
            if let Some(line) = advice {
                text.push_str(&format!("\n{line}\n"));
            }
            match setup {
                None => {}
                Some(SetUp::Link(link)) => text.push_str(&format!(
                    "\nNobody can sign in yet. Make the first administrator here; the link works once:\n\n  {}\n\n",
                    link.expose()
                )),
                Some(SetUp::File(path)) => text.push_str(&format!(
                    "\nNobody can sign in yet. The link that makes the first administrator is in\n  {}\n",
                    path.display()
                )),
            }
            text
        }
        Event::Stopping { grace } => {
            format!("Stopping; running requests have {} s to finish.\n", grace.as_secs())
        }
        Event::Stopped => "Stopped.\n".to_owned(),
    }
}

fn as_json(event: &Event) -> String {
    let value = match event {
        Event::Ready(Ready { public_url, addresses, data, local, advice, setup }) => {
            let file = match setup {
                Some(SetUp::File(path)) => Some(path.display().to_string()),
                Some(SetUp::Link(_)) | None => None,
            };
            serde_json::json!({
                "event": "ready", "url": public_url.issuer(), "addresses": addresses,
                "data": data, "local": local, "advice": advice, "setup_link_file": file,
            })
        }
        Event::Stopping { grace } => {
            serde_json::json!({ "event": "stopping", "grace_seconds": grace.as_secs() })
        }
        Event::Stopped => serde_json::json!({ "event": "stopped" }),
    };
    format!("{value}\n")
}

fn listed(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}
