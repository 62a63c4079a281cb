//! What a person reads while a sign-in waits for them.

use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::brand::{Brand, filled};

use crate::layout;
use crate::paint::Paint;
use crate::qr;
use crate::terminal::Terminal;
use crate::words;

/// The longest address that we print in full. Metadata is size-capped long before.
const LONGEST_ADDRESS: usize = 4096;

/// A device sign-in, as shown (RFC 8628 §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device<'a> {
    /// Where the person goes.
    pub uri: &'a str,
    /// The same with the code filled in.
    pub uri_complete: Option<&'a str>,
    /// What they type there.
    pub code: &'a str,
    /// How long it is good for, from now.
    pub expires_in: Duration,
    /// When it ends, by our wall clock.
    pub expires_at: Timestamp,
    /// `--qr`.
    pub qr: bool,
    /// Somebody waits, and counts down where a line can be rewritten.
    pub counted: bool,
}

/// The prompt for a device sign-in.
pub fn device(device: &Device<'_>, terminal: &Terminal) -> String {
    let paint = terminal.prose();
    let uri = paint.foreign(device.uri, LONGEST_ADDRESS);
    let code = paint.foreign(device.code, 64);
    let mut text = String::new();
    line(&mut text, "Open this address in a browser on any device:", paint, terminal);
    text.push_str(&format!("  {}\n", paint.action(&uri)));
    // Only where a camera can see it: on a terminal.
    if device.qr && terminal.streams.stderr && terminal.streams.stdout && !terminal.plain {
        let target = device.uri_complete.unwrap_or(device.uri);
        match qr::draw(target, terminal.width, paint) {
            Some(drawn) => {
                text.push('\n');
                text.push_str(&drawn);
            }
            None => line(
                &mut text,
                "(The terminal is too narrow for a QR code of this address.)",
                paint,
                terminal,
            ),
        }
    }
    text.push('\n');
    if terminal.plain || !terminal.streams.stderr {
        line(&mut text, &format!("Enter this code there: {code}"), paint, terminal);
    } else {
        line(&mut text, "Enter this code there:", paint, terminal);
        text.push_str(&layout::boxed(&code, "  ", paint));
    }
    // For screen readers, and for reading it out to somebody.
    line(&mut text, &format!("Letter by letter: {}", spaced(&code)), paint, terminal);
    text.push('\n');
    line(&mut text, "Only continue if you started this sign-in here.", paint, terminal);
    if !(device.counted && terminal.can_rewrite()) {
        let (left, end) = (words::duration(device.expires_in), device.expires_at.to_human());
        line(&mut text, &format!("The code is good for {left}, until {end}."), paint, terminal);
    }
    text
}

/// The prompt in the brand's words, if it has any. What they leave out stands below them: a
/// warning, and how long the code is good for.
pub fn in_words_of(brand: &Brand, shown: &Device<'_>, terminal: &Terminal) -> String {
    let Some(own) = &brand.texts.device else { return device(shown, terminal) };
    let paint = terminal.prose();
    let foreign = |text: &str, most| Some(paint.foreign(text, most));
    let mut text = filled(
        own,
        &[
            ("uri", foreign(shown.uri, LONGEST_ADDRESS)),
            ("uri_complete", foreign(shown.uri_complete.unwrap_or(shown.uri), LONGEST_ADDRESS)),
            ("code", foreign(shown.code, 64)),
            ("seconds", Some(words::seconds(shown.expires_in).to_string())),
            ("minutes", Some(words::seconds(shown.expires_in).div_ceil(60).to_string())),
        ],
    );
    text = paint.spelt(&text).into_owned();
    text.push_str("\n\n");
    let letters = spaced(&paint.foreign(shown.code, 64));
    line(&mut text, &format!("Letter by letter: {letters}"), paint, terminal);
    line(&mut text, "Only continue if you started this sign-in here.", paint, terminal);
    if !(shown.counted && terminal.can_rewrite()) {
        let (left, end) = (words::duration(shown.expires_in), shown.expires_at.to_human());
        line(&mut text, &format!("The code is good for {left}, until {end}."), paint, terminal);
    }
    text
}

/// What is awaited, in a brand's words.
pub fn waiting(own: &str, left: Duration) -> String {
    let minutes = words::seconds(left).div_ceil(60).to_string();
    filled(own, &[("left", Some(words::countdown(left))), ("minutes", Some(minutes))])
}

/// The prompt for a sign-in in a browser on this machine.
pub fn browser(url: &str, launching: bool, paste: bool, terminal: &Terminal) -> String {
    let paint = terminal.prose();
    let url = paint.foreign(url, LONGEST_ADDRESS);
    let mut text = String::new();
    let lead = if launching {
        "Your browser is opening. If it does not, go to this address:"
    } else {
        "Open this address in a browser on this machine:"
    };
    line(&mut text, lead, paint, terminal);
    // At the margin: where the terminal wraps it, it can still be copied in one piece.
    text.push_str(&paint.action(&url));
    text.push('\n');
    if paste {
        text.push('\n');
        let way = "If the browser cannot come back here, paste the address that it ended at \
                   and press Enter.";
        line(&mut text, way, paint, terminal);
    }
    text
}

/// What is awaited, and how long it may still take: one line, to be rewritten. With
/// `paste`, what is typed stands behind it.
pub fn countdown(awaited: &str, left: Duration, paste: bool, terminal: &Terminal) -> String {
    let left = words::countdown(left);
    let paste = if paste { ". Or paste here: " } else { "" };
    let long = format!("Waiting for {awaited}, {left} left{paste}");
    // Two columns of indent, and one for the cursor.
    if long.len() + 3 <= terminal.width { long } else { format!("Waiting, {left} left{paste}") }
}

/// `WDJB-MJHT` as `W D J B - M J H T`.
fn spaced(code: &str) -> String {
    let letters: Vec<String> = code.chars().map(String::from).collect();
    letters.join(" ")
}

fn line(text: &mut String, sentence: &str, paint: Paint, terminal: &Terminal) {
    text.push_str(&layout::wrap(&paint.spelt(sentence), terminal.width, "  ", "  "));
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    const URI: &str = "https://id.example.com/device";

    fn waiting() -> Device<'static> {
        Device {
            uri: URI,
            uri_complete: Some("https://id.example.com/device?user_code=WDJB-MJHT"),
            code: "WDJB-MJHT",
            expires_in: Duration::from_secs(600),
            expires_at: Timestamp::from_secs(1_795_351_800),
            qr: false,
            counted: true,
        }
    }

    // proves: client-C7, client-L4
    #[test]
    fn a_person_sees_address_code_and_warning() {
        insta::assert_snapshot!(device(&waiting(), &Town::new().terminal()), @"
        Open this address in a browser on any device:
        https://id.example.com/device

        Enter this code there:
        ╭───────────────╮
        │   WDJB-MJHT   │
        ╰───────────────╯
        Letter by letter: W D J B - M J H T

        Only continue if you started this sign-in here.
        ");
    }

    // proves: client-C7, client-L4
    #[test]
    fn forty_columns_are_enough() {
        let text = device(&waiting(), &Town::new().columns(40).terminal());
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        insta::assert_snapshot!(text, @"
        Open this address in a browser on any
        device:
        https://id.example.com/device

        Enter this code there:
        ╭───────────────╮
        │   WDJB-MJHT   │
        ╰───────────────╯
        Letter by letter: W D J B - M J H T

        Only continue if you started this
        sign-in here.
        ");
    }

    // proves: client-C1
    #[test]
    fn off_a_terminal_the_end_is_said_once_in_both_ways() {
        insta::assert_snapshot!(device(&waiting(), &Town::new().piped().terminal()), @"
        Open this address in a browser on any device:
        https://id.example.com/device

        Enter this code there: WDJB-MJHT
        Letter by letter: W D J B - M J H T

        Only continue if you started this sign-in here.
        The code is good for 10 minutes, until 2026-11-22 12:50:00 UTC.
        ");
    }

    // proves: client-L4
    #[test]
    fn a_screen_reader_gets_no_drawing() {
        let terminal = Town::new().var("ACCESSIBLE", "1").terminal();
        let text = device(&Device { qr: true, ..waiting() }, &terminal);
        assert!(text.is_ascii(), "{text}");
        insta::assert_snapshot!(text, @"
        Open this address in a browser on any device:
        https://id.example.com/device

        Enter this code there: WDJB-MJHT
        Letter by letter: W D J B - M J H T

        Only continue if you started this sign-in here.
        The code is good for 10 minutes, until 2026-11-22 12:50:00 UTC.
        ");
    }

    // proves: client-L4
    #[test]
    fn a_locale_without_unicode_gets_ascii() {
        for locale in ["C", "POSIX", "en_US.ISO-8859-1"] {
            let terminal = Town::new().var("LANG", locale).terminal();
            let text = device(&Device { qr: true, ..waiting() }, &terminal);
            assert!(text.is_ascii(), "{text}");
        }
    }

    // proves: client-C5
    #[test]
    fn a_qr_code_is_for_cameras_only() {
        let with_qr = Device { qr: true, ..waiting() };
        let drawn = |terminal| device(&with_qr, &terminal).contains('█');
        assert!(drawn(Town::new().terminal()));
        assert!(!drawn(Town::new().piped().terminal()));
        let mut half_piped = Town::new().terminal();
        half_piped.streams.stdout = false;
        assert!(!drawn(half_piped));
        let narrow = device(&with_qr, &Town::new().columns(30).terminal());
        assert!(narrow.contains("too narrow") && narrow.contains("WDJB-MJHT"), "{narrow}");
    }

    #[test]
    fn a_browsers_address_can_be_copied_in_one_piece() {
        let url = format!("https://id.example.com/oauth/authorize?state={}", "x".repeat(100));
        let text = browser(&url, true, true, &Town::new().columns(40).terminal());
        assert!(text.lines().any(|line| line == url), "{text}");
        insta::assert_snapshot!(text.replace(&url, "<URL>"), @"
          Your browser is opening. If it does
          not, go to this address:
        <URL>

          If the browser cannot come back here,
          paste the address that it ended at and
          press Enter.
        ");
    }

    // proves: attack-33
    #[test]
    fn what_the_server_sends_cannot_drive_the_terminal() {
        let evil = Device { uri: "https://a\u{1b}[2J", code: "A\u{202e}B\n", ..waiting() };
        let text = device(&evil, &Town::new().terminal());
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }

    #[test]
    fn the_countdown_fits_in_a_line() {
        let (wide, narrow) = (Town::new().terminal(), Town::new().columns(20).terminal());
        let left = Duration::from_secs(598);
        let line = |paste, terminal| countdown("your browser", left, paste, terminal);
        assert_eq!(line(false, &wide), "Waiting for your browser, 9:58 left");
        assert_eq!(line(false, &narrow), "Waiting, 9:58 left");
        assert_eq!(line(true, &wide), "Waiting for your browser, 9:58 left. Or paste here: ");
    }
}
