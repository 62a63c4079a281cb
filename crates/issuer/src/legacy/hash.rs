//! How the text of an older system's token is known: by a hash that was imported.
//!
//! Credentials are looked up by one key, the SHA-256 of their text ([`Digest`]). Where the
//! older system kept SHA-512, the text's SHA-256 is nowhere to be had, so the key is
//! SHA-256 over a label and the SHA-512. A text with the older system's prefix is then
//! looked up under both keys; no other text is.

use aws_lc_rs::digest;
use hallpass_core::Digest;

/// Keeps keys made of a SHA-512 apart from digests of texts: none begins with this, since
/// no token has a space in it.
const LABEL: &[u8] = b"hallpass legacy token, by SHA-512: ";

/// A hash that an older system kept, over the whole text of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256 of it.
    Sha256(Digest),
    /// SHA-512 of it, as the key that it is looked up under.
    Sha512(Digest),
}

impl Hash {
    /// Reads hex. What it says of a text that is no hash never repeats the text.
    pub(super) fn read(text: &str, legacy_prefix: &str) -> Result<Self, String> {
        if text.starts_with(legacy_prefix) {
            return Err("it holds a token, and not its hash; hash the tokens where they are kept, for example with sha256sum, and keep the tokens themselves out of files".to_owned());
        }
        if text.starts_with('$') {
            return Err("it is a salted hash, and nothing says which token it belongs to; only SHA-256 and SHA-512 of the whole token can be looked up".to_owned());
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

    /// The key that it is kept and looked up under.
    pub const fn lookup(self) -> Digest {
        match self {
            Self::Sha256(digest) | Self::Sha512(digest) => digest,
        }
    }

    /// The first digits of the key, to tell tokens without a name apart.
    pub(super) fn short(self) -> String {
        self.lookup().as_bytes()[..4].iter().map(|byte| format!("{byte:02x}")).collect()
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

    #[test]
    fn a_sha_512_and_the_text_behind_it_have_one_key() {
        let kept = Hash::read(ABC, "stk_").unwrap();
        assert_eq!(kept.lookup(), second_key("abc"));
        assert_ne!(kept.lookup(), Digest::of(b"abc"));
        assert_eq!(Hash::read(&ABC.to_uppercase(), "stk_"), Ok(kept));
    }

    #[test]
    fn a_sha_256_is_the_digest_that_everything_is_looked_up_by() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hash::read(abc, "stk_").unwrap().lookup(), Digest::of(b"abc"));
    }

    #[test]
    fn what_is_no_hash_is_refused_and_not_repeated() {
        let long = "0".repeat(130);
        let sign = format!("+{}", "0".repeat(63));
        for text in
            ["", "abc", &ABC[1..], &ABC[2..], &long, &sign, "é", "stk_secret", "$2b$12$salt"]
        {
            let why = Hash::read(text, "stk_").unwrap_err();
            assert!(text.len() < 3 || !why.contains(text), "{why}");
        }
        assert!(Hash::read("stk_secret", "stk_").unwrap_err().contains("holds a token"));
        assert!(Hash::read("$2b$12$x", "stk_").unwrap_err().contains("salted"));
    }
}
