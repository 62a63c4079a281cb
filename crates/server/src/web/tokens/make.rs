//! Making a token.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::{CreatedToken, NewToken, Project};
use hallpass_issuer::Origin;
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::{Actor, TokenError};
use http::StatusCode;

use super::super::answer::{self, Page};
use super::super::csrf::{self, Purpose};
use super::super::setup::sentence;
use super::super::shown::Shown;
use super::super::views::Notice;
use super::super::when;
use super::desk::{Desk, Named};
use super::expiry::{self, Expiry};
use super::narrowing::{self, Narrowing, TICKABLE};
use super::reveal::{Revealed, reveal};
use super::views::New;
use super::{HERE, at_both, lines};
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

const NEW: &str = "/new";
const KEPT: &str = "No token was made.";
/// A form that made something was sent again.
pub(in crate::web) const SENT_BEFORE: &str =
    "A token is shown once, when it is made. Sending the form again made no other one.";
/// Tokens without a name that may be made in a day: they are numbered.
const UNNAMED: u32 = 200;

pub(super) fn routes() -> Router<App> {
    at_both(NEW, || get(show).post(make))
}

async fn show(State(app): State<App>, visitor: Visitor, named: Named) -> Page {
    let desk = Desk::visit(&app, &visitor, &named, NEW).await?;
    let blank = Blank { desk: &desk, form: &Params::default() };
    let expiry = Expiry::fresh(app.clock().now());
    Ok(blank.page(&app, StatusCode::OK, None, expiry, false).await)
}

/// A form that is to be filled in, for the first time or again.
struct Blank<'a> {
    desk: &'a Desk<'a>,
    form: &'a Params,
}

impl Blank<'_> {
    async fn page(
        &self,
        app: &App,
        status: StatusCode,
        notice: Option<Notice>,
        expiry: Expiry,
        rejected: bool,
    ) -> Response {
        let desk = self.desk;
        let projects = match projects(desk).await {
            Ok(projects) => projects,
            Err(OrgError::Failed(error)) => return failure::page(app, &error),
            // Left an organization meanwhile: there is nothing to tick.
            Err(_) => Vec::new(),
        };
        let once = app.once().word(app.random());
        let owner = desk.owner().id.to_string();
        let view = New {
            frame: answer::frame(app, Some(desk.person)),
            here: HERE,
            sign: desk.sign(),
            notice,
            csrf: csrf::token(app, desk.cookie, Purpose::NewToken(&owner, &once)),
            once,
            name: Shown::typed(self.form.get("name").unwrap_or_default()),
            rejected,
            expiry,
            narrowing: Narrowing::of(app.brand(), &projects, self.form),
        };
        answer::page(status, &view)
    }

    /// The form again, as it was filled in, with what is wrong with it.
    async fn again(&self, app: &App, what: String, next: &str, rejected: bool) -> Response {
        let notice = Notice::problem(what, next);
        let expiry = Expiry::typed(app.clock().now(), self.form);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        self.page(app, status, Some(notice), expiry, rejected).await
    }
}

async fn make(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    named: Named,
    Form(form): Form,
) -> Page {
    let desk = Desk::post(&app, &visitor, &named, NEW).await?;
    let once = form.get("form").unwrap_or_default();
    let owner = desk.owner().id.to_string();
    let purpose = Purpose::NewToken(&owner, once);
    csrf::check(&app, Some(desk.cookie), purpose, &form)?;
    if !app.once().is_of_now(once) {
        return Ok(desk.sent_before(SENT_BEFORE));
    }
    let blank = Blank { desk: &desk, form: &form };
    let expires_at = match expiry::read(&form, app.clock().now()) {
        Ok(end) => end,
        Err(bad) => return Ok(blank.again(&app, KEPT.to_owned(), bad.next(), false).await),
    };
    let (scope, projects) = narrowing::read(app.brand(), &form);
    let name = form.get("name").unwrap_or_default().trim().to_owned();
    let wanted = NewToken { name, expires_at, scope, projects, user: desk.owner_id() };
    if !app.once().take(once, app.clock()) {
        return Ok(desk.sent_before(SENT_BEFORE));
    }
    let refusal = match create(&desk, wanted, &origin).await {
        Ok(made) => return Ok(shown_once(&desk, &made, None)),
        Err(error) => error,
    };
    // Nothing was made, so the form may be corrected and sent again, by the back button too.
    app.once().give_back(once);
    Ok(match refusal {
        TokenError::NameTaken => {
            let whose = if desk.owner_id().is_some() { "They have" } else { "You have" };
            let what = format!("{whose} a token of that name already.");
            blank.again(&app, what, "No token was made. Choose another name.", true).await
        }
        TokenError::Invalid { why, .. } => blank.again(&app, sentence(&why), KEPT, false).await,
        error => desk.refused(error),
    })
}

/// The projects in which the owner has a role, and which a token can be narrowed to; one
/// more than can be ticked says that there are more.
async fn projects(desk: &Desk<'_>) -> Result<Vec<Project>, OrgError> {
    // What its owner sees, whoever looks: a token reaches no further than its owner.
    let (issuer, owner) = (desk.app.issuer(), Actor::Person(desk.owner()));
    let mut found = Vec::new();
    for org in issuer.orgs_of(&owner).await? {
        let most = u32::try_from(TICKABLE + 1).unwrap_or(u32::MAX);
        let page = issuer.projects_of(&owner, &org.slug, None, most).await?;
        found.extend(page.items.into_iter().filter(|project| project.role.is_some()));
        if found.len() > TICKABLE {
            break;
        }
    }
    Ok(found)
}

/// Makes it. A token without a name is named after the day.
async fn create(
    desk: &Desk<'_>,
    wanted: NewToken,
    origin: &Origin,
) -> Result<CreatedToken, TokenError> {
    let (app, actor) = (desk.app, desk.actor());
    if !wanted.name.is_empty() {
        return app.issuer().create_token(&actor, wanted, origin).await;
    }
    let today = format!("Token of {}", when::day(app.clock().now()));
    for number in 1..=UNNAMED {
        let name = if number == 1 { today.clone() } else { format!("{today} ({number})") };
        let named = NewToken { name, ..wanted.clone() };
        match app.issuer().create_token(&actor, named, origin).await {
            Err(TokenError::NameTaken) => {}
            other => return other,
        }
    }
    Err(TokenError::NameTaken)
}

/// Shows the text of a token that was just made.
pub(super) fn shown_once(desk: &Desk<'_>, made: &CreatedToken, old: Option<String>) -> Response {
    let (sign, token) = (desk.sign(), &made.token);
    let rotated = token.rotated_from.is_some();
    let heading = match (&sign.owner, rotated) {
        (None, false) => "Your new token".to_owned(),
        (None, true) => "The new text of".to_owned(),
        (Some(owner), false) => format!("The new token of {owner}:"),
        (Some(owner), true) => format!("The new text of {owner}’s token"),
    };
    let shown = Revealed {
        outcome: if rotated { "rotated" } else { "made" },
        heading,
        name: &token.name,
        value: &made.value,
        may: narrowing::summary(
            desk.app.brand(),
            sign.you(),
            token.scope.as_ref(),
            &token.projects,
        ),
        ends: lines::end(token),
        old,
        next: desk.base.clone(),
        sign,
    };
    reveal(desk.app, desk.person, shown)
}
