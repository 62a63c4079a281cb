//! The audit log, tidying up, the handle itself.

use std::sync::Mutex;

use hallpass_core::id::AuditKeyId;
use hallpass_core::{Clock, Timestamp};

use super::town::{CLIENT, DAWN, Leaves, MINUTE, Town};
use crate::{
    AuditFilter, AuditKey, AuditRow, Checkpoint, Denied, Engine, Error, Head, Link, Poll, SetRole,
    Spend, Store,
};

pub(super) async fn audit(store: Store) {
    let town = Town::new(store).await;
    let audit = town.store.audit();
    let zoe = town.user().await.id;
    let mut by = town.by();
    by.actor = zoe.to_string();
    let grant = town.grant(zoe).await;
    town.store.grants().end(grant, "lost laptop", &by).await.unwrap();
    let rows = audit.page(None, 100).await.unwrap();
    assert_eq!(rows.len() as u64, audit.count().await.unwrap());
    assert!(rows.is_sorted_by(|a, b| a.seq < b.seq));
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["client.create", "user.create", "code.issue", "grant.end"]);
    let last = rows.last().unwrap();
    assert_eq!((last.id, last.at, &last.actor), (by.id, by.at, &by.actor));
    assert_eq!(last.subject, grant.to_string());
    assert_eq!((&last.client_id, &last.address), (&by.client_id, &by.address));
    assert_eq!(last.detail.as_deref(), Some("lost laptop"));

    assert_eq!(audit.page(None, 3).await.unwrap(), rows[..3]);
    assert_eq!(audit.page(Some(rows[2].seq), 3).await.unwrap(), rows[3..]);
    assert_eq!(audit.page(Some(last.seq), 3).await, Ok(Vec::new()));
}

/// A row says which organization it belongs to; one that was denied is a row like others.
pub(super) async fn audit_of_orgs(store: Store) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let (org, other) = (town.org(zoe).await, town.org(zoe).await);
    let project = town.project(org.id).await;
    let role = crate::Role::Org(hallpass_core::role::OrgRole::Admin);
    let bo = town.user().await.id;
    assert_eq!(town.store.members().set(bo, org.id, role, &town.by()).await, Ok(SetRole::Done));
    let denied = Denied {
        by: town.by(),
        action: "check.denied",
        subject: project.id.to_string(),
        org: Some(org.id),
        detail: "no role there".to_owned(),
    };
    town.sees(Leaves::Change, town.store.audit().denied(vec![denied])).await.unwrap();
    let of = async |org: &crate::Org| {
        let filter = AuditFilter { org: Some(org.id), ..AuditFilter::default() };
        let found = town.store.audit().search(&filter, None, 50).await.unwrap();
        assert_eq!(found.next, None);
        found.rows.into_iter().map(|row| row.action).collect::<Vec<_>>()
    };
    assert_eq!(of(&org).await, ["check.denied", "member.set", "project.create", "org.create"]);
    assert_eq!(of(&other).await, ["org.create"]);
}

/// What is looked for is found, page by page, the newest first.
pub(super) async fn searching(store: Store) {
    let town = Town::new(store).await;
    let mut people = Vec::new();
    for _ in 0..5 {
        people.push(town.user().await.id);
        town.pass(MINUTE);
    }
    town.store.users().disable(people[1], &town.by()).await.unwrap();
    let audit = town.store.audit();
    let search = async |filter: AuditFilter, before| {
        let found = audit.search(&filter, before, 3).await.unwrap();
        let rows = found.rows.into_iter().map(|row| (row.action, row.subject));
        (rows.collect::<Vec<_>>(), found.next)
    };
    let made = |at: usize| ("user.create".to_owned(), people[at].to_string());
    let users = AuditFilter { action: Some("user.create".to_owned()), ..AuditFilter::default() };
    let (first, next) = search(users.clone(), None).await;
    assert_eq!(first, [made(4), made(3), made(2)]);
    assert_eq!(search(users.clone(), next).await, (vec![made(1), made(0)], None));
    let one = AuditFilter { subject: Some(people[1].to_string()), ..AuditFilter::default() };
    let disabled = ("user.disable".to_owned(), people[1].to_string());
    assert_eq!(search(one, None).await, (vec![disabled, made(1)], None));
    let time = AuditFilter { since: Some(DAWN + MINUTE), until: Some(DAWN + MINUTE * 3), ..users };
    assert_eq!(search(time, None).await.0, [made(3), made(2), made(1)]);
    let nobody = AuditFilter { actor: Some("usr_nobody".to_owned()), ..AuditFilter::default() };
    assert_eq!(search(nobody, None).await, (Vec::new(), None));
}

/// A turn of a sealer, which hashes nothing.
async fn turn(town: &Town, from: Head, rows: &[AuditRow]) -> Result<bool, Error> {
    let links: Vec<Link> = rows
        .iter()
        .zip(from.number + 1..)
        .map(|(row, number)| Link { seq: row.seq, number, hash: town.digest() })
        .collect();
    let last = links.last().unwrap();
    let checkpoint = Checkpoint {
        number: last.number,
        at: town.by().at,
        hash: last.hash,
        key: AuditKeyId::from_bits(7),
        signature: vec![1, 2, 3],
    };
    town.store.audit().seal(from.number, links, checkpoint).await
}

/// Each row is chained once, whoever seals.
pub(super) async fn sealing(store: Store) {
    let town = Town::new(store).await;
    let audit = town.store.audit();
    for _ in 0..3 {
        town.user().await;
    }
    let (head, rows) = (audit.head().await.unwrap(), audit.unsealed(0, 100).await.unwrap());
    assert_eq!((head, rows.len()), (Head { number: 0, hash: None }, 4));
    assert_eq!(audit.unsealed_count().await, Ok(4));
    // Two who saw the same: one has sealed.
    assert_eq!(town.sees(Leaves::Nothing, turn(&town, head, &rows[..3])).await, Ok(true));
    assert_eq!(turn(&town, head, &rows).await, Ok(false));
    let head = audit.head().await.unwrap();
    assert_eq!(head.number, 3);
    let sealed = audit.sealed(0, 100).await.unwrap();
    let numbers: Vec<_> = sealed.iter().map(|row| row.link.unwrap().0).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(sealed.last().unwrap().link.unwrap().1, head.hash.unwrap());
    assert_eq!(audit.unsealed(0, 100).await.unwrap()[..], rows[3..]);
    // A row that is chained is not chained again, even by one who holds the head.
    assert_eq!(turn(&town, head, &rows[2..]).await, Err(Error::Conflict("a row of the audit log")));
    assert_eq!(audit.head().await, Ok(head));
    assert_eq!(turn(&town, head, &rows[3..]).await, Ok(true));
    let checkpoints = audit.checkpoints(0, 10).await.unwrap();
    assert_eq!(checkpoints.iter().map(|it| it.number).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(audit.last_checkpoint().await.unwrap(), checkpoints.last().cloned());
    let all = (Timestamp::from_millis(0), town.by().at);
    assert_eq!(audit.between(all.0, all.1).await, Ok(Some((1, 4))));
    assert_eq!(audit.between(all.1 + MINUTE, all.1 + MINUTE * 2).await, Ok(None));

    let key = |bits| AuditKey {
        id: AuditKeyId::from_bits(bits),
        public: vec![1],
        sealed_private: vec![2],
        created_at: DAWN,
    };
    let ensuring = town.sees(Leaves::Nothing, audit.ensure_key(key(1)));
    assert_eq!(ensuring.await, Ok(vec![key(1)]));
    assert_eq!(audit.ensure_key(key(2)).await, Ok(vec![key(1)]));
    assert_eq!(audit.keys().await, Ok(vec![key(1)]));
}

/// While others write, many seal: every row gets one number, and no number is missing.
pub(super) async fn sealing_at_once(store: Store) {
    let town = Town::new(store).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (writes, seals) = (town.clone(), town.clone());
        tasks.spawn(async move {
            for _ in 0..10 {
                writes.user().await;
            }
        });
        tasks.spawn(async move { seal_all(&seals, 40).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    seal_all(&town, 1).await;
    let rows = town.store.audit().sealed(0, 1000).await.unwrap();
    assert_eq!(rows.len() as u64, town.store.audit().count().await.unwrap());
    let numbers: Vec<_> = rows.iter().map(|row| row.link.unwrap().0).collect();
    assert_eq!(numbers, (1..=rows.len() as i64).collect::<Vec<_>>());
}

async fn seal_all(town: &Town, turns: usize) {
    let audit = town.store.audit();
    for _ in 0..turns {
        let head = audit.head().await.unwrap();
        let rows = audit.unsealed(0, 100).await.unwrap();
        if rows.is_empty() {
            tokio::task::yield_now().await;
        } else {
            match turn(town, head, &rows).await {
                // Somebody else may have sealed them.
                Ok(_) | Err(Error::Conflict(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// What is long over is deleted, what may still be asked for is not.
pub(super) async fn tidying(store: Store) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let (code, grant) = town.code(zoe).await;
    let (refresh, _) = town.refresh(zoe).await;
    let (_, device) = town.device().await;
    let (_, cookie) = town.session(zoe).await;
    let key = ["somebody".to_owned()];
    town.store.failures().record(&key, town.by().at).await.unwrap();

    let dawn = town.by().at;
    assert_eq!(town.store.tidy(dawn).await, Ok(0));
    assert_eq!(town.store.devices().poll(&device, dawn).await, Ok(Poll::Pending));
    let later = dawn + MINUTE * 61;
    // Two codes, the device code, the refresh token, the session, the counter.
    assert_eq!(town.sees(Leaves::Nothing, town.store.tidy(later)).await, Ok(6));
    assert_eq!(town.store.codes().peek(&code).await, Ok(None));
    assert_eq!(town.store.refresh().by_digest(&refresh).await, Ok(None));
    assert_eq!(town.store.devices().peek(&device).await, Ok(None));
    assert_eq!(town.store.sessions().by_digest(&cookie, dawn).await, Ok(None));
    assert_eq!(town.store.failures().counts(&key, dawn).await, Ok(vec![0]));
    assert_eq!(town.store.codes().spend(&code, None, &town.by()).await, Ok(Spend::Gone));
    assert!(town.is_good(grant).await, "a grant outlives its code");
}

/// More than one portion.
pub(super) async fn tidying_much(store: Store) {
    let town = Town::new(store).await;
    let keys: Vec<_> = (0..700).map(|number| format!("key {number}")).collect();
    town.store.failures().record(&keys, DAWN).await.unwrap();
    town.store.failures().record(&keys, DAWN + MINUTE).await.unwrap();
    assert_eq!(town.store.tidy(DAWN + MINUTE).await, Ok(700));
    assert_eq!(town.store.failures().counts(&keys, DAWN).await, Ok(vec![1; 700]));
}

/// A clock that shows one time after the other.
struct Shown(Mutex<Vec<i64>>);

impl Clock for Shown {
    fn now(&self) -> Timestamp {
        let mut left = self.0.lock().unwrap();
        Timestamp::from_millis(if left.len() > 1 { left.remove(0) } else { left[0] })
    }
}

/// The database's clock counts; a measurement that agrees with what is known changes
/// nothing.
pub(super) async fn time(store: Store) {
    store.learn_time(&Shown(Mutex::new(vec![0]))).await.unwrap();
    let zero = Timestamp::from_millis(0);
    let there = store.database_time(zero);
    if store.engine() == Engine::Sqlite {
        assert_eq!(there, zero, "it is the same clock");
        return;
    }
    assert!(there.secs() > 1_700_000_000, "{there}");
    // An answer that took ten minutes says only so much.
    store.learn_time(&Shown(Mutex::new(vec![-300_000, 300_000]))).await.unwrap();
    assert_eq!(store.database_time(zero), there);
    // One that says otherwise is believed.
    store.learn_time(&Shown(Mutex::new(vec![3_600_000]))).await.unwrap();
    assert!(store.database_time(zero) <= there - MINUTE * 50);
}

/// After closing nothing is answered, and nothing hangs.
pub(super) async fn closing(store: Store) {
    let town = Town::new(store).await;
    assert_eq!(town.store.ping().await, Ok(()));
    town.store.close().await;
    town.store.close().await;
    let closed = |answer: Result<(), Error>| {
        assert!(matches!(answer, Err(Error::Unavailable { .. })), "{answer:?}");
    };
    closed(town.store.ping().await);
    closed(town.store.clients().by_id(CLIENT).await.map(drop));
    closed(town.store.setup().begin(&town.digest()).await);
}
