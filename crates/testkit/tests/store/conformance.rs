//! The conformance suite of the store, on every engine and place.

use hallpass_core::Secret;
use hallpass_store::{Place, Store, conformance};
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::system;

/// How often each race is run: `HALLPASS_ROUNDS`.
fn rounds() -> usize {
    system::count("HALLPASS_ROUNDS", 200) as usize
}

// proves: B09, B14, C10, C15, D04, D06, attack-9, attack-10, places-1, places-3, places-4
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_in_memory_conforms() {
    conformance::run(async || Store::open(&Place::Memory).await.unwrap(), rounds()).await;
}

// proves: B09, B14, C10, C15, D04, D06, attack-9, attack-10, places-1, places-3, places-4
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_in_a_directory_conforms() {
    let town = tempfile::tempdir().unwrap();
    let make = async || {
        let dir = tempfile::tempdir_in(town.path()).unwrap().keep();
        Store::open(&Place::Directory(dir)).await.unwrap()
    };
    conformance::run(make, rounds()).await;
}

// proves: B09, B14, C10, C15, D04, D06, attack-9, attack-10, places-1, places-3, places-4
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_conforms() {
    let cluster = Cluster::start().await.unwrap();
    let make = async || {
        let url = cluster.schema_url().await.unwrap();
        Store::open(&Place::Postgres(Secret::new(url))).await.unwrap()
    };
    conformance::run(make, rounds()).await;
}
