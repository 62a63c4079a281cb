//! What the image is made of: facts about people, places and credentials, as they are now.
//!
//! A fact replaces what was known under its key. There is no "changed": whoever knows the
//! new state says it, whole.

use std::fmt;
use std::str::FromStr;

use hallpass_core::id::{AgentId, GrantId, JobId, OrgId, ProjectId, TokenId, UserId};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::{Digest, Scope, Timestamp};

pub use crate::decision::Agent;

use crate::CredentialKind;

/// Something that is so, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A person, disabled or not.
    Person(Person),
    /// A client, disabled or not.
    Client(Client),
    /// An organization, disabled or not.
    Org(Org),
    /// A project, disabled or not.
    Project(Project),
    /// Somebody has a role.
    Member(Member),
    /// Somebody has none any more.
    MemberGone {
        /// Who.
        principal: Principal,
        /// Where.
        seat: Seat,
    },
    /// A grant of a client is live.
    Grant(Grant),
    /// A grant has ended.
    GrantEnded(GrantId),
    /// A credential that is looked up by its digest is live.
    Credential(Credential),
    /// It was revoked. Credentials that end by their own time need no fact.
    CredentialEnded(Digest),
    /// One JWT was revoked; at `until` it expires by itself.
    JwtRevoked {
        /// Its `jti`.
        jti: String,
        /// Its `exp`.
        until: Timestamp,
    },
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The `sub`.
    pub id: UserId,
    /// E-mail address.
    pub email: String,
    /// Display name.
    pub name: String,
    /// Whether they administer the deployment.
    pub admin: bool,
    /// Whether nothing of theirs is good.
    pub disabled: bool,
}

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// The digest of its secret; public clients have none.
    pub secret: Option<Digest>,
    /// The resources that it may introspect tokens for.
    pub resources: Vec<String>,
    /// Whether it may do nothing.
    pub disabled: bool,
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Org {
    /// Its id.
    pub id: OrgId,
    /// Its name in addresses.
    pub slug: String,
    /// Whether nobody may do anything there.
    pub disabled: bool,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Whose it is.
    pub org: OrgId,
    /// Its name in addresses; unique in its organization.
    pub slug: String,
    /// Whether nobody may do anything there.
    pub disabled: bool,
}

/// Whoever can act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A person.
    User(UserId),
    /// A key or an older system's token, which acts for itself. Its id is that of its first
    /// credential.
    Key(TokenId),
    /// An agent.
    Agent(AgentId),
    /// A job of a CI platform.
    Job(JobId),
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Key(id) => id.fmt(f),
            Self::Agent(id) => id.fmt(f),
            Self::Job(id) => id.fmt(f),
        }
    }
}

impl FromStr for Principal {
    type Err = NotAPrincipal;
    fn from_str(text: &str) -> Result<Self, NotAPrincipal> {
        let user = text.parse().map(Self::User);
        let user = user.or_else(|_| text.parse().map(Self::Agent));
        let user = user.or_else(|_| text.parse().map(Self::Job));
        user.or_else(|_| text.parse().map(Self::Key)).map_err(|_| NotAPrincipal)
    }
}

/// The text is no id of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no principal has an id like this")]
pub struct NotAPrincipal;

/// Where a role can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seat {
    /// In an organization.
    Org(OrgId),
    /// In a project.
    Project(ProjectId),
}

/// A role and where it is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// In an organization.
    Org(OrgId, OrgRole),
    /// In a project.
    Project(ProjectId, ProjectRole),
}

impl Role {
    /// Where.
    pub const fn seat(self) -> Seat {
        match self {
            Self::Org(org, _) => Seat::Org(org),
            Self::Project(project, _) => Seat::Project(project),
        }
    }
}

/// A membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Whose.
    pub principal: Principal,
    /// What and where.
    pub role: Role,
}

/// A live grant of a client: what stands behind its JWTs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Who acts with it.
    pub holder: Holder,
    /// The client that it was given to.
    pub client_id: String,
    /// What was granted.
    pub scope: Scope,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// Who acts with a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A person.
    Person(UserId),
    /// An agent of a person's, whose roles count for it.
    Agent(Agent),
    /// A job, which has a role of its own in one project.
    Job {
        /// Its id.
        id: JobId,
        /// What it is called.
        name: String,
        /// The project that its pass is for.
        project: ProjectId,
        /// The role that it has there, at most.
        role: ProjectRole,
    },
}

/// A live credential that is looked up by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its id. It was issued when the id was made.
    pub id: TokenId,
    /// What it is.
    pub kind: CredentialKind,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// Who acts with it. A bound credential with a person behind it never has more than
    /// that person has.
    pub principal: Principal,
    /// What it is called; the name of the principal if that is a key.
    pub name: String,
    /// What it was narrowed to; `None`: not at all.
    pub scope: Option<Scope>,
    /// The projects that it was narrowed to; empty: all.
    pub projects: Vec<ProjectId>,
    /// The one place that it is bound to, and the role that it has there.
    pub bound: Option<Role>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// It was rotated, and is good until then.
    pub overlap_until: Option<Timestamp>,
}

/// What a fact is about: two facts with one key are about the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Person(UserId),
    Client(String),
    Org(OrgId),
    Project(ProjectId),
    Member(Principal, Seat),
    Grant(GrantId),
    Credential(Digest),
    Jwt(String),
}

impl Fact {
    pub(super) fn key(&self) -> Key {
        match self {
            Self::Person(person) => Key::Person(person.id),
            Self::Client(client) => Key::Client(client.id.clone()),
            Self::Org(org) => Key::Org(org.id),
            Self::Project(project) => Key::Project(project.id),
            Self::Member(member) => Key::Member(member.principal, member.role.seat()),
            Self::MemberGone { principal, seat } => Key::Member(*principal, *seat),
            Self::Grant(grant) => Key::Grant(grant.id),
            Self::GrantEnded(id) => Key::Grant(*id),
            Self::Credential(credential) => Key::Credential(credential.digest),
            Self::CredentialEnded(digest) => Key::Credential(*digest),
            Self::JwtRevoked { jti, .. } => Key::Jwt(jti.clone()),
        }
    }
}
