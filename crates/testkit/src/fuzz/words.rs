//! The words of core.

use hallpass_core::pkce::{Challenge, Verifier};
use hallpass_core::user_code::{Grouping, UserCode};
use hallpass_core::{Kind, Scope, TokenText};

use super::text;

/// A text that is taken for a token has the right prefix, length, characters and CRC-32.
pub fn token_text(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for kind in Kind::ALL {
        let Ok(token) = TokenText::parse(kind, text) else { continue };
        let rest = text.strip_prefix(kind.prefix()).expect("the prefix of its kind");
        assert_eq!(rest.len(), 36);
        assert!(rest.bytes().all(|b| b.is_ascii_alphanumeric()));
        let (signed, check) = text.split_at(text.len() - 6);
        assert_eq!(base62(crc32(signed.as_bytes())), check);
        assert_eq!(token.expose(), text);
        assert!(text.ends_with(token.last_four()));
        assert!(!format!("{token:?}").contains(rest));
    }
}

/// CRC-32 (ISO-HDLC), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

fn base62(mut number: u32) -> String {
    let mut places = [b'0'; 6];
    for place in places.iter_mut().rev() {
        *place = match (number % 62) as u8 {
            digit @ 0..10 => b'0' + digit,
            upper @ 10..36 => b'A' + upper - 10,
            lower => b'a' + lower - 36,
        };
        number /= 62;
    }
    places.iter().copied().map(char::from).collect()
}

/// What a person typed is a code only if its letters and digits are exactly that many consonants.
pub fn user_code(bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    for groups in [vec![4, 4], vec![3, 3, 3], vec![5, 5]] {
        let grouping = Grouping::new(groups).expect("a good grouping");
        let letters: String = typed.chars().filter(|c| c.is_alphanumeric()).collect();
        let Some(code) = UserCode::parse(typed, &grouping) else { continue };
        assert_eq!(code.expose(), letters.to_ascii_uppercase());
        assert_eq!(code.expose().len() as u32, grouping.letters());
        assert!(code.expose().bytes().all(|b| b"BCDFGHJKLMNPQRSTVWXZ".contains(&b)));
        // What we would show for it reads back as the same code.
        assert_eq!(UserCode::parse(&code.grouped(&grouping), &grouping).as_ref(), Some(&code));
        assert!(!format!("{code:?}").contains(code.expose()));
    }
}

/// RFC 7636 §4.1 and §4.2, character by character.
pub fn pkce(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let well_formed = (43..=128).contains(&text.len()) && text.bytes().all(unreserved);
    let verifier = Verifier::parse(text);
    assert_eq!(verifier.is_ok(), well_formed);
    if let Ok(verifier) = verifier {
        let challenge = verifier.challenge();
        assert!(verifier.answers(&challenge));
        assert_eq!(Challenge::parse(challenge.as_str()).as_ref(), Ok(&challenge));
        let other = Verifier::parse(&"a".repeat(43)).expect("43 characters");
        assert_eq!(other.answers(&challenge), text == other.expose());
        assert!(!format!("{verifier:?}").contains(text));
    }
    if let Ok(challenge) = Challenge::parse(text) {
        assert_eq!(challenge.as_str(), text);
        assert!(text.len() == 43 && text.bytes().all(|b| unreserved(b) && b != b'.' && b != b'~'));
    }
}

/// A scope reads back as itself, and any order is the same scope.
pub fn scope(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(scope) = text.parse::<Scope>() else { return };
    assert_eq!(scope.to_string().parse().as_ref(), Ok(&scope));
    let mut tokens: Vec<&str> = text.split(' ').filter(|token| !token.is_empty()).collect();
    tokens.reverse();
    assert_eq!(tokens.join(" ").parse().as_ref(), Ok(&scope));
    assert!(scope.iter().all(|token| tokens.contains(&token)));
}
