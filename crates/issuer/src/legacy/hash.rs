//! How the text of an older system's token is known: by a hash that was imported.
//!
//! Credentials are looked up by one key, the SHA-256 of their text ([`Digest`]). Where the
//! older system kept SHA-512, the text's SHA-256 is nowhere to be had, so the key is
//! SHA-256 over a label and the SHA-512. A text with the older system's prefix is then
//! looked up under both keys; no other text is. A salted hash gives no key at all: it is tried
//! ([`salted`](super::salted)).

use aws_lc_rs::digest;
use hallpass_core::Digest;

use super::salted::Salted;

/// Keeps keys made of a SHA-512 apart from digests of texts: none begins with this, since
/// no token has a space in it.
const LABEL: &[u8] = b"hallpass legacy token, by SHA-512: ";

/// A hash that an older system kept, over the whole text of its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256 of it.
    Sha256(Digest),
    /// SHA-512 of it, as the key that it is looked up under.
    Sha512(Digest),
    /// A salted one.
    Salted(Salted),
}

impl Hash {
    /// Reads hex, or a salted hash with the lookup and the length that stand beside it. What it
    /// says of a text that is no hash never repeats the text.
    pub(super) fn read(
        text: &str,
        (lookup, length): (Option<&str>, Option<&str>),
        legacy_prefix: &str,
    ) -> Result<Self, String> {
        if text.starts_with(legacy_prefix) {
            return Err("it holds a token, and not its hash; hash the tokens where they are kept, for example with sha256sum, and keep the tokens themselves out of files".to_owned());
        }
        if text.starts_with('$') {
            return Salted::read(text, lookup, length, legacy_prefix).map(Self::Salted);
        }
        let wrong = || {
            "its hash is neither SHA-256 (64 hexadecimal digits) nor SHA-512 (128 of them)"
                .to_owned()
        };
        let bytes = hex(text).ok_or_else(wrong)?;
        if let Ok(bytes) = <[u8; 32]>::try_from(bytes.as_slice()) {
            return Ok(Self::Sha256(Digest::from_bytes(bytes)));
        }
        let bytes: [u8; 64] = bytes.try_into().map_err(|_| wrong())?;
        Ok(Self::Sha512(by_sha512(&bytes)))
    }

    /// The key that it is kept and looked up under; a salted one has none.
    pub const fn lookup(&self) -> Option<Digest> {
        match self {
            Self::Sha256(digest) | Self::Sha512(digest) => Some(*digest),
            Self::Salted(_) => None,
        }
    }

    /// The first digits of the key, or the part of the text, to tell tokens without a name apart.
    pub(super) fn short(&self) -> String {
        match self {
            Self::Sha256(digest) | Self::Sha512(digest) => {
                digest.as_bytes()[..4].iter().map(|byte| format!("{byte:02x}")).collect()
            }
            Self::Salted(salted) => salted.part.clone(),
        }
    }
}

/// The key of `text` beside its plain digest: what it is kept under if the older system had
/// its SHA-512.
pub fn second_key(text: &str) -> Digest {
    let sha512 = digest::digest(&digest::SHA512, text.as_bytes());
    labelled(sha512.as_ref())
}

fn by_sha512(bytes: &[u8; 64]) -> Digest {
    labelled(bytes)
}

fn labelled(sha512: &[u8]) -> Digest {
    Digest::of(&[LABEL, sha512].concat())
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) || text.len() > 128 {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| {
        // `from_str_radix` would also read a sign.
        let digits = pair.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(pair).ok().filter(|_| digits)?;
        u8::from_str_radix(text, 16).ok()
    };
    pairs.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4's own example: SHA-512 of `abc`.
    const ABC: &str = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

    fn read(text: &str) -> Result<Hash, String> {
        Hash::read(text, (None, None), "stk_")
    }

    #[test]
    fn a_sha_512_and_the_text_behind_it_have_one_key() {
        let kept = read(ABC).unwrap();
        assert_eq!(kept.lookup(), Some(second_key("abc")));
        assert_ne!(kept.lookup(), Some(Digest::of(b"abc")));
        assert_eq!(read(&ABC.to_uppercase()), Ok(kept));
    }

    #[test]
    fn a_sha_256_is_the_digest_that_everything_is_looked_up_by() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(read(abc).unwrap().lookup(), Some(Digest::of(b"abc")));
    }

    #[test]
    fn what_is_no_hash_is_refused_and_not_repeated() {
        let long = "0".repeat(130);
        let sign = format!("+{}", "0".repeat(63));
        for text in
            ["", "abc", &ABC[1..], &ABC[2..], &long, &sign, "é", "stk_secret", "$2b$12$salt"]
        {
            let why = read(text).unwrap_err();
            assert!(text.len() < 3 || !why.contains(text), "{why}");
        }
        assert!(read("stk_secret").unwrap_err().contains("holds a token"));
    }
}
