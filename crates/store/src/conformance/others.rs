//! What others did with a person's tokens.

use super::town::{DAWN, Leaves, MINUTE, Town};
use crate::others::Act;
use crate::{By, Store};

/// What somebody else did is kept for the owner to see, what the owner did is not.
pub(super) async fn are_remembered(store: Store) {
    let town = Town::new(store).await;
    let tokens = town.store.credentials();
    let (zoe, root) = (town.user().await.id, town.user().await.id);
    let by = |actor: &dyn ToString| By { actor: actor.to_string(), ..town.by() };
    let (one, two) = (town.token(zoe).await, town.token(zoe).await);
    let seen = async || {
        let done = tokens.done_by_others(zoe, DAWN, 9).await.unwrap();
        done.into_iter().map(|it| (it.id, it.name, it.act, it.actor)).collect::<Vec<_>>()
    };
    tokens.rename(zoe, one.id, "mine", &by(&zoe)).await.unwrap();
    assert_eq!(seen().await, []);

    let roots = by(&root);
    let renamed = tokens.rename(zoe, one.id, "build", &roots);
    town.sees(Leaves::Change, renamed).await.unwrap().unwrap();
    let row = town.store.audit().page(None, 100).await.unwrap().pop().unwrap();
    assert_eq!((row.actor, row.subject), (root.to_string(), one.id.to_string()));
    assert_eq!(row.detail, Some(format!("build, for {zoe}")));
    town.pass(MINUTE);
    let end = Some(DAWN + MINUTE * 9);
    tokens.set_expiry(zoe, one.id, end, &by(&root)).await.unwrap().unwrap();
    town.pass(MINUTE);
    let system = by(&"system");
    let revoked = tokens.revoke(Some(zoe), two.id, "by hand", &system);
    assert_eq!(town.sees(Leaves::Revocation, revoked).await, Ok(true));
    let two_done = (two.id, two.name, Act::Revoked, "system".to_owned());
    let one_done = (one.id, "build".to_owned(), Act::EndChanged, root.to_string());
    assert_eq!(seen().await, [two_done.clone(), one_done], "the last of each");
    assert_eq!(tokens.done_by_others(root, DAWN, 9).await, Ok(Vec::new()), "hers, not root's");
    let late = tokens.done_by_others(zoe, DAWN + MINUTE * 2, 9).await.unwrap();
    assert_eq!(late.len(), 1);
    assert_eq!(tokens.done_by_others(zoe, DAWN, 1).await.unwrap().len(), 1);

    // What is tidied away takes this with it.
    town.store.tidy(DAWN + MINUTE * 99).await.unwrap();
    assert_eq!(seen().await, []);
}
