//! Approvals: an agent asks its owner for one action and waits for the answer; the owner decides.

use std::time::Duration;

use hallpass_core::action::{Action, BadAction};
use hallpass_core::wire::approvals::{
    APPROVALS, ASK, Approval, ApproveAction, ApprovedAction, AskedApproval, NewApproval, PENDING,
    SLOW_DOWN, SLOWER,
};

use crate::session::{Session, path_segment};
use crate::{Client, Error};

/// What a poll brought.
#[derive(Debug)]
pub enum Answer {
    /// The owner said yes.
    Approved(ApprovedAction),
    /// The owner has not decided; ask again after this long.
    Wait(Duration),
}

/// One question of an agent's, polled for as often as it may be.
#[derive(Debug)]
pub struct Question {
    id: String,
    interval: Duration,
    lasts: Duration,
}

impl Question {
    /// That was asked just now.
    pub fn of(asked: &AskedApproval) -> Self {
        Self {
            id: asked.auth_req_id.clone(),
            interval: Duration::from_secs(asked.interval.into()),
            lasts: Duration::from_secs(asked.expires_in.into()),
        }
    }

    /// That was asked before.
    pub fn known(id: &str) -> Self {
        let interval = Duration::from_secs(SLOWER.into());
        Self { id: id.to_owned(), interval, lasts: Duration::from_secs(600) }
    }

    /// What is polled for.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// For how long it can be decided, at most.
    pub fn lasts(&self) -> Duration {
        self.lasts
    }

    /// CIBA Core §11: after a connection that failed it is asked again, and more slowly.
    pub fn after_failure(&self) -> Duration {
        self.interval * 2
    }

    /// Asks once, with the agent's token as it is now. The first time nothing has to be waited for.
    ///
    /// # Errors
    /// [`Error::Problem`] with the codes of CIBA Core §11 if it is a no.
    pub fn poll(&mut self, client: &Client) -> Result<Answer, Error> {
        let Some(agent) = client.as_agent()? else {
            return Err(Error::NotSignedIn { server: client.server()? });
        };
        match agent.take_approved(&self.id) {
            Ok(approved) => Ok(Answer::Approved(approved)),
            Err(Error::Problem { code, .. }) if code == PENDING => Ok(Answer::Wait(self.interval)),
            Err(Error::Problem { code, .. }) if code == SLOW_DOWN => {
                // CIBA Core §11: from now on.
                self.interval += Duration::from_secs(SLOWER.into());
                Ok(Answer::Wait(self.interval))
            }
            Err(error) => Err(error),
        }
    }
}

impl Session {
    /// The agent asks its owner for one action.
    pub fn ask_approval(&self, new: &NewApproval) -> Result<AskedApproval, Error> {
        self.send("POST", ASK, Some(new))?.json_of()
    }

    /// The agent comes for what it asked for.
    pub fn take_approved(&self, id: &str) -> Result<ApprovedAction, Error> {
        let address = format!("{ASK}/{}/token", path_segment(id));
        self.send("POST", &address, None::<&()>)?.json_of()
    }

    /// What agents asked for within a day; all pages, newest first.
    pub fn approvals(&self) -> Result<Vec<Approval>, Error> {
        self.read_all(APPROVALS, &[("limit", "200")])
    }

    /// One of them.
    pub fn approval(&self, id: &str) -> Result<Approval, Error> {
        self.send("GET", &address(id, ""), None::<&()>)?.json_of()
    }

    /// Says yes to `action`, as it was shown.
    pub fn approve_action(&self, id: &str, action: &Action) -> Result<(), Error> {
        let seen = ApproveAction { digest: action.digest_text() };
        self.send("POST", &address(id, "/approve"), Some(&seen)).map(drop)
    }

    /// Says no, also to what was approved and not done yet.
    pub fn deny_action(&self, id: &str) -> Result<(), Error> {
        self.send("POST", &address(id, "/deny"), None::<&()>).map(drop)
    }
}

/// The action that a question is about, read and hashed here: what a person is shown is what they
/// say yes to, whatever the server says its digest is.
pub fn action_of(approval: &Approval) -> Result<Action, BadAction> {
    Action::new(approval.authorization_details.clone())
}

fn address(id: &str, more: &str) -> String {
    format!("{APPROVALS}/{}{more}", path_segment(id))
}
