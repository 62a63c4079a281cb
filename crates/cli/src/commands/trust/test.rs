//! `trust test`: a token, or only its claims, against policies. It is decided here, with the rules
//! that the server decides with; the token is sent nowhere, and its issuer is not asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command, value_parser};
use hallpass_client::keys::Place;
use hallpass_client::{Error, Session};
use hallpass_core::trust::{Check, Claim, Claims, Examined, Pin, Policy, Standing, nearest_first};
use hallpass_core::wire::trust::{NewTrustPolicy, TrustPolicy};
use hallpass_core::{Scope, Secret, Timestamp};
use serde::Serialize;

use super::{checks, chosen, refused, session};
use crate::arguments::Globals;
use crate::commands::login::token;
use crate::commands::{retry, warn};
use crate::{Context, Exit, Failure, Input, Output, layout, words};

/// The token was made for less: that says nothing about policies (RFC 6750 §3.1).
const SCOPE_MISSING: &str = "insufficient_scope";
const NUMBER: &str = "a whole number of seconds";
/// The project of a line that is tried without a server.
const NOWHERE: &str = "ORG/PROJECT";

pub(super) fn command() -> Command {
    let file =
        |name: &'static str| Arg::new(name).value_name("FILE").value_parser(value_parser!(PathBuf));
    Command::new("test")
        .about("Would this token be let in? Each condition, with pass or fail")
        .after_help(
            "The token is not sent anywhere, and its signature is not looked at: this says what\n\
             the policies say, of the place that is chosen, else of all that you manage.\n\
             With --line nothing is sent at all.",
        )
        .arg(
            file("token-file")
                .value_name("TOKEN-FILE")
                .required_unless_present("claims")
                .help("A job's token; - is standard input"),
        )
        .arg(
            file("claims")
                .long("claims")
                .conflicts_with("token-file")
                .help("Only its claims, as JSON, like those of a denied exchange"),
        )
        .arg(
            Arg::new("line")
                .long("line")
                .value_name("LINE")
                .help("Against this line, instead of the policies of the server"),
        )
        .arg(
            Arg::new("issuer")
                .long("issuer")
                .value_name("URL")
                .requires("line")
                .help("Whose tokens the line is about, exactly [default: GitHub's]"),
        )
}

/// A policy, and what it is called.
struct Tried {
    id: String,
    sentence: String,
    policy: Policy,
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let claims = claims(cx, out, stdin, globals, matches)?;
    let (tried, server) = match matches.get_one::<String>("line") {
        Some(line) => {
            let issuer = matches.get_one::<String>("issuer").cloned();
            (vec![of_line(cx, line, issuer)?], globals.server.clone())
        }
        None => {
            let session = session(cx, globals, "test")?;
            let all = match chosen(cx, globals, "test")? {
                Some(place) => session.trust(place.place()),
                None => everywhere(&session),
            };
            let all = all.map_err(|error| refused(&error, cx, globals, "test"))?;
            warn(out, &session.take_warnings());
            (of_policies(&all), Some(session.server().to_owned()))
        }
    };
    let form = form(&claims, matches.contains_id("token-file"));
    let audience = server.map(|server| audience(&claims, &server));
    let found = nearest_first(tried.iter().map(|tried| (tried, &tried.policy)), &claims);
    let right = form.is_empty() && audience.as_ref().is_none_or(|check| check.passed);
    let admitted = right && found.iter().any(|(_, examined)| examined.admitted);
    if out.json {
        let ended_at = claims.date("exp").filter(|end| *end <= cx.clock.now());
        out.json(&view(admitted, (audience.as_ref(), &form), ended_at, &found))?;
    } else {
        tell(cx, out, admitted, (audience.as_ref(), &form, &found), &claims);
    }
    Ok(if admitted { Exit::Usable } else { Exit::Rejected })
}

/// Where no project is named: the policies of every organization that one manages. A token says
/// itself whose job it is.
fn everywhere(session: &Session) -> Result<Vec<TrustPolicy>, Error> {
    let mut all = Vec::new();
    for org in session.organizations(false)? {
        match session.trust(Place { org: &org.slug, project: None }) {
            Ok(found) => all.extend(found),
            // Who is only a member there sees no policies.
            Err(Error::Problem { status: 403 | 404, code, .. }) if code != SCOPE_MISSING => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

fn claims(
    cx: &Context<'_>,
    out: &Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Claims, Failure> {
    let read = |path: &Path, stdin: &mut dyn Input| -> Result<Secret, Failure> {
        let from = token::From::File(path.to_owned());
        let again = retry(cx, globals, "trust test TOKEN-FILE");
        token::read(cx, stdin, out.terminal.streams.stdin, &from, &again)
    };
    let path = |name| matches.get_one::<PathBuf>(name);
    let (found, what) = match (path("token-file"), path("claims")) {
        (Some(file), _) => {
            (Claims::of_unverified_jwt(read(file, stdin)?.expose()), "a JWT with claims")
        }
        (None, Some(file)) => (
            Claims::parse(read(file, stdin)?.expose().as_bytes()),
            "a JSON object, each member once",
        ),
        (None, None) => (None, "given"),
    };
    found.ok_or_else(|| {
        Failure::usage(
            format!("what is to be tested is not {what}"),
            format!("{} trust test --help", cx.program),
        )
    })
}

/// A line says nothing about permissions, and is for no project.
fn of_line(cx: &Context<'_>, line: &str, issuer: Option<String>) -> Result<Tried, Failure> {
    let permissions: Scope = "permission".parse().unwrap_or_default();
    let new = NewTrustPolicy {
        line: Some(line.to_owned()),
        issuer,
        permissions,
        ..NewTrustPolicy::default()
    };
    let policy = new
        .policy(NOWHERE)
        .map_err(|why| Failure::usage(why, format!("{} trust test --help", cx.program)))?;
    let sentence = hallpass_core::text::presentable(line, 1_000);
    Ok(Tried { id: "the line".to_owned(), sentence, policy })
}

/// As the server goes through them: the oldest first, each with what others of its organization
/// pin, as far as it is listed here.
fn of_policies(all: &[TrustPolicy]) -> Vec<Tried> {
    let mut sorted: Vec<&TrustPolicy> = all.iter().collect();
    sorted.sort_by_key(|it| &it.id);
    let pins = |of: &TrustPolicy| {
        let theirs = all.iter().filter(|it| (&it.org, &it.issuer) == (&of.org, &of.issuer));
        theirs.flat_map(|it| it.pins.iter().cloned()).collect()
    };
    sorted.into_iter().map(|it| of_policy(it.clone(), pins(it))).collect()
}

fn of_policy(policy: TrustPolicy, org_pins: Arc<[Pin]>) -> Tried {
    Tried {
        id: policy.id,
        sentence: policy.sentence,
        policy: Policy {
            issuer: policy.issuer,
            platform: policy.platform,
            conditions: policy.conditions,
            pins: policy.pins,
            org_pins,
            pin_first_use: policy.pin_first_use,
            project: format!("{}/{}", policy.org, policy.project),
            permissions: policy.permissions,
            ttl: std::time::Duration::from_secs(policy.ttl_seconds),
        },
    }
}

/// A server takes a token that is made out for its own address, and for no other.
fn audience(claims: &Claims, server: &str) -> Check {
    let found = claims.single_audience();
    let passed = found == Some(server);
    let hint =
        (!passed).then(|| format!("ask the platform for a token with the audience {server}"));
    Check {
        claim: "aud".to_owned(),
        wants: server.to_owned(),
        found: found.map(|found| hallpass_core::text::escaped(found, 300)),
        passed,
        standing: Standing::Always,
        hint,
    }
}

/// What of the standard claims a server would not read (PROTOCOL H06, H08). A whole token has all
/// of them; a file with claims may leave out what has nothing to do with policies.
fn form(claims: &Claims, whole: bool) -> Vec<Check> {
    let number = |name: &str| claims.date(name).is_some();
    let text = |name: &str| claims.text(name).is_some_and(|text| !text.is_empty());
    let is_there = |name: &str| !matches!(claims.get(name), Claim::Missing);
    let wanted = [
        ("exp", whole || is_there("exp"), number("exp"), NUMBER),
        ("iat", whole || is_there("iat"), number("iat"), NUMBER),
        ("nbf", is_there("nbf"), number("nbf"), NUMBER),
        ("jti", is_there("jti"), text("jti"), "a text"),
    ];
    let bad = wanted.into_iter().filter(|(_, asked, right, _)| *asked && !right);
    let said = claims.to_json();
    let found =
        |name: &str| said.get(name).map(|it| hallpass_core::text::escaped(&it.to_string(), 100));
    bad.map(|(name, _, _, wants)| Check {
        claim: name.to_owned(),
        wants: wants.to_owned(),
        found: found(name),
        passed: false,
        standing: Standing::Always,
        hint: None,
    })
    .collect()
}

/// What was tried, and what came of it.
type Outcome<'a> = (Option<&'a Check>, &'a [Check], &'a [(&'a Tried, Examined)]);

fn tell(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    admitted: bool,
    (audience, form, found): Outcome<'_>,
    claims: &Claims,
) {
    let paint = out.paint();
    let width = out.terminal.width;
    match (admitted, found.is_empty()) {
        (true, _) => out.success("It would be let in."),
        (false, true) => out.sentence("It would not be let in: there is no policy here."),
        (false, false) => out.sentence("It would not be let in. The nearest policy comes first:"),
    }
    if let Some(check) = audience.filter(|check| !check.passed) {
        checks::tell(out, std::slice::from_ref(check));
    }
    checks::tell(out, form);
    for (tried, examined) in found.iter().filter(|(_, it)| !admitted || it.admitted) {
        let id = paint.foreign(&tried.id, 60);
        let sentence = paint.foreign(&tried.sentence, 2_000);
        out.line(&layout::wrap(&format!("{id}: {sentence}"), width, "  ", "    "));
        checks::tell(out, &examined.checks);
    }
    let now = cx.clock.now();
    if let Some(end) = claims.date("exp").filter(|end| *end <= now) {
        let ago = words::ago(end, now);
        out.sentence(&format!("It ended {ago}, so a server refuses it for that alone."));
    }
}

/// `trust test --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    admitted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<&'a Check>,
    /// Standard claims that no server would read.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    form: &'a [Check],
    /// It is over: a server refuses it for that alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
    policies: Vec<TriedView<'a>>,
}

#[derive(Serialize)]
struct TriedView<'a> {
    id: &'a str,
    sentence: &'a str,
    admitted: bool,
    checks: &'a [Check],
}

fn view<'a>(
    admitted: bool,
    (audience, form): (Option<&'a Check>, &'a [Check]),
    ended_at: Option<Timestamp>,
    found: &'a [(&'a Tried, Examined)],
) -> View<'a> {
    let policies = found.iter().map(|(tried, examined)| TriedView {
        id: &tried.id,
        sentence: &tried.sentence,
        admitted: examined.admitted,
        checks: &examined.checks,
    });
    View { schema_version: 1, admitted, audience, form, ended_at, policies: policies.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: HP04
    #[test]
    fn what_no_server_would_read_is_told() {
        let bad = |claims: &str, whole: bool| {
            let claims = Claims::parse(claims.as_bytes()).expect("claims");
            form(&claims, whole).into_iter().map(|check| check.claim).collect::<Vec<_>>()
        };
        let whole = r#"{"exp":1795351080,"iat":1795350780,"jti":"1"}"#;
        assert!(bad(whole, true).is_empty() && bad(whole, false).is_empty());
        assert!(bad(r#"{"sub":"x"}"#, false).is_empty(), "only claims that policies are about");
        assert_eq!(bad(r#"{"sub":"x"}"#, true), ["exp", "iat"]);
        let odd = r#"{"exp":"1795351080","iat":1.5,"nbf":null,"jti":[]}"#;
        assert_eq!(bad(odd, false), ["exp", "iat", "nbf", "jti"]);
    }
}
