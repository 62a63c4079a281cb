//! What the server refused about a key, in one line, and the command that helps.

use hallpass_client::Error;

use crate::arguments::Globals;
use crate::commands::{forbidden, retry};
use crate::refusal::told;
use crate::{Context, Exit, Failure, words};

/// Tells what came instead of an answer. `word` is the key's name, or how it was named.
pub(super) fn refused(
    error: &Error,
    cx: &Context<'_>,
    globals: &Globals,
    verb: &'static str,
    word: &str,
) -> Failure {
    let next = |command: &str| retry(cx, globals, command);
    let Error::Problem { status, code, title, detail, .. } = error else {
        return told(error, cx, &next(&format!("key {verb}")));
    };
    let said = detail.as_ref().unwrap_or(title).trim_end_matches('.').to_owned();
    let fail = |exit, what: String, next: String| {
        Failure::new(exit, code.clone(), what, next).kept("Nothing was changed.")
    };
    match (status, code.as_str(), verb) {
        (403, ..) => fail(Exit::Rejected, said, forbidden(cx, globals, error)),
        (404, _, "rotate" | "revoke") => unknown(cx, globals, &format!("{word:?}")),
        (404, ..) => fail(Exit::Other, said, next("whoami")),
        (409, "name_taken", _) => fail(
            Exit::Other,
            format!("a key called {word:?} is there already; to get a new value for it, rotate it"),
            next(&format!("key rotate {}{} --overlap 7d", words::quoted(word), named(globals))),
        ),
        (409, ..) => fail(Exit::Other, said, next("key list")),
        (400 | 422, ..) => fail(Exit::Usage, said, format!("{} key {verb} --help", cx.program)),
        _ => told(error, cx, &next(&format!("key {verb}"))),
    }
}

/// The place as it was named: a key is found by its name only there.
fn named(globals: &Globals) -> String {
    let flags = [("--org", &globals.org), ("--project", &globals.project)];
    let said = flags.iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?)));
    said.map(|(flag, value)| format!(" {flag} {value}")).collect()
}

/// There is no such key, or it is not for this person to manage.
pub(super) fn unknown(cx: &Context<'_>, globals: &Globals, word: &str) -> Failure {
    Failure::new(
        Exit::Other,
        "not_found",
        format!("there is no key {word} that you manage; it may have been revoked, or have ended"),
        retry(cx, globals, "key list"),
    )
    .kept("Nothing was changed.")
}
