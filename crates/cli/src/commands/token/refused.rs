//! What the server refused, in one line, and the command that helps.

use hallpass_client::{Error, Source};
use hallpass_core::scope::{ACCOUNT, TOKENS};

use super::named::unknown;
use super::page;
use crate::arguments::Globals;
use crate::commands::{forbidden, retry};
use crate::refusal::told;
use crate::{Context, Exit, Failure, words};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked<'a> {
    /// To list them.
    List,
    /// A new one of this name.
    Create {
        /// The name.
        name: &'a str,
    },
    /// Another name for one.
    Rename {
        /// How the token was named on the command line.
        word: &'a str,
        /// What it was to be called.
        name: &'a str,
    },
    /// Something else about one.
    Change {
        /// How the token was named on the command line.
        word: &'a str,
        /// The verb of the command.
        verb: &'static str,
    },
}

impl<'a> Asked<'a> {
    /// To look at one.
    pub(super) fn about(word: &'a str) -> Self {
        Self::Change { word, verb: "list" }
    }

    fn verb(&self) -> &'static str {
        match self {
            Asked::List => "list",
            Asked::Create { .. } => "create",
            Asked::Rename { .. } => "rename",
            Asked::Change { verb, .. } => verb,
        }
    }

    /// Looking takes less than changing.
    fn scope(&self) -> &'static str {
        if self.verb() == "list" { ACCOUNT } else { TOKENS }
    }
}

/// Tells what came instead of an answer.
pub(super) fn refused(
    error: &Error,
    cx: &Context<'_>,
    globals: &Globals,
    asked: &Asked<'_>,
) -> Failure {
    let verb = asked.verb();
    let next = |command: &str| retry(cx, globals, command);
    let Error::Problem { status, code, title, detail, by, server } = error else {
        return told(error, cx, &next(&format!("token {verb}")));
    };
    let words = detail.as_ref().unwrap_or(title).trim_end_matches('.').to_owned();
    let fail = |exit, what: String, next: String| {
        Failure::new(exit, code.clone(), what, next).kept("Nothing was changed.")
    };
    match (status, code.as_str(), asked) {
        (403, "insufficient_scope", _) => {
            let scope = asked.scope();
            let whose = match &**by {
                Source::Variable { name } => format!("the token in {name}"),
                Source::Profile { .. } => "this sign-in".to_owned(),
                Source::Workload { .. } => "the pass of this job".to_owned(),
                Source::Explicit | Source::None => "this token".to_owned(),
            };
            let what = format!("{whose} was not given the scope {scope}");
            match page(cx.brand).filter(|_| scope == TOKENS) {
                // Another sign-in would bring another one like it.
                Some(page) => {
                    let address = format!("{}{page}", server.trim_end_matches('/'));
                    let what = format!("{what}; your tokens are made and changed in a browser");
                    fail(Exit::Rejected, what, address)
                }
                None => fail(Exit::Rejected, what, forbidden(cx, globals, error)),
            }
        }
        (403, ..) => fail(Exit::Rejected, words, forbidden(cx, globals, error)),
        (404, _, Asked::Rename { word, .. } | Asked::Change { word, .. }) => {
            unknown(cx, globals, word, None)
        }
        (409, "name_taken", Asked::Create { name }) => fail(
            Exit::Other,
            format!(
                "you have a token called {name:?} already; to get a new value for it, rotate it"
            ),
            next(&format!("token rotate {}", words::quoted(name))),
        ),
        (409, "name_taken", Asked::Rename { name, .. }) => {
            fail(Exit::Other, format!("another token is called {name:?}"), next("token list"))
        }
        (409, ..) => fail(Exit::Other, words, next("token list")),
        (400 | 422, ..) => fail(Exit::Usage, words, format!("{} token {verb} --help", cx.program)),
        (404, ..) => fail(Exit::Other, words, next("status --check")),
        _ => told(error, cx, &next(&format!("token {verb}"))),
    }
}

#[cfg(test)]
mod tests {
    use hallpass_core::brand::{Brand, Keeps};

    use super::*;
    use crate::testing::Town;

    const CREATE: Asked<'_> = Asked::Create { name: "my ci" };
    const REVOKE: Asked<'_> = Asked::Change { word: "ci", verb: "revoke" };

    fn failure(status: u16, code: &str, asked: &Asked<'_>, source: &Source) -> Failure {
        let error = Error::Problem {
            server: "https://id.example.com".into(),
            status,
            code: code.into(),
            title: "No.".into(),
            detail: Some("Because.".into()),
            by: Box::new(source.clone()),
        };
        Town::new().with(|cx| refused(&error, cx, &Globals::default(), asked))
    }

    #[test]
    fn every_refusal_has_its_exit_code_and_the_command_that_helps() {
        let profile = Source::Profile { name: "work".into() };
        let variable = Source::Variable { name: "HALLPASS_TOKEN".into() };
        let rename = Asked::Rename { word: "ci", name: "cd" };
        for (status, code, asked, source, exit, next) in [
            (403, "insufficient_scope", CREATE, &profile, 4, "hallpass login --profile work"),
            (403, "insufficient_scope", CREATE, &variable, 4, "unset HALLPASS_TOKEN"),
            (403, "not_allowed", Asked::List, &profile, 4, "hallpass whoami"),
            (404, "not_found", REVOKE, &profile, 1, "hallpass token list"),
            (404, "not_found", CREATE, &profile, 1, "hallpass status --check"),
            (409, "name_taken", CREATE, &profile, 1, "hallpass token rotate 'my ci'"),
            (409, "name_taken", rename, &profile, 1, "hallpass token list"),
            (409, "already_rotated", REVOKE, &profile, 1, "hallpass token list"),
            (400, "invalid_scope", CREATE, &profile, 2, "hallpass token create --help"),
            (418, "teapot", CREATE, &profile, 1, "hallpass token create"),
        ] {
            let told = failure(status, code, &asked, source);
            let got = (told.exit.code(), told.next.as_str(), told.code.as_str());
            assert_eq!(got, (exit, next, code), "{told:?}");
            assert!(told.kept.is_some(), "{told:?}");
        }
        let scope = |asked| failure(403, "insufficient_scope", asked, &profile).what;
        assert!(scope(&CREATE).ends_with("scope tokens"), "{}", scope(&CREATE));
        assert!(scope(&Asked::List).ends_with("scope account"), "{}", scope(&Asked::List));
        assert_eq!(failure(400, "bad", &CREATE, &profile).what, "Because");
    }

    // proves: ST06
    #[test]
    fn where_a_sign_in_keeps_a_token_that_makes_none_the_page_is_named_and_not_the_login() {
        let town = || Town::new().brand(|brand| brand.login.keeps = Keeps::Token);
        let alias = |brand: &mut Brand| {
            brand.pages.aliases.insert("/cli-tokens".into(), "/settings/tokens".into());
        };
        let next = |town: &Town, asked: &Asked<'_>, by: Source| {
            let error = Error::Problem {
                server: "https://id.example.com".into(),
                status: 403,
                code: "insufficient_scope".into(),
                title: "No.".into(),
                detail: None,
                by: Box::new(by),
            };
            town.with(|cx| refused(&error, cx, &Globals::default(), asked).next)
        };
        let profile = || Source::Profile { name: "work".into() };
        let variable = Source::Variable { name: "HALLPASS_TOKEN".into() };
        assert_eq!(next(&town(), &CREATE, profile()), "https://id.example.com/settings/tokens");
        let named = town().brand(alias);
        assert_eq!(next(&named, &REVOKE, variable), "https://id.example.com/cli-tokens");
        assert_eq!(next(&named, &Asked::List, profile()), "hallpass login --profile work");
        let help = named.run("hallpass token revoke --help").stdout;
        assert!(help.contains("/cli-tokens"), "{help}");
    }
}
