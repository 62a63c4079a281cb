//! One token takes over from another, which stays good for a while beside it.

use hallpass_core::id::{GrantId, TokenId, UserId};
use hallpass_core::{Digest, Timestamp};

use crate::credentials::{self, Credentials, columns, keep};
use crate::db::{Tx, binds, statements};
use crate::watch::Effect;
use crate::{By, Credential, Error, agents, audit, grants, others, tombstones, users};

/// The token that is to take over. All else is as with the one before: name, scope, projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// The id that it will have.
    pub id: TokenId,
    /// The digest of its text.
    pub digest: Digest,
    /// What its text begins with.
    pub prefix: String,
    /// The last four characters of its text.
    pub last_four: String,
    /// The id that its grant will have.
    pub grant_id: GrantId,
    /// When it ends; `None`: after as long a time as the one before.
    pub expires_at: Option<Option<Timestamp>>,
    /// When it ends at the latest, whatever the one before did: the end of the token that
    /// rotates it, if one does.
    pub expires_by: Option<Timestamp>,
}

/// What became of a token that was to be rotated.
#[must_use]
#[allow(clippy::large_enum_variant, reason = "it is looked at once, where it is returned")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotate {
    /// This one has taken over. This answer is given once.
    Done(Credential),
    /// It was rotated before.
    Rotated,
    /// The owner has no such live token.
    Gone,
}

impl Credentials<'_> {
    /// Lets `successor` take over from a live token of `owner`, which stays good beside it
    /// until `overlap_until`, or ends at once.
    pub async fn rotate(
        &self,
        owner: UserId,
        id: TokenId,
        successor: Successor,
        overlap_until: Option<Timestamp>,
        by: &By,
    ) -> Result<Rotate, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if !users::hold(tx, owner).await? {
                return Ok(Rotate::Gone);
            }
            let Some(mut old) = tx.first(&TAKE, binds![id, owner], credentials::read).await? else {
                return Ok(Rotate::Gone);
            };
            if old.overlap_until.is_some() {
                return Ok(Rotate::Rotated);
            }
            if !old.is_live(by.at) {
                return Ok(Rotate::Gone);
            }
            let new = successor.after(&old, &by);
            hand_over(tx, &mut old, overlap_until.unwrap_or(by.at), &by).await?;
            // The name is free now: an overlap has begun.
            keep(tx, &new, &by).await?;
            agents::hand_over(tx, id, new.id).await?;
            tombstones::bury(tx, &by, &[id.to_string()], None).await?;
            // Who made the successor is kept with it.
            let detail = others::named(&old, &format!("to {}", new.id), &by);
            audit::write(tx, &by, "token.rotate", id, Some(&detail)).await?;
            Ok(Rotate::Done(new))
        };
        self.0.db().change(change).await
    }
}

statements! {
    TAKE = concat!(
        "SELECT ", columns!(), " FROM credentials
        WHERE credentials.id = $1 AND credentials.principal_id = $2 AND credentials.kind = 'personal'"
    ), postgres + "FOR UPDATE";
    HAND_OVER = "UPDATE credentials SET overlap_until = $2, revoked_at = $3, revoke_reason = $4
        WHERE id = $1";
}

/// Marks `old` as rotated, good until `until` and no longer than it would have been.
pub(crate) async fn hand_over(
    tx: &mut Tx<'_>,
    old: &mut Credential,
    until: Timestamp,
    by: &By,
) -> Result<(), Error> {
    let until = old.expires_at.map_or(until, |at| at.min(until));
    old.overlap_until = Some(until);
    if until <= by.at {
        (old.revoked_at, old.revoke_reason) = (Some(by.at), Some("rotated".to_owned()));
    }
    let change = binds![old.id, until, old.revoked_at, old.revoke_reason];
    tx.execute(&HAND_OVER, change).await?;
    if old.revoked_at.is_some() {
        grants::end_of_token(tx, old, by).await?;
        tx.tell(Effect::CredentialEnded { id: old.id, digest: old.digest });
    } else {
        grants::set_expiry_of_token(tx, old).await?;
        tx.tell(Effect::Credential(old.clone()));
    }
    Ok(())
}

impl Successor {
    pub(crate) fn after(&self, old: &Credential, by: &By) -> Credential {
        let as_long = || old.expires_at.map(|at| by.at + at.since(old.created_at));
        let end = self.expires_at.unwrap_or_else(as_long);
        Credential {
            id: self.id,
            digest: self.digest,
            prefix: self.prefix.clone(),
            last_four: self.last_four.clone(),
            grant_id: Some(self.grant_id),
            created_by: by.actor.clone(),
            created_at: by.at,
            expires_at: [end, self.expires_by].into_iter().flatten().min(),
            last_used_at: None,
            last_used_address: None,
            rotated_from: Some(old.id),
            ..old.clone()
        }
    }
}
