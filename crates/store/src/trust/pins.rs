//! The ids behind names. One that is pinned by a policy holds for it; where a policy has pinned none,
//! what the other policies of its organization for the same issuer pin that have let somebody in:
//! what was merely typed is of its own policy. It is put in another's place by whoever was told what
//! changed, and only that.

use hallpass_core::id::{OrgId, TrustDeniedId, TrustId};
use hallpass_core::trust::{Changed, Pin};

use super::record::{TrustPolicy, read_policy};
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
    /// Lets a name go with another id in a policy that has pinned it, or in one that has not while
    /// another one of its organization has, and so goes by its own from then on. Ends every pass
    /// that the policy gave: they were whose it was. `settled` are alarms of the organization that are none any more.
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
                let elsewhere = binds![id, claim, name, id_claim, pinned, found];
                let known = tx.first(&PINNED_ELSEWHERE, elsewhere, |_| Ok(())).await?.is_some();
                if !known || !put(tx, id, &changed.pin()).await? {
                    return Ok(Repin::Moved);
                }
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

/// Whether a policy has not pinned all of these names yet.
pub(super) async fn is_first_use(
    tx: &mut Tx<'_>,
    policy: TrustId,
    pins: &[Pin],
) -> Result<bool, Error> {
    for pin in pins {
        if pinned(tx, policy, pin).await?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether names may come with these ids. If all may, those that the policy had not pinned are
/// pinned; if one may not, nothing is.
pub(super) async fn hold(
    tx: &mut Tx<'_>,
    policy: &TrustPolicy,
    pins: &[Pin],
) -> Result<bool, Error> {
    let mut fresh = Vec::new();
    for pin in pins {
        match pinned(tx, policy.id, pin).await? {
            Some(id) if id == pin.id => {}
            Some(_) => return Ok(false),
            None => {
                let other = binds![policy.id, pin.claim, pin.name, pin.id_claim, pin.id];
                if tx.first(&PINNED_OTHERWISE, other, |_| Ok(())).await?.is_some() {
                    return Ok(false);
                }
                fresh.push(pin);
            }
        }
    }
    for pin in fresh {
        put(tx, policy.id, pin).await?;
    }
    Ok(true)
}

/// Pins it, unless the policy has pinned the name already: the first one stays.
pub(super) async fn put(tx: &mut Tx<'_>, policy: TrustId, pin: &Pin) -> Result<bool, Error> {
    let row = binds![policy, pin.claim, pin.name, pin.id_claim, pin.id];
    Ok(tx.execute(&PIN, row).await? > 0)
}

async fn pinned(tx: &mut Tx<'_>, policy: TrustId, pin: &Pin) -> Result<Option<String>, Error> {
    let which = binds![policy, pin.claim, pin.name];
    tx.first(&PINNED, which, |row| row.next()).await
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

/// What the other live policies of a policy's organization for its issuer pin for a name, of those
/// that have let somebody in.
macro_rules! elsewhere {
    ($rest:literal) => {
        concat!(
            "SELECT 1 FROM trust_policies t
            JOIN trust_policies o ON o.org_id = t.org_id AND o.issuer = t.issuer AND o.id <> t.id
            JOIN projects p ON p.id = o.project_id
            JOIN trust_pins x ON x.policy_id = o.id
            WHERE t.id = $1 AND o.ended_at IS NULL AND p.disabled_at IS NULL
                AND o.last_used_at IS NOT NULL
                AND x.claim = $2 AND x.name = $3 AND x.id_claim = $4 AND ",
            $rest,
            " LIMIT 1"
        )
    };
}

statements! {
    PIN = "INSERT INTO trust_pins (policy_id, claim, name, id_claim, value)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (policy_id, claim, name) DO NOTHING";
    PINNED = "SELECT value FROM trust_pins WHERE policy_id = $1 AND claim = $2 AND name = $3";
    PINNED_ELSEWHERE = elsewhere!("x.value IN ($5, $6)");
    PINNED_OTHERWISE = elsewhere!("x.value <> $5");
    REPIN = "UPDATE trust_pins SET value = $6 WHERE policy_id = $1 AND claim = $2 AND name = $3
        AND id_claim = $4 AND value = $5";
    SETTLE = "UPDATE trust_denied SET alarm = FALSE WHERE id = $1 AND org_id = $2";
}
