//! Against a model that keeps every fact in a map and decides by reading them all.
//!
//! A random history: the database changes, each change is applied at once; meanwhile a
//! background reader reads pages of what was there and hands them in later, when they may
//! be old. Once everything was read, the image answers exactly as the model does.

use std::collections::BTreeMap;

use hallpass_core::permission::{PermissionTable, Permissions, implied};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::{Scope, Timestamp};
use hallpass_verdict::live::fact::{
    Client, Credential, Grant, Holder, Member, Org, Person, Principal, Project, Role, Seat,
};
use hallpass_verdict::{Ask, CredentialKind, Decision, Fact, Live, PlaceAsked};
use proptest::prelude::*;

use crate::town::*;

const PEOPLE: u8 = 3;
const ORGS: u8 = 2;
const PROJECTS: u8 = 3;
const TOKENS: u8 = 6;
const GRANTS: u8 = 3;
const CLIENTS: u8 = 2;

/// The database: whole tables, in the plainest form.
#[derive(Clone, Default)]
struct Model {
    people: BTreeMap<u8, Person>,
    clients: BTreeMap<u8, Client>,
    orgs: BTreeMap<u8, Org>,
    projects: BTreeMap<u8, Project>,
    members: BTreeMap<(Principal, Seat), Role>,
    grants: BTreeMap<u8, Grant>,
    tokens: BTreeMap<u8, Credential>,
    revoked: BTreeMap<u8, Timestamp>,
}

/// A change, the numbers taken modulo what there is.
#[derive(Clone, Debug)]
enum Change {
    Person { n: u8, disabled: bool, admin: bool },
    Client { n: u8, disabled: bool },
    Org { n: u8, renamed: bool, disabled: bool },
    Project { n: u8, disabled: bool },
    Role { who: u8, place: u8, role: Option<u8> },
    Token { n: u8, kind: u8, scope: u8, projects: u8, ends: Option<i64>, overlap: Option<i64> },
    TokenEnded { n: u8 },
    Grant { n: u8, who: u8, client: u8, ends: Option<i64> },
    GrantEnded { n: u8 },
    Jwt { n: u8 },
}

/// A step of the history.
#[derive(Clone, Debug)]
enum Step {
    Change(Change),
    /// The reader reads one table.
    Read(u8),
    /// The reader hands in the oldest page that it holds.
    HandIn,
    /// Time passes.
    Wait(i64),
    /// What is over is forgotten.
    Tidy,
}

impl Model {
    /// Makes a change and says what it means.
    fn change(&mut self, change: &Change) -> Vec<Fact> {
        match *change {
            Change::Person { n, disabled, admin } => {
                let n = n % PEOPLE;
                let person = Person { disabled, admin, ..person(n) };
                self.people.insert(n, person.clone());
                vec![Fact::Person(person)]
            }
            Change::Client { n, disabled } => {
                let n = n % CLIENTS;
                let client = Client { disabled, ..client(n) };
                self.clients.insert(n, client.clone());
                vec![Fact::Client(client)]
            }
            Change::Org { n, renamed, disabled } => {
                let n = n % ORGS;
                let slug = format!("o{n}{}", if renamed { "x" } else { "" });
                let org = Org { slug, disabled, ..an_org(n) };
                self.orgs.insert(n, org.clone());
                vec![Fact::Org(org)]
            }
            Change::Project { n, disabled } => {
                let n = n % PROJECTS;
                let project = Project { disabled, ..a_project(n, n % ORGS) };
                self.projects.insert(n, project.clone());
                vec![Fact::Project(project)]
            }
            Change::Role { who, place, role } => {
                let principal = Principal::User(user(who % PEOPLE));
                let place = place % (ORGS + PROJECTS);
                let seat = match place.checked_sub(ORGS) {
                    Some(n) => Seat::Project(project(n)),
                    None => Seat::Org(org(place)),
                };
                let Some(role) = role else {
                    self.members.remove(&(principal, seat));
                    return vec![Fact::MemberGone { principal, seat }];
                };
                let role = match seat {
                    Seat::Org(id) => Role::Org(id, org_role(role)),
                    Seat::Project(id) => Role::Project(id, project_role(role)),
                };
                self.members.insert((principal, seat), role);
                vec![Fact::Member(Member { principal, role })]
            }
            Change::Token { n, kind, scope, projects, ends, overlap } => {
                let n = n % TOKENS;
                let token = a_token(n, kind, scope, projects, ends, overlap);
                self.tokens.insert(n, token.clone());
                vec![Fact::Credential(token)]
            }
            Change::TokenEnded { n } => {
                self.tokens.remove(&(n % TOKENS));
                vec![Fact::CredentialEnded(digest(n % TOKENS))]
            }
            Change::Grant { n, who, client, ends } => {
                let n = n % GRANTS;
                let mut grant = a_grant(n, who % PEOPLE, client % CLIENTS);
                grant.expires_at = ends.map(at);
                self.grants.insert(n, grant.clone());
                vec![Fact::Grant(grant)]
            }
            Change::GrantEnded { n } => {
                self.grants.remove(&(n % GRANTS));
                vec![Fact::GrantEnded(grant(n % GRANTS))]
            }
            Change::Jwt { n } => {
                let (n, until) = (n % GRANTS, at(300_000));
                self.revoked.insert(n, until);
                vec![Fact::JwtRevoked { jti: format!("jti_{n}"), until }]
            }
        }
    }

    /// One table, as the background reader reads it.
    fn table(&self, n: u8) -> Vec<Fact> {
        match n % TABLES {
            0 => self.people.values().cloned().map(Fact::Person).collect(),
            1 => self.clients.values().cloned().map(Fact::Client).collect(),
            2 => self.orgs.values().cloned().map(Fact::Org).collect(),
            3 => self.projects.values().cloned().map(Fact::Project).collect(),
            4 => {
                let member = |((principal, _), role): (&(Principal, Seat), &Role)| {
                    Fact::Member(Member { principal: *principal, role: *role })
                };
                self.members.iter().map(member).collect()
            }
            5 => self.grants.values().cloned().map(Fact::Grant).collect(),
            6 => self.tokens.values().cloned().map(Fact::Credential).collect(),
            _ => {
                let revoked = |(n, until): (&u8, &Timestamp)| Fact::JwtRevoked {
                    jti: format!("jti_{n}"),
                    until: *until,
                };
                self.revoked.iter().map(revoked).collect()
            }
        }
    }

    /// What a token may do at a place, or `None` if it is not good.
    fn token(&self, n: u8, place: Option<PlaceAsked<'_>>, now: Timestamp) -> Option<Verdict> {
        let token = self.tokens.get(&n)?;
        let over = |end: Option<Timestamp>| end.is_some_and(|end| now >= end);
        if over(token.expires_at) || over(token.overlap_until) {
            return None;
        }
        if let Principal::User(id) = token.principal
            && self.people.values().find(|person| person.id == id)?.disabled
        {
            return None;
        }
        match token.bound {
            Some(Role::Project(id, _)) => self.standing_project(id).map(|_| ())?,
            Some(Role::Org(id, _)) => {
                self.orgs.values().find(|org| org.id == id && !org.disabled)?;
            }
            None => {}
        }
        let personal = token.kind == CredentialKind::PersonalToken;
        let all = all_of(token.bound);
        let mut scope: Vec<&str> = match &token.scope {
            Some(scope) => scope.iter().collect(),
            None => all.iter().map(String::as_str).chain(["account"]).collect(),
        };
        if !personal {
            scope.retain(|name| !["account", "tokens"].contains(name));
        }
        let scope: Scope = scope.into_iter().collect();
        let place = place.and_then(|asked| {
            let (place, in_org, in_project) = self.roles(token.principal, asked)?;
            let narrowed = !token.projects.is_empty();
            let allowed = |id| !narrowed || token.projects.contains(&id);
            match (place, token.bound) {
                (Seat::Org(_), None) if !narrowed => {
                    let may = PermissionTable::default().of_org(in_org?);
                    Some((in_org, None, only(may, &scope)))
                }
                (Seat::Project(id), None) if allowed(id) => {
                    let may = PermissionTable::default().of_project(in_project?);
                    Some((in_org.filter(|_| !narrowed), in_project, only(may, &scope)))
                }
                (Seat::Org(id), Some(Role::Org(bound, role))) if id == bound => {
                    let may = PermissionTable::default().of_org(role);
                    Some((Some(role), None, only(may, &scope)))
                }
                (Seat::Project(id), Some(Role::Org(bound, role)))
                    if self.standing_project(id).is_some_and(|it| it.org == bound) =>
                {
                    let there = implied(role)?;
                    let may = PermissionTable::default().of_project(there);
                    Some((Some(role), Some(there), only(may, &scope)))
                }
                (Seat::Project(id), Some(Role::Project(bound, role))) if id == bound => {
                    let role = match token.principal {
                        Principal::Key(_) | Principal::Job(_) => role,
                        Principal::User(_) | Principal::Agent(_) => role.min(in_project?),
                    };
                    let may = PermissionTable::default().of_project(role);
                    Some((None, Some(role), only(may, &scope)))
                }
                _ => None,
            }
        });
        let ends = [token.expires_at, token.overlap_until].into_iter().flatten().min();
        Some(Verdict { kind: token.kind, scope, ends, place })
    }

    /// The same for the JWT of a grant.
    fn jwt(&self, n: u8, place: Option<PlaceAsked<'_>>, now: Timestamp) -> Option<Verdict> {
        let grant = self.grants.get(&n)?;
        let Holder::Person(user) = grant.holder else { return None };
        let person = self.people.values().find(|person| person.id == user)?;
        let client = self.clients.values().find(|client| client.id == grant.client_id)?;
        let over = grant.expires_at.is_some_and(|end| now >= end) || now >= at(300_000);
        if over || person.disabled || client.disabled || self.revoked.contains_key(&n) {
            return None;
        }
        let place = place.and_then(|asked| {
            let principal = Principal::User(user);
            let (place, in_org, in_project) = self.roles(principal, asked)?;
            let table = PermissionTable::default();
            match place {
                Seat::Org(_) => Some((in_org, None, only(table.of_org(in_org?), &grant.scope))),
                Seat::Project(_) => {
                    let may = table.of_project(in_project?);
                    Some((in_org, in_project, only(may, &grant.scope)))
                }
            }
        });
        let (kind, scope) = (CredentialKind::AccessToken, grant.scope.clone());
        Some(Verdict { kind, scope, ends: Some(at(300_000)), place })
    }

    fn standing_project(&self, id: hallpass_core::id::ProjectId) -> Option<&Project> {
        let project = self.projects.values().find(|it| it.id == id && !it.disabled)?;
        let org = self.orgs.values().find(|it| it.id == project.org && !it.disabled);
        org.map(|_| project)
    }

    /// The place that is asked about, the role in its organization, and the one in it.
    fn roles(
        &self,
        who: Principal,
        asked: PlaceAsked<'_>,
    ) -> Option<(Seat, Option<OrgRole>, Option<ProjectRole>)> {
        let (PlaceAsked::Org(slug) | PlaceAsked::Project { org: slug, .. }) = asked;
        let org = self.orgs.values().find(|it| it.slug == slug && !it.disabled)?;
        let in_org = match self.members.get(&(who, Seat::Org(org.id))) {
            Some(Role::Org(_, role)) => Some(*role),
            _ => None,
        };
        let PlaceAsked::Project { project: slug, .. } = asked else {
            return Some((Seat::Org(org.id), in_org, None));
        };
        let project = self.projects.values().find(|it| it.slug == slug && it.org == org.id)?;
        let project = self.standing_project(project.id)?;
        let own = match self.members.get(&(who, Seat::Project(project.id))) {
            Some(Role::Project(_, role)) => Some(*role),
            _ => None,
        };
        Some((Seat::Project(project.id), in_org, in_org.and_then(implied).max(own)))
    }
}

const TABLES: u8 = 8;

#[derive(Debug, PartialEq)]
struct Verdict {
    kind: CredentialKind,
    scope: Scope,
    ends: Option<Timestamp>,
    place: Option<(Option<OrgRole>, Option<ProjectRole>, Permissions)>,
}

impl From<Decision> for Verdict {
    fn from(decision: Decision) -> Self {
        let place = decision.place;
        Self {
            kind: decision.kind,
            scope: decision.scope.clone(),
            ends: decision.expires_at,
            place: place.map(|it| (it.org_role, it.role, Permissions::clone(&it.permissions))),
        }
    }
}

fn only(may: Permissions, scope: &Scope) -> Permissions {
    may.into_iter().filter(|name| scope.contains(name)).collect()
}

fn org_role(n: u8) -> OrgRole {
    [OrgRole::Member, OrgRole::Admin, OrgRole::Owner][usize::from(n % 3)]
}

fn project_role(n: u8) -> ProjectRole {
    [ProjectRole::Viewer, ProjectRole::Collaborator, ProjectRole::Owner][usize::from(n % 3)]
}

fn a_token(
    n: u8,
    kind: u8,
    scope: u8,
    projects: u8,
    ends: Option<i64>,
    overlap: Option<i64>,
) -> Credential {
    let scopes = [None, Some("account project:read"), Some("tokens project:publish org:read")];
    let bound = (project(projects % PROJECTS), project_role(scope));
    let token = match kind % 4 {
        0 => Credential {
            projects: (0..PROJECTS).filter(|p| projects & (1 << p) != 0).map(project).collect(),
            ..personal(n, n % PEOPLE)
        },
        1 => legacy(n, projects % PROJECTS, bound.1),
        2 => Credential {
            kind: CredentialKind::OrgKey,
            principal: Principal::Key(token(n)),
            bound: Some(Role::Org(org(projects % ORGS), org_role(scope))),
            ..personal(n, 0)
        },
        _ => Credential {
            kind: CredentialKind::LegacyToken,
            bound: Some(Role::Project(bound.0, bound.1)),
            ..personal(n, n % PEOPLE)
        },
    };
    Credential {
        scope: scopes[usize::from(scope) % scopes.len()].map(|it| it.parse().unwrap()),
        expires_at: ends.map(at),
        overlap_until: overlap.map(at),
        ..token
    }
}

fn ends() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![3 => Just(None), 1 => (1..200_i64).prop_map(Some)]
}

/// Disabled now and then.
fn off() -> impl Strategy<Value = bool> {
    prop_oneof![4 => Just(false), 1 => Just(true)]
}

fn changes() -> impl Strategy<Value = Change> {
    let n = any::<u8>;
    prop_oneof![
        2 => (n(), off(), n()).prop_map(|(n, disabled, admin)| {
            Change::Person { n, disabled, admin: admin % 2 == 0 }
        }),
        1 => (n(), off()).prop_map(|(n, disabled)| Change::Client { n, disabled }),
        1 => (n(), off(), off()).prop_map(|(n, renamed, disabled)| {
            Change::Org { n, renamed, disabled }
        }),
        1 => (n(), off()).prop_map(|(n, disabled)| Change::Project { n, disabled }),
        4 => (n(), n(), prop::option::weighted(0.7, n())).prop_map(|(who, place, role)| {
            Change::Role { who, place, role }
        }),
        4 => (n(), n(), n(), n(), ends(), ends()).prop_map(
            |(n, kind, scope, projects, ends, overlap)| {
                Change::Token { n, kind, scope, projects, ends, overlap }
            }
        ),
        2 => n().prop_map(|n| Change::TokenEnded { n }),
        3 => (n(), n(), n(), ends()).prop_map(|(n, who, client, ends)| {
            Change::Grant { n, who, client, ends }
        }),
        1 => n().prop_map(|n| Change::GrantEnded { n }),
        1 => n().prop_map(|n| Change::Jwt { n }),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => changes().prop_map(Step::Change),
        3 => any::<u8>().prop_map(Step::Read),
        2 => Just(Step::HandIn),
        1 => (1..40_i64).prop_map(Step::Wait),
    ]
}

fn later_steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => changes().prop_map(Step::Change),
        1 => (1..40_i64).prop_map(Step::Wait),
        1 => Just(Step::Tidy),
    ]
}

/// Every question that can be asked, answered by both.
fn agree(model: &Model, live: &Live, now: Timestamp) -> Result<(), TestCaseError> {
    let mut places = vec![None, Some(PlaceAsked::Org("o0")), Some(PlaceAsked::Org("o1x"))];
    let slugs = ["o0", "o1", "o0x", "o1x"];
    places.extend(slugs.into_iter().flat_map(|org| {
        ["p0", "p1", "p2"].map(|project| Some(PlaceAsked::Project { org, project }))
    }));
    for place in places {
        let ask = Ask { resource: None, place };
        for n in 0..TOKENS {
            let answer = live.check(&digest(n), &ask, now).expect("complete");
            let expected = model.token(n, place, now);
            prop_assert_eq!(answer.ok().map(Verdict::from), expected, "token {} {:?}", n, place);
        }
        for n in 0..GRANTS {
            let Some(grant) = model.grants.get(&n).cloned().or_else(|| Some(a_grant(n, 0, 0)))
            else {
                continue;
            };
            let answer = live.check_jwt(jwt(&grant, n), &ask, now).expect("complete");
            let expected = model.jwt(n, place, now);
            prop_assert_eq!(answer.ok().map(Verdict::from), expected, "grant {} {:?}", n, place);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    // proves: attack-28, attack-30
    #[test]
    fn the_image_answers_as_the_database_would(
        before in prop::collection::vec(changes(), 0..60),
        during in prop::collection::vec(steps(), 0..60),
        after in prop::collection::vec(later_steps(), 0..60),
    ) {
        let mut model = Model::default();
        for change in &before {
            model.change(change);
        }
        let live = Live::new(rules());
        let (mut now, mut pages) = (NOW, Vec::new());
        let mut missing: Vec<u8> = (0..TABLES).collect();
        for step in &during {
            match step {
                Step::Change(change) => live.apply(model.change(change)),
                Step::Read(n) => {
                    missing.retain(|table| *table != n % TABLES);
                    pages.push(model.table(*n));
                }
                Step::HandIn if !pages.is_empty() => live.fill(pages.remove(0)),
                Step::HandIn | Step::Tidy => {}
                Step::Wait(millis) => now = Timestamp::from_millis(now.millis() + millis),
            }
            prop_assert!(live.check(&digest(0), &Ask::default(), now).is_none());
        }
        pages.extend(missing.into_iter().map(|table| model.table(table)));
        // In whatever order: what was read last does not come last.
        pages.into_iter().rev().for_each(|page| live.fill(page));
        live.complete();
        agree(&model, &live, now)?;

        for step in &after {
            match step {
                Step::Change(change) => live.apply(model.change(change)),
                Step::Wait(millis) => now = Timestamp::from_millis(now.millis() + millis),
                Step::Tidy => live.tidy(now),
                Step::Read(_) | Step::HandIn => {}
            }
        }
        agree(&model, &live, now)?;

        // As one that is built from the database at once.
        let built = Live::of(rules(), (0..TABLES).flat_map(|table| model.table(table)));
        prop_assert_eq!(live.describe(now), built.describe(now));
    }
}
