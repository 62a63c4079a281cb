//! One exact action that a person approved for an agent, done once.
//!
//! Its token is no access token: no layer admits it. The handler that is about to do it says what
//! it is going to do, in the words that were approved, and the server answers yes at most once.

use hallpass_core::action::Action;
use hallpass_verdict::Agent;

use super::answer::agent;
use super::{Remote, Shared};
use crate::Unverified;

/// What the server calls the token of an approved action.
const CREDENTIAL: &str = "approved_action";

/// An action that may be done now, by whoever holds this and nobody else.
#[derive(Debug)]
#[must_use = "its token is spent: the action is to be done"]
pub struct Approved {
    /// The id of its token, for a log.
    pub id: String,
    /// The agent that asked, and who stands behind it; its owner approved.
    pub agent: Agent,
    /// What was approved.
    pub action: Action,
}

impl Remote {
    /// Spends `token`, which was approved for exactly `action`. What it is good for is yours to
    /// know: call it with what you are going to do, last before you do it.
    ///
    /// # Errors
    /// [`Unverified::NotGood`] if it was approved for something else, was used, ran out, or its
    /// agent has ended; [`Unverified::Unavailable`] if nobody could be asked, or the answer was
    /// lost: then it may have been spent, and the agent has to ask for it anew.
    pub async fn use_action(&self, token: &str, action: &Action) -> Result<Approved, Unverified> {
        self.shared().use_action(token, action).await
    }
}

impl Shared {
    async fn use_action(&self, token: &str, action: &Action) -> Result<Approved, Unverified> {
        let answer = self.server.use_action(token, action.canonical()).await.map_err(|error| {
            tracing::warn!(%error, "an approved action could not be checked");
            Unverified::Unavailable
        })?;
        let said = answer.credential.as_deref() == Some(CREDENTIAL)
            && answer.iss.as_deref() == Some(self.issuer.issuer())
            && answer.aud.iter().any(|audience| audience == self.resource.uri());
        if !answer.active || !said {
            return Err(Unverified::NotGood);
        }
        let approved = Action::new(answer.authorization_details);
        if approved.as_ref().map(Action::digest) != Ok(action.digest()) {
            return Err(Unverified::NotGood);
        }
        let (sub, name) = (answer.sub.unwrap_or_default(), answer.name.unwrap_or_default());
        let project = answer.agent_project.and_then(|id| id.parse().ok());
        let agent = agent(&sub, name, answer.act.as_ref(), project).ok_or(Unverified::NotGood)?;
        Ok(Approved { id: answer.jti.unwrap_or_default(), agent, action: action.clone() })
    }
}
