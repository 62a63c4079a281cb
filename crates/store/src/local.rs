//! The one person of a server where nobody has to sign in: a user like any other, without a
//! password, until the first administrator takes their place and with it all that is theirs.

use hallpass_core::id::UserId;

use crate::db::{Tx, binds, statements};
use crate::store::Store;
use crate::{
    By, Error, KeysMade, NewUser, User, audit, invitations, keys, sessions, setup, tombstones,
    trust, users,
};

/// See [`Store::local`].
#[derive(Clone, Copy)]
pub struct Local<'s>(pub(crate) &'s Store);

impl Local<'_> {
    /// The local user, who is made as `new` at the first call. What browsers were signed in to
    /// before has ended. `None` if somebody else has an account: nothing was changed then.
    pub async fn begin(&self, new: NewUser, by: &By) -> Result<Option<User>, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if !setup::nobody(tx).await? {
                return Ok(None);
            }
            // Also one that another start made meanwhile: nobody becomes an administrator now.
            setup::end(tx).await?;
            if let Some(id) = tx.first(&WHO, binds![], |row| row.next::<UserId>()).await? {
                let ended = sessions::end_of_user(tx, id, None, &by).await?;
                if !ended.is_empty() {
                    tombstones::bury(tx, &by, &ended, None).await?;
                    let detail = format!("ended {} sessions", ended.len());
                    audit::write(tx, &by, "session.end_others", id, Some(&detail)).await?;
                }
                return users::find(tx, id).await;
            }
            let user = users::insert(tx, &new, true, &by).await?;
            tx.execute(&BEGIN, binds![user.id]).await?;
            audit::write(tx, &by, "local.begin", user.id, None).await?;
            Ok(Some(user))
        };
        self.0.db().change(change).await
    }

    /// Who it is, as long as nobody has taken their place.
    pub async fn who(&self) -> Result<Option<UserId>, Error> {
        self.0.db().first(&WHO, binds![], |row| row.next()).await
    }
}

statements! {
    WHO = "SELECT value FROM settings WHERE key = 'local.user'";
    BEGIN = "INSERT INTO settings (key, value) VALUES ('local.user', $1)";
    END = "DELETE FROM settings WHERE key = 'local.user' AND value = $1";
}

/// Makes the local user who `new` says, if `new` has their id, and says what ended in words:
/// whatever was handed out while nobody had to sign in proves nothing about anybody. `None` if it
/// is another id. The audit row is the caller's.
pub(crate) async fn adopt(
    tx: &mut Tx<'_>,
    new: &NewUser,
    by: &By,
) -> Result<Option<(User, String)>, Error> {
    if tx.execute(&END, binds![new.id]).await? == 0 {
        return Ok(None);
    }
    users::replace(tx, new).await?;
    let left = keys::left_by(tx, new.id, None, KeysMade::Revoke, by).await?;
    let left = left.unwrap_or_default();
    keys::tell_of_ended(tx, &left.keys, by).await?;
    let (mut keys, words) = (left.ended(), left.words);
    let reason = "nobody had to sign in for it";
    // Whoever was on the machine could let jobs and people in.
    let invitations = invitations::end_all(tx, reason, by).await?;
    let jobs = trust::end_all(tx, by).await?;
    let others = format!(", {invitations} invitations, {} trust policies and passes", jobs.len());
    keys.extend(jobs);
    let mut ended = users::end_everything(tx, new.id, keys, reason, by).await?;
    ended.push_str(&words);
    ended.push_str(&others);
    let user = users::find(tx, new.id).await?;
    user.map(|user| Some((user, ended))).ok_or(Error::Missing("user"))
}
