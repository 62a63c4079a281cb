//! What guards are told about revocations, and when a revocation is over.
//!
//! [`Ring`] is what was revoked last, by epoch; server and guard both have one. [`Holders`]
//! is the server's: who holds a lease, and what they have acknowledged. An epoch is settled
//! once nobody can admit any more what it revoked:
//!
//! - each holder has acknowledged it, or each of its leases that was granted in ignorance of
//!   it has run out ([`outlast`]);
//! - no lease is being granted in ignorance of it (a [`Ticket`] is held from before the epoch
//!   is read until the lease is written down, so that a revocation cannot slip in between);
//! - the leases of an earlier life of the server, of which nobody knows, have run out.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::lease::{BootTime, outlast};

/// How many revocations are kept for guards that lag behind; who is further behind starts
/// anew.
pub const KEPT: usize = 16 * 1024;
/// How many guards may hold a lease at once.
pub const MOST_HOLDERS: usize = 4096;
/// How many leases of one holder are told apart; more are taken together, on the safe side.
const MOST_LEASES: usize = 16;

/// The last revocations.
#[derive(Clone, Debug)]
pub struct Ring {
    /// What happened up to here is not known any more.
    floor: i64,
    epoch: i64,
    kept: VecDeque<(i64, String)>,
    newest: HashMap<String, i64>,
    most: usize,
}

impl Ring {
    /// Knows nothing of what happened up to `epoch`, and keeps `most` revocations from then on.
    pub fn new(epoch: i64, most: usize) -> Self {
        Self { floor: epoch, epoch, kept: VecDeque::new(), newest: HashMap::new(), most }
    }

    /// Up to which epoch it knows.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// `subjects` were revoked after [`Ring::epoch`] and up to `epoch`.
    pub fn add(&mut self, epoch: i64, subjects: impl IntoIterator<Item = String>) {
        self.epoch = self.epoch.max(epoch);
        for subject in subjects {
            self.newest.insert(subject.clone(), epoch);
            self.kept.push_back((epoch, subject));
        }
        while self.kept.len() > self.most {
            let Some((epoch, subject)) = self.kept.pop_front() else { break };
            self.floor = self.floor.max(epoch);
            if self.newest.get(&subject) == Some(&epoch) {
                self.newest.remove(&subject);
            }
        }
    }

    /// What was revoked after `epoch`. `None`: that is not known, any more or yet.
    pub fn since(&self, epoch: i64) -> Option<impl Iterator<Item = &str>> {
        let known = (self.floor..=self.epoch).contains(&epoch);
        let first = self.kept.partition_point(|(at, _)| *at <= epoch);
        known.then(|| self.kept.range(first..).map(|(_, subject)| subject.as_str()))
    }

    /// Whether any of `subjects` may have been revoked after `epoch`.
    pub fn touched<'s>(&self, epoch: i64, mut subjects: impl Iterator<Item = &'s str>) -> bool {
        let known = (self.floor..=self.epoch).contains(&epoch);
        !known || subjects.any(|subject| self.newest.get(subject).is_some_and(|at| *at > epoch))
    }
}

/// Who holds a lease, and what they have acknowledged.
#[derive(Debug)]
pub struct Holders {
    lease: Duration,
    /// Until when leases may run that an earlier life of this server granted.
    strangers: Option<BootTime>,
    holders: HashMap<String, Holder>,
    /// Leases that are being granted, and the epoch that is known to be in them.
    in_hand: HashMap<u64, i64>,
    next_ticket: u64,
}

#[derive(Debug)]
struct Holder {
    /// Everything up to here is applied.
    applied: i64,
    /// From the oldest to the newest.
    leases: VecDeque<Granted>,
}

#[derive(Clone, Copy, Debug)]
struct Granted {
    /// Its holder was told everything up to here with it.
    told: i64,
    /// By then it has run out.
    ends: BootTime,
}

/// A lease that is about to be granted.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a ticket that is not handed back holds up every revocation"]
pub struct Ticket(u64);

/// Why an epoch is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsettled {
    /// It is by then, if nobody acknowledges it earlier.
    Until(BootTime),
    /// A lease is being granted; look again when it is.
    InHand,
}

impl Holders {
    /// Nobody that is known; `strangers` is until when leases of an earlier life may run.
    pub fn new(lease: Duration, strangers: Option<BootTime>) -> Self {
        Self { lease, strangers, holders: HashMap::new(), in_hand: HashMap::new(), next_ticket: 0 }
    }

    /// `holder` says that it has applied everything up to `epoch`.
    pub fn acknowledge(&mut self, holder: &str, epoch: i64) {
        if let Some(holder) = self.holders.get_mut(holder) {
            holder.applied = holder.applied.max(epoch);
        }
    }

    /// A lease is about to be granted that will tell at least what happened up to `knows`.
    pub fn begin(&mut self, knows: i64) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.in_hand.insert(ticket, knows);
        Ticket(ticket)
    }

    /// `holder` gets a lease with which it is told everything up to `told`. `false`: there
    /// are too many holders, and this one gets none.
    #[must_use]
    pub fn grant(&mut self, ticket: Ticket, holder: &str, told: i64, now: BootTime) -> bool {
        self.abandon(ticket);
        if !self.holders.contains_key(holder) && self.holders.len() >= MOST_HOLDERS {
            self.forget(now);
            if self.holders.len() >= MOST_HOLDERS {
                return false;
            }
        }
        let ends = now.after(outlast(self.lease));
        let holder = self
            .holders
            .entry(holder.to_owned())
            .or_insert_with(|| Holder { applied: i64::MIN, leases: VecDeque::new() });
        holder.leases.retain(|lease| lease.ends > now);
        match holder.leases.back_mut() {
            Some(last) if last.told >= told => last.ends = ends,
            _ => holder.leases.push_back(Granted { told, ends }),
        }
        if holder.leases.len() > MOST_LEASES
            && let (Some(oldest), Some(second)) =
                (holder.leases.pop_front(), holder.leases.front_mut())
        {
            // Told no more than the one, and running as long as the other.
            second.told = oldest.told;
        }
        true
    }

    /// The lease was not granted after all.
    pub fn abandon(&mut self, ticket: Ticket) {
        self.in_hand.remove(&ticket.0);
    }

    /// Why somebody may still admit at `now` what `epoch` revoked; `None`: nobody may.
    pub fn unsettled(&self, epoch: i64, now: BootTime) -> Option<Unsettled> {
        if self.in_hand.values().any(|knows| *knows < epoch) {
            return Some(Unsettled::InHand);
        }
        let behind = self.holders.values().filter(|holder| holder.applied < epoch);
        let leases = behind.flat_map(|holder| &holder.leases).filter(|lease| lease.told < epoch);
        let last = leases.map(|lease| lease.ends).chain(self.strangers).max();
        last.filter(|ends| *ends > now).map(Unsettled::Until)
    }

    /// The epoch has gone back: the database is another one. What was acknowledged and told
    /// counts for nothing, and what was granted runs on.
    pub fn start_over(&mut self) {
        for holder in self.holders.values_mut() {
            holder.applied = i64::MIN;
            holder.leases.iter_mut().for_each(|lease| lease.told = i64::MIN);
        }
        self.in_hand.values_mut().for_each(|knows| *knows = i64::MIN);
    }

    /// Forgets whose leases have run out; called now and then.
    pub fn forget(&mut self, now: BootTime) {
        self.strangers = self.strangers.filter(|until| *until > now);
        self.holders.retain(|_, holder| holder.leases.iter().any(|lease| lease.ends > now));
    }

    /// How many hold a lease at `now`.
    pub fn live(&self, now: BootTime) -> usize {
        let live = |holder: &&Holder| holder.leases.iter().any(|lease| lease.ends > now);
        self.holders.values().filter(live).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::LEASE;

    const fn ms(millis: u64) -> BootTime {
        BootTime::from_nanos(millis * 1_000_000)
    }

    fn since(ring: &Ring, epoch: i64) -> Option<Vec<&str>> {
        ring.since(epoch).map(Iterator::collect)
    }

    #[test]
    fn a_ring_tells_what_it_knows_and_says_what_it_does_not() {
        let mut ring = Ring::new(5, 3);
        assert_eq!(since(&ring, 5), Some(vec![]));
        assert_eq!((since(&ring, 4), since(&ring, 6)), (None, None));
        ring.add(6, ["a".to_owned(), "b".to_owned()]);
        ring.add(7, ["a".to_owned()]);
        assert_eq!(since(&ring, 5), Some(vec!["a", "b", "a"]));
        assert_eq!(since(&ring, 6), Some(vec!["a"]));
        assert!(ring.touched(6, ["a"].into_iter()) && !ring.touched(6, ["b", "c"].into_iter()));
        assert!(!ring.touched(7, ["a"].into_iter()) && ring.touched(4, [].into_iter()));
        // The first of epoch 6 is forgotten, so of 6 nothing is known for certain.
        ring.add(8, ["c".to_owned()]);
        assert_eq!((since(&ring, 5), since(&ring, 6)), (None, Some(vec!["a", "c"])));
        assert!(ring.touched(5, ["nobody"].into_iter()));
        ring.add(9, []);
        assert_eq!((ring.epoch(), since(&ring, 8)), (9, Some(vec![])));
    }

    fn with_lease(told: i64, now: BootTime) -> Holders {
        let mut holders = Holders::new(LEASE, None);
        let ticket = holders.begin(told);
        assert!(holders.grant(ticket, "g", told, now));
        holders
    }

    #[test]
    fn an_epoch_is_settled_by_an_acknowledgement_or_by_the_end_of_the_lease() {
        let mut holders = with_lease(5, ms(0));
        assert_eq!(holders.unsettled(5, ms(0)), None);
        assert_eq!(holders.unsettled(6, ms(0)), Some(Unsettled::Until(ms(2_070))));
        assert_eq!(holders.unsettled(6, ms(2_070)), None);
        holders.acknowledge("g", 6);
        assert_eq!(holders.unsettled(6, ms(0)), None);
        assert!(holders.unsettled(7, ms(0)).is_some());
    }

    #[test]
    fn a_newer_lease_does_not_make_an_older_one_longer() {
        let mut holders = with_lease(5, ms(0));
        let ticket = holders.begin(6);
        assert!(holders.grant(ticket, "g", 6, ms(1_000)));
        // Its answer may be lost; only the first one was granted in ignorance of 6.
        assert_eq!(holders.unsettled(6, ms(1_000)), Some(Unsettled::Until(ms(2_070))));
        assert_eq!(holders.unsettled(7, ms(1_000)), Some(Unsettled::Until(ms(3_070))));
    }

    #[test]
    fn a_lease_that_is_being_granted_holds_a_revocation_up() {
        let mut holders = Holders::new(LEASE, None);
        let ticket = holders.begin(5);
        assert_eq!(holders.unsettled(6, ms(0)), Some(Unsettled::InHand));
        assert_eq!(holders.unsettled(5, ms(0)), None);
        assert!(holders.grant(ticket, "g", 5, ms(9)));
        assert_eq!(holders.unsettled(6, ms(9)), Some(Unsettled::Until(ms(2_079))));
        let ticket = holders.begin(6);
        holders.abandon(ticket);
        assert_eq!(holders.unsettled(6, ms(2_079)), None);
    }

    #[test]
    fn strangers_and_a_database_that_went_back_are_waited_for() {
        let holders = Holders::new(LEASE, Some(ms(2_070)));
        assert_eq!(holders.unsettled(1, ms(0)), Some(Unsettled::Until(ms(2_070))));
        assert_eq!(holders.unsettled(1, ms(2_070)), None);
        let mut holders = with_lease(9, ms(0));
        holders.acknowledge("g", 9);
        holders.start_over();
        assert_eq!(holders.unsettled(3, ms(0)), Some(Unsettled::Until(ms(2_070))));
    }

    #[test]
    fn many_leases_of_one_holder_are_taken_together_on_the_safe_side() {
        let mut holders = with_lease(0, ms(0));
        let mut leases = vec![(0, ms(2_070))];
        for told in 1..100 {
            let now = ms(told as u64 * 10);
            let ticket = holders.begin(told);
            assert!(holders.grant(ticket, "g", told, now));
            leases.push((told, now.after(outlast(LEASE))));
            for epoch in 0..=told + 1 {
                let ignorant = leases.iter().filter(|(told, _)| *told < epoch);
                let wanted = ignorant.map(|(_, ends)| *ends).filter(|ends| *ends > now).max();
                let Some(wanted) = wanted else { continue };
                let got = holders.unsettled(epoch, now);
                assert!(
                    matches!(got, Some(Unsettled::Until(until)) if until >= wanted),
                    "{epoch} at {now:?}: {got:?}, not {wanted:?}"
                );
            }
        }
        assert!(holders.holders["g"].leases.len() <= MOST_LEASES);
    }

    #[test]
    fn there_is_room_for_so_many_and_the_departed_make_room() {
        let mut holders = Holders::new(LEASE, None);
        let mut ask = |name: usize, now| {
            let ticket = holders.begin(0);
            holders.grant(ticket, &name.to_string(), 0, now)
        };
        assert!((0..MOST_HOLDERS).all(|name| ask(name, ms(0))));
        assert!(!ask(MOST_HOLDERS, ms(1)) && ask(0, ms(1)));
        assert!(ask(MOST_HOLDERS, ms(2_070)));
        assert_eq!(holders.live(ms(2_070)), 2);
    }
}
