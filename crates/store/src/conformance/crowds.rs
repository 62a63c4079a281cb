//! Many at once, at tokens and in organizations.

use hallpass_core::role::OrgRole;

use super::RACERS;
use super::mirror::Mirror;
use super::races::{count, race};
use super::town::{MINUTE, Town, everybody};
use crate::{
    Accept, Disable, Error, Guest, NewOrg, RemoveRole, Role, Rotate, SetRole, Store, User,
};

/// One token: one successor.
pub(super) async fn one_rotation(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    for _ in 0..rounds {
        let zoe = town.user().await.id;
        let old = town.token(zoe).await.id;
        let now = town.by().at;
        let answers = race(|_| {
            let town = town.clone();
            async move {
                let (tokens, by) = (town.store.credentials(), town.by());
                let overlap = Some(now + MINUTE);
                tokens.rotate(zoe, old, town.successor(), overlap, &by).await.unwrap()
            }
        })
        .await;
        assert_eq!(count(&answers, &Rotate::Rotated), RACERS - 1);
        let live = town.store.credentials().of_user(zoe, None, 9, now).await.unwrap();
        let [young, kept] = &live[..] else { panic!("{} are live", live.len()) };
        assert!(answers.contains(&Rotate::Done(young.clone())));
        assert_eq!((kept.id, young.rotated_from), (old, Some(old)));
    }
}

/// One name: one token has it, however they come by it.
pub(super) async fn one_name(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let taken = Err(Error::Conflict("name"));
    for _ in 0..rounds {
        let zoe = town.user().await.id;
        let answers = race(|_| {
            let town = town.clone();
            async move {
                let mut new = town.new_token(zoe);
                new.name = "created".to_owned();
                town.store.credentials().create(new, &town.by()).await.map(drop)
            }
        })
        .await;
        assert_eq!((count(&answers, &Ok(())), count(&answers, &taken)), (1, RACERS - 1));

        let mut tokens = Vec::new();
        for _ in 0..RACERS {
            tokens.push(town.token(zoe).await.id);
        }
        let answers = race(|racer| {
            let (town, id) = (town.clone(), tokens[racer]);
            async move {
                let tokens = town.store.credentials();
                if racer % 2 == 0 {
                    return tokens.rename(zoe, id, "renamed", &town.by()).await.map(drop);
                }
                let mut new = town.new_token(zoe);
                new.name = "renamed".to_owned();
                tokens.create(new, &town.by()).await.map(drop)
            }
        })
        .await;
        assert_eq!((count(&answers, &Ok(())), count(&answers, &taken)), (1, RACERS - 1));
    }
}

/// Both owners leave, or step down: one stays.
pub(super) async fn last_two_owners(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let owner = Role::Org(OrgRole::Owner);
    for _ in 0..rounds {
        let both = [town.user().await.id, town.user().await.id];
        let org = town.org(both[0]).await.id;
        let set = town.store.members().set(both[1], org, owner, &town.by()).await;
        assert_eq!(set, Ok(SetRole::Done));
        let answers = race(|racer| {
            let (town, leaves) = (town.clone(), both[racer % 2]);
            async move {
                let (members, by) = (town.store.members(), town.by());
                // Both at once by three ways: leaving, another role, a disabled account.
                if racer % 8 > 5 {
                    let disabled = town.store.users().disable(leaves, &by).await.unwrap();
                    return disabled == Disable::LastOwner(org);
                }
                if racer % 4 < 2 {
                    let left = members.remove(leaves, org, None, &by).await.unwrap();
                    return left == RemoveRole::LastOwner;
                }
                let member = Role::Org(OrgRole::Member);
                match members.set(leaves, org, member, &by).await {
                    Ok(set) => set == SetRole::LastOwner,
                    // Disabled a moment ago.
                    Err(Error::Missing("user")) => false,
                    Err(other) => panic!("{other}"),
                }
            }
        })
        .await;
        assert!(answers.contains(&true), "somebody was told");
        let left = town.store.members().of(org, None, None, 9).await.unwrap();
        let able = |user: &User| user.disabled_at.is_none();
        assert_eq!(left.iter().filter(|(user, role)| *role == owner && able(user)).count(), 1);
    }
}

/// One invitation: one of many gets in.
pub(super) async fn one_invitation(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let owner = town.user().await.id;
    let org = town.org(owner).await.id;
    for _ in 0..rounds {
        let new = town.new_invitation(org, owner);
        let digest = new.digest;
        town.store.invitations().create(new, &[], 1000, &town.by()).await.unwrap();
        let answers = race(|_| {
            let (town, guest) = (town.clone(), Guest::New(town.new_user()));
            async move {
                let invitations = town.store.invitations();
                invitations.accept(&digest, guest, everybody(), &town.by()).await.unwrap()
            }
        })
        .await;
        assert_eq!(answers.iter().filter(|it| matches!(it, Accept::Done(_))).count(), 1);
        assert_eq!(answers.iter().filter(|it| **it == Accept::Gone).count(), answers.len() - 1);
    }
}

/// One address: one of many organizations has it, made with it or renamed to it, and the one
/// that gives it up keeps it from the others.
pub(super) async fn one_address(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    for round in 0..rounds {
        let slug = format!("address-{round}");
        let answers = race(|racer| {
            let (town, slug) = (town.clone(), slug.clone());
            async move {
                let (orgs, new) = (town.store.orgs(), town.new_org());
                if racer % 2 == 0 {
                    let new = NewOrg { slug, ..new };
                    return orgs.create(new, None, &town.by()).await.map(|org| org.id);
                }
                let org = orgs.create(new, None, &town.by()).await.unwrap();
                let renamed = orgs.rename(org.id, &slug, "N", &town.by()).await;
                // It gives it up at once.
                if renamed.is_ok() {
                    orgs.rename(org.id, &org.slug, "N", &town.by()).await.unwrap();
                }
                renamed.map(|org| org.id)
            }
        })
        .await;
        assert_eq!(answers.iter().filter(|it| it.is_ok()).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|it| matches!(it, Ok(_) | Err(Error::Conflict(_)))));
    }
}

/// Revoked is revoked, whoever rotates it meanwhile; and nothing comes of what was revoked.
pub(super) async fn revoke_and_rotate(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    for _ in 0..rounds {
        let zoe = town.user().await.id;
        let old = town.token(zoe).await;
        let now = town.by().at;
        let answers = race(|racer| {
            let (town, id) = (town.clone(), old.id);
            async move {
                let (tokens, by) = (town.store.credentials(), town.by());
                if racer % 2 == 0 {
                    (tokens.revoke(Some(zoe), id, "by hand", &by).await.unwrap(), false)
                } else {
                    let overlap = Some(now + MINUTE);
                    let rotated = tokens.rotate(zoe, id, town.successor(), overlap, &by).await;
                    (false, matches!(rotated.unwrap(), Rotate::Done(_)))
                }
            }
        })
        .await;
        assert_eq!(answers.iter().filter(|(revoked, _)| *revoked).count(), 1);
        assert!(!town.admits(&old).await);
        let rotated = answers.iter().filter(|(_, rotated)| *rotated).count();
        let live = town.store.credentials().of_user(zoe, None, 9, now).await.unwrap();
        assert!(rotated <= 1 && live.len() == rotated, "{rotated} and {}", live.len());
    }
}

/// Whatever many do to the same few at once, a watcher is told in the order in which it was
/// committed.
pub(super) async fn told_in_order(store: Store, rounds: usize) {
    let mirror = Mirror::of(&store);
    let town = Town::new(store).await;
    for _ in 0..rounds {
        let zoe = town.user().await.id;
        let other = town.user().await.id;
        let org = town.org(other).await.id;
        let tokens = [town.token(zoe).await.id, town.token(zoe).await.id];
        race(|racer| {
            let (town, token) = (town.clone(), tokens[racer / 8 % 2]);
            async move {
                let (store, by) = (&town.store, town.by());
                let end = Some(by.at + MINUTE * racer as u32 + MINUTE);
                match racer % 8 {
                    0 => drop(store.members().set(zoe, org, Role::Org(OrgRole::Admin), &by).await),
                    1 => drop(store.members().remove(zoe, org, None, &by).await),
                    2 if racer > 48 => {
                        drop(store.credentials().revoke(None, token, "", &by).await);
                    }
                    3 => {
                        let young = town.successor();
                        drop(store.credentials().rotate(zoe, token, young, end, &by).await);
                    }
                    4 | 5 => drop(store.credentials().set_expiry(zoe, token, end, &by).await),
                    6 => drop(store.users().change_password(other, "$new", None, &by).await),
                    _ => {
                        let name = format!("name {racer}");
                        drop(store.credentials().rename(zoe, token, &name, &by).await);
                    }
                }
            }
        })
        .await;
        mirror.shows(&town.store, town.by().at).await;
    }
}
