//! Codes and refresh tokens: what can be spent, and what spending twice does.

use std::time::Duration;

use hallpass_core::Digest;
use hallpass_core::id::GrantId;
use hallpass_core::pkce::Challenge;

use super::town::{CLIENT, Leaves, MINUTE, Town};
use crate::{Error, Issue, Rotation, Spend, Store};

const GRACE: Duration = Duration::from_secs(30);

pub(super) async fn codes(store: Store) {
    let town = Town::new(store).await;
    let codes = town.store.codes();
    let zoe = town.user().await.id;
    let mut new = town.new_code(zoe);
    new.challenge = Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").ok();
    new.nonce = Some("n-0S6_WzA2Mj".to_owned());
    let (digest, grant) = (new.digest, new.grant.id);
    assert_eq!(
        town.sees(Leaves::Change, codes.issue(new.clone(), &town.by())).await,
        Ok(Issue::Issued)
    );

    let code = codes.peek(&digest).await.unwrap().unwrap();
    assert_eq!((code.grant_id, code.client_id.as_str()), (grant, CLIENT));
    assert_eq!((code.redirect_uri, code.nonce), (new.redirect_uri, new.nonce));
    assert_eq!(code.challenge, new.challenge);
    assert_eq!((code.created_at, code.expires_at), (town.by().at, new.expires_at));
    assert_eq!(code.spent_at, None);
    assert_eq!(codes.peek(&town.digest()).await, Ok(None));

    let first = town.new_refresh();
    assert_eq!(
        town.sees(Leaves::Change, codes.spend(&digest, Some(first.clone()), &town.by())).await,
        Ok(Spend::Won)
    );
    assert_eq!(codes.peek(&digest).await.unwrap().unwrap().spent_at, Some(town.by().at));
    let kept = town.store.refresh().by_digest(&first.digest).await.unwrap().unwrap();
    assert_eq!((kept.grant_id, kept.generation), (grant, 0));
    assert_eq!((kept.expires_at, kept.spent_at), (first.expires_at, None));
    assert!(town.is_good(grant).await);

    // The second time ends the grant; the third changes nothing.
    for leaves in [Leaves::Revocation, Leaves::Nothing] {
        assert_eq!(
            town.sees(leaves, codes.spend(&digest, Some(town.new_refresh()), &town.by())).await,
            Ok(Spend::Reused(grant))
        );
        assert!(!town.is_good(grant).await);
    }
    let rotated = rotate(&town, &first.digest, "sealed").await;
    assert_eq!(rotated, Rotation::Gone, "what came of the code is over too");
}

/// A code that is expired, or whose grant, user or client is not good, is gone.
pub(super) async fn codes_gone(store: Store) {
    let town = Town::new(store).await;
    let codes = town.store.codes();
    let gone = async |digest: Digest| {
        assert_eq!(
            town.sees(Leaves::Nothing, codes.spend(&digest, Some(town.new_refresh()), &town.by()))
                .await,
            Ok(Spend::Gone)
        );
    };
    gone(town.digest()).await;

    let zoe = town.user().await.id;
    let (late, _) = town.code(zoe).await;
    let (ended, grant) = town.code(zoe).await;
    town.store.grants().end(grant, "consent withdrawn", &town.by()).await.unwrap();
    gone(ended).await;
    let mut brief = town.new_code(zoe);
    brief.grant.expires_at = Some(town.by().at);
    let brief_digest = brief.digest;
    assert_eq!(codes.issue(brief, &town.by()).await, Ok(Issue::Issued));
    gone(brief_digest).await;
    town.pass(MINUTE);
    gone(late).await;

    // Ended sessions and disabled users and clients get no code, and theirs is gone.
    let (session, _) = town.session(zoe).await;
    let refuses = async |new| {
        assert_eq!(town.sees(Leaves::Nothing, codes.issue(new, &town.by())).await, Ok(Issue::Gone));
    };
    let in_session = || {
        let mut new = town.new_code(zoe);
        new.grant.session_id = Some(session);
        new
    };
    assert_eq!(codes.issue(in_session(), &town.by()).await, Ok(Issue::Issued));
    town.store.sessions().end(session, zoe, &town.by()).await.unwrap();
    refuses(in_session()).await;
    let other = town.user().await.id;
    let mut not_hers = town.new_code(zoe);
    not_hers.grant.session_id = Some(town.session(other).await.0);
    refuses(not_hers).await;

    let (orphan, _) = town.code(zoe).await;
    town.store.users().disable(zoe, &town.by()).await.unwrap();
    gone(orphan).await;
    refuses(town.new_code(zoe)).await;
    let (orphan, _) = town.code(other).await;
    town.store.clients().disable(CLIENT, &town.by()).await.unwrap();
    gone(orphan).await;
    refuses(town.new_code(other)).await;
    let mut unknown = town.new_code(other);
    unknown.grant.client_id = "nobody".to_owned();
    refuses(unknown).await;
}

/// A wrong verifier burns the code and ends its grant.
pub(super) async fn burning(store: Store) {
    let town = Town::new(store).await;
    let codes = town.store.codes();
    let (digest, grant) = town.code(town.user().await.id).await;
    let unknown = town.digest();
    assert_eq!(town.sees(Leaves::Nothing, codes.burn(&unknown, &town.by())).await, Ok(false));
    assert_eq!(town.sees(Leaves::Revocation, codes.burn(&digest, &town.by())).await, Ok(true));
    assert_eq!(town.sees(Leaves::Nothing, codes.burn(&digest, &town.by())).await, Ok(false));
    assert!(!town.is_good(grant).await);
    assert_eq!(
        town.sees(Leaves::Nothing, codes.spend(&digest, None, &town.by())).await,
        Ok(Spend::Reused(grant))
    );
}

/// One `By` is one change: used twice, the second change is undone.
pub(super) async fn one_by_is_one_change(store: Store) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let by = town.by();
    let (new, other) = (town.new_code(zoe), town.new_code(zoe));
    let (first, second) = (new.digest, other.digest);
    assert_eq!(town.store.codes().issue(new, &by).await, Ok(Issue::Issued));
    let again = town.sees(Leaves::Nothing, town.store.codes().issue(other, &by)).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    assert!(town.store.codes().peek(&first).await.unwrap().is_some());
    assert_eq!(town.store.codes().peek(&second).await, Ok(None));
}

/// Rotates `presented` into a fresh child.
async fn rotate(town: &Town, presented: &Digest, sealed: &str) -> Rotation {
    rotate_into(town, presented, town.new_refresh().digest, sealed).await
}

async fn rotate_into(town: &Town, presented: &Digest, child: Digest, sealed: &str) -> Rotation {
    let mut new = town.new_refresh();
    new.digest = child;
    let refresh = town.store.refresh();
    let sealed = sealed.as_bytes().to_vec();
    refresh.rotate(presented, new, sealed, GRACE, &town.by()).await.unwrap()
}

fn again(sealed: &str) -> Rotation {
    Rotation::Again { sealed: sealed.as_bytes().to_vec() }
}

pub(super) async fn rotation(store: Store) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let (first, grant) = town.refresh(zoe).await;
    let (_, other_family) = town.refresh(zoe).await;
    let second = town.digest();
    let won = town.sees(Leaves::Change, rotate_into(&town, &first, second, "two")).await;
    assert_eq!(won, Rotation::Won);
    let child = town.store.refresh().by_digest(&second).await.unwrap().unwrap();
    assert_eq!((child.grant_id, child.generation, child.spent_at), (grant, 1, None));
    let parent = town.store.refresh().by_digest(&first).await.unwrap().unwrap();
    assert_eq!(parent.spent_at, Some(town.by().at));

    // A lost answer: the same successor again, and no other child.
    town.pass(GRACE - Duration::from_millis(1));
    let lost = town.sees(Leaves::Nothing, rotate(&town, &first, "three")).await;
    assert_eq!(lost, again("two"));

    // Once the successor is spent, even within the grace, it is a replay.
    assert_eq!(rotate(&town, &second, "four").await, Rotation::Won);
    let replay = town.sees(Leaves::Revocation, rotate(&town, &first, "five")).await;
    assert_eq!(replay, Rotation::Reused(grant));
    assert!(!town.is_good(grant).await);
    assert!(town.is_good(other_family).await, "and only that family");
    // All of the family is over; further replays change nothing.
    let replay = town.sees(Leaves::Nothing, rotate(&town, &second, "six")).await;
    assert_eq!(replay, Rotation::Reused(grant));
}

/// After the grace it is a replay, even if the successor is unspent.
pub(super) async fn grace(store: Store) {
    let town = Town::new(store).await;
    let (first, grant) = town.refresh(town.user().await.id).await;
    assert_eq!(rotate(&town, &first, "two").await, Rotation::Won);
    town.pass(GRACE);
    let replay = town.sees(Leaves::Revocation, rotate(&town, &first, "three")).await;
    assert_eq!(replay, Rotation::Reused(grant));
    assert!(!town.is_good(grant).await);
}

/// A sealed successor is deleted once nobody may ask for it again; a replay stays one.
pub(super) async fn sealed_successors(store: Store) {
    let town = Town::new(store).await;
    let refresh = town.store.refresh();
    let zoe = town.user().await.id;
    let (first, grant) = town.refresh(zoe).await;
    assert_eq!(rotate(&town, &first, "two").await, Rotation::Won);
    let spent_at = town.by().at;
    assert_eq!(refresh.forget_successors(spent_at).await, Ok(0));
    assert_eq!(rotate(&town, &first, "three").await, again("two"));
    town.pass(GRACE);
    let now = town.by().at;
    assert_eq!(town.sees(Leaves::Nothing, refresh.forget_successors(now)).await, Ok(1));
    assert_eq!(refresh.forget_successors(now).await, Ok(0));
    assert!(town.is_good(grant).await, "nothing else is touched");
    assert_eq!(rotate(&town, &first, "four").await, Rotation::Reused(grant));
}

pub(super) async fn refresh_gone(store: Store) {
    let town = Town::new(store).await;
    let gone = async |digest: Digest| {
        let rotated = town.sees(Leaves::Nothing, rotate(&town, &digest, "x")).await;
        assert_eq!(rotated, Rotation::Gone);
    };
    gone(town.digest()).await;
    assert_eq!(town.store.refresh().by_digest(&town.digest()).await, Ok(None));
    let zoe = town.user().await.id;
    let (ended, grant) = town.refresh(zoe).await;
    town.store.grants().end(grant, "signed out", &town.by()).await.unwrap();
    gone(ended).await;
    let (idle, _) = town.refresh(zoe).await;
    town.pass(MINUTE * 60);
    gone(idle).await;
    let (orphan, _): (Digest, GrantId) = town.refresh(zoe).await;
    // No successor is given again once the grant has ended.
    let (rotated, grant) = town.refresh(zoe).await;
    assert_eq!(rotate(&town, &rotated, "y").await, Rotation::Won);
    town.store.users().disable(zoe, &town.by()).await.unwrap();
    gone(orphan).await;
    let replay = town.sees(Leaves::Nothing, rotate(&town, &rotated, "z")).await;
    assert_eq!(replay, Rotation::Reused(grant));
}
