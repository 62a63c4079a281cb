//! Making a token, and the page that shows its text once.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use hallpass_core::Secret;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::{CreatedToken, NewToken, Project};
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::{Actor, TokenError};
use hallpass_issuer::{Origin, SignedIn};
use http::StatusCode;

use super::super::answer;
use super::super::csrf::{self, Purpose};
use super::super::setup::sentence;
use super::super::shown::Shown;
use super::super::views::Notice;
use super::super::when;
use super::expiry::{self, Expiry};
use super::narrowing::{self, Narrowing, TICKABLE};
use super::views::{New, ShownOnce};
use super::{HERE, lines, refused, sent_before};
use crate::app::App;
use crate::http::headers::OUR_SCRIPT;
use crate::http::{Form, Peer, Visitor, failure};

const NEW: &str = "/settings/tokens/new";
const KEPT: &str = "No token was made.";
const SENT_BEFORE: &str =
    "A token is shown once, when it is made. Sending the form again made no other one.";
/// Tokens without a name that may be made in a day: they are numbered.
const UNNAMED: u32 = 200;

pub(super) fn routes() -> Router<App> {
    Router::new().route(NEW, get(show).post(make))
}

async fn show(State(app): State<App>, visitor: Visitor) -> Response {
    let (cookie, person) = match answer::person(&visitor, &app, NEW) {
        Ok(known) => known,
        Err(signed_out) => return *signed_out,
    };
    let blank = Blank { cookie, person, form: &Params::default() };
    let expiry = Expiry::fresh(app.clock().now());
    blank.page(&app, StatusCode::OK, None, expiry, false).await
}

/// A form that is to be filled in, for the first time or again.
struct Blank<'a> {
    cookie: &'a Secret,
    person: &'a SignedIn,
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
        let projects = match projects(app, self.person).await {
            Ok(projects) => projects,
            Err(OrgError::Failed(error)) => return failure::page(app, &error),
            // Left an organization meanwhile: there is nothing to tick.
            Err(_) => Vec::new(),
        };
        let once = app.once().word(app.random());
        let view = New {
            frame: answer::frame(app, Some(self.person)),
            here: HERE,
            notice,
            csrf: csrf::token(app, self.cookie, Purpose::NewToken(&once)),
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
    Form(form): Form,
) -> Response {
    let (cookie, person) = match answer::poster(&visitor, &app, NEW) {
        Ok(known) => known,
        Err(signed_out) => return *signed_out,
    };
    let once = form.get("form").unwrap_or_default();
    if let Err(refusal) = csrf::check(&app, Some(cookie), Purpose::NewToken(once), &form) {
        return *refusal;
    }
    if !app.once().is_of_now(once) {
        return sent_before(&app, person, SENT_BEFORE);
    }
    let blank = Blank { cookie, person, form: &form };
    let expires_at = match expiry::read(&form, app.clock().now()) {
        Ok(end) => end,
        Err(bad) => return blank.again(&app, KEPT.to_owned(), bad.next(), false).await,
    };
    let (scope, projects) = narrowing::read(app.brand(), &form);
    let name = form.get("name").unwrap_or_default().trim().to_owned();
    let wanted = NewToken { name, expires_at, scope, projects, user: None };
    if !app.once().take(once, app.clock()) {
        return sent_before(&app, person, SENT_BEFORE);
    }
    let refusal = match create(&app, person, wanted, &origin).await {
        Ok(made) => return shown_once(&app, person, &made, None),
        Err(error) => error,
    };
    // Nothing was made, so the form may be corrected and sent again, by the back button too.
    app.once().give_back(once);
    match refusal {
        TokenError::NameTaken => {
            let what = "You have a token of that name already.".to_owned();
            blank.again(&app, what, "No token was made. Choose another name.", true).await
        }
        TokenError::Invalid { why, .. } => blank.again(&app, sentence(&why), KEPT, false).await,
        error => refused(&app, person, error),
    }
}

/// The projects in which a person has a role, and which a token can be narrowed to; one
/// more than can be ticked says that there are more.
async fn projects(app: &App, person: &SignedIn) -> Result<Vec<Project>, OrgError> {
    let actor = Actor::Person(&person.user);
    let mut found = Vec::new();
    for org in app.issuer().orgs_of(&actor).await? {
        let most = u32::try_from(TICKABLE + 1).unwrap_or(u32::MAX);
        let page = app.issuer().projects_of(&actor, &org.slug, None, most).await?;
        found.extend(page.items.into_iter().filter(|project| project.role.is_some()));
        if found.len() > TICKABLE {
            break;
        }
    }
    Ok(found)
}

/// Makes it. A token without a name is named after the day.
async fn create(
    app: &App,
    person: &SignedIn,
    wanted: NewToken,
    origin: &Origin,
) -> Result<CreatedToken, TokenError> {
    let actor = Actor::Person(&person.user);
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

/// The one page that has a token's text.
pub(super) fn shown_once(
    app: &App,
    person: &SignedIn,
    made: &CreatedToken,
    old: Option<String>,
) -> Response {
    let brand = app.brand();
    let rotated = made.token.rotated_from.is_some();
    let view = ShownOnce {
        frame: answer::frame(app, Some(person)),
        here: HERE,
        script: app.assets().copy(),
        outcome: if rotated { "rotated" } else { "made" },
        heading: if rotated { "The new text of" } else { "Your new token" },
        name: Shown::new(&made.token.name),
        value: made.value.expose().to_owned(),
        may: narrowing::summary(brand, made.token.scope.as_ref(), &made.token.projects),
        ends: lines::end(&made.token),
        old,
        variable: brand.variable("TOKEN"),
        tool: brand.name.clone(),
    };
    let mut response = answer::page(StatusCode::OK, &view);
    let (name, value) = OUR_SCRIPT;
    response.headers_mut().insert(name, value);
    response
}
