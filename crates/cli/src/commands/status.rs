//! `status`: signed in or not, as whom, from where (CLIENT group G).

mod view;

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::client::CHECK;
use hallpass_client::target::Asked;
use hallpass_client::vault::Place;
use hallpass_client::{Client, Error, Masked, Source, State, Status, Target, Warning};
use hallpass_core::Timestamp;
use hallpass_core::brand::filled;
use hallpass_core::wire::api::Whose;
use hallpass_core::wire::approvals::ApprovalState;

use super::context;
use super::{client, retry, warn};
use crate::arguments::Globals;
use crate::paint::Paint;
use crate::refusal::{ended, exit_of, login_at, told};
use crate::{Context, Exit, Failure, Output, layout, words};

use view::view;
pub(crate) use view::{AccountView, Store, WarningView};

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("status").about("Say whether you are signed in, as whom, and how").arg(
        Arg::new("check")
            .long("check")
            .action(ArgAction::SetTrue)
            .help("Ask the server too, also for what waits for you; without it nothing is sent"),
    )
}

/// Says it: on standard output where the credential is usable, else on standard error.
pub fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let check = matches.get_flag("check");
    // All that it asks shares the one limit (CLIENT G2).
    let client = client(cx, globals).within(CHECK);
    // Whoever contradicts himself about the place is still signed in.
    let target = client
        .target(&Asked::from(globals))
        .unwrap_or_else(|error| Target { ignored: Some(error.to_string()), ..Target::default() });
    let status = look(cx, out, &client, &target, check);
    let exit = status.class().map_or(Exit::Usable, exit_of);
    // What a brand ends a state with is not about what cannot be said.
    let named = if exit == Exit::Usage { "" } else { status.state.name() };
    let persons = check && exit == Exit::Usable && matches!(status.source, Source::Profile { .. });
    if out.json {
        let waiting = persons.then(|| waiting(&client));
        out.json(&view(&status, &target, waiting))?;
    } else if status.state == State::LocalMode {
        nobody_has_to(cx, out, &status)?;
    } else if let (Exit::Usable, Some(own)) = (exit, &cx.brand.texts.status) {
        let ends = out.exit_of(named, exit);
        if ends != exit {
            // Usable for us, and not for this tool.
            return Ok(out.failure(&other(cx, &status)));
        }
        let facts = crate::own::status(cx, &status, &target, out.terminal.data());
        let mut text = filled(own, &facts) + "\n";
        if text.trim().is_empty() {
            // Nothing that the brand tells is known.
            let look = (out.terminal.data(), out.terminal.width);
            text = usable(cx, &status, &target, check, look);
        }
        out.data(text.as_bytes())?;
        warn(out, &status.warnings);
    } else if exit == Exit::Usable {
        let look = (out.terminal.data(), out.terminal.width);
        let text = usable(cx, &status, &target, check, look);
        out.data(text.as_bytes())?;
        if persons {
            tell_what_waits(cx, out, waiting(&client));
        }
    } else {
        // What was selected cannot be: that is the failure itself, and not a warning.
        let failure = |warning: &Warning| matches!(warning, Warning::Selection { .. });
        let rest = status.warnings.iter().filter(|warning| !failure(warning));
        warn(out, &rest.cloned().collect::<Vec<_>>());
        let failure = unusable(cx, globals, &status, exit);
        return Ok(out.failure(&super::alone::told_here(failure, cx, globals)));
    }
    Ok(out.exit_of(named, exit))
}

/// As a login says it.
fn nobody_has_to(cx: &Context<'_>, out: &mut Output<'_>, status: &Status) -> Result<(), Failure> {
    if let Some(own) = cx.brand.failures.get(status.state.name()) {
        out.own(own);
        return Ok(());
    }
    let (paint, width) = (out.terminal.data(), out.terminal.width);
    let server = paint.foreign(&status.server, 200);
    let mark = format!("{} ", paint.letters("✓", "ok:"));
    let told = format!("Nobody has to sign in to {server}: it runs in local mode");
    out.data(format!("{}\n", layout::wrap(&told, width, &mark, "  ")).as_bytes())
}

/// A state that this tool counts as none that can be used.
fn other(cx: &Context<'_>, status: &Status) -> Failure {
    let what = format!("the sign-in at {} is to be renewed first", status.server);
    let next = format!("{} login", cx.program);
    Failure::new(Exit::NotSignedIn, status.state.name(), what, next).kept("Nothing was changed.")
}

/// What is known here, or at the server if that is asked for.
fn look(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    client: &Client,
    target: &Target,
    check: bool,
) -> Status {
    if !check && !cx.brand.status.asks_server {
        return client.status();
    }
    let status = client.status_checked_at(target);
    match (&status.state, check) {
        (State::CannotVerify { reason }, false) => {
            out.warning(&format!("{reason}; this is what is known here"));
            client.status()
        }
        _ => status,
    }
}

/// How much of what agents ask for waits. An older server, which does not know of it, says nothing.
fn waiting(client: &Client) -> usize {
    let asked = client.session().and_then(|session| session.approvals()).unwrap_or_default();
    asked.iter().filter(|asked| asked.state == ApprovalState::Pending).count()
}

fn tell_what_waits(cx: &Context<'_>, out: &mut Output<'_>, waiting: usize) {
    if waiting > 0 {
        let agents = if waiting == 1 { "An agent asks" } else { "Agents ask" };
        out.sentence(&format!(
            "{agents} for your approval ({waiting}): {} agent approvals",
            cx.program
        ));
    }
}

/// The lines for a credential that can be used.
fn usable(
    cx: &Context<'_>,
    status: &Status,
    target: &Target,
    checked: bool,
    (paint, width): (Paint, usize),
) -> String {
    let server = paint.foreign(&status.server, 200);
    let whose = status.place.as_ref().map_or(Whose::User, |at| at.whose);
    let headline = match &status.account {
        Some(account) => {
            let what = match whose {
                Whose::User => "",
                Whose::Key => "the key ",
                Whose::Job => "the job ",
            };
            format!("Signed in to {server} as {what}{}", paint.foreign(account.label(), 320))
        }
        None if matches!(status.source, Source::Workload { .. }) => {
            format!("This job can sign in to {server}; the server was not asked")
        }
        None => format!("Using a token for {server}; the server was not asked"),
    };
    let mark = paint.letters("✓", "ok:");
    let mut text = layout::wrap(&headline, width, &format!("{mark} "), "  ");
    text = text.replacen(mark, &paint.good(mark), 1);
    text.push_str("\n\n");
    // One that says nothing of it may take anything.
    let silent = status.warnings.iter().any(|it| matches!(it, Warning::Unsaid { .. }));
    let mut pairs = pairs(cx, status, checked && !silent, paint);
    pairs.extend(context::pairs(cx, target, paint));
    if let Some(at) = &status.place {
        if whose != Whose::User {
            pairs.push(("Bound to", paint.foreign(&at.name(), 200)));
        }
        if !at.org.plan.is_empty() {
            pairs.push(("Plan", paint.foreign(&at.org.plan, 80)));
        }
    }
    text.push_str(&layout::fields(&pairs, width, paint));
    let warnings = status.warnings.iter().map(Warning::to_string);
    for warning in warnings.chain(target.ignored.clone()) {
        let line = layout::wrap(&paint.spelt(&warning), width, "warning: ", "  ");
        text.push('\n');
        text.push_str(&line.replacen("warning:", &paint.warning("warning:"), 1));
        text.push('\n');
    }
    text
}

fn pairs(
    cx: &Context<'_>,
    status: &Status,
    checked: bool,
    paint: Paint,
) -> Vec<(&'static str, String)> {
    let now = cx.clock.now();
    let mut pairs = vec![("Source", source(&status.source))];
    if let Some(token) = &status.token {
        pairs.push(("Token", paint.spelt(&masked(token)).into_owned()));
    }
    if let Source::Profile { .. } = status.source {
        pairs.push(("Kept in", kept_in(cx, &status.store)));
    }
    let title = if status.token.is_some() { "Its end" } else { "Access token" };
    pairs.push((title, access(status, checked, now)));
    if let Some(scope) = status.scope.as_ref().filter(|scope| !scope.is_empty()) {
        pairs.push(("Scopes", paint.foreign(&scope.to_string(), 1000)));
    }
    if let Some(issuer) = status.issuer.as_ref().filter(|issuer| **issuer != status.server) {
        pairs.push(("Issued by", paint.foreign(issuer, 200)));
    }
    pairs
}

/// Where the brand says that it is the keyring, the keyring comes first here too; what lies where
/// is the same.
fn kept_in(cx: &Context<'_>, place: &Place) -> String {
    let home = cx.environment.home();
    match (place.kind, place.keyring) {
        ("sealed_file", Some(keyring)) if cx.brand.texts.kept_in_keyring.is_some() => {
            let file = words::path(&place.path, home.as_deref());
            format!("the system keyring ({keyring}), with the key that seals {file}")
        }
        _ => words::place(place, home.as_deref()),
    }
}

fn source(source: &Source) -> String {
    match source {
        Source::Explicit => "a token given by the program".to_owned(),
        Source::Variable { name } => format!("the variable {name}"),
        Source::Workload { platform } => format!("this job's identity, from {platform}"),
        Source::Profile { name } => format!("profile {name}"),
        Source::None => "none".to_owned(),
    }
}

/// `personal token, hp_user_…AbCd`: enough to tell it by (CLIENT G6).
fn masked(token: &Masked) -> String {
    let kind = words::token(token.kind);
    match &token.ends {
        Some((prefix, last_four)) => format!("{kind}, {prefix}…{last_four}"),
        None => kind.to_owned(),
    }
}

fn access(status: &Status, checked: bool, now: Timestamp) -> String {
    let ends = match status.expires_at {
        Some(end) if end > now => {
            format!("good for {} (until {})", words::duration(end.since(now)), end.to_human())
        }
        Some(end) => format!("ended {} ago", words::duration(now.since(end))),
        None if endless(status, checked) => "never by itself".to_owned(),
        None => "not known here".to_owned(),
    };
    match (&status.state, checked) {
        (State::Refreshable, _) if matches!(status.source, Source::Workload { .. }) => {
            "traded for this job's identity at the next use".to_owned()
        }
        (State::Refreshable, _) => format!("{ends}; will refresh at the next use"),
        (_, true) => format!("{ends}; the server accepts it"),
        (_, false) => ends,
    }
}

/// Whether the server said that the token has no end: now, or when it was stored.
fn endless(status: &Status, checked: bool) -> bool {
    let stored = matches!(status.source, Source::Profile { .. });
    let told = |token: &Masked| checked || (stored && token.kind.is_long_lived());
    status.token.as_ref().is_some_and(told)
}

/// What happened, what was kept, one next command.
fn unusable(cx: &Context<'_>, globals: &Globals, status: &Status, exit: Exit) -> Failure {
    let server = &status.server;
    let profile = match &status.source {
        Source::Profile { name } => Some(name),
        _ => globals.profile.as_ref(),
    };
    let login = match profile {
        Some(name) => format!("{} login --profile {name}", cx.program),
        None => login_at(cx, server),
    };
    let told = |command| status.error.as_ref().map(|it| told(it, cx, &retry(cx, globals, command)));
    let told_as_it_is = !matches!(
        status.state,
        State::Expired | State::Ended { .. } | State::Rejected { .. } | State::CannotVerify { .. }
    );
    if let Some(mut failure) = told("status").filter(|_| told_as_it_is) {
        failure.exit = exit;
        // What is wrong with the store, or with what was said, has a name of its own, and a brand
        // may have words for it.
        if exit != Exit::Usage && !matches!(status.state, State::StoreUnavailable { .. }) {
            failure.code = status.state.name().to_owned();
        }
        return failure;
    }
    let kept_profile = Some("The profile is still there, to sign in to again.");
    let mut reason_of_end = None;
    // Where there is nothing about what was kept, the client's own words say it.
    let (what, kept, next) = match &status.state {
        State::Expired => {
            let what = format!("the access token for {server} has ended and cannot be refreshed");
            match &status.source {
                Source::Variable { name } => {
                    (what, Some("Nothing was changed."), format!("unset {name}"))
                }
                _ => (what, kept_profile, login),
            }
        }
        State::Ended { at, reason } => {
            reason_of_end = Some(reason.as_str().into());
            (ended(server, *at), kept_profile, login)
        }
        State::Rejected { reason } => {
            let next = match &status.source {
                Source::Variable { name } => format!("unset {name}"),
                Source::Workload { .. } => format!("{} login --oidc", cx.program),
                _ => login,
            };
            // A refusal says itself whose it is, which may be a provider elsewhere.
            let said = matches!(status.error, Some(Error::Rejected { .. }));
            let what = match said || reason.starts_with(server.as_str()) {
                true => reason.clone(),
                false => format!("{server} rejected the credential: {reason}"),
            };
            (what, Some("It was kept."), next)
        }
        State::CannotVerify { reason } => (
            format!("cannot verify your sign-in: {reason}"),
            None,
            match told("status --check") {
                Some(failure) => failure.next,
                None => retry(cx, globals, "status --check"),
            },
        ),
        _ => (format!("not signed in to {server}"), Some("Nothing was changed."), login),
    };
    let mut failure = Failure::new(exit, status.state.name(), what, next);
    // A brand's words for a token that is refused are those of every other command.
    if matches!(status.state, State::Rejected { .. })
        && let Some(code) = status.error.as_ref().map(hallpass_client::Error::code)
        && !cx.brand.failures.contains_key(&failure.code)
        && cx.brand.failures.contains_key(code)
    {
        failure.code = code.to_owned();
    }
    failure.kept = kept.map(Box::from);
    failure.reason = reason_of_end;
    failure
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
