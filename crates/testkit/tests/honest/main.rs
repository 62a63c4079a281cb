//! Honest under load: while checks run at full speed, credentials, people and rights are
//! taken away; a check that begins after that was answered never admits.
//!
//! `HALLPASS_REVOCATIONS=5000 cargo test -p hallpass-testkit --test honest` goes on for longer.
//!
//! | module | what |
//! |---|---|
//! | [`claims`] | what may be asked, what is expected, and whether it is over |
//! | [`doors`] | where it is asked: introspection, `/check`, a guard in another process |
//! | [`town`] | the people, tokens and sign-ins that it is about, and taking them away |
//! | [`wire`] | requests without ceremony, so that there are many |

mod claims;
mod doors;
mod town;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::server::Plan;
use hallpass_testkit::{system, wait};
use tokio::task::JoinSet;

use claims::Claim;
use doors::Door;
use town::HonestTown;

/// Connections that ask at once, at each door.
const ASKING: u64 = 5;
/// What is taken away at once.
const AT_ONCE: usize = 4;
/// Keys that go with those, of the project and of its organization, and an agent.
const BESIDE: usize = 3;
/// Checks that are made around each revocation, at least: half of the server, half of the guard.
const AROUND: u64 = 40;

/// What everybody here can see.
struct Stage {
    claims: Vec<Arc<Claim>>,
    /// Which claim is taken away next; what is asked lies around it.
    at: AtomicU64,
    checks: Checks,
    done: AtomicBool,
}

/// How many checks there were.
#[derive(Default)]
struct Checks {
    /// Of the server itself, by introspection and `/check`.
    server: AtomicU64,
    /// Of a guard in another process.
    guard: AtomicU64,
}

impl Checks {
    /// Twice the smaller of both.
    fn at_least(&self) -> u64 {
        2 * self.server.load(Ordering::SeqCst).min(self.guard.load(Ordering::SeqCst))
    }
}

impl Stage {
    /// One near what is being taken away.
    fn pick(&self, dice: u64) -> &Arc<Claim> {
        let (at, all) = (self.at.load(Ordering::SeqCst), self.claims.len() as u64);
        // More than half of these are still good once a few have been taken away: those are what
        // a guard remembers.
        let near = at.saturating_sub(4) + dice % (4 * (AT_ONCE + BESIDE) as u64);
        &self.claims[(near.min(all - 1)) as usize]
    }
}

async fn ask(stage: Arc<Stage>, mut door: Door, seed: u64) -> Result<()> {
    let checks = if door.is_guard() { &stage.checks.guard } else { &stage.checks.server };
    let mut dice = seed;
    while !stage.done.load(Ordering::SeqCst) {
        // Numerical Recipes' generator: anything uneven will do.
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let claim = stage.pick(dice >> 33);
        let over = claim.is_over();
        // Who cannot tell has not admitted anything, and is asked again.
        let Some(admitted) = door.admits(claim).await? else { continue };
        let begun = claim.has_begun_to_end();
        ensure!(!(admitted && over), "{door:?} admitted what was over: {claim:?}");
        ensure!(admitted || begun, "{door:?} refused what is good: {claim:?}");
        checks.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}

/// Takes everything away, a few at a time, while it is asked about.
async fn play(town: &HonestTown) -> Result<u64> {
    let stage = Arc::new(Stage {
        claims: town.claims(),
        at: AtomicU64::new(0),
        checks: Checks::default(),
        done: AtomicBool::new(false),
    });
    let mut asking = JoinSet::new();
    for n in 0..ASKING {
        let doors = Door::all(town);
        for (door, seed) in doors.into_iter().zip(1 + 3 * n..) {
            asking.spawn(ask(stage.clone(), door, seed));
        }
    }
    let (mut gone, mut enough) = (0, 0);
    for claims in stage.claims.chunks(AT_ONCE + BESIDE) {
        stage.at.store(gone, Ordering::SeqCst);
        try_join_all(claims.iter().map(async |claim| {
            claim.begin_to_end();
            town.take_away(claim).await?;
            claim.end();
            anyhow::Ok(())
        }))
        .await?;
        gone += claims.len() as u64;
        enough += AT_ONCE as u64 * AROUND;
        wait::until("checks around a revocation", async || {
            if let Some(early) = asking.try_join_next() {
                early??;
            }
            Ok((stage.checks.at_least() >= enough).then_some(()))
        })
        .await?;
    }
    stage.done.store(true, Ordering::SeqCst);
    for outcome in asking.join_all().await {
        outcome?;
    }
    Ok(stage.checks.at_least())
}

fn each() -> usize {
    (system::count("HALLPASS_REVOCATIONS", 500) as usize).next_multiple_of(AT_ONCE)
}

// proves: attack-30, HP01, E06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_admitted_once_it_is_over() -> Result<()> {
    let town = HonestTown::build(Plan::new(), each()).await?;
    let checks = play(&town).await?;
    ensure!(checks >= each() as u64 * 5 * AROUND, "only {checks} checks");
    let status = town.guarded().status().await?;
    let asked = status["asked"].as_u64().unwrap_or(u64::MAX);
    let remembered = status["from_memory"].as_u64().unwrap_or_default();
    ensure!(remembered > asked, "the guard hardly remembered anything: {status}");
    Ok(())
}

// proves: attack-30, HP01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_on_postgresql() -> Result<()> {
    let cluster = Cluster::start().await?;
    let plan = Plan::new().database_url(&cluster.url().await?);
    let town = HonestTown::build(plan, each().div_ceil(10).next_multiple_of(AT_ONCE)).await?;
    play(&town).await.map(drop)
}
