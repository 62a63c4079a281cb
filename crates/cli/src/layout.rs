//! Laying text out in the columns that there are.

use unicode_width::UnicodeWidthStr;

use crate::paint::Paint;

/// Below this many columns, names stand above their values instead of beside them.
const NARROW: usize = 60;

/// `text` in lines of at most `width` columns, the first after `first`, the others
/// after `rest`. Words are never broken: an address must survive being copied.
///
/// `text` is unpainted; paint whole lines, or words that hold no space.
pub fn wrap(text: &str, width: usize, first: &str, rest: &str) -> String {
    let mut lines = first.to_owned();
    let mut column = first.width();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && column + 1 + word.width() > width {
            lines.push('\n');
            lines.push_str(rest);
            column = rest.width();
            empty = true;
        }
        if !empty {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.width();
        empty = false;
    }
    lines
}

/// Names and values, one pair after the other: side by side, or stacked where the
/// terminal is narrow. Ends with a line feed.
pub fn fields(pairs: &[(&str, String)], width: usize, paint: Paint) -> String {
    let longest = pairs.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in pairs {
        let lines = if width < NARROW {
            text.push_str("  ");
            text.push_str(&paint.faint(name));
            text.push('\n');
            wrap(value, width, "    ", "    ")
        } else {
            let gap = " ".repeat(longest - name.width() + 3);
            let hang = " ".repeat(longest + 5);
            let wrapped = wrap(value, width, &hang, &hang);
            format!("  {}{gap}{}", paint.faint(name), wrapped.trim_start())
        };
        text.push_str(&lines);
        text.push('\n');
    }
    text
}

/// `text` in a box, for what must not be overlooked. Ends with a line feed.
pub fn boxed(text: &str, indent: &str, paint: Paint) -> String {
    let pad = "   ";
    let inner = text.width() + 2 * pad.len();
    let [tl, tr, bl, br, h, v] = if paint.unicode {
        ["╭", "╮", "╰", "╯", "─", "│"]
    } else {
        ["+", "+", "+", "+", "-", "|"]
    };
    let edge = h.repeat(inner);
    let middle = paint.strong(text);
    format!("{indent}{tl}{edge}{tr}\n{indent}{v}{pad}{middle}{pad}{v}\n{indent}{bl}{edge}{br}\n")
}

/// Well-formed JSON, one member a line. Members keep their order and numbers their
/// spelling, which a parsed value would lose. Ends without a line feed.
pub fn json(text: &str) -> String {
    let mut laid = String::with_capacity(text.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let plain = hallpass_core::text::without_sequences(text).filter(|c| !c.is_control());
    let mut letters = plain.peekable();
    let line = |laid: &mut String, depth: usize| {
        laid.push('\n');
        laid.push_str(&"  ".repeat(depth));
    };
    while let Some(letter) = letters.next() {
        if quoted {
            laid.push(letter);
            (quoted, escaped) = (escaped || letter != '"', !escaped && letter == '\\');
            continue;
        }
        match letter {
            ' ' => {}
            '{' | '[' => {
                laid.push(letter);
                while letters.next_if_eq(&' ').is_some() {}
                if let Some(end) = letters.next_if(|c| matches!(c, '}' | ']')) {
                    laid.push(end);
                } else {
                    depth += 1;
                    line(&mut laid, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut laid, depth);
                laid.push(letter);
            }
            ',' => {
                laid.push(letter);
                line(&mut laid, depth);
            }
            ':' => laid.push_str(": "),
            letter => {
                quoted = letter == '"';
                laid.push(letter);
            }
        }
    }
    laid
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Paint = Paint { colour: false, unicode: true };

    #[test]
    fn words_are_wrapped_and_never_broken() {
        let address = "https://id.example.com/a/very/long/address";
        let text = wrap(&format!("Open {address} in a browser"), 20, "error: ", "  ");
        assert_eq!(text, format!("error: Open\n  {address}\n  in a browser"));
        assert_eq!(wrap("", 20, "  ", "  "), "  ");
    }

    #[test]
    fn fields_stand_side_by_side_where_there_is_room() {
        let pairs = [("Source", "profile default".to_owned()), ("Kept in", "a file".to_owned())];
        insta::assert_snapshot!(fields(&pairs, 80, PLAIN), @"
          Source    profile default
          Kept in   a file
        ");
        insta::assert_snapshot!(fields(&pairs, 40, PLAIN), @"
          Source
            profile default
          Kept in
            a file
        ");
    }

    #[test]
    fn json_is_laid_out_and_not_changed() {
        let text = r#"{"z":1.50,"a":[ ],"s":"x: {\"\\\\\", [","n":[1,{ }, null]}"#;
        let laid = json(text);
        insta::assert_snapshot!(laid, @r#"
        {
          "z": 1.50,
          "a": [],
          "s": "x: {\"\\\\\", [",
          "n": [
            1,
            {},
            null
          ]
        }
        "#);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&laid), value(text));
        assert_eq!(json("3"), "3");
        assert_eq!(json("[[[]]]"), "[\n  [\n    []\n  ]\n]");
    }

    #[test]
    fn a_box_is_drawn_with_the_letters_that_there_are() {
        insta::assert_snapshot!(boxed("WDJB-MJHT", "  ", PLAIN), @"
          ╭───────────────╮
          │   WDJB-MJHT   │
          ╰───────────────╯
        ");
        insta::assert_snapshot!(boxed("WDJB-MJHT", "", Paint { unicode: false, ..PLAIN }), @"
        +---------------+
        |   WDJB-MJHT   |
        +---------------+
        ");
    }
}
