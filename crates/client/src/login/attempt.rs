//! One attempt to sign in, from "we know the server" to "it is stored": what all flows
//! share.

use hallpass_core::Scope;

use super::identity::identify;
use super::keep::{New, keep};
use super::trade;
use super::{Login, LoginOptions};
use crate::Error;
use crate::client::Parts;
use crate::discovery::Discovered;
use crate::dpop::{self, BoundKey, Signer};
use crate::http::Http;
use crate::oauth::Granted;
use crate::presented;
use crate::revoke::revoke;
use crate::source::Selection;
use crate::status::{Account, Warning};
use crate::vault::Key;
use crate::vault::model::{Access, Binding, Credential, CredentialKind, Endpoints, Receipt};

/// One attempt.
pub(crate) struct Attempt<'a> {
    pub parts: &'a Parts,
    pub http: &'a Http,
    pub selection: &'a Selection,
    pub options: &'a LoginOptions,
    pub found: Discovered,
    /// What is asked for.
    pub scope: Scope,
    /// What the sign-in is to be bound to, if the server does that.
    pub key: Option<BoundKey>,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(
        parts: &'a Parts,
        http: &'a Http,
        selection: &'a Selection,
        options: &'a LoginOptions,
        found: Discovered,
    ) -> Self {
        let scope = options.scope.clone().unwrap_or_else(|| found.scope.clone());
        // What only lives until a personal token was made with it is bound to nothing, and an
        // ID token never is.
        let id_token = presented::is_id_token(&parts.brand, found.is_elsewhere());
        let bearer = trade::wanted(parts, &found) || id_token;
        let bound = !bearer && dpop::is_spoken(&found.metadata);
        let key = bound.then(BoundKey::make).flatten();
        Self { parts, http, selection, options, found, scope, key }
    }

    /// Who signs proofs for it.
    pub(crate) fn signer(&self) -> Option<Signer<'_>> {
        self.key.as_ref().map(|key| Signer::new(key, self.parts))
    }

    /// `dpop_jkt` (RFC 9449 §10): nobody else redeems what this leads to.
    pub(crate) fn jkt(&self) -> Option<String> {
        self.key.as_ref().map(|key| key.thumbprint().to_string())
    }

    /// RFC 6749 §3.2; discovery refuses metadata without one.
    pub(crate) fn token_endpoint(&self) -> &str {
        self.found.metadata.token_endpoint.as_deref().unwrap_or_default()
    }

    /// Finds out who signed in, and stores it. If it cannot be stored, the session is
    /// ended again: nobody would ever use it.
    pub(crate) fn store(&self, granted: Granted) -> Result<Login, Error> {
        // First of all, so that nothing which follows makes the token look younger.
        let received = Receipt::now(&*self.parts.time);
        let stored = identify(self.http, &self.found, &granted, self.signer())
            .and_then(|account| self.keep(&granted, received, account));
        if stored.is_err() {
            let token =
                granted.tokens.refresh_token.as_ref().unwrap_or(&granted.tokens.access_token);
            // The reason why it could not be stored is what the person has to hear.
            let _ = revoke(
                self.http,
                self.found.metadata.revocation_endpoint.as_deref(),
                &self.found.client_id,
                token,
                None,
            );
        }
        stored
    }

    fn keep(&self, granted: &Granted, received: Receipt, account: Account) -> Result<Login, Error> {
        if trade::wanted(self.parts, &self.found) {
            return trade::keep(self, granted, received, account);
        }
        let tokens = &granted.tokens;
        let key = Key {
            issuer: self.found.issuer.clone(),
            client_id: self.found.client_id.clone(),
            account: account.id.clone(),
        };
        let elsewhere = self.found.is_elsewhere();
        let (token, expires_in) = presented::of(&self.parts.brand, elsewhere, tokens);
        let access = Access { token, received, expires_in, refreshed: false };
        // A server of ours has better than these.
        let standard = |endpoint: &Option<String>| endpoint.clone().filter(|_| self.found.standard);
        let bound = self.key.as_ref().filter(|_| granted.bound);
        let credential = Credential {
            key,
            email: account.email.clone(),
            name: account.name.clone(),
            kind: CredentialKind::Oauth,
            // RFC 6749 §5.1: left out means "as asked for".
            scope: tokens.scope.clone().unwrap_or_else(|| self.scope.clone()),
            access: Some(access),
            refresh_token: tokens.refresh_token.clone(),
            resource: self.found.resource.clone(),
            endpoints: Endpoints {
                token: self.found.metadata.token_endpoint.clone(),
                revocation: self.found.metadata.revocation_endpoint.clone(),
                userinfo: standard(&self.found.metadata.userinfo_endpoint),
                end_session: standard(&self.found.metadata.end_session_endpoint),
            },
            ended: None,
            binding: bound
                .map(|key| Binding { jkt: key.thumbprint().to_string(), ..Binding::default() }),
            narrowed: Vec::new(),
            rest: presented::beside(&self.parts.brand, tokens),
        };
        let mut login = keep(
            self.parts,
            self.http,
            self.selection,
            self.options,
            New { credential, key: bound.map(BoundKey::private) },
            &self.found.server,
        )?;
        login.warnings.extend(Warning::of_clocks(self.parts.time.now(), granted.date));
        Ok(login)
    }
}
