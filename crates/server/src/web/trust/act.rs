//! A policy is made from the form or from the least rule of a denied exchange, or is ended.

use axum::extract::State;
use axum::response::Response;
use hallpass_core::Scope;
use hallpass_core::trust::{Changed, Condition, Danger, Platform, dangers};
use hallpass_core::wire::params::Params;
use hallpass_core::wire::trust::{DangerSaid, NewTrustPolicy, TrustPolicy};
use hallpass_issuer::Origin;
use hallpass_issuer::federation::policies::TrustError;
use hallpass_issuer::orgs::OrgError;
use hallpass_issuer::tokens::TokenError;
use http::StatusCode;

use super::super::answer::{self, Page};
use super::super::csrf::{self, Purpose};
use super::super::orgs::{Named, Office};
use super::super::setup::sentence;
use super::super::views::Notice;
use super::lines::DangerLine;
use super::{TRUST, denied, list};
use crate::app::App;
use crate::http::{Form, Peer, Visitor, failure};

/// What the fields of permissions begin with.
pub(super) const SCOPE: &str = "scope:";
/// What the fields of accepted dangers begin with.
const ACCEPT: &str = "accept:";
const KEPT: &str = "Nobody was let in.";

pub(super) async fn act(
    State(app): State<App>,
    Peer(origin): Peer,
    visitor: Visitor,
    named: Named,
    Form(form): Form,
) -> Page {
    let office = Office::post(&TRUST, (&app, &visitor), &named).await?;
    let purpose = Purpose::Trust(office.id());
    csrf::check(&app, Some(office.cookie), purpose, &form)?;
    Ok(match form.get("act").unwrap_or_default() {
        "add" => add(&office, &form, &origin).await,
        "remove" => remove(&office, &form, &origin).await,
        "allow" => allow(&office, &form, &origin).await?,
        "repin" => repin(&office, &form, &origin).await?,
        _ => answer::see_other(&office.base),
    })
}

/// The page again, with what was typed and what is wrong with it.
async fn again(office: &Office<'_>, form: &Params, what: &str, open: Vec<DangerLine>) -> Response {
    let notice = Some(Notice::problem(sentence(what), KEPT));
    let newest = list::Turned::default();
    list::page(office, StatusCode::UNPROCESSABLE_ENTITY, notice, (form, newest), open).await
}

async fn add(office: &Office<'_>, form: &Params, origin: &Origin) -> Response {
    let (org, project) = office.names();
    let project = project.or(form.get("project")).unwrap_or_default().to_owned();
    if project.is_empty() {
        return again(office, form, "choose the project that they are let into", Vec::new()).await;
    }
    let mut new = match read(form) {
        Ok(new) => new,
        Err(why) => return again(office, form, &why, Vec::new()).await,
    };
    let policy = match new.policy(&format!("{org}/{project}")) {
        Ok(policy) => policy,
        Err(why) => return again(office, form, &why, Vec::new()).await,
    };
    let found: Vec<DangerSaid> = dangers(&policy).into_iter().map(DangerSaid::from).collect();
    new.accept = accepted(form, &found);
    if found.iter().any(|it| !new.accept.contains(&it.danger)) {
        let open = found.iter().map(|it| DangerLine::of(it, &new.accept)).collect();
        return again(office, form, "this policy is dangerous", open).await;
    }
    let issuer = office.app.issuer();
    match issuer.create_trust(&office.actor(), org, &project, new, origin).await {
        Ok(made) => added(office, &made),
        Err(error) => match told(&error) {
            Some(what) => again(office, form, &what, Vec::new()).await,
            None => failed(office, &error),
        },
    }
}

/// Back to the list, which says whether its jobs can come already.
fn added(office: &Office<'_>, made: &TrustPolicy) -> Response {
    let done = if made.keys_unknown.is_some() { "waits" } else { "added" };
    answer::see_other(&format!("{}?done={done}", office.base))
}

/// What the form says: a repository, an organization, or a line.
fn read(form: &Params) -> Result<NewTrustPolicy, String> {
    let typed = |name| form.get(name).map(str::trim).unwrap_or_default();
    let (whose, branch, environment) = (typed("whose"), typed("branch"), typed("environment"));
    let mut conditions = Vec::new();
    let line = if whose.starts_with("repo:") {
        whose.to_owned()
    } else {
        let star = if whose.contains('/') { "" } else { "/*" };
        if !branch.is_empty() {
            let whole = match branch.starts_with("refs/") {
                true => branch.to_owned(),
                false => format!("refs/heads/{branch}"),
            };
            conditions.push(Condition::like("ref", &whole).map_err(|why| why.to_string())?);
        }
        if !environment.is_empty() {
            let named = Condition::like("environment", environment);
            conditions.push(named.map_err(|why| why.to_string())?);
        }
        format!("repo:{whose}{star}:*")
    };
    let permissions: Scope =
        form.iter().filter_map(|(field, _)| field.strip_prefix(SCOPE)).collect();
    if permissions.is_empty() {
        return Err("choose what its jobs may do".to_owned());
    }
    let issuer = Some(typed("issuer").to_owned()).filter(|issuer| !issuer.is_empty());
    Ok(NewTrustPolicy {
        line: Some(line),
        platform: issuer.as_ref().map(|_| Platform::GitHub),
        issuer,
        conditions,
        permissions,
        ..NewTrustPolicy::default()
    })
}

/// The dangers that were ticked, of those that there are.
fn accepted(form: &Params, found: &[DangerSaid]) -> Vec<Danger> {
    let ticked = |danger: &Danger| form.get(&format!("{ACCEPT}{}", danger.as_str())).is_some();
    found.iter().map(|it| it.danger).filter(ticked).collect()
}

async fn remove(office: &Office<'_>, form: &Params, origin: &Origin) -> Response {
    let (issuer, actor) = (office.app.issuer(), office.actor());
    let id = form.get("id").unwrap_or_default();
    // An organization's page shows those of its projects too; another place's are not here.
    let (org, project) = office.names();
    let here = match issuer.trust(&actor, id).await {
        Ok(policy) => policy.org == org && project.is_none_or(|project| project == policy.project),
        Err(error) if told(&error).is_some() => false,
        Err(error) => return failed(office, &error),
    };
    if !here {
        return answer::see_other(&format!("{}?done=gone", office.base));
    }
    match issuer.revoke_trust(&actor, id, origin).await {
        Ok(()) => answer::see_other(&format!("{}?done=removed", office.base)),
        Err(error) if told(&error).is_some() => {
            answer::see_other(&format!("{}?done=gone", office.base))
        }
        Err(error) => failed(office, &error),
    }
}

/// The id behind a name is another one from now on, in every policy of the page: the one that it has
/// shown.
async fn repin(office: &Office<'_>, form: &Params, origin: &Origin) -> Page {
    let field = |name| form.get(name).unwrap_or_default().to_owned();
    let explained = denied::find(office, &field("id")).await?;
    let [claim, name, id_claim, pinned, found] =
        ["claim", "name", "id_claim", "pinned", "found"].map(field);
    let changed = Changed { claim, name, id_claim, pinned, found };
    // Wherever it is pinned, of what the page has shown.
    let pinned = explained.policies.iter().filter(|it| it.changed.contains(&changed));
    let (issuer, actor) = (office.app.issuer(), office.actor());
    let mut done = Err(TrustError::Moved);
    for policy in pinned {
        done = issuer.repin_trust(&actor, &policy.id, &changed, origin).await.map(drop);
        if done.is_err() {
            break;
        }
    }
    Ok(match done {
        Ok(()) => answer::see_other(&format!("{}?done=repinned", office.base)),
        Err(error) => match told(&error) {
            Some(what) => {
                let notice = Notice::problem(sentence(&what), "Look at what it says now.");
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                denied::page(office, &explained, status, Some(notice))
            }
            None => failed(office, &error),
        },
    })
}

async fn allow(office: &Office<'_>, form: &Params, origin: &Origin) -> Page {
    let (issuer, actor) = (office.app.issuer(), office.actor());
    let id = form.get("id").unwrap_or_default();
    let explained = denied::find(office, id).await?;
    let Some(least) = &explained.least else {
        return Ok(denied::page(office, &explained, StatusCode::OK, None));
    };
    let accept = accepted(form, &least.dangers);
    if accept.len() < least.dangers.len() {
        let notice = Notice::problem("This policy is dangerous; tick what you mean.", KEPT);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(denied::page(office, &explained, status, Some(notice)));
    }
    let new = NewTrustPolicy { accept, ..least.policy.clone() };
    let (org, _) = office.names();
    let project = least.project.rsplit('/').next().unwrap_or_default();
    Ok(match issuer.create_trust(&actor, org, project, new, origin).await {
        Ok(made) => added(office, &made),
        Err(error) => match told(&error) {
            Some(what) => {
                let notice = Notice::problem(sentence(&what), KEPT);
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                denied::page(office, &explained, status, Some(notice))
            }
            None => failed(office, &error),
        },
    })
}

/// What a person can set right; `None` for what nobody here can.
fn told(error: &TrustError) -> Option<String> {
    match error {
        TrustError::Place(OrgError::Failed(_)) | TrustError::Token(TokenError::Failed(_)) => None,
        other => Some(other.to_string()),
    }
}

/// The answer where nothing could be read.
pub(super) fn failed(office: &Office<'_>, error: &TrustError) -> Response {
    match error {
        TrustError::Place(OrgError::Failed(error))
        | TrustError::Token(TokenError::Failed(error)) => failure::page(office.app, error),
        _ => office.nothing(),
    }
}
