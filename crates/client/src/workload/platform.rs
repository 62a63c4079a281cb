//! Which platform runs this process as a job, and where it gives the job its identity: a pure
//! function of the surroundings.

use std::fmt;
use std::path::{Path, PathBuf};

use hallpass_core::Secret;
use hallpass_core::brand::Brand;

use crate::environment::{Environment, System};

/// Whose identity it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// CircleCI.
    CircleCi,
    /// Buildkite.
    Buildkite,
    /// Jenkins, with its OpenID Connect plugin.
    Jenkins,
    /// Kubernetes, with a projected token.
    Kubernetes,
    /// Anything that fills a variable.
    Variable,
    /// Anything that writes a file.
    File,
    /// Anything that prints a token.
    Command,
}

impl Platform {
    /// A stable name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::CircleCi => "circleci",
            Self::Buildkite => "buildkite",
            Self::Jenkins => "jenkins",
            Self::Kubernetes => "kubernetes",
            Self::Variable => "variable",
            Self::File => "file",
            Self::Command => "command",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHub => "GitHub Actions",
            Self::GitLab => "GitLab CI",
            Self::CircleCi => "CircleCI",
            Self::Buildkite => "Buildkite",
            Self::Jenkins => "Jenkins",
            Self::Kubernetes => "Kubernetes",
            Self::Variable => "a variable",
            Self::File => "a file",
            Self::Command => "a command",
        })
    }
}

/// Where the identity comes from.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// GitHub's request endpoint, and what opens it.
    Request { url: String, token: Secret },
    /// A variable.
    Variable { name: String },
    /// A file.
    File { path: PathBuf },
    /// A line for the shell; what it prints is the token.
    Shell { line: String },
    /// `circleci run oidc get`
    CircleCi,
    /// `buildkite-agent oidc request-token`
    Buildkite,
}

impl Identity {
    /// Whether it is another one each time that it is asked for. A server takes none twice.
    pub(crate) fn is_renewed(&self) -> bool {
        !matches!(self, Self::Variable { .. } | Self::File { .. })
    }
}

/// A platform, and its identity for this job.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) platform: Platform,
    pub(crate) identity: Identity,
    /// Whether whoever wrote the job asked for an identity. Only then it is a source by itself:
    /// CircleCI and Buildkite have one for every job, asked for or not.
    pub(crate) asked: bool,
}

/// What the surroundings say.
#[derive(Clone, Debug)]
pub(crate) enum Search {
    /// There is an identity.
    Found(Found),
    /// There is a platform, but the job was not given an identity; and what gives it one.
    NotGiven { platform: Platform, remedy: String },
    /// It is no job of a platform that we know.
    NoJob,
    /// The person wants none.
    Off,
}

/// Looks around. What was said for this tool comes first, then what a platform says by itself.
pub(crate) fn search(brand: &Brand, environment: &dyn Environment, server: &str) -> Search {
    let var = |name: &str| environment.var(name);
    let ours = |name: &str| environment.var(&brand.variable(name));
    let switch = ours("OIDC").map(|value| value.to_ascii_lowercase());
    if matches!(switch.as_deref(), Some("off" | "no" | "false" | "0")) {
        return Search::Off;
    }
    let on = switch.is_some();
    let is = |name: &str| var(name).is_some_and(|value| value == "true" || value == "1");
    let found =
        |platform, identity, asked| Search::Found(Found { platform, identity, asked: asked || on });
    if ours("ID_TOKEN").is_some() {
        let platform = match () {
            () if is("GITLAB_CI") => Platform::GitLab,
            () if var("JENKINS_URL").is_some() => Platform::Jenkins,
            () => Platform::Variable,
        };
        return found(platform, Identity::Variable { name: brand.variable("ID_TOKEN") }, true);
    }
    if let Some(path) = ours("ID_TOKEN_FILE") {
        let platform = match () {
            () if var("JENKINS_URL").is_some() => Platform::Jenkins,
            () if var("KUBERNETES_SERVICE_HOST").is_some() => Platform::Kubernetes,
            () => Platform::File,
        };
        return found(platform, Identity::File { path: path.into() }, true);
    }
    if let Some(line) = ours("ID_TOKEN_COMMAND") {
        return found(Platform::Command, Identity::Shell { line }, true);
    }
    let request = (var("ACTIONS_ID_TOKEN_REQUEST_URL"), var("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    if let (Some(url), Some(token)) = request {
        let identity = Identity::Request { url, token: Secret::new(token) };
        return found(Platform::GitHub, identity, true);
    }
    let not_given = |platform, remedy| Search::NotGiven { platform, remedy };
    if is("GITHUB_ACTIONS") {
        let remedy = "give the job \"permissions: id-token: write\"; a pull request from a fork \
                      is never given it";
        return not_given(Platform::GitHub, remedy.to_owned());
    }
    if is("GITLAB_CI") {
        let remedy =
            format!("give the job \"id_tokens: {}: aud: {server}\"", brand.variable("ID_TOKEN"));
        return not_given(Platform::GitLab, remedy);
    }
    if is("CIRCLECI") {
        return found(Platform::CircleCi, Identity::CircleCi, false);
    }
    if is("BUILDKITE") {
        return found(Platform::Buildkite, Identity::Buildkite, false);
    }
    if var("JENKINS_URL").is_some() && var("BUILD_TAG").is_some() {
        let remedy = format!(
            "bind a credential of the OpenID Connect plugin to {} or {}",
            brand.variable("ID_TOKEN"),
            brand.variable("ID_TOKEN_FILE")
        );
        return not_given(Platform::Jenkins, remedy);
    }
    if var("KUBERNETES_SERVICE_HOST").is_some() && environment.system() != System::Windows {
        let path = projected(brand);
        if environment.read(&path).is_some() {
            return found(Platform::Kubernetes, Identity::File { path }, true);
        }
        let remedy = format!(
            "project a service account token with \"audience: {server}\" to {}",
            path.display()
        );
        return not_given(Platform::Kubernetes, remedy);
    }
    Search::NoJob
}

/// What a job lacks to be signed in by itself, and what gives it that. `None`: it lacks nothing, or
/// this is no job of a platform that is known.
pub(crate) fn lacks(
    brand: &Brand,
    environment: &dyn Environment,
    server: &str,
) -> Option<(Platform, String)> {
    match search(brand, environment, server) {
        Search::NotGiven { platform, remedy } => Some((platform, not_given(platform, &remedy))),
        Search::Found(found) if !found.asked => {
            let platform = found.platform;
            let variable = brand.variable("OIDC");
            Some((
                platform,
                format!("{platform} has an identity for this job: set {variable}=auto"),
            ))
        }
        Search::Found(_) | Search::NoJob | Search::Off => None,
    }
}

/// A job without an identity.
pub(crate) fn not_given(platform: Platform, remedy: &str) -> String {
    format!("{platform} has given this job no identity: {remedy}")
}

/// Where a pod finds the token that its manifest projects for this tool.
fn projected(brand: &Brand) -> PathBuf {
    Path::new("/var/run/secrets").join(&brand.config_dir).join("token")
}

/// The identity that counts as a source without anybody typing anything.
pub(crate) fn standing(brand: &Brand, environment: &dyn Environment) -> Option<Found> {
    match search(brand, environment, "") {
        Search::Found(found) if found.asked => Some(found),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Table;

    fn seen(variables: &[(&str, &str)], files: &[&str]) -> String {
        let mut table = Table::of(variables);
        table.files.extend(files.iter().map(|path| (PathBuf::from(path), "x".to_owned())));
        match search(&Brand::hallpass(), &table, "https://id.example.com") {
            Search::Found(Found { platform, identity, asked }) => {
                let identity = match identity {
                    Identity::Request { url, .. } => url,
                    Identity::Variable { name } => format!("${name}"),
                    Identity::File { path } => path.display().to_string(),
                    Identity::Shell { line } => format!("sh {line}"),
                    Identity::CircleCi => "circleci".to_owned(),
                    Identity::Buildkite => "buildkite-agent".to_owned(),
                };
                format!("{} {identity}{}", platform.name(), if asked { "" } else { " unasked" })
            }
            Search::NotGiven { platform, remedy } => format!("{} lacks: {remedy}", platform.name()),
            Search::NoJob => "no job".to_owned(),
            Search::Off => "off".to_owned(),
        }
    }

    // proves: RB10, jobs-1
    #[test]
    fn each_platform_is_found_by_what_it_sets_and_says_what_it_lacks() {
        let github = [
            ("GITHUB_ACTIONS", "true"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://vstoken.example/x?api-version=2.0"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret"),
        ];
        let with = |more: &[(&'static str, &'static str)]| {
            let mut all = github.to_vec();
            all.extend(more);
            seen(&all, &[])
        };
        assert_eq!(seen(&github, &[]), "github https://vstoken.example/x?api-version=2.0");
        assert!(seen(&github[..1], &[]).starts_with("github lacks: give the job \"permissions"));
        // One of the two is none of them; an empty one is unset.
        assert!(seen(&github[..2], &[]).starts_with("github lacks"));
        assert!(with(&[("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")]).starts_with("github lacks"));
        assert_eq!(with(&[("HALLPASS_OIDC", "off")]), "off");
        // What was said for us wins.
        assert_eq!(with(&[("HALLPASS_ID_TOKEN", "ey")]), "variable $HALLPASS_ID_TOKEN");
        assert_eq!(with(&[("HALLPASS_ID_TOKEN_FILE", "/t")]), "file /t");
        assert_eq!(with(&[("HALLPASS_ID_TOKEN_COMMAND", "get me")]), "command sh get me");

        type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);
        let table: &[Row<'_>] = &[
            (&[], &[], "no job"),
            (&[("CI", "true")], &[], "no job"),
            (
                &[("GITLAB_CI", "true"), ("HALLPASS_ID_TOKEN", "ey")],
                &[],
                "gitlab $HALLPASS_ID_TOKEN",
            ),
            (
                &[("GITLAB_CI", "true")],
                &[],
                "gitlab lacks: give the job \"id_tokens: HALLPASS_ID_TOKEN: aud: \
                 https://id.example.com\"",
            ),
            (&[("CIRCLECI", "true")], &[], "circleci circleci unasked"),
            (&[("CIRCLECI", "true"), ("HALLPASS_OIDC", "auto")], &[], "circleci circleci"),
            (&[("BUILDKITE", "true")], &[], "buildkite buildkite-agent unasked"),
            (&[("BUILDKITE", "true"), ("HALLPASS_OIDC", "off")], &[], "off"),
            (&[("JENKINS_URL", "https://j"), ("HALLPASS_ID_TOKEN_FILE", "/t")], &[], "jenkins /t"),
            (
                &[("JENKINS_URL", "https://j"), ("HALLPASS_ID_TOKEN", "ey")],
                &[],
                "jenkins $HALLPASS_ID_TOKEN",
            ),
            (
                &[("JENKINS_URL", "https://j"), ("BUILD_TAG", "b-1")],
                &[],
                "jenkins lacks: bind a credential of the OpenID Connect plugin to \
                 HALLPASS_ID_TOKEN or HALLPASS_ID_TOKEN_FILE",
            ),
            (
                &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")],
                &["/var/run/secrets/hallpass/token"],
                "kubernetes /var/run/secrets/hallpass/token",
            ),
            // The token for the cluster itself is for nobody else.
            (
                &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")],
                &["/var/run/secrets/kubernetes.io/serviceaccount/token"],
                "kubernetes lacks: project a service account token with \"audience: \
                 https://id.example.com\" to /var/run/secrets/hallpass/token",
            ),
        ];
        for (variables, files, expected) in table {
            assert_eq!(seen(variables, files), *expected, "{variables:?}");
        }
    }

    #[test]
    fn only_what_somebody_asked_for_is_a_source_by_itself() {
        let standing = |variables: &[(&str, &str)]| {
            standing(&Brand::hallpass(), &Table::of(variables)).map(|found| found.platform)
        };
        assert_eq!(standing(&[("BUILDKITE", "true")]), None);
        assert_eq!(
            standing(&[("BUILDKITE", "true"), ("HALLPASS_OIDC", "auto")]),
            Some(Platform::Buildkite)
        );
        assert_eq!(standing(&[("HALLPASS_ID_TOKEN", "ey")]), Some(Platform::Variable));
        assert_eq!(standing(&[("GITHUB_ACTIONS", "true")]), None);
    }
}
