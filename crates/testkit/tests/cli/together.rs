//! Many processes with one expired token (CLIENT E1).

use anyhow::Result;
use hallpass_testkit::process::Running;

use crate::desk::Desk;

const PROCESSES: usize = 50;

// proves: client-E1, HP02
#[tokio::test]
async fn fifty_processes_with_an_expired_token_refresh_once() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let old = desk.token().await?;
    desk.age()?;
    let started: Result<Vec<Running>> =
        (0..PROCESSES).map(|_| desk.cli.start(&["token", "print"])).collect();
    let mut printed = Vec::new();
    for mut process in started? {
        let finished = process.finished().await?;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        printed.push(finished.stdout);
    }
    assert_eq!(printed.len(), PROCESSES);
    printed.dedup();
    assert_eq!(printed.len(), 1, "they were not given one and the same token");
    assert_ne!(printed[0].trim_end(), old);
    assert_eq!(desk.counted("refresh_token", "issued").await?, 1);
    // One request; it was sent twice, because a process that has just begun knows no nonce.
    assert_eq!(desk.counted("refresh_token", "use_dpop_nonce").await?, 1);
    let metrics = desk.metrics().await?;
    assert_eq!(metrics.matches(r#"grant_type="refresh_token""#).count(), 2, "{metrics}");
    Ok(())
}
