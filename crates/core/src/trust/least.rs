//! The least policy that would have let somebody in.

use super::claims::Claims;
use super::condition::Condition;
use super::examine::examine;
use super::platform::Platform;
use super::policy::{Pin, Policy};

/// The least policy that lets these claims in, with what `like` gives: its issuer's platform, its
/// project, permissions and time. `None`: there is none, because something is wrong with the
/// claims that no policy mends.
///
/// It may well be dangerous: whoever is asked to make it is told ([`dangers`](super::dangers)).
pub fn least(claims: &Claims, like: &Policy) -> Option<Policy> {
    let issuer = claims.text("iss")?;
    let platform = match Platform::of_issuer(&issuer) {
        Platform::Other => like.platform,
        known => known,
    };
    let conditions = conditions(claims, platform)?;
    let pins = platform.identities().iter().filter_map(|identity| {
        let name = claims.text(identity.name)?;
        conditions.iter().any(|it| it.claim == identity.name).then_some(())?;
        Some(Pin {
            claim: identity.name.to_owned(),
            name,
            id_claim: identity.id.to_owned(),
            id: claims.text(identity.id)?,
        })
    });
    let policy = Policy {
        issuer,
        platform,
        pins: pins.collect(),
        conditions,
        org_pins: like.org_pins.clone(),
        pin_first_use: true,
        project: like.project.clone(),
        permissions: like.permissions.clone(),
        ttl: like.ttl,
    };
    (policy.check().is_ok() && examine(&policy, claims).admitted).then_some(policy)
}

fn conditions(claims: &Claims, platform: Platform) -> Option<Vec<Condition>> {
    let must = |name: &str| claims.text(name).map(|value| Condition::is(name, &value));
    let first = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| must(name).filter(|it| it.exact().iter().any(|v| !v.is_empty())))
    };
    let mut all = match platform {
        Platform::GitHub => {
            vec![must("repository")?, first(&["environment", "ref"])?]
        }
        Platform::GitLab => vec![must("project_path")?, must("ref")?],
        Platform::CircleCi => {
            let project = must("oidc.circleci.com/project-id")?;
            std::iter::once(project).chain(must("oidc.circleci.com/vcs-ref")).collect()
        }
        Platform::Buildkite => {
            let (org, pipeline) = (must("organization_slug")?, must("pipeline_slug")?);
            vec![org, pipeline, first(&["build_tag", "build_branch"])?]
        }
        Platform::Kubernetes | Platform::Other => vec![must("sub")?],
    };
    // What no policy allows without saying so has to be said.
    for usual in platform.standing() {
        let said = all.iter().any(|condition| condition.claim == usual.claim);
        if !said && !usual.is_met(claims) {
            all.push(must(&usual.claim)?);
        }
    }
    Some(all)
}
