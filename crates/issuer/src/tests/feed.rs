//! Guards in other processes: what they are told, and whom a revocation waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hallpass_core::Secret;
use hallpass_core::wire::feed::{FeedAnswer, FeedRequest};
use hallpass_core::wire::tokens::NewToken;
use hallpass_verdict::lease::{BootClock, BootTime, LEASE, outlast};

use super::house::{House, basic, home};
use crate::feed::Leases;
use crate::tokens::Actor;
use crate::{ClientCredentials, OAuthError};

/// A machine that has been up for as long as it is told.
#[derive(Default)]
struct Machine(AtomicU64);

impl Machine {
    fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl BootClock for Machine {
    fn now(&self) -> BootTime {
        BootTime::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// A server that answers guards, with a token to revoke.
struct Watched {
    house: House,
    machine: Arc<Machine>,
    secret: Secret,
    token: String,
}

impl Watched {
    async fn new() -> Self {
        let (house, machine) = (House::new().await, Arc::new(Machine::default()));
        house.issuer.answer_guards(machine.clone(), Leases::GrantedHere).await.unwrap();
        let (secret, ada) = (house.api().await, house.ada().await);
        let new = NewToken { name: "ci".to_owned(), ..NewToken::default() };
        let made = house.issuer.create_token(&Actor::Person(&ada.user), new, &home()).await;
        let token = made.unwrap().token.id;
        Self { house, machine, secret, token }
    }

    async fn ask(&self, request: &FeedRequest) -> Result<FeedAnswer, OAuthError> {
        self.house.issuer.feed(request, basic("api", &self.secret), &home()).await
    }

    /// A revocation that goes on beside us.
    fn revokes(&self) -> tokio::task::JoinHandle<()> {
        let (issuer, token) = (self.house.issuer.clone(), self.token.clone());
        tokio::spawn(async move {
            issuer.revoke_token(&Actor::Operator, &token, &home()).await.unwrap();
        })
    }
}

fn first(holder: &str) -> FeedRequest {
    FeedRequest { holder: holder.to_owned(), server: None, applied: None, wait_ms: 0 }
}

/// What a guard that has applied `answer` sends next.
fn next(holder: &str, answer: &FeedAnswer, wait_ms: u64) -> FeedRequest {
    let (server, applied) = (Some(answer.server.clone()), Some(answer.epoch));
    FeedRequest { holder: holder.to_owned(), server, applied, wait_ms }
}

/// Between a commit and the image's hearing of it, nobody is told of the epoch: they would ask the
/// image again, and keep what it said before under the new epoch.
// proves: HP01
#[tokio::test]
async fn nobody_hears_of_a_revocation_before_the_image_does() {
    let watched = Watched::new().await;
    let before = watched.ask(&first("g")).await.unwrap();
    let revoked = watched.revokes();
    let feed = watched.house.issuer.0.feed.clone();
    let heard = loop {
        match feed.image_is_behind() {
            Some(heard) => break heard,
            None => tokio::task::yield_now().await,
        }
    };
    let request = next("g", &before, 0);
    let mut answer = std::pin::pin!(watched.ask(&request));
    let early = tokio::time::timeout(Duration::from_millis(50), &mut answer).await;
    assert!(early.is_err(), "{early:?}");
    feed.committed(heard + 1);
    let told = answer.await.unwrap();
    assert_eq!((told.epoch, told.revoked.contains(&watched.token)), (heard + 1, true));
    watched.ask(&next("g", &told, 0)).await.unwrap();
    revoked.await.unwrap();
}

#[tokio::test]
async fn only_a_confidential_client_that_proves_itself_is_told() {
    let watched = Watched::new().await;
    for (id, secret) in [("api", "wrong"), ("hallpass-cli", ""), ("nobody", "x")] {
        let credentials = basic(id, &Secret::new(secret));
        let refused = watched.house.issuer.feed(&first("g"), credentials, &home()).await;
        assert_eq!(refused.unwrap_err().code.as_str(), "invalid_client", "{id}");
    }
    let bare = watched.house.issuer.feed(&first("g"), ClientCredentials::None, &home()).await;
    assert!(bare.is_err());
    for holder in ["", "a b", "a/b", &"x".repeat(65)] {
        let refused = watched.ask(&first(holder)).await.unwrap_err();
        assert_eq!(refused.code.as_str(), "invalid_request", "{holder:?}");
    }
    // Where guards are not answered, they are told so; and nothing waits for any.
    let alone = House::new().await;
    let secret = alone.api().await;
    let refused = alone.issuer.feed(&first("g"), basic("api", &secret), &home()).await;
    assert_eq!(refused.unwrap_err().status(), 503);
}

#[tokio::test]
async fn a_guard_begins_anew_and_hears_from_then_on_what_is_revoked() {
    let watched = Watched::new().await;
    // What was revoked before is none of its business: it remembers nothing.
    watched.revokes().await.unwrap();
    let begun = watched.ask(&first("g")).await.unwrap();
    assert!(begun.reset && begun.revoked.is_empty());
    assert_eq!(begun.lease_ms, LEASE.as_millis() as u64);
    let nothing = watched.ask(&next("g", &begun, 0)).await.unwrap();
    assert_eq!((nothing.epoch, nothing.reset, nothing.revoked.len()), (begun.epoch, false, 0));

    // Its lease is over by the machine's clock, so nobody is waited for.
    watched.machine.pass(outlast(LEASE));
    let store = &watched.house.issuer.0.store;
    let by = watched.house.issuer.by("system", None, None);
    let until = watched.house.issuer.now() + Duration::from_secs(60);
    store.tombstones().revoke_jwt("jti_1", until, &by).await.unwrap();
    let news = watched.ask(&next("g", &nothing, 0)).await.unwrap();
    assert_eq!((news.reset, news.revoked), (false, vec!["jti_1".to_owned()]));
    assert!(news.epoch > nothing.epoch);

    // Of another server's epochs, and of those that nobody was told, nothing follows.
    let mut strange = next("g", &begun, 0);
    strange.server = Some("another".to_owned());
    assert!(watched.ask(&strange).await.unwrap().reset);
    let mut ahead = next("g", &begun, 0);
    ahead.applied = Some(news.epoch + 1000);
    assert!(watched.ask(&ahead).await.unwrap().reset);
}

// proves: attack-30
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_answered_once_every_guard_has_said_that_it_knows() {
    let watched = Watched::new().await;
    let (mut one, mut two) =
        (watched.ask(&first("one")).await.unwrap(), watched.ask(&first("two")).await.unwrap());
    let revoked = watched.revokes();
    // Each is told while it waits, and telling them is not enough.
    for (holder, answer) in [("one", &mut one), ("two", &mut two)] {
        // It waits for half a lease at most; a revocation may take longer to be committed.
        while answer.revoked.is_empty() {
            *answer = watched.ask(&next(holder, answer, 60_000)).await.unwrap();
        }
        assert!(answer.revoked.contains(&watched.token));
    }
    assert!(!revoked.is_finished());
    one = watched.ask(&next("one", &one, 0)).await.unwrap();
    assert!(!revoked.is_finished(), "two has not");
    // Nor does it count what no server told.
    let mut lie = next("two", &two, 0);
    lie.applied = Some(two.epoch + 1000);
    watched.ask(&lie).await.unwrap();
    assert!(!revoked.is_finished());
    watched.ask(&next("two", &two, 0)).await.unwrap();
    revoked.await.unwrap();
    assert!(watched.ask(&next("one", &one, 0)).await.unwrap().revoked.is_empty());
}

#[tokio::test]
async fn a_guard_whose_lease_is_over_holds_nobody_up() {
    let watched = Watched::new().await;
    let begun = watched.ask(&first("g")).await.unwrap();
    watched.machine.pass(outlast(LEASE));
    watched.revokes().await.unwrap();
    // It may come back, and hears of it then.
    let back = watched.ask(&next("g", &begun, 0)).await.unwrap();
    assert!(back.revoked.contains(&watched.token));
}

#[tokio::test]
async fn whoever_starts_on_this_data_later_knows_that_there_are_leases() {
    let watched = Watched::new().await;
    let settings = || watched.house.issuer.0.store.settings();
    assert_eq!(settings().get("feed.leased").await, Ok(None), "nobody has one yet");
    watched.ask(&first("g")).await.unwrap();
    assert!(settings().get("feed.leased").await.unwrap().is_some());
}
