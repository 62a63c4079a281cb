//! The wire is cut or slow, the guard is stopped, the server is killed.

use std::time::Duration;

use anyhow::Result;
use hallpass_testkit::link::Wire;
use rustix::process::Signal;

use crate::scene::Scene;

// proves: E06, attack-30
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_is_cut_off_admits_nothing_once_the_revocation_is_answered() -> Result<()> {
    let scene = Scene::build().await?;
    let (good, bad) = (scene.admitted().await?, scene.admitted().await?);
    scene.link.set(Wire::Cut);
    assert_eq!(scene.town.tool.revoke(&bad.access).await?.status, 200);
    for _ in 0..20 {
        // Its lease is over, and there is nobody to ask.
        assert_eq!(scene.api.ask(&bad.access).await?, 503);
        assert_eq!(scene.api.ask(&good.access).await?, 503);
    }
    scene.link.set(Wire::Whole);
    scene.api.answers(&good.access, 200).await?;
    assert_eq!(scene.api.ask(&bad.access).await?, 401);
    Ok(())
}

// proves: E06, attack-30
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_was_stopped_asks_before_it_admits() -> Result<()> {
    let scene = Scene::build().await?;
    let tokens = scene.admitted().await?;
    scene.api.process.signal(Signal::STOP)?;
    assert_eq!(scene.town.tool.revoke(&tokens.access).await?.status, 200);
    // These wait for it already when it goes on.
    let ask = || scene.api.ask(&tokens.access);
    let goes_on = async {
        tokio::task::yield_now().await;
        scene.api.process.signal(Signal::CONT)
    };
    let (one, two, three, resumed) = tokio::join!(ask(), ask(), ask(), goes_on);
    resumed?;
    for answer in [one?, two?, three?] {
        assert_ne!(answer, 200);
    }
    assert_eq!(scene.api.ask(&tokens.access).await?, 401);
    Ok(())
}

// proves: E06, attack-30
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_feed_makes_checks_slow_and_never_wrong() -> Result<()> {
    let scene = Scene::build().await?;
    for late in [300, 900, 2_500] {
        let tokens = scene.admitted().await?;
        scene.link.set(Wire::Slow(Duration::from_millis(late)));
        assert_eq!(scene.town.tool.revoke(&tokens.access).await?.status, 200);
        assert_eq!(scene.api.ask(&tokens.access).await?, 401, "{late} ms late");
        scene.link.set(Wire::Whole);
        scene.api.until("a lease", |status| status["lease"] == true).await?;
    }
    Ok(())
}

// proves: E06, attack-30
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_killed_waits_for_the_leases_it_has_forgotten() -> Result<()> {
    let mut scene = Scene::build().await?;
    let (good, bad) = (scene.admitted().await?, scene.admitted().await?);
    // The guard holds a lease from before, and cannot hear of anything.
    scene.link.set(Wire::Cut);
    scene.town.server.kill()?;
    scene.town.server.start_again().await?;
    scene.town.tool.reconnect(&scene.town.server);
    assert_eq!(scene.town.tool.revoke(&bad.access).await?.status, 200);
    assert_eq!(scene.api.ask(&bad.access).await?, 503);
    scene.link.set(Wire::Whole);
    scene.api.answers(&good.access, 200).await?;
    assert_eq!(scene.api.ask(&bad.access).await?, 401);
    Ok(())
}
