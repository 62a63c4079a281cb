//! The move away from an older system: where it is, the end of its tokens with it, and the last
//! ones that are made.

use hallpass_core::Timestamp;
use hallpass_core::id::{ProjectId, TokenId};

use crate::credentials::{columns, live, read};
use crate::db::{Tx, binds, statements};
use crate::legacy::{self, Legacy, NewLegacy};
use crate::watch::Effect;
use crate::{By, Credential, Error, audit, tombstones};

impl Legacy<'_> {
    /// Keeps `now` as the setting `key`, if that is still `was`. With `ends`, that becomes the
    /// end of all legacy tokens that are live; one that has ended stays ended. `false` if the
    /// setting is something else by now; nothing was changed.
    pub async fn advance(
        &self,
        key: &str,
        was: Option<String>,
        now: String,
        ends: Option<Option<Timestamp>>,
        detail: String,
        by: &By,
    ) -> Result<bool, Error> {
        let (key, by) = (key.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            let kept = match &was {
                None => tx.execute(&BEGIN, binds![key, now]).await?,
                Some(was) => tx.execute(&ADVANCE, binds![key, was, now]).await?,
            };
            if kept == 0 {
                return Ok(false);
            }
            if let Some(ends) = ends {
                set_end(tx, ends, &by).await?;
            }
            audit::write(tx, &by, "legacy.move", &key, Some(&detail)).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Makes a token as the older system did, while the setting `key` is `now`. `None` if that
    /// is something else by then, or there is such a token; nothing was changed.
    /// [`Error::Missing`]`("project")` or `("user")` if there is none such, or it is disabled.
    pub async fn mint(
        &self,
        key: &str,
        now: String,
        project: ProjectId,
        new: NewLegacy,
        by: &By,
    ) -> Result<Option<Credential>, Error> {
        let (key, by) = (key.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            if tx.first(&HOLD_MOVE, binds![key, now], |_| Ok(())).await?.is_none() {
                return Ok(None);
            }
            let org = legacy::hold_project(tx, project).await?;
            let made = legacy::keep(tx, &new, (org, project), &by).await?;
            if made.is_some() {
                audit::write(tx, &by, "legacy.create", new.id, Some(&new.name)).await?;
            }
            Ok(made)
        };
        self.0.db().change(change).await
    }

    /// All live legacy tokens after `after` in the order of their ids, at most `limit`.
    pub async fn all(
        &self,
        after: Option<TokenId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Credential>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&ALL, binds![after, now, limit], read).await
    }
}

statements! {
    BEGIN = "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    ADVANCE = "UPDATE settings SET value = $3 WHERE key = $1 AND value = $2";
    /// It stays so until the change is made.
    HOLD_MOVE = "SELECT value FROM settings WHERE key = $1 AND value = $2",
        postgres + "FOR SHARE";
    SET_END = concat!(
        "UPDATE credentials SET expires_at = $1 WHERE credentials.kind = 'legacy' AND ", live!("$2"),
        " RETURNING ", columns!()
    );
    ALL = concat!(
        "SELECT ", columns!(), " FROM credentials
        WHERE credentials.kind = 'legacy' AND credentials.id > $1 AND ", live!("$2"), "
        ORDER BY credentials.id LIMIT $3"
    );
}

async fn set_end(tx: &mut Tx<'_>, ends: Option<Timestamp>, by: &By) -> Result<(), Error> {
    let changed = tx.all(&SET_END, binds![ends, by.at], read).await?;
    let ids: Vec<String> = changed.iter().map(|token| token.id.to_string()).collect();
    for token in changed {
        tx.tell(Effect::Credential(token));
    }
    if ids.is_empty() { Ok(()) } else { tombstones::bury(tx, by, &ids, None).await }
}
