//! Which organization and project this invocation is about, and who says so.
//!
//! A flag counts more than a variable, a variable more than the directory's file, the file
//! more than what is kept for the profile. A project belongs to an organization: one that was
//! said together with another organization than the one that counts is left out, never
//! looked for in the wrong place.
//!
//! The directory's file comes with somebody else's repository. It is believed about
//! organization and project, which the server judges anyway; it chooses no server, no profile
//! and no credential, and counts only within the repository, or the home directory, that it is in.

use std::fmt;
use std::path::{Path, PathBuf};

use hallpass_core::brand::Brand;
use hallpass_core::pin::{Pin, is_name};
use hallpass_core::text::presentable;

use crate::Error;
use crate::client::Parts;
use crate::discovery::parse_server;
use crate::environment::Environment;
use crate::source::{self, Resolved, Selection, Source};

/// A directory tree deeper than this is nobody's work.
const MAX_DEPTH: usize = 64;

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// `--org`.
    pub org: Option<String>,
    /// `--project`: `tools`, or `lab/tools`.
    pub project: Option<String>,
}

/// What is kept for a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// An organization; a project that was kept with another one goes.
    Org(String),
    /// A project, and its organization if that is said too.
    Project(Option<String>, String),
    /// Nothing any more.
    Nothing,
}

/// Which organization and project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The organization.
    pub org: Option<Chosen>,
    /// The project, in that organization if there is one.
    pub project: Option<Chosen>,
    /// Why the directory's file says nothing here, if there is one and it does not.
    pub ignored: Option<String>,
}

impl Target {
    /// `ORG`, or `ORG/PROJECT`, if an organization was chosen.
    pub fn place(&self) -> Option<String> {
        let org = &self.org.as_ref()?.name;
        Some(match &self.project {
            Some(project) => format!("{org}/{}", project.name),
            None => org.clone(),
        })
    }
}

/// A name, and who chose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The name.
    pub name: String,
    /// Who chose it.
    pub by: Chooser,
}

/// Who says which organization or project it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chooser {
    /// The command line.
    Flag,
    /// A variable.
    Variable {
        /// Its name.
        name: String,
    },
    /// The directory's file.
    Directory {
        /// The file.
        path: PathBuf,
    },
    /// What is kept for the profile.
    Profile {
        /// Its name.
        name: String,
    },
}

impl Chooser {
    /// A stable name for programs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Chooser::Flag => "flag",
            Chooser::Variable { .. } => "variable",
            Chooser::Directory { .. } => "directory",
            Chooser::Profile { .. } => "profile",
        }
    }
}

impl fmt::Display for Chooser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chooser::Flag => f.write_str("the command line"),
            Chooser::Variable { name } => write!(f, "the variable {name}"),
            Chooser::Directory { path } => path.display().fmt(f),
            Chooser::Profile { name } => write!(f, "profile {name}"),
        }
    }
}

/// Somebody contradicts himself, or gives a name that nothing can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadTarget(String);

/// What one of them says.
#[derive(Debug)]
struct Said {
    by: Chooser,
    org: Option<String>,
    project: Option<String>,
}

impl Said {
    /// Takes `lab/tools` apart and checks the names.
    fn new(by: Chooser, org: Option<String>, project: Option<String>) -> Result<Self, BadTarget> {
        let bad = |what: &str, text: &str| {
            let text = presentable(text, 80);
            BadTarget(format!("{by} names the {what} {text:?}, and none is called like that"))
        };
        let mut said = Self { by: by.clone(), org, project };
        if let Some(project) = &said.project
            && let Some((org, name)) = project.split_once('/')
        {
            if let Some(other) = said.org.as_deref().filter(|other| *other != org) {
                return Err(BadTarget(format!(
                    "{by} names the organization {other:?} and a project of {org:?}",
                    other = presentable(other, 80),
                    org = presentable(org, 80),
                )));
            }
            (said.org, said.project) = (Some(org.to_owned()), Some(name.to_owned()));
        }
        for (what, name) in [("organization", &said.org), ("project", &said.project)] {
            if let Some(name) = name.as_deref().filter(|name| !is_name(name)) {
                return Err(bad(what, name));
            }
        }
        Ok(said)
    }
}

/// Whoever comes first is heard first.
fn settle(said: Vec<Said>) -> Target {
    let mut target = Target::default();
    for Said { by, org, project } in said {
        let chosen = |name: String| Chosen { name, by: by.clone() };
        let fits = match (&target.org, &org) {
            (Some(chosen), Some(own)) => chosen.name == *own,
            _ => true,
        };
        if target.project.is_none() && fits {
            target.project = project.map(chosen);
        }
        if target.org.is_none() {
            target.org = org.map(chosen);
        }
    }
    target
}

/// Asks everybody.
pub(crate) fn resolve(
    asked: &Asked,
    parts: &Parts,
    selection: &Selection,
) -> Result<Target, BadTarget> {
    let (brand, environment) = (&parts.brand, &*parts.environment);
    let mut said = vec![Said::new(Chooser::Flag, asked.org.clone(), asked.project.clone())?];
    // Two variables are two voices: each can be set without a thought of the other.
    for (name, is_org) in [(brand.variable("ORG"), true), (brand.variable("PROJECT"), false)] {
        if let Some(value) = environment.var(&name) {
            let by = Chooser::Variable { name };
            said.push(match is_org {
                true => Said::new(by, Some(value), None)?,
                false => Said::new(by, None, Some(value))?,
            });
        }
    }
    // Without an answer about the server the file and the profile have nothing to say.
    let resolved = source::resolve(selection, parts).ok();
    let mut ignored = None;
    match here(brand, environment, resolved.as_ref()) {
        Ok(pinned) => said.extend(pinned),
        Err(why) => ignored = Some(why),
    }
    if let Some(Resolved { source: Source::Profile { name }, contents: Some(contents), .. }) =
        &resolved
        && let Some(profile) = contents.profiles.get(name)
    {
        let by = Chooser::Profile { name: name.clone() };
        said.push(Said { by, org: profile.org.clone(), project: profile.project.clone() });
    }
    Ok(Target { ignored, ..settle(said) })
}

/// What the directory's file says; `Err` says why it does not count.
fn here(
    brand: &Brand,
    environment: &dyn Environment,
    resolved: Option<&Resolved>,
) -> Result<Option<Said>, String> {
    let Some(path) = environment
        .working_dir()
        .and_then(|dir| find(&dir, environment.home().as_deref(), &file_name(brand)))
    else {
        return Ok(None);
    };
    let unread = |why: &str| format!("{} says nothing here: {why}", path.display());
    let text = std::fs::read_to_string(&path).map_err(|error| unread(&error.to_string()))?;
    let pin = Pin::parse(&text).map_err(|error| unread(&error.to_string()))?;
    if let Some(server) = &pin.server {
        let there = parse_server(server)
            .map_err(|_| unread("it names a server by something that is no address"))?;
        let asked = resolved.map(|resolved| resolved.server.as_str());
        if asked != Some(there.issuer()) {
            return Err(unread(&format!("it is about {there}, and not about the server in use")));
        }
    }
    let by = Chooser::Directory { path: path.clone() };
    Said::new(by, pin.org, pin.project).map(Some).map_err(|error| unread(&error.to_string()))
}

/// The name of the directory's file: `.hallpass.toml`.
pub fn file_name(brand: &Brand) -> String {
    format!(".{}.toml", brand.config_dir)
}

/// Looks for the file from `dir` upwards, as far as the repository or the home directory
/// reaches. Outside of both only `dir` itself is looked at: what lies above, in `/tmp` for
/// example, anybody may have put there.
fn find(dir: &Path, home: Option<&Path>, name: &str) -> Option<PathBuf> {
    let is_file = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_file());
    let mut found = None;
    for (depth, above) in dir.ancestors().take(MAX_DEPTH).enumerate() {
        let path = above.join(name);
        if found.is_none() && is_file(&path) {
            if depth == 0 {
                return Some(path);
            }
            found = Some(path);
        }
        if above.join(".git").symlink_metadata().is_ok() || home == Some(above) {
            return found;
        }
    }
    None
}

/// Keeps it for the selected profile, and says its name.
pub(crate) fn keep(kept: &Kept, parts: &Parts, selection: &Selection) -> Result<String, Error> {
    // A variable that holds a token keeps nothing.
    let stored = Selection { token: None, ignore_variables: true, ..selection.clone() };
    let resolved = source::resolve(&stored, parts)?;
    let Source::Profile { name } = resolved.source else {
        return Err(Error::NotSignedIn { server: resolved.server });
    };
    let mut there = false;
    parts.vault.change(&mut |contents| {
        let Some(profile) = contents.profiles.get_mut(&name) else { return false };
        there = true;
        let (org, project) = match kept {
            Kept::Org(org) => {
                let same = profile.org.as_ref() == Some(org);
                (Some(org.clone()), profile.project.take().filter(|_| same))
            }
            Kept::Project(org, project) => {
                (org.clone().or_else(|| profile.org.take()), Some(project.clone()))
            }
            Kept::Nothing => (None, None),
        };
        (profile.org, profile.project) = (org, project);
        true
    })?;
    if there { Ok(name) } else { Err(Error::NotSignedIn { server: resolved.server }) }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
