//! For whom an administrator acts (SM13), and what others did for somebody.
//!
//! Whether somebody is there is nobody's business but an administrator's: to others a person
//! who is there and one who is not are the same.

use std::collections::{BTreeSet, HashMap};

use hallpass_core::Timestamp;
use hallpass_core::id::UserId;
use hallpass_core::wire::api::Page;
use hallpass_store::{ByOthers, User};

use super::{Actor, MAX_PAGE, TokenError};
use crate::{Error, Issuer};

/// Changes by others that are looked at, at most: the last ones.
const REMEMBERED: u32 = 500;
/// A search looks through this many lists, and then offers to go on.
const ROUNDS: usize = 20;

impl Issuer {
    /// People, in the order in which they came, whose e-mail address or name contains
    /// `search`, whatever its case; for administrators. Somebody whose whole address it is
    /// comes first, however many there are.
    pub async fn people(
        &self,
        actor: &Actor<'_>,
        search: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<User>, TokenError> {
        if !actor.administers() {
            return Err(TokenError::Unknown);
        }
        let bad = || TokenError::invalid("invalid_cursor", "that is not where a list went on");
        let mut after = cursor.map(str::parse::<UserId>).transpose().map_err(|_| bad())?;
        let (limit, search) = (limit.clamp(1, MAX_PAGE), search.trim().to_lowercase());
        let mut items = Vec::new();
        let exact = match after {
            None if !search.is_empty() => self.user_called(&search).await?,
            _ => None,
        };
        let exact_id = exact.as_ref().map(|user| user.id);
        items.extend(exact);
        let matches = |user: &User| {
            user.email.to_lowercase().contains(&search)
                || user.name.to_lowercase().contains(&search)
        };
        for _ in 0..ROUNDS {
            let found = self.0.store.users().list(after, MAX_PAGE).await?;
            let last = found.len() < MAX_PAGE as usize;
            for user in found {
                after = Some(user.id);
                if exact_id != Some(user.id) && matches(&user) {
                    items.push(user);
                    if items.len() > limit as usize {
                        // One more than asked for says whether there are more.
                        items.truncate(limit as usize);
                        let next_cursor = items.last().map(|user| user.id.to_string());
                        return Ok(Page { items, next_cursor });
                    }
                }
            }
            if last {
                return Ok(Page { items, next_cursor: None });
            }
        }
        Ok(Page { items, next_cursor: after.map(|id| id.to_string()) })
    }

    /// Anybody, by id or e-mail address, disabled or not; for administrators.
    pub async fn anybody_for(&self, actor: &Actor<'_>, user: &str) -> Result<User, TokenError> {
        if !actor.administers() {
            return Err(TokenError::Unknown);
        }
        let found = match user.parse::<UserId>() {
            Ok(id) => self.0.store.users().by_id(id).await?,
            Err(_) => self.0.store.users().by_email(user).await?,
        };
        found.ok_or(TokenError::Unknown)
    }

    /// The person with this id, who is not disabled; for administrators.
    pub async fn person_for(&self, actor: &Actor<'_>, id: &str) -> Result<User, TokenError> {
        let id: UserId = id.parse().map_err(|_| TokenError::Unknown)?;
        if !actor.administers() {
            return Err(TokenError::Unknown);
        }
        let found = self.0.store.users().by_id(id).await?;
        found.filter(|user| user.disabled_at.is_none()).ok_or(TokenError::Unknown)
    }

    /// What others did last with each of a person's tokens, the last of it first.
    pub async fn done_by_others(&self, owner: UserId) -> Result<Vec<ByOthers>, Error> {
        let since = Timestamp::from_millis(0);
        Ok(self.0.store.credentials().done_by_others(owner, since, REMEMBERED).await?)
    }

    /// The e-mail addresses of those of `actors` who are people, by their ids: whose token
    /// somebody changed is told who that was.
    pub async fn addresses_of(
        &self,
        actors: impl IntoIterator<Item = &str> + Send,
    ) -> Result<HashMap<String, String>, Error> {
        let people: BTreeSet<UserId> =
            actors.into_iter().filter_map(|id| id.parse().ok()).collect();
        let mut addresses = HashMap::new();
        for id in people {
            if let Some(user) = self.0.store.users().by_id(id).await? {
                addresses.insert(id.to_string(), user.email);
            }
        }
        Ok(addresses)
    }
}
