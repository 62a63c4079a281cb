//! The one person of a server where nobody has to sign in, and who takes their place.

use super::town::{Leaves, Town};
use crate::{Claim, Error, NewUser, Store};

pub(super) async fn place(store: Store) {
    let town = Town::new(store).await;
    let (local, setup, users) = (town.store.local(), town.store.setup(), town.store.users());
    let code = town.digest();
    setup.begin(&code).await.unwrap();
    assert_eq!(local.who().await, Ok(None));
    let begun = town.sees(Leaves::Change, local.begin(town.new_user(), &town.by())).await;
    let person = begun.unwrap().expect("nobody else is there");
    assert!(person.admin, "whatever was asked for");
    assert_eq!(local.who().await, Ok(Some(person.id)));
    // Nobody has an account all the same, and an old setup link is worth nothing.
    assert_eq!(setup.needed().await, Ok(true));
    assert_eq!(setup.claim(&code, town.new_user(), &town.by()).await, Ok(Claim::Wrong));

    // The same person at the next start; browsers of the last one are forgotten.
    let again = town.sees(Leaves::Nothing, local.begin(town.new_user(), &town.by())).await;
    assert_eq!(again.unwrap().map(|user| user.id), Some(person.id));
    let (_, cookie) = town.session(person.id).await;
    let again = town.sees(Leaves::Revocation, local.begin(town.new_user(), &town.by())).await;
    assert_eq!(again.unwrap().map(|user| user.id), Some(person.id));
    assert_eq!(town.store.sessions().by_digest(&cookie, town.by().at).await, Ok(None));

    // What was made stays, what was handed out ends; and a link that another start made is none.
    let late = town.digest();
    setup.begin(&late).await.unwrap();
    local.begin(town.new_user(), &town.by()).await.unwrap();
    assert_eq!(setup.claim(&late, town.new_user(), &town.by()).await, Ok(Claim::Wrong));
    let org = town.org(person.id).await;
    let project = town.project(org.id).await;
    let policy = town.new_trust(&org, &project);
    let policy = town.store.trust().create(policy, &town.by()).await.unwrap();
    let invitation = town.new_invitation(org.id, person.id);
    let invitations = town.store.invitations();
    assert!(invitations.create(invitation, &[], 9, &town.by()).await.unwrap().is_some());
    let (token, grant) = (town.token(person.id).await, town.grant(person.id).await);
    assert!(town.admits(&token).await && town.is_good(grant).await);
    let code = town.digest();
    setup.begin(&code).await.unwrap();
    let ada = NewUser { id: person.id, ..town.new_user() };
    let claimed = town.sees(Leaves::Revocation, setup.claim(&code, ada.clone(), &town.by())).await;
    assert_eq!(claimed, Ok(Claim::Claimed));
    let now = users.by_id(person.id).await.unwrap().unwrap();
    assert_eq!((now.email, now.name, now.admin), (ada.email.to_lowercase(), ada.name, true));
    assert_eq!(now.password, ada.password);
    assert!(!town.admits(&token).await && !town.is_good(grant).await);
    assert_eq!(town.store.trust().of_issuer(&policy.issuer).await, Ok(Vec::new()));
    let open = invitations.of(org.id, None, None, 9, town.by().at).await.unwrap();
    assert_eq!(open, []);
    let roles = town.store.members().of_user(person.id).await.unwrap();
    assert_eq!(roles.iter().map(|role| role.org_id).collect::<Vec<_>>(), [org.id]);

    // From then on there are accounts.
    assert_eq!(setup.needed().await, Ok(false));
    assert_eq!(local.who().await, Ok(None));
    let refused = town.sees(Leaves::Nothing, local.begin(town.new_user(), &town.by())).await;
    assert_eq!(refused, Ok(None));
}

/// An operator makes the first administrator; everybody else is somebody else.
pub(super) async fn by_operator(store: Store) {
    let town = Town::new(store).await;
    let (local, users) = (town.store.local(), town.store.users());
    let person = local.begin(town.new_user(), &town.by()).await.unwrap().unwrap();
    let bo = NewUser { admin: false, ..town.new_user() };
    let bo = town.sees(Leaves::Change, users.create(bo, &town.by())).await.unwrap();
    assert_ne!(bo.id, person.id);
    // Bo administers nothing: the first administrator is still to come.
    assert_eq!(town.store.setup().needed().await, Ok(true));
    let again = local.begin(town.new_user(), &town.by()).await.unwrap();
    assert_eq!(again.map(|user| user.id), Some(person.id));
    let taken = NewUser { id: person.id, email: bo.email.clone(), admin: true, ..town.new_user() };
    let refused = town.sees(Leaves::Nothing, users.create(taken, &town.by())).await;
    assert_eq!(refused, Err(Error::Conflict("email")));
    let ada = NewUser { id: person.id, admin: true, ..town.new_user() };
    let ada = town.sees(Leaves::Revocation, users.create(ada, &town.by())).await.unwrap();
    assert_eq!((ada.id, local.who().await), (person.id, Ok(None)));
    assert_eq!(users.count().await, Ok(2));
}
