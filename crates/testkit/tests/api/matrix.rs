//! Every route × every role × one's own and foreign things.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use hallpass_testkit::server::Plan;
use hallpass_testkit::tree;
use serde_json::{Value, json};

use crate::city::{City, ROLES, text};
use crate::document;

/// What each role is answered, in the order of [`ROLES`]. Things in the path belong to the
/// organization's owner: a token, a sign-in, `lab`, `tools`, a member.
#[rustfmt::skip]
const EXPECTED: &[(&str, [u16; 12])] = &[
    //                        nobody client stranger viewer collab p.owner member admin owner root account project
    ("whoami",               [401, 401, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("listSessions",         [401, 401, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("endSession",           [401, 401, 404, 404, 404, 404, 404, 404, 204, 404, 204, 204]),
    ("listTokens",           [401, 401, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("createToken",          [401, 401, 201, 201, 201, 201, 201, 201, 201, 201, 403, 403]),
    ("getToken",             [401, 401, 404, 404, 404, 404, 404, 404, 200, 200, 200, 200]),
    ("changeToken",          [401, 401, 404, 404, 404, 404, 404, 404, 200, 200, 403, 403]),
    ("revokeToken",          [401, 401, 404, 404, 404, 404, 404, 404, 204, 204, 403, 403]),
    ("rotateToken",          [401, 401, 404, 404, 404, 404, 404, 404, 201, 201, 403, 403]),
    ("listOrgs",             [401, 401, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("createOrg",            [401, 401, 201, 201, 201, 201, 201, 201, 201, 201, 403, 403]),
    ("getOrg",               [401, 401, 404, 200, 200, 200, 200, 200, 200, 404, 200, 200]),
    ("listProjects",         [401, 401, 404, 200, 200, 200, 200, 200, 200, 404, 200, 200]),
    ("createProject",        [401, 401, 404, 404, 404, 404, 403, 201, 201, 404, 403, 404]),
    ("getProject",           [401, 401, 404, 200, 200, 200, 404, 200, 200, 404, 200, 200]),
    ("listOrgMembers",       [401, 401, 404, 404, 404, 404, 200, 200, 200, 404, 200, 404]),
    ("setOrgMember",         [401, 401, 404, 404, 404, 404, 403, 200, 200, 404, 403, 404]),
    ("removeOrgMember",      [401, 401, 404, 404, 404, 404, 403, 204, 204, 404, 403, 404]),
    ("listProjectMembers",   [401, 401, 404, 200, 200, 200, 404, 200, 200, 404, 200, 200]),
    ("setProjectMember",     [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    ("removeProjectMember",  [401, 401, 404, 403, 403, 204, 404, 204, 204, 404, 403, 204]),
    ("listOrgKeys",          [401, 401, 404, 404, 404, 404, 403, 200, 200, 404, 403, 404]),
    ("createOrgKey",         [401, 401, 404, 404, 404, 404, 403, 201, 201, 404, 403, 404]),
    ("listProjectKeys",      [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    ("createProjectKey",     [401, 401, 404, 403, 403, 201, 404, 201, 201, 404, 403, 201]),
    // A key of the project `tools`.
    ("lookUpKey",            [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    ("getKey",               [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    ("revokeKey",            [401, 401, 404, 403, 403, 204, 404, 204, 204, 404, 403, 204]),
    ("rotateKey",            [401, 401, 404, 403, 403, 201, 404, 201, 201, 404, 403, 201]),
    // A policy of the project `tools`.
    ("listOrgTrust",         [401, 401, 404, 404, 404, 404, 403, 200, 200, 404, 403, 404]),
    ("listProjectTrust",     [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    ("createTrust",          [401, 401, 404, 403, 403, 201, 404, 201, 201, 404, 403, 201]),
    ("listOrgExchanges",     [401, 401, 404, 404, 404, 404, 403, 200, 200, 404, 403, 404]),
    ("listProjectExchanges", [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    ("listOrgDenied",        [401, 401, 404, 404, 404, 404, 403, 200, 200, 404, 403, 404]),
    ("listProjectDenied",    [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    ("getTrust",             [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    ("revokeTrust",          [401, 401, 404, 403, 403, 204, 404, 204, 204, 404, 403, 204]),
    ("repinTrust",           [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    // Nobody was denied anything here; who was: `trust`.
    ("explainDenied",        [401, 401, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("listAgents",           [401, 401, 200, 200, 200, 200, 200, 200, 200, 200, 403, 403]),
    ("startAgent",           [401, 401, 404, 201, 201, 201, 404, 201, 201, 404, 403, 403]),
    // One of the owner's, with which nobody else has anything to do.
    ("getAgent",             [401, 401, 404, 404, 404, 404, 404, 404, 200, 404, 403, 403]),
    ("renewAgent",           [401, 401, 404, 404, 404, 404, 404, 404, 201, 404, 403, 403]),
    ("stopAgent",            [401, 401, 404, 404, 404, 404, 404, 404, 204, 404, 403, 403]),
    ("listAgentSecrets",     [401, 401, 200, 200, 200, 200, 200, 200, 200, 200, 403, 403]),
    ("setAgentSecret",       [401, 401, 404, 204, 204, 204, 404, 204, 204, 404, 403, 403]),
    // The owner has one of this name.
    ("removeAgentSecret",    [401, 401, 404, 404, 404, 404, 404, 404, 204, 404, 403, 403]),
    // With an agent's own token: `agents`.
    ("agentSecret",          [401, 401, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("agentItself",          [401, 401, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("agentReport",          [401, 401, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("agentDone",            [401, 401, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("renewChild",           [401, 401, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("stopChild",            [401, 401, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("askApproval",          [401, 401, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("takeApproved",         [401, 401, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    // What an agent of the owner's asked for; a token does not speak for them.
    ("listApprovals",        [401, 401, 200, 200, 200, 200, 200, 200, 200, 200, 403, 403]),
    ("getApproval",          [401, 401, 404, 404, 404, 404, 404, 404, 200, 404, 403, 403]),
    ("approveAction",        [401, 401, 404, 404, 404, 404, 404, 404, 204, 404, 403, 403]),
    ("denyAction",           [401, 401, 404, 404, 404, 404, 404, 404, 204, 404, 403, 403]),
    ("changeOrg",            [401, 401, 404, 404, 404, 404, 403, 403, 200, 404, 403, 404]),
    ("setOrgPlan",           [401, 401, 403, 403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("unarchiveOrg",         [401, 401, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404]),
    ("archiveOrg",           [401, 401, 404, 404, 404, 404, 403, 403, 204, 404, 403, 404]),
    ("transferOrg",          [401, 401, 404, 404, 404, 404, 403, 403, 204, 404, 403, 404]),
    ("changeProject",        [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    ("archiveProject",       [401, 401, 404, 403, 403, 204, 404, 204, 204, 404, 403, 204]),
    ("unarchiveProject",     [401, 401, 404, 404, 404, 200, 404, 200, 200, 404, 404, 200]),
    // A fresh project, in which only admins and owners of its organization have a role.
    ("transferProject",      [401, 401, 404, 404, 404, 404, 404, 403, 200, 404, 403, 404]),
    ("leaveOrg",             [401, 401, 404, 404, 404, 404, 204, 204, 409, 404, 403, 404]),
    ("leaveProject",         [401, 401, 404, 204, 204, 204, 404, 404, 404, 404, 403, 403]),
    ("listOrgInvitations",   [401, 401, 404, 404, 404, 404, 403, 200, 200, 404, 403, 404]),
    ("inviteToOrg",          [401, 401, 404, 404, 404, 404, 403, 201, 201, 404, 403, 404]),
    ("revokeOrgInvitation",  [401, 401, 404, 404, 404, 404, 403, 204, 204, 404, 403, 404]),
    ("listProjectInvitations",  [401, 401, 404, 403, 403, 200, 404, 200, 200, 404, 403, 200]),
    ("inviteToProject",         [401, 401, 404, 403, 403, 201, 404, 201, 201, 404, 403, 201]),
    ("revokeProjectInvitation", [401, 401, 404, 403, 403, 204, 404, 204, 204, 404, 403, 204]),
    ("createLegacyToken",    [401, 401, 404, 403, 403, 201, 404, 201, 201, 404, 403, 403]),
    ("revokeLeaked",         [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    // With GitHub's signature: `desk`.
    ("githubSecretScanning", [401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("listAudit",            [401, 401, 403, 403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("exportAudit",          [401, 401, 403, 403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("listAuditKeys",        [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("listOrgAudit",         [401, 401, 404, 404, 404, 404, 403, 200, 200, 404, 403, 404]),
    ("listUsers",            [401, 401, 403, 403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("getUser",              [401, 401, 403, 403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("disableUser",          [401, 401, 403, 403, 403, 403, 403, 403, 403, 204, 403, 403]),
    ("enableUser",           [401, 401, 403, 403, 403, 403, 403, 403, 403, 204, 403, 403]),
    ("endAllOfUser",         [401, 401, 403, 403, 403, 403, 403, 403, 403, 204, 403, 403]),
    ("listUserSessions",     [401, 401, 403, 403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("listClients",          [401, 401, 403, 403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("createClient",         [401, 401, 403, 403, 403, 403, 403, 403, 403, 201, 403, 403]),
    ("rotateClientSecret",   [401, 401, 403, 403, 403, 403, 403, 403, 403, 201, 403, 403]),
    ("disableClient",        [401, 401, 403, 403, 403, 403, 403, 403, 403, 204, 403, 403]),
    ("listSigningKeys",      [401, 401, 403, 403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("rotateSigningKeys",    [401, 401, 403, 403, 403, 403, 403, 403, 403, 204, 403, 403]),
    ("feed",                 [401, 200, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("getOpenApi",           [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    // Nobody administers others' tokens but an administrator who is signed in: by address here,
    // by id above.
    ("listTokens?user",      [401, 401, 403, 403, 403, 403, 403, 403, 403, 200, 403, 403]),
    ("createToken?user",     [401, 401, 403, 403, 403, 403, 403, 403, 403, 201, 403, 403]),
];

/// The things in the path, anew where the request may use them up.
async fn prepared(
    city: &City,
    id: &str,
    count: usize,
    lasting: &Lasting,
) -> Result<(String, Option<Value>)> {
    let owner = city.presents("org owner").context("an owner")?;
    let name = format!("n{count}");
    let token = async || {
        let made =
            city.made(owner, "/api/v1/tokens", json!({ "name": format!("m{count}") })).await?;
        text(&made, "id")
    };
    let key = async || {
        let new = json!({ "name": format!("k{count}") });
        city.made(owner, "/api/v1/orgs/lab/projects/tools/keys", new).await
    };
    let trusted = || {
        // Each is another one: the same is not made twice.
        let line = format!("repo:acme/warehouse:ref:refs/heads/m{count}");
        json!({ "line": line, "permissions": "project:read" })
    };
    let policy = async || {
        let made = city.made(owner, "/api/v1/orgs/lab/projects/tools/trust", trusted()).await?;
        text(&made, "id")
    };
    let agent = async || {
        let made = city.made(owner, "/api/v1/agents", json!({ "name": name })).await?;
        text(&made["agent"], "id")
    };
    let asked = async || {
        let made = city.made(owner, "/api/v1/agents", json!({ "name": name })).await?;
        let agent = format!("Bearer {}", text(&made, "token")?);
        let new = json!({ "authorization_details": [{ "type": name }] });
        let asked = city.made(&agent, "/api/v1/agent/approvals", new).await?;
        anyhow::Ok((text(&asked, "auth_req_id")?, text(&asked, "digest")?))
    };
    let member = async |at: &str, role: &str| {
        let path = format!("/api/v1/orgs/lab{at}/members/target@example.com");
        city.call("PUT", &path, Some(owner), Some(json!({ "role": role }))).await?;
        anyhow::Ok(path)
    };
    let own = |at: &str| format!("/api/v1/{at}");
    let invited =
        |role: &str| Some(json!({ "email": format!("i{count}@example.com"), "role": role }));
    let invitation = async |at: &str, role: &str| {
        let path = format!("/api/v1/orgs/lab{at}/invitations");
        let made = city.made(owner, &path, invited(role).unwrap_or_default()).await?;
        anyhow::Ok(format!("{path}/{}", text(&made, "id")?))
    };
    Ok(match id {
        "whoami" => (own("whoami"), None),
        "listSessions" => (own("sessions"), None),
        "endSession" => (own(&format!("sessions/{}", lasting.session(city).await?)), None),
        "listTokens" => (own("tokens"), None),
        "listTokens?user" => (own("tokens?user=target@example.com"), None),
        "createToken" => (own("tokens"), Some(json!({ "name": name }))),
        "createToken?user" => {
            (own("tokens"), Some(json!({ "name": name, "user": "target@example.com" })))
        }
        "getToken" => (own(&format!("tokens/{}", lasting.token)), None),
        "changeToken" => {
            let end = format!("2099-01-01T00:{:02}:{:02}Z", count / 60 % 60, count % 60);
            (own(&format!("tokens/{}", lasting.token)), Some(json!({ "expires_at": end })))
        }
        "revokeToken" => (own(&format!("tokens/{}", token().await?)), None),
        "rotateToken" => (own(&format!("tokens/{}/rotate", token().await?)), Some(json!({}))),
        "listOrgs" => (own("orgs"), None),
        "createOrg" => (own("orgs"), Some(json!({ "slug": name }))),
        "getOrg" => (own("orgs/lab"), None),
        "listProjects" => (own("orgs/lab/projects"), None),
        "createProject" => (own("orgs/lab/projects"), Some(json!({ "slug": name }))),
        "getProject" => (own("orgs/lab/projects/tools"), None),
        "listOrgMembers" => (own("orgs/lab/members"), None),
        "setOrgMember" => (member("", "admin").await?, Some(json!({ "role": "member" }))),
        "removeOrgMember" => (member("", "member").await?, None),
        "listProjectMembers" => (own("orgs/lab/projects/tools/members"), None),
        "setProjectMember" => {
            (member("/projects/tools", "collaborator").await?, Some(json!({ "role": "viewer" })))
        }
        "removeProjectMember" => (member("/projects/tools", "viewer").await?, None),
        "listOrgKeys" => (own("orgs/lab/keys"), None),
        "createOrgKey" => (own("orgs/lab/keys"), Some(json!({ "name": name }))),
        "listProjectKeys" => (own("orgs/lab/projects/tools/keys"), None),
        "createProjectKey" => (own("orgs/lab/projects/tools/keys"), Some(json!({ "name": name }))),
        "lookUpKey" => (own("keys/lookup"), Some(json!({ "value": key().await?["value"] }))),
        "getKey" => (own(&format!("keys/{}", text(&key().await?, "id")?)), None),
        "revokeKey" => (own(&format!("keys/{}", text(&key().await?, "id")?)), None),
        "rotateKey" => {
            (own(&format!("keys/{}/rotate", text(&key().await?, "id")?)), Some(json!({})))
        }
        "listOrgTrust" => (own("orgs/lab/trust"), None),
        "listProjectTrust" => (own("orgs/lab/projects/tools/trust"), None),
        "createTrust" => (own("orgs/lab/projects/tools/trust"), Some(trusted())),
        "listOrgExchanges" => (own("orgs/lab/trust/exchanges"), None),
        "listProjectExchanges" => (own("orgs/lab/projects/tools/trust/exchanges"), None),
        "listOrgDenied" => (own("orgs/lab/trust/denied"), None),
        "listProjectDenied" => (own("orgs/lab/projects/tools/trust/denied"), None),
        "getTrust" => (own(&format!("trust/{}", policy().await?)), None),
        "revokeTrust" => (own(&format!("trust/{}", policy().await?)), None),
        "repinTrust" => {
            let line = format!("repo:acme@100/warehouse@200:ref:refs/heads/m{count}");
            let new = json!({ "line": line, "permissions": "project:read" });
            let made = city.made(owner, "/api/v1/orgs/lab/projects/tools/trust", new).await?;
            let changed = json!({
                "claim": "repository",
                "found": "201",
                "id_claim": "repository_id",
                "name": "acme/warehouse",
                "pinned": "200",
            });
            (own(&format!("trust/{}/repin", text(&made, "id")?)), Some(changed))
        }
        "explainDenied" => (own("trust/denied/trd_01JD2Q4V6B8C0D2E4F6G8H0J2K"), None),
        "listAgents" => (own("agents"), None),
        "startAgent" => (own("agents"), Some(json!({ "name": name, "project": "lab/tools" }))),
        "getAgent" => (own(&format!("agents/{}", agent().await?)), None),
        "renewAgent" => (own(&format!("agents/{}/renew", agent().await?)), None),
        "stopAgent" => (own(&format!("agents/{}/stop", agent().await?)), None),
        "listAgentSecrets" => (own("agent-secrets"), None),
        "setAgentSecret" => {
            let of = json!({ "project": "lab/tools" });
            (own("agent-secrets"), Some(json!({ "name": "KEY", "of": of, "value": name })))
        }
        "removeAgentSecret" => {
            let mut which = json!({ "name": "MATRIX", "of": { "agent": "builder" } });
            let mut new = which.clone();
            new["value"] = json!(name);
            city.call("PUT", "/api/v1/agent-secrets", Some(owner), Some(new)).await?;
            (own("agent-secrets/remove"), Some(which.take()))
        }
        "agentSecret" => (own("agent/secrets/KEY"), None),
        "agentItself" => (own("agent"), None),
        "agentReport" => (own("agent/report"), Some(json!({ "text": name }))),
        "agentDone" => (own("agent/done"), None),
        "renewChild" => (own(&format!("agent/children/{}/renew", agent().await?)), None),
        "stopChild" => (own(&format!("agent/children/{}/stop", agent().await?)), None),
        "askApproval" => {
            (own("agent/approvals"), Some(json!({ "authorization_details": [{ "type": name }] })))
        }
        "takeApproved" => (own(&format!("agent/approvals/{}/token", asked().await?.0)), None),
        "listApprovals" => (own("approvals"), None),
        "getApproval" => (own(&format!("approvals/{}", asked().await?.0)), None),
        "approveAction" => {
            let (id, digest) = asked().await?;
            (own(&format!("approvals/{id}/approve")), Some(json!({ "digest": digest })))
        }
        "denyAction" => (own(&format!("approvals/{}/deny", asked().await?.0)), None),
        "changeOrg" => (own("orgs/lab"), Some(json!({ "name": name }))),
        "setOrgPlan" => (own("orgs/lab/plan"), Some(json!({ "plan": name }))),
        // Each leaves the place as the next one needs it.
        "unarchiveOrg" => {
            city.call("POST", "/api/v1/orgs/lab/archive", Some(owner), None).await?;
            (own("orgs/lab/unarchive"), None)
        }
        "archiveOrg" => {
            city.call("POST", "/api/v1/orgs/lab/unarchive", Some(owner), None).await?;
            (own("orgs/lab/archive"), None)
        }
        "transferOrg" => {
            let heir = city.presents("org admin");
            for (who, user, role) in [
                (heir, &*city.town.ada.email, "owner"),
                (Some(owner), "org-admin@example.com", "admin"),
            ] {
                let path = format!("/api/v1/orgs/lab/members/{user}");
                city.call("PUT", &path, who, Some(json!({ "role": role }))).await?;
            }
            (own("orgs/lab/transfer"), Some(json!({ "user": "org-admin@example.com" })))
        }
        "changeProject" => (own("orgs/lab/projects/tools"), Some(json!({ "name": name }))),
        "archiveProject" => {
            let back = "/api/v1/orgs/lab/projects/tools/unarchive";
            city.call("POST", back, Some(owner), None).await?;
            (own("orgs/lab/projects/tools/archive"), None)
        }
        "unarchiveProject" => {
            let path = "/api/v1/orgs/lab/projects/tools/archive";
            city.call("POST", path, Some(owner), None).await?;
            (own("orgs/lab/projects/tools/unarchive"), None)
        }
        "transferProject" => {
            city.made(owner, "/api/v1/orgs", json!({ "slug": name })).await?;
            city.made(owner, "/api/v1/orgs/lab/projects", json!({ "slug": name })).await?;
            (own(&format!("orgs/lab/projects/{name}/transfer")), Some(json!({ "org": name })))
        }
        "leaveOrg" => {
            for role in ["member", "admin"] {
                let path = format!("/api/v1/orgs/lab/members/org-{role}@example.com");
                city.call("PUT", &path, Some(owner), Some(json!({ "role": role }))).await?;
            }
            // What becomes of the keys that they made is to be said.
            (own("orgs/lab/membership?keys=keep"), None)
        }
        "leaveProject" => {
            for (who, role) in
                [("viewer", "viewer"), ("collaborator", "collaborator"), ("project-owner", "owner")]
            {
                let path = format!("/api/v1/orgs/lab/projects/tools/members/{who}@example.com");
                city.call("PUT", &path, Some(owner), Some(json!({ "role": role }))).await?;
            }
            (own("orgs/lab/projects/tools/membership?keys=keep"), None)
        }
        "listOrgInvitations" => (own("orgs/lab/invitations"), None),
        "inviteToOrg" => (own("orgs/lab/invitations"), invited("member")),
        "revokeOrgInvitation" => (invitation("", "member").await?, None),
        "listProjectInvitations" => (own("orgs/lab/projects/tools/invitations"), None),
        "inviteToProject" => (own("orgs/lab/projects/tools/invitations"), invited("viewer")),
        "revokeProjectInvitation" => (invitation("/projects/tools", "viewer").await?, None),
        "createLegacyToken" => {
            (own("orgs/lab/projects/tools/legacy-tokens"), Some(json!({ "name": name })))
        }
        "revokeLeaked" => (own("revoke-leaked"), Some(json!({ "tokens": ["x"] }))),
        "githubSecretScanning" => (own("secret-scanning/github"), Some(json!([]))),
        "listAudit" => (own("audit?action=token.&limit=3"), None),
        "exportAudit" => (own("audit/export?since=2026-01-01"), None),
        "listAuditKeys" => (own("audit/keys"), None),
        "listOrgAudit" => (own("orgs/lab/audit"), None),
        "listUsers" => (own("users"), None),
        "getUser" => (own("users/target@example.com"), None),
        "disableUser" => (own("users/leaver@example.com/disable"), None),
        "enableUser" => (own("users/leaver@example.com/enable"), None),
        "endAllOfUser" => (own("users/leaver@example.com/end-all"), None),
        "listUserSessions" => (own("users/target@example.com/sessions"), None),
        "listClients" => (own("clients"), None),
        "createClient" => (own("clients"), Some(json!({ "id": name, "confidential": true }))),
        "rotateClientSecret" => (own("clients/matrix/rotate-secret"), None),
        "disableClient" => (own("clients/matrix/disable"), None),
        "listSigningKeys" => (own("signing-keys"), None),
        "rotateSigningKeys" => (own("signing-keys/rotate"), Some(json!({}))),
        "feed" => (own("feed"), Some(json!({ "holder": "matrix" }))),
        "getOpenApi" => ("/api/openapi.json".to_owned(), None),
        other => anyhow::bail!("the matrix does not know {other}"),
    })
}

/// What a request that is refused leaves as it was.
struct Lasting {
    token: String,
}

impl Lasting {
    /// A sign-in of the owner's that nothing else needs.
    async fn session(&self, city: &City) -> Result<String> {
        let fresh = city.signs_in(&city.town.person).await?;
        let listed = city.call("GET", "/api/v1/sessions", Some(&fresh), None).await?.json();
        let items = listed["items"].as_array().context("items")?;
        let current = items.iter().find(|item| item["current"] == true).context("its own")?;
        text(current, "id")
    }
}

/// What changes nothing where it is called like this, though it is no GET.
const READS: [&str; 4] = ["revokeLeaked", "githubSecretScanning", "feed", "lookUpKey"];

/// The newest rows of the log, as the administrator sees them: what is denied is written later.
async fn newest(city: &City) -> Result<Vec<(String, String)>> {
    let root = city.presents("administrator").context("an administrator")?;
    let page = city.call("GET", "/api/v1/audit?limit=100", Some(root), None).await?.json();
    let rows = page["items"].as_array().context("rows")?;
    let rows = rows.iter().map(|row| Ok((text(row, "id")?, text(row, "action")?)));
    let rows: Result<Vec<_>> = rows.collect();
    Ok(rows?.into_iter().filter(|(_, action)| !action.ends_with(".denied")).collect())
}

// proves: attack-27, attack-28, attack-47
#[tokio::test]
async fn every_route_answers_every_role_as_it_must() -> Result<()> {
    // An older system was there, and the move away from it is in phase A.
    let scratch = tempfile::tempdir()?;
    let brand = scratch.path().join("brand.toml");
    let ours = std::fs::read_to_string(tree::root().join("brands/hallpass.toml"))?;
    std::fs::write(&brand, format!("{ours}\n[tokens]\nlegacy_prefix = 'stk_'\n"))?;
    let brand = brand.to_str().context("a path in UTF-8")?;
    let city = City::build(Plan::new().set("brand_file", brand)).await?;
    city.town.server.admin(&["legacy", "phase", "A"], "").await?;
    let document = document::read(&city).await?;
    let routes = document::operations(&document)?;
    // A route that is not in the matrix is a hole in it, and one that is gone a leftover.
    let named: BTreeSet<&str> =
        EXPECTED.iter().map(|(id, _)| *id).filter(|id| !id.contains('?')).collect();
    let documented: BTreeSet<&str> = routes.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(named, documented);
    let owner = city.presents("org owner").context("an owner")?;
    let lasting = city.made(owner, "/api/v1/tokens", json!({ "name": "lasting" })).await?;
    let lasting = Lasting { token: text(&lasting, "id")? };
    city.town.server.person("leaver@example.com", "Leaver").await?;
    let client = ["client", "create", "--id", "matrix", "--confidential"];
    city.town.server.admin(&client, "").await?;
    let (mut count, mut wrong) = (0, Vec::new());
    for &(id, expected) in EXPECTED {
        let plain = id.split('?').next().unwrap_or_default();
        let route = routes.iter().find(|it| it.id == plain).context("a route")?;
        for (role, expected) in ROLES.iter().zip(expected) {
            count += 1;
            let (path, body) = prepared(&city, id, count, &lasting).await?;
            let before = newest(&city).await?;
            let answer = city.call(&route.method, &path, city.presents(role), body).await?;
            // A change leaves exactly one row, and everything else none.
            let mut after = newest(&city).await?;
            after.retain(|row| !before.contains(row) && row.0 > before[0].0);
            let changes = route.method != "GET" && !READS.contains(&id);
            if after.len() != usize::from(changes && answer.status.is_success()) {
                wrong.push(format!("{id} as {role}: {} left {after:?}", answer.status));
            }
            if answer.status != expected {
                wrong.push(format!(
                    "{id} as {role}: {} instead of {expected}: {}",
                    answer.status, answer.body
                ));
            }
            if let Err(error) = route.admits(&document, &answer) {
                wrong.push(format!("{id} as {role}: {error:#}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
