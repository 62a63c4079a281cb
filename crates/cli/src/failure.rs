//! How a failure is told: what happened, what was kept, exactly one next command.

use std::io;

use serde::Serialize;

use crate::Exit;

/// Why a command did not do what it was asked to. Texts hold no secret, and whatever
/// in them came from elsewhere has been made presentable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What scripts branch on.
    pub exit: Exit,
    /// Stable, for programs: `not_signed_in`, `unreachable`, …
    pub code: String,
    /// What happened, and what was kept if `kept` does not say it.
    pub what: String,
    /// What was kept, or that nothing changed.
    pub kept: Option<Box<str>>,
    /// The one command to type next.
    pub next: String,
    /// The server's own words, for `-v` and for programs.
    pub reason: Option<Box<str>>,
    /// What it is about, for a brand's own words.
    pub about: Option<Box<About>>,
    /// A brand's words for this state are about something else.
    pub(crate) ours: bool,
    quiet: bool,
}

/// What a [`Failure`] is about, where a brand may have words of its own for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A file, as it is shown.
    File(String),
    /// A sign-in was to be refreshed: `refresh_failed`.
    Refresh,
    /// The person's own time was up: the next command gives more, whatever a brand's words name.
    Patience,
}

/// A [`Failure`] as `--json` tells it, on standard error.
#[derive(Serialize)]
pub(crate) struct Told<'a> {
    pub(crate) error: Error<'a>,
}

/// What a program reads about a failure.
#[derive(Serialize)]
pub(crate) struct Error<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<&'a str>,
    next: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    exit: u8,
}

impl Failure {
    /// A failure whose text says what was kept.
    pub fn new(
        exit: Exit,
        code: impl Into<String>,
        what: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        let (code, what, next) = (code.into(), what.into(), next.into());
        let (kept, reason, about) = (None, None, None);
        let (ours, quiet) = (false, false);
        Self { exit, code, what, kept, next, reason, about, ours, quiet }
    }

    /// Says what was kept.
    #[must_use]
    pub fn kept(mut self, kept: impl Into<Box<str>>) -> Self {
        self.kept = Some(kept.into());
        self
    }

    /// Told in our words, whatever the brand has for this state.
    #[must_use]
    pub(crate) fn in_our_words(mut self) -> Self {
        self.ours = true;
        self
    }

    /// The command line cannot be done like that; nothing was.
    pub fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", what, next).kept("Nothing was changed.")
    }

    /// Standard output cannot be written to.
    ///
    /// Somebody who closed the pipe (`| head`) knows, and is not told.
    pub fn output(error: &io::Error, program: &str) -> Self {
        let what = format!("the answer could not be written: {error}");
        let mut failure = Self::new(Exit::Other, "output", what, format!("{program} status"))
            .kept("What the command did before it answered is done.");
        failure.quiet = error.kind() == io::ErrorKind::BrokenPipe;
        failure
    }

    /// Tells it even if standard output was closed: something came of it.
    #[must_use]
    pub fn aloud(mut self) -> Self {
        self.quiet = false;
        self
    }

    /// Whether nobody is there to be told.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub(crate) fn told(&self) -> Told<'_> {
        Told {
            error: Error {
                code: &self.code,
                message: &self.what,
                kept: self.kept.as_deref(),
                next: &self.next,
                reason: self.reason.as_deref(),
                exit: self.exit.code(),
            },
        }
    }
}
