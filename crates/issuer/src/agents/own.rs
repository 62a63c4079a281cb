//! What an agent asks for itself, with its own token: who it is, a word about how far it is, an
//! end. And what it does with its children, whose broker it is.

use hallpass_core::id::AgentId;
use hallpass_core::text::presentable;
use hallpass_core::wire::agents as wire;
use hallpass_store::Whose;
use hallpass_verdict::{Agent, Decision};

use super::{AgentError, shown};
use crate::{Issuer, Origin};

/// Longest word of an agent about itself.
const MAX_REPORT: usize = 200;

/// The agent that acts, if it is one.
pub(super) fn itself(decision: &Decision) -> Result<&Agent, AgentError> {
    decision.who.agent().ok_or(AgentError::NotAllowed("only an agent asks this".into()))
}

impl Issuer {
    /// The agent that acts.
    pub async fn agent_itself(&self, decision: &Decision) -> Result<wire::Agent, AgentError> {
        let found = self.0.store.agents().one(itself(decision)?.id, Whose::Itself).await?;
        found.map(|agent| shown(agent, self.now())).ok_or(AgentError::Unknown)
    }

    /// Keeps what the agent that acts says of itself, for its owner to see.
    pub async fn report_of_agent(
        &self,
        decision: &Decision,
        report: &wire::AgentReport,
    ) -> Result<(), AgentError> {
        let agent = itself(decision)?;
        let text = presentable(&report.text, MAX_REPORT);
        if text.is_empty() || report.progress.is_some_and(|percent| percent > 100) {
            return Err(AgentError::invalid(
                "invalid_report",
                "a report has a text, and perhaps a progress from 0 to 100",
            ));
        }
        self.0.store.agents().report(agent.id, &text, report.progress, self.now()).await?;
        Ok(())
    }

    /// The agent that acts is done, and all below it.
    pub async fn stop_itself(
        &self,
        decision: &Decision,
        origin: &Origin,
    ) -> Result<(), AgentError> {
        let agent = itself(decision)?;
        let by = self.by(&agent.id.to_string(), None, Some(origin));
        self.0.store.agents().stop(agent.id, Whose::Itself, "it ended", &by).await?;
        Ok(())
    }

    /// Lets an agent below the one that acts go on, with a fresh token.
    pub async fn renew_below(
        &self,
        decision: &Decision,
        id: &str,
        origin: &Origin,
    ) -> Result<wire::RenewedAgent, AgentError> {
        let agent = itself(decision)?;
        let by = self.by(&agent.id.to_string(), None, Some(origin));
        self.renew_through(Whose::Below(agent.id), id, None, &by).await
    }

    /// Stops an agent below the one that acts, and all below that.
    pub async fn stop_below(
        &self,
        decision: &Decision,
        id: &str,
        origin: &Origin,
    ) -> Result<(), AgentError> {
        let agent = itself(decision)?;
        let below: AgentId = id.parse().map_err(|_| AgentError::Unknown)?;
        let by = self.by(&agent.id.to_string(), None, Some(origin));
        let (whose, why) = (Whose::Below(agent.id), "stopped by its parent");
        if self.0.store.agents().stop(below, whose, why, &by).await? {
            Ok(())
        } else {
            Err(AgentError::Unknown)
        }
    }
}
