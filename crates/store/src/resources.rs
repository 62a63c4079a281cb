//! APIs that tokens are made out for (RFC 8707), and which client may introspect
//! tokens for which of them (RFC 7662 §4).

use hallpass_core::id::ResourceId;

use crate::db::{Tx, binds, statements};
use crate::store::Store;
use crate::{By, Error, audit, clients};

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
        let (caller, by) = (caller.map(str::to_owned), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let mut changed = tx.execute(&INSERT, binds![new.id, new.uri, new.name, by.at]).await?;
            if let Some(caller) = &caller {
                if tx.first(&CLIENT, binds![caller], |_| Ok(())).await?.is_none() {
                    return Err(Error::Missing("client"));
                }
                if tx.execute(&LET_CALL, binds![caller, new.uri]).await? > 0 {
                    changed += 1;
                    clients::tell(tx, caller).await?;
                }
            }
            if changed > 0 {
                audit::write(tx, &by, "resource.register", &new.uri, caller.as_deref()).await?;
            }
            Ok(())
        };
        self.0.db().change(change).await
    }

    /// Whether `uri` is registered.
    pub async fn exists(&self, uri: &str) -> Result<bool, Error> {
        Ok(self.0.db().first(&EXISTS, binds![uri], |_| Ok(())).await?.is_some())
    }

    /// The URIs for which the client may introspect tokens.
    pub async fn of_caller(&self, client_id: &str) -> Result<Vec<String>, Error> {
        let mut uris = self.0.db().all(&OF_CALLER, binds![client_id], |row| row.next()).await?;
        uris.sort_unstable();
        Ok(uris)
    }
}

/// Registers `new` unless its URI is known, and lets a client that was just made introspect
/// tokens for it; all else is the caller's.
pub(crate) async fn let_call(
    tx: &mut Tx<'_>,
    new: &NewResource,
    client: &str,
    by: &By,
) -> Result<(), Error> {
    tx.execute(&INSERT, binds![new.id, new.uri, new.name, by.at]).await?;
    tx.execute(&LET_CALL, binds![client, new.uri]).await.map(drop)
}

/// The URIs for which a client may introspect tokens, sorted.
pub(crate) async fn of_caller(tx: &mut Tx<'_>, client_id: &str) -> Result<Vec<String>, Error> {
    let mut uris = tx.all(&OF_CALLER, binds![client_id], |row| row.next()).await?;
    uris.sort_unstable();
    Ok(uris)
}

statements! {
    INSERT = "INSERT INTO resources (id, uri, name, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (uri) DO NOTHING";
    CLIENT = "SELECT id FROM clients WHERE id = $1";
    LET_CALL = "INSERT INTO resource_callers (client_id, resource_id)
        SELECT CAST($1 AS TEXT), id FROM resources WHERE uri = $2 ON CONFLICT DO NOTHING";
    EXISTS = "SELECT id FROM resources WHERE uri = $1";
    OF_CALLER = "SELECT r.uri FROM resource_callers c JOIN resources r ON r.id = c.resource_id
        WHERE c.client_id = $1";
}
