//! Guards in other processes: what they are told about revocations, and the wait until they
//! know (DESIGN.md §5).
//!
//! A guard renews its lease by asking for news; the answer comes when there is some, and after
//! [half a lease](LEASE) at most. Whatever narrows somebody's rights is answered once
//! [`Feed::settled`] says that no guard admits it any more: when all have acknowledged it, or
//! their leases have run out. The rules of that are [`hallpass_verdict::feed`]; here they meet
//! the store.
//!
//! What was revoked is read from the database at each renewal, after the lease's
//! [`Ticket`] was taken: so a lease is never granted in ignorance of what was committed before
//! it, by whichever process. That a revocation was committed here only wakes those who wait.
//!
//! A process that grants no leases itself, an operator's command beside a server, cannot know
//! who holds one: it waits until all that could have been granted before its change are over.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use hallpass_core::chance;
use hallpass_core::wire::feed::{FeedAnswer, FeedRequest};
use hallpass_core::wire::oauth::ErrorCode;
use hallpass_core::wire::params::Params;
use hallpass_store::Engine;
use hallpass_verdict::feed::{Holders, KEPT, Ring, Ticket, Unsettled};
use hallpass_verdict::lease::{BootClock, LEASE, outlast};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::{ClientCredentials, Error, Issuer, OAuthError, Origin};

/// Kept in the database once any lease was granted. Where none ever was, nothing is waited for.
const LEASED: &str = "feed.leased";
/// The longest name that a guard may give itself.
const MAX_HOLDER: usize = 64;

/// Who else may grant leases on this database while this process changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leases {
    /// Nobody: this is the server, and guards ask it.
    GrantedHere,
    /// Perhaps a server: this is an operator's command.
    GrantedElsewhere,
}

/// Leases and news. Idle until [`Issuer::answer_guards`].
#[derive(Default)]
pub(crate) struct Feed {
    desk: OnceLock<Desk>,
    /// Something was revoked.
    news: Notify,
    /// A guard acknowledged something, or got its lease.
    moved: Notify,
}

struct Desk {
    boot: Arc<dyn BootClock>,
    /// Whether a server beside us may grant leases.
    blind: bool,
    state: Mutex<State>,
}

struct State {
    /// Another for each process, and each time the epoch goes back.
    name: String,
    ring: Ring,
    /// The latest epoch that was committed here; the ring learns of it with the next renewal.
    heard: i64,
    holders: Holders,
    /// Whether [`LEASED`] is written down.
    noted: bool,
}

impl Issuer {
    /// From now on guards are answered here, or waited for. To be called once, before the
    /// first request; without it there are no guards.
    pub async fn answer_guards(
        &self,
        boot: Arc<dyn BootClock>,
        leases: Leases,
    ) -> Result<(), Error> {
        let store = &self.0.store;
        let noted = store.settings().get(LEASED).await?.is_some();
        // What an earlier process granted may still run.
        let strangers = noted.then(|| boot.now().after(outlast(LEASE)));
        let epoch = store.tombstones().epoch().await?;
        let state = State {
            name: self.server_name(),
            ring: Ring::new(epoch, KEPT),
            heard: epoch,
            holders: Holders::new(LEASE, strangers),
            noted,
        };
        // SQLite is held by one process at a time, so there is nobody beside us.
        let blind = leases == Leases::GrantedElsewhere && store.engine() == Engine::Postgres;
        // A second call changes nothing.
        let _ = self.0.feed.desk.set(Desk { boot, blind, state: Mutex::new(state) });
        Ok(())
    }

    /// Answers a guard that renews its lease. The caller must be a confidential client.
    pub async fn feed(
        &self,
        request: &FeedRequest,
        credentials: ClientCredentials,
        origin: &Origin,
    ) -> Result<FeedAnswer, OAuthError> {
        let client =
            self.authenticate_confidential(&Params::default(), credentials, origin).await?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(1..=MAX_HOLDER).contains(&request.holder.len()) || !request.holder.bytes().all(plain) {
            let what = "holder must be 1 to 64 letters, digits, '-' and '_'";
            return Err(OAuthError::new(ErrorCode::InvalidRequest, what));
        }
        let feed = &*self.0.feed;
        let desk = feed.desk.get().ok_or_else(|| unavailable("guards are not answered here"))?;
        let holder = format!("{}/{}", client.id, request.holder);
        if let Some(applied) = feed.acknowledged(desk, &holder, request) {
            let wait = Duration::from_millis(request.wait_ms).min(LEASE / 2);
            feed.wait_for_news(desk, applied, wait).await;
        }
        self.note_leases(desk).await?;
        let grant = feed.begin(desk);
        self.learn(desk).await?;
        grant.finish(&holder, request)
    }

    /// How many guards hold a lease of this server's.
    pub fn guards(&self) -> usize {
        let Some(desk) = self.0.feed.desk.get() else { return 0 };
        let now = desk.boot.now();
        desk.state().holders.live(now)
    }

    /// Writes down, before the first lease, that there are some: whoever starts on this
    /// database later will wait for what was granted.
    async fn note_leases(&self, desk: &Desk) -> Result<(), Error> {
        if !desk.state().noted {
            self.0.store.settings().set_once(LEASED, "yes").await?;
            desk.state().noted = true;
        }
        Ok(())
    }

    /// Reads what was revoked since the ring was told last.
    async fn learn(&self, desk: &Desk) -> Result<(), Error> {
        let known = desk.state().ring.epoch();
        let epoch = self.0.store.tombstones().epoch().await?;
        if epoch == known {
            return Ok(());
        }
        if self.0.keeper.live().is_some() {
            // Committed is what the database shows, and the image is told a moment later. A
            // guard that heard of it in between would ask the image again, and keep its old
            // answer under the new epoch. Where nobody could say what became of a commit the
            // image is never told, so there is an end to the waiting.
            self.0.feed.wait_for_news(desk, epoch - 1, LEASE / 2).await;
        }
        let most = u32::try_from(KEPT).unwrap_or(u32::MAX);
        // Read after the epoch, so it is complete up to there. It may hold more: an id that
        // was revoked again has moved on, and must not be missed here.
        let revoked = match epoch > known {
            true => self.0.store.tombstones().since(known, most).await?,
            false => Vec::new(),
        };
        let mut state = desk.state();
        let current = state.ring.epoch();
        if epoch < known {
            // A database that was restored, or another one: nothing that was said holds.
            tracing::warn!(known, epoch, "the epoch went back; all guards start over");
            state.name = self.server_name();
            state.ring = Ring::new(epoch, KEPT);
            state.heard = epoch;
            state.holders.start_over();
        } else if revoked.len() >= KEPT {
            state.ring = Ring::new(epoch.max(current), KEPT);
        } else if epoch > current {
            state.ring.add(epoch, revoked);
        }
        Ok(())
    }

    fn server_name(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(chance::bytes(&*self.0.random)))
    }
}

impl Feed {
    /// Something was revoked and committed here, at `epoch`. Quick, and uses no store.
    pub(crate) fn committed(&self, epoch: i64) {
        if let Some(desk) = self.desk.get() {
            let mut state = desk.state();
            state.heard = state.heard.max(epoch);
            drop(state);
            self.news.notify_waiters();
        }
    }

    /// Resolves once no guard admits any more what was revoked up to `epoch`.
    pub(crate) async fn settled(&self, epoch: i64) {
        let Some(desk) = self.desk.get() else { return };
        if desk.blind {
            // Whoever renews from now on, reads what was committed.
            return sleep(outlast(LEASE)).await;
        }
        loop {
            let mut moved = std::pin::pin!(self.moved.notified());
            // Before it is looked, so that nothing that moves in between is missed.
            moved.as_mut().enable();
            let now = desk.boot.now();
            let unsettled = desk.state().holders.unsettled(epoch, now);
            match unsettled {
                None => return,
                Some(Unsettled::InHand) => moved.await,
                Some(Unsettled::Until(end)) => drop(timeout(end.left(now), moved).await),
            }
        }
    }

    /// Notes what a guard has applied, if it speaks of this server.
    fn acknowledged(&self, desk: &Desk, holder: &str, request: &FeedRequest) -> Option<i64> {
        let mut state = desk.state();
        let applied = request.applied.filter(|_| request.server.as_ref() == Some(&state.name))?;
        // An epoch that nobody was told cannot have been applied.
        let applied = Some(applied).filter(|applied| *applied <= state.ring.epoch())?;
        state.holders.acknowledge(holder, applied);
        drop(state);
        self.moved.notify_waiters();
        Some(applied)
    }

    /// Returns when something was revoked after `applied`, or nothing for a while.
    async fn wait_for_news(&self, desk: &Desk, applied: i64, wait: Duration) {
        let news = async {
            loop {
                let mut news = std::pin::pin!(self.news.notified());
                news.as_mut().enable();
                if desk.heard() > applied {
                    return;
                }
                news.await;
            }
        };
        // No news are an answer too.
        drop(timeout(wait, news).await);
    }

    fn begin<'f>(&'f self, desk: &'f Desk) -> Granting<'f> {
        let mut state = desk.state();
        let knows = state.ring.epoch();
        let ticket = state.holders.begin(knows);
        Granting { feed: self, desk, ticket: Some(ticket) }
    }
}

#[cfg(test)]
impl Feed {
    /// As it is between a commit and the image's hearing of it: the epoch before that.
    pub(crate) fn image_is_behind(&self) -> Option<i64> {
        let mut state = self.desk.get()?.state();
        (state.heard > state.ring.epoch()).then(|| {
            state.heard -= 1;
            state.heard
        })
    }
}

impl Desk {
    /// The latest epoch that anything is known of.
    fn heard(&self) -> i64 {
        let state = self.state();
        state.heard.max(state.ring.epoch())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lease that is being granted. Dropped before that, for example because the caller went
/// away, it is none, and holds nobody up.
struct Granting<'f> {
    feed: &'f Feed,
    desk: &'f Desk,
    ticket: Option<Ticket>,
}

impl Granting<'_> {
    fn finish(mut self, holder: &str, request: &FeedRequest) -> Result<FeedAnswer, OAuthError> {
        let mut state = self.desk.state();
        let state = &mut *state;
        let epoch = state.ring.epoch();
        let same = request.server.as_ref() == Some(&state.name);
        let revoked =
            request.applied.filter(|_| same).and_then(|applied| state.ring.since(applied));
        let revoked = revoked.map(|ids| ids.map(str::to_owned).collect::<Vec<_>>());
        let now = self.desk.boot.now();
        let granted = self
            .ticket
            .take()
            .is_some_and(|ticket| state.holders.grant(ticket, holder, epoch, now));
        if !granted {
            return Err(unavailable("too many guards hold a lease; try again in a moment"));
        }
        Ok(FeedAnswer {
            server: state.name.clone(),
            epoch,
            reset: revoked.is_none(),
            revoked: revoked.unwrap_or_default(),
            lease_ms: u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

impl Drop for Granting<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.desk.state().holders.abandon(ticket);
        }
        self.feed.moved.notify_waiters();
    }
}

fn unavailable(what: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::TemporarilyUnavailable, what).retry_after(Duration::from_secs(1))
}
