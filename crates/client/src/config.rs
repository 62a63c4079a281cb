//! What is set for this tool on this machine: the server that it talks to when nothing else is
//! said.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_core::Random;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Error;
use crate::client::Parts;
use crate::discovery::parse_server;
use crate::source::{self, Selection, Source};
use crate::time::Time;
use crate::vault::kept::KeptFile;

/// The file, in the tool's directory.
const NAME: &str = "config.json";

/// Who says which server it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `--server`.
    Flag,
    /// A variable.
    Variable {
        /// Its name.
        name: String,
    },
    /// The profile that is used.
    Profile {
        /// Its name.
        name: String,
    },
    /// An earlier step of this job.
    Job,
    /// What was set on this machine.
    File {
        /// Where that is kept.
        path: PathBuf,
    },
    /// The tool itself.
    Default,
}

/// The server of this invocation, and who says it.
pub(crate) fn said(parts: &Parts, selection: &Selection) -> Result<(String, Origin), Error> {
    let resolved = source::resolve(selection, parts)?;
    let Parts { brand, environment, vault, time, random, .. } = parts;
    let of_variable = selection.profile.is_none() && selection.server.is_none();
    let variable = of_variable.then(|| source::server_variable(brand, &**environment));
    let origin = match resolved.source {
        _ if selection.server.is_some() => Origin::Flag,
        _ if variable.transpose()?.flatten().is_some() => {
            Origin::Variable { name: brand.variable("SERVER") }
        }
        Source::Profile { name } => Origin::Profile { name },
        // The brand's own default stands in what was set, or has been replaced by it.
        _ if parse_server(&brand.default_server)?.to_string() != resolved.server => Origin::Job,
        _ if server(vault.dir(), time, random).is_some() => {
            Origin::File { path: vault.dir().join(NAME) }
        }
        _ => Origin::Default,
    };
    Ok((resolved.server, origin))
}

/// What is set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Set {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// Fields of later versions, kept.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// The server that is set, if there is one. What cannot be read sets nothing.
pub(crate) fn server(dir: &Path, time: &Arc<dyn Time>, random: &Arc<dyn Random>) -> Option<String> {
    if !dir.join(NAME).exists() {
        return None;
    }
    let bytes = file(dir, time, random).read().ok()??;
    let set: Set = serde_json::from_slice(&bytes).ok()?;
    set.server.filter(|server| parse_server(server).is_ok())
}

/// Sets it.
pub(crate) fn set_server(
    dir: &Path,
    time: &Arc<dyn Time>,
    random: &Arc<dyn Random>,
    server: &str,
) -> Result<String, Error> {
    let server = parse_server(server)?.to_string();
    let file = file(dir, time, random);
    let _held = file.lock()?;
    let target = file.target()?;
    let there = file.load(&target)?;
    let there = there.and_then(|bytes| serde_json::from_slice::<Set>(&bytes).ok());
    let set = Set { server: Some(server.clone()), ..there.unwrap_or_default() };
    let text = serde_json::to_string_pretty(&set).unwrap_or_default();
    file.store(&target, format!("{text}\n").as_bytes())?;
    Ok(server)
}

fn file(dir: &Path, time: &Arc<dyn Time>, random: &Arc<dyn Random>) -> KeptFile {
    KeptFile::new(dir, NAME, time.clone(), random.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{SystemRandom, SystemTimes};

    // proves: SC07
    #[test]
    fn what_is_set_is_there_and_what_is_no_address_is_not_set() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("tool");
        let (time, random): (Arc<dyn Time>, Arc<dyn Random>) =
            (Arc::new(SystemTimes), Arc::new(SystemRandom));
        assert_eq!(server(&dir, &time, &random), None);
        assert!(!dir.exists(), "looking makes nothing");
        let set = set_server(&dir, &time, &random, "registry.example.com").unwrap();
        assert_eq!(set, "https://registry.example.com");
        assert_eq!(server(&dir, &time, &random), Some(set));
        assert!(set_server(&dir, &time, &random, "http://registry.example.com").is_err());
        std::fs::write(dir.join(NAME), "{").unwrap();
        assert_eq!(server(&dir, &time, &random), None);
    }
}
