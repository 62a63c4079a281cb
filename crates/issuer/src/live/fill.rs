//! What was there before the start goes into the image, page by page, while changes and
//! checks go on.

use std::sync::{Arc, Weak};

use hallpass_core::Timestamp;
use hallpass_core::id::{GrantId, JobId, OrgId, ProjectId, TokenId, UserId};
use hallpass_store::{Error, Store};
use hallpass_verdict::{Fact, Live};

use super::facts;
use crate::Issuer;
use crate::issuer::Inner;

/// Rows in a page: a reader of the store is held for about a millisecond.
const PAGE: u32 = 512;

impl Issuer {
    /// Fills the image in the background, if that is to be done and nobody does it. After a
    /// failure the database goes on being asked, until this is called again.
    pub(crate) fn fill(&self) {
        if let Some(live) = self.0.keeper.begin_filling() {
            let issuer = Arc::downgrade(&self.0);
            tokio::spawn(async move {
                let failed = run(&issuer, &live).await.err();
                if let Some(issuer) = issuer.upgrade() {
                    issuer.keeper.end_filling();
                    if let Some(error) = failed {
                        tracing::warn!(%error, "reading credentials into memory failed; the database is asked for each check, and this is tried again in a minute");
                    }
                }
            });
        }
    }
}

/// Holds the store for no longer than it takes to read a page, so that it can be closed.
async fn run(issuer: &Weak<Inner>, live: &Live) -> Result<(), Error> {
    let mut reader = Reader::default();
    loop {
        let Some(inner) = issuer.upgrade() else { return Ok(()) };
        let issuer = Issuer(inner);
        let page = reader.next(&issuer.0.store, issuer.now()).await?;
        drop(issuer);
        let Some(page) = page else { break };
        live.fill(page);
        tokio::task::yield_now().await;
    }
    live.complete();
    Ok(())
}

/// Reads everything that makes an image, once.
#[derive(Default)]
pub(crate) struct Reader(At);

/// The table that is read, and the last row of it that was.
#[derive(Default)]
enum At {
    #[default]
    Clients,
    Users(Option<UserId>),
    Orgs(Option<OrgId>),
    Projects(Option<ProjectId>),
    Members(String),
    Jwts,
    Grants(Option<GrantId>),
    Jobs(Option<JobId>),
    Credentials(Option<TokenId>),
    End,
}

impl Reader {
    /// The next page; `None` after the last one.
    pub(crate) async fn next(
        &mut self,
        store: &Store,
        now: Timestamp,
    ) -> Result<Option<Vec<Fact>>, Error> {
        let image = store.image();
        let (page, next): (Vec<Fact>, At) = match &self.0 {
            At::Clients => {
                let rows = image.clients().await?.into_iter();
                let page = rows.map(|(client, resources)| facts::of_client(client, resources));
                (page.collect(), At::Users(None))
            }
            At::Users(after) => {
                let rows = image.users(*after, PAGE).await?;
                let next = rows.last().map_or(At::Orgs(None), |row| At::Users(Some(row.id)));
                (rows.into_iter().map(facts::of_user).collect(), next)
            }
            At::Orgs(after) => {
                let rows = image.orgs(*after, PAGE).await?;
                let next = rows.last().map_or(At::Projects(None), |row| At::Orgs(Some(row.id)));
                (rows.into_iter().map(facts::of_org).collect(), next)
            }
            At::Projects(after) => {
                let rows = image.projects(*after, PAGE).await?;
                let next = rows
                    .last()
                    .map_or(At::Members(String::new()), |row| At::Projects(Some(row.id)));
                (rows.into_iter().map(facts::of_project).collect(), next)
            }
            At::Members(after) => {
                let rows = image.members(after, PAGE).await?;
                let next = rows.last().map_or(At::Jwts, |row| At::Members(row.principal.clone()));
                (rows.iter().filter_map(facts::of_membership).collect(), next)
            }
            At::Jwts => {
                let rows = image.revoked_jwts(now).await?.into_iter();
                let page = rows.map(|(jti, until)| Fact::JwtRevoked { jti, until });
                (page.collect(), At::Grants(None))
            }
            At::Grants(after) => {
                let rows = image.grants(*after, PAGE, now).await?;
                let next = rows.last().map_or(At::Jobs(None), |row| At::Grants(Some(row.id)));
                (rows.into_iter().map(facts::of_grant).collect(), next)
            }
            At::Jobs(after) => {
                let rows = image.jobs(*after, PAGE, now).await?;
                let next = rows.last().map_or(At::Credentials(None), |row| At::Jobs(Some(row.id)));
                (rows.into_iter().map(facts::of_job).collect(), next)
            }
            At::Credentials(after) => {
                let rows = image.credentials(*after, PAGE, now).await?;
                let next = rows.last().map_or(At::End, |row| At::Credentials(Some(row.id)));
                (rows.into_iter().map(facts::of_credential).collect(), next)
            }
            At::End => return Ok(None),
        };
        self.0 = next;
        Ok(Some(page))
    }
}
