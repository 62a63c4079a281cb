//! Organizations, projects, and roles in them.

use std::str::FromStr;

use hallpass_core::role::UnknownRole;
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::Actor;
use hallpass_issuer::{Issuer, Origin};
use hallpass_store::Store;

use super::{PORTION, find, said};
use crate::admin::command::orgs::{Command, Member, Org, Project};
use crate::admin::command::{Answer, Refused};

const OPERATOR: Actor<'_> = Actor::Operator;

pub(super) async fn execute(
    issuer: &Issuer,
    store: &Store,
    command: Command,
) -> Result<Answer, Refused> {
    let here = Origin::default();
    match command {
        Command::Create { slug, name, owner } => {
            let name = given(&name);
            let made = issuer.create_org(&slug, name, owner.as_deref(), &OPERATOR, &here).await?;
            let kept = store.orgs().by_slug(&made.slug).await?;
            kept.map(|org| Answer::OrgCreated(listed(org))).ok_or_else(gone)
        }
        Command::List => Ok(Answer::Orgs(orgs(store).await?.into_iter().map(listed).collect())),
        Command::Plan { org, plan } => {
            let set = issuer.set_plan(&OPERATOR, &org, &plan, &here).await?;
            let what = match &*set.plan {
                "" => format!("{} has no plan any more", set.slug),
                plan => format!("{} has the plan {plan} from now on", set.slug),
            };
            Ok(said(true, what))
        }
        Command::Archive { place } => {
            match split(&place) {
                (org, None) => issuer.archive_org(&OPERATOR, org, &here).await?,
                (org, Some(project)) => {
                    issuer.archive_project(&OPERATOR, (org, project), &here).await?;
                }
            }
            Ok(said(true, format!("{place} is archived; nobody has any rights in it")))
        }
        Command::Unarchive { place } => {
            match split(&place) {
                (org, None) => drop(issuer.unarchive_org(&OPERATOR, org, &here).await?),
                (org, Some(project)) => {
                    issuer.unarchive_project(&OPERATOR, (org, project), &here).await?;
                }
            }
            Ok(said(true, format!("{place} is back, with everything in it")))
        }
        Command::ProjectCreate { place, name } => {
            let (org, slug) = project_place(&place)?;
            let made = issuer.create_project(org, slug, given(&name), &OPERATOR, &here).await?;
            let kept = store.projects().by_slug(&made.org, &made.slug).await?;
            let kept = kept.map(|project| listed_project(&made.org, project));
            kept.map(Answer::ProjectCreated).ok_or_else(gone)
        }
        Command::ProjectList { org } => projects(store, org.as_deref()).await,
        Command::MemberSet { place, user, role } => set(issuer, &place, &user, &role).await,
        Command::MemberRemove { place, user, keys } => {
            let keys = super::keys_made(keys.as_deref())?;
            let (org, project) = split(&place);
            let who = find(store, &user).await?;
            let id = who.id.to_string();
            issuer.let_go(&OPERATOR, (org, project), &id, keys, &here).await?;
            Ok(said(true, format!("{} has no role of their own in {place} any more", who.email)))
        }
        Command::MemberList { place } => members(issuer, &place).await,
    }
}

async fn set(issuer: &Issuer, place: &str, user: &str, role: &str) -> Result<Answer, Refused> {
    let here = Origin::default();
    let (org, project) = split(place);
    let who = match project {
        None => {
            let role = read(role)?;
            issuer.set_org_member(&OPERATOR, org, user, role, &here).await?
        }
        Some(project) => {
            let role = read(role)?;
            issuer.set_project_member(&OPERATOR, org, project, user, role, &here).await?
        }
    };
    Ok(said(true, format!("{} is {role} of {place} from now on", who.email)))
}

async fn members(issuer: &Issuer, place: &str) -> Result<Answer, Refused> {
    let (org, project) = split(place);
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = issuer.members_of(&OPERATOR, org, project, cursor.as_deref(), PORTION).await?;
        all.extend(page.items.into_iter().map(|(user, role)| Member {
            user: user.id.to_string(),
            email: user.email,
            name: user.name,
            role: role.as_str().to_owned(),
        }));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(Answer::Members(all));
        }
    }
}

async fn orgs(store: &Store) -> Result<Vec<hallpass_store::Org>, Refused> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let portion = store.orgs().list(after, PORTION).await?;
        let Some(last) = portion.last() else { return Ok(all) };
        after = Some(last.id);
        all.extend(portion);
    }
}

async fn projects(store: &Store, org: Option<&str>) -> Result<Answer, Refused> {
    let of = match org {
        None => orgs(store).await?,
        Some(slug) => vec![store.orgs().by_slug(slug).await?.ok_or_else(|| {
            Refused::input(
                "there is no such organization; hallpass admin org list shows all of them",
            )
        })?],
    };
    let mut all = Vec::new();
    for org in of {
        let mut after = None;
        loop {
            let portion = store.projects().of_org(org.id, after, PORTION).await?;
            let Some(last) = portion.last() else { break };
            after = Some(last.id);
            all.extend(portion.into_iter().map(|it| listed_project(&org.slug, it)));
        }
    }
    Ok(Answer::Projects(all))
}

/// `ORG`, or `ORG/PROJECT`.
fn split(place: &str) -> (&str, Option<&str>) {
    place.split_once('/').map_or((place, None), |(org, project)| (org, Some(project)))
}

fn project_place(place: &str) -> Result<(&str, &str), Refused> {
    place.split_once('/').ok_or_else(|| Refused::input("a project is named ORG/PROJECT"))
}

fn read<R: FromStr<Err = UnknownRole>>(role: &str) -> Result<R, Refused> {
    role.parse().map_err(|error: UnknownRole| Refused::input(error.to_string()))
}

fn given(name: &str) -> Option<&str> {
    Some(name).filter(|name| !name.trim().is_empty())
}

fn gone() -> Refused {
    Refused::store("what was made is gone already; somebody else changed it at this moment")
}

fn listed(org: hallpass_store::Org) -> Org {
    Org {
        id: org.id.to_string(),
        slug: org.slug,
        name: org.name,
        plan: org.plan,
        created_at: org.created_at,
        disabled_at: org.disabled_at,
    }
}

fn listed_project(org: &str, project: hallpass_store::Project) -> Project {
    Project {
        id: project.id.to_string(),
        place: format!("{org}/{}", project.slug),
        name: project.name,
        created_at: project.created_at,
        disabled_at: project.disabled_at,
    }
}

impl From<OrgError> for Refused {
    fn from(error: OrgError) -> Self {
        match &error {
            OrgError::Failed(_) => Self::store(error.to_string()),
            OrgError::NoUser => Self::input(
                "there is no such user, or the account is disabled; hallpass admin user list shows all of them",
            ),
            OrgError::Unknown("organization") => Self::input(
                "there is no such organization; hallpass admin org list shows all of them",
            ),
            OrgError::Unknown("project") => Self::input(
                "there is no such project; hallpass admin project list shows all of them",
            ),
            OrgError::NoMember => Self::input(
                "they have no role of their own there; hallpass admin member list shows who has",
            ),
            _ => Self::input(error.to_string()),
        }
    }
}
