//! A command of the tool's own that is one call to its API: method and path are the brand's.

use clap::{Arg, ArgMatches, Command};
use hallpass_client::target::Asked;
use hallpass_client::{Answer, Error, Session};
use hallpass_core::brand::Call as Rule;
use hallpass_core::text::presentable;
use serde_json::{Map, Value};

use super::{api, client, retry, warn};
use crate::arguments::Globals;
use crate::refusal::told;
use crate::{Context, Exit, Failure, Output, words};

/// Its part of the tree.
pub fn command(rule: &Rule) -> Command {
    let about = rule.about.clone().unwrap_or_else(|| format!("{} {}", rule.method, rule.path));
    let argument = |name: &String| {
        let argument = Arg::new(name.clone()).value_name(name.to_ascii_uppercase());
        rule.help.get(name).into_iter().fold(argument, |argument, line| argument.help(line))
    };
    let arguments = rule.arguments.iter().map(|name| argument(name).required(true));
    let options = rule.options.iter().map(|name| argument(name).long(name.clone()));
    Command::new("call").about(about).args(arguments).args(options)
}

/// Makes the call, and gives out what comes back.
pub fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    (place, rule): (&str, &Rule),
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let again = retry(cx, globals, &line(place, rule, matches));
    let refuse = |error| told(&error, cx, &again);
    let client = client(cx, globals);
    let (path, members) = request(cx, &client, globals, rule, matches)?;
    let body = match &*rule.method {
        "GET" | "HEAD" | "DELETE" => None,
        _ => Some(Value::Object(members.clone()).to_string()),
    };
    let path = match body {
        Some(_) => path,
        None => with_query(path, &members),
    };
    let call = hallpass_client::Call {
        method: &rule.method,
        path: &path,
        headers: &[],
        body: body.as_ref().map(|body| ("application/json", body.as_bytes())),
    };
    let session = match client.session_or_open() {
        Err(Error::NotSignedIn { .. }) if let Some(older) = older(cx, globals, rule, matches) => {
            older.session()
        }
        session => session,
    };
    let session = session.map_err(refuse)?;
    let answer = session.call(&call).map_err(refuse)?;
    warn(out, &session.take_warnings());
    if answer.status == 401 {
        let what = format!(
            "you are signed out: {} does not take what you are signed in with; it was revoked, or \
             it ended",
            session.server()
        );
        let next = format!("{} login", cx.program);
        let failure = Failure::new(Exit::Rejected, "invalid_token", what, next);
        return Err(failure.kept("Nothing was changed."));
    }
    if answer.status < 400 {
        return api::hand_out(out, &answer).map(|()| Exit::Usable);
    }
    // What the error says below is said once.
    if api::problem(&answer).is_none() {
        api::hand_out(out, &answer)?;
    }
    let next = match answer.status {
        403 if cx.brand.has("whoami") => retry(cx, globals, "whoami"),
        403 if cx.brand.has("status") => retry(cx, globals, "status"),
        404 => where_it_is(cx, globals, &again),
        400 | 409 | 422 => format!("{} {place} --help", cx.program),
        _ => again,
    };
    let mut failure = api::refused(&answer, session.source(), &next);
    if answer.status == 404 {
        failure.what = nothing_there(cx, &session, &path, &answer);
    }
    Err(failure)
}

/// The command line again.
fn line(place: &str, rule: &Rule, matches: &ArgMatches) -> String {
    let given = |name: &String| matches.get_one::<String>(name).map(|value| words::quoted(value));
    let arguments = rule.arguments.iter().filter_map(given);
    let options = rule.options.iter().filter_map(|name| Some(format!("--{name} {}", given(name)?)));
    [place.to_owned()].into_iter().chain(arguments).chain(options).collect::<Vec<_>>().join(" ")
}

/// A 404: of the one thing that was asked for, or of an address that is not the API's.
fn nothing_there(cx: &Context<'_>, session: &Session, path: &str, answer: &Answer) -> String {
    let (server, path) = (session.server().trim_end_matches('/'), presentable(path, 200));
    let nothing = format!("{server} has nothing at {path}");
    match api::problem(answer).filter(|problem| problem.code != "not_found") {
        Some(problem) => format!("{nothing}: {}", presentable(&problem.title, 200)),
        None => format!("{nothing}; is that where the API of {} is?", cx.brand.title),
    }
}

/// The command that says which server it is, where the tree has one.
fn where_it_is(cx: &Context<'_>, globals: &Globals, again: &str) -> String {
    // Without a tree of its own a tool has no `config`.
    let config = !cx.brand.commands.is_empty() && cx.brand.has("config get");
    match (config, cx.brand.has("doctor")) {
        (true, _) => format!("{} config get {}", cx.program, cx.brand.config.server),
        (false, true) => retry(cx, globals, "doctor"),
        (false, false) => again.to_owned(),
    }
}

/// Where nobody is signed in, the token of an older system counts that is kept for the project
/// that the call names (ST12).
fn older(
    cx: &Context<'_>,
    globals: &Globals,
    rule: &Rule,
    matches: &ArgMatches,
) -> Option<hallpass_client::Client> {
    let word = rule.arguments.iter().find(|name| **name == cx.brand.words.project)?;
    let token = client(cx, globals).legacy_token_of(matches.get_one::<String>(word)?)?;
    Some(client(cx, &Globals { token: Some(token), ..globals.clone() }))
}

/// The path with its arguments, and what is left over.
fn request(
    cx: &Context<'_>,
    client: &hallpass_client::Client,
    globals: &Globals,
    rule: &Rule,
    matches: &ArgMatches,
) -> Result<(String, Map<String, Value>), Failure> {
    let mut path = rule.path.clone();
    let mut members = Map::new();
    let text = |name: &str| matches.get_one::<String>(name);
    for name in rule.arguments.iter().chain(&rule.options) {
        let Some(value) = text(name) else { continue };
        let braced = format!("{{{name}}}");
        if path.contains(&braced) {
            // RFC 3986 §5.2.4: these are taken out of an address, with what stands before them.
            if matches!(&**value, "" | "." | "..") {
                return Err(Failure::usage(
                    format!("{value:?} is no {name}"),
                    format!("{} --help", cx.program),
                ));
            }
            path = path.replace(&braced, &segment(value));
        } else {
            members.insert(name.clone(), value.as_str().into());
        }
    }
    if rule.place || path.contains("{org}") || path.contains("{project}") {
        let target = client.target(&Asked::from(globals)).unwrap_or_default();
        for (name, chosen) in [("org", &target.org), ("project", &target.project)] {
            let braced = format!("{{{name}}}");
            match chosen {
                Some(chosen) if path.contains(&braced) => {
                    path = path.replace(&braced, &segment(&chosen.name));
                }
                Some(chosen) if rule.place => {
                    members.insert(name.to_owned(), chosen.name.as_str().into());
                }
                None if path.contains(&braced) => {
                    return Err(Failure::usage(
                        format!("nothing says which it is about; say --{name}"),
                        format!("{} context show", cx.program),
                    ));
                }
                _ => {}
            }
        }
    }
    Ok((path, members))
}

fn with_query(path: String, members: &Map<String, Value>) -> String {
    let pairs = members.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let query: Vec<_> =
        pairs.map(|(name, value)| format!("{}={}", segment(name), segment(value))).collect();
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

/// One segment of a path, or one word of a query (RFC 3986 §2.3).
fn segment(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
