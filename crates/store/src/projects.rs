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
    /// Its name in addresses; unique in its organization, disabled ones included.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nobody has any rights in it.
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
            tx.tell(Effect::Project(project.clone()));
            audit::write(tx, &by, "project.create", project.id, None).await?;
            Ok(project)
        };
        self.0.db().change(change).await
    }

    /// By id, disabled or not.
    pub async fn by_id(&self, id: ProjectId) -> Result<Option<Project>, Error> {
        self.0.db().first(&BY_ID, binds![id], read).await
    }

    /// By the slugs of its organization and itself, disabled or not. One prepared read.
    pub async fn by_slug(&self, org_slug: &str, slug: &str) -> Result<Option<Project>, Error> {
        self.0.db().first(&BY_SLUG, binds![org_slug, slug], read).await
    }

    /// The projects of an organization after `after` in the order of their ids, at most
    /// `limit`. Disabled ones are left out.
    pub async fn of_org(
        &self,
        org: OrgId,
        after: Option<ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&OF_ORG, binds![org, after, limit], read).await
    }

    /// Disables a project: nobody has any rights in it any more. `false` if there is none
    /// such, or it is disabled already.
    pub async fn disable(&self, id: ProjectId, by: &By) -> Result<bool, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&DISABLE, binds![id, by.at]).await? == 0 {
                tombstones::wait(tx).await?;
                return Ok(false);
            }
            let project = tx.first(&BY_ID, binds![id], read).await?.ok_or(Error::Busy)?;
            tx.tell(Effect::Project(project));
            tombstones::bury(tx, &by, &[id.to_string()], None).await?;
            audit::write(tx, &by, "project.disable", id, None).await?;
            Ok(true)
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
    DISABLE = "UPDATE projects SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL";
    /// Nobody disables it until we are done.
    HOLD = "SELECT id FROM projects WHERE id = $1 AND org_id = $2 AND disabled_at IS NULL",
        postgres + "FOR SHARE";
}

/// That there is such a project in the organization, and that it stays until the transaction
/// ends. [`Error::Missing`]`("project")` if there is none.
pub(crate) async fn hold(tx: &mut Tx<'_>, id: ProjectId, org: OrgId) -> Result<(), Error> {
    let found = tx.first(&HOLD, binds![id, org], |_| Ok(())).await?;
    found.ok_or(Error::Missing("project"))
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
