//! Programs that ask for tokens (RFC 6749 §2).

use hallpass_core::redirect::RegisteredRedirect;
use hallpass_core::{Digest, Scope, Timestamp};

use crate::store::Store;
use crate::{By, Error};

/// Whether a client can keep a secret (RFC 6749 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// It cannot: a native program, a page in a browser.
    Public,
    /// It can: a server.
    Confidential,
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// What people see.
    pub name: String,
    /// Whether it can keep a secret.
    pub kind: ClientKind,
    /// The digest of its secret.
    pub secret: Option<Digest>,
    /// Where codes may be sent (RFC 6749 §3.1.2).
    pub redirect_uris: Vec<RegisteredRedirect>,
    /// Where a browser may be sent after sign-out (RP-Initiated Logout §2).
    pub post_logout_redirect_uris: Vec<String>,
    /// The `grant_type`s that it may use.
    pub grant_types: Vec<String>,
    /// The scope that it may ask for.
    pub scopes: Scope,
    /// Whether it must send a code challenge (RFC 7636 §4.4.1).
    pub pkce_required: bool,
    /// What its ID tokens are signed with: `RS256` or `ES256`.
    pub id_token_alg: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Since when it may do nothing.
    pub disabled_at: Option<Timestamp>,
}

/// See [`Store::clients`].
#[derive(Clone, Copy)]
pub struct Clients<'s>(pub(crate) &'s Store);

impl Clients<'_> {
    /// Registers a client. [`Error::Conflict`]`("client_id")` if the id is taken.
    pub async fn create(&self, client: Client, by: &By) -> Result<(), Error> {
        let _ = (client, by);
        todo!()
    }

    /// Registers a client that comes with hallpass, unless it is there already.
    /// Writes no audit row.
    pub async fn ensure(&self, client: Client) -> Result<(), Error> {
        let _ = client;
        todo!()
    }

    /// By `client_id`, disabled or not. One prepared read.
    pub async fn by_id(&self, id: &str) -> Result<Option<Client>, Error> {
        let _ = id;
        todo!()
    }

    /// All clients, in the order of their ids.
    pub async fn list(&self) -> Result<Vec<Client>, Error> {
        todo!()
    }

    /// Disables a client and ends all grants that it holds. `false` if there is none
    /// such, or it is disabled already.
    pub async fn disable(&self, id: &str, by: &By) -> Result<bool, Error> {
        let _ = (id, by);
        todo!()
    }
}
