//! `kill -9` at random moments under load, and what must hold after each start.
//!
//! The driver keeps a ledger of everything that the server has acknowledged (it is not
//! killed, so the ledger is the truth), and after each start compares:
//!
//! | | invariant |
//! |---|---|
//! | I1 | what was revoked stays revoked |
//! | I2 | what was issued is still good |
//! | I4 | what was spent cannot be spent again |
//! | I5 | a replay ends its family |
//! | I6 | every change has exactly one row in the audit log |
//! | I7 | no failure is ever followed by an unearned success |
//! | I8 | the database is sound |
//! | I9 | the revocation epoch never goes back |
//!
//! At the end the audit log is exported and proved: whatever was killed when, each row has one
//! place in the chain.
//!
//! `HALLPASS_KILLS=300 HALLPASS_SEED=… cargo test -p hallpass-testkit --test crash`

mod books;
mod ledger;
mod load;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hallpass_testkit::dice::Dice;
use hallpass_testkit::person::Person;
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::server::Plan;
use hallpass_testkit::system;
use hallpass_testkit::town::Town;
use hallpass_testkit::wait;

use books::Books;
use ledger::Ledger;

/// Longest time that load goes on before a kill.
const LONGEST: u64 = 400;

/// Kills, checks, goes on.
async fn survive(mut town: Town, books: &Books<'_>, kills: u32) -> Result<()> {
    let seed = system::seed();
    eprintln_seed(seed);
    let browsers = load::browsers(&town).await?;
    let mut run = Run { browsers, dice: Dice::new(seed), ledger: Ledger::default(), epoch: 0 };
    for kill in 1..=kills {
        let survived = run.one_kill(&mut town, books).await;
        survived.with_context(|| format!("after kill {kill} of {kills}, HALLPASS_SEED={seed}"))?;
    }
    books.are_proved(&mut town).await?;
    run.ledger.was_busy(kills)
}

struct Run {
    browsers: Vec<Person>,
    dice: Dice,
    ledger: Ledger,
    epoch: i64,
}

impl Run {
    async fn one_kill(&mut self, town: &mut Town, books: &Books<'_>) -> Result<()> {
        let acknowledged = Arc::default();
        let load =
            load::start(town, &self.browsers, &mut self.ledger, &mut self.dice, &acknowledged);
        let load = tokio::spawn(load);
        // Now and then right at the beginning, mostly in the midst of it. The moment is the
        // test's subject; nothing relies on what has been done by then.
        if self.dice.below(4) > 0 {
            wait::until("load", async || {
                Ok((acknowledged.load(Ordering::Relaxed) >= 5).then_some(()))
            })
            .await?;
        }
        tokio::time::sleep(Duration::from_millis(self.dice.below(LONGEST))).await;
        town.server.kill()?;
        self.ledger.take_back(load.await??);
        books.are_sound(town).await?;
        town.server.start_again().await?;
        // Connections to the killed process are of no use to anybody.
        town.tool.reconnect(&town.server);
        town.api.reconnect(&town.server);
        self.ledger.holds(town, &mut self.dice).await?;
        let now = books.epoch(town).await?;
        anyhow::ensure!(now >= self.epoch, "I9: the epoch went back from {} to {now}", self.epoch);
        self.epoch = now;
        Ok(())
    }
}

#[allow(clippy::print_stderr, reason = "whoever wants to repeat a run needs the seed")]
fn eprintln_seed(seed: u64) {
    eprintln!("HALLPASS_SEED={seed}");
}

// proves: B09, B14, C10, D06, E06, attack-9, attack-47
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_spent_twice_on_sqlite() -> Result<()> {
    let town = Town::of(Plan::new()).await?;
    survive(town, &Books::Sqlite, system::count("HALLPASS_KILLS", 60)).await
}

// proves: B09, B14, C10, D06, E06, attack-9, attack-47
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_spent_twice_on_postgres() -> Result<()> {
    let cluster = Cluster::start().await?;
    let url = cluster.url().await?;
    let town = Town::of(Plan::new().database_url(&url)).await?;
    let books = Books::Postgres { cluster: &cluster, url: &url };
    survive(town, &books, system::count("HALLPASS_KILLS", 60) / 3).await
}
