//! The id behind a name, put in another's place by whoever was told what changed, and only that.

use hallpass_core::id::{OrgId, TrustDeniedId, TrustId};
use hallpass_core::trust::Changed;

use super::record::read_policy;
use super::{TAKE, Trust, jobs};
use crate::db::{Tx, binds, kept, statements};
use crate::{By, Error, audit, tombstones};

/// What became of a pin that was to be changed.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repin {
    /// The name goes with the other id from now on.
    Done,
    /// The policy is not there any more.
    Gone,
    /// It pins no such id, or not any more.
    Moved,
}

impl Trust<'_> {
    /// Lets a name go with another id, and ends every pass that the policy gave: they were whose
    /// it was. `settled` are alarms of the organization that are none any more.
    pub async fn repin(
        &self,
        id: TrustId,
        changed: &Changed,
        settled: Vec<TrustDeniedId>,
        by: &By,
    ) -> Result<Repin, Error> {
        let (changed, by) = (changed.clone(), by.clone());
        let change = async move |tx: &mut Tx<'_>| {
            // Taken, as whoever is let in takes it.
            let Some(policy) = tx.first(&TAKE, binds![id], read_policy).await? else {
                return Ok(Repin::Gone);
            };
            let Changed { claim, name, id_claim, pinned, found } = &changed;
            let row = binds![id, claim, name, id_claim, pinned, found];
            if tx.execute(&REPIN, row).await? == 0 {
                return Ok(Repin::Moved);
            }
            settle(tx, &settled, policy.org).await?;
            let mut subjects = vec![id.to_string()];
            subjects.extend(jobs::end_of_policy(tx, id, &by).await?);
            let ended = subjects.len() - 1;
            tombstones::bury(tx, &by, &subjects, None).await?;
            let (name, pinned, found) = (kept(name), kept(pinned), kept(found));
            let detail = format!(
                "{} {}: {claim} {name} had {id_claim} {pinned}, and has {found} from now on; \
                 ended {ended} passes",
                policy.org, policy.project
            );
            audit::write(tx, &by, "trust.repin", id, Some(&detail)).await?;
            Ok(Repin::Done)
        };
        self.0.db().change(change).await
    }
}

/// These are no alarms of the organization any more.
pub(super) async fn settle(
    tx: &mut Tx<'_>,
    settled: &[TrustDeniedId],
    org: OrgId,
) -> Result<(), Error> {
    for denied in settled {
        tx.execute(&SETTLE, binds![denied, org]).await?;
    }
    Ok(())
}

statements! {
    REPIN = "UPDATE trust_pins SET value = $6 WHERE policy_id = $1 AND claim = $2 AND name = $3
        AND id_claim = $4 AND value = $5";
    SETTLE = "UPDATE trust_denied SET alarm = FALSE WHERE id = $1 AND org_id = $2";
}
