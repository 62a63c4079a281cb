//! The front door: one tool, one machine, one invocation.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hallpass_core::brand::{Brand, Mode, SourceKind};
use hallpass_core::public_url::is_loopback;
use hallpass_core::wire::metadata::AuthMode;
use hallpass_core::{Random, Secret};

use crate::Error;
use crate::config::{self, Origin};
use crate::discovery::{auth_config, parse_server};
use crate::doctor::{self, Finding};
use crate::environment::{Environment, config_dir};
use crate::helper;
use crate::http::{Http, Waits};
use crate::legacy::{self, LegacyCleaned, LegacyPhase, LegacyToken};
use crate::login::launch::{Launcher, SystemLauncher};
use crate::login::oidc::{self, JobLogin};
use crate::login::{Event, Inbox, Login, LoginOptions, Pending, Start, forced, token};
use crate::logout::{self, LogoutReport};
use crate::profiles::{self, Listed};
use crate::session::Session;
use crate::source::{self, Selection, token_variable};
use crate::status::{self, State, Status};
use crate::system::{SystemRandom, SystemTimes};
use crate::target::{self, Asked, BadTarget, Kept, Target};
use crate::time::Time;
use crate::vault::keyring::PATIENCE;
use crate::vault::{
    FileVault, Place, Rules, Shape, StorePolicy, SystemKeyring, UnknownPolicy, Vault,
};
use crate::workload::{JobMemory, KernelMemory, Platform, platform};

/// How long `status --check` and `doctor` wait for a server, all in all (CLIENT G2).
pub const CHECK: Duration = Duration::from_secs(5);

/// What a [`Client`] is made of.
#[derive(Clone)]
pub struct Parts {
    /// The tool's names.
    pub brand: Brand,
    /// The surroundings.
    pub environment: Arc<dyn Environment>,
    /// The clocks.
    pub time: Arc<dyn Time>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Where credentials are kept.
    pub vault: Arc<dyn Vault>,
    /// Launches browsers.
    pub launcher: Arc<dyn Launcher>,
    /// Where a pass waits for the later steps of a job.
    pub job_memory: Arc<dyn JobMemory>,
}

/// Signs in, holds the credential, signs out.
pub struct Client {
    parts: Parts,
    selection: Selection,
    waits: Waits,
    http: OnceLock<Http>,
}

/// Which profiles a sign-out is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that this invocation would use.
    Selected,
    /// All of them.
    All,
}

impl Client {
    /// A client for `selection`. Nothing is read, opened or sent yet.
    pub fn new(parts: Parts, selection: Selection) -> Self {
        Self { parts, selection, waits: Waits::default(), http: OnceLock::new() }
    }

    /// The same, which tells what it waits for when that takes longer than a few seconds: a
    /// server's name, or another process. Each is told once.
    #[must_use]
    pub fn telling(self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { waits: Waits::new(tell), http: OnceLock::new(), ..self }
    }

    /// The same for somebody who waits: all that it asks servers from now on may take this long
    /// together. What servers told is shared.
    #[must_use]
    pub fn within(&self, whole: Duration) -> Self {
        Self {
            parts: self.parts.clone(),
            selection: self.selection.clone(),
            waits: self.waits.clone(),
            http: self.http_within(whole).into(),
        }
    }

    /// A client with the real clocks, the operating system's randomness and keyring, the
    /// files in the tool's configuration directory, and real browsers.
    pub fn on_this_machine(
        mut brand: Brand,
        environment: Arc<dyn Environment>,
        selection: Selection,
    ) -> Self {
        let time: Arc<dyn Time> = Arc::new(SystemTimes);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        // Without a home the first use of the store says so.
        let dir = match &brand.vault.dir {
            Some(dir) => environment.home().map(|home| home.join(dir)),
            None => config_dir(&*environment, &brand.config_dir),
        };
        let dir = dir.unwrap_or_default();
        if let Some(server) = config::server(&dir, &time, &random) {
            brand.default_server = server;
        }
        let keyring = SystemKeyring::new(brand.vault.service.as_ref().unwrap_or(&brand.config_dir));
        let rules = Rules {
            refresh_in_keyring: brand.vault.refresh_in_keyring,
            file_without_question: brand.vault.file_without_question,
        };
        let vault = FileVault::new(dir, time.clone(), random.clone()).with_keyring(
            Arc::new(keyring),
            keyring_patience(&brand, &*environment),
            store_policy(&selection, &brand, &*environment),
            rules,
        );
        let vault = match Shape::of(&brand) {
            Some(shape) => {
                let here = environment.working_dir();
                let file = selection.file.as_ref();
                let file = file.map(|file| here.map_or_else(|| file.clone(), |dir| dir.join(file)));
                vault.shaped(match file {
                    Some(file) => shape.at(&file),
                    None => shape,
                })
            }
            None => vault,
        };
        let secrets =
            vec![token_variable(&brand), brand.variable("AUTH_TOKEN"), brand.variable("ID_TOKEN")];
        let parts = Parts {
            vault: Arc::new(vault),
            launcher: Arc::new(SystemLauncher::new(time.clone(), secrets)),
            job_memory: Arc::new(KernelMemory),
            brand,
            environment,
            time,
            random,
        };
        Self::new(parts, selection)
    }

    /// Signs in with a browser or a device code, as `options` and the surroundings say.
    ///
    /// Blocks until it is over. The refresh lock is not held meanwhile (CLIENT E10).
    ///
    /// # Errors
    /// [`Error::NobodyToAsk`] at once where nobody can answer, [`Error::NoFlow`] if the
    /// server offers nothing usable, and how the sign-in failed otherwise.
    pub fn login(
        &self,
        options: &LoginOptions,
        inbox: Inbox,
        sink: &mut dyn FnMut(Event),
    ) -> Result<Login, Error> {
        self.start(options).run(inbox, sink)
    }

    /// Starts a device login and returns at once (`--no-wait`).
    pub fn login_begin(&self, options: &LoginOptions) -> Result<Pending, Error> {
        self.start(options).begin()
    }

    /// Goes on with a started device login; without a handle, with the only one there is.
    pub fn login_resume(
        &self,
        handle: Option<&str>,
        options: &LoginOptions,
        inbox: Inbox,
        sink: &mut dyn FnMut(Event),
    ) -> Result<Login, Error> {
        self.start(options).resume(handle, &inbox, sink)
    }

    /// Stores a token that was handed over, after the server has said whose it is.
    /// `text` is all that was read; one trailing newline is taken off (CLIENT H2).
    ///
    /// # Errors
    /// [`Error::BadToken`] before anything is sent, [`Error::Rejected`] if the server
    /// does not take it.
    pub fn login_with_token(&self, text: Secret, options: &LoginOptions) -> Result<Login, Error> {
        let server = self.start(options).server()?;
        token::run(&self.parts, self.http(), &self.selection, options, &text, &server)
    }

    /// Signs in as the job that this is: trades the identity that its platform gives it for a
    /// pass. Later steps of the same job are signed in too; nothing is written to disk. `project`
    /// is `org/project`, for a job that is let into several.
    ///
    /// # Errors
    /// [`Error::NoWorkload`] if this is no job, or was given no identity; [`Error::NotTrusted`]
    /// if no policy of the server lets it in.
    pub fn login_as_job(&self, project: Option<String>) -> Result<JobLogin, Error> {
        oidc::run(&self.parts, self.http(), &self.selection, project)
    }

    /// What this job lacks to be signed in without anybody's doing, and what gives it that. `None`
    /// where it lacks nothing, this is no job, or the tool takes no job's identity. Sends nothing.
    pub fn job_lacks(&self) -> Option<(Platform, String)> {
        let Parts { brand, environment, .. } = &self.parts;
        brand.sources.order.contains(&SourceKind::Workload).then_some(())?;
        let server = self.server().unwrap_or_else(|_| brand.default_server.clone());
        platform::lacks(brand, &**environment, &server)
    }

    /// What tells the platform's log to show `token` as stars from now on, if it has a way.
    pub fn mask_command(&self, token: &Secret) -> Option<Secret> {
        oidc::mask_command(&*self.parts.environment, token)
    }

    /// A handle for calls, for the credential that this invocation uses. Never starts a
    /// login (CLIENT A9). Sends nothing yet.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] or [`Error::SessionEnded`] if there is no credential.
    pub fn session(&self) -> Result<Session, Error> {
        self.session_of(&self.selection)
    }

    /// The profile at `server` that is called `name`, or whose account has this e-mail
    /// address or id. Sends nothing.
    pub fn profile_of(&self, server: &str, name: &str) -> Option<String> {
        helper::profile_of(&self.parts, server, name)
    }

    /// A server refused `token`: the next use of the sign-in that it belongs to refreshes it
    /// first. Nobody is signed out by that. Says whether it belongs to one.
    ///
    /// # Errors
    /// [`Error::Vault`] if that could not be written down.
    pub fn suspect(&self, token: &Secret) -> Result<bool, Error> {
        helper::suspect(&self.parts, token)
    }

    /// Whether this process may put a sign-in before the person that nobody typed: one of all
    /// processes may, once a minute for each account (CLIENT I6).
    ///
    /// # Errors
    /// [`Error::Vault`] if that cannot be kept; then it may not.
    pub fn may_ask(&self) -> Result<bool, Error> {
        helper::may_ask(&self.parts, &self.selection)
    }

    /// Whether this invocation is signed in. Sends nothing (CLIENT G2).
    pub fn status(&self) -> Status {
        status::offline(&self.parts, &self.selection)
    }

    /// The same, after asking the server; refreshes if that is due. 5 s at most for all of it.
    pub fn status_checked(&self) -> Status {
        self.status_checked_at(&Target::default())
    }

    /// The same, with what the server says about the organization and project that were chosen.
    pub fn status_checked_at(&self, target: &Target) -> Status {
        let asking = self.within(CHECK);
        let mut status = status::checked(&self.parts, &self.selection, target, asking.session());
        let nobody = status.state == State::NotSignedIn && status.error.is_none();
        if nobody && matches!(asking.open_session(), Ok(Some(_))) {
            status.state = State::LocalMode;
        }
        status
    }

    /// Revokes at the server, then removes locally whatever the server said. Idempotent.
    ///
    /// # Errors
    /// [`Error::Vault`] if the local copy could not be removed.
    pub fn logout(&self, which: Which) -> Result<LogoutReport, Error> {
        logout::run(&self.parts, self.http(), &self.selection, which)
    }

    /// Whether a sign-in could be kept now, and where it would be.
    ///
    /// # Errors
    /// [`VaultError::Unasked`](crate::vault::VaultError::Unasked) if a plain file would have
    /// to do and nobody has said that it may; ask, and [`Client::remember_store`].
    pub fn store_ready(&self) -> Result<Place, Error> {
        Ok(self.parts.vault.ready()?)
    }

    /// Remembers where sign-ins are to be kept, for when nothing else is said.
    pub fn remember_store(&self, policy: StorePolicy) -> Result<(), Error> {
        Ok(self.parts.vault.remember(policy)?)
    }

    /// Takes a token of the older system, for one project, checks it with the server and keeps
    /// it in its file (ST13).
    ///
    /// `org` is the project's organization, if that is known.
    ///
    /// # Errors
    /// [`Error::Rejected`] if the server does not know it, or it is for another project.
    pub fn login_legacy(
        &self,
        (org, project): (Option<&str>, &str),
        text: &Secret,
    ) -> Result<PathBuf, Error> {
        legacy::keep(&self.parts, self.http(), &self.server()?, (org, project), text)
    }

    /// The token of the older system that is kept for a project. Sends nothing.
    pub fn legacy_token_of(&self, project: &str) -> Option<Secret> {
        legacy::of_project(&self.parts, project)
    }

    /// How far the move away from the older system is, as the server says it.
    pub fn legacy_phase(&self) -> Result<LegacyPhase, Error> {
        legacy::phase(self.http(), &self.server()?)
    }

    /// Tokens of an older system of this tool that lie in files. Sends nothing.
    pub fn legacy_tokens(&self) -> Vec<LegacyToken> {
        legacy::find(&self.parts)
    }

    /// Revokes them at `server`, and deletes the files of those that it revoked.
    pub fn clean_legacy(
        &self,
        server: &str,
        tokens: &[LegacyToken],
    ) -> Result<Vec<LegacyCleaned>, Error> {
        legacy::clean(&self.parts, self.http(), server, tokens)
    }

    /// The server that this invocation is about. Sends nothing.
    pub fn server(&self) -> Result<String, Error> {
        Ok(source::resolve(&self.selection, &self.parts)?.server)
    }

    /// The same, and who says it.
    pub fn server_said(&self) -> Result<(String, Origin), Error> {
        config::said(&self.parts, &self.selection)
    }

    /// Sets the server that this tool talks to when nothing else is said, and answers it as it
    /// will be used.
    ///
    /// # Errors
    /// [`Error::BadServer`] if it is no server's address.
    pub fn set_server(&self, server: &str) -> Result<String, Error> {
        let Parts { vault, time, random, .. } = &self.parts;
        config::set_server(vault.dir(), time, random, server)
    }

    /// As [`Client::session`]; where nobody is signed in and nobody has to be, a session that
    /// presents nothing. Only a server on this machine is asked whether that is so.
    ///
    /// # Errors
    /// As [`Client::session`].
    pub fn session_or_open(&self) -> Result<Session, Error> {
        match self.session() {
            Err(error @ Error::NotSignedIn { .. }) => self.open_session()?.ok_or(error),
            session => session,
        }
    }

    fn open_session(&self) -> Result<Option<Session>, Error> {
        let server = parse_server(&self.server()?)?;
        let local = match forced(&self.parts)? {
            Some(mode) => mode == Mode::Local,
            None => {
                let here = url::Url::parse(server.issuer()).is_ok_and(|url| is_loopback(&url));
                let config =
                    here.then(|| auth_config(self.http(), &server).ok().flatten()).flatten();
                config.is_some_and(|config| config.mode == AuthMode::Local)
            }
        };
        let open = || Session::open(&self.parts, self.http().clone(), server.to_string());
        Ok(local.then(open))
    }

    /// The profiles that there are. Sends nothing.
    pub fn profiles(&self) -> Result<Vec<Listed>, Error> {
        profiles::list(&self.parts)
    }

    /// Makes `name` the profile that is used when nothing else is said. Sends nothing.
    ///
    /// # Errors
    /// [`Error::UnknownProfile`] if there is none of that name.
    pub fn use_profile(&self, name: &str) -> Result<Listed, Error> {
        profiles::choose(&self.parts, name)
    }

    /// Which organization and project this invocation is about, and who says so. Sends nothing.
    ///
    /// # Errors
    /// [`BadTarget`] if one of those who say it contradicts itself.
    pub fn target(&self, asked: &Asked) -> Result<Target, BadTarget> {
        target::resolve(asked, &self.parts, &self.selection)
    }

    /// Keeps organization and project for the selected profile, and says its name.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] if there is no profile to keep them for.
    pub fn keep_target(&self, kept: &Kept) -> Result<String, Error> {
        target::keep(kept, &self.parts, &self.selection)
    }

    /// Looks at everything that decides here; asks the server about itself, and sends no
    /// token. 5 s at most for all of its answers.
    pub fn examine(&self, target: &Target, stdin_is_terminal: bool) -> Vec<Finding> {
        let http = self.http_within(CHECK);
        doctor::examine(&self.parts, &http, &self.selection, target, stdin_is_terminal)
    }

    /// The tool's names.
    pub fn brand(&self) -> &Brand {
        &self.parts.brand
    }

    /// What was asked for.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    fn start<'a>(&'a self, options: &'a LoginOptions) -> Start<'a> {
        Start { parts: &self.parts, http: self.http(), selection: &self.selection, options }
    }

    /// As [`Client::session`], for another credential.
    pub(crate) fn session_of(&self, selection: &Selection) -> Result<Session, Error> {
        let resolved = source::resolve(selection, &self.parts)?;
        Session::new(&self.parts, self.http().clone(), resolved)
    }

    pub(crate) fn environment(&self) -> &dyn Environment {
        &*self.parts.environment
    }

    fn http(&self) -> &Http {
        self.http.get_or_init(|| {
            let agent = format!("{}/{}", self.parts.brand.name, env!("CARGO_PKG_VERSION"));
            Http::new(&*self.parts.environment, agent)
                .trusting(self.selection.ca_bundle.clone())
                .telling(self.waits.clone())
        })
    }

    fn http_within(&self, whole: Duration) -> Http {
        self.http().clone().within(&self.parts.time, whole)
    }
}

/// Where sign-ins are to be kept (CLIENT D1): `--store`, else the variable, else what is
/// remembered.
fn store_policy(
    selection: &Selection,
    brand: &Brand,
    environment: &dyn Environment,
) -> Result<Option<StorePolicy>, UnknownPolicy> {
    if selection.store.is_some() {
        return Ok(selection.store);
    }
    let variable = brand.variable("STORE");
    let said = environment.var(&variable).map(|text| text.parse()).transpose();
    said.map_err(|unknown: UnknownPolicy| UnknownPolicy { variable: Some(variable), ..unknown })
}

/// How long the keyring is waited for (CLIENT D3); what is no number of seconds says nothing.
fn keyring_patience(brand: &Brand, environment: &dyn Environment) -> Duration {
    let said = environment.var(&brand.variable("KEYRING_TIMEOUT"));
    let seconds = said.and_then(|text| text.parse::<u32>().ok());
    seconds.map_or(PATIENCE, |seconds| Duration::from_secs(seconds.into()))
}
