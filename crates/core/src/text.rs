//! Making foreign text safe to show.
//!
//! Names, host names and server messages come from elsewhere. HTML escaping is the
//! templates' work; this takes out what deceives even when escaped: control
//! characters (terminal escapes), bidirectional overrides and invisible characters.

use std::ops::RangeInclusive;

/// `text` without terminal sequences, control, bidirectional and invisible characters, white
/// space folded, cut to `max` characters with an ellipsis.
pub fn presentable(text: &str, max: usize) -> String {
    let mut shown = String::new();
    let mut count = 0;
    let mut gap = false;
    for c in without_sequences(text) {
        if c.is_whitespace() {
            gap = !shown.is_empty();
            continue;
        }
        if is_deceptive(c) {
            continue;
        }
        if gap {
            shown.push(' ');
            count += 1;
            gap = false;
        }
        if count >= max {
            shown.push('…');
            return shown;
        }
        shown.push(c);
        count += 1;
    }
    shown
}

/// `text` with every character that [`presentable`] would take out or fold as `\u{…}` in its
/// place, cut to `max` characters: where somebody has to see why two texts are not the same.
pub fn escaped(text: &str, max: usize) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count >= max {
            shown.push('…');
            break;
        }
        match c {
            ' ' => shown.push(c),
            c if c.is_whitespace() || is_deceptive(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// `text` without the sequences that steer a terminal (ECMA-48 §5.3 to §5.6), whole: of `ESC [2J`
/// nothing is left, where only the first character is one of control.
pub fn without_sequences(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut rest = text.chars();
    std::iter::from_fn(move || {
        loop {
            let c = rest.next()?;
            let after = rest.as_str();
            rest = match c {
                '\u{1b}' => sequence(after).chars(),
                '\u{9b}' => control(after).chars(),
                '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => string(after).chars(),
                _ => return Some(c),
            };
        }
    })
}

/// What is left of `text` after the sequence that an escape before it begins.
fn sequence(text: &str) -> &str {
    let mut all = text.chars();
    match all.next() {
        Some('[') => control(all.as_str()),
        Some(']' | 'P' | 'X' | '^' | '_') => string(all.as_str()),
        _ => {
            let text = text.trim_start_matches(is(' '..='/'));
            text.strip_prefix(is('0'..='~')).unwrap_or(text)
        }
    }
}

/// The same after the beginning of a control sequence: parameters, intermediates, a final byte.
fn control(text: &str) -> &str {
    let text = text.trim_start_matches(is('0'..='?')).trim_start_matches(is(' '..='/'));
    text.strip_prefix(is('@'..='~')).unwrap_or(text)
}

fn is(range: RangeInclusive<char>) -> impl Fn(char) -> bool {
    move |c| range.contains(&c)
}

/// The same after the beginning of a string, which goes on until it is ended.
fn string(text: &str) -> &str {
    let end = text.find(['\u{7}', '\u{9c}', '\u{1b}']);
    let Some((at, end)) = end.and_then(|at| Some((at, text[at..].chars().next()?))) else {
        return "";
    };
    let rest = &text[at + end.len_utf8()..];
    if end == '\u{1b}' { sequence(rest) } else { rest }
}

/// Whether a person sees all of `text` as it is: it is not blank, and has no character that
/// [`presentable`] would take out, but for line breaks and tabs.
pub fn is_plain(text: &str) -> bool {
    let fits = |c: char| match c {
        ' ' | '\n' | '\t' => true,
        c => !c.is_whitespace() && !is_deceptive(c),
    };
    !text.trim().is_empty() && text.chars().all(fits)
}

fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}'                      // soft hyphen
            | '\u{034F}' | '\u{061C}'       // combining grapheme joiner, Arabic letter mark
            | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' // Hangul fillers
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'       // zero width, left-to-right and right-to-left marks
            | '\u{2028}'..='\u{202E}'       // separators, bidirectional overrides
            | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}') // tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_written_out() {
        assert_eq!(escaped("refs/heads/main\u{200B}", 40), "refs/heads/main\\u{200b}");
        assert_eq!(
            escaped("\u{202E}a\u{A0}b\n\u{1b}[2J", 40),
            "\\u{202e}a\\u{a0}b\\u{a}\\u{1b}[2J"
        );
        assert_eq!(escaped("  Zoë  ", 40), "  Zoë  ");
        assert_eq!(escaped("abcd", 2), "ab…");
    }

    // proves: attack-33
    #[test]
    fn nothing_deceptive_is_left() {
        assert_eq!(presentable("lap\u{202E}top\u{200B}-7\x1b[31m", 40), "laptop-7");
        assert_eq!(presentable("  a \r\n\t b\u{0}  ", 40), "a b");
        assert_eq!(presentable(&"x".repeat(99), 5), "xxxxx…");
        for sequence in [
            "\u{9b}31m",
            "\x1b[2J",
            "\x1b[38;5;1m",
            "\x1b[?25l",
            "\x1b[1 q",
            "\x1b]8;;https://evil.example\x1b\\",
            "\x1b]0;title\u{7}",
            "\u{9d}0;title\u{9c}",
            "\x1bPq#0\x1b\\",
            "\x1b(B",
            "\x1bc",
            "\x1b\x1b[A",
            "\x1b[31\u{7}",
        ] {
            assert_eq!(presentable(&format!("a{sequence}b"), 9), "ab", "{sequence:?}");
        }
        // What is never ended takes the rest with it, as it would on a terminal.
        assert_eq!(presentable("a\x1b]0;b", 9), "a");
        assert_eq!(presentable("a\x1b", 9), "a");
        assert_eq!(presentable("a\x1b[", 9), "a");
        assert_eq!(presentable("Zoë 北京", 40), "Zoë 北京");
    }
}
