//! The facts about one credential, from the database: as long as the image is not complete,
//! and always where other processes change the store too.

use hallpass_core::id::{JobId, OrgId, ProjectId};
use hallpass_core::{Digest, Timestamp};
use hallpass_store::{JobGrant, JobStanding, Standing};
use hallpass_verdict::live::fact::{self, Principal};
use hallpass_verdict::{Ask, Decision, Fact, Live, PlaceAsked, Presented, Refusal, Vouched};

use super::facts;
use crate::{Error, Issuer};

impl Issuer {
    /// Whether the credential that is kept under `digest` is good, asking the database.
    pub(crate) async fn ask_kept(
        &self,
        digest: &Digest,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let Some(found) = self.0.store.credentials().facts(digest).await? else {
            return Ok(Err(Refusal::Unknown));
        };
        let (project, org) = (found.credential.project_id, found.credential.org_id);
        let mut known: Vec<Fact> = found.user.map(facts::of_user).into_iter().collect();
        known.extend(found.memberships.iter().filter_map(facts::of_membership));
        known.push(facts::of_credential(found.credential));
        if let Some(project) = project {
            self.add_project(project, &mut known).await?;
        } else if let Some(org) = org {
            known.extend(self.0.store.orgs().by_id(org).await?.map(facts::of_org));
        }
        self.add_place(ask.place, &mut known).await?;
        let live = Live::of(self.0.keeper.rules.clone(), known);
        Ok(live.check(digest, ask, now).unwrap_or(Err(Refusal::Unknown)))
    }

    /// Whether a JWT of ours is good, asking the database.
    pub(crate) async fn ask_jwt(
        &self,
        presented: Presented,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Result<Result<Decision, Refusal>, Error> {
        if let Principal::Job(id) = presented.subject {
            return self.ask_job(id, presented, ask, now).await;
        }
        let grants = self.0.store.grants();
        let mut known = Vec::new();
        if let Some(standing) = grants.standing(presented.grant, Some(&presented.jti)).await? {
            let Standing { grant, user, client_disabled, jti_revoked } = standing;
            let project = grant.agent.as_ref().and_then(|agent| agent.project);
            if let Some(project) = project {
                self.add_project(project, &mut known).await?;
            }
            if ask.place.is_some() || project.is_some() {
                let memberships = self.0.store.members().of_user(user.id).await?;
                known.extend(memberships.iter().filter_map(facts::of_membership));
                self.add_place(ask.place, &mut known).await?;
            }
            known.push(facts::of_user(user));
            known.push(client(grant.client_id.clone(), client_disabled));
            let ended = grant.ended_at.map(|_| Fact::GrantEnded(grant.id));
            known.push(facts::of_grant(hallpass_store::Grant { ended_at: None, ..grant }));
            known.extend(ended);
            if jti_revoked {
                let (jti, until) = (presented.jti.clone(), presented.expires_at);
                known.push(Fact::JwtRevoked { jti, until });
            }
        }
        let live = Live::of(self.0.keeper.rules.clone(), known);
        Ok(live.check_jwt(presented, ask, now).unwrap_or(Err(Refusal::Unknown)))
    }

    /// The same, of the pass of a job.
    async fn ask_job(
        &self,
        id: JobId,
        presented: Presented,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let mut known = Vec::new();
        if let Some(standing) = self.0.store.trust().standing(id).await? {
            let JobStanding { job, client_disabled } = standing;
            self.add_project(job.project, &mut known).await?;
            self.add_place(ask.place, &mut known).await?;
            known.push(client(job.client_id.clone(), client_disabled));
            let ended = job.ended_at.map(|_| Fact::GrantEnded(job.grant()));
            known.push(facts::of_job(JobGrant { ended_at: None, ..job }));
            known.extend(ended);
        }
        let live = Live::of(self.0.keeper.rules.clone(), known);
        Ok(live.check_jwt(presented, ask, now).unwrap_or(Err(Refusal::Unknown)))
    }

    /// Whether a person whom somebody else vouches for may come in, asking the database.
    pub(crate) async fn ask_person(
        &self,
        vouched: Vouched,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Result<Result<Decision, Refusal>, Error> {
        let user = self.0.store.users().by_id(vouched.user).await?;
        let mut known: Vec<Fact> = user.map(facts::of_user).into_iter().collect();
        if ask.place.is_some() {
            let memberships = self.0.store.members().of_user(vouched.user).await?;
            known.extend(memberships.iter().filter_map(facts::of_membership));
            self.add_place(ask.place, &mut known).await?;
        }
        let live = Live::of(self.0.keeper.rules.clone(), known);
        Ok(live.check_person(vouched, ask, now).unwrap_or(Err(Refusal::Unknown)))
    }

    /// What is known about the place that is asked about.
    async fn add_place(
        &self,
        asked: Option<PlaceAsked<'_>>,
        known: &mut Vec<Fact>,
    ) -> Result<(), Error> {
        let Some(asked) = asked else { return Ok(()) };
        let (PlaceAsked::Org(org) | PlaceAsked::Project { org, .. }) = asked;
        let org = match org.parse::<OrgId>() {
            Ok(id) => self.0.store.orgs().by_id(id).await?,
            Err(_) => self.0.store.orgs().by_slug(org).await?,
        };
        let Some(org) = org else { return Ok(()) };
        if let PlaceAsked::Project { project, .. } = asked {
            let projects = self.0.store.projects();
            let project = match project.parse::<ProjectId>() {
                Ok(id) => projects.by_id(id).await?,
                Err(_) => projects.by_slug(&org.slug, project).await?,
            };
            known.extend(project.map(facts::of_project));
        }
        known.push(facts::of_org(org));
        Ok(())
    }

    /// What is known about a project and its organization.
    async fn add_project(&self, id: ProjectId, known: &mut Vec<Fact>) -> Result<(), Error> {
        let Some(project) = self.0.store.projects().by_id(id).await? else { return Ok(()) };
        known.extend(self.0.store.orgs().by_id(project.org_id).await?.map(facts::of_org));
        known.push(facts::of_project(project));
        Ok(())
    }
}

/// A client, of which only whether it is disabled counts here.
fn client(id: String, disabled: bool) -> Fact {
    Fact::Client(fact::Client { id, secret: None, resources: Vec::new(), disabled })
}
