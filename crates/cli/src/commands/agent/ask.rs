//! `agent ask`: an agent asks its owner for one exact action, and waits for the yes or no.

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::approvals::{Answer, Question};
use hallpass_core::action::{Action, MAX_LEN};
use hallpass_core::wire::approvals::{ApprovedAction, DENIED, EXPIRED, NewApproval};
use serde::Serialize;

use super::{inside, refused};
use crate::arguments::Globals;
use crate::commands::{client, retry};
use crate::{Context, Exit, Failure, Input, Output};

pub(super) fn command() -> Command {
    Command::new("ask")
        .about("Inside an agent: ask its owner to approve one exact action")
        .arg(
            Arg::new("action")
                .long("action")
                .value_name("FILE|JSON")
                .required_unless_present("id")
                .help("What is to be done: an object with a type (RFC 9396); - reads it from standard input"),
        )
        .arg(
            Arg::new("reason")
                .long("reason")
                .value_name("TEXT")
                .conflicts_with("id")
                .help("Why; its owner sees it as the agent's words"),
        )
        .arg(
            Arg::new("resource")
                .long("resource")
                .value_name("URI")
                .action(ArgAction::Append)
                .conflicts_with("id")
                .help("Where it will be done, if not wherever the agent's token is good"),
        )
        .arg(
            Arg::new("id")
                .long("id")
                .value_name("ID")
                .conflicts_with("action")
                .help("Come for what was asked before, instead of asking"),
        )
        .arg(
            Arg::new("wait")
                .long("wait")
                .action(ArgAction::SetTrue)
                .help("Wait for the answer, and print the token that is good for it once"),
        )
}

#[derive(Serialize)]
struct Asked<'a> {
    schema_version: u32,
    auth_req_id: &'a str,
    digest: &'a str,
    expires_in: u32,
    interval: u32,
}

#[derive(Serialize)]
struct Approved<'a> {
    schema_version: u32,
    #[serde(flatten)]
    action: &'a ApprovedAction,
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let refuse = |error| refused(&error, cx, globals, "ask");
    let wait = matches.get_flag("wait");
    let question = match matches.get_one::<String>("id") {
        Some(id) => {
            inside::session(cx, globals)?;
            Question::known(id)
        }
        None => {
            let action = action(cx, stdin, matches)?;
            let session = inside::session(cx, globals)?;
            let new = NewApproval {
                authorization_details: action.details().to_vec(),
                reason: matches.get_one::<String>("reason").cloned(),
                resources: matches
                    .get_many::<String>("resource")
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect(),
            };
            let asked = session.ask_approval(&new).map_err(refuse)?;
            if !wait {
                let (id, digest) = (asked.auth_req_id.as_str(), asked.digest.as_str());
                if out.json {
                    let (expires_in, interval) = (asked.expires_in, asked.interval);
                    let schema_version = 1;
                    let view =
                        Asked { schema_version, auth_req_id: id, digest, expires_in, interval };
                    out.json(&view)?;
                } else {
                    out.data(format!("{id}\n").as_bytes())?;
                    let next = format!("{} agent ask --id {id} --wait", cx.program);
                    out.sentence(&format!("Its owner is asked. For the answer: {next}"));
                }
                return Ok(Exit::Usable);
            }
            out.sentence("Its owner is asked, and decides in another place…");
            Question::of(&asked)
        }
    };
    let approved = answer(cx, globals, question, wait)?;
    if out.json {
        out.json(&Approved { schema_version: 1, action: &approved })?;
    } else {
        out.data(format!("{}\n", approved.token.expose()).as_bytes())?;
    }
    Ok(Exit::Usable)
}

/// Polls, as often as it may be; once, if nobody is to wait.
fn answer(
    cx: &Context<'_>,
    globals: &Globals,
    mut question: Question,
    wait: bool,
) -> Result<ApprovedAction, Failure> {
    let client = client(cx, globals);
    let end = cx.clock.now() + question.lasts();
    loop {
        match question.poll(&client) {
            Ok(Answer::Approved(approved)) => return Ok(approved),
            Ok(Answer::Wait(pause)) if wait => {
                std::thread::sleep(pause);
            }
            // The server may come back, until there is nothing left to hear.
            Err(hallpass_client::Error::Http(_)) if wait && cx.clock.now() < end => {
                std::thread::sleep(question.after_failure());
            }
            Ok(Answer::Wait(_)) => {
                let next = format!("{} agent ask --id {} --wait", cx.program, question.id());
                let what = "its owner has not decided yet";
                return Err(Failure::new(Exit::Other, "authorization_pending", what, next));
            }
            Err(hallpass_client::Error::Problem { code, detail, title, .. })
                if code == DENIED || code == EXPIRED =>
            {
                let said = detail.unwrap_or(title).trim_end_matches('.').to_owned();
                let next = retry(cx, globals, "agent ask --action FILE --wait");
                return Err(
                    Failure::new(Exit::LoginEnded, code, said, next).kept("Nothing was done.")
                );
            }
            Err(error) => return Err(refused(&error, cx, globals, "ask")),
        }
    }
}

fn action(
    cx: &Context<'_>,
    stdin: &mut dyn Input,
    matches: &ArgMatches,
) -> Result<Action, Failure> {
    let said = matches.get_one::<String>("action").map_or("", String::as_str).trim_start();
    let help = format!("{} agent ask --help", cx.program);
    let unread = |error: std::io::Error| {
        Failure::usage(format!("the action cannot be read: {error}"), help.clone())
    };
    let text = if said.starts_with(['{', '[']) {
        said.to_owned()
    } else {
        let bytes = match said {
            "-" => stdin.read_all(4 * MAX_LEN as u64).map_err(unread)?,
            file => std::fs::read(file).map_err(unread)?,
        };
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Action::read(&text).map_err(|why| Failure::usage(why.to_string(), help))
}

#[cfg(test)]
mod tests {
    use crate::Exit;
    use crate::testing::Town;

    // proves: HP09
    #[test]
    fn what_cannot_be_approved_is_told_before_anybody_is_asked() {
        let town = || Town::new().var("HALLPASS_AUTH_TOKEN", "a.b.c");
        for action in [r#"{"type":1}"#, r#"{"type":"x","n":1.5}"#, "{", "/not/there"] {
            let done = town().run(&format!("hallpass agent ask --action {action}"));
            assert_eq!(done.exit, Exit::Usage, "{done:?}");
        }
        let done = Town::new().run("hallpass agent ask --action {\"type\":\"deploy\"}");
        assert_eq!(done.exit, Exit::NotSignedIn, "{done:?}");
        let done = Town::new().run("hallpass agent approvals");
        assert_eq!(done.exit, Exit::NotSignedIn, "{done:?}");
    }
}
