//! The image itself: every fact in its place. Whoever changes it has it alone.

use std::sync::Arc;

use hallpass_core::role::ProjectRole;
use hallpass_core::{Digest, Timestamp};

use super::clients::{Clients, Grant};
use super::fact::{self, Fact, Holder, Role, Seat};
use super::people::People;
use super::places::Places;
use super::slab::Slot;
use super::table::{Key, Row, Table};
use super::terms::{Book, Bound, Made, Rules};
use crate::CredentialKind;

/// What a credential is; its key is its digest.
#[derive(Clone, Copy)]
pub(super) struct Token {
    id: [u8; 16],
    /// Who acts.
    pub(super) principal: Slot,
    /// What it was made with.
    pub(super) terms: Slot,
}

impl Token {
    pub(super) const fn id(&self) -> hallpass_core::id::TokenId {
        hallpass_core::id::TokenId::from_bits(u128::from_le_bytes(self.id))
    }
}

pub(super) struct Image {
    pub(super) rules: Arc<Rules>,
    pub(super) tokens: Table<Token>,
    pub(super) grants: Table<Grant>,
    pub(super) people: People,
    pub(super) places: Places,
    pub(super) clients: Clients,
    pub(super) book: Book,
}

impl Image {
    pub(super) fn new(rules: Arc<Rules>, parts: usize) -> Self {
        Self {
            rules,
            tokens: Table::new(parts),
            grants: Table::new(parts),
            people: People::default(),
            places: Places::default(),
            clients: Clients::default(),
            book: Book::default(),
        }
    }

    pub(super) fn set(&mut self, fact: Fact) {
        match fact {
            Fact::Person(person) => self.people.person(person),
            Fact::Client(client) => self.clients.set(client),
            Fact::Org(org) => self.places.set_org(org),
            Fact::Project(project) => self.places.set_project(project),
            Fact::Member(member) => match member.role {
                Role::Org(org, role) => {
                    let org = self.places.org(org);
                    self.people.set_org(member.principal, org, role);
                }
                Role::Project(project, role) => {
                    let project = self.places.project(project);
                    self.people.set_project(member.principal, project, role);
                }
            },
            Fact::MemberGone { principal, seat: Seat::Org(org) } => {
                self.people.leave_org(principal, self.places.org(org));
            }
            Fact::MemberGone { principal, seat: Seat::Project(project) } => {
                self.people.leave_project(principal, self.places.project(project));
            }
            Fact::Grant(grant) => self.begin(grant),
            // Kept for a while, so that its tokens are told from unknown ones.
            Fact::GrantEnded(id) => self.grants.end(Key::of_id(id.to_bits())),
            Fact::Credential(credential) => self.issue(credential),
            Fact::CredentialEnded(digest) => self.revoke(&digest),
            Fact::JwtRevoked { jti, until } => self.clients.revoke(jti, until),
        }
    }

    fn begin(&mut self, grant: fact::Grant) {
        let fact::Grant { id, holder, client_id, scope, expires_at } = grant;
        // An agent is bound to one project, where it is whatever its owner is.
        let (kind, bound) = match &holder {
            Holder::Person(_) => (CredentialKind::AccessToken, None),
            Holder::Agent(it) => {
                (CredentialKind::AgentToken, it.project.map(|id| (id, ProjectRole::Owner)))
            }
            Holder::Job { project, role, .. } => {
                (CredentialKind::JobToken, Some((*project, *role)))
            }
        };
        let bound = bound.map(|(id, role)| Bound::Project(self.places.project(id), role));
        let made = Made { kind, scope: Some(scope), projects: Vec::new(), bound };
        let rest = Grant {
            user: match holder {
                Holder::Person(id) => self.people.slot(fact::Principal::User(id)),
                Holder::Agent(agent) => self.people.hold_agent(agent),
                Holder::Job { id, name, .. } => self.people.hold_job(id, name),
            },
            client: self.clients.slot(&client_id),
            terms: self.book.hold(made, &self.rules),
        };
        let row = Row::new(Key::of_id(id.to_bits()), expires_at, rest);
        if let Some(old) = self.grants.set(row) {
            self.people.let_go(old.rest.user);
            self.book.let_go(old.rest.terms);
        }
    }

    fn issue(&mut self, credential: fact::Credential) {
        let fact::Credential { id, kind, digest, principal, name, scope, .. } = credential;
        let mut projects: Vec<Slot> =
            credential.projects.into_iter().map(|id| self.places.project(id)).collect();
        projects.sort_unstable();
        let bound = credential.bound.map(|role| match role {
            Role::Org(id, role) => Bound::Org(self.places.org(id), role),
            Role::Project(id, role) => Bound::Project(self.places.project(id), role),
        });
        // New before old, so that what both share is not forgotten in between.
        let token = Token {
            id: id.to_bits().to_le_bytes(),
            principal: self.people.hold(principal, &name),
            terms: self.book.hold(Made { kind, scope, projects, bound }, &self.rules),
        };
        let ends = [credential.expires_at, credential.overlap_until].into_iter().flatten().min();
        if let Some(old) = self.tokens.set(Row::new(Key::of(&digest), ends, token)) {
            self.let_go(old.rest);
        }
    }

    fn revoke(&mut self, digest: &Digest) {
        if let Some(row) = self.tokens.remove(Key::of(digest)) {
            self.let_go(row.rest);
        }
    }

    fn let_go(&mut self, token: Token) {
        self.people.let_go(token.principal);
        self.book.let_go(token.terms);
    }

    /// Takes out what is over from chunk `n` of each table. `false` when that was the last.
    pub(super) fn sweep(&mut self, n: usize, now: Timestamp) -> bool {
        let (tokens, grants) = (self.tokens.sweep(n, now), self.grants.sweep(n, now));
        let more = tokens.is_some() || grants.is_some();
        for row in tokens.into_iter().flatten() {
            self.let_go(row.rest);
        }
        for row in grants.into_iter().flatten() {
            self.people.let_go(row.rest.user);
            self.book.let_go(row.rest.terms);
        }
        if !more {
            self.clients.sweep(now);
            self.book.sweep();
        }
        more
    }

    pub(super) fn bytes(&self) -> usize {
        self.tokens.bytes()
            + self.grants.bytes()
            + self.people.bytes()
            + self.places.bytes()
            + self.clients.bytes()
            + self.book.bytes()
    }
}
