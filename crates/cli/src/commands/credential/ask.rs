//! Signing in because another tool asked, where the person has allowed it (`--login`).
//!
//! A tool with twenty requests starts twenty helpers: of all of them, in all processes, one
//! puts a prompt before the person, and none of the others for a minute (CLIENT I6).

use hallpass_client::Selection;

use crate::arguments::{Globals, add_globals};
use crate::commands::{login, retry};
use crate::context::Input;
use crate::terminal::Terminal;
use crate::{Context, Exit, Failure, Output, system};

/// Signs in at the terminal, whatever standard input and output are used for.
pub(super) fn sign_in(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    selection: &Selection,
) -> Result<(), Failure> {
    let next = retry(cx, globals, "login");
    let nobody = |why: &str| {
        Failure::new(
            Exit::NotSignedIn,
            "not_signed_in",
            format!("nobody is signed in, and {why}"),
            &next,
        )
        .kept("Nothing was changed.")
    };
    if let Some(why) = cx.unattended() {
        return Err(nobody(&format!("{why}, so nobody is asked")));
    }
    if !system::has_terminal() {
        return Err(nobody("there is no terminal to ask at"));
    }
    let client = (cx.client)(selection.clone());
    if !client.may_ask().map_err(|error| crate::refusal::told(&error, cx, &next))? {
        return Err(nobody("the same question was put before you less than a minute ago"));
    }
    let mut words = vec!["login".to_owned()];
    words.extend(selection.server.clone());
    if let Some(profile) = &selection.profile {
        words.extend(["--profile".to_owned(), profile.clone()]);
    }
    let tree = add_globals(login::command(cx.brand), cx.brand);
    let Ok(matches) = tree.try_get_matches_from(words) else {
        return Err(nobody("the sign-in could not be started"));
    };
    let globals = Globals { json: false, ..Globals::read(&matches) };
    // Prose goes where it went; data of the sign-in is nobody's, for that stream is taken.
    let mut nowhere = std::io::sink();
    out.with_data(&mut nowhere, |out| {
        let streams = out.terminal.streams;
        out.terminal = Terminal {
            streams: crate::terminal::Streams { stdin: true, ..streams },
            ..out.terminal
        };
        let exit = login::run(cx, out, &mut Nothing, &globals, &matches);
        out.terminal = Terminal { streams, ..out.terminal };
        exit
    })
    .map(drop)
}

/// Standard input belongs to the protocol.
struct Nothing;

impl Input for Nothing {
    fn read_all(&mut self, _: u64) -> std::io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn hidden(&mut self, _: &str) -> std::io::Result<Option<hallpass_core::Secret>> {
        Ok(None)
    }

    fn confirm(&mut self, _: &str) -> std::io::Result<Option<bool>> {
        Ok(None)
    }

    fn each_line(&mut self, _: Box<dyn FnMut(String) -> bool + Send>) {}
}
