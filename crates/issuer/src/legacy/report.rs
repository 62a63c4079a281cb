//! Which of them are still there, when they were used last, and from where; and their end.

use std::collections::HashMap;

use hallpass_core::id::{ProjectId, TokenId, UserId};
use hallpass_store::{Credential, TokenKind};

use super::LegacyError;
use crate::{Error, Issuer};

const PORTION: u32 = 500;
/// Why they were revoked.
const REASON: &str = "revoked";

/// A legacy token that is still good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// The token.
    pub token: Credential,
    /// `ORG/PROJECT`.
    pub project: String,
    /// Whose it is, if that is known: e-mail address.
    pub owner: Option<String>,
}

impl Issuer {
    /// The live legacy tokens of one project (`ORG/PROJECT`), or all; the last used first,
    /// right to this moment as far as this process knows.
    pub async fn legacy_report(&self, project: Option<&str>) -> Result<Vec<InUse>, LegacyError> {
        self.write_token_use().await?;
        let tokens = match project {
            Some(place) => self.legacy_tokens(Some(self.legacy_project(place).await?.id)).await?,
            None => self.legacy_tokens(None).await?,
        };
        let mut places: HashMap<ProjectId, String> = HashMap::new();
        let mut owners: HashMap<UserId, String> = HashMap::new();
        let mut report = Vec::with_capacity(tokens.len());
        for token in tokens {
            let Some(id) = token.project_id else { continue };
            let known = places.get(&id).cloned();
            let project = match known {
                Some(place) => place,
                None => self.place(id).await?,
            };
            places.insert(id, project.clone());
            let owner = match token.user_id {
                None => None,
                Some(id) => match owners.get(&id).cloned() {
                    Some(email) => Some(email),
                    None => self.0.store.users().by_id(id).await?.map(|user| user.email),
                },
            };
            if let (Some(id), Some(email)) = (token.user_id, &owner) {
                owners.insert(id, email.clone());
            }
            report.push(InUse { token, project, owner });
        }
        report.sort_by_key(|it| std::cmp::Reverse((it.token.last_used_at, it.token.created_at)));
        Ok(report)
    }

    /// Revokes a legacy token. False if it was revoked already.
    pub async fn revoke_legacy(&self, id: &str, actor: &str) -> Result<bool, LegacyError> {
        let unknown = || {
            let why = "there is no such token of an older system; see hallpass admin legacy report";
            LegacyError::Unknown(why.to_owned())
        };
        let id: TokenId = id.parse().map_err(|_| unknown())?;
        let credentials = self.0.store.credentials();
        let kept = credentials.by_id(id).await?.filter(|kept| kept.kind == TokenKind::Legacy);
        kept.ok_or_else(unknown)?;
        Ok(credentials.revoke(None, id, REASON, &self.by(actor, None, None)).await?)
    }

    /// Revokes all legacy tokens of a project, and says how many there were.
    pub async fn revoke_legacy_of(&self, place: &str, actor: &str) -> Result<u64, LegacyError> {
        let project = self.legacy_project(place).await?;
        let mut revoked = 0;
        for token in self.legacy_tokens(Some(project.id)).await? {
            let by = self.by(actor, None, None);
            let done = self.0.store.credentials().revoke(None, token.id, REASON, &by).await?;
            revoked += u64::from(done);
        }
        Ok(revoked)
    }

    async fn legacy_tokens(&self, of: Option<ProjectId>) -> Result<Vec<Credential>, Error> {
        let (legacy, now) = (self.0.store.legacy(), self.now());
        let mut all: Vec<Credential> = Vec::new();
        loop {
            let after = all.last().map(|token| token.id);
            let portion = match of {
                Some(project) => legacy.of_project(project, after, PORTION, now).await?,
                None => legacy.all(after, PORTION, now).await?,
            };
            if portion.is_empty() {
                return Ok(all);
            }
            all.extend(portion);
        }
    }

    /// `ORG/PROJECT`.
    pub(super) async fn place(&self, id: ProjectId) -> Result<String, Error> {
        let Some(project) = self.0.store.projects().by_id(id).await? else {
            return Ok(id.to_string());
        };
        let org = self.0.store.orgs().by_id(project.org_id).await?;
        let org = org.map_or_else(|| project.org_id.to_string(), |org| org.slug);
        Ok(format!("{org}/{}", project.slug))
    }
}
