//! Keys of projects and organizations: made, listed, rotated, revoked.
//!
//! A key acts for a place, and not for a person: it stays when whoever made it goes, and is
//! worth nothing when its place is gone. A project's key has the role of a collaborator in that
//! one project and cannot leave it; an organization's key is an admin there. Who manages the keys
//! of a place has the permission `keys:manage` there, and no key is made above its maker.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use hallpass_core::id::{GrantId, OrgId, ProjectId, TokenId, UserId};
use hallpass_core::permission::Permissions;
use hallpass_core::role::ProjectRole;
use hallpass_core::text::presentable;
use hallpass_core::wire::api::Page;
use hallpass_core::wire::keys as wire;
use hallpass_core::wire::tokens::{Org, Project, RotateToken};
use hallpass_core::{Kind, Scope, Secret, TokenText};
use hallpass_store::{Credential, NewKey, Role, Rotate, Successor, TokenKind};
use hallpass_verdict::{Decision, Who};

use crate::live::KEY_OF_ORG;
use crate::orgs::{OrgError, Seat, shown_org, shown_project};
use crate::tokens::bounds::Bounds;
use crate::tokens::{self, Actor, MAX_PAGE, TokenError};
use crate::{Error, Issuer, Origin};

/// Makes, lists, rotates and revokes keys of a place.
pub const KEYS_MANAGE: &str = "keys:manage";
/// How long a key is good if nothing else is said.
pub const DEFAULT_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
/// Keys that are named to whoever decides what becomes of them.
const KEYS_NAMED: u32 = 20;
/// What a key of a project is there.
const KEY_OF_PROJECT: ProjectRole = ProjectRole::Collaborator;

/// Why nothing became of a request about keys. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// What was sent cannot be used, or the credential that acts does not reach so far.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// There is no such place or key for them, or their role there does not allow it.
    #[error(transparent)]
    Place(#[from] OrgError),
    /// The name is that of another key.
    #[error("a key of this name is there already; choose another, or rotate that one")]
    NameTaken,
    /// It has a successor.
    #[error("this key was rotated already; rotate its successor")]
    Rotated,
}

impl From<hallpass_store::Error> for KeyError {
    fn from(error: hallpass_store::Error) -> Self {
        match error {
            hallpass_store::Error::Conflict("name") => Self::NameTaken,
            other => Self::Place(other.into()),
        }
    }
}

impl From<Error> for KeyError {
    fn from(error: Error) -> Self {
        Self::Place(error.into())
    }
}

const UNKNOWN: KeyError = KeyError::Place(OrgError::Unknown("key"));

impl Issuer {
    /// Makes a key of `org`, or of one project of it. Its text is in the answer, this once.
    pub async fn create_key(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
        new: wire::NewKey,
        origin: &Origin,
    ) -> Result<wire::CreatedKey, KeyError> {
        let seat = self.seat_with(actor, org, project, KEYS_MANAGE).await?;
        let (kind, role) = match &seat.project {
            Some(it) => (Kind::ProjectKey, Role::Project(it.id, KEY_OF_PROJECT)),
            None => (Kind::OrgKey, Role::Org(KEY_OF_ORG)),
        };
        if !seat.outranks(role) {
            let why = "nobody makes a key above their own role; ask an owner";
            return Err(OrgError::NotAllowed(why).into());
        }
        let name = tokens::name(&new.name)?;
        let wanted = Bounds {
            scope: new.scope.map(|scope| self.scope_for(kind, scope)).transpose()?,
            projects: seat.project.iter().map(|project| project.id).collect(),
            expires_at: new.expires_at.unwrap_or(Some(self.now() + DEFAULT_LIFE)),
        };
        let said = new.expires_at.is_some();
        let made = match self.bounds_of(actor).await? {
            Some(maker) => self.within(&maker, wanted, said)?,
            None => wanted,
        };
        self.must_be_future(made.expires_at)?;
        let prefix = self.0.config.brand.key_prefix(kind);
        let text = TokenText::mint_with_prefix(prefix, &*self.0.random);
        let key = NewKey {
            id: self.new_id(TokenId::new),
            digest: text.digest(),
            prefix: prefix.to_owned(),
            last_four: text.last_four().to_owned(),
            org: seat.org.id,
            project: seat.project.as_ref().map(|it| (it.id, KEY_OF_PROJECT)),
            name,
            scope: made.scope,
            expires_at: made.expires_at,
        };
        let by = self.by(&actor.name(), None, Some(origin));
        let kept = self.0.store.keys().create(key, &by).await?;
        let key = self.shown_key(kept, &mut Places::default()).await?;
        Ok(wire::CreatedKey { key, value: text.into_secret() })
    }

    /// A page of the live keys of one project, or else of `org` and all of its projects, newest
    /// first. Of a rotated key both generations are there, each with its last use.
    pub async fn keys_of(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<wire::Key>, KeyError> {
        let seat = self.seat_with(actor, org, project, KEYS_MANAGE).await?;
        let after = cursor.map(str::parse::<TokenId>).transpose().map_err(|_| {
            TokenError::invalid("invalid_cursor", "the cursor is not one that a list answered with")
        })?;
        let (limit, now) = (limit.clamp(1, MAX_PAGE), self.now());
        let at = seat.project.as_ref().map(|project| project.id);
        let keys = self.0.store.keys();
        // One more than asked for says whether there are more.
        let mut found = keys.of(seat.org.id, at, after, limit + 1, now).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
        Ok(Page { items: self.shown_keys(found).await?, next_cursor })
    }

    /// One live key, for whoever manages the keys of its place.
    pub async fn key(&self, actor: &Actor<'_>, id: &str) -> Result<wire::Key, KeyError> {
        let (kept, _) = self.managed_key(actor, id).await?;
        self.shown_key(kept, &mut Places::default()).await
    }

    /// The live key that has this text, for whoever manages the keys of its place.
    pub async fn key_with_text(
        &self,
        actor: &Actor<'_>,
        text: &Secret,
    ) -> Result<wire::Key, KeyError> {
        let (first, _) = self.kept_under(text.expose().trim()).ok_or(UNKNOWN)?;
        let facts = self.0.store.credentials().facts(&first).await?.ok_or(UNKNOWN)?;
        self.key(actor, &facts.credential.id.to_string()).await
    }

    /// Ends a key. When it returns, the key is refused everywhere.
    pub async fn revoke_key(
        &self,
        actor: &Actor<'_>,
        id: &str,
        origin: &Origin,
    ) -> Result<(), KeyError> {
        let (kept, _) = self.managed_key(actor, id).await?;
        let by = self.by(&actor.name(), None, Some(origin));
        let reason = "revoked by whoever manages the keys there";
        let done = self.0.store.credentials().revoke(None, kept.id, reason, &by).await?;
        if done { Ok(()) } else { Err(UNKNOWN) }
    }

    /// Makes a successor with the same name and reach, and the same length of life if nothing else
    /// is said, which acts as the same principal. The old one stays good for the overlap, and not
    /// at all if that is zero.
    pub async fn rotate_key(
        &self,
        actor: &Actor<'_>,
        id: &str,
        how: impl Into<RotateToken>,
        origin: &Origin,
    ) -> Result<wire::CreatedKey, KeyError> {
        let RotateToken { overlap_seconds, expires_at } = how.into();
        let (old, seat) = self.managed_key(actor, id).await?;
        let overlap = tokens::overlap_of(overlap_seconds)?;
        self.must_be_future(expires_at.flatten())?;
        let kind = if old.kind == TokenKind::OrgKey { Kind::OrgKey } else { Kind::ProjectKey };
        let mut expires_by = None;
        if let Some(maker) = self.bounds_of(actor).await? {
            expires_by = maker.expires_at;
            let projects = seat.project.iter().map(|project| project.id).collect();
            let end = expires_at.unwrap_or(expires_by);
            let reach = Bounds { scope: old.scope.clone(), projects, expires_at: end };
            maker.must_hold(&reach, &self.whole_scope())?;
        }
        let prefix = self.0.config.brand.key_prefix(kind);
        let text = TokenText::mint_with_prefix(prefix, &*self.0.random);
        let successor = Successor {
            id: self.new_id(TokenId::new),
            digest: text.digest(),
            prefix: prefix.to_owned(),
            last_four: text.last_four().to_owned(),
            grant_id: self.new_id(GrantId::new),
            expires_at,
            expires_by,
        };
        let until = (!overlap.is_zero()).then(|| self.now() + overlap);
        let by = self.by(&actor.name(), None, Some(origin));
        match self.0.store.keys().rotate(old.id, successor, until, &by).await? {
            Rotate::Done(kept) => {
                let key = self.shown_key(kept, &mut Places::default()).await?;
                Ok(wire::CreatedKey { key, value: text.into_secret() })
            }
            Rotate::Gone => Err(UNKNOWN),
            Rotate::Rotated => Err(KeyError::Rotated),
        }
    }

    /// A live key, and where the actor stands who manages it. A key of another place is like one
    /// that is not there (attack-27).
    async fn managed_key(
        &self,
        actor: &Actor<'_>,
        id: &str,
    ) -> Result<(Credential, Seat), KeyError> {
        let id: TokenId = id.parse().map_err(|_| UNKNOWN)?;
        let kept = self.0.store.credentials().by_id(id).await?;
        let kept = kept.filter(|kept| kept.is_key() && kept.is_live(self.now()));
        let kept = kept.ok_or(UNKNOWN)?;
        let org = kept.org_id.ok_or(UNKNOWN)?.to_string();
        let project = kept.project_id.map(|id| id.to_string());
        match self.seat_with(actor, &org, project.as_deref(), KEYS_MANAGE).await {
            Ok(seat) => Ok((kept, seat)),
            Err(OrgError::Unknown(_)) => Err(UNKNOWN),
            Err(error) => Err(error.into()),
        }
    }

    /// What a credential that makes a key gives it: no more than it has itself (attack-29).
    fn within(&self, maker: &Bounds, mut wanted: Bounds, said: bool) -> Result<Bounds, TokenError> {
        if !said && let (Some(mine), Some(theirs)) = (maker.expires_at, wanted.expires_at) {
            wanted.expires_at = Some(mine.min(theirs));
        }
        if let (None, Some(mine)) = (&wanted.scope, &maker.scope) {
            let all = self.0.config.brand.roles.all();
            let left: Scope = mine.iter().filter(|name| all.contains(*name)).collect();
            wanted.scope = Some(left);
        }
        maker.must_hold(&wanted, &self.whole_scope())?;
        Ok(wanted)
    }

    /// A scope that a key of this kind can have.
    fn scope_for(&self, kind: Kind, scope: Scope) -> Result<Scope, TokenError> {
        let possible = self.key_permissions(kind);
        let known: Vec<&str> = possible.iter().map(String::as_str).collect();
        tokens::scope_within(scope, &known, "a key of this kind")
    }

    /// All that a key of this kind may do, if it is not narrowed.
    pub fn key_permissions(&self, kind: Kind) -> Permissions {
        let table = &self.0.config.brand.roles;
        match kind {
            Kind::OrgKey => {
                let mut all = table.of_org(KEY_OF_ORG);
                all.extend(table.of_project(ProjectRole::Owner));
                all
            }
            _ => table.of_project(KEY_OF_PROJECT),
        }
    }

    /// Where a key or a job belongs that presented itself, with the role that it has there.
    pub async fn place_of_key(
        &self,
        decision: &Decision,
    ) -> Result<(Option<Org>, Option<Project>), OrgError> {
        let ended = || OrgError::Unknown("key");
        if let Who::Job { id, .. } = *decision.who {
            let standing = self.0.store.trust().standing(id).await?;
            let job = standing.ok_or_else(ended)?.job;
            let org = self.0.store.orgs().by_id(job.org).await?.ok_or_else(ended)?;
            let project = self.0.store.projects().by_id(job.project).await?;
            let project = project.map(|project| shown_project(project, &org, Some(job.role)));
            return Ok((Some(shown_org(org, None)), project));
        }
        let id: TokenId = decision.id.parse().map_err(|_| ended())?;
        let kept = self.0.store.credentials().by_id(id).await?;
        let bound = |kept: &Credential| kept.is_key() || kept.kind == TokenKind::Legacy;
        let kept = kept.filter(bound).ok_or_else(ended)?;
        let project = match kept.project_id {
            Some(id) => self.0.store.projects().by_id(id).await?,
            None => None,
        };
        let org = kept.org_id.or(project.as_ref().map(|project| project.org_id));
        let org = self.0.store.orgs().by_id(org.ok_or_else(ended)?).await?;
        let org = org.ok_or_else(ended)?;
        let project = project.map(|project| shown_project(project, &org, kept.role));
        let role = project.is_none().then_some(KEY_OF_ORG);
        Ok((Some(shown_org(org, role)), project))
    }

    /// Whether there is any place whose keys a person manages.
    pub(crate) async fn manages_keys(&self, user: UserId) -> Result<bool, Error> {
        let table = &self.0.config.brand.roles;
        let roles = self.0.store.members().live_of_user(user).await?;
        let may = |role: Role| match role {
            Role::Org(role) => table.of_org(role).contains(KEYS_MANAGE),
            Role::Project(_, role) => table.of_project(role).contains(KEYS_MANAGE),
        };
        Ok(roles.into_iter().any(|it| may(it.role)))
    }

    /// What the live keys are called that somebody made, at a place or anywhere: whoever decides
    /// what becomes of them has to know them.
    pub async fn keys_made_by(
        &self,
        user: UserId,
        place: Option<(OrgId, Option<ProjectId>)>,
    ) -> Result<Vec<String>, Error> {
        let (org, project) = (place.map(|it| it.0), place.and_then(|it| it.1));
        let keys = self.0.store.keys();
        let made = keys.made_by(user, org, project, KEYS_NAMED, self.now()).await?;
        let named = |key: &Credential| {
            format!("{} ({}…{})", presentable(&key.name, 80), key.prefix, key.last_four)
        };
        Ok(made.iter().map(named).collect())
    }

    /// Keys as those see them who manage them.
    pub(crate) async fn shown_keys(
        &self,
        found: Vec<Credential>,
    ) -> Result<Vec<wire::Key>, KeyError> {
        let mut places = Places::default();
        let makers: Vec<&str> = found.iter().map(|key| key.created_by.as_str()).collect();
        places.people = self.addresses_of(makers).await?;
        let mut items = Vec::with_capacity(found.len());
        for kept in found {
            items.push(self.shown_key(kept, &mut places).await?);
        }
        Ok(items)
    }

    async fn shown_key(
        &self,
        kept: Credential,
        places: &mut Places,
    ) -> Result<wire::Key, KeyError> {
        let org = kept.org_id.ok_or(UNKNOWN)?;
        if let Entry::Vacant(unknown) = places.orgs.entry(org) {
            let found = self.0.store.orgs().by_id(org).await?.ok_or(UNKNOWN)?;
            unknown.insert(found.slug);
        }
        if let Some(project) = kept.project_id
            && !places.projects.contains_key(&project)
        {
            let found = self.0.store.projects().by_id(project).await?.ok_or(UNKNOWN)?;
            places.projects.insert(project, found.slug);
        }
        if !places.people.contains_key(&kept.created_by) {
            places.people.extend(self.addresses_of([kept.created_by.as_str()]).await?);
        }
        let project = kept.project_id.and_then(|id| places.projects.get(&id).cloned());
        let kind = match kept.kind {
            TokenKind::OrgKey => wire::KeyKind::OrgKey,
            _ => wire::KeyKind::ProjectKey,
        };
        Ok(wire::Key {
            id: kept.id.to_string(),
            kind,
            principal: kept.principal,
            name: kept.name,
            org: places.orgs.get(&org).cloned().unwrap_or_default(),
            project,
            prefix: kept.prefix,
            last_four: kept.last_four,
            scope: kept.scope,
            created_at: kept.created_at,
            creator: places.people.get(&kept.created_by).cloned(),
            created_by: kept.created_by,
            expires_at: kept.expires_at,
            last_used_at: kept.last_used_at,
            last_used_address: kept.last_used_address,
            rotated_from: kept.rotated_from.map(|id| id.to_string()),
            overlap_until: kept.overlap_until,
        })
    }
}

/// What places and people are called, for the next key of a list.
#[derive(Default)]
struct Places {
    orgs: HashMap<OrgId, String>,
    projects: HashMap<ProjectId, String>,
    people: HashMap<String, String>,
}
