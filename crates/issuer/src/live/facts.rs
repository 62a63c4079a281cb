//! Records and effects of the store, as facts of the image.

use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_store as store;
use hallpass_store::{Effect, TokenKind};
use hallpass_verdict::CredentialKind;
use hallpass_verdict::live::fact::{
    Agent, Client, Credential, Fact, Grant, Holder, Member, Org, Person, Principal, Project, Role,
    Seat,
};

/// What a key of an organization is there.
pub(crate) const KEY_OF_ORG: OrgRole = OrgRole::Admin;

/// What a change means for the image; `None`: nothing.
pub(crate) fn of_effect(effect: Effect) -> Option<Fact> {
    Some(match effect {
        Effect::User(user) => of_user(user),
        Effect::Client { client, resources } => of_client(client, resources),
        Effect::Org(org) => of_org(org),
        Effect::Project(project) => of_project(project),
        Effect::Member(membership) => return of_membership(&membership),
        Effect::MemberGone { principal, org, project } => {
            let seat = project.map_or(Seat::Org(org), Seat::Project);
            Fact::MemberGone { principal: principal.parse().ok()?, seat }
        }
        Effect::Grant(grant) => of_grant(grant),
        Effect::Job(job) => of_job(job),
        Effect::GrantEnded(id) => Fact::GrantEnded(id),
        Effect::Credential(credential) => of_credential(credential),
        Effect::CredentialEnded { digest, .. } => Fact::CredentialEnded(digest),
        Effect::JwtRevoked { jti, until } => Fact::JwtRevoked { jti, until },
        Effect::Epoch { .. } => return None,
    })
}

pub(crate) fn of_user(user: store::User) -> Fact {
    let store::User { id, email, name, admin, disabled_at, .. } = user;
    Fact::Person(Person { id, email, name, admin, disabled: disabled_at.is_some() })
}

pub(crate) fn of_client(client: store::Client, resources: Vec<String>) -> Fact {
    let store::Client { id, secret, disabled_at, .. } = client;
    Fact::Client(Client { id, secret, resources, disabled: disabled_at.is_some() })
}

pub(crate) fn of_org(org: store::Org) -> Fact {
    let store::Org { id, slug, disabled_at, .. } = org;
    Fact::Org(Org { id, slug, disabled: disabled_at.is_some() })
}

pub(crate) fn of_project(project: store::Project) -> Fact {
    let store::Project { id, org_id: org, slug, disabled_at, .. } = project;
    Fact::Project(Project { id, org, slug, disabled: disabled_at.is_some() })
}

/// `None`: of a kind of principal that has no credentials here.
pub(crate) fn of_membership(membership: &store::Membership) -> Option<Fact> {
    let role = match membership.role {
        store::Role::Org(role) => Role::Org(membership.org_id, role),
        store::Role::Project(project, role) => Role::Project(project, role),
    };
    Some(Fact::Member(Member { principal: membership.principal.parse().ok()?, role }))
}

pub(crate) fn of_grant(grant: store::Grant) -> Fact {
    let store::Grant { id, user_id: user, client_id, scope, expires_at, ended_at, .. } = grant;
    let holder = match grant.agent {
        None => Holder::Person(user),
        Some(store::AgentRef { id, name, project, parents, .. }) => {
            Holder::Agent(Agent { id, name, owner: user, project, parents })
        }
    };
    match ended_at {
        None => Fact::Grant(Grant { id, holder, client_id, scope, expires_at }),
        Some(_) => Fact::GrantEnded(id),
    }
}

pub(crate) fn of_job(job: store::JobGrant) -> Fact {
    let grant = job.grant();
    let store::JobGrant { id, name, project, role, client_id, scope, expires_at, .. } = job;
    if job.ended_at.is_some() {
        return Fact::GrantEnded(grant);
    }
    let holder = Holder::Job { id, name, project, role };
    Fact::Grant(Grant { id: grant, holder, client_id, scope, expires_at: Some(expires_at) })
}

/// A credential that nobody can act with is none.
pub(crate) fn of_credential(credential: store::Credential) -> Fact {
    let digest = credential.digest;
    let acting = match credential.user_id {
        Some(user) => Some(Principal::User(user)),
        None => credential.principal.parse().ok(),
    };
    let (Some(principal), None) = (acting, credential.revoked_at) else {
        return Fact::CredentialEnded(digest);
    };
    let bound = match (credential.kind, credential.project_id, credential.org_id) {
        // It would be bound to nothing.
        (TokenKind::OrgKey, _, None) => return Fact::CredentialEnded(digest),
        (TokenKind::OrgKey, _, Some(org)) => Some(Role::Org(org, KEY_OF_ORG)),
        // The least, where nothing is said.
        (_, Some(project), _) => {
            Some(Role::Project(project, credential.role.unwrap_or(ProjectRole::Viewer)))
        }
        (TokenKind::ProjectKey, None, _) => return Fact::CredentialEnded(digest),
        _ => None,
    };
    Fact::Credential(Credential {
        id: credential.id,
        kind: kind(credential.kind),
        digest,
        principal,
        name: credential.name,
        scope: credential.scope,
        projects: credential.projects,
        bound,
        expires_at: credential.expires_at,
        overlap_until: credential.overlap_until,
    })
}

const fn kind(kind: TokenKind) -> CredentialKind {
    match kind {
        TokenKind::Personal => CredentialKind::PersonalToken,
        TokenKind::Legacy => CredentialKind::LegacyToken,
        TokenKind::ProjectKey => CredentialKind::ProjectKey,
        TokenKind::OrgKey => CredentialKind::OrgKey,
    }
}
