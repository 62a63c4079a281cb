//! Whether this invocation is signed in, and as whom (CLIENT group G).

use std::time::Duration;

use hallpass_core::brand::Mode;
use hallpass_core::scope::ACCOUNT;
use hallpass_core::text::presentable;
use hallpass_core::wire::api::{Whoami, Whose};
use hallpass_core::wire::tokens::{Org, Project};
use hallpass_core::{Scope, Timestamp};

use crate::client::Parts;
use crate::dpop::BoundKey;
use crate::login::forced;
use crate::mask::Masked;
use crate::refresh::{Fitness, fitness};
use crate::session::Session;
use crate::source::{self, Selection, Source};
use crate::target::Target;
use crate::tokens::SOON;
use crate::vault::{BindingKey, Credential, Place, VaultError};
use crate::workload::{self, Workload};
use crate::{Class, Error};

/// The answer of `status`.
#[derive(Clone, Debug)]
pub struct Status {
    /// Whether there is a usable credential.
    pub state: State,
    /// Where the credential of this invocation comes from.
    pub source: Source,
    /// Where credentials are kept.
    pub store: Place,
    /// What is in the way of a usable credential, where it is more than that there is none. It
    /// knows the next command.
    pub error: Option<Error>,
    /// The server that calls would go to.
    pub server: String,
    /// Who issued the credential.
    pub issuer: Option<String>,
    /// Whose it is.
    pub account: Option<Account>,
    /// The place that a key belongs to, or that was chosen; only the server knows.
    pub place: Option<At>,
    /// What it was scoped to.
    pub scope: Option<Scope>,
    /// What the token is, if it was handed over and does not come from a sign-in.
    pub token: Option<Masked>,
    /// When the access token ends, as far as the wall clock can say.
    pub expires_at: Option<Timestamp>,
    /// What else is worth knowing.
    pub warnings: Vec<Warning>,
}

/// A place, as the server tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// Who acts: a key and a job belong there, a person asked about it.
    pub whose: Whose,
    /// The organization, with its plan and one's role in it.
    pub org: Org,
    /// The project in it.
    pub project: Option<Project>,
}

impl At {
    fn of(whoami: &Whoami) -> Option<Self> {
        let (org, project) = (whoami.org.clone()?, whoami.project.clone());
        Some(Self { whose: whoami.kind, org, project })
    }

    /// `ORG`, or `ORG/PROJECT`.
    pub fn name(&self) -> String {
        match &self.project {
            Some(project) => format!("{}/{}", self.org.slug, project.slug),
            None => self.org.slug.clone(),
        }
    }
}

/// Whether there is a usable credential (CLIENT G1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// There is none.
    NotSignedIn,
    /// There is one, and it is not known to be over. Offline, a token from a variable is this.
    Valid,
    /// The access token is over, and the next use gets another one. Usable.
    Refreshable,
    /// The access token is over and nothing can be done about it.
    Expired,
    /// The key that it is bound to is not here, so it is good for nothing.
    KeyMissing,
    /// What was handed over cannot be a token.
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// The server ended the session.
    Ended {
        /// What the server said.
        reason: String,
        /// When we learnt of it.
        at: Timestamp,
    },
    /// The server was asked and refused.
    Rejected {
        /// What the server said.
        reason: String,
    },
    /// The server was to be asked and could not be.
    CannotVerify {
        /// Why not.
        reason: String,
    },
    /// Nobody has to sign in here, and nobody is.
    LocalMode,
    /// The store cannot be read.
    StoreUnavailable {
        /// Why not; names the file.
        reason: String,
    },
}

impl State {
    /// A stable name for programs (CLIENT G3).
    pub fn name(&self) -> &'static str {
        match self {
            State::NotSignedIn => "not_signed_in",
            State::Valid => "valid",
            State::Refreshable => "refreshable",
            State::Expired => "expired",
            State::KeyMissing => "key_missing",
            State::Malformed { .. } => "malformed",
            State::Ended { .. } => "ended",
            State::Rejected { .. } => "rejected",
            State::CannotVerify { .. } => "cannot_verify",
            State::LocalMode => "local_mode",
            State::StoreUnavailable { .. } => "store_unavailable",
        }
    }

    /// What it means for the caller; `None` is usable (exit 0).
    pub fn class(&self) -> Option<Class> {
        match self {
            State::Valid | State::Refreshable | State::LocalMode => None,
            State::NotSignedIn
            | State::Expired
            | State::Ended { .. }
            | State::KeyMissing
            | State::Malformed { .. } => Some(Class::NotSignedIn),
            State::Rejected { .. } => Some(Class::Rejected),
            State::CannotVerify { .. } => Some(Class::CannotVerify),
            State::StoreUnavailable { .. } => Some(Class::Store),
        }
    }
}

/// Whose a credential is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The issuer's name for the account: OIDC `sub`.
    pub id: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Display name.
    pub name: Option<String>,
}

impl Account {
    /// The best name for people: e-mail, else display name, else id.
    pub fn label(&self) -> &str {
        self.email.as_deref().or(self.name.as_deref()).unwrap_or(&self.id)
    }
}

/// Something worth knowing that is no error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// A variable wins over what is stored (CLIENT F2).
    #[error("{variable} is set and wins over every stored sign-in")]
    VariableWins {
        /// The variable's name.
        variable: String,
    },
    /// What was asked for does not exist or cannot be used.
    #[error("{reason}")]
    Selection {
        /// Why.
        reason: String,
    },
    /// The credential file or its directory may be read by others.
    #[error("{path} can be read by other users (mode {mode:03o}); the next write makes it private")]
    LooseMode {
        /// What is loose.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// A refreshed token is used but could not be kept (CLIENT D9).
    #[error(
        "the refreshed sign-in could not be saved ({reason}); this command goes on with it, but you may have to sign in again"
    )]
    NotSaved {
        /// What the system said.
        reason: String,
    },
    /// A session that was replaced or refused could not be ended at the server.
    #[error("the previous session could not be ended at the server ({reason})")]
    NotRevoked {
        /// What happened.
        reason: String,
    },
    /// A store that could not be read was moved out of the way (CLIENT D10).
    #[error("the unreadable store was moved to {path}")]
    SetAside {
        /// Where it is now.
        path: String,
    },
    /// Where sign-ins are to be kept was said, and could not be remembered.
    #[error("where sign-ins are kept could not be remembered ({reason})")]
    NotRemembered {
        /// What happened.
        reason: String,
    },
    /// A token that nothing replaces ends within [`SOON`].
    #[error("the token that is used here ends on {}", .at.to_human())]
    EndsSoon {
        /// When.
        at: Timestamp,
    },
    /// The token is good, but the server may not say whose it is.
    #[error(
        "the server takes the token, but does not say whose it is: it was not given the scope {scope}"
    )]
    NarrowToken {
        /// What it lacks.
        scope: &'static str,
    },
    /// Whose an ID token is, nobody but the token itself says.
    #[error("{server} does not say who is signed in; this is what the sign-in itself says")]
    Unsaid {
        /// The server that it is for.
        server: String,
    },
    /// What was chosen with a flag, a variable or a file, or is kept.
    #[error("there is no {place} at this server, or you have no role in it")]
    NoSuchPlace {
        /// `ORG` or `ORG/PROJECT`.
        place: String,
    },
    /// This machine's clock and the server's differ by more than a minute (CLIENT J3).
    #[error("this machine's clock is {seconds} s {} the server's", if *.ahead { "ahead of" } else { "behind" })]
    ClockSkew {
        /// By how much.
        seconds: u64,
        /// In which direction.
        ahead: bool,
    },
}

/// Two clocks may differ by this much before anybody hears of it (CLIENT J3).
const TOLERATED_SKEW: Duration = Duration::from_secs(60);

impl Warning {
    /// What there is to say about the end of a token that was handed over.
    pub(crate) fn of_end(
        token: Option<&Masked>,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Self> {
        let at = at.filter(|at| *at > now && *at <= now + SOON)?;
        token.filter(|token| token.kind.is_long_lived()).map(|_| Warning::EndsSoon { at })
    }

    /// What there is to say about our clock and the one that the server sent.
    pub(crate) fn of_clocks(ours: Timestamp, theirs: Option<Timestamp>) -> Option<Self> {
        let theirs = theirs?;
        let skew = ours.since(theirs).max(theirs.since(ours));
        (skew > TOLERATED_SKEW)
            .then(|| Warning::ClockSkew { seconds: skew.as_secs(), ahead: ours > theirs })
    }
}

/// What can be said without asking anybody (CLIENT G2).
pub(crate) fn offline(parts: &Parts, selection: &Selection) -> Status {
    let resolved = source::resolve(selection, parts);
    let mut status = Status {
        state: State::NotSignedIn,
        source: Source::None,
        store: parts.vault.place(),
        error: None,
        server: parts.brand.default_server.clone(),
        issuer: None,
        account: None,
        place: None,
        scope: None,
        token: None,
        expires_at: None,
        warnings: Vec::new(),
    };
    let resolved = match resolved {
        Ok(resolved) => resolved,
        Err(error) => {
            if !matches!(error, Error::Vault(_)) {
                status.warnings.push(Warning::Selection { reason: error.to_string() });
            }
            status.stopped_by(error);
            return status;
        }
    };
    status.server = resolved.server;
    status.source = resolved.source;
    status.token = resolved.token.as_ref().map(|token| Masked::of(token, &parts.brand));
    // A pass says itself when it ends; no other token from outside does.
    status.expires_at = resolved.token.as_ref().and_then(workload::end_of_pass);
    match (&status.source, &resolved.contents) {
        (Source::None, _) => match forced(parts) {
            Ok(Some(Mode::Local)) => status.state = State::LocalMode,
            Ok(_) => {}
            Err(error) => status.stopped_by(error),
        },
        // A token from outside is not known to be over, and the vault was not opened (D4).
        (Source::Explicit, _) => status.state = State::Valid,
        (Source::Variable { name }, _) => {
            let over = status.expires_at.is_some_and(|end| end <= parts.time.now());
            status.state = if over { State::Expired } else { State::Valid };
            if parts.brand.sources.variable_wins() {
                status.warnings.push(Warning::VariableWins { variable: name.clone() });
            }
        }
        (Source::Workload { .. }, _) => {
            let waiting = resolved.workload.map(|found| Workload::new(found, parts));
            let waiting = waiting.and_then(|workload| workload.waiting(parts, &status.server));
            status.expires_at = waiting.as_ref().and_then(|it| it.access.expires_at(&*parts.time));
            status.state = match waiting {
                Some(_) => State::Valid,
                // The next use trades for one.
                None => State::Refreshable,
            };
        }
        (Source::Profile { name }, Some(contents)) => {
            if let Some(credential) = contents.of_profile(name) {
                status.issuer = Some(credential.key.issuer.clone());
                status.account = Some(credential.account());
                status.scope = Some(credential.scope.clone());
                status.expires_at =
                    credential.access.as_ref().and_then(|access| access.expires_at(&*parts.time));
                match stored_state(credential, parts, || parts.vault.binding_key(&credential.key)) {
                    Ok(State::KeyMissing) => {
                        status.state = State::KeyMissing;
                        status.error = Some(Error::KeyMissing { profile: name.clone() });
                    }
                    Ok(state) => status.state = state,
                    Err(error) => {
                        status.state = State::StoreUnavailable { reason: error.to_string() };
                        status.error = Some(error.into());
                    }
                }
                status.token = credential.masked(&parts.brand);
                let ends =
                    Warning::of_end(status.token.as_ref(), status.expires_at, parts.time.now());
                status.warnings.extend(ends);
            }
            status.warnings.extend(parts.vault.warnings());
        }
        _ => {}
    }
    if let Some(token) = &resolved.token
        && let Err(error) = source::check_outside(&status.source, token, &parts.brand)
    {
        status.stopped_by(error);
    }
    status
}

/// What a stored credential is worth, with the key that it may be bound to, which is looked for
/// only if it comes to that.
pub(crate) fn stored_state(
    credential: &Credential,
    parts: &Parts,
    kept: impl FnOnce() -> Result<Option<BindingKey>, VaultError>,
) -> Result<State, VaultError> {
    if let Some(ended) = &credential.ended {
        return Ok(State::Ended { reason: ended.reason.clone(), at: ended.at });
    }
    let state = match fitness(credential, parts, 0) {
        Fitness::Fresh | Fitness::Due => State::Valid,
        Fitness::Over => State::Refreshable,
        Fitness::Dead => return Ok(State::Expired),
    };
    let keyless =
        credential.binding.is_some() && BoundKey::that_binds(credential, kept()?).is_none();
    Ok(if keyless { State::KeyMissing } else { state })
}

/// The same, after asking the server.
pub(crate) fn checked(
    parts: &Parts,
    selection: &Selection,
    target: &Target,
    session: Result<Session, Error>,
) -> Status {
    let mut status = offline(parts, selection);
    // Without its key the server is asked all the same, so that the owner hears of a copy.
    if status.source == Source::None
        || status.state.class().is_some() && status.state != State::KeyMissing
    {
        return status;
    }
    let session = match session {
        Ok(session) => session,
        Err(error) => {
            status.stopped_by(error);
            return status;
        }
    };
    let answer = session.whoami_at(target);
    // A refresh on the way changed what is stored.
    status = offline(parts, selection);
    let ends = |warning: &Warning| matches!(warning, Warning::EndsSoon { .. });
    let told = session.take_warnings();
    if told.iter().any(ends) {
        status.warnings.retain(|warning| !ends(warning));
    }
    status.warnings.extend(told);
    match answer {
        Ok(whoami) => {
            status.place = At::of(&whoami);
            let shown = |text: &str| Some(presentable(text, 200)).filter(|text| !text.is_empty());
            status.account = Some(Account {
                id: presentable(&whoami.id, 255),
                email: shown(&whoami.email),
                name: shown(&whoami.name),
            });
            status.scope = Some(whoami.scope);
            status.expires_at = match &status.token {
                // Its end may have been changed since it was stored.
                Some(_) => whoami.expires_at,
                None => status.expires_at.or(whoami.expires_at),
            };
        }
        // It is good; only whose it is remains unsaid.
        Err(Error::Problem { status: 403, code, .. })
            if code == "insufficient_scope"
                && (status.token.is_some() || is_job(&status.source)) =>
        {
            if !is_job(&status.source) {
                status.warnings.push(Warning::NarrowToken { scope: ACCOUNT });
            }
        }
        Err(error) => status.stopped_by(error),
    }
    status
}

impl Status {
    /// What it means for the caller; `None` is usable (exit 0). What was said and cannot be comes
    /// before whether anybody is signed in.
    pub fn class(&self) -> Option<Class> {
        let said = self.error.as_ref().map(Error::class).filter(|class| *class == Class::Usage);
        said.or_else(|| self.state.class())
    }

    fn stopped_by(&mut self, error: Error) {
        self.state = state_of(&error);
        self.error = Some(error);
    }
}

/// A job's pass is for its project, and says nothing about an account.
fn is_job(source: &Source) -> bool {
    matches!(source, Source::Workload { .. })
}

fn state_of(error: &Error) -> State {
    let reason = error.to_string();
    match (error, error.class()) {
        (Error::SessionEnded { reason, at, .. }, _) => {
            State::Ended { reason: reason.clone(), at: *at }
        }
        (Error::Expired { .. }, _) => State::Expired,
        (Error::KeyMissing { .. }, _) => State::KeyMissing,
        (Error::MalformedToken { .. }, _) => State::Malformed { reason },
        (Error::BadServer { .. } | Error::BadMode { .. } | Error::ForeignProfile { .. }, _) => {
            State::NotSignedIn
        }
        (Error::Vault(_), _) => State::StoreUnavailable { reason },
        (_, Class::NotSignedIn) => State::NotSignedIn,
        (_, Class::Rejected | Class::Usage) => State::Rejected { reason },
        (_, Class::Store) => State::StoreUnavailable { reason },
        _ => State::CannotVerify { reason },
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
