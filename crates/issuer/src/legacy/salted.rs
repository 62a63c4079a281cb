//! Salted hashes of an older system: bcrypt and argon2id.
//!
//! Such a hash cannot be looked up, only tried. So each comes with a part of the token's text
//! that is no secret, its *lookup*: the characters right behind the older system's prefix, as
//! many as are given. It has to leave enough of the text that nobody knows, and that can only be
//! counted if the length of the whole text is given, too.
//!
//! What is kept is both as one key ([`keys`]), so a text of another length costs no hashing. What
//! bcrypt and argon2 make of odd characters and of long texts does not matter here either: a text
//! is visible ASCII, and for bcrypt of at most its 72 bytes.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordVerifier as _};
use hallpass_core::Secret;

use crate::passwords::affordable;

/// Shortest lookup: it has to tell tokens apart.
pub(super) const SHORTEST: usize = 4;
/// Longest lookup.
pub(super) const LONGEST: usize = SHORTEST + hallpass_store::legacy::MAX_LOOKUPS - 1;
/// Characters that a lookup leaves at least: 80 bits, even if they are hexadecimal digits.
pub(super) const SECRET: usize = 20;
/// Tokens that may have one lookup: each is a hash to try.
pub(super) const MOST: usize = 4;
/// The longest text, in bytes; what bcrypt reads of one.
const MAX_TEXT: usize = 1024;
const MAX_BCRYPT_TEXT: usize = 72;
/// bcrypt's cost is the logarithm of its rounds: 14 takes about a second.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=14;

/// A salted hash, and what of the token's text finds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Salted {
    pub(super) part: String,
    pub(super) key: String,
    pub(super) phc: String,
}

impl fmt::Debug for Salted {
    /// Without the hash, which could be guessed at.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Salted").field("part", &self.part).finish_non_exhaustive()
    }
}

impl Salted {
    /// Reads a hash that begins with `$`, with the lookup and the length that stand beside it.
    /// What it says of something wrong repeats nothing.
    pub(super) fn read(
        hash: &str,
        lookup: Option<&str>,
        length: Option<&str>,
        prefix: &str,
    ) -> Result<Self, String> {
        let (phc, longest) = canonical(hash)?;
        let Some(lookup) = lookup else {
            return Err(format!(
                "it is a salted hash, and nothing says which token it belongs to; add a column lookup with the first {SHORTEST} to {LONGEST} characters behind {prefix}, and a column length with the number of characters of the whole token"
            ));
        };
        // With the prefix before it, it is the same part of the text.
        let part = lookup.strip_prefix(prefix).unwrap_or(lookup);
        if !(SHORTEST..=LONGEST).contains(&part.len()) || !is_plain(part) {
            return Err(format!(
                "its lookup has to be {SHORTEST} to {LONGEST} visible ASCII characters: those that stand right behind {prefix} in the token"
            ));
        }
        let length = length.and_then(|length| length.parse::<usize>().ok());
        let Some(length) = length.filter(|length| *length <= MAX_TEXT) else {
            return Err(format!(
                "its length has to be the number of characters of the whole token, prefix included, and at most {MAX_TEXT}; the lookup of a salted hash must not be most of it"
            ));
        };
        if length > longest {
            return Err(format!(
                "bcrypt reads {MAX_BCRYPT_TEXT} characters of a token, and this one is longer: what comes behind them was never checked; revoke it, and give its holder a personal token"
            ));
        }
        if length < prefix.len() + part.len() + SECRET {
            return Err(format!(
                "its lookup leaves less than {SECRET} characters of the token secret, which could be guessed; use a shorter lookup, or revoke the token if it is as short as that"
            ));
        }
        Ok(Self { key: key(length, part), part: part.to_owned(), phc })
    }
}

/// The hash as it is kept, and the longest text that it tells from others.
fn canonical(hash: &str) -> Result<(String, usize), &'static str> {
    const OTHER: &str = "of the salted hashes, bcrypt ($2a$, $2b$, $2y$) and argon2id ($argon2id$) can be taken over, and this is neither; give its holder a personal token";
    const DEAR: &str = "trying this hash costs more than the server spends on one: at most cost 14 of bcrypt, and 256 MiB and four passes over them of argon2id; give its holder a personal token";
    if hash.starts_with("$argon2") {
        let read = PasswordHash::new(hash).ok();
        let argon2id = read.filter(|it| it.algorithm.as_str() == "argon2id" && it.hash.is_some());
        let argon2id = argon2id.ok_or(OTHER)?;
        return if affordable(&argon2id) { Ok((hash.to_owned(), MAX_TEXT)) } else { Err(DEAR) };
    }
    // These three differ in how they treat texts that are none of ours.
    let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|name| hash.strip_prefix(name));
    let phc = format!("$2b${}", rest.ok_or(OTHER)?);
    let parts: bcrypt::HashParts = phc.parse().map_err(|_| OTHER)?;
    if BCRYPT_COSTS.contains(&parts.get_cost()) { Ok((phc, MAX_BCRYPT_TEXT)) } else { Err(DEAR) }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn key(length: usize, part: &str) -> String {
    format!("{length}:{part}")
}

/// The keys that candidates for `text` may be kept under; none if it can be no such token.
pub(crate) fn keys(text: &str, prefix: &str) -> Vec<String> {
    let Some(rest) = text.strip_prefix(prefix).filter(|rest| is_plain(rest)) else {
        return Vec::new();
    };
    let longest = rest.len().saturating_sub(SECRET).min(LONGEST);
    (SHORTEST..=longest).filter_map(|end| Some(key(text.len(), rest.get(..end)?))).collect()
}

/// Whether `phc` is a hash of `text`. Slow.
pub(super) fn is_of(argon2: &Argon2<'_>, phc: &str, text: &Secret) -> bool {
    if phc.starts_with("$argon2") {
        let read = PasswordHash::new(phc).ok().filter(affordable);
        return read
            .is_some_and(|hash| argon2.verify_password(text.expose().as_bytes(), &hash).is_ok());
    }
    bcrypt::non_truncating_verify(text.expose(), phc).unwrap_or(false)
}

#[cfg(test)]
pub(crate) mod tests {
    use argon2::password_hash::PasswordHasher as _;
    use argon2::{Algorithm, Params, Version};

    use super::*;

    const TEXT: &str = "stk_ab12cd34-0123456789abcdef0123";
    const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuJ1kZ0fLYqh2LIKrJWSJZQXDwGWmfXPu";

    fn argon2(memory: u32) -> Argon2<'static> {
        let params = Params::new(memory, 1, 1, None).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }

    pub(crate) fn argon2id(text: &str) -> String {
        argon2(16)
            .hash_password_with_salt(text.as_bytes(), b"a salt of theirs")
            .unwrap()
            .to_string()
    }

    pub(crate) fn bcrypted(text: &str) -> String {
        bcrypt::hash_with_salt(text, 4, *b"a salt of theirs").unwrap().to_string()
    }

    fn read(hash: &str, lookup: &str, length: usize) -> Result<Salted, String> {
        Salted::read(hash, Some(lookup), Some(&length.to_string()), "stk_")
    }

    #[test]
    fn a_text_is_found_by_its_part_and_length_and_known_by_its_hash() {
        let known = argon2(16);
        for hash in [bcrypted(TEXT), argon2id(TEXT)] {
            for lookup in ["ab12", "stk_ab12", "ab12cd34"] {
                let salted = read(&hash, lookup, TEXT.len()).unwrap();
                assert!(keys(TEXT, "stk_").contains(&salted.key));
                let longer = format!("{TEXT}x");
                assert!(!keys(&longer, "stk_").contains(&salted.key));
                assert!(is_of(&known, &salted.phc, &Secret::new(TEXT)));
                assert!(!is_of(&known, &salted.phc, &Secret::new(TEXT.replace('3', "4"))));
                assert!(!format!("{salted:?}").contains('$'));
            }
        }
        for none in
            ["stk_ab12", "sct_ab12cd34-0123456789abcdef0123", "stk_ab12cd34-0123456789\tbcdef0123"]
        {
            assert_eq!(keys(none, "stk_"), Vec::<String>::new(), "{none}");
        }
        assert!(keys(TEXT, "stk_").len() <= hallpass_store::legacy::MAX_LOOKUPS);
        assert_eq!(
            keys(&format!("stk_{}", "x".repeat(90)), "stk_").len(),
            hallpass_store::legacy::MAX_LOOKUPS
        );
    }

    #[test]
    fn the_names_of_bcrypt_are_one() {
        let hash = bcrypted(TEXT);
        let all = ["$2a$", "$2b$", "$2y$"].map(|name| {
            let spelt = format!("{name}{}", &hash[4..]);
            read(&spelt, "ab12", TEXT.len()).unwrap().phc
        });
        assert!(all.iter().all(|phc| *phc == all[0]));
    }

    #[test]
    fn what_could_be_guessed_or_costs_too_much_is_refused_and_never_repeated() {
        let good = bcrypted(TEXT);
        let bare = Salted::read(&good, None, None, "stk_").unwrap_err();
        assert!(bare.contains("add a column lookup") && bare.contains("length"), "{bare}");
        let lengthless = Salted::read(&good, Some("ab12"), None, "stk_").unwrap_err();
        assert!(lengthless.contains("number of characters"), "{lengthless}");
        let (least, whole) = (4 + 4 + SECRET, TEXT.len());
        assert!(read(&good, "ab12", least).is_ok());
        let dear = argon2id(TEXT).replace("m=16", "m=4194304");
        let costly = good.replace("$04$", "$15$");
        let other = argon2id(TEXT).replace("argon2id", "argon2i");
        for (hash, lookup, length, why) in [
            (&*good, "ab12", least - 1, "less than 20"),
            (&good, TEXT, whole, "4 to 20"),
            (&good, "ab1", whole, "4 to 20"),
            (&good, "ab\u{e9}12", whole, "visible ASCII"),
            (&good, "ab12", 73, "72 characters"),
            (&good, "ab12", 5000, "at most 1024"),
            (&costly, "ab12", whole, "costs more"),
            (&dear, "ab12", whole, "costs more"),
            (&other, "ab12", whole, "neither"),
            ("$6$salt$hash", "ab12", whole, "neither"),
            ("$2x$04$abc", "ab12", whole, "neither"),
            ("$2b$04$short", "ab12", whole, "neither"),
            ("$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ", "ab12", whole, "neither"),
            (BCRYPT, TEXT, whole, "4 to 20"),
        ] {
            let said = read(hash, lookup, length).unwrap_err();
            assert!(said.contains(why), "{hash}: {said}");
            assert!(!said.contains(TEXT) && !said.contains(hash), "{said}");
        }
        // Long ones can be told apart by argon2id.
        assert!(read(&argon2id(TEXT), "ab12", 500).is_ok());
    }
}
