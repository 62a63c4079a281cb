//! Colour for meaning, and letters that the terminal can show.

use std::borrow::Cow;

use owo_colors::{OwoColorize, Style};

/// Whether there is colour, and whether there is more than ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// Colour may be used.
    pub colour: bool,
    /// Letters beyond ASCII may be used.
    pub unicode: bool,
}

impl Paint {
    /// What must be read: a code, a name.
    pub fn strong(self, text: &str) -> String {
        self.styled(text, Style::new().bold())
    }

    /// What may be skipped.
    pub fn faint(self, text: &str) -> String {
        self.styled(text, Style::new().dimmed())
    }

    /// It worked.
    pub fn good(self, text: &str) -> String {
        self.styled(text, Style::new().green().bold())
    }

    /// It works, but.
    pub fn warning(self, text: &str) -> String {
        self.styled(text, Style::new().yellow().bold())
    }

    /// It did not work.
    pub fn bad(self, text: &str) -> String {
        self.styled(text, Style::new().red().bold())
    }

    /// What can be typed or opened: a command, an address.
    pub fn action(self, text: &str) -> String {
        self.styled(text, Style::new().cyan())
    }

    /// `unicode` where it can be shown, else `ascii`.
    pub fn letters(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// Text from elsewhere: without what deceives, at most `max` characters, and in a
    /// locale without Unicode with `?` for what it cannot show.
    pub fn foreign(self, text: &str, max: usize) -> String {
        self.spelt(&hallpass_core::text::presentable(text, max)).into_owned()
    }

    /// Our own text, with our own typography taken back where it cannot be shown.
    pub fn spelt(self, text: &str) -> Cow<'_, str> {
        if self.unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut ascii = String::with_capacity(text.len());
        for letter in text.chars() {
            match letter {
                '…' => ascii.push_str("..."),
                '–' | '—' => ascii.push('-'),
                '‘' | '’' => ascii.push('\''),
                '“' | '”' => ascii.push('"'),
                letter if letter.is_ascii() => ascii.push(letter),
                _ => ascii.push('?'),
            }
        }
        Cow::Owned(ascii)
    }

    fn styled(self, text: &str, style: Style) -> String {
        if self.colour { text.style(style).to_string() } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Paint = Paint { colour: false, unicode: false };

    // proves: attack-33
    #[test]
    fn foreign_text_cannot_drive_the_terminal() {
        let evil = "ada\u{1b}]0;owned\u{7}\u{202e}moc\r\nerror: fake";
        for paint in [PLAIN, Paint { colour: true, unicode: true }] {
            let shown = paint.foreign(evil, 80);
            assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r', '\n']), "{shown:?}");
        }
        assert_eq!(PLAIN.foreign("Zoë", 80), "Zo?");
    }

    #[test]
    fn no_colour_is_no_escape() {
        for text in [PLAIN.strong("a"), PLAIN.bad("a"), PLAIN.action("a"), PLAIN.faint("a")] {
            assert_eq!(text, "a");
        }
        assert_eq!(PLAIN.spelt("it’s “so” … "), "it's \"so\" ... ");
    }
}
