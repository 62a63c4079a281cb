//! A server, an API behind a guard in a process of its own, and a wire between them.

use anyhow::{Result, ensure};
use hallpass_testkit::guarded::Guarded;
use hallpass_testkit::link::Link;
use hallpass_testkit::oauth::Tokens;
use hallpass_testkit::town::Town;
use hallpass_testkit::wait;

use crate::held::{Held, PROJECT};

/// All of it.
pub(crate) struct Scene {
    pub(crate) town: Town,
    pub(crate) link: Link,
    pub(crate) api: Guarded,
}

impl Scene {
    pub(crate) async fn build() -> Result<Self> {
        let town = Town::build().await?;
        let link = Link::to(town.server.port()).await?;
        let api = Guarded::start(&town.server, &town.api, &link.url(), &[]).await?;
        Ok(Self { town, link, api })
    }

    /// A scene with a project in it.
    pub(crate) async fn with_a_project() -> Result<Self> {
        let scene = Self::build().await?;
        let (org, _) = PROJECT.split_once('/').unwrap_or_default();
        scene.town.server.admin(&["org", "create", org], "").await?;
        scene.town.server.admin(&["project", "create", PROJECT], "").await?;
        Ok(scene)
    }

    /// A token that the guard has admitted, from memory too.
    pub(crate) async fn admitted(&self) -> Result<Tokens> {
        let tokens = self.town.tool.tokens(&self.town.person, &[]).await?;
        self.remembered("/me", &tokens.access).await?;
        Ok(tokens)
    }

    /// A token, a role and a membership that the guard has admitted, from memory too. `round`
    /// makes the people new ones.
    pub(crate) async fn held(&self, round: u32) -> Result<Vec<Held>> {
        let held = Held::one_of_each(&self.town, round).await?;
        for held in &held {
            self.remembered(held.path, &held.token).await?;
        }
        Ok(held)
    }

    async fn remembered(&self, path: &str, token: &str) -> Result<()> {
        let before = self.api.status().await?["from_memory"].as_u64();
        wait::until("an answer from memory", async || {
            let (status, body) = self.api.get(path, token).await?;
            ensure!(status == 200, "{path}: {status} {body}");
            Ok((self.api.status().await?["from_memory"].as_u64() > before).then_some(()))
        })
        .await
    }

    /// What a request that rests on `held` is answered.
    pub(crate) async fn ask(&self, held: &Held) -> Result<u16> {
        Ok(self.api.get(held.path, &held.token).await?.0)
    }

    /// Waits until a request with `token` is answered so.
    pub(crate) async fn answers(&self, token: &str, wanted: u16) -> Result<()> {
        let what = format!("{wanted} from the API");
        wait::until(&what, async || Ok((self.api.ask(token).await? == wanted).then_some(()))).await
    }
}
