//! Prose to the terminal (standard error), data to standard output.
//!
//! A program reads data; a person reads prose. Nothing else decides what goes where.

use std::io::{self, Write};

use hallpass_core::brand::{Brand, filled};
use serde::Serialize;
use unicode_width::UnicodeWidthChar;

use crate::failure::About;
use crate::layout;
use crate::paint::Paint;
use crate::terminal::Terminal;
use crate::{Exit, Failure};

/// The two streams, and how to speak on them.
pub struct Output<'a> {
    /// What is known about the terminal.
    pub terminal: Terminal,
    /// `--json`: data and failures are told to a program.
    pub json: bool,
    /// `-v`.
    pub verbose: bool,
    /// Whose words and exit codes count.
    pub brand: Option<&'a Brand>,
    program: &'a str,
    data: &'a mut dyn Write,
    prose: &'a mut dyn Write,
    /// A line on the terminal is waiting to be rewritten.
    rewriting: bool,
}

impl<'a> Output<'a> {
    /// Output on `data` and `prose`, for the command that people call `program`.
    pub fn new(
        terminal: Terminal,
        program: &'a str,
        data: &'a mut dyn Write,
        prose: &'a mut dyn Write,
    ) -> Self {
        let (json, verbose, rewriting, brand) = (false, false, false, None);
        Self { terminal, json, verbose, brand, program, data, prose, rewriting }
    }

    /// Runs `act` with data going elsewhere, where somebody has taken standard output.
    pub(crate) fn with_data<T>(
        &mut self,
        data: &mut dyn Write,
        act: impl FnOnce(&mut Output<'_>) -> T,
    ) -> T {
        let mut inner = Output {
            terminal: self.terminal,
            json: false,
            verbose: self.verbose,
            brand: self.brand,
            program: self.program,
            data,
            prose: &mut *self.prose,
            rewriting: self.rewriting,
        };
        let done = act(&mut inner);
        self.rewriting = inner.rewriting;
        done
    }

    /// How to paint prose.
    pub fn paint(&self) -> Paint {
        self.terminal.prose()
    }

    /// Prose, as it is, and a line feed. Painted by the caller.
    pub fn line(&mut self, text: &str) {
        self.end_rewriting();
        // Nobody can be told that standard error is gone.
        let _ = writeln!(self.prose, "{text}");
        let _ = self.prose.flush();
    }

    /// The brand's own words, as they are.
    pub fn own(&mut self, text: &str) {
        let paint = self.paint();
        for line in text.lines() {
            self.line(&paint.spelt(line));
        }
    }

    /// `text` with our command lines as this tree spells them, and the brand's word for a project.
    pub(crate) fn placed(&self, text: &str) -> String {
        match self.brand {
            Some(brand) => brand.words.worded(&brand.spelt(self.program, text)),
            None => text.to_owned(),
        }
    }

    /// A command as it is typed in this tool, or its help where it has no such command.
    fn typed(&self, command: &str) -> String {
        match self.brand.is_some_and(|brand| brand.lacks(self.program, command)) {
            true => format!("{} --help", self.program),
            false => self.as_typed(command),
        }
    }

    /// A command as this tree spells it. What stands in it may be somebody's own name for a thing, so
    /// only the place that is to be filled in has the brand's word.
    fn as_typed(&self, command: &str) -> String {
        let Some(brand) = self.brand else { return command.to_owned() };
        let place = format!("ORG/{}", brand.words.project.to_ascii_uppercase());
        brand.spelt(self.program, command).replace("ORG/PROJECT", &place)
    }

    /// What a state, or else an exit, ends with in this brand.
    pub fn exit_of(&self, state: &str, exit: Exit) -> Exit {
        let exits = self.brand.map(|brand| &brand.exits);
        let code = exits.and_then(|exits| exits.get(state).or_else(|| exits.get(exit.name())));
        code.map_or(exit, |code| Exit::Child(*code))
    }

    /// Prose, wrapped after an indent of two.
    pub fn sentence(&mut self, text: &str) {
        let text = self.placed(text);
        let text = self.paint().spelt(&text).into_owned();
        let wrapped = layout::wrap(&text, self.terminal.width, "  ", "  ");
        self.line(&wrapped);
    }

    /// An empty line of prose.
    pub fn gap(&mut self) {
        self.line("");
    }

    /// It worked, and what.
    pub fn success(&mut self, text: &str) {
        let (paint, text) = (self.paint(), self.placed(text));
        let mark = paint.letters("✓", "ok:");
        let first = format!("{mark} ");
        let wrapped = layout::wrap(&paint.spelt(&text), self.terminal.width, &first, "  ");
        self.line(&wrapped.replacen(mark, &paint.good(mark), 1));
    }

    /// It worked, but.
    pub fn warning(&mut self, text: &str) {
        let (paint, text) = (self.paint(), self.placed(text));
        let wrapped = layout::wrap(&paint.spelt(&text), self.terminal.width, "warning: ", "  ");
        self.line(&wrapped.replacen("warning:", &paint.warning("warning:"), 1));
    }

    /// With `-v`: why.
    pub fn reason(&mut self, text: &str) {
        if self.verbose {
            let paint = self.paint();
            let text = layout::wrap(&paint.spelt(text), self.terminal.width, "- ", "  ");
            self.line(&text.lines().map(|line| paint.faint(line)).collect::<Vec<_>>().join("\n"));
        }
    }

    /// The command to type next.
    pub fn next(&mut self, command: &str) {
        let command = self.paint().action(&self.typed(command));
        self.line(&format!("  Next: {command}"));
    }

    /// Writes one line over the last one of these, cut to the terminal's width. Does
    /// nothing where lines cannot be rewritten.
    pub fn rewrite(&mut self, text: &str) {
        if !self.terminal.can_rewrite() {
            return;
        }
        let text = cut(&self.paint().spelt(text), self.terminal.width.saturating_sub(3));
        let _ = write!(self.prose, "\r  {}\x1b[K", self.paint().faint(&text));
        let _ = self.prose.flush();
        self.rewriting = true;
    }

    /// Takes the line of [`Output::rewrite`] away.
    pub fn end_rewriting(&mut self) {
        if self.rewriting {
            self.rewriting = false;
            let _ = write!(self.prose, "\r\x1b[K");
            let _ = self.prose.flush();
        }
    }

    /// Data, as it is.
    pub fn data(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.end_rewriting();
        self.data
            .write_all(bytes)
            .and_then(|()| self.data.flush())
            .map_err(|error| Failure::output(&error, self.program))
    }

    /// Data: one JSON value on one line.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(io::Error::from);
        let text = text.map_err(|error| Failure::output(&error, self.program))?;
        self.data(format!("{text}\n").as_bytes())
    }

    /// The same for an object that does not say in which form it is (CLIENT G3).
    pub fn object(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Versioned<'v, T> {
            schema_version: u32,
            #[serde(flatten)]
            value: &'v T,
        }
        self.json(&Versioned { schema_version: 1, value })
    }

    /// Tells a failure, and what it means.
    pub fn failure(&mut self, failure: &Failure) -> Exit {
        let mut failure = failure.clone();
        failure.exit = self.exit_of(&failure.code, failure.exit);
        failure.what = self.placed(&failure.what);
        failure.next = self.typed(&failure.next);
        if failure.is_quiet() {
            return failure.exit;
        }
        if self.json {
            if let Ok(text) = serde_json::to_string(&failure.told()) {
                self.line(&text);
            }
            return failure.exit;
        }
        let own = self.brand.filter(|_| !failure.ours).and_then(|brand| {
            let refreshing = failure.about.as_deref() == Some(&About::Refresh);
            let own = brand.failures.get("refresh_failed").filter(|_| refreshing);
            own.or_else(|| brand.failures.get(&failure.code))
        });
        if let Some(own) = own {
            let path = match failure.about.as_deref() {
                Some(About::File(path)) => Some(path.clone()),
                Some(About::Refresh | About::Patience) | None => None,
            };
            let facts = [("why", Some(failure.what.clone())), ("path", path)];
            let own = filled(own, &facts);
            self.own(&own);
            // Where nothing is wrong, nothing is to be done; and what the brand's words tell to
            // type is not told twice.
            let more = failure.about.as_deref() == Some(&About::Patience);
            let names = self.brand.is_some_and(|brand| brand.names_a_command(&own));
            let told = own.contains(&failure.next) || names && !more;
            if !told && failure.exit.code() != 0 {
                self.next(&failure.next);
            }
            return failure.exit;
        }
        let paint = self.paint();
        let what = layout::wrap(&paint.spelt(&failure.what), self.terminal.width, "error: ", "  ");
        self.line(&what.replacen("error:", &paint.bad("error:"), 1));
        if let Some(reason) = &failure.reason {
            self.reason(&format!("the server's words: {reason}"));
        }
        if let Some(kept) = &failure.kept {
            self.sentence(kept);
        }
        self.next(&failure.next);
        failure.exit
    }
}

/// The first `width` columns of `text`.
fn cut(text: &str, width: usize) -> String {
    let mut left = width;
    text.chars()
        .take_while(|letter| {
            let columns = letter.width().unwrap_or(0);
            let fits = columns <= left;
            left = left.saturating_sub(columns);
            fits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    fn failure() -> Failure {
        Failure::new(Exit::NotSignedIn, "not_signed_in", "not signed in to X", "hallpass login")
            .kept("Nothing was changed.")
    }

    // proves: client-L3
    #[test]
    fn a_failure_is_told_to_a_person() {
        let text = Town::new().told(|_, out| {
            assert_eq!(out.failure(&failure()), Exit::NotSignedIn);
        });
        insta::assert_snapshot!(text, @"
        error: not signed in to X
          Nothing was changed.
          Next: hallpass login
        ");
    }

    #[test]
    fn a_sentence_has_the_brands_word_for_a_project_and_a_name_stays() {
        let mut brand = Brand::hallpass();
        brand.words.project = "toolkit".to_owned();
        let (mut data, mut prose) = (Vec::new(), Vec::new());
        let terminal = Town::new().terminal();
        let mut out = Output::new(terminal, "hallpass", &mut data, &mut prose);
        out.brand = Some(&brand);
        out.success("Made \"project\" in a project; see hallpass project list");
        let text = String::from_utf8(prose).expect("text");
        assert_eq!(text, "✓ Made \"project\" in a toolkit; see hallpass project list\n");
    }

    #[test]
    fn a_failure_is_told_to_a_program_on_standard_error() {
        let text = Town::new().told(|_, out| {
            out.json = true;
            out.failure(&failure());
        });
        insta::assert_snapshot!(text, @r#"{"error":{"code":"not_signed_in","message":"not signed in to X","kept":"Nothing was changed.","next":"hallpass login","exit":3}}"#);
    }

    #[test]
    fn who_closed_the_pipe_is_not_told() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut prose = Vec::new();
        let terminal = Town::new().terminal();
        let mut data = Closed;
        let mut out = Output::new(terminal, "hallpass", &mut data, &mut prose);
        let failure = out.data(b"x").unwrap_err();
        assert_eq!(out.failure(&failure), Exit::Other);
        assert!(prose.is_empty());
    }

    #[test]
    fn a_rewritten_line_never_wraps() {
        let text = Town::new().columns(20).told(|_, out| {
            out.rewrite("Waiting for something that is far too long to be shown");
            out.line("done");
        });
        assert_eq!(text, "\r  Waiting for somet\u{1b}[K\r\u{1b}[Kdone\n");
    }

    #[test]
    fn reasons_are_for_those_who_ask() {
        assert_eq!(Town::new().told(|_, out| out.reason("because")), "");
        let asked = Town::new().told(|_, out| {
            out.verbose = true;
            out.reason("because");
        });
        assert_eq!(asked, "- because\n");
    }
}
