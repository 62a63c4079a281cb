//! Who has which role at a place, and what is done about it: the same on the page of an
//! organization's members and on that of a project.

use axum::response::Response;
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::{Invitation, NewInvitation};
use hallpass_issuer::Origin;
use hallpass_issuer::orgs::{MEMBERS_MANAGE, OrgError};
use hallpass_store::{KeysMade, Role, User};
use http::StatusCode;

use super::super::answer;
use super::super::csrf::{self, Purpose};
use super::super::shown::Shown;
use super::super::when;
use super::deed::Deed;
use super::{Nav, Seat};
use askama::Template;

use super::super::views::Frame;

/// People on a page.
const SHOWN: u32 = 50;

/// Somebody with a role.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) email: Shown,
    pub(super) name: Shown,
    pub(super) role: &'static str,
    pub(super) you: bool,
    pub(super) disabled: bool,
    /// Their role is not above one's own, and they are not oneself.
    pub(super) manageable: bool,
}

/// A role that can be given.
pub(super) struct Choice {
    pub(super) word: &'static str,
    pub(super) about: &'static str,
}

/// An open invitation.
pub(super) struct Invited {
    pub(super) id: String,
    pub(super) email: Shown,
    pub(super) role: String,
    pub(super) by: Shown,
    pub(super) mailed: bool,
    pub(super) ends_at: String,
    pub(super) ends: String,
}

/// What `orgs/people.html` shows.
pub(super) struct People {
    /// `ORG`, or `ORG/PROJECT`; plain by its making.
    pub(super) place: String,
    /// Where the page is, and where its forms are sent.
    pub(super) base: String,
    pub(super) csrf: String,
    pub(super) members: Vec<Line>,
    pub(super) more: Option<String>,
    /// It is not the first page.
    pub(super) further: bool,
    pub(super) manages: bool,
    pub(super) roles: Vec<Choice>,
    pub(super) invitations: Vec<Invited>,
    /// The address that was typed, to be corrected.
    pub(super) typed: Shown,
    pub(super) removal: String,
    pub(super) nobody: String,
    pub(super) leaving: String,
    /// They have a role of their own here to give up.
    pub(super) own: bool,
    /// What the keys are called that they made here.
    pub(super) made: Vec<Shown>,
}

/// The link, shown once.
#[derive(Template)]
#[template(path = "orgs/invited.html")]
struct View {
    frame: Frame,
    nav: Nav,
    here: &'static str,
    email: Shown,
    link: Option<String>,
    place: String,
    role: String,
    ends: String,
    next: String,
}

impl People {
    /// Of the place where somebody stands, from `after` on.
    pub(super) async fn at(
        seat: &Seat<'_>,
        after: Option<&str>,
        typed: &str,
    ) -> Result<Self, OrgError> {
        let (issuer, actor) = (seat.app.issuer(), seat.actor());
        let (org, project) = seat.names();
        let cursor = after.filter(|after| after.starts_with("usr_"));
        let found = issuer.members_of(&actor, org, project, cursor, SHOWN).await?;
        let manages = seat.may(MEMBERS_MANAGE);
        let open = match manages {
            true => issuer.invitations_of(&actor, (org, project), None, 200).await?.items,
            false => Vec::new(),
        };
        let own = match &seat.standing.project {
            None => seat.standing.org.role.is_some(),
            Some(_) => issuer.has_own_role(&seat.person.user, org, project).await?,
        };
        let made = match own {
            true => issuer.own_keys_at(&seat.person.user, org, project).await?,
            false => Vec::new(),
        };
        let base = seat.home();
        let in_org = project.is_none();
        let word = &seat.app.brand().words.project;
        Ok(Self {
            place: seat.place(),
            csrf: csrf::token(seat.app, seat.cookie, Purpose::Place(seat.id())),
            members: found.items.into_iter().map(|it| line(seat, it)).collect(),
            more: found.next_cursor.map(|next| format!("{base}?after={next}")),
            further: cursor.is_some(),
            manages,
            roles: choices(seat),
            invitations: open.into_iter().map(invited).collect(),
            typed: Shown::typed(typed),
            removal: match in_org {
                true => format!(
                    "They lose this role at once, and with it the {word}s that came with it. Roles \
                     that they were given in single {word}s stay."
                ),
                false => "They lose this role at once. One in the organization stays.".to_owned(),
            },
            nobody: match in_org {
                true => "Nobody.".to_owned(),
                false => format!("Nobody was given a role in this {word} alone."),
            },
            leaving: match in_org {
                true => format!(
                    "You lose your role here at once, and with it the {word}s that came with it. \
                     Roles that you were given in single {word}s stay."
                ),
                false => format!(
                    "You lose your role in this {word} at once. Somebody has to invite you to come \
                     back."
                ),
            },
            own,
            made: made.iter().map(|name| Shown::new(name)).collect(),
            base,
        })
    }
}

fn line(seat: &Seat<'_>, (user, role): (User, Role)) -> Line {
    let you = user.id == seat.person.user.id;
    let outranked = match role {
        Role::Org(role) => seat.standing.org.role.is_some_and(|own| own >= role),
        Role::Project(_, role) => {
            let own = seat.standing.project.as_ref().and_then(|project| project.role);
            own.is_some_and(|own| own >= role)
        }
    };
    Line {
        id: user.id.to_string(),
        email: Shown::new(&user.email),
        name: Shown::new(&user.name),
        role: match role {
            Role::Org(role) => role.as_str(),
            Role::Project(_, role) => role.as_str(),
        },
        you,
        disabled: user.disabled_at.is_some(),
        manageable: outranked && !you,
    }
}

/// The roles that this person may give here, the lowest first.
fn choices(seat: &Seat<'_>) -> Vec<Choice> {
    let org = [
        (OrgRole::Member, "sees it, and the projects that they are given a role in"),
        (OrgRole::Admin, "manages people and projects, and owns every project"),
        (OrgRole::Owner, "manages everything, its end included"),
    ];
    let project = [
        (ProjectRole::Viewer, "reads"),
        (ProjectRole::Collaborator, "reads and publishes"),
        (ProjectRole::Owner, "also manages people, tokens and settings"),
    ];
    match &seat.standing.project {
        None => {
            let own = seat.standing.org.role;
            let given = org.into_iter().filter(|(role, _)| own.is_some_and(|own| own >= *role));
            given.map(|(role, about)| Choice { word: role.as_str(), about }).collect()
        }
        Some(found) => {
            let given = project.into_iter();
            let given = given.filter(|(role, _)| found.role.is_some_and(|own| own >= *role));
            given.map(|(role, about)| Choice { word: role.as_str(), about }).collect()
        }
    }
}

fn invited(it: Invitation) -> Invited {
    Invited {
        id: it.id,
        email: Shown::new(&it.email),
        role: it.role,
        by: Shown::new(&it.invited_by),
        mailed: it.mailed,
        ends_at: it.expires_at.to_string(),
        ends: when::moment(it.expires_at),
    }
}

/// Does what a form of `orgs/people.html` asks for; `None` if it is none of those.
pub(super) async fn act(
    seat: &Seat<'_>,
    act: &str,
    form: &Params,
    origin: &Origin,
) -> Result<Option<Deed>, OrgError> {
    let (issuer, actor) = (seat.app.issuer(), seat.actor());
    let (org, project) = seat.names();
    let field = |name| form.get(name).unwrap_or_default();
    let user = field("user");
    Ok(Some(match act {
        "role" => {
            match project {
                None => {
                    let role = role(field("role"))?;
                    issuer.set_org_member(&actor, org, user, role, origin).await?;
                }
                Some(project) => {
                    let role = role(field("role"))?;
                    let at = (org, project);
                    issuer.set_project_member(&actor, at.0, at.1, user, role, origin).await?;
                }
            }
            Deed::Done("role")
        }
        "remove" => {
            issuer.let_go(&actor, (org, project), user, keys_made(form), origin).await?;
            Deed::Done("removed")
        }
        "revoke" => {
            let id = field("invitation");
            issuer.revoke_invitation(&actor, (org, project), id, origin).await?;
            Deed::Done("revoked")
        }
        "leave" => {
            issuer.leave(&actor, (org, project), keys_made(form), origin).await?;
            Deed::Go("/orgs?done=left".to_owned())
        }
        "invite" => {
            let new = NewInvitation {
                email: field("email").trim().to_owned(),
                role: field("role").to_owned(),
            };
            let made = issuer.invite(&actor, (org, project), &new, origin).await?;
            Deed::Answer(Box::new(shown_once(seat, made)))
        }
        _ => return Ok(None),
    }))
}

/// What a form says about the keys that somebody made who goes.
pub(in crate::web) fn keys_made(form: &Params) -> KeysMade {
    match form.get("keys") {
        Some("keep") => KeysMade::Keep,
        Some("revoke") => KeysMade::Revoke,
        _ => KeysMade::NotAsked,
    }
}

fn role<R: std::str::FromStr>(word: &str) -> Result<R, OrgError> {
    word.parse().map_err(|_| OrgError::Invalid {
        code: "invalid_role",
        why: "choose one of the roles".into(),
    })
}

fn shown_once(seat: &Seat<'_>, made: hallpass_core::wire::tokens::CreatedInvitation) -> Response {
    let view = View {
        frame: answer::frame(seat.app, Some(seat.person)),
        nav: seat.nav(),
        here: "members",
        email: Shown::new(&made.invitation.email),
        link: made.link.map(|link| link.expose().to_owned()),
        place: seat.place(),
        role: made.invitation.role,
        ends: when::moment(made.invitation.expires_at),
        next: seat.home(),
    };
    answer::page(StatusCode::OK, &view)
}
