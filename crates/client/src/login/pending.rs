//! A device login that was started and left (`--no-wait`), and taken up again
//! (`--resume`). What continues it is in a 0600 file of its own, which goes when the
//! login ends, however it ends (CLIENT C10).

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_core::{Random, Scope, Secret, chance};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::device::Started;
use crate::Error;
use crate::time::Time;
use crate::vault::model::Receipt;
use crate::vault::{Vault, VaultError, gets_over};

/// What a started login's file name begins with.
const PREFIX: &str = "login-";

/// What is in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub server: String,
    /// The issuer that gave out the code; another one never sees it (PROTOCOL J07).
    pub issuer: String,
    pub client_id: String,
    pub scope: Scope,
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub device_code: Secret,
    pub user_code: String,
    pub verification_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    pub interval: u64,
    pub expires_in: u64,
    pub received: Receipt,
    /// Whether the issuer was named by somebody else than the server.
    #[serde(default)]
    pub named: bool,
    /// The key that alone may redeem the device code, as it is kept later.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "Secret::serialize_exposed_option"
    )]
    pub key: Option<Secret>,
}

impl Saved {
    /// The same on the clock of this process.
    pub(crate) fn started(&self, time: &dyn Time) -> Started {
        // A code whose age no clock can tell is over: asking costs one poll less than a guess.
        let age = self.received.age(time).unwrap_or(Duration::MAX);
        let left = Duration::from_secs(self.expires_in).saturating_sub(age);
        Started {
            device_code: self.device_code.clone(),
            user_code: self.user_code.clone(),
            verification_uri: self.verification_uri.clone(),
            verification_uri_complete: self.verification_uri_complete.clone(),
            interval: Duration::from_secs(self.interval),
            expires_in: left,
            began: time.monotonic(),
        }
    }
}

/// Writes the file and says its handle.
pub(crate) fn save(vault: &dyn Vault, saved: &Saved, random: &dyn Random) -> Result<String, Error> {
    // The vault makes the directory, private, when it is changed; nothing is to change yet.
    match vault.change(&mut |_| false) {
        // The end of the login gets over it; this one file needs the directory alone.
        Err(error) if gets_over(vault, &error) => {}
        made => made?,
    }
    let handle: String =
        chance::bytes::<5>(random).iter().map(|byte| format!("{byte:02x}")).collect();
    let path = path(vault, &handle);
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    serde_json::to_writer_pretty(&mut *bytes, saved)
        .map_err(|error| failed("write", &path, &error.into()))?;
    crate::vault::atomic::replace(&path, &bytes, random, &|_| Ok(()))
        .map_err(|error| failed("write", &path, &error))?;
    Ok(handle)
}

/// Reads the file of `handle`, or the only one that there is.
pub(crate) fn load(vault: &dyn Vault, handle: Option<&str>) -> Result<(String, Saved), Error> {
    let nothing = |why: &str| Error::NothingToResume { why: why.to_owned() };
    let handle = match handle {
        Some(handle) => handle.to_owned(),
        None => {
            let mut found = handles(vault.dir());
            match (found.pop(), found.is_empty()) {
                (None, _) => return Err(nothing("none was started with --no-wait")),
                (Some(one), true) => one,
                (Some(last), false) => return Err(several(vault, found, last)),
            }
        }
    };
    let plain = !handle.is_empty() && handle.bytes().all(|b| b.is_ascii_hexdigit());
    if !plain {
        return Err(nothing("that is no handle of a started login"));
    }
    let path = path(vault, &handle);
    let text = match std::fs::read(&path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(nothing("the login with that handle is over"));
        }
        Err(error) => return Err(failed("read", &path, &error)),
    };
    let saved = serde_json::from_slice(&text).map_err(|_| {
        Error::from(VaultError::Corrupt { path, why: "it is not a started login".to_owned() })
    })?;
    Ok((handle, saved))
}

/// Names all of them, the newest one first.
fn several(vault: &dyn Vault, mut handles: Vec<String>, last: String) -> Error {
    handles.push(last);
    let mut all: Vec<_> = handles
        .into_iter()
        .map(|handle| (load(vault, Some(&handle)).ok().map(|(_, saved)| saved), handle))
        .collect();
    all.sort_by_key(|(saved, _)| Reverse(saved.as_ref().map(|saved| saved.received.at)));
    let waiting = all.iter().map(|(saved, handle)| match saved {
        Some(saved) => format!("{handle} ({}, code {})", saved.server, saved.user_code),
        None => handle.clone(),
    });
    let waiting = waiting.collect();
    let newest = all.into_iter().next().map(|(_, handle)| handle).unwrap_or_default();
    Error::SeveralToResume { waiting, newest }
}

/// Removes the file; it is no error if there is none.
pub(crate) fn remove(vault: &dyn Vault, handle: &str) {
    let _ = std::fs::remove_file(path(vault, handle));
}

/// Removes those for `server`, or all of them (CLIENT K2).
pub(crate) fn remove_for(vault: &dyn Vault, server: Option<&str>) {
    for handle in handles(vault.dir()) {
        let concerned = match (server, load(vault, Some(&handle))) {
            (Some(server), Ok((_, saved))) => saved.server == server,
            (Some(_), Err(_)) => false,
            (None, _) => true,
        };
        if concerned {
            remove(vault, &handle);
        }
    }
}

fn handles(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let handle = name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(".json")?;
            Some(handle.to_owned())
        })
        .collect()
}

fn path(vault: &dyn Vault, handle: &str) -> PathBuf {
    vault.dir().join(format!("{PREFIX}{handle}.json"))
}

fn failed(what: &'static str, path: &Path, error: &std::io::Error) -> Error {
    VaultError::Io { what, path: path.to_owned(), why: error.to_string() }.into()
}
