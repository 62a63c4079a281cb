//! Projects of organizations.

use hallpass_core::Timestamp;
use hallpass_core::id::{OrgId, ProjectId};

use crate::db::{Row, Tx, binds, kept, statements};
use crate::store::Store;
use crate::watch::Effect;
use crate::{By, Error, audit, orgs, tombstones};

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its id; never reused.
    pub id: ProjectId,
    /// Its organization.
    pub org_id: OrgId,
    /// Its name in addresses; unique in its organization, archived ones included.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Archived since then: nobody has any rights in it.
    pub disabled_at: Option<Timestamp>,
}

/// A project to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProject {
    /// The id that it will have.
    pub id: ProjectId,
    /// Its organization.
    pub org_id: OrgId,
    /// Its name in addresses.
    pub slug: String,
    /// What people call it.
    pub name: String,
}

/// See [`Store::projects`].
#[derive(Clone, Copy)]
pub struct Projects<'s>(pub(crate) &'s Store);

impl Projects<'_> {
    /// Creates a project. [`Error::Conflict`]`("slug")` if the organization has one with this
    /// slug, [`Error::Missing`]`("organization")` if there is no such organization.
    pub async fn create(&self, new: NewProject, by: &By) -> Result<Project, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            orgs::hold(tx, new.org_id).await?;
            let project = Project {
                id: new.id,
                org_id: new.org_id,
                slug: kept(&new.slug),
                name: kept(&new.name),
                created_at: by.at,
                disabled_at: None,
            };
            let row = binds![project.id, project.org_id, project.slug, project.name, by.at];
            if tx.execute(&INSERT, row).await? == 0 {
                return Err(Error::Conflict("slug"));
            }
            if tx
                .first(&FORMER, binds![project.org_id, project.slug, project.id], |_| Ok(()))
                .await?
                .is_some()
            {
                return Err(Error::Conflict("slug"));
            }
            tx.tell(Effect::Project(project.clone()));
            audit::write(tx, &by, "project.create", project.id, None).await?;
            Ok(project)
        };
        self.0.db().change(change).await
    }

    /// By id, archived or not.
    pub async fn by_id(&self, id: ProjectId) -> Result<Option<Project>, Error> {
        self.0.db().first(&BY_ID, binds![id], read).await
    }

    /// By the slugs of its organization and itself, archived or not. One prepared read.
    pub async fn by_slug(&self, org_slug: &str, slug: &str) -> Result<Option<Project>, Error> {
        self.0.db().first(&BY_SLUG, binds![org_slug, slug], read).await
    }

    /// The projects of an organization after `after` in the order of their ids, at most
    /// `limit`. Archived ones are left out.
    pub async fn of_org(
        &self,
        org: OrgId,
        after: Option<ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&OF_ORG, binds![org, after, limit], read).await
    }

    /// The archived projects of an organization after `after` in the order of their ids, at
    /// most `limit`.
    pub async fn archived_of_org(
        &self,
        org: OrgId,
        after: Option<ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&ARCHIVED, binds![org, after, limit], read).await
    }

    /// Archives a project: nobody has any rights in it any more, and nothing is lost. `false`
    /// if there is none such, or it is archived already.
    pub async fn archive(&self, id: ProjectId, by: &By) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&ARCHIVE, binds![id, by.at]).await? == 0 {
                tombstones::wait(tx).await?;
                return Ok(false);
            }
            tell(tx, id).await?;
            tombstones::bury(tx, &by, &[id.to_string()], None).await?;
            audit::write(tx, &by, "project.archive", id, None).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Brings an archived project back, with all that was in it. `false` if there is none such,
    /// or it is not archived.
    pub async fn unarchive(&self, id: ProjectId, by: &By) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&UNARCHIVE, binds![id]).await? == 0 {
                return Ok(false);
            }
            tell(tx, id).await?;
            tombstones::bury(tx, &by, &[id.to_string()], None).await?;
            audit::write(tx, &by, "project.unarchive", id, None).await?;
            Ok(true)
        };
        self.0.db().change(change).await
    }

    /// Gives a project another name, in addresses and for people. The slug that it gives up
    /// stays its own in the organization. [`Error::Conflict`]`("slug")` if the new one is, or
    /// was, another's; [`Error::Missing`] if the organization has no such project.
    pub async fn rename(
        &self,
        id: ProjectId,
        org: OrgId,
        slug: &str,
        name: &str,
        by: &By,
    ) -> Result<Project, Error> {
        let (slug, name, by) = (kept(slug), kept(name), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            orgs::take(tx, org).await?;
            let old = in_org(tx, id, org).await?;
            if (&old.slug, &old.name) == (&slug, &name) {
                return Ok(old);
            }
            if old.slug != slug {
                must_be_free(tx, id, org, &slug).await?;
                give_up(tx, &old, &by).await?;
            }
            tx.execute(&RENAME, binds![id, slug, name]).await?;
            let project = tell(tx, id).await?;
            tombstones::bury(tx, &by, &[id.to_string()], None).await?;
            let detail = orgs::renaming((&old.slug, &old.name), (&slug, &name));
            audit::write(tx, &by, "project.rename", id, Some(&detail)).await?;
            Ok(project)
        };
        self.0.db().change(change).await
    }
}

macro_rules! columns {
    () => {
        "j.id, j.org_id, j.slug, j.name, j.created_at, j.disabled_at"
    };
}
pub(crate) use columns;

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM projects j WHERE j.id = $1");
    BY_SLUG = concat!(
        "SELECT ", columns!(), " FROM projects j JOIN orgs o ON o.id = j.org_id
        WHERE o.slug = $1 AND j.slug = $2"
    );
    OF_ORG = concat!(
        "SELECT ", columns!(), " FROM projects j
        WHERE j.org_id = $1 AND j.disabled_at IS NULL AND j.id > $2 ORDER BY j.id LIMIT $3"
    );
    INSERT = "INSERT INTO projects (id, org_id, slug, name, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (org_id, slug) DO NOTHING";
    ARCHIVED = concat!(
        "SELECT ", columns!(), " FROM projects j
        WHERE j.org_id = $1 AND j.disabled_at IS NOT NULL AND j.id > $2 ORDER BY j.id LIMIT $3"
    );
    ARCHIVE = "UPDATE projects SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL";
    UNARCHIVE = "UPDATE projects SET disabled_at = NULL
        WHERE id = $1 AND disabled_at IS NOT NULL";
    TAKEN = "SELECT id FROM projects WHERE org_id = $1 AND slug = $2 AND id <> $3";
    RENAME = "UPDATE projects SET slug = $2, name = $3 WHERE id = $1";
    GIVE_UP = "INSERT INTO former_projects (org_id, slug, project_id, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (org_id, slug) DO NOTHING";
    /// Another's, from before.
    FORMER = "SELECT project_id FROM former_projects
        WHERE org_id = $1 AND slug = $2 AND project_id <> $3";
    /// Nobody archives it until we are done.
    HOLD = "SELECT id FROM projects WHERE id = $1 AND org_id = $2 AND disabled_at IS NULL",
        postgres + "FOR SHARE";
}

/// That there is such a project in the organization, and that it stays until the transaction
/// ends. [`Error::Missing`]`("project")` if there is none.
pub(crate) async fn hold(tx: &mut Tx<'_>, id: ProjectId, org: OrgId) -> Result<(), Error> {
    let found = tx.first(&HOLD, binds![id, org], |_| Ok(())).await?;
    found.ok_or(Error::Missing("project"))
}

/// An enabled project of the organization, held until the transaction ends.
pub(crate) async fn in_org(tx: &mut Tx<'_>, id: ProjectId, org: OrgId) -> Result<Project, Error> {
    hold(tx, id, org).await?;
    tx.first(&BY_ID, binds![id], read).await?.ok_or(Error::Busy)
}

/// Refuses a slug that another project of the organization has, or had: who asks for it means
/// that one. The organization is [taken](orgs::take).
pub(crate) async fn must_be_free(
    tx: &mut Tx<'_>,
    id: ProjectId,
    org: OrgId,
    slug: &str,
) -> Result<(), Error> {
    let taken = tx.first(&TAKEN, binds![org, slug, id], |_| Ok(())).await?;
    let former = tx.first(&FORMER, binds![org, slug, id], |_| Ok(())).await?;
    if taken.or(former).is_some() { Err(Error::Conflict("slug")) } else { Ok(()) }
}

/// That nobody else is found under this slug of the organization from now on.
pub(crate) async fn give_up(tx: &mut Tx<'_>, project: &Project, by: &By) -> Result<(), Error> {
    let row = binds![project.org_id, project.slug, project.id, by.at];
    tx.execute(&GIVE_UP, row).await.map(drop)
}

/// Tells what the project is now.
pub(crate) async fn tell(tx: &mut Tx<'_>, id: ProjectId) -> Result<Project, Error> {
    let project = tx.first(&BY_ID, binds![id], read).await?.ok_or(Error::Busy)?;
    tx.tell(Effect::Project(project.clone()));
    Ok(project)
}

pub(crate) fn read(row: &mut Row<'_>) -> Result<Project, Error> {
    Ok(Project {
        id: row.next()?,
        org_id: row.next()?,
        slug: row.next()?,
        name: row.next()?,
        created_at: row.next()?,
        disabled_at: row.next()?,
    })
}
