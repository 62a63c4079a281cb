//! What others did with a person's tokens: the last of it is kept for the person to see.
//!
//! Who made a token is kept with it ([`Credential::created_by`]). Who renamed one, gave it
//! another end, or revoked it, is kept here if that was not its owner. The audit log has all
//! of it, for those who may read that.

use hallpass_core::Timestamp;
use hallpass_core::id::{TokenId, UserId};

use crate::db::{Bind, Cell, Column, Row, Tx, Value, binds, statements};
use crate::{By, Credential, Credentials, Error, TokenKind};

/// What was done with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It got another name.
    Renamed,
    /// It got another end.
    EndChanged,
    /// It was revoked.
    Revoked,
}

/// What somebody else than its owner did with a token, last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByOthers {
    /// The token.
    pub id: TokenId,
    /// What it is called since.
    pub name: String,
    /// What its text begins with.
    pub prefix: String,
    /// The last four characters of its text.
    pub last_four: String,
    /// What was done.
    pub act: Act,
    /// Who did it: [`By::actor`].
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

impl Credentials<'_> {
    /// What others did last with each of a person's personal tokens since `since`, the last
    /// of it first, at most `limit`.
    pub async fn done_by_others(
        &self,
        owner: UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ByOthers>, Error> {
        self.0.db().all(&OF_OWNER, binds![owner, since, limit], read).await
    }
}

statements! {
    OF_OWNER = "SELECT credentials.id, credentials.name, credentials.prefix, credentials.last_four,
            c.what, c.actor, c.at
        FROM token_changes c JOIN credentials ON credentials.id = c.token_id
        WHERE c.owner_id = $1 AND c.at >= $2 ORDER BY c.at DESC, credentials.id DESC LIMIT $3";
    NOTE = "INSERT INTO token_changes (owner_id, token_id, what, actor, at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner_id, token_id)
        DO UPDATE SET what = excluded.what, actor = excluded.actor, at = excluded.at";
}

/// Keeps who did this with a person's token, if it was not that person, in the transaction of
/// the change. Answers the detail of its audit row ([`named`]).
pub(crate) async fn note(
    tx: &mut Tx<'_>,
    token: &Credential,
    act: Act,
    detail: &str,
    by: &By,
) -> Result<String, Error> {
    if let (TokenKind::Personal, Some(owner)) = (token.kind, token.user_id)
        && by.actor != token.principal
    {
        tx.execute(&NOTE, binds![owner, token.id, act, by.actor, by.at]).await?;
    }
    Ok(named(token, detail, by))
}

/// The detail of an audit row, with whose token it is where somebody else acted.
pub(crate) fn named(token: &Credential, detail: &str, by: &By) -> String {
    if by.actor == token.principal || token.kind != TokenKind::Personal {
        return detail.to_owned();
    }
    format!("{detail}, for {}", token.principal)
}

fn read(row: &mut Row<'_>) -> Result<ByOthers, Error> {
    Ok(ByOthers {
        id: row.next()?,
        name: row.next()?,
        prefix: row.next()?,
        last_four: row.next()?,
        act: row.next()?,
        actor: row.next()?,
        at: row.next()?,
    })
}

impl Bind for Act {
    fn bind(&self) -> Value<'_> {
        match self {
            Self::Renamed => "renamed".bind(),
            Self::EndChanged => "end changed".bind(),
            Self::Revoked => "revoked".bind(),
        }
    }
}

impl Column for Act {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text("renamed") => Some(Self::Renamed),
            Cell::Text("end changed") => Some(Self::EndChanged),
            Cell::Text("revoked") => Some(Self::Revoked),
            _ => None,
        }
    }
}
