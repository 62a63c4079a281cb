//! Making one more token of the older system's kind, in phase A alone: for a program that
//! cannot take another kind yet.

use axum::extract::{Path, State};
use axum::response::Response;
use hallpass_core::role::ProjectRole;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::NewLegacyToken;
use hallpass_issuer::legacy::MintError;
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::TokenError;
use http::StatusCode;

use super::super::answer::Page;
use super::super::csrf::{self, Purpose};
use super::super::orgs::{Named, Office};
use super::super::setup::sentence;
use super::super::shown::Shown;
use super::super::tokens::{Revealed, SENT_BEFORE, Sign, reveal};
use super::super::views::{Notice, Way};
use super::super::{answer, when};
use super::{TOKENS, at, lines, page};
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

const KEPT: &str = "No token was made.";

/// The form, for the first time or as it was filled in.
#[derive(Clone, Debug)]
pub(super) struct Blank {
    pub(super) csrf: String,
    /// Makes the form act once.
    pub(super) once: String,
    pub(super) name: Shown,
    pub(super) viewer: bool,
    /// It is to be seen: something in it was wrong.
    pub(super) open: bool,
}

impl Blank {
    /// A form at this project, filled in with what was typed.
    pub(super) fn at(office: &Office<'_>, typed: Option<&Params>) -> Self {
        let once = office.app.once().word(office.app.random());
        let typed_in = |name| typed.and_then(|form| form.get(name)).unwrap_or_default();
        Self {
            csrf: csrf::token(
                office.app,
                office.cookie,
                Purpose::NewLegacy(&office.place(), &once),
            ),
            once,
            name: Shown::typed(typed_in("name")),
            viewer: typed_in("role") == "viewer",
            open: typed.is_some(),
        }
    }
}

/// Whoever comes to the address of the form by hand.
pub(super) async fn back(Path((org, project)): Path<(String, String)>) -> Response {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if plain(&org) && plain(&project) {
        return answer::see_other(&format!("/orgs/{org}/projects/{project}/tokens"));
    }
    answer::see_other("/")
}

pub(super) async fn make(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    named: Named,
    Form(form): Form,
) -> Page {
    let office = Office::post(&TOKENS, (&app, &visitor), &named).await?;
    let place = office.place();
    let once = form.get("form").unwrap_or_default();
    let purpose = Purpose::NewLegacy(&place, once);
    csrf::check(&app, Some(office.cookie), purpose, &form)?;
    if !app.once().is_of_now(once) || !app.once().take(once, app.clock()) {
        return Ok(sent_before(&office));
    }
    let name = form.get("name").unwrap_or_default().trim().to_owned();
    let viewer = form.get("role") == Some("viewer");
    let role = Some(if viewer { ProjectRole::Viewer } else { ProjectRole::Collaborator });
    let wanted = NewLegacyToken { name, role };
    let actor = office.actor();
    let error = match app.issuer().mint_legacy(&actor, at(&office), wanted, &origin).await {
        Ok(made) => {
            let ends = made.expires_at.map_or("Never by itself".to_owned(), when::moment);
            let may = format!("what a {} of {} may", lines::role(Some(made.role)), made.project);
            let shown = Revealed {
                outcome: "made",
                heading: format!("The new token of {}:", made.project),
                name: &made.name,
                value: &made.value,
                may: Shown::typed(&may),
                ends,
                old: None,
                next: office.base.clone(),
                sign: Sign::place(&office.base, &made.project),
            };
            return Ok(reveal(&app, office.person, shown));
        }
        Err(error) => error,
    };
    // Nothing was made, so the form may be corrected and sent again.
    app.once().give_back(once);
    Ok(match error {
        MintError::Token(TokenError::Invalid { why, .. }) => {
            let notice = Notice::problem(sentence(&why), KEPT);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            page(&office, status, Some(notice), Some(&form)).await
        }
        MintError::Over(_) => {
            let what = "None of this kind is made here any more.";
            let notice = Notice::problem(what, "No token was made. Make a personal one instead.");
            page(&office, StatusCode::CONFLICT, Some(notice), None).await
        }
        MintError::Token(TokenError::Failed(error)) | MintError::Place(OrgError::Failed(error)) => {
            failure::page(&app, &error)
        }
        MintError::Token(_) | MintError::Place(_) => office.nothing(),
    })
}

fn sent_before(office: &Office<'_>) -> Response {
    let way = Some(Way { href: office.base.clone(), label: "All tokens of the project" });
    answer::sent_before(office.app, office.person, "token", SENT_BEFORE, way)
}
