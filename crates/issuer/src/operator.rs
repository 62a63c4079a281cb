//! What an administrator who is signed in sees and does: people, clients, organizations, keys.

use hallpass_core::id::{OrgId, UserId};
use hallpass_core::wire::api::Page;
use hallpass_core::{Kind, Secret, TokenText};
use hallpass_store::{Client, KeysMade, Org, Role, SigningKey};

use crate::admin::AdminError;
use crate::notices::Deed;
use crate::tokens::Actor;
use crate::{Error, Issuer, Origin};

impl Issuer {
    /// Disables a user for an administrator who is signed in: everything of theirs ends at
    /// once, and of the keys that they made what was said. The last administrator stays. False
    /// if they were disabled.
    pub async fn disable_person(
        &self,
        actor: &Actor<'_>,
        user: UserId,
        keys: KeysMade,
        origin: &Origin,
    ) -> Result<bool, AdminError> {
        let by = self.by_about(actor, origin, user, Deed::Disabled).await?;
        let disabled = self.0.store.users().dismiss_but_last(user, keys, &by).await?;
        self.disabled(user, disabled).await
    }

    /// Lets a disabled user in again, for an administrator. False if they were not disabled.
    pub async fn enable_person(
        &self,
        actor: &Actor<'_>,
        user: UserId,
        origin: &Origin,
    ) -> Result<bool, AdminError> {
        let by = self.by_about(actor, origin, user, Deed::Enabled).await?;
        let done = self.0.store.users().enable(user, &by).await?;
        self.call_for_mail();
        Ok(done)
    }

    /// Ends every sign-in and token of a user, for an administrator. False if they are
    /// disabled, so that there is nothing.
    pub async fn end_everything_of(
        &self,
        actor: &Actor<'_>,
        user: UserId,
        origin: &Origin,
    ) -> Result<bool, AdminError> {
        let by = self.by_about(actor, origin, user, Deed::Ended).await?;
        let done = self.0.store.users().end_all(user, &by).await?;
        self.call_for_mail();
        Ok(done)
    }

    /// Gives a confidential client another secret, shown this once. The one before is good no
    /// more.
    pub async fn change_client_secret(
        &self,
        id: &str,
        actor: &Actor<'_>,
        origin: &Origin,
    ) -> Result<Secret, AdminError> {
        let secret = TokenText::mint(Kind::ClientSecret, &*self.0.random);
        let by = self.by(&actor.name(), None, Some(origin));
        if self.0.store.clients().change_secret(id, secret.digest(), &by).await? {
            Ok(secret.into_secret())
        } else {
            Err(AdminError::Unknown("enabled client with a secret"))
        }
    }

    /// Clients in the order of their ids; for administrators. The cursor is an id.
    pub async fn clients_for(
        &self,
        actor: &Actor<'_>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Client>, AdminError> {
        if !actor.administers() {
            return Err(AdminError::Unknown("page"));
        }
        let mut items = self.0.store.clients().list().await?;
        items.retain(|client| cursor.is_none_or(|cursor| client.id.as_str() > cursor));
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next_cursor = items.last().filter(|_| more).map(|last| last.id.clone());
        Ok(Page { items, next_cursor })
    }

    /// All keys that sign tokens, or did, or will.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        Ok(self.0.store.signing_keys().all().await?)
    }

    /// Organizations in the order in which they came, archived ones too; for administrators.
    pub async fn orgs_for(
        &self,
        actor: &Actor<'_>,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<(Vec<Org>, Option<OrgId>), AdminError> {
        if !actor.administers() {
            return Err(AdminError::Unknown("page"));
        }
        let mut found = self.0.store.orgs().list(after, limit + 1).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| more).map(|last| last.id);
        Ok((found, next))
    }

    /// An organization by slug or id, archived or not; for administrators.
    pub async fn org_for(&self, actor: &Actor<'_>, org: &str) -> Result<Org, AdminError> {
        let found = match org.parse::<OrgId>() {
            _ if !actor.administers() => None,
            Ok(id) => self.0.store.orgs().by_id(id).await?,
            Err(_) => self.0.store.orgs().by_slug(org).await?,
        };
        found.ok_or(AdminError::Unknown("organization"))
    }

    /// Where somebody has a role: `ORG` or `ORG/PROJECT`, and which.
    pub async fn places_of(&self, user: UserId) -> Result<Vec<(String, Role)>, Error> {
        let mut places = Vec::new();
        for it in self.0.store.members().of_user(user).await? {
            let Some(org) = self.0.store.orgs().by_id(it.org_id).await? else { continue };
            let project = match it.role.project() {
                None => None,
                Some(id) => self.0.store.projects().by_id(id).await?,
            };
            let name = match project {
                None => org.slug,
                Some(project) => format!("{}/{}", org.slug, project.slug),
            };
            places.push((name, it.role));
        }
        Ok(places)
    }
}
