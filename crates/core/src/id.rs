//! Typed ids: a type prefix and a ULID, for example `usr_01JD2…`. Never reused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::Ulid;

use crate::{Clock, Random, Timestamp};

/// Why a text is not an id of the wanted type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_<ULID>")]
pub struct NotAnId {
    prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// What every id of this type begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, made of the time and 80 random bits.
            pub fn new(clock: &dyn Clock, random: &dyn Random) -> Self {
                let mut wide = [0; 16];
                random.fill(&mut wide[6..]);
                let millis = clock.now().millis().max(0) as u64;
                Self(Ulid::from_parts(millis, u128::from_be_bytes(wide)))
            }

            /// When it was made, by the clock of whoever made it.
            pub const fn made_at(self) -> Timestamp {
                Timestamp::from_millis(self.0.timestamp_ms() as i64)
            }

            /// As a number, to be kept where there are many.
            pub const fn to_bits(self) -> u128 {
                self.0.0
            }

            /// As `to_string`, which makes room twice and asks a formatter: an id is in
            /// every answer to a check.
            pub fn to_text(self) -> String {
                let mut text = String::with_capacity($prefix.len() + 1 + ulid::ULID_LEN);
                text.push_str(concat!($prefix, "_"));
                text.push_str(self.0.array_to_str(&mut [0; ulid::ULID_LEN]));
                text
            }

            /// What [`Self::to_bits`] gave.
            pub const fn from_bits(bits: u128) -> Self {
                Self(Ulid(bits))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(self.0.array_to_str(&mut [0; ulid::ULID_LEN]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|ulid| Ulid::from_string(ulid).ok())
                    .map(Self)
                    // Crockford's alphabet reads lower case and look-alikes too; an id has one spelling.
                    .filter(|id| id.to_string() == text)
                    .ok_or(NotAnId { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A person. Also the OIDC `sub`.
    UserId = "usr";
    /// An organization.
    OrgId = "org";
    /// A project inside an organization.
    ProjectId = "prj";
    /// An invitation to one of the two.
    InvitationId = "inv";
    /// An agent.
    AgentId = "agt";
    /// An action that an agent asks its owner to approve; the `jti` of its token has the same bits.
    ApprovalId = "apr";
    /// A job of a CI platform that was let in. Its grant has the same number.
    JobId = "job";
    /// The root of one authorization: its code, its refresh family, its JWTs.
    GrantId = "grt";
    /// A browser's signed-in session.
    SessionId = "ses";
    /// A long-lived credential: a personal token, a key.
    TokenId = "tok";
    /// A mail that waits to be sent; also the name in its `Message-ID`.
    MailId = "mai";
    /// A pending device authorization (RFC 8628).
    DeviceId = "dev";
    /// A resource (RFC 8707) that tokens are made out for.
    ResourceId = "res";
    /// A signing key; also its `kid`.
    SigningKeyId = "sgk";
    /// One row of the audit log.
    AuditId = "aud";
    /// A key that signs checkpoints of the audit log.
    AuditKeyId = "aky";
    /// A policy of trust in an outside issuer.
    TrustId = "trp";
    /// An exchange that was denied.
    TrustDeniedId = "trd";
    /// One JWT: its `jti`.
    JwtId = "jti";
}

#[cfg(test)]
mod tests {
    use super::*;

    struct At(i64);
    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }
    }
    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn an_id_has_one_spelling_and_one_type() {
        let id = UserId::new(&At(1_776_506_400_000), &Fixed(7));
        let text = id.to_string();
        assert!(text.starts_with("usr_01"));
        assert_eq!((text.len(), id.to_text()), (30, text.clone()));
        assert_eq!(text.parse::<UserId>().unwrap(), id);
        assert_eq!(UserId::from_bits(id.to_bits()), id);
        assert_eq!(id.made_at(), Timestamp::from_millis(1_776_506_400_000));
        assert!(text.parse::<OrgId>().is_err());
        assert!(text.to_lowercase().parse::<UserId>().is_err());
        assert!("usr_".parse::<UserId>().is_err());
    }

    #[test]
    fn ids_sort_by_time() {
        let older = GrantId::new(&At(1_000), &Fixed(255));
        let newer = GrantId::new(&At(1_001), &Fixed(0));
        assert!(older < newer);
        assert!(older.to_string() < newer.to_string());
    }
}
