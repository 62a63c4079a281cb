//! Who was not let in: kept for 30 days for those who manage the keys of the place, and explained
//! with the policies as they are now.
//!
//! Only what an issuer signed is kept, and only for organizations that it concerns: whose policy
//! is about the same owner, or whose project was asked for. Nobody fills another's page: equal
//! ones are counted, and of each organization so many are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hallpass_core::id::{OrgId, ProjectId, TrustDeniedId};
use hallpass_core::text::presentable;
use hallpass_core::trust::{
    Changed, Check, Claims, Examined, Policy, dangers, examine, least, nearest_first, sentence,
};
use hallpass_core::wire::api::Page;
use hallpass_core::wire::trust as wire;
use hallpass_core::{Digest, Timestamp};
use hallpass_store::{NewDenied, TrustDenied};

use super::exchange::{Refusal, shown, who};
use super::known::Known;
use super::policies::TrustError;
use super::token::Bad;
use crate::keys::KEYS_MANAGE;
use crate::orgs::OrgError;
use crate::tokens::{Actor, MAX_PAGE, TokenError};
use crate::{Issuer, Origin};

/// For how long denied exchanges are kept.
pub(super) const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// For how long others are.
const EXCHANGES_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// Organizations that one token can concern, and projects of each, at most.
const MOST_TOLD: usize = 20;

/// By what those are known whose claims meet a policy: no issuer signed which project they asked for.
const MET: &str = "met";

const UNKNOWN: TrustError = TrustError::Place(OrgError::Unknown("denied exchange"));

impl Issuer {
    /// Keeps a denied exchange for whomever it concerns; `bad` says what was wrong with the token
    /// itself.
    pub(super) async fn keep_denied(
        &self,
        known: &[Known],
        asked: &wire::Exchange,
        claims: &Claims,
        bad: Option<Bad>,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        let nearest = nearest(known, claims);
        // An alarm is of the project whose policy knew the name; all else of the organization.
        let mut told: BTreeMap<(OrgId, Option<ProjectId>), (&Known, &Examined)> = BTreeMap::new();
        for (it, examined) in &nearest {
            let named = asked.project.as_deref() == Some(it.policy.project.as_str());
            if !(named || concerns(&it.policy, examined, claims)) {
                continue;
            }
            let alarm = (!examined.changed.is_empty()).then_some(it.kept.project);
            told.entry((it.kept.org, alarm)).or_insert((*it, examined));
        }
        let alarmed: BTreeSet<OrgId> =
            told.keys().filter(|(_, alarm)| alarm.is_some()).map(|(org, _)| *org).collect();
        told.retain(|(org, alarm), _| alarm.is_some() || !alarmed.contains(org));
        // No organization uses up what others are told.
        let mut of_each: BTreeMap<OrgId, usize> = BTreeMap::new();
        told.retain(|(org, _), _| {
            let known = of_each.contains_key(org) || of_each.len() < MOST_TOLD;
            known && {
                let of_it = of_each.entry(*org).or_default();
                *of_it += 1;
                *of_it <= MOST_TOLD
            }
        });
        for ((org, alarm), (it, examined)) in told {
            let alarm = alarm.is_some();
            let (why, sort) = match (bad, alarm, failed(&examined.checks)) {
                (Some(bad), ..) => same(format!("{bad}.")),
                (None, true, _) => same(came_back(&examined.changed)),
                (None, false, Some(why)) => same(why),
                (None, false, None) => (met(&it.policy.project, asked), MET.to_owned()),
            };
            let who = who(it.policy.platform, claims);
            let subject = shown(claims, "sub");
            // Without the run: a job that fails each night is one line. Nothing in it is what
            // whoever came may choose anew each time.
            let alike = [&it.kept.project.to_string(), &it.policy.issuer, &subject, &sort]
                .map(|part| format!("{}:{part}", part.len()));
            let new = NewDenied {
                id: self.new_id(TrustDeniedId::new),
                org,
                project: Some(it.kept.project),
                fingerprint: Digest::of(alike.concat().as_bytes()),
                issuer: it.policy.issuer.clone(),
                who,
                why,
                alarm,
                claims: claims.to_json().to_string(),
            };
            let by = self.by("anonymous", None, Some(origin));
            if alarm {
                tracing::warn!(%org, policy = %it.kept.id, "a name came back with another id");
            }
            self.0.store.trust().deny(new, &by).await?;
        }
        Ok(())
    }

    /// Denied exchanges of a project, or of an organization and all of its projects.
    pub async fn denied_exchanges(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<wire::DeniedExchange>, TrustError> {
        let seat = self.seat_with(actor, org, project, KEYS_MANAGE).await?;
        let before = cursor.map(|cursor| before(cursor).ok_or_else(bad_cursor)).transpose()?;
        let (at, limit) = (seat.project.as_ref().map(|it| it.id), limit.clamp(1, MAX_PAGE));
        let trust = self.0.store.trust();
        let since = self.now() - KEPT;
        let mut found = trust.denied(seat.org.id, at, since, before, limit + 1).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let last = found.last().filter(|_| more).map(|it| format!("{}.{}", it.at.millis(), it.id));
        let found = self.with_alarms(seat.org.id, found).await?;
        Ok(Page { items: found.iter().map(denied).collect(), next_cursor: last })
    }

    /// Denied exchanges in which a name came back with another id, and nobody has said yet that it
    /// is theirs, or removed the policies that know it: of a project, or of an organization and all
    /// of its projects.
    pub async fn alarms(
        &self,
        actor: &Actor<'_>,
        org: &str,
        project: Option<&str>,
    ) -> Result<Vec<wire::DeniedExchange>, TrustError> {
        let seat = self.seat_with(actor, org, project, KEYS_MANAGE).await?;
        let at = seat.project.as_ref().map(|it| it.id);
        let found = self.0.store.trust().alarms(seat.org.id, at, self.now() - KEPT).await?;
        let found = self.with_alarms(seat.org.id, found).await?;
        Ok(found.iter().filter(|it| it.alarm).map(denied).collect())
    }

    /// The same, of which those are alarms that still are.
    async fn with_alarms(
        &self,
        org: OrgId,
        mut found: Vec<TrustDenied>,
    ) -> Result<Vec<TrustDenied>, TrustError> {
        if found.iter().any(|it| it.alarm) {
            let kept = self.0.store.trust().of(org, None).await?;
            let known = Known::all(kept);
            found.iter_mut().for_each(|it| it.alarm = it.alarm && is_alarm(it, &known));
        }
        Ok(found)
    }

    /// One denied exchange, explained: of one place, or wherever it is. One of another place is
    /// like one that is not there.
    pub async fn explain_denied(
        &self,
        actor: &Actor<'_>,
        id: &str,
        at: Option<(&str, Option<&str>)>,
    ) -> Result<wire::DeniedExplained, TrustError> {
        let id: TrustDeniedId = id.parse().map_err(|_| UNKNOWN)?;
        let found = self.0.store.trust().denied_by_id(id).await?.ok_or(UNKNOWN)?;
        let (org, project) = (found.org.to_string(), found.project.map(|id| id.to_string()));
        match self.seat_with(actor, &org, project.as_deref(), KEYS_MANAGE).await {
            Ok(seat) => {
                let theirs = seat.project.as_ref().map(|project| project.slug.as_str());
                let here = at.is_none_or(|(org, project)| {
                    org == seat.org.slug && (project.is_none() || project == theirs)
                });
                if !here {
                    return Err(UNKNOWN);
                }
            }
            Err(OrgError::Unknown(_)) => return Err(UNKNOWN),
            Err(error) => return Err(error.into()),
        }
        let claims = Claims::parse(found.claims.as_bytes()).ok_or(UNKNOWN)?;
        // The place's own: what others trust is not theirs to see, but for the ids that are pinned
        // behind its names.
        let mut known = Known::all(self.0.store.trust().of(found.org, None).await?);
        known.retain(|it| found.project.is_none_or(|project| project == it.kept.project));
        let nearest = nearest(&known, &claims);
        // Where a policy lets its claims in already, another one would help nobody: something is
        // wrong with the token itself, or with what it asked for.
        let nearest_but_out = nearest.first().filter(|(_, examined)| !examined.admitted);
        // What was denied before a name got another id, or before somebody said whose it is, is
        // no reason to take that back. Where the nearest one knows the name with this very id,
        // nothing is said about it by another one that does not.
        let open = found.alarm && is_alarm(&found, &known);
        let settled =
            !open && nearest.first().is_some_and(|(_, examined)| !examined.changed.is_empty());
        let nearest_but_out = nearest_but_out.filter(|_| !settled);
        let rule = nearest_but_out.and_then(|(it, _)| Some((it, least(&claims, &it.policy)?)));
        let rule = rule.map(|(it, policy)| wire::LeastRule {
            project: format!("{}/{}", it.kept.org_slug, it.kept.project_slug),
            sentence: sentence(&policy),
            dangers: dangers(&policy).into_iter().map(Into::into).collect(),
            policy: wire::NewTrustPolicy::from(&policy),
        });
        let policies = nearest.into_iter().map(|(it, examined)| wire::PolicyExplained {
            id: it.kept.id.to_string(),
            project: it.kept.project_slug.clone(),
            sentence: sentence(&it.policy),
            checks: examined.checks,
            admitted: examined.admitted,
            changed: if open { examined.changed } else { Vec::new() },
        });
        Ok(wire::DeniedExplained {
            denied: wire::DeniedExchange { alarm: open, ..denied(&found) },
            settled,
            policies: policies.collect(),
            claims: claims.to_json(),
            least: rule,
        })
    }

    /// Forgets what is old. [`Issuer::tend`] calls it.
    pub(crate) async fn forget_exchanges(&self) -> Result<(), crate::Error> {
        let now = self.now();
        Ok(self.0.store.trust().forget(now - KEPT, now - EXCHANGES_KEPT).await?)
    }
}

pub(super) fn bad_cursor() -> TrustError {
    let why = "the cursor is not one that a list answered with";
    TrustError::Token(TokenError::invalid("invalid_cursor", why))
}

/// A cursor: when one was last tried, and its id.
fn before(cursor: &str) -> Option<(Timestamp, TrustDeniedId)> {
    let (at, id) = cursor.split_once('.')?;
    Some((Timestamp::from_millis(at.parse().ok()?), id.parse().ok()?))
}

/// Whether a policy of its project still pins another id than the one that it came with.
pub(super) fn is_alarm(found: &TrustDenied, known: &[Known]) -> bool {
    let Some(claims) = Claims::parse(found.claims.as_bytes()) else { return false };
    let here = known.iter().filter(|it| Some(it.kept.project) == found.project);
    here.into_iter().any(|it| !examine(&it.policy, &claims).changed.is_empty())
}

fn denied(found: &TrustDenied) -> wire::DeniedExchange {
    wire::DeniedExchange {
        id: found.id.to_string(),
        at: found.at,
        first_at: found.first_at,
        count: found.count.unsigned_abs(),
        project: found.project_slug.clone(),
        issuer: found.issuer.clone(),
        who: found.who.clone(),
        why: found.why.clone(),
        alarm: found.alarm,
        address: found.address.clone(),
    }
}

/// Policies that are about whoever came before others, and then the nearest first: what is noted
/// when somebody is denied begins with the same one as what explains it. Among equally near ones
/// the oldest counts.
fn nearest<'k>(known: &'k [Known], claims: &Claims) -> Vec<(&'k Known, Examined)> {
    let mut all = nearest_first(known.iter().map(|it| (it, &it.policy)), claims);
    all.sort_by_key(|(it, examined)| !concerns(&it.policy, examined, claims));
    all
}

/// Whether a policy is about whoever came, or about something else of the same owner.
fn concerns(policy: &Policy, examined: &Examined, claims: &Claims) -> bool {
    examined.is_about_them() || shares_owner(policy, claims)
}

/// What an alarm is about, in a sentence.
fn came_back(changed: &[Changed]) -> String {
    let one = |it: &Changed| {
        let [id_claim, found, name, pinned] = [&it.id_claim, &it.found, &it.name, &it.pinned]
            .map(|part| hallpass_core::text::escaped(part, 300));
        format!("{id_claim} is {found}, and {name} is pinned with {pinned}")
    };
    format!("{}.", changed.iter().map(one).collect::<Vec<_>>().join("; "))
}

/// Why, and by what equal ones are known: the same.
fn same(why: String) -> (String, String) {
    (why.clone(), why)
}

/// Why the nearest policy did not let them in, in a sentence.
fn failed(checks: &[Check]) -> Option<String> {
    let check = checks.iter().find(|check| !check.passed)?;
    let found = check.found.as_deref().unwrap_or("not there");
    Some(format!("{} is {found}, and the nearest policy wants {}.", check.claim, check.wants))
}

/// Why they were not let in although their claims meet the nearest policy, in a sentence.
fn met(project: &str, asked: &wire::Exchange) -> String {
    match asked.project.as_deref().filter(|asked| *asked != project) {
        Some(asked) => {
            let asked = presentable(asked, 130);
            format!("Its claims meet the policy of {project}, and it asked for {asked}.")
        }
        None => "Its claims meet a policy here, which was changed or revoked meanwhile.".to_owned(),
    }
}

/// Whether a policy names something of the same owner.
fn shares_owner(policy: &Policy, claims: &Claims) -> bool {
    [("repository", "repository_owner"), ("project_path", "namespace_path")].iter().any(
        |(name, owner)| {
            let Some(owner) = claims.text(owner) else { return false };
            let theirs =
                |value: &String| value.rsplit_once('/').is_some_and(|(theirs, _)| theirs == owner);
            policy.on(name).is_some_and(|condition| condition.exact().iter().any(theirs))
        },
    )
}
