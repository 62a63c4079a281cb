//! A small town: a server, two people, a command-line tool and an API.
//!
//! Most protocol tests begin here. Everything in it was made by `hallpass admin`, as an
//! operator's script would.

use anyhow::Result;

use crate::oauth::OAuth;
use crate::person::Person;
use crate::server::{Account, Plan, Server};

/// What the tool has registered; [`crate::oauth::CALLBACK`] is this with a port.
pub const REGISTERED: &str = "http://127.0.0.1/callback";

/// A server with people and clients.
#[derive(Debug)]
pub struct Town {
    /// The server.
    pub server: Server,
    /// Somebody.
    pub ada: Account,
    /// Her browser; she is signed in.
    pub person: Person,
    /// A public client.
    pub tool: OAuth,
    /// A confidential client that may also introspect tokens for the default resource.
    pub api: OAuth,
}

impl Town {
    /// A town on SQLite with default settings.
    pub async fn build() -> Result<Self> {
        Self::of(Plan::new()).await
    }

    /// A town on a server that was planned.
    pub async fn of(plan: Plan) -> Result<Self> {
        let server = plan.start().await?;
        let ada = server.person("ada@example.com", "Ada").await?;
        server.public_client("tool", &[REGISTERED]).await?;
        let secret = server.confidential_client("api", &[REGISTERED]).await?;
        Ok(Self {
            person: Person::signed_in(&server, &ada).await?,
            tool: OAuth::public(&server, "tool"),
            api: OAuth::confidential(&server, "api", &secret),
            ada,
            server,
        })
    }

    /// Somebody else, with a browser of their own.
    pub async fn bo(&self) -> Result<(Account, Person)> {
        let bo = self.server.person("bo@example.com", "Bo").await?;
        let person = Person::signed_in(&self.server, &bo).await?;
        Ok((bo, person))
    }

    /// Another public client.
    pub async fn other_tool(&self) -> Result<OAuth> {
        self.server.public_client("other-tool", &[REGISTERED]).await?;
        Ok(OAuth::public(&self.server, "other-tool"))
    }

    /// Whether an access token is good, asked at each place that would admit it: all of
    /// them must agree.
    pub async fn admits(&self, access_token: &str) -> Result<bool> {
        let introspected = self.api.introspect(access_token).await?.json()["active"] == true;
        let mut said = vec![("introspection", introspected)];
        for path in ["/userinfo", "/api/v1/whoami"] {
            let answer = self.tool.get_with(path, access_token).await?;
            anyhow::ensure!(
                matches!(answer.status.as_u16(), 200 | 401 | 403),
                "{path}: {answer:?}"
            );
            // 403: it is good, and its scope does not go that far.
            said.push((path, answer.status != 401));
        }
        anyhow::ensure!(
            said.iter().all(|(_, good)| *good == introspected),
            "they disagree: {said:?}"
        );
        Ok(introspected)
    }
}
