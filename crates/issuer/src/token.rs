//! The token endpoint (RFC 6749 §3.2): one pipeline for all grant types.
//!
//! 1. Authenticate the client, and see that it may use this grant type.
//! 2. *Validate*: read everything and check everything. What is wrong up to here spends
//!    nothing, so that a stranger who knows half of a secret cannot use it up. The one
//!    exception is a wrong PKCE verifier, which spends the code: nobody guesses twice.
//!    A proof of possession (RFC 9449) is read before all of it.
//! 3. *Spend*: one atomic change in the store says who has won. Nothing else does.
//! 4. *Mint*: sign what was won.
//!
//! A [`Flow`] fills in 2 and 3; the pipeline owns 1 and 4.

use hallpass_core::dpop::{BadProof, Proven, SCHEME, Thumbprint};
use hallpass_core::wire::oauth::{
    AUTHORIZATION_CODE, DEVICE_CODE, ErrorCode, REFRESH_TOKEN, TOKEN_EXCHANGE, TYPE_ACCESS_TOKEN,
    TokenResponse,
};
use hallpass_core::wire::params::Params;
use hallpass_core::{Kind, Scope, Secret, Timestamp, TokenText};
use hallpass_store::{Client, ClientKind, Grant, NewRefresh, Standing, User};

use crate::agents::child::ChildFlow;
use crate::audit::denied;
use crate::authorize::request::well_formed_resource;
use crate::code::CodeFlow;
use crate::device::DeviceFlow;
use crate::dpop::{self, Presented};
use crate::exchange::ExchangeFlow;
use crate::refresh::RefreshFlow;
use crate::{ClientCredentials, Issuer, OAuthError, Origin};

/// A token request whose client is authenticated.
pub(crate) struct TokenRequest<'r> {
    pub(crate) issuer: &'r Issuer,
    pub(crate) client: &'r Client,
    pub(crate) params: &'r Params,
    pub(crate) origin: &'r Origin,
    /// What was proved with it; not spent yet.
    pub(crate) proof: Option<Proven>,
}

/// One grant type: what is checked, and what is spent.
pub(crate) trait Flow: Sized {
    /// Reads the request and checks all of it.
    async fn validate(request: &TokenRequest<'_>) -> Result<Self, OAuthError>;

    /// Spends the secret that was presented. Only who wins gets tokens.
    async fn spend(self, request: &TokenRequest<'_>) -> Result<Won, OAuthError>;
}

/// What was won, to be minted.
pub(crate) struct Won {
    pub(crate) grant: Grant,
    pub(crate) user: User,
    /// What the access token is scoped to: the grant's scope, or less.
    pub(crate) scope: Scope,
    /// What the access token is made out for: the grant's resources, or fewer.
    pub(crate) resources: Vec<String>,
    /// For the ID token, if the request had one.
    pub(crate) nonce: Option<String>,
    pub(crate) refresh_token: Option<Secret>,
    /// The key that the access token is bound to (RFC 9449 §5).
    pub(crate) jkt: Option<Thumbprint>,
    /// It comes from an exchange, and ends by then.
    pub(crate) exchanged_until: Option<Timestamp>,
}

impl Issuer {
    /// Answers a token request without a proof of possession.
    pub async fn token(
        &self,
        params: &Params,
        credentials: ClientCredentials,
        origin: &Origin,
    ) -> Result<TokenResponse, OAuthError> {
        self.token_proven(params, credentials, origin, Presented::Nothing).await
    }

    /// Answers a token request that came with what stood in its `DPoP` header.
    pub async fn token_proven(
        &self,
        params: &Params,
        credentials: ClientCredentials,
        origin: &Origin,
        presented: Presented<'_>,
    ) -> Result<TokenResponse, OAuthError> {
        // RFC 9449 §5: a proof that proves nothing spends nothing.
        let proof = self.proof_of_request(presented)?;
        if let Some(asked) = crate::federation::asked(params)? {
            if proof.is_some() {
                let why = "the pass of a job is not bound to a key; leave out the proof";
                return Err(OAuthError::new(ErrorCode::InvalidRequest, why));
            }
            // A client that says who it is has to be it.
            if params.get("client_id").is_some() || !matches!(credentials, ClientCredentials::None)
            {
                self.authenticate(params, credentials, origin).await?;
            }
            return self.answer_job(asked, origin).await;
        }
        let client = self.authenticate(params, credentials, origin).await?;
        let grant_type = params
            .get("grant_type")
            .ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, "grant_type is missing"))?;
        if client.dpop_required && proof.is_none() {
            return Err(dpop::bad(BadProof::Missing));
        }
        let request = TokenRequest { issuer: self, client: &client, params, origin, proof };
        match grant_type {
            AUTHORIZATION_CODE => request.answer::<CodeFlow>(grant_type).await,
            REFRESH_TOKEN => request.answer::<RefreshFlow>(grant_type).await,
            DEVICE_CODE => request.answer::<DeviceFlow>(grant_type).await,
            // Who comes with an actor token wants to delegate (RFC 8693 §1.1).
            TOKEN_EXCHANGE if params.get("actor_token").is_some() => {
                request.answer::<ChildFlow>(grant_type).await
            }
            TOKEN_EXCHANGE => request.answer::<ExchangeFlow>(grant_type).await,
            // Among them `password`, which nobody is to use (RFC 9700 §2.4).
            _ => Err(OAuthError::new(
                ErrorCode::UnsupportedGrantType,
                "this server does not know that grant_type",
            )),
        }
    }
}

impl TokenRequest<'_> {
    async fn answer<F: Flow>(&self, grant_type: &str) -> Result<TokenResponse, OAuthError> {
        may_use(self.client, grant_type)?;
        let flow = F::validate(self).await?;
        // RFC 9449 §11.1: who has nothing to spend has not got this far.
        if let Some(proof) = &self.proof
            && !self.issuer.spend_proof(proof).await?
        {
            return Err(dpop::bad(BadProof::Replay));
        }
        let won = flow.spend(self).await?;
        self.issuer.mint(self.client, won)
    }

    /// A required parameter (RFC 6749 §5.2).
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.params
            .get(name)
            .ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, format!("{name} is missing")))
    }

    /// A grant that is good now for this client, with its person. Bound to the client, it
    /// is no other's (RFC 6749 §4.1.3, §6; RFC 8628 §3.4).
    pub(crate) async fn good_grant(
        &self,
        id: hallpass_core::id::GrantId,
        gone: fn() -> OAuthError,
    ) -> Result<(Grant, User), OAuthError> {
        let standing = self.issuer.0.store.grants().standing(id, None).await?;
        match standing {
            Some(standing)
                if standing.is_good(self.issuer.now())
                    && standing.grant.client_id == self.client.id =>
            {
                let Standing { grant, user, .. } = standing;
                Ok((grant, user))
            }
            refused => {
                if let Some(Standing { grant, user, .. }) = refused {
                    let why = if grant.client_id != self.client.id {
                        "it was granted to another client"
                    } else if user.disabled_at.is_some() {
                        "the account is disabled"
                    } else {
                        "the grant has ended"
                    };
                    self.denied(grant.id, why);
                }
                Err(gone())
            }
        }
    }

    /// Notes that the client came with what it may not redeem.
    pub(crate) fn denied(&self, about: impl ToString, why: &'static str) {
        let client = &self.client.id;
        self.issuer.note_client(denied::TOKEN, client, about.to_string(), self.origin, why);
    }

    /// RFC 8707 §2.2: a token request may ask for some of what was granted, not for more.
    pub(crate) fn narrowed_resources(&self, grant: &Grant) -> Result<Vec<String>, OAuthError> {
        let mut asked = Vec::new();
        for resource in self.params.all("resource") {
            well_formed_resource(resource)?;
            if !grant.resources.iter().any(|granted| granted == resource) {
                let why = "the resource was not asked for when this was authorized";
                return Err(OAuthError::new(ErrorCode::InvalidTarget, why));
            }
            if !asked.iter().any(|known| known == resource) {
                asked.push(resource.to_owned());
            }
        }
        Ok(if asked.is_empty() { grant.resources.clone() } else { asked })
    }

    /// The first refresh token of a grant, for a client that may have one: what the store
    /// keeps, and what the client gets.
    pub(crate) fn first_refresh(&self, grant: &Grant) -> Option<(NewRefresh, Secret)> {
        let may = self.client.grant_types.iter().any(|kind| kind == REFRESH_TOKEN);
        may.then(|| self.issuer.new_refresh(grant, self.binding()))
    }

    /// What is bound to a key was presented without it.
    pub(crate) async fn note_copy(
        &self,
        grant: hallpass_core::id::GrantId,
    ) -> Result<(), OAuthError> {
        let by = self.issuer.by(&self.client.id, Some(&self.client.id), Some(self.origin));
        self.issuer.0.store.copies().note(grant, &by).await?;
        Ok(())
    }

    /// The key of the proof that came with the request.
    pub(crate) fn jkt(&self) -> Option<Thumbprint> {
        self.proof.as_ref().map(|proof| proof.jkt)
    }

    /// RFC 9449 §5: refresh tokens of a public client are bound to the key of the proof. Those
    /// of a confidential one are bound to its secret.
    pub(crate) fn binding(&self) -> Option<Thumbprint> {
        self.jkt().filter(|_| self.client.kind == ClientKind::Public)
    }
}

/// RFC 6749 §5.2: unauthorized_client.
pub(crate) fn may_use(client: &Client, grant_type: &str) -> Result<(), OAuthError> {
    if client.grant_types.iter().any(|kind| kind == grant_type) {
        return Ok(());
    }
    let why = "this client may not use that grant_type";
    Err(OAuthError::new(ErrorCode::UnauthorizedClient, why))
}

impl Issuer {
    /// A refresh token that lives while it is used, but not longer than its grant.
    pub(crate) fn new_refresh(
        &self,
        grant: &Grant,
        jkt: Option<Thumbprint>,
    ) -> (NewRefresh, Secret) {
        let text = TokenText::mint(Kind::Refresh, &*self.0.random);
        let idle = self.now() + self.0.config.refresh_idle_ttl;
        let expires_at = grant.expires_at.map_or(idle, |end| end.min(idle));
        (NewRefresh { digest: text.digest(), expires_at, jkt }, text.into_secret())
    }

    fn mint(&self, client: &Client, won: Won) -> Result<TokenResponse, OAuthError> {
        let now = self.now();
        let (access_token, expires_at) = self.mint_access(client, &won, now)?;
        let id_token = self.mint_id(client, &won, &access_token, now)?;
        self.used(won.grant.id, now);
        Ok(TokenResponse {
            access_token,
            token_type: if won.jkt.is_some() { SCHEME } else { "Bearer" }.to_owned(),
            issued_token_type: won.exchanged_until.map(|_| TYPE_ACCESS_TOKEN.to_owned()),
            expires_in: u64::try_from(expires_at.secs() - now.secs()).ok(),
            refresh_token: won.refresh_token,
            id_token,
            // RFC 6749 §5.1: REQUIRED if it differs from what was asked for.
            scope: Some(won.scope),
        })
    }

    /// When something minted at `now` ends: in its time, and not after its grant.
    pub(crate) fn end_of(
        &self,
        ttl: std::time::Duration,
        grant: &Grant,
        now: Timestamp,
    ) -> Timestamp {
        let end = now + ttl;
        grant.expires_at.map_or(end, |grant_ends| grant_ends.min(end))
    }
}
