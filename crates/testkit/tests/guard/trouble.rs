//! The wire is cut or slow, the guard is stopped, the server is killed; each time a token, a
//! role and a membership are taken away.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;
use hallpass_testkit::link::Wire;
use rustix::process::Signal;

use crate::held::Held;
use crate::scene::Scene;

/// Takes everything away at once; all of it is gone when this returns.
async fn take_away(scene: &Scene, held: &[Held]) -> Result<()> {
    try_join_all(held.iter().map(|held| held.take_away(&scene.town))).await.map(drop)
}

/// Asks about everything at once, and expects of each what it is refused with.
async fn all_are_refused(scene: &Scene, held: &[Held], when: &str) -> Result<()> {
    let answers = try_join_all(held.iter().map(|held| scene.ask(held))).await?;
    for (held, answer) in held.iter().zip(answers) {
        assert_eq!(answer, held.refused, "{held:?}, {when}");
    }
    Ok(())
}

// proves: E06, attack-30
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_is_cut_off_admits_nothing_once_the_revocation_is_answered() -> Result<()> {
    let scene = Scene::with_a_project().await?;
    let (good, held) = (scene.admitted().await?, scene.held(0).await?);
    scene.link.set(Wire::Cut);
    take_away(&scene, &held).await?;
    for _ in 0..20 {
        // Its lease is over, and there is nobody to ask.
        for held in &held {
            assert_eq!(scene.ask(held).await?, 503, "{held:?}");
        }
        assert_eq!(scene.api.ask(&good.access).await?, 503);
    }
    scene.link.set(Wire::Whole);
    scene.answers(&good.access, 200).await?;
    all_are_refused(&scene, &held, "mended").await
}

// proves: E06, attack-30
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_was_stopped_asks_before_it_admits() -> Result<()> {
    let scene = Scene::with_a_project().await?;
    let held = scene.held(0).await?;
    scene.api.process.signal(Signal::STOP)?;
    take_away(&scene, &held).await?;
    // These wait for it already when it goes on.
    let asked = try_join_all(held.iter().flat_map(|held| [held; 3]).map(|held| scene.ask(held)));
    let goes_on = async {
        tokio::task::yield_now().await;
        scene.api.process.signal(Signal::CONT)
    };
    let (answers, resumed) = tokio::join!(asked, goes_on);
    resumed?;
    for answer in answers? {
        assert_ne!(answer, 200);
    }
    all_are_refused(&scene, &held, "resumed").await
}

// proves: E06, attack-30
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_feed_makes_checks_slow_and_never_wrong() -> Result<()> {
    let scene = Scene::with_a_project().await?;
    for late in [300, 900, 2_500] {
        let held = scene.held(late).await?;
        scene.link.set(Wire::Slow(Duration::from_millis(late.into())));
        take_away(&scene, &held).await?;
        all_are_refused(&scene, &held, &format!("{late} ms late")).await?;
        scene.link.set(Wire::Whole);
        scene.api.until("a lease", |status| status["lease"] == true).await?;
    }
    Ok(())
}

// proves: E06, attack-30
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_killed_waits_for_the_leases_it_has_forgotten() -> Result<()> {
    let mut scene = Scene::with_a_project().await?;
    let (good, held) = (scene.admitted().await?, scene.held(0).await?);
    // The guard holds a lease from before, and cannot hear of anything.
    scene.link.set(Wire::Cut);
    scene.town.server.kill()?;
    scene.town.server.start_again().await?;
    scene.town.tool.reconnect(&scene.town.server);
    take_away(&scene, &held).await?;
    for held in &held {
        assert_eq!(scene.ask(held).await?, 503, "{held:?}");
    }
    scene.link.set(Wire::Whole);
    scene.answers(&good.access, 200).await?;
    all_are_refused(&scene, &held, "mended").await
}
