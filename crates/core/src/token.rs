//! Token text: `<prefix><body><check>`.
//!
//! The body is 30 random base62 characters (178.6 bits, RFC 6749 §10.10 asks for
//! 128 and recommends 160); the check is CRC-32 over prefix and body as 6 base62
//! characters, so a typo or a truncated paste is told apart from a revoked token
//! without a look-up, and scanners can tell a leak from a look-alike.
//! At rest there is only the [`Digest`].

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::{Random, Secret};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Random characters in a token; 30 · log2(62) = 178.6 bits.
const BODY_LEN: usize = 30;
/// CRC-32 in base62.
const CHECK_LEN: usize = 6;
/// The longest prefix that a brand may choose.
pub const MAX_PREFIX_LEN: usize = 24;

/// What kind of secret a token text is. The prefix says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A personal token, made by a person for scripts.
    Personal,
    /// A key of a project.
    ProjectKey,
    /// A key of an organization.
    OrgKey,
    /// A refresh token (RFC 6749 §1.5).
    Refresh,
    /// An authorization code (RFC 6749 §1.3.1).
    Code,
    /// A device code (RFC 8628 §3.2).
    Device,
    /// A session cookie.
    Session,
    /// A confidential client's secret (RFC 6749 §2.3.1).
    ClientSecret,
    /// The one-time code behind the setup link.
    Setup,
    /// The secret in the link of an invitation.
    Invitation,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 10] = [
        Kind::Personal,
        Kind::ProjectKey,
        Kind::OrgKey,
        Kind::Refresh,
        Kind::Code,
        Kind::Device,
        Kind::Session,
        Kind::ClientSecret,
        Kind::Setup,
        Kind::Invitation,
    ];

    /// hallpass's own prefix for this kind; a brand may bring another for the
    /// credentials that people handle.
    pub const fn prefix(self) -> &'static str {
        match self {
            Kind::Personal => "hp_user_",
            Kind::ProjectKey => "hp_proj_",
            Kind::OrgKey => "hp_org_",
            Kind::Refresh => "hp_rt_",
            Kind::Code => "hp_ac_",
            Kind::Device => "hp_dc_",
            Kind::Session => "hp_ses_",
            Kind::ClientSecret => "hp_cs_",
            Kind::Setup => "hp_setup_",
            Kind::Invitation => "hp_inv_",
        }
    }
}

/// A token's whole text, well-formed and with a correct check.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(Secret);

/// Why a text is no token of the wanted prefix. It never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAToken {
    /// It begins with something else.
    #[error("it does not begin with the expected prefix")]
    Prefix,
    /// It is too short or too long, as after a partial paste.
    #[error("it is not complete")]
    Length,
    /// A character that no token has.
    #[error("it has a character that no token has")]
    Character,
    /// The check does not match: a typo.
    #[error("its checksum does not match; is a character missing or changed?")]
    Check,
}

impl TokenText {
    /// A new token of `kind` with hallpass's own prefix.
    pub fn mint(kind: Kind, random: &dyn Random) -> Self {
        Self::mint_with_prefix(kind.prefix(), random)
    }

    /// A new token with a brand's prefix.
    pub fn mint_with_prefix(prefix: &str, random: &dyn Random) -> Self {
        let mut text = String::with_capacity(prefix.len() + BODY_LEN + CHECK_LEN);
        text.push_str(prefix);
        push_random_base62(&mut text, BODY_LEN, random);
        push_check(&mut text);
        Self(Secret::new(text))
    }

    /// Reads a token of `kind` with hallpass's own prefix.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, NotAToken> {
        Self::parse_with_prefix(kind.prefix(), text)
    }

    /// Reads a token with a brand's prefix. Costs no look-up.
    pub fn parse_with_prefix(prefix: &str, text: &str) -> Result<Self, NotAToken> {
        Self::check(prefix, text).map(|()| Self(Secret::new(text)))
    }

    /// What a token with this prefix is kept as, without a copy of its text.
    pub fn digest_of(prefix: &str, text: &str) -> Result<Digest, NotAToken> {
        Self::check(prefix, text).map(|()| Digest::of(text.as_bytes()))
    }

    fn check(prefix: &str, text: &str) -> Result<(), NotAToken> {
        let rest = text.strip_prefix(prefix).ok_or(NotAToken::Prefix)?;
        if rest.len() != BODY_LEN + CHECK_LEN {
            return Err(NotAToken::Length);
        }
        if !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(NotAToken::Character);
        }
        let (signed, check) = text.split_at(text.len() - CHECK_LEN);
        if check.as_bytes() != check_of(signed) {
            return Err(NotAToken::Check);
        }
        Ok(())
    }

    /// What is kept at rest.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.expose().as_bytes())
    }

    /// The last four characters, to tell tokens apart in a list.
    pub fn last_four(&self) -> &str {
        let text = self.0.expose();
        &text[text.len() - 4..]
    }

    /// The text. Every call is a place where a secret leaves its type.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The text as a [`Secret`], to hand on.
    pub fn into_secret(self) -> Secret {
        self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}

/// SHA-256 of a secret with at least 128 random bits. Such a secret needs no slow
/// hash: there is nothing to guess. Passwords do, and use argon2id.
#[derive(Clone, Copy, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `secret`.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// From the 32 stored bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

// Equal digests hash alike: `ct_eq` compares the same bytes.
impl std::hash::Hash for Digest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

fn push_random_base62(text: &mut String, count: usize, random: &dyn Random) {
    let mut left = count;
    while left > 0 {
        let mut bytes = [0u8; 64];
        random.fill(&mut bytes);
        // 248 = 4 · 62: bytes above would make some characters likelier than others.
        for byte in bytes.into_iter().filter(|b| *b < 248).take(left) {
            text.push(char::from(ALPHABET[usize::from(byte % 62)]));
            left -= 1;
        }
    }
}

fn push_check(text: &mut String) {
    let check = check_of(text);
    text.extend(check.map(char::from));
}

fn check_of(signed: &str) -> [u8; CHECK_LEN] {
    let mut rest = crc32fast::hash(signed.as_bytes());
    let mut check = [b'0'; CHECK_LEN];
    for place in check.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    struct Count(AtomicU8);
    impl Random for Count {
        fn fill(&self, bytes: &mut [u8]) {
            for b in bytes {
                *b = self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn token() -> TokenText {
        TokenText::mint(Kind::Personal, &Count(AtomicU8::new(0)))
    }

    // A golden vector: prefixes and checks, once issued, never change.
    #[test]
    fn golden() {
        assert_eq!(token().expose(), "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA");
    }

    // proves: B13
    #[test]
    fn has_more_than_160_random_bits() {
        assert!(BODY_LEN as f64 * 62f64.log2() >= 178.0);
    }

    #[test]
    fn every_single_change_and_every_swap_of_neighbours_is_noticed() {
        let good = token();
        let good = good.expose();
        for at in "hp_user_".len()..good.len() {
            for other in ALPHABET {
                let mut bad = good.as_bytes().to_vec();
                if bad[at] == *other {
                    continue;
                }
                bad[at] = *other;
                let bad = String::from_utf8(bad).unwrap();
                assert_eq!(TokenText::parse(Kind::Personal, &bad), Err(NotAToken::Check), "{at}");
            }
            if at + 1 < good.len() {
                let mut bad = good.as_bytes().to_vec();
                bad.swap(at, at + 1);
                let bad = String::from_utf8(bad).unwrap();
                assert_eq!(TokenText::parse(Kind::Personal, &bad).is_ok(), bad == good, "{at}");
            }
        }
    }

    // What is looked up and compared is a digest, so how long that takes says nothing about
    // the secret: a guess that is nearly right has a digest that is nowhere near.
    // proves: attack-37
    #[test]
    fn a_near_miss_is_nowhere_near_once_it_is_digested() {
        let good = token();
        let body = &good.expose()[..good.expose().len() - CHECK_LEN];
        for at in Kind::Personal.prefix().len()..body.len() {
            let mut near = body.as_bytes().to_vec();
            near[at] = if near[at] == b'0' { b'1' } else { b'0' };
            let mut near = String::from_utf8(near).unwrap();
            push_check(&mut near);
            let near = TokenText::parse(Kind::Personal, &near).unwrap().digest();
            let same = near.0.iter().zip(good.digest().0).take_while(|(a, b)| **a == *b).count();
            assert!(near != good.digest() && same <= 2, "{same} bytes in common at {at}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let good = token();
        let good = good.expose();
        let digest = TokenText::digest_of(Kind::Personal.prefix(), good);
        assert_eq!(digest, Ok(Digest::of(good.as_bytes())));
        assert_eq!(TokenText::digest_of("hp_rt_", good), Err(NotAToken::Prefix));
        assert_eq!(TokenText::parse(Kind::Refresh, good), Err(NotAToken::Prefix));
        assert_eq!(TokenText::parse(Kind::Personal, &good[..20]), Err(NotAToken::Length));
        assert_eq!(TokenText::parse(Kind::Personal, &format!("{good} ")), Err(NotAToken::Length));
        let odd = format!("{}-", &good[..good.len() - 1]);
        assert_eq!(TokenText::parse(Kind::Personal, &odd), Err(NotAToken::Character));
        let wide = format!("hp_user_{}", "é".repeat(18));
        assert_eq!(TokenText::parse(Kind::Personal, &wide), Err(NotAToken::Character));
    }
}
