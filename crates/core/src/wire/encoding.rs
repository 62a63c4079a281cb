//! One name or value of `application/x-www-form-urlencoded` (RFC 6749 appendix B), strictly:
//! what is not well encoded, or not UTF-8, is no text.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// The text that `encoded` stands for. Most values stand for themselves, and are not copied.
pub(crate) fn decode(encoded: &[u8]) -> Option<Cow<'_, str>> {
    let mut plain = true;
    let mut rest = encoded;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => match tail {
                [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => plain = false,
                _ => return None,
            },
            b'+' => plain = false,
            0..=0x1f | 0x7f => return None,
            _ => {}
        }
    }
    if plain {
        return std::str::from_utf8(encoded).ok().map(Cow::Borrowed);
    }
    let spaced: Vec<u8> = encoded.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    let text = percent_decode(&spaced).decode_utf8().ok()?;
    Some(Cow::Owned(text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decode(b"a+b%20c%C3%A9").as_deref(), Some("a b c\u{e9}"));
        assert_eq!(decode("\u{e9}".as_bytes()).as_deref(), Some("\u{e9}"));
        assert_eq!(decode(b""), Some(Cow::Borrowed("")));
        for bad in [&b"%"[..], b"%4", b"%zz", b"%ff", b"\xff", b"\x01", b"a\x7f", b"%C3"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }

    // Where it makes a text of something, it is the text that the url crate makes of it.
    #[test]
    fn it_is_the_encoding_that_everybody_else_means() {
        let bytes = || (b' '..=b'~').chain([0xc3, 0xa9]).filter(|byte| !b"&=".contains(byte));
        for (first, second) in bytes().flat_map(|first| bytes().map(move |second| (first, second)))
        {
            let value = [b'%', b'2', first, second];
            for value in [&value[..], &value[1..], &value[2..]] {
                if let Some(text) = decode(value) {
                    let theirs = url::form_urlencoded::parse(value).next();
                    assert_eq!(Some(text), theirs.map(|(name, _)| name), "{value:?}");
                }
            }
            let encoded: String = url::form_urlencoded::byte_serialize(&value).collect();
            assert_eq!(decode(encoded.as_bytes()).as_deref(), std::str::from_utf8(&value).ok());
        }
    }
}
