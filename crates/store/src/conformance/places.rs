//! Organizations, projects, and roles in them.

use hallpass_core::id::ProjectId;
use hallpass_core::role::{OrgRole, ProjectRole};

use super::town::{Leaves, Town};
use crate::{Error, RemoveRole, Role, SetRole, Store};

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

    assert_eq!(town.sees(Leaves::Revocation, orgs.disable(org.id, &town.by())).await, Ok(true));
    assert_eq!(town.sees(Leaves::Nothing, orgs.disable(org.id, &town.by())).await, Ok(false));
    assert!(orgs.by_slug(&org.slug).await.unwrap().unwrap().disabled_at.is_some());
    assert_eq!(hers().await, [(third, None)]);
    let in_it = town.store.projects().create(town.new_project(org.id), &town.by()).await;
    assert_eq!(in_it, Err(Error::Missing("organization")));
    let set = town.store.members().set(zoe, org.id, MEMBER, &town.by()).await;
    assert_eq!(set, Err(Error::Missing("organization")));
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
        town.sees(Leaves::Revocation, projects.disable(made.id, &town.by())).await,
        Ok(true)
    );
    assert_eq!(town.sees(Leaves::Nothing, projects.disable(made.id, &town.by())).await, Ok(false));
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
    // A disabled one could not act.
    town.store.users().disable(second, &town.by()).await.unwrap();
    assert_eq!(leave(first, Leaves::Nothing).await, RemoveRole::LastOwner);
    assert_eq!(leave(second, Leaves::Revocation).await, RemoveRole::Done);
    town.store.users().enable(second, &town.by()).await.unwrap();
    assert_eq!(set(second, OWNER, Leaves::Revocation).await, SetRole::Done);
    assert_eq!(set(first, MEMBER, Leaves::Revocation).await, SetRole::Done);
    assert_eq!(leave(second, Leaves::Nothing).await, RemoveRole::LastOwner);
    // What she owns elsewhere does not count.
    assert_eq!(
        town.sees(Leaves::Nothing, members.remove(second, other, None, &town.by())).await,
        Ok(RemoveRole::LastOwner)
    );
}
