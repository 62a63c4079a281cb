//! A policy: conditions, and what whoever meets them gets.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::condition::{BadCondition, Condition};
use super::examine::Changed;
use super::platform::Platform;
use crate::Scope;
use crate::public_url::is_issuer;

/// No pass of a job lives longer.
pub const MAX_TTL: Duration = Duration::from_secs(15 * 60);
/// The shortest that is of use.
const MIN_TTL: Duration = Duration::from_secs(60);
/// The most conditions and pins of a policy.
const MAX_CONDITIONS: usize = 32;

/// Which outside identities are let in, and what they get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The issuer, compared byte for byte.
    pub issuer: String,
    /// What its claims mean.
    pub platform: Platform,
    /// All of these have to be met.
    pub conditions: Vec<Condition>,
    /// Ids behind names, given or seen at first use.
    pub pins: Vec<Pin>,
    /// What those policies of its organization for this issuer pin that have let somebody in: it
    /// counts for a name that the policy has not pinned itself. Nobody gives it; whoever keeps the
    /// policies knows it.
    pub org_pins: Arc<[Pin]>,
    /// Whether the id behind a name is pinned when it is first seen.
    pub pin_first_use: bool,
    /// The one project that the pass is for: `org/project`.
    pub project: String,
    /// What it may do there, and nothing else.
    pub permissions: Scope,
    /// How long it is good for.
    pub ttl: Duration,
}

/// A name, and the id that it has to come with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The claim of the name: `repository`.
    pub claim: String,
    /// The name: `acme/warehouse`.
    pub name: String,
    /// The claim of the id: `repository_id`.
    pub id_claim: String,
    /// The id.
    pub id: String,
}

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// The issuer is no https URL.
    #[error("the issuer has to be an https URL without user, query and fragment")]
    Issuer,
    /// A condition cannot be used.
    #[error(transparent)]
    Condition(#[from] BadCondition),
    /// Strangers would be let in.
    #[error("everybody at {0} would be let in; say whose jobs, with a condition on one of: {1}")]
    Anybody(String, String),
    /// Too many.
    #[error("a policy has 1 to {MAX_CONDITIONS} conditions, and as many pins at most")]
    Many,
    /// Two conditions on one claim, which nobody reads as "both".
    #[error("there are two conditions on {0}; make it one, with a list")]
    Twice(String),
    /// GitHub's subject has two forms.
    #[error(
        "sub is compared exactly or not at all: GitHub writes it in two forms; \
         use repository, ref and environment"
    )]
    Subject,
    /// A pin that no condition is about.
    #[error("{0} cannot be pinned here; pin the id of a name that a condition is about")]
    Pin(String),
    /// No permission.
    #[error("a policy gives at least one permission")]
    NoPermission,
    /// Too long or too short.
    #[error("a pass is good for 1 to 15 minutes")]
    Ttl,
}

impl Policy {
    /// Whether it can be used at all; what is dangerous about it is another question
    /// ([`dangers`](super::dangers)).
    pub fn check(&self) -> Result<(), BadPolicy> {
        is_issuer(&self.issuer).then_some(()).ok_or(BadPolicy::Issuer)?;
        if !(1..=MAX_CONDITIONS).contains(&self.conditions.len())
            || self.pins.len() > MAX_CONDITIONS
        {
            return Err(BadPolicy::Many);
        }
        for (at, condition) in self.conditions.iter().enumerate() {
            condition.check(self.platform)?;
            if self.conditions[..at].iter().any(|other| other.claim == condition.claim) {
                return Err(BadPolicy::Twice(condition.claim.clone()));
            }
            if condition.claim == "sub" && condition.exact().is_empty() {
                return Err(BadPolicy::Subject);
            }
        }
        self.check_identity()?;
        for pin in &self.pins {
            let known = self
                .platform
                .identities()
                .iter()
                .any(|identity| identity.name == pin.claim && identity.id == pin.id_claim);
            let about = self.on(&pin.claim).is_some_and(|it| it.allows(&pin.name));
            let digits =
                (1..=64).contains(&pin.id.len()) && pin.id.bytes().all(|b| b.is_ascii_graphic());
            if !(known && about && digits) {
                return Err(BadPolicy::Pin(crate::text::presentable(&pin.claim, 100)));
            }
        }
        if self.permissions.is_empty() {
            return Err(BadPolicy::NoPermission);
        }
        if !(MIN_TTL..=MAX_TTL).contains(&self.ttl) {
            return Err(BadPolicy::Ttl);
        }
        Ok(())
    }

    /// That some condition says, exactly, whose jobs are let in.
    fn check_identity(&self) -> Result<(), BadPolicy> {
        let names = self.platform.identities().iter().map(|identity| identity.name);
        let mut who: Vec<&str> = names.chain(self.platform.ids().iter().copied()).collect();
        // A pipeline's slug alone is anybody's.
        if self.platform == Platform::Buildkite {
            who.retain(|claim| *claim != "pipeline_slug");
        }
        if !who.contains(&"sub") {
            who.push("sub");
        }
        let said = self.conditions.iter().any(|condition| {
            who.contains(&condition.claim.as_str()) && !condition.exact().is_empty()
        });
        // An issuer of one's own may be trusted whole, by a condition on anything.
        let own = !Platform::is_shared(&self.issuer)
            && matches!(self.platform, Platform::Other | Platform::Kubernetes | Platform::CircleCi)
            && self.conditions.iter().any(|condition| !condition.exact().is_empty());
        if said || own {
            return Ok(());
        }
        Err(BadPolicy::Anybody(crate::text::presentable(&self.issuer, 200), who.join(", ")))
    }

    /// Lets a name go with another id: in its own pin, or where others of its organization pinned the
    /// name and it would have taken it, in one that it has from now on. `false`: it pins another id,
    /// or goes by names alone.
    pub fn repin(&mut self, changed: &Changed) -> bool {
        let named = (&changed.claim, &changed.name);
        match self.pins.iter_mut().find(|pin| (&pin.claim, &pin.name) == named) {
            Some(pin) if changed.is_of(pin) => pin.id.clone_from(&changed.found),
            None if self.pin_first_use => self.pins.push(changed.pin()),
            Some(_) | None => return false,
        }
        true
    }

    /// Whether it is about pull requests alone, at GitHub, whatever their code: their ref is no
    /// branch and no tag.
    pub(super) fn is_of_pull_requests(&self) -> bool {
        let exact = self.on("event_name").map(Condition::exact).unwrap_or_default();
        let any_ref = self.platform.refs().iter().all(|claim| self.on(claim).is_none());
        self.platform == Platform::GitHub && exact == ["pull_request"] && any_ref
    }

    /// The condition on a claim.
    pub fn on(&self, claim: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.claim == claim)
    }
}
