//! Mail that waits.

use std::collections::BTreeSet;

use super::RACERS;
use super::races::race;
use super::town::{DAWN, Leaves, MINUTE, Town};
use crate::{NewMail, Store};

fn mail(town: &Town, subject: &str) -> NewMail {
    NewMail {
        id: town.mail_id(),
        recipient: "zoe@example.com".to_owned(),
        subject: subject.to_owned(),
        sealed: vec![1, 0, 255],
    }
}

/// It comes with what it tells of, waits its turn, and goes once.
pub(super) async fn outbox(store: Store) {
    let town = Town::new(store).await;
    let outbox = town.store.outbox();
    let zoe = town.user().await.id;
    let token = town.token(zoe).await;
    let (one, two) = (mail(&town, "one"), mail(&town, "two"));
    let tokens = town.store.credentials();
    let leak = async |mail: &NewMail| {
        let mails = std::slice::from_ref(mail);
        tokens.revoke_leaked(&token.digest, "found", mails, &town.by()).await
    };
    assert!(town.sees(Leaves::Revocation, leak(&one)).await.unwrap().is_some());
    // Nothing is told of what did not happen.
    let again = leak(&two);
    assert_eq!(town.sees(Leaves::Nothing, again).await, Ok(None));

    let taken =
        town.sees(Leaves::Nothing, outbox.take(DAWN, DAWN + MINUTE)).await.unwrap().unwrap();
    assert_eq!((taken.id, taken.recipient, taken.subject), (one.id, one.recipient, one.subject));
    assert_eq!((taken.sealed, taken.created_at, taken.attempts), (one.sealed, DAWN, 1));
    assert_eq!(outbox.take(DAWN, DAWN + MINUTE).await, Ok(None), "somebody has it");
    // Whoever took it died.
    let again = outbox.take(DAWN + MINUTE, DAWN + MINUTE * 2).await.unwrap().unwrap();
    assert_eq!((again.id, again.attempts), (one.id, 2));
    outbox.put_off(one.id, DAWN + MINUTE * 5).await.unwrap();
    assert_eq!(outbox.take(DAWN + MINUTE * 4, DAWN + MINUTE * 9).await, Ok(None));
    outbox.put(std::slice::from_ref(&two), DAWN + MINUTE * 6).await.unwrap();
    let mut order = Vec::new();
    assert_eq!(outbox.waiting().await.unwrap().0, 2);
    while let Some(it) = outbox.take(DAWN + MINUTE * 6, DAWN + MINUTE * 9).await.unwrap() {
        order.push(it.id);
        outbox.remove(it.id).await.unwrap();
    }
    assert_eq!(order, [one.id, two.id]);
    assert_eq!(outbox.take(DAWN + MINUTE * 99, DAWN + MINUTE * 99).await, Ok(None));

    // There is an end to what waits.
    let many: Vec<_> = (0..=crate::mail::MOST).map(|_| mail(&town, "many")).collect();
    outbox.put(&many, DAWN).await.unwrap();
    outbox.put(&many[..1], DAWN).await.unwrap();
    // And the token that had leaked.
    let tidied = town.store.tidy(DAWN + MINUTE).await.map(|n| n as i64);
    assert_eq!(tidied, Ok(crate::mail::MOST + 1));
}

/// Many carriers at once: each mail is taken by one.
pub(super) async fn one_carrier(store: Store) {
    let town = Town::new(store).await;
    let mails: Vec<_> = (0..RACERS).map(|_| mail(&town, "race")).collect();
    town.store.outbox().put(&mails, DAWN).await.unwrap();
    // On PostgreSQL one may come away with nothing though there is more; it comes again later.
    let taken = race(|_| {
        let town = town.clone();
        async move { town.store.outbox().take(DAWN, DAWN + MINUTE).await.unwrap() }
    })
    .await;
    let taken: Vec<_> = taken.into_iter().flatten().collect();
    assert!(!taken.is_empty());
    let ids: BTreeSet<_> = taken.iter().map(|mail| mail.id).collect();
    assert_eq!(ids.len(), taken.len(), "nobody has what another has");
    assert!(taken.iter().all(|mail| mail.attempts == 1));
}
