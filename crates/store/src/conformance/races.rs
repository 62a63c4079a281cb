//! Many at once. Each race is run by [`RACERS`] tasks, for as many rounds as asked for.

use std::future::Future;
use std::time::Duration;

use hallpass_core::Digest;
use tokio::task::JoinSet;

use super::RACERS;
use super::programs::key;
use super::town::{Leaves, Town};
use crate::{Claim, Decide, GrantKind, Issue, Rotation, Spend, Start, Store};

/// Runs `racer` for the numbers below [`RACERS`] at once, and collects what they got.
pub(super) async fn race<T, R>(racer: impl Fn(usize) -> R) -> Vec<T>
where
    T: Send + 'static,
    R: Future<Output = T> + Send + 'static,
{
    let racers: JoinSet<T> = (0..RACERS).map(racer).collect();
    racers.join_all().await
}

pub(super) fn count<T: PartialEq>(answers: &[T], wanted: &T) -> usize {
    answers.iter().filter(|answer| *answer == wanted).count()
}

/// One code: one wins, and the others end its grant, once.
pub(super) async fn one_code(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    for _ in 0..rounds {
        let (code, grant) = town.code(zoe).await;
        let before = town.counts().await;
        let answers = race(|_| {
            let town = town.clone();
            async move {
                let first = Some(town.new_refresh());
                town.store.codes().spend(&code, first, &town.by()).await.unwrap()
            }
        })
        .await;
        assert_eq!(count(&answers, &Spend::Won), 1);
        assert_eq!(count(&answers, &Spend::Reused(grant)), RACERS - 1);
        assert!(!town.is_good(grant).await);
        let after = town.counts().await;
        assert_eq!((after.0 - before.0, after.1 - before.1), (2, 1));
    }
}

/// One device code, likewise.
pub(super) async fn one_device_code(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    for _ in 0..rounds {
        let (device, code) = town.device().await;
        let grant = town.new_grant(zoe, GrantKind::Device);
        let id = grant.id;
        let approved = town.store.devices().approve(device.id, grant, &town.by()).await;
        assert_eq!(approved, Ok(Decide::Done));
        let answers = race(|_| {
            let town = town.clone();
            async move {
                let first = Some(town.new_refresh());
                town.store.devices().spend(&code, first, &town.by()).await.unwrap()
            }
        })
        .await;
        assert_eq!(count(&answers, &Spend::Won), 1);
        assert_eq!(count(&answers, &Spend::Reused(id)), RACERS - 1);
        assert!(!town.is_good(id).await);
    }
}

const GRACE: Duration = Duration::from_secs(30);

/// One racer's rotation: what became of it, who it was, and the child it brought.
async fn rotate(town: Town, presented: Digest, racer: usize) -> (Rotation, u8, Digest) {
    let (child, by) = (town.new_refresh(), town.by());
    let (digest, sealed) = (child.digest, vec![racer as u8]);
    let answer = town.store.refresh().rotate(&presented, child, sealed, GRACE, &by).await;
    (answer.unwrap(), racer as u8, digest)
}

/// One refresh token: one child, and the others are given that same one. A replay after
/// the child was spent ends that family only.
pub(super) async fn one_refresh_token(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let (_, other_family) = town.refresh(zoe).await;
    for _ in 0..rounds {
        let (presented, grant) = town.refresh(zoe).await;
        let answers = race(|racer| rotate(town.clone(), presented, racer)).await;
        let won: Vec<_> = answers.iter().filter(|(it, ..)| *it == Rotation::Won).collect();
        let [(_, winner, child)] = won[..] else { panic!("{} won", won.len()) };
        let again = Rotation::Again { sealed: vec![*winner] };
        assert_eq!(answers.iter().filter(|(it, ..)| *it == again).count(), RACERS - 1);
        for (_, _, digest) in &answers {
            let kept = town.store.refresh().by_digest(digest).await.unwrap();
            assert_eq!(kept.is_some(), digest == child, "one child");
        }
        assert!(town.is_good(grant).await);

        let grandchild = town.new_refresh();
        let refresh = town.store.refresh();
        let won = refresh.rotate(child, grandchild, Vec::new(), GRACE, &town.by()).await;
        assert_eq!(won, Ok(Rotation::Won));
        let before = town.counts().await;
        let answers = race(|racer| rotate(town.clone(), presented, racer)).await;
        assert!(answers.iter().all(|(it, ..)| *it == Rotation::Reused(grant)));
        let after = town.counts().await;
        assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1), "ended once");
        assert!(!town.is_good(grant).await && town.is_good(other_family).await);
    }
}

/// Different tokens are not in each other's way.
pub(super) async fn many_refresh_tokens(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let mut tokens = Vec::new();
    for _ in 0..RACERS {
        tokens.push(town.refresh(zoe).await.0);
    }
    for _ in 0..rounds {
        let answers = race(|racer| {
            let (town, presented) = (town.clone(), tokens[racer]);
            async move {
                let (answer, _, child) = rotate(town, presented, racer).await;
                assert_eq!(answer, Rotation::Won);
                child
            }
        })
        .await;
        tokens = answers;
    }
}

/// Many revocations: each gets an epoch of its own, and holds when it has answered.
pub(super) async fn many_revocations(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    for _ in 0..rounds {
        let mut grants = Vec::new();
        for _ in 0..RACERS {
            grants.push(town.grant(zoe).await);
        }
        let before = town.counts().await;
        race(|racer| {
            let (town, grant) = (town.clone(), grants[racer]);
            async move {
                let earlier = town.counts().await.1;
                let ended = town.store.grants().end(grant, "all at once", &town.by()).await;
                assert_eq!(ended, Ok(true));
                assert!(!town.is_good(grant).await, "when revoke answers, it is over");
                assert!(town.counts().await.1 > earlier, "the epoch never goes back");
            }
        })
        .await;
        let after = town.counts().await;
        assert_eq!((after.0 - before.0, after.1 - before.1), (RACERS as u64, RACERS as i64));
    }
}

/// A setup code makes one administrator.
pub(super) async fn one_setup_code(store: Store) {
    let town = Town::new(store).await;
    let code = town.digest();
    town.store.setup().begin(&code).await.unwrap();
    let answers = race(|_| {
        let town = town.clone();
        async move { town.store.setup().claim(&code, town.new_user(), &town.by()).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &Claim::Claimed), 1);
    assert_eq!(count(&answers, &Claim::AlreadySetUp), RACERS - 1);
    assert_eq!(town.store.users().count().await, Ok(1));
}

/// Any number of processes start at once, and agree on keys and settings; one address is
/// one user's.
pub(super) async fn one_of_a_kind(store: Store) {
    let town = Town::new(store).await;
    let answers = race(|racer| {
        let town = town.clone();
        async move {
            let keys = town.store.signing_keys().ensure(key(&town, "ES256")).await.unwrap();
            let settings = town.store.settings();
            (keys, settings.set_once("who", &racer.to_string()).await.unwrap())
        }
    })
    .await;
    assert!(answers.iter().all(|answer| answer.0.len() == 1 && *answer == answers[0]));
    let answers = race(|_| {
        let town = town.clone();
        async move {
            let mut new = town.new_user();
            new.email = "same@example.com".to_owned();
            town.store.users().create(new, &town.by()).await.is_ok()
        }
    })
    .await;
    assert_eq!(count(&answers, &true), 1);
}

/// The limit of what may wait is kept, whoever comes at once; so is one user code for one
/// device.
pub(super) async fn last_free_place(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let devices = town.store.devices();
    for _ in 0..rounds {
        let room = devices.live(town.by().at).await.unwrap() + 3;
        let answers = race(|_| {
            let town = town.clone();
            async move {
                let new = town.new_device();
                town.store.devices().start(new, room, &town.by()).await.unwrap()
            }
        })
        .await;
        assert_eq!(count(&answers, &Start::Started), 3);
        assert_eq!(count(&answers, &Start::TooManyLive), RACERS - 3);
        let user_code = town.digest();
        let answers = race(|_| {
            let town = town.clone();
            async move {
                let mut new = town.new_device();
                new.user_code_digest = user_code;
                town.store.devices().start(new, u64::MAX, &town.by()).await.unwrap()
            }
        })
        .await;
        assert_eq!(count(&answers, &Start::Started), 1);
        assert_eq!(count(&answers, &Start::CodeTaken), RACERS - 1);
    }
}

/// One decides, whoever else approves or denies.
pub(super) async fn one_decision(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    for _ in 0..rounds {
        let (device, _) = town.device().await;
        let live = async || town.store.grants().live_of_user(zoe, town.by().at).await.unwrap();
        let before = live().await.len();
        let answers = race(|racer| {
            let town = town.clone();
            async move {
                let approve = racer % 2 == 0;
                let devices = town.store.devices();
                let answer = if approve {
                    let grant = town.new_grant(zoe, GrantKind::Device);
                    devices.approve(device.id, grant, &town.by()).await
                } else {
                    devices.deny(device.id, &town.by()).await
                };
                (answer.unwrap(), approve)
            }
        })
        .await;
        let done: Vec<_> = answers.iter().filter(|(it, _)| *it == Decide::Done).collect();
        let [(_, approved)] = done[..] else { panic!("{} decided", done.len()) };
        assert_eq!(live().await.len() - before, usize::from(*approved));
        let late = answers.iter().filter(|(it, _)| *it == Decide::AlreadyDecided).count();
        assert_eq!(late, RACERS - 1);
    }
}

/// A password change ends what the old session was about to be given, too.
pub(super) async fn password_change(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    for _ in 0..rounds {
        let zoe = town.user().await.id;
        let (session, _) = town.session(zoe).await;
        race(|racer| {
            let town = town.clone();
            async move {
                if racer == RACERS / 2 {
                    let (users, by) = (town.store.users(), town.by());
                    let changed = users.change_password(zoe, "$argon2id$new", None, &by).await;
                    assert_eq!(changed, Ok(true));
                } else if racer % 2 == 0 {
                    let mut new = town.new_session(zoe);
                    new.checked_password = Some("$argon2id$first".to_owned());
                    town.store.sessions().start(new, &town.by()).await.unwrap();
                } else {
                    let mut new = town.new_code(zoe);
                    new.grant.session_id = Some(session);
                    let issued = town.store.codes().issue(new, &town.by()).await.unwrap();
                    assert!(matches!(issued, Issue::Issued | Issue::Gone));
                }
            }
        })
        .await;
        let now = town.by().at;
        assert_eq!(town.store.grants().live_of_user(zoe, now).await, Ok(Vec::new()));
        assert_eq!(town.store.sessions().live_of_user(zoe, now).await, Ok(Vec::new()));
    }
}

/// Whoever asks may go away in the middle. A change is made wholly or not at all, and
/// what is left of it is in nobody's way.
pub(super) async fn abandoned(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    for round in 0..rounds {
        let before = town.counts().await.0;
        let live = async || town.store.grants().live_of_user(zoe, town.by().at).await.unwrap();
        let grants = live().await.len();
        let mut racers = JoinSet::new();
        for racer in 0..RACERS {
            let town = town.clone();
            let one = racers.spawn(async move { town.code(zoe).await });
            if (racer + round) % 3 == 0 {
                tokio::task::yield_now().await;
                one.abort();
            }
        }
        while racers.join_next().await.is_some() {}
        // Behind all that was begun, on SQLite; PostgreSQL has undone it by then or will.
        town.sees(Leaves::Change, town.code(zoe)).await;
        let rows = town.counts().await.0 - before;
        assert_eq!(rows as usize, live().await.len() - grants, "a grant for each row");
    }
}
