//! `/api/v1/agents`: agents of one's own, for a person or a broker of theirs. `/api/v1/agent`:
//! what an agent asks for itself, with its own token, and nobody else.

use hallpass_core::wire::agents::{
    AGENT, AGENT_SECRETS, AGENTS, Agent, AgentReport, AgentSecret, AgentSecretValue, NewAgent,
    NewAgentSecret, RenewedAgent, StartedAgent, WhichSecret,
};
use hallpass_core::wire::api::Page;
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use http::Method;

use super::answer::{Done, Made, Shown};
use super::argument::{Body, Paging, Path};
use super::refused::Refused;
use super::right::{AgentItself, Broker, Needs};
use super::route::Route;
use crate::app::App;

const ONE: &str = "/api/v1/agents/{id}";
const RENEW: &str = "/api/v1/agents/{id}/renew";
const STOP: &str = "/api/v1/agents/{id}/stop";
const REPORT: &str = "/api/v1/agent/report";
const DONE: &str = "/api/v1/agent/done";
const RENEW_CHILD: &str = "/api/v1/agent/children/{id}/renew";
const REMOVE_SECRET: &str = "/api/v1/agent-secrets/remove";
const SECRET: &str = "/api/v1/agent/secrets/{name}";
const STOP_CHILD: &str = "/api/v1/agent/children/{id}/stop";

pub(super) fn table() -> Vec<Route> {
    vec![
        Route::new(Method::GET, AGENTS, "listAgents", "List agents", list),
        Route::new(Method::POST, AGENTS, "startAgent", "Start an agent", start).or([404, 409]),
        Route::new(Method::GET, ONE, "getAgent", "Show an agent", show),
        Route::new(Method::POST, RENEW, "renewAgent", "Let an agent go on", renew),
        Route::new(Method::POST, STOP, "stopAgent", "Stop an agent and all below it", stop),
        Route::new(Method::GET, AGENT, "agentItself", "Show the agent that asks", itself),
        Route::new(Method::POST, REPORT, "agentReport", "Say how far an agent is", report),
        Route::new(Method::POST, DONE, "agentDone", "An agent says that it is done", done),
        Route::new(Method::POST, RENEW_CHILD, "renewChild", "Let a child go on", renew_child),
        Route::new(Method::GET, AGENT_SECRETS, "listAgentSecrets", "List secrets", secrets),
        Route::new(Method::PUT, AGENT_SECRETS, "setAgentSecret", "Keep a secret", set_secret)
            .or([404]),
        Route::new(Method::POST, REMOVE_SECRET, "removeAgentSecret", "Remove a secret", remove)
            .or([404]),
        Route::new(Method::GET, SECRET, "agentSecret", "Read a secret of its own", secret),
        Route::new(Method::POST, STOP_CHILD, "stopChild", "Stop a child", stop_child),
    ]
}

async fn list(
    app: App,
    Needs(caller): Needs<Broker>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<Agent>>, Refused> {
    let actor = Actor::Bearer(&caller);
    Ok(Shown(app.issuer().agents_of(&actor, cursor.as_deref(), limit).await?))
}

async fn start(
    app: App,
    Needs(caller): Needs<Broker>,
    origin: Origin,
    Body(new): Body<NewAgent>,
) -> Result<Made<StartedAgent>, Refused> {
    Ok(Made(app.issuer().start_agent(&Actor::Bearer(&caller), &new, &origin).await?))
}

async fn show(
    app: App,
    Needs(caller): Needs<Broker>,
    Path([id]): Path<1>,
) -> Result<Shown<Agent>, Refused> {
    Ok(Shown(app.issuer().agent_of(&Actor::Bearer(&caller), &id).await?))
}

async fn renew(
    app: App,
    Needs(caller): Needs<Broker>,
    origin: Origin,
    Path([id]): Path<1>,
) -> Result<Made<RenewedAgent>, Refused> {
    Ok(Made(app.issuer().renew_agent(&Actor::Bearer(&caller), &id, &origin).await?))
}

async fn stop(
    app: App,
    Needs(caller): Needs<Broker>,
    origin: Origin,
    Path([id]): Path<1>,
) -> Result<Done, Refused> {
    app.issuer().stop_agent(&Actor::Bearer(&caller), &id, &origin).await?;
    Ok(Done)
}

async fn secrets(
    app: App,
    Needs(caller): Needs<Broker>,
) -> Result<Shown<Page<AgentSecret>>, Refused> {
    let items = app.issuer().agent_secrets_of(&Actor::Bearer(&caller)).await?;
    Ok(Shown(Page { items, next_cursor: None }))
}

async fn set_secret(
    app: App,
    Needs(caller): Needs<Broker>,
    origin: Origin,
    Body(new): Body<NewAgentSecret>,
) -> Result<Done, Refused> {
    app.issuer().set_agent_secret(&Actor::Bearer(&caller), &new, &origin).await?;
    Ok(Done)
}

async fn remove(
    app: App,
    Needs(caller): Needs<Broker>,
    origin: Origin,
    Body(which): Body<WhichSecret>,
) -> Result<Done, Refused> {
    app.issuer().remove_agent_secret(&Actor::Bearer(&caller), &which, &origin).await?;
    Ok(Done)
}

/// Another's is answered like one that does not exist.
async fn secret(
    app: App,
    Needs(caller): Needs<AgentItself>,
    origin: Origin,
    Path([name]): Path<1>,
) -> Result<Shown<AgentSecretValue>, Refused> {
    Ok(Shown(app.issuer().secret_of_agent(&caller, &name, &origin).await?))
}

async fn itself(app: App, Needs(caller): Needs<AgentItself>) -> Result<Shown<Agent>, Refused> {
    Ok(Shown(app.issuer().agent_itself(&caller).await?))
}

async fn report(
    app: App,
    Needs(caller): Needs<AgentItself>,
    Body(report): Body<AgentReport>,
) -> Result<Done, Refused> {
    app.issuer().report_of_agent(&caller, &report).await?;
    Ok(Done)
}

async fn done(
    app: App,
    Needs(caller): Needs<AgentItself>,
    origin: Origin,
) -> Result<Done, Refused> {
    app.issuer().stop_itself(&caller, &origin).await?;
    Ok(Done)
}

async fn renew_child(
    app: App,
    Needs(caller): Needs<AgentItself>,
    origin: Origin,
    Path([id]): Path<1>,
) -> Result<Made<RenewedAgent>, Refused> {
    Ok(Made(app.issuer().renew_below(&caller, &id, &origin).await?))
}

async fn stop_child(
    app: App,
    Needs(caller): Needs<AgentItself>,
    origin: Origin,
    Path([id]): Path<1>,
) -> Result<Done, Refused> {
    app.issuer().stop_below(&caller, &id, &origin).await?;
    Ok(Done)
}
