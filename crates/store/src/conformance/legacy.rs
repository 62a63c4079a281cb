//! Tokens of an older system.

use hallpass_core::role::{OrgRole, ProjectRole};

use super::town::{DAWN, Leaves, MINUTE, Town};
use crate::legacy::MAX_LOOKUPS;
use crate::{Disable, Error, LegacyHash, NewLegacy, Role, SetRole, Store};

pub(super) fn legacy(town: &Town, hash: LegacyHash) -> NewLegacy {
    NewLegacy {
        id: town.token_id(),
        hash,
        name: "imported".to_owned(),
        prefix: "stk_".to_owned(),
        last_four: String::new(),
        role: ProjectRole::Collaborator,
        owner: None,
        created_at: None,
        expires_at: None,
    }
}

pub(super) async fn digests(store: Store) {
    let town = Town::new(store).await;
    let legacies = town.store.legacy();
    let zoe = town.user().await.id;
    let org = town.org(zoe).await.id;
    let project = town.project(org).await.id;
    let (first, mut second) = (
        legacy(&town, LegacyHash::Digest(town.digest())),
        legacy(&town, LegacyHash::Digest(town.digest())),
    );
    second.owner = Some(zoe);
    let both = vec![first.clone(), second.clone()];
    let import = async |tokens: Vec<NewLegacy>, leaves| {
        town.sees(leaves, legacies.import(project, tokens, &town.by())).await
    };
    assert_eq!(import(both.clone(), Leaves::Change).await, Ok(2));
    // Again, under other ids: nothing.
    let mut again = both.clone();
    again.iter_mut().for_each(|token| token.id = town.token_id());
    assert_eq!(import(again, Leaves::Nothing).await, Ok(0));

    let page = async |after| {
        let page = legacies.of_project(project, after, 1, town.by().at).await.unwrap();
        page.into_iter().next()
    };
    let alone = page(None).await.unwrap();
    assert_eq!(
        (alone.id, alone.user_id, &alone.principal),
        (first.id, None, &first.id.to_string())
    );
    assert_eq!((alone.org_id, alone.project_id), (Some(org), Some(project)));
    assert_eq!(alone.role, Some(ProjectRole::Collaborator));
    let owned = page(Some(first.id)).await.unwrap();
    assert_eq!((owned.id, owned.user_id, owned.grant_id), (second.id, Some(zoe), None));
    assert_eq!(page(Some(second.id)).await, None);
    let facts = town.store.credentials().facts(&alone.digest).await.unwrap().unwrap();
    assert_eq!((facts.user, facts.memberships), (None, Vec::new()));
    // They are not on their owner's page of personal tokens.
    assert_eq!(town.store.credentials().of_user(zoe, None, 9, DAWN).await, Ok(Vec::new()));

    // What was revoked does not come back, not even after a thorough tidying.
    assert_eq!(
        town.sees(
            Leaves::Revocation,
            town.store.credentials().revoke(None, first.id, "phased out", &town.by())
        )
        .await,
        Ok(true)
    );
    let owner = Role::Org(OrgRole::Owner);
    let other = town.user().await.id;
    assert_eq!(town.store.members().set(other, org, owner, &town.by()).await, Ok(SetRole::Done));
    assert_eq!(town.store.users().disable(zoe, &town.by()).await, Ok(Disable::Done));
    assert!(!town.admits(&alone).await && !town.admits(&owned).await);
    town.store.users().enable(zoe, &town.by()).await.unwrap();
    town.store.tidy(DAWN + MINUTE * 60).await.unwrap();
    assert_eq!(import(both, Leaves::Nothing).await, Ok(0));
    assert_eq!(page(None).await, None);

    let more = || vec![legacy(&town, LegacyHash::Digest(town.digest()))];
    assert_eq!(
        town.sees(Leaves::Nothing, legacies.import(town.project_id(), more(), &town.by())).await,
        Err(Error::Missing("project"))
    );
    let mut nobodys = more();
    nobodys[0].owner = Some(town.user_id());
    let mixed = [more(), nobodys].concat();
    assert_eq!(import(mixed, Leaves::Nothing).await, Err(Error::Missing("user")));
    assert_eq!(page(None).await, None, "all or nothing");
}

/// A salted hash is tried until somebody presents the text.
pub(super) async fn salted(store: Store) {
    let town = Town::new(store).await;
    let legacies = town.store.legacy();
    let org = town.org(town.user().await.id).await.id;
    let project = town.project(org).await.id;
    let hash = |phc: &str| LegacyHash::Salted {
        lookup: "ab12".to_owned(),
        phc: phc.to_owned(),
        placeholder: town.digest(),
    };
    let (first, second) = (legacy(&town, hash("$argon2id$1")), legacy(&town, hash("$argon2id$2")));
    assert!(!format!("{first:?}").contains("argon2id"));
    let both = vec![first.clone(), second.clone()];
    assert_eq!(legacies.import(project, both.clone(), &town.by()).await, Ok(2));
    assert_eq!(legacies.any_salted().await, Ok(true));
    let asked = async |lookups: &[&str]| {
        let lookups: Vec<String> = lookups.iter().map(|it| (*it).to_owned()).collect();
        let found = legacies.candidates(&lookups, town.by().at).await.unwrap();
        assert!(!format!("{found:?}").contains("argon2id"));
        found.into_iter().map(|it| (it.id, it.lookup, it.phc)).collect::<Vec<_>>()
    };
    let candidates = async |lookup: &str| asked(&[lookup]).await;
    let one = |id, phc: &str| (id, "ab12".to_owned(), phc.to_owned());
    let all = [one(first.id, "$argon2id$1"), one(second.id, "$argon2id$2")];
    assert_eq!(candidates("ab12").await, all);
    assert_eq!(candidates("ab13").await, []);
    assert_eq!(asked(&[]).await, []);
    let most = [&["a"; MAX_LOOKUPS - 1][..], &["ab12"]].concat();
    assert_eq!(asked(&most).await, all);
    let known = async |phc: &str| legacies.by_phc(phc).await.unwrap().map(|it| it.id);
    assert_eq!(known("$argon2id$1").await, Some(first.id));
    assert_eq!(known("$argon2id$3").await, None);

    let digest = town.digest();
    assert_eq!(town.sees(Leaves::Nothing, legacies.adopt(first.id, &digest)).await, Ok(true));
    assert_eq!(legacies.adopt(first.id, &town.digest()).await, Ok(false));
    let adopted = town.store.credentials().facts(&digest).await.unwrap().unwrap().credential;
    assert_eq!(adopted.id, first.id);
    assert_eq!(candidates("ab12").await, all[1..]);
    assert_eq!(town.store.credentials().revoke(None, second.id, "", &town.by()).await, Ok(true));
    assert_eq!(candidates("ab12").await, []);
    assert_eq!(known("$argon2id$1").await, Some(first.id), "adopted, and still known");
    // A digest is one token's: whoever comes second with the text finds the first.
    let third = legacy(&town, hash("$argon2id$3"));
    assert_eq!(legacies.import(project, vec![third.clone()], &town.by()).await, Ok(1));
    let taken = town.sees(Leaves::Nothing, legacies.adopt(third.id, &digest)).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    assert_eq!(candidates("ab12").await, [one(third.id, "$argon2id$3")]);
    assert_eq!(legacies.adopt(third.id, &town.digest()).await, Ok(true));
    assert_eq!(legacies.any_salted().await, Ok(true), "the revoked one was never adopted");
    // Neither is imported again, with whatever placeholder.
    let again = ["$argon2id$1", "$argon2id$2"].map(|phc| {
        // Whatever part of the text is said to find it this time.
        let LegacyHash::Salted { phc, placeholder, .. } = hash(phc) else { unreachable!() };
        legacy(&town, LegacyHash::Salted { lookup: "ab12cd".to_owned(), phc, placeholder })
    });
    assert_eq!(
        town.sees(Leaves::Nothing, legacies.import(project, again.to_vec(), &town.by())).await,
        Ok(0)
    );
}
