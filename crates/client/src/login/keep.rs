//! Keeping a new credential: under which profile, in whose place, and what becomes of
//! the session that it replaces.

use hallpass_core::Secret;
use hallpass_core::text::presentable;

use super::{Login, LoginOptions};
use crate::Error;
use crate::client::Parts;
use crate::http::Http;
use crate::revoke::revoke;
use crate::source::{self, Selection};
use crate::status::Warning;
use crate::vault::model::{Credential, CredentialKind, Profile};
use crate::vault::{BindingKey, Contents, VaultError, gets_over};

/// A credential, and the key that it is bound to, if it is.
pub(crate) struct New<'k> {
    pub credential: Credential,
    pub key: Option<&'k BindingKey>,
}

/// Puts a new credential into the vault under the right profile, and ends the session
/// that it replaces.
pub(crate) fn keep(
    parts: &Parts,
    http: &Http,
    selection: &Selection,
    options: &LoginOptions,
    new: New<'_>,
    server: &str,
) -> Result<Login, Error> {
    let New { credential, key } = new;
    let mut warnings = Vec::new();
    let mut named = source::wanted_profile(selection, &parts.brand, &*parts.environment);
    let mut replace = options.replace_account;
    if parts.brand.keeps_one() {
        // There is room for one: whoever signs in takes it over.
        let there = parts.vault.read().ok().and_then(|there| there.profiles.into_keys().next());
        (named, replace) = (there.or(named), true);
    }
    let mut kept = None;
    let mut write = || {
        parts.vault.change(&mut |contents| {
            let put = place(contents, named.as_deref(), &credential, server, replace);
            let changed = put.is_ok();
            kept = Some(put);
            changed
        })
    };
    // CLIENT D10: a login is how a person gets over a broken store.
    if let Err(error) = parts.vault.read()
        && gets_over(&*parts.vault, &error)
        && let Some(path) = parts.vault.set_aside()?
    {
        warnings.push(Warning::SetAside { path: path.display().to_string() });
    }
    bind(parts, named.as_deref(), replace, &credential, key, server)?;
    write()?;
    // A vault that never shows its contents has not stored anything.
    let kept = kept.ok_or_else(|| VaultError::Busy { path: parts.vault.place().path })??;

    for old in &kept.replaced {
        if old.key != credential.key {
            parts.vault.remove_binding_key(&old.key)?;
        }
        if let Some((token, hint)) = ours(old, &credential)
            && let Err(why) = revoke(
                http,
                old.endpoints.revocation.as_deref(),
                &old.key.client_id,
                token,
                Some(hint),
            )
        {
            warnings.push(Warning::NotRevoked { reason: why.to_string() });
        }
    }
    if let Some(policy) = selection.store
        && let Err(error) = parts.vault.remember(policy)
    {
        warnings.push(Warning::NotRemembered { reason: error.to_string() });
    }
    let variable = source::token_variable(&parts.brand);
    if parts.brand.sources.variable_wins() && parts.environment.var(&variable).is_some() {
        warnings.push(Warning::VariableWins { variable });
    }
    warnings.extend(parts.vault.warnings());
    Ok(Login {
        profile: kept.profile,
        server: server.to_owned(),
        issuer: credential.key.issuer.clone(),
        account: credential.account(),
        scope: credential.scope.clone(),
        expires_at: credential.access.as_ref().and_then(|access| access.expires_at(&*parts.time)),
        store: parts.vault.place(),
        warnings,
    })
}

/// The token of a replaced sign-in that is ours to end: its refresh token, or the personal token
/// that was made with it.
fn ours<'c>(old: &'c Credential, new: &Credential) -> Option<(&'c Secret, &'static str)> {
    if old.kind != CredentialKind::Oauth {
        return None;
    }
    match (&old.refresh_token, &old.access, &new.access) {
        (Some(token), ..) => {
            (old.fingerprint() != new.fingerprint()).then_some((token, "refresh_token"))
        }
        (None, Some(old), Some(new)) if new.token != old.token => {
            Some((&old.token, "access_token"))
        }
        _ => None,
    }
}

/// Puts the key where it is kept, before what is bound to it: without its key that would be
/// worth nothing. Nothing is changed if the credential would not be taken.
fn bind(
    parts: &Parts,
    named: Option<&str>,
    replace: bool,
    credential: &Credential,
    key: Option<&BindingKey>,
    server: &str,
) -> Result<(), Error> {
    if let Ok(mut there) = parts.vault.read() {
        place(&mut there, named, credential, server, replace)?;
    }
    match key {
        Some(key) => parts.vault.keep_binding_key(&credential.key, key)?,
        None => parts.vault.remove_binding_key(&credential.key)?,
    }
    Ok(())
}

#[derive(Debug)]
struct Kept {
    profile: String,
    /// What stood in its place, and nobody uses any more.
    replaced: Vec<Credential>,
}

/// Finds the profile's name and puts everything in place. A profile that belongs to
/// somebody else is not taken over silently (CLIENT F5).
fn place(
    contents: &mut Contents,
    named: Option<&str>,
    credential: &Credential,
    server: &str,
    replace_account: bool,
) -> Result<Kept, Error> {
    let name = match named {
        Some(name) => name.to_owned(),
        None => own_profile(contents, credential, server).unwrap_or_else(|| {
            server.split_once("://").map_or(server, |(_, rest)| rest).to_owned()
        }),
    };
    let old_profile = contents.profiles.get(&name);
    let taken = old_profile.filter(|old| old.key != credential.key || old.server != server);
    if let Some(old) = taken
        && !replace_account
    {
        let existing = contents.credential(&old.key).map_or_else(
            || old.key.account.clone(),
            |credential| credential.account().label().to_owned(),
        );
        return Err(Error::OtherAccount {
            profile: name,
            existing: presentable(&format!("{existing} at {}", old.server), 200),
            new: presentable(&format!("{} at {server}", credential.account().label()), 200),
        });
    }
    let mut replaced: Vec<_> = contents.credential(&credential.key).cloned().into_iter().collect();
    let rest = old_profile.map(|old| old.rest.clone()).unwrap_or_default();
    // Somebody else's organization is not this person's.
    let same = old_profile.filter(|old| old.key == credential.key && old.server == server);
    let (org, project) = same.map(|old| (old.org.clone(), old.project.clone())).unwrap_or_default();
    if let Some(old) = taken.filter(|old| old.key != credential.key) {
        let old_key = old.key.clone();
        let used = contents.profiles.iter().any(|(n, p)| *n != name && p.key == old_key);
        if !used {
            replaced.extend(contents.credential(&old_key).cloned());
            contents.credentials.retain(|credential| credential.key != old_key);
        }
    }
    let profile =
        Profile { server: server.to_owned(), key: credential.key.clone(), org, project, rest };
    contents.put(credential.clone());
    contents.profiles.insert(name.clone(), profile);
    // Whoever names a profile uses it by name; the default is for those who do not.
    if named.is_none() || contents.current.is_none() {
        contents.current = Some(name.clone());
    }
    Ok(Kept { profile: name, replaced })
}

/// The profile that this account already has at this server; the current one first.
fn own_profile(contents: &Contents, credential: &Credential, server: &str) -> Option<String> {
    let own = |name: &String| {
        contents
            .profiles
            .get(name)
            .is_some_and(|profile| profile.key == credential.key && profile.server == server)
    };
    contents
        .current
        .as_ref()
        .filter(|name| own(name))
        .or_else(|| contents.profiles.keys().find(|name| own(name)))
        .cloned()
}

#[cfg(test)]
#[path = "keep_tests.rs"]
mod tests;
