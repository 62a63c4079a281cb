//! Many accounts, many servers: which profiles there are, and which one is used when
//! nothing else is said (CLIENT F5). Signing in makes a profile, signing out removes it.

use hallpass_core::Timestamp;
use hallpass_core::text::presentable;

use crate::Error;
use crate::client::Parts;
use crate::status::{Account, State, stored_state};
use crate::vault::Contents;

/// A profile, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its server.
    pub server: String,
    /// Whose it is.
    pub account: Account,
    /// Whether it is used when nothing else is said.
    pub current: bool,
    /// Whether its credential is usable, as far as can be said without asking anybody.
    pub state: State,
    /// When its access token ends.
    pub expires_at: Option<Timestamp>,
}

/// All of them, by name.
pub(crate) fn list(parts: &Parts) -> Result<Vec<Listed>, Error> {
    let contents = parts.vault.read()?;
    Ok(contents.profiles.keys().map(|name| listed(parts, &contents, name)).collect())
}

/// Makes `name` the current one.
pub(crate) fn choose(parts: &Parts, name: &str) -> Result<Listed, Error> {
    let mut chosen = None;
    parts.vault.change(&mut |contents| {
        if !contents.profiles.contains_key(name) {
            chosen = Some(Err(Error::UnknownProfile {
                name: presentable(name, 80),
                known: contents.profiles.keys().cloned().collect(),
            }));
            return false;
        }
        let changed = contents.current.as_deref() != Some(name);
        contents.current = Some(name.to_owned());
        chosen = Some(Ok(listed(parts, contents, name)));
        changed
    })?;
    // The vault shows its contents, or fails.
    chosen.unwrap_or(Err(Error::Busy))
}

fn listed(parts: &Parts, contents: &Contents, name: &str) -> Listed {
    let profile = contents.profiles.get(name);
    let credential = contents.of_profile(name);
    Listed {
        name: name.to_owned(),
        server: profile.map(|profile| profile.server.clone()).unwrap_or_default(),
        account: match (credential, profile) {
            (Some(credential), _) => credential.account(),
            (None, Some(profile)) => {
                Account { id: profile.key.account.clone(), email: None, name: None }
            }
            (None, None) => Account::default(),
        },
        current: contents.current.as_deref() == Some(name),
        state: credential.map_or(State::NotSignedIn, |credential| {
            stored_state(credential, parts)
                .unwrap_or_else(|why| State::StoreUnavailable { reason: why.to_string() })
        }),
        expires_at: credential
            .and_then(|credential| credential.access.as_ref())
            .and_then(|access| access.expires_at(&*parts.time)),
    }
}
