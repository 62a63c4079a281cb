//! Many threads ask while things end: a check that begins after an end was answered never
//! admits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use hallpass_core::Digest;
use hallpass_core::id::{GrantId, TokenId};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_verdict::live::fact::{Holder, Person, Principal, Seat};
use hallpass_verdict::{Ask, Fact, Live, PlaceAsked};

use crate::town::*;

const READERS: usize = 3;
/// Endings of each kind.
const ENDINGS: usize = 50;
/// Checks that are awaited around each ending.
const AROUND: usize = 100;

/// What is ended, and how it is asked about.
#[derive(Clone, Copy)]
enum Kind {
    Token,
    Person,
    Membership,
    Role,
    Grant,
    Jwt,
}

const KINDS: [Kind; 6] =
    [Kind::Token, Kind::Person, Kind::Membership, Kind::Role, Kind::Grant, Kind::Jwt];

/// Each thing has a number, and with it a person, a token and a grant of its own.
struct Thing(usize, Kind);

impl Thing {
    fn all() -> Vec<Thing> {
        (0..ENDINGS * KINDS.len()).map(|n| Thing(n, KINDS[n % KINDS.len()])).collect()
    }

    fn person(&self) -> Person {
        let id = hallpass_core::id::UserId::from_bits(1000 + self.0 as u128);
        Person { id, ..person(1) }
    }

    fn digest(&self) -> Digest {
        Digest::of(&self.0.to_le_bytes())
    }

    fn grant(&self) -> hallpass_verdict::live::fact::Grant {
        let id = GrantId::from_bits(1000 + self.0 as u128);
        hallpass_verdict::live::fact::Grant {
            id,
            holder: Holder::Person(self.person().id),
            ..a_grant(1, 1, 1)
        }
    }

    fn role(&self, role: ProjectRole) -> Fact {
        let role = hallpass_verdict::live::fact::Role::Project(project(1), role);
        let principal = Principal::User(self.person().id);
        Fact::Member(hallpass_verdict::live::fact::Member { principal, role })
    }

    fn facts(&self) -> Vec<Fact> {
        let mut token = personal(0, 0);
        token.id = TokenId::from_bits(self.0 as u128);
        token.digest = self.digest();
        token.principal = Principal::User(self.person().id);
        vec![
            Fact::Person(self.person()),
            Fact::Credential(token),
            Fact::Grant(self.grant()),
            self.role(ProjectRole::Owner),
        ]
    }

    fn end(&self) -> Fact {
        match self.1 {
            Kind::Token => Fact::CredentialEnded(self.digest()),
            Kind::Person => Fact::Person(Person { disabled: true, ..self.person() }),
            Kind::Membership => Fact::MemberGone {
                principal: Principal::User(self.person().id),
                seat: Seat::Project(project(1)),
            },
            Kind::Role => self.role(ProjectRole::Viewer),
            Kind::Grant => Fact::GrantEnded(self.grant().id),
            Kind::Jwt => Fact::JwtRevoked { jti: self.jwt().jti, until: at(300_000) },
        }
    }

    fn jwt(&self) -> hallpass_verdict::Presented {
        let mut jwt = jwt(&self.grant(), 0);
        jwt.jti = format!("jti_{}", self.0);
        jwt
    }

    fn admitted(&self, live: &Live) -> bool {
        let place = Some(PlaceAsked::Project { org: "o1", project: "p1" });
        let ask = Ask { resource: None, place };
        let answer = match self.1 {
            Kind::Grant | Kind::Jwt => live.check_jwt(self.jwt(), &ask, NOW),
            _ => live.check(&self.digest(), &ask, NOW),
        };
        let Ok(decision) = answer.expect("complete") else { return false };
        match self.1 {
            Kind::Membership | Kind::Role => decision.may("settings:manage"),
            _ => true,
        }
    }
}

// proves: attack-30
#[test]
fn a_check_that_begins_after_the_end_was_answered_never_admits() {
    let things = Thing::all();
    let mut facts = vec![
        Fact::Org(an_org(1)),
        Fact::Project(a_project(1, 1)),
        Fact::Client(client(1)),
        in_org(1, 1, OrgRole::Member),
    ];
    facts.extend(things.iter().flat_map(Thing::facts));
    let live = live(facts);
    let ended: Vec<AtomicBool> = things.iter().map(|_| AtomicBool::new(false)).collect();
    // Where the writer is; readers look around there.
    let front = AtomicUsize::new(0);
    let checks = AtomicUsize::new(0);
    let admitted = AtomicUsize::new(0);
    let wrong = AtomicUsize::new(0);

    thread::scope(|scope| {
        for reader in 0..READERS {
            let (live, things, ended) = (&live, &things, &ended);
            let (front, checks, admitted, wrong) = (&front, &checks, &admitted, &wrong);
            scope.spawn(move || {
                let mut step = reader;
                while front.load(Ordering::Acquire) < things.len() {
                    step += 1;
                    let at = front.load(Ordering::Acquire);
                    let n = (at + step % 4).saturating_sub(1).min(things.len() - 1);
                    let over = ended[n].load(Ordering::Acquire);
                    let yes = things[n].admitted(live);
                    wrong.fetch_add(usize::from(over && yes), Ordering::Relaxed);
                    admitted.fetch_add(usize::from(yes), Ordering::Relaxed);
                    checks.fetch_add(1, Ordering::Release);
                }
            });
        }
        for (n, thing) in things.iter().enumerate() {
            let before = checks.load(Ordering::Acquire);
            assert!(thing.admitted(&live), "nothing else ended it");
            live.apply(vec![thing.end()]);
            ended[n].store(true, Ordering::Release);
            front.store(n, Ordering::Release);
            while checks.load(Ordering::Acquire) < before + AROUND {
                thread::yield_now();
            }
        }
        front.store(things.len(), Ordering::Release);
    });
    assert_eq!(wrong.into_inner(), 0);
    let (checks, admitted) = (checks.into_inner(), admitted.into_inner());
    assert!(checks >= AROUND * things.len());
    assert!(admitted > 0 && admitted < checks, "{admitted} of {checks}");
    assert!(things.iter().all(|thing| !thing.admitted(&live)));
}
