//! Tokens of an older system, imported by their hashes. Each is bound to one project, and may
//! there do no more than its role, nor more than its owner if it has one.

use hallpass_core::id::{OrgId, ProjectId, TokenId, UserId};
use hallpass_core::role::ProjectRole;
use hallpass_core::{Digest, Timestamp};

use crate::credentials::{columns, insert, live, read, read_ended};
use crate::db::{Bind as _, Row, Tx, binds, kept, statements};
use crate::store::Store;
use crate::watch::Effect;
use crate::{By, Credential, Error, TokenKind, audit, users};

/// What is known of the text of a legacy token.
#[derive(Clone, PartialEq, Eq)]
pub enum LegacyHash {
    /// A digest that it can be found by at once: SHA-256 of the text. Of a text whose SHA-512
    /// is known, the SHA-256 of that.
    Digest(Digest),
    /// A slow, salted hash, and what of the text says which one to try.
    Salted {
        /// What is known of the text; the caller's to spell.
        lookup: String,
        /// The hash, as a PHC or crypt string.
        phc: String,
        /// What stands for its digest until somebody presents the text: that of something
        /// random.
        placeholder: Digest,
    },
}

impl std::fmt::Debug for LegacyHash {
    /// Without the hash, which could be guessed at.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Digest(_) => "Digest(…)",
            Self::Salted { .. } => "Salted(…)",
        })
    }
}

/// A legacy token to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLegacy {
    /// The id that it will have, if it is new.
    pub id: TokenId,
    /// What is known of its text.
    pub hash: LegacyHash,
    /// What it is called.
    pub name: String,
    /// What its text begins with.
    pub prefix: String,
    /// The last four characters of its text, if they are known.
    pub last_four: String,
    /// What it may do at most.
    pub role: ProjectRole,
    /// Whose it is: it may do no more than they may. `None`: it acts for itself.
    pub owner: Option<UserId>,
    /// When the older system made it; `None`: nobody knows, and now is kept.
    pub created_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A token that a text may be that of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The token.
    pub id: TokenId,
    /// What pointed to it.
    pub lookup: String,
    /// The hash to try.
    pub phc: String,
}

impl std::fmt::Debug for Candidate {
    /// Without the hash, which could be guessed at.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidate").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The most lookups that [`Legacy::candidates`] is asked for at once.
pub const MAX_LOOKUPS: usize = 17;

/// See [`Store::legacy`].
#[derive(Clone, Copy)]
pub struct Legacy<'s>(pub(crate) &'s Store);

impl Legacy<'_> {
    /// Imports tokens of one project, and says how many of them were new: one that was imported
    /// before stays as it is, revoked too. One atomic change, so bring some hundreds at a time.
    /// [`Error::Missing`]`("project")` or `("user")` if there is none such, or it is disabled.
    pub async fn import(
        &self,
        project: ProjectId,
        tokens: Vec<NewLegacy>,
        by: &By,
    ) -> Result<u64, Error> {
        let by = by.clone();
        let change = async move |tx: &mut Tx<'_>| {
            let org = hold_project(tx, project).await?;
            let mut imported = 0;
            for token in &tokens {
                imported += u64::from(keep(tx, token, (org, project), &by).await?.is_some());
            }
            if imported > 0 {
                let detail = format!("imported {imported} of {}", tokens.len());
                audit::write(tx, &by, "legacy.import", project, Some(&detail)).await?;
            }
            Ok(imported)
        };
        self.0.db().change(change).await
    }

    /// The live legacy tokens of a project after `after` in the order of their ids, at most
    /// `limit`.
    pub async fn of_project(
        &self,
        project: ProjectId,
        after: Option<TokenId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Credential>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.0.db().all(&OF_PROJECT, binds![project, after, now, limit], read).await
    }

    /// The live tokens of which only a salted hash is known, and which one of these points to,
    /// in the order of their ids; of more than [`MAX_LOOKUPS`] the rest is not asked for.
    pub async fn candidates(
        &self,
        lookups: &[String],
        now: Timestamp,
    ) -> Result<Vec<Candidate>, Error> {
        let read = |row: &mut Row<'_>| {
            Ok(Candidate { id: row.next()?, lookup: row.next()?, phc: row.next()? })
        };
        let Some(any) = lookups.first() else { return Ok(Vec::new()) };
        // A statement has so many parameters; the same again finds nothing else.
        let all = lookups.iter().chain(std::iter::repeat(any)).take(MAX_LOOKUPS);
        let binds: Vec<_> =
            std::iter::once(now.bind()).chain(all.map(|lookup| lookup.bind())).collect();
        self.0.db().all(&CANDIDATES, &binds, read).await
    }

    /// Whether there may be candidates for some text.
    pub async fn any_salted(&self) -> Result<bool, Error> {
        Ok(self.0.db().first(&ANY_SALTED, binds![], |_| Ok(())).await?.is_some())
    }

    /// The token of which this salted hash was known, in any state; adopted ones too.
    pub async fn by_phc(&self, phc: &str) -> Result<Option<Credential>, Error> {
        self.0.db().first(&BY_PHC, binds![phc], read).await
    }

    /// Somebody presented the text of a token of which only a salted hash was known: from now
    /// on it is found by its digest. `false` if it was before. Writes no audit row.
    pub async fn adopt(&self, id: TokenId, digest: &Digest) -> Result<bool, Error> {
        let digest = *digest;
        let change = async move |tx: &mut Tx<'_>| {
            if tx.execute(&ADOPTED, binds![id]).await? == 0 {
                return Ok(false);
            }
            if let Some((id, digest)) = tx.first(&PLACEHOLDER, binds![id], read_ended).await? {
                tx.tell(Effect::CredentialEnded { id, digest });
            }
            if let Some(token) = tx.first(&ADOPT, binds![id, digest], read).await? {
                tx.tell(Effect::Credential(token));
            }
            Ok(true)
        };
        self.0.db().change(change).await
    }
}

statements! {
    HOLD_PROJECT = "SELECT org_id FROM projects WHERE id = $1 AND disabled_at IS NULL",
        postgres + "FOR SHARE";
    KNOWN = "SELECT id FROM credentials WHERE digest = $1";
    KNOWN_HASH = "SELECT credential_id FROM legacy_hashes WHERE phc = $1";
    INSERT_PRINCIPAL = "INSERT INTO principals (id, kind, created_at) VALUES ($1, 'key', $2)";
    INSERT_HASH = "INSERT INTO legacy_hashes (credential_id, lookup, phc, adopted)
        VALUES ($1, $2, $3, FALSE)";
    OF_PROJECT = concat!(
        "SELECT ", columns!(), " FROM credentials
        WHERE credentials.project_id = $1 AND credentials.kind = 'legacy' AND credentials.id > $2 AND ", live!("$3"),
        " ORDER BY credentials.id LIMIT $4"
    );
    CANDIDATES = concat!(
        "SELECT credentials.id, h.lookup, h.phc
        FROM legacy_hashes h JOIN credentials ON credentials.id = h.credential_id
        WHERE h.lookup IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
            $17, $18)
        AND NOT h.adopted AND ", live!("$1"), " ORDER BY credentials.id"
    );
    ANY_SALTED = "SELECT credential_id FROM legacy_hashes WHERE NOT adopted LIMIT 1";
    BY_PHC = concat!(
        "SELECT ", columns!(), " FROM credentials
        WHERE credentials.id = (SELECT credential_id FROM legacy_hashes WHERE phc = $1)"
    );
    ADOPTED = "UPDATE legacy_hashes SET adopted = TRUE WHERE credential_id = $1 AND NOT adopted";
    PLACEHOLDER = "SELECT id, digest FROM credentials WHERE id = $1";
    ADOPT = concat!(
        "UPDATE credentials SET digest = $2 WHERE credentials.id = $1 AND credentials.revoked_at IS NULL
        RETURNING ", columns!()
    );
}

/// The organization of a project that is not disabled, nor will be before the change is made.
pub(crate) async fn hold_project(tx: &mut Tx<'_>, project: ProjectId) -> Result<OrgId, Error> {
    let org = tx.first(&HOLD_PROJECT, binds![project], |row| row.next()).await?;
    org.ok_or(Error::Missing("project"))
}

/// Keeps one token, unless it is known; the audit row is the caller's.
pub(crate) async fn keep(
    tx: &mut Tx<'_>,
    new: &NewLegacy,
    (org, project): (OrgId, ProjectId),
    by: &By,
) -> Result<Option<Credential>, Error> {
    let (digest, known) = match &new.hash {
        LegacyHash::Digest(digest) => {
            (*digest, tx.first(&KNOWN, binds![digest], |_| Ok(())).await?)
        }
        LegacyHash::Salted { phc, placeholder, .. } => {
            (*placeholder, tx.first(&KNOWN_HASH, binds![phc], |_| Ok(())).await?)
        }
    };
    if known.is_some() {
        return Ok(None);
    }
    let principal = match new.owner {
        Some(owner) if users::hold(tx, owner).await? => owner.to_string(),
        Some(_) => return Err(Error::Missing("user")),
        None => {
            tx.execute(&INSERT_PRINCIPAL, binds![new.id, by.at]).await?;
            new.id.to_string()
        }
    };
    let token = Credential {
        id: new.id,
        kind: TokenKind::Legacy,
        digest,
        prefix: kept(&new.prefix),
        last_four: kept(&new.last_four),
        principal,
        user_id: new.owner,
        org_id: Some(org),
        project_id: Some(project),
        role: Some(new.role),
        grant_id: None,
        name: kept(&new.name),
        scope: None,
        projects: Vec::new(),
        created_by: by.actor.clone(),
        created_at: new.created_at.unwrap_or(by.at),
        expires_at: new.expires_at,
        last_used_at: None,
        last_used_address: None,
        rotated_from: None,
        overlap_until: None,
        revoked_at: None,
        revoke_reason: None,
    };
    insert(tx, &token).await?;
    if let LegacyHash::Salted { lookup, phc, .. } = &new.hash {
        tx.execute(&INSERT_HASH, binds![new.id, lookup, phc]).await?;
    }
    tx.tell(Effect::Credential(token.clone()));
    Ok(Some(token))
}
