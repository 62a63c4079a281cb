//! The decision over an image: who it is, whether it is good, and what they may do where.
//!
//! A role is what it is now. A credential takes away from it and never adds: its scope
//! leaves some of the permissions, its projects leave some of the places, and a bound one
//! has one project and no more there than whoever stands behind it.

use std::sync::Arc;

use hallpass_core::permission::{Permissions, implied};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::scope::AGENT;
use hallpass_core::{Digest, Scope, Timestamp};

use super::ask::{Ask, PlaceAsked};
use super::fact::Principal;
use super::image::Image;
use super::people;
use super::places::Found;
use super::slab::Slot;
use super::table::Key;
use super::terms::{Bound, Rules, Scoped};
use crate::access::{self, Presented, Standing, Vouched};
use crate::{CredentialKind, Decision, Place, Refusal};

impl Image {
    /// Whether the credential with this digest is good at `now`, and for what.
    pub(super) fn check(
        &self,
        digest: &Digest,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        let row = self.tokens.get(Key::of(digest)).ok_or(Refusal::Unknown)?;
        if row.is_over(now) {
            return Err(Refusal::Expired);
        }
        let token = &row.rest;
        let principal = self.people.get(token.principal).ok_or(Refusal::Unknown)?;
        let who = principal.who.as_ref().ok_or(Refusal::Unknown)?;
        if principal.disabled {
            return Err(Refusal::UserDisabled);
        }
        let terms = self.book.get(token.terms).ok_or(Refusal::Unknown)?;
        // What is bound to a place is worth nothing without it.
        let stands = match terms.made.bound {
            Some(Bound::Project(project, _)) => self.places.found_project(project).is_some(),
            Some(Bound::Org(org, _)) => self.places.found_org(org).is_some(),
            None => true,
        };
        if !stands {
            return Err(Refusal::PlaceDisabled);
        }
        let place = ask.place.and_then(|asked| {
            let scope = Narrowing::Known(&terms.scoped);
            match terms.made.bound {
                Some(Bound::Project(project, role)) => {
                    self.bound_place(principal, project, role, scope, asked)
                }
                Some(Bound::Org(org, role)) => self.place_in(org, role, scope, asked),
                None => self.place(principal, &terms.made.projects, scope, asked),
            }
        });
        let id = token.id();
        Ok(Decision {
            kind: terms.made.kind,
            who: who.clone(),
            client_id: None,
            scope: terms.scoped.scope.clone(),
            grant: None,
            audience: Vec::new(),
            id: id.to_text(),
            auth_time: None,
            issued_at: id.made_at(),
            expires_at: row.ends(),
            jkt: None,
            place,
        })
    }

    /// Whether a JWT, whose signature has been checked, is good at `now`, and for what.
    pub(super) fn check_jwt(
        &self,
        presented: Presented,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        let row = self.grants.get(Key::of_id(presented.grant.to_bits()));
        let known = row.and_then(|row| {
            let acting = self.people.get(row.rest.user)?;
            let person = self.people.behind(acting).filter(|row| row.who.is_some())?;
            let client = self.clients.get(row.rest.client)?;
            let terms = self.book.get(row.rest.terms)?;
            let scope = &terms.scoped.scope;
            let standing = Standing {
                principal: acting.id,
                who: acting.who.as_ref()?,
                user_disabled: person.disabled,
                client_id: &client.id,
                client_disabled: client.disabled,
                scope,
                grant_ended: row.was_ended(),
                grant_expires_at: row.ends(),
                jti_revoked: self.clients.is_revoked(&presented.jti),
            };
            Some((person, terms.made.bound, standing))
        });
        let standing = known.as_ref().map(|(.., standing)| *standing);
        let mut decision = access::decide(presented, standing, ask.resource, now)?;
        let Some((person, bound, _)) = known else { return Ok(decision) };
        let scope = Narrowing::Fresh(&self.rules, &decision.scope);
        let agent = decision.kind == CredentialKind::AgentToken;
        let mut left = None;
        let place = match bound {
            // It is worth nothing without its place; an agent, nor when its owner has none there.
            Some(Bound::Project(project, role)) => {
                let found = self.places.found_project(project).ok_or(Refusal::PlaceDisabled)?;
                let in_org = person.in_org(found.org_slot).and_then(implied);
                if agent {
                    let theirs = in_org.max(person.in_project(project));
                    let theirs = theirs.ok_or(Refusal::PlaceDisabled)?;
                    // What its owner has lost since is not in its scope any more, whoever reads that.
                    let may = scope.of_project(role.min(theirs));
                    let has = |one: &&str| *one == AGENT || may.contains(*one);
                    let lost = !decision.scope.iter().all(|one| has(&one));
                    left = lost.then(|| decision.scope.iter().filter(has).collect());
                }
                ask.place.and_then(|asked| self.bound_place(person, project, role, scope, asked))
            }
            // One that is bound to none may do nothing anywhere.
            _ if agent => None,
            _ => ask.place.and_then(|asked| self.place(person, &[], scope, asked)),
        };
        decision.place = place;
        decision.scope = left.unwrap_or(decision.scope);
        Ok(decision)
    }

    /// Whether a person whom somebody else vouches for may come in at `now`, and for what.
    pub(super) fn check_person(
        &self,
        vouched: Vouched,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        if vouched.expires_at.is_some_and(|end| now >= end) {
            return Err(Refusal::Expired);
        }
        let row = self.people.of(Principal::User(vouched.user)).ok_or(Refusal::Unknown)?;
        let who = row.who.as_ref().ok_or(Refusal::Unknown)?;
        if row.disabled {
            return Err(Refusal::UserDisabled);
        }
        let scope = Narrowing::Fresh(&self.rules, &vouched.scope);
        let place = ask.place.and_then(|asked| self.place(row, &[], scope, asked));
        Ok(Decision {
            kind: vouched.kind,
            who: who.clone(),
            client_id: None,
            scope: vouched.scope,
            grant: None,
            audience: vouched.audience,
            id: vouched.id,
            auth_time: vouched.auth_time,
            issued_at: vouched.issued_at,
            expires_at: vouched.expires_at,
            jkt: None,
            place,
        })
    }

    /// The place that was asked about, if `principal` has a role there that a credential
    /// for `projects` (none: all) may use.
    fn place(
        &self,
        principal: &people::Row,
        projects: &[Slot],
        scope: Narrowing<'_>,
        asked: PlaceAsked<'_>,
    ) -> Option<Place> {
        let found = self.places.find(asked)?;
        let in_org = principal.in_org(found.org_slot);
        match found.project {
            // A credential for some projects has nothing to do with an organization itself.
            None => {
                let role = in_org.filter(|_| projects.is_empty())?;
                Some(place(found, Some(role), None, scope.of_org(role)))
            }
            Some((project, ..)) => {
                let narrowed = !projects.is_empty();
                if narrowed && projects.binary_search(&project).is_err() {
                    return None;
                }
                let role = in_org.and_then(implied).max(principal.in_project(project))?;
                let in_org = in_org.filter(|_| !narrowed);
                Some(place(found, in_org, Some(role), scope.of_project(role)))
            }
        }
    }

    /// The place that was asked about, if it is the organization that a key acts for, or a
    /// project of it.
    fn place_in(
        &self,
        org: Slot,
        role: OrgRole,
        scope: Narrowing<'_>,
        asked: PlaceAsked<'_>,
    ) -> Option<Place> {
        let found = self.places.find(asked).filter(|found| found.org_slot == org)?;
        match found.project {
            None => Some(place(found, Some(role), None, scope.of_org(role))),
            Some(_) => {
                let there = implied(role)?;
                Some(place(found, Some(role), Some(there), scope.of_project(there)))
            }
        }
    }

    /// The place that was asked about, if it is the one project that a credential is bound
    /// to. A person behind it lends no more than they have now.
    fn bound_place(
        &self,
        principal: &people::Row,
        project: Slot,
        role: ProjectRole,
        scope: Narrowing<'_>,
        asked: PlaceAsked<'_>,
    ) -> Option<Place> {
        let found = self.places.find(asked)?;
        found.project.filter(|(slot, ..)| *slot == project)?;
        let role = match principal.id {
            Principal::Key(_) | Principal::Job(_) => role,
            Principal::User(_) | Principal::Agent(_) => {
                let in_org = principal.in_org(found.org_slot);
                let theirs = in_org.and_then(implied).max(principal.in_project(project))?;
                role.min(theirs)
            }
        };
        Some(place(found, None, Some(role), scope.of_project(role)))
    }
}

/// What a scope leaves of a role.
#[derive(Clone, Copy)]
enum Narrowing<'a> {
    /// Computed when the credential was made known.
    Known(&'a Scoped),
    /// Computed now.
    Fresh(&'a Rules, &'a Scope),
}

impl Narrowing<'_> {
    fn of_org(self, role: OrgRole) -> Arc<Permissions> {
        match self {
            Self::Known(scoped) => scoped.of_org(role),
            Self::Fresh(rules, scope) => rules.of_org(role, scope),
        }
    }

    fn of_project(self, role: ProjectRole) -> Arc<Permissions> {
        match self {
            Self::Known(scoped) => scoped.of_project(role),
            Self::Fresh(rules, scope) => rules.of_project(role, scope),
        }
    }
}

fn place(
    found: Found<'_>,
    org_role: Option<OrgRole>,
    role: Option<ProjectRole>,
    permissions: Arc<Permissions>,
) -> Place {
    Place {
        org: found.org,
        org_slug: found.org_slug.clone(),
        project: found.project.map(|(_, id, _)| id),
        project_slug: found.project.map(|(_, _, slug)| slug.clone()),
        org_role,
        role,
        permissions,
    }
}
