//! The platforms whose claims we know the meaning of.
//!
//! A platform is what an issuer *is*, not who it is: GitHub Enterprise has an issuer of its own
//! and GitHub's claims. Trust always goes by the exact issuer.

use serde::{Deserialize, Serialize};

use super::condition::{Condition, Test};

/// GitHub Actions' issuer.
pub const GITHUB: &str = "https://token.actions.githubusercontent.com";
/// GitLab.com's issuer.
pub const GITLAB: &str = "https://gitlab.com";
/// Buildkite's issuer.
const BUILDKITE: &str = "https://agent.buildkite.com";
/// What CircleCI's issuers begin with; the id of the organization follows.
const CIRCLECI: &str = "https://oidc.circleci.com/org/";
/// CircleCI's issuer for whoever asks with `--root-issuer`: the same for all organizations.
const CIRCLECI_ROOT: &str = "https://oidc.circleci.com";

/// Whose claims they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// GitHub Actions, also of GitHub Enterprise.
    GitHub,
    /// GitLab CI, also self-managed.
    GitLab,
    /// CircleCI.
    CircleCi,
    /// Buildkite.
    Buildkite,
    /// A cluster's service accounts.
    Kubernetes,
    /// Anything else with an OIDC issuer.
    Other,
}

/// A name, and the claim that holds the number behind it, which is never given to another.
pub(super) struct Identity {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
}

const fn identity(name: &'static str, id: &'static str) -> Identity {
    Identity { name, id }
}

/// What is run by people who could not have pushed, or can be started by anybody, is not here.
const GITHUB_EVENTS: [&str; 6] =
    ["push", "schedule", "workflow_dispatch", "repository_dispatch", "release", "deployment"];
/// The same at GitLab (`pipeline_source`): no merge requests, no external pull requests.
const GITLAB_SOURCES: [&str; 7] =
    ["push", "web", "schedule", "api", "trigger", "pipeline", "parent_pipeline"];

impl Platform {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::GitHub,
        Self::GitLab,
        Self::CircleCi,
        Self::Buildkite,
        Self::Kubernetes,
        Self::Other,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::CircleCi => "circleci",
            Self::Buildkite => "buildkite",
            Self::Kubernetes => "kubernetes",
            Self::Other => "other",
        }
    }

    /// Read back; a word that is none is no platform.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.as_str() == name)
    }

    /// What a well-known issuer is.
    pub fn of_issuer(issuer: &str) -> Self {
        match issuer {
            GITHUB => Self::GitHub,
            GITLAB => Self::GitLab,
            BUILDKITE => Self::Buildkite,
            CIRCLECI_ROOT => Self::CircleCi,
            _ if issuer.starts_with(CIRCLECI) => Self::CircleCi,
            _ => Self::Other,
        }
    }

    /// Whether strangers have tokens of this very issuer.
    pub fn is_shared(issuer: &str) -> bool {
        matches!(issuer, GITHUB | GITLAB | BUILDKITE | CIRCLECI_ROOT)
    }

    /// The claims that say whose job it is, the narrower first, each with its id.
    pub(super) const fn identities(self) -> &'static [Identity] {
        const GITHUB: &[Identity] = &[
            identity("repository", "repository_id"),
            identity("repository_owner", "repository_owner_id"),
        ];
        const GITLAB: &[Identity] =
            &[identity("project_path", "project_id"), identity("namespace_path", "namespace_id")];
        const BUILDKITE: &[Identity] = &[
            identity("pipeline_slug", "pipeline_id"),
            identity("organization_slug", "organization_id"),
        ];
        match self {
            Self::GitHub => GITHUB,
            Self::GitLab => GITLAB,
            Self::Buildkite => BUILDKITE,
            Self::CircleCi | Self::Kubernetes | Self::Other => &[],
        }
    }

    /// Claims that are ids: exact, never reused, and enough to say whose job it is.
    pub(super) const fn ids(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["repository_id", "repository_owner_id"],
            Self::GitLab => &["project_id", "namespace_id"],
            Self::Buildkite => &["pipeline_id", "organization_id"],
            Self::CircleCi => &["oidc.circleci.com/project-id"],
            Self::Kubernetes => &["sub", "/kubernetes.io/serviceaccount/uid"],
            Self::Other => &["sub"],
        }
    }

    /// Claims that narrow a policy down to one repository, project, pipeline or account.
    pub(super) const fn narrow(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["repository", "repository_id"],
            Self::GitLab => &["project_path", "project_id"],
            Self::Buildkite => &["pipeline_slug", "pipeline_id"],
            Self::CircleCi => &["oidc.circleci.com/project-id"],
            Self::Kubernetes => &["sub", "/kubernetes.io/serviceaccount/name"],
            Self::Other => &["sub"],
        }
    }

    /// Claims that say which code it is, or who had to agree that it runs.
    pub(super) const fn refs(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["ref", "environment", "job_workflow_sha", "workflow_sha"],
            Self::GitLab => &["ref", "environment"],
            // Not context-ids: that is a list, which meets no condition.
            Self::CircleCi => &["oidc.circleci.com/vcs-ref"],
            Self::Buildkite => &["build_branch", "build_tag"],
            Self::Kubernetes | Self::Other => &[],
        }
    }

    /// Refs and environments: claims on which a condition may be a pattern.
    pub fn is_pattern_claim(self, claim: &str) -> bool {
        match self {
            Self::GitHub | Self::GitLab => matches!(claim, "ref" | "environment"),
            Self::CircleCi => claim == "oidc.circleci.com/vcs-ref",
            Self::Buildkite => matches!(claim, "build_branch" | "build_tag"),
            Self::Kubernetes => false,
            Self::Other => matches!(claim, "ref" | "environment" | "branch"),
        }
    }

    /// The claim that says what started the job.
    pub const fn event(self) -> Option<&'static str> {
        match self {
            Self::GitHub => Some("event_name"),
            Self::GitLab => Some("pipeline_source"),
            Self::CircleCi | Self::Buildkite | Self::Kubernetes | Self::Other => None,
        }
    }

    /// Whether what started a job is good enough if a policy says nothing about it.
    pub fn is_usual_event(self, event: &str) -> bool {
        match self {
            Self::GitHub => GITHUB_EVENTS.contains(&event),
            Self::GitLab => GITLAB_SOURCES.contains(&event),
            Self::CircleCi | Self::Buildkite | Self::Kubernetes | Self::Other => true,
        }
    }

    /// What every policy asks for that says nothing about the same claim.
    pub(super) fn standing(self) -> Vec<Condition> {
        let list = |claim: &str, values: &[&str]| Condition {
            claim: claim.to_owned(),
            test: Test::OneOf(values.iter().map(|value| (*value).to_owned()).collect()),
        };
        match self {
            Self::GitHub => vec![list("event_name", &GITHUB_EVENTS)],
            Self::GitLab => vec![
                list("pipeline_source", &GITLAB_SOURCES),
                Condition::is("ref_protected", "true"),
                Condition::is("ref_type", "branch"),
            ],
            // Somebody at a shell in the job's machine has its token, too.
            Self::CircleCi => vec![Condition::is("oidc.circleci.com/ssh-rerun", "false")],
            Self::Buildkite | Self::Kubernetes | Self::Other => Vec::new(),
        }
    }
}
