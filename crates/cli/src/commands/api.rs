//! `api METHOD PATH`: one call to the server's API, as the person who is signed in.

use std::io;

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::{Answer, Call, Source};
use hallpass_core::text::presentable;
use hallpass_core::wire::api::Problem;
use serde_json::{Map, Value};

use super::{client, retry, warn};
use crate::arguments::Globals;
use crate::refusal::{kept_of as kept, told};
use crate::{Context, Exit, Failure, Input, Output, layout};

/// The largest body that is read from a file or standard input.
const BODY_LIMIT: u64 = 16 * 1024 * 1024;

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("api")
        .about("Call the server's API as yourself")
        .arg(
            Arg::new("method")
                .required(true)
                .value_name("METHOD")
                .help("GET, POST, PUT, PATCH, DELETE"),
        )
        .arg(
            Arg::new("path")
                .required(true)
                .value_name("PATH")
                .help("At the server, for example /api/v1/whoami"),
        )
        .arg(
            Arg::new("data")
                .short('d')
                .long("data")
                .value_name("DATA")
                .conflicts_with("field")
                .help("The body; @FILE reads a file, @- standard input"),
        )
        .arg(
            Arg::new("field")
                .short('f')
                .long("field")
                .value_name("KEY=VALUE")
                .action(ArgAction::Append)
                .help("A field of a JSON body, as text; may be repeated"),
        )
}

/// What was asked for.
#[derive(Debug, PartialEq)]
struct Options {
    method: String,
    path: String,
    body: Body,
}

#[derive(Debug, PartialEq)]
enum Body {
    None,
    Given(Vec<u8>),
    Stdin,
    File(String),
    Fields(Map<String, Value>),
}

impl Options {
    fn read(matches: &ArgMatches, help: &str) -> Result<Self, Failure> {
        let text = |name| matches.get_one::<String>(name).cloned().unwrap_or_default();
        let method = text("method").to_ascii_uppercase();
        // RFC 9110 §9.1: a method is a token; ours are words.
        if method.is_empty() || !method.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(Failure::usage("METHOD must be a word like GET", help));
        }
        let body = match matches.get_one::<String>("data") {
            Some(data) => match data.strip_prefix('@') {
                Some("-") => Body::Stdin,
                Some(file) => Body::File(file.to_owned()),
                None => Body::Given(data.clone().into_bytes()),
            },
            None => match matches.get_many::<String>("field") {
                Some(pairs) => Body::Fields(fields(pairs, help)?),
                None => Body::None,
            },
        };
        Ok(Self { method, path: text("path"), body })
    }
}

fn fields<'a>(
    pairs: impl Iterator<Item = &'a String>,
    help: &str,
) -> Result<Map<String, Value>, Failure> {
    pairs
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.into())),
            _ => Err(Failure::usage("-f takes KEY=VALUE", help)),
        })
        .collect()
}

impl Body {
    /// The bytes to send, and their media type.
    fn bytes(
        self,
        stdin: &mut dyn Input,
        help: &str,
    ) -> Result<Option<(&'static str, Vec<u8>)>, Failure> {
        let refuse = |name: &str, error: io::Error| {
            Failure::usage(format!("the body cannot be read from {name}: {error}"), help)
        };
        let bytes = match self {
            Body::None => return Ok(None),
            Body::Given(bytes) => bytes,
            Body::Fields(fields) => Value::Object(fields).to_string().into_bytes(),
            Body::Stdin => {
                stdin.read_all(BODY_LIMIT).map_err(|error| refuse("standard input", error))?
            }
            Body::File(file) => std::fs::read(&file).map_err(|error| refuse(&file, error))?,
        };
        if bytes.len() as u64 > BODY_LIMIT {
            return Err(Failure::usage("the body is larger than 16 MiB", help));
        }
        let json = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
        let kind = if json { "application/json" } else { "application/octet-stream" };
        Ok(Some((kind, bytes)))
    }
}

/// Calls, and prints the answer's body whatever its status.
pub fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let help = format!("{} api --help", cx.program);
    let options = Options::read(matches, &help)?;
    let body = options.body.bytes(stdin, &help)?;
    let refuse = |error| told(&error, cx, &retry(cx, globals, "status --check"));
    let session = client(cx, globals).session_or_open().map_err(refuse)?;
    let answer = session
        .call(&Call {
            method: &options.method,
            path: &options.path,
            headers: &[],
            body: body.as_ref().map(|(kind, bytes)| (*kind, bytes.as_slice())),
        })
        .map_err(refuse)?;
    warn(out, &session.take_warnings());
    hand_out(out, &answer)?;
    match answer.status {
        200..=399 => Ok(Exit::Usable),
        _ => Err(refused(&answer, session.source(), &retry(cx, globals, "status --check"))),
    }
}

/// The answer's body. Where an error is told below it, it ends its line.
pub(super) fn hand_out(out: &mut Output<'_>, answer: &Answer) -> Result<(), Failure> {
    let mut text = shown(answer, out.terminal.streams.stdout);
    if answer.status >= 400 && text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
    out.data(&text)
}

/// The body as it came; on a terminal JSON is laid out, and nothing in it can drive
/// the terminal.
fn shown(answer: &Answer, terminal: bool) -> Vec<u8> {
    if !terminal || answer.body.is_empty() {
        return answer.body.clone();
    }
    let mut text = String::from_utf8_lossy(&answer.body).into_owned();
    if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
        text = layout::json(&text);
    }
    let lines = text.lines().map(|line| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let rest = presentable(&line[indent..], usize::MAX);
        format!("{}{rest}\n", &line[..indent])
    });
    lines.collect::<String>().into_bytes()
}

/// What an answer says went wrong, if it says it as RFC 9457 does.
pub(super) fn problem(answer: &Answer) -> Option<Problem> {
    serde_json::from_slice(&answer.body).ok()
}

/// An answer that is an error, told.
pub(super) fn refused(answer: &Answer, source: &Source, next: &str) -> Failure {
    let mut what = format!("the server answered {}", answer.status);
    let mut code = "http_error".to_owned();
    if let Some(problem) = problem(answer) {
        what.push_str(&format!(": {}", presentable(&problem.title, 200)));
        if let Some(detail) = &problem.detail {
            what.push_str(&format!(" ({})", presentable(detail, 500)));
        }
        code = presentable(&problem.code, 64);
    }
    let exit = if matches!(answer.status, 401 | 403) { Exit::Rejected } else { Exit::Other };
    Failure::new(exit, code, what, next).kept(kept(source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    fn read(line: &str) -> Result<Options, Failure> {
        let matches = command().try_get_matches_from(line.split(' ')).unwrap();
        Options::read(&matches, "hallpass api --help")
    }

    #[test]
    fn a_body_is_given_read_or_built() {
        assert_eq!(read("api get /x").unwrap().method, "GET");
        assert_eq!(read("api GET /x").unwrap().body, Body::None);
        assert_eq!(read("api POST /x -d {}").unwrap().body, Body::Given(b"{}".to_vec()));
        assert_eq!(read("api POST /x -d @-").unwrap().body, Body::Stdin);
        assert_eq!(read("api POST /x -d @a/b").unwrap().body, Body::File("a/b".into()));
        let Body::Fields(fields) = read("api POST /x -f name=ci -f note=a=b").unwrap().body else {
            panic!("fields make a body");
        };
        assert_eq!(Value::Object(fields).to_string(), r#"{"name":"ci","note":"a=b"}"#);
        for bad in ["api POST /x -f name", "api POST /x -f =x", "api G;T /x"] {
            assert_eq!(read(bad).unwrap_err().exit, Exit::Usage, "{bad}");
        }
    }

    #[test]
    fn json_is_recognised_whatever_it_was_read_from() {
        let mut town = Town::new();
        town.stdin(b"[1]");
        let sent = Body::Stdin.bytes(&mut town.input(), "").unwrap();
        assert_eq!(sent, Some(("application/json", b"[1]".to_vec())));
        let sent = Body::Given(b"a=b".to_vec()).bytes(&mut town.input(), "").unwrap();
        assert_eq!(sent, Some(("application/octet-stream", b"a=b".to_vec())));
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, content_type: None, body: body.as_bytes().to_vec() }
    }

    // proves: attack-33
    #[test]
    fn an_answer_cannot_drive_the_terminal() {
        let evil = answer(200, "{\"name\":\"\u{9b}2J\u{202e}x\"}");
        let text = String::from_utf8(shown(&evil, true)).unwrap();
        assert_eq!(text, "{\n  \"name\": \"x\"\n}\n");
        let html = answer(200, "<p>\u{1b}[2J</p>\n  <p>");
        assert_eq!(shown(&html, true), b"<p></p>\n  <p>\n");
        assert_eq!(shown(&html, false), html.body, "a program gets it as it came");
    }

    // proves: client-H5
    #[test]
    fn a_problem_is_told_and_not_echoed() {
        let body = r#"{"title":"Not\u001b[2J found","status":404,"code":"not_found","detail":"No such session."}"#;
        let (stored, none) = (Source::Profile { name: "work".into() }, Source::None);
        let failure = refused(&answer(404, body), &stored, "hallpass status --check");
        assert_eq!(failure.kept.as_deref(), Some("Your stored sign-in is unchanged."));
        let nobody = refused(&answer(404, body), &none, "").kept;
        assert_eq!(nobody.as_deref(), Some("Nothing was changed here."));
        assert_eq!(failure.what, "the server answered 404: Not found (No such session.)");
        assert_eq!((failure.exit, failure.code.as_str()), (Exit::Other, "not_found"));
        assert_eq!(refused(&answer(401, "<html>"), &none, "").exit, Exit::Rejected);
        assert_eq!(refused(&answer(502, "<html>"), &none, "").what, "the server answered 502");
    }
}
