//! `/api/v1/users`, `/api/v1/clients`, `/api/v1/signing-keys`: for administrators who are signed
//! in. To whoever is none the routes say so; they name nothing that is there.

use hallpass_core::wire::api::{Page, Session};
use hallpass_core::wire::operator::{
    Client, ClientSecret, NewClient, Person, RotateKeys, SigningKey,
};
use hallpass_issuer::Origin;
use hallpass_issuer::admin::{AdminError, NewClient as Register};
use hallpass_issuer::tokens::{Actor, TokenError};
use hallpass_store::{ClientKind, User};
use hallpass_verdict::Decision;
use http::{Method, StatusCode};

use super::answer::{Done, Made, Shown};
use super::argument::{Body, KeysOfLeaver, Paging, Path};
use super::refused::Refused;
use super::right::{Administrator, Needs};
use super::route::Route;
use super::{failure, problem};
use crate::app::App;

const USERS: &str = "/api/v1/users";
const USER: &str = "/api/v1/users/{user}";
const DISABLE_USER: &str = "/api/v1/users/{user}/disable";
const ENABLE_USER: &str = "/api/v1/users/{user}/enable";
const END_ALL: &str = "/api/v1/users/{user}/end-all";
const SESSIONS: &str = "/api/v1/users/{user}/sessions";
const CLIENTS: &str = "/api/v1/clients";
const DISABLE_CLIENT: &str = "/api/v1/clients/{client}/disable";
const ROTATE_CLIENT: &str = "/api/v1/clients/{client}/rotate-secret";
const SIGNING_KEYS: &str = "/api/v1/signing-keys";
const ROTATE_KEYS: &str = "/api/v1/signing-keys/rotate";

pub(super) fn table() -> Vec<Route> {
    let (get, post) = (Method::GET, Method::POST);
    let end = "End every sign-in and token of a person";
    vec![
        Route::new(get.clone(), USERS, "listUsers", "List people", users),
        Route::new(get.clone(), USER, "getUser", "Show a person", user),
        Route::new(post.clone(), DISABLE_USER, "disableUser", "Disable a person", disable_user)
            .or([409]),
        Route::new(post.clone(), ENABLE_USER, "enableUser", "Let a person in again", enable_user),
        Route::new(post.clone(), END_ALL, "endAllOfUser", end, end_all),
        Route::new(get.clone(), SESSIONS, "listUserSessions", "List a person's sign-ins", sessions),
        Route::new(get.clone(), CLIENTS, "listClients", "List clients", clients),
        Route::new(post.clone(), CLIENTS, "createClient", "Register a client", create_client)
            .or([409]),
        Route::new(
            post.clone(),
            DISABLE_CLIENT,
            "disableClient",
            "Disable a client",
            disable_client,
        ),
        Route::new(
            post.clone(),
            ROTATE_CLIENT,
            "rotateClientSecret",
            "Give a client another secret",
            rotate_client,
        ),
        Route::new(
            get,
            SIGNING_KEYS,
            "listSigningKeys",
            "List keys that sign tokens",
            signing_keys,
        ),
        Route::new(
            post,
            ROTATE_KEYS,
            "rotateSigningKeys",
            "Make the next signing keys",
            rotate_keys,
        ),
    ]
}

async fn users(
    app: App,
    Needs(caller): Needs<Administrator>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<Person>>, Refused> {
    let actor = Actor::Bearer(&caller);
    let Page { items, next_cursor } =
        app.issuer().people(&actor, "", cursor.as_deref(), limit).await?;
    Ok(Shown(Page { items: items.into_iter().map(person).collect(), next_cursor }))
}

async fn user(
    app: App,
    Needs(caller): Needs<Administrator>,
    Path([user]): Path<1>,
) -> Result<Shown<Person>, Refused> {
    Ok(Shown(person(found(&app, &caller, &user).await?)))
}

async fn disable_user(
    app: App,
    Needs(caller): Needs<Administrator>,
    origin: Origin,
    Path([user]): Path<1>,
    KeysOfLeaver(keys): KeysOfLeaver,
) -> Result<Done, Refused> {
    let user = found(&app, &caller, &user).await?;
    app.issuer().disable_person(&Actor::Bearer(&caller), user.id, keys, &origin).await?;
    Ok(Done)
}

async fn enable_user(
    app: App,
    Needs(caller): Needs<Administrator>,
    origin: Origin,
    Path([user]): Path<1>,
) -> Result<Done, Refused> {
    let user = found(&app, &caller, &user).await?;
    app.issuer().enable_person(&Actor::Bearer(&caller), user.id, &origin).await?;
    Ok(Done)
}

async fn end_all(
    app: App,
    Needs(caller): Needs<Administrator>,
    origin: Origin,
    Path([user]): Path<1>,
) -> Result<Done, Refused> {
    let user = found(&app, &caller, &user).await?;
    app.issuer().end_everything_of(&Actor::Bearer(&caller), user.id, &origin).await?;
    Ok(Done)
}

/// Somebody has few of them: one page holds all.
async fn sessions(
    app: App,
    Needs(caller): Needs<Administrator>,
    Path([user]): Path<1>,
) -> Result<Shown<Page<Session>>, Refused> {
    let user = found(&app, &caller, &user).await?;
    let items = app.issuer().sessions_of(user.id, None).await?;
    Ok(Shown(Page { items, next_cursor: None }))
}

async fn clients(
    app: App,
    Needs(caller): Needs<Administrator>,
    Paging { limit, cursor }: Paging,
) -> Result<Shown<Page<Client>>, Refused> {
    let actor = Actor::Bearer(&caller);
    let Page { items, next_cursor } =
        app.issuer().clients_for(&actor, cursor.as_deref(), limit).await?;
    let items = items.into_iter().map(|client| Client {
        id: client.id,
        name: client.name,
        confidential: client.kind == ClientKind::Confidential,
        redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
        grant_types: client.grant_types,
        created_at: client.created_at,
        disabled_at: client.disabled_at,
    });
    Ok(Shown(Page { items: items.collect(), next_cursor }))
}

async fn create_client(
    app: App,
    Needs(caller): Needs<Administrator>,
    origin: Origin,
    Body(new): Body<NewClient>,
) -> Result<Made<ClientSecret>, Refused> {
    let new = Register {
        id: new.id,
        name: new.name.unwrap_or_default(),
        confidential: new.confidential,
        redirect_uris: new.redirect_uris,
        ..Register::default()
    };
    let actor = Actor::Bearer(&caller);
    let (client, secret) = app.issuer().create_client_for(new, &actor, &origin).await?;
    Ok(Made(ClientSecret { id: client.id, secret }))
}

async fn disable_client(
    app: App,
    Needs(caller): Needs<Administrator>,
    origin: Origin,
    Path([client]): Path<1>,
) -> Result<Done, Refused> {
    app.issuer().disable_client_for(&client, &Actor::Bearer(&caller), &origin).await?;
    Ok(Done)
}

async fn rotate_client(
    app: App,
    Needs(caller): Needs<Administrator>,
    origin: Origin,
    Path([client]): Path<1>,
) -> Result<Made<ClientSecret>, Refused> {
    let actor = Actor::Bearer(&caller);
    let secret = app.issuer().change_client_secret(&client, &actor, &origin).await?;
    Ok(Made(ClientSecret { id: client, secret: Some(secret) }))
}

/// There are few of them: one page holds all.
async fn signing_keys(
    app: App,
    Needs(_): Needs<Administrator>,
) -> Result<Shown<Page<SigningKey>>, Refused> {
    let keys = app.issuer().signing_keys().await?;
    let items = keys.into_iter().map(|key| SigningKey {
        id: key.id.to_string(),
        alg: key.alg,
        created_at: key.created_at,
        signs_from: key.signs_from,
        signs_until: key.signs_until,
        published_until: key.published_until,
    });
    Ok(Shown(Page { items: items.collect(), next_cursor: None }))
}

async fn rotate_keys(
    app: App,
    Needs(caller): Needs<Administrator>,
    origin: Origin,
    Body(RotateKeys { now }): Body<RotateKeys>,
) -> Result<Done, Refused> {
    app.issuer().rotate_signing_keys_for(now, &Actor::Bearer(&caller), &origin).await?;
    Ok(Done)
}

/// Somebody by id or e-mail address, disabled or not.
async fn found(app: &App, caller: &Decision, user: &str) -> Result<User, Refused> {
    app.issuer().anybody_for(&Actor::Bearer(caller), user).await.map_err(|error| match error {
        TokenError::Unknown => {
            let detail = "There is nobody like that; GET /api/v1/users lists all.";
            Refused(problem(StatusCode::NOT_FOUND, "not_found", detail))
        }
        error => error.into(),
    })
}

fn person(user: User) -> Person {
    Person {
        id: user.id.to_string(),
        email: user.email,
        name: user.name,
        admin: user.admin,
        created_at: user.created_at,
        disabled_at: user.disabled_at,
    }
}

impl From<AdminError> for Refused {
    fn from(error: AdminError) -> Self {
        let detail = format!("{error}.");
        Self(match error {
            AdminError::Taken(_) => problem(StatusCode::CONFLICT, "taken", detail),
            AdminError::KeysMade(_) => problem(StatusCode::CONFLICT, "keys_undecided", detail),
            AdminError::LastAdmin => problem(StatusCode::CONFLICT, "last_administrator", detail),
            AdminError::LastOwner(_) => problem(StatusCode::CONFLICT, "last_owner", detail),
            AdminError::Unknown(_) => problem(StatusCode::NOT_FOUND, "not_found", detail),
            AdminError::Busy => problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail),
            AdminError::Failed(error) => failure(&error),
            _ => problem(StatusCode::BAD_REQUEST, "invalid_value", detail),
        })
    }
}
