//! What a credential is, and how it is read from a row.

use hallpass_core::id::{GrantId, OrgId, ProjectId, TokenId, UserId};
use hallpass_core::role::ProjectRole;
use hallpass_core::{Digest, Scope, Timestamp};

use crate::db::{Bind, Cell, Column, Row, Value, kept};
use crate::{By, Error, Membership, User, members, users};

/// What kind of credential it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A person made it for a script of theirs.
    Personal,
    /// An older system made it, for one project.
    Legacy,
    /// It acts for a project.
    ProjectKey,
    /// It acts for an organization.
    OrgKey,
}

/// A personal token to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// The id that it will have.
    pub id: TokenId,
    /// The digest of its text.
    pub digest: Digest,
    /// What its text begins with.
    pub prefix: String,
    /// The last four characters of its text.
    pub last_four: String,
    /// Whose it is.
    pub owner: UserId,
    /// What its owner calls it; unique among their live ones.
    pub name: String,
    /// What it is narrowed to; `None`: everything that its owner may do, but make tokens.
    pub scope: Option<Scope>,
    /// The projects that it is narrowed to; empty: all.
    pub projects: Vec<ProjectId>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The id that its grant will have.
    pub grant_id: GrantId,
}

/// A credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its id.
    pub id: TokenId,
    /// What kind it is.
    pub kind: TokenKind,
    /// The digest of its text. Of a legacy token whose text nobody has presented yet, and of
    /// which only a salted hash is known, a placeholder.
    pub digest: Digest,
    /// What its text begins with.
    pub prefix: String,
    /// The last four characters of its text.
    pub last_four: String,
    /// Who acts: a user, or the id of the first credential of a key.
    pub principal: String,
    /// The person who acts, if it is one.
    pub user_id: Option<UserId>,
    /// The organization that it is bound to.
    pub org_id: Option<OrgId>,
    /// The project that it is bound to.
    pub project_id: Option<ProjectId>,
    /// The role that it has there, at most.
    pub role: Option<ProjectRole>,
    /// Its grant, if it is a personal token.
    pub grant_id: Option<GrantId>,
    /// What it is called.
    pub name: String,
    /// What it is narrowed to; `None`: everything that its owner may do, but make tokens.
    pub scope: Option<Scope>,
    /// The projects that it is narrowed to; empty: all.
    pub projects: Vec<ProjectId>,
    /// Who made it: [`By::actor`].
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within what [`Credentials::touch`] was told.
    pub last_used_at: Option<Timestamp>,
    /// From which address, as the server saw it.
    pub last_used_address: Option<String>,
    /// The token that it took over from; that one may be gone.
    pub rotated_from: Option<TokenId>,
    /// It was rotated, and is good until then beside its successor.
    pub overlap_until: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked.
    pub revoke_reason: Option<String>,
}

impl Credential {
    /// Whether it is good, but for its owner: not revoked, not expired, its overlap not over.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.ends_at().is_none_or(|at| now < at)
    }

    /// Whether it is a key of a project or an organization.
    pub fn is_key(&self) -> bool {
        matches!(self.kind, TokenKind::ProjectKey | TokenKind::OrgKey)
    }

    /// When it ends by itself, at its expiry or with its overlap; `None`: never.
    pub fn ends_at(&self) -> Option<Timestamp> {
        // A rotated one's overlap ends no later than it would have expired.
        self.overlap_until.or(self.expires_at)
    }
}

/// A credential, and all that its owner brings to the question what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The credential, in whatever state it is.
    pub credential: Credential,
    /// Whose it is, if that is a person; disabled or not.
    pub user: Option<User>,
    /// All roles of the principal.
    pub memberships: Vec<Membership>,
}

impl NewToken {
    pub(super) fn to_credential(&self, by: &By) -> Credential {
        Credential {
            id: self.id,
            kind: TokenKind::Personal,
            digest: self.digest,
            prefix: kept(&self.prefix),
            last_four: kept(&self.last_four),
            principal: self.owner.to_string(),
            user_id: Some(self.owner),
            org_id: None,
            project_id: None,
            role: None,
            grant_id: Some(self.grant_id),
            name: kept(&self.name),
            scope: self.scope.clone(),
            projects: self.projects.clone(),
            created_by: by.actor.clone(),
            created_at: by.at,
            expires_at: self.expires_at,
            last_used_at: None,
            last_used_address: None,
            rotated_from: None,
            overlap_until: None,
            revoked_at: None,
            revoke_reason: None,
        }
    }
}

pub(crate) fn read(row: &mut Row<'_>) -> Result<Credential, Error> {
    let (id, kind, digest) = (row.next()?, row.next()?, row.next()?);
    let (prefix, last_four) = (row.next()?, row.next()?);
    let principal: String = row.next()?;
    Ok(Credential {
        id,
        kind,
        digest,
        prefix,
        last_four,
        // A key is named for its first credential, not for a person.
        user_id: principal.parse().ok(),
        principal,
        org_id: row.next()?,
        project_id: row.next()?,
        role: row.next()?,
        grant_id: row.next()?,
        name: row.next()?,
        scope: row.next()?,
        projects: row.next()?,
        created_by: row.next()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        last_used_at: row.next()?,
        last_used_address: row.next()?,
        rotated_from: row.next()?,
        overlap_until: row.next()?,
        revoked_at: row.next()?,
        revoke_reason: row.next()?,
    })
}

pub(crate) fn read_ended(row: &mut Row<'_>) -> Result<(TokenId, Digest), Error> {
    Ok((row.next()?, row.next()?))
}

pub(super) fn read_facts(
    row: &mut Row<'_>,
) -> Result<(Credential, Option<User>, Option<Membership>), Error> {
    Ok((read(row)?, users::read_optional(row)?, members::read_optional(row)?))
}

impl Bind for TokenKind {
    fn bind(&self) -> Value<'_> {
        match self {
            Self::Personal => "personal".bind(),
            Self::Legacy => "legacy".bind(),
            Self::ProjectKey => "project_key".bind(),
            Self::OrgKey => "org_key".bind(),
        }
    }
}

impl Column for TokenKind {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text("personal") => Some(Self::Personal),
            Cell::Text("legacy") => Some(Self::Legacy),
            Cell::Text("project_key") => Some(Self::ProjectKey),
            Cell::Text("org_key") => Some(Self::OrgKey),
            _ => None,
        }
    }
}
