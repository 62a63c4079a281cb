//! `/admin/keys`: keys that sign tokens, and making the next ones.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use hallpass_core::Timestamp;
use hallpass_issuer::admin::AdminError;
use hallpass_store::SigningKey;
use http::StatusCode;

use super::super::answer::Page;
use super::super::csrf::Purpose;
use super::super::home::query;
use super::super::setup::sentence;
use super::super::views::{Frame, Notice};
use super::super::{answer, when};
use super::Administrator;
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

const PAGE: &str = "/admin/keys";

pub(super) fn routes() -> Router<App> {
    Router::new().route(PAGE, get(show)).route("/admin/keys/rotate", post(rotate))
}

struct Line {
    id: String,
    alg: String,
    badge: (&'static str, &'static str),
    about: String,
}

#[derive(Template)]
#[template(path = "admin/keys.html")]
struct View {
    frame: Frame,
    here: &'static str,
    notice: Option<Notice>,
    csrf: String,
    keys: Vec<Line>,
}

async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let administrator = Administrator::visit(&app, &visitor, PAGE)?;
    let notice = match query(request.uri()).get("done").unwrap_or_default() {
        "next" => Some(Notice::done("The next keys are published.", "They sign in a while.")),
        "now" => Some(Notice::done(
            "New keys sign from now on.",
            "Nothing that the old ones signed is good any more.",
        )),
        _ => None,
    };
    Ok(page(&administrator, StatusCode::OK, notice).await)
}

async fn page(
    administrator: &Administrator<'_>,
    status: StatusCode,
    notice: Option<Notice>,
) -> Response {
    let keys = match administrator.app.issuer().signing_keys().await {
        Ok(keys) => keys,
        Err(error) => return failure::page(administrator.app, &error),
    };
    let now = administrator.app.issuer().now();
    let view = View {
        frame: administrator.frame(),
        here: "keys",
        notice,
        csrf: administrator.csrf(Purpose::Operate("keys")),
        keys: keys.iter().rev().map(|key| line(key, now)).collect(),
    };
    answer::page(status, &view)
}

fn line(key: &SigningKey, now: Timestamp) -> Line {
    let published = key.published_until.is_none_or(|until| now < until);
    let badge = match (key.signs(now), now < key.signs_from, published) {
        (true, ..) => ("good", "Signs"),
        (_, true, _) => ("quiet", "Next"),
        (.., true) => ("quiet", "Only published"),
        (.., false) => ("quiet", "Over"),
    };
    let mut about =
        format!("Made {}, signs from {}", when::date(key.created_at), when::moment(key.signs_from));
    if let Some(until) = key.signs_until {
        about.push_str(&format!(" to {}", when::moment(until)));
    }
    about.push('.');
    Line { id: key.id.to_string(), alg: key.alg.clone(), badge, about }
}

async fn rotate(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    Form(form): Form,
) -> Page {
    let administrator = Administrator::post(&app, &visitor, PAGE, Purpose::Operate("keys"), &form)?;
    let now = form.get("now") == Some("yes");
    Ok(match app.issuer().rotate_signing_keys_for(now, &administrator.actor(), &origin).await {
        Ok(_) => answer::see_other(&format!("{PAGE}?done={}", if now { "now" } else { "next" })),
        Err(AdminError::Failed(error)) => failure::page(&app, &error),
        Err(error) => {
            let notice = Notice::problem(sentence(&error.to_string()), "Nothing was changed.");
            page(&administrator, StatusCode::CONFLICT, Some(notice)).await
        }
    })
}
