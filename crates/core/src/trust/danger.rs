//! What is dangerous about a policy: said aloud when it is made, and listed as long as it is there.

use serde::{Deserialize, Serialize};

use super::condition::{Condition, Test};
use super::platform::Platform;
use super::policy::Policy;

/// Something dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Danger {
    /// Every repository of an organization, also those that somebody makes tomorrow.
    WholeOrganization,
    /// Every branch and tag, also one that somebody pushes for it.
    AnyRef,
    /// Tags: whoever may push moves them.
    MovableTag,
    /// Whatever starts a job, also strangers' pull requests.
    AnyEvent,
    /// Jobs for people who could not have pushed.
    OutsidersEvent,
    /// Unprotected branches, whose rules bind nobody.
    UnprotectedRef,
    /// Names, whoever has them tomorrow.
    NamesWithoutIds,
    /// A shared workflow by a name that its owner can give to other code.
    MovableWorkflow,
    /// Somebody at a shell in a job.
    ShellInJob,
    /// All jobs of an issuer.
    WholeIssuer,
}

impl Danger {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::WholeOrganization,
        Self::AnyRef,
        Self::MovableTag,
        Self::AnyEvent,
        Self::OutsidersEvent,
        Self::UnprotectedRef,
        Self::NamesWithoutIds,
        Self::MovableWorkflow,
        Self::ShellInJob,
        Self::WholeIssuer,
    ];

    /// Its code, for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WholeOrganization => "whole_organization",
            Self::AnyRef => "any_ref",
            Self::MovableTag => "movable_tag",
            Self::AnyEvent => "any_event",
            Self::OutsidersEvent => "outsiders_event",
            Self::UnprotectedRef => "unprotected_ref",
            Self::NamesWithoutIds => "names_without_ids",
            Self::MovableWorkflow => "movable_workflow",
            Self::ShellInJob => "shell_in_job",
            Self::WholeIssuer => "whole_issuer",
        }
    }

    /// What it means, in a sentence.
    pub const fn says(self) -> &'static str {
        match self {
            Self::WholeOrganization => {
                "Every repository of the organization is let in, also one that somebody makes tomorrow."
            }
            Self::AnyRef => {
                "Every branch and tag is let in: whoever may push to the repository may do all of this."
            }
            Self::MovableTag => {
                "A tag is let in, and whoever may push can move a tag to other code."
            }
            Self::AnyEvent => {
                "Whatever starts a job is let in, also pull requests and comments of strangers."
            }
            Self::OutsidersEvent => {
                "Jobs are let in that somebody can start who could not have pushed."
            }
            Self::UnprotectedRef => "Branches are let in that no rule protects.",
            Self::NamesWithoutIds => {
                "Names are let in without their ids: whoever gets a name after it was given up gets this, too."
            }
            Self::MovableWorkflow => {
                "A shared workflow is named by a branch or tag, which can be moved; use job_workflow_sha."
            }
            Self::ShellInJob => "Jobs are let in that somebody has opened a shell in.",
            Self::WholeIssuer => {
                "Every identity of this issuer that meets the conditions is let in."
            }
        }
    }
}

/// All that is dangerous about a policy, the worst first.
pub fn dangers(policy: &Policy) -> Vec<Danger> {
    let platform = policy.platform;
    let narrow = platform.narrow();
    let said = |claims: &[&str]| {
        let on = |claim: &&str| policy.on(claim).is_some_and(|it| !it.exact().is_empty());
        claims.iter().any(on)
    };
    let mut found = Vec::new();
    // An exact subject is one job, account or branch, as its issuer has named it.
    if !said(narrow) && !said(&["sub"]) {
        let whole = platform.identities().is_empty();
        found.push(if whole { Danger::WholeIssuer } else { Danger::WholeOrganization });
    }
    let refs = platform.refs();
    let limits = |claim: &&str| policy.on(claim).is_some_and(limits);
    let any_ref = !refs.is_empty() && !refs.iter().any(limits) && !said(&["sub"]);
    if any_ref && !policy.is_of_pull_requests() {
        found.push(Danger::AnyRef);
    }
    if names_a_tag(policy) {
        found.push(Danger::MovableTag);
    }
    if let Some(condition) = platform.event().and_then(|claim| policy.on(claim)) {
        match &condition.test {
            Test::Any(_) | Test::Like(_) => found.push(Danger::AnyEvent),
            Test::Is(_) | Test::OneOf(_) => {
                if !condition.exact().iter().all(|event| platform.is_usual_event(event)) {
                    found.push(Danger::OutsidersEvent);
                }
            }
        }
    }
    if platform == Platform::GitLab
        && policy.on("ref_protected").is_some_and(|it| !only(it, "true"))
    {
        found.push(Danger::UnprotectedRef);
    }
    if platform == Platform::CircleCi
        && policy.on("oidc.circleci.com/ssh-rerun").is_some_and(|it| !only(it, "false"))
    {
        found.push(Danger::ShellInJob);
    }
    if names_without_ids(policy) {
        found.push(Danger::NamesWithoutIds);
    }
    if policy.on("job_workflow_ref").is_some_and(|it| !it.exact().iter().all(|r| is_at_commit(r)))
        && policy.on("job_workflow_sha").is_none()
    {
        found.push(Danger::MovableWorkflow);
    }
    found
}

/// Whether a condition on a ref leaves anything out that matters.
fn limits(condition: &Condition) -> bool {
    match &condition.test {
        Test::Is(_) | Test::OneOf(_) => true,
        Test::Any(_) => false,
        Test::Like(pattern) => {
            let open = ["*", "**", "refs/**", "refs/heads/**", "refs/heads/*", "refs/*/**"];
            !open.contains(&pattern.as_str())
        }
    }
}

fn only(condition: &Condition, value: &str) -> bool {
    let exact = condition.exact();
    !exact.is_empty() && exact.iter().all(|it| it == value)
}

fn names_a_tag(policy: &Policy) -> bool {
    // Whoever has to agree that a job runs in an environment sees what it runs.
    if policy.on("environment").is_some_and(limits) {
        return false;
    }
    let tag = |claim: &str| {
        policy.on(claim).is_some_and(|condition| match &condition.test {
            Test::Is(value) => value.starts_with("refs/tags/"),
            Test::OneOf(values) => values.iter().any(|value| value.starts_with("refs/tags/")),
            Test::Like(pattern) => pattern.as_str().starts_with("refs/tags/"),
            Test::Any(_) => false,
        })
    };
    let gitlab = policy.on("ref_type").is_some_and(|it| !only(it, "branch"));
    tag("ref") || tag("oidc.circleci.com/vcs-ref") || policy.on("build_tag").is_some() || gitlab
}

/// Whether a name is compared, and neither is its id nor will it be.
fn names_without_ids(policy: &Policy) -> bool {
    if policy.pin_first_use {
        return false;
    }
    // Any one id is enough: a repository's says whose it is, and so does its owner's.
    if policy.platform.identities().iter().any(|it| policy.on(it.id).is_some()) {
        return false;
    }
    policy.platform.identities().iter().filter_map(|it| policy.on(it.name)).any(|condition| {
        let pinned = |name: &String| {
            policy.pins.iter().any(|pin| pin.claim == condition.claim && pin.name == *name)
        };
        condition.exact().is_empty() || !condition.exact().iter().all(pinned)
    })
}

/// Whether a reusable workflow is named by a commit: `…/x.yml@` and 40 or 64 hex digits.
fn is_at_commit(workflow: &str) -> bool {
    workflow.rsplit_once('@').is_some_and(|(_, at)| {
        matches!(at.len(), 40 | 64) && at.bytes().all(|b| b.is_ascii_hexdigit())
    })
}
