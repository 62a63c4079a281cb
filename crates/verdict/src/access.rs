//! An access token against the grant behind it (RFC 9068 §4, RFC 7662 §4).

use std::sync::Arc;
use std::time::Duration;

use hallpass_core::dpop::Thumbprint;
use hallpass_core::id::{GrantId, UserId};
use hallpass_core::{Scope, Timestamp};

use crate::live::Principal;
use crate::{CredentialKind, Decision, Refusal, Who};

/// How far clocks of nodes may differ before a fresh token looks as if it came from
/// the future. Only for `nbf` and `iat`: nothing lives longer by it.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// What an access token says of itself; its signature has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// `sub`.
    pub subject: Principal,
    /// `client_id`.
    pub client_id: String,
    /// `scope`.
    pub scope: Scope,
    /// `grant`.
    pub grant: GrantId,
    /// `aud`.
    pub audience: Vec<String>,
    /// `jti`.
    pub jti: String,
    /// `auth_time`.
    pub auth_time: Timestamp,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `nbf`, if given.
    pub not_before: Option<Timestamp>,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `cnf`, if it is bound to a key.
    pub jkt: Option<Thumbprint>,
}

/// A person whom somebody else vouches for: there is no grant and no credential of ours behind it,
/// so what decides is who they are and what they may do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Whom.
    pub user: UserId,
    /// By what.
    pub kind: CredentialKind,
    /// What it is scoped to.
    pub scope: Scope,
    /// What it is known by.
    pub id: String,
    /// Whom it was made out for, there.
    pub audience: Vec<String>,
    /// When the person signed in, if that is known.
    pub auth_time: Option<Timestamp>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// What is known about its grant, its person and its client, now.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Who acts with it.
    pub principal: Principal,
    /// The same, as they are now.
    pub who: &'a Arc<Who>,
    /// Whether the account of the person who acts, or whose agent does, is disabled.
    pub user_disabled: bool,
    /// Whose client's grant it is.
    pub client_id: &'a str,
    /// Whether that client is disabled.
    pub client_disabled: bool,
    /// What was granted.
    pub scope: &'a Scope,
    /// When the grant was ended, if it was.
    pub grant_ended: bool,
    /// When the grant ends by itself.
    pub grant_expires_at: Option<Timestamp>,
    /// Whether this one token was revoked.
    pub jti_revoked: bool,
}

/// Whether `presented` is good at `now` for `resource` (any of its own audiences if
/// `None`), given what stands about it.
///
/// The scope of the answer is what the token says *and* the grant still holds.
pub fn decide(
    presented: Presented,
    standing: Option<Standing<'_>>,
    resource: Option<&str>,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    // RFC 9068 §4: the current time MUST be before `exp`.
    if now >= presented.expires_at {
        return Err(Refusal::Expired);
    }
    let begins = presented.not_before.unwrap_or(presented.issued_at).max(presented.issued_at);
    if begins > now + CLOCK_SKEW {
        return Err(Refusal::NotYet);
    }
    // RFC 9068 §4: `aud` MUST contain the resource server's own identifier.
    if let Some(resource) = resource
        && !presented.audience.iter().any(|audience| audience == resource)
    {
        return Err(Refusal::Audience);
    }
    let standing = standing.ok_or(Refusal::Unknown)?;
    if standing.principal != presented.subject || standing.client_id != presented.client_id {
        return Err(Refusal::Mismatch);
    }
    if standing.grant_ended {
        return Err(Refusal::GrantEnded);
    }
    if standing.grant_expires_at.is_some_and(|end| now >= end) {
        return Err(Refusal::GrantExpired);
    }
    if standing.jti_revoked {
        return Err(Refusal::Revoked);
    }
    if standing.user_disabled {
        return Err(Refusal::UserDisabled);
    }
    if standing.client_disabled {
        return Err(Refusal::ClientDisabled);
    }
    let kind = match **standing.who {
        Who::Agent(_) => CredentialKind::AgentToken,
        Who::Job { .. } => CredentialKind::JobToken,
        _ => CredentialKind::AccessToken,
    };
    Ok(Decision {
        kind,
        who: standing.who.clone(),
        client_id: Some(presented.client_id.into()),
        scope: presented.scope.intersection(standing.scope),
        grant: Some(presented.grant),
        audience: presented.audience,
        id: presented.jti,
        auth_time: Some(presented.auth_time),
        issued_at: presented.issued_at,
        expires_at: Some(presented.expires_at),
        jkt: presented.jkt,
        place: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn presented() -> Presented {
        Presented {
            subject: Principal::User("usr_01JAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()),
            client_id: "hallpass-cli".to_owned(),
            scope: "account openid".parse().unwrap(),
            grant: "grt_01JBBBBBBBBBBBBBBBBBBBBBBB".parse().unwrap(),
            audience: vec!["https://api.example".to_owned()],
            jti: "jti_1".to_owned(),
            auth_time: NOW,
            issued_at: NOW,
            not_before: None,
            expires_at: NOW + Duration::from_secs(300),
            jkt: None,
        }
    }

    fn ada() -> Arc<Who> {
        let (email, name) = ("ada@example.com".to_owned(), "Ada".to_owned());
        let Principal::User(id) = presented().subject else { unreachable!("a person's") };
        Arc::new(Who::User { id, email, name, admin: false })
    }

    fn standing<'a>(who: &'a Arc<Who>, scope: &'a Scope) -> Standing<'a> {
        Standing {
            principal: presented().subject,
            who,
            user_disabled: false,
            client_id: "hallpass-cli",
            client_disabled: false,
            scope,
            grant_ended: false,
            grant_expires_at: None,
            jti_revoked: false,
        }
    }

    // proves: E09, G03, G09
    #[test]
    fn every_reason_to_refuse_refuses_by_itself() {
        type Spoil = fn(&mut Presented, &mut Standing<'_>);
        let table: [(Refusal, Spoil); 13] = [
            (Refusal::Expired, |p, _| p.expires_at = NOW),
            (Refusal::Expired, |p, _| p.expires_at = NOW - Duration::from_millis(1)),
            (Refusal::NotYet, |p, _| p.issued_at = NOW + Duration::from_secs(6)),
            (Refusal::NotYet, |p, _| p.not_before = Some(NOW + Duration::from_secs(6))),
            (Refusal::Audience, |p, _| p.audience = vec!["https://api.example/".to_owned()]),
            (Refusal::Audience, |p, _| p.audience = vec![]),
            (Refusal::Mismatch, |_, s| s.client_id = "other"),
            // An agent's grant is not its owner's, and the other way round.
            (Refusal::Mismatch, |p, _| {
                p.subject = Principal::Agent("agt_01JAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap());
            }),
            (Refusal::GrantEnded, |_, s| s.grant_ended = true),
            (Refusal::GrantExpired, |_, s| s.grant_expires_at = Some(NOW)),
            (Refusal::Revoked, |_, s| s.jti_revoked = true),
            (Refusal::UserDisabled, |_, s| s.user_disabled = true),
            (Refusal::ClientDisabled, |_, s| s.client_disabled = true),
        ];
        let (who, scope) = (ada(), presented().scope);
        let resource = Some("https://api.example");
        assert!(decide(presented(), Some(standing(&who, &scope)), resource, NOW).is_ok());
        assert_eq!(decide(presented(), None, resource, NOW), Err(Refusal::Unknown));
        for (why, spoil) in table {
            let (mut token, mut known) = (presented(), standing(&who, &scope));
            spoil(&mut token, &mut known);
            assert_eq!(decide(token, Some(known), resource, NOW), Err(why));
        }
    }

    #[test]
    fn the_answer_holds_no_more_than_the_grant_still_does() {
        let narrowed: Scope = "openid profile".parse().unwrap();
        let who = ada();
        let decision = decide(presented(), Some(standing(&who, &narrowed)), None, NOW).unwrap();
        assert_eq!(decision.scope.to_string(), "openid");
    }
}
