//! Token introspection (RFC 7662).
//!
//! A caller sees access tokens that are made out for a resource that it is registered for, and
//! those that were issued to itself. Personal tokens, keys and an older system's tokens are
//! made out for no resource in particular: whoever is registered for any sees them. Of all
//! others it learns that they are not active, exactly as of those that never were (§2.2, §4).
//!
//! Extension: the parameter `project=ORG/PROJECT` or `org=ORG` asks what the token's holder may
//! do there now; the answer is `place`.

use hallpass_core::dpop::{Confirmation, SCHEME};
use hallpass_core::permission::Permissions;
use hallpass_core::wire::oauth::{self, Act, ErrorCode, Introspection};
use hallpass_core::wire::params::Params;
use hallpass_core::{Kind, Timestamp, TokenText};
use hallpass_verdict::live::Caller;
use hallpass_verdict::{Ask, Decision, Place, PlaceAsked};

use crate::admin::OWN_API;
use crate::legacy::adopt::Presenter;
use crate::verify::{Keys, rare};
use crate::{ClientCredentials, Error, Issuer, OAuthError, Origin};

impl Issuer {
    /// Answers an introspection request of an authenticated resource server (§2.1).
    pub async fn introspect(
        &self,
        params: &Params,
        credentials: ClientCredentials,
        origin: &Origin,
    ) -> Result<Introspection, OAuthError> {
        let caller = self.caller(params, credentials, origin).await?;
        let token = params
            .get("token")
            .ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, "token is missing"))?;
        // The resource is compared here, where it may be one of several.
        let ask = Ask { resource: None, place: place_asked(params)? };
        let answer = if let Some(keys) = self.kept_under(token) {
            self.introspect_kept(&caller, token, keys, &ask).await?
        } else if let Ok(text) = TokenText::parse(Kind::Refresh, token) {
            rare(self.introspect_refresh(&caller, &text)).await?
        } else {
            self.introspect_access(&caller, token, &ask).await?
        };
        // §2.2: an inactive answer SHOULD NOT say anything else.
        Ok(answer.unwrap_or_default())
    }

    async fn introspect_kept(
        &self,
        caller: &Caller,
        token: &str,
        keys: Keys,
        ask: &Ask<'_>,
    ) -> Result<Option<Introspection>, Error> {
        if caller.resources.is_empty() {
            return Ok(None);
        }
        let presenter = Presenter::Behind(&caller.id);
        let judged = self.judge_kept(token, keys, ask, presenter).await?;
        Ok(judged.ok().map(|decision| answer(decision, self.0.config.public_url.issuer())))
    }

    async fn introspect_access(
        &self,
        caller: &Caller,
        token: &str,
        ask: &Ask<'_>,
    ) -> Result<Option<Introspection>, Error> {
        let Ok(claims) = self.read_access_token(token) else { return Ok(None) };
        let for_itself = *claims.client_id == *caller.id;
        if !for_itself && !self.is_made_out_for(caller, &claims.aud.0) {
            return Ok(None);
        }
        let Ok(decision) = self.judge_jwt(claims, ask).await? else { return Ok(None) };
        Ok(Some(answer(decision, self.0.config.public_url.issuer())))
    }

    /// Whether `caller` is registered for one of these resources.
    pub(crate) fn is_made_out_for(&self, caller: &Caller, audience: &[String]) -> bool {
        let default = self.0.config.public_url.default_resource();
        audience.iter().any(|resource| {
            let known = if resource == default { OWN_API } else { resource };
            caller.resources.iter().any(|mine| mine == known || mine == resource)
        })
    }

    /// A refresh token is shown to nobody but the client that holds it.
    async fn introspect_refresh(
        &self,
        caller: &Caller,
        text: &TokenText,
    ) -> Result<Option<Introspection>, Error> {
        let Some(kept) = self.0.store.refresh().by_digest(&text.digest()).await? else {
            return Ok(None);
        };
        let now = self.now();
        let unspent = kept.spent_at.is_none() && now < kept.expires_at;
        let standing = self.0.store.grants().standing(kept.grant_id, None).await?;
        let Some(standing) =
            standing.filter(|it| unspent && it.is_good(now) && *it.grant.client_id == *caller.id)
        else {
            return Ok(None);
        };
        Ok(Some(Introspection {
            active: true,
            scope: Some(standing.grant.scope),
            client_id: Some(standing.grant.client_id),
            username: Some(standing.user.email),
            exp: Some(kept.expires_at.secs()),
            iat: Some(kept.created_at.secs()),
            sub: Some(standing.user.id.to_string()),
            aud: standing.grant.resources,
            iss: Some(self.0.config.public_url.issuer().to_owned()),
            grant: Some(standing.grant.id.to_string()),
            ..Introspection::default()
        }))
    }
}

/// The place that is asked about, if one is.
fn place_asked(params: &Params) -> Result<Option<PlaceAsked<'_>>, OAuthError> {
    let wrong = |why| OAuthError::new(ErrorCode::InvalidRequest, why);
    match (params.get("org"), params.get("project")) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(wrong("ask about an organization or a project, not both")),
        (Some(org), None) => match PlaceAsked::org(org) {
            None => Err(wrong("org must be the slug or id of an organization")),
            asked => Ok(asked),
        },
        (None, Some(project)) => match PlaceAsked::project(project) {
            None => Err(wrong("project must look like ORG/PROJECT, each a slug or an id")),
            asked => Ok(asked),
        },
    }
}

/// RFC 7662 §2.2, and our extensions.
pub(crate) fn answer(decision: Decision, issuer: &str) -> Introspection {
    Introspection {
        active: true,
        scope: Some(decision.scope),
        client_id: decision.client_id.as_deref().map(str::to_owned),
        username: decision.who.email().map(str::to_owned),
        act: decision.who.agent().and_then(|agent| Act::chain(agent.actors())),
        agent_project: decision.who.agent().and_then(|it| it.project).map(|id| id.to_string()),
        token_type: Some(if decision.jkt.is_some() { SCHEME } else { "Bearer" }.into()),
        cnf: decision.jkt.map(|jkt| Confirmation { jkt }),
        exp: decision.expires_at.map(Timestamp::secs),
        iat: Some(decision.issued_at.secs()),
        sub: Some(decision.who.id()),
        aud: decision.audience,
        iss: Some(issuer.to_owned()),
        jti: Some(decision.id),
        grant: decision.grant.map(|grant| grant.to_string()),
        credential: Some(decision.kind.as_str().into()),
        sub_type: Some(decision.who.kind().into()),
        authorization_details: Vec::new(),
        name: Some(decision.who.name().to_owned()),
        admin: decision.who.admin(),
        auth_time: decision.auth_time.map(Timestamp::secs),
        place: decision.place.map(place),
    }
}

fn place(place: Place) -> oauth::Place {
    oauth::Place {
        org: place.org.to_string(),
        org_slug: place.org_slug.to_string(),
        project: place.project.map(|id| id.to_string()),
        project_slug: place.project_slug.map(|slug| slug.to_string()),
        org_role: place.org_role,
        role: place.role,
        permissions: Permissions::clone(&place.permissions),
    }
}
