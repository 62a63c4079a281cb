//! Programs that ask for tokens (RFC 6749 §2).

use hallpass_core::redirect::RegisteredRedirect;
use hallpass_core::{Digest, Scope, Timestamp};

use crate::db::{Bind, Cell, Column, Row, Tx, Value, binds, statements};
use crate::store::Store;
use crate::watch::Effect;
use crate::{By, Error, NewResource, audit, grants, resources, tombstones};

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
    /// Whether each of its token requests needs a proof (`dpop_bound_access_tokens`,
    /// RFC 9449 §5.2).
    pub dpop_required: bool,
}

/// See [`Store::clients`].
#[derive(Clone, Copy)]
pub struct Clients<'s>(pub(crate) &'s Store);

impl Clients<'_> {
    /// Registers a client. [`Error::Conflict`]`("client_id")` if the id is taken.
    pub async fn create(&self, client: Client, by: &By) -> Result<(), Error> {
        self.create_for(client, Vec::new(), by).await
    }

    /// The same, of a client that may introspect tokens for these resources. They are
    /// registered, unless they are known.
    pub async fn create_for(
        &self,
        client: Client,
        resources: Vec<NewResource>,
        by: &By,
    ) -> Result<(), Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if insert(tx, &client).await? == 0 {
                return Err(Error::Conflict("client_id"));
            }
            for resource in &resources {
                resources::let_call(tx, resource, &client.id, &by).await?;
            }
            let uris: Vec<_> = resources.iter().map(|resource| &*resource.uri).collect();
            let detail = (!uris.is_empty()).then(|| format!("introspects for {}", uris.join(" ")));
            if detail.is_some() {
                tell(tx, &client.id).await?;
            }
            audit::write(tx, &by, "client.create", &client.id, detail.as_deref()).await
        };
        self.0.db().change(change).await
    }

    /// Registers a client that comes with hallpass, unless it is there already; what it
    /// may ask for is what this version says. Writes no audit row.
    pub async fn ensure(&self, client: Client) -> Result<(), Error> {
        let change = async move |tx: &mut Tx<'_>| {
            if insert(tx, &client).await? == 0
                && tx
                    .execute(&SET_MAY, binds![client.id, client.scopes, client.grant_types])
                    .await?
                    > 0
            {
                tell(tx, &client.id).await?;
            }
            Ok(())
        };
        self.0.db().change(change).await
    }

    /// By `client_id`, disabled or not. One prepared read.
    pub async fn by_id(&self, id: &str) -> Result<Option<Client>, Error> {
        self.0.db().first(&BY_ID, binds![id], read).await
    }

    /// All clients, in the order of their ids.
    pub async fn list(&self) -> Result<Vec<Client>, Error> {
        let mut all = self.0.db().all(&LIST, binds![], read).await?;
        // Engines differ in how they order texts.
        all.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// Disables a client and ends all grants that it holds. `false` if there is none
    /// such, or it is disabled already.
    pub async fn disable(&self, id: &str, by: &By) -> Result<bool, Error> {
        let (id, by) = (id.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&DISABLE, binds![id, by.at]).await? == 0 {
                tombstones::wait(tx).await?;
                return Ok(false);
            }
            tell(tx, &id).await?;
            let mut subjects = grants::end_of_client(tx, &id, "client disabled", &by).await?;
            let ended = format!("ended {} grants", subjects.len());
            subjects.push(format!("client:{id}"));
            tombstones::bury(tx, &by, &subjects, None).await?;
            audit::write(tx, &by, "client.disable", &id, Some(&ended)).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Gives a client another secret; the one before is good no more. `false` if there is no
    /// such client that has one, or it is disabled.
    pub async fn change_secret(&self, id: &str, secret: Digest, by: &By) -> Result<bool, Error> {
        let (id, by) = (id.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&CHANGE_SECRET, binds![id, secret]).await? == 0 {
                return Ok(false);
            }
            tell(tx, &id).await?;
            // Whoever knows it by the old one asks anew.
            tombstones::bury(tx, &by, &[format!("client:{id}")], None).await?;
            audit::write(tx, &by, "client.change_secret", &id, None).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }
}

macro_rules! columns {
    () => {
        "id, name, kind, secret, redirect_uris, post_logout_redirect_uris, grant_types, scopes, \
         pkce_required, id_token_alg, created_at, disabled_at, dpop_required"
    };
}

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM clients WHERE id = $1");
    LIST = concat!("SELECT ", columns!(), " FROM clients");
    INSERT = concat!(
        "INSERT INTO clients (", columns!(), ")
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (id) DO NOTHING"
    );
    SET_MAY = "UPDATE clients SET scopes = $2, grant_types = $3
        WHERE id = $1 AND (scopes <> $2 OR grant_types <> $3)";
    CHANGE_SECRET = "UPDATE clients SET secret = $2
        WHERE id = $1 AND secret IS NOT NULL AND disabled_at IS NULL";
    DISABLE = "UPDATE clients SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL";
}

async fn insert(tx: &mut Tx<'_>, client: &Client) -> Result<u64, Error> {
    let redirect_uris: Vec<String> =
        client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect();
    let row = binds![
        client.id,
        client.name,
        client.kind,
        client.secret,
        redirect_uris,
        client.post_logout_redirect_uris,
        client.grant_types,
        client.scopes,
        client.pkce_required,
        client.id_token_alg,
        client.created_at,
        client.disabled_at,
        client.dpop_required,
    ];
    let inserted = tx.execute(&INSERT, row).await?;
    if inserted > 0 {
        tell(tx, &client.id).await?;
    }
    Ok(inserted)
}

/// Tells what a client is now, and what it may introspect tokens for.
pub(crate) async fn tell(tx: &mut Tx<'_>, id: &str) -> Result<(), Error> {
    if let Some(client) = tx.first(&BY_ID, binds![id], read).await? {
        let resources = resources::of_caller(tx, id).await?;
        tx.tell(Effect::Client { client, resources });
    }
    Ok(())
}

fn read(row: &mut Row<'_>) -> Result<Client, Error> {
    Ok(Client {
        id: row.next()?,
        name: row.next()?,
        kind: row.next()?,
        secret: row.next()?,
        redirect_uris: row.next()?,
        post_logout_redirect_uris: row.next()?,
        grant_types: row.next()?,
        scopes: row.next()?,
        pkce_required: row.next()?,
        id_token_alg: row.next()?,
        created_at: row.next()?,
        disabled_at: row.next()?,
        dpop_required: row.next()?,
    })
}

impl Bind for ClientKind {
    fn bind(&self) -> Value<'_> {
        match self {
            Self::Public => "public".bind(),
            Self::Confidential => "confidential".bind(),
        }
    }
}

impl Column for ClientKind {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text("public") => Some(Self::Public),
            Cell::Text("confidential") => Some(Self::Confidential),
            _ => None,
        }
    }
}
