//! Tokens of an older system: taken over, they may no more than before, whatever happens
//! afterwards.

use std::collections::BTreeSet;

use hallpass_core::brand::Brand;
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::scope::{ACCOUNT, TOKENS};
use hallpass_core::wire::tokens::{NewLegacyToken, NewToken};
use hallpass_store::{Place, Store};
use hallpass_verdict::{Ask, CredentialKind, PlaceAsked};
use proptest::prelude::*;

use super::house::{House, config, home};
use crate::Config;
use crate::admin::AdminError;
use crate::legacy::salted::tests::{argon2id, bcrypted};
use crate::legacy::{Defaults, LegacyError, Phase, Step};
use crate::tokens::Actor;

const ORGS: [&str; 2] = ["acme", "beta"];
const PROJECTS: [(&str, &str); 3] = [("acme", "site"), ("acme", "docs"), ("beta", "site")];
const PEOPLE: [&str; 2] = ["ada@example.com", "bo@example.com"];
const OPERATOR: Actor<'_> = Actor::Operator;

/// What a token of the older system was: where it was good, as what, and whose it was.
#[derive(Clone, Debug)]
struct Before {
    project: usize,
    role: ProjectRole,
    owner: Option<usize>,
    kept: Kept,
    /// Somebody presents it at once; else only when it says so, or at the end.
    shown: bool,
}

/// What is known of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Sha256,
    Sha512,
    Bcrypt,
    Argon2id,
    /// It was not taken over, but made here, by its owner.
    Minted,
}

/// What may happen afterwards.
#[derive(Clone, Debug)]
enum Event {
    OrgRole(usize, usize, Option<OrgRole>),
    ProjectRole(usize, usize, Option<ProjectRole>),
    /// Somebody imports it again, for another project, as more, as somebody else's.
    ImportAgain(usize, usize, Option<usize>),
    Phase(Phase),
    Sunset(Option<u64>),
    Pass(u64),
    /// Somebody presents it.
    Present(usize),
    Revoke(usize),
    RevokeAllOf(usize),
    Disable(usize),
    Enable(usize),
    /// The person behind it uses a token of their own from now on, and gives it back.
    Consolidate(usize),
}

fn project_role() -> impl Strategy<Value = ProjectRole> {
    use ProjectRole::{Collaborator, Owner, Viewer};
    prop_oneof![Just(Viewer), Just(Collaborator), Just(Owner)]
}

fn org_role() -> impl Strategy<Value = OrgRole> {
    use OrgRole::{Admin, Member, Owner};
    prop_oneof![Just(Member), Just(Admin), Just(Owner)]
}

fn before() -> impl Strategy<Value = Before> {
    use Kept::{Argon2id, Bcrypt, Minted, Sha256, Sha512};
    let kept = prop_oneof![Just(Sha256), Just(Sha512), Just(Bcrypt), Just(Argon2id), Just(Minted)];
    let owner = proptest::option::of(0..PEOPLE.len());
    (0..PROJECTS.len(), project_role(), owner, kept, any::<bool>()).prop_map(
        |(project, role, owner, kept, shown)| {
            // Whoever makes one is its owner.
            let owner = owner.or((kept == Minted).then_some(0));
            Before { project, role, owner, kept, shown }
        },
    )
}

fn event(tokens: usize) -> impl Strategy<Value = Event> {
    let (person, project) = (0..PEOPLE.len(), 0..PROJECTS.len());
    let phase = prop_oneof![Just(Phase::A), Just(Phase::B), Just(Phase::C)];
    prop_oneof![
        3 => (person.clone(), 0..ORGS.len(), proptest::option::of(org_role()))
            .prop_map(|(who, org, role)| Event::OrgRole(who, org, role)),
        3 => (person.clone(), project.clone(), proptest::option::of(project_role()))
            .prop_map(|(who, at, role)| Event::ProjectRole(who, at, role)),
        2 => (0..tokens, project.clone(), proptest::option::of(person.clone()))
            .prop_map(|(token, at, owner)| Event::ImportAgain(token, at, owner)),
        1 => phase.prop_map(Event::Phase),
        1 => proptest::option::of(1..100_000u64).prop_map(Event::Sunset),
        1 => (1..50_000u64).prop_map(Event::Pass),
        2 => (0..tokens).prop_map(Event::Present),
        1 => (0..tokens).prop_map(Event::Revoke),
        1 => project.prop_map(Event::RevokeAllOf),
        1 => person.clone().prop_map(Event::Disable),
        1 => person.prop_map(Event::Enable),
        1 => (0..tokens).prop_map(Event::Consolidate),
    ]
}

fn history() -> impl Strategy<Value = (Vec<Before>, Vec<Event>)> {
    proptest::collection::vec(before(), 1..5).prop_flat_map(|tokens| {
        let events = proptest::collection::vec(event(tokens.len()), 0..20);
        (Just(tokens), events)
    })
}

fn text(token: usize) -> String {
    format!("stk_{token:04}-of-the-older-system")
}

/// Hash, lookup and length, as they stand in a file. Two tokens share a lookup.
fn hash(text: &str, kept: Kept) -> String {
    use aws_lc_rs::digest;
    let hex = |algorithm| {
        let hash = digest::digest(algorithm, text.as_bytes());
        hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let hash = match kept {
        Kept::Sha256 | Kept::Minted => hex(&digest::SHA256),
        Kept::Sha512 => hex(&digest::SHA512),
        Kept::Bcrypt => bcrypted(text),
        // Its parameters are apart by commas.
        Kept::Argon2id => format!("\"{}\"", argon2id(text)),
    };
    format!("{hash},{},{}", &text[4..8], text.len())
}

fn place(project: usize) -> String {
    let (org, slug) = PROJECTS[project];
    format!("{org}/{slug}")
}

async fn house() -> House {
    let mut brand = Brand::hallpass();
    brand.tokens.legacy_prefix = Some("stk_".to_owned());
    let store = Store::open(&Place::Memory).await.unwrap();
    House::over(store, Config { brand, ..config() }).await
}

/// A house with its organizations and people, and the tokens taken over.
struct Moved {
    house: House,
    tokens: Vec<Before>,
    texts: Vec<String>,
    ids: Vec<String>,
    /// Those that somebody presents.
    shown: BTreeSet<usize>,
    /// A token of each person's own: what they may do now.
    own: Vec<String>,
    /// Those that have ended once.
    over: BTreeSet<usize>,
}

impl Moved {
    async fn in_with(tokens: Vec<Before>) -> Self {
        let house = house().await;
        let issuer = &house.issuer;
        for org in ORGS {
            issuer.create_org(org, None, None, &OPERATOR, &home()).await.unwrap();
        }
        for (org, slug) in PROJECTS {
            issuer.create_project(org, slug, None, &OPERATOR, &home()).await.unwrap();
        }
        let mut own = Vec::new();
        for email in PEOPLE {
            house.person(email).await;
            let user = Some(email.to_owned());
            let new = NewToken { name: "own".to_owned(), user, ..NewToken::default() };
            let made = issuer.create_token(&OPERATOR, new, &home()).await.unwrap();
            own.push(made.value.expose().to_owned());
        }
        issuer.step_legacy(Step::default(), "system").await.unwrap();
        let (mut texts, mut ids) = (Vec::new(), Vec::new());
        for (n, before) in tokens.iter().enumerate() {
            let (text, id) = match before.kept {
                Kept::Minted => made(&house, before, n).await,
                _ => taken_over(&house, before, n).await,
            };
            texts.push(text);
            ids.push(id);
        }
        let shown = (0..tokens.len()).filter(|n| tokens[*n].shown).collect();
        Self { house, tokens, texts, ids, shown, own, over: BTreeSet::new() }
    }

    async fn happen(&mut self, event: Event) {
        let issuer = &self.house.issuer;
        let at = home();
        match event {
            Event::OrgRole(who, org, Some(role)) => {
                let _ = issuer.set_org_member(&OPERATOR, ORGS[org], PEOPLE[who], role, &at).await;
            }
            Event::OrgRole(who, org, None) => {
                let _ = issuer.remove_member(&OPERATOR, ORGS[org], None, PEOPLE[who], &at).await;
            }
            Event::ProjectRole(who, project, role) => {
                let (org, slug) = PROJECTS[project];
                let who = PEOPLE[who];
                let _ = match role {
                    Some(role) => issuer
                        .set_project_member(&OPERATOR, org, slug, who, role, &at)
                        .await
                        .map(drop),
                    None => issuer.remove_member(&OPERATOR, org, Some(slug), who, &at).await,
                };
            }
            Event::ImportAgain(token, project, owner) => {
                let before = &self.tokens[token];
                let defaults = Defaults {
                    project: Some(place(project)),
                    role: Some(ProjectRole::Owner),
                    owner: owner.map(|who| PEOPLE[who].to_owned()),
                };
                let line = hash(&self.texts[token], before.kept);
                let file = format!("hash,lookup,length\n{line}\n");
                let again = issuer.import_legacy(&file, defaults, "system").await;
                match again {
                    Ok(done) => assert_eq!(done.imported, 0, "it was known"),
                    Err(LegacyError::File(_)) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            Event::Phase(phase) => {
                let step = Step { phase: Some(phase), back: true, ..Step::default() };
                issuer.step_legacy(step, "system").await.unwrap();
            }
            Event::Sunset(secs) => {
                let ends = secs.map(|secs| issuer.now() + std::time::Duration::from_secs(secs));
                let step = Step { sunset: Some(ends), back: true, ..Step::default() };
                issuer.step_legacy(step, "system").await.unwrap();
            }
            Event::Pass(secs) => {
                self.house.pass(secs);
                issuer.tend().await.unwrap();
            }
            Event::Present(token) => drop(self.shown.insert(token)),
            Event::Revoke(token) | Event::Consolidate(token) => self.revoke(token).await,
            Event::RevokeAllOf(project) => {
                issuer.revoke_legacy_of(&place(project), "system").await.unwrap();
                let of = self.tokens.iter().enumerate().filter(|(_, it)| it.project == project);
                self.over.extend(of.map(|(n, _)| n));
            }
            Event::Disable(who) => {
                let user = issuer.0.store.users().by_email(PEOPLE[who]).await.unwrap().unwrap();
                match issuer.disable_user(user.id, "system").await {
                    Ok(_) => {}
                    // The last owner of an organization stays, and all of theirs with them.
                    Err(AdminError::LastOwner(_)) => return,
                    Err(other) => panic!("{other}"),
                }
                let of = self.tokens.iter().enumerate().filter(|(_, it)| it.owner == Some(who));
                self.over.extend(of.map(|(n, _)| n));
            }
            Event::Enable(who) => {
                let user = issuer.0.store.users().by_email(PEOPLE[who]).await.unwrap().unwrap();
                issuer.enable_user(user.id, "system").await.unwrap();
            }
        }
    }

    async fn revoke(&mut self, token: usize) {
        self.house.issuer.revoke_legacy(&self.ids[token], "system").await.unwrap();
        self.over.insert(token);
    }

    /// What a text may do at each place now, and that it has no more than that.
    async fn may(&self, text: &str, kind: CredentialKind) -> Vec<BTreeSet<String>> {
        let orgs = ORGS.map(PlaceAsked::Org);
        let projects = PROJECTS.map(|(org, project)| PlaceAsked::Project { org, project });
        let mut may = Vec::new();
        for place in projects.into_iter().chain(orgs) {
            let ask = Ask { resource: None, place: Some(place) };
            let Ok(decision) = self.house.issuer.check(text, &ask).await.unwrap() else {
                may.push(BTreeSet::new());
                continue;
            };
            assert_eq!(decision.kind, kind);
            if kind == CredentialKind::LegacyToken {
                assert!(!decision.scope.contains(ACCOUNT) && !decision.scope.contains(TOKENS));
            }
            let permissions = decision.place.map(|place| (*place.permissions).clone());
            may.push(permissions.unwrap_or_default());
        }
        may
    }

    async fn holds(&mut self) {
        let roles = self.house.issuer.config().brand.roles.clone();
        let mut own = Vec::new();
        for text in &self.own {
            own.push(self.may(text, CredentialKind::PersonalToken).await);
        }
        let ends = self.house.issuer.legacy_move().unwrap().sunset;
        if ends.is_some_and(|at| self.house.issuer.now() >= at) {
            self.over.extend(0..self.tokens.len());
        }
        for (n, before) in self.tokens.iter().enumerate() {
            if !self.shown.contains(&n) {
                continue;
            }
            let now = self.may(&self.texts[n], CredentialKind::LegacyToken).await;
            for (place, permissions) in now.iter().enumerate() {
                let then = match place == before.project {
                    true => roles.of_project(before.role),
                    false => BTreeSet::new(),
                };
                assert!(permissions.is_subset(&then), "{before:?} at {place}: {permissions:?}");
                if let Some(who) = before.owner {
                    let theirs = &own[who][place];
                    assert!(permissions.is_subset(theirs), "{before:?}: {permissions:?}");
                }
                assert!(permissions.is_empty() || !self.over.contains(&n), "{n} is over");
                // It is not that nothing works: what stands for itself may what it could.
                if before.owner.is_none() && !self.over.contains(&n) {
                    assert_eq!(permissions, &then);
                }
            }
        }
    }
}

/// Takes a token over, and says its text and id.
async fn taken_over(house: &House, before: &Before, n: usize) -> (String, String) {
    let text = text(n);
    let owner = before.owner.map(|who| PEOPLE[who]).unwrap_or_default();
    let (place, role) = (place(before.project), before.role.as_str());
    let line = hash(&text, before.kept);
    let file =
        format!("hash,lookup,length,name,owner,project,role\n{line},t{n},{owner},{place},{role}\n");
    let done = house.issuer.import_legacy(&file, Defaults::default(), "system").await.unwrap();
    assert_eq!(done.imported, 1);
    let report = house.issuer.legacy_report(None).await.unwrap();
    let found = report.iter().find(|it| it.token.name == format!("t{n}")).unwrap();
    (text, found.token.id.to_string())
}

/// Has one made by its owner, who owns the project for that moment.
async fn made(house: &House, before: &Before, n: usize) -> (String, String) {
    let issuer = &house.issuer;
    let who = PEOPLE[before.owner.unwrap()];
    let (org, project) = PROJECTS[before.project];
    let user = issuer.0.store.users().by_email(who).await.unwrap().unwrap();
    let owns = ProjectRole::Owner;
    issuer.set_project_member(&OPERATOR, org, project, who, owns, &home()).await.unwrap();
    let new = NewLegacyToken { name: format!("t{n}"), role: Some(before.role) };
    let actor = Actor::Person(&user);
    let made = issuer.mint_legacy(&actor, (org, project), new, &home()).await.unwrap();
    issuer.remove_member(&OPERATOR, org, Some(project), who, &home()).await.unwrap();
    (made.value.expose().to_owned(), made.id)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    // proves: attack-50
    #[test]
    fn no_history_gives_a_legacy_token_more_than_it_had((tokens, events) in history()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut moved = Moved::in_with(tokens).await;
            moved.holds().await;
            for event in events {
                moved.happen(event).await;
                moved.holds().await;
            }
            // Whatever nobody has presented so far.
            moved.shown.extend(0..moved.tokens.len());
            moved.holds().await;
        });
    }
}

#[tokio::test]
async fn a_legacy_token_is_none_at_our_own_api() {
    let (project, role, owner) = (0, ProjectRole::Owner, Some(0));
    let before = Before { project, role, owner, kept: Kept::Sha512, shown: true };
    let moved = Moved::in_with(vec![before]).await;
    let issuer = &moved.house.issuer;
    issuer.set_org_member(&OPERATOR, "acme", PEOPLE[0], OrgRole::Owner, &home()).await.unwrap();
    let api = issuer.config().public_url.default_resource();
    let decision = issuer.verify(&text(0), api).await.unwrap();
    assert!(!decision.scope.contains(ACCOUNT) && !decision.scope.contains(TOKENS));
    // Nor does it make a token, or anything else that its owner could.
    let bearer = Actor::Bearer(&decision);
    let new = NewToken { name: "x".to_owned(), ..NewToken::default() };
    assert!(issuer.create_token(&bearer, new, &home()).await.is_err());
    assert!(issuer.create_project("acme", "new", None, &bearer, &home()).await.is_err());
}
