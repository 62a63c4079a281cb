//! A name that came back with another id belongs to somebody else, unless whoever manages the
//! place knows better: they name both ids, and the other one counts from then on.

use hallpass_core::id::TrustDeniedId;
use hallpass_core::trust::{Changed, Policy};
use hallpass_core::wire::trust as wire;
use hallpass_store::{Repin, TrustPolicy};

use super::denied::{KEPT, is_alarm};
use super::known::Known;
use super::policies::{TrustError, UNKNOWN, invalid};
use crate::keys::KEYS_MANAGE;
use crate::tokens::Actor;
use crate::{Issuer, Origin};

impl Issuer {
    /// Lets a name go with another id than the one that a policy pins. When it returns, every pass
    /// that the policy gave is refused everywhere: it was whose the name was.
    pub async fn repin_trust(
        &self,
        actor: &Actor<'_>,
        id: &str,
        changed: &Changed,
        origin: &Origin,
    ) -> Result<wire::TrustPolicy, TrustError> {
        let kept = self.managed_trust(actor, id).await?;
        let (org, project) = (kept.org.to_string(), kept.project.to_string());
        let seat = self.seat_with(actor, &org, Some(&project), KEYS_MANAGE).await?;
        // Somebody is let in by it, as by a new policy.
        self.may_let_in(actor, &seat, &kept.permissions).await?;
        let Known { kept, mut policy } = Known::of(kept).ok_or(UNKNOWN)?;
        policy.repin(changed).then_some(()).ok_or(TrustError::Moved)?;
        policy.check().map_err(|why| invalid(why.to_string()))?;
        let settled = self.settled_by(&kept, Some(&policy)).await?;
        let by = self.by(&actor.name(), None, Some(origin));
        match self.0.store.trust().repin(kept.id, changed, settled, &by).await? {
            Repin::Done => self.trust(actor, id).await,
            Repin::Gone => Err(UNKNOWN),
            Repin::Moved => Err(TrustError::Moved),
        }
    }

    /// Alarms of the organization that are none any more once the policy is as it is here, or gone.
    pub(super) async fn settled_by(
        &self,
        kept: &TrustPolicy,
        policy: Option<&Policy>,
    ) -> Result<Vec<TrustDeniedId>, TrustError> {
        let trust = self.0.store.trust();
        let mut known = Known::all(trust.of(kept.org, None).await?);
        match policy {
            Some(policy) => {
                let here = known.iter_mut().filter(|it| it.kept.id == kept.id);
                here.for_each(|it| it.policy = policy.clone());
            }
            None => known.retain(|it| it.kept.id != kept.id),
        }
        Known::share_pins(&mut known);
        let alarms = trust.alarms(kept.org, None, self.now() - KEPT).await?;
        let settled = alarms.into_iter().filter(|it| !is_alarm(it, &known));
        Ok(settled.map(|it| it.id).collect())
    }
}
