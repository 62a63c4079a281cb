//! Personal tokens against a store in memory.

use std::time::Duration;

use hallpass_core::brand::Brand;
use hallpass_core::wire::tokens::{CreatedToken, NewToken, RotateToken, Token, TokenChange};
use hallpass_core::{Digest, Kind, TokenText};
use hallpass_verdict::{Ask, Decision, Refusal};

use super::{Actor, TokenError};
use crate::admin::NewUser;
use crate::tests::house::{House, config, home};
use crate::{Config, SignedIn};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn named(name: &str) -> NewToken {
    NewToken { name: name.to_owned(), ..NewToken::default() }
}

pub(super) fn scoped(name: &str, scope: &str) -> NewToken {
    NewToken { scope: Some(scope.parse().unwrap()), ..named(name) }
}

impl House {
    pub(super) async fn make(&self, who: &SignedIn, new: NewToken) -> CreatedToken {
        self.issuer.create_token(&Actor::Person(&who.user), new, &home()).await.unwrap()
    }

    /// What is decided about a token now.
    pub(super) async fn judged(&self, made: &CreatedToken) -> Result<Decision, Refusal> {
        self.issuer.check(made.value.expose(), &Ask::default()).await.unwrap()
    }

    async fn listed(&self, who: &SignedIn) -> Vec<Token> {
        let actor = Actor::Person(&who.user);
        self.issuer.tokens_of(&actor, None, None, 200).await.unwrap().items
    }

    /// An organization of theirs with these projects.
    async fn lab(&self, who: &SignedIn, projects: &[&str]) {
        let actor = Actor::Person(&who.user);
        self.issuer.create_org("lab", None, None, &actor, &home()).await.unwrap();
        for project in projects {
            self.issuer.create_project("lab", project, None, &actor, &home()).await.unwrap();
        }
    }

    async fn child(
        &self,
        parent: &CreatedToken,
        new: NewToken,
    ) -> Result<CreatedToken, TokenError> {
        let decision = self.judged(parent).await.unwrap();
        self.issuer.create_token(&Actor::Bearer(&decision), new, &home()).await
    }
}

#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, TokenError>) -> &'static str {
    match result.expect_err("a refusal") {
        TokenError::NotAllowed(_) => "not allowed",
        TokenError::Unknown => "unknown",
        TokenError::NameTaken => "name taken",
        TokenError::Rotated => "rotated",
        TokenError::Invalid { code, .. } => code,
        TokenError::Failed(error) => panic!("{error}"),
    }
}

// proves: ST05, ST15
#[tokio::test]
async fn a_token_is_shown_once_and_kept_as_a_digest() {
    let house = House::new().await;
    let ada = house.ada().await;
    let made = house.make(&ada, named("backup script")).await;
    let text = TokenText::parse(Kind::Personal, made.value.expose()).unwrap();
    assert_eq!(
        (made.token.prefix.as_str(), made.token.last_four.as_str()),
        ("hp_user_", text.last_four())
    );
    assert_eq!((made.token.name.as_str(), made.token.expires_at), ("backup script", None));
    let decision = house.judged(&made).await.unwrap();
    assert_eq!(decision.user(), Some(ada.user.id));
    assert!(decision.scope.contains("account") && !decision.scope.contains("tokens"));

    let id = made.token.id.parse().unwrap();
    let kept = house.issuer.0.store.credentials().by_id(id).await.unwrap().unwrap();
    assert_eq!(kept.digest, Digest::of(made.value.expose().as_bytes()));
    let body = &made.value.expose()["hp_user_".len()..];
    for shown in
        [format!("{kept:?}"), format!("{made:?}"), format!("{:?}", house.listed(&ada).await)]
    {
        assert!(!shown.contains(body), "{shown}");
    }
}

// proves: ST07
#[tokio::test]
async fn live_tokens_are_told_apart_by_name() {
    let house = House::new().await;
    let (ada, bo) = (house.ada().await, house.person("bo@example.com").await);
    let first = house.make(&ada, named("ci")).await;
    house.pass(1);
    house.make(&ada, named("laptop")).await;
    house.pass(1);
    house.make(&bo, named("ci")).await;
    let actor = Actor::Person(&ada.user);
    let again = house.issuer.create_token(&actor, named(" ci "), &home()).await;
    assert_eq!(refused(again), "name taken");
    let renamed = TokenChange { name: Some("laptop".to_owned()), ..TokenChange::default() };
    let renamed = house.issuer.change_token(&actor, &first.token.id, renamed, &home()).await;
    assert_eq!(refused(renamed), "name taken");
    house.issuer.revoke_token(&actor, &first.token.id, &home()).await.unwrap();
    house.make(&ada, named("ci")).await;
    let names: Vec<_> = house.listed(&ada).await.into_iter().map(|token| token.name).collect();
    assert_eq!(names, ["ci", "laptop"]);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_and_nothing_is_made() {
    let house = House::new().await;
    let ada = house.ada().await;
    let bo = house.person("bo@example.com").await;
    house.lab(&bo, &["tools"]).await;
    let past = NewToken { expires_at: Some(house.issuer.now()), ..named("late") };
    let projects = |name: &str| NewToken { projects: vec![name.to_owned()], ..named("p") };
    for (new, code) in [
        (named(" "), "invalid_name"),
        (named("two\nlines"), "invalid_name"),
        (named(&"x".repeat(81)), "invalid_name"),
        (past, "invalid_expiry"),
        (scoped("s", ""), "invalid_scope"),
        (scoped("s", "project:raed"), "invalid_scope"),
        (scoped("s", "openid"), "invalid_scope"),
        // Bo's, one that is not there, and no name of a project at all: all alike.
        (projects("lab/tools"), "invalid_project"),
        (projects("lab/nothing"), "invalid_project"),
        (projects("lab"), "invalid_project"),
    ] {
        let shown = format!("{new:?}");
        let made = house.issuer.create_token(&Actor::Person(&ada.user), new, &home()).await;
        assert_eq!(refused(made), code, "{shown}");
    }
    assert_eq!(house.listed(&ada).await, []);
    let (actor, origin) = (Actor::Person(&ada.user), home());
    let made = house.issuer.create_token(&actor, scoped("s", "project:raed"), &origin);
    assert!(made.await.unwrap_err().to_string().contains("did you mean project:read?"));
}

// proves: ST06
#[tokio::test]
async fn name_and_expiry_change_and_a_revoked_one_is_over() {
    let house = House::new().await;
    let ada = house.ada().await;
    let made = house.make(&ada, named("ci")).await;
    let (actor, id) = (Actor::Person(&ada.user), made.token.id.as_str());
    let soon = house.issuer.now() + DAY;
    let change = TokenChange { name: Some("nightly".to_owned()), expires_at: Some(Some(soon)) };
    let changed = house.issuer.change_token(&actor, id, change, &home()).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.expires_at), ("nightly", Some(soon)));
    assert_eq!(house.judged(&made).await.unwrap().expires_at, Some(soon));
    let never = TokenChange { name: None, expires_at: Some(None) };
    house.issuer.change_token(&actor, id, never, &home()).await.unwrap();
    assert_eq!(house.judged(&made).await.unwrap().expires_at, None);
    house.issuer.revoke_token(&actor, id, &home()).await.unwrap();
    assert!(house.judged(&made).await.is_err());
    assert_eq!(refused(house.issuer.revoke_token(&actor, id, &home()).await), "unknown");
    assert_eq!(refused(house.issuer.own_token(&actor, id).await), "unknown");
}

// proves: attack-27
#[tokio::test]
async fn somebody_elses_token_is_like_none() {
    let house = House::new().await;
    let (ada, bo) = (house.ada().await, house.person("bo@example.com").await);
    let made = house.make(&ada, named("ci")).await;
    let actor = Actor::Person(&bo.user);
    let change = TokenChange { name: Some("mine".to_owned()), ..TokenChange::default() };
    for id in [made.token.id.as_str(), "tok_01JAAAAAAAAAAAAAAAAAAAAAAA", "tok_", "", "usr_1"] {
        assert_eq!(refused(house.issuer.own_token(&actor, id).await), "unknown");
        assert_eq!(refused(house.issuer.revoke_token(&actor, id, &home()).await), "unknown");
        let changed = house.issuer.change_token(&actor, id, change.clone(), &home()).await;
        assert_eq!(refused(changed), "unknown");
        let rotated = house.issuer.rotate_token(&actor, id, DAY, &home()).await;
        assert_eq!(refused(rotated), "unknown");
    }
    let ada_too = house.issuer.tokens_of(&actor, Some("ada@example.com"), None, 9).await;
    let nobody = house.issuer.tokens_of(&actor, Some("nobody@example.com"), None, 9).await;
    assert_eq!((refused(ada_too), refused(nobody)), ("not allowed", "not allowed"));
    assert!(house.judged(&made).await.is_ok());
}

// proves: SM13
#[tokio::test]
async fn an_administrator_who_is_signed_in_makes_tokens_for_others() {
    let house = House::new().await;
    let ada = house.ada().await;
    let root = NewUser {
        email: "root@example.com".to_owned(),
        name: "Root".to_owned(),
        password: None,
        admin: true,
    };
    let root = house.issuer.create_user(root, "system").await.unwrap();
    let admin = Actor::Person(&root);
    let for_ada = |name: &str| NewToken { user: Some("ADA@example.com".to_owned()), ..named(name) };
    let made = house.issuer.create_token(&admin, for_ada("from above"), &home()).await.unwrap();
    assert_eq!(made.token.created_by, Some(root.id.to_string()));
    assert_eq!(house.judged(&made).await.unwrap().user(), Some(ada.user.id));
    let theirs = house.issuer.tokens_of(&admin, Some(&ada.user.id.to_string()), None, 9).await;
    assert_eq!(theirs.unwrap().items.len(), 1);
    let audit = house.issuer.0.store.audit().page(None, 50).await.unwrap();
    let row = audit.iter().find(|row| row.action == "token.create").expect("a row");
    assert_eq!(row.actor, root.id.to_string());
    assert_eq!(row.subject, made.token.id);

    // A token of an administrator that lies around somewhere does not.
    let own = house.issuer.create_token(&admin, scoped("own", "account tokens"), &home()).await;
    let decision = house.judged(&own.unwrap()).await.unwrap();
    let bearer = Actor::Bearer(&decision);
    let made = house.issuer.create_token(&bearer, for_ada("by token"), &home()).await;
    assert_eq!(refused(made), "not allowed");
    let listed = house.issuer.tokens_of(&bearer, Some("ada@example.com"), None, 9).await;
    assert_eq!(refused(listed), "not allowed");
    // Nor does somebody who is none; oneself may be named.
    let me = NewToken { user: Some("ada@example.com".to_owned()), ..named("me") };
    house.make(&ada, me).await;
    let root_too = NewToken { user: Some("root@example.com".to_owned()), ..named("up") };
    let made = house.issuer.create_token(&Actor::Person(&ada.user), root_too, &home()).await;
    assert_eq!(refused(made), "not allowed");
    let nobody = NewToken { user: Some("nobody@example.com".to_owned()), ..named("x") };
    let made = house.issuer.create_token(&admin, nobody, &home()).await;
    assert_eq!(refused(made), "unknown_user");
}

// proves: SN02, attack-29
#[tokio::test]
async fn a_token_makes_tokens_only_if_it_was_given_that_right_or_the_brand_says_so() {
    let house = House::new().await;
    let ada = house.ada().await;
    for plain in [named("whole"), scoped("narrow", "account project:read")] {
        let parent = house.make(&ada, plain).await;
        assert_eq!(refused(house.child(&parent, named("child")).await), "not allowed");
        let decision = house.judged(&parent).await.unwrap();
        let actor = Actor::Bearer(&decision);
        let rotated = house.issuer.rotate_token(&actor, &parent.token.id, DAY, &home()).await;
        assert_eq!(refused(rotated), "not allowed");
        let revoked = house.issuer.revoke_token(&actor, &parent.token.id, &home()).await;
        assert_eq!(refused(revoked), "not allowed");
    }
    let mut brand = Brand::hallpass();
    brand.tokens.may_make_tokens = true;
    let house = House::with(Config { brand, ..config() }).await;
    let ada = house.ada().await;
    let parent = house.make(&ada, named("whole")).await;
    let child = house.child(&parent, named("child")).await.unwrap();
    let grandchild = house.child(&child, named("grandchild")).await.unwrap();
    let scope = |decision: Decision| decision.scope.to_string();
    let (first, last) = (house.judged(&parent).await, house.judged(&grandchild).await);
    assert_eq!(scope(first.unwrap()), scope(last.unwrap()));
}

// proves: attack-29
#[tokio::test]
async fn a_token_makes_and_rotates_nothing_that_exceeds_it() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.lab(&ada, &["tools", "papers"]).await;
    let parent = NewToken {
        projects: vec!["lab/tools".to_owned()],
        expires_at: Some(house.issuer.now() + DAY),
        ..scoped("parent", "tokens project:read")
    };
    let parent = house.make(&ada, parent).await;
    let child = house.child(&parent, named("heir")).await.unwrap();
    assert_eq!(child.token.scope.as_ref().unwrap().to_string(), "project:read");
    assert_eq!(child.token.projects, ["lab/tools"]);
    assert_eq!(child.token.expires_at, parent.token.expires_at);
    let later = Some(house.issuer.now() + DAY + DAY);
    for more in [
        scoped("x", "project:publish"),
        scoped("x", "account"),
        NewToken { projects: vec!["lab/papers".to_owned()], ..named("x") },
        NewToken { projects: vec!["lab/tools".to_owned(), "lab/papers".to_owned()], ..named("x") },
        NewToken { expires_at: later, ..named("x") },
    ] {
        assert_eq!(refused(house.child(&parent, more).await), "not allowed");
    }
    // Another token of hers that reaches further is neither taken over nor kept alive.
    let whole = house.make(&ada, named("whole")).await;
    let decision = house.judged(&parent).await.unwrap();
    let actor = Actor::Bearer(&decision);
    let rotated = house.issuer.rotate_token(&actor, &whole.token.id, Duration::ZERO, &home()).await;
    assert_eq!(refused(rotated), "not allowed");
    for expires_at in [Some(None), Some(later), Some(parent.token.expires_at)] {
        let longer = TokenChange { expires_at, ..TokenChange::default() };
        for (id, may) in [
            (&whole.token.id, false),
            (&child.token.id, expires_at == Some(parent.token.expires_at)),
        ] {
            let changed = house.issuer.change_token(&actor, id, longer.clone(), &home()).await;
            assert_eq!(changed.is_ok(), may, "{id} {expires_at:?}");
        }
    }
    // Nor is one of its own rotated into one that lives longer.
    for (expires_at, may) in
        [(Some(None), false), (Some(later), false), (Some(parent.token.expires_at), true)]
    {
        let how = RotateToken { expires_at, ..RotateToken::default() };
        let rotated = house.issuer.rotate_token(&actor, &child.token.id, how, &home()).await;
        assert_eq!(rotated.is_ok(), may, "{expires_at:?}: {rotated:?}");
    }
    // Rotated with itself it does not live longer.
    house.pass(3600);
    let heir = house.issuer.rotate_token(&actor, &parent.token.id, Duration::ZERO, &home()).await;
    assert_eq!(heir.unwrap().token.expires_at, parent.token.expires_at);
    assert!(house.judged(&parent).await.is_err());
}

// proves: HP06
#[tokio::test]
async fn old_and_new_are_good_until_the_overlap_is_over() {
    let house = House::new().await;
    let ada = house.ada().await;
    let month = NewToken { expires_at: Some(house.issuer.now() + 30 * DAY), ..named("ci") };
    let old = house.make(&ada, month).await;
    house.pass(10 * 24 * 3600);
    let actor = Actor::Person(&ada.user);
    let new = house.issuer.rotate_token(&actor, &old.token.id, DAY, &home()).await.unwrap();
    assert_eq!(new.token.name, "ci");
    assert_eq!(new.token.rotated_from.as_ref(), Some(&old.token.id));
    assert_eq!(new.token.expires_at, Some(house.issuer.now() + 30 * DAY), "as long as before");
    let listed = house.listed(&ada).await;
    let overlap = listed.iter().find(|it| it.id == old.token.id).and_then(|it| it.overlap_until);
    assert_eq!((listed.len(), overlap), (2, Some(house.issuer.now() + DAY)));
    let again = house.issuer.rotate_token(&actor, &old.token.id, DAY, &home()).await;
    assert_eq!(refused(again), "rotated");
    let long = house.issuer.rotate_token(&actor, &new.token.id, 91 * DAY, &home()).await;
    assert_eq!(refused(long), "invalid_overlap");
    assert!(house.judged(&old).await.is_ok() && house.judged(&new).await.is_ok());
    house.pass(24 * 3600);
    assert!(house.judged(&old).await.is_err() && house.judged(&new).await.is_ok());
    assert_eq!(house.listed(&ada).await.len(), 1);
}

#[tokio::test]
async fn a_list_is_read_page_by_page_newest_first() {
    let house = House::new().await;
    let ada = house.ada().await;
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(house.make(&ada, named(&format!("n{n}"))).await.token.id);
        house.pass(1);
    }
    made.reverse();
    let (actor, mut cursor, mut seen) = (Actor::Person(&ada.user), None::<String>, Vec::new());
    loop {
        let page = house.issuer.tokens_of(&actor, None, cursor.as_deref(), 3).await.unwrap();
        seen.extend(page.items.into_iter().map(|token| token.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, made);
    let odd = house.issuer.tokens_of(&actor, None, Some("tok_x"), 3).await;
    assert_eq!(refused(odd), "invalid_cursor");
}
