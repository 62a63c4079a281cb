//! Links that give a role, once.

use hallpass_core::role::{OrgRole, ProjectRole};

use super::town::{Leaves, MINUTE, Town, everybody};
use crate::{
    Accept, Entitled, Error, Guest, NewInvitation, NewUser, RemoveRole, Role, SetRole, Store, User,
};

fn known(user: &User) -> Guest {
    Guest::Known(user.id, user.email.clone())
}

pub(super) async fn life(store: Store) {
    let town = Town::new(store).await;
    let invitations = town.store.invitations();
    let (ann, bob) = (town.user().await, town.user().await);
    let org = town.org(ann.id).await.id;
    let project = town.project(org).await.id;
    let to_bob =
        |role| NewInvitation { email: bob.email.clone(), role, ..town.new_invitation(org, ann.id) };
    let create = async |new, leaves| {
        town.sees(leaves, invitations.create(new, &[], 3, &town.by())).await.unwrap()
    };
    let accept = async |digest, guest, leaves| {
        let by = town.by();
        let accepted = invitations.accept(&digest, guest, everybody(), &by);
        town.sees(leaves, accepted).await
    };
    let of = async |project| {
        let listed = invitations.of(org, project, None, 9, town.by().at).await.unwrap();
        listed.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    let admin = to_bob(Role::Org(OrgRole::Admin));
    let made = create(admin.clone(), Leaves::Change).await.unwrap();
    assert_eq!((made.id, made.role, &made.email), (admin.id, admin.role, &bob.email));
    let now = town.by().at;
    assert_eq!(invitations.by_digest(&admin.digest, now).await, Ok(Some(made)));
    // Another in its place.
    let again = to_bob(Role::Org(OrgRole::Admin));
    create(again.clone(), Leaves::Change).await.unwrap();
    assert_eq!(accept(admin.digest, known(&bob), Leaves::Nothing).await, Ok(Accept::Gone));
    let viewer = to_bob(Role::Project(project, ProjectRole::Viewer));
    create(viewer.clone(), Leaves::Change).await.unwrap();
    assert_eq!(of(None).await, [again.id]);
    assert_eq!(of(Some(project)).await, [viewer.id]);
    // No more than so many.
    let new = town.new_invitation(org, ann.id);
    create(new.clone(), Leaves::Change).await.unwrap();
    assert_eq!(create(town.new_invitation(org, ann.id), Leaves::Nothing).await, None);
    let elsewhere = NewInvitation { org_id: town.org_id(), ..town.new_invitation(org, ann.id) };
    assert_eq!(
        town.sees(Leaves::Nothing, invitations.create(elsewhere, &[], 9, &town.by())).await,
        Err(Error::Missing("organization"))
    );

    // For one person, once, and never a lower role than they have.
    assert_eq!(accept(again.digest, known(&ann), Leaves::Nothing).await, Ok(Accept::NotTheirs));
    let done = Ok(Accept::Done(bob.id));
    assert_eq!(accept(again.digest, known(&bob), Leaves::Revocation).await, done);
    assert_eq!(accept(again.digest, known(&bob), Leaves::Nothing).await, Ok(Accept::Gone));
    assert_eq!(accept(viewer.digest, known(&bob), Leaves::Revocation).await, done);
    let lower = to_bob(Role::Org(OrgRole::Member));
    create(lower.clone(), Leaves::Change).await.unwrap();
    let already = Ok(Accept::Already(bob.id));
    assert_eq!(accept(lower.digest, known(&bob), Leaves::Change).await, already);
    let roles = town.store.members().of_user(bob.id).await.unwrap();
    let roles: Vec<_> = roles.into_iter().map(|it| it.role).collect();
    assert_eq!(roles, [Role::Org(OrgRole::Admin), Role::Project(project, ProjectRole::Viewer)]);

    // Somebody new has the address that was invited, whatever they say.
    let cyd = town.new_user();
    let guest = Guest::New(NewUser { email: ann.email.clone(), admin: true, ..cyd.clone() });
    assert_eq!(accept(new.digest, guest, Leaves::Revocation).await, Ok(Accept::Done(cyd.id)));
    let made = town.store.users().by_id(cyd.id).await.unwrap().unwrap();
    assert_eq!((made.email, made.admin), (new.email, false));
    // Who has an account makes no second one.
    let again = to_bob(Role::Org(OrgRole::Member));
    create(again.clone(), Leaves::Change).await.unwrap();
    let guest = Guest::New(town.new_user());
    assert_eq!(accept(again.digest, guest, Leaves::Nothing).await, Err(Error::Conflict("email")));

    let revoke = async |id, project, leaves| {
        town.sees(leaves, invitations.revoke(id, org, project, &town.by())).await.unwrap()
    };
    assert!(!revoke(again.id, Some(project), Leaves::Nothing).await, "not the project's");
    assert!(revoke(again.id, None, Leaves::Change).await);
    assert!(!revoke(again.id, None, Leaves::Nothing).await);
    assert_eq!(accept(again.digest, known(&bob), Leaves::Nothing).await, Ok(Accept::Gone));
    let late = town.new_invitation(org, ann.id);
    create(late.clone(), Leaves::Change).await.unwrap();
    town.pass(MINUTE * 60);
    let guest = Guest::New(town.new_user());
    assert_eq!(accept(late.digest, guest, Leaves::Nothing).await, Ok(Accept::Gone));
    assert_eq!(of(None).await, []);
    assert_eq!(town.sees(Leaves::Nothing, town.store.tidy(town.by().at + MINUTE)).await, Ok(7));
}

/// An invitation is worth what its inviter may give when it is accepted.
pub(super) async fn rights(store: Store) {
    let town = Town::new(store).await;
    let (invitations, members) = (town.store.invitations(), town.store.members());
    let (ann, bob) = (town.user().await.id, town.user().await.id);
    let org = town.org(ann).await.id;
    let project = town.project(org).await.id;
    let set = async |role| {
        let set = members.set(bob, org, role, &town.by()).await;
        assert!(matches!(set, Ok(SetRole::Done | SetRole::Same)), "{set:?}");
    };
    let link = async |role| {
        let new = NewInvitation { role, ..town.new_invitation(org, bob) };
        let digest = new.digest;
        invitations.create(new, &[], 99, &town.by()).await.unwrap();
        digest
    };
    let accept = async |digest, entitled: Entitled| {
        let guest = Guest::New(town.new_user());
        let by = town.by();
        matches!(invitations.accept(&digest, guest, entitled, &by).await.unwrap(), Accept::Done(_))
    };
    let (member, viewer) =
        (Role::Org(OrgRole::Member), Role::Project(project, ProjectRole::Viewer));
    set(Role::Org(OrgRole::Admin)).await;
    let (first, second, third) = (link(member).await, link(member).await, link(viewer).await);
    assert!(accept(first, everybody()).await);
    set(member).await;
    assert!(!accept(second, everybody()).await, "no admin any more");
    assert!(!accept(third, everybody()).await);
    set(Role::Project(project, ProjectRole::Owner)).await;
    assert!(!accept(second, everybody()).await, "a project's owner invites to the project");
    assert!(!accept(third, Entitled::default()).await);
    assert!(accept(third, everybody()).await);

    set(Role::Org(OrgRole::Admin)).await;
    let (third, fourth) = (link(viewer).await, link(viewer).await);
    town.store.projects().archive(project, &town.by()).await.unwrap();
    assert!(!accept(third, everybody()).await, "archived");
    town.store.projects().unarchive(project, &town.by()).await.unwrap();
    assert!(accept(third, everybody()).await);
    town.store.orgs().archive(org, &town.by()).await.unwrap();
    assert!(!accept(second, everybody()).await, "archived");
    town.store.orgs().unarchive(org, &town.by()).await.unwrap();
    assert!(accept(second, everybody()).await);
    assert_eq!(members.remove(bob, org, Some(project), &town.by()).await, Ok(RemoveRole::Done));
    // Whoever is removed does not come back by a link that was sent before; others' go on.
    let carl = town.user().await;
    let role = Role::Org(OrgRole::Member);
    assert_eq!(members.set(carl.id, org, role, &town.by()).await, Ok(SetRole::Done));
    let invitations = town.store.invitations();
    let invite = async |email: &str| {
        let new = town.new_invitation(org, bob);
        let new = NewInvitation { email: email.to_owned(), ..new };
        assert!(invitations.create(new, &[], 99, &town.by()).await.unwrap().is_some());
    };
    invite(&carl.email).await;
    invite("somebody.else@example.com").await;
    assert_eq!(members.remove(carl.id, org, None, &town.by()).await, Ok(RemoveRole::Done));
    let open = invitations.of(org, None, None, 99, town.by().at).await.unwrap();
    assert!(open.iter().all(|it| it.email != carl.email.to_lowercase()));
    assert!(open.iter().any(|it| it.email == "somebody.else@example.com"));

    town.store.users().disable(bob, &town.by()).await.unwrap();
    assert!(!accept(fourth, everybody()).await, "disabled");
}
