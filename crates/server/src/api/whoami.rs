//! `GET /api/v1/whoami`: who the presented credential is.

use hallpass_core::wire::api::Whoami;
use hallpass_core::wire::path::WHOAMI;
use http::Method;

use super::answer::Shown;
use super::right::{Account, Needs};
use super::route::Route;
use crate::app::App;

pub(super) fn table() -> Vec<Route> {
    vec![Route::new(Method::GET, WHOAMI, "whoami", "Show who presents the credential", whoami)]
}

async fn whoami(_: App, Needs(decision): Needs<Account>) -> Shown<Whoami> {
    Shown(Whoami {
        id: decision.who.id(),
        email: decision.who.email().unwrap_or_default().to_owned(),
        name: decision.who.name().to_owned(),
        client_id: decision.client_id.as_deref().map(str::to_owned),
        scope: decision.scope.clone(),
        expires_at: decision.expires_at,
    })
}
