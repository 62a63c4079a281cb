//! The answers: who it is and what they may do, or why not.

use std::sync::Arc;
use std::time::Duration;

use hallpass_core::dpop::Thumbprint;
use hallpass_core::id::{AgentId, GrantId, JobId, OrgId, ProjectId, UserId};
use hallpass_core::permission::Permissions;
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::scope::TOKENS;
use hallpass_core::{Scope, Timestamp};

/// How long before its end a credential's answers begin to tell of it.
pub const TOLD_AHEAD: Duration = Duration::from_secs(14 * 24 * 3600);

/// What kind of credential was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// A JWT access token (RFC 9068).
    AccessToken,
    /// A personal token.
    PersonalToken,
    /// A token of an older system, bound to one project.
    LegacyToken,
    /// A key of a project.
    ProjectKey,
    /// A key of an organization.
    OrgKey,
    /// A job's JWT: its pass, bound to one project.
    JobToken,
    /// An agent's JWT.
    AgentToken,
    /// An ID token of an outside issuer that a guard or a server trusts by name.
    IdToken,
    /// None: nobody has to sign in, and this is the one person there is.
    Local,
}

impl CredentialKind {
    /// As spoken: in `/check` headers, in introspection answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::PersonalToken => "personal_token",
            Self::LegacyToken => "legacy_token",
            Self::ProjectKey => "project_key",
            Self::OrgKey => "org_key",
            Self::JobToken => "job_token",
            Self::AgentToken => "agent_token",
            Self::IdToken => "id_token",
            Self::Local => "local",
        }
    }

    /// Whether a person is there in full, in a program that they signed in to, and not a token
    /// that lies around somewhere.
    pub const fn is_sign_in(self) -> bool {
        matches!(self, Self::AccessToken | Self::IdToken | Self::Local)
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A person, as they are now.
    User {
        /// Whose it is.
        id: UserId,
        /// E-mail address.
        email: String,
        /// Display name.
        name: String,
        /// Whether they administer this deployment.
        admin: bool,
    },
    /// Nobody: a key or an older system's token acts for itself.
    Key {
        /// The principal's id: that of its first credential, `tok_…`.
        id: String,
        /// What it is called.
        name: String,
    },
    /// An agent: a program that a person lent a part of what they may do. Never a person.
    Agent(Agent),
    /// A job of a CI platform, which a policy of its project let in. Nobody stands behind it.
    Job {
        /// The `sub` of its pass.
        id: JobId,
        /// Who came, in short: its repository, its ref.
        name: String,
    },
    /// Somebody whom an outside issuer knows, and we do not: no principal of ours, whatever the
    /// subject looks like. The same only if both are the same (OIDC Core §5.7).
    Outside {
        /// Who says so: its issuer identifier, byte for byte.
        issuer: String,
        /// Who it is there.
        subject: String,
        /// What to call them.
        name: String,
    },
}

impl Who {
    /// The `sub`; of somebody outside `<issuer>#<subject>`. An issuer identifier has no fragment
    /// (OIDC Core §2), so that is no id of ours, and no two of them are alike.
    pub fn id(&self) -> String {
        match self {
            Self::User { id, .. } => id.to_string(),
            Self::Key { id, .. } => id.clone(),
            Self::Agent(agent) => agent.id.to_string(),
            Self::Job { id, .. } => id.to_string(),
            Self::Outside { issuer, subject, .. } => format!("{issuer}#{subject}"),
        }
    }

    /// Issuer and subject of somebody whom an outside issuer knows.
    pub fn outside(&self) -> Option<(&str, &str)> {
        match self {
            Self::Outside { issuer, subject, .. } => Some((issuer, subject)),
            Self::User { .. } | Self::Key { .. } | Self::Agent(_) | Self::Job { .. } => None,
        }
    }

    /// The agent, if it is one.
    pub const fn agent(&self) -> Option<&Agent> {
        match self {
            Self::Agent(agent) => Some(agent),
            Self::User { .. } | Self::Key { .. } | Self::Job { .. } | Self::Outside { .. } => None,
        }
    }

    /// The person, if it is one.
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::Key { .. } | Self::Agent(_) | Self::Job { .. } | Self::Outside { .. } => None,
        }
    }

    /// The person's e-mail address, if it is one.
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::User { email, .. } => Some(email),
            Self::Key { .. } | Self::Agent(_) | Self::Job { .. } | Self::Outside { .. } => None,
        }
    }

    /// A name for people.
    pub fn name(&self) -> &str {
        match self {
            Self::User { name, .. }
            | Self::Key { name, .. }
            | Self::Job { name, .. }
            | Self::Outside { name, .. } => name,
            Self::Agent(agent) => &agent.name,
        }
    }

    /// The kind of principal, as spoken.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::Key { .. } => "key",
            Self::Agent(_) => "agent",
            Self::Job { .. } => "job",
            Self::Outside { .. } => "outside",
        }
    }

    /// Whether they administer this deployment, now.
    pub const fn admin(&self) -> bool {
        matches!(self, Self::User { admin: true, .. })
    }
}

/// An agent, and who stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The `sub` of its tokens.
    pub id: AgentId,
    /// What it is called.
    pub name: String,
    /// Whose it is: it never has more than they have now.
    pub owner: UserId,
    /// The one project that it may do anything in; `None`: nowhere.
    pub project: Option<ProjectId>,
    /// The agents that it descends from, the nearest first.
    pub parents: Vec<AgentId>,
}

impl Agent {
    /// Whoever delegated to it, the nearest first and its owner last (RFC 8693 §4.1).
    pub fn actors(&self) -> impl Iterator<Item = String> {
        let parents = self.parents.iter().map(AgentId::to_string);
        parents.chain(std::iter::once(self.owner.to_string()))
    }
}

/// Who the caller is and what the credential was scoped to. Good now, not later:
/// it is computed for each request and kept by nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was presented.
    pub kind: CredentialKind,
    /// Who acts. Shared, because it is the same for every request of theirs.
    pub who: Arc<Who>,
    /// The client that it was issued to; personal tokens and keys have none.
    pub client_id: Option<Arc<str>>,
    /// What it was scoped to, as far as it still holds. For a credential that was not
    /// narrowed: every scope that it could have.
    pub scope: Scope,
    /// The grant behind a JWT; ending that ends it. Of other credentials the grant is not
    /// told: they are ended by themselves, by their own id.
    pub grant: Option<GrantId>,
    /// The resources that it was made out for (RFC 8707). Empty: any of this deployment.
    pub audience: Vec<String>,
    /// Its own id: `tok_…`, or the JWT's `jti`.
    pub id: String,
    /// When the person signed in; only a JWT knows.
    pub auth_time: Option<Timestamp>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The key that it is bound to: it is good only together with a proof of that key
    /// (RFC 9449 §7), which is checked anew for each request.
    pub jkt: Option<Thumbprint>,
    /// What was asked about: an organization, or a project in it.
    pub place: Option<Place>,
}

/// The organization or project that was asked about, and what the caller may do there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The organization.
    pub org: OrgId,
    /// Its slug.
    pub org_slug: Arc<str>,
    /// The project, if one was asked about.
    pub project: Option<ProjectId>,
    /// Its slug.
    pub project_slug: Option<Arc<str>>,
    /// The role in the organization.
    pub org_role: Option<OrgRole>,
    /// The role in the project; an organization's admins and owners own its projects.
    pub role: Option<ProjectRole>,
    /// What the role allows *and* the credential was scoped to.
    pub permissions: Arc<Permissions>,
}

impl Decision {
    /// The person who acts, if it is one.
    pub fn user(&self) -> Option<UserId> {
        self.who.user()
    }

    /// When the credential ends, if that is within 14 days of `now` and nothing renews it: whoever
    /// uses it is told in time (HP12).
    pub fn ends_soon(&self, now: Timestamp) -> Option<Timestamp> {
        let renewed = matches!(
            self.kind,
            CredentialKind::AccessToken
                | CredentialKind::AgentToken
                | CredentialKind::JobToken
                | CredentialKind::IdToken
                | CredentialKind::Local
        );
        self.expires_at.filter(|end| !renewed && *end <= now + TOLD_AHEAD)
    }

    /// Whether the credential was made for `permission`, wherever that is: whoever may not do it
    /// all the same lacks the role. A sign-in that may make tokens could make one that has it, so
    /// it is narrowed in nothing.
    pub fn is_scoped_to(&self, permission: &str) -> bool {
        let could = self.kind.is_sign_in() && self.scope.contains(TOKENS);
        could || self.scope.contains(permission)
    }

    /// Whether `permission` is there, at the place that was asked about.
    pub fn may(&self, permission: &str) -> bool {
        self.place.as_ref().is_some_and(|place| place.permissions.contains(permission))
    }
}

/// Why a credential is not good. For logs and tests: callers are told no more than
/// `invalid_token` (RFC 6750 §3.1) or `{"active":false}` (RFC 7662 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Its `exp` has passed.
    #[error("it has expired")]
    Expired,
    /// Its `nbf` or `iat` lies in the future.
    #[error("it is not valid yet")]
    NotYet,
    /// It was made out for somebody else (RFC 9068 §4).
    #[error("it is made out for another audience")]
    Audience,
    /// There is no grant behind it, or no such credential.
    #[error("nothing is known about it")]
    Unknown,
    /// Its grant belongs to another person or client than it says.
    #[error("it does not agree with its grant")]
    Mismatch,
    /// Its grant was ended: signed out, revoked, reused.
    #[error("its grant has ended")]
    GrantEnded,
    /// Its grant's time is over.
    #[error("its grant has expired")]
    GrantExpired,
    /// It was revoked by itself (RFC 7009).
    #[error("it was revoked")]
    Revoked,
    /// The person's account is disabled.
    #[error("the account is disabled")]
    UserDisabled,
    /// The client is disabled.
    #[error("the client is disabled")]
    ClientDisabled,
    /// The project that it is bound to is disabled, or its organization is.
    #[error("its project is disabled")]
    PlaceDisabled,
}
