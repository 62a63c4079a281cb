//! Policies are made, listed and revoked by whoever manages the keys of their project.
//!
//! A policy gives at most what a key of the project could have, and no more than its maker may
//! give. What is dangerous about it is said first, and it is made only when that was accepted by
//! name.

use hallpass_core::id::{JobId, TrustId};
use hallpass_core::role::ProjectRole;
use hallpass_core::text::presentable;
use hallpass_core::trust::{Condition, Danger, Pin, Policy, Test, dangers, sentence};
use hallpass_core::wire::api::Page;
use hallpass_core::wire::trust as wire;
use hallpass_core::{Kind, Scope};
use hallpass_store::{NewTrust, Role, TrustPolicy};

use super::denied::bad_cursor;
use super::known::Known;
use crate::keys::KEYS_MANAGE;
use crate::orgs::{OrgError, Seat};
use crate::tokens::bounds::Bounds;
use crate::tokens::{self, Actor, MAX_PAGE, TokenError};
use crate::{Error, Issuer, Origin};

/// Why nothing became of a request about trust. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// What was sent cannot be used, or the credential that acts does not reach so far.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// There is no such place or policy for them, or their role there does not allow it.
    #[error(transparent)]
    Place(#[from] OrgError),
    /// It is dangerous, and nobody said that this is meant.
    #[error(
        "nothing was made: {}; if that is meant, make it again and accept {}",
        .0.iter().map(|it| it.says().trim_end_matches('.')).collect::<Vec<_>>().join("; "),
        .0.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ")
    )]
    Dangerous(Vec<Danger>),
    /// There is one that lets the same jobs do the same.
    #[error("the project has this policy already: {0}")]
    Exists(TrustId),
    /// An id was given for a name that the organization knows with another one.
    #[error(
        "nothing was made: the policy {policy} pins \"{}\" with {}, not with {}; if the name is another's \
         by now, repin it there first, or leave the id out",
        presentable(&.pinned.name, 200), .pinned.id, .given
    )]
    Pinned {
        /// One that has let somebody in.
        policy: TrustId,
        /// What it pins.
        pinned: Box<Pin>,
        /// The id that was given.
        given: String,
    },
    /// The id that was to be changed is not the one that is pinned.
    #[error("nothing was changed: the policy pins another id for that name, or none; look again")]
    Moved,
}

impl From<Error> for TrustError {
    fn from(error: Error) -> Self {
        Self::Place(error.into())
    }
}

impl From<hallpass_store::Error> for TrustError {
    fn from(error: hallpass_store::Error) -> Self {
        Self::Place(error.into())
    }
}

pub(super) const UNKNOWN: TrustError = TrustError::Place(OrgError::Unknown("policy"));

pub(super) fn invalid(why: String) -> TokenError {
    TokenError::invalid("invalid_policy", why)
}

/// Whether `had`, which is for the same project, does all that `asked` would.
fn is_had(asked: &Policy, had: &Policy) -> bool {
    let same = (&asked.issuer, asked.platform, asked.pin_first_use, &asked.permissions, asked.ttl)
        == (&had.issuer, had.platform, had.pin_first_use, &had.permissions, had.ttl);
    same && in_order(&asked.conditions) == in_order(&had.conditions)
        && asked.pins.iter().all(|pin| had.pins.contains(pin))
}

/// Conditions in one order, and the values of each.
fn in_order(conditions: &[Condition]) -> Vec<Condition> {
    let mut all = conditions.to_vec();
    for condition in &mut all {
        if let Test::OneOf(values) = &mut condition.test {
            values.sort();
            values.dedup();
        }
    }
    all.sort_by(|one, other| one.claim.cmp(&other.claim));
    all
}

/// A given id that is none of those which the organization goes by for its name. Where it goes by
/// several, each may be given: that says which.
fn contradiction(asked: &Policy, known: &[Known]) -> Option<TrustError> {
    asked.pins.iter().find_map(|given| {
        let of_it = |pin: &&Pin| {
            (&pin.claim, &pin.name, &pin.id_claim) == (&given.claim, &given.name, &given.id_claim)
        };
        let counted =
            known.iter().filter(|it| it.policy.issuer == asked.issuer && it.counts_for_others());
        let pinned: Vec<(TrustId, &Pin)> = counted
            .flat_map(|it| it.policy.pins.iter().filter(of_it).map(|pin| (it.kept.id, pin)))
            .collect();
        let (policy, first) = *pinned.first()?;
        let settled = pinned.iter().any(|(_, pin)| pin.id == given.id);
        (!settled).then(|| TrustError::Pinned {
            policy,
            pinned: Box::new(first.clone()),
            given: given.id.clone(),
        })
    })
}

impl Issuer {
    /// Makes a policy for one project.
    pub async fn create_trust(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: &str,
        new: wire::NewTrustPolicy,
        origin: &Origin,
    ) -> Result<wire::TrustPolicy, TrustError> {
        let seat = self.seat_with(actor, org, Some(project), KEYS_MANAGE).await?;
        let at = seat.project.as_ref().ok_or(UNKNOWN)?;
        let place = format!("{}/{}", seat.org.slug, at.slug);
        let policy = new.policy(&place).map_err(invalid)?;
        let permissions = self.may_let_in(actor, &seat, &policy.permissions).await?;
        let known = Known::all(self.0.store.trust().of(seat.org.id, None).await?);
        let mut here = known.iter().filter(|it| it.kept.project == at.id);
        if let Some(same) = here.find(|it| is_had(&policy, &it.policy)) {
            return Err(TrustError::Exists(same.kept.id));
        }
        if let Some(contradiction) = contradiction(&policy, &known) {
            return Err(contradiction);
        }
        let open: Vec<Danger> =
            dangers(&policy).into_iter().filter(|it| !new.accept.contains(it)).collect();
        if !open.is_empty() {
            return Err(TrustError::Dangerous(open));
        }
        let conditions = serde_json::to_string(&policy.conditions)
            .map_err(|_| invalid("its conditions cannot be written down".to_owned()))?;
        let new = NewTrust {
            id: self.new_id(TrustId::new),
            org: seat.org.id,
            project: at.id,
            issuer: policy.issuer.clone(),
            platform: policy.platform.as_str().to_owned(),
            conditions,
            pins: policy.pins.clone(),
            pin_first_use: policy.pin_first_use,
            permissions,
            ttl_seconds: u32::try_from(policy.ttl.as_secs()).unwrap_or(900),
            words: sentence(&policy),
        };
        let by = self.by(&actor.name(), None, Some(origin));
        let kept = self.0.store.trust().create(new, &by).await?;
        self.0.outside.look(&kept.issuer, self.now()).await;
        self.shown_policies(vec![kept]).await?.pop().ok_or(UNKNOWN)
    }

    /// What of `permissions` the actor may let others have in the project where they stand: all of
    /// it, or nothing.
    pub(super) async fn may_let_in(
        &self,
        actor: &Actor<'_>,
        seat: &Seat,
        permissions: &Scope,
    ) -> Result<Scope, TrustError> {
        let at = seat.project.as_ref().ok_or(UNKNOWN)?;
        if !seat.outranks(Role::Project(at.id, ProjectRole::Collaborator)) {
            let why = "nobody lets others in above their own role; ask an owner";
            return Err(OrgError::NotAllowed(why).into());
        }
        let possible = self.key_permissions(Kind::ProjectKey);
        let possible: Vec<&str> = possible.iter().map(String::as_str).collect();
        let permissions = tokens::scope_within(permissions.clone(), &possible, "a job")?;
        if let Some(maker) = self.bounds_of(actor).await? {
            let (scope, projects) = (Some(permissions.clone()), vec![at.id]);
            let wanted = Bounds { scope, projects, expires_at: None };
            maker.must_hold(&wanted, &self.whole_scope())?;
        }
        Ok(permissions)
    }

    /// The policies of one project, or of an organization and all of its projects; newest first.
    pub async fn trust_of(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
    ) -> Result<Page<wire::TrustPolicy>, TrustError> {
        let seat = self.seat_with(actor, org, project, KEYS_MANAGE).await?;
        let at = seat.project.as_ref().map(|project| project.id);
        let found = self.0.store.trust().of(seat.org.id, at).await?;
        Ok(Page { items: self.shown_policies(found).await?, next_cursor: None })
    }

    /// One policy.
    pub async fn trust(
        &self,
        actor: &Actor<'_>,
        id: &str,
    ) -> Result<wire::TrustPolicy, TrustError> {
        let kept = self.managed_trust(actor, id).await?;
        self.shown_policies(vec![kept]).await?.pop().ok_or(UNKNOWN)
    }

    /// Ends a policy. When it returns, every pass that it gave is refused everywhere.
    pub async fn revoke_trust(
        &self,
        actor: &Actor<'_>,
        id: &str,
        origin: &Origin,
    ) -> Result<(), TrustError> {
        let kept = self.managed_trust(actor, id).await?;
        let by = self.by(&actor.name(), None, Some(origin));
        let settled = self.settled_by(&kept, None).await?;
        let done = self.0.store.trust().revoke(kept.id, settled, &by).await?;
        if done { Ok(()) } else { Err(UNKNOWN) }
    }

    /// Who was let in to a project, or to an organization's projects; newest first.
    pub async fn trust_exchanges(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<wire::TrustExchange>, TrustError> {
        let seat = self.seat_with(actor, org, project, KEYS_MANAGE).await?;
        let after = cursor.map(str::parse::<JobId>).transpose().map_err(|_| bad_cursor())?;
        let (at, limit) = (seat.project.as_ref().map(|it| it.id), limit.clamp(1, MAX_PAGE));
        let mut found = self.0.store.trust().exchanges(seat.org.id, at, after, limit + 1).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
        let items = found.into_iter().map(|it| wire::TrustExchange {
            id: it.id.to_string(),
            at: it.at,
            policy: it.policy.to_string(),
            project: it.project,
            who: it.who,
            subject: it.subject,
            scope: it.scope,
            expires_at: it.expires_at,
            ended_at: it.ended_at,
            address: it.address,
        });
        Ok(Page { items: items.collect(), next_cursor })
    }

    /// A live policy that the actor manages. One of another place is like one that is not there
    /// (attack-27).
    pub(super) async fn managed_trust(
        &self,
        actor: &Actor<'_>,
        id: &str,
    ) -> Result<TrustPolicy, TrustError> {
        let id: TrustId = id.parse().map_err(|_| UNKNOWN)?;
        let kept = self.0.store.trust().by_id(id).await?.ok_or(UNKNOWN)?;
        let (org, project) = (kept.org.to_string(), kept.project.to_string());
        match self.seat_with(actor, &org, Some(&project), KEYS_MANAGE).await {
            Ok(_) => Ok(kept),
            Err(OrgError::Unknown(_)) => Err(UNKNOWN),
            Err(error) => Err(error.into()),
        }
    }

    async fn shown_policies(
        &self,
        found: Vec<TrustPolicy>,
    ) -> Result<Vec<wire::TrustPolicy>, TrustError> {
        let makers: Vec<&str> = found.iter().map(|it| it.created_by.as_str()).collect();
        let people = self.addresses_of(makers).await?;
        let shown = found.into_iter().filter_map(Known::of).map(|Known { kept, policy }| {
            wire::TrustPolicy {
                id: kept.id.to_string(),
                org: kept.org_slug,
                project: kept.project_slug,
                sentence: sentence(&policy),
                dangers: dangers(&policy).into_iter().map(Into::into).collect(),
                keys_unknown: self.0.outside.trouble(&policy.issuer).map(|(at, why)| {
                    let why = hallpass_core::text::presentable(&why.to_string(), 300);
                    wire::KeysUnknown { at, why }
                }),
                issuer: policy.issuer,
                platform: policy.platform,
                conditions: policy.conditions,
                pins: policy.pins,
                pin_first_use: policy.pin_first_use,
                permissions: policy.permissions,
                ttl_seconds: kept.ttl_seconds.into(),
                created_at: kept.created_at,
                creator: people.get(&kept.created_by).cloned(),
                created_by: kept.created_by,
                last_used_at: kept.last_used_at,
            }
        });
        Ok(shown.collect())
    }
}
