//! The right that a route needs, as a type.
//!
//! Who presents what is decided by the guard layer around the route; what is needed on top
//! of that, a role at the place that the path names, is asked here, of live rows, before the
//! handler runs.

use std::future::Future;

use axum::extract::FromRequestParts as _;
use axum::response::Response;
use axum::routing::MethodRouter;
use hallpass_core::{Kind, scope};
use hallpass_guard::{Challenge, Decision, Guard, Refusal};
use hallpass_issuer::keys::KEYS_MANAGE;
use hallpass_issuer::orgs::{
    MEMBERS_MANAGE, ORG_MANAGE, ORG_READ, OrgError, PROJECT_READ, PROJECTS_CREATE, SETTINGS_MANAGE,
    TOKENS_MANAGE,
};
use hallpass_issuer::tokens::Actor;
use hallpass_verdict::{CredentialKind, Who};
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;

use super::argument::path_values;
use super::local::Local;
use super::route::{Incoming, Operation};
use super::{NotFor, metadata_url, not_for, problem, refused};
use crate::app::App;
use crate::http::{Peer, peer};

/// A right that a route can need.
pub(super) trait Right: Send + Sync + 'static {
    /// Who is let through.
    type Who: Send;

    /// Adds what it needs, and how it refuses.
    fn describe(operation: &mut Operation);

    /// Puts the guard around a route, if a credential is needed.
    fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App>;

    /// Lets a request through, or answers it.
    fn admit(
        incoming: &mut Incoming,
        app: &App,
    ) -> impl Future<Output = Result<Self::Who, Response>> + Send;
}

/// What a handler is given for the right that it names: whoever has it.
pub(super) struct Needs<R: Right>(pub(super) R::Who);

/// Whatever anybody may know.
pub(super) enum Anybody {}

impl Right for Anybody {
    type Who = ();

    fn describe(operation: &mut Operation) {
        operation.right = "Anybody.";
    }

    fn guarded(route: MethodRouter<App>, _: &App) -> MethodRouter<App> {
        route
    }

    async fn admit(_: &mut Incoming, _: &App) -> Result<(), Response> {
        Ok(())
    }
}

/// Possession of what is brought, so many times a minute from one network.
pub(super) enum Possession {}

impl Right for Possession {
    type Who = ();

    fn describe(operation: &mut Operation) {
        operation.right = "Whoever has the tokens.";
    }

    fn guarded(route: MethodRouter<App>, _: &App) -> MethodRouter<App> {
        route
    }

    async fn admit(incoming: &mut Incoming, app: &App) -> Result<(), Response> {
        let Ok(Peer(origin)) = Peer::from_request_parts(&mut incoming.parts, app).await;
        app.leak_desk().admit(origin.address).map_err(|refusal| *refusal)
    }
}

/// What the guard decided; a route outside of it would be a mistake of ours and stays shut.
fn presenter(incoming: &Incoming, app: &App) -> Result<Decision, Box<Response>> {
    let decision = incoming.parts.extensions.get::<Decision>().cloned().ok_or_else(|| {
        let detail = "This route is not guarded.";
        Box::new(problem(StatusCode::INTERNAL_SERVER_ERROR, "broken", detail))
    })?;
    let address = peer::address_of(&incoming.parts.extensions, &incoming.parts.headers, app);
    app.issuer().used_from(&decision, address);
    Ok(decision)
}

/// The same, if it is no agent and no job: every right but [`AgentItself`] and [`Oneself`] begins
/// with this.
fn caller(incoming: &Incoming, app: &App) -> Result<Decision, Box<Response>> {
    let decision = presenter(incoming, app)?;
    match *decision.who {
        Who::Agent(_) => Err(Box::new(not_for(NotFor::Agents))),
        Who::Job { .. } => Err(Box::new(not_for(NotFor::Jobs))),
        Who::User { .. } | Who::Key { .. } | Who::Outside { .. } => Ok(decision),
    }
}

fn describe_bearer(operation: &mut Operation, scopes: &[&'static str], right: &'static str) {
    operation.security = Some(("bearer", scopes.to_vec()));
    operation.right = right;
    operation.may_refuse([400, 401, 403]);
}

fn guard(app: &App) -> Guard<Local> {
    Guard::new(Local::new(app), metadata_url(app.public_url()))
}

macro_rules! scoped {
    ($(#[$doc:meta] $name:ident = $scope:expr, $right:literal;)*) => {$(
        #[$doc]
        pub(super) enum $name {}

        impl Right for $name {
            type Who = Decision;

            fn describe(operation: &mut Operation) {
                describe_bearer(operation, &[$scope], $right);
            }

            fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
                route.route_layer(guard(app).require($scope))
            }

            async fn admit(incoming: &mut Incoming, app: &App) -> Result<Decision, Response> {
                caller(incoming, app).map_err(|refusal| *refusal)
            }
        }
    )*};
}

scoped! {
    /// Reads what is one's own.
    Account = scope::ACCOUNT, "A credential with the scope `account`.";
    /// Makes, changes, rotates and revokes one's own tokens.
    Tokens = scope::TOKENS, "A credential with the scope `tokens`.";
    /// Brings an archived organization back: asked by the handler, for nobody has a role there.
    FormerOwner = scope::ACCOUNT,
        "A credential with the scope `account`, of an owner of the organization.";
    /// Brings an archived project back, likewise.
    FormerManager = scope::ACCOUNT,
        "A credential with the scope `account`, of whoever has `settings:manage` in the project.";
}

macro_rules! readers {
    ($(#[$doc:meta] $name:ident = [$($scope:expr),*], $asked:expr, $right:literal;)*) => {$(
        #[$doc]
        pub(super) enum $name {}

        impl Right for $name {
            type Who = Decision;

            fn describe(operation: &mut Operation) {
                describe_bearer(operation, &[], $right);
            }

            fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
                route.route_layer(guard(app).suggest(scope::ACCOUNT))
            }

            async fn admit(incoming: &mut Incoming, app: &App) -> Result<Decision, Response> {
                let decision = caller(incoming, app).map_err(|refusal| *refusal)?;
                let any = [$($scope),*];
                if !any.iter().any(|scope| decision.scope.contains(scope)) {
                    return Err(no_scope(app, &decision, &any));
                }
                match $asked {
                    Asked::Here => there(decision, incoming, app, None).await,
                    Asked::ByHandler => Ok(decision),
                }
            }
        }
    )*};
}

/// Who asks whether there is a role at the place that the path names.
enum Asked {
    Here,
    ByHandler,
}

// What whoever has a role may see of a place: also with a token that was made for that alone, and
// with a key.
readers! {
    /// Sees organizations.
    ReadOrg = [scope::ACCOUNT, ORG_READ], Asked::ByHandler,
        "A credential with the scope `account` or `org:read`, of somebody with a role there.";
    /// Sees the projects of the organization that the path names.
    ReadProjects = [scope::ACCOUNT, ORG_READ, PROJECT_READ], Asked::ByHandler,
        "A credential with the scope `account`, `org:read` or `project:read`, of somebody with a role there.";
    /// Sees the project that the path names.
    ReadProject = [scope::ACCOUNT, ORG_READ, PROJECT_READ], Asked::Here,
        "A credential with the scope `account`, `org:read` or `project:read`, of somebody with a role there.";
    /// Sees who has a role at the place that the path names.
    ReadMembers = [scope::ACCOUNT, ORG_READ, MEMBERS_MANAGE], Asked::Here,
        "A credential with the scope `account`, `org:read` or `members:manage`, of somebody with a role there.";
}

/// Whoever presents a credential that is good: a key or a job for itself, and whoever else with
/// the scope `account`.
pub(super) enum Oneself {}

impl Right for Oneself {
    type Who = Decision;

    fn describe(operation: &mut Operation) {
        let right =
            "A key, a job, a token of an older system, or a credential with the scope `account`.";
        describe_bearer(operation, &[], right);
    }

    fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
        route.route_layer(guard(app).suggest(scope::ACCOUNT))
    }

    async fn admit(incoming: &mut Incoming, app: &App) -> Result<Decision, Response> {
        let decision = presenter(incoming, app).map_err(|refusal| *refusal)?;
        if decision.who.agent().is_some() {
            return Err(not_for(NotFor::Agents));
        }
        let itself = matches!(
            decision.kind,
            CredentialKind::ProjectKey
                | CredentialKind::OrgKey
                | CredentialKind::LegacyToken
                | CredentialKind::JobToken
        );
        if itself || decision.scope.contains(scope::ACCOUNT) {
            return Ok(decision);
        }
        Err(no_scope(app, &decision, &[scope::ACCOUNT]))
    }
}

/// None of the scopes that would do: the widest is named. A key has what its kind may have, and
/// never signs in; where its kind may have one, a scope is asked for (RFC 6750 §3.1).
fn no_scope(app: &App, decision: &Decision, any: &[&str]) -> Response {
    let kind = match decision.kind {
        CredentialKind::ProjectKey => Some((Kind::ProjectKey, "a project")),
        CredentialKind::OrgKey => Some((Kind::OrgKey, "an organization")),
        _ => None,
    };
    if let Some((kind, place)) = kind {
        let could = app.issuer().key_permissions(kind);
        let Some(scope) = any.iter().find(|scope| could.contains(**scope)) else {
            let detail = format!(
                "A key of {place} may not do this, whatever it was made for; a person can, who is signed in."
            );
            return problem(StatusCode::FORBIDDEN, "not_allowed", detail);
        };
        let detail =
            format!("This key was made for less; it takes one that has the permission {scope}.");
        let mut response = problem(StatusCode::FORBIDDEN, "insufficient_scope", detail);
        let guard = guard(app);
        let asked = Challenge { scope: Some((*scope).to_owned()), ..guard.challenge().clone() };
        if let Some(challenge) = Refusal::ScopeMissing.challenge(&asked) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        return response;
    }
    Refusal::ScopeMissing.response(guard(app).suggest(scope::ACCOUNT).challenge())
}

/// A person who may have agents, or a broker with a token of theirs that may do nothing else.
pub(super) enum Broker {}

impl Right for Broker {
    type Who = Decision;

    fn describe(operation: &mut Operation) {
        let right = "A person's credential with the scope `agents` or `tokens`.";
        describe_bearer(operation, &[scope::AGENTS], right);
    }

    fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
        route.route_layer(guard(app))
    }

    // Which of the two scopes is asked by the issuer, which finds the person.
    async fn admit(incoming: &mut Incoming, app: &App) -> Result<Decision, Response> {
        caller(incoming, app).map_err(|refusal| *refusal)
    }
}

/// An agent, about itself and what is below it.
pub(super) enum AgentItself {}

impl Right for AgentItself {
    type Who = Decision;

    fn describe(operation: &mut Operation) {
        describe_bearer(operation, &[scope::AGENT], "An agent's own token.");
    }

    fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
        route.route_layer(guard(app))
    }

    async fn admit(incoming: &mut Incoming, app: &App) -> Result<Decision, Response> {
        let decision = presenter(incoming, app).map_err(|refusal| *refusal)?;
        if decision.who.agent().is_some() { Ok(decision) } else { Err(not_for(NotFor::Others)) }
    }
}

/// An administrator of the deployment, in person.
pub(super) enum Administrator {}

impl Right for Administrator {
    type Who = Decision;

    fn describe(operation: &mut Operation) {
        let right = "A sign-in with the scope `account`, of an administrator.";
        describe_bearer(operation, &[scope::ACCOUNT], right);
    }

    fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
        route.route_layer(guard(app).require(scope::ACCOUNT))
    }

    async fn admit(incoming: &mut Incoming, app: &App) -> Result<Decision, Response> {
        let decision = caller(incoming, app).map_err(|refusal| *refusal)?;
        if Actor::Bearer(&decision).administers() {
            return Ok(decision);
        }
        let detail =
            "Only an administrator who is signed in may this; a token does not speak for one.";
        Err(problem(StatusCode::FORBIDDEN, "not_allowed", detail))
    }
}

/// A role at the place that the path names, and the scope `account`.
pub(super) enum Member {}

impl Right for Member {
    type Who = Decision;

    fn describe(operation: &mut Operation) {
        let right = "A credential with the scope `account`, of somebody with a role there.";
        describe_bearer(operation, &[scope::ACCOUNT], right);
    }

    fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
        route.route_layer(guard(app).require(scope::ACCOUNT))
    }

    async fn admit(incoming: &mut Incoming, app: &App) -> Result<Decision, Response> {
        at_place(incoming, app, None).await
    }
}

macro_rules! permitted {
    ($(#[$doc:meta] $name:ident = $permission:expr, $right:literal;)*) => {$(
        #[$doc]
        pub(super) enum $name {}

        impl Right for $name {
            type Who = Decision;

            fn describe(operation: &mut Operation) {
                describe_bearer(operation, &[], $right);
            }

            fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
                route.route_layer(guard(app))
            }

            async fn admit(incoming: &mut Incoming, app: &App) -> Result<Decision, Response> {
                at_place(incoming, app, Some($permission)).await
            }
        }
    )*};
}

permitted! {
    /// Gives and takes roles at the place that the path names.
    ManageMembers = MEMBERS_MANAGE,
        "The permission `members:manage` there, by role and by the credential's scope.";
    /// Makes and lists keys of the place that the path names.
    ManageKeys = KEYS_MANAGE,
        "The permission `keys:manage` there, by role and by the credential's scope.";
    /// Renames, archives and hands over the organization that the path names.
    ManageOrg = ORG_MANAGE,
        "The permission `org:manage` there, by role and by the credential's scope.";
    /// Renames and archives the project that the path names.
    ManageProject = SETTINGS_MANAGE,
        "The permission `settings:manage` there, by role and by the credential's scope.";
    /// Makes projects in the organization that the path names.
    CreateProjects = PROJECTS_CREATE,
        "The permission `projects:create` there, by role and by the credential's scope.";
}

/// Manages the key that is named, wherever it belongs: asked by the handler, which finds it.
pub(super) enum KeyManager {}

impl Right for KeyManager {
    type Who = Decision;

    fn describe(operation: &mut Operation) {
        let right = "The permission `keys:manage` where the key belongs, by role and by the credential's scope.";
        describe_bearer(operation, &[], right);
    }

    fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
        route.route_layer(guard(app))
    }

    async fn admit(incoming: &mut Incoming, app: &App) -> Result<Decision, Response> {
        caller(incoming, app).map_err(|refusal| *refusal)
    }
}

/// Makes tokens for the project that the path names: a right of the role there, and the scope
/// `tokens`.
pub(super) enum ProjectTokens {}

impl Right for ProjectTokens {
    type Who = Decision;

    fn describe(operation: &mut Operation) {
        let right = "A sign-in with the scope `tokens`, of somebody with the permission `tokens:manage` in the project.";
        describe_bearer(operation, &[scope::TOKENS], right);
    }

    fn guarded(route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
        route.route_layer(guard(app).require(scope::TOKENS))
    }

    async fn admit(incoming: &mut Incoming, app: &App) -> Result<Decision, Response> {
        at_place(incoming, app, Some(TOKENS_MANAGE)).await
    }
}

/// Whether the caller has a role, and `permission` if one is needed, where the path says.
async fn at_place(
    incoming: &mut Incoming,
    app: &App,
    permission: Option<&str>,
) -> Result<Decision, Response> {
    let decision = caller(incoming, app).map_err(|refusal| *refusal)?;
    there(decision, incoming, app, permission).await
}

/// The same for a caller who is known.
async fn there(
    decision: Decision,
    incoming: &mut Incoming,
    app: &App,
    permission: Option<&str>,
) -> Result<Decision, Response> {
    let place = path_values(incoming, app).await?;
    let named = |name: &str| place.iter().find(|(known, _)| known == name);
    let org = named("org").map(|(_, value)| value.as_str());
    let project = named("project").map(|(_, value)| value.as_str());
    let Some(org) = org else {
        return Err(refused::org(OrgError::Unknown("organization")));
    };
    let actor = Actor::Bearer(&decision);
    match app.issuer().must_be_at(&actor, org, project, permission).await {
        Ok(()) => Ok(decision),
        Err(error) => {
            if let OrgError::Unknown(_) | OrgError::NotAllowed(_) | OrgError::NotScoped = error {
                let address =
                    peer::address_of(&incoming.parts.extensions, &incoming.parts.headers, app);
                app.issuer().denied_at(&decision, org, project, address);
            }
            Err(refused::org(error))
        }
    }
}
