//! APIs that tokens are made out for (RFC 8707), and which client may introspect
//! tokens for which of them (RFC 7662 §4).

use hallpass_core::id::ResourceId;

use crate::store::Store;
use crate::{By, Error};

/// A resource to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewResource {
    /// The id that it will have, if its URI is new.
    pub id: ResourceId,
    /// What clients send as `resource` and tokens carry as `aud`.
    pub uri: String,
    /// What people see.
    pub name: String,
}

/// See [`Store::resources`].
#[derive(Clone, Copy)]
pub struct Resources<'s>(pub(crate) &'s Store);

impl Resources<'_> {
    /// Registers `new` unless its URI is known, and lets `caller` (a `client_id`)
    /// introspect tokens for it. Writes an audit row only if either was new.
    /// [`Error::Missing`]`("client")` if there is no such client.
    pub async fn register(
        &self,
        new: NewResource,
        caller: Option<&str>,
        by: &By,
    ) -> Result<(), Error> {
        let _ = (new, caller, by);
        todo!()
    }

    /// Whether `uri` is registered.
    pub async fn exists(&self, uri: &str) -> Result<bool, Error> {
        let _ = uri;
        todo!()
    }

    /// The URIs for which the client may introspect tokens.
    pub async fn of_caller(&self, client_id: &str) -> Result<Vec<String>, Error> {
        let _ = client_id;
        todo!()
    }
}
