//! Who presents an ID token, as a decision: somebody whom an outside issuer knows.

use std::sync::Arc;

use hallpass_core::Timestamp;
use hallpass_core::text::presentable;
use hallpass_outside::id_token::{Expected, IdToken, known_by};
use hallpass_outside::{Bad, Unverified, VerifyingKey};
use hallpass_verdict::{CredentialKind, Decision, Who};
use serde_json::Value;

use super::OutsideIssuer;

/// A name is cut after as many characters.
const MAX_NAME: usize = 100;

/// What a verified ID token says.
#[derive(Clone, Debug)]
pub struct Claims(hallpass_outside::Claims);

impl Claims {
    /// The claim `name`, of whatever type it is; compare it to exactly what you expect. An
    /// e-mail address is no proof of who somebody is, verified or not (OIDC Core §5.7).
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Who it is, at its issuer.
    pub fn subject(&self) -> &str {
        self.get("sub").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Who presents `token`, whose text is `text`, if it is `issuer`'s, signed with `key`, and good at
/// `now`.
pub(super) fn decide(
    text: &str,
    token: Unverified<'_>,
    issuer: &OutsideIssuer,
    key: &VerifyingKey,
    now: Timestamp,
) -> Result<Decision, Bad> {
    let claims = Claims(token.signed(key)?);
    let expected = Expected {
        issuer: issuer.issuer(),
        client_id: issuer.client_id(),
        longest_age: issuer.longest_age(),
    };
    let said = IdToken::read(&claims.0, &expected, now)?;
    let name = claims.get("name").and_then(Value::as_str).unwrap_or(said.subject);
    let who = Who::Outside {
        issuer: issuer.issuer().to_owned(),
        subject: said.subject.to_owned(),
        name: presentable(name, MAX_NAME),
    };
    Ok(Decision {
        kind: CredentialKind::IdToken,
        who: Arc::new(who),
        // A client of theirs; it may be called as one of ours.
        client_id: None,
        scope: issuer.scope_of(&claims),
        grant: None,
        audience: vec![issuer.client_id().to_owned()],
        id: known_by(text),
        auth_time: said.auth_time,
        issued_at: said.issued_at,
        expires_at: Some(said.expires_at),
        jkt: None,
        place: None,
    })
}
