//! Many accounts, many servers: which profiles there are, and which one is used when
//! nothing else is said (CLIENT F5). Signing in makes a profile, signing out removes it.

use hallpass_core::Timestamp;
use hallpass_core::text::presentable;

use crate::Error;
use crate::client::Parts;
use crate::status::{Account, State, stored_state};
use crate::vault::{BindingKey, Contents, Key, VaultError};

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
    Ok(listed(parts, &contents, contents.profiles.keys().map(String::as_str).collect()))
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
        chosen = listed(parts, contents, vec![name]).pop().map(Ok);
        changed
    })?;
    // The vault shows its contents, or fails.
    chosen.unwrap_or(Err(Error::Busy))
}

/// These, whose keys are read in one go.
fn listed(parts: &Parts, contents: &Contents, names: Vec<&str>) -> Vec<Listed> {
    let bound = |name: &&str| {
        let credential = contents.of_profile(name)?;
        credential.binding.as_ref().map(|_| &credential.key)
    };
    let bound: Vec<_> = names.iter().filter_map(bound).collect();
    let kept = match bound.is_empty() {
        true => Ok(Vec::new()),
        false => parts.vault.binding_keys(&bound),
    };
    let key_of = |key: &Key| {
        let at = bound.iter().position(|bound| *bound == key);
        let kept = kept.as_ref().map_err(Clone::clone)?;
        Ok(at.and_then(|at| kept.get(at).cloned().flatten()))
    };
    names.into_iter().map(|name| one(parts, contents, name, &key_of)).collect()
}

fn one(
    parts: &Parts,
    contents: &Contents,
    name: &str,
    key_of: &dyn Fn(&Key) -> Result<Option<BindingKey>, VaultError>,
) -> Listed {
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
            stored_state(credential, parts, || key_of(&credential.key))
                .unwrap_or_else(|why| State::StoreUnavailable { reason: why.to_string() })
        }),
        expires_at: credential
            .and_then(|credential| credential.access.as_ref())
            .and_then(|access| access.expires_at(&*parts.time)),
    }
}
