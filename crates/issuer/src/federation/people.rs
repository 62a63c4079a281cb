//! People sign in at an OpenID provider elsewhere, and present its ID tokens here (SC10): one
//! issuer, one client, both named by the operator and compared byte for byte.
//!
//! ```text
//! a text → Unverified → (the issuer that the operator named) → (its key) → ID token → a user
//! ```
//!
//! Nothing of ours stands behind such a token, so it is good until it expires; whom it is about is
//! looked up each time, and what they may do is what they may do now.

use std::time::Duration;

use hallpass_core::id::UserId;
use hallpass_core::scope::{ACCOUNT, TOKENS};
use hallpass_core::text::presentable;
use hallpass_core::{Digest, Timestamp};
use hallpass_outside::id_token::{Expected, IdToken, is_subject, known_by};
use hallpass_outside::{Bad, Claims, Unverified};
use hallpass_store::{Identity, Linked, NewUser};
use hallpass_verdict::{Ask, CredentialKind, Decision, Refusal, Vouched};
use serde_json::Value;

use super::keys::Found;
use super::token::MAX_LEN;
use crate::admin::AdminError;
use crate::{Error, Issuer, email};

/// An ID token that was issued longer ago is no news of a sign-in.
const OLDEST: Duration = Duration::from_secs(24 * 3600);
/// A name is cut after as many.
const MAX_NAME: usize = 80;
/// The provider elsewhere where people sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its issuer identifier.
    pub issuer: String,
    /// The client that its ID tokens are made out for.
    pub client_id: String,
}

/// What a verified ID token says of somebody.
struct Person {
    identity: Identity,
    name: String,
    email: Option<String>,
    auth_time: Option<Timestamp>,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl Issuer {
    /// Whether `token` is an ID token of the provider where people sign in, and what they may do
    /// at the place that is asked about. `None`: it is none of its tokens.
    pub(crate) async fn judge_outside(
        &self,
        token: &str,
        ask: &Ask<'_>,
    ) -> Result<Option<Result<Decision, Refusal>>, Error> {
        let Some(provider) = &self.0.config.provider else { return Ok(None) };
        let Ok(parsed) = Unverified::parse(token, MAX_LEN) else { return Ok(None) };
        if parsed.issuer() != Ok(&*provider.issuer) {
            return Ok(None);
        }
        // RFC 8707: it is made out for a client and for this server, and for no other resource.
        let own = self.0.config.public_url.default_resource();
        if ask.resource.is_some_and(|resource| resource != own) {
            return Ok(Some(Err(Refusal::Audience)));
        }
        let now = self.now();
        let key = match self.0.outside.key(&provider.issuer, parsed.kid(), now).await {
            Found::Key(key) => key,
            Found::Nowhere => return Ok(Some(Err(Refusal::Unknown))),
            Found::Unknown => {
                let cause = "the keys of the provider where people sign in are not known now";
                let error = hallpass_store::Error::Unavailable { cause: cause.to_owned() };
                return Err(error.into());
            }
        };
        let read = parsed.signed(&key).and_then(|claims| person(&claims, provider, now));
        let person = match read {
            Ok(person) => person,
            Err(why) => {
                tracing::debug!(%why, "an ID token was refused");
                let why = if why == Bad::Expired { Refusal::Expired } else { Refusal::Unknown };
                return Ok(Some(Err(why)));
            }
        };
        let Some(user) = self.user_of(&person).await? else {
            return Ok(Some(Err(Refusal::Unknown)));
        };
        let vouched = Vouched {
            user,
            kind: CredentialKind::IdToken,
            scope: [ACCOUNT, TOKENS].into_iter().collect(),
            id: known_by(token),
            audience: vec![provider.client_id.clone()],
            auth_time: person.auth_time,
            issued_at: person.issued_at,
            expires_at: Some(person.expires_at),
        };
        self.judge_vouched(vouched, ask).await.map(Some)
    }

    /// The user behind an identity. Nobody from outside is the first at a server.
    async fn user_of(&self, person: &Person) -> Result<Option<UserId>, Error> {
        let identities = self.0.store.identities();
        if let Some(known) = identities.whose(&person.identity).await? {
            return Ok(Some(known));
        }
        if self.needs_setup().await? {
            return Ok(None);
        }
        let other = self.nobodys_address(&person.identity);
        let new = NewUser {
            id: self.new_id(UserId::new),
            email: person.email.clone().unwrap_or_else(|| other.clone()),
            name: person.name.clone(),
            admin: false,
            password: None,
        };
        let by = self.by(&new.id.to_string(), None, None);
        Ok(Some(identities.admit(&person.identity, new, &other, &by).await?))
    }

    /// An address that no mail reaches (RFC 2606 §2), for somebody of whom none is known.
    fn nobodys_address(&self, identity: &Identity) -> String {
        use std::fmt::Write as _;
        let digest = Digest::of(format!("{}\n{}", identity.issuer, identity.subject).as_bytes());
        let name = digest.as_bytes()[..8].iter().fold(String::new(), |mut text, byte| {
            // Writing to a `String` does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        format!("{name}@outside.invalid")
    }

    /// The operator says who somebody is whom the provider signs in. False if it was so already.
    pub async fn link_identity(&self, user: UserId, subject: &str) -> Result<bool, AdminError> {
        let provider = self.0.config.provider.as_ref().ok_or(AdminError::Invalid(
            "this server names no provider elsewhere; name it with --outside-issuer and --outside-client-id",
        ))?;
        if !is_subject(subject) {
            return Err(AdminError::Invalid(
                "a subject is what the provider's ID tokens say in `sub`: 1 to 255 visible characters",
            ));
        }
        let identity = Identity { issuer: provider.issuer.clone(), subject: subject.to_owned() };
        let by = self.by("system", None, None);
        match self.0.store.identities().link(&identity, user, &by).await? {
            Linked::Done => Ok(true),
            Linked::Same => Ok(false),
            Linked::Unknown => Err(AdminError::Unknown("user")),
        }
    }
}

/// Who an ID token is about whose signature has been checked.
fn person(claims: &Claims, provider: &Provider, now: Timestamp) -> Result<Person, Bad> {
    let Provider { issuer, client_id } = provider;
    let expected = Expected { issuer, client_id, longest_age: OLDEST };
    let said = IdToken::read(claims, &expected, now)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    // An address that the provider has not verified is anybody's.
    let verified = matches!(claims.get("email_verified"), Some(Value::Bool(true)));
    let email = text("email").filter(|_| verified).and_then(|text| email::parse(text).ok());
    let name = text("name").map(|name| presentable(name, MAX_NAME)).filter(|it| !it.is_empty());
    Ok(Person {
        identity: Identity { issuer: issuer.clone(), subject: said.subject.to_owned() },
        name: name.or_else(|| email.clone()).unwrap_or_else(|| presentable(said.subject, MAX_NAME)),
        email,
        auth_time: said.auth_time,
        issued_at: said.issued_at,
        expires_at: said.expires_at,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn provider() -> Provider {
        Provider { issuer: "https://idp.example".to_owned(), client_id: "cli".to_owned() }
    }

    fn good() -> Value {
        json!({
            "aud": "cli", "auth_time": 1_799_999_000, "email": "Ada@Example.com",
            "email_verified": true, "exp": 1_800_000_600, "iat": 1_799_999_990,
            "iss": "https://idp.example", "name": "Ada", "sub": "ada|7",
        })
    }

    fn read(claims: &Value) -> Result<Person, Bad> {
        person(claims.as_object().expect("claims"), &provider(), NOW)
    }

    // proves: SC10, G09
    #[test]
    fn every_reason_to_refuse_an_id_token_refuses_by_itself() {
        let ada = read(&good()).expect("good");
        assert_eq!((ada.identity.subject.as_str(), ada.name.as_str()), ("ada|7", "Ada"));
        assert_eq!(ada.email.as_deref(), Some("ada@example.com"));
        let table = [
            ("iss", json!("https://idp.example/"), Bad::Issuer),
            ("iss", json!(["https://idp.example"]), Bad::Claims),
            ("aud", json!("other"), Bad::Audience),
            ("aud", json!("CLI"), Bad::Audience),
            ("aud", json!(["cli", "other"]), Bad::Audience),
            ("aud", json!([]), Bad::Audience),
            ("aud", json!(["cli", 1]), Bad::Claims),
            ("aud", Value::Null, Bad::Claims),
            ("azp", json!("other"), Bad::Audience),
            ("azp", json!(1), Bad::Claims),
            ("sub", json!(""), Bad::Claims),
            ("sub", json!(7), Bad::Claims),
            ("sub", json!("a\u{7f}"), Bad::Claims),
            ("sub", json!("x".repeat(256)), Bad::Claims),
            ("exp", json!(1_800_000_000), Bad::Expired),
            ("exp", json!("1800000600"), Bad::Claims),
            ("exp", json!(1_800_000_600.5), Bad::Claims),
            ("exp", Value::Null, Bad::Claims),
            ("iat", json!(1_800_000_031), Bad::NotYet),
            ("iat", json!(1_800_000_000 - 86_400), Bad::TooOld),
            ("nbf", json!(1_800_000_031), Bad::NotYet),
            ("nbf", json!("0"), Bad::Claims),
            ("auth_time", json!("0"), Bad::Claims),
            ("scope", json!("openid"), Bad::Type),
            ("client_id", json!("cli"), Bad::Type),
            ("events", json!({}), Bad::Type),
            ("cnf", json!({}), Bad::Type),
            ("typ", json!("Bearer"), Bad::Type),
            ("token_use", json!("access"), Bad::Type),
        ];
        for (name, value, why) in table {
            let mut claims = good();
            claims[name] = value.clone();
            assert_eq!(read(&claims).err(), Some(why), "{name}: {value}");
        }
        for name in ["aud", "exp", "iat", "iss", "sub"] {
            let mut claims = good();
            claims.as_object_mut().expect("claims").remove(name);
            assert!(read(&claims).is_err(), "{name}");
        }
        let mut shared = good();
        shared["aud"] = json!(["cli", "other"]);
        shared["azp"] = json!("cli");
        assert!(read(&shared).is_ok());
    }

    // proves: SC10
    #[test]
    fn an_address_that_nobody_verified_is_nobodys() {
        for odd in [json!(false), json!("true"), json!(1), Value::Null] {
            let mut claims = good();
            claims["email_verified"] = odd;
            assert_eq!(read(&claims).expect("good").email, None);
        }
        let mut claims = good();
        claims["name"] = json!("\u{202e}");
        claims["email"] = json!("no address");
        let named = read(&claims).expect("good");
        assert_eq!(named.email, None);
        assert!(!named.name.is_empty());
    }
}
