//! Reading all that decides whether a credential is good, page by page in the order of ids,
//! for whoever keeps an image of it in memory and [watches](crate::watch).
//!
//! Pages are read one after the other while changes go on. What was changed behind a page is
//! told as an [`Effect`](crate::Effect).

use hallpass_core::Timestamp;
use hallpass_core::id::{GrantId, JobId, OrgId, ProjectId, TokenId, UserId};

use crate::db::{binds, statements};
use crate::store::Store;
use crate::{
    Client, Credential, Error, Grant, JobGrant, Membership, Org, Project, User, credentials,
    grants, members, projects,
};

/// See [`Store::image`].
#[derive(Clone, Copy)]
pub struct Image<'s>(pub(crate) &'s Store);

impl Image<'_> {
    /// Users, disabled ones too.
    pub async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, Error> {
        self.0.users().list(after, limit).await
    }

    /// All clients, disabled ones too, each with the URIs that it may introspect tokens for.
    pub async fn clients(&self) -> Result<Vec<(Client, Vec<String>)>, Error> {
        // First the clients: one that comes in between is told.
        let clients = self.0.clients().list().await?;
        let read = |row: &mut crate::db::Row<'_>| Ok((row.next()?, row.next()?));
        let callers: Vec<(String, String)> = self.0.db().all(&CALLERS, binds![], read).await?;
        let mut all: Vec<_> = clients.into_iter().map(|client| (client, Vec::new())).collect();
        for (id, uri) in callers {
            if let Ok(at) = all.binary_search_by(|(client, _)| client.id.cmp(&id)) {
                all[at].1.push(uri);
            }
        }
        all.iter_mut().for_each(|(_, uris)| uris.sort_unstable());
        Ok(all)
    }

    /// Organizations, disabled ones too.
    pub async fn orgs(&self, after: Option<OrgId>, limit: u32) -> Result<Vec<Org>, Error> {
        self.0.orgs().list(after, limit).await
    }

    /// Projects, disabled ones too.
    pub async fn projects(
        &self,
        after: Option<ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&PROJECTS, binds![after, limit], projects::read).await
    }

    /// All roles of the next `limit` principals that have any, after the principal `after`.
    pub async fn members(&self, after: &str, limit: u32) -> Result<Vec<Membership>, Error> {
        self.0.db().all(&MEMBERS, binds![after, limit], members::read).await
    }

    /// Grants of clients that have neither ended nor expired at `now`.
    pub async fn grants(
        &self,
        after: Option<GrantId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Grant>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&GRANTS, binds![after, limit, now], grants::read).await
    }

    /// Grants of jobs that have neither ended nor expired at `now`.
    pub async fn jobs(
        &self,
        after: Option<JobId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<JobGrant>, Error> {
        self.0.trust().live_jobs(after, limit, now).await
    }

    /// Credentials that are good at `now`, but for their owner.
    pub async fn credentials(
        &self,
        after: Option<TokenId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Credential>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&CREDENTIALS, binds![after, now, limit], credentials::read).await
    }

    /// The `jti`s of JWTs that were revoked one by one and have not expired at `now`, and when
    /// they will.
    pub async fn revoked_jwts(&self, now: Timestamp) -> Result<Vec<(String, Timestamp)>, Error> {
        let read = |row: &mut crate::db::Row<'_>| Ok((row.next()?, row.next()?));
        self.0.db().all(&REVOKED_JWTS, binds![now], read).await
    }
}

statements! {
    CALLERS = "SELECT c.client_id, r.uri FROM resource_callers c
        JOIN resources r ON r.id = c.resource_id";
    PROJECTS = concat!(
        "SELECT ", projects::columns!(), " FROM projects j WHERE j.id > $1 ORDER BY j.id LIMIT $2"
    );
    MEMBERS = concat!(
        "SELECT ", members::columns!(), " FROM memberships m WHERE m.principal_id IN
            (SELECT DISTINCT principal_id FROM memberships WHERE principal_id > $1
            ORDER BY principal_id LIMIT $2)
        ORDER BY m.principal_id"
    );
    GRANTS = concat!(
        "SELECT ", grants::columns!(), " FROM grants g
        WHERE g.id > $1 AND g.client_id IS NOT NULL AND g.ended_at IS NULL
        AND (g.expires_at IS NULL OR g.expires_at > $3) ORDER BY g.id LIMIT $2"
    );
    CREDENTIALS = concat!(
        "SELECT ", credentials::columns!(), " FROM credentials
        WHERE credentials.id > $1 AND ", credentials::live!("$2"), " ORDER BY credentials.id LIMIT $3"
    );
    REVOKED_JWTS = "SELECT subject, until FROM tombstones WHERE until > $1";
}
