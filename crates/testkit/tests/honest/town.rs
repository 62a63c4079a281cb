//! The people, tokens and sign-ins that it is about, and taking them away.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use hallpass_core::Secret;
use hallpass_core::wire::CLI_CLIENT_ID;
use hallpass_server::admin::{Command, socket};
use hallpass_testkit::guarded::Guarded;
use hallpass_testkit::oauth::{Answer, OAuth};
use hallpass_testkit::server::{PASSWORD, Plan};
use hallpass_testkit::town::Town;
use serde_json::{Value, json};

use crate::AT_ONCE;
use crate::claims::{Claim, End, PROJECT, PUBLISH, READ};

/// A town with enough in it to be taken away.
pub(crate) struct HonestTown {
    town: Town,
    guarded: Guarded,
    /// An owner of everything here; signed in, with every right.
    owner: String,
    claims: Vec<Arc<Claim>>,
}

impl HonestTown {
    /// With `each` of everything.
    pub(crate) async fn build(plan: Plan, each: usize) -> Result<Self> {
        let plan = plan.set("access_token_ttl", "2h").set("refused_credentials", "4000000000");
        let town = Town::of(plan).await?;
        town.server
            .admin(
                &[
                    "user",
                    "create",
                    "--email",
                    "root@example.com",
                    "--name",
                    "R",
                    "--admin",
                    "--password-stdin",
                ],
                PASSWORD,
            )
            .await?;
        let root = hallpass_testkit::person::Person::new(&town.server)?;
        root.sign_in("root@example.com", PASSWORD).await?;
        let command_line = OAuth::public(&town.server, CLI_CLIENT_ID);
        let owner = command_line.tokens(&root, &[("scope", "account tokens")]).await?.access;
        town.server.admin(&["org", "create", "acme", "--owner", "root@example.com"], "").await?;
        town.server.admin(&["project", "create", PROJECT], "").await?;
        let guarded = Guarded::start(&town.server, &town.api, &town.server.url(), &[]).await?;
        let mut this = Self { town, guarded, owner, claims: Vec::new() };
        this.tokens(each).await?;
        this.sign_ins(each).await?;
        this.people(each).await?;
        this.keys().await?;
        Ok(this)
    }

    pub(crate) fn claims(&self) -> Vec<Arc<Claim>> {
        self.claims.clone()
    }

    /// An API behind a guard.
    pub(crate) fn guarded(&self) -> &Guarded {
        &self.guarded
    }

    /// Host and port.
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.town.server.port())
    }

    /// Id and secret of a client that may introspect.
    pub(crate) fn caller(&self) -> (&str, &str) {
        (&self.town.api.id, self.town.api.secret.as_deref().unwrap_or_default())
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer> {
        let request = self.town.tool.request(method, path).bearer_auth(&self.owner);
        Answer::of(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// A personal token of `user`; its id and its text.
    async fn token(&self, user: &str, name: &str) -> Result<(String, String)> {
        let body = json!({ "name": name, "user": user });
        let made = self.call("POST", "/api/v1/tokens", Some(body)).await?;
        ensure!(made.status == 201, "{made:?}");
        Ok((made.get("id"), made.get("value")))
    }

    async fn tokens(&mut self, each: usize) -> Result<()> {
        for n in 0..each {
            let (id, value) = self.token("root@example.com", &format!("token {n}")).await?;
            self.claims.push(Arc::new(Claim::new(&value, None, End::Token(id))));
        }
        Ok(())
    }

    async fn sign_ins(&mut self, each: usize) -> Result<()> {
        for _ in 0..each {
            let scope = [("scope", "openid account offline_access")];
            let tokens = self.town.tool.tokens(&self.town.person, &scope).await?;
            self.claims.push(Arc::new(Claim::new(
                &tokens.access,
                None,
                End::SignIn(tokens.refresh),
            )));
        }
        Ok(())
    }

    /// Each loses the higher role first, then the lower one, then the account. What is one
    /// person's lies [`AT_ONCE`] apart.
    async fn people(&mut self, each: usize) -> Result<()> {
        for first in (0..each).step_by(AT_ONCE) {
            let mut people = Vec::new();
            for n in first..first + AT_ONCE {
                people.push(self.person(n).await?);
            }
            for (permission, end) in [
                (Some(PUBLISH), End::Role as fn(String) -> End),
                (Some(READ), End::Membership),
                (None, End::User),
            ] {
                let ends = people.iter().map(|(email, token)| (token, end(email.clone())));
                let claims = ends.map(|(token, end)| Arc::new(Claim::new(token, permission, end)));
                self.claims.extend(claims);
            }
        }
        Ok(())
    }

    /// With each few that are taken away at once goes a key of the project, one of its
    /// organization, and an agent: the same checks lie around them.
    async fn keys(&mut self) -> Result<()> {
        let (org, project) = PROJECT.split_once('/').unwrap_or_default();
        let of_org = format!("/api/v1/orgs/{org}/keys");
        let of_project = format!("/api/v1/orgs/{org}/projects/{project}/keys");
        let others = std::mem::take(&mut self.claims);
        for (n, few) in others.chunks(AT_ONCE).enumerate() {
            self.claims.extend_from_slice(few);
            for (path, permission) in [(&of_project, READ), (&of_org, PUBLISH)] {
                let new = json!({ "name": format!("key {n}") });
                let made = self.call("POST", path, Some(new)).await?;
                ensure!(made.status == 201, "{made:?}");
                let end = End::Key(made.get("id"));
                let claim = Claim::new(&made.get("value"), Some(permission), end);
                self.claims.push(Arc::new(claim));
            }
            let (token, stopped) = self.agent(n).await?;
            self.claims.push(Arc::new(Claim::new(&token, Some(READ), End::Agent(stopped))));
        }
        Ok(())
    }

    /// The token of an agent, and the id of the one that is to be stopped: every third time that
    /// is the agent above it.
    async fn agent(&self, n: usize) -> Result<(String, String)> {
        let name = format!("agent {n}");
        let new = json!({
            "name": name, "permissions": READ, "project": PROJECT, "ttl_seconds": 3600,
        });
        let made = self.call("POST", "/api/v1/agents", Some(new)).await?;
        ensure!(made.status == 201, "{made:?}");
        let id = made.json()["agent"]["id"].as_str().context("an agent")?.to_owned();
        let token = made.get("token");
        if !n.is_multiple_of(3) {
            return Ok((token, id));
        }
        let kind = "urn:ietf:params:oauth:token-type:access_token";
        let params = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", &token),
            ("subject_token_type", kind),
            ("actor_token", &token),
            ("actor_token_type", kind),
            ("agent_name", &name),
            ("agent_ttl", "3600"),
            ("scope", READ),
        ];
        let cli = OAuth::public(&self.town.server, CLI_CLIENT_ID);
        let child = cli.post("/oauth/token", &params).await?;
        ensure!(child.status == 200, "{child:?}");
        Ok((child.get("access_token"), id))
    }

    /// A collaborator; their e-mail address and a token.
    async fn person(&self, n: usize) -> Result<(String, String)> {
        let email = format!("p{n}@example.com");
        self.operator(Command::UserCreate {
            email: email.clone(),
            name: format!("P{n}"),
            password: Secret::new(PASSWORD),
            admin: false,
        })
        .await?;
        let (_, token) = self.token(&email, "ci").await?;
        let role = self.set_role(&email, "collaborator").await?;
        ensure!(role.status.is_success(), "{role:?}");
        Ok((email, token))
    }

    async fn set_role(&self, email: &str, role: &str) -> Result<Answer> {
        self.call("PUT", &member(email), Some(json!({ "role": role }))).await
    }

    async fn operator(&self, command: Command) -> Result<()> {
        let answered = socket::ask(self.town.server.directory(), &command).await;
        let answered = answered.context("the socket")?.context("no server answers")?;
        answered.map(drop).map_err(|refused| anyhow::anyhow!("{refused:?}"))
    }

    /// Takes away what a claim rests on; it is over when this returns.
    pub(crate) async fn take_away(&self, claim: &Claim) -> Result<()> {
        let answer = match &claim.end {
            End::Token(id) => self.call("DELETE", &format!("/api/v1/tokens/{id}"), None).await?,
            End::Key(id) => self.call("DELETE", &format!("/api/v1/keys/{id}"), None).await?,
            End::Agent(id) => self.call("POST", &format!("/api/v1/agents/{id}/stop"), None).await?,
            End::SignIn(refresh) => OAuth::revoke(&self.town.tool, refresh).await?,
            End::User(email) => {
                return self
                    .operator(Command::UserDisable { user: email.clone(), keys: None })
                    .await;
            }
            End::Membership(email) => self.call("DELETE", &member(email), None).await?,
            End::Role(email) => self.set_role(email, "viewer").await?,
        };
        if !answer.status.is_success() {
            bail!("{claim:?}: {answer:?}");
        }
        Ok(())
    }
}

fn member(email: &str) -> String {
    let (org, project) = PROJECT.split_once('/').unwrap_or_default();
    format!("/api/v1/orgs/{org}/projects/{project}/members/{email}")
}
