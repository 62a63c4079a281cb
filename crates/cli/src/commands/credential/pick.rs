//! Whose token an asker may have, if any.
//!
//! An asker names the address that it will send the token to. That is the server of a
//! sign-in, or one that the person has listed (CLIENT H7); for any other address there is
//! no token, and a variable's token is no exception.

use std::sync::mpsc;
use std::time::Duration;

use clap::ArgMatches;
use hallpass_client::session::Handed;
use hallpass_client::{Client, Error, Selection, Source};
use hallpass_core::public_url::is_loopback;
use url::Url;

use super::ask;
use crate::arguments::Globals;
use crate::commands::retry;
use crate::refusal::told;
use crate::{Context, Exit, Failure, Output};

/// How long a helper may take (CLIENT I6), and how much of it servers and locks may take, so that
/// what they say is still told.
const DEADLINE: Duration = Duration::from_secs(5);
const ASKING: Duration = Duration::from_millis(4500);
/// User names that stand for no account.
const NOBODYS: [&str; 6] = ["git", "oauth2", "oauth", "x-access-token", "token", "__token__"];

/// What was said about who may have a token.
pub(super) struct Pick<'a> {
    cx: &'a Context<'a>,
    globals: &'a Globals,
    /// Addresses that the person has listed: origins.
    allowed: Vec<String>,
    may_login: bool,
}

/// Who asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Asker {
    /// Where it will send the token: an address, or host and port.
    pub(super) address: String,
    /// The account that it wants.
    pub(super) username: Option<String>,
}

/// What an asker gets.
pub(super) enum Given {
    /// This.
    Token(Handed),
    /// Nothing: the address is nobody's that we hold a token for.
    NotOurs,
}

impl<'a> Pick<'a> {
    pub(super) fn read(
        cx: &'a Context<'a>,
        globals: &'a Globals,
        matches: &ArgMatches,
    ) -> Result<Self, Failure> {
        let mut allowed = Vec::new();
        for address in matches.get_many::<String>("for").into_iter().flatten() {
            allowed.push(origin(address).ok_or_else(|| {
                Failure::usage(
                    "--for takes an https address; http is for localhost, 127.0.0.1 and [::1] only",
                    format!("{} credential --for https://git.example.com git get", cx.program),
                )
            })?);
        }
        Ok(Self { cx, globals, allowed, may_login: matches.get_flag("login") })
    }

    pub(super) fn program(&self) -> &str {
        self.cx.program
    }

    pub(super) fn context(&self) -> &'a Context<'a> {
        self.cx
    }

    pub(super) fn globals(&self) -> &'a Globals {
        self.globals
    }

    /// As the caller lists more addresses on the way.
    pub(super) fn allow(&mut self, address: &str) {
        self.allowed.extend(origin(address));
    }

    /// The token for whoever set us up; where it is sent, they decided.
    pub(super) fn for_whoever(
        &self,
        out: &mut Output<'_>,
        may_ask: bool,
    ) -> Result<Handed, Failure> {
        self.hand(out, (self.cx.client)(self.base()), may_ask)
    }

    /// The token for an asker, if it may have one.
    pub(super) fn for_asker(&self, out: &mut Output<'_>, asker: &Asker) -> Result<Given, Failure> {
        let Some(client) = self.client_for(asker) else { return Ok(Given::NotOurs) };
        self.hand(out, client, true).map(Given::Token)
    }

    fn base(&self) -> Selection {
        Selection {
            token: None,
            profile: self.globals.profile.clone(),
            server: self.globals.server.clone(),
            ignore_variables: false,
            store: self.globals.store,
            ca_bundle: self.globals.ca_bundle.clone(),
            file: self.globals.file.clone(),
        }
    }

    /// The client for an asker: one for all of it where that will do, for the keyring is asked
    /// once for each (CLIENT D5).
    pub(super) fn client_for(&self, asker: &Asker) -> Option<Client> {
        let mut client = (self.cx.client)(self.base());
        let mut status = client.status();
        let listed = self.allowed.iter().any(|listed| same(&asker.address, listed));
        if !listed && !same(&asker.address, &status.server) {
            if self.globals.profile.is_some() || self.globals.server.is_some() {
                // Somebody said which; another one is not looked for.
                return None;
            }
            // A stored sign-in at the asker's own address; what a variable holds is not for it.
            let server = Some(origin(&asker.address)?);
            client = (self.cx.client)(Selection { server, ignore_variables: true, ..self.base() });
            status = client.status();
            if !matches!(status.source, Source::Profile { .. }) {
                return None;
            }
        }
        let Some(name) = asker.username.as_deref().filter(|name| !self.is_nobodys(name)) else {
            return Some(client);
        };
        let profile = match &status.source {
            // Whose a variable's token is, nobody here knows; it was put there for this.
            Source::Variable { .. } | Source::Workload { .. } => return Some(client),
            Source::Profile { name } => Some(name),
            _ => None,
        };
        let wanted = client.profile_of(&status.server, name)?;
        if profile == Some(&wanted) {
            return Some(client);
        }
        let selection = client.selection().clone();
        Some((self.cx.client)(Selection { profile: Some(wanted), ..selection }))
    }

    fn is_nobodys(&self, name: &str) -> bool {
        name.is_empty() || NOBODYS.contains(&name) || name == self.cx.brand.name
    }

    fn hand(&self, out: &mut Output<'_>, client: Client, may_ask: bool) -> Result<Handed, Failure> {
        let selection = client.selection().clone();
        match within(client) {
            Err(Error::NotSignedIn { .. } | Error::SessionEnded { .. } | Error::Expired { .. })
                if self.may_login && may_ask =>
            {
                ask::sign_in(self.cx, out, self.globals, &selection)?;
                within((self.cx.client)(selection))
            }
            handed => handed,
        }
        .map_err(|error| self.refuse(&error))
    }

    pub(super) fn refuse(&self, error: &Error) -> Failure {
        told(error, self.cx, &retry(self.cx, self.globals, "status --check"))
    }
}

/// On a thread of its own: whatever hangs, the asker is not kept waiting.
fn within(client: Client) -> Result<Handed, Error> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(client.within(ASKING).session().and_then(|session| session.handed()));
    });
    let slow = || Err(Error::TooSlow { seconds: DEADLINE.as_secs() });
    receiver.recv_timeout(DEADLINE).unwrap_or_else(|_| slow())
}

/// Scheme, host and port of an address that a token may be sent to.
fn origin(address: &str) -> Option<String> {
    let address = address.trim();
    let address = address.strip_prefix("sparse+").unwrap_or(address);
    let full = match address.contains("://") {
        true => address.to_owned(),
        false => {
            let local = Url::parse(&format!("http://{address}")).ok().filter(is_loopback);
            let scheme = if local.is_some() { "http" } else { "https" };
            format!("{scheme}://{address}")
        }
    };
    let url = Url::parse(&full).ok()?;
    let safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    (safe && url.has_host()).then(|| url.origin().ascii_serialization())
}

/// Whether `asked` is at `listed`, an origin.
fn same(asked: &str, listed: &str) -> bool {
    origin(asked).as_deref() == origin(listed).as_deref() && origin(asked).is_some()
}

/// Nothing for the asker, without a word.
pub(super) const SILENCE: Exit = Exit::Usable;

#[cfg(test)]
mod tests {
    use super::*;

    // proves: client-H7
    #[test]
    fn an_address_is_compared_as_an_origin() {
        for (asked, listed) in [
            ("https://git.example.com/a/b.git", "https://git.example.com"),
            ("git.example.com", "https://git.example.com"),
            ("https://git.example.com:443", "https://git.example.com"),
            ("sparse+https://crates.example.com/index/", "https://crates.example.com"),
            ("localhost:8470", "http://localhost:8470"),
            ("https://GIT.example.com", "https://git.example.com"),
        ] {
            assert!(same(asked, listed), "{asked}");
        }
        for asked in [
            "",
            "http://git.example.com",
            "https://git.example.com.evil.example",
            "https://git.example.com@evil.example",
            "https://git.example.com:8443",
            "https://example.com",
            "ftp://git.example.com",
            "evil.example#https://git.example.com",
            "file:///git.example.com",
        ] {
            assert!(!same(asked, "https://git.example.com"), "{asked}");
        }
    }
}
