//! `/admin/audit`: the log of changes, for administrators; `/orgs/…/audit`: what happened in an
//! organization, for its owners and admins. To everybody else there are no such pages.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hallpass_core::Timestamp;
use hallpass_core::wire::audit::Row;
use hallpass_core::wire::params::Params;
use hallpass_issuer::SignedIn;
use hallpass_issuer::admin::AdminError;
use hallpass_issuer::audit::export::Form;
use hallpass_issuer::audit::names::bare;
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::Actor;
use hallpass_store::{AuditFilter, Org};
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::super::answer::{Page, Refusal};
use super::super::home::query;
use super::super::orgs::{Nav, Seat};
use super::super::shown::Shown;
use super::super::views::Frame;
use super::super::{answer, when};
use super::Administrator;
use crate::app::App;
use crate::books;
use crate::http::{Visitor, failure};

const PAGE: &str = "/admin/audit";
/// Rows on a page.
const SHOWN: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PAGE, get(all))
        .route("/admin/audit/export", get(export_all))
        .route("/orgs/{org}/audit", get(of_org))
        .route("/orgs/{org}/audit/export", get(export_of_org))
}

struct Line {
    id: String,
    action: Shown,
    at: String,
    ago: String,
    actor: Part,
    subject: Part,
    from: Option<Shown>,
    detail: Vec<Part>,
    denied: bool,
    sealed: bool,
}

/// Words of a row. What is called something is a link that finds its rows, by its id.
struct Part {
    text: Shown,
    link: Option<String>,
    /// What stands between it and the one before.
    gap: &'static str,
}

/// How the rows of a page are told.
struct Telling<'a> {
    base: &'a str,
    names: HashMap<String, String>,
    now: Timestamp,
}

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct View {
    frame: Frame,
    here: &'static str,
    /// The organization, if it is about one.
    org: Option<Shown>,
    nav: Option<Nav>,
    base: String,
    rows: Vec<Line>,
    asked: Asked,
    /// Something in the form could not be read.
    wrong: Option<&'static str>,
    more: Option<String>,
    further: bool,
    /// Addresses of exports: all of it, and what is looked for.
    csv: String,
    ndjson: String,
    whole: Option<String>,
}

/// What is looked for, as it was typed.
#[derive(Clone, Default)]
struct Asked {
    actor: Shown,
    action: Shown,
    about: Shown,
    /// Only at the log of the whole server.
    org: Shown,
    since: Shown,
    until: Shown,
}

impl Asked {
    fn read(params: &Params) -> Self {
        let text = |name| Shown::typed(params.get(name).unwrap_or_default());
        Self {
            actor: text("actor"),
            action: text("action"),
            about: text("about"),
            org: text("org"),
            since: text("since"),
            until: text("until"),
        }
    }

    /// What is looked for; an end that is a day means all of it.
    fn filter(&self, org: Option<&Org>) -> Result<AuditFilter, &'static str> {
        let text =
            |shown: &Shown| Some(shown.as_str().trim().to_owned()).filter(|it| !it.is_empty());
        let time = |shown: &Shown| match text(shown) {
            None => Ok(None),
            Some(text) => Timestamp::parse(&text).map(Some).ok_or("A day is written 2026-04-18."),
        };
        let day = std::time::Duration::from_millis(24 * 3600 * 1000 - 1);
        let until = time(&self.until)?;
        let whole_day = self.until.as_str().trim().len() == 10;
        Ok(AuditFilter {
            actor: text(&self.actor),
            action: text(&self.action),
            subject: text(&self.about),
            org: org.map(|org| org.id),
            since: time(&self.since)?,
            until: until.map(|at| if whole_day { at + day } else { at }),
        })
    }

    /// As the query of an address.
    fn query(&self, more: &[(&str, &str)]) -> String {
        let mut params = Params::default();
        let typed = [
            ("actor", &self.actor),
            ("action", &self.action),
            ("about", &self.about),
            ("org", &self.org),
            ("since", &self.since),
            ("until", &self.until),
        ];
        for (name, value) in typed {
            if !value.is_empty() {
                params.set(name, value.as_str());
            }
        }
        for (name, value) in more {
            params.set(name, value);
        }
        params.to_query()
    }
}

async fn all(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let administrator = Administrator::visit(&app, &visitor, PAGE)?;
    Ok(show(&app, administrator.person, None, &query(request.uri())).await)
}

/// What is looked for at the log of the whole server, an organization by its name included.
async fn asked_of_all(
    app: &App,
    person: &SignedIn,
    asked: &Asked,
) -> Result<Result<AuditFilter, &'static str>, hallpass_issuer::Error> {
    let filter = asked.filter(None);
    let named = asked.org.as_str().trim();
    if named.is_empty() {
        return Ok(filter);
    }
    match app.issuer().org_for(&Actor::Person(&person.user), named).await {
        Ok(org) => Ok(filter.map(|filter| AuditFilter { org: Some(org.id), ..filter })),
        Err(AdminError::Failed(error)) => Err(error),
        Err(_) => Ok(Err("There is no such organization.")),
    }
}

async fn of_org(
    State(app): State<App>,
    visitor: Visitor,
    Path(org): Path<String>,
    request: Request,
) -> Page {
    let seat = Seat::visit(&app, &visitor, (&org, None), &here(&org)).await?;
    let org = found(&seat).await?;
    let there = (&org, seat.nav());
    Ok(show(&app, seat.person, Some(there), &query(request.uri())).await)
}

/// Where to come back to after signing in.
fn here(org: &str) -> String {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if plain(org) { format!("/orgs/{org}/audit") } else { "/".to_owned() }
}

async fn found(seat: &Seat<'_>) -> Result<Org, Refusal> {
    let found = seat.app.issuer().org_of_books(&seat.actor(), seat.names().0).await;
    found.map_err(|error| match error {
        OrgError::Failed(error) => Refusal::from(failure::page(seat.app, &error)),
        _ => Refusal::from(seat.nothing()),
    })
}

async fn show(
    app: &App,
    person: &SignedIn,
    there: Option<(&Org, Nav)>,
    params: &Params,
) -> Response {
    let (org, nav) = there.unzip();
    let asked = Asked::read(params);
    let before = params.get("before").and_then(|seq| seq.parse().ok()).filter(|seq| *seq > 0);
    let filter = match org {
        Some(_) => Ok(asked.filter(org)),
        None => asked_of_all(app, person, &asked).await,
    };
    let (filter, wrong) = match filter {
        Err(error) => return failure::page(app, &error),
        Ok(Ok(filter)) => (filter, None),
        Ok(Err(why)) => {
            (AuditFilter { org: org.map(|it| it.id), ..AuditFilter::default() }, Some(why))
        }
    };
    let found = match app.issuer().audit_rows(&filter, before, SHOWN).await {
        Ok(found) => found,
        Err(error) => return failure::page(app, &error),
    };
    let names = match app.issuer().names_in(&found.items, org.map(|org| org.id)).await {
        Ok(names) => names,
        Err(error) => return failure::page(app, &error),
    };
    let base = org.map_or(PAGE.to_owned(), |org| format!("/orgs/{}/audit", org.slug));
    let export = |form: Form| {
        let query = asked.query(&[("format", form.extension())]);
        format!("{base}/export?{query}")
    };
    let telling = Telling { base: &base, names, now: app.clock().now() };
    let view = View {
        frame: answer::frame(app, Some(person)),
        here: "audit",
        org: org.map(|org| Shown::new(&org.name)),
        nav,
        rows: found.items.iter().map(|row| telling.line(row)).collect(),
        wrong,
        more: found.next_cursor.map(|seq| format!("{base}?{}", asked.query(&[("before", &seq)]))),
        further: before.is_some(),
        csv: export(Form::Csv),
        ndjson: export(Form::Ndjson),
        whole: org.is_none().then(|| format!("{base}/export?whole=yes")),
        base,
        asked,
    };
    answer::page(StatusCode::OK, &view)
}

impl Telling<'_> {
    fn line(&self, row: &Row) -> Line {
        let at = Timestamp::parse(&row.at).unwrap_or(self.now);
        let from = match (&row.address, &row.client) {
            (Some(address), Some(client)) => Some(format!("{address}, through {client}")),
            (Some(address), None) => Some(address.clone()),
            (None, client) => client.as_ref().map(|client| format!("through {client}")),
        };
        Line {
            id: row.id.clone(),
            action: Shown::new(&row.action),
            at: row.at.clone(),
            ago: when::ago(self.now.since(at)),
            actor: match &*row.actor {
                "system" => Part::plain("the operator"),
                actor => self.part("actor", actor),
            },
            subject: self.part("about", &row.subject),
            from: Shown::some(from.as_deref()),
            detail: self.words(row.detail.as_deref().unwrap_or_default()),
            denied: row.action.ends_with(".denied"),
            sealed: row.n.is_some(),
        }
    }

    fn part(&self, field: &str, id: &str) -> Part {
        match self.names.get(id) {
            None => Part::plain(id),
            Some(name) => {
                let mut params = Params::default();
                params.set(field, id);
                let link = Some(format!("{}?{}", self.base, params.to_query()));
                Part { text: Shown::new(name), link, gap: "" }
            }
        }
    }

    /// A detail with what its ids are called.
    fn words(&self, detail: &str) -> Vec<Part> {
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut words = detail.split_inclusive(char::is_whitespace).peekable();
        while let Some(word) = words.next() {
            let id = bare(word.trim_end());
            // The name of a project says in which organization it is.
            let project = words.peek().map(|next| bare(next.trim_end()));
            let said =
                project.is_some_and(|it| it.starts_with("prj_") && self.names.contains_key(it));
            if id.starts_with("org_") && said {
                continue;
            }
            let Some((before, after)) = word.split_once(id).filter(|_| self.names.contains_key(id))
            else {
                plain.push_str(word);
                continue;
            };
            plain.push_str(before);
            let gap = if plain.ends_with(char::is_whitespace) { " " } else { "" };
            parts.extend(Part::some(&plain));
            parts.push(Part { gap, ..self.part("about", id) });
            plain = after.to_owned();
        }
        parts.extend(Part::some(&plain));
        parts
    }
}

impl Part {
    fn plain(text: &str) -> Self {
        Self { text: Shown::new(text), link: None, gap: "" }
    }

    fn some(text: &str) -> Option<Self> {
        let gap = if text.starts_with(char::is_whitespace) { " " } else { "" };
        Some(Self { text: Shown::long(Some(text))?, link: None, gap })
    }
}

async fn export_all(State(app): State<App>, visitor: Visitor, request: Request) -> Page {
    let person = Administrator::visit(&app, &visitor, PAGE)?.person;
    let params = query(request.uri());
    if params.get("whole") == Some("yes") {
        let begun = async {
            app.issuer().write_denied(true).await?;
            app.issuer().export_audit(None, None).await
        };
        return Ok(match begun.await {
            Ok(export) => file(Form::Ndjson, books::whole(app.issuer().clone(), export)),
            Err(error) => failure::page(&app, &error),
        });
    }
    let asked = asked_of_all(&app, person, &Asked::read(&params)).await;
    Ok(match asked {
        Ok(filter) => exported(&app, filter, PAGE, &params),
        Err(error) => failure::page(&app, &error),
    })
}

async fn export_of_org(
    State(app): State<App>,
    visitor: Visitor,
    Path(org): Path<String>,
    request: Request,
) -> Page {
    let seat = Seat::visit(&app, &visitor, (&org, None), &here(&org)).await?;
    let found = found(&seat).await?;
    let params = query(request.uri());
    let filter = Asked::read(&params).filter(Some(&found));
    Ok(exported(&app, filter, &here(&found.slug), &params))
}

fn exported(
    app: &App,
    filter: Result<AuditFilter, &'static str>,
    back: &str,
    params: &Params,
) -> Response {
    let form = params.get("format").and_then(Form::from_name);
    match (form, filter) {
        (Some(form), Ok(filter)) => file(form, books::rows(app.issuer().clone(), form, filter)),
        _ => answer::see_other(back),
    }
}

fn file(form: Form, body: axum::body::Body) -> Response {
    let name = format!("attachment; filename=\"audit.{}\"", form.extension());
    ([(CONTENT_TYPE, form.media_type().to_owned()), (CONTENT_DISPOSITION, name)], body)
        .into_response()
}
