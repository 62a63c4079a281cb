//! Keys of projects and organizations, and who is told that a credential ends.

use std::time::Duration;

use hallpass_core::role::ProjectRole;

use super::RACERS;
use super::races::{count, race};
use super::town::{DAWN, Leaves, MINUTE, Town};
use crate::{
    AuditFilter, Credential, Disable, Error, KeysMade, NewKey, NewMail, Org, Project, RemoveRole,
    Rotate, SetRole, Store,
};

const DAY: Duration = Duration::from_secs(86_400);

impl Town {
    fn new_key(&self, org: &Org, project: Option<&Project>, name: &str) -> NewKey {
        NewKey {
            id: self.token_id(),
            digest: self.digest(),
            prefix: "hp_proj_".to_owned(),
            last_four: "aB3d".to_owned(),
            org: org.id,
            project: project.map(|project| (project.id, ProjectRole::Collaborator)),
            name: name.to_owned(),
            scope: None,
            expires_at: Some(self.by().at + DAY * 90),
        }
    }

    async fn key(&self, org: &Org, project: Option<&Project>, name: &str) -> Credential {
        let new = self.new_key(org, project, name);
        self.store.keys().create(new, &self.by()).await.unwrap()
    }
}

/// An organization of somebody else.
async fn other_org(town: &Town) -> Org {
    town.org(town.user().await.id).await
}

/// Made for a place, found there, named once there, and nothing without it.
pub(super) async fn life(store: Store) {
    let town = Town::new(store).await;
    let org = town.org(town.user().await.id).await;
    let project = town.project(org.id).await;
    let keys = town.store.keys();
    let new = town.new_key(&org, Some(&project), "ci");
    let made = town.sees(Leaves::Change, keys.create(new.clone(), &town.by())).await.unwrap();
    assert_eq!((made.principal.clone(), made.user_id), (made.id.to_string(), None));
    assert_eq!((made.org_id, made.project_id), (Some(org.id), Some(project.id)));
    let facts = town.store.credentials().facts(&made.digest).await.unwrap().unwrap();
    assert_eq!((&facts.credential, facts.user, facts.memberships.len()), (&made, None, 0));
    // The name is free at another place, and taken at its own.
    let of_org = town.key(&org, None, "ci").await;
    let again = town.new_key(&org, Some(&project), "ci");
    let by = town.by();
    let taken = keys.create(again.clone(), &by);
    assert_eq!(town.sees(Leaves::Nothing, taken).await, Err(Error::Conflict("name")));
    let now = town.by().at;
    let ids = async |project, limit| {
        let found = keys.of(org.id, project, None, limit, town.by().at).await.unwrap();
        found.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Some(project.id), 9).await, [made.id]);
    assert_eq!(ids(None, 9).await, [of_org.id, made.id]);
    assert_eq!(ids(None, 1).await, [of_org.id]);
    let after = keys.of(org.id, None, Some(of_org.id), 9, now).await.unwrap();
    assert_eq!(after, std::slice::from_ref(&made));

    // Both generations act as one.
    let overlap = Some(now + MINUTE);
    let by = town.by();
    let rotate = keys.rotate(made.id, town.successor(), overlap, &by);
    let Ok(Rotate::Done(young)) = town.sees(Leaves::Revocation, rotate).await else {
        panic!("it was not rotated")
    };
    assert_eq!((&young.principal, young.rotated_from), (&made.principal, Some(made.id)));
    assert_eq!((young.grant_id, young.expires_at), (None, made.expires_at));
    assert_eq!(ids(Some(project.id), 9).await, [young.id, made.id]);
    let by = town.by();
    let twice = keys.rotate(made.id, town.successor(), overlap, &by);
    assert_eq!(town.sees(Leaves::Nothing, twice).await, Ok(Rotate::Rotated));
    town.pass(MINUTE);
    assert_eq!(ids(Some(project.id), 9).await, [young.id]);
    // A personal token is none.
    let zoe = town.user().await.id;
    let token = town.token(zoe).await;
    let by = town.by();
    let none = keys.rotate(token.id, town.successor(), None, &by);
    assert_eq!(town.sees(Leaves::Nothing, none).await, Ok(Rotate::Gone));

    let by = town.by();
    let credentials = town.store.credentials();
    let revoke = credentials.revoke(None, young.id, "by hand", &by);
    assert_eq!(town.sees(Leaves::Revocation, revoke).await, Ok(true));
    let rows = town.store.audit().page(None, 100).await.unwrap();
    let told: Vec<_> =
        rows.iter().map(|row| row.action.as_str()).filter(|it| it.starts_with("key.")).collect();
    assert_eq!(told, ["key.create", "key.create", "key.rotate", "key.revoke"]);
    // The name is free, also when its key has merely expired.
    let short = NewKey { expires_at: Some(town.by().at + MINUTE), ..again };
    keys.create(short, &town.by()).await.unwrap();
    town.pass(MINUTE);
    town.key(&org, Some(&project), "ci").await;

    let by = town.by_of(zoe);
    let hers = keys.create(town.new_key(&org, Some(&project), "hers"), &by).await.unwrap();
    let at = town.by().at;
    for (org, project, wanted) in [
        (None, None, 1),
        (Some(org.id), None, 1),
        (Some(org.id), Some(project.id), 1),
        (Some(org.id), Some(town.project_id()), 0),
        (Some(town.org_id()), None, 0),
    ] {
        let made = keys.made_by(zoe, org, project, 9, at).await.unwrap();
        assert_eq!(made.len(), wanted);
        assert!(made.iter().all(|key| key.id == hers.id));
    }
    // What becomes of a leaver's keys is asked, done, and written down.
    let members = town.store.members();
    let role = crate::Role::Project(project.id, ProjectRole::Owner);
    let gets = async || members.set(zoe, org.id, role, &town.by()).await.unwrap();
    let leaves = |said| {
        let town = town.clone();
        async move {
            let members = town.store.members();
            members.leave(zoe, org.id, Some(project.id), said, &town.by()).await.unwrap()
        }
    };
    let last = async || {
        let rows = town.store.audit().page(None, 200).await.unwrap();
        rows.into_iter().next_back().and_then(|row| row.detail).unwrap_or_default()
    };
    let good = async || town.store.credentials().by_id(hers.id).await.unwrap().unwrap().is_live(at);
    assert_eq!(gets().await, SetRole::Done);
    let unsaid = leaves(KeysMade::NotAsked);
    assert_eq!(town.sees(Leaves::Nothing, unsaid).await, RemoveRole::KeysMade);
    assert_eq!(town.sees(Leaves::Revocation, leaves(KeysMade::Keep)).await, RemoveRole::Done);
    assert!(good().await && last().await.ends_with(&format!("; kept the keys {}", hers.id)));
    assert_eq!(gets().await, SetRole::Done);
    assert_eq!(town.sees(Leaves::Revocation, leaves(KeysMade::Revoke)).await, RemoveRole::Done);
    assert!(!good().await && last().await.ends_with(&format!("; revoked the keys {}", hers.id)));
    assert_eq!(gets().await, SetRole::Done);
    let none_left = leaves(KeysMade::NotAsked);
    assert_eq!(town.sees(Leaves::Revocation, none_left).await, RemoveRole::Done);

    // The same when their account is disabled, wherever the keys are; and then they make none.
    let users = town.store.users();
    let new = town.new_key(&other_org(&town).await, None, "elsewhere");
    let theirs = keys.create(new.clone(), &town.by_of(zoe)).await.unwrap();
    let dismiss =
        async |said, leaves| town.sees(leaves, users.dismiss(zoe, said, &town.by())).await.unwrap();
    let live = async || {
        let kept = town.store.credentials().by_id(theirs.id).await.unwrap();
        kept.is_some_and(|kept| kept.is_live(town.by().at))
    };
    assert_eq!(dismiss(KeysMade::NotAsked, Leaves::Nothing).await, Disable::KeysMade);
    assert_eq!(dismiss(KeysMade::Keep, Leaves::Revocation).await, Disable::Done);
    assert!(live().await && last().await.ends_with(&format!("; kept the keys {}", theirs.id)));
    let late = NewKey { name: "late".to_owned(), ..town.new_key(&org, None, "late") };
    assert_eq!(keys.create(late, &town.by_of(zoe)).await, Err(Error::Missing("user")));
    assert!(users.enable(zoe, &town.by()).await.unwrap());
    assert_eq!(dismiss(KeysMade::Revoke, Leaves::WithKey).await, Disable::Done);
    assert!(!live().await && last().await.ends_with(&format!("; revoked the keys {}", theirs.id)));
    // The organization whose key ended has a row about that, and none about the account.
    let theirs_only = AuditFilter { org: theirs.org_id, ..AuditFilter::default() };
    let found = town.store.audit().search(&theirs_only, None, 9).await.unwrap();
    let newest = found.rows.first().map(|row| (row.action.as_str(), row.subject.clone()));
    assert_eq!(newest, Some(("key.revoke", theirs.id.to_string())));
    assert!(found.rows.iter().all(|row| row.action != "user.disable"));

    let nowhere = NewKey { org: town.org_id(), ..town.new_key(&org, None, "x") };
    assert_eq!(keys.create(nowhere, &town.by()).await, Err(Error::Missing("organization")));
    let other = town.org(town.user().await.id).await;
    let elsewhere = NewKey { org: other.id, ..town.new_key(&org, Some(&project), "x") };
    assert_eq!(keys.create(elsewhere, &town.by()).await, Err(Error::Missing("project")));
}

/// One key: one successor. One name: one key.
pub(super) async fn one_of_many(store: Store) {
    let town = Town::new(store).await;
    let org = town.org(town.user().await.id).await;
    let project = town.project(org.id).await;
    let key = town.key(&org, Some(&project), "ci").await;
    let until = Some(town.by().at + MINUTE);
    let answers = race(|_| {
        let town = town.clone();
        async move {
            town.store.keys().rotate(key.id, town.successor(), until, &town.by()).await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &Rotate::Rotated), RACERS - 1);
    let answers = race(|_| {
        let town = town.clone();
        let new = town.new_key(&org, Some(&project), "cd");
        async move { town.store.keys().create(new, &town.by()).await.map(drop) }
    })
    .await;
    assert_eq!(count(&answers, &Ok(())), 1);
    assert_eq!(count(&answers, &Err(Error::Conflict("name"))), RACERS - 1);
}

/// Each nearness is told once, by one, and anew for another end.
pub(super) async fn reminders(store: Store) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let tokens = town.store.credentials();
    let token = town.token(zoe).await;
    let end = DAWN + DAY * 10;
    tokens.set_expiry(zoe, token.id, Some(end), &town.by()).await.unwrap().unwrap();
    let reminders = town.store.reminders();
    let due = async |days: u32| {
        let (from, to) = (DAWN, DAWN + DAY * 14);
        reminders.due(from, to, days, 9).await.unwrap().len()
    };
    assert_eq!((due(14).await, due(3).await), (1, 1));
    let answers = race(|_| {
        let town = town.clone();
        async move {
            let mail = NewMail {
                id: town.mail_id(),
                recipient: "zoe@example.com".to_owned(),
                subject: "it ends".to_owned(),
                sealed: vec![1],
            };
            town.store.reminders().tell(token.id, end, 14, &[mail], DAWN).await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &true), 1);
    let outbox = town.store.outbox();
    assert!(outbox.take(DAWN, DAWN + DAY).await.unwrap().is_some());
    assert_eq!(outbox.take(DAWN, DAWN + DAY).await, Ok(None), "one mail");
    assert_eq!((due(14).await, due(3).await), (0, 1));
    let tell = async |end, days| reminders.tell(token.id, end, days, &[], DAWN).await;
    assert_eq!(tell(end, 3).await, Ok(true));
    assert_eq!(tell(end, 14).await, Ok(false), "what was said is not taken back");
    // Another end, and it is told anew; an end that it has not is told to nobody.
    let later = DAWN + DAY * 12;
    assert_eq!(tell(later, 14).await, Ok(false));
    tokens.set_expiry(zoe, token.id, Some(later), &town.by()).await.unwrap().unwrap();
    assert_eq!(due(14).await, 1);
    assert_eq!(tell(later, 14).await, Ok(true));
    // What was revoked or rotated ends by nobody's surprise.
    assert_eq!(due(3).await, 1);
    tokens.revoke(Some(zoe), token.id, "by hand", &town.by()).await.unwrap();
    assert_eq!((due(3).await, tell(later, 3).await), (0, Ok(false)));
}
