//! Where the credential of an invocation comes from.
//!
//! One function decides, and everything uses it, so that `token` and `status`
//! cannot disagree (CLIENT F3). A source is not a vault: the vault is where we
//! keep credentials, the source is where this invocation takes one from.

use std::fmt;
use std::path::PathBuf;

use hallpass_core::brand::{Brand, SourceKind};
use hallpass_core::token::NotAToken;
use hallpass_core::{Secret, text};

use crate::Error;
use crate::client::Parts;
use crate::discovery::parse_server;
use crate::environment::Environment;
use crate::login::token::foreign;
use crate::vault::{Contents, StorePolicy};
use crate::workload::platform::{self, Found};
use crate::workload::{self, Platform};

/// What the caller asked for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// A token handed over by the program itself; wins over everything.
    pub token: Option<Secret>,
    /// `--profile`: this account and no other; variables are ignored (CLIENT F4).
    pub profile: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--no-env`: variables that hold credentials, or lead to one, are ignored.
    pub ignore_variables: bool,
    /// `--store`: where sign-ins are kept, whatever the variable and what is remembered say.
    pub store: Option<StorePolicy>,
    /// `--ca-bundle`: a PEM file with the certificates to trust, instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Another file for the sign-in than the tool's own, where the brand has a flag for that.
    pub file: Option<PathBuf>,
}

/// Where a credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The program handed it over.
    Explicit,
    /// A variable.
    Variable {
        /// Its name; never its value.
        name: String,
    },
    /// The identity that the job's platform gives it.
    Workload {
        /// Whose it is.
        platform: Platform,
    },
    /// The vault, under this profile.
    Profile {
        /// The profile's name.
        name: String,
    },
    /// There is none.
    None,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Explicit => f.write_str("given token"),
            Source::Variable { name } => write!(f, "variable {name}"),
            Source::Workload { platform } => write!(f, "this job's identity, from {platform}"),
            Source::Profile { name } => write!(f, "profile {name}"),
            Source::None => f.write_str("none"),
        }
    }
}

/// What was decided.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub source: Source,
    /// Where calls go.
    pub server: String,
    /// The token, if it came from outside the vault.
    pub token: Option<Secret>,
    /// What the vault held, if it was asked.
    pub contents: Option<Contents>,
    /// The identity to trade, if it is this job's.
    pub workload: Option<Found>,
}

impl Resolved {
    fn new(source: Source, server: String) -> Self {
        Self { source, server, token: None, contents: None, workload: None }
    }
}

/// The variable that holds a token.
pub(crate) fn token_variable(brand: &Brand) -> String {
    brand.variable("TOKEN")
}

/// Whether a broker started this: it says where the agent's fresh tokens lie.
fn is_agent(brand: &Brand, environment: &dyn Environment) -> bool {
    environment.var(&brand.variable("AUTH_TOKEN_FILE")).is_some()
}

/// Decides (CLIENT F1): what the program handed over, then what the brand's order names,
/// by default the variable, then the identity of the job that this is, then the selected profile,
/// then the default profile. With a
/// token from outside that comes first the vault is not opened (CLIENT D4); a named profile
/// is never answered by a variable (CLIENT F4).
pub(crate) fn resolve(selection: &Selection, parts: &Parts) -> Result<Resolved, Error> {
    let (brand, environment, vault) = (&parts.brand, &*parts.environment, &*parts.vault);
    let wanted = wanted_server(selection, brand, environment)?;
    let anyway = |wanted: Option<String>| match wanted {
        Some(server) => Ok(server),
        None => parse_server(&brand.default_server).map(|server| server.to_string()),
    };
    if let Some(token) = &selection.token {
        let resolved = Resolved::new(Source::Explicit, anyway(wanted)?);
        return Ok(Resolved { token: Some(token.clone()), ..resolved });
    }
    let mut looked = None;
    for kind in &brand.sources.order {
        match kind {
            SourceKind::Variable | SourceKind::Workload
                if selection.profile.is_some() || selection.ignore_variables => {}
            SourceKind::Variable => {
                let name = token_variable(brand);
                if let Some(value) = environment.var(&name) {
                    let resolved = Resolved::new(Source::Variable { name }, anyway(wanted)?);
                    return Ok(Resolved { token: Some(Secret::new(value)), ..resolved });
                }
            }
            SourceKind::Workload => {
                if let Some(found) = platform::standing(brand, environment) {
                    // An earlier step has said where to.
                    let server = match wanted {
                        Some(server) => server,
                        None => match workload::remembered_server(&found, parts) {
                            Some(server) => server,
                            None => anyway(None)?,
                        },
                    };
                    let resolved =
                        Resolved::new(Source::Workload { platform: found.platform }, server);
                    return Ok(Resolved { workload: Some(found), ..resolved });
                }
            }
            // Inside an agent what a person keeps here is not looked at (SN07).
            SourceKind::Profile if is_agent(brand, environment) => {}
            SourceKind::Profile => {
                let contents = vault.read()?;
                let (source, server) =
                    stored(selection, brand, environment, &contents, wanted.clone())?;
                let contents = Some(contents);
                if source != Source::None {
                    return Ok(Resolved { contents, ..Resolved::new(source, server) });
                }
                looked = Some((server, contents));
            }
        }
    }
    let (server, contents) = match looked {
        Some(looked) => looked,
        None => (anyway(wanted)?, None),
    };
    Ok(Resolved { contents, ..Resolved::new(Source::None, server) })
}

/// The server that was asked for: `--server`, else the variable. A profile that was
/// named knows its own server, so the variable then says nothing.
pub(crate) fn wanted_server(
    selection: &Selection,
    brand: &Brand,
    environment: &dyn Environment,
) -> Result<Option<String>, Error> {
    match &selection.server {
        Some(server) => Ok(Some(parse_server(server)?.to_string())),
        None if selection.profile.is_some() => Ok(None),
        None => server_variable(brand, environment),
    }
}

/// The server that the variable names.
pub(crate) fn server_variable(
    brand: &Brand,
    environment: &dyn Environment,
) -> Result<Option<String>, Error> {
    let name = brand.variable("SERVER");
    let Some(text) = environment.var(&name) else { return Ok(None) };
    match parse_server(&text) {
        Ok(server) => Ok(Some(server.to_string())),
        Err(Error::BadServer { text, why, .. }) => {
            Err(Error::BadServer { text, why, variable: Some(name) })
        }
        Err(error) => Err(error),
    }
}

/// The profile that was asked for by name: `--profile`, else the variable.
pub(crate) fn wanted_profile(
    selection: &Selection,
    brand: &Brand,
    environment: &dyn Environment,
) -> Option<String> {
    selection.profile.clone().or_else(|| environment.var(&brand.variable("PROFILE")))
}

fn stored(
    selection: &Selection,
    brand: &Brand,
    environment: &dyn Environment,
    contents: &Contents,
    wanted: Option<String>,
) -> Result<(Source, String), Error> {
    if let Some(name) = wanted_profile(selection, brand, environment) {
        let Some(profile) = contents.profiles.get(&name) else {
            return Err(Error::UnknownProfile {
                name: text::presentable(&name, 80),
                known: contents.profiles.keys().cloned().collect(),
            });
        };
        if let Some(server) = wanted.filter(|server| *server != profile.server) {
            return Err(Error::ForeignProfile {
                profile: name,
                profile_server: profile.server.clone(),
                server,
            });
        }
        return Ok((Source::Profile { name }, profile.server.clone()));
    }
    match pick(contents, wanted.as_deref()) {
        Some(name) => {
            let server = contents.profiles[name].server.clone();
            Ok((Source::Profile { name: name.to_owned() }, server))
        }
        None => {
            let server = match wanted {
                Some(server) => server,
                None => parse_server(&brand.default_server)?.to_string(),
            };
            Ok((Source::None, server))
        }
    }
}

/// The profile to use when none was named: the current one if it fits, else the only
/// one that does. Between several that fit, nothing is guessed.
fn pick<'a>(contents: &'a Contents, server: Option<&str>) -> Option<&'a str> {
    let fits = |name: &str| {
        let profile = contents.profiles.get(name);
        profile.is_some_and(|profile| server.is_none_or(|server| profile.server == server))
    };
    if let Some(current) = contents.current.as_deref().filter(|name| fits(name)) {
        return Some(current);
    }
    let mut fitting = contents.profiles.keys().map(String::as_str).filter(|name| fits(name));
    fitting.next().filter(|_| fitting.next().is_none())
}

/// A token from outside is used as it is, but for a newline at its end, which editors add. One of
/// our own form has to be whole: no server would take a part of it.
pub(crate) fn check_outside(
    source: &Source,
    token: &Secret,
    brand: &Brand,
) -> Result<Secret, Error> {
    let text = token.expose().trim_end_matches(['\r', '\n']);
    let why = match crate::oauth::is_b64token(text) {
        true => brand.damaged(text),
        false => Some(NotAToken::Character),
    };
    let why = why.map(|why| why.to_string()).or_else(|| foreign(text));
    let Some(why) = why else { return Ok(Secret::new(text)) };
    let variable = match source {
        Source::Variable { name } => Some(name.clone()),
        _ => None,
    };
    Err(Error::MalformedToken { variable, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Table, Town};
    use crate::vault::{BindingKey, Key, Place, Vault, VaultError};
    use crate::{State, Warning};
    use std::path::Path;
    use std::sync::Arc;

    /// A vault that must not be touched.
    struct Closed;
    impl Vault for Closed {
        fn read(&self) -> Result<Contents, VaultError> {
            panic!("the store was opened")
        }
        fn change(&self, _: &mut dyn FnMut(&mut Contents) -> bool) -> Result<(), VaultError> {
            panic!("the store was opened")
        }
        fn ready(&self) -> Result<Place, VaultError> {
            panic!("the store was opened")
        }
        fn writable(&self) -> Result<(), VaultError> {
            panic!("the store was opened")
        }
        fn remember(&self, _: StorePolicy) -> Result<(), VaultError> {
            panic!("the store was opened")
        }
        fn set_aside(&self) -> Result<Option<PathBuf>, VaultError> {
            panic!("the store was opened")
        }
        fn binding_keys(&self, _: &[&Key]) -> Result<Vec<Option<BindingKey>>, VaultError> {
            panic!("the store was opened")
        }
        fn keep_binding_key(&self, _: &Key, _: &BindingKey) -> Result<(), VaultError> {
            panic!("the store was opened")
        }
        fn remove_binding_key(&self, _: &Key) -> Result<(), VaultError> {
            panic!("the store was opened")
        }
        fn dir(&self) -> &Path {
            panic!("the store was opened")
        }
        fn place(&self) -> Place {
            Place { kind: "file", path: PathBuf::from("/nowhere"), keyring: None }
        }
        fn warnings(&self) -> Vec<Warning> {
            panic!("the store was opened")
        }
    }

    // proves: client-F1, client-F3, client-F4, client-D4
    #[test]
    fn every_combination_of_sources() {
        use SourceKind::{Profile, Variable, Workload};
        let orders = [
            vec![Variable, Workload, Profile],
            vec![Variable, Profile],
            vec![Profile, Variable],
            vec![Profile, Workload],
            vec![Profile],
            vec![Variable],
        ];
        for (order, bits) in
            orders.iter().flat_map(|order| (0..128u32).map(move |bits| (order, bits)))
        {
            let has = |bit: u32| bits & (1 << bit) != 0;
            let (given, variable, flag) = (has(0), has(1), has(2));
            let (profile_variable, current, ignore, job) = (has(3), has(4), has(5), has(6));

            let mut town = Town::new();
            let credential = town.sign_in();
            for name in ["flag", "variable", "current"] {
                town.put(name, credential.clone());
            }
            town.vault
                .change(&mut |contents| {
                    contents.current = current.then(|| "current".to_owned());
                    true
                })
                .unwrap();
            // Empty counts as unset.
            let or_empty =
                |on: bool, value: &str| if on { value.to_owned() } else { String::new() };
            town.table.variables.extend([
                ("HALLPASS_TOKEN".to_owned(), or_empty(variable, "hp_from_variable")),
                ("HALLPASS_PROFILE".to_owned(), or_empty(profile_variable, "variable")),
                ("HALLPASS_ID_TOKEN".to_owned(), or_empty(job, "e30.e30.e30")),
            ]);
            let selection = Selection {
                token: given.then(|| Secret::new("given")),
                profile: flag.then(|| "flag".to_owned()),
                ignore_variables: ignore,
                ..Selection::default()
            };

            let profile = |name: &str| Source::Profile { name: name.to_owned() };
            let of = |kind: &SourceKind| match kind {
                Variable if flag || ignore || !variable => None,
                Variable => Some(Source::Variable { name: "HALLPASS_TOKEN".to_owned() }),
                Workload if flag || ignore || !job => None,
                Workload => Some(Source::Workload { platform: Platform::Variable }),
                Profile if flag => Some(profile("flag")),
                Profile if profile_variable => Some(profile("variable")),
                Profile => current.then(|| profile("current")),
            };
            let expected = match order.iter().find_map(of) {
                _ if given => Source::Explicit,
                Some(source) => source,
                None => Source::None,
            };
            let mut parts = town.parts();
            parts.brand.sources.order.clone_from(order);
            let first = match &expected {
                Source::Variable { .. } => order[0] == Variable,
                Source::Workload { .. } => order[0] == Variable && order[1] == Workload,
                _ => given,
            };
            if first {
                parts.vault = Arc::new(Closed);
            }
            let resolved = resolve(&selection, &parts).unwrap();
            assert_eq!(resolved.source, expected, "{bits:06b}");
            // The status and a session tell the same story.
            let client = crate::Client::new(parts, selection);
            let status = client.status();
            assert_eq!(status.source, expected, "{bits:06b}");
            assert_eq!(status.state == State::NotSignedIn, expected == Source::None);
            match client.session() {
                Ok(session) => assert_eq!(*session.source(), expected, "{bits:06b}"),
                Err(error) => assert!(
                    expected == Source::None && matches!(error, Error::NotSignedIn { .. }),
                    "{bits:06b}: {error}"
                ),
            }
        }
    }

    fn at(
        contents: &Contents,
        selection: &Selection,
        table: &Table,
    ) -> Result<(Source, String), Error> {
        let brand = Brand::hallpass();
        let wanted = wanted_server(selection, &brand, table)?;
        stored(selection, &brand, table, contents, wanted)
    }

    // proves: J07, client-F4
    #[test]
    fn a_profile_is_used_at_its_own_server_only() {
        let mut town = Town::new();
        let credential = town.sign_in();
        let mut contents = town.vault.read().unwrap();
        let mut other = contents.profiles["default"].clone();
        other.server = "https://id.example.com".to_owned();
        contents.profiles.insert("work".to_owned(), other);
        assert_eq!(contents.credentials[0].key, credential.key);
        let source = |server: Option<&str>, profile: Option<&str>, table: &Table| {
            let selection = Selection {
                server: server.map(str::to_owned),
                profile: profile.map(str::to_owned),
                ..Selection::default()
            };
            at(&contents, &selection, table)
        };
        let named = |name: &str| Source::Profile { name: name.to_owned() };
        let work = "https://id.example.com";

        assert_eq!(source(None, None, &town.table).unwrap().0, named("default"));
        assert_eq!(source(Some("id.example.com"), None, &town.table).unwrap().0, named("work"));
        assert_eq!(source(None, Some("work"), &town.table).unwrap().1, work);
        let nowhere = source(Some("https://other.example"), None, &town.table).unwrap();
        assert_eq!(nowhere, (Source::None, "https://other.example".to_owned()));
        assert!(matches!(
            source(Some("https://other.example"), Some("work"), &town.table),
            Err(Error::ForeignProfile { .. })
        ));
        assert!(matches!(
            source(None, Some("wrok"), &town.table),
            Err(Error::UnknownProfile { known, .. }) if known == ["default", "work"]
        ));
        // A named profile knows its own server, so the variable says nothing.
        town.table.variables.insert("HALLPASS_SERVER".into(), "https://other.example".into());
        assert_eq!(source(None, Some("work"), &town.table).unwrap().1, work);
        assert_eq!(source(None, None, &town.table).unwrap().0, Source::None);
    }

    #[test]
    fn between_several_profiles_nothing_is_guessed() {
        let town = Town::new();
        town.sign_in();
        let mut contents = town.vault.read().unwrap();
        contents.current = None;
        let selection = Selection::default();
        assert_ne!(at(&contents, &selection, &town.table).unwrap().0, Source::None);
        let second = contents.profiles["default"].clone();
        contents.profiles.insert("second".to_owned(), second);
        assert_eq!(at(&contents, &selection, &town.table).unwrap().0, Source::None);
    }
}
