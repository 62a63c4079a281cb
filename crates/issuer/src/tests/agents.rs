//! Agents: a tree that is checked while it is stopped, and what the image says of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hallpass_core::wire::agents::NewAgent;
use hallpass_verdict::{Ask, Refusal};

use super::house::{House, home, params};
use crate::ClientCredentials;
use crate::tokens::Actor;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Checks after the stop was answered.
const CHECKS: usize = 100_000;
/// How many check at once.
const CHECKERS: usize = 8;

async fn child(house: &House, parent: &str, name: &str) -> String {
    let asked = params(&[
        ("grant_type", GRANT),
        ("client_id", "hallpass-cli"),
        ("subject_token", parent),
        ("subject_token_type", ACCESS),
        ("actor_token", parent),
        ("actor_token_type", ACCESS),
        ("agent_name", name),
    ]);
    let answer = house.issuer.token(&asked, ClientCredentials::None, &home()).await.unwrap();
    answer.access_token.expose().to_owned()
}

// proves: HP08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_stopped_tree_three_deep_none_is_admitted_in_a_hundred_thousand_checks() {
    let house = House::new().await;
    let ada = house.ada().await;
    let new = NewAgent { name: "root".to_owned(), ..NewAgent::default() };
    let started = house.issuer.start_agent(&Actor::Person(&ada.user), &new, &home()).await.unwrap();
    let root = started.token.expose().to_owned();
    let mut tree = vec![root.clone()];
    for name in ["one", "two"] {
        let middle = child(&house, &root, name).await;
        tree.push(child(&house, &middle, "leaf").await);
        tree.push(middle);
    }
    let tree: Arc<[String]> = tree.into();
    let (stopped, after) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut checkers = tokio::task::JoinSet::new();
    for n in 0..CHECKERS {
        let (issuer, tree) = (house.issuer.clone(), tree.clone());
        let (stopped, after) = (stopped.clone(), after.clone());
        checkers.spawn(async move {
            let ask = Ask { resource: None, place: None };
            let (mut before, mut admitted) = (0, 0);
            for turn in n.. {
                let late = stopped.load(Ordering::SeqCst);
                if late && after.fetch_add(1, Ordering::Relaxed) >= CHECKS {
                    break;
                }
                let judged = issuer.check(&tree[turn % tree.len()], &ask).await.unwrap();
                match (late, judged) {
                    (false, Ok(_)) => before += 1,
                    (true, Ok(_)) => admitted += 1,
                    (_, Err(_)) => {}
                }
                tokio::task::yield_now().await;
            }
            (before, admitted)
        });
    }
    let (owner, origin) = (Actor::Person(&ada.user), home());
    house.issuer.stop_agent(&owner, &started.agent.id, &origin).await.unwrap();
    stopped.store(true, Ordering::SeqCst);
    let seen = checkers.join_all().await;
    assert_eq!(seen.iter().map(|(_, admitted)| admitted).sum::<usize>(), 0);
    assert!(after.load(Ordering::Relaxed) >= CHECKS);
    let ask = Ask { resource: None, place: None };
    for token in tree.iter() {
        assert_eq!(house.issuer.check(token, &ask).await.unwrap(), Err(Refusal::GrantEnded));
    }
}
