//! Organizations, projects, and roles in them.

use hallpass_core::id::ProjectId;
use hallpass_core::role::{OrgRole, ProjectRole};

use super::legacy::legacy;
use super::town::{Leaves, Town};
use crate::{
    Disable, Error, HandOver, LegacyHash, NewInvitation, NewOrg, NewProject, NewToken, Project,
    RemoveRole, Role, SetRole, Store,
};

const OWNER: Role = Role::Org(OrgRole::Owner);
const MEMBER: Role = Role::Org(OrgRole::Member);

pub(super) async fn orgs(store: Store) {
    let town = Town::new(store).await;
    let orgs = town.store.orgs();
    let zoe = town.user().await.id;
    let new = town.new_org();
    let org = town.sees(Leaves::Change, orgs.create(new.clone(), Some(zoe), &town.by())).await;
    let org = org.unwrap();
    assert_eq!((org.id, &org.slug, org.disabled_at), (new.id, &new.slug, None));
    assert_eq!(orgs.by_id(org.id).await.unwrap().as_ref(), Some(&org));
    assert_eq!(orgs.by_slug(&org.slug).await.unwrap().as_ref(), Some(&org));
    assert_eq!(orgs.by_slug("nobody").await, Ok(None));
    let mut same = town.new_org();
    same.slug.clone_from(&org.slug);
    let taken = town.sees(Leaves::Nothing, orgs.create(same, None, &town.by())).await;
    assert_eq!(taken, Err(Error::Conflict("slug")));
    assert_eq!(
        town.sees(Leaves::Nothing, orgs.create(town.new_org(), Some(town.user_id()), &town.by()))
            .await,
        Err(Error::Missing("user"))
    );

    let second = orgs.create(town.new_org(), None, &town.by()).await.unwrap();
    let third = town.org(town.user().await.id).await;
    assert_eq!(orgs.list(None, 2).await, Ok(vec![org.clone(), second.clone()]));
    assert_eq!(orgs.list(Some(second.id), 2).await, Ok(vec![third.clone()]));
    // Somebody who has a role in a project alone sees its organization, without one there.
    let project = town.project(third.id).await.id;
    let viewer = Role::Project(project, ProjectRole::Viewer);
    let set = town.store.members().set(zoe, third.id, viewer, &town.by()).await;
    assert_eq!(set, Ok(SetRole::Done));
    let hers = async || orgs.list_of_user(zoe).await.unwrap();
    assert_eq!(hers().await, [(org.clone(), Some(OrgRole::Owner)), (third.clone(), None)]);
    // Where she has a role and nothing is archived.
    let live = async || {
        let all = town.store.members().live_of_user(zoe).await.unwrap();
        let mut all: Vec<_> = all.into_iter().map(|it| it.org_id).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(live().await, [org.id, third.id]);

    assert_eq!(town.sees(Leaves::Revocation, orgs.archive(org.id, &town.by())).await, Ok(true));
    assert_eq!(town.sees(Leaves::Nothing, orgs.archive(org.id, &town.by())).await, Ok(false));
    assert!(orgs.by_slug(&org.slug).await.unwrap().unwrap().disabled_at.is_some());
    assert_eq!(hers().await, [(third.clone(), None)]);
    assert_eq!(live().await, [third.id]);
    assert_eq!(town.store.projects().archive(project, &town.by()).await, Ok(true));
    assert!(live().await.is_empty());
    let in_it = town.store.projects().create(town.new_project(org.id), &town.by()).await;
    assert_eq!(in_it, Err(Error::Missing("organization")));
    let set = town.store.members().set(zoe, org.id, MEMBER, &town.by()).await;
    assert_eq!(set, Err(Error::Missing("organization")));
    let archived = orgs.archived_of_user(zoe).await.unwrap();
    assert_eq!(
        archived.iter().map(|(it, role)| (it.id, *role)).collect::<Vec<_>>(),
        [(org.id, OrgRole::Owner)]
    );
    // Nothing was lost.
    let back = town.sees(Leaves::Revocation, orgs.unarchive(org.id, &town.by())).await;
    assert_eq!(back, Ok(true));
    assert_eq!(town.sees(Leaves::Nothing, orgs.unarchive(org.id, &town.by())).await, Ok(false));
    assert_eq!(hers().await[0], (org.clone(), Some(OrgRole::Owner)));

    let set = town.sees(Leaves::Change, orgs.set_plan(org.id, "Team", &town.by())).await.unwrap();
    assert_eq!(set.plan, "Team");
    let same = town.sees(Leaves::Nothing, orgs.set_plan(org.id, "Team", &town.by())).await;
    assert_eq!(same, Ok(set));
}

/// Another address; the old one is nobody else's.
pub(super) async fn renaming(store: Store) {
    let town = Town::new(store).await;
    let (orgs, projects) = (town.store.orgs(), town.store.projects());
    let zoe = town.user().await.id;
    let (org, other) = (town.org(zoe).await, town.org(zoe).await);
    let rename = async |id, slug: &str, leaves| {
        town.sees(leaves, orgs.rename(id, slug, "New", &town.by())).await
    };
    let renamed = rename(org.id, "fresh", Leaves::Revocation).await.unwrap();
    assert_eq!((renamed.id, &*renamed.slug, &*renamed.name), (org.id, "fresh", "New"));
    assert_eq!(rename(org.id, "fresh", Leaves::Nothing).await, Ok(renamed.clone()));
    assert_eq!(orgs.by_slug(&org.slug).await, Ok(None));
    let taken = Err(Error::Conflict("slug"));
    for slug in ["fresh", &*org.slug] {
        assert_eq!(rename(other.id, slug, Leaves::Nothing).await, taken, "{slug}");
        let new = NewOrg { slug: slug.to_owned(), ..town.new_org() };
        let made = town.sees(Leaves::Nothing, orgs.create(new, None, &town.by())).await;
        assert_eq!(made, taken, "{slug}");
    }
    let back = rename(org.id, &org.slug, Leaves::Revocation).await.unwrap();
    assert_eq!(back.slug, org.slug, "its own again");

    let (one, two) = (town.project(org.id).await, town.project(org.id).await);
    let rename = async |id, slug: &str, leaves| {
        town.sees(leaves, projects.rename(id, org.id, slug, "New", &town.by())).await
    };
    let renamed = rename(one.id, "fresh", Leaves::Revocation).await.unwrap();
    assert_eq!((&*renamed.slug, &*renamed.name), ("fresh", "New"));
    for slug in ["fresh", &*one.slug] {
        assert_eq!(rename(two.id, slug, Leaves::Nothing).await, taken_project(), "{slug}");
        let new = NewProject { slug: slug.to_owned(), ..town.new_project(org.id) };
        let made = town.sees(Leaves::Nothing, projects.create(new, &town.by())).await;
        assert_eq!(made, taken_project(), "{slug}");
        // In another organization it never meant that one.
        let new = NewProject { slug: slug.to_owned(), ..town.new_project(other.id) };
        projects.create(new, &town.by()).await.expect("another organization's");
    }
    let by = town.by();
    let wrong = projects.rename(one.id, other.id, "x", "X", &by);
    assert_eq!(town.sees(Leaves::Nothing, wrong).await, Err(Error::Missing("project")));
}

fn taken_project() -> Result<Project, Error> {
    Err(Error::Conflict("slug"))
}

/// What was bound to the old place does not act at the new one.
pub(super) async fn transfer(store: Store) {
    let town = Town::new(store).await;
    let (projects, members) = (town.store.projects(), town.store.members());
    let (ann, bob, cyd, dan) =
        (town.user().await.id, town.user().await.id, town.user().await.id, town.user().await.id);
    let (old, new) = (town.org(ann).await.id, town.org(bob).await.id);
    let (project, stays) = (town.project(old).await, town.project(old).await);
    let viewer = Role::Project(project.id, ProjectRole::Viewer);
    for user in [cyd, dan] {
        assert_eq!(members.set(user, old, viewer, &town.by()).await, Ok(SetRole::Done));
    }
    assert_eq!(members.set(dan, new, MEMBER, &town.by()).await, Ok(SetRole::Done));
    let hash = LegacyHash::Digest(town.digest());
    let bound = vec![legacy(&town, hash)];
    assert_eq!(town.store.legacy().import(project.id, bound, &town.by()).await, Ok(1));
    let narrowed = NewToken { projects: vec![project.id], ..town.new_token(ann) };
    let narrowed = town.store.credentials().create(narrowed, &town.by()).await.unwrap();
    let invited = NewInvitation { role: viewer, ..town.new_invitation(old, ann) };
    let link = invited.digest;
    town.store.invitations().create(invited, &[], 9, &town.by()).await.unwrap();

    let by = town.by();
    let moved = projects.transfer(project.id, old, new, &by);
    let moved = town.sees(Leaves::Revocation, moved).await.unwrap();
    assert_eq!((moved.org_id, &moved.slug), (new, &project.slug));
    let in_it = members.of(new, Some(project.id), None, 9).await.unwrap();
    assert_eq!(in_it.iter().map(|(user, _)| user.id).collect::<Vec<_>>(), [dan]);
    assert_eq!(members.of_user(cyd).await, Ok(Vec::new()));
    let now = town.by().at;
    assert_eq!(town.store.legacy().of_project(project.id, None, 9, now).await, Ok(Vec::new()));
    assert!(town.admits(&narrowed).await, "a personal token is its owner's");
    assert_eq!(town.store.invitations().by_digest(&link, now).await, Ok(None));
    // Who asks for the old address means this one, and gets nobody else's.
    let again = NewProject { slug: project.slug.clone(), ..town.new_project(old) };
    assert_eq!(projects.create(again, &town.by()).await, taken_project());
    let back = NewProject { slug: stays.slug.clone(), ..town.new_project(new) };
    projects.create(back, &town.by()).await.expect("free there");
    let by = town.by();
    let clash = projects.transfer(stays.id, old, new, &by);
    assert_eq!(town.sees(Leaves::Nothing, clash).await, taken_project());
    let by = town.by();
    let gone = projects.transfer(project.id, old, new, &by);
    assert_eq!(town.sees(Leaves::Nothing, gone).await, Err(Error::Missing("project")));
    // Its own old address is open to it.
    assert!(projects.transfer(project.id, new, old, &town.by()).await.is_ok());

    let hand = async |from, to, leaves| {
        town.sees(leaves, members.hand_over(new, from, to, &town.by())).await
    };
    assert_eq!(hand(dan, bob, Leaves::Nothing).await, Ok(HandOver::Not), "no owner");
    assert_eq!(hand(bob, cyd, Leaves::Nothing).await, Ok(HandOver::Not), "no member");
    assert_eq!(hand(bob, bob, Leaves::Nothing).await, Ok(HandOver::Not));
    assert_eq!(hand(bob, dan, Leaves::Revocation).await, Ok(HandOver::Done));
    let roles = members.of(new, None, None, 9).await.unwrap();
    let role = |user| roles.iter().find(|(it, _)| it.id == user).map(|(_, role)| *role);
    assert_eq!((role(bob), role(dan)), (Some(Role::Org(OrgRole::Admin)), Some(OWNER)));
}

pub(super) async fn projects(store: Store) {
    let town = Town::new(store).await;
    let projects = town.store.projects();
    let org = town.org(town.user().await.id).await;
    let other = town.org(town.user().await.id).await;
    let new = town.new_project(org.id);
    let made = town.sees(Leaves::Change, projects.create(new.clone(), &town.by())).await.unwrap();
    assert_eq!(projects.by_id(made.id).await.unwrap().as_ref(), Some(&made));
    assert_eq!(projects.by_slug(&org.slug, &new.slug).await.unwrap().as_ref(), Some(&made));
    assert_eq!(projects.by_slug(&other.slug, &new.slug).await, Ok(None));
    let mut same = town.new_project(org.id);
    same.slug.clone_from(&new.slug);
    let taken = town.sees(Leaves::Nothing, projects.create(same.clone(), &town.by())).await;
    assert_eq!(taken, Err(Error::Conflict("slug")));
    same.org_id = other.id;
    projects.create(same, &town.by()).await.expect("another organization's");
    let second = town.project(org.id).await;
    assert_eq!(projects.of_org(org.id, None, 1).await, Ok(vec![made.clone()]));
    assert_eq!(projects.of_org(org.id, Some(made.id), 9).await, Ok(vec![second.clone()]));
    assert_eq!(
        town.sees(Leaves::Revocation, projects.archive(made.id, &town.by())).await,
        Ok(true)
    );
    assert_eq!(town.sees(Leaves::Nothing, projects.archive(made.id, &town.by())).await, Ok(false));
    assert!(projects.by_id(made.id).await.unwrap().unwrap().disabled_at.is_some());
    assert_eq!(projects.of_org(org.id, None, 9).await, Ok(vec![second]));
}

pub(super) async fn members(store: Store) {
    let town = Town::new(store).await;
    let members = town.store.members();
    let (owner, zoe) = (town.user().await, town.user().await);
    let org = town.org(owner.id).await.id;
    let project = town.project(org).await.id;
    let elsewhere = town.project(town.org(owner.id).await.id).await.id;
    let set =
        async |role, leaves| town.sees(leaves, members.set(zoe.id, org, role, &town.by())).await;
    let viewer = Role::Project(project, ProjectRole::Viewer);
    for role in [MEMBER, Role::Org(OrgRole::Admin), viewer] {
        assert_eq!(set(role, Leaves::Revocation).await, Ok(SetRole::Done));
        assert_eq!(set(role, Leaves::Nothing).await, Ok(SetRole::Same));
    }
    let roles = async || {
        let of = members.of_user(zoe.id).await.unwrap();
        of.into_iter().map(|membership| membership.role).collect::<Vec<_>>()
    };
    assert_eq!(roles().await, [Role::Org(OrgRole::Admin), viewer]);
    let wrong = Role::Project(elsewhere, ProjectRole::Owner);
    assert_eq!(set(wrong, Leaves::Nothing).await, Err(Error::Missing("project")));
    assert_eq!(
        town.sees(Leaves::Nothing, members.set(town.user_id(), org, MEMBER, &town.by())).await,
        Err(Error::Missing("user"))
    );
    assert_eq!(
        town.sees(Leaves::Nothing, members.set(zoe.id, town.org_id(), MEMBER, &town.by())).await,
        Err(Error::Missing("organization"))
    );

    let mut all = [(owner.clone(), OWNER), (zoe.clone(), Role::Org(OrgRole::Admin))];
    all.sort_by_key(|(user, _)| user.id);
    assert_eq!(members.of(org, None, None, 9).await, Ok(all.to_vec()));
    assert_eq!(members.of(org, None, None, 1).await, Ok(all[..1].to_vec()));
    assert_eq!(members.of(org, None, Some(all[0].0.id), 9).await, Ok(all[1..].to_vec()));
    assert_eq!(members.of(org, Some(project), None, 9).await, Ok(vec![(zoe.clone(), viewer)]));

    let remove = async |project: Option<ProjectId>, leaves| {
        town.sees(leaves, members.remove(zoe.id, org, project, &town.by())).await.unwrap()
    };
    assert_eq!(remove(None, Leaves::Revocation).await, RemoveRole::Done);
    assert_eq!(remove(None, Leaves::Nothing).await, RemoveRole::None);
    assert_eq!(roles().await, [viewer], "in the project she stays");
    assert_eq!(remove(Some(project), Leaves::Revocation).await, RemoveRole::Done);
    assert_eq!(roles().await, []);
}

/// An organization keeps an owner who can act.
pub(super) async fn last_owner(store: Store) {
    let town = Town::new(store).await;
    let members = town.store.members();
    let (first, second) = (town.user().await.id, town.user().await.id);
    let org = town.org(first).await.id;
    let other = town.org(second).await.id;
    let leave = async |user, leaves| {
        town.sees(leaves, members.remove(user, org, None, &town.by())).await.unwrap()
    };
    let set = async |user, role, leaves| {
        town.sees(leaves, members.set(user, org, role, &town.by())).await.unwrap()
    };
    assert_eq!(leave(first, Leaves::Nothing).await, RemoveRole::LastOwner);
    assert_eq!(set(first, MEMBER, Leaves::Nothing).await, SetRole::LastOwner);
    assert_eq!(set(second, OWNER, Leaves::Revocation).await, SetRole::Done);
    // A disabled one could not act, and the last one is not disabled.
    let alone = Ok(Disable::LastOwner(other));
    let disable =
        async |user, leaves| town.sees(leaves, town.store.users().disable(user, &town.by())).await;
    assert_eq!(disable(second, Leaves::Nothing).await, alone);
    town.store.orgs().archive(other, &town.by()).await.unwrap();
    assert_eq!(disable(second, Leaves::Nothing).await, alone, "it may come back");
    town.store.orgs().unarchive(other, &town.by()).await.unwrap();
    let third = town.user().await.id;
    assert_eq!(town.store.members().set(third, other, OWNER, &town.by()).await, Ok(SetRole::Done));
    assert_eq!(disable(second, Leaves::Revocation).await, Ok(Disable::Done));
    assert_eq!(disable(first, Leaves::Nothing).await, Ok(Disable::LastOwner(org)));
    assert_eq!(leave(first, Leaves::Nothing).await, RemoveRole::LastOwner);
    assert_eq!(leave(second, Leaves::Revocation).await, RemoveRole::Done);
    town.store.users().enable(second, &town.by()).await.unwrap();
    assert_eq!(set(second, OWNER, Leaves::Revocation).await, SetRole::Done);
    assert_eq!(set(first, MEMBER, Leaves::Revocation).await, SetRole::Done);
    assert_eq!(leave(second, Leaves::Nothing).await, RemoveRole::LastOwner);
    // What she owns elsewhere does not count.
    assert_eq!(
        town.sees(Leaves::Revocation, members.remove(third, other, None, &town.by())).await,
        Ok(RemoveRole::Done)
    );
    assert_eq!(
        town.sees(Leaves::Nothing, members.remove(second, other, None, &town.by())).await,
        Ok(RemoveRole::LastOwner)
    );
}
