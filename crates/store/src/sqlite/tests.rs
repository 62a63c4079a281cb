//! What is SQLite's own: the directory, batches, full disks, damage.

use crate::{Place, Store, conformance};

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_memory() {
    conformance::run(async || Store::open(&Place::Memory).await.unwrap(), 3).await;
}
