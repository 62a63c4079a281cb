//! Approvals: one decision, one use, and none without its agent.

use hallpass_core::Digest;
use hallpass_core::id::UserId;

use super::RACERS;
use super::races::{count, race};
use super::town::{Leaves, MINUTE, Town};
use crate::{ApprovalPoll, ApprovalStatus, Ask, By, Decide, Grant, NewApproval, Store, Whose};

/// Of one agent, and of all of one person's.
const MOST: (u32, u32) = (3, 4);

impl Town {
    fn question(&self, agent: &Grant) -> NewApproval {
        let digest = self.digest();
        NewApproval {
            id: self.approval_id(),
            agent: agent.agent.as_ref().unwrap().id,
            owner: agent.user_id,
            details: format!("[{{\"type\":\"{digest:?}\"}}]"),
            digest,
            summary: "deploy".to_owned(),
            resources: vec!["https://api.example".to_owned()],
            reason: None,
            interval_secs: 3,
            expires_at: self.by().at + MINUTE * 10,
        }
    }

    async fn asks(&self, agent: &Grant) -> NewApproval {
        let new = self.question(agent);
        let asked = self.store.approvals().ask(new.clone(), (100, 1000), &self.by()).await;
        assert_eq!(asked, Ok(Ask::Asked));
        new
    }

    async fn approves(&self, new: &NewApproval, by: &By) -> Result<Decide, crate::Error> {
        let until = by.at + MINUTE * 5;
        self.store.approvals().approve(new.id, new.owner, new.digest, until, by).await
    }

    async fn spends(&self, new: &NewApproval, digest: Digest) -> bool {
        self.store.approvals().spend(new.id, digest, "api", &self.by()).await.unwrap()
    }

    async fn polls(&self, new: &NewApproval) -> ApprovalPoll {
        self.store.approvals().poll(new.id, new.agent, self.by().at).await.unwrap()
    }
}

/// Asked, polled for, decided by its owner alone, and done once.
pub(super) async fn life(store: Store) {
    let town = Town::new(store).await;
    let (zoe, other) = (town.user().await.id, town.user().await.id);
    let approvals = town.store.approvals();
    let agent = town.agent(zoe, None, 1).await;
    let new = town.question(&agent);
    let by = town.by();
    let ask = approvals.ask(new.clone(), MOST, &by);
    assert_eq!(town.sees(Leaves::Change, ask).await, Ok(Ask::Asked));
    let now = by.at;
    let found = approvals.one(new.id, zoe, now).await.unwrap().unwrap();
    assert_eq!((&*found.details, found.digest, found.runs), (&*new.details, new.digest, true));
    assert_eq!((found.agent_name.as_str(), found.status), ("builder", ApprovalStatus::Pending));
    assert_eq!(approvals.one(new.id, other, now).await, Ok(None));
    assert_eq!(approvals.waiting(zoe, now).await, Ok(1));
    assert_eq!(approvals.waiting(other, now).await, Ok(0));
    assert_eq!(approvals.of_owner(zoe, None, 9, (now, now - MINUTE)).await.unwrap(), [found]);
    assert_eq!(approvals.of_owner(other, None, 9, (now, now - MINUTE)).await, Ok(Vec::new()));

    // Polled for by its agent alone, and not too often.
    let poll = approvals.poll(new.id, town.agent_id(), now);
    assert_eq!(town.sees(Leaves::Nothing, poll).await, Ok(ApprovalPoll::Unknown));
    assert_eq!(town.polls(&new).await, ApprovalPoll::Pending);
    assert_eq!(town.polls(&new).await, ApprovalPoll::SlowDown { interval_secs: 8 });
    town.pass(MINUTE);
    assert_eq!(town.polls(&new).await, ApprovalPoll::Pending);
    assert!(!town.spends(&new, new.digest).await, "nobody has approved it");

    // Neither somebody else nor another digest approves it.
    let until = town.by().at + MINUTE * 5;
    for (who, digest) in [(other, new.digest), (zoe, town.digest())] {
        let wrong = approvals.approve(new.id, who, digest, until, &town.by()).await;
        assert_eq!(wrong, Ok(Decide::Gone));
    }
    assert_eq!(approvals.deny(new.id, other, &town.by()).await, Ok(Decide::Gone));
    let (by, again) = (town.by(), town.by());
    let yes = town.approves(&new, &by);
    assert_eq!(town.sees(Leaves::Change, yes).await, Ok(Decide::Done));
    let twice = town.approves(&new, &again);
    assert_eq!(town.sees(Leaves::Nothing, twice).await, Ok(Decide::AlreadyDecided));
    assert!(
        matches!(town.polls(&new).await, ApprovalPoll::Approved(found) if found.expires_at == until)
    );

    // Another action than that one is not done by it; and it is done once.
    assert!(!town.spends(&new, town.digest()).await);
    let spend = town.spends(&new, new.digest);
    assert!(town.sees(Leaves::Change, spend).await);
    let spend = town.spends(&new, new.digest);
    assert!(!town.sees(Leaves::Nothing, spend).await);
    assert_eq!(town.polls(&new).await, ApprovalPoll::Used);
    let late = approvals.deny(new.id, zoe, &town.by()).await;
    assert_eq!(late, Ok(Decide::AlreadyDecided));
    let used = approvals.one(new.id, zoe, now).await.unwrap().unwrap();
    assert_eq!((used.used_by.as_deref(), used.used_at), (Some("api"), Some(town.by().at)));
}

/// A no, also after a yes; the end of its time; as many as may wait.
pub(super) async fn ends(store: Store) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let approvals = town.store.approvals();
    let agent = town.agent(zoe, None, 1).await;
    let (no, taken_back, late) =
        (town.asks(&agent).await, town.asks(&agent).await, town.asks(&agent).await);
    assert_eq!(approvals.deny(no.id, zoe, &town.by()).await, Ok(Decide::Done));
    assert_eq!(town.polls(&no).await, ApprovalPoll::Denied);
    assert_eq!(town.approves(&no, &town.by()).await, Ok(Decide::AlreadyDecided));
    assert_eq!(town.approves(&taken_back, &town.by()).await, Ok(Decide::Done));
    assert_eq!(approvals.deny(taken_back.id, zoe, &town.by()).await, Ok(Decide::Done));
    assert!(!town.spends(&taken_back, taken_back.digest).await);

    // As many as may wait, of one agent and of all.
    let second = town.agent(zoe, None, 0).await;
    let ask =
        async |agent: &Grant| approvals.ask(town.question(agent), MOST, &town.by()).await.unwrap();
    assert_eq!([ask(&agent).await, ask(&agent).await], [Ask::Asked, Ask::Asked]);
    assert_eq!([ask(&agent).await, ask(&second).await], [Ask::TooMany, Ask::Asked]);
    assert_eq!(ask(&second).await, Ask::TooMany);

    // Nobody decides after its time, and what was approved runs out as well.
    let soon = town.asks(&agent).await;
    assert_eq!(town.approves(&soon, &town.by()).await, Ok(Decide::Done));
    town.pass(MINUTE * 5);
    assert!(!town.spends(&soon, soon.digest).await);
    assert_eq!(town.polls(&soon).await, ApprovalPoll::Expired);
    town.pass(MINUTE * 5);
    assert_eq!(town.approves(&late, &town.by()).await, Ok(Decide::Gone));
    assert_eq!(approvals.deny(late.id, zoe, &town.by()).await, Ok(Decide::Gone));
    assert_eq!(town.polls(&late).await, ApprovalPoll::Expired);
    let now = town.by().at;
    assert_eq!(approvals.waiting(zoe, now).await, Ok(0));
    assert!(town.store.tidy(now + MINUTE).await.unwrap() >= 7);
    assert_eq!(approvals.one(late.id, zoe, now).await, Ok(None));
}

/// Nothing is left of what a tree asked for once it is stopped, or its owner disabled.
pub(super) async fn die_with_their_agent(store: Store) {
    let town = Town::new(store).await;
    let zoe = town.user().await.id;
    let approvals = town.store.approvals();
    let root = town.agent(zoe, None, 1).await;
    let leaf = town.agent(zoe, Some(&root), 0).await;
    let beside = town.agent(zoe, None, 0).await;
    let (asked, approved) = (town.asks(&leaf).await, town.asks(&leaf).await);
    let others = town.asks(&beside).await;
    assert_eq!(town.approves(&approved, &town.by()).await, Ok(Decide::Done));
    let root = root.agent.as_ref().unwrap().id;
    let (agents, by) = (town.store.agents(), town.by());
    let stop = agents.stop(root, Whose::Owner(zoe), "enough", &by);
    assert_eq!(town.sees(Leaves::Revocation, stop).await, Ok(true));
    // Nobody said no: their time is over.
    for (new, answer) in [(&asked, Decide::Gone), (&approved, Decide::AlreadyDecided)] {
        assert_eq!(town.approves(new, &town.by()).await, Ok(answer));
        assert!(!town.spends(new, new.digest).await);
        assert_eq!(town.polls(new).await, ApprovalPoll::Expired);
    }
    let late = approvals.ask(town.question(&leaf), MOST, &town.by()).await;
    assert_eq!(late, Ok(Ask::Gone));
    assert_eq!(approvals.waiting(zoe, town.by().at).await, Ok(1));
    // What ends otherwise ends them too: each statement asks for the agent's grant.
    assert_eq!(town.approves(&others, &town.by()).await, Ok(Decide::Done));
    assert_eq!(town.store.users().disable(zoe, &town.by()).await, Ok(crate::Disable::Done));
    assert!(!town.spends(&others, others.digest).await);
    assert_eq!(town.polls(&others).await, ApprovalPoll::Expired);
}

/// Whoever else decides or does it at the same time: one yes, one use.
pub(super) async fn one_use(store: Store, rounds: usize) {
    let town = Town::new(store).await;
    let zoe: UserId = town.user().await.id;
    let agent = town.agent(zoe, None, 0).await;
    for _ in 0..rounds {
        let new = town.asks(&agent).await;
        let answers = race(|_| {
            let (town, new) = (town.clone(), new.clone());
            async move { town.approves(&new, &town.by()).await.unwrap() }
        })
        .await;
        assert_eq!(count(&answers, &Decide::Done), 1);
        assert_eq!(count(&answers, &Decide::AlreadyDecided), RACERS - 1);
        let before = town.counts().await.0;
        let answers = race(|_| {
            let (town, new) = (town.clone(), new.clone());
            async move { town.spends(&new, new.digest).await }
        })
        .await;
        assert_eq!(count(&answers, &true), 1);
        assert_eq!(town.counts().await.0 - before, 1);
        // Taken back and done at the same time: one of the two.
        let new = town.asks(&agent).await;
        assert_eq!(town.approves(&new, &town.by()).await, Ok(Decide::Done));
        let answers = race(|racer| {
            let (town, new) = (town.clone(), new.clone());
            async move {
                if racer % 2 == 0 {
                    return town.spends(&new, new.digest).await;
                }
                let denied = town.store.approvals().deny(new.id, zoe, &town.by()).await;
                denied == Ok(Decide::Done)
            }
        })
        .await;
        assert_eq!(count(&answers, &true), 1);
    }
}
