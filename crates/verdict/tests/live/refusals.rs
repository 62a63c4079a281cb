//! Every reason to refuse, by itself; and what does not refuse.

use hallpass_core::Timestamp;
use hallpass_core::role::ProjectRole;
use hallpass_verdict::live::fact::{Org, Person, Project};
use hallpass_verdict::{Ask, CredentialKind, Fact, Live, PlaceAsked, Refusal, Vouched};

use crate::town::*;

fn ask(live: &Live, n: u8, now: Timestamp) -> Result<CredentialKind, Refusal> {
    live.check(&digest(n), &Ask::default(), now).expect("complete").map(|it| it.kind)
}

/// 1: a personal token. 2: an older one. 3: one that was rotated.
fn town() -> Vec<Fact> {
    let mut rotated = personal(3, 1);
    (rotated.expires_at, rotated.overlap_until) = (Some(at(9000)), Some(at(5000)));
    let mut expiring = personal(1, 1);
    expiring.expires_at = Some(at(9000));
    vec![
        Fact::Person(person(1)),
        Fact::Org(an_org(1)),
        Fact::Project(a_project(1, 1)),
        Fact::Credential(expiring),
        Fact::Credential(legacy(2, 1, ProjectRole::Viewer)),
        Fact::Credential(rotated),
    ]
}

#[test]
fn every_reason_to_refuse_an_opaque_token_refuses_by_itself() {
    let disabled = Person { disabled: true, ..person(1) };
    let no_project = Project { disabled: true, ..a_project(1, 1) };
    let no_org = Org { disabled: true, ..an_org(1) };
    let table: [(u8, Vec<Fact>, i64, Refusal); 10] = [
        (9, vec![], 0, Refusal::Unknown),
        (1, vec![], 9000, Refusal::Expired),
        (1, vec![], 9001, Refusal::Expired),
        // The end of the overlap comes before the token's own.
        (3, vec![], 5000, Refusal::Expired),
        (1, vec![Fact::CredentialEnded(digest(1))], 0, Refusal::Unknown),
        (1, vec![Fact::Person(disabled.clone())], 0, Refusal::UserDisabled),
        (3, vec![Fact::Person(disabled)], 0, Refusal::UserDisabled),
        (2, vec![Fact::CredentialEnded(digest(2))], 0, Refusal::Unknown),
        (2, vec![Fact::Project(no_project)], 0, Refusal::PlaceDisabled),
        (2, vec![Fact::Org(no_org)], 0, Refusal::PlaceDisabled),
    ];
    for (n, facts, after, why) in table {
        let live = live(town());
        for good in [1, 2, 3] {
            assert!(ask(&live, good, at(4999)).is_ok());
        }
        let told = format!("{facts:?}");
        live.apply(facts);
        assert_eq!(ask(&live, n, at(after)), Err(why), "{told}");
    }
}

#[test]
fn an_account_that_is_enabled_again_and_an_end_that_is_moved_count_at_once() {
    let live = live(town());
    live.apply(vec![Fact::Person(Person { disabled: true, ..person(1) })]);
    assert_eq!(ask(&live, 1, NOW), Err(Refusal::UserDisabled));
    live.apply(vec![Fact::Person(person(1))]);
    assert!(ask(&live, 1, NOW).is_ok());
    let mut sooner = personal(1, 1);
    sooner.expires_at = Some(at(10));
    live.apply(vec![Fact::Credential(sooner)]);
    assert_eq!(ask(&live, 1, at(10)), Err(Refusal::Expired));
    live.apply(vec![Fact::Credential(personal(1, 1))]);
    assert!(ask(&live, 1, at(i64::from(u32::MAX))).is_ok());
}

#[test]
fn every_reason_to_refuse_a_jwt_refuses_by_itself() {
    let facts = || {
        vec![
            Fact::Person(person(1)),
            Fact::Person(person(2)),
            Fact::Client(client(1)),
            Fact::Client(client(2)),
            Fact::Grant(a_grant(1, 1, 1)),
        ]
    };
    let mut elsewhere = a_grant(1, 1, 1);
    elsewhere.client_id = "c2".to_owned();
    let mut ends = a_grant(1, 1, 1);
    ends.expires_at = Some(NOW);
    let mut off = client(1);
    off.disabled = true;
    let revoked = |n: u8| Fact::JwtRevoked { jti: format!("jti_{n}"), until: at(300_000) };
    let table = [
        (Fact::GrantEnded(grant(1)), Some(Refusal::GrantEnded)),
        (Fact::Grant(ends), Some(Refusal::GrantExpired)),
        (Fact::Grant(a_grant(1, 2, 1)), Some(Refusal::Mismatch)),
        (Fact::Grant(elsewhere), Some(Refusal::Mismatch)),
        (revoked(1), Some(Refusal::Revoked)),
        (Fact::Person(Person { disabled: true, ..person(1) }), Some(Refusal::UserDisabled)),
        (Fact::Client(off), Some(Refusal::ClientDisabled)),
        (revoked(2), None),
        (Fact::GrantEnded(grant(2)), None),
        (Fact::Person(Person { disabled: true, ..person(2) }), None),
    ];
    let ask = Ask { resource: Some(API), place: None };
    let presented = || jwt(&a_grant(1, 1, 1), 1);
    for (fact, why) in table {
        let live = live(facts());
        assert!(live.check_jwt(presented(), &ask, NOW).expect("complete").is_ok());
        let told = format!("{fact:?}");
        live.apply(vec![fact]);
        let answer = live.check_jwt(presented(), &ask, NOW).expect("complete");
        assert_eq!(answer.err(), why, "{told}");
    }
    let live = live(facts());
    let nobody = jwt(&a_grant(9, 1, 1), 1);
    assert_eq!(live.check_jwt(nobody, &ask, NOW).expect("complete"), Err(Refusal::Unknown));
    let other = Ask { resource: Some("https://other.example"), place: None };
    let answer = live.check_jwt(presented(), &other, NOW).expect("complete");
    assert_eq!(answer, Err(Refusal::Audience));
    let over = live.check_jwt(presented(), &ask, at(300_000)).expect("complete");
    assert_eq!(over, Err(Refusal::Expired));
}

#[test]
fn what_is_over_is_refused_after_it_was_forgotten_too() {
    let live = live(town());
    live.tidy(at(5000));
    assert_eq!(live.size().credentials, 3, "it is kept for a while");
    live.tidy(at(5000 + 60_000));
    assert_eq!(live.size().credentials, 2);
    assert_eq!(ask(&live, 3, at(4999)), Err(Refusal::Unknown));
    assert!(ask(&live, 2, NOW).is_ok());
    live.tidy(at(9000 + 60_000));
    assert_eq!(live.size().credentials, 1);
    // It could be moved to a later end.
    live.apply(vec![Fact::Credential(personal(1, 1))]);
    assert!(ask(&live, 1, at(9_000_000)).is_ok());
}

#[test]
fn until_it_is_complete_it_knows_nothing_and_then_everything() {
    let live = Live::new(rules());
    live.fill(town());
    assert!(live.check(&digest(1), &Ask::default(), NOW).is_none());
    assert!(live.check(&digest(9), &Ask::default(), NOW).is_none());
    assert!(live.check_jwt(jwt(&a_grant(1, 1, 1), 1), &Ask::default(), NOW).is_none());
    assert!(live.caller("c1", &digest(201)).is_none() && !live.is_complete());
    // Ended while the fill goes on, and an old row comes after all.
    live.apply(vec![Fact::CredentialEnded(digest(1))]);
    live.fill(town());
    live.complete();
    assert!(live.is_complete());
    assert_eq!(ask(&live, 1, NOW), Err(Refusal::Unknown));
    assert!(ask(&live, 2, NOW).is_ok());
    // A straggler changes nothing any more.
    live.fill(town());
    assert_eq!(ask(&live, 1, NOW), Err(Refusal::Unknown));
}

#[test]
fn a_caller_is_who_its_secret_proves() {
    let mut off = client(2);
    off.disabled = true;
    let mut public = client(3);
    public.secret = None;
    let live = live([client(1), off, public].map(Fact::Client).into());
    let caller = |id, secret| live.caller(id, &secret).expect("complete");
    let good = caller("c1", digest(201)).expect("its own secret");
    assert_eq!((&*good.id, &*good.resources), ("c1", &[API.to_owned()][..]));
    for (id, secret) in [("c1", 202), ("c2", 202), ("c3", 203), ("c9", 201), ("", 201)] {
        assert_eq!(caller(id, digest(secret)), None, "{id}");
    }
}

// proves: SC10
#[test]
fn a_person_whom_somebody_else_vouches_for_has_what_they_have_now() {
    let vouched = |n: u8, scope: &str| Vouched {
        user: user(n),
        kind: CredentialKind::IdToken,
        scope: scope.parse().unwrap(),
        id: "idt_1".to_owned(),
        audience: vec!["cli".to_owned()],
        auth_time: None,
        issued_at: at(-1000),
        expires_at: Some(at(9000)),
    };
    let there = PlaceAsked::project("o1/p1");
    let ask = Ask { resource: Some(API), place: there };
    let live = live(town());
    let check = |n: u8, scope: &str, after: i64| {
        live.check_person(vouched(n, scope), &ask, at(after)).expect("complete")
    };
    // Somebody without a role is somebody all the same.
    assert_eq!(check(1, "account tokens", 0).unwrap().place, None);
    assert_eq!(check(9, "account tokens", 0), Err(Refusal::Unknown));
    assert_eq!(check(1, "account tokens", 9000), Err(Refusal::Expired));
    live.apply(vec![in_project(1, 1, ProjectRole::Collaborator)]);
    let whole = check(1, "account tokens", 0).unwrap();
    assert!(whole.may("project:publish") && whole.kind == CredentialKind::IdToken);
    assert!(!check(1, "account", 0).unwrap().may("project:publish"));
    live.apply(vec![in_project(1, 1, ProjectRole::Viewer)]);
    assert!(!check(1, "account tokens", 0).unwrap().may("project:publish"));
    live.apply(vec![Fact::Person(Person { disabled: true, ..person(1) })]);
    assert_eq!(check(1, "account tokens", 0), Err(Refusal::UserDisabled));
}
