//! The policies of a place, the form for another one, who came and who was denied.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hallpass_core::Kind;
use hallpass_core::wire::params::Params;
use hallpass_issuer::federation::policies::TrustError;
use http::StatusCode;

use super::super::answer::{self, Page};
use super::super::home::query;
use super::super::orgs::{Named, Nav, Office};
use super::super::shown::Shown;
use super::super::tokens::{Choice, meaning};
use super::super::views::{Frame, Notice};
use super::lines::{DangerLine, DeniedLine, ExchangeLine, PolicyLine};
use super::{TRUST, act, form_of};
use crate::app::App;
use crate::http::Visitor;

/// Exchanges and denied ones.
const RECENT: u32 = 20;
/// Alarms that are shown on top.
const ALARMS: usize = 10;
/// Projects that can be chosen from.
const PROJECTS: u32 = 100;

#[derive(Template)]
#[template(path = "trust/list.html")]
struct List {
    frame: Frame,
    nav: Nav,
    here: &'static str,
    notice: Option<Notice>,
    place: Shown,
    base: String,
    csrf: String,
    policies: Vec<PolicyLine>,
    alarms: Vec<DeniedLine>,
    denied: Vec<DeniedLine>,
    exchanges: Vec<ExchangeLine>,
    /// Where the older ones of each are.
    more_denied: Option<String>,
    more_let_in: Option<String>,
    /// These are not the newest.
    further: bool,
    dangers: Vec<DangerLine>,
    typed: Typed,
    projects: Vec<(Shown, bool)>,
    scopes: Vec<Choice>,
    command: Option<String>,
    other_command: Option<String>,
    login_command: Option<String>,
}

/// From where on the lists are read; the newest first.
#[derive(Default)]
pub(super) struct Turned {
    denied: Option<String>,
    let_in: Option<String>,
}

/// What was typed into the form.
#[derive(Default)]
struct Typed {
    whose: Shown,
    branch: Shown,
    environment: Shown,
    issuer: Shown,
}

pub(super) fn routes() -> Router<App> {
    TRUST.in_both("", || get(show).post(act::act))
}

async fn show(State(app): State<App>, visitor: Visitor, named: Named, request: Request) -> Page {
    let office = Office::visit(&TRUST, (&app, &visitor), &named, request.uri().path()).await?;
    let asked = query(request.uri());
    let turned = |name| asked.get(name).filter(|it| !it.is_empty()).map(str::to_owned);
    let turned = Turned { denied: turned("denied"), let_in: turned("let_in") };
    let notice = match asked.get("done").unwrap_or_default() {
        "added" => Some(Notice::done("Its jobs are let in.", "The first one pins its id.")),
        "waits" => Some(Notice::caution(
            "The policy is made, and lets nobody in yet.",
            "The keys of its issuer cannot be fetched; the policy says why.",
        )),
        "removed" => {
            Some(Notice::done("The policy is removed.", "Every pass of it is refused from now on."))
        }
        "repinned" => Some(Notice::done(
            "The new id counts in its project from now on.",
            "Whoever had the old one is refused there, and every pass of its policies that changed has ended. Policies of other projects go on with what they pin; those that have not seen the name let in neither until somebody says which.",
        )),
        "gone" => Some(Notice::done("That policy had been removed before.", "")),
        _ => None,
    };
    let mut form = Params::default();
    form.set("branch", "main");
    Ok(page(&office, StatusCode::OK, notice, (&form, turned), Vec::new()).await)
}

/// The page, with the form for the first time or as it was filled in.
pub(super) async fn page(
    office: &Office<'_>,
    status: StatusCode,
    notice: Option<Notice>,
    (form, turned): (&Params, Turned),
    dangers: Vec<DangerLine>,
) -> Response {
    match view(office, notice, (form, turned), dangers).await {
        Ok(view) => answer::page(status, &view),
        Err(error) => act::failed(office, &error),
    }
}

/// What a job types to sign in: the brand's word for that, where it has one.
fn oidc_command(app: &App) -> Option<String> {
    let (brand, here) = (app.brand(), app.public_url().issuer());
    match brand.place_of("login --oidc") {
        Some(place) if brand.default_server == here => Some(format!("{} {place}", brand.name)),
        Some(place) => Some(format!("{} {place} --server {here}", brand.name)),
        None => app.command(&format!("login {here} --oidc")),
    }
}

async fn view(
    office: &Office<'_>,
    notice: Option<Notice>,
    (form, turned): (&Params, Turned),
    dangers: Vec<DangerLine>,
) -> Result<List, TrustError> {
    let (app, actor) = (office.app, office.actor());
    let (issuer, now) = (app.issuer(), app.clock().now());
    let (org, project) = office.names();
    let policies = issuer.trust_of(&actor, org, project).await?.items;
    let alarms = issuer.alarms(&actor, org, project).await?;
    let (older, past) = (turned.denied.as_deref(), turned.let_in.as_deref());
    let denied = issuer.denied_exchanges(&actor, org, project, older, RECENT).await?;
    let exchanges = issuer.trust_exchanges(&actor, org, project, past, RECENT).await?;
    let turn = |list: &str, next: &Option<String>| {
        next.as_ref().map(|next| format!("{}?{list}={next}#{list}", office.base))
    };
    let (more_denied, more_let_in) =
        (turn("denied", &denied.next_cursor), turn("let_in", &exchanges.next_cursor));
    let further = older.is_some() || past.is_some();
    let (denied, exchanges) = (denied.items, exchanges.items);
    let typed = |name| form.get(name).unwrap_or_default();
    let projects = match project {
        Some(_) => Vec::new(),
        None => {
            let page = issuer.projects_of(&actor, org, None, PROJECTS).await?;
            page.items.into_iter().map(|it| it.slug).collect()
        }
    };
    let table = &app.brand().roles;
    let scopes = issuer.key_permissions(Kind::ProjectKey).into_iter().map(|name| {
        let field = format!("{}{name}", act::SCOPE);
        let meaning = Shown::long(Some(&meaning(table, &name)));
        Choice { chosen: form.get(&field).is_some(), field, name: Shown::new(&name), meaning }
    });
    let at = match project {
        Some(_) => office.place(),
        None => format!("{}/PROJECT", office.place()),
    };
    let add =
        |what: &str| app.command(&format!("trust add {what} --allow PERMISSION --project {at}"));
    Ok(List {
        frame: answer::frame(app, Some(office.person)),
        nav: office.nav(),
        here: TRUST.name,
        notice,
        place: Shown::new(&office.place()),
        base: office.base.clone(),
        csrf: form_of(office),
        alarms: alarms.iter().take(ALARMS).map(|it| DeniedLine::of(it, now)).collect(),
        policies: policies.iter().map(|it| PolicyLine::of(it, now)).collect(),
        denied: denied.iter().map(|it| DeniedLine::of(it, now)).collect(),
        exchanges: exchanges.iter().map(|it| ExchangeLine::of(it, now)).collect(),
        more_denied,
        more_let_in,
        further,
        dangers,
        typed: Typed {
            whose: Shown::typed(typed("whose")),
            branch: Shown::typed(typed("branch")),
            environment: Shown::typed(typed("environment")),
            issuer: Shown::typed(typed("issuer")),
        },
        projects: projects
            .iter()
            .map(|slug: &String| (Shown::new(slug), slug == typed("project")))
            .collect(),
        scopes: scopes.collect(),
        command: add("repo:OWNER/REPOSITORY:ref:refs/heads/main"),
        other_command: add("--issuer URL --condition CLAIM=VALUE"),
        login_command: oidc_command(app),
    })
}
