//! Keys of projects and organizations: credentials that act for a place, and not for a person.
//!
//! A key is a principal of its own, named for its first credential; those that take over from
//! it act as the same one. It belongs to the place, whoever made it, and is worth nothing
//! without it.

use hallpass_core::id::{OrgId, ProjectId, TokenId, UserId};
use hallpass_core::role::ProjectRole;
use hallpass_core::{Digest, Scope, Timestamp};

use crate::credentials::{self, columns, live, read_ended};
use crate::db::{Tx, binds, kept, statements};
use crate::rotation::hand_over;
use crate::store::Store;
use crate::watch::Effect;
use crate::{
    By, Credential, Error, KeysMade, Rotate, Successor, TokenKind, audit, orgs, projects,
    tombstones, users,
};

/// A key to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The id that it will have.
    pub id: TokenId,
    /// The digest of its text.
    pub digest: Digest,
    /// What its text begins with.
    pub prefix: String,
    /// The last four characters of its text.
    pub last_four: String,
    /// The organization that it is bound to.
    pub org: OrgId,
    /// The project that it is bound to, with the role that it has there; `None`: it acts for
    /// the organization.
    pub project: Option<(ProjectId, ProjectRole)>,
    /// What it is called; unique among the live keys of its place.
    pub name: String,
    /// What it is narrowed to; `None`: all that its kind may do.
    pub scope: Option<Scope>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// See [`Store::keys`].
#[derive(Clone, Copy)]
pub struct Keys<'s>(pub(crate) &'s Store);

impl Keys<'_> {
    /// Creates a key. [`Error::Conflict`]`("name")` if a live key of its place has this name,
    /// [`Error::Missing`]`("organization")` or `("project")` if there is none such.
    pub async fn create(&self, new: NewKey, by: &By) -> Result<Credential, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let created = new.to_credential(&by);
            hold_maker(tx, &by).await?;
            hold_place(tx, &created).await?;
            tx.execute(&INSERT_PRINCIPAL, binds![created.principal, by.at]).await?;
            keep(tx, &created, by.at).await?;
            let place = place(&created);
            audit::write(tx, &by, "key.create", created.id, Some(&place)).await?;
            Ok(created)
        };
        self.0.db().change(change).await
    }

    /// The keys that are live at `now` of one project, or else of an organization and all of its
    /// projects: after `after` in the order of their ids, newest first, at most `limit`.
    pub async fn of(
        &self,
        org: OrgId,
        project: Option<ProjectId>,
        after: Option<TokenId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Credential>, Error> {
        let before = after.map_or_else(|| credentials::BEYOND.to_owned(), |id| id.to_string());
        let which = binds![org, project, before, now, limit];
        self.0.db().all(&OF, which, credentials::read).await
    }

    /// The live keys that a person made, in one organization or one project of it, or anywhere;
    /// at most `limit`.
    pub async fn made_by(
        &self,
        user: UserId,
        org: Option<OrgId>,
        project: Option<ProjectId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Credential>, Error> {
        self.0.db().all(&MADE_BY, binds![user, org, project, now, limit], credentials::read).await
    }

    /// Lets `successor` take over from a live key, which stays good beside it until
    /// `overlap_until`, or ends at once. Both act as the same principal.
    pub async fn rotate(
        &self,
        id: TokenId,
        successor: Successor,
        overlap_until: Option<Timestamp>,
        by: &By,
    ) -> Result<Rotate, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            hold_maker(tx, &by).await?;
            // The place before the key, as whoever archives a place does.
            let Some(seen) = tx.first(&ONE, binds![id], credentials::read).await? else {
                return Ok(Rotate::Gone);
            };
            match hold_place(tx, &seen).await {
                Err(Error::Missing(_)) => return Ok(Rotate::Gone),
                held => held?,
            }
            let Some(mut old) = tx.first(&TAKE, binds![id], credentials::read).await? else {
                return Ok(Rotate::Gone);
            };
            if old.overlap_until.is_some() {
                return Ok(Rotate::Rotated);
            }
            if !old.is_live(by.at) {
                return Ok(Rotate::Gone);
            }
            let new = Credential { grant_id: None, ..successor.after(&old, &by) };
            hand_over(tx, &mut old, overlap_until.unwrap_or(by.at), &by).await?;
            // The name is free now: an overlap has begun.
            keep(tx, &new, by.at).await?;
            tombstones::bury(tx, &by, &[id.to_string()], None).await?;
            let detail = format!("to {}", new.id);
            audit::write(tx, &by, "key.rotate", id, Some(&detail)).await?;
            Ok(Rotate::Done(new))
        };
        self.0.db().change(change).await
    }
}

/// What became of the keys that somebody made who leaves.
#[derive(Default)]
pub(crate) struct Left {
    /// Those that ended; their tombstones are the caller's.
    pub(crate) keys: Vec<Credential>,
    /// For the audit row.
    pub(crate) words: String,
}

impl Left {
    /// The ids of those that ended.
    pub(crate) fn ended(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.id.to_string()).collect()
    }
}

/// A row for each key that ended because whoever made it was disabled. That itself is no
/// organization's business, and what became of its keys is: each is in the log of its own, which
/// learns nothing of another's.
pub(crate) async fn tell_of_ended(
    tx: &mut Tx<'_>,
    keys: &[Credential],
    by: &By,
) -> Result<(), Error> {
    let mut by = by.clone();
    for key in keys {
        by = by.next();
        audit::write(tx, &by, "key.revoke", key.id, Some("whoever made it left")).await?;
    }
    Ok(())
}

/// Does with the live keys that somebody made, at a place or anywhere, what was said, if anything
/// had to be. `None`: there are some, and nobody said.
pub(crate) async fn left_by(
    tx: &mut Tx<'_>,
    user: UserId,
    place: Option<(OrgId, Option<ProjectId>)>,
    said: KeysMade,
    by: &By,
) -> Result<Option<Left>, Error> {
    let (org, project) = (place.map(|it| it.0), place.and_then(|it| it.1));
    let which = binds![user, org, project, by.at];
    let made = tx.all(&TAKE_MADE_BY, which, credentials::read).await?;
    let mut left = Left::default();
    if made.is_empty() {
        return Ok(Some(left));
    }
    let ids = made.iter().map(|key| key.id.to_string()).collect::<Vec<_>>().join(" ");
    left.words = match said {
        KeysMade::NotAsked => return Ok(None),
        KeysMade::Keep => format!("; kept the keys {ids}"),
        KeysMade::Revoke => {
            for key in &made {
                tx.execute(&END, binds![key.id, by.at, "whoever made it left"]).await?;
                tx.tell(Effect::CredentialEnded { id: key.id, digest: key.digest });
            }
            left.keys = made;
            format!("; revoked the keys {ids}")
        }
    };
    Ok(Some(left))
}

/// A condition on `credentials`: it is a key.
macro_rules! is_key {
    () => {
        "credentials.kind IN ('project_key', 'org_key')"
    };
}

statements! {
    INSERT_PRINCIPAL = "INSERT INTO principals (id, kind, created_at) VALUES ($1, 'key', $2)";
    ONE = concat!(
        "SELECT ", columns!(), " FROM credentials WHERE credentials.id = $1 AND ", is_key!()
    );
    TAKE = concat!(
        "SELECT ", columns!(), " FROM credentials WHERE credentials.id = $1 AND ", is_key!()
    ), postgres + "FOR UPDATE";
    OF = concat!(
        "SELECT ", columns!(), " FROM credentials
        WHERE credentials.org_id = $1 AND ", is_key!(), "
        AND (CAST($2 AS TEXT) IS NULL OR credentials.project_id = $2)
        AND credentials.id < $3 AND ", live!("$4"), " ORDER BY credentials.id DESC LIMIT $5"
    );
    MADE_BY = concat!(
        "SELECT ", columns!(), " FROM credentials
        WHERE credentials.created_by = $1 AND ", is_key!(), "
        AND (CAST($2 AS TEXT) IS NULL OR credentials.org_id = $2)
        AND (CAST($3 AS TEXT) IS NULL OR credentials.project_id = $3)
        AND ", live!("$4"), " ORDER BY credentials.id LIMIT $5"
    );
    TAKE_MADE_BY = concat!(
        "SELECT ", columns!(), " FROM credentials
        WHERE credentials.created_by = $1 AND ", is_key!(), "
        AND (CAST($2 AS TEXT) IS NULL OR credentials.org_id = $2)
        AND (CAST($3 AS TEXT) IS NULL OR credentials.project_id = $3)
        AND ", live!("$4"), " ORDER BY credentials.id"
    ), postgres + "FOR UPDATE";
    END = "UPDATE credentials SET revoked_at = $2, revoke_reason = $3 WHERE id = $1";
    /// One live key of a name at a place: of all who try at once, one gets a row.
    INSERT = "INSERT INTO credentials (id, kind, digest, prefix, last_four, principal_id, org_id,
            project_id, role, name, scope, projects, created_by, created_at, expires_at,
            rotated_from)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT DO NOTHING";
    FREE_NAME = "UPDATE credentials SET revoked_at = $4, revoke_reason = 'expired'
        WHERE org_id = $1 AND COALESCE(project_id, '') = COALESCE(CAST($2 AS TEXT), '')
        AND name = $3 AND kind IN ('project_key', 'org_key')
        AND revoked_at IS NULL AND overlap_until IS NULL AND expires_at <= $4
        RETURNING id, digest";
}

/// That the person who makes a key is let in, and stays so until the transaction ends: whoever
/// disables them is asked about all keys that they made.
async fn hold_maker(tx: &mut Tx<'_>, by: &By) -> Result<(), Error> {
    match by.actor.parse::<UserId>() {
        Ok(person) if !users::hold(tx, person).await? => Err(Error::Missing("user")),
        _ => Ok(()),
    }
}

/// That the place of a key is there, and stays until the transaction ends.
async fn hold_place(tx: &mut Tx<'_>, key: &Credential) -> Result<(), Error> {
    let org = key.org_id.ok_or(Error::Missing("organization"))?;
    orgs::hold(tx, org).await?;
    match key.project_id {
        Some(project) => projects::hold(tx, project, org).await,
        None => Ok(()),
    }
}

/// Keeps a key; the audit row is the caller's.
async fn keep(tx: &mut Tx<'_>, new: &Credential, now: Timestamp) -> Result<(), Error> {
    if insert(tx, new).await? == 0 {
        // If that one has expired, its name is free.
        let which = binds![new.org_id, new.project_id, new.name, now];
        let freed = tx.first(&FREE_NAME, which, read_ended).await?;
        let (id, digest) = freed.ok_or(Error::Conflict("name"))?;
        tx.tell(Effect::CredentialEnded { id, digest });
        if insert(tx, new).await? == 0 {
            return Err(Error::Conflict("name"));
        }
    }
    tx.tell(Effect::Credential(new.clone()));
    Ok(())
}

async fn insert(tx: &mut Tx<'_>, new: &Credential) -> Result<u64, Error> {
    let row = binds![
        new.id,
        new.kind,
        new.digest,
        new.prefix,
        new.last_four,
        new.principal,
        new.org_id,
        new.project_id,
        new.role,
        new.name,
        new.scope,
        new.projects,
        new.created_by,
        new.created_at,
        new.expires_at,
        new.rotated_from,
    ];
    tx.execute(&INSERT, row).await
}

/// Where a key belongs, in the words of the audit log.
pub(crate) fn place(key: &Credential) -> String {
    let ids = [key.org_id.map(|id| id.to_string()), key.project_id.map(|id| id.to_string())];
    ids.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

impl NewKey {
    fn to_credential(&self, by: &By) -> Credential {
        let kind = match self.project {
            Some(_) => TokenKind::ProjectKey,
            None => TokenKind::OrgKey,
        };
        Credential {
            id: self.id,
            kind,
            digest: self.digest,
            prefix: kept(&self.prefix),
            last_four: kept(&self.last_four),
            principal: self.id.to_string(),
            user_id: None,
            org_id: Some(self.org),
            project_id: self.project.map(|(id, _)| id),
            role: self.project.map(|(_, role)| role),
            grant_id: None,
            name: kept(&self.name),
            scope: self.scope.clone(),
            projects: Vec::new(),
            created_by: by.actor.clone(),
            created_at: by.at,
            expires_at: self.expires_at,
            last_used_at: None,
            last_used_address: None,
            rotated_from: None,
            overlap_until: None,
            revoked_at: None,
            revoke_reason: None,
        }
    }
}
