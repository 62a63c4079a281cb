//! RP-Initiated Logout (OIDC).

use hallpass_core::wire::params::Params;

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
    /// Answers a logout request, by GET or POST.
    pub async fn logout(
        &self,
        _request: &Params,
        _signed_in: Option<&SignedIn>,
        _origin: &Origin,
    ) -> Result<Logout, Error> {
        todo!()
    }

    /// The person confirmed.
    pub async fn logout_confirmed(
        &self,
        _request: &Params,
        _signed_in: Option<&SignedIn>,
        _origin: &Origin,
    ) -> Result<Logout, Error> {
        todo!()
    }
}
