//! An OpenID provider that is not ours: `oidc-provider` from npm, as a process, and a person
//! at a browser who signs in there.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use crate::process::{self, Running};
use crate::{cli, html, ports};

/// More pages and redirects than any walk there has.
const HOPS: u32 = 30;

/// The running provider.
#[derive(Debug)]
pub struct Provider {
    /// Its issuer.
    pub issuer: String,
    _running: Running,
}

impl Provider {
    /// Starts it. `options` is JSON: see `provider/provider.mjs`.
    pub async fn start(options: &str) -> Result<Self> {
        let script = installed()?;
        let port = ports::free()?;
        let mut command = process::command("node");
        command.arg(script).arg(port.to_string()).arg(options);
        let mut running = Running::start(&mut command)?;
        let issuer = cli::written(&mut running, "the provider", |text| {
            let (_, rest) = text.split_once("ready ")?;
            rest.split_once('\n').map(|(issuer, _)| issuer.to_owned())
        })
        .await?;
        Ok(Self { issuer, _running: running })
    }
}

/// Where `./test` has installed it.
fn installed() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let target = here.ancestors().nth(3).context("the target directory")?;
    let script = target.join("provider/provider.mjs");
    if !target.join("provider/node_modules/oidc-provider").exists() {
        bail!("the provider is not installed: run ./test once, which does that with npm ci");
    }
    Ok(script)
}

/// Somebody with a browser of their own, who agrees to everything.
#[derive(Clone, Debug)]
pub struct Visitor {
    http: Client,
    name: String,
}

/// Where a walk ended.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The last address.
    pub url: Url,
    /// The last page.
    pub body: String,
    /// How often a name and a password were asked for on the way.
    pub sign_ins: u32,
}

impl Visitor {
    /// A browser that has never been anywhere, of somebody called `name`.
    pub fn new(name: &str) -> Result<Self> {
        let http = Client::builder().cookie_store(true).redirect(Policy::none()).build()?;
        Ok(Self { http, name: name.to_owned() })
    }

    /// Goes to an address and fills every form on the way, until there is none.
    pub async fn walk(&self, address: &str) -> Result<Walk> {
        let mut sign_ins = 0;
        let mut answer = self.http.get(address).send().await?;
        for _ in 0..HOPS {
            if let Some(next) = leads_to(&answer)? {
                answer = self.http.get(next).send().await?;
                continue;
            }
            let url = answer.url().clone();
            let body = answer.text().await?;
            let Some(form) = html::form(&body, "form") else {
                return Ok(Walk { url, body, sign_ins });
            };
            let mut fields = form.fields;
            for (name, value) in &mut fields {
                match name.as_str() {
                    "login" => {
                        sign_ins += 1;
                        *value = self.name.clone();
                    }
                    "password" => *value = "any".to_owned(),
                    _ => {}
                }
            }
            // The button of the page that ends a session stands outside of its form.
            if body.contains("name=\"logout\"") {
                fields.push(("logout".to_owned(), "yes".to_owned()));
            }
            let action = url.join(&form.action)?;
            answer = self.http.post(action).form(&fields).send().await?;
        }
        bail!("the walk from {address} does not end")
    }
}

fn leads_to(answer: &Response) -> Result<Option<Url>> {
    if !answer.status().is_redirection() {
        return Ok(None);
    }
    let to = answer.headers().get("location").context("a redirect to nowhere")?.to_str()?;
    Ok(Some(answer.url().join(to)?))
}
