//! The promise about revocations, on a model: one server, several guards, a network that
//! delays and loses, clocks that do not run alike, processes that stall and start anew.
//!
//! Whatever happens in whatever order: once a revocation is settled, no guard admits from
//! memory what it revoked. Everything that decides is the real code; only messages and time
//! are made up.

use std::sync::Arc;
use std::time::Duration;

use hallpass_core::{Scope, Timestamp};
use hallpass_verdict::cache::{Begun, Key, Remembered, Verdicts};
use hallpass_verdict::feed::{Holders, Ring, Ticket};
use hallpass_verdict::lease::{BootTime, LEASE, Lease, outlast};
use hallpass_verdict::{CredentialKind, Decision, Who};
use proptest::prelude::*;

const GUARDS: usize = 2;
const TOKENS: usize = 12;
/// The wall clock decides nothing here.
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// What happens next. A `usize` where a message is meant is the how-manyth of those under way.
#[derive(Clone, Debug)]
enum Step {
    /// A guard sends a renewal.
    Send(usize),
    /// A renewal reaches the server, which begins to grant.
    Receive(usize),
    /// The server reads the database for it.
    Read(usize),
    /// The server answers, or the caller is gone by then.
    Answer(usize, bool),
    /// An answer arrives. A guard that stalls does nothing in between.
    Arrive(usize),
    /// A message is lost.
    Lose(usize),
    /// A guard begins to ask the server about a token; the server answers at once.
    Ask(usize, usize),
    /// The answer arrives, and is remembered if it may be.
    Remember(usize),
    /// A guard asks, and remembers the answer, all at once.
    Learn(usize, usize),
    Revoke(usize),
    /// Milliseconds pass.
    Pass(u64),
    /// The server is killed and comes back.
    RestartServer,
    /// A guard is killed and comes back.
    RestartGuard(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let index = || 0..8usize;
    prop_oneof![
        1 => Just(Step::RestartServer),
        1 => (0..GUARDS).prop_map(Step::RestartGuard),
        6 => (0..GUARDS).prop_map(Step::Send),
        6 => index().prop_map(Step::Receive),
        6 => index().prop_map(Step::Read),
        6 => (index(), prop::bool::weighted(0.9)).prop_map(|(i, kept)| Step::Answer(i, kept)),
        6 => index().prop_map(Step::Arrive),
        1 => index().prop_map(Step::Lose),
        4 => (0..GUARDS, 0..TOKENS).prop_map(|(g, t)| Step::Ask(g, t)),
        4 => index().prop_map(Step::Remember),
        12 => (0..GUARDS, 0..TOKENS).prop_map(|(g, t)| Step::Learn(g, t)),
        2 => (0..TOKENS).prop_map(Step::Revoke),
        3 => (1..150u64).prop_map(Step::Pass),
        3 => (500..1_200u64).prop_map(Step::Pass),
    ]
}

/// A guard, and the name that it gave itself.
struct Guard {
    name: String,
    verdicts: Verdicts,
    lease: Lease,
    /// Whose revocations it knows: those of this life of the server.
    server: Option<u32>,
}

struct Renewal {
    guard: usize,
    name: String,
    server: Option<u32>,
    applied: Option<i64>,
    sent: BootTime,
}

struct News {
    renewal: Renewal,
    server: u32,
    epoch: i64,
    /// `None`: everything is to be forgotten.
    revoked: Option<Vec<String>>,
}

struct World {
    /// By the server's clock, in nanoseconds.
    now: u64,
    lives: u32,
    /// What the database holds: its epoch, and at which one each token was revoked.
    epoch: i64,
    revoked: [Option<i64>; TOKENS],
    settled: [bool; TOKENS],
    ring: Ring,
    holders: Holders,
    guards: Vec<Guard>,
    sent: Vec<Renewal>,
    in_hand: Vec<(Renewal, Ticket)>,
    read: Vec<(Renewal, Ticket, i64)>,
    answered: Vec<News>,
    asked: Vec<(usize, String, usize, Option<Begun>)>,
    admitted: u32,
}

impl World {
    fn new() -> Self {
        let guards = (0..GUARDS).map(|number| guard(format!("guard {number}"))).collect();
        Self {
            now: 1,
            lives: 0,
            epoch: 0,
            revoked: [None; TOKENS],
            settled: [false; TOKENS],
            ring: Ring::new(0, 3),
            holders: Holders::new(LEASE, None),
            guards,
            sent: Vec::new(),
            in_hand: Vec::new(),
            read: Vec::new(),
            answered: Vec::new(),
            asked: Vec::new(),
            admitted: 0,
        }
    }

    fn clock(&self) -> BootTime {
        BootTime::from_nanos(self.now)
    }

    /// Guards began at other times, and some clocks run 1 % slow.
    fn clock_of(&self, guard: usize) -> BootTime {
        let rate = [1000, 990, 1005][guard % 3];
        BootTime::from_nanos(self.now / 1000 * rate + 77_000_000 * guard as u64)
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Send(guard) => {
                let Guard { name, verdicts, server, .. } = &self.guards[guard];
                self.sent.push(Renewal {
                    guard,
                    name: name.clone(),
                    server: *server,
                    applied: verdicts.applied(),
                    sent: self.clock_of(guard),
                });
            }
            Step::Receive(which) => self.receive(which),
            Step::Read(which) => self.read(which),
            Step::Answer(which, kept) => self.answer(which, kept),
            Step::Arrive(which) => self.arrive(which),
            Step::Lose(which) => {
                drop(pick(&mut self.answered, which));
                drop(pick(&mut self.sent, which));
            }
            Step::Ask(guard, token) => {
                let begun = self.guards[guard].verdicts.begin();
                // The server says no to what is revoked, and no is not remembered.
                if self.revoked[token].is_none() {
                    let name = self.guards[guard].name.clone();
                    self.asked.push((guard, name, token, begun));
                }
            }
            Step::Learn(guard, token) => {
                let before = self.asked.len();
                self.take(Step::Ask(guard, token));
                if self.asked.len() > before {
                    self.take(Step::Remember(before));
                }
            }
            Step::Remember(which) => {
                let Some((guard, name, token, begun)) = pick(&mut self.asked, which) else {
                    return;
                };
                let guard = &self.guards[guard];
                if let (true, Some(begun)) = (guard.name == name, begun) {
                    guard.verdicts.fill(begun, key(token), remembered(token));
                }
            }
            Step::Revoke(token) => {
                if self.revoked[token].is_none() {
                    self.epoch += 1;
                    self.revoked[token] = Some(self.epoch);
                }
            }
            Step::Pass(millis) => self.now += millis * 1_000_000,
            Step::RestartServer => {
                self.lives += 1;
                self.ring = Ring::new(self.epoch, 3);
                let strangers = self.clock().after(outlast(LEASE));
                self.holders = Holders::new(LEASE, Some(strangers));
                self.sent.clear();
                self.in_hand.clear();
                self.read.clear();
            }
            Step::RestartGuard(number) => {
                let name = format!("{} again", self.guards[number].name);
                self.guards[number] = guard(name);
                self.answered.retain(|news| news.renewal.guard != number);
            }
        }
    }

    fn receive(&mut self, which: usize) {
        let Some(renewal) = pick(&mut self.sent, which) else { return };
        if let (true, Some(applied)) = (renewal.server == Some(self.lives), renewal.applied) {
            self.holders.acknowledge(&renewal.name, applied);
        }
        let ticket = self.holders.begin(self.ring.epoch());
        self.in_hand.push((renewal, ticket));
    }

    fn read(&mut self, which: usize) {
        let Some((renewal, ticket)) = pick(&mut self.in_hand, which) else { return };
        let known = self.ring.epoch();
        let new = (0..TOKENS).filter(|token| self.revoked[*token] > Some(known)).map(id);
        self.ring.add(self.epoch, new);
        self.read.push((renewal, ticket, self.epoch));
    }

    fn answer(&mut self, which: usize, kept: bool) {
        let Some((renewal, ticket, epoch)) = pick(&mut self.read, which) else { return };
        if !kept {
            return self.holders.abandon(ticket);
        }
        let applied = renewal.applied.filter(|_| renewal.server == Some(self.lives));
        let revoked = applied.and_then(|applied| {
            self.ring.since(applied).map(|ids| ids.map(str::to_owned).collect())
        });
        let now = self.clock();
        assert!(self.holders.grant(ticket, &renewal.name, epoch, now));
        let news = News { renewal, server: self.lives, epoch, revoked };
        self.answered.push(news);
    }

    fn arrive(&mut self, which: usize) {
        let Some(News { renewal, server, epoch, revoked }) = pick(&mut self.answered, which) else {
            return;
        };
        let guard = &mut self.guards[renewal.guard];
        // A guard has one renewal on its way at a time: an answer that was given up is not read.
        if guard.name != renewal.name || guard.verdicts.applied() != renewal.applied {
            return;
        }
        match revoked {
            Some(revoked) if guard.server == Some(server) => guard.verdicts.apply(epoch, revoked),
            _ => guard.verdicts.forget_all(epoch),
        }
        guard.server = Some(server);
        guard.lease.renew(renewal.sent, LEASE);
    }

    /// What was settled stays settled, and nobody admits it.
    fn check(&mut self) {
        let now = self.clock();
        for token in 0..TOKENS {
            let Some(epoch) = self.revoked[token] else { continue };
            self.settled[token] |= self.holders.unsettled(epoch, now).is_none();
        }
        for (number, guard) in self.guards.iter().enumerate() {
            for token in 0..TOKENS {
                let found = guard.verdicts.get(&key(token), NOW).is_some();
                if found && guard.lease.is_live(self.clock_of(number)) {
                    self.admitted += 1;
                    assert!(!self.settled[token], "{} admits token {token}", guard.name);
                }
            }
        }
    }
}

fn guard(name: String) -> Guard {
    Guard { name, verdicts: Verdicts::new(100), lease: Lease::none(), server: None }
}

fn pick<T>(from: &mut Vec<T>, which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from.remove(which % from.len()))
}

fn id(token: usize) -> String {
    format!("tok_{token}")
}

fn key(token: usize) -> Key {
    Key::of(&id(token), None)
}

fn remembered(token: usize) -> Remembered {
    let who = Who::Key { id: id(token), name: String::new() };
    let decision = Decision {
        kind: CredentialKind::ProjectKey,
        who: Arc::new(who),
        client_id: None,
        scope: Scope::empty(),
        grant: None,
        audience: Vec::new(),
        id: id(token),
        auth_time: None,
        issued_at: NOW,
        expires_at: None,
        jkt: None,
        place: None,
    };
    Remembered {
        decision: Arc::new(decision),
        depends_on: vec![id(token)],
        until: NOW + Duration::from_secs(1),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    // proves: E06, attack-30
    #[test]
    fn what_is_settled_is_never_admitted(steps in prop::collection::vec(step(), 1..200)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            world.check();
        }
    }
}

/// The model admits, and settles: else it would prove nothing.
#[test]
fn the_model_does_what_it_is_about() {
    let first = 0;
    let mut world = World::new();
    let renew = |world: &mut World| {
        for step in [
            Step::Send(0),
            Step::Receive(first),
            Step::Read(first),
            Step::Answer(first, true),
            Step::Arrive(first),
        ] {
            world.take(step);
        }
    };
    renew(&mut world);
    world.take(Step::Ask(0, 0));
    world.take(Step::Remember(first));
    world.check();
    assert_eq!(world.admitted, 1);
    world.take(Step::Revoke(0));
    world.check();
    assert_eq!((world.admitted, world.settled[0]), (2, false), "not told yet, and not settled");
    renew(&mut world);
    world.check();
    assert_eq!((world.admitted, world.settled[0]), (2, false), "told, and not acknowledged");
    world.take(Step::Send(0));
    world.take(Step::Receive(first));
    world.take(Step::Read(first));
    world.take(Step::Answer(first, true));
    world.check();
    assert_eq!((world.admitted, world.settled[0]), (2, true));
}
