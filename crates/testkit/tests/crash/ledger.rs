//! What the server has acknowledged, and whether it still stands by it.

use anyhow::{Context as _, Result, ensure};
use hallpass_testkit::dice::Dice;
use hallpass_testkit::oauth::{Approved, Tokens};
use hallpass_testkit::town::Town;

/// How many families are kept from kill to kill, of each kind.
const KEPT: usize = 12;

/// One grant, as its client knows it.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    /// The code it began with.
    pub(crate) approved: Approved,
    /// Access tokens that were received.
    pub(crate) access: Vec<String>,
    /// The refresh token that was received last.
    pub(crate) refresh: String,
    /// Refresh tokens whose successor was received, and then used with success.
    pub(crate) spent: Vec<String>,
    /// The one before `refresh`: its successor was received, and not used with success yet.
    pub(crate) parent: Option<String>,
    /// Whether a revocation was sent, and whether it was acknowledged.
    pub(crate) revocation: Revocation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revocation {
    No,
    Sent,
    Acknowledged,
}

impl Family {
    pub(crate) fn new(approved: Approved, tokens: Tokens) -> Self {
        Self {
            approved,
            access: vec![tokens.access],
            refresh: tokens.refresh,
            spent: Vec::new(),
            parent: None,
            revocation: Revocation::No,
        }
    }

    /// A refresh was acknowledged.
    pub(crate) fn refreshed(&mut self, tokens: Tokens) {
        self.spent.extend(self.parent.take());
        self.parent = Some(std::mem::replace(&mut self.refresh, tokens.refresh));
        self.access.push(tokens.access);
    }
}

/// Every family.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    live: Vec<Family>,
    revoked: Vec<Family>,
    /// What was done over all kills, to know that there was load at all.
    refreshed: usize,
    redeemed: usize,
    ended: usize,
}

impl Ledger {
    /// Hands some live families to the load.
    pub(crate) fn lend(&mut self, dice: &mut Dice) -> Option<Family> {
        let at = dice.below(self.live.len().max(1) as u64) as usize;
        (at < self.live.len()).then(|| self.live.swap_remove(at))
    }

    /// Takes back what the load knows when its server is gone.
    pub(crate) fn take_back(&mut self, families: Vec<Family>) {
        for family in families {
            self.redeemed += 1;
            self.refreshed += family.access.len() - 1;
            match family.revocation {
                Revocation::Acknowledged => {
                    self.ended += 1;
                    self.revoked.push(family);
                }
                // Whether it took place is not known; nothing is claimed about it.
                Revocation::Sent => {}
                Revocation::No => self.live.push(family),
            }
        }
    }

    /// Compares everything with the server that has come up again.
    pub(crate) async fn holds(&mut self, town: &Town, dice: &mut Dice) -> Result<()> {
        for family in &self.revoked {
            has_ended(town, family).await.context("I1: it was revoked")?;
        }
        let mut kept = Vec::new();
        for mut family in std::mem::take(&mut self.live) {
            for access in &family.access {
                ensure!(town.admits(access).await?, "I2: an access token is lost: {family:?}");
            }
            // Its last answer may have been lost: then this gets the same successor.
            let answer = town.api.refresh(&family.refresh).await?;
            let tokens = Tokens::read(&answer).with_context(|| format!("I2: {family:?}"))?;
            family.refreshed(tokens);
            match dice.below(4) {
                // Spent by its successor's use: never again, and the family ends.
                0 if !family.spent.is_empty() => {
                    let old = dice.pick(&family.spent).cloned().unwrap_or_default();
                    let answer = town.api.refresh(&old).await?;
                    ensure!(
                        answer.outcome() == (400, "invalid_grant".to_owned()),
                        "I4: {answer:?}"
                    );
                    has_ended(town, &family).await.context("I5: after a replayed refresh token")?;
                    self.revoked.push(family);
                }
                1 => {
                    let answer = town.api.redeem(&family.approved).await?;
                    ensure!(
                        answer.outcome() == (400, "invalid_grant".to_owned()),
                        "I4: {answer:?}"
                    );
                    has_ended(town, &family).await.context("I5: after a replayed code")?;
                    self.revoked.push(family);
                }
                _ => kept.push(family),
            }
        }
        kept.truncate(KEPT);
        self.live = kept;
        // The oldest are the most telling: they have seen the most kills.
        self.revoked.truncate(KEPT);
        Ok(())
    }

    /// The kills came while there was something to lose.
    pub(crate) fn was_busy(&self, kills: u32) -> Result<()> {
        let least = kills as usize;
        ensure!(
            self.redeemed >= least && self.refreshed >= least && self.ended >= least / 4,
            "there was too little load: {} codes, {} refreshes, {} revocations in {kills} kills",
            self.redeemed,
            self.refreshed,
            self.ended,
        );
        Ok(())
    }
}

async fn has_ended(town: &Town, family: &Family) -> Result<()> {
    for access in &family.access {
        ensure!(!town.admits(access).await?, "an access token lives: {family:?}");
    }
    let answer = town.api.refresh(&family.refresh).await?;
    ensure!(answer.outcome() == (400, "invalid_grant".to_owned()), "{answer:?}: {family:?}");
    Ok(())
}
