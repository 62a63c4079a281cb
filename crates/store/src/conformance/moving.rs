//! The move away from an older system, and what was revoked, as guards are told it.

use hallpass_core::Timestamp;
use hallpass_core::id::{ProjectId, UserId};

use super::legacy::legacy;
use super::town::{DAWN, Leaves, MINUTE, Town};
use crate::{Error, LegacyHash, NewLegacy, Store};

const KEY: &str = "legacy.move";

/// A town with a project of somebody's.
async fn settled(store: Store) -> (Town, UserId, ProjectId) {
    let town = Town::new(store).await;
    let owner = town.user().await.id;
    let org = town.org(owner).await.id;
    let project = town.project(org).await.id;
    (town, owner, project)
}

fn some(town: &Town) -> NewLegacy {
    legacy(town, LegacyHash::Digest(town.digest()))
}

/// It goes on from where it was read, and the end that it sets is that of all live tokens.
pub(super) async fn steps(store: Store) {
    let (town, _, project) = settled(store).await;
    let moves = town.store.legacy();
    let step = async |was: Option<&str>, now: &str, ends, leaves| {
        let (was, now) = (was.map(str::to_owned), now.to_owned());
        let by = town.by();
        let step = moves.advance(KEY, was, now, ends, "a step".to_owned(), &by);
        town.sees(leaves, step).await.unwrap()
    };
    assert!(step(None, "A", None, Leaves::Change).await);
    assert!(!step(None, "B", None, Leaves::Nothing).await, "it has begun");
    assert!(!step(Some("B"), "C", None, Leaves::Nothing).await, "it is not there");
    assert_eq!(town.store.settings().get(KEY).await, Ok(Some("A".to_owned())));

    let (mut over, alive) = (some(&town), some(&town));
    over.expires_at = Some(DAWN + MINUTE);
    let both = vec![over.clone(), alive.clone()];
    assert_eq!(moves.import(project, both, &town.by()).await, Ok(2));
    town.pass(MINUTE * 2);
    let end = Some(town.by().at + MINUTE * 3);
    // Of an end a guard has to hear, if there is anything that ends.
    assert!(step(Some("A"), "B", Some(end), Leaves::Revocation).await);
    let ends_at = async |id| {
        let kept = town.store.credentials().by_id(id).await.unwrap().unwrap();
        kept.expires_at
    };
    assert_eq!(ends_at(alive.id).await, end);
    assert_eq!(ends_at(over.id).await, Some(DAWN + MINUTE), "what has ended stays ended");
    assert!(step(Some("B"), "B2", Some(None), Leaves::Revocation).await);
    assert_eq!(ends_at(alive.id).await, None);
    // A step alone changes no token.
    assert!(step(Some("B2"), "C", None, Leaves::Change).await);
    assert_eq!(ends_at(alive.id).await, None);
}

/// All live ones of all projects, page by page.
pub(super) async fn listing(store: Store) {
    let (town, owner, project) = settled(store).await;
    let moves = town.store.legacy();
    let org = town.store.projects().by_id(project).await.unwrap().unwrap().org_id;
    let another = town.project(org).await.id;
    let (first, second, third) = (some(&town), some(&town), some(&town));
    for (at, token) in [(project, &first), (another, &second), (project, &third)] {
        assert_eq!(moves.import(at, vec![token.clone()], &town.by()).await, Ok(1));
    }
    // No personal token is among them.
    town.token(owner).await;
    let page = async |after, limit| {
        let page = moves.all(after, limit, town.by().at).await.unwrap();
        page.into_iter().map(|token| token.id).collect::<Vec<_>>()
    };
    let mut all = [first.id, second.id, third.id];
    all.sort_unstable();
    assert_eq!(page(None, 9).await, all);
    assert_eq!(page(None, 2).await, all[..2]);
    assert_eq!(page(Some(all[1]), 2).await, all[2..]);
    assert_eq!(page(Some(all[2]), 2).await, []);
    let revoke = town.store.credentials().revoke(None, all[1], "over", &town.by()).await;
    assert_eq!(revoke, Ok(true));
    assert_eq!(page(None, 9).await, [all[0], all[2]]);
}

/// One is made as long as the move is where it was read.
pub(super) async fn minting(store: Store) {
    let (town, owner, project) = settled(store).await;
    let moves = town.store.legacy();
    let mint = async |now: &str, at, token: &NewLegacy, leaves| {
        let by = town.by();
        let made = moves.mint(KEY, now.to_owned(), at, token.clone(), &by);
        town.sees(leaves, made).await
    };
    let token = NewLegacy { owner: Some(owner), ..some(&town) };
    assert_eq!(mint("A", project, &token, Leaves::Nothing).await, Ok(None), "not begun");
    let begun = moves.advance(KEY, None, "A".to_owned(), None, String::new(), &town.by()).await;
    assert_eq!(begun, Ok(true));
    assert_eq!(mint("B", project, &token, Leaves::Nothing).await, Ok(None));
    let made = mint("A", project, &token, Leaves::Change).await.unwrap().unwrap();
    assert_eq!((made.id, made.user_id, made.project_id), (token.id, Some(owner), Some(project)));
    assert!(town.admits(&made).await);
    let again = NewLegacy { id: town.token_id(), ..token.clone() };
    assert_eq!(mint("A", project, &again, Leaves::Nothing).await, Ok(None), "it is there");

    let nobodys = NewLegacy { owner: Some(town.user_id()), ..some(&town) };
    let refused = mint("A", project, &nobodys, Leaves::Nothing).await;
    assert_eq!(refused, Err(Error::Missing("user")));
    let nowhere = mint("A", town.project_id(), &some(&town), Leaves::Nothing).await;
    assert_eq!(nowhere, Err(Error::Missing("project")));
}

/// What a guard is told: everything after the epoch that it knows, and each thing once.
pub(super) async fn news(store: Store) {
    let (town, _, project) = settled(store).await;
    let buried = town.store.tombstones();
    let start = buried.epoch().await.unwrap();
    let since = async |epoch, limit| {
        let mut ids = buried.since(epoch, limit).await.unwrap();
        ids.sort_unstable();
        ids
    };
    assert_eq!(since(start, 9).await, Vec::<String>::new());
    let tokens = [some(&town), some(&town)];
    assert_eq!(town.store.legacy().import(project, tokens.to_vec(), &town.by()).await, Ok(2));
    assert_eq!(since(start, 9).await, Vec::<String>::new(), "nobody has less than before");
    let ids = tokens.map(|token| token.id);
    let mut epochs = vec![start];
    for id in ids {
        let done = town.store.credentials().revoke(None, id, "over", &town.by()).await;
        assert_eq!(done, Ok(true));
        epochs.push(buried.epoch().await.unwrap());
    }
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    let mut both = ids.map(|id| id.to_string());
    both.sort_unstable();
    assert_eq!(since(start, 9).await, both);
    assert_eq!(since(start, 1).await.len(), 1);
    assert_eq!(since(epochs[1], 9).await, [ids[1].to_string()]);
    assert_eq!(since(epochs[2], 9).await, Vec::<String>::new());

    // A JWT is news, too; whoever revokes it again says nothing new.
    let until: Timestamp = town.by().at + MINUTE;
    buried.revoke_jwt("jti_1", until, &town.by()).await.unwrap();
    assert_eq!(since(epochs[2], 9).await, ["jti_1"]);
}
