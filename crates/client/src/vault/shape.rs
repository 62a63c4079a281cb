//! A plain file with one sign-in that looks as another tool's documentation says: the bare
//! text of a token, or JSON with members of its own choice.
//!
//! What such a file has no room for (whose it is, which server) stands in `account.json` beside
//! a bare token, and in further members of the JSON. A file that somebody else wrote is read,
//! too: it is then a sign-in at the tool's own server, of somebody that is not known here unless
//! what it holds is an ID token, which says for whom and for which client it was made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hallpass_core::brand::{Brand, Fact, Format};
use hallpass_core::{Digest, Scope, Secret, Timestamp};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::VaultError;
use super::form::to_bytes;
use super::kept::{KeptFile, corrupt, why};
use super::model::{
    Access, Contents, Credential, CredentialKind, Endpoints, Key, Profile, Receipt,
};
use crate::discovery::parse_server;
use crate::id_token::IdToken;
use crate::presented::is_id_token;

/// What a bare token has no room for.
const ACCOUNT: &str = "account.json";
/// Which token it is about.
const MARK: &str = "token";
/// An ID token, among what a credential carries along.
pub(crate) const ID_TOKEN: &str = "id_token";

/// What the file looks like.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Its name.
    pub(super) file: String,
    /// A directory that is not ours to change.
    pub(super) elsewhere: Option<PathBuf>,
    format: Format,
    fields: BTreeMap<String, Fact>,
    /// The tool's own server and client, for files that somebody else wrote.
    server: String,
    client_id: String,
    /// What is kept for calls is an ID token.
    id_token: bool,
}

impl Shape {
    /// What the brand says, if it is not our own form.
    pub fn of(brand: &Brand) -> Option<Self> {
        let rules = &brand.vault;
        if rules.format == Format::Own {
            return None;
        }
        let server = parse_server(&brand.default_server).ok()?.to_string();
        Some(Self {
            elsewhere: None,
            file: rules.file.clone().unwrap_or_else(|| super::file::NAME.to_owned()),
            format: rules.format,
            fields: rules.fields.clone(),
            server,
            client_id: brand.client_id.clone(),
            id_token: is_id_token(brand, false),
        })
    }

    /// The same in another file.
    pub(crate) fn at(mut self, path: &Path) -> Self {
        if let (Some(dir), Some(name)) = (path.parent(), path.file_name()) {
            self.elsewhere = Some(dir.to_owned());
            self.file = name.to_string_lossy().into_owned();
        }
        self
    }

    /// Whether `bytes` are in this form, and not sealed.
    pub(super) fn is_mine(&self, bytes: &[u8]) -> bool {
        match self.format {
            Format::Own => false,
            Format::Token => !bytes.trim_ascii_start().starts_with(b"{"),
            Format::Fields => serde_json::from_slice::<Map<String, Value>>(bytes)
                .is_ok_and(|members| !members.contains_key("sealed")),
        }
    }

    pub(super) fn read(&self, bytes: &[u8], file: &KeptFile) -> Result<Contents, VaultError> {
        match self.format {
            Format::Token => self.read_token(bytes, file),
            _ => self.read_fields(bytes, file.path()),
        }
    }

    pub(super) fn write(
        &self,
        file: &KeptFile,
        target: &Path,
        contents: &Contents,
    ) -> Result<(), VaultError> {
        let (mut one, credential) = only(contents);
        let Some(credential) = credential else { return file.store(target, b"\n") };
        hide(&mut one);
        let mut state = as_members(&one, target)?;
        if self.format == Format::Token {
            let token = credential.access.as_ref().map(|access| &access.token);
            let text = token.map_or("", Secret::expose);
            state.insert(MARK.to_owned(), mark(text).into());
            let beside = file.beside(ACCOUNT);
            // First, so that a token is never without it; an older one is told by its mark.
            beside.store(&beside.target()?, &to_bytes(&state, beside.path())?)?;
            return file.store(target, Zeroizing::new(format!("{text}\n")).as_bytes());
        }
        for (name, fact) in &self.fields {
            if let Some(value) = fact_of(*fact, &credential, file.now()) {
                state.insert(name.clone(), value);
            }
        }
        file.store(target, &to_bytes(&state, target)?)
    }

    fn read_token(&self, bytes: &[u8], file: &KeptFile) -> Result<Contents, VaultError> {
        let text = std::str::from_utf8(bytes).map(str::trim_ascii).unwrap_or_default();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(corrupt(file.path(), "it holds no token"));
        }
        let beside = file.beside(ACCOUNT);
        let state = beside.load(&beside.target()?)?;
        let known = state.and_then(|state| {
            let mut members: Map<String, Value> = serde_json::from_slice(&state).ok()?;
            let about = members.remove(MARK)?;
            (about == mark(text).as_str())
                .then(|| serde_json::from_value::<Contents>(Value::Object(members)).ok())?
        });
        let mut contents = known.unwrap_or_else(|| self.foreign(file.now()));
        for credential in &mut contents.credentials {
            if let Some(access) = &mut credential.access {
                access.token = Secret::new(text);
            }
        }
        Ok(contents)
    }

    fn read_fields(&self, bytes: &[u8], path: &Path) -> Result<Contents, VaultError> {
        let malformed = |error: serde_json::Error| corrupt(path, why(&error));
        let mut members: Map<String, Value> = serde_json::from_slice(bytes).map_err(malformed)?;
        let mut found = BTreeMap::new();
        for (name, fact) in &self.fields {
            if let Some(value) = members.remove(name) {
                found.insert(*fact as u8, value);
            }
        }
        let text = |fact: Fact| found.get(&(fact as u8)).and_then(Value::as_str);
        let seconds = |fact: Fact| {
            let value = found.get(&(fact as u8))?.as_f64()?;
            (value.is_finite() && value >= 0.0)
                .then(|| Timestamp::from_millis((value * 1000.0) as i64))
        };
        let ours = members.contains_key("credentials");
        let mut contents = if ours {
            serde_json::from_value(Value::Object(members)).map_err(malformed)?
        } else {
            self.foreign(seconds(Fact::StoredAt).unwrap_or_default())
        };
        let Some(credential) = contents.credentials.first_mut() else { return Ok(contents) };
        credential.refresh_token = text(Fact::RefreshToken).map(Secret::new);
        if let Some(token) = text(Fact::IdToken) {
            credential.rest.insert(ID_TOKEN.to_owned(), token.into());
        }
        if !ours {
            credential.endpoints.token = text(Fact::TokenEndpoint).map(str::to_owned);
        }
        let said = match (text(Fact::AccessToken), &mut credential.access) {
            (Some(token), Some(access)) => {
                access.token = Secret::new(token);
                let read = !ours && self.id_token;
                let said = read.then(|| IdToken::read(&access.token)).flatten();
                let end = seconds(Fact::ExpiresAt).or(said.as_ref().and_then(IdToken::end));
                if let Some(end) = end.filter(|_| !ours) {
                    access.expires_in = Some(end.since(access.received.at).as_secs());
                }
                said
            }
            _ if ours => {
                credential.access = None;
                None
            }
            _ => return Err(corrupt(path, "a member is missing or of the wrong type")),
        };
        if let Some(said) = said {
            credential.key.client_id = said.client().unwrap_or(&self.client_id).to_owned();
            credential.key.issuer = said.iss;
            credential.key.account = said.sub;
            (credential.email, credential.name) = (said.email, said.name);
            let key = credential.key.clone();
            contents.profiles.values_mut().for_each(|profile| profile.key = key.clone());
        }
        Ok(contents)
    }

    /// A sign-in that somebody else kept: at the tool's own server, of nobody that is known.
    fn foreign(&self, at: Timestamp) -> Contents {
        let host = self.server.split_once("://").map_or(&*self.server, |(_, host)| host);
        let key = Key {
            issuer: self.server.clone(),
            client_id: self.client_id.clone(),
            account: String::new(),
        };
        let profile = Profile {
            server: self.server.clone(),
            key: key.clone(),
            org: None,
            project: None,
            rest: Map::new(),
        };
        let credential = Credential {
            key,
            email: None,
            name: None,
            kind: CredentialKind::Given,
            scope: Scope::empty(),
            access: Some(Access {
                token: Secret::new(""),
                received: Receipt { at, boot: None },
                expires_in: None,
                refreshed: false,
            }),
            refresh_token: None,
            resource: None,
            endpoints: Endpoints::default(),
            ended: None,
            binding: None,
            narrowed: Vec::new(),
            rest: Map::new(),
        };
        Contents {
            current: Some(host.to_owned()),
            profiles: [(host.to_owned(), profile)].into(),
            credentials: vec![credential],
            ..Contents::default()
        }
    }
}

/// Removes what stands beside a bare token.
pub(super) fn forget(file: &KeptFile) -> Result<(), VaultError> {
    file.beside(ACCOUNT).forget()
}

/// The one profile that there is room for, and its credential with its secrets.
fn only(contents: &Contents) -> (Contents, Option<Credential>) {
    let mut one = contents.clone();
    let current = one.current.clone().filter(|name| one.profiles.contains_key(name));
    let name = current.or_else(|| one.profiles.keys().next().cloned());
    one.profiles.retain(|profile, _| Some(profile) == name.as_ref());
    let key = one.profiles.values().next().map(|profile| profile.key.clone());
    one.credentials.retain(|credential| Some(&credential.key) == key.as_ref());
    let credential = one.credentials.first().cloned();
    (one, credential)
}

/// Takes the secrets out.
fn hide(contents: &mut Contents) {
    for credential in &mut contents.credentials {
        credential.refresh_token = None;
        credential.narrowed.clear();
        credential.rest.remove(ID_TOKEN);
        if let Some(access) = &mut credential.access {
            access.token = Secret::new("");
        }
    }
}

fn as_members(contents: &Contents, path: &Path) -> Result<Map<String, Value>, VaultError> {
    match serde_json::to_value(contents) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(corrupt(path, "it has no JSON form")),
    }
}

/// Tells one token from another, and nothing about it.
fn mark(text: &str) -> String {
    let digest = Digest::of(text.as_bytes());
    digest.as_bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fact_of(fact: Fact, credential: &Credential, now: Timestamp) -> Option<Value> {
    let seconds = |at: Timestamp| Value::from(at.millis() as f64 / 1000.0);
    let access = credential.access.as_ref();
    match fact {
        Fact::AccessToken => access.map(|access| access.token.expose().into()),
        Fact::RefreshToken => credential.refresh_token.as_ref().map(|token| token.expose().into()),
        Fact::IdToken => credential.rest.get(ID_TOKEN).cloned(),
        Fact::TokenType => Some("Bearer".into()),
        Fact::TokenEndpoint => credential.endpoints.token.clone().map(Value::from),
        Fact::ExpiresAt => access.and_then(|access| {
            let lifetime = std::time::Duration::from_secs(access.expires_in?);
            Some(seconds(access.received.at + lifetime))
        }),
        Fact::StoredAt => Some(seconds(access.map_or(now, |access| access.received.at))),
    }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
