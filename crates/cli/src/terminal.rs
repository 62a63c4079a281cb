//! What is known about the terminal: is it one, how wide, which letters, which colours.

use hallpass_client::Environment;

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Even into a file or a pipe.
    Always,
    /// Never.
    Never,
}

/// What only the operating system knows about the three streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    /// Standard input is a terminal.
    pub stdin: bool,
    /// Standard output is a terminal.
    pub stdout: bool,
    /// Standard error is a terminal.
    pub stderr: bool,
    /// Columns, if a terminal told.
    pub columns: Option<u16>,
    /// The operating system's consoles speak Unicode whatever the locale variables say.
    pub always_unicode: bool,
}

/// How to speak to the person in front, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Which streams are terminals.
    pub streams: Streams,
    /// Columns to lay text out for.
    pub width: usize,
    /// Letters beyond ASCII may be used.
    pub unicode: bool,
    /// Colour on standard output.
    pub colour_out: bool,
    /// Colour on standard error.
    pub colour_err: bool,
    /// One line at a time, nothing drawn, nothing rewritten: for screen readers and
    /// for terminals that can do no more.
    pub plain: bool,
}

impl Terminal {
    /// Reads the facts.
    ///
    /// `NO_COLOR` (no-color.org: any value that is not empty), `TERM=dumb`, the locale
    /// (`LC_ALL`, else `LC_CTYPE`, else `LANG`, as in POSIX) and `ACCESSIBLE` are honoured.
    pub fn read(streams: Streams, color: ColorWhen, environment: &dyn Environment) -> Self {
        let var = |name: &str| environment.var(name).filter(|value| !value.is_empty());
        let dumb = var("TERM").as_deref() == Some("dumb");
        let colour = |terminal: bool| match color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => terminal && !dumb && var("NO_COLOR").is_none(),
        };
        let locale = var("LC_ALL").or_else(|| var("LC_CTYPE")).or_else(|| var("LANG"));
        let utf8 = locale.is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        Self {
            streams,
            width: streams.columns.map_or(80, usize::from).clamp(20, 100),
            unicode: streams.always_unicode || utf8,
            colour_out: colour(streams.stdout),
            colour_err: colour(streams.stderr),
            plain: dumb || var("ACCESSIBLE").is_some(),
        }
    }

    /// Whether a line on standard error can be written anew in its place.
    pub fn can_rewrite(&self) -> bool {
        self.streams.stderr && !self.plain
    }

    /// How to paint on standard error, where prose goes.
    pub fn prose(&self) -> crate::paint::Paint {
        crate::paint::Paint { colour: self.colour_err, unicode: self.unicode }
    }

    /// How to paint on standard output, where data goes.
    pub fn data(&self) -> crate::paint::Paint {
        crate::paint::Paint { colour: self.colour_out, unicode: self.unicode }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    fn read(town: &Town, color: ColorWhen) -> Terminal {
        town.with(|cx| Terminal::read(town.streams(), color, cx.environment))
    }

    // proves: client-L4
    #[test]
    fn colour_is_for_terminals_that_want_it() {
        let colours = |town: &Town, color| {
            let terminal = read(town, color);
            (terminal.colour_out, terminal.colour_err)
        };
        let plain = || Town::new().var("NO_COLOR", "");
        assert_eq!(colours(&plain(), ColorWhen::Auto), (true, true));
        assert_eq!(colours(&Town::new().var("NO_COLOR", "0"), ColorWhen::Auto), (false, false));
        assert_eq!(colours(&plain().var("TERM", "dumb"), ColorWhen::Auto), (false, false));
        assert_eq!(colours(&plain().piped(), ColorWhen::Auto), (false, false));
        assert_eq!(colours(&plain().piped(), ColorWhen::Always), (true, true));
        assert_eq!(colours(&plain(), ColorWhen::Never), (false, false));
    }

    // proves: client-L4
    #[test]
    fn letters_are_what_the_locale_says() {
        let unicode = |pairs: &[(&'static str, &str)]| {
            let town = pairs.iter().fold(Town::new(), |town, (name, value)| town.var(name, value));
            town.terminal().unicode
        };
        assert!(unicode(&[("LANG", "en_US.UTF-8")]));
        assert!(unicode(&[("LANG", "C"), ("LC_CTYPE", "de_DE.utf8")]));
        assert!(!unicode(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]));
        assert!(!unicode(&[("LANG", "")]), "POSIX: no locale is the C locale");
        assert!(unicode(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "")]), "empty is unset");
    }

    #[test]
    fn a_line_is_rewritten_only_where_that_can_be_seen() {
        assert!(Town::new().terminal().can_rewrite());
        assert!(!Town::new().piped().terminal().can_rewrite());
        assert!(!Town::new().var("TERM", "dumb").terminal().can_rewrite());
        assert!(!Town::new().var("ACCESSIBLE", "1").terminal().can_rewrite());
    }

    #[test]
    fn a_width_that_makes_no_sense_is_bounded() {
        assert_eq!(Town::new().columns(0).terminal().width, 20);
        assert_eq!(Town::new().columns(500).terminal().width, 100);
        assert_eq!(Town::new().piped().terminal().width, 80);
    }
}
