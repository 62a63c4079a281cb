//! Grants: the root of one authorization, its codes, its refresh family, its JWTs.
//!
//! A personal token has a grant too, which no client holds. It begins, changes and ends with
//! its token, and nothing here but what says so sees it.

use hallpass_core::dpop::Thumbprint;
use hallpass_core::id::{GrantId, UserId};
use hallpass_core::{Scope, Timestamp};

use crate::db::{Statement, Tx, Value, binds, kept, statements};
use crate::store::Store;
use crate::watch::Effect;
use crate::{By, Credential, Error, audit, tombstones, users};

mod record;

pub(crate) use record::read;
use record::read_standing;
pub use record::{AgentRef, Grant, GrantKind, NewGrant, Reported, Spend, Standing};

/// Rows that are touched in one transaction, at most.
const PORTION: usize = 256;

/// See [`Store::grants`].
#[derive(Clone, Copy)]
pub struct Grants<'s>(pub(crate) &'s Store);

impl Grants<'_> {
    /// By id, ended or not.
    pub async fn by_id(&self, id: GrantId) -> Result<Option<Grant>, Error> {
        self.0.db().first(&BY_ID, binds![id], read).await
    }

    /// What decides whether a JWT of this grant is good now. One prepared read.
    pub async fn standing(
        &self,
        id: GrantId,
        jti: Option<&str>,
    ) -> Result<Option<Standing>, Error> {
        self.0.db().first(&STANDING, binds![id, jti], read_standing).await
    }

    /// The grants of a user that have neither ended nor expired at `now`, newest first. Those of
    /// their agents are no sign-ins, and not among them.
    pub async fn live_of_user(&self, user: UserId, now: Timestamp) -> Result<Vec<Grant>, Error> {
        self.0.db().all(&LIVE_OF_USER, binds![user, now], read).await
    }

    /// What the user has granted to the client before and not ended: the union of live
    /// code grants. `None` if there is none.
    pub async fn granted_scope(
        &self,
        user: UserId,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Option<Scope>, Error> {
        let granted: Vec<Scope> =
            self.0.db().all(&GRANTED, binds![user, client_id, now], |row| row.next()).await?;
        let union = granted.iter().flat_map(Scope::iter).collect();
        Ok((!granted.is_empty()).then_some(union))
    }

    /// Ends a grant. `false` if there is none such, or it has ended already.
    pub async fn end(&self, id: GrantId, reason: &str, by: &By) -> Result<bool, Error> {
        let (reason, by) = (reason.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let ended = end(tx, id, &reason, &by).await?;
            if ended {
                audit::write(tx, &by, "grant.end", id, Some(&reason)).await?;
            }
            Ok(ended)
        };
        self.0.db().change(change).await
    }

    /// Ends a grant if it is this user's. `false` if not, or it has ended already.
    pub async fn end_owned(
        &self,
        user: UserId,
        id: GrantId,
        reason: &str,
        by: &By,
    ) -> Result<bool, Error> {
        let (reason, by) = (reason.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            if tx.first(&OWNED, binds![id, user], |_| Ok(())).await?.is_none() {
                return Ok(false);
            }
            let ended = end(tx, id, &reason, &by).await?;
            if ended {
                audit::write(tx, &by, "grant.end", id, Some(&reason)).await?;
            }
            Ok(ended)
        };
        self.0.db().change(change).await
    }

    /// Ends all grants that a user gave to a client, and says how many those were.
    pub async fn end_for_client(
        &self,
        user: UserId,
        client_id: &str,
        by: &By,
    ) -> Result<u64, Error> {
        let (client_id, by) = (client_id.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let which = binds![user, client_id, by.at, "consent withdrawn"];
            let ended = tell_ended(tx, &END_FOR_CLIENT, which).await?;
            if ended.is_empty() {
                tombstones::wait(tx).await?;
            } else {
                tombstones::bury(tx, &by, &ended, None).await?;
                let detail = format!("ended {} grants of {client_id}", ended.len());
                audit::write(tx, &by, "consent.withdraw", user, Some(&detail)).await?;
            }
            Ok(ended.len() as u64)
        };
        self.0.db().change(change).await
    }

    /// Notes when grants were last used; never moves a note back. Writes no audit row.
    pub async fn touch(&self, used: &[(GrantId, Timestamp)]) -> Result<(), Error> {
        let mut used = used.to_vec();
        // In one order, so that two of these do not wait for each other.
        used.sort_unstable();
        for portion in used.chunks(PORTION) {
            let portion = portion.to_vec();
            let change = async move |tx: &mut Tx<'_>| {
                for (id, at) in &portion {
                    tx.execute(&TOUCH, binds![id, at]).await?;
                }
                Ok(())
            };
            self.0.db().change(change).await?;
        }
        Ok(())
    }
}

/// What a grant of a client is read from: `grants g`.
macro_rules! columns {
    () => {
        "g.id, g.principal_id, g.client_id, g.kind, g.scope, g.resources, g.auth_time, \
         g.session_id, g.created_at, g.expires_at, g.ended_at, g.end_reason, g.last_used_at, \
         g.address, g.reported_host, g.reported_user, g.reported_command, g.jkt, \
         g.agent"
    };
}

pub(crate) use columns;

/// A condition: the grant with this id is good at this time, and so are its user and
/// its client. Every `spend` asks it, so ending a grant ends all that hangs on it.
macro_rules! good_grant {
    ($id:literal, $now:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM grants g JOIN principals p ON p.id = g.principal_id
                LEFT JOIN clients c ON c.id = g.client_id
                WHERE g.id = ",
            $id,
            " AND g.ended_at IS NULL
                AND (g.expires_at IS NULL OR g.expires_at > ",
            $now,
            ")
                AND p.disabled_at IS NULL AND c.disabled_at IS NULL)"
        )
    };
}
pub(crate) use good_grant;

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM grants g
        WHERE g.id = $1 AND g.client_id IS NOT NULL");
    STANDING = concat!(
        "SELECT ", columns!(), ", ", users::columns!(), ",
            c.disabled_at IS NOT NULL, t.subject IS NOT NULL
        FROM grants g
        JOIN principals p ON p.id = g.principal_id
        JOIN users u ON u.id = g.principal_id
        LEFT JOIN clients c ON c.id = g.client_id
        LEFT JOIN tombstones t ON t.subject = $2
        WHERE g.id = $1 AND g.client_id IS NOT NULL"
    );
    LIVE_OF_USER = concat!(
        "SELECT ", columns!(), " FROM grants g
        WHERE g.principal_id = $1 AND g.client_id IS NOT NULL AND g.agent IS NULL
        AND g.ended_at IS NULL
        AND (g.expires_at IS NULL OR g.expires_at > $2)
        ORDER BY g.created_at DESC, g.id DESC"
    );
    GRANTED = "SELECT scope FROM grants WHERE principal_id = $1 AND client_id = $2
        AND kind = 'code' AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $3)";
    INSERT = "INSERT INTO grants (id, principal_id, client_id, kind, scope, resources, auth_time,
            session_id, created_at, expires_at, address, reported_host, reported_user,
            reported_command, jkt, agent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    BIND_TO_KEY = "UPDATE grants SET jkt = $2 WHERE id = $1 AND jkt IS NULL";
    /// Begins only if the owner of the token is enabled, who then stays so until the
    /// transaction ends: one statement, because many tokens are made at once.
    INSERT_OF_TOKEN = "INSERT INTO grants (id, principal_id, kind, scope, resources, auth_time,
            created_at, expires_at, address)
        SELECT CAST($1 AS TEXT), p.id, 'personal', CAST($3 AS TEXT), '[]', CAST($4 AS BIGINT),
            CAST($4 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS TEXT)
        FROM principals p WHERE p.id = $2 AND p.kind = 'user' AND p.disabled_at IS NULL",
        postgres + "FOR SHARE";
    END_OF_TOKEN = "UPDATE grants SET ended_at = $2, end_reason = $3
        WHERE id = $1 AND ended_at IS NULL";
    SET_EXPIRY_OF_TOKEN = "UPDATE grants SET expires_at = $2 WHERE id = $1";
    END_OF_TOKENS = "UPDATE grants SET ended_at = $2, end_reason = $3
        WHERE principal_id = $1 AND kind = 'personal' AND ended_at IS NULL";
    OWNED = "SELECT id FROM grants
        WHERE id = $1 AND principal_id = $2 AND client_id IS NOT NULL AND agent IS NULL";
    END = "UPDATE grants SET ended_at = $2, end_reason = $3
        WHERE id = $1 AND client_id IS NOT NULL AND ended_at IS NULL";
    END_OF_USER = "UPDATE grants SET ended_at = $2, end_reason = $3
        WHERE principal_id = $1 AND client_id IS NOT NULL AND ended_at IS NULL RETURNING id";
    END_OF_CLIENT = "UPDATE grants SET ended_at = $2, end_reason = $3
        WHERE client_id = $1 AND ended_at IS NULL RETURNING id";
    END_FOR_CLIENT = "UPDATE grants SET ended_at = $3, end_reason = $4
        WHERE principal_id = $1 AND client_id = $2 AND ended_at IS NULL RETURNING id";
    TOUCH = "UPDATE grants SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    /// Client enabled; session live and this user's, if there is one.
    MAY_BEGIN = "SELECT c.id FROM clients c WHERE c.id = $1 AND c.disabled_at IS NULL
        AND (CAST($2 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM sessions s
            WHERE s.id = $2 AND s.user_id = $3 AND s.ended_at IS NULL AND s.expires_at > $4))";
}

/// Whether user, client and session of a grant that is about to begin are good, and
/// holds the user.
pub(crate) async fn may_begin(tx: &mut Tx<'_>, new: &NewGrant, by: &By) -> Result<bool, Error> {
    // First the user, and held: a password change that runs at the same time either
    // waits for this grant and ends it, or is seen here to have ended the session.
    if !users::hold(tx, new.user_id).await? {
        return Ok(false);
    }
    let rest = binds![new.client_id, new.session_id, new.user_id, by.at];
    Ok(tx.first(&MAY_BEGIN, rest, |_| Ok(())).await?.is_some())
}

/// Creates a grant that [`may_begin`]; the audit row is the caller's.
pub(crate) async fn insert(tx: &mut Tx<'_>, new: &NewGrant, by: &By) -> Result<(), Error> {
    let row = binds![
        new.id,
        new.user_id,
        new.client_id,
        new.kind,
        new.scope,
        new.resources,
        new.auth_time,
        new.session_id,
        by.at,
        new.expires_at,
        new.address,
        new.reported.host,
        new.reported.user,
        new.reported.command,
        new.jkt,
        new.agent,
    ];
    tx.execute(&INSERT, row).await?;
    tx.tell(Effect::Grant(Grant {
        id: new.id,
        user_id: new.user_id,
        client_id: new.client_id.clone(),
        kind: new.kind,
        scope: new.scope.clone(),
        resources: new.resources.iter().map(|uri| kept(uri)).collect(),
        auth_time: new.auth_time,
        session_id: new.session_id,
        created_at: by.at,
        expires_at: new.expires_at,
        ended_at: None,
        end_reason: None,
        last_used_at: None,
        address: new.address.as_deref().map(kept),
        reported: new.reported.kept(),
        jkt: new.jkt,
        agent: new.agent.as_ref().map(AgentRef::kept),
    }));
    Ok(())
}

/// A client's grant, as it is now.
pub(crate) async fn again(tx: &mut Tx<'_>, id: GrantId) -> Result<Option<Grant>, Error> {
    tx.first(&BY_ID, binds![id], read).await
}

/// Binds a grant to a key for good, unless it is bound to one.
pub(crate) async fn bind_to_key(
    tx: &mut Tx<'_>,
    id: GrantId,
    jkt: Option<Thumbprint>,
) -> Result<(), Error> {
    let Some(jkt) = jkt else { return Ok(()) };
    if tx.execute(&BIND_TO_KEY, binds![id, jkt]).await? > 0 {
        let bound = again(tx, id).await?;
        bound.into_iter().for_each(|grant| tx.tell(Effect::Grant(grant)));
    }
    Ok(())
}

/// Creates the grant of a personal token, and holds its owner. `false`, and nothing changed,
/// if there is no such person, or they are disabled.
pub(crate) async fn insert_of_token(
    tx: &mut Tx<'_>,
    token: &Credential,
    by: &By,
) -> Result<bool, Error> {
    let scope = token.scope.clone().unwrap_or_default();
    let row = binds![token.grant_id, token.principal, scope, by.at, token.expires_at, by.address,];
    Ok(tx.execute(&INSERT_OF_TOKEN, row).await? > 0)
}

/// Lets the grant of a personal token end when the token does.
pub(crate) async fn set_expiry_of_token(tx: &mut Tx<'_>, token: &Credential) -> Result<(), Error> {
    tx.execute(&SET_EXPIRY_OF_TOKEN, binds![token.grant_id, token.ends_at()]).await.map(drop)
}

/// Ends the grant of a personal token that was just revoked.
pub(crate) async fn end_of_token(
    tx: &mut Tx<'_>,
    token: &Credential,
    by: &By,
) -> Result<(), Error> {
    if token.grant_id.is_some() {
        let which = binds![token.grant_id, by.at, token.revoke_reason];
        tx.execute(&END_OF_TOKEN, which).await?;
    }
    Ok(())
}

/// Ends the grants of all personal tokens of a user.
pub(crate) async fn end_of_tokens(
    tx: &mut Tx<'_>,
    user: UserId,
    reason: &str,
    by: &By,
) -> Result<(), Error> {
    tx.execute(&END_OF_TOKENS, binds![user, by.at, reason]).await.map(drop)
}

/// Ends a client's grant, with its tombstone; the audit row is the caller's. `false`, and
/// nothing changed, if it had ended before; then this waits for that, too.
pub(crate) async fn end(
    tx: &mut Tx<'_>,
    id: GrantId,
    reason: &str,
    by: &By,
) -> Result<bool, Error> {
    let ended = tx.execute(&END, binds![id, by.at, reason]).await? > 0;
    if ended {
        tx.tell(Effect::GrantEnded(id));
        tombstones::bury(tx, by, &[id.to_string()], None).await?;
    } else {
        tombstones::wait(tx).await?;
    }
    Ok(ended)
}

/// Runs a statement that ends grants, and answers their ids; tombstones and audit row are the
/// caller's.
pub(crate) async fn tell_ended(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    binds: &[Value<'_>],
) -> Result<Vec<String>, Error> {
    let ended: Vec<GrantId> = tx.all(statement, binds, |row| row.next()).await?;
    ended.iter().for_each(|id| tx.tell(Effect::GrantEnded(*id)));
    Ok(ended.iter().map(GrantId::to_string).collect())
}

/// After a single-use secret was presented again: ends its grant, and writes the audit
/// row if that changed anything.
pub(crate) async fn end_for_reuse(
    tx: &mut Tx<'_>,
    id: GrantId,
    of: &'static str,
    by: &By,
) -> Result<(), Error> {
    if end(tx, id, of, by).await? {
        audit::write(tx, by, "grant.reuse", id, Some(of)).await?;
    }
    Ok(())
}

/// Ends all grants that a user gave to clients and answers their ids; tombstones and audit row are the
/// caller's.
pub(crate) async fn end_of_user(
    tx: &mut Tx<'_>,
    user: UserId,
    reason: &str,
    by: &By,
) -> Result<Vec<String>, Error> {
    tell_ended(tx, &END_OF_USER, binds![user, by.at, reason]).await
}

/// As [`end_of_user`], for all grants that a client holds.
pub(crate) async fn end_of_client(
    tx: &mut Tx<'_>,
    client_id: &str,
    reason: &str,
    by: &By,
) -> Result<Vec<String>, Error> {
    tell_ended(tx, &END_OF_CLIENT, binds![client_id, by.at, reason]).await
}
