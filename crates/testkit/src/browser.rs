//! A real Chromium, driven through WebDriver.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal};
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;

use crate::process::{self, Running};
use crate::{tree, wait};

/// What keeps it quiet, small, and away from anybody's real profile.
const ARGUMENTS: [&str; 13] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    // As on a phone; with them, a picture of a long page is cut off at its edge.
    "--hide-scrollbars",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
];

/// A window's width and height in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
    name: &'static str,
}

/// A phone.
pub const NARROW: Size = Size { width: 375, height: 812, name: "narrow" };
/// A laptop.
pub const WIDE: Size = Size { width: 1280, height: 800, name: "wide" };

/// How a browser is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether pages may run scripts.
    pub javascript: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { javascript: true }
    }
}

/// A browser with a fresh profile. Call [`Browser::close`] at the end; if a test fails
/// before that, its processes are killed.
pub struct Browser {
    driver: WebDriver,
    chromedriver: Running,
    profile: TempDir,
}

/// Whether an element was found on a page whose place another one took. Chromium has two ways of
/// saying so.
fn is_of_another_page(error: &WebDriverError) -> bool {
    matches!(**error, WebDriverErrorInner::StaleElementReference(_))
        || error.to_string().contains("does not belong to the document")
}

impl Browser {
    /// Opens a browser.
    pub async fn open() -> Result<Self> {
        Self::open_with(Options::default()).await
    }

    /// Opens a browser.
    pub async fn open_with(options: Options) -> Result<Self> {
        let profile = TempDir::with_prefix("hallpass-browser-")?;
        let (chromedriver, port) = chromedriver(&profile).await?;
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            capabilities.add_arg(argument)?;
        }
        capabilities
            .add_arg(&format!("--user-data-dir={}", profile.path().join("profile").display()))?;
        if !options.javascript {
            let prefs = json!({ "profile.managed_default_content_settings.javascript": 2 });
            capabilities.add_experimental_option("prefs", prefs)?;
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities)
            .await
            .context("a Chromium through chromedriver")?;
        let browser = Self { driver, chromedriver, profile };
        browser.resize(WIDE).await?;
        Ok(browser)
    }

    /// WebDriver itself.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// The directory of its profile: history, cookies, caches.
    pub fn profile(&self) -> PathBuf {
        self.profile.path().join("profile")
    }

    /// Goes to an address.
    pub async fn goto(&self, url: &str) -> Result<()> {
        self.driver.goto(url).await.with_context(|| format!("going to {url}"))
    }

    /// The address bar.
    pub async fn url(&self) -> Result<String> {
        Ok(self.driver.current_url().await?.into())
    }

    /// Waits for the element that `css` selects.
    pub async fn find(&self, css: &str) -> Result<WebElement> {
        let found = wait::until(css, async || Ok(self.driver.find(By::Css(css)).await.ok())).await;
        match found {
            Ok(element) => Ok(element),
            Err(error) => {
                let (url, source) = (self.url().await?, self.driver.source().await?);
                Err(error.context(format!("no {css} at {url}:\n{source}")))
            }
        }
    }

    /// Whether there is such an element now.
    pub async fn has(&self, css: &str) -> Result<bool> {
        Ok(!self.driver.find_all(By::Css(css)).await?.is_empty())
    }

    /// The visible text of an element.
    pub async fn text(&self, css: &str) -> Result<String> {
        self.with(css, async |element| element.text().await).await
    }

    /// Waits until the visible text of an element contains `part`: after a click, the page
    /// that was there may be seen for a moment longer.
    pub async fn shows(&self, css: &str, part: &str) -> Result<()> {
        let mut seen = String::new();
        let shown = wait::until(part, async || {
            seen = self.text(css).await?;
            Ok(seen.contains(part).then_some(()))
        })
        .await;
        shown.with_context(|| format!("{css} shows {seen:?}"))
    }

    /// Types into a field, in place of what was there.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        self.with(css, async |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await
    }

    /// Clicks.
    pub async fn click(&self, css: &str) -> Result<()> {
        self.with(css, async |element| element.click().await).await
    }

    /// Does something with an element, and finds it anew if a page took the place of the
    /// one that it was found on before anything was done.
    async fn with<T>(
        &self,
        css: &str,
        mut act: impl AsyncFnMut(WebElement) -> WebDriverResult<T>,
    ) -> Result<T> {
        wait::until(css, async || match act(self.find(css).await?).await {
            Ok(done) => Ok(Some(done)),
            Err(error) if is_of_another_page(&error) => Ok(None),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Waits until the address bar satisfies `wanted`; answers it.
    pub async fn arrives(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        wait::until(what, async || Ok(Some(self.url().await?).filter(|url| wanted(url)))).await
    }

    /// Fills the sign-in form of the page that is shown.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<()> {
        self.fill("#signin #email", email).await?;
        self.fill("#signin #password", password).await?;
        self.click("#signin #submit").await
    }

    /// Makes the window this large.
    pub async fn resize(&self, size: Size) -> Result<()> {
        let metrics = json!({
            "width": size.width, "height": size.height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", metrics).await?;
        Ok(())
    }

    /// Wishes for light or dark pages.
    pub async fn prefer(&self, scheme: &str) -> Result<()> {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Keeps pictures of the page as it is: light and dark, narrow and wide, in
    /// `target/screenshots/NAME-….png`.
    pub async fn picture(&self, name: &str) -> Result<()> {
        for size in [NARROW, WIDE] {
            self.resize(size).await?;
            for scheme in ["light", "dark"] {
                self.prefer(scheme).await?;
                self.picture_as_is(&format!("{name}-{scheme}-{}", size.name)).await?;
            }
        }
        self.resize(WIDE).await?;
        self.prefer("light").await
    }

    /// Keeps one picture of the whole page.
    async fn picture_as_is(&self, name: &str) -> Result<()> {
        let directory = tree::root().join("target/screenshots");
        std::fs::create_dir_all(&directory)?;
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let answer = self.driver.cdp().send_raw("Page.captureScreenshot", whole).await?;
        let encoded = answer["data"].as_str().context("a picture")?;
        let picture = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded)?;
        std::fs::write(directory.join(format!("{name}.png")), picture)?;
        Ok(())
    }

    /// What pages and the browser complained about in its console.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let log = self.driver.browser_log().await?;
        Ok(log.into_iter().map(|entry| format!("{:?}: {}", entry.level, entry.message)).collect())
    }

    /// Closes it.
    pub async fn close(self) -> Result<()> {
        self.driver.clone().quit().await?;
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Or it would ask a driver that is gone to quit, and wait for the answer.
        let _ = self.driver.clone().leak();
        // Chromium is in the driver's process group. It may be gone already.
        if let Some(pid) = i32::try_from(self.chromedriver.id()).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn chromedriver(home: &TempDir) -> Result<(Running, u16)> {
    use std::os::unix::process::CommandExt as _;
    let mut command = process::command("chromedriver");
    command.arg("--port=0").env("HOME", home.path()).process_group(0);
    let Ok(mut running) = Running::start(&mut command) else {
        bail!(
            "chromedriver is missing: install the packages chromium and chromium-driver (./test does)"
        );
    };
    let port = wait::until("chromedriver's port", async || {
        if let Some(status) = running.ended()? {
            bail!("chromedriver ended ({status}): {}", running.written());
        }
        let text = running.stdout.text();
        let port = text.split_once("started successfully on port ").map(|(_, rest)| rest);
        Ok(port.and_then(|rest| rest.split('.').next()?.trim().parse().ok()))
    })
    .await?;
    Ok((running, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "data:text/html,<h1>script is off</h1><script>document.querySelector('h1').textContent='script is on'</script>";

    #[tokio::test]
    async fn scripts_run_unless_they_are_switched_off() -> Result<()> {
        for (javascript, shown) in [(true, "script is on"), (false, "script is off")] {
            let browser = Browser::open_with(Options { javascript }).await?;
            browser.goto(PAGE).await?;
            assert_eq!(browser.text("h1").await?, shown);
            browser.close().await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn no_process_outlives_a_browser_that_was_not_closed() -> Result<()> {
        let browser = Browser::open().await?;
        let mark = browser.profile().display().to_string();
        assert!(running_with(&mark)? > 0);
        drop(browser);
        wait::until("chromium to be gone", async || Ok((running_with(&mark)? == 0).then_some(())))
            .await
    }

    /// How many processes have `mark` in their arguments.
    fn running_with(mark: &str) -> Result<usize> {
        let lines = crate::process::command_lines()?;
        Ok(lines.iter().filter(|line| line.contains(mark)).count())
    }
}
