//! A small town: numbers stand for ids, digests and names.

use std::sync::Arc;

use hallpass_core::id::{GrantId, JobId, OrgId, ProjectId, TokenId, UserId};
use hallpass_core::permission::{PermissionTable, Permissions, implied};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::{Digest, Timestamp};
use hallpass_verdict::live::fact::{
    Client, Credential, Grant, Holder, Member, Org, Person, Principal, Project, Role,
};
use hallpass_verdict::{CredentialKind, Fact, Live, Presented, Rules};

/// The time of most tests.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// What JWTs here are made out for.
pub(crate) const API: &str = "https://api.example";

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.millis() + millis)
}

pub(crate) fn user(n: u8) -> UserId {
    UserId::from_bits(n.into())
}

pub(crate) fn org(n: u8) -> OrgId {
    OrgId::from_bits(n.into())
}

pub(crate) fn project(n: u8) -> ProjectId {
    ProjectId::from_bits(n.into())
}

pub(crate) fn token(n: u8) -> TokenId {
    TokenId::from_bits(u128::from(n))
}

pub(crate) fn grant(n: u8) -> GrantId {
    GrantId::from_bits(n.into())
}

/// What a token is looked up by.
pub(crate) fn digest(n: u8) -> Digest {
    Digest::of(&[n])
}

pub(crate) fn rules() -> Arc<Rules> {
    Rules::new(&PermissionTable::default(), false)
}

/// A complete image of these facts.
pub(crate) fn live(facts: Vec<Fact>) -> Live {
    let live = Live::new(rules());
    live.fill(facts);
    live.complete();
    live
}

pub(crate) fn person(n: u8) -> Person {
    let (email, name) = (format!("u{n}@example.com"), format!("U{n}"));
    Person { id: user(n), email, name, admin: false, disabled: false }
}

pub(crate) fn an_org(n: u8) -> Org {
    Org { id: org(n), slug: format!("o{n}"), disabled: false }
}

/// A project of an organization.
pub(crate) fn a_project(n: u8, of: u8) -> Project {
    Project { id: project(n), org: org(of), slug: format!("p{n}"), disabled: false }
}

pub(crate) fn client(n: u8) -> Client {
    let resources = vec![API.to_owned()];
    Client { id: format!("c{n}"), secret: Some(digest(200 + n)), resources, disabled: false }
}

pub(crate) fn in_org(who: u8, place: u8, role: OrgRole) -> Fact {
    let role = Role::Org(org(place), role);
    Fact::Member(Member { principal: Principal::User(user(who)), role })
}

pub(crate) fn in_project(who: u8, place: u8, role: ProjectRole) -> Fact {
    let role = Role::Project(project(place), role);
    Fact::Member(Member { principal: Principal::User(user(who)), role })
}

/// A personal token that nothing narrows.
pub(crate) fn personal(n: u8, of: u8) -> Credential {
    Credential {
        id: token(n),
        kind: CredentialKind::PersonalToken,
        digest: digest(n),
        principal: Principal::User(user(of)),
        name: "laptop".to_owned(),
        scope: None,
        projects: Vec::new(),
        bound: None,
        expires_at: None,
        overlap_until: None,
    }
}

/// A token of an older system: bound, and acting for itself.
pub(crate) fn legacy(n: u8, to: u8, role: ProjectRole) -> Credential {
    Credential {
        kind: CredentialKind::LegacyToken,
        principal: Principal::Key(token(n)),
        bound: Some(Role::Project(project(to), role)),
        ..personal(n, 0)
    }
}

/// All that a token can be for: what is bound to a place says no more than its role there has.
pub(crate) fn all_of(bound: Option<Role>) -> Permissions {
    let table = PermissionTable::default();
    match bound {
        None => table.all(),
        Some(Role::Project(_, role)) => table.of_project(role),
        Some(Role::Org(_, role)) => {
            let below = implied(role).map(|role| table.of_project(role)).unwrap_or_default();
            table.of_org(role).union(&below).cloned().collect()
        }
    }
}

pub(crate) fn a_grant(n: u8, of: u8, holder: u8) -> Grant {
    Grant {
        id: grant(n),
        holder: Holder::Person(user(of)),
        client_id: format!("c{holder}"),
        scope: "account openid project:read".parse().unwrap(),
        expires_at: None,
    }
}

/// The grant of a job that was let in to a project.
pub(crate) fn of_job(n: u8, to: u8, role: ProjectRole) -> Grant {
    let (id, name) = (JobId::from_bits(n.into()), format!("job {n}"));
    Grant { holder: Holder::Job { id, name, project: project(to), role }, ..a_grant(n, 1, 1) }
}

fn subject(of: &Grant) -> Principal {
    match &of.holder {
        Holder::Person(id) => Principal::User(*id),
        Holder::Agent(agent) => Principal::Agent(agent.id),
        Holder::Job { id, .. } => Principal::Job(*id),
    }
}

/// A JWT of that grant, made out for [`API`].
pub(crate) fn jwt(of: &Grant, n: u8) -> Presented {
    Presented {
        subject: subject(of),
        client_id: of.client_id.clone(),
        scope: of.scope.clone(),
        grant: of.id,
        audience: vec![API.to_owned()],
        jti: format!("jti_{n}"),
        auth_time: NOW,
        issued_at: at(-1000),
        not_before: None,
        expires_at: at(300_000),
        jkt: None,
    }
}
