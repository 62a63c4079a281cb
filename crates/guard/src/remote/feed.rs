//! The task that holds the lease: it asks for news, applies them, and asks again.

use std::sync::Arc;
use std::time::Duration;

use hallpass_core::chance;
use hallpass_core::wire::feed::{FeedAnswer, FeedRequest};
use hallpass_verdict::lease::{BootClock as _, LEASE};
use tokio::time::sleep;

use super::Shared;
use super::system::SystemRandom;

/// For how long the server is asked to wait for news. A lease must outlive two such waits and
/// the way there and back.
const WAIT: Duration = LEASE.checked_div(4).expect("not divided by zero");
/// After a failure, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// A server that answers at once and has no news is not asked more often than this.
const CALM: Duration = Duration::from_millis(100);
/// No lease is longer, whatever the server says.
const MAX_LEASE: Duration = Duration::from_secs(60);

/// Holds the lease for as long as it runs.
pub(super) async fn hold(shared: Arc<Shared>) {
    let name = u128::from_be_bytes(chance::bytes(&SystemRandom));
    let mut request = FeedRequest {
        holder: format!("{name:032x}"),
        server: None,
        applied: None,
        wait_ms: millis(WAIT),
    };
    let (mut pause, mut lost) = (PAUSES.0, false);
    loop {
        // Before it is sent: whatever the server does with it, it does later.
        let sent = shared.boot.now();
        match shared.server.feed(&request).await {
            Ok(answer) => {
                if std::mem::take(&mut lost) {
                    tracing::info!("the revocation feed is back");
                }
                pause = PAUSES.0;
                let length = Duration::from_millis(answer.lease_ms).min(MAX_LEASE);
                let news = apply(&shared, &mut request, answer);
                // Only now: nothing that was revoked before is found any more.
                shared.lease.renew(sent, length);
                if !news && shared.boot.now() < sent.after(CALM) {
                    sleep(CALM).await;
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut lost, true) {
                    tracing::warn!(%error, "the revocation feed is lost; the server is asked about every token");
                }
                sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

/// Takes in what was revoked, and says so with the next request. Answers whether anything was.
fn apply(shared: &Shared, request: &mut FeedRequest, answer: FeedAnswer) -> bool {
    let FeedAnswer { server, epoch, revoked, reset, .. } = answer;
    let same = request.server.as_ref() == Some(&server);
    let onward = request.applied.is_some_and(|applied| applied <= epoch);
    let news = reset || !same || !onward || !revoked.is_empty();
    if reset || !same || !onward {
        shared.verdicts.forget_all(epoch);
    } else {
        shared.verdicts.apply(epoch, revoked);
    }
    request.server = Some(server);
    request.applied = Some(epoch);
    news
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
