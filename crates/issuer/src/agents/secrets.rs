//! Secrets for agents: their owner sets them and never sees them again; an agent reads its own,
//! and another's is as one that does not exist. Each read is a row of the log.
//!
//! Whose they are is asked of the agent's row: its id, its name if a person or their broker gave
//! it that, its project. A child was named by its parent, so a name gives it nothing.
//!
//! They are sealed under a key that is derived from the master key, which is not in the
//! database, and bound to their place. `admin secrets rotate` lets the next generation of that
//! key take over.

use hallpass_core::Secret;
use hallpass_core::id::{AgentId, UserId};
use hallpass_core::wire::agents as wire;
use hallpass_store::{SealedSecret, Whose};
use hallpass_verdict::Decision;

use super::{AgentError, owner};
use crate::tokens::{self, Actor};
use crate::{Error, Issuer, Origin};

/// How many a person keeps.
const MOST: u32 = 500;
/// Longest name, and longest text.
const LONGEST: (usize, usize) = (80, 8 * 1024);
/// Rows that are sealed anew in one go.
const PORTION: u32 = 100;
/// Under which the generation of the key is kept.
const GENERATION: &str = "agent_secrets.generation";

impl Issuer {
    /// Keeps a secret for agents of the person who acts.
    pub async fn set_agent_secret(
        &self,
        actor: &Actor<'_>,
        new: &wire::NewAgentSecret,
        origin: &Origin,
    ) -> Result<(), AgentError> {
        let keeper = keeper(actor, Some(&new.of))?;
        let of = self.secret_for(actor, &new.of).await?;
        let name = name(&new.name)?;
        if new.value.is_empty() || new.value.expose().len() > LONGEST.1 {
            return Err(AgentError::invalid("invalid_value", "a secret has 1 to 8192 bytes"));
        }
        let generation = self.secret_generation().await?;
        let (kind, which) = of.parts();
        let which = which.to_owned();
        let context = context(keeper, kind, &which, &name);
        let seal = self.0.keys.agent_secrets(generation)?;
        let sealed = seal.seal(&context, new.value.expose().as_bytes(), &*self.0.random)?;
        let kind = kind.to_owned();
        let row = SealedSecret { owner: keeper, kind, which, name, sealed, generation };
        let by = self.by(&actor.name(), None, Some(origin));
        match self.0.store.agent_secrets().set(row, MOST, &by).await {
            Err(hallpass_store::Error::Conflict(_)) => Err(AgentError::invalid(
                "too_many",
                format!("{MOST} secrets are kept already; remove those that are not needed"),
            )),
            set => Ok(set?),
        }
    }

    /// The names of the secrets that the person who acts keeps for their agents.
    pub async fn agent_secrets_of(
        &self,
        actor: &Actor<'_>,
    ) -> Result<Vec<wire::AgentSecret>, AgentError> {
        let keeper = keeper(actor, None)?;
        let all = self.0.store.agent_secrets().of_owner(keeper, self.now()).await?;
        let shown = |kept: hallpass_store::KeptSecret| {
            let of = wire::SecretOf::read(&kept.kind, kept.which)?;
            let (name, set_at, read_at) = (kept.name, kept.set_at, kept.read_at);
            Some(wire::AgentSecret { of, name, set_at, read_at })
        };
        Ok(all.into_iter().filter_map(shown).collect())
    }

    /// Takes one away.
    pub async fn remove_agent_secret(
        &self,
        actor: &Actor<'_>,
        which: &wire::WhichSecret,
        origin: &Origin,
    ) -> Result<(), AgentError> {
        // Among their own, whatever became of the project or the run since.
        let keeper = keeper(actor, None)?;
        let of = which.of.parts();
        let by = self.by(&actor.name(), None, Some(origin));
        let secrets = self.0.store.agent_secrets();
        if secrets.remove(keeper, of, &which.name, &by).await? {
            Ok(())
        } else {
            Err(AgentError::UnknownSecret)
        }
    }

    /// What the agent that acts may know by this name.
    pub async fn secret_of_agent(
        &self,
        decision: &Decision,
        name: &str,
        origin: &Origin,
    ) -> Result<wire::AgentSecretValue, AgentError> {
        let asks = super::own::itself(decision)?;
        let found = self.0.store.agents().one(asks.id, Whose::Itself).await?;
        let agent = found.ok_or(AgentError::Unknown)?;
        let by = self.by(&asks.id.to_string(), None, Some(origin));
        let kept = self.0.store.agent_secrets().read(&agent, name, &by).await?;
        let kept = kept.ok_or(AgentError::UnknownSecret)?;
        let value = self.opened(&kept)?;
        Ok(wire::AgentSecretValue { name: kept.name, value })
    }

    /// Lets the next generation of the key take over, and says how many were sealed anew.
    pub async fn rotate_agent_secrets(&self, actor: &str) -> Result<u32, Error> {
        let next = self.secret_generation().await?.saturating_add(1);
        let by = self.by(actor, None, None);
        self.0.store.settings().set(GENERATION, &next.to_string(), &by).await?;
        let seal = self.0.keys.agent_secrets(next)?;
        let secrets = self.0.store.agent_secrets();
        let mut resealed = 0;
        loop {
            let old = secrets.older_than(next, PORTION).await?;
            if old.is_empty() {
                return Ok(resealed);
            }
            for old in old {
                let context = context(old.owner, &old.kind, &old.which, &old.name);
                let value = self.opened(&old)?;
                let sealed = seal.seal(&context, value.expose().as_bytes(), &*self.0.random)?;
                resealed += u32::from(secrets.reseal(&old, sealed, next).await?);
            }
        }
    }

    fn opened(&self, kept: &SealedSecret) -> Result<Secret, Error> {
        let context = context(kept.owner, &kept.kind, &kept.which, &kept.name);
        let seal = self.0.keys.agent_secrets(kept.generation)?;
        let failed = Error::Crypto { doing: "opening a secret; is the master key another one?" };
        seal.open_text(&context, &kept.sealed).ok_or(failed)
    }

    async fn secret_generation(&self) -> Result<u32, Error> {
        let kept = self.0.store.settings().get(GENERATION).await?;
        Ok(kept.and_then(|number| number.parse().ok()).unwrap_or(1))
    }

    /// For whom as it is kept, if the person has such agents or may have them.
    async fn secret_for(
        &self,
        actor: &Actor<'_>,
        of: &wire::SecretOf,
    ) -> Result<wire::SecretOf, AgentError> {
        Ok(match of {
            wire::SecretOf::Run(id) => {
                let id: AgentId = id.parse().map_err(|_| AgentError::Unknown)?;
                let found = self.0.store.agents().one(id, super::whose(actor)?).await?;
                let found = found.filter(|agent| agent.is_live(self.now()));
                wire::SecretOf::Run(found.ok_or(AgentError::Unknown)?.id.to_string())
            }
            wire::SecretOf::Agent(name) => wire::SecretOf::Agent(tokens::name(name)?),
            wire::SecretOf::Project(project) => {
                let none = hallpass_core::Scope::empty();
                let project = self.lendable(actor, project, &none).await?.1;
                wire::SecretOf::Project(project.to_string())
            }
        })
    }
}

/// The person who acts, if they may keep secrets. A broker's token sets what is for one run, which
/// it starts itself, and nothing else.
fn keeper(actor: &Actor<'_>, set: Option<&wire::SecretOf>) -> Result<UserId, AgentError> {
    if let Actor::Bearer(decision) = actor
        && !decision.scope.contains(hallpass_core::scope::TOKENS)
        && !matches!(set, Some(wire::SecretOf::Run(_)))
    {
        return Err(AgentError::NotAllowed(
            "only a person who is signed in keeps secrets for agents".into(),
        ));
    }
    owner(actor)
}

fn name(text: &str) -> Result<String, AgentError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if text.is_empty() || text.len() > LONGEST.0 || !text.bytes().all(plain) {
        return Err(AgentError::invalid(
            "invalid_name",
            "the name of a secret has 1 to 80 letters, digits, '_', '.' and '-'",
        ));
    }
    Ok(text.to_owned())
}

/// What a secret is bound to: moved to another place, it cannot be opened. No part has a line
/// feed in it.
fn context(owner: UserId, kind: &str, which: &str, name: &str) -> String {
    format!("{owner}\n{kind}\n{which}\n{name}")
}
