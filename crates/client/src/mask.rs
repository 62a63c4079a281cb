//! What a token is, as far as its text tells, and enough of it to tell it by.

use hallpass_core::brand::Brand;
use hallpass_core::{Kind, Secret, TokenText};

use crate::workload::end_of_pass;

/// A token without its secret (CLIENT G6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// What it is.
    pub kind: TokenKind,
    /// Its prefix and its last four characters, if it is a whole token of ours.
    pub ends: Option<(String, String)>,
}

/// What a token is, by its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A personal token.
    Personal,
    /// A token of the system that was there before.
    Legacy,
    /// A key of a project.
    ProjectKey,
    /// A key of an organization.
    OrgKey,
    /// A pass of a job: a JWT, which ends soon.
    Pass,
    /// A JWT: an access token that ends soon.
    Jwt,
    /// Something else, or one that is not complete.
    Other,
}

impl TokenKind {
    /// A stable name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal_token",
            Self::Legacy => "legacy_token",
            Self::ProjectKey => "project_key",
            Self::OrgKey => "org_key",
            Self::Pass => "job_pass",
            Self::Jwt => "access_token",
            Self::Other => "unknown",
        }
    }

    /// Whether it is kept for long, so that its end comes as a surprise.
    pub const fn is_long_lived(self) -> bool {
        !matches!(self, Self::Pass | Self::Jwt | Self::Other)
    }
}

impl Masked {
    /// Looks at a token's text. A text that is not whole shows nothing of itself: it may be
    /// any secret.
    pub fn of(token: &Secret, brand: &Brand) -> Self {
        let text = token.expose();
        for (prefix, kind) in [
            (brand.tokens.prefix.as_str(), TokenKind::Personal),
            (brand.key_prefix(Kind::ProjectKey), TokenKind::ProjectKey),
            (brand.key_prefix(Kind::OrgKey), TokenKind::OrgKey),
        ] {
            if let Ok(token) = TokenText::parse_with_prefix(prefix, text) {
                let ends = Some((prefix.to_owned(), token.last_four().to_owned()));
                return Self { kind, ends };
            }
        }
        let legacy = brand.tokens.legacy_prefix.as_deref();
        if let Some((prefix, body)) = legacy.and_then(|p| Some((p, text.strip_prefix(p)?))) {
            // What an older system made has no check. Four of twenty tell it by, no more.
            let last_four = body.len().checked_sub(4).filter(|rest| *rest >= 16);
            let last_four = last_four.and_then(|at| body.get(at..));
            let ends = last_four.map(|last_four| (prefix.to_owned(), last_four.to_owned()));
            return Self { kind: TokenKind::Legacy, ends };
        }
        let jwt = text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2;
        let kind = match jwt {
            true if end_of_pass(token).is_some() => TokenKind::Pass,
            true => TokenKind::Jwt,
            false => TokenKind::Other,
        };
        Self { kind, ends: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA";

    fn masked(text: &str) -> (TokenKind, Option<String>) {
        let mut brand = Brand::hallpass();
        brand.tokens.legacy_prefix = Some("stk_".to_owned());
        let masked = Masked::of(&Secret::new(text), &brand);
        (masked.kind, masked.ends.map(|(prefix, last_four)| format!("{prefix}…{last_four}")))
    }

    // proves: client-G6
    #[test]
    fn prefix_and_last_four_of_a_whole_token_are_shown_and_nothing_of_any_other() {
        assert_eq!(masked(GOOD), (TokenKind::Personal, Some("hp_user_…urKA".to_owned())));
        let legacy = masked("stk_0123456789abcdefWXYZ");
        assert_eq!(legacy, (TokenKind::Legacy, Some("stk_…WXYZ".to_owned())));
        for (text, kind) in [
            (&GOOD[..GOOD.len() - 1], TokenKind::Other),
            ("correct horse battery staple", TokenKind::Other),
            ("stk_short", TokenKind::Legacy),
            ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", TokenKind::Jwt),
            // {"sub":"job_01JBBBBBBBBBBBBBBBBBBBBBBB","exp":4000000000}
            (
                "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJqb2JfMDFKQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkIiLCJleHAi\
                 OjQwMDAwMDAwMDB9.c2ln",
                TokenKind::Pass,
            ),
            ("", TokenKind::Other),
        ] {
            assert_eq!(masked(text), (kind, None), "{text}");
        }
        let debug = format!("{:?}", Masked::of(&Secret::new(GOOD), &Brand::hallpass()));
        assert!(!debug.contains("0123456789"), "{debug}");
    }
}
