//! The one page that has a token's text: the answer to the post that made it.

use axum::response::Response;
use hallpass_core::Secret;
use hallpass_issuer::SignedIn;
use http::StatusCode;

use super::super::answer;
use super::super::shown::Shown;
use super::HERE;
use super::desk::Sign;
use super::views::ShownOnce;
use crate::app::App;
use crate::http::headers::OUR_SCRIPT;

/// What is shown once.
pub(in crate::web) struct Revealed<'a> {
    /// For tests: `made`, `rotated`.
    pub(in crate::web) outcome: &'static str,
    /// What stands before its name.
    pub(in crate::web) heading: String,
    pub(in crate::web) name: &'a str,
    pub(in crate::web) value: &'a Secret,
    pub(in crate::web) may: Shown,
    pub(in crate::web) ends: String,
    /// What becomes of the old text.
    pub(in crate::web) old: Option<String>,
    /// Where to go on.
    pub(in crate::web) next: String,
    pub(in crate::web) sign: Sign,
}

/// Shows it.
pub(in crate::web) fn reveal(app: &App, person: &SignedIn, it: Revealed<'_>) -> Response {
    let brand = app.brand();
    let view = ShownOnce {
        frame: answer::frame(app, Some(person)),
        here: HERE,
        script: app.assets().copy(),
        outcome: it.outcome,
        heading: it.heading,
        name: Shown::new(it.name),
        value: it.value.expose().to_owned(),
        may: it.may,
        ends: it.ends,
        old: it.old,
        variable: brand.variable("TOKEN"),
        tool: brand.name.clone(),
        next: it.next,
        sign: it.sign,
    };
    let mut response = answer::page(StatusCode::OK, &view);
    let (name, value) = OUR_SCRIPT;
    response.headers_mut().insert(name, value);
    response
}
