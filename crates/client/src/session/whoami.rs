//! Whose credential it is, and what it is about.

use std::sync::PoisonError;

use hallpass_core::wire::api::{Whoami, Whose};
use hallpass_core::wire::path;

use super::{Call, Held, Session, path_segment};
use crate::Error;
use crate::http::HttpError;
use crate::login::identity::Userinfo;
use crate::presented;
use crate::status::{Account, Warning};
use crate::target::Target;
use crate::vault::Credential;

impl Session {
    /// `GET /api/v1/whoami`.
    pub fn whoami(&self) -> Result<Whoami, Error> {
        self.whoami_at(&Target::default())
    }

    /// The same, with what there is to say about the organization and project that were chosen.
    /// Where they are not there for this account, that is a warning.
    pub fn whoami_at(&self, target: &Target) -> Result<Whoami, Error> {
        if let Some(whoami) = self.standard_whoami()? {
            return Ok(whoami);
        }
        let place = target.place();
        let asked = match &place {
            None => String::new(),
            Some(place) if place.contains('/') => format!("?project={}", path_segment(place)),
            Some(org) => format!("?org={}", path_segment(org)),
        };
        let ask = |query: &str| self.send("GET", &format!("{}{query}", path::WHOAMI), None::<&()>);
        let answer = match (ask(&asked), place) {
            (Err(Error::Problem { status: 404, .. }), Some(place)) => {
                let answer = ask("");
                if answer.is_ok() {
                    self.warn(Warning::NoSuchPlace { place });
                }
                answer
            }
            (answer, _) => answer,
        };
        let whoami: Whoami = match (answer.and_then(|it| it.json_of()), self.by_id_token()) {
            (Err(error), Some(whoami)) if is_silent(&error) => {
                self.warn(Warning::Unsaid { server: self.server.clone() });
                whoami
            }
            (answer, _) => answer?,
        };
        self.tell_end(whoami.expires_at);
        Ok(whoami)
    }

    /// What the sign-in itself says, where calls carry an ID token: the API that it is for may
    /// have nothing that says whose it is.
    fn by_id_token(&self) -> Option<Whoami> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Held::Stored { credential, .. } = &*held else { return None };
        presented::has_id_token(&self.parts.brand, &self.server, credential)
            .then(|| person(credential.account(), credential))
    }

    /// The same at a provider that has no API of ours: what its userinfo says (OIDC Core §5.3).
    fn standard_whoami(&self) -> Result<Option<Whoami>, Error> {
        let (endpoint, credential) = {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let Held::Stored { credential, .. } = &*held else { return Ok(None) };
            let Some(endpoint) = credential.endpoints.userinfo.clone() else { return Ok(None) };
            // Userinfo is for the access token, and an ID token is for nobody but our server.
            if presented::has_id_token(&self.parts.brand, &self.server, credential) {
                return Ok(None);
            }
            (endpoint, credential.clone())
        };
        let call = Call { method: "GET", path: "", headers: &[], body: None };
        let reply = self.reply_at(&endpoint, &call)?;
        if reply.status != 200 {
            return Err(self.problem(&reply));
        }
        let info: Userinfo = reply.json()?;
        // OIDC Core §5.3.2: otherwise it is about somebody else.
        if info.sub != credential.key.account {
            return Err(reply.malformed("userinfo is about somebody else").into());
        }
        let account = Account { id: info.sub, email: info.email, name: info.name };
        Ok(Some(person(account, &credential)))
    }
}

/// What is known of somebody at a provider that has no API of ours.
fn person(account: Account, credential: &Credential) -> Whoami {
    Whoami {
        id: account.id,
        kind: Whose::User,
        org: None,
        project: None,
        older: false,
        email: account.email.unwrap_or_default(),
        name: account.name.unwrap_or_default(),
        client_id: Some(credential.key.client_id.clone()),
        scope: credential.scope.clone(),
        expires_at: None,
    }
}

/// Whether an API has nothing at that address that answers as ours does.
fn is_silent(error: &Error) -> bool {
    matches!(
        error,
        Error::Problem { status: 404 | 405 | 410 | 501, .. }
            | Error::Http(HttpError::Malformed { .. } | HttpError::Status { status: 501, .. })
    )
}
