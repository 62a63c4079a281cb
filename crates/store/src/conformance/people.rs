//! Users, the first administrator, sessions.

use super::town::{Leaves, MINUTE, Town};
use crate::{Claim, Disable, Error, KeysMade, NewUser, Store};

pub(super) async fn users(store: Store) {
    let town = Town::new(store).await;
    let users = town.store.users();
    let new = town.new_user();
    let zoe = town.sees(Leaves::Change, users.create(new.clone(), &town.by())).await.unwrap();
    assert_eq!(zoe.email, new.email.to_lowercase(), "kept in lower case");
    assert_eq!(users.by_id(zoe.id).await.unwrap().as_ref(), Some(&zoe));
    assert_eq!(users.by_email(&new.email.to_uppercase()).await.unwrap().as_ref(), Some(&zoe));
    assert_eq!(users.by_email("nobody@example.com").await, Ok(None));
    assert_eq!(users.by_id(town.user_id()).await, Ok(None));

    let mut same = town.new_user();
    same.email = new.email.to_uppercase();
    let same_id = same.id;
    let taken = town.sees(Leaves::Nothing, users.create(same, &town.by())).await;
    assert_eq!(taken, Err(Error::Conflict("email")));
    assert_eq!(users.by_id(same_id).await, Ok(None));

    // What a text may hold is the same on all engines.
    let mut odd = town.new_user();
    odd.name = "a\0b 'c' \"d\" — 𝄞".to_owned();
    let odd = users.create(odd, &town.by()).await.unwrap().id;
    let name = users.by_id(odd).await.unwrap().unwrap().name;
    assert_eq!(name, "a\u{FFFD}b 'c' \"d\" — 𝄞");

    town.user().await;
    assert_eq!(users.count().await, Ok(3));
    let first = users.list(None, 2).await.unwrap();
    assert_eq!(first.len(), 2);
    let rest = users.list(Some(first[1].id), 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    let all: Vec<_> = first.iter().chain(&rest).map(|user| user.id).collect();
    assert!(all.is_sorted());
}

/// Disabling ends all; enabling brings nothing back.
pub(super) async fn disabling(store: Store) {
    let town = Town::new(store).await;
    let (users, sessions) = (town.store.users(), town.store.sessions());
    let zoe = town.user().await.id;
    let other = town.user().await.id;
    let grant = town.grant(zoe).await;
    let (_, cookie) = town.session(zoe).await;
    let (others_grant, (_, others_cookie)) = (town.grant(other).await, town.session(other).await);

    assert_eq!(
        town.sees(Leaves::Revocation, users.disable(zoe, &town.by())).await,
        Ok(Disable::Done)
    );
    assert_eq!(town.sees(Leaves::Nothing, users.disable(zoe, &town.by())).await, Ok(Disable::Same));
    let unknown = town.user_id();
    assert_eq!(
        town.sees(Leaves::Nothing, users.disable(unknown, &town.by())).await,
        Ok(Disable::Same)
    );
    assert_eq!(users.by_id(zoe).await.unwrap().unwrap().disabled_at, Some(town.by().at));
    assert!(!town.is_good(grant).await);
    assert_eq!(sessions.by_digest(&cookie, town.by().at).await, Ok(None));
    assert_eq!(
        town.sees(Leaves::Nothing, sessions.start(town.new_session(zoe), &town.by())).await,
        Ok(false)
    );

    assert_eq!(town.sees(Leaves::Change, users.enable(zoe, &town.by())).await, Ok(true));
    assert_eq!(town.sees(Leaves::Nothing, users.enable(zoe, &town.by())).await, Ok(false));
    assert!(!town.is_good(grant).await);
    assert_eq!(sessions.by_digest(&cookie, town.by().at).await, Ok(None));
    let ended = town.store.grants().by_id(grant).await.unwrap().unwrap();
    assert_eq!(ended.end_reason.as_deref(), Some("user disabled"));
    assert!(town.is_good(town.grant(zoe).await).await);

    assert!(town.is_good(others_grant).await);
    assert!(sessions.by_digest(&others_cookie, town.by().at).await.unwrap().is_some());
}

/// Somebody is always left who administers the deployment, also if two disable each other.
pub(super) async fn last_admin(store: Store) {
    let town = Town::new(store).await;
    let users = town.store.users();
    let admin = async || {
        let new = NewUser { admin: true, ..town.new_user() };
        users.create(new, &town.by()).await.unwrap().id
    };
    let (one, zoe) = (admin().await, town.user().await.id);
    let disable = async |who| users.dismiss_but_last(who, KeysMade::Keep, &town.by()).await;
    assert_eq!(town.sees(Leaves::Nothing, disable(one)).await, Ok(Disable::LastAdmin));
    assert_eq!(town.sees(Leaves::Revocation, disable(zoe)).await, Ok(Disable::Done));
    assert_eq!(disable(zoe).await, Ok(Disable::Same));
    let two = admin().await;
    let both = |who| {
        let town = town.clone();
        tokio::spawn(async move {
            town.store.users().dismiss_but_last(who, KeysMade::Keep, &town.by()).await
        })
    };
    let (first, second) = (both(one), both(two));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert!([&first, &second].contains(&&Ok(Disable::LastAdmin)), "{first:?} {second:?}");
    assert!([&first, &second].contains(&&Ok(Disable::Done)), "{first:?} {second:?}");
}

/// Everything of somebody's ends, and they may come back.
pub(super) async fn ending_everything(store: Store) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let (grant, token) = (town.grant(zoe).await, town.token(zoe).await);
    let (_, cookie) = town.session(zoe).await;
    let users = town.store.users();
    assert_eq!(town.sees(Leaves::Revocation, users.end_all(zoe, &town.by())).await, Ok(true));
    assert!(!town.is_good(grant).await && !town.admits(&token).await);
    assert_eq!(town.store.sessions().by_digest(&cookie, town.by().at).await, Ok(None));
    assert!(town.is_good(town.grant(zoe).await).await);
    let unknown = town.user_id();
    assert_eq!(town.sees(Leaves::Nothing, users.end_all(unknown, &town.by())).await, Ok(false));
}

/// A new password ends all but the session in which it was set.
pub(super) async fn passwords(store: Store) {
    let town = Town::new(store).await;
    let (users, sessions) = (town.store.users(), town.store.sessions());
    let zoe = town.user().await.id;
    let grant = town.grant(zoe).await;
    let (kept, kept_cookie) = town.session(zoe).await;
    let (_, cookie) = town.session(zoe).await;
    assert_eq!(
        town.sees(
            Leaves::Revocation,
            users.change_password(zoe, "$argon2id$second", Some(kept), &town.by())
        )
        .await,
        Ok(true)
    );
    assert!(!town.is_good(grant).await);
    let now = town.by().at;
    assert_eq!(sessions.by_digest(&cookie, now).await, Ok(None));
    let (_, user) = sessions.by_digest(&kept_cookie, now).await.unwrap().unwrap();
    assert_eq!(user.password.as_deref(), Some("$argon2id$second"));

    // The old one was checked, and is no longer the one.
    let mut late = town.new_session(zoe);
    late.checked_password = Some("$argon2id$first".to_owned());
    assert_eq!(town.sees(Leaves::Nothing, sessions.start(late, &town.by())).await, Ok(false));
    let mut right = town.new_session(zoe);
    right.checked_password = Some("$argon2id$second".to_owned());
    assert_eq!(sessions.start(right, &town.by()).await, Ok(true));

    assert_eq!(
        town.sees(
            Leaves::Revocation,
            users.change_password(zoe, "$argon2id$third", None, &town.by())
        )
        .await,
        Ok(true)
    );
    assert_eq!(sessions.live_of_user(zoe, now).await, Ok(Vec::new()));
    users.disable(zoe, &town.by()).await.unwrap();
    assert_eq!(
        town.sees(
            Leaves::Nothing,
            users.change_password(zoe, "$argon2id$fourth", None, &town.by())
        )
        .await,
        Ok(false)
    );
}

pub(super) async fn setup(store: Store) {
    let town = Town::new(store).await;
    let setup = town.store.setup();
    assert_eq!(setup.needed().await, Ok(true));
    let (replaced, code) = (town.digest(), town.digest());
    town.sees(Leaves::Nothing, setup.begin(&replaced)).await.unwrap();
    town.sees(Leaves::Nothing, setup.begin(&code)).await.unwrap();
    for wrong in [&replaced, &town.digest()] {
        assert_eq!(
            town.sees(Leaves::Nothing, setup.claim(wrong, town.new_user(), &town.by())).await,
            Ok(Claim::Wrong)
        );
    }
    let new = town.new_user();
    assert_eq!(
        town.sees(Leaves::Change, setup.claim(&code, new.clone(), &town.by())).await,
        Ok(Claim::Claimed)
    );
    let first = town.store.users().by_id(new.id).await.unwrap().unwrap();
    assert!(first.admin, "the first user administers, whatever was asked for");
    assert_eq!(setup.needed().await, Ok(false));
    setup.begin(&code).await.unwrap();
    assert_eq!(
        town.sees(Leaves::Nothing, setup.claim(&code, town.new_user(), &town.by())).await,
        Ok(Claim::AlreadySetUp)
    );
}

/// A user who is created otherwise ends the setup code.
pub(super) async fn setup_is_ended_by_a_user(store: Store) {
    let town = Town::new(store).await;
    let code = town.digest();
    town.store.setup().begin(&code).await.unwrap();
    town.user().await;
    assert_eq!(
        town.sees(Leaves::Nothing, town.store.setup().claim(&code, town.new_user(), &town.by()))
            .await,
        Ok(Claim::AlreadySetUp)
    );
    assert_eq!(town.store.users().count().await, Ok(1));
}

pub(super) async fn sessions(store: Store) {
    let town = Town::new(store).await;
    let sessions = town.store.sessions();
    let (zoe, other) = (town.user().await.id, town.user().await.id);
    let new = town.new_session(zoe);
    let (id, cookie) = (new.id, new.digest);
    assert_eq!(town.sees(Leaves::Change, sessions.start(new.clone(), &town.by())).await, Ok(true));
    let now = town.by().at;
    let (session, user) = sessions.by_digest(&cookie, now).await.unwrap().unwrap();
    assert_eq!((session.id, session.user_id, user.id), (id, zoe, zoe));
    assert_eq!((session.created_at, session.last_seen_at), (now, now));
    assert_eq!(session.user_agent.as_deref(), Some("Netscape\u{FFFD}Navigator"));
    assert_eq!(sessions.by_digest(&town.digest(), now).await, Ok(None));
    // It ends at its end, not after.
    let end = new.expires_at;
    assert_eq!(sessions.by_digest(&cookie, end).await, Ok(None));
    assert!(sessions.by_digest(&cookie, end - MINUTE).await.unwrap().is_some());

    town.sees(Leaves::Nothing, sessions.touch(&[(id, now + MINUTE)])).await.unwrap();
    town.sees(Leaves::Nothing, sessions.touch(&[(id, now)])).await.unwrap();
    let (session, _) = sessions.by_digest(&cookie, now).await.unwrap().unwrap();
    assert_eq!(session.last_seen_at, now + MINUTE, "never moved back");

    assert_eq!(sessions.known_address(zoe, "192.0.2.9").await, Ok(true));
    assert_eq!(sessions.known_address(zoe, "192.0.2.1").await, Ok(false));
    assert_eq!(sessions.known_address(other, "192.0.2.9").await, Ok(false));

    town.pass(MINUTE);
    let (second, second_cookie) = town.session(zoe).await;
    let live = sessions.live_of_user(zoe, town.by().at).await.unwrap();
    assert_eq!(live.iter().map(|s| s.id).collect::<Vec<_>>(), [second, id], "newest first");

    assert_eq!(town.sees(Leaves::Nothing, sessions.end(id, other, &town.by())).await, Ok(false));
    assert_eq!(town.sees(Leaves::Revocation, sessions.end(id, zoe, &town.by())).await, Ok(true));
    assert_eq!(town.sees(Leaves::Nothing, sessions.end(id, zoe, &town.by())).await, Ok(false));
    assert_eq!(sessions.by_digest(&cookie, town.by().at).await, Ok(None));

    town.session(zoe).await;
    town.session(zoe).await;
    let (_, others_cookie) = town.session(other).await;
    assert_eq!(
        town.sees(Leaves::Revocation, sessions.end_others(zoe, Some(second), &town.by())).await,
        Ok(2)
    );
    assert_eq!(
        town.sees(Leaves::Nothing, sessions.end_others(zoe, Some(second), &town.by())).await,
        Ok(0)
    );
    assert!(sessions.by_digest(&second_cookie, town.by().at).await.unwrap().is_some());
    assert_eq!(sessions.end_others(zoe, None, &town.by()).await, Ok(1));
    assert_eq!(sessions.by_digest(&second_cookie, town.by().at).await, Ok(None));
    assert!(sessions.by_digest(&others_cookie, town.by().at).await.unwrap().is_some());
}
