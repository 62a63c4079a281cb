//! An introspection answer (RFC 7662 §2.2, and our extensions) as a decision.

use std::sync::Arc;

use hallpass_core::Timestamp;
use hallpass_core::id::ProjectId;
use hallpass_core::wire::oauth::{self, Act, Introspection};
use hallpass_verdict::{Agent, CredentialKind, Decision, Place, Who};

/// The server's answer is not one that this guard understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the introspection answer lacks what a decision needs; is the server older than this?")]
pub(super) struct Unreadable;

/// What the answer says for `resource`. `None`: the token is not good here.
pub(super) fn decision(
    answer: Introspection,
    issuer: &str,
    resource: &str,
) -> Result<Option<Decision>, Unreadable> {
    if !answer.active {
        return Ok(None);
    }
    let kind = answer.credential.as_deref().and_then(kind).ok_or(Unreadable)?;
    if answer.iss.as_deref() != Some(issuer) {
        return Err(Unreadable);
    }
    // RFC 9068 §4: `aud` MUST contain us. A token that people made is for any API here.
    let jwt = matches!(
        kind,
        CredentialKind::AccessToken | CredentialKind::AgentToken | CredentialKind::JobToken
    );
    let any = !jwt && answer.aud.is_empty();
    if !any && !answer.aud.iter().any(|audience| audience == resource) {
        return Ok(None);
    }
    let sub = answer.sub.ok_or(Unreadable)?;
    let name = answer.name.unwrap_or_default();
    let who = match answer.sub_type.as_deref() {
        Some("user") => Who::User {
            id: sub.parse().map_err(|_| Unreadable)?,
            email: answer.username.unwrap_or_default(),
            name,
            admin: answer.admin,
        },
        Some("key") => Who::Key { id: sub, name },
        Some("job") => Who::Job { id: sub.parse().map_err(|_| Unreadable)?, name },
        Some("agent") => {
            let project = answer.agent_project.map(|id| id.parse().map_err(|_| Unreadable));
            let act = answer.act.as_ref();
            Who::Agent(agent(&sub, name, act, project.transpose()?).ok_or(Unreadable)?)
        }
        _ => return Err(Unreadable),
    };
    let grant = answer.grant.map(|grant| grant.parse().map_err(|_| Unreadable)).transpose()?;
    Ok(Some(Decision {
        kind,
        who: Arc::new(who),
        client_id: answer.client_id.map(Into::into),
        scope: answer.scope.unwrap_or_default(),
        grant,
        audience: answer.aud,
        id: answer.jti.ok_or(Unreadable)?,
        auth_time: answer.auth_time.map(Timestamp::from_secs),
        issued_at: Timestamp::from_secs(answer.iat.unwrap_or_default()),
        expires_at: answer.exp.map(Timestamp::from_secs),
        jkt: answer.cnf.map(|cnf| cnf.jkt),
        place: answer.place.map(place).transpose()?,
    }))
}

/// An agent by its id and the chain of those who delegated to it, its owner innermost.
pub(super) fn agent(
    sub: &str,
    name: String,
    act: Option<&Act>,
    project: Option<ProjectId>,
) -> Option<Agent> {
    let actors = act?.subjects();
    let (owner, parents) = actors.split_last()?;
    let parents = parents.iter().map(|id| id.parse().ok()).collect::<Option<_>>()?;
    Some(Agent { id: sub.parse().ok()?, name, owner: owner.parse().ok()?, project, parents })
}

/// Everything whose revocation ends this decision.
pub(super) fn depends_on(decision: &Decision) -> Vec<String> {
    let Decision { who, client_id, grant, id, place, .. } = decision;
    let mut ids = vec![id.clone(), who.id()];
    if let Some(agent) = who.agent() {
        // Its owner's roles count, where it is bound to.
        ids.push(agent.owner.to_string());
        ids.extend(agent.project.map(|project| project.to_string()));
    }
    ids.extend(grant.map(|grant| grant.to_string()));
    ids.extend(client_id.as_ref().map(|client| format!("client:{client}")));
    if let Some(place) = place {
        ids.push(place.org.to_string());
        ids.extend(place.project.map(|project| project.to_string()));
    }
    ids
}

fn kind(name: &str) -> Option<CredentialKind> {
    [
        CredentialKind::AccessToken,
        CredentialKind::PersonalToken,
        CredentialKind::LegacyToken,
        CredentialKind::ProjectKey,
        CredentialKind::OrgKey,
        CredentialKind::AgentToken,
        CredentialKind::JobToken,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == name)
}

fn place(place: oauth::Place) -> Result<Place, Unreadable> {
    Ok(Place {
        org: place.org.parse().map_err(|_| Unreadable)?,
        org_slug: place.org_slug.into(),
        project: place.project.map(|id| id.parse().map_err(|_| Unreadable)).transpose()?,
        project_slug: place.project_slug.map(Into::into),
        org_role: place.org_role,
        role: place.role,
        permissions: Arc::new(place.permissions),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.example";
    const API: &str = "https://api.example";

    fn answer() -> Introspection {
        Introspection {
            active: true,
            credential: Some("access_token".into()),
            iss: Some(ISSUER.to_owned()),
            aud: vec![API.to_owned()],
            sub: Some("usr_01JAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
            sub_type: Some("user".into()),
            jti: Some("jti_1".to_owned()),
            client_id: Some("tool".to_owned()),
            grant: Some("grt_01JBBBBBBBBBBBBBBBBBBBBBBB".to_owned()),
            place: Some(oauth::Place {
                org: "org_01JAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
                org_slug: "acme".to_owned(),
                project: Some("prj_01JAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
                project_slug: Some("web".to_owned()),
                org_role: None,
                role: None,
                permissions: ["project:read".to_owned()].into(),
            }),
            ..Introspection::default()
        }
    }

    // proves: G03, G09
    #[test]
    fn an_answer_about_another_api_is_no_yes_for_this_one() {
        let decide = |answer| decision(answer, ISSUER, API);
        assert!(decide(answer()).unwrap().unwrap().may("project:read"));
        assert_eq!(decide(Introspection::default()), Ok(None));
        let elsewhere = vec!["https://other.example".to_owned()];
        assert_eq!(decide(Introspection { aud: elsewhere.clone(), ..answer() }), Ok(None));
        assert_eq!(decide(Introspection { aud: Vec::new(), ..answer() }), Ok(None));
        let personal = Some("personal_token".into());
        let made = Introspection { credential: personal.clone(), aud: Vec::new(), ..answer() };
        assert!(decide(made).unwrap().is_some());
        let made = Introspection { credential: personal, aud: elsewhere, ..answer() };
        assert_eq!(decide(made), Ok(None));
    }

    // proves: SN07
    #[test]
    fn an_agent_is_told_with_all_who_stand_behind_it_and_depends_on_them() {
        let chain = ["agt_01JAAAAAAAAAAAAAAAAAAAAAAA", "usr_01JAAAAAAAAAAAAAAAAAAAAAAA"];
        let agent = Introspection {
            credential: Some("agent_token".into()),
            sub: Some("agt_01JBBBBBBBBBBBBBBBBBBBBBBB".to_owned()),
            sub_type: Some("agent".into()),
            name: Some("builder".to_owned()),
            act: Act::chain(chain.map(str::to_owned)),
            agent_project: Some("prj_01JCCCCCCCCCCCCCCCCCCCCCCC".to_owned()),
            ..answer()
        };
        let read = decision(agent.clone(), ISSUER, API).unwrap().unwrap();
        let who = read.who.agent().expect("an agent");
        assert_eq!(who.actors().collect::<Vec<_>>(), chain);
        assert_eq!((read.user(), read.kind), (None, CredentialKind::AgentToken));
        let depends = depends_on(&read);
        for id in [chain[1], "agt_01JBBBBBBBBBBBBBBBBBBBBBBB", "prj_01JCCCCCCCCCCCCCCCCCCCCCCC"] {
            assert!(depends.iter().any(|known| known == id), "{id}: {depends:?}");
        }
        // Its tokens are made out for somebody, and somebody stands behind it.
        let nowhere = Introspection { aud: Vec::new(), ..agent.clone() };
        assert_eq!(decision(nowhere, ISSUER, API), Ok(None));
        let alone = Introspection { act: None, ..agent };
        assert_eq!(decision(alone, ISSUER, API), Err(Unreadable));
    }

    // proves: RB09
    #[test]
    fn a_job_is_told_as_a_job_and_its_pass_is_made_out_for_somebody() {
        let job = Introspection {
            credential: Some("job_token".into()),
            sub: Some("job_01JBBBBBBBBBBBBBBBBBBBBBBB".to_owned()),
            sub_type: Some("job".into()),
            name: Some("acme/warehouse refs/heads/main".to_owned()),
            ..answer()
        };
        let read = decision(job.clone(), ISSUER, API).unwrap().unwrap();
        assert_eq!((read.user(), read.kind), (None, CredentialKind::JobToken));
        assert_eq!((read.who.kind(), read.who.id()), ("job", job.sub.clone().unwrap()));
        assert!(depends_on(&read).contains(&read.who.id()));
        let nowhere = Introspection { aud: Vec::new(), ..job.clone() };
        assert_eq!(decision(nowhere, ISSUER, API), Ok(None));
        let person = Some("usr_01JAAAAAAAAAAAAAAAAAAAAAAA".to_owned());
        assert_eq!(decision(Introspection { sub: person, ..job }, ISSUER, API), Err(Unreadable));
    }

    // proves: G04
    #[test]
    fn an_answer_that_is_not_about_an_access_credential_is_none() {
        type Spoil = fn(&mut Introspection);
        // A refresh token's answer names no credential.
        let table: [Spoil; 6] = [
            |it| it.credential = None,
            |it| it.credential = Some("refresh_token".into()),
            |it| it.iss = Some("https://id.example/".to_owned()),
            |it| it.sub = None,
            |it| it.sub_type = Some("robot".into()),
            |it| it.jti = None,
        ];
        for spoil in table {
            let mut answer = answer();
            spoil(&mut answer);
            assert_eq!(decision(answer, ISSUER, API), Err(Unreadable));
        }
    }

    #[test]
    fn a_decision_depends_on_all_that_can_be_revoked() {
        let decision = decision(answer(), ISSUER, API).unwrap().unwrap();
        assert_eq!(
            depends_on(&decision),
            [
                "jti_1",
                "usr_01JAAAAAAAAAAAAAAAAAAAAAAA",
                "grt_01JBBBBBBBBBBBBBBBBBBBBBBB",
                "client:tool",
                "org_01JAAAAAAAAAAAAAAAAAAAAAAA",
                "prj_01JAAAAAAAAAAAAAAAAAAAAAAA",
            ]
        );
    }
}
