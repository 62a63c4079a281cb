//! What a policy allows, in words: "The main branch of acme/warehouse may use runs:create in
//! lab/scans."

use super::condition::{Condition, Test};
use super::platform::Platform;
use super::policy::Policy;

/// What a policy allows, in one sentence.
pub fn sentence(policy: &Policy) -> String {
    let may = policy.permissions.iter().collect::<Vec<_>>();
    let text = format!(
        "{} of {}{} may use {} in {}.",
        which(policy),
        whose(policy),
        with(policy),
        listed(&may.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(), "and"),
        policy.project,
    );
    crate::text::presentable(&text, 2_000)
}

/// Claims that [`which`] and [`whose`] have words for.
const WORDED: [&str; 10] = [
    "ref",
    "environment",
    "repository",
    "repository_owner",
    "project_path",
    "namespace_path",
    "organization_slug",
    "pipeline_slug",
    "build_branch",
    "build_tag",
];

fn which(policy: &Policy) -> String {
    let mut parts = Vec::new();
    for claim in ["ref", "build_branch", "oidc.circleci.com/vcs-ref"] {
        parts.extend(policy.on(claim).map(the_ref));
    }
    parts.extend(policy.on("build_tag").map(|it| format!("the tag {}", value(it))));
    if let Some(it) = policy.on("environment") {
        let name = match &it.test {
            Test::Any(_) => "any environment".to_owned(),
            Test::Is(_) | Test::OneOf(_) | Test::Like(_) => {
                format!("the environment {}", value(it))
            }
        };
        // Both have to be met.
        parts.push(name);
    }
    if parts.is_empty() {
        return if policy.is_of_pull_requests() {
            "Every pull request".to_owned()
        } else if policy.platform.refs().is_empty() {
            "Every job or account".to_owned()
        } else {
            "Every branch and tag".to_owned()
        };
    }
    let text = parts.join(" in ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

fn the_ref(condition: &Condition) -> String {
    if matches!(condition.test, Test::Any(_)) {
        return "every branch and tag".to_owned();
    }
    let all = match &condition.test {
        Test::Like(pattern) => vec![pattern.as_str().to_owned()],
        Test::Is(_) | Test::OneOf(_) | Test::Any(_) => condition.exact().to_vec(),
    };
    let of =
        |prefix: &str| all.iter().map(|it| it.strip_prefix(prefix)).collect::<Option<Vec<_>>>();
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    if let Some(names) = of("refs/heads/") {
        return format!("the {} branch", listed(&owned(names), "or"));
    }
    if let Some(names) = of("refs/tags/") {
        return format!("the tag {}", listed(&owned(names), "or"));
    }
    format!("the ref {}", listed(&all, "or"))
}

fn whose(policy: &Policy) -> String {
    let on = |claim: &str| policy.on(claim).map(value);
    if let (Some(org), Some(pipeline)) = (on("organization_slug"), on("pipeline_slug")) {
        return format!("{org}/{pipeline}");
    }
    if let Some(one) = on("repository").or_else(|| on("project_path")) {
        return one;
    }
    let many =
        on("repository_owner").or_else(|| on("namespace_path")).or_else(|| on("organization_slug"));
    match many {
        Some(owner) => format!("every repository of {owner}"),
        None => format!("{} ({})", policy.issuer, policy.platform.as_str()),
    }
}

/// Everything else that has to be met.
fn with(policy: &Policy) -> String {
    let rest: Vec<String> = policy
        .conditions
        .iter()
        .filter(|it| {
            let pull_requests = it.claim == "event_name" && policy.is_of_pull_requests();
            let worded = WORDED.contains(&it.claim.as_str()) || pull_requests;
            !worded && it.claim != "oidc.circleci.com/vcs-ref"
        })
        .map(|it| format!("{} is {}", it.claim, value(it)))
        .collect();
    let own = matches!(policy.platform, Platform::Kubernetes | Platform::Other);
    match (rest.is_empty(), own) {
        (true, _) => String::new(),
        (false, true) => format!(" whose {}", rest.join(" and ")),
        (false, false) => format!(", where {},", rest.join(" and ")),
    }
}

fn value(condition: &Condition) -> String {
    match &condition.test {
        Test::Is(value) => value.clone(),
        Test::OneOf(values) => listed(values, "or"),
        Test::Like(pattern) => format!("like {pattern}"),
        Test::Any(_) => "anything".to_owned(),
    }
}

fn listed(all: &[String], word: &str) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} {word} {last}", rest.join(", ")),
    }
}
