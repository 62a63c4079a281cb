//! Keeps an agent's token fresh while it runs, and sees that it was stopped.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use hallpass_client::{Client, Error, Session};
use hallpass_core::Secret;
use hallpass_core::wire::agents::{AgentState, RenewedAgent};

use super::child::TokenFile;
use super::guard::Guard;
use crate::system::Target;

/// How often the server is asked whether the agent was stopped, at most and at least.
const BEAT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// How long the process may take to end by itself once it was stopped.
const GRACE: Duration = Duration::from_secs(10);

/// Who renews it: whoever started it.
pub(super) enum Starter<'a> {
    /// A person, or a broker with a token of theirs.
    Person(&'a Session),
    /// The agent that this runs in, whose own token changes too.
    Agent(&'a Client),
}

impl Starter<'_> {
    fn renew(&self, id: &str) -> Result<RenewedAgent, Error> {
        match self {
            Self::Person(session) => session.renew_agent(id),
            Self::Agent(client) => match client.as_agent()? {
                Some(parent) => parent.renew_child(id),
                None => Err(Error::NotSignedIn { server: client.server()? }),
            },
        }
    }
}

/// What is kept.
pub(super) struct Kept<'a> {
    pub(super) client: &'a Client,
    pub(super) server: &'a str,
    pub(super) starter: Starter<'a>,
    pub(super) id: &'a str,
    pub(super) ttl: Duration,
    pub(super) token: Secret,
    pub(super) file: Option<&'a TokenFile>,
    pub(super) guard: &'a mut Guard,
    pub(super) target: Option<&'a Target>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The program did.
    ByItself,
    /// Somebody stopped the agent, or whoever started it may not any more.
    Stopped,
    /// Nobody renewed it in time.
    Lapsed,
}

impl Kept<'_> {
    /// Why it cannot be renewed: as the server tells whoever started it, else by the clock here.
    fn over(&self, age: Duration) -> Ended {
        let told = match &self.starter {
            Starter::Person(session) => session.agent(self.id).ok().map(|agent| agent.state),
            Starter::Agent(_) => None,
        };
        match told {
            Some(AgentState::Lapsed) => Ended::Lapsed,
            None if age >= self.ttl => Ended::Lapsed,
            _ => Ended::Stopped,
        }
    }

    /// Until `over` says that the program has ended.
    pub(super) fn keep(&mut self, over: &Receiver<()>) -> Ended {
        let pause = (self.ttl / 6).clamp(BEAT.0, BEAT.1);
        let mut age = Duration::ZERO;
        // A fresh token was taken because the one before was refused.
        let mut tried = false;
        loop {
            match over.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => age += pause,
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ended::ByItself,
            }
            // A machine that slept has an older token than was counted.
            let beat = self.beat();
            let refused = matches!(beat, Err(Error::Rejected { .. }));
            tried &= beat.is_err();
            if !refused && age < self.ttl / 2 {
                continue;
            }
            match self.starter.renew(self.id) {
                // It can be renewed and is good nowhere: its owner has lost its place.
                Ok(_) if refused && tried => {
                    if let Some(target) = self.target {
                        target.end(GRACE);
                    }
                    return Ended::Stopped;
                }
                Ok(fresh) => {
                    tried = refused;
                    self.take(fresh.token);
                    age = Duration::ZERO;
                }
                // It is no agent of ours any more, or nobody's.
                Err(
                    Error::Rejected { .. }
                    | Error::Problem { status: 401 | 403 | 404, .. }
                    | Error::SessionEnded { .. }
                    | Error::NotSignedIn { .. },
                ) => {
                    let how = self.over(age);
                    if let Some(target) = self.target {
                        target.end(GRACE);
                    }
                    return how;
                }
                // The server cannot be asked: the token ends by itself, or it can again.
                Err(_) => {}
            }
        }
    }

    fn beat(&self) -> Result<(), Error> {
        self.client.as_bearer(self.server, &self.token)?.itself().map(drop)
    }

    fn take(&mut self, fresh: Secret) {
        if let Some(file) = self.file {
            // Where it cannot be written, the agent goes on with what it has.
            let _ = file.write(&fresh);
        }
        self.guard.token(&fresh);
        self.token = fresh;
    }
}
