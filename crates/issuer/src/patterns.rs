//! What our secrets look like, for whoever scans repositories and logs for leaks.
//!
//! A secret of ours is `<prefix><body><check>` ([`hallpass_core::token`]): 30 random base62
//! characters, and CRC-32 (ISO-HDLC, as in zip and PNG) over prefix and body, as 6 base62
//! characters, most significant first, alphabet `0-9A-Za-z`. A pattern finds candidates; the
//! checksum tells a secret from what only looks like one, without asking anybody.

use hallpass_core::{Kind, Random, TokenText};

use crate::Issuer;

/// Characters after the prefix: body and check.
const TAIL: usize = 36;
/// Fewer characters than this after an older system's prefix are no secret.
const LEGACY_LEAST: usize = 16;
/// More than this nobody ever issued.
const LEGACY_MOST: usize = 255;

/// One kind of secret, as a scanner finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// What it is, in one word: `personal-token`.
    pub id: &'static str,
    /// What it is, for people.
    pub description: &'static str,
    /// What it begins with. Every match holds it, so a scanner can look for that first.
    pub prefix: String,
    /// A regular expression in the dialect that RE2, Hyperscan, PCRE and Rust share. It
    /// matches the whole secret and nothing beside it.
    pub regex: String,
    /// Whether the last six characters are a checksum.
    pub checksum: bool,
    /// Something that matches, with a right checksum, and is no secret of anybody.
    pub example: String,
}

/// Everything that a person or a program may hold, and what each is called. Codes live for
/// a minute and setup codes once; they are here all the same, because logs leak too.
const KINDS: [(Kind, &str, &str); 10] = [
    (Kind::Personal, "personal-token", "Personal token"),
    (Kind::ProjectKey, "project-key", "Key of a project"),
    (Kind::OrgKey, "organization-key", "Key of an organization"),
    (Kind::Refresh, "refresh-token", "Refresh token"),
    (Kind::ClientSecret, "client-secret", "Secret of a confidential client"),
    (Kind::Session, "session", "Session cookie of a browser"),
    (Kind::Code, "authorization-code", "Authorization code"),
    (Kind::Device, "device-code", "Device code"),
    (Kind::Setup, "setup-code", "Code of the setup link"),
    (Kind::Invitation, "invitation", "Secret in the link of an invitation"),
];

impl Issuer {
    /// The patterns of this deployment's secrets: its brand's prefixes, and the older
    /// system's if there was one. Access tokens are JWTs and live for minutes; every
    /// scanner knows those.
    pub fn token_patterns(&self) -> Vec<Pattern> {
        let brand = &self.config().brand;
        let tokens = &brand.tokens;
        let ours = KINDS.iter().map(|(kind, id, description)| {
            let prefix = match kind {
                Kind::Personal => &tokens.prefix,
                Kind::ProjectKey | Kind::OrgKey => brand.key_prefix(*kind),
                other => other.prefix(),
            };
            own(id, description, prefix)
        });
        ours.chain(tokens.legacy_prefix.as_deref().map(legacy)).collect()
    }
}

fn own(id: &'static str, description: &'static str, prefix: &str) -> Pattern {
    Pattern {
        id,
        description,
        prefix: prefix.to_owned(),
        // A prefix has letters, digits and '_' only: nothing in it needs escaping.
        regex: format!("{prefix}[0-9A-Za-z]{{{TAIL}}}"),
        checksum: true,
        example: TokenText::mint_with_prefix(prefix, &Sequence).expose().to_owned(),
    }
}

/// Of an older system's tokens only the prefix is known.
fn legacy(prefix: &str) -> Pattern {
    Pattern {
        id: "legacy-token",
        description: "Token of the system that was there before",
        prefix: prefix.to_owned(),
        regex: format!("{prefix}[0-9A-Za-z._~+/=-]{{{LEGACY_LEAST},{LEGACY_MOST}}}"),
        checksum: false,
        example: format!("{prefix}0123456789ABCDEFGHIJ"),
    }
}

/// The most predictable numbers: an example must be nobody's secret.
struct Sequence;

impl Random for Sequence {
    fn fill(&self, bytes: &mut [u8]) {
        for (byte, n) in bytes.iter_mut().zip(0..) {
            *byte = n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The same in every release: scanners' allow-lists may name it.
    #[test]
    fn an_example_is_a_well_formed_token_that_nobody_was_given() {
        let pattern = own("personal-token", "Personal token", "hp_user_");
        assert_eq!(pattern.example, "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA");
        assert!(TokenText::parse(Kind::Personal, &pattern.example).is_ok());
        assert_eq!(pattern.regex, "hp_user_[0-9A-Za-z]{36}");
    }

    #[test]
    fn no_kind_is_left_out() {
        let named: Vec<Kind> = KINDS.iter().map(|(kind, ..)| *kind).collect();
        assert!(
            Kind::ALL.iter().all(|kind| named.contains(kind)) && named.len() == Kind::ALL.len()
        );
    }
}
