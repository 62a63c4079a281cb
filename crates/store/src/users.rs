//! People.

use hallpass_core::Timestamp;
use hallpass_core::id::{OrgId, SessionId, UserId};

use crate::db::{Row, Tx, binds, kept, statements};
use crate::store::Store;
use crate::watch::Effect;
use crate::{
    By, Error, KeysMade, audit, credentials, grants, keys, local, members, orgs, sessions, setup,
    tombstones,
};

/// A person.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Also the OIDC `sub`; never reused.
    pub id: UserId,
    /// In lower case; unique.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Whether they administer the deployment.
    pub admin: bool,
    /// The argon2id hash, as a PHC string.
    pub password: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Since when nothing of theirs is good.
    pub disabled_at: Option<Timestamp>,
}

impl std::fmt::Debug for User {
    /// Without the password's hash.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("email", &self.email)
            .field("admin", &self.admin)
            .field("disabled_at", &self.disabled_at)
            .finish_non_exhaustive()
    }
}

/// A person to create.
#[derive(Clone)]
pub struct NewUser {
    /// The id that they will have.
    pub id: UserId,
    /// E-mail address; kept in lower case.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Whether they administer the deployment.
    pub admin: bool,
    /// The argon2id hash, as a PHC string.
    pub password: Option<String>,
}

/// What became of somebody who was to be disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disable {
    /// They are disabled, and everything of theirs has ended.
    Done,
    /// There is no such user, or they were disabled already.
    Same,
    /// Nobody else administers the deployment; nothing was changed.
    LastAdmin,
    /// They are the last owner of this organization who is not disabled; nothing was changed.
    LastOwner(OrgId),
    /// They made keys that are live, and nobody said what becomes of those; nothing was changed.
    KeysMade,
}

/// See [`Store::users`].
#[derive(Clone, Copy)]
pub struct Users<'s>(pub(crate) &'s Store);

impl Users<'_> {
    /// Creates a user. [`Error::Conflict`]`("email")` if the address is taken.
    /// Ends the setup code, if there is one. An administrator with the local user's id takes that
    /// one's place.
    pub async fn create(&self, new: NewUser, by: &By) -> Result<User, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            setup::end(tx).await?;
            let adopted = if new.admin { local::adopt(tx, &new, &by).await? } else { None };
            let (user, detail) = match adopted {
                Some((user, ended)) => (user, Some(ended)),
                None => (insert(tx, &new, new.admin, &by).await?, None),
            };
            audit::write(tx, &by, "user.create", user.id, detail.as_deref()).await?;
            Ok(user)
        };
        self.0.db().change(change).await
    }

    /// By id, disabled or not.
    pub async fn by_id(&self, id: UserId) -> Result<Option<User>, Error> {
        self.0.db().first(&BY_ID, binds![id], read).await
    }

    /// By e-mail address in any case, disabled or not.
    pub async fn by_email(&self, email: &str) -> Result<Option<User>, Error> {
        self.0.db().first(&BY_EMAIL, binds![email.to_lowercase()], read).await
    }

    /// Users after `after` in the order of their ids, at most `limit`.
    pub async fn list(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&LIST, binds![after, limit], read).await
    }

    /// How many there are, disabled ones included.
    pub async fn count(&self) -> Result<u64, Error> {
        Ok(self.0.db().number(&COUNT, binds![]).await?.unsigned_abs())
    }

    /// Disables a user, and ends all their grants, sessions and tokens. Not whoever is the last
    /// owner of an organization: first somebody else has to own it. The keys that they made stay.
    pub async fn disable(&self, id: UserId, by: &By) -> Result<Disable, Error> {
        self.dismiss(id, KeysMade::Keep, by).await
    }

    /// The same, with a word about the live keys that they made, wherever that was. The audit
    /// row says what became of them.
    pub async fn dismiss(&self, id: UserId, made: KeysMade, by: &By) -> Result<Disable, Error> {
        self.disable_user(id, made, false, by).await
    }

    /// The same, if somebody is left then who administers the deployment.
    pub async fn dismiss_but_last(
        &self,
        id: UserId,
        made: KeysMade,
        by: &By,
    ) -> Result<Disable, Error> {
        self.disable_user(id, made, true, by).await
    }

    async fn disable_user(
        &self,
        id: UserId,
        made: KeysMade,
        keep: bool,
        by: &By,
    ) -> Result<Disable, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if keep {
                // Held: of two who disable each other, one stays.
                let admins = tx.all(&HOLD_ADMINS, binds![], |row| row.next::<UserId>()).await?;
                if admins == [id] {
                    return Ok(Disable::LastAdmin);
                }
            }
            if !take(tx, id).await? {
                tombstones::wait(tx).await?;
                return Ok(Disable::Same);
            }
            for org in tx.all(&OWNED, binds![id], |row| row.next::<OrgId>()).await? {
                // Archived ones too: they may come back.
                orgs::lock(tx, org).await?;
                if !members::others_own(tx, id, org).await? {
                    return Ok(Disable::LastOwner(org));
                }
            }
            let Some(left) = keys::left_by(tx, id, None, made, &by).await? else {
                return Ok(Disable::KeysMade);
            };
            tx.execute(&DISABLE, binds![id, by.at]).await?;
            tell(tx, id).await?;
            let mut ended = end_everything(tx, id, left.ended(), "user disabled", &by).await?;
            ended.push_str(&left.words);
            keys::tell_of_ended(tx, &left.keys, &by).await?;
            audit::write(tx, &by, "user.disable", id, Some(&ended)).await?;
            Ok(Disable::Done)
        };
        self.0.db().change(change).await
    }

    /// Ends all grants, sessions and tokens of a user, who may sign in again. `false` if there
    /// is no such user, or they are disabled.
    pub async fn end_all(&self, id: UserId, by: &By) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if !take(tx, id).await? {
                tombstones::wait(tx).await?;
                return Ok(false);
            }
            let reason = "ended by an administrator";
            let ended = end_everything(tx, id, Vec::new(), reason, &by).await?;
            audit::write(tx, &by, "user.end_all", id, Some(&ended)).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Lets a disabled user sign in again. What was ended stays ended. `false` if there
    /// is no such user, or they are not disabled.
    pub async fn enable(&self, id: UserId, by: &By) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&ENABLE, binds![id]).await? == 0 {
                return Ok(false);
            }
            tell(tx, id).await?;
            audit::write(tx, &by, "user.enable", id, None).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Sets the password's hash, and ends all their grants and all their sessions but
    /// `keep_session`. Tokens stay good: scripts live on them. `false` if there is no such user, or they are disabled.
    pub async fn change_password(
        &self,
        id: UserId,
        phc: &str,
        keep_session: Option<SessionId>,
        by: &By,
    ) -> Result<bool, Error> {
        let (phc, by) = (phc.to_owned(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            if !take(tx, id).await? {
                return Ok(false);
            }
            tx.execute(&CHANGE_PASSWORD, binds![id, phc]).await?;
            tell(tx, id).await?;
            let none = (Vec::new(), Vec::new());
            let ended = end_all(tx, id, keep_session, none, "password changed", &by).await?;
            audit::write(tx, &by, "user.change_password", id, Some(&ended)).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }
}

/// What a user is read from: `users u JOIN principals p`.
macro_rules! columns {
    () => {
        "u.id, u.email, u.name, u.admin, u.password, p.created_at, p.disabled_at"
    };
}
pub(crate) use columns;
/// How many those are.
const COLUMNS: usize = 7;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM users u JOIN principals p ON p.id = u.id ", $rest)
    };
}

statements! {
    BY_ID = select!("WHERE u.id = $1");
    BY_EMAIL = select!("WHERE u.email = $1");
    LIST = select!("WHERE u.id > $1 ORDER BY u.id LIMIT $2");
    COUNT = "SELECT COUNT(*) FROM users";
    INSERT_PRINCIPAL = "INSERT INTO principals (id, kind, created_at) VALUES ($1, 'user', $2)";
    INSERT = "INSERT INTO users (id, email, name, admin, password) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (email) DO NOTHING";
    DISABLE = "UPDATE principals SET disabled_at = $2
        WHERE id = $1 AND kind = 'user' AND disabled_at IS NULL";
    HOLD_ADMINS = "SELECT p.id FROM principals p JOIN users u ON u.id = p.id
        WHERE u.admin AND p.disabled_at IS NULL ORDER BY p.id", postgres + "FOR UPDATE OF p";
    OWNED = "SELECT org_id FROM memberships
        WHERE principal_id = $1 AND project_id IS NULL AND role = 'owner' ORDER BY org_id";
    ENABLE = "UPDATE principals SET disabled_at = NULL
        WHERE id = $1 AND kind = 'user' AND disabled_at IS NOT NULL";
    REPLACE = "UPDATE users SET email = $2, name = $3, admin = TRUE, password = $4 WHERE id = $1";
    CHANGE_PASSWORD = "UPDATE users SET password = $2 WHERE id = $1";
    /// Nobody else gives this user a grant, a session or a token until we are done.
    TAKE = "SELECT id FROM principals WHERE id = $1 AND kind = 'user' AND disabled_at IS NULL",
        postgres + "FOR NO KEY UPDATE";
    /// Nobody disables this user or changes the password until we are done.
    HOLD = "SELECT id FROM principals WHERE id = $1 AND disabled_at IS NULL",
        postgres + "FOR SHARE";
}

/// Whether the user is enabled, and stays so until the transaction ends.
pub(crate) async fn hold(tx: &mut Tx<'_>, id: UserId) -> Result<bool, Error> {
    Ok(tx.first(&HOLD, binds![id], |_| Ok(())).await?.is_some())
}

/// Whether the user is enabled, and nobody else gives them anything until the transaction ends.
pub(crate) async fn take(tx: &mut Tx<'_>, id: UserId) -> Result<bool, Error> {
    Ok(tx.first(&TAKE, binds![id], |_| Ok(())).await?.is_some())
}

/// Tells what the user is now.
async fn tell(tx: &mut Tx<'_>, id: UserId) -> Result<(), Error> {
    if let Some(user) = tx.first(&BY_ID, binds![id], read).await? {
        tx.tell(Effect::User(user));
    }
    Ok(())
}

/// By id, disabled or not.
pub(crate) async fn find(tx: &mut Tx<'_>, id: UserId) -> Result<Option<User>, Error> {
    tx.first(&BY_ID, binds![id], read).await
}

/// Whether an e-mail address is nobody's.
pub(crate) async fn is_free(tx: &mut Tx<'_>, email: &str) -> Result<bool, Error> {
    Ok(tx.first(&BY_EMAIL, binds![kept(&email.to_lowercase())], read).await?.is_none())
}

/// Makes the user of this id who `new` says, and an administrator; the audit row is the caller's.
pub(crate) async fn replace(tx: &mut Tx<'_>, new: &NewUser) -> Result<(), Error> {
    let email = kept(&new.email.to_lowercase());
    if tx.first(&BY_EMAIL, binds![email], read).await?.is_some_and(|other| other.id != new.id) {
        return Err(Error::Conflict("email"));
    }
    tx.execute(&REPLACE, binds![new.id, email, new.name, new.password]).await?;
    tell(tx, new.id).await
}

/// Creates the user; the audit row is the caller's.
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    new: &NewUser,
    admin: bool,
    by: &By,
) -> Result<User, Error> {
    let email = kept(&new.email.to_lowercase());
    tx.execute(&INSERT_PRINCIPAL, binds![new.id, by.at]).await?;
    let row = binds![new.id, email, new.name, admin, new.password];
    if tx.execute(&INSERT, row).await? == 0 {
        return Err(Error::Conflict("email"));
    }
    let user = User {
        id: new.id,
        email,
        name: kept(&new.name),
        admin,
        password: new.password.clone(),
        created_at: by.at,
        disabled_at: None,
    };
    tx.tell(Effect::User(user.clone()));
    Ok(user)
}

pub(crate) fn read(row: &mut Row<'_>) -> Result<User, Error> {
    let id = row.next()?;
    read_rest(row, id)
}

fn read_rest(row: &mut Row<'_>, id: UserId) -> Result<User, Error> {
    Ok(User {
        id,
        email: row.next()?,
        name: row.next()?,
        admin: row.next()?,
        password: row.next()?,
        created_at: row.next()?,
        disabled_at: row.next()?,
    })
}

/// A user that a `LEFT JOIN` may not have found.
pub(crate) fn read_optional(row: &mut Row<'_>) -> Result<Option<User>, Error> {
    let Some(id) = row.next()? else {
        // What comes after it in the row is read by others.
        row.skip(COLUMNS - 1);
        return Ok(None);
    };
    read_rest(row, id).map(Some)
}

/// Ends all grants, sessions and tokens of the user, buries these and the `keys` that ended, and
/// says so in words.
pub(crate) async fn end_everything(
    tx: &mut Tx<'_>,
    id: UserId,
    keys: Vec<String>,
    reason: &'static str,
    by: &By,
) -> Result<String, Error> {
    let tokens = credentials::end_of_user(tx, id, reason, by).await?;
    grants::end_of_tokens(tx, id, reason, by).await?;
    end_all(tx, id, None, (tokens, keys), reason, by).await
}

/// Ends all grants of the user and all sessions but `keep`, buries these, `tokens` and `keys`,
/// and says so in words.
async fn end_all(
    tx: &mut Tx<'_>,
    id: UserId,
    keep: Option<SessionId>,
    (tokens, keys): (Vec<String>, Vec<String>),
    reason: &'static str,
    by: &By,
) -> Result<String, Error> {
    let grants = grants::end_of_user(tx, id, reason, by).await?;
    let sessions = sessions::end_of_user(tx, id, keep, by).await?;
    let (grants_, sessions_, tokens_) = (grants.len(), sessions.len(), tokens.len());
    let ended = format!("ended {grants_} grants, {sessions_} sessions and {tokens_} tokens");
    let all = grants.into_iter().chain(sessions).chain(tokens).chain(keys);
    let subjects: Vec<_> = all.chain([id.to_string()]).collect();
    tombstones::bury(tx, by, &subjects, None).await?;
    Ok(ended)
}
