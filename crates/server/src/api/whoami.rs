//! `GET /api/v1/whoami`: who the presented credential is, and what it is about.

use hallpass_core::wire::api::{Whoami, Whose};
use hallpass_core::wire::path::WHOAMI;
use hallpass_issuer::tokens::Actor;
use hallpass_verdict::{CredentialKind, Who};
use http::Method;

use super::answer::Shown;
use super::argument::AtPlace;
use super::refused::Refused;
use super::right::{Needs, Oneself};
use super::route::Route;
use crate::app::App;

pub(super) fn table() -> Vec<Route> {
    vec![Route::new(Method::GET, WHOAMI, "whoami", "Show who presents the credential", whoami)]
}

/// A key, a job or a token of an older system says where it belongs; whoever else may ask about a
/// place in which they have a role.
async fn whoami(
    app: App,
    Needs(decision): Needs<Oneself>,
    AtPlace(place): AtPlace,
) -> Result<Shown<Whoami>, Refused> {
    let (issuer, actor) = (app.issuer(), Actor::Bearer(&decision));
    let older = decision.kind == CredentialKind::LegacyToken;
    let kind = match *decision.who {
        // It is nobody, also where somebody answers for it.
        _ if older => Whose::Key,
        Who::Key { .. } => Whose::Key,
        Who::Job { .. } => Whose::Job,
        // No agent gets here: its own route tells it who it is.
        Who::User { .. } | Who::Outside { .. } | Who::Agent(_) => Whose::User,
    };
    let (org, project) = match (kind, &place) {
        (Whose::Key | Whose::Job, _) => issuer.place_of_key(&decision).await?,
        (Whose::User, None) => (None, None),
        (Whose::User, Some((org, project))) => {
            let found = issuer.org(&actor, org).await?;
            let project = match project {
                Some(project) => Some(issuer.project(&actor, org, project).await?),
                None => None,
            };
            (Some(found), project)
        }
    };
    Ok(Shown(Whoami {
        id: if older { decision.id.clone() } else { decision.who.id() },
        kind,
        email: decision.who.email().filter(|_| !older).unwrap_or_default().to_owned(),
        name: decision.who.name().to_owned(),
        org,
        project,
        older,
        client_id: decision.client_id.as_deref().map(str::to_owned),
        scope: decision.scope.clone(),
        expires_at: decision.expires_at,
    }))
}
