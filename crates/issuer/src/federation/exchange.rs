//! One engine behind three doors: who is let in, once, and what they get.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hallpass_core::Scope;
use hallpass_core::id::JobId;
use hallpass_core::role::ProjectRole;
use hallpass_core::trust::{self, Claims, Examined, Platform, nearest_first};
use hallpass_core::wire::trust as wire;
use hallpass_store::{Admission, Admit};

use super::Fetcher;
use super::keys::Found;
use super::known::Known;
use super::token::{Bad, Unverified, Verified};
use crate::audit::denied::{About, Note};
use crate::{Error, Issuer, Origin};

/// Somebody came with a token that is let in by nobody.
const DENIED: &str = "trust.denied";
/// A GitHub job exchanges its token at once: an older one was taken from a log.
const OLDEST: Duration = Duration::from_secs(5 * 60 + 30);

/// Why there is no pass: as much as an outsider is told.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read at all.
    #[error("the token is not a JWT that this server can read")]
    Unreadable,
    /// Whatever the reason.
    #[error(
        "no policy of this server lets this token in; whoever manages the project's keys sees why"
    )]
    Denied,
    /// It is let into several projects.
    #[error("the token is let into several projects; name the one that is meant")]
    Ambiguous,
    /// More than the policy gives was asked for.
    #[error("more was asked for than the policy gives")]
    Scope,
    /// It was to be made out for a resource that there is not (RFC 8693 §2.2.2).
    #[error("{0}")]
    Target(&'static str),
    /// The issuer's keys are not known.
    #[error("the keys of the token's issuer are not known at this moment; try again")]
    Unavailable,
    /// The store could not be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<hallpass_store::Error> for Refusal {
    fn from(error: hallpass_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Issuer {
    /// From now on the keys of outside issuers are fetched through `fetcher`.
    pub fn fetch_keys_through(&self, fetcher: Arc<dyn Fetcher>) {
        self.0.outside.fetch_through(fetcher);
    }

    /// Exchanges the token of an outside issuer for a pass.
    pub async fn exchange_outside(
        &self,
        asked: &wire::Exchange,
        origin: &Origin,
    ) -> Result<wire::Exchanged, Refusal> {
        let token = Unverified::parse(asked.token.expose().trim()).map_err(|why| {
            self.note_outside(why, origin);
            Refusal::Unreadable
        })?;
        let known: Vec<Known> = {
            // Not verified yet: it only says whose policies and keys to look at.
            Known::all(self.0.store.trust().of_issuer(token.issuer()).await?)
        };
        if known.is_empty() {
            self.note_outside(Bad::Issuer, origin);
            return Err(Refusal::Denied);
        }
        let now = self.now();
        let key = match self.0.outside.key(token.issuer(), token.kid(), now).await {
            Found::Key(key) => key,
            Found::Unknown => {
                self.note_outside_why("the keys of the token's issuer are not known", origin);
                return Err(Refusal::Unavailable);
            }
            Found::Nowhere => {
                self.note_outside(Bad::Key, origin);
                return Err(Refusal::Denied);
            }
        };
        let audience = self.0.config.public_url.issuer();
        let lax = [Platform::CircleCi, Platform::Buildkite, Platform::Other];
        let strict = known.iter().any(|it| !lax.contains(&it.policy.platform));
        let verified = match token.verify(&key, audience, now, strict) {
            Ok(verified) => verified,
            Err(rejected) => {
                self.note_outside(rejected.why, origin);
                if let Some(claims) = rejected.signed {
                    self.keep_denied(&known, asked, &claims, Some(rejected.why), origin).await?;
                }
                return Err(Refusal::Denied);
            }
        };
        self.admit_outside(&known, asked, verified, origin).await
    }

    async fn admit_outside(
        &self,
        known: &[Known],
        asked: &wire::Exchange,
        verified: Verified,
        origin: &Origin,
    ) -> Result<wire::Exchanged, Refusal> {
        let claims = &verified.claims;
        let examined = nearest_first(known.iter().map(|it| (it, &it.policy)), claims);
        let mut let_in: Vec<(&Known, Examined)> = examined
            .into_iter()
            .filter(|(it, examined)| examined.admitted && it.is_for(asked.project.as_deref()))
            .collect();
        // The oldest first, whatever else there is: which one counts is not the caller's choice.
        let_in.sort_by_key(|(it, _)| it.kept.id);
        let places: BTreeSet<_> = let_in.iter().map(|(it, _)| it.kept.project).collect();
        if places.len() > 1 {
            self.keep_refused(known, asked, claims, Bad::Ambiguous, origin).await?;
            return Err(Refusal::Ambiguous);
        }
        if let_in.is_empty() {
            return self.deny_outside(known, asked, claims, None, origin).await;
        }
        // H04: some of what one policy gives, never what two give together.
        let wanted = asked.permissions.as_ref();
        let fits = |it: &Known| wanted.is_none_or(|scope| scope.is_subset(&it.policy.permissions));
        let found = let_in.into_iter().find(|(it, _)| fits(it));
        let Some((it, examined)) = found else {
            self.keep_refused(known, asked, claims, Bad::Scope, origin).await?;
            return Err(Refusal::Scope);
        };
        let scope = wanted.cloned().unwrap_or_else(|| it.policy.permissions.clone());
        let now = self.now();
        if it.policy.platform == Platform::GitHub && now >= verified.issued_at + OLDEST {
            return self.deny_outside(known, asked, claims, Some(Bad::TooOld), origin).await;
        }
        let resources = match self.made_out_for(&asked.resources).await? {
            Ok(resources) => resources,
            Err(why) => {
                self.keep_refused(known, asked, claims, Bad::Target, origin).await?;
                return Err(Refusal::Target(why));
            }
        };
        let expires_at = now + it.policy.ttl.min(trust::MAX_TTL);
        let admission = Admission {
            policy: it.kept.id,
            once: verified.once,
            once_until: verified.once_until,
            pins: examined.pins,
            id: self.new_id(JobId::new),
            client_id: self.0.config.brand.client_id.clone(),
            role: self.role_for(&scope),
            scope: scope.clone(),
            expires_at,
            who: who(it.policy.platform, claims),
            subject: shown(claims, "sub"),
        };
        let by = self.by(&it.kept.id.to_string(), None, Some(origin));
        match self.0.store.trust().admit(admission, &by).await? {
            Admit::Done(job) => Ok(wire::Exchanged {
                access_token: self.mint_job(&job, resources)?,
                token_type: "Bearer".to_owned(),
                expires_in: u64::try_from(expires_at.secs() - now.secs()).unwrap_or_default(),
                scope,
                org: it.kept.org_slug.clone(),
                project: it.kept.project_slug.clone(),
                policy: it.kept.id.to_string(),
            }),
            Admit::Again => self.deny_outside(known, asked, claims, Some(Bad::Again), origin).await,
            // It was let in by policies as they were: what became of them meanwhile says why not.
            Admit::OtherId | Admit::Gone => {
                let known = self.0.store.trust().of_issuer(&it.policy.issuer).await?;
                self.deny_outside(&Known::all(known), asked, claims, None, origin).await
            }
        }
    }

    async fn deny_outside(
        &self,
        known: &[Known],
        asked: &wire::Exchange,
        claims: &Claims,
        bad: Option<Bad>,
        origin: &Origin,
    ) -> Result<wire::Exchanged, Refusal> {
        self.note_outside_why(bad.map_or("no policy lets the token in", Bad::says), origin);
        self.keep_denied(known, asked, claims, bad, origin).await?;
        Err(Refusal::Denied)
    }

    /// The same, of a token that a policy would let in, and that asked for what it cannot have.
    async fn keep_refused(
        &self,
        known: &[Known],
        asked: &wire::Exchange,
        claims: &Claims,
        why: Bad,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        self.note_outside_why(why.says(), origin);
        self.keep_denied(known, asked, claims, Some(why), origin).await
    }

    /// The least role that has all of `scope` in a project, a collaborator's at most.
    fn role_for(&self, scope: &Scope) -> ProjectRole {
        let of = self.0.config.brand.roles.of_project(ProjectRole::Viewer);
        let viewer = scope.iter().all(|name| of.contains(name));
        if viewer { ProjectRole::Viewer } else { ProjectRole::Collaborator }
    }

    fn note_outside(&self, why: Bad, origin: &Origin) {
        self.note_outside_why(why.says(), origin);
    }

    fn note_outside_why(&self, why: &'static str, origin: &Origin) {
        tracing::info!(why, "the token of an outside issuer was refused");
        self.note(Note {
            action: DENIED,
            actor: "anonymous".to_owned(),
            about: About::Unknown,
            client: None,
            address: origin.address_text(),
            why,
        });
    }
}

/// Who comes, in short: what names it, with the id behind the one that says whose it is.
pub(super) fn who(platform: Platform, claims: &Claims) -> String {
    let names: &[&str] = match platform {
        Platform::GitHub => &["repository", "environment", "ref", "event_name", "run_id"],
        Platform::GitLab => &["project_path", "environment", "ref", "pipeline_source", "job_id"],
        Platform::Buildkite => {
            &["organization_slug", "pipeline_slug", "build_branch", "build_number"]
        }
        Platform::CircleCi | Platform::Kubernetes | Platform::Other => &["sub"],
    };
    let with_id = |name: &str| {
        let said = claims.text(name)?;
        let id = match name {
            "repository" => claims.text("repository_id"),
            "project_path" => claims.text("project_id"),
            "pipeline_slug" => claims.text("pipeline_id"),
            _ => None,
        };
        Some(id.map_or_else(|| said.clone(), |id| format!("{said} (id {id})")))
    };
    let said: Vec<String> = names.iter().filter_map(|name| with_id(name)).collect();
    hallpass_core::text::presentable(&said.join(" "), 200)
}

pub(super) fn shown(claims: &Claims, name: &str) -> String {
    hallpass_core::text::presentable(&claims.text(name).unwrap_or_default(), 300)
}
