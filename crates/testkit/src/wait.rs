//! Waiting for a condition, with a deadline and a reason. Nothing here sleeps and hopes.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::system;

/// Longer than anything takes on a busy machine; only a failure waits this long.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(15);

/// Looks again and again until `look` finds something, and fails after [`PATIENCE`]
/// with `what` was awaited.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = system::now() + PATIENCE;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if system::now() >= deadline {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
