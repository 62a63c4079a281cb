//! Whose credential it is, and what it is about.

use std::sync::PoisonError;

use hallpass_core::wire::api::{Whoami, Whose};
use hallpass_core::wire::path;

use super::{Call, Held, Session, path_segment};
use crate::Error;
use crate::login::identity::Userinfo;
use crate::status::Warning;
use crate::target::Target;

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
                self.warn(Warning::NoSuchPlace { place });
                ask("")
            }
            (answer, _) => answer,
        };
        let whoami: Whoami = answer?.json_of()?;
        self.tell_end(whoami.expires_at);
        Ok(whoami)
    }

    /// The same at a provider that has no API of ours: what its userinfo says (OIDC Core §5.3).
    fn standard_whoami(&self) -> Result<Option<Whoami>, Error> {
        let (endpoint, key, scope) = {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let Held::Stored { credential, .. } = &*held else { return Ok(None) };
            let Some(endpoint) = credential.endpoints.userinfo.clone() else { return Ok(None) };
            (endpoint, credential.key.clone(), credential.scope.clone())
        };
        let call = Call { method: "GET", path: "", headers: &[], body: None };
        let reply = self.reply_at(&endpoint, &call)?;
        if reply.status != 200 {
            return Err(self.problem(&reply));
        }
        let info: Userinfo = reply.json()?;
        // OIDC Core §5.3.2: otherwise it is about somebody else.
        if info.sub != key.account {
            return Err(reply.malformed("userinfo is about somebody else").into());
        }
        Ok(Some(Whoami {
            id: info.sub,
            kind: Whose::User,
            org: None,
            project: None,
            older: false,
            email: info.email.unwrap_or_default(),
            name: info.name.unwrap_or_default(),
            client_id: Some(key.client_id),
            scope,
            expires_at: None,
        }))
    }
}
