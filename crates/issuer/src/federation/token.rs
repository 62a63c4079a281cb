//! The token of a job's issuer, in two steps that are two types: [`Unverified`] says which
//! issuer's key to try and nothing else; [`Verified`] is signed, made out for us, and in time. How
//! it is taken apart is [`hallpass_outside::token`].

use std::fmt;
use std::time::Duration;

use hallpass_core::trust::{Claim, Claims};
use hallpass_core::{Digest, Timestamp};
use hallpass_outside as outside;
use hallpass_outside::{SKEW, VerifyingKey};

/// No token is longer.
pub(super) const MAX_LEN: usize = 16 * 1024;
/// A token that is good for longer is no job's.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The longest `jti`, and the longest `sub`.
const MAX_ID: usize = 1024;

/// Why a token is no good. For the log and for those who manage the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Bad {
    Shape,
    Header,
    Type,
    Claims,
    Issuer,
    Key,
    Algorithm,
    Signature,
    Audience,
    Dates,
    Jti,
    Expired,
    NotYet,
    TooLong,
    TooOld,
    Again,
    Ambiguous,
    Scope,
    Target,
}

impl Bad {
    /// In words.
    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Shape => "the token is not a JWT in compact form",
            Self::Header => {
                "the token's header has more or less than alg, typ, kid and thumbprints"
            }
            Self::Type => "the token says that it is of another type",
            Self::Claims => "the token's claims are not well-formed",
            Self::Issuer => "no policy names the token's issuer",
            Self::Key => "the token's issuer publishes no such key",
            Self::Algorithm => "the token's algorithm is not that of its key",
            Self::Signature => "the token's signature is wrong",
            Self::Audience => {
                "the token is made out for somebody else: aud has to be this server's issuer URL, alone"
            }
            Self::Dates => "exp, nbf and iat have to be there, as whole numbers",
            Self::Jti => "jti has to be there, as a text",
            Self::Expired => "the token has expired",
            Self::NotYet => "the token is not valid yet",
            Self::TooLong => "the token is good for longer than a job's",
            Self::TooOld => "the token was issued longer than five minutes ago",
            Self::Again => "the token was exchanged before",
            Self::Ambiguous => "policies of several projects let the token in, and it named none",
            Self::Scope => "more permissions were asked for than a policy gives",
            Self::Target => "a pass for a resource was asked for that this server does not know",
        }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

impl From<outside::Bad> for Bad {
    fn from(bad: outside::Bad) -> Self {
        match bad {
            outside::Bad::Shape => Self::Shape,
            outside::Bad::Header => Self::Header,
            outside::Bad::Type => Self::Type,
            outside::Bad::Algorithm => Self::Algorithm,
            outside::Bad::Signature => Self::Signature,
            // The others are about ID tokens.
            _ => Self::Claims,
        }
    }
}

/// A token that has been taken apart, and that anybody may have written.
pub(super) struct Unverified<'a> {
    token: outside::Unverified<'a>,
    issuer: String,
}

/// A token that its issuer signed, for us, and that is good now.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) claims: Claims,
    /// What issuer and `jti` are known by together, and until when it must be remembered.
    pub(super) once: Digest,
    pub(super) once_until: Timestamp,
    pub(super) issued_at: Timestamp,
}

/// Why a token was refused, and what it says if its issuer signed that.
#[derive(Debug)]
pub(super) struct Rejected {
    pub(super) why: Bad,
    pub(super) signed: Option<Claims>,
}

impl<'a> Unverified<'a> {
    /// Takes it apart. H05: what is too long is an error, and nothing else is tried.
    pub(super) fn parse(text: &'a str) -> Result<Self, Bad> {
        let token = outside::Unverified::parse(text, MAX_LEN)?;
        let issuer = token.issuer()?.to_owned();
        Ok(Self { token, issuer })
    }

    /// Which issuer it names.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Which of the issuer's keys it names.
    pub(super) fn kid(&self) -> &str {
        self.token.kid()
    }

    /// Whether its issuer signed it with `key`, for `audience` alone, and it is good at `now`.
    /// `strict`: the platform is known to write `nbf` and `jti`.
    pub(super) fn verify(
        self,
        key: &VerifyingKey,
        audience: &str,
        now: Timestamp,
        strict: bool,
    ) -> Result<Verified, Rejected> {
        let part = self.token.signed_part();
        let claims = self.token.signed(key);
        let claims = claims.map_err(|why| Rejected { why: why.into(), signed: None })?;
        let signed = Signed { part, issuer: &self.issuer, claims: Claims::from(claims) };
        match signed.dates(audience, now, strict) {
            Ok((once, once_until, issued_at)) => {
                Ok(Verified { claims: signed.claims, once, once_until, issued_at })
            }
            Err(why) => Err(Rejected { why, signed: Some(signed.claims) }),
        }
    }
}

/// What an issuer signed, whatever it is worth.
struct Signed<'a> {
    part: &'a str,
    issuer: &'a str,
    claims: Claims,
}

impl Signed<'_> {
    fn dates(
        &self,
        audience: &str,
        now: Timestamp,
        strict: bool,
    ) -> Result<(Digest, Timestamp, Timestamp), Bad> {
        // H07: ours, and no other beside it. GitHub's default, the owner's page, is nobody's.
        if self.claims.single_audience() != Some(audience) {
            return Err(Bad::Audience);
        }
        // H08: there, and whole numbers.
        let date = |name: &str| self.claims.date(name).ok_or(Bad::Dates);
        let (expires, issued) = (date("exp")?, date("iat")?);
        let begins = match self.claims.get("nbf") {
            Claim::Missing if !strict => issued,
            _ => date("nbf")?,
        };
        if now >= expires {
            return Err(Bad::Expired);
        }
        if begins.max(issued) > now + SKEW {
            return Err(Bad::NotYet);
        }
        if expires.since(issued) > LONGEST {
            return Err(Bad::TooLong);
        }
        // H06: the issuer is part of what is remembered, and it is remembered for longer than
        // the token could be taken.
        let jti = match self.claims.get("jti") {
            Claim::Text(jti) if (1..=MAX_ID).contains(&jti.len()) => jti,
            // The signed part: a signature may have several spellings.
            Claim::Missing if !strict => self.part.to_owned(),
            _ => return Err(Bad::Jti),
        };
        let once = Digest::of(format!("outside token\n{}\n{jti}", self.issuer).as_bytes());
        Ok((once, expires + SKEW * 2, issued))
    }
}
