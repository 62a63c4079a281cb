//! Grants, and what revokes them.

use hallpass_core::Scope;

use super::town::{CLIENT, Leaves, MINUTE, Town};
use crate::{GrantKind, Issue, Store};

pub(super) async fn standing(store: Store) {
    let town = Town::new(store).await;
    let grants = town.store.grants();
    let zoe = town.user().await;
    let mut new = town.new_code(zoe.id);
    new.grant.expires_at = Some(town.by().at + MINUTE);
    new.grant.session_id = Some(town.session(zoe.id).await.0);
    let want = new.grant.clone();
    assert_eq!(town.store.codes().issue(new, &town.by()).await, Ok(Issue::Issued));
    let now = town.by().at;

    let standing = grants.standing(want.id, None).await.unwrap().unwrap();
    assert!(standing.is_good(now));
    assert_eq!(standing.user, zoe);
    let got = &standing.grant;
    assert_eq!(
        (got.id, got.user_id, &got.client_id, got.kind, &got.scope, &got.resources),
        (want.id, zoe.id, &want.client_id, GrantKind::Code, &want.scope, &want.resources)
    );
    assert_eq!((got.auth_time, got.session_id, got.created_at), (now, want.session_id, now));
    assert_eq!((got.expires_at, got.ended_at), (want.expires_at, None));
    assert_eq!((&got.address, &got.reported), (&want.address, &want.reported));
    assert_eq!(grants.by_id(want.id).await.unwrap().as_ref(), Some(got));
    assert_eq!(grants.standing(town.grant_id(), None).await, Ok(None));
    assert_eq!(grants.by_id(town.grant_id()).await, Ok(None));
    // It expires at the very time.
    assert!(!standing.is_good(now + MINUTE));

    // One JWT is revoked, the grant and its others are not.
    town.sees(
        Leaves::Revocation,
        town.store.tombstones().revoke_jwt("jti_one", now + MINUTE, &town.by()),
    )
    .await
    .unwrap();
    let good = async |jti| grants.standing(want.id, jti).await.unwrap().unwrap().is_good(now);
    assert!(!good(Some("jti_one")).await);
    assert!(good(Some("jti_two")).await);
    assert!(good(None).await);

    let earlier = now - MINUTE;
    town.sees(Leaves::Nothing, grants.touch(&[(want.id, now)])).await.unwrap();
    grants.touch(&[(want.id, earlier), (town.grant_id(), now)]).await.unwrap();
    let touched = grants.by_id(want.id).await.unwrap().unwrap();
    assert_eq!(touched.last_used_at, Some(now), "never moved back");
}

pub(super) async fn ending(store: Store) {
    let town = Town::new(store).await;
    let grants = town.store.grants();
    let (zoe, other) = (town.user().await.id, town.user().await.id);
    let (first, second) = (town.grant(zoe).await, town.grant(zoe).await);
    let others = town.grant(other).await;

    assert_eq!(
        town.sees(Leaves::Revocation, grants.end(first, "signed out", &town.by())).await,
        Ok(true)
    );
    assert_eq!(town.sees(Leaves::Nothing, grants.end(first, "again", &town.by())).await, Ok(false));
    assert_eq!(
        town.sees(Leaves::Nothing, grants.end(town.grant_id(), "unknown", &town.by())).await,
        Ok(false)
    );
    let ended = grants.by_id(first).await.unwrap().unwrap();
    assert_eq!(
        (ended.ended_at, ended.end_reason.as_deref()),
        (Some(town.by().at), Some("signed out"))
    );
    assert!(!town.is_good(first).await && town.is_good(second).await);

    assert_eq!(
        town.sees(Leaves::Nothing, grants.end_owned(other, second, "not hers", &town.by())).await,
        Ok(false)
    );
    assert!(town.is_good(second).await);
    assert_eq!(
        town.sees(Leaves::Revocation, grants.end_owned(zoe, second, "hers", &town.by())).await,
        Ok(true)
    );
    assert!(!town.is_good(second).await);

    let (third, fourth) = (town.grant(zoe).await, town.grant(zoe).await);
    assert_eq!(
        town.sees(Leaves::Nothing, grants.end_for_client(zoe, "another", &town.by())).await,
        Ok(0)
    );
    assert_eq!(
        town.sees(Leaves::Revocation, grants.end_for_client(zoe, CLIENT, &town.by())).await,
        Ok(2)
    );
    assert!(!town.is_good(third).await && !town.is_good(fourth).await);
    assert!(town.is_good(others).await);
}

pub(super) async fn listing(store: Store) {
    let town = Town::new(store).await;
    let grants = town.store.grants();
    let zoe = town.user().await.id;
    let now = town.by().at;
    assert_eq!(grants.live_of_user(zoe, now).await, Ok(Vec::new()));
    assert_eq!(grants.granted_scope(zoe, CLIENT, now).await, Ok(None));

    let issue = async |scope: &str, expires| {
        let mut new = town.new_code(zoe);
        new.grant.scope = scope.parse().unwrap();
        new.grant.expires_at = expires;
        let id = new.grant.id;
        assert_eq!(town.store.codes().issue(new, &town.by()).await, Ok(Issue::Issued));
        id
    };
    let first = issue("openid", None).await;
    town.pass(MINUTE);
    let second = issue("email profile", Some(now + MINUTE * 2)).await;
    let live = async |at| {
        let live = grants.live_of_user(zoe, at).await.unwrap();
        live.into_iter().map(|grant| grant.id).collect::<Vec<_>>()
    };
    assert_eq!(live(now).await, [second, first], "newest first");
    assert_eq!(live(now + MINUTE * 2).await, [first]);

    let granted = async |at| grants.granted_scope(zoe, CLIENT, at).await.unwrap();
    let scope = |text: &str| text.parse::<Scope>().ok();
    assert_eq!(granted(now).await, scope("openid email profile"));
    assert_eq!(granted(now + MINUTE * 2).await, scope("openid"));
    assert_eq!(grants.granted_scope(zoe, "another", now).await, Ok(None));
    grants.end(first, "over", &town.by()).await.unwrap();
    assert_eq!(granted(now + MINUTE * 2).await, None);
}
