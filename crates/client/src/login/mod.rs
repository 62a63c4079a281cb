//! Signing in: what may be asked for, what happens on the way, what comes out.
//!
//! Flows never print. Progress is a stream of [`Event`]s, answers that a person
//! gives on the way (a pasted address, Ctrl-C) come through an [`Inbox`].
//!
//! | module | what |
//! |---|---|
//! | [`choose`] | which flow, and why: a pure function over facts |
//! | `browser` | authorization code with PKCE and a loopback redirect |
//! | `listener`, `answer`, `page` | its listener, the judgement of what comes, the page at the end |
//! | [`launch`] | launching a browser |
//! | `device` | the code that is approved elsewhere |
//! | `pending` | a device login that was started and left |
//! | `token` | a token that was handed over |
//! | `oidc` | the identity of a job, traded for a pass |
//! | `trade` | a personal token in place of the sign-in, where the brand keeps such |
//! | `attempt`, `identity`, `keep` | what all share: who signed in, and keeping it |
//! | [`inbox`] | what arrives meanwhile |

mod answer;
mod attempt;
mod browser;
pub mod choose;
mod device;
pub(crate) mod identity;
pub mod inbox;
mod keep;
pub mod launch;
mod listener;
pub(crate) mod oidc;
mod page;
pub(crate) mod pending;
pub(crate) mod token;
mod trade;

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::brand::{Mode, NotAMode};
use hallpass_core::{Scope, Secret, Timestamp};

pub use choose::{Choice, Facts};
pub use inbox::{Inbox, Sender};
pub use oidc::JobLogin;

use crate::Error;
use crate::client::Parts;
use crate::discovery::{self, Said, parse_server};
use crate::dpop::BoundKey;
use crate::http::Http;
use crate::presented;
use crate::source::{self, Selection};
use crate::status::{Account, Warning};
use crate::vault::{BindingKey, Key, Place, gets_over};
use attempt::Attempt;

/// How a login shall go.
#[derive(Clone, Debug, Default)]
pub struct LoginOptions {
    /// Which flow.
    pub wish: Wish,
    /// It is this tool's usual one, and nobody asked for it: where nobody is, as in CI, nobody
    /// signs in (CLIENT A8).
    pub usual: bool,
    /// Open nothing; the address is shown anyway.
    pub no_browser: bool,
    /// How long to wait for the person at most. Without it: 5 minutes for the browser,
    /// and as long as the code lives for a device.
    pub timeout: Option<Duration>,
    /// A fixed port for the loopback listener.
    pub callback_port: Option<u16>,
    /// What to ask for, instead of what the server suggests.
    pub scope: Option<Scope>,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
    /// The command as typed, without arguments that could be secret; shown to the
    /// person who approves, labelled as reported by the requester (HP11).
    pub command: String,
    /// Let the profile change hands if somebody else signs in than it belongs to.
    pub replace_account: bool,
    /// The OpenID provider to sign in at, letter by letter, instead of the one that the
    /// server or the brand names.
    pub issuer: Option<String>,
    /// The client to sign in as, instead of the one that the server or the brand names.
    pub client_id: Option<String>,
}

/// Which flow is wished for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// What fits the surroundings.
    #[default]
    Auto,
    /// A browser on this machine.
    Web,
    /// A code, approved in a browser anywhere.
    Device,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Authorization code with PKCE and a loopback redirect (RFC 8252).
    Browser,
    /// Device authorization (RFC 8628).
    Device,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flow::Browser => "browser sign-in",
            Flow::Device => "device sign-in",
        })
    }
}

/// What happens during a login. Nothing in it is secret, but for the user code,
/// which is there to be shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The flow was chosen.
    Chosen(Choice),
    /// Where the person signs in. Comes before any launcher is started (CLIENT A5).
    SignInAt {
        /// The authorization request.
        url: String,
        /// Whether a browser is about to be launched at it.
        launching: bool,
        /// How long the listener waits.
        timeout: Duration,
    },
    /// A launcher ran, failed or was left to itself; the login goes on either way.
    Launched {
        /// Whether a launcher said that it worked, or is still at it.
        ok: bool,
    },
    /// Where the person approves this device, and the code to compare or type.
    Verification {
        /// Where.
        verification_uri: String,
        /// The same with the code filled in.
        verification_uri_complete: Option<String>,
        /// The code.
        user_code: String,
        /// How long it lives.
        expires_in: Duration,
        /// When it ends by the wall clock.
        expires_at: Timestamp,
    },
    /// Still waiting; at least once a second.
    Waiting {
        /// How long it may still take.
        remaining: Duration,
    },
    /// The server asked for slower polling.
    SlowDown {
        /// The interval from now on.
        interval: Duration,
    },
    /// The server could not be reached; trying again.
    Retrying {
        /// Why.
        reason: String,
        /// When.
        after: Duration,
    },
    /// Something came to the listener, or was pasted, that does not belong to this login.
    Ignored {
        /// Why.
        why: &'static str,
    },
    /// The person approved; the answer is being exchanged and stored.
    Finishing,
    /// Signed in, and stored.
    Authenticated(Box<Login>),
}

/// A completed sign-in.
#[derive(Clone, Debug)]
pub struct Login {
    /// The profile that it is kept under.
    pub profile: String,
    /// The server that calls go to.
    pub server: String,
    /// Who issued it.
    pub issuer: String,
    /// Who signed in.
    pub account: Account,
    /// What was granted.
    pub scope: Scope,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
    /// Where it is kept.
    pub store: Place,
    /// What else is worth knowing.
    pub warnings: Vec<Warning>,
}

/// A device login that was started and left (`--no-wait`). The device code stays in
/// a 0600 file; the handle is useless without it (CLIENT C10).
#[derive(Clone, Debug)]
pub struct Pending {
    /// Names the file.
    pub handle: String,
    /// Where the person approves.
    pub verification_uri: String,
    /// The same with the code filled in.
    pub verification_uri_complete: Option<String>,
    /// The code.
    pub user_code: String,
    /// How long it lives.
    pub expires_in: Duration,
    /// When it ends by the wall clock.
    pub expires_at: Timestamp,
}

/// What a variable says that only some brands name.
fn said_by(parts: &Parts, name: &str) -> Option<String> {
    parts.environment.var(parts.brand.variables.get(name)?)
}

/// The mode that the variable forces; `None`: the server is asked.
pub(crate) fn forced(parts: &Parts) -> Result<Option<Mode>, Error> {
    let Some(said) = said_by(parts, "mode") else { return Ok(None) };
    said.parse().map(Some).map_err(|why: NotAMode| Error::BadMode {
        variable: parts.brand.variable("mode"),
        value: hallpass_core::text::presentable(&said, 40),
        why,
    })
}

/// A login in the making: what was asked for, before anything was sent.
pub(crate) struct Start<'a> {
    pub parts: &'a Parts,
    pub http: &'a Http,
    pub selection: &'a Selection,
    pub options: &'a LoginOptions,
}

impl<'a> Start<'a> {
    /// Chooses a flow and runs it to its end.
    pub(crate) fn run(&self, inbox: Inbox, sink: &mut dyn FnMut(Event)) -> Result<Login, Error> {
        let facts = self.facts();
        let variable = source::token_variable(&self.parts.brand);
        let mode = forced(self.parts)?;
        if mode != Some(Mode::Local) {
            let usual = self.options.usual && facts.unattended.is_some();
            let wish = if usual { Wish::Auto } else { self.options.wish };
            choose::check_person(&facts, wish, &variable)?;
        }
        self.check_mode(mode)?;
        let attempt = self.attempt_at(&self.server()?)?;
        let choice = choose::choose(&facts, self.options, &attempt.found.offer)?;
        // Nobody signs in for nothing (CLIENT D2).
        self.parts.vault.ready()?;
        sink(Event::Chosen(choice.clone()));
        match choice.flow {
            Flow::Browser => browser::run(&attempt, &choice, inbox, sink),
            Flow::Device => {
                let opens = self.parts.brand.login.opens_page;
                let launch = opens.then(|| choose::page_launch(&facts, self.options));
                device::run(&attempt, launch.unwrap_or(choose::Launch::Nothing), &inbox, sink)
            }
        }
    }

    /// Starts a device login and leaves it.
    pub(crate) fn begin(&self) -> Result<Pending, Error> {
        self.check_mode(forced(self.parts)?)?;
        let server = self.server()?;
        let named = self.named(&server).0.is_some();
        let attempt = self.attempt_at(&server)?;
        let options = LoginOptions { wish: Wish::Device, ..self.options.clone() };
        choose::choose(&self.facts(), &options, &attempt.found.offer)?;
        self.parts.vault.ready()?;
        let time = &*self.parts.time;
        let received = crate::vault::model::Receipt::now(time);
        let started = device::begin(&attempt)?;
        let expires_in = started.remaining(time);
        let saved = pending::Saved {
            server: attempt.found.server.clone(),
            issuer: attempt.found.issuer.clone(),
            client_id: attempt.found.client_id.clone(),
            scope: attempt.scope.clone(),
            device_code: started.device_code.clone(),
            user_code: started.user_code.clone(),
            verification_uri: started.verification_uri.clone(),
            verification_uri_complete: started.verification_uri_complete.clone(),
            interval: started.interval.as_secs(),
            expires_in: started.expires_in.as_secs(),
            received,
            named,
            key: attempt
                .key
                .as_ref()
                .map(|key| Secret::new(URL_SAFE_NO_PAD.encode(key.private().expose()))),
        };
        let handle = pending::save(&*self.parts.vault, &saved, &*self.parts.random)?;
        Ok(Pending {
            handle,
            verification_uri: started.verification_uri,
            verification_uri_complete: started.verification_uri_complete,
            user_code: started.user_code,
            expires_in,
            expires_at: time.now() + expires_in,
        })
    }

    /// Takes a started device login up again.
    pub(crate) fn resume(
        &self,
        handle: Option<&str>,
        inbox: &Inbox,
        sink: &mut dyn FnMut(Event),
    ) -> Result<Login, Error> {
        let vault = &*self.parts.vault;
        let (handle, saved) = pending::load(vault, handle)?;
        let started = saved.started(&*self.parts.time);
        if started.remaining(&*self.parts.time).is_zero() {
            pending::remove(vault, &handle);
            return Err(Error::CodeExpired);
        }
        vault.ready()?;
        let said = match saved.named {
            true => Said { issuer: Some(&saved.issuer), ..Said::default() },
            false => Said::default(),
        };
        let mut attempt = self.attempt(&saved.server, said)?;
        if attempt.found.issuer != saved.issuer {
            return Err(Error::IssuerMismatch { issuer: saved.issuer });
        }
        attempt.found.client_id = saved.client_id;
        attempt.scope = saved.scope;
        // What was started without a key goes on without one.
        attempt.key = saved.key.and_then(|key| {
            let key = URL_SAFE_NO_PAD.decode(key.expose()).ok()?;
            BoundKey::read(BindingKey::new(key))
        });
        device::announce(&attempt, &started, sink);
        let ended = device::finish(&attempt, &started, inbox, sink);
        let goes_on = matches!(&ended, Err(Error::Cancelled | Error::TimedOut { .. }));
        if !goes_on {
            pending::remove(vault, &handle);
        }
        ended
    }

    fn facts(&self) -> Facts {
        Facts::gather(
            &*self.parts.environment,
            &self.parts.brand.variable_prefix,
            self.options.stdin_is_terminal,
        )
    }

    /// Issuer and client, if somebody else than the server says them: the person, then the
    /// sign-in that is to be renewed, then the brand.
    fn named(&self, server: &str) -> (Option<String>, Option<String>) {
        let brand = self.parts.brand.issuer.clone();
        let LoginOptions { issuer, client_id, .. } = self.options;
        if issuer.is_some() || client_id.is_some() {
            let issuer = issuer.clone().or_else(|| self.said_by("issuer"));
            let client_id = client_id.clone().or_else(|| self.said_by("client_id"));
            return (issuer.or(brand), client_id);
        }
        if let Some(issuer) = self.said_by("issuer") {
            return (Some(issuer), self.said_by("client_id"));
        }
        match self.renewed(server) {
            Some(key) => (Some(key.issuer), Some(key.client_id)),
            None => (brand, None),
        }
    }

    fn said_by(&self, name: &str) -> Option<String> {
        said_by(self.parts, name)
    }

    fn check_mode(&self, mode: Option<Mode>) -> Result<(), Error> {
        let brand = &self.parts.brand;
        let LoginOptions { issuer, client_id, .. } = self.options;
        let issuer = issuer.is_some() || self.said_by("issuer").is_some();
        let client = client_id.is_some() || self.said_by("client_id").is_some();
        let half = match mode {
            Some(Mode::Local) => return Err(Error::LocalMode { server: self.server()? }),
            Some(Mode::Clerk) => !issuer || !client,
            // Our own client is nobody at a provider that a variable names.
            None => self.said_by("issuer").is_some() && !client && self.options.issuer.is_none(),
        };
        if half {
            return Err(Error::NotConfigured {
                issuer: brand.variable("issuer"),
                client_id: brand.variable("client_id"),
            });
        }
        Ok(())
    }

    /// The stored sign-in at a standard provider that this one takes the place of.
    fn renewed(&self, server: &str) -> Option<Key> {
        let Start { parts, selection, .. } = self;
        let contents = parts.vault.read().ok()?;
        let named = source::wanted_profile(selection, &parts.brand, &*parts.environment);
        let name = named.or_else(|| contents.current.clone())?;
        let profile = contents.profiles.get(&name).filter(|profile| profile.server == server)?;
        let credential = contents.credential(&profile.key)?;
        credential.endpoints.userinfo.as_ref().map(|_| profile.key.clone())
    }

    fn attempt_at(&self, server: &str) -> Result<Attempt<'a>, Error> {
        let (issuer, client_id) = self.named(server);
        let said =
            Said { issuer: issuer.as_deref(), client_id: client_id.as_deref(), ..Said::default() };
        self.attempt(server, said)
    }

    fn attempt(&self, server: &str, said: Said<'_>) -> Result<Attempt<'a>, Error> {
        let server = parse_server(server)?;
        let client_id = &self.parts.brand.client_id;
        // ID tokens are for whom their provider says; the tool's author has decided that.
        let said = Said { foreign: presented::is_id_token(&self.parts.brand, true), ..said };
        let mut found = discovery::discover(self.http, &server, client_id, said)?;
        found.resource = self.said_by("audience").or(found.resource);
        Ok(Attempt::new(self.parts, self.http, self.selection, self.options, found))
    }

    /// The server to sign in to: the one that was asked for, else the profile's, else the
    /// variable's, else the brand's. Looks into the vault first, so that nobody signs in for nothing.
    pub(crate) fn server(&self) -> Result<String, Error> {
        let Start { parts, selection, .. } = self;
        let contents = match parts.vault.read() {
            // A login is how a person gets over a broken store (CLIENT D10).
            Err(error) if gets_over(&*parts.vault, &error) => crate::vault::Contents::default(),
            contents => contents?,
        };
        let wanted = source::wanted_server(selection, &parts.brand, &*parts.environment)?;
        let named = source::wanted_profile(selection, &parts.brand, &*parts.environment);
        if let Some(name) = &named {
            check_name(name)?;
        }
        let name = named.as_ref().or(contents.current.as_ref());
        let profile = name.and_then(|name| contents.profiles.get_key_value(name));
        match (wanted, profile) {
            (Some(server), Some((name, profile)))
                if named.is_some() && profile.server != server && !self.options.replace_account =>
            {
                Err(Error::ForeignProfile {
                    profile: name.clone(),
                    profile_server: profile.server.clone(),
                    server,
                })
            }
            (Some(server), _) => Ok(server),
            (None, Some((_, profile))) => Ok(profile.server.clone()),
            // A profile that is only to be made knows no server yet.
            (None, None) => match source::server_variable(&parts.brand, &*parts.environment)? {
                Some(server) => Ok(server),
                None => Ok(parse_server(&parts.brand.default_server)?.to_string()),
            },
        }
    }
}

/// A profile's name stands in commands, files and variables.
fn check_name(name: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_alphanumeric() || "-_.:@[]".contains(c);
    let fits = (1..=64).contains(&name.chars().count());
    if fits && name.chars().all(plain) && !name.starts_with('-') {
        return Ok(());
    }
    Err(Error::BadProfileName { name: hallpass_core::text::presentable(name, 80) })
}
