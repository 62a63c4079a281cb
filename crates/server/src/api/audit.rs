//! `/api/v1/audit` and `/api/v1/orgs/{org}/audit`: the log of changes, and the keys that prove it.

use axum::body::Body as HttpBody;
use axum::response::{IntoResponse as _, Response};
use hallpass_core::Timestamp;
use hallpass_core::id::OrgId;
use hallpass_core::wire::api::Page;
use hallpass_core::wire::audit::{Jwks, Row};
use hallpass_core::wire::params::Params;
use hallpass_core::wire::path::AUDIT;
use hallpass_issuer::audit::export::Form;
use hallpass_issuer::tokens::Actor;
use hallpass_store::AuditFilter;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};

use super::answer::{Answer, Shown};
use super::argument::{Argument, Paging, Path, query};
use super::problem;
use super::refused::Refused;
use super::right::{Administrator, Anybody, ManageMembers, Needs};
use super::route::{Incoming, Operation, Parameter, Route};
use super::schema::{text, time_or_day};
use crate::app::App;
use crate::books;

const KEYS: &str = "/api/v1/audit/keys";
const EXPORT: &str = "/api/v1/audit/export";
const OF_ORG: &str = "/api/v1/orgs/{org}/audit";

pub(super) fn table() -> Vec<Route> {
    vec![
        Route::new(Method::GET, AUDIT, "listAudit", "List changes", list).or([404]),
        Route::new(Method::GET, EXPORT, "exportAudit", "Export the log, to be proved", export),
        Route::new(Method::GET, KEYS, "listAuditKeys", "The keys that prove the log", keys),
        Route::new(Method::GET, OF_ORG, "listOrgAudit", "List an organization's changes", of_org)
            .or([403]),
    ]
}

/// Which rows, and which page of them.
struct Asked {
    filter: AuditFilter,
    org: Option<String>,
    cursor: Option<i64>,
    limit: u32,
}

fn filters() -> [Parameter; 3] {
    [
        ("actor", text("Who did it: an id, or a person's e-mail address.")),
        ("action", text("What was done, or what that begins with: `token.`.")),
        ("subject", text("To what: an id, or a person's e-mail address.")),
    ]
}

/// A day counts from its beginning.
fn times() -> [Parameter; 2] {
    [
        ("since", time_or_day("Not before this day or RFC 3339 time.")),
        ("until", time_or_day("Not after this day or RFC 3339 time.")),
    ]
}

impl Argument for Asked {
    fn describe(operation: &mut Operation) {
        Paging::describe(operation);
        operation.query.extend(filters());
        operation.query.extend(times());
        if !operation.path.contains("{org}") {
            operation.query.push(("org", text("In which organization, by slug or id.")));
        }
    }

    async fn take(incoming: &mut Incoming, _: &App) -> Result<Self, Response> {
        Self::read(incoming).map_err(|refusal| *refusal)
    }
}

impl Asked {
    fn read(incoming: &Incoming) -> Result<Self, Box<Response>> {
        let known = ["limit", "cursor", "actor", "action", "subject", "since", "until", "org"];
        // An organization's own log is about no other.
        let all = incoming.parts.uri.path() == AUDIT;
        let params = query(incoming, &known[..known.len() - usize::from(!all)])?;
        let Paging { limit, cursor } = Paging::read(&params)?;
        let cursor = cursor.map(|cursor| cursor.parse().ok().filter(|seq| *seq > 0)).map_or(
            Ok(None),
            |seq| {
                let detail = "That is not where a list went on.";
                let bad = || Box::new(problem(StatusCode::BAD_REQUEST, "invalid_cursor", detail));
                seq.map(Some).ok_or_else(bad)
            },
        )?;
        let text = |name: &str| params.get(name).map(str::to_owned);
        let filter = AuditFilter {
            actor: text("actor"),
            action: text("action"),
            subject: text("subject"),
            org: None,
            since: time(&params, "since")?,
            until: time(&params, "until")?,
        };
        Ok(Self { filter, org: text("org"), cursor, limit })
    }
}

fn time(params: &Params, name: &str) -> Result<Option<Timestamp>, Box<Response>> {
    let Some(text) = params.get(name) else { return Ok(None) };
    Timestamp::parse(text).map(Some).ok_or_else(|| {
        let detail = format!("{name} is a day (2026-04-18) or an RFC 3339 time.");
        Box::new(problem(StatusCode::BAD_REQUEST, "invalid_time", detail))
    })
}

async fn list(
    app: App,
    Needs(caller): Needs<Administrator>,
    Asked { mut filter, org, cursor, limit }: Asked,
) -> Result<Shown<Page<Row>>, Refused> {
    if let Some(org) = org {
        filter.org = Some(app.issuer().org_for(&Actor::Bearer(&caller), &org).await?.id);
    }
    Ok(Shown(app.issuer().audit_rows(&filter, cursor, limit).await?))
}

async fn of_org(
    app: App,
    Needs(caller): Needs<ManageMembers>,
    Path([org]): Path<1>,
    Asked { filter, cursor, limit, .. }: Asked,
) -> Result<Shown<Page<Row>>, Refused> {
    let org: OrgId = app.issuer().org_of_books(&Actor::Bearer(&caller), &org).await?.id;
    let filter = AuditFilter { org: Some(org), ..filter };
    Ok(Shown(app.issuer().audit_rows(&filter, cursor, limit).await?))
}

/// They are public: whoever proves the log should have them from before.
async fn keys(app: App, Needs(()): Needs<Anybody>) -> Result<Shown<Jwks>, Refused> {
    Ok(Shown(app.issuer().audit_keys().await?))
}

/// From when to when.
struct Span {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Argument for Span {
    fn describe(operation: &mut Operation) {
        operation.query.extend(times());
        operation.may_refuse([400]);
    }

    async fn take(incoming: &mut Incoming, _: &App) -> Result<Self, Response> {
        let read = || {
            let params = query(incoming, &["since", "until"])?;
            Ok(Self { since: time(&params, "since")?, until: time(&params, "until")? })
        };
        read().map_err(|refusal: Box<Response>| *refusal)
    }
}

/// Lines that prove themselves.
struct Lines(HttpBody);

impl Answer for Lines {
    fn describe(operation: &mut Operation) {
        operation.media = Some(Form::Ndjson.media_type());
        operation.answers.insert(200, ("The log, as docs/audit.md describes it.", None));
    }

    fn respond(self) -> Response {
        ([(CONTENT_TYPE, Form::Ndjson.media_type())], self.0).into_response()
    }
}

async fn export(
    app: App,
    Needs(_): Needs<Administrator>,
    Span { since, until }: Span,
) -> Result<Lines, Refused> {
    app.issuer().write_denied(true).await?;
    let export = app.issuer().export_audit(since, until).await?;
    Ok(Lines(books::whole(app.issuer().clone(), export)))
}
