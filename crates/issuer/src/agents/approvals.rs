//! Approve this action: an agent asks its owner for one exact thing, and gets a token that is good
//! for that once, or a no (RFC 9396; asked and polled for as in CIBA Core §7, §10, §11).
//!
//! The agent asks and polls with its own token, so what it polls for is no secret. A yes is a
//! person's who is signed in: no personal token, key or broker speaks for them, and what they saw
//! is what they approve, by its digest.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::action::Action;
use hallpass_core::id::{ApprovalId, UserId};
use hallpass_core::scope::TOKENS;
use hallpass_core::text::presentable;
use hallpass_core::wire::api::Page;
use hallpass_core::wire::approvals as wire;
use hallpass_core::{Digest, Timestamp};
use hallpass_store::{
    Approval, ApprovalPoll, ApprovalStatus, Ask, By, Decide, NewApproval, NewMail,
};
use hallpass_verdict::Decision;

use super::AgentError;
use super::own::itself;
use crate::tokens::Actor;
use crate::{Error, Issuer, Origin};

/// For how long an action can be approved.
const ASK_TTL: Duration = Duration::from_secs(600);
/// For how long one that was approved can be done.
const USE_TTL: Duration = Duration::from_secs(300);
/// The least time between two polls, in seconds, unless they come too early.
const INTERVAL: u32 = 3;
/// How many questions wait at most: of one agent, and of all of one person's.
const MOST: (u32, u32) = (5, 100);
/// For how long questions are listed.
const LISTED: Duration = Duration::from_secs(24 * 3600);
/// The longest reason.
const MAX_REASON: usize = 300;

impl Issuer {
    /// The agent that acts asks its owner for one action.
    pub async fn ask_for_approval(
        &self,
        decision: &Decision,
        new: &wire::NewApproval,
        origin: &Origin,
    ) -> Result<wire::AskedApproval, AgentError> {
        let agent = itself(decision)?;
        let action = Action::new(new.authorization_details.clone())
            .map_err(|why| AgentError::invalid("invalid_authorization_details", why.to_string()))?;
        let resources = if new.resources.is_empty() { &decision.audience } else { &new.resources };
        if !resources.iter().all(|resource| decision.audience.contains(resource)) {
            return Err(AgentError::invalid(
                "invalid_resource",
                "an action is done where the agent's own token is good, and nowhere else",
            ));
        }
        let (now, id) = (self.now(), self.new_id(ApprovalId::new));
        let digest = action.digest_text();
        let asked = NewApproval {
            id,
            agent: agent.id,
            owner: agent.owner,
            details: action.canonical().to_owned(),
            digest: action.digest(),
            summary: format!("{} {digest}: {}", agent.id, presentable(&action.title(), 80)),
            resources: resources.clone(),
            reason: new
                .reason
                .as_deref()
                .map(|reason| presentable(reason, MAX_REASON))
                .filter(|reason| !reason.is_empty()),
            interval_secs: INTERVAL,
            expires_at: now + ASK_TTL,
        };
        let letters = self.told_of_question(agent.owner, &agent.name, &action, now).await?;
        let by = By { letters, ..self.by(&agent.id.to_string(), None, Some(origin)) };
        match self.0.store.approvals().ask(asked, MOST, &by).await? {
            Ask::Asked => self.call_for_mail(),
            Ask::TooMany => return Err(AgentError::Waiting),
            Ask::Gone => return Err(AgentError::Unknown),
        }
        Ok(wire::AskedApproval {
            auth_req_id: id.to_string(),
            digest,
            expires_in: u32::try_from(ASK_TTL.as_secs()).unwrap_or(u32::MAX),
            interval: INTERVAL,
        })
    }

    /// The agent that acts comes for what it asked for (CIBA Core §10.1, §11).
    pub async fn take_approved(
        &self,
        decision: &Decision,
        id: &str,
    ) -> Result<wire::ApprovedAction, AgentError> {
        let agent = itself(decision)?;
        let id: ApprovalId = id.parse().map_err(|_| AgentError::NoQuestion)?;
        let no = |code, why: &'static str| Err(AgentError::invalid(code, why));
        match self.0.store.approvals().poll(id, agent.id, self.now()).await? {
            ApprovalPoll::Approved(approval) => {
                let action = action_of(&approval)?;
                let digest = action.digest_text();
                // Asked for again it is the same: single use is what the row says.
                let token = self.mint_action(decision, agent, &approval, action)?;
                Ok(wire::ApprovedAction { token, token_expires_at: approval.expires_at, digest })
            }
            ApprovalPoll::Pending => no(wire::PENDING, "its owner has not decided yet; ask again"),
            ApprovalPoll::SlowDown { interval_secs } => Err(AgentError::invalid(
                wire::SLOW_DOWN,
                format!("asked too often; wait {interval_secs} seconds between two questions"),
            )),
            ApprovalPoll::Denied => no(wire::DENIED, "its owner said no"),
            ApprovalPoll::Expired => no(wire::EXPIRED, "its time is over; ask for it anew"),
            ApprovalPoll::Used => {
                no("already_used", "it was done, and is good for once; ask for it anew")
            }
            ApprovalPoll::Unknown => Err(AgentError::NoQuestion),
        }
    }

    /// What agents of the person who acts asked for within a day; newest first.
    pub async fn approvals_of(
        &self,
        actor: &Actor<'_>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<wire::Approval>, AgentError> {
        let owner = approver(actor)?;
        let after: Option<ApprovalId> = cursor.map(str::parse).transpose().map_err(|_| {
            AgentError::invalid("invalid_cursor", "the cursor is not one of this list")
        })?;
        let now = self.now();
        let (approvals, times) = (self.0.store.approvals(), (now, now - LISTED));
        let mut found = approvals.of_owner(owner, after, limit.saturating_add(1), times).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|approval| approval.id.to_string());
        let items = found.into_iter().map(|approval| shown(approval, now));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next_cursor })
    }

    /// One of them.
    pub async fn approval_of(
        &self,
        actor: &Actor<'_>,
        id: &str,
    ) -> Result<wire::Approval, AgentError> {
        let (owner, now) = (approver(actor)?, self.now());
        let id: ApprovalId = id.parse().map_err(|_| AgentError::NoQuestion)?;
        let found = self.0.store.approvals().one(id, owner, now).await?;
        shown(found.ok_or(AgentError::NoQuestion)?, now)
    }

    /// How many questions wait for a person.
    pub async fn approvals_waiting(&self, person: UserId) -> Result<u64, Error> {
        Ok(self.0.store.approvals().waiting(person, self.now()).await?)
    }

    /// The person who acts says yes to what has this digest.
    pub async fn approve_action(
        &self,
        actor: &Actor<'_>,
        id: &str,
        digest: &str,
        origin: &Origin,
    ) -> Result<(), AgentError> {
        let (owner, now) = (approver(actor)?, self.now());
        let seen = self.approval_of(actor, id).await?;
        let id: ApprovalId = id.parse().map_err(|_| AgentError::NoQuestion)?;
        let read = digest_of(digest).filter(|_| seen.digest == digest).ok_or_else(|| {
            AgentError::invalid(
                "wrong_digest",
                "that is another action than this one; look at it again",
            )
        })?;
        let by = self.by(&actor.name(), None, Some(origin));
        let approvals = self.0.store.approvals();
        decided(approvals.approve(id, owner, read, now + USE_TTL, &by).await?)
    }

    /// The person who acts says no.
    pub async fn deny_action(
        &self,
        actor: &Actor<'_>,
        id: &str,
        origin: &Origin,
    ) -> Result<(), AgentError> {
        let owner = approver(actor)?;
        let id: ApprovalId = id.parse().map_err(|_| AgentError::NoQuestion)?;
        let by = self.by(&actor.name(), None, Some(origin));
        let approvals = self.0.store.approvals();
        if approvals.one(id, owner, self.now()).await?.is_none() {
            return Err(AgentError::NoQuestion);
        }
        decided(approvals.deny(id, owner, &by).await?)
    }

    /// One letter while anything waits: an agent that asks and asks fills no letter box.
    async fn told_of_question(
        &self,
        owner: UserId,
        agent: &str,
        action: &Action,
        now: Timestamp,
    ) -> Result<Vec<NewMail>, Error> {
        if !self.sends_mail() || self.0.store.approvals().waiting(owner, now).await? > 0 {
            return Ok(Vec::new());
        }
        let Some(person) = self.0.store.users().by_id(owner).await? else { return Ok(Vec::new()) };
        let (agent, title) = (presentable(agent, 80), presentable(&action.title(), 80));
        let page = self.0.config.public_url.join("/settings/approvals");
        let subject = format!("The agent \"{agent}\" asks for your approval");
        let text = format!(
            "Your agent \"{agent}\" at {} asks to do one thing: {title}.\n\n\
             Nothing is done unless you approve it within 10 minutes. See exactly what it is, and \
             approve or deny it:\n{page}\n\n\
             If you do not know this agent, deny, and stop it there.\n",
            self.0.config.brand.title
        );
        Ok(self.letter(&person.email, &subject, &text)?.into_iter().collect())
    }
}

/// The person who acts, if they are there in full: at a page, or in a program that they signed in
/// to. What lies around on the machine of an agent or of its broker says yes to nothing.
fn approver(actor: &Actor<'_>) -> Result<UserId, AgentError> {
    let may = match actor {
        Actor::Person(_) => true,
        Actor::Bearer(decision) => actor.is_signed_in() && decision.scope.contains(TOKENS),
        Actor::Operator => false,
    };
    let person = actor.person().filter(|_| may && actor.is_person()).map(|(id, ..)| id);
    person.ok_or(AgentError::NotAllowed(
        "only a person who is signed in decides what their agents ask for; a token does not speak for them"
            .into(),
    ))
}

fn digest_of(text: &str) -> Option<Digest> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    bytes.try_into().ok().map(Digest::from_bytes)
}

fn decided(what: Decide) -> Result<(), AgentError> {
    match what {
        Decide::Done => Ok(()),
        Decide::AlreadyDecided => Err(AgentError::Decided),
        Decide::Gone => Err(AgentError::TooLate),
    }
}

fn action_of(approval: &Approval) -> Result<Action, AgentError> {
    let read = Action::read(&approval.details).ok().filter(|it| it.digest() == approval.digest);
    read.ok_or_else(|| {
        let what = "an action that was kept has another digest than it had".to_owned();
        hallpass_store::Error::Corrupt { what }.into()
    })
}

fn shown(approval: Approval, now: Timestamp) -> Result<wire::Approval, AgentError> {
    let action = action_of(&approval)?;
    let over = approval.is_over(now);
    let state = match approval.status {
        ApprovalStatus::Used => wire::ApprovalState::Used,
        ApprovalStatus::Denied => wire::ApprovalState::Denied,
        _ if over => wire::ApprovalState::Expired,
        ApprovalStatus::Pending => wire::ApprovalState::Pending,
        ApprovalStatus::Approved => wire::ApprovalState::Approved,
    };
    Ok(wire::Approval {
        id: approval.id.to_string(),
        agent: approval.agent.to_string(),
        agent_name: approval.agent_name,
        project: approval.place.map(|(org, project)| format!("{org}/{project}")),
        digest: action.digest_text(),
        authorization_details: action.details().to_vec(),
        resources: approval.resources,
        reason: approval.reason,
        state,
        created_at: approval.created_at,
        expires_at: approval.expires_at,
        decided_at: approval.decided_at,
        used_at: approval.used_at,
        used_by: approval.used_by,
    })
}
