//! `login`: in a browser here, with a code anywhere, or with a token that is there already.
//!
//! | module | what |
//! |---|---|
//! | [`options`] | the command line, understood |
//! | [`prompt`] | what a person reads while it waits for them |
//! | [`progress`] | the flow's events, told to a person or to a program |
//! | [`token`] | `--with-token`, `--token-file`, and why there is no `--token VALUE` |

pub mod options;
pub mod progress;
pub mod prompt;
pub mod token;

use clap::ArgMatches;
use hallpass_client::{Event, Inbox, Login};

pub use options::command;
use options::{How, Options};
use progress::Progress;

use crate::arguments::Globals;
use crate::refusal::told;
use crate::{Context, Exit, Failure, Input, Output};

/// Signs in.
pub fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let done = Options::read(cx, globals, matches, out.terminal.streams.stdin)
        .and_then(|options| sign_in(cx, out, stdin, &options));
    match done {
        Ok(()) => Ok(Exit::Usable),
        // A program that reads events finds the end among them.
        Err(failure) if out.json && !failure.is_quiet() => {
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
    let refuse = |error| told(&error, cx, &options.retry);
    match &options.how {
        How::Token(from) => {
            let text = token::read(cx, stdin, out.terminal.streams.stdin, from, &options.retry)?;
            let login = client.login_with_token(text, &options.login).map_err(refuse)?;
            progress::signed_in(cx, out, &login)
        }
        How::Begin => {
            let pending = client.login_begin(&options.login).map_err(refuse)?;
            progress::begun(cx, out, &pending, options.qr)
        }
        How::Wait => {
            let login = wait(cx, out, stdin, options, |inbox, sink| {
                client.login(&options.login, inbox, sink)
            })?;
            progress::signed_in(cx, out, &login)
        }
        How::Resume(handle) => {
            let login = wait(cx, out, stdin, options, |inbox, sink| {
                client.login_resume(handle.as_deref(), &options.login, inbox, sink)
            })?;
            progress::signed_in(cx, out, &login)
        }
    }
}

/// Runs a flow, telling its events; Ctrl-C stops it.
fn wait(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    options: &Options,
    flow: impl FnOnce(Inbox, &mut dyn FnMut(Event)) -> Result<Login, hallpass_client::Error>,
) -> Result<Login, Failure> {
    let (sender, inbox) = Inbox::new();
    let stop = sender.clone();
    (cx.on_interrupt)(Box::new(move || {
        stop.stop();
    }));
    let streams = out.terminal.streams;
    let can_paste = streams.stdin && streams.stderr && !out.json && cx.unattended().is_none();
    let mut progress = Progress::new(out, options.qr, can_paste);
    let done = flow(inbox, &mut |event| {
        if progress.event(event).wants_paste {
            let sender = sender.clone();
            stdin.each_line(Box::new(move |line| sender.paste(line)));
        }
    });
    let lost = progress.finish();
    let login = done.map_err(|error| told(&error, cx, &options.retry))?;
    // Nobody reads our events any more. The sign-in itself is stored.
    lost.map_or(Ok(login), Err)
}
