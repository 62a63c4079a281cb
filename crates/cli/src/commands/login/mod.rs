//! `login`: in a browser here, with a code anywhere, or with a token that is there already.
//!
//! | module | what |
//! |---|---|
//! | [`given`] | `login-token`, for brands that place it |
//! | `older` | a token of an older system, for one project |
//! | [`options`] | the command line, understood |
//! | [`prompt`] | what a person reads while it waits for them |
//! | [`progress`] | the flow's events, told to a person or to a program |
//! | `store` | where the sign-in is to be kept, if that has to be asked |
//! | `job` | `--oidc`: as the CI job that this is |
//! | [`token`] | `--with-token`, `--token-file`, and why there is no `--token VALUE` |

pub mod given;
mod job;
mod older;
pub mod options;
pub mod progress;
pub mod prompt;
mod store;
pub mod token;

use clap::ArgMatches;
use hallpass_client::status::Account;
use hallpass_client::{Client, Error, Event, Inbox, Login, Source, State};
use hallpass_core::brand::{Argument, filled};

pub use options::command;
use options::{How, Options};
use progress::Progress;

use super::{agent, alone, legacy};
use crate::arguments::Globals;
use crate::failure::About;
use crate::{Context, Exit, Failure, Input, Output, own, refusal};

/// Signs in.
pub fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    if let Some(project) = options::project(matches) {
        return older::run(cx, out, stdin, globals, (project, matches));
    }
    let done =
        Options::read(cx, globals, matches, out.terminal.streams.stdin).and_then(|options| {
            counts_more(cx, out, &options);
            match options.how {
                How::Job => job::run(cx, out, globals, &options),
                How::Token(_) => sign_in(cx, out, stdin, &options),
                How::Wait | How::Begin | How::Resume(_) => agent::refuses_login(cx, globals)
                    .and_then(|()| sign_in(cx, out, stdin, &options)),
            }
        });
    match done {
        Ok(()) => Ok(Exit::Usable),
        // A program that reads events finds the end among them.
        Err(failure) if out.json && !failure.is_quiet() => {
            let failure = alone::told_here(failure, cx, globals);
            progress::failed(out, &failure)?;
            Ok(failure.exit)
        }
        Err(failure) => Err(failure),
    }
}

fn sign_in(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    options: &Options,
) -> Result<(), Failure> {
    let client = (cx.client)(options.selection.clone());
    let refuse = |error| told(&error, cx, options);
    if matches!(options.how, How::Wait) && cx.brand.login.refreshes {
        match renewed(&client) {
            Ok(Some(account)) => {
                still(cx, out, &account);
                return Ok(());
            }
            Ok(None) => {}
            Err(error) => return Err(refuse(error)),
        }
    }
    let place = store::agreed(cx, out, stdin, &client, options)?;
    if let Some(place) = place.filter(|place| place.kind == "none") {
        return Err(store::nowhere(cx, &place));
    }
    let older = match &options.how {
        // Nobody is signed in when it returns.
        How::Begin => Vec::new(),
        _ => legacy::agreed(cx, out, stdin, &client)?,
    };
    flow(cx, out, stdin, options, &client)?;
    if older.is_empty() {
        return Ok(());
    }
    let server = client.server().map_err(refuse)?;
    // What could not be cleaned has been told; the sign-in has worked.
    legacy::clean(cx, out, &client, &server, &older).map(drop)
}

/// A token in the variable needs no sign-in, and counts more than one. That is said before
/// anybody goes to a browser for it (CLIENT F2).
fn counts_more(cx: &Context<'_>, out: &mut Output<'_>, options: &Options) {
    let variable = cx.brand.variable("TOKEN");
    let first = cx.brand.sources.variable_wins() && cx.environment.var(&variable).is_some();
    let told = match options.how {
        How::Wait | How::Begin => {
            "no sign-in is needed while it is, and it counts more than this one"
        }
        How::Job => "it counts more than what this job gets",
        How::Token(_) | How::Resume(_) => return,
    };
    if first && !out.json {
        out.warning(&format!("{variable} is set: {told}"));
    }
}

/// Refreshes what somebody is signed in with; `None` if nobody is, or if it has ended.
fn renewed(client: &Client) -> Result<Option<Account>, Error> {
    let status = client.status();
    let usable = matches!(status.state, State::Valid | State::Refreshable);
    if !usable || !matches!(status.source, Source::Profile { .. }) {
        return Ok(None);
    }
    match client.session().and_then(|session| session.renew()) {
        Ok(_) => Ok(Some(status.account.unwrap_or_default())),
        Err(Error::SessionEnded { .. } | Error::Expired { .. } | Error::NotSignedIn { .. }) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Somebody was signed in, and still is.
fn still(cx: &Context<'_>, out: &mut Output<'_>, account: &Account) {
    let facts = own::account(account, out.paint());
    match &cx.brand.texts.refreshed {
        Some(text) => out.own(&filled(text, &facts)),
        None => {
            let who = out.paint().foreign(account.label(), 320);
            out.success(&format!("Signed in as {who}; the sign-in was refreshed"));
        }
    }
}

fn flow(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    options: &Options,
    client: &Client,
) -> Result<(), Failure> {
    let refuse = |error| told(&error, cx, options);
    match &options.how {
        // It is kept in no store, so nothing about stores is asked.
        How::Job => Ok(()),
        How::Token(from) => {
            if matches!(from, token::From::Given(_)) {
                out.warning(&own::seen_in_argv(cx));
            }
            let text = token::read(cx, stdin, out.terminal.streams.stdin, from, &options.retry)?;
            // It is about the token that was brought, and not about who is signed in.
            let refuse = |error: Error| {
                let mut failure = told(&error, cx, options).in_our_words();
                if let Error::OlderToken { of, .. } = &error {
                    // Where no login keeps one, the variable takes it.
                    failure.next = match cx.brand.login.argument {
                        Argument::Project => older::handed_over(cx, of.as_deref()),
                        _ => format!("export {}=TOKEN", cx.brand.variable("TOKEN")),
                    };
                }
                failure
            };
            let login = client.login_with_token(text, &options.login).map_err(refuse)?;
            progress::token_kept(cx, out, &login)
        }
        How::Begin => {
            let pending = client.login_begin(&options.login).map_err(refuse)?;
            progress::begun(cx, out, &pending, options.qr)
        }
        How::Wait => {
            wait(cx, out, stdin, options, |inbox, sink| client.login(&options.login, inbox, sink))
        }
        How::Resume(handle) => wait(cx, out, stdin, options, |inbox, sink| {
            client.login_resume(handle.as_deref(), &options.login, inbox, sink)
        }),
    }
}

/// What a sign-in usually has, in seconds, for whoever gave it less.
const LONG_ENOUGH: u64 = 600;

/// Tells `error`; what is to be typed next still names the server that was named.
fn told(error: &hallpass_client::Error, cx: &Context<'_>, options: &Options) -> Failure {
    let mut failure = refusal::told(error, cx, &options.retry);
    let login = format!("{} login", cx.program);
    if let (Error::TimedOut { seconds }, Some(_)) = (error, options.login.timeout) {
        let longer = seconds.saturating_mul(2).clamp(LONG_ENOUGH, options::LONGEST_WAIT);
        failure.next = format!("{} --timeout {longer}", options.retry);
        failure.about = Some(Box::new(About::Patience));
    } else if failure.next == login {
        failure.next.clone_from(&options.retry);
    } else if let Some(server) = &options.selection.server
        && let Some(flags) = failure.next.strip_prefix(&format!("{login} --"))
    {
        failure.next = format!("{login} {server} --{flags}");
    }
    failure
}

/// Runs a flow, telling its events; Ctrl-C stops it.
fn wait(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    options: &Options,
    flow: impl FnOnce(Inbox, &mut dyn FnMut(Event)) -> Result<Login, hallpass_client::Error>,
) -> Result<(), Failure> {
    let (sender, inbox) = Inbox::new();
    let stop = sender.clone();
    (cx.on_interrupt)(Box::new(move || {
        stop.stop();
    }));
    let streams = out.terminal.streams;
    let can_paste = streams.stdin && streams.stderr && !out.json && cx.unattended().is_none();
    let mut progress = Progress::new(cx, out, options.qr, can_paste);
    let done = flow(inbox, &mut |event| {
        if progress.event(event).wants_paste {
            let sender = sender.clone();
            stdin.each_line(Box::new(move |line| sender.paste(line)));
        }
    });
    let lost = progress.finish();
    done.map_err(|error| told(&error, cx, options))?;
    // The sign-in is stored, even if nobody reads our events any more.
    lost.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    #[test]
    fn the_next_command_still_names_the_server() {
        let next = |line: &str, error: &Error| {
            Town::new().parse(line, |cx, globals, matches| {
                let options = Options::read(cx, globals, matches, true).unwrap();
                told(error, cx, &options).next
            })
        };
        let named = "hallpass login https://id.example.com";
        assert_eq!(next(named, &Error::Denied), named);
        assert_eq!(next(&format!("{named} --web"), &Error::CodeExpired), format!("{named} --web"));
        assert_eq!(next(named, &Error::PortInUse { port: 4000 }), format!("{named} --device"));
        assert_eq!(
            next("hallpass login", &Error::PortInUse { port: 4000 }),
            "hallpass login --device"
        );
        assert_eq!(next("hallpass login", &Error::Denied), "hallpass login");
    }
}
