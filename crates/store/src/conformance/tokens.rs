//! Personal tokens.

use hallpass_core::Scope;

use super::town::{DAWN, Leaves, MINUTE, Town};
use crate::{Disable, Error, Rotate, Store, credentials::LEAKED};

pub(super) async fn life(store: Store) {
    let town = Town::new(store).await;
    let tokens = town.store.credentials();
    let zoe = town.user().await.id;
    let mut new = town.new_token(zoe);
    new.name = "CI\0 for 'everything'".to_owned();
    new.scope = "account project:read".parse::<Scope>().ok();
    new.projects = vec![town.project_id(), town.project_id()];
    new.expires_at = Some(DAWN + MINUTE);
    let created = town.sees(Leaves::Change, tokens.create(new.clone(), &town.by())).await.unwrap();
    assert_eq!(tokens.by_id(new.id).await.unwrap().as_ref(), Some(&created));
    assert_eq!((created.digest, created.user_id), (new.digest, Some(zoe)));
    assert_eq!((&created.scope, &created.projects), (&new.scope, &new.projects));
    assert_eq!(created.name, "CI\u{FFFD} for 'everything'", "as it is read again");
    assert_eq!((created.created_at, created.created_by.as_str()), (DAWN, "anonymous"));
    assert_eq!(tokens.by_id(town.token_id()).await, Ok(None));
    assert!(town.admits(&created).await);
    assert!(!created.is_live(DAWN + MINUTE), "it ends at its end, not after");
    let row = town.store.audit().page(None, 100).await.unwrap().pop().unwrap();
    assert_eq!((row.action.as_str(), row.subject), ("token.create", new.id.to_string()));
    assert_eq!(row.detail, Some(format!("for {zoe}")), "somebody made it for her");

    // A token's grant is nobody else's business.
    let grants = town.store.grants();
    assert_eq!(grants.live_of_user(zoe, DAWN).await, Ok(Vec::new()));
    assert_eq!(grants.by_id(new.grant_id).await, Ok(None));
    assert_eq!(grants.standing(new.grant_id, None).await, Ok(None));
    assert_eq!(
        town.sees(Leaves::Nothing, grants.end(new.grant_id, "not so", &town.by())).await,
        Ok(false)
    );
    assert_eq!(
        town.sees(Leaves::Nothing, grants.end_owned(zoe, new.grant_id, "not so", &town.by())).await,
        Ok(false)
    );

    let later = DAWN + MINUTE;
    let from = |address: &str| Some(address.to_owned());
    let noted = [(new.id, later, from("192.0.2.1")), (new.id, DAWN, from("192.0.2.2"))];
    town.sees(Leaves::Nothing, tokens.touch(&noted)).await.unwrap();
    tokens.touch(&[(new.id, DAWN, from("192.0.2.3"))]).await.unwrap();
    tokens.touch(&[(town.token_id(), later, None)]).await.unwrap();
    let used = tokens.by_id(new.id).await.unwrap().unwrap();
    assert_eq!((used.last_used_at, used.last_used_address), (Some(later), from("192.0.2.1")));

    let other = town.user().await.id;
    let revoke = async |owner, leaves| {
        town.sees(leaves, tokens.revoke(owner, new.id, "by hand", &town.by())).await.unwrap()
    };
    assert!(!revoke(Some(other), Leaves::Nothing).await, "not hers");
    assert!(revoke(Some(zoe), Leaves::Revocation).await);
    assert!(!revoke(None, Leaves::Nothing).await, "once");
    let revoked = tokens.by_id(new.id).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(town.by().at));
    assert_eq!(revoked.revoke_reason.as_deref(), Some("by hand"));
    assert!(!town.admits(&created).await);

    let mut nobodys = town.new_token(town.user_id());
    nobodys.name = "x".to_owned();
    let missing = town.sees(Leaves::Nothing, tokens.create(nobodys, &town.by())).await;
    assert_eq!(missing, Err(Error::Missing("user")));
}

/// A name is one live token's, and free once that one has ended.
pub(super) async fn names(store: Store) {
    let town = Town::new(store).await;
    let tokens = town.store.credentials();
    let (zoe, other) = (town.user().await.id, town.user().await.id);
    let create = async |owner, name: &str, expires_at| {
        let mut new = town.new_token(owner);
        (new.name, new.expires_at) = (name.to_owned(), expires_at);
        tokens.create(new, &town.by()).await
    };
    let taken = Err(Error::Conflict("name"));
    let first = create(zoe, "laptop", Some(DAWN + MINUTE)).await.unwrap();
    assert_eq!(town.sees(Leaves::Nothing, create(zoe, "laptop", None)).await, taken);
    let others = create(other, "laptop", None).await.unwrap();
    let ci = create(zoe, "ci", None).await.unwrap();
    let rename = async |owner, id, name: &str, leaves| {
        let by = town.by();
        town.sees(leaves, tokens.rename(owner, id, name, &by)).await
    };
    assert_eq!(rename(zoe, ci.id, "laptop", Leaves::Nothing).await, Err(Error::Conflict("name")));
    assert_eq!(rename(zoe, ci.id, "ci", Leaves::Nothing).await, Ok(Some(ci.clone())), "the same");
    assert_eq!(rename(other, ci.id, "hers", Leaves::Nothing).await, Ok(None), "not hers");
    let renamed = rename(zoe, ci.id, "CI", Leaves::Change).await.unwrap().unwrap();
    assert_eq!(renamed.name, "CI");
    assert_eq!(tokens.by_id(ci.id).await, Ok(Some(renamed)));
    create(zoe, "ci", None).await.expect("the old name is free");

    // What has expired gives its name away, to a new one or to one that is renamed.
    town.pass(MINUTE);
    let second = create(zoe, "laptop", Some(DAWN + MINUTE * 2)).await.unwrap();
    let over = tokens.by_id(first.id).await.unwrap().unwrap();
    assert_eq!(over.revoke_reason.as_deref(), Some("expired"));
    assert_eq!(rename(zoe, first.id, "again", Leaves::Nothing).await, Ok(None), "it has ended");
    town.pass(MINUTE);
    assert!(rename(zoe, ci.id, "laptop", Leaves::Change).await.unwrap().is_some());
    assert!(tokens.by_id(second.id).await.unwrap().unwrap().revoked_at.is_some());

    // What was revoked does too.
    assert_eq!(tokens.revoke(Some(other), others.id, "by hand", &town.by()).await, Ok(true));
    create(other, "laptop", None).await.unwrap();
}

/// Shortened is narrowed; what has ended stays ended.
pub(super) async fn expiry(store: Store) {
    let town = Town::new(store).await;
    let tokens = town.store.credentials();
    let zoe = town.user().await.id;
    let token = town.token(zoe).await;
    let set = async |minutes: Option<u32>, leaves| {
        let end = minutes.map(|minutes| DAWN + MINUTE * minutes);
        let changed = town.sees(leaves, tokens.set_expiry(zoe, token.id, end, &town.by())).await;
        let changed = changed.unwrap()?;
        assert_eq!(changed.expires_at, end);
        assert_eq!(tokens.by_id(token.id).await.unwrap(), Some(changed));
        Some(end)
    };
    assert!(set(Some(5), Leaves::Revocation).await.is_some(), "it never ended before");
    assert!(set(Some(5), Leaves::Nothing).await.is_some());
    assert!(set(Some(9), Leaves::Change).await.is_some());
    assert!(set(Some(3), Leaves::Revocation).await.is_some());
    let other = town.user().await.id;
    assert_eq!(
        town.sees(Leaves::Nothing, tokens.set_expiry(other, token.id, None, &town.by())).await,
        Ok(None)
    );
    assert!(set(None, Leaves::Change).await.is_some());
    assert!(set(Some(3), Leaves::Revocation).await.is_some());
    assert!(town.admits(&token).await);
    town.pass(MINUTE * 3);
    assert!(!town.admits(&token).await);
    assert_eq!(set(None, Leaves::Nothing).await, None, "it has expired");
}

/// One takes over, once, under the same name; the other stays for the overlap.
pub(super) async fn rotation(store: Store) {
    let town = Town::new(store).await;
    let tokens = town.store.credentials();
    let zoe = town.user().await.id;
    let mut new = town.new_token(zoe);
    new.expires_at = Some(DAWN + MINUTE * 60);
    new.scope = "account".parse().ok();
    new.projects = vec![town.project_id()];
    let old = tokens.create(new, &town.by()).await.unwrap();
    town.pass(MINUTE * 30);
    let now = town.by().at;
    let rotate = async |id, overlap, leaves| {
        town.sees(leaves, tokens.rotate(zoe, id, town.successor(), overlap, &town.by()))
            .await
            .unwrap()
    };
    let Rotate::Done(young) = rotate(old.id, Some(now + MINUTE), Leaves::Revocation).await else {
        panic!("it was not rotated")
    };
    assert_eq!(tokens.by_id(young.id).await.unwrap().as_ref(), Some(&young));
    assert_eq!(
        (&young.name, &young.scope, &young.projects),
        (&old.name, &old.scope, &old.projects)
    );
    assert_eq!(young.expires_at, Some(now + MINUTE * 60), "as long as the old one");
    assert_eq!((young.rotated_from, young.created_at), (Some(old.id), now));
    assert_eq!(rotate(old.id, None, Leaves::Nothing).await, Rotate::Rotated);
    assert!(town.admits(&old).await && town.admits(&young).await);
    let kept = tokens.by_id(old.id).await.unwrap().unwrap();
    assert_eq!((kept.overlap_until, kept.ends_at()), (Some(now + MINUTE), Some(now + MINUTE)));
    // What was rotated is not changed any more, but it can be revoked.
    assert_eq!(tokens.rename(zoe, old.id, "old", &town.by()).await, Ok(None));
    assert_eq!(tokens.set_expiry(zoe, old.id, None, &town.by()).await, Ok(None));
    town.pass(MINUTE);
    assert!(!town.admits(&old).await && town.admits(&young).await);

    // At once, and no longer than whoever rotates it.
    let mut bound = town.successor();
    bound.expires_by = Some(now + MINUTE * 5);
    let Ok(Rotate::Done(third)) =
        town.sees(Leaves::Revocation, tokens.rotate(zoe, young.id, bound, None, &town.by())).await
    else {
        panic!("it was not rotated")
    };
    assert_eq!(third.expires_at, Some(now + MINUTE * 5));
    assert!(!town.admits(&young).await && town.admits(&third).await);
    let ended = tokens.by_id(young.id).await.unwrap().unwrap();
    assert_eq!(ended.revoke_reason.as_deref(), Some("rotated"));

    // An overlap is no longer than the life.
    let end = third.expires_at.unwrap();
    assert!(matches!(
        rotate(third.id, Some(end + MINUTE), Leaves::Revocation).await,
        Rotate::Done(_)
    ));
    assert_eq!(tokens.by_id(third.id).await.unwrap().unwrap().ends_at(), Some(end));
    assert_eq!(tokens.revoke(Some(zoe), third.id, "by hand", &town.by()).await, Ok(true));

    let other = town.user().await.id;
    let others = town.token(other).await;
    assert_eq!(rotate(others.id, None, Leaves::Nothing).await, Rotate::Gone, "not hers");
    assert_eq!(rotate(town.token_id(), None, Leaves::Nothing).await, Rotate::Gone);
    let mut short = town.new_token(zoe);
    short.expires_at = Some(town.by().at + MINUTE);
    let short = tokens.create(short, &town.by()).await.unwrap();
    town.pass(MINUTE);
    assert_eq!(rotate(short.id, None, Leaves::Nothing).await, Rotate::Gone, "it has expired");
}

/// Whoever has the text can end it; its owner sees that it leaked.
pub(super) async fn leaks(store: Store) {
    let town = Town::new(store).await;
    let tokens = town.store.credentials();
    let zoe = town.user().await.id;
    let (token, other) = (town.token(zoe).await, town.token(zoe).await);
    let leak = async |digest, leaves| {
        town.sees(leaves, tokens.revoke_leaked(&digest, "a scanner", &[], &town.by()))
            .await
            .unwrap()
    };
    assert_eq!(leak(town.digest(), Leaves::Nothing).await, None);
    let revoked = leak(token.digest, Leaves::Revocation).await.unwrap();
    assert_eq!((revoked.id, revoked.revoke_reason.as_deref()), (token.id, Some(LEAKED)));
    assert_eq!(leak(token.digest, Leaves::Nothing).await, None);
    assert!(!town.admits(&token).await && town.admits(&other).await);
    let row = town.store.audit().page(None, 100).await.unwrap().pop().unwrap();
    assert_eq!((row.action.as_str(), row.detail.as_deref()), ("token.leaked", Some("a scanner")));
    let shown = async || {
        let all = tokens.of_user(zoe, None, 10, town.by().at).await.unwrap();
        all.into_iter().map(|token| token.id).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, [other.id, token.id], "newest first");
    town.pass(MINUTE * 60 * 24 * 30);
    assert_eq!(shown().await, [other.id], "for thirty days");
}

/// A disabled user's tokens end for good; a new password ends none.
pub(super) async fn people(store: Store) {
    let town = Town::new(store).await;
    let users = town.store.users();
    let zoe = town.user().await.id;
    let (token, others) = (town.token(zoe).await, town.token(town.user().await.id).await);
    assert_eq!(users.change_password(zoe, "$argon2id$second", None, &town.by()).await, Ok(true));
    assert!(town.admits(&token).await);
    assert_eq!(
        town.sees(Leaves::Revocation, users.disable(zoe, &town.by())).await,
        Ok(Disable::Done)
    );
    let row = town.store.audit().page(None, 100).await.unwrap().pop().unwrap();
    assert_eq!(row.detail.as_deref(), Some("ended 0 grants, 0 sessions and 1 tokens"));
    assert_eq!(
        town.sees(
            Leaves::Nothing,
            town.store.credentials().create(town.new_token(zoe), &town.by())
        )
        .await,
        Err(Error::Missing("user"))
    );
    assert_eq!(users.enable(zoe, &town.by()).await, Ok(true));
    assert!(!town.admits(&token).await && town.admits(&others).await);
    let ended = town.store.credentials().by_id(token.id).await.unwrap().unwrap();
    assert_eq!(ended.revoke_reason.as_deref(), Some("user disabled"));
    assert!(town.admits(&town.token(zoe).await).await);
}

/// Pages, and what is long over.
pub(super) async fn listing(store: Store) {
    let town = Town::new(store).await;
    let tokens = town.store.credentials();
    let zoe = town.user().await.id;
    let mut made = Vec::new();
    for minutes in 1..=7 {
        let mut new = town.new_token(zoe);
        new.expires_at = (minutes <= 2).then(|| DAWN + MINUTE * minutes);
        made.push(tokens.create(new, &town.by()).await.unwrap().id);
    }
    town.token(town.user().await.id).await;
    made.reverse();
    let page = async |after| {
        let page = tokens.of_user(zoe, after, 3, town.by().at).await.unwrap();
        page.into_iter().map(|token| token.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, made[..3], "newest first");
    assert_eq!(page(Some(made[2])).await, made[3..6]);
    assert_eq!(page(Some(made[5])).await, made[6..]);
    assert_eq!(page(Some(made[6])).await, []);
    assert_eq!(tokens.revoke(Some(zoe), made[0], "by hand", &town.by()).await, Ok(true));
    town.pass(MINUTE);
    assert_eq!(page(None).await, made[1..4]);
    assert_eq!(page(Some(made[3])).await, made[4..6], "the first has expired");

    // The revoked one was over at the first minute, the two others expire.
    assert_eq!(town.store.tidy(DAWN).await, Ok(0));
    assert_eq!(town.sees(Leaves::Nothing, town.store.tidy(DAWN + MINUTE)).await, Ok(1));
    assert_eq!(tokens.by_id(made[0]).await, Ok(None));
    assert_eq!(town.store.tidy(DAWN + MINUTE * 60).await, Ok(2));
    assert_eq!(page(None).await, made[1..4]);
}

/// One read brings all that decides.
pub(super) async fn facts(store: Store) {
    let town = Town::new(store).await;
    let tokens = town.store.credentials();
    let zoe = town.user().await;
    let token = town.token(zoe.id).await;
    let facts = async || tokens.facts(&token.digest).await.unwrap().unwrap();
    assert_eq!(tokens.facts(&town.digest()).await, Ok(None));
    let alone = facts().await;
    assert_eq!((&alone.credential, alone.user.as_ref()), (&token, Some(&zoe)));
    assert_eq!(alone.memberships, []);
    let mut orgs = Vec::new();
    for _ in 0..3 {
        orgs.push(town.org(zoe.id).await.id);
    }
    let mut found = facts().await;
    assert_eq!(found.user.as_ref(), Some(&zoe));
    found.memberships.sort_unstable_by_key(|it| it.org_id);
    assert_eq!(found.memberships.iter().map(|it| it.org_id).collect::<Vec<_>>(), orgs);
    assert_eq!(Ok(found.memberships), town.store.members().of_user(zoe.id).await);
    tokens.revoke(None, token.id, "by hand", &town.by()).await.unwrap();
    assert!(facts().await.credential.revoked_at.is_some(), "in whatever state it is");
}
