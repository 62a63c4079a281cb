//! Organizations and roles against a store in memory.

use hallpass_core::Secret;
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::wire::tokens::{self as wire, NewToken};
use hallpass_store::KeysMade;
use hallpass_verdict::{Ask, CredentialKind, Decision, PlaceAsked};

use super::OrgError;
use super::invite::{self, AcceptError};
use crate::SignedIn;
use crate::tests::house::{House, home};
use crate::tokens::Actor;

#[track_caller]
fn refused<T>(result: Result<T, OrgError>) -> &'static str {
    match result {
        Ok(_) => "nothing",
        Err(OrgError::NotAllowed(_)) => "not allowed",
        Err(OrgError::NotScoped) => "not scoped",
        Err(OrgError::Unknown(_)) => "unknown",
        Err(OrgError::NoUser) => "no user",
        Err(OrgError::NoMember) => "no member",
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
    assert_eq!(set(&reads, "tools").await, "not scoped");
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

/// What a check of Ada's whole token says at `lab/tools`: her permissions there, if any.
async fn at_tools(lab: &Lab, token: &str, place: (&str, &str)) -> Option<usize> {
    let (org, project) = place;
    let ask = Ask { place: Some(PlaceAsked::Project { org, project }), ..Ask::default() };
    let decision = lab.house.issuer.check(token, &ask).await.unwrap().unwrap();
    decision.place.map(|place| place.permissions.len())
}

async fn text_of(lab: &Lab, who: &SignedIn, projects: &[&str]) -> String {
    let projects = projects.iter().map(|name| (*name).to_owned()).collect();
    let new = NewToken { name: format!("{projects:?}"), projects, ..NewToken::default() };
    let actor = Actor::Person(&who.user);
    let made = lab.house.issuer.create_token(&actor, new, &home()).await.unwrap();
    made.value.expose().to_owned()
}

// proves: attack-28, places-2
#[tokio::test]
async fn an_archived_place_gives_no_rights_and_comes_back_whole() {
    let lab = Lab::new().await;
    let (issuer, ada) = (&lab.house.issuer, Actor::Person(&lab.ada.user));
    lab.in_project(&lab.ada, &lab.bo, ProjectRole::Owner).await.unwrap();
    let bo = Actor::Person(&lab.bo.user);
    let token = text_of(&lab, &lab.bo, &[]).await;
    let at = ("lab", "tools");
    let had = at_tools(&lab, &token, at).await;
    assert!(had.is_some());
    // A project, by its owner.
    issuer.archive_project(&bo, at, &home()).await.unwrap();
    assert_eq!(at_tools(&lab, &token, at).await, None);
    assert_eq!(refused(issuer.project(&bo, "lab", "tools").await), "unknown");
    assert_eq!(refused(issuer.archive_project(&bo, at, &home()).await), "unknown");
    let cy = Actor::Person(&lab.cy.user);
    assert_eq!(refused(issuer.unarchive_project(&cy, at, &home()).await), "unknown");
    let listed = issuer.archived_projects_of(&ada, "lab").await.unwrap();
    assert!(listed.len() == 1 && listed[0].archived_at.is_some());
    issuer.unarchive_project(&bo, at, &home()).await.unwrap();
    assert_eq!(at_tools(&lab, &token, at).await, had);
    // An organization, by its owner alone.
    assert_eq!(refused(issuer.archive_org(&bo, "lab", &home()).await), "unknown");
    lab.in_org(&lab.ada, &lab.cy, OrgRole::Admin).await.unwrap();
    assert_eq!(refused(issuer.archive_org(&cy, "lab", &home()).await), "not allowed");
    issuer.archive_org(&ada, "lab", &home()).await.unwrap();
    assert_eq!(at_tools(&lab, &token, at).await, None);
    assert_eq!(refused(issuer.org(&ada, "lab").await), "unknown");
    assert_eq!(refused(issuer.unarchive_org(&cy, "lab", &home()).await), "unknown");
    assert!(issuer.archived_orgs_of(&cy).await.unwrap().is_empty());
    assert_eq!(issuer.archived_orgs_of(&ada).await.unwrap()[0].slug, "lab");
    assert_eq!(refused(issuer.create_org("lab", None, None, &bo, &home()).await), "slug taken");
    issuer.unarchive_org(&ada, "lab", &home()).await.unwrap();
    assert_eq!(at_tools(&lab, &token, at).await, had);
}

// proves: attack-28, places-3
#[tokio::test]
async fn an_old_address_is_nobodys_and_a_narrowed_credential_changes_no_place() {
    let lab = Lab::new().await;
    let (issuer, ada) = (&lab.house.issuer, Actor::Person(&lab.ada.user));
    let (token, bo) = (text_of(&lab, &lab.ada, &[]).await, Actor::Person(&lab.bo.user));
    let slug = |slug: &str| wire::PlaceChange { slug: Some(slug.to_owned()), name: None };
    let renamed = issuer.rename_org(&ada, "lab", &slug("works"), &home()).await.unwrap();
    assert_eq!((&*renamed.slug, &*renamed.name), ("works", "The Lab"));
    assert_eq!(at_tools(&lab, &token, ("lab", "tools")).await, None);
    assert!(at_tools(&lab, &token, ("works", "tools")).await.is_some());
    assert_eq!(refused(issuer.create_org("lab", None, None, &bo, &home()).await), "slug taken");
    assert_eq!(refused(issuer.rename_org(&bo, "works", &slug("x"), &home()).await), "unknown");
    assert_eq!(
        refused(issuer.rename_org(&ada, "works", &slug("X"), &home()).await),
        "invalid_slug"
    );
    let at = ("works", "tools");
    issuer.rename_project(&ada, at, &slug("gear"), &home()).await.unwrap();
    assert_eq!(at_tools(&lab, &token, ("works", "tools")).await, None);
    let again = issuer.create_project("works", "tools", None, &ada, &home()).await;
    assert_eq!(refused(again), "slug taken");

    let reads = lab.token(&lab.ada, Some("account org:read project:read"), &[]).await;
    let reads = Actor::Bearer(&reads);
    let by_reader = issuer.archive_org(&reads, "works", &home()).await;
    assert_eq!(refused(by_reader), "not scoped");
    assert_eq!(
        refused(issuer.leave(&reads, ("works", None), KeysMade::NotAsked, &home()).await),
        "not allowed"
    );
    assert_eq!(refused(issuer.set_plan(&ada, "works", "Team", &home()).await), "not allowed");
    let operator = Actor::Operator;
    let set = issuer.set_plan(&operator, "works", " Team ", &home()).await.unwrap();
    assert_eq!(set.plan, "Team");
    let bad = issuer.set_plan(&operator, "works", "Te\u{202e}am", &home()).await;
    assert_eq!(refused(bad), "invalid_plan");
}

// proves: attack-28, places-3
#[tokio::test]
async fn a_project_changes_hands_without_those_of_the_old_place() {
    let lab = Lab::new().await;
    let (issuer, ada, bo) =
        (&lab.house.issuer, Actor::Person(&lab.ada.user), Actor::Person(&lab.bo.user));
    issuer.create_org("beta", None, None, &bo, &home()).await.unwrap();
    lab.in_project(&lab.ada, &lab.cy, ProjectRole::Owner).await.unwrap();
    let (cys, bos) = (text_of(&lab, &lab.cy, &[]).await, text_of(&lab, &lab.bo, &[]).await);
    let at = ("lab", "tools");
    let cy = Actor::Person(&lab.cy.user);
    let move_by = async |actor: &Actor<'_>, to| {
        refused(issuer.transfer_project(actor, at, to, &home()).await)
    };
    assert_eq!(move_by(&cy, "beta").await, "not allowed", "owns the project alone");
    assert_eq!(move_by(&ada, "beta").await, "unknown", "has no role there");
    assert_eq!(move_by(&ada, "lab").await, "same_organization");
    assert_eq!(move_by(&bo, "beta").await, "unknown");
    issuer.set_org_member(&bo, "beta", &lab.ada.user.email, OrgRole::Admin, &home()).await.unwrap();
    assert_eq!(move_by(&ada, "beta").await, "nothing");
    let there = ("beta", "tools");
    assert_eq!(at_tools(&lab, &cys, there).await, None);
    assert!(at_tools(&lab, &bos, there).await.is_some());
    assert_eq!(at_tools(&lab, &bos, at).await, None);
    // The organization itself, to a member.
    assert_eq!(
        refused(issuer.transfer_org(&ada, "lab", "cy@example.com", &home()).await),
        "no member"
    );
    lab.in_org(&lab.ada, &lab.cy, OrgRole::Member).await.unwrap();
    issuer.transfer_org(&ada, "lab", "cy@example.com", &home()).await.unwrap();
    assert_eq!(issuer.org(&cy, "lab").await.unwrap().role, Some(OrgRole::Owner));
    assert_eq!(issuer.org(&ada, "lab").await.unwrap().role, Some(OrgRole::Admin));
    assert_eq!(
        refused(issuer.leave(&cy, ("lab", None), KeysMade::NotAsked, &home()).await),
        "last owner"
    );
    issuer.leave(&ada, ("lab", None), KeysMade::NotAsked, &home()).await.unwrap();
    assert_eq!(refused(issuer.org(&ada, "lab").await), "unknown");
}

// proves: places-4
#[tokio::test]
async fn an_invitation_is_worth_what_its_inviter_may_give() {
    let lab = Lab::new().await;
    let (issuer, ada) = (&lab.house.issuer, Actor::Person(&lab.ada.user));
    let send = async |actor: &Actor<'_>, project, email: &str, role: &str| {
        let new = wire::NewInvitation { email: email.to_owned(), role: role.to_owned() };
        issuer.invite(actor, ("lab", project), &new, &home()).await
    };
    let secret = |made: &wire::CreatedInvitation| {
        let link = made.link.as_ref().unwrap().expose().to_owned();
        link.split_once("?code=").unwrap().1.to_owned()
    };
    let bo = Actor::Person(&lab.bo.user);
    assert_eq!(refused(send(&bo, None, "x@example.com", "member").await), "unknown");
    lab.in_org(&lab.ada, &lab.bo, OrgRole::Admin).await.unwrap();
    assert_eq!(refused(send(&bo, None, "x@example.com", "owner").await), "not allowed");
    assert_eq!(refused(send(&bo, None, "x@example.com", "viewer").await), "invalid_role");
    assert_eq!(refused(send(&bo, None, "x@y@z", "member").await), "invalid_email");
    let to_cy = send(&bo, None, " CY@Example.com ", "admin").await.unwrap();
    assert!(secret(&to_cy).starts_with("hp_inv_"));
    let to_new = send(&bo, Some("tools"), "new@example.com", "owner").await.unwrap();
    let listed = issuer.invitations_of(&ada, ("lab", None), None, 9).await.unwrap().items;
    assert_eq!(listed, std::slice::from_ref(&to_cy.invitation));

    let shown = issuer.invitation(&secret(&to_cy)).await.unwrap();
    assert_eq!((&*shown.place, shown.role.as_str(), shown.has_account), ("lab", "admin", true));
    assert_eq!(shown.inviter.1, "bo@example.com");
    let longer = format!("{}x", secret(&to_cy));
    for wrong in ["", "hp_inv_", &longer, "hp_setup_x"] {
        assert!(matches!(issuer.invitation(wrong).await, Err(AcceptError::Gone)), "{wrong}");
    }
    let accept = async |made: &wire::CreatedInvitation, who: &SignedIn| {
        issuer.accept(&secret(made), who, &home()).await
    };
    assert!(matches!(accept(&to_cy, &lab.ada).await, Err(AcceptError::NotTheirs)));
    // Bo is an admin no more, and then again.
    lab.in_org(&lab.ada, &lab.bo, OrgRole::Member).await.unwrap();
    assert!(matches!(issuer.invitation(&secret(&to_cy)).await, Err(AcceptError::Gone)));
    assert!(matches!(accept(&to_cy, &lab.cy).await, Err(AcceptError::Gone)));
    lab.in_org(&lab.ada, &lab.bo, OrgRole::Admin).await.unwrap();
    accept(&to_cy, &lab.cy).await.unwrap();
    assert!(matches!(accept(&to_cy, &lab.cy).await, Err(AcceptError::Gone)));
    let cy = Actor::Person(&lab.cy.user);
    assert_eq!(issuer.org(&cy, "lab").await.unwrap().role, Some(OrgRole::Admin));

    let password = Secret::new("correct horse battery");
    let join = async |made: &wire::CreatedInvitation, password: &Secret| {
        issuer.accept_as_new(&secret(made), "New", password, &home()).await
    };
    assert!(matches!(join(&to_new, &Secret::new("short")).await, Err(AcceptError::Password(_))));
    join(&to_new, &password).await.unwrap();
    assert!(matches!(join(&to_new, &password).await, Err(AcceptError::Gone)));
    lab.house.sign_in("new@example.com").await;
    let to_ada = send(&bo, None, "ada@example.com", "member").await.unwrap();
    assert!(matches!(join(&to_ada, &password).await, Err(AcceptError::HasAccount)));
    // It never lowers a role.
    accept(&to_ada, &lab.ada).await.unwrap();
    assert_eq!(issuer.org(&ada, "lab").await.unwrap().role, Some(OrgRole::Owner));

    let late = send(&bo, None, "late@example.com", "member").await.unwrap();
    let gone = send(&bo, None, "gone@example.com", "member").await.unwrap();
    let id = &gone.invitation.id;
    let revoke = async |project| {
        refused(issuer.revoke_invitation(&ada, ("lab", project), id, &home()).await)
    };
    assert_eq!(revoke(Some("tools")).await, "unknown");
    assert_eq!((revoke(None).await, revoke(None).await), ("nothing", "unknown"));
    assert!(matches!(join(&gone, &password).await, Err(AcceptError::Gone)));
    lab.house.pass(invite::LIFETIME.as_secs());
    assert!(matches!(join(&late, &password).await, Err(AcceptError::Gone)));
}

// proves: attack-28, places-1
#[tokio::test]
async fn the_last_owner_is_not_disabled() {
    let lab = Lab::new().await;
    let (issuer, ada) = (&lab.house.issuer, lab.ada.user.id);
    let refused = issuer.disable_user(ada, "system").await.unwrap_err();
    assert!(refused.to_string().contains("the last owner of lab"), "{refused}");
    assert!(refused.to_string().contains("hallpass admin member set lab EMAIL owner"));
    lab.in_org(&lab.ada, &lab.bo, OrgRole::Owner).await.unwrap();
    assert!(issuer.disable_user(ada, "system").await.unwrap());
}
