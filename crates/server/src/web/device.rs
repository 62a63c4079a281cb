//! `/device`: type the code, compare, decide (RFC 8628 §3.3, §5.4; HP11).
//!
//! ```text
//! GET  /device            the form; a code in the link fills it in, and no more (D12)
//! POST /device            looks the code up; wrong ones are counted
//! GET  /device/confirm    who asks, from where, since when; the code came by a cookie
//! POST /device/decision   approve or deny, bound to the code that was shown (D13)
//! GET  /device/approved, /device/denied
//! ```

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use hallpass_core::Secret;
use hallpass_core::wire::path::DEVICE_PAGE;
use hallpass_issuer::device::{Decided, DeviceDecision, DevicePrompt, UserCodeError};
use hallpass_issuer::{Origin, SignedIn};
use http::{HeaderMap, StatusCode};

use super::answer::{self, Page};
use super::csrf::{self, Purpose};
use super::home::query;
use super::jar::Jar;
use super::shown::Shown;
use super::views::{Device, DeviceConfirm, Network, Notice, ScopeLine, Way};
use super::when;
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

const CONFIRM: &str = "/device/confirm";
const DECISION: &str = "/device/decision";
const APPROVED: &str = "/device/approved";
const DENIED: &str = "/device/denied";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(DEVICE_PAGE, get(show).post(look_up))
        .route(CONFIRM, get(confirm))
        .route(DECISION, post(decide))
        .route(APPROVED, get(approved))
        .route(DENIED, get(denied))
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let here = request.uri().path_and_query().map_or(DEVICE_PAGE, |here| here.as_str());
    let (cookie, person) = answer::person(&visitor, &app, here)?;
    let query = query(request.uri());
    let typed = query.get("user_code").unwrap_or_default();
    Ok(form(&app, cookie, person, typed, None))
}

/// The form. With a `notice` the code was not good.
fn form(
    app: &App,
    cookie: &Secret,
    person: &SignedIn,
    user_code: &str,
    notice: Option<Notice>,
) -> Response {
    let rejected = notice.is_some();
    let view = Device {
        frame: answer::frame(app, Some(person)),
        csrf: csrf::token(app, cookie, Purpose::DeviceCode),
        user_code: Shown::typed(user_code),
        prefilled: !user_code.is_empty() && !rejected,
        rejected,
        letters: app.brand().grouping().letters(),
        notice,
    };
    let status = if rejected { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    answer::page(status, &view)
}

async fn look_up(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(params): Form,
) -> Page {
    let (cookie, person) =
        answer::posted(&visitor, &app, DEVICE_PAGE, Purpose::DeviceCode, &params)?;
    let typed = params.get("user_code").unwrap_or_default();
    if typed.trim().is_empty() {
        let notice = Notice::problem("The code is missing.", "Your terminal shows it.");
        return Ok(form(&app, cookie, person, "", Some(notice)));
    }
    Ok(match app.issuer().device_prompt(person, typed, &origin).await {
        Ok(prompt) => match Jar::Device.keep(&app, &prompt.grouped_code) {
            Some(kept) => answer::with_cookie(answer::see_other(CONFIRM), kept),
            None => see_confirmation(&app, cookie, person, &prompt, &origin),
        },
        Err(error) => refused(&app, cookie, person, typed, &error),
    })
}

fn refused(
    app: &App,
    cookie: &Secret,
    person: &SignedIn,
    typed: &str,
    error: &UserCodeError,
) -> Response {
    match error {
        UserCodeError::Wrong => {
            let notice = Notice::problem(
                "No sign-in is waiting for this code.",
                "It may be mistyped, decided already or expired. Compare it with your terminal, or start again there.",
            );
            form(app, cookie, person, typed, Some(notice))
        }
        UserCodeError::TooMany { retry_after } => answer::too_many(
            app,
            Some(person),
            "There were too many wrong codes",
            "Nothing was approved, and the sign-in in your terminal still waits until its code expires.",
            *retry_after,
        ),
        UserCodeError::Failed(error) => failure::page(app, error),
    }
}

async fn confirm(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    headers: HeaderMap,
) -> Page {
    let (cookie, person) = answer::person(&visitor, &app, DEVICE_PAGE)?;
    let Some(code) = Jar::Device.read(&app, &headers) else {
        return Ok(answer::see_other(DEVICE_PAGE));
    };
    Ok(match app.issuer().device_prompt(person, code.expose(), &origin).await {
        Ok(prompt) => see_confirmation(&app, cookie, person, &prompt, &origin),
        Err(error) => {
            // A code that is over must not be counted as a wrong one at every reload.
            let response = refused(&app, cookie, person, "", &error);
            answer::with_cookie(response, Jar::Device.forget(&app))
        }
    })
}

/// Who asks, as far as this server knows, and as the requester says (D10, D11, HP11).
fn see_confirmation(
    app: &App,
    cookie: &Secret,
    person: &SignedIn,
    prompt: &DevicePrompt,
    origin: &Origin,
) -> Response {
    let reported = &prompt.reported;
    let view = DeviceConfirm {
        frame: answer::frame(app, Some(person)),
        csrf: csrf::token(app, cookie, Purpose::DeviceDecision(&prompt.grouped_code)),
        client_name: Shown::new(&prompt.client_name),
        client_id: Shown::new(&prompt.client_id),
        email: Shown::new(&person.user.email),
        grouped_code: prompt.grouped_code.clone(),
        network: match prompt.same_network {
            Some(true) => Network::Same,
            Some(false) => Network::Other,
            None => Network::Unknown,
        },
        address: prompt.address.map(|address| address.to_string()),
        your_address: origin.address.map(|address| address.to_string()),
        requested_at: prompt.requested_at.to_rfc3339(),
        age: when::ago(prompt.age),
        expires_in: when::at_least(prompt.expires_in),
        scopes: ScopeLine::all(&prompt.scopes),
        resources: prompt.resources.iter().map(|resource| Shown::new(resource)).collect(),
        host: Shown::some(reported.host.as_deref()),
        user: Shown::some(reported.user.as_deref()),
        command: Shown::some(reported.command.as_deref()),
    };
    answer::page(StatusCode::OK, &view)
}

async fn decide(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(params): Form,
) -> Page {
    let code = params.get("user_code").unwrap_or_default();
    let (cookie, person) =
        answer::posted(&visitor, &app, DEVICE_PAGE, Purpose::DeviceDecision(code), &params)?;
    let decision = match params.get("decision") {
        Some("approve") => DeviceDecision::Approve,
        Some("deny") => DeviceDecision::Deny,
        // A form without a decision decides nothing.
        _ => return Ok(answer::see_other(CONFIRM)),
    };
    let response = match app.issuer().device_decide(person, code, decision, &origin).await {
        Ok(Decided::Approved { .. }) => answer::see_other(APPROVED),
        Ok(Decided::Denied { .. }) => answer::see_other(DENIED),
        Ok(Decided::TooLate) | Err(UserCodeError::Wrong) => too_late(&app, person),
        Err(error) => refused(&app, cookie, person, "", &error),
    };
    Ok(answer::with_cookie(response, Jar::Device.forget(&app)))
}

fn too_late(app: &App, person: &SignedIn) -> Response {
    let lines = [
        "It was decided before, in another tab perhaps, or its time was over. Nothing was changed now.",
        "If the terminal still waits, start again there: it shows a fresh code.",
    ];
    let way = Way { href: DEVICE_PAGE.to_owned(), label: "Enter another code" };
    let heading = "This code is no longer waiting";
    let mut response = answer::outcome(app, Some(person), "too-late", heading, &lines, Some(way));
    *response.status_mut() = StatusCode::CONFLICT;
    response
}

async fn approved(State(app): State<App>, visitor: Visitor) -> Response {
    let lines = [
        "Your terminal goes on by itself in a few seconds. You can close this page.",
        "You can end this sign-in at any time.",
    ];
    let way = Way { href: "/settings/sessions".to_owned(), label: "See browsers and programs" };
    let person = visitor.signed_in.as_ref();
    answer::outcome(&app, person, "approved", "Approved", &lines, Some(way))
}

async fn denied(State(app): State<App>, visitor: Visitor) -> Response {
    let lines = [
        "Nobody was signed in. The program that asked is told so.",
        "If you did not start it: somebody may have tried to get into your account. Do not enter codes that others send you.",
    ];
    let person = visitor.signed_in.as_ref();
    answer::outcome(&app, person, "denied", "Denied", &lines, None)
}
