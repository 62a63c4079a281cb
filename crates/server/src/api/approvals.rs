//! `/api/v1/agent/approvals`: an agent asks its owner for one action, and comes for it.
//! `/api/v1/approvals`: the owner, who is signed in, decides.

use hallpass_core::wire::api::Page;
use hallpass_core::wire::approvals::{
    APPROVALS, ASK, Approval, ApproveAction, ApprovedAction, AskedApproval, NewApproval,
};
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use http::Method;

use super::answer::{Done, Made, Shown};
use super::argument::{Body, Paging, Path};
use super::refused::Refused;
use super::right::{AgentItself, Needs, Tokens};
use super::route::Route;
use crate::app::App;

const TAKE: &str = "/api/v1/agent/approvals/{id}/token";
const ONE: &str = "/api/v1/approvals/{id}";
const APPROVE: &str = "/api/v1/approvals/{id}/approve";
const DENY: &str = "/api/v1/approvals/{id}/deny";

pub(super) fn table() -> Vec<Route> {
    vec![
        Route::new(Method::POST, ASK, "askApproval", "Ask for one action", ask).or([404, 409]),
        Route::new(Method::POST, TAKE, "takeApproved", "Come for an approved action", take),
        Route::new(Method::GET, APPROVALS, "listApprovals", "List what agents asked for", list),
        Route::new(Method::GET, ONE, "getApproval", "Show what an agent asked for", show),
        Route::new(Method::POST, APPROVE, "approveAction", "Approve an action", approve).or([409]),
        Route::new(Method::POST, DENY, "denyAction", "Deny an action", deny).or([409]),
    ]
}

async fn ask(
    app: App,
    Needs(caller): Needs<AgentItself>,
    origin: Origin,
    Body(new): Body<NewApproval>,
) -> Result<Made<AskedApproval>, Refused> {
    Ok(Made(app.issuer().ask_for_approval(&caller, &new, &origin).await?))
}

async fn take(
    app: App,
    Needs(caller): Needs<AgentItself>,
    Path([id]): Path<1>,
) -> Result<Made<ApprovedAction>, Refused> {
    Ok(Made(app.issuer().take_approved(&caller, &id).await?))
}

async fn list(
    app: App,
    Needs(caller): Needs<Tokens>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<Approval>>, Refused> {
    let actor = Actor::Bearer(&caller);
    Ok(Shown(app.issuer().approvals_of(&actor, cursor.as_deref(), limit).await?))
}

async fn show(
    app: App,
    Needs(caller): Needs<Tokens>,
    Path([id]): Path<1>,
) -> Result<Shown<Approval>, Refused> {
    Ok(Shown(app.issuer().approval_of(&Actor::Bearer(&caller), &id).await?))
}

async fn approve(
    app: App,
    Needs(caller): Needs<Tokens>,
    origin: Origin,
    Path([id]): Path<1>,
    Body(seen): Body<ApproveAction>,
) -> Result<Done, Refused> {
    let actor = Actor::Bearer(&caller);
    app.issuer().approve_action(&actor, &id, &seen.digest, &origin).await?;
    Ok(Done)
}

async fn deny(
    app: App,
    Needs(caller): Needs<Tokens>,
    origin: Origin,
    Path([id]): Path<1>,
) -> Result<Done, Refused> {
    app.issuer().deny_action(&Actor::Bearer(&caller), &id, &origin).await?;
    Ok(Done)
}
