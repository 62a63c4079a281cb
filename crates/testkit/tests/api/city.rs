//! A server with people in every role, and what each presents.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use hallpass_testkit::oauth::{Answer, OAuth};
use hallpass_testkit::person::Person;
use hallpass_testkit::server::{PASSWORD, Plan};
use hallpass_testkit::town::Town;
use serde_json::{Value, json};

/// Who asks. Each but the first presents a credential.
pub(crate) const ROLES: [&str; 12] = [
    "nobody",
    "client",
    "stranger",
    "viewer",
    "collaborator",
    "project owner",
    "org member",
    "org admin",
    "org owner",
    "administrator",
    // Tokens of the organization's owner: one for the account alone, one for one project.
    "account token",
    "project token",
];

/// The organization `lab` with the project `tools`.
pub(crate) struct City {
    pub(crate) town: Town,
    /// `Authorization` by role.
    pub(crate) presented: BTreeMap<&'static str, String>,
    /// Our own command line.
    pub(crate) cli: OAuth,
}

impl City {
    pub(crate) async fn build(plan: Plan) -> Result<Self> {
        let town = Town::of(plan).await?;
        let cli = OAuth::public(&town.server, "hallpass-cli");
        let mut city = Self { town, presented: BTreeMap::new(), cli };
        let owner = city.signs_in(&city.town.person.clone()).await?;
        city.presented.insert("org owner", owner.clone());
        city.made(&owner, "/api/v1/orgs", json!({ "slug": "lab" })).await?;
        city.made(&owner, "/api/v1/orgs/lab/projects", json!({ "slug": "tools" })).await?;
        for (who, at, role) in [
            ("viewer", "/projects/tools", "viewer"),
            ("collaborator", "/projects/tools", "collaborator"),
            ("project owner", "/projects/tools", "owner"),
            ("org member", "", "member"),
            ("org admin", "", "admin"),
            ("stranger", "", ""),
        ] {
            let email = format!("{}@example.com", who.replace(' ', "-"));
            let account = city.town.server.person(&email, who).await?;
            let person = Person::signed_in(&city.town.server, &account).await?;
            let presented = city.signs_in(&person).await?;
            city.presented.insert(who, presented);
            if !role.is_empty() {
                let path = format!("/api/v1/orgs/lab{at}/members/{email}");
                let set =
                    city.call("PUT", &path, Some(&owner), Some(json!({ "role": role }))).await?;
                ensure!(set.status == 200, "{who}: {set:?}");
            }
        }
        let create = [
            "user",
            "create",
            "--email",
            "root@example.com",
            "--name",
            "Root",
            "--admin",
            "--password-stdin",
        ];
        city.town.server.admin(&create, PASSWORD).await?;
        let root = hallpass_testkit::server::Account {
            email: "root@example.com".to_owned(),
            name: "Root".to_owned(),
        };
        let root = Person::signed_in(&city.town.server, &root).await?;
        let root = city.signs_in(&root).await?;
        city.presented.insert("administrator", root);
        city.town.server.person("target@example.com", "Target").await?;
        let narrow = json!({ "name": "account token", "scope": "account" });
        let project = json!({ "name": "project token", "projects": ["lab/tools"] });
        for (role, new) in [("account token", narrow), ("project token", project)] {
            let made = city.made(&owner, "/api/v1/tokens", new).await?;
            city.presented.insert(role, format!("Bearer {}", text(&made, "value")?));
        }
        let secret = city.town.api.secret.clone().context("a confidential client")?;
        let basic = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("api:{secret}"),
        );
        city.presented.insert("client", format!("Basic {basic}"));
        Ok(city)
    }

    /// Signs the command line in for somebody; what it presents from then on.
    pub(crate) async fn signs_in(&self, person: &Person) -> Result<String> {
        let scope = [("scope", "openid account tokens")];
        Ok(format!("Bearer {}", self.cli.tokens(person, &scope).await?.access))
    }

    pub(crate) fn presents(&self, role: &str) -> Option<&str> {
        self.presented.get(role).map(String::as_str)
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        authorization: Option<&str>,
        body: Option<Value>,
    ) -> Result<Answer> {
        let mut request = self.cli.request(method, path);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request).await
    }

    /// A POST that makes something, which must succeed.
    pub(crate) async fn made(&self, who: &str, path: &str, body: Value) -> Result<Value> {
        let made = self.call("POST", path, Some(who), Some(body)).await?;
        ensure!(made.status == 201, "{path}: {made:?}");
        Ok(made.json())
    }
}

pub(crate) fn text(value: &Value, name: &str) -> Result<String> {
    Ok(value[name].as_str().with_context(|| format!("{name} in {value}"))?.to_owned())
}
