//! E-mail addresses as names of accounts: one spelling each.
//!
//! An address is normalised before anything else is done with it, limits included
//! (RubyGems, Vaultwarden: case and space variants walked around limiters).

use unicode_normalization::UnicodeNormalization as _;

/// RFC 5321 §4.5.3.1.3 leaves 254 octets for an address.
const MAX_BYTES: usize = 254;

/// Why a text cannot name an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address; it looks like name@example.com")]
pub struct BadEmail;

/// The one spelling of an address: trimmed, NFKC, lower case.
///
/// Also of what is no address: a wrong name at sign-in is counted like a right one.
pub fn normalize(typed: &str) -> String {
    let typed = typed.trim();
    // Far longer than an address, and not worth normalising.
    if typed.len() > 4 * MAX_BYTES {
        return String::new();
    }
    // Lower-casing can undo a composition (İ), so compose again.
    typed.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

/// Reads the address of a new account, and gives its one spelling.
pub fn parse(typed: &str) -> Result<String, BadEmail> {
    let email = normalize(typed);
    let (name, host) = email.rsplit_once('@').ok_or(BadEmail)?;
    // What shows as something else than it is, or as nothing, names nobody.
    let plain = hallpass_core::text::presentable(&email, MAX_BYTES) == email;
    let labels = host
        .split('.')
        .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'));
    let odd = |c: char| c.is_whitespace() || "\"'(),:;<>@[\\]".contains(c);
    let good =
        plain && email.len() <= MAX_BYTES && labels && !name.is_empty() && !name.contains(odd);
    good.then_some(email).ok_or(BadEmail)
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: attack-38
    #[test]
    fn every_spelling_of_an_address_is_the_same_account() {
        for typed in
            ["Ada@Example.COM", " ada@example.com\n", "ａｄａ@example.com", "ada＠example.com"]
        {
            assert_eq!(normalize(typed), "ada@example.com", "{typed:?}");
        }
        assert_eq!(normalize("Zoe\u{308}@example.com"), "zoë@example.com");
        assert_eq!(normalize(&"x".repeat(9999)), "");
    }

    // proves: attack-33
    #[test]
    fn what_is_no_address_or_deceives_is_refused() {
        for good in ["ada@example.com", "a+b@localhost", "zoë@bücher.example", "o.k@a-b.c"] {
            assert_eq!(parse(good).unwrap(), good);
        }
        for bad in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "a b@example.com",
            "a@b@example.com",
            "ada@example..com",
            "ada@.com",
            "ada@exa mple.com",
            "a\u{202e}da@example.com",
            "a\u{200b}da@example.com",
            "<ada@example.com>",
            "ada@example.com\u{0}",
        ] {
            assert_eq!(parse(bad), Err(BadEmail), "{bad:?}");
        }
        assert_eq!(parse(&format!("{}@example.com", "x".repeat(250))), Err(BadEmail));
    }
}
