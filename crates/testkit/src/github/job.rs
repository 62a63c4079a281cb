//! A job as GitHub describes it: the claims of its token, and the variables of its steps.

use hallpass_core::{Clock as _, chance};
use serde_json::{Map, Value, json};

use crate::system::{RealClock, RealRandom};

/// How `sub` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// `repo:acme/warehouse:…`, of repositories from before July 2026.
    #[default]
    Names,
    /// `repo:acme@100/warehouse@200:…`, of new, renamed and transferred ones.
    Ids,
}

/// A job: by default a push to main of `acme/warehouse` on a runner of GitHub's.
#[derive(Clone, Debug)]
pub struct Job {
    /// The owner's name.
    pub owner: String,
    /// Its number.
    pub owner_id: u64,
    /// The repository's name, without the owner's.
    pub repository: String,
    /// Its number.
    pub repository_id: u64,
    /// `refs/heads/main`
    pub git_ref: String,
    /// `push`, `pull_request`, …
    pub event: String,
    /// The environment that the job names.
    pub environment: Option<String>,
    /// The file of its workflow.
    pub workflow: String,
    /// The workflow whose job it is, if that is a reusable one: `acme/shared/.github/…@ref`.
    pub called: Option<String>,
    /// The run.
    pub run_id: u64,
    /// The attempt of the run.
    pub attempt: u32,
    /// The job's name in the workflow.
    pub name: String,
    /// `github-hosted` or `self-hosted`.
    pub runner: String,
    /// How `sub` is written.
    pub subject: Subject,
    /// Claims that are different: added, or replaced, or taken away by `null`.
    pub different: Map<String, Value>,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            owner: "acme".to_owned(),
            owner_id: 100,
            repository: "warehouse".to_owned(),
            repository_id: 200,
            git_ref: "refs/heads/main".to_owned(),
            event: "push".to_owned(),
            environment: None,
            workflow: "test.yml".to_owned(),
            called: None,
            run_id: 7_000_001,
            attempt: 1,
            name: "test".to_owned(),
            runner: "github-hosted".to_owned(),
            subject: Subject::Names,
            different: Map::new(),
        }
    }
}

impl Job {
    /// The same with one claim different; `null` takes it away.
    #[must_use]
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.different.insert(claim.to_owned(), value.into());
        self
    }

    /// `acme/warehouse`
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.repository)
    }

    /// `sub`: the environment comes first, then the event of a pull request, then the ref. A
    /// colon in an environment's name is written `%3A`, and nothing else is escaped.
    pub fn sub(&self) -> String {
        let (owner, repository) = (&self.owner, &self.repository);
        let who = match self.subject {
            Subject::Names => format!("repo:{owner}/{repository}"),
            Subject::Ids => {
                format!("repo:{owner}@{}/{repository}@{}", self.owner_id, self.repository_id)
            }
        };
        match &self.environment {
            Some(name) => format!("{who}:environment:{}", name.replace(':', "%3A")),
            None if self.event == "pull_request" => format!("{who}:pull_request"),
            None => format!("{who}:ref:{}", self.git_ref),
        }
    }

    /// All that its token says, for `audience`, beginning now. Each time with a `jti` of its own.
    pub fn claims(&self, issuer: &str, audience: &str) -> Value {
        let now = RealClock.now().millis() / 1000;
        let workflow =
            format!("{}/.github/workflows/{}@{}", self.full_name(), self.workflow, self.git_ref);
        let ref_type = if self.git_ref.starts_with("refs/tags/") { "tag" } else { "branch" };
        let sha = "4f1c8b9e2d7a6035f4e1c8b9e2d7a6035f4e1c8b";
        let mut claims = json!({
            "actor": "octocat",
            "actor_id": "12",
            "aud": audience,
            "base_ref": "",
            "event_name": self.event,
            "exp": now + 300,
            "head_ref": "",
            "iat": now,
            "iss": issuer,
            "job_workflow_ref": self.called.as_ref().unwrap_or(&workflow),
            "job_workflow_sha": sha,
            "jti": uuid(),
            "nbf": now - 600,
            "ref": self.git_ref,
            "ref_protected": "true",
            "ref_type": ref_type,
            "repository": self.full_name(),
            "repository_id": self.repository_id.to_string(),
            "repository_owner": self.owner,
            "repository_owner_id": self.owner_id.to_string(),
            "repository_visibility": "private",
            "run_attempt": self.attempt.to_string(),
            "run_id": self.run_id.to_string(),
            "run_number": "10",
            "runner_environment": self.runner,
            "sha": sha,
            "sub": self.sub(),
            "workflow": "test",
            "workflow_ref": workflow,
            "workflow_sha": sha,
        });
        let members = claims.as_object_mut().expect("an object");
        if let Some(environment) = &self.environment {
            members.insert("environment".to_owned(), json!(environment));
        }
        for (claim, value) in &self.different {
            match value {
                Value::Null => members.remove(claim),
                value => members.insert(claim.clone(), value.clone()),
            };
        }
        claims
    }

    /// What every step of it finds in its environment, but for the two variables of the
    /// request endpoint.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let variables = [
            ("CI", "true".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_EVENT_NAME", self.event.clone()),
            ("GITHUB_JOB", self.name.clone()),
            ("GITHUB_REF", self.git_ref.clone()),
            ("GITHUB_REPOSITORY", self.full_name()),
            ("GITHUB_REPOSITORY_ID", self.repository_id.to_string()),
            ("GITHUB_RUN_ATTEMPT", self.attempt.to_string()),
            ("GITHUB_RUN_ID", self.run_id.to_string()),
            ("RUNNER_ENVIRONMENT", self.runner.clone()),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// As GitHub's `jti` are written.
fn uuid() -> String {
    let bytes: [u8; 16] = chance::bytes(&RealRandom);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}
