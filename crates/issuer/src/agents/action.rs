//! An approved action is done: the resource server spends its token, once.
//!
//! The token is a JWT of a type of its own (RFC 8725 §3.11), so nobody who checks access tokens
//! takes it for one, also offline. Whoever carries the action out says what that is, in the same
//! words (RFC 9396), and is told yes at most once: the row is spent by one conditional statement,
//! after the agent, its owner and their grant were found good, as they are now.

use hallpass_core::action::Action;
use hallpass_core::id::{ApprovalId, JwtId};
use hallpass_core::wire::oauth::{ErrorCode, Introspection};
use hallpass_core::wire::params::Params;
use hallpass_core::{Scope, Secret};
use hallpass_store::Approval;
use hallpass_verdict::live::Principal;
use hallpass_verdict::{Agent, Ask, Decision};

use crate::introspect::answer;
use crate::jwt::claims::{AccessClaims, ActionClaims, Audience};
use crate::{ClientCredentials, Error, Issuer, OAuthError, Origin};

/// What the answer calls the credential: no guard knows it as one that is good for anything else.
const CREDENTIAL: &str = "approved_action";

impl Issuer {
    /// The token of an action that was approved: for who asked, and as long as it can be done.
    pub(super) fn mint_action(
        &self,
        decision: &Decision,
        agent: &Agent,
        approval: &Approval,
        action: Action,
    ) -> Result<Secret, Error> {
        let grant = decision.grant.ok_or(Error::Crypto { doing: "finding an agent's grant" })?;
        let claims = ActionClaims {
            iss: self.0.config.public_url.issuer().to_owned(),
            sub: agent.id,
            aud: Audience(approval.resources.clone()),
            client_id: decision.client_id.as_deref().unwrap_or_default().to_owned(),
            iat: self.now(),
            exp: approval.expires_at,
            jti: JwtId::from_bits(approval.id.to_bits()),
            grant,
            act: hallpass_core::wire::oauth::Act::chain(agent.actors()),
            authorization_details: action.details().to_vec(),
        };
        self.sign_action(&claims)
    }

    /// Answers a resource server that is about to do what `authorization_details` says: yes, and
    /// then never again, or `{"active":false}`.
    pub async fn use_action(
        &self,
        params: &Params,
        credentials: ClientCredentials,
        origin: &Origin,
    ) -> Result<Introspection, OAuthError> {
        let caller = self.caller(params, credentials, origin).await?;
        let missing = || {
            let why = "token and authorization_details are needed";
            OAuthError::new(ErrorCode::InvalidRequest, why)
        };
        let token = params.get("token").ok_or_else(missing)?;
        let details = params.get("authorization_details").ok_or_else(missing)?;
        // RFC 9396 §5.
        let action = Action::read(details).map_err(|why| {
            OAuthError::new(ErrorCode::InvalidAuthorizationDetails, why.to_string())
        })?;
        let no = Introspection::default();
        let Ok(claims) = self.read_action_token(token) else { return Ok(no) };
        if !self.is_made_out_for(&caller, &claims.aud.0) {
            return Ok(no);
        }
        // Another action than the one in the token is not even looked up.
        let theirs = Action::new(claims.authorization_details.clone());
        if theirs.as_ref().map(Action::digest) != Ok(action.digest()) {
            return Ok(no);
        }
        let approval = ApprovalId::from_bits(claims.jti.to_bits());
        let ask = Ask { resource: None, place: None };
        let Ok(decision) = self.judge_jwt(as_access(claims), &ask).await? else { return Ok(no) };
        let by = self.by(&caller.id, Some(&caller.id), Some(origin));
        let approvals = self.0.store.approvals();
        if !approvals.spend(approval, action.digest(), &caller.id, &by).await? {
            return Ok(no);
        }
        let said = answer(decision, self.0.config.public_url.issuer());
        Ok(Introspection {
            credential: Some(CREDENTIAL.into()),
            authorization_details: action.details().to_vec(),
            ..said
        })
    }
}

/// For the question whether the agent is good now; it holds nothing but that.
fn as_access(claims: ActionClaims) -> AccessClaims {
    AccessClaims {
        iss: claims.iss,
        sub: Principal::Agent(claims.sub),
        aud: claims.aud,
        client_id: claims.client_id,
        iat: claims.iat,
        nbf: None,
        exp: claims.exp,
        jti: claims.jti,
        scope: Scope::default(),
        auth_time: claims.iat,
        grant: claims.grant,
        cnf: None,
        act: claims.act,
        may_act: None,
    }
}
