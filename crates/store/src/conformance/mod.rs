//! What every engine must do, as one public function with no opt-outs.
//!
//! [`run`] is called by a test with a way to make an empty store, once for each
//! engine and place. It panics at the first thing that is not as promised. Races are
//! part of it: [`RACERS`] tasks at once, for as many rounds as are asked for.
//!
//! | module | what it checks |
//! |---|---|
//! | `statements` | every declared statement can be prepared |
//! | `people` | users, the first administrator, sessions |
//! | `programs` | clients, resources, settings, counters, signing keys |
//! | `grants` | grants, and what revokes them |
//! | `secrets` | codes and refresh tokens |
//! | `devices` | device authorizations |
//! | `tokens`, `legacy` | personal tokens, their rotation and their end; tokens of an older system |
//! | `places` | organizations, projects, roles |
//! | `mirror`, `history` | an image that is built from effects is what the store holds, whatever happens |
//! | `books` | the audit log, tidying up, the handle itself |
//! | `races`, `crowds` | many at once |
//!
//! Throughout, every call is checked for what it leaves behind: one audit row for each
//! change and none for what changed nothing, one epoch for each revocation.
//!
//! To add a noun: a function here that takes a store, and a line in [`run`].

mod books;
mod crowds;
mod devices;
mod grants;
mod history;
mod legacy;
mod mirror;
mod people;
mod places;
mod programs;
mod races;
mod secrets;
pub(crate) mod statements;
mod tokens;
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

    people::users(make().await).await;
    people::disabling(make().await).await;
    people::passwords(make().await).await;
    people::setup(make().await).await;
    people::setup_is_ended_by_a_user(make().await).await;
    people::sessions(make().await).await;
    programs::clients(make().await).await;
    programs::resources(make().await).await;
    programs::settings(make().await).await;
    programs::failures(make().await).await;
    programs::signing_keys(make().await).await;
    grants::standing(make().await).await;
    grants::ending(make().await).await;
    grants::listing(make().await).await;
    secrets::codes(make().await).await;
    secrets::codes_gone(make().await).await;
    secrets::burning(make().await).await;
    secrets::one_by_is_one_change(make().await).await;
    secrets::rotation(make().await).await;
    secrets::grace(make().await).await;
    secrets::sealed_successors(make().await).await;
    secrets::refresh_gone(make().await).await;
    devices::approval(make().await).await;
    devices::refusal(make().await).await;
    devices::polling(make().await).await;
    devices::limits(make().await).await;
    tokens::life(make().await).await;
    tokens::names(make().await).await;
    tokens::expiry(make().await).await;
    tokens::rotation(make().await).await;
    tokens::leaks(make().await).await;
    tokens::people(make().await).await;
    tokens::listing(make().await).await;
    tokens::facts(make().await).await;
    legacy::digests(make().await).await;
    legacy::salted(make().await).await;
    places::orgs(make().await).await;
    places::projects(make().await).await;
    places::members(make().await).await;
    places::last_owner(make().await).await;
    mirror::jwts(make().await).await;
    mirror::settling(make().await).await;
    mirror::undone(make().await).await;
    for seed in 0..rounds.div_ceil(20) {
        mirror::random_history(make().await, seed as u64).await;
    }
    books::audit(make().await).await;
    books::tidying(make().await).await;
    books::tidying_much(make().await).await;
    books::time(make().await).await;
    books::closing(make().await).await;

    races::one_code(make().await, rounds).await;
    races::one_device_code(make().await, rounds).await;
    races::one_refresh_token(make().await, rounds).await;
    races::one_setup_code(make().await).await;
    races::one_of_a_kind(make().await).await;
    // In these, each round is many races.
    let rounds = rounds.div_ceil(10);
    races::many_refresh_tokens(make().await, rounds).await;
    races::many_revocations(make().await, rounds).await;
    races::last_free_place(make().await, rounds).await;
    races::one_decision(make().await, rounds).await;
    races::password_change(make().await, rounds).await;
    races::abandoned(make().await, rounds).await;
    crowds::one_rotation(make().await, rounds).await;
    crowds::one_name(make().await, rounds).await;
    crowds::last_two_owners(make().await, rounds).await;
    crowds::revoke_and_rotate(make().await, rounds).await;
    crowds::told_in_order(make().await, rounds).await;
}
