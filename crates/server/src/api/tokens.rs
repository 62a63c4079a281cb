//! `/api/v1/tokens`: the caller's personal tokens, and others' for an administrator.

use hallpass_core::wire::api::Page;
use hallpass_core::wire::path::TOKENS;
use hallpass_core::wire::tokens::{CreatedToken, NewToken, RotateToken, Token, TokenChange};
use hallpass_issuer::Origin;
use hallpass_issuer::tokens::Actor;
use http::Method;

use super::answer::{Done, Made, Shown};
use super::argument::{Body, PageOf, Path};
use super::refused::Refused;
use super::right::{Account, Needs, Tokens};
use super::route::Route;
use crate::app::App;

const ONE: &str = "/api/v1/tokens/{id}";
const ROTATE: &str = "/api/v1/tokens/{id}/rotate";

pub(super) fn table() -> Vec<Route> {
    vec![
        Route::new(Method::GET, TOKENS, "listTokens", "List tokens", list),
        Route::new(Method::POST, TOKENS, "createToken", "Make a token", create).or([409]),
        Route::new(Method::GET, ONE, "getToken", "Show a token", show),
        Route::new(Method::PATCH, ONE, "changeToken", "Change name or expiry", change).or([409]),
        Route::new(Method::DELETE, ONE, "revokeToken", "Revoke a token", revoke),
        Route::new(Method::POST, ROTATE, "rotateToken", "Rotate a token", rotate).or([409]),
    ]
}

async fn list(
    app: App,
    Needs(caller): Needs<Account>,
    PageOf { paging, user }: PageOf,
) -> Result<Shown<Page<Token>>, Refused> {
    let (actor, cursor) = (Actor::Bearer(&caller), paging.cursor.as_deref());
    let page = app.issuer().tokens_of(&actor, user.as_deref(), cursor, paging.limit).await?;
    Ok(Shown(page))
}

async fn create(
    app: App,
    Needs(caller): Needs<Tokens>,
    origin: Origin,
    Body(new): Body<NewToken>,
) -> Result<Made<CreatedToken>, Refused> {
    Ok(Made(app.issuer().create_token(&Actor::Bearer(&caller), new, &origin).await?))
}

async fn show(
    app: App,
    Needs(caller): Needs<Account>,
    Path([id]): Path<1>,
) -> Result<Shown<Token>, Refused> {
    Ok(Shown(app.issuer().own_token(&Actor::Bearer(&caller), &id).await?))
}

async fn change(
    app: App,
    Needs(caller): Needs<Tokens>,
    origin: Origin,
    Path([id]): Path<1>,
    Body(change): Body<TokenChange>,
) -> Result<Shown<Token>, Refused> {
    let actor = Actor::Bearer(&caller);
    Ok(Shown(app.issuer().change_token(&actor, &id, change, &origin).await?))
}

async fn revoke(
    app: App,
    Needs(caller): Needs<Tokens>,
    origin: Origin,
    Path([id]): Path<1>,
) -> Result<Done, Refused> {
    app.issuer().revoke_token(&Actor::Bearer(&caller), &id, &origin).await?;
    Ok(Done)
}

async fn rotate(
    app: App,
    Needs(caller): Needs<Tokens>,
    origin: Origin,
    Path([id]): Path<1>,
    Body(how): Body<RotateToken>,
) -> Result<Made<CreatedToken>, Refused> {
    Ok(Made(app.issuer().rotate_token(&Actor::Bearer(&caller), &id, how, &origin).await?))
}
