//! What decides here, looked at piece by piece (CLIENT L2). Nothing in it is secret, no token
//! is sent, and nothing is changed.

use std::path::Path;
use std::time::Duration;

use hallpass_core::text::presentable;

use crate::client::Parts;
use crate::discovery::{self, Discovered, Offer, Said, parse_server};
use crate::dpop::BoundKey;
use crate::error::Class;
use crate::http::{Http, HttpError};
use crate::login::choose::{self, Facts};
use crate::login::{Flow, LoginOptions, Wish};
use crate::refresh::lock_path;
use crate::source::{self, Resolved, Selection, Source};
use crate::status::Warning;
use crate::vault::lock::{self, GaveUp};
use crate::{Error, Target};

/// Variables that decide something, without the brand's prefix.
const OURS: [&str; 8] =
    ["TOKEN", "AUTH_TOKEN", "SERVER", "PROFILE", "ORG", "PROJECT", "STORE", "NONINTERACTIVE"];
/// Variables of others that decide something here.
const OTHERS: [&str; 16] = [
    "CI",
    "BROWSER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "SSH_CONNECTION",
    "XDG_CONFIG_HOME",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "NO_COLOR",
];

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// A stable name.
    pub name: &'static str,
    /// How it is.
    pub health: Health,
    /// What was found, and why.
    pub said: String,
    /// How long it took, where that says something.
    pub took: Option<Duration>,
    /// What other commands would fail with because of it; it knows the next command.
    pub error: Option<Error>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Something will fail because of it, like this.
    Bad(Class),
}

impl Finding {
    fn new(name: &'static str, health: Health, said: impl Into<String>) -> Self {
        Self { name, health, said: said.into(), took: None, error: None }
    }

    fn good(name: &'static str, said: impl Into<String>) -> Self {
        Self::new(name, Health::Good, said)
    }

    fn failed(name: &'static str, error: Error) -> Self {
        let found = Self::new(name, Health::Bad(error.class()), error.to_string());
        Self { error: Some(error), ..found }
    }

    fn within(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }
}

/// Looks at everything.
pub(crate) fn examine(
    parts: &Parts,
    http: &Http,
    selection: &Selection,
    target: &Target,
    stdin_is_terminal: bool,
) -> Vec<Finding> {
    let facts = Facts::gather(&*parts.environment, &parts.brand.variable_prefix, stdin_is_terminal);
    let resolved = source::resolve(selection, parts);
    let server = server(parts, selection, resolved.as_ref().ok());
    let (source, resolved) = match resolved {
        Ok(resolved) => (decided(parts, selection, &resolved), Some(resolved)),
        Err(error) => (Finding::failed("source", error), None),
    };
    let mut findings = vec![surroundings(&facts), source, place(target), store(parts)];
    findings.extend(key(parts, resolved.as_ref()));
    findings.push(lock_of(parts, resolved.as_ref()));
    findings.push(network(parts, http, &server));
    findings.extend(asked(parts, http, &server));
    findings.push(variables(parts));
    findings
}

/// Which way `login` would go, as far as this machine decides it.
fn surroundings(facts: &Facts) -> Finding {
    let options = LoginOptions::default();
    let said = match choose::choose(facts, &options, &Offer::default()) {
        Ok(choice) => match choice.flow {
            Flow::Browser => format!("login would use a browser here: {}", choice.reason),
            Flow::Device => format!("login would show a code: {}", choice.reason),
        },
        Err(error) => error.to_string(),
    };
    match choose::check_person(facts, Wish::Auto, "") {
        Ok(()) => Finding::good("environment", said),
        Err(_) => {
            let why = facts.unattended.as_deref().unwrap_or("standard input is not a terminal");
            Finding::new("environment", Health::Note, format!("{why}, so nobody is asked; {said}"))
        }
    }
}

/// Which source wins, and why.
fn decided(parts: &Parts, selection: &Selection, resolved: &Resolved) -> Finding {
    if let Some(token) = &resolved.token
        && let Err(error) = source::check_outside(&resolved.source, token, &parts.brand)
    {
        return Finding::failed("source", error);
    }
    let variable = parts.brand.variable("PROFILE");
    let server = &resolved.server;
    match &resolved.source {
        Source::Explicit => Finding::good("source", "the program hands over a token"),
        Source::Variable { name } => Finding::new(
            "source",
            Health::Note,
            format!("the variable {name}, which wins over every stored sign-in, at {server}"),
        ),
        Source::Workload { platform } => Finding::new(
            "source",
            Health::Note,
            format!("this job's identity, which {platform} gives it, at {server}"),
        ),
        Source::Profile { name } => {
            let current = resolved.contents.as_ref().and_then(|all| all.current.as_ref());
            let why = if selection.profile.is_some() {
                "named on the command line".to_owned()
            } else if parts.environment.var(&variable).is_some() {
                format!("named by {variable}")
            } else if current == Some(name) {
                "the default one".to_owned()
            } else {
                format!("the only one at {server}")
            };
            Finding::good("source", format!("profile {name} ({why}), at {server}"))
        }
        Source::None => Finding::new(
            "source",
            Health::Note,
            format!("none: no variable holds a token, and no stored sign-in is for {server}"),
        ),
    }
}

/// Organization and project, and who says so.
fn place(target: &Target) -> Finding {
    let named: Vec<_> = [("organization", &target.org), ("project", &target.project)]
        .into_iter()
        .filter_map(|(what, chosen)| {
            let chosen = chosen.as_ref()?;
            Some(format!("{what} {} (from {})", chosen.name, chosen.by))
        })
        .collect();
    match (&target.ignored, named.is_empty()) {
        (Some(why), true) => Finding::new("context", Health::Note, why.clone()),
        (Some(why), false) => {
            Finding::new("context", Health::Note, format!("{}; {why}", named.join(", ")))
        }
        (None, true) => Finding::good("context", "no organization and no project chosen"),
        (None, false) => Finding::good("context", named.join(", ")),
    }
}

fn store(parts: &Parts) -> Finding {
    let began = parts.time.monotonic();
    let read = parts.vault.read();
    let took = parts.time.monotonic().saturating_sub(began);
    let place = parts.vault.place();
    let finding = match read {
        Ok(contents) => {
            let count = match contents.profiles.len() {
                1 => "1 profile".to_owned(),
                n => format!("{n} profiles"),
            };
            let said = format!("{} {place}, {count}", place.kind);
            match parts.vault.warnings().first() {
                Some(warning) => Finding::new("store", Health::Note, format!("{said}; {warning}")),
                None => Finding::good("store", said),
            }
        }
        Err(error) => Finding::failed("store", error.into()),
    };
    finding.within(took)
}

/// Whether the key is here that the sign-in is bound to, if it is bound to one.
fn key(parts: &Parts, resolved: Option<&Resolved>) -> Option<Finding> {
    let resolved = resolved?;
    let Source::Profile { name } = &resolved.source else { return None };
    let credential = resolved.contents.as_ref()?.of_profile(name)?;
    credential.binding.as_ref()?;
    Some(match BoundKey::of(parts, credential) {
        Ok(Some(_)) => Finding::good("key", "the sign-in is bound to a key, and that is here"),
        Ok(None) => Finding::failed("key", Error::KeyMissing { profile: name.clone() }),
        Err(error) => Finding::failed("key", error.into()),
    })
}

/// Whether the lock can be had that a refresh needs.
fn lock_of(parts: &Parts, resolved: Option<&Resolved>) -> Finding {
    let dir = parts.vault.dir();
    if !dir.is_dir() {
        return Finding::good("lock", "not needed yet: nothing is stored");
    }
    let key = resolved.and_then(|resolved| match &resolved.source {
        Source::Profile { name } => {
            let contents = resolved.contents.as_ref()?;
            contents.profiles.get(name).map(|profile| profile.key.clone())
        }
        _ => None,
    });
    // Without a sign-in to lock, a file of its own says as much about the directory.
    let path = key.map_or_else(|| dir.join("doctor.lock"), |key| lock_path(parts, &key));
    let was_there = path.exists();
    let began = parts.time.monotonic();
    let (time, random) = (&*parts.time, &*parts.random);
    let found = lock::acquire(&path, Duration::ZERO, time, random, &mut || false);
    let took = parts.time.monotonic().saturating_sub(began);
    let finding = match found {
        Ok(Ok(held)) => {
            if !was_there {
                held.remove();
            }
            Finding::good("lock", "can be had")
        }
        Ok(Err(GaveUp::Deadline | GaveUp::NotWanted)) => {
            Finding::new("lock", Health::Note, "another process holds it, refreshing")
        }
        Err(error) => Finding::failed("lock", error.into()),
    };
    finding.within(took)
}

/// The way to the server: proxy and certificate authorities.
fn network(parts: &Parts, http: &Http, server: &str) -> Finding {
    let way = match http.proxy_for(server) {
        Some(proxy) => format!("through the proxy {proxy}"),
        None => "directly".to_owned(),
    };
    let mut missing = Vec::new();
    let mut authorities = Vec::new();
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        if let Some(path) = parts.environment.var(name) {
            if !Path::new(&path).exists() {
                missing
                    .push(format!("{name} names {}, which is not there", presentable(&path, 200)));
            }
            authorities.push(name);
        }
    }
    let trusted = match authorities.as_slice() {
        [] => "the system's certificate authorities".to_owned(),
        names => format!("the certificate authorities of {}", names.join(" and ")),
    };
    if missing.is_empty() {
        return Finding::good("network", format!("{way}, trusting {trusted}"));
    }
    let said = format!("{way}; {}", missing.join("; "));
    let error = HttpError::Tls { host: server.to_owned(), why: missing.join("; ") }.into();
    Finding {
        error: Some(error),
        ..Finding::new("network", Health::Bad(Class::CannotVerify), said)
    }
}

/// What the server says about itself, and its clock.
fn asked(parts: &Parts, http: &Http, server: &str) -> Vec<Finding> {
    let began = parts.time.monotonic();
    let found = parse_server(server).and_then(|server| {
        let said = Said {
            issuer: parts.brand.issuer.as_deref(),
            foreign: crate::presented::is_id_token(&parts.brand, true),
            ..Said::default()
        };
        discovery::discover(http, &server, &parts.brand.client_id, said)
    });
    let took = parts.time.monotonic().saturating_sub(began);
    match found {
        Ok(found) => {
            let skew = Warning::of_clocks(parts.time.now(), found.date);
            let clock = match (&skew, found.date) {
                (Some(skew), _) => Finding::new("clock", Health::Note, skew.to_string()),
                (None, Some(_)) => Finding::good("clock", "agrees with the server's"),
                (None, None) => Finding::new("clock", Health::Note, "the server shows no clock"),
            };
            vec![offered(&found).within(took), clock]
        }
        Err(Error::LocalMode { server }) => {
            vec![Finding::good("server", format!("{server} needs no sign-in")).within(took)]
        }
        Err(error) => vec![Finding::failed("server", error).within(took)],
    }
}

fn offered(found: &Discovered) -> Finding {
    let issuer = match found.issuer == found.server {
        true => String::new(),
        false => format!(", sign-in at {}", presentable(&found.issuer, 200)),
    };
    let ways: Vec<_> = [Flow::Browser, Flow::Device]
        .into_iter()
        .map(|flow| match found.offer.refusal(flow) {
            None => flow.to_string(),
            Some(why) => format!("no {flow}, for {why}"),
        })
        .collect();
    let usable =
        [Flow::Browser, Flow::Device].iter().any(|flow| found.offer.refusal(*flow).is_none());
    let health = if usable { Health::Good } else { Health::Bad(Class::LoginFailed) };
    Finding::new("server", health, format!("{}{issuer}: {}", found.server, ways.join(", ")))
}

/// Which variables are set; never what to.
fn variables(parts: &Parts) -> Finding {
    let ours = OURS.iter().map(|name| parts.brand.variable(name));
    let others = OTHERS.iter().map(|name| (*name).to_owned());
    let mut set = Vec::new();
    for name in ours.chain(others) {
        match parts.environment.raw_var(&name) {
            Some(value) if value.is_empty() => set.push(format!("{name} (empty, so unset)")),
            Some(_) => set.push(name),
            None => {}
        }
    }
    let said = if set.is_empty() { "none that matter".to_owned() } else { set.join(", ") };
    Finding::good("variables", said)
}

/// The server that this invocation is about, also where the source could not be told.
fn server(parts: &Parts, selection: &Selection, resolved: Option<&Resolved>) -> String {
    resolved.map(|resolved| resolved.server.clone()).unwrap_or_else(|| {
        source::wanted_server(selection, &parts.brand, &*parts.environment)
            .ok()
            .flatten()
            .unwrap_or_else(|| parts.brand.default_server.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeServer, Town};

    fn findings(town: &Town) -> Vec<Finding> {
        let client = town.client();
        client.examine(&Target::default(), true)
    }

    fn of<'a>(findings: &'a [Finding], name: &str) -> &'a Finding {
        findings.iter().find(|finding| finding.name == name).unwrap()
    }

    // proves: client-L2, HP15
    #[test]
    fn everything_that_decides_is_said_and_no_secret() {
        let mut town = Town::new();
        town.sign_in();
        town.table.variables.extend([
            ("HTTPS_PROXY".to_owned(), "http://ada:s3cret@proxy.example:3128".to_owned()),
            ("HALLPASS_PROFILE".to_owned(), String::new()),
            ("HALLPASS_SERVER".to_owned(), town.server.origin.clone()),
        ]);
        let all = findings(&town);
        let names: Vec<_> = all.iter().map(|finding| finding.name).collect();
        assert_eq!(
            names,
            [
                "environment",
                "source",
                "context",
                "store",
                "lock",
                "network",
                "server",
                "clock",
                "variables"
            ]
        );
        let text = format!("{all:?}");
        for secret in ["at-1", "rt-1", "s3cret"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert!(of(&all, "source").said.starts_with("profile default (the default one)"), "{text}");
        assert_eq!(of(&all, "lock").health, Health::Good, "{text}");
        assert!(of(&all, "store").took.is_some());
        // Loopback is never proxied.
        assert!(of(&all, "network").said.starts_with("directly"), "{text}");
        let variables = &of(&all, "variables").said;
        assert!(variables.contains("HALLPASS_PROFILE (empty, so unset)"), "{variables}");
        // No token was sent, and nothing but two documents asked for.
        assert!(town.server.all().iter().all(|seen| seen.header("authorization").is_none()));
    }

    // proves: client-L2, HP03
    #[test]
    fn a_key_that_is_not_here_is_found_and_one_that_is_here_too() {
        let town = Town::new();
        town.sign_in_bound();
        assert_eq!(of(&findings(&town), "key").health, Health::Good);
        let keys = town.file().with_file_name("keys.json");
        std::fs::write(&keys, "{").unwrap();
        assert_eq!(of(&findings(&town), "key").health, Health::Bad(Class::Store));
        std::fs::remove_file(&keys).unwrap();
        let all = findings(&town);
        let key = of(&all, "key");
        assert_eq!(key.health, Health::Bad(Class::NotSignedIn));
        let next = key.error.as_ref().and_then(|error| error.next("hallpass"));
        assert_eq!(next.as_deref(), Some("hallpass login --profile default"));
    }

    // proves: client-L2, HP15
    #[test]
    fn what_will_fail_is_told_apart_from_what_is_worth_knowing() {
        let mut town = Town::new();
        town.table.variables.extend([
            ("CI".to_owned(), "true".to_owned()),
            ("SSL_CERT_FILE".to_owned(), "/not/there.pem".to_owned()),
            ("HALLPASS_TOKEN".to_owned(), "some-token".to_owned()),
        ]);
        town.server = FakeServer::empty();
        let all = findings(&town);
        assert_eq!(of(&all, "environment").health, Health::Note);
        assert!(of(&all, "environment").said.starts_with("CI is set, so nobody is asked"));
        assert_eq!(of(&all, "network").health, Health::Bad(Class::CannotVerify));
        assert!(of(&all, "source").said.contains("HALLPASS_TOKEN"));
        assert!(matches!(of(&all, "server").health, Health::Bad(_)), "{all:?}");
        assert!(!format!("{all:?}").contains("some-token"));
    }
}
