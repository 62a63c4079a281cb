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
//! | `local` | the one person where nobody has to sign in, and who takes their place |
//! | `programs` | clients, resources, settings, counters, signing keys |
//! | `grants` | grants, and what revokes them |
//! | `secrets` | codes and refresh tokens |
//! | `devices` | device authorizations |
//! | `bound` | grants that are bound to keys, proofs, copies |
//! | `tokens`, `others` | personal tokens, their rotation and their end; what others did with them |
//! | `legacy`, `moving` | tokens of an older system, and the move away from it; what guards are told |
//! | `keys` | keys of projects and organizations; who is told that something ends |
//! | `trust` | trust in outside issuers: a token once, ids for good, a policy's end |
//! | `agents` | agents, their trees, and what ends them |
//! | `mail` | mail that waits |
//! | `places` | organizations, projects, roles, what changes hands |
//! | `invitations` | links that give a role once |
//! | `mirror`, `history` | an image that is built from effects is what the store holds, whatever happens |
//! | `books` | the audit log, tidying up, the handle itself |
//! | `races`, `crowds` | many at once |
//!
//! Throughout, every call is checked for what it leaves behind: one audit row for each
//! change and none for what changed nothing, one epoch for each revocation.
//!
//! To add a noun: a function here that takes a store, and a line in [`run`].

mod agents;
mod approvals;
mod books;
mod bound;
mod crowds;
mod devices;
mod grants;
mod history;
mod invitations;
mod keys;
mod legacy;
mod local;
mod mail;
mod mirror;
mod moving;
mod others;
mod people;
mod places;
mod programs;
mod races;
mod secrets;
pub(crate) mod statements;
mod tokens;
mod town;
mod trust;

use std::future::Future;
use std::pin::Pin;

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
    on(&make, statements::all_can_be_prepared).await;

    on(&make, people::users).await;
    on(&make, people::disabling).await;
    on(&make, people::last_admin).await;
    on(&make, people::ending_everything).await;
    on(&make, people::passwords).await;
    on(&make, people::setup).await;
    on(&make, people::setup_is_ended_by_a_user).await;
    on(&make, people::sessions).await;
    on(&make, local::place).await;
    on(&make, local::by_operator).await;
    on(&make, programs::clients).await;
    on(&make, programs::resources).await;
    on(&make, programs::settings).await;
    on(&make, programs::failures).await;
    on(&make, programs::signing_keys).await;
    on(&make, grants::standing).await;
    on(&make, grants::ending).await;
    on(&make, grants::listing).await;
    on(&make, secrets::codes).await;
    on(&make, secrets::codes_gone).await;
    on(&make, secrets::burning).await;
    on(&make, secrets::one_by_is_one_change).await;
    on(&make, secrets::rotation).await;
    on(&make, secrets::grace).await;
    on(&make, secrets::sealed_successors).await;
    on(&make, secrets::refresh_gone).await;
    on(&make, devices::approval).await;
    on(&make, devices::refusal).await;
    on(&make, devices::polling).await;
    on(&make, devices::limits).await;
    on(&make, bound::binding).await;
    on(&make, bound::proofs).await;
    on(&make, bound::copies).await;
    on(&make, tokens::life).await;
    on(&make, tokens::names).await;
    on(&make, tokens::expiry).await;
    on(&make, tokens::rotation).await;
    on(&make, tokens::leaks).await;
    on(&make, tokens::people).await;
    on(&make, tokens::listing).await;
    on(&make, tokens::facts).await;
    on(&make, others::are_remembered).await;
    on(&make, legacy::digests).await;
    on(&make, legacy::salted).await;
    on(&make, moving::steps).await;
    on(&make, moving::listing).await;
    on(&make, moving::minting).await;
    on(&make, moving::news).await;
    on(&make, keys::life).await;
    on(&make, keys::reminders).await;
    on(&make, trust::life).await;
    on(&make, trust::denied).await;
    on(&make, trust::of_one_organization).await;
    on(&make, agents::life).await;
    on(&make, agents::trees).await;
    on(&make, agents::bound).await;
    on(&make, agents::secrets).await;
    on(&make, agents::brokers).await;
    on(&make, |store| agents::none_slips_in(store, rounds.div_ceil(10))).await;
    on(&make, |store| agents::none_outlives_its_broker(store, rounds.div_ceil(10))).await;
    on(&make, approvals::life).await;
    on(&make, approvals::ends).await;
    on(&make, approvals::die_with_their_agent).await;
    on(&make, mail::outbox).await;
    on(&make, places::orgs).await;
    on(&make, places::projects).await;
    on(&make, places::members).await;
    on(&make, places::last_owner).await;
    on(&make, places::renaming).await;
    on(&make, places::transfer).await;
    on(&make, invitations::life).await;
    on(&make, invitations::rights).await;
    on(&make, mirror::jwts).await;
    on(&make, mirror::settling).await;
    on(&make, mirror::undone).await;
    for seed in 0..rounds.div_ceil(20) {
        on(&make, |store| mirror::random_history(store, seed as u64)).await;
    }
    on(&make, books::audit).await;
    on(&make, books::audit_of_orgs).await;
    on(&make, books::searching).await;
    on(&make, books::sealing).await;
    on(&make, books::sealing_at_once).await;
    on(&make, books::tidying).await;
    on(&make, books::tidying_much).await;
    on(&make, books::time).await;
    on(&make, books::closing).await;

    on(&make, |store| races::one_code(store, rounds)).await;
    on(&make, |store| races::one_device_code(store, rounds)).await;
    on(&make, |store| races::one_refresh_token(store, rounds)).await;
    on(&make, races::one_setup_code).await;
    on(&make, races::one_of_a_kind).await;
    // In these, each round is many races.
    let rounds = rounds.div_ceil(10);
    on(&make, |store| races::many_refresh_tokens(store, rounds)).await;
    on(&make, |store| races::many_revocations(store, rounds)).await;
    on(&make, |store| races::last_free_place(store, rounds)).await;
    on(&make, |store| races::one_decision(store, rounds)).await;
    on(&make, |store| races::password_change(store, rounds)).await;
    on(&make, |store| races::abandoned(store, rounds)).await;
    on(&make, |store| crowds::one_rotation(store, rounds)).await;
    on(&make, |store| crowds::one_name(store, rounds)).await;
    on(&make, |store| crowds::last_two_owners(store, rounds)).await;
    on(&make, |store| crowds::one_invitation(store, rounds.div_ceil(4))).await;
    on(&make, |store| crowds::one_address(store, rounds.div_ceil(4))).await;
    on(&make, |store| crowds::revoke_and_rotate(store, rounds)).await;
    on(&make, mail::one_carrier).await;
    on(&make, keys::one_of_many).await;
    on(&make, |store| trust::once(store, rounds)).await;
    on(&make, |store| trust::one_id(store, rounds.div_ceil(4))).await;
    on(&make, |store| approvals::one_use(store, rounds)).await;
    on(&make, |store| crowds::told_in_order(store, rounds)).await;
}

/// Checks one promise on a store of its own. Boxed: all of them in one future, and in the frame
/// of who polls it, would be too large for the stack of a test.
async fn on<M, C>(make: impl Fn() -> M, check: impl Fn(Store) -> C)
where
    M: Future<Output = Store>,
    C: Future<Output = ()>,
{
    let store = Box::pin(make()).await;
    boxed(check, store).await;
}

fn boxed<'c, C: Future<Output = ()> + 'c>(
    check: impl Fn(Store) -> C,
    store: Store,
) -> Pin<Box<dyn Future<Output = ()> + 'c>> {
    Box::pin(check(store))
}
