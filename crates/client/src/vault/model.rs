//! What a vault holds: profiles, and credentials with their receipts.

use std::collections::BTreeMap;
use std::time::Duration;

use hallpass_core::brand::{Brand, Keeps};
use hallpass_core::{Digest, Scope, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::mask::Masked;
use crate::narrow::Wanted;
use crate::status::Account;
use crate::time::Time;

/// The schema that this version writes. A newer one is refused, never rewritten (CLIENT D11).
pub const SCHEMA_VERSION: u32 = 1;
/// The schema of a file that is sealed; versions that know no seal refuse it and leave it.
pub const SEALED_VERSION: u32 = 2;

/// Everything in a vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contents {
    /// See [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The profile that is used when nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// Profiles by name.
    #[serde(default)]
    pub profiles: BTreeMap<String, Profile>,
    /// Credentials; at most one for each [`Key`].
    #[serde(default)]
    pub credentials: Vec<Credential>,
    /// Fields of later versions, kept.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Default for Contents {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            current: None,
            profiles: BTreeMap::new(),
            credentials: Vec::new(),
            rest: Map::new(),
        }
    }
}

impl Contents {
    /// Whether nothing is in it that anybody would miss.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty() && self.credentials.is_empty() && self.rest.is_empty()
    }

    /// The credential that `key` names.
    pub fn credential(&self, key: &Key) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.key == *key)
    }

    /// The credential of a profile.
    pub fn of_profile(&self, name: &str) -> Option<&Credential> {
        self.profiles.get(name).and_then(|profile| self.credential(&profile.key))
    }

    /// Puts `credential` in the place of the one with the same key, if any.
    pub fn put(&mut self, credential: Credential) {
        match self.credentials.iter_mut().find(|old| old.key == credential.key) {
            Some(old) => *old = credential,
            None => self.credentials.push(credential),
        }
    }

    /// Removes a profile, and its credential unless another profile uses it.
    pub fn remove_profile(&mut self, name: &str) {
        let Some(profile) = self.profiles.remove(name) else { return };
        if !self.profiles.values().any(|other| other.key == profile.key) {
            self.credentials.retain(|credential| credential.key != profile.key);
        }
        if self.current.as_deref() == Some(name) {
            self.current = None;
        }
    }
}

/// One account at one server, under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The server that calls go to.
    pub server: String,
    /// Which credential it uses.
    #[serde(flatten)]
    pub key: Key,
    /// The organization that its commands are about if nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// The project, in that organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Fields of later versions, kept.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What names a credential (CLIENT D12): who issued it, to which client, for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The issuer, byte for byte.
    pub issuer: String,
    /// The client it was issued to.
    pub client_id: String,
    /// The issuer's name for the account: OIDC `sub`.
    pub account: String,
}

impl Key {
    /// A short name for files that belong to this credential. Two profiles with one
    /// credential get one name (CLIENT E13).
    pub fn file_name(&self) -> String {
        // Lengths first, so that no two keys give one text.
        let text = format!(
            "{}:{}:{}:{}{}{}",
            self.issuer.len(),
            self.client_id.len(),
            self.account.len(),
            self.issuer,
            self.client_id,
            self.account
        );
        let digest = Digest::of(text.as_bytes());
        digest.as_bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// One credential and everything that using it needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// What names it.
    #[serde(flatten)]
    pub key: Key,
    /// E-mail address of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Display name of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it came to be.
    pub kind: CredentialKind,
    /// What it was scoped to.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// The access token, unless the session has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// RFC 6749 §1.5.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "Secret::serialize_exposed_option"
    )]
    pub refresh_token: Option<Secret>,
    /// RFC 8707: what it is made out for, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Where it is refreshed and revoked; from the issuer's metadata at login.
    #[serde(default)]
    pub endpoints: Endpoints,
    /// The tombstone of a session that the server ended (CLIENT E5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// What the refresh token is bound to (RFC 9449 §5). The key itself is kept apart:
    /// see [`crate::vault::Vault::binding_key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
    /// Bearer tokens that were exchanged for its access token, for other programs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub narrowed: Vec<Narrowed>,
    /// Fields of later versions (an ID token), kept.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A bearer token for another program, and what it was wanted for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Narrowed {
    /// The scope that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The resource that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The token.
    #[serde(flatten)]
    pub access: Access,
}

impl Narrowed {
    /// What it was wanted for.
    pub fn wanted(&self) -> Wanted {
        Wanted { scope: self.scope.clone(), audience: self.audience.clone() }
    }
}

/// How a credential came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    /// Issued to us by an OAuth flow: ours to refresh and to revoke.
    Oauth,
    /// Handed over with `--with-token`: somebody else's to revoke.
    Given,
}

/// An access token and when it arrived.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Access {
    /// The token.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub token: Secret,
    /// When it arrived.
    pub received: Receipt,
    /// `expires_in`: seconds from the receipt; `None` if nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Whether it came from a refresh, and not from a sign-in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refreshed: bool,
}

/// When something arrived, by the boot clock, else by the wall clock (CLIENT J3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// By the wall clock.
    pub at: Timestamp,
    /// By the boot clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<BootReceipt>,
}

/// A receipt on the boot clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootReceipt {
    /// Which boot.
    pub id: String,
    /// Milliseconds since that boot.
    pub ms: u64,
}

/// Where a credential is refreshed, revoked and looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// RFC 6749 §3.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// RFC 7009.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<String>,
    /// OIDC Core §5.3, where the server has no API of ours to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo: Option<String>,
    /// OIDC RP-Initiated Logout, where the server has none of our pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_session: Option<String>,
}

/// What a refresh token is bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The SHA-256 thumbprint of the public key (RFC 7638, RFC 9449 §6).
    pub jkt: String,
    /// Fields of later versions, kept.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Why and when a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// What the server said.
    pub reason: String,
    /// When we learnt of it.
    pub at: Timestamp,
}

impl Receipt {
    /// Now.
    pub fn now(time: &dyn Time) -> Self {
        let boot = time.boot().map(|boot| BootReceipt {
            id: boot.id,
            ms: u64::try_from(boot.since.as_millis()).unwrap_or(u64::MAX),
        });
        Self { at: time.now(), boot }
    }

    /// How long ago that was; `None` if no clock can tell: another boot, and a
    /// wall clock that was set back since.
    pub fn age(&self, time: &dyn Time) -> Option<Duration> {
        if let (Some(then), Some(now)) = (&self.boot, time.boot())
            && then.id == now.id
        {
            return now.since.checked_sub(Duration::from_millis(then.ms));
        }
        let now = time.now();
        (now >= self.at).then(|| now.since(self.at))
    }
}

impl Access {
    /// How long the token is still good for: zero if it is over, or if no clock can
    /// tell; `None` if nobody said when it ends.
    pub fn remaining(&self, time: &dyn Time) -> Option<Duration> {
        let lifetime = Duration::from_secs(self.expires_in?);
        Some(self.received.age(time).map_or(Duration::ZERO, |age| lifetime.saturating_sub(age)))
    }

    /// When it ends, for people: by the wall clock as it is now.
    pub fn expires_at(&self, time: &dyn Time) -> Option<Timestamp> {
        let lifetime = Duration::from_secs(self.expires_in?);
        match self.received.age(time) {
            Some(age) => Some(time.now() - age + lifetime),
            None => Some(self.received.at + lifetime),
        }
    }
}

impl Credential {
    /// What the token is, if it was handed over or is what this tool keeps of a sign-in; one of a
    /// sign-in itself is nobody's business.
    pub fn masked(&self, brand: &Brand) -> Option<Masked> {
        let whole = self.kind == CredentialKind::Given || brand.login.keeps == Keeps::Token;
        let access = self.access.as_ref().filter(|_| whole)?;
        Some(Masked::of(&access.token, brand))
    }

    /// Whose it is.
    pub fn account(&self) -> Account {
        Account { id: self.key.account.clone(), email: self.email.clone(), name: self.name.clone() }
    }

    /// Tells one refresh token from another without holding it; for compare-and-swap.
    pub fn fingerprint(&self) -> Option<Digest> {
        self.refresh_token.as_ref().map(|token| Digest::of(token.expose().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeTime;

    fn access(time: &FakeTime, expires_in: Option<u64>) -> Access {
        Access {
            token: Secret::new("at"),
            received: Receipt::now(time),
            expires_in,
            refreshed: false,
        }
    }

    fn left(access: &Access, time: &FakeTime) -> Option<u64> {
        access.remaining(time).map(|left| left.as_secs())
    }

    // proves: client-J3
    #[test]
    fn the_wall_clock_neither_ends_a_token_nor_keeps_it() {
        let time = FakeTime::new();
        let access = access(&time, Some(300));
        time.pass(Duration::from_secs(100));
        for jump in [-86_400_000, 86_400_000] {
            time.set_wall(Timestamp::from_millis(1_776_506_400_000 + jump));
            assert_eq!(left(&access, &time), Some(200));
            let ends = access.expires_at(&time).unwrap();
            assert_eq!(ends.since(hallpass_core::Clock::now(&time)).as_secs(), 200);
        }
        time.pass(Duration::from_secs(200));
        assert_eq!(left(&access, &time), Some(0));
    }

    // proves: client-J3
    #[test]
    fn after_another_boot_the_wall_clock_has_to_do() {
        let time = FakeTime::new();
        let access = access(&time, Some(300));
        for boot in [Some("another"), None] {
            time.set_boot(boot);
            time.set_wall(access.received.at + Duration::from_secs(100));
            assert_eq!(left(&access, &time), Some(200));
            // Set back since: no clock can tell, and a token that may be over is over.
            time.set_wall(access.received.at - Duration::from_secs(1));
            assert_eq!(left(&access, &time), Some(0));
        }
    }

    #[test]
    fn nobody_said_when_it_ends() {
        let time = FakeTime::new();
        assert_eq!(left(&access(&time, None), &time), None);
        assert_eq!(access(&time, None).expires_at(&time), None);
        assert_eq!(left(&access(&time, Some(u64::MAX)), &time), Some(u64::MAX));
    }

    #[test]
    fn no_two_keys_share_a_file_name() {
        let key = |issuer: &str, client_id: &str, account: &str| Key {
            issuer: issuer.into(),
            client_id: client_id.into(),
            account: account.into(),
        };
        let names = [
            key("a", "b", "c").file_name(),
            key("ab", "", "c").file_name(),
            key("a", "bc", "").file_name(),
            key("", "ab", "c").file_name(),
            key("a", "b", "d").file_name(),
        ];
        for (n, name) in names.iter().enumerate() {
            assert_eq!(name.len(), 16);
            assert!(!names[n + 1..].contains(name));
        }
    }

    // proves: J09
    #[test]
    fn no_debug_shows_a_token() {
        let time = FakeTime::new();
        let credential = Credential {
            key: Key { issuer: "i".into(), client_id: "c".into(), account: "a".into() },
            email: None,
            name: None,
            kind: CredentialKind::Oauth,
            scope: Scope::empty(),
            access: Some(Access { token: Secret::new("hidden-at"), ..access(&time, None) }),
            refresh_token: Some(Secret::new("hidden-rt")),
            resource: None,
            endpoints: Endpoints::default(),
            ended: None,
            binding: None,
            narrowed: Vec::new(),
            rest: Map::new(),
        };
        let contents = Contents { credentials: vec![credential], ..Contents::default() };
        assert!(!format!("{contents:?}").contains("hidden"));
    }
}
