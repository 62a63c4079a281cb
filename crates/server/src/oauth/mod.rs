//! The OAuth and OpenID Connect endpoints, one file each.
//!
//! | module | endpoint |
//! |---|---|
//! | [`authorize`] | `/oauth/authorize` (RFC 6749 §3.1) |
//! | [`token`] | `/oauth/token` (RFC 6749 §3.2) |
//! | [`exchange`] | `/auth/oidc/exchange` |
//! | [`device`] | `/oauth/device` (RFC 8628 §3.1) |
//! | [`revoke`] | `/oauth/revoke` (RFC 7009) |
//! | [`introspect`] | `/oauth/introspect` (RFC 7662) |
//! | [`action`] | `/oauth/action`: the token of an approved action is spent |
//! | [`userinfo`] | `/userinfo` (OIDC Core §5.3) |
//! | [`logout`] | `/oauth/logout` (OIDC RP-Initiated Logout) |
//! | [`jwks`] | `/oauth/jwks` (RFC 7517) |
//! | [`metadata`] | the well-known documents, `/auth/config` |
//! | [`call`] | what a form post to any of them presents |
//! | [`refusal`] | RFC 6749 §5.2 error answers |

use axum::{Router, middleware};

use crate::app::App;
use crate::limit;

mod action;
mod authorize;
pub(crate) mod call;
mod device;
mod exchange;
pub(crate) mod introspect;
mod jwks;
mod logout;
mod metadata;
pub(crate) mod preflight;
mod refusal;
mod revoke;
mod token;
mod userinfo;

pub(crate) use call::credentials;
pub(crate) use refusal::Refusal;

pub(crate) fn routes(app: &App) -> Router<App> {
    let limited = middleware::from_fn_with_state(app.clone(), limit::refused_credentials);
    Router::new()
        .merge(token::routes())
        .merge(exchange::routes())
        .merge(device::routes())
        .merge(revoke::routes())
        .merge(introspect::routes())
        .merge(action::routes())
        .merge(userinfo::routes())
        .route_layer(limited)
        .merge(authorize::routes())
        .merge(logout::routes())
        .merge(jwks::routes())
        .merge(metadata::routes())
}
