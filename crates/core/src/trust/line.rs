//! Policies as Roboticks' page writes them: one line that looks like GitHub's `sub`.
//!
//! ```text
//! repo:acme/warehouse:ref:refs/heads/main
//! repo:acme/warehouse:environment:production
//! repo:acme@123/warehouse@456:ref:refs/heads/release/*
//! repo:acme/*:ref:refs/heads/main
//! repo:acme/warehouse:*
//! ```
//!
//! A line is turned into conditions on claims, and so lets in whoever GitHub gives either form of
//! `sub` to. It says less than the text would: `ref:refs/heads/main` also lets in a job on main
//! that has an environment, whose `sub` would have named that instead.

use super::condition::{Condition, Test};
use super::pattern::{BadPattern, Pattern};
use super::policy::Pin;
use super::subject::{is_name, with_id};

/// The longest line.
const MAX_LEN: usize = 1024;

/// What a line says.
pub type Line = (Vec<Condition>, Vec<Pin>);

/// Why a line says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// Not `repo:…`.
    #[error(
        "a line looks like repo:acme/warehouse:ref:refs/heads/main, \
         or repo:acme/warehouse:environment:production"
    )]
    Form,
    /// A name that GitHub does not give.
    #[error("{0:?} is no owner/repository; write acme/warehouse, or acme/* for all of acme")]
    Repository(String),
    /// An id for one of two.
    #[error("write the ids of both, acme@123/warehouse@456, or of none")]
    HalfIds,
    /// A context that we know no claim for.
    #[error(
        "after the repository comes ref:REF, environment:NAME, pull_request, \
         job_workflow_ref:WORKFLOW or * for everything, not {0:?}"
    )]
    Context(String),
    /// A ref by its short name, which no token ever says.
    #[error("a ref is written whole: write ref:refs/heads/{0}, or ref:refs/tags/{0} for a tag")]
    ShortRef(String),
    /// What was meant as a pattern is none.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
}

/// Turns a line into conditions, and the ids in it into pins.
///
/// In an environment's name `%3A` is read as `:`, as GitHub writes it in a `sub`; an environment
/// that really has `%3A` in its name needs a condition of its own.
pub fn parse_line(line: &str) -> Result<Line, BadLine> {
    let line = line.trim();
    if line.len() > MAX_LEN || line.chars().any(char::is_control) {
        return Err(BadLine::Form);
    }
    let rest = line.strip_prefix("repo:").ok_or(BadLine::Form)?;
    let (repository, context) = rest.split_once(':').ok_or(BadLine::Form)?;
    let (mut conditions, pins) = whose(repository)?;
    conditions.extend(which(context)?);
    Ok((conditions, pins))
}

fn whose(repository: &str) -> Result<Line, BadLine> {
    let bad = || BadLine::Repository(crate::text::presentable(repository, 200));
    let (owner, name) = repository.split_once('/').ok_or_else(bad)?;
    let (owner, owner_id) = with_id(owner).map_err(|_| bad())?;
    let pin = |claim: &str, name: &str, id: String| Pin {
        claim: claim.to_owned(),
        name: name.to_owned(),
        id_claim: format!("{claim}_id"),
        id,
    };
    let owner_pin = owner_id.clone().map(|id| pin("repository_owner", &owner, id));
    if name == "*" {
        let whole = Condition::is("repository_owner", &owner);
        return Ok((vec![whole], owner_pin.into_iter().collect()));
    }
    let (name, id) = with_id(name).map_err(|_| bad())?;
    debug_assert!(is_name(&name));
    if owner_id.is_some() != id.is_some() {
        return Err(BadLine::HalfIds);
    }
    let whole = format!("{owner}/{name}");
    let mut conditions = vec![Condition::is("repository", &whole)];
    // The owner is asked for besides if their number is known: a name in the repository's is not.
    if owner_id.is_some() {
        conditions.push(Condition::is("repository_owner", &owner));
    }
    let pins = id.map(|id| pin("repository", &whole, id)).into_iter().chain(owner_pin);
    Ok((conditions, pins.collect()))
}

fn which(context: &str) -> Result<Option<Condition>, BadLine> {
    let bad = || BadLine::Context(crate::text::presentable(context, 100));
    if context == "*" {
        return Ok(None);
    }
    if context == "pull_request" {
        return Ok(Some(Condition::is("event_name", "pull_request")));
    }
    let (claim, value) = context.split_once(':').ok_or_else(bad)?;
    if value.is_empty() || value.trim() != value {
        return Err(bad());
    }
    match claim {
        "ref" => {
            // A branch's short name matches no ref, ever.
            if !value.starts_with("refs/") && value != "*" {
                let short = ["heads/", "tags/"].iter().find_map(|it| value.strip_prefix(it));
                let short = short.unwrap_or(value);
                return Err(BadLine::ShortRef(crate::text::presentable(short, 100)));
            }
            Ok(like("ref", value)?)
        }
        "environment" => Ok(like("environment", &value.replace("%3A", ":"))?),
        "job_workflow_ref" if !value.contains('*') => {
            Ok(Some(Condition::is("job_workflow_ref", value)))
        }
        _ => Err(bad()),
    }
}

/// `*` alone is anything: as if nothing had been said.
fn like(claim: &str, value: &str) -> Result<Option<Condition>, BadPattern> {
    if value == "*" {
        return Ok(Some(Condition::any(claim)));
    }
    let test = if value.contains('*') {
        Test::Like(Pattern::parse(value)?)
    } else {
        Test::Is(value.to_owned())
    };
    Ok(Some(Condition { claim: claim.to_owned(), test }))
}
