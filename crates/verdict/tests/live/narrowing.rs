//! What a credential may do where: the role now, less what it was narrowed to.

use hallpass_core::permission::PermissionTable;
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_verdict::live::fact::{Credential, Member, Principal, Role, Seat};
use hallpass_verdict::{
    Ask, CredentialKind, Decision, Fact, Live, Place, PlaceAsked, Refusal, Rules,
};

use crate::town::*;

const O1: PlaceAsked<'_> = PlaceAsked::Org("o1");
const O2: PlaceAsked<'_> = PlaceAsked::Org("o2");
const P1: PlaceAsked<'_> = PlaceAsked::Project { org: "o1", project: "p1" };
const P2: PlaceAsked<'_> = PlaceAsked::Project { org: "o1", project: "p2" };
/// In another organization.
const P3: PlaceAsked<'_> = PlaceAsked::Project { org: "o2", project: "p3" };

fn places() -> Vec<Fact> {
    vec![
        Fact::Person(person(1)),
        Fact::Org(an_org(1)),
        Fact::Org(an_org(2)),
        Fact::Project(a_project(1, 1)),
        Fact::Project(a_project(2, 1)),
        Fact::Project(a_project(3, 2)),
    ]
}

fn check(live: &Live, n: u8, place: PlaceAsked<'_>) -> Decision {
    let ask = Ask { resource: None, place: Some(place) };
    live.check(&digest(n), &ask, NOW).expect("complete").expect("it is good")
}

/// `org role, project role, permissions`.
fn said(place: Option<&Place>) -> String {
    let Some(place) = place else { return "nothing".to_owned() };
    let org = place.org_role.map_or("-", OrgRole::as_str);
    let project = place.role.map_or("-", ProjectRole::as_str);
    let permissions: Vec<_> = place.permissions.iter().map(String::as_str).collect();
    format!("{org}, {project}, {}", permissions.join(" "))
}

type Change = fn(&mut Credential);
type Row = (Change, Option<OrgRole>, Option<ProjectRole>, PlaceAsked<'static>, String);

// proves: ST08
#[test]
fn the_role_now_less_scope_less_projects() {
    use OrgRole::{Admin, Member, Owner};
    use ProjectRole::{Collaborator, Viewer};
    let plain: Change = |_| {};
    let read: Change = |it| it.scope = Some("account project:read org:read".parse().unwrap());
    let nothing: Change = |it| it.scope = Some("account".parse().unwrap());
    let only_p1: Change = |it| it.projects = vec![project(1)];
    let both: Change = |it| {
        it.projects = vec![project(2), project(1)];
        it.scope = Some("project:publish".parse().unwrap());
    };
    let owner =
        "keys:manage members:manage project:publish project:read settings:manage tokens:manage";
    let all_org = "billing:manage keys:manage members:manage org:manage org:read projects:create";
    let table: [Row; 20] = [
        (plain, None, None, P1, "nothing".into()),
        (plain, None, None, O1, "nothing".into()),
        (plain, None, Some(Viewer), P1, "-, viewer, project:read".into()),
        (
            plain,
            None,
            Some(Collaborator),
            P1,
            "-, collaborator, project:publish project:read".into(),
        ),
        (plain, None, Some(ProjectRole::Owner), P1, format!("-, owner, {owner}")),
        // A role in a project is none in its neighbour, nor in the organization.
        (plain, None, Some(ProjectRole::Owner), P2, "nothing".into()),
        (plain, None, Some(ProjectRole::Owner), O1, "nothing".into()),
        (plain, Some(Member), None, P1, "nothing".into()),
        (plain, Some(Member), Some(Viewer), P1, "member, viewer, project:read".into()),
        // An organization's admins and owners own its projects, and no others.
        (plain, Some(Admin), Some(Viewer), P1, format!("admin, owner, {owner}")),
        (plain, Some(Owner), None, P2, format!("owner, owner, {owner}")),
        (plain, Some(Owner), None, P3, "nothing".into()),
        (plain, Some(Owner), None, O1, format!("owner, -, {all_org}")),
        (plain, Some(Member), None, O1, "member, -, org:read".into()),
        // The scope leaves some permissions; the role is what it is.
        (read, Some(Owner), None, P1, "owner, owner, project:read".into()),
        (read, Some(Owner), None, O1, "owner, -, org:read".into()),
        (nothing, Some(Owner), None, P1, "owner, owner, ".into()),
        // The projects leave some places, and never an organization.
        (only_p1, Some(Owner), None, P1, format!("-, owner, {owner}")),
        (only_p1, Some(Owner), None, P2, "nothing".into()),
        (both, Some(Owner), None, P2, "-, owner, project:publish".into()),
    ];
    for (n, (narrow, org_role, project_role, place, expected)) in table.into_iter().enumerate() {
        let mut token = personal(1, 1);
        narrow(&mut token);
        let mut facts = places();
        facts.push(Fact::Credential(token));
        facts.extend(org_role.map(|role| in_org(1, 1, role)));
        facts.extend(project_role.map(|role| in_project(1, 1, role)));
        let live = live(facts);
        assert_eq!(said(check(&live, 1, place).place.as_ref()), expected, "row {n}");
    }
    let mut facts = places();
    let mut narrowed = personal(1, 1);
    only_p1(&mut narrowed);
    facts.extend([Fact::Credential(narrowed), in_org(1, 1, Owner)]);
    assert_eq!(check(&live(facts), 1, O1).place, None);
}

// proves: ST08
#[test]
fn a_role_that_changes_counts_on_the_next_question() {
    let mut facts = places();
    facts.extend([Fact::Credential(personal(1, 1)), in_project(1, 1, ProjectRole::Owner)]);
    let live = live(facts);
    assert!(check(&live, 1, P1).may("settings:manage"));
    live.apply(vec![in_project(1, 1, ProjectRole::Viewer)]);
    let decision = check(&live, 1, P1);
    assert!(decision.may("project:read") && !decision.may("project:publish"));
    let (principal, seat) = (Principal::User(user(1)), Seat::Project(project(1)));
    live.apply(vec![Fact::MemberGone { principal, seat }]);
    assert_eq!(check(&live, 1, P1).place, None);
    live.apply(vec![in_org(1, 1, OrgRole::Admin)]);
    assert!(check(&live, 1, P1).may("settings:manage"));
    // After the demotion nothing of it is left (attack 28).
    live.apply(vec![in_org(1, 1, OrgRole::Member)]);
    assert_eq!(check(&live, 1, P1).place, None);
    let mut off = a_project(1, 1);
    off.disabled = true;
    live.apply(vec![in_org(1, 1, OrgRole::Owner), Fact::Project(off)]);
    assert_eq!(check(&live, 1, P1).place, None);
    assert!(check(&live, 1, O1).may("org:manage"));
}

#[test]
fn what_is_bound_stays_in_its_project_and_below_its_owner() {
    let mut lent = legacy(2, 1, ProjectRole::Collaborator);
    lent.principal = Principal::User(user(1));
    let mut facts = places();
    facts.push(Fact::Credential(legacy(1, 1, ProjectRole::Collaborator)));
    facts.push(Fact::Credential(lent));
    let live = live(facts);
    let of = |n, place| said(check(&live, n, place).place.as_ref());
    let publishes = "-, collaborator, project:publish project:read";
    assert_eq!(of(1, P1), publishes);
    for elsewhere in [P2, P3, O1] {
        assert_eq!((of(1, elsewhere), of(2, elsewhere)), ("nothing".into(), "nothing".into()));
    }
    assert_eq!(of(2, P1), "nothing", "its owner has no role there");
    live.apply(vec![in_project(1, 1, ProjectRole::Viewer)]);
    assert_eq!(of(2, P1), "-, viewer, project:read");
    live.apply(vec![in_org(1, 1, OrgRole::Owner)]);
    assert_eq!(of(2, P1), publishes);
    let key = check(&live, 1, P1);
    assert_eq!((key.who.kind(), key.who.name(), key.user()), ("key", "laptop", None));
    assert_eq!(check(&live, 2, P1).user(), Some(user(1)));
}

// proves: attack-28
#[test]
fn a_key_of_an_organization_is_its_admin_and_nothing_without_it() {
    let mut key = legacy(1, 1, ProjectRole::Viewer);
    (key.kind, key.bound) = (CredentialKind::OrgKey, Some(Role::Org(org(1), OrgRole::Admin)));
    let mut narrow = key.clone();
    (narrow.id, narrow.digest, narrow.principal) = (token(2), digest(2), Principal::Key(token(2)));
    narrow.scope = Some("project:read billing:manage account".parse().unwrap());
    let mut facts = places();
    facts.extend([Fact::Credential(key), Fact::Credential(narrow)]);
    let live = live(facts);
    let table = PermissionTable::default();
    let permissions = |n, place| check(&live, n, place).place.map(|it| (*it.permissions).clone());
    assert_eq!(permissions(1, O1), Some(table.of_org(OrgRole::Admin)));
    assert_eq!(permissions(1, P1), Some(table.of_project(ProjectRole::Owner)));
    // Another organization and its projects are not there for it.
    assert_eq!((permissions(1, O2), permissions(1, P3)), (None, None));
    assert_eq!(said(check(&live, 2, P1).place.as_ref()), "admin, owner, project:read");
    assert_eq!(said(check(&live, 2, O1).place.as_ref()), "admin, -, ");
    // Whatever roles its principal might be given, it acts with none of them.
    live.apply(vec![Fact::Member(Member {
        principal: Principal::Key(token(1)),
        role: Role::Org(org(2), OrgRole::Owner),
    })]);
    assert_eq!(permissions(1, O2), None);
    let mut off = an_org(1);
    off.disabled = true;
    live.apply(vec![Fact::Org(off)]);
    let ask = Ask { resource: None, place: None };
    assert_eq!(live.check(&digest(1), &ask, NOW), Some(Err(Refusal::PlaceDisabled)));
    live.apply(vec![Fact::Org(an_org(1))]);
    assert_eq!(permissions(1, O1), Some(table.of_org(OrgRole::Admin)));
}

#[test]
fn what_was_not_narrowed_has_every_scope_that_it_could_have() {
    let table = PermissionTable::default();
    let mut scoped = legacy(3, 1, ProjectRole::Viewer);
    scoped.scope = Some("account tokens project:read".parse().unwrap());
    let mut facts = places();
    facts.push(Fact::Credential(personal(1, 1)));
    facts.push(Fact::Credential(legacy(2, 1, ProjectRole::Viewer)));
    facts.push(Fact::Credential(scoped));
    for may_make_tokens in [false, true] {
        let live = Live::of(Rules::new(&table, may_make_tokens), facts.clone());
        let scope = check(&live, 1, P1).scope;
        assert!(table.all().iter().all(|name| scope.contains(name)) && scope.contains("account"));
        assert_eq!(scope.contains("tokens"), may_make_tokens);
        assert_eq!(scope.iter().count(), table.all().len() + 1 + usize::from(may_make_tokens));
        // What its role has where it is bound. Nobody's account, and never a token from a key.
        let key = check(&live, 2, P1).scope;
        assert_eq!(key, table.of_project(ProjectRole::Viewer).iter().map(String::as_str).collect());
        assert!(!key.contains("account") && !key.contains("tokens"));
        assert_eq!(check(&live, 3, P1).scope.to_string(), "project:read");
    }
}

#[test]
fn a_jwt_has_the_role_now_less_its_scope() {
    let mut facts = places();
    facts.extend([Fact::Client(client(1)), Fact::Grant(a_grant(1, 1, 1))]);
    facts.push(in_org(1, 1, OrgRole::Owner));
    let live = live(facts);
    let ask = Ask { resource: Some(API), place: Some(P1) };
    let decision = live.check_jwt(jwt(&a_grant(1, 1, 1), 1), &ask, NOW).unwrap().unwrap();
    assert_eq!(decision.kind, CredentialKind::AccessToken);
    assert_eq!(said(decision.place.as_ref()), "owner, owner, project:read");
}

// proves: H10, RB09
#[test]
fn a_job_is_itself_in_its_one_project_and_nothing_without_it() {
    let mut facts = places();
    let job = of_job(1, 1, ProjectRole::Collaborator);
    facts.extend([Fact::Client(client(1)), Fact::Grant(job.clone())]);
    let live = live(facts);
    let asks = |place| Ask { resource: Some(API), place: Some(place) };
    let check = |place| live.check_jwt(jwt(&job, 1), &asks(place), NOW).unwrap();
    let here = check(P1).unwrap();
    assert_eq!((here.kind, here.who.kind()), (CredentialKind::JobToken, "job"));
    assert_eq!((here.who.name(), here.user()), ("job 1", None));
    assert_eq!(said(here.place.as_ref()), "-, collaborator, project:read");
    for place in [O1, P2, P3] {
        assert_eq!(check(place).unwrap().place, None, "{place:?}");
    }
    // Nobody else has its token, whatever grant that names.
    let mut stolen = jwt(&job, 1);
    stolen.subject = Principal::User(user(1));
    assert_eq!(live.check_jwt(stolen, &asks(P1), NOW), Some(Err(Refusal::Mismatch)));
    live.apply(vec![Fact::GrantEnded(job.id)]);
    assert_eq!(check(P1), Err(Refusal::GrantEnded));
}

#[test]
fn a_place_is_found_by_slug_and_by_id_and_only_in_its_own_organization() {
    let mut facts = places();
    facts.extend([
        Fact::Credential(personal(1, 1)),
        in_org(1, 1, OrgRole::Owner),
        in_org(1, 2, OrgRole::Owner),
    ]);
    let live = live(facts);
    let (o1, p1) = (org(1).to_string(), project(1).to_string());
    for (org, project) in [("o1", "p1"), (&o1, "p1"), ("o1", &p1), (&o1, &p1)] {
        let place = check(&live, 1, PlaceAsked::Project { org, project }).place.unwrap();
        assert_eq!((&*place.org_slug, place.project_slug.as_deref()), ("o1", Some("p1")));
    }
    for (org, project) in [("o2", "p1"), ("o2", &*p1), ("o1", "p3"), ("", "p1"), ("o9", "p9")] {
        let asked = PlaceAsked::Project { org, project };
        assert_eq!(check(&live, 1, asked).place, None, "{org}/{project}");
    }
    // Another slug, and the old one is nobody's.
    let mut renamed = an_org(1);
    renamed.slug = "lab".to_owned();
    live.apply(vec![Fact::Org(renamed)]);
    assert_eq!(check(&live, 1, O1).place, None);
    assert!(check(&live, 1, PlaceAsked::Org("lab")).place.is_some());
    assert!(check(&live, 1, PlaceAsked::Org(&o1)).place.is_some());
}
