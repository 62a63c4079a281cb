//! RP-Initiated Logout (OIDC).

use hallpass_core::wire::params::Params;
use url::form_urlencoded;

use crate::jwt::claims::IdClaims;
use crate::{Error, Issuer, Origin, SignedIn};

/// What the browser gets to see next.
#[derive(Clone, Debug)]
pub enum Logout {
    /// The person must confirm (§2): nothing proves that the request is the client's.
    Ask {
        /// The registered name of the client that says it asks, if it is one of ours.
        client_name: Option<String>,
        /// The request, to be posted back with the confirmation.
        request: Params,
    },
    /// The browser is signed out; take its cookie away.
    SignedOut {
        /// A registered URI to go on to (§3), with `state`; else show our own page.
        redirect: Option<String>,
    },
}

impl Issuer {
    /// Answers a logout request (§2), by GET or POST.
    pub async fn logout(
        &self,
        params: &Params,
        signed_in: Option<&SignedIn>,
        origin: &Origin,
    ) -> Result<Logout, Error> {
        let hint = self.hint(params);
        match signed_in {
            // §2: a hint about the person who is signed in says that the client had them
            // sign in here, so it may sign them out.
            Some(signed_in) if hint.as_ref().is_none_or(|h| h.sub != signed_in.user.id) => {
                let client_name = match params.get("client_id") {
                    Some(id) => self.0.store.clients().by_id(id).await?.map(|client| client.name),
                    None => None,
                };
                Ok(Logout::Ask { client_name, request: params.clone() })
            }
            _ => self.logged_out(params, hint, signed_in, origin).await,
        }
    }

    /// The person confirmed.
    pub async fn logout_confirmed(
        &self,
        params: &Params,
        signed_in: Option<&SignedIn>,
        origin: &Origin,
    ) -> Result<Logout, Error> {
        self.logged_out(params, self.hint(params), signed_in, origin).await
    }

    async fn logged_out(
        &self,
        params: &Params,
        hint: Option<IdClaims>,
        signed_in: Option<&SignedIn>,
        origin: &Origin,
    ) -> Result<Logout, Error> {
        if let Some(signed_in) = signed_in {
            self.sign_out(signed_in, origin).await?;
        }
        Ok(Logout::SignedOut { redirect: self.onward(params, hint).await? })
    }

    /// §3: the redirect URI MUST be one that is registered for the client; which client,
    /// only a good hint says.
    async fn onward(
        &self,
        params: &Params,
        hint: Option<IdClaims>,
    ) -> Result<Option<String>, Error> {
        let (Some(uri), Some(hint)) = (params.get("post_logout_redirect_uri"), hint) else {
            return Ok(None);
        };
        let [client_id] = hint.aud.0.as_slice() else { return Ok(None) };
        let client = self.0.store.clients().by_id(client_id).await?;
        let registered = client.is_some_and(|client| {
            client.disabled_at.is_none()
                && client.post_logout_redirect_uris.iter().any(|r| r == uri)
        });
        if !registered {
            return Ok(None);
        }
        // §3: state, if there was one, comes back.
        let Some(state) = params.get("state") else { return Ok(Some(uri.to_owned())) };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", state);
        let joint = if uri.contains('?') { '&' } else { '?' };
        Ok(Some(format!("{uri}{joint}{}", query.finish())))
    }

    /// §2: the hint, if it is an ID token of ours (it may have expired), and about the
    /// client that the request names.
    fn hint(&self, params: &Params) -> Option<IdClaims> {
        let hint = self.read_id_token(params.get("id_token_hint")?).ok()?;
        let named = params.get("client_id");
        named.is_none_or(|id| hint.aud.0 == [id]).then_some(hint)
    }
}
