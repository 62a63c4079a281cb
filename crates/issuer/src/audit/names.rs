//! What the ids in a log are called: a person reads names, and finds the id behind them.

use std::collections::{BTreeMap, HashMap};

use hallpass_core::id::{OrgId, ProjectId, TokenId, UserId};
use hallpass_core::wire::audit::Row;
use hallpass_store::AuditFilter;

use crate::{Error, Issuer, email};

/// What is around an id in the words of a row.
const AROUND: [char; 4] = [':', ';', ',', '.'];

/// Of how many rows one has to say that somebody took part.
const TOOK_PART: u32 = 200;

/// The id that a word of a row is, with what is around it.
pub fn bare(word: &str) -> &str {
    word.trim_matches(AROUND)
}

impl Issuer {
    /// What the ids in these rows are called, for whoever may read all of the log, or else that of
    /// `org` alone. They are told no name of another organization's, and of people only whoever did
    /// or got something there or has a role: somebody who was turned away stays an id.
    pub async fn names_in(
        &self,
        rows: &[Row],
        org: Option<OrgId>,
    ) -> Result<HashMap<String, String>, Error> {
        let mut ids: BTreeMap<&str, bool> = BTreeMap::new();
        for row in rows {
            let took_part = !row.action.ends_with(".denied");
            let detail = row.detail.as_deref().unwrap_or_default();
            // Whoever acts writes some of these words, as the name of a thing: that makes nobody
            // take part.
            for id in detail.split_whitespace().map(bare) {
                ids.entry(id).or_default();
            }
            for id in [row.actor.as_str(), row.subject.as_str()] {
                *ids.entry(id).or_default() |= took_part;
            }
        }
        let mut names = HashMap::new();
        for (id, took_part) in ids {
            if let Some(name) = self.name_of(id, org, took_part).await? {
                names.insert(id.to_owned(), name);
            }
        }
        Ok(names)
    }

    async fn name_of(
        &self,
        id: &str,
        org: Option<OrgId>,
        took_part: bool,
    ) -> Result<Option<String>, Error> {
        let store = &self.0.store;
        let ours = |of: Option<OrgId>| org.is_none() || of == org;
        if let Ok(id) = id.parse::<UserId>() {
            let user = store.users().by_id(id).await?;
            let Some(user) = user else { return Ok(None) };
            let known = org.is_none() || took_part || {
                let roles = store.members().of_user(id).await?;
                roles.iter().any(|it| Some(it.org_id) == org)
            };
            return Ok(known.then_some(user.email));
        }
        if let Ok(id) = id.parse::<OrgId>() {
            let found = store.orgs().by_id(id).await?;
            return Ok(found.filter(|it| ours(Some(it.id))).map(|it| it.slug));
        }
        if let Ok(id) = id.parse::<ProjectId>() {
            let found = store.projects().by_id(id).await?;
            let Some(project) = found.filter(|it| ours(Some(it.org_id))) else { return Ok(None) };
            let home = store.orgs().by_id(project.org_id).await?;
            return Ok(home.map(|home| format!("{}/{}", home.slug, project.slug)));
        }
        if let Ok(id) = id.parse::<TokenId>() {
            let found = store.credentials().by_id(id).await?;
            return Ok(found.filter(|it| ours(it.org_id)).map(|it| it.name));
        }
        Ok(None)
    }

    /// The same filter by ids, where whoever looks for something wrote a person's address.
    pub async fn by_ids(&self, filter: &AuditFilter) -> Result<AuditFilter, Error> {
        let mut filter = filter.clone();
        for named in [&mut filter.actor, &mut filter.subject] {
            let Some(address) = named.as_deref().filter(|text| text.contains('@')) else {
                continue;
            };
            let found = self.0.store.users().by_email(&email::normalize(address)).await?;
            let Some(user) = found else { continue };
            if self.is_named_to(user.id, filter.org).await? {
                *named = Some(user.id.to_string());
            }
        }
        Ok(filter)
    }

    /// Whether the log of an organization names a person: it does not say whose address a stranger
    /// has who was turned away there, nor to whoever guesses it.
    async fn is_named_to(&self, user: UserId, org: Option<OrgId>) -> Result<bool, Error> {
        if org.is_none() {
            return Ok(true);
        }
        let roles = self.0.store.members().of_user(user).await?;
        if roles.iter().any(|it| Some(it.org_id) == org) {
            return Ok(true);
        }
        let id = Some(user.to_string());
        let by = AuditFilter { actor: id.clone(), org, ..AuditFilter::default() };
        let about = AuditFilter { subject: id, org, ..AuditFilter::default() };
        for filter in [by, about] {
            let found = self.0.store.audit().search(&filter, None, TOOK_PART).await?;
            if found.rows.iter().any(|row| !row.action.ends_with(".denied")) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
