//! The master key, what is derived from it, and sealing.
//!
//! Each use has a key of its own, derived by HKDF-SHA-256 (RFC 5869) under a label, so
//! that nothing made for one use says anything about another. What is sealed
//! (AES-256-GCM) is bound to its place by the label of its key and by `context`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use hallpass_core::{Digest, Random, Secret, chance};
use zeroize::Zeroizing;

use crate::Error;

/// The first byte of everything sealed, so that the form can change one day.
const FORM: u8 = 1;

/// The deployment's master key: 32 random bytes that never leave the machine and are not
/// in backups.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// From its 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The keys that are derived from the master key, one for each use.
pub(crate) struct Keys {
    /// Seals the private half of signing keys.
    pub(crate) signing: Seal,
    /// Seals mail that waits to be sent.
    pub(crate) mail: Seal,
    /// Seals the private half of the key that signs the audit log.
    pub(crate) audit: Seal,
    /// What the keys are derived from that seal secrets for agents, one for each generation.
    agent_secrets: Zeroizing<[u8; 32]>,
    /// A user code's digest: 34 bits could be guessed from a plain hash of it.
    user_code: hmac::Key,
    /// Tokens against cross-site request forgery.
    csrf: hmac::Key,
    /// Tickets that an authorization request carries through sign-in and consent.
    ticket: hmac::Key,
    /// Nonces for proofs of possession, which every server of the deployment takes.
    dpop_nonce: hmac::Key,
}

impl Keys {
    pub(crate) fn derive(master: &MasterKey) -> Result<Self, Error> {
        let key = |label| derive(master.0.as_slice(), label);
        let mac = |label| Ok::<_, Error>(hmac::Key::new(hmac::HMAC_SHA256, key(label)?.as_slice()));
        Ok(Self {
            signing: Seal::with(key("hallpass signing keys v1")?)?,
            mail: Seal::with(key("hallpass mail v1")?)?,
            audit: Seal::with(key("hallpass audit keys v1")?)?,
            agent_secrets: key("hallpass agent secrets v1")?,
            user_code: mac("hallpass user codes v1")?,
            csrf: mac("hallpass csrf v1")?,
            ticket: mac("hallpass authorization tickets v1")?,
            dpop_nonce: mac("hallpass dpop nonces v1")?,
        })
    }

    /// Seals secrets for agents, in this generation.
    pub(crate) fn agent_secrets(&self, generation: u32) -> Result<Seal, Error> {
        let number = generation.to_be_bytes();
        Seal::with(expand(self.agent_secrets.as_slice(), &[b"generation", &number])?)
    }

    /// What is stored of a user code.
    pub(crate) fn user_code_digest(&self, canonical: &str) -> Digest {
        Digest::from_bytes(tag(&self.user_code, &[canonical.as_bytes()]))
    }

    /// The MAC over `parts`, each bound to its place.
    pub(crate) fn csrf(&self, parts: &[&[u8]]) -> [u8; 32] {
        tag(&self.csrf, parts)
    }

    /// The MAC over the time of a nonce.
    pub(crate) fn dpop_nonce(&self, time: &[u8]) -> [u8; 32] {
        tag(&self.dpop_nonce, &[time])
    }

    /// The MAC over `parts`, each bound to its place.
    pub(crate) fn ticket(&self, parts: &[&[u8]]) -> [u8; 32] {
        tag(&self.ticket, parts)
    }
}

/// Seals and opens with one key.
pub(crate) struct Seal(LessSafeKey);

impl Seal {
    /// For the successor of a refresh token: the key comes from the presented token, so
    /// that only who holds that can open it (DESIGN.md §5).
    pub(crate) fn for_successor_of(presented: &str) -> Result<Self, Error> {
        Self::with(derive(presented.as_bytes(), "hallpass refresh successor v1")?)
    }

    fn with(key: Zeroizing<[u8; 32]>) -> Result<Self, Error> {
        let key = UnboundKey::new(&AES_256_GCM, key.as_slice())
            .map_err(|_| Error::Crypto { doing: "making a sealing key" })?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Form, nonce, ciphertext and tag. The nonce is random: 96 bits are plenty for the
    /// few things that one key ever seals.
    pub(crate) fn seal(
        &self,
        context: &str,
        plain: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE_LEN] = chance::bytes(random);
        let mut text = Zeroizing::new(plain.to_vec());
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                text.as_mut_slice(),
            )
            .map_err(|_| Error::Crypto { doing: "sealing" })?;
        Ok([&[FORM], nonce.as_slice(), text.as_slice(), tag.as_ref()].concat())
    }

    /// What was sealed under `context`; `None` if it was not sealed so, or with another key.
    pub(crate) fn open(&self, context: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.strip_prefix(&[FORM])?.split_first_chunk::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain =
            self.0.open_in_place(nonce, Aad::from(context.as_bytes()), text.as_mut_slice()).ok()?;
        Some(Zeroizing::new(plain.to_vec()))
    }

    /// As [`Seal::open`], for text.
    pub(crate) fn open_text(&self, context: &str, sealed: &[u8]) -> Option<Secret> {
        let plain = self.open(context, sealed)?;
        std::str::from_utf8(&plain).ok().map(Secret::new)
    }
}

/// HKDF-SHA-256 without salt: the input has 178 random bits or more.
fn derive(secret: &[u8], label: &'static str) -> Result<Zeroizing<[u8; 32]>, Error> {
    expand(secret, &[label.as_bytes()])
}

fn expand(secret: &[u8], info: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, Error> {
    let mut key = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(secret)
        .expand(info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(key.as_mut_slice()))
        .map_err(|_| Error::Crypto { doing: "deriving a key" })?;
    Ok(key)
}

/// HMAC-SHA-256 over `parts`. Each is preceded by its length, so that no two lists of
/// parts give the same input.
fn tag(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut tag = [0; 32];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::chance::Dice;

    fn keys(byte: u8) -> Keys {
        Keys::derive(&MasterKey::new([byte; 32])).unwrap()
    }

    #[test]
    fn only_the_same_key_and_context_open_what_was_sealed() {
        let dice = Dice::new();
        let sealed = keys(1).signing.seal("sgk_1", b"private", &dice).unwrap();
        assert_eq!(keys(1).signing.open("sgk_1", &sealed).unwrap().as_slice(), b"private");
        assert!(keys(2).signing.open("sgk_1", &sealed).is_none());
        assert!(keys(1).signing.open("sgk_2", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(keys(1).signing.open("sgk_1", &bad).is_none(), "{at}");
            assert!(keys(1).signing.open("sgk_1", &sealed[..at]).is_none(), "{at}");
        }
        let again = keys(1).signing.seal("sgk_1", b"private", &dice).unwrap();
        assert_ne!(sealed, again, "a fresh nonce each time");
    }

    // proves: SN06
    #[test]
    fn each_generation_of_secrets_has_a_key_of_its_own() {
        let (keys, other) = (keys(1), keys(2));
        let sealed = keys.agent_secrets(1).unwrap().seal("c", b"x", &Dice::new()).unwrap();
        assert!(keys.agent_secrets(1).unwrap().open("c", &sealed).is_some());
        assert!(keys.agent_secrets(2).unwrap().open("c", &sealed).is_none());
        assert!(keys.agent_secrets(1).unwrap().open("d", &sealed).is_none());
        assert!(other.agent_secrets(1).unwrap().open("c", &sealed).is_none());
    }

    #[test]
    fn a_successor_opens_with_the_token_that_it_succeeds() {
        let seal = |token| Seal::for_successor_of(token).unwrap();
        let sealed = seal("hp_rt_a").seal("grt_1", b"hp_rt_b", &Dice::new()).unwrap();
        assert_eq!(seal("hp_rt_a").open_text("grt_1", &sealed).unwrap().expose(), "hp_rt_b");
        assert!(seal("hp_rt_c").open_text("grt_1", &sealed).is_none());
    }

    // proves: D18
    #[test]
    fn a_user_code_is_not_stored_as_a_plain_hash() {
        let digest = keys(1).user_code_digest("BCDFGHJK");
        assert_eq!(digest, keys(1).user_code_digest("BCDFGHJK"));
        assert_ne!(digest, keys(2).user_code_digest("BCDFGHJK"));
        assert_ne!(digest, Digest::of(b"BCDFGHJK"));
    }

    #[test]
    fn each_use_has_a_key_of_its_own_and_parts_keep_their_places() {
        let keys = keys(1);
        assert_ne!(keys.csrf(&[b"a"]), keys.ticket(&[b"a"]));
        assert_ne!(keys.csrf(&[b"ab", b"c"]), keys.csrf(&[b"a", b"bc"]));
        assert_ne!(keys.csrf(&[b"a"]), keys.csrf(&[b"a", b""]));
    }
}
