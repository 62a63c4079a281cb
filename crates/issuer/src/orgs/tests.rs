//! Organizations and roles against a store in memory.

use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::wire::tokens::NewToken;
use hallpass_verdict::{Ask, CredentialKind, Decision};

use super::OrgError;
use crate::SignedIn;
use crate::tests::house::{House, home};
use crate::tokens::Actor;

#[track_caller]
fn refused<T>(result: Result<T, OrgError>) -> &'static str {
    match result {
        Ok(_) => "nothing",
        Err(OrgError::NotAllowed(_)) => "not allowed",
        Err(OrgError::Unknown(_)) => "unknown",
        Err(OrgError::SlugTaken) => "slug taken",
        Err(OrgError::KeysMade(_)) => "keys",
        Err(OrgError::LastOwner) => "last owner",
        Err(OrgError::Invalid { code, .. }) => code,
        Err(OrgError::Failed(error)) => panic!("{error}"),
    }
}

/// The organization `lab` of Ada with the project `tools`, and others to be given roles.
struct Lab {
    house: House,
    ada: SignedIn,
    bo: SignedIn,
    cy: SignedIn,
}

impl Lab {
    async fn new() -> Self {
        let house = House::new().await;
        let ada = house.ada().await;
        let bo = house.person("bo@example.com").await;
        let cy = house.person("cy@example.com").await;
        let actor = Actor::Person(&ada.user);
        house.issuer.create_org("lab", Some("The Lab"), None, &actor, &home()).await.unwrap();
        house.issuer.create_project("lab", "tools", None, &actor, &home()).await.unwrap();
        Self { house, ada, bo, cy }
    }

    async fn in_org(&self, by: &SignedIn, user: &SignedIn, role: OrgRole) -> Result<(), OrgError> {
        let (actor, user) = (Actor::Person(&by.user), &user.user.email);
        let set = self.house.issuer.set_org_member(&actor, "lab", user, role, &home()).await;
        set.map(drop)
    }

    async fn in_project(
        &self,
        by: &SignedIn,
        user: &SignedIn,
        role: ProjectRole,
    ) -> Result<(), OrgError> {
        let (actor, user) = (Actor::Person(&by.user), user.user.id.to_string());
        let issuer = &self.house.issuer;
        issuer.set_project_member(&actor, "lab", "tools", &user, role, &home()).await.map(drop)
    }

    async fn out(
        &self,
        by: &SignedIn,
        project: Option<&str>,
        user: &SignedIn,
    ) -> Result<(), OrgError> {
        let (actor, user) = (Actor::Person(&by.user), &user.user.email);
        self.house.issuer.remove_member(&actor, "lab", project, user, &home()).await
    }

    async fn make_project(&self, by: &SignedIn, slug: &str) -> Result<(), OrgError> {
        let actor = Actor::Person(&by.user);
        self.house.issuer.create_project("lab", slug, None, &actor, &home()).await.map(drop)
    }

    async fn token(&self, who: &SignedIn, scope: Option<&str>, projects: &[&str]) -> Decision {
        let new = NewToken {
            name: format!("{scope:?} {projects:?}"),
            scope: scope.map(|scope| scope.parse().unwrap()),
            projects: projects.iter().map(|name| (*name).to_owned()).collect(),
            ..NewToken::default()
        };
        let issuer = &self.house.issuer;
        let made = issuer.create_token(&Actor::Person(&who.user), new, &home()).await.unwrap();
        issuer.check(made.value.expose(), &Ask::default()).await.unwrap().unwrap()
    }
}

// proves: attack-28
#[tokio::test]
async fn rights_are_those_of_the_role_now() {
    let lab = Lab::new().await;
    let (ada, bo, cy) = (&lab.ada, &lab.bo, &lab.cy);
    assert_eq!(refused(lab.make_project(bo, "one").await), "unknown");
    lab.in_org(ada, bo, OrgRole::Member).await.unwrap();
    assert_eq!(refused(lab.make_project(bo, "one").await), "not allowed");
    lab.in_org(ada, bo, OrgRole::Admin).await.unwrap();
    lab.make_project(bo, "one").await.unwrap();
    lab.in_project(bo, cy, ProjectRole::Owner).await.unwrap();
    // Demoted, the next action knows.
    lab.in_org(ada, bo, OrgRole::Member).await.unwrap();
    assert_eq!(refused(lab.make_project(bo, "two").await), "not allowed");
    assert_eq!(refused(lab.in_project(bo, cy, ProjectRole::Viewer).await), "unknown");
    // The project's owner manages it, and not the organization.
    lab.in_project(cy, bo, ProjectRole::Viewer).await.unwrap();
    assert_eq!(refused(lab.in_org(cy, bo, OrgRole::Owner).await), "unknown");
    assert_eq!(refused(lab.in_project(bo, bo, ProjectRole::Owner).await), "not allowed");
    lab.out(cy, Some("tools"), bo).await.unwrap();
    assert_eq!(refused(lab.in_project(bo, cy, ProjectRole::Viewer).await), "unknown");
    // Gone from the organization, gone from its projects that came with it.
    lab.in_org(ada, bo, OrgRole::Admin).await.unwrap();
    lab.out(ada, None, bo).await.unwrap();
    assert_eq!(refused(lab.make_project(bo, "two").await), "unknown");
}

#[tokio::test]
async fn nobody_reaches_above_their_own_role_and_one_owner_stays() {
    let lab = Lab::new().await;
    let (ada, bo, cy) = (&lab.ada, &lab.bo, &lab.cy);
    assert_eq!(refused(lab.in_org(ada, ada, OrgRole::Member).await), "last owner");
    assert_eq!(refused(lab.out(ada, None, ada).await), "last owner");
    lab.in_org(ada, bo, OrgRole::Admin).await.unwrap();
    assert_eq!(refused(lab.in_org(bo, bo, OrgRole::Owner).await), "not allowed");
    assert_eq!(refused(lab.in_org(bo, cy, OrgRole::Owner).await), "not allowed");
    assert_eq!(refused(lab.in_org(bo, ada, OrgRole::Member).await), "not allowed");
    assert_eq!(refused(lab.out(bo, None, ada).await), "not allowed");
    lab.in_org(bo, cy, OrgRole::Admin).await.unwrap();
    lab.in_org(ada, bo, OrgRole::Owner).await.unwrap();
    lab.in_org(bo, ada, OrgRole::Member).await.unwrap();
    assert_eq!(refused(lab.out(bo, None, bo).await), "last owner");
}

// proves: attack-27, attack-28
#[tokio::test]
async fn a_credential_takes_away_from_the_role_and_never_adds() {
    let lab = Lab::new().await;
    let (issuer, bo) = (&lab.house.issuer, lab.bo.user.email.as_str());
    lab.make_project(&lab.ada, "papers").await.unwrap();
    let whole = lab.token(&lab.ada, None, &[]).await;
    let reads = lab.token(&lab.ada, Some("account org:read project:read"), &[]).await;
    let narrow = lab.token(&lab.ada, None, &["lab/tools"]).await;
    let legacy = Decision { kind: CredentialKind::LegacyToken, ..whole.clone() };
    let set = async |decision: &Decision, project: &str| {
        let (actor, role) = (Actor::Bearer(decision), ProjectRole::Viewer);
        refused(issuer.set_project_member(&actor, "lab", project, bo, role, &home()).await)
    };
    assert_eq!(set(&whole, "papers").await, "nothing");
    assert_eq!(set(&narrow, "tools").await, "nothing");
    assert_eq!(set(&narrow, "papers").await, "unknown");
    assert_eq!(set(&reads, "tools").await, "not allowed");
    assert_eq!(set(&legacy, "tools").await, "not allowed");
    let (actor, role) = (Actor::Bearer(&narrow), OrgRole::Member);
    let in_org = issuer.set_org_member(&actor, "lab", bo, role, &home()).await;
    assert_eq!(refused(in_org), "unknown");
    assert_eq!(
        refused(issuer.create_org("mine", None, None, &actor, &home()).await),
        "not allowed"
    );
    let seen = issuer.projects_of(&actor, "lab", None, 9).await.unwrap();
    assert_eq!(seen.items.iter().map(|it| it.slug.as_str()).collect::<Vec<_>>(), ["tools"]);
    let orgs = issuer.orgs_of(&actor).await.unwrap();
    assert_eq!((orgs.len(), orgs[0].role), (1, None));
    assert_eq!(refused(issuer.members_of(&actor, "lab", None, None, 9).await), "unknown");
    let reader = Actor::Bearer(&reads);
    assert_eq!(
        refused(issuer.create_org("mine", None, None, &reader, &home()).await),
        "not allowed"
    );
    assert_eq!(issuer.members_of(&reader, "lab", None, None, 9).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_stranger_learns_nothing_and_lists_hold_what_is_ones_own() {
    let lab = Lab::new().await;
    let issuer = &lab.house.issuer;
    let (bo, cy) = (Actor::Person(&lab.bo.user), Actor::Person(&lab.cy.user));
    let id = issuer.org(&Actor::Person(&lab.ada.user), "lab").await.unwrap().id;
    for org in ["lab", id.as_str(), "nothing", "org_01JAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(refused(issuer.org(&bo, org).await), "unknown");
        assert_eq!(refused(issuer.projects_of(&bo, org, None, 9).await), "unknown");
        assert_eq!(refused(issuer.project(&bo, org, "tools").await), "unknown");
        assert_eq!(refused(issuer.members_of(&bo, org, None, None, 9).await), "unknown");
    }
    // A role in a project shows that, its organization, and nothing else.
    lab.make_project(&lab.ada, "papers").await.unwrap();
    lab.in_project(&lab.ada, &lab.cy, ProjectRole::Viewer).await.unwrap();
    assert_eq!(issuer.org(&cy, "lab").await.unwrap().role, None);
    let seen = issuer.projects_of(&cy, &id, None, 9).await.unwrap().items;
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].slug.as_str(), seen[0].role), ("tools", Some(ProjectRole::Viewer)));
    assert_eq!(refused(issuer.project(&cy, "lab", "papers").await), "unknown");
    assert_eq!(refused(issuer.members_of(&cy, "lab", None, None, 9).await), "unknown");
    assert_eq!(issuer.members_of(&cy, "lab", Some("tools"), None, 9).await.unwrap().items.len(), 1);
    let mine = Actor::Person(&lab.ada.user);
    let first = issuer.projects_of(&mine, "lab", None, 1).await.unwrap();
    let second = issuer.projects_of(&mine, "lab", first.next_cursor.as_deref(), 1).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next_cursor), (1, 1, None));
    assert_ne!(first.items[0].slug, second.items[0].slug);
}

#[tokio::test]
async fn a_slug_is_plain_and_taken_once() {
    let lab = Lab::new().await;
    let actor = Actor::Person(&lab.bo.user);
    for bad in ["", "Lab", "-lab", "lab-", "a_b", "a/b", "lab.", "läb", &"x".repeat(41)] {
        let made = lab.house.issuer.create_org(bad, None, None, &actor, &home()).await;
        assert_eq!(refused(made), "invalid_slug", "{bad}");
    }
    let made = lab.house.issuer.create_org("lab", None, None, &actor, &home()).await;
    assert_eq!(refused(made), "slug taken");
    assert_eq!(refused(lab.make_project(&lab.ada, "tools").await), "slug taken");
    let (actor, origin) = (Actor::Operator, home());
    let made = lab.house.issuer.create_org("a1", None, Some("cy@example.com"), &actor, &origin);
    assert_eq!(made.await.unwrap().role, Some(OrgRole::Owner));
}
