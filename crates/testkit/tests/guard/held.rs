//! What somebody holds until it is taken away: a token, a role, a membership, a key.

use std::fmt;

use anyhow::{Result, ensure};
use hallpass_testkit::oauth::{Answer, OAuth};
use hallpass_testkit::server::PASSWORD;
use hallpass_testkit::town::Town;
use serde_json::json;

/// The project that roles and memberships are about.
pub(crate) const PROJECT: &str = "acme/rocket";
const MAY_PUBLISH: &str = "/orgs/acme/projects/rocket";
const MAY_READ: &str = "/orgs/acme/projects/rocket/read";

/// Something that admits a request until it is taken away.
pub(crate) struct Held {
    /// What is presented.
    pub(crate) token: String,
    /// The route that asks for it.
    pub(crate) path: &'static str,
    /// The answer once it is gone.
    pub(crate) refused: u16,
    end: End,
}

/// How it is taken away.
#[derive(Debug)]
enum End {
    /// The JWT is revoked at `/oauth/revoke`.
    Token,
    /// The role of a collaborator becomes that of a viewer.
    Role(String),
    /// The viewer is removed from the project.
    Membership(String),
    /// The project's key is revoked, by whoever presents this.
    Key { id: String, by: String },
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end.fmt(f)
    }
}

impl Held {
    /// One of each, of people who were not there before.
    pub(crate) async fn one_of_each(town: &Town, round: u32) -> Result<Vec<Self>> {
        let access = town.tool.tokens(&town.person, &[]).await?.access;
        let mut all = vec![Self { token: access, path: "/me", refused: 401, end: End::Token }];
        let of_role: fn(String) -> End = End::Role;
        for (who, role, path, end) in [
            ("role", "collaborator", MAY_PUBLISH, of_role),
            ("member", "viewer", MAY_READ, End::Membership),
        ] {
            let email = format!("{who}-{round}@example.com");
            let create = ["user", "create", "--email", &email, "--name", who, "--password-stdin"];
            town.server.admin(&create, PASSWORD).await?;
            town.server.admin(&["member", "set", PROJECT, &email, role], "").await?;
            let token = ["token", "create", "--user", &email, "--name", "ci"];
            let token = town.server.admin(&token, "").await?;
            all.push(Self { token, path, refused: 403, end: end(email) });
        }
        all.push(Self::key(town, round).await?);
        Ok(all)
    }

    /// A key of the project, made by Ada, who owns its organization.
    async fn key(town: &Town, round: u32) -> Result<Self> {
        let (org, _) = PROJECT.split_once('/').unwrap_or_default();
        town.server.admin(&["member", "set", org, &town.ada.email, "owner"], "").await?;
        let cli = OAuth::public(&town.server, "hallpass-cli");
        let scope = [("scope", "openid account tokens")];
        let by = cli.tokens(&town.person, &scope).await?.access;
        let request = cli.request("POST", "/api/v1/orgs/acme/projects/rocket/keys");
        let new = json!({ "name": format!("key {round}") });
        let made = Answer::of(request.bearer_auth(&by).json(&new)).await?;
        ensure!(made.status == 201, "{made:?}");
        let text = |name: &str| made.json()[name].as_str().unwrap_or_default().to_owned();
        let (token, id) = (text("value"), text("id"));
        Ok(Self { token, path: MAY_PUBLISH, refused: 401, end: End::Key { id, by } })
    }

    /// Takes it away; it is gone when this returns.
    pub(crate) async fn take_away(&self, town: &Town) -> Result<()> {
        match &self.end {
            End::Token => {
                let answer = town.tool.revoke(&self.token).await?;
                ensure!(answer.status == 200, "{answer:?}");
            }
            End::Role(email) => {
                town.server.admin(&["member", "set", PROJECT, email, "viewer"], "").await?;
            }
            End::Key { id, by } => {
                let request = town.tool.request("DELETE", &format!("/api/v1/keys/{id}"));
                let answer = Answer::of(request.bearer_auth(by)).await?;
                ensure!(answer.status == 204, "{answer:?}");
            }
            End::Membership(email) => {
                town.server.admin(&["member", "remove", PROJECT, email], "").await?;
            }
        }
        Ok(())
    }
}
