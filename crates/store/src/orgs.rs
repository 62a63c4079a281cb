//! Organizations. Users are global; roles in organizations are [`members`].

use hallpass_core::Timestamp;
use hallpass_core::id::{OrgId, UserId};
use hallpass_core::role::OrgRole;

use crate::db::{Row, Tx, binds, kept, statements};
use crate::store::Store;
use crate::watch::Effect;
use crate::{By, Error, Membership, Role, audit, members, tombstones, users};

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Org {
    /// Its id; never reused.
    pub id: OrgId,
    /// Its name in addresses; unique, archived ones included.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// A label that the operator sets.
    pub plan: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Archived since then: nobody has any rights in it.
    pub disabled_at: Option<Timestamp>,
}

/// An organization to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrg {
    /// The id that it will have.
    pub id: OrgId,
    /// Its name in addresses.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// A label that the operator sets; may be empty.
    pub plan: String,
}

/// See [`Store::orgs`].
#[derive(Clone, Copy)]
pub struct Orgs<'s>(pub(crate) &'s Store);

impl Orgs<'_> {
    /// Creates an organization, and its first owner if one is named.
    /// [`Error::Conflict`]`("slug")` if the slug is taken, [`Error::Missing`]`("user")` if the
    /// owner does not exist or is disabled.
    pub async fn create(
        &self,
        new: NewOrg,
        first_owner: Option<UserId>,
        by: &By,
    ) -> Result<Org, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if let Some(owner) = first_owner
                && !users::hold(tx, owner).await?
            {
                return Err(Error::Missing("user"));
            }
            let org = Org {
                id: new.id,
                slug: kept(&new.slug),
                name: kept(&new.name),
                plan: kept(&new.plan),
                created_at: by.at,
                disabled_at: None,
            };
            let row = binds![org.id, org.slug, org.name, org.plan, org.created_at];
            if tx.execute(&INSERT, row).await? == 0 {
                return Err(Error::Conflict("slug"));
            }
            former(tx, &org.slug, org.id).await?;
            tx.tell(Effect::Org(org.clone()));
            if let Some(owner) = first_owner {
                let role = Role::Org(OrgRole::Owner);
                let principal = owner.to_string();
                let first = Membership { principal, org_id: org.id, role, created_at: by.at };
                members::put(tx, first).await?;
            }
            let detail = first_owner.map(|owner| format!("owner {owner}"));
            audit::write(tx, &by, "org.create", org.id, detail.as_deref()).await?;
            Ok(org)
        };
        self.0.db().change(change).await
    }

    /// By id, archived or not.
    pub async fn by_id(&self, id: OrgId) -> Result<Option<Org>, Error> {
        self.0.db().first(&BY_ID, binds![id], read).await
    }

    /// By slug, archived or not. One prepared read.
    pub async fn by_slug(&self, slug: &str) -> Result<Option<Org>, Error> {
        self.0.db().first(&BY_SLUG, binds![slug], read).await
    }

    /// Organizations after `after` in the order of their ids, at most `limit`.
    pub async fn list(&self, after: Option<OrgId>, limit: u32) -> Result<Vec<Org>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&LIST, binds![after, limit], read).await
    }

    /// The organizations in which a user has a role, in the order of their ids, with the role
    /// in the organization itself: none if they only have one in some of its projects.
    /// Archived ones are left out.
    pub async fn list_of_user(&self, user: UserId) -> Result<Vec<(Org, Option<OrgRole>)>, Error> {
        self.0.db().all(&OF_USER, binds![user], |row| Ok((read(row)?, row.next()?))).await
    }

    /// The archived organizations in which a user has a role, in the order of their ids.
    pub async fn archived_of_user(&self, user: UserId) -> Result<Vec<(Org, OrgRole)>, Error> {
        self.0.db().all(&ARCHIVED, binds![user], |row| Ok((read(row)?, row.next()?))).await
    }

    /// Archives an organization: nobody has any rights in it or its projects any more, and
    /// nothing is lost. `false` if there is none such, or it is archived already.
    pub async fn archive(&self, id: OrgId, by: &By) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&ARCHIVE, binds![id, by.at]).await? == 0 {
                tombstones::wait(tx).await?;
                return Ok(false);
            }
            changed(tx, id, &by).await?;
            audit::write(tx, &by, "org.archive", id, None).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Brings an archived organization back, with all that was in it. `false` if there is none
    /// such, or it is not archived.
    pub async fn unarchive(&self, id: OrgId, by: &By) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&UNARCHIVE, binds![id]).await? == 0 {
                return Ok(false);
            }
            changed(tx, id, &by).await?;
            audit::write(tx, &by, "org.unarchive", id, None).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Gives an organization another name, in addresses and for people. The slug that it gives
    /// up stays its own: nobody else is found under it. [`Error::Conflict`]`("slug")` if the
    /// new one is, or was, another's; [`Error::Missing`] if there is no such organization.
    pub async fn rename(&self, id: OrgId, slug: &str, name: &str, by: &By) -> Result<Org, Error> {
        let (slug, name, by) = (kept(slug), kept(name), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            take(tx, id).await?;
            let old = tx.first(&BY_ID, binds![id], read).await?.ok_or(Error::Busy)?;
            if (&old.slug, &old.name) == (&slug, &name) {
                return Ok(old);
            }
            if old.slug != slug {
                let free = tx.first(&TAKEN, binds![slug, id], |_| Ok(())).await?.is_none();
                if !free {
                    return Err(Error::Conflict("slug"));
                }
                tx.execute(&GIVE_UP, binds![old.slug, id, by.at]).await?;
            }
            tx.execute(&RENAME, binds![id, slug, name]).await?;
            former(tx, &slug, id).await?;
            let org = changed(tx, id, &by).await?;
            let detail = renaming((&old.slug, &old.name), (&slug, &name));
            audit::write(tx, &by, "org.rename", id, Some(&detail)).await?;
            Ok(org)
        };
        self.0.db().change(change).await
    }

    /// Sets the label of an organization's plan. [`Error::Missing`] if there is no such
    /// organization.
    pub async fn set_plan(&self, id: OrgId, plan: &str, by: &By) -> Result<Org, Error> {
        let (plan, by) = (kept(plan), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            take(tx, id).await?;
            let old = tx.first(&BY_ID, binds![id], read).await?.ok_or(Error::Busy)?;
            if old.plan == plan {
                return Ok(old);
            }
            tx.execute(&SET_PLAN, binds![id, plan]).await?;
            let org = Org { plan: plan.clone(), ..old };
            tx.tell(Effect::Org(org.clone()));
            audit::write(tx, &by, "org.set_plan", id, Some(&org.plan)).await?;
            Ok(org)
        };
        self.0.db().change(change).await
    }
}

/// What a renaming changed, address and name for people, for the log.
pub(crate) fn renaming(old: (&str, &str), new: (&str, &str)) -> String {
    let slug = (old.0 != new.0).then(|| format!("{} to {}", old.0, new.0));
    let name = (old.1 != new.1).then(|| format!("{:?} to {:?}", old.1, new.1));
    slug.into_iter().chain(name).collect::<Vec<_>>().join(", ")
}

macro_rules! columns {
    () => {
        "o.id, o.slug, o.name, o.plan, o.created_at, o.disabled_at"
    };
}

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM orgs o WHERE o.id = $1");
    BY_SLUG = concat!("SELECT ", columns!(), " FROM orgs o WHERE o.slug = $1");
    LIST = concat!("SELECT ", columns!(), " FROM orgs o WHERE o.id > $1 ORDER BY o.id LIMIT $2");
    OF_USER = concat!(
        "SELECT ", columns!(), ", m.role FROM orgs o
        LEFT JOIN memberships m
            ON m.principal_id = $1 AND m.org_id = o.id AND m.project_id IS NULL
        WHERE o.id IN (SELECT org_id FROM memberships WHERE principal_id = $1)
        AND o.disabled_at IS NULL ORDER BY o.id"
    );
    INSERT = "INSERT INTO orgs (id, slug, name, plan, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (slug) DO NOTHING";
    ARCHIVED = concat!(
        "SELECT ", columns!(), ", m.role FROM orgs o JOIN memberships m
            ON m.principal_id = $1 AND m.org_id = o.id AND m.project_id IS NULL
        WHERE o.disabled_at IS NOT NULL ORDER BY o.id"
    );
    ARCHIVE = "UPDATE orgs SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL";
    UNARCHIVE = "UPDATE orgs SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL";
    TAKEN = "SELECT id FROM orgs WHERE slug = $1 AND id <> $2";
    RENAME = "UPDATE orgs SET slug = $2, name = $3 WHERE id = $1";
    SET_PLAN = "UPDATE orgs SET plan = $2 WHERE id = $1";
    GIVE_UP = "INSERT INTO former_orgs (slug, org_id, at) VALUES ($1, $2, $3)
        ON CONFLICT (slug) DO NOTHING";
    /// Another's, from before.
    FORMER = "SELECT org_id FROM former_orgs WHERE slug = $1 AND org_id <> $2";
    /// Nobody else changes roles in it until we are done.
    TAKE = "SELECT id FROM orgs WHERE id = $1 AND disabled_at IS NULL",
        postgres + "FOR NO KEY UPDATE";
    /// The same, archived or not.
    LOCK = "SELECT id FROM orgs WHERE id = $1", postgres + "FOR NO KEY UPDATE";
    /// Nobody archives it until we are done.
    HOLD = "SELECT id FROM orgs WHERE id = $1 AND disabled_at IS NULL", postgres + "FOR SHARE";
}

/// Takes an organization for a change of its roles: one at a time, so that the last owner is
/// seen to be the last. [`Error::Missing`]`("organization")` if there is none.
pub(crate) async fn take(tx: &mut Tx<'_>, id: OrgId) -> Result<(), Error> {
    let found = tx.first(&TAKE, binds![id], |_| Ok(())).await?;
    found.ok_or(Error::Missing("organization"))
}

/// Takes an organization, archived or not.
pub(crate) async fn lock(tx: &mut Tx<'_>, id: OrgId) -> Result<(), Error> {
    tx.first(&LOCK, binds![id], |_| Ok(())).await.map(drop)
}

/// That there is such an organization, and that it stays until the transaction ends.
pub(crate) async fn hold(tx: &mut Tx<'_>, id: OrgId) -> Result<(), Error> {
    let found = tx.first(&HOLD, binds![id], |_| Ok(())).await?;
    found.ok_or(Error::Missing("organization"))
}

/// Refuses a slug that another organization had: who asks for it means that one.
async fn former(tx: &mut Tx<'_>, slug: &str, id: OrgId) -> Result<(), Error> {
    match tx.first(&FORMER, binds![slug, id], |_| Ok(())).await? {
        Some(()) => Err(Error::Conflict("slug")),
        None => Ok(()),
    }
}

/// Tells what the organization is now, under the next epoch: whoever judged by what it was
/// judges anew.
async fn changed(tx: &mut Tx<'_>, id: OrgId, by: &By) -> Result<Org, Error> {
    let org = tx.first(&BY_ID, binds![id], read).await?.ok_or(Error::Busy)?;
    tx.tell(Effect::Org(org.clone()));
    tombstones::bury(tx, by, &[id.to_string()], None).await?;
    Ok(org)
}

fn read(row: &mut Row<'_>) -> Result<Org, Error> {
    Ok(Org {
        id: row.next()?,
        slug: row.next()?,
        name: row.next()?,
        plan: row.next()?,
        created_at: row.next()?,
        disabled_at: row.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::renaming;

    #[test]
    fn the_log_says_what_a_renaming_changed_and_no_more() {
        assert_eq!(renaming(("atlas", "Atlas"), ("atlas", "Atlas 2")), r#""Atlas" to "Atlas 2""#);
        assert_eq!(renaming(("atlas", "Atlas"), ("maps", "Atlas")), "atlas to maps");
        assert_eq!(renaming(("a", "A"), ("b", "B")), r#"a to b, "A" to "B""#);
    }
}
