//! Making foreign text safe to show.
//!
//! Names, host names and server messages come from elsewhere. HTML escaping is the
//! templates' work; this takes out what deceives even when escaped: control
//! characters (terminal escapes), bidirectional overrides and invisible characters.

/// `text` without control, bidirectional and invisible characters, white space
/// folded, cut to `max` characters with an ellipsis.
pub fn presentable(text: &str, max: usize) -> String {
    let mut shown = String::new();
    let mut count = 0;
    let mut gap = false;
    for c in text.chars() {
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

    // proves: attack-33
    #[test]
    fn nothing_deceptive_is_left() {
        assert_eq!(presentable("lap\u{202E}top\u{200B}-7\x1b[31m", 40), "laptop-7[31m");
        assert_eq!(presentable("  a \r\n\t b\u{0}  ", 40), "a b");
        assert_eq!(presentable(&"x".repeat(99), 5), "xxxxx…");
        assert_eq!(presentable("\u{9b}31m", 5), "31m");
        assert_eq!(presentable("Zoë 北京", 40), "Zoë 北京");
    }
}
