//! A person at a browser without JavaScript: keeps cookies, follows links, fills forms.

use anyhow::{Context as _, Result, bail};
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use crate::html;
use crate::server::{Account, PASSWORD, Server};

/// More redirects than any walk of ours has.
const HOPS: u32 = 10;

/// A page as it arrived.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it came from.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its text.
    pub body: String,
}

impl Page {
    async fn read(answer: Response) -> Result<Self> {
        Ok(Self {
            url: answer.url().clone(),
            status: answer.status(),
            headers: answer.headers().clone(),
            body: answer.text().await?,
        })
    }

    /// Where it sends the browser: by a redirect, or by itself after it was shown.
    pub fn leads_to(&self) -> Option<Url> {
        let header = self.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let next = header.map(str::to_owned).or_else(|| html::refresh(&self.body))?;
        self.url.join(&next).ok()
    }

    /// The text of the first element that `selector` selects.
    pub fn text(&self, selector: &str) -> Option<String> {
        html::text(&self.body, selector)
    }

    /// A header as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Somebody with a browser of their own.
#[derive(Clone, Debug)]
pub struct Person {
    http: Client,
    home: Url,
}

impl Person {
    /// A browser that has never been at `server`.
    pub fn new(server: &Server) -> Result<Self> {
        let http = server
            .http()?
            .cookie_store(true)
            // The server may be killed and come back; cookies stay, connections do not.
            .pool_max_idle_per_host(0)
            .redirect(Policy::none())
            .user_agent("Mozilla/5.0 (X11; Linux x86_64) testkit")
            .build()?;
        Ok(Self { http, home: Url::parse(&server.url())? })
    }

    /// A browser in which `account` is signed in.
    pub async fn signed_in(server: &Server, account: &Account) -> Result<Self> {
        let person = Self::new(server)?;
        let page = person.sign_in(&account.email, PASSWORD).await?;
        if page.status != StatusCode::OK || html::form(&page.body, "#signin").is_some() {
            bail!("signing in answered {} {}", page.status, page.body);
        }
        Ok(person)
    }

    /// Goes to a path or an address, and follows redirects as long as they stay at the server.
    pub async fn get(&self, address: &str) -> Result<Page> {
        let page = self.get_once(self.home.join(address)?).await?;
        self.follow(page).await
    }

    /// Goes to an address and looks at whatever comes first.
    pub async fn get_once(&self, url: Url) -> Result<Page> {
        let request =
            self.http.get(url).header("accept", "text/html").header("sec-fetch-site", "none");
        Page::read(request.send().await?).await
    }

    /// Fills the form that `selector` selects and presses the button of this value, or
    /// the only one. Follows redirects as long as they stay at the server.
    pub async fn submit(
        &self,
        page: &Page,
        selector: &str,
        filled: &[(&str, &str)],
        button: Option<&str>,
    ) -> Result<Page> {
        let form = html::form(&page.body, selector).with_context(|| {
            format!("no {selector} on {} {}: {}", page.status, page.url, page.body)
        })?;
        let mut fields = form.fields;
        for (name, value) in filled {
            let field = fields.iter_mut().find(|(known, _)| known == name);
            field.with_context(|| format!("{selector} has no field {name}"))?.1 =
                (*value).to_owned();
        }
        if let Some(wanted) = button {
            let button = form.buttons.iter().find(|(_, value, _)| value == wanted);
            let (name, value, _) =
                button.with_context(|| format!("{selector} has no button {wanted}"))?;
            fields.push((name.clone(), value.clone()));
        }
        let answer = self.post(&form.action, &fields).await?;
        self.follow(answer).await
    }

    /// Posts a form as a browser does from a page of the server's own.
    pub async fn post(&self, action: &str, fields: &[(String, String)]) -> Result<Page> {
        let request = self.http.post(self.home.join(action)?).form(fields);
        let request = request
            .header("accept", "text/html")
            .header("origin", self.home.origin().ascii_serialization())
            .header("sec-fetch-site", "same-origin");
        Page::read(request.send().await?).await
    }

    /// Posts whatever is asked for, with this browser's cookies and these headers.
    pub async fn post_with(
        &self,
        action: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Result<Page> {
        let mut request = self.http.post(self.home.join(action)?).form(fields);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Page::read(request.send().await?).await
    }

    async fn follow(&self, mut page: Page) -> Result<Page> {
        for _ in 0..HOPS {
            match page.leads_to() {
                Some(next) if next.origin() == self.home.origin() => {
                    page = self.get_once(next).await?
                }
                _ => return Ok(page),
            }
        }
        bail!("more than {HOPS} redirects, lastly to {}", page.url);
    }

    /// Fills the sign-in form; answers what comes after it.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Page> {
        let page = self.get("/signin").await?;
        self.submit(&page, "#signin", &[("email", email), ("password", password)], None).await
    }

    /// Signs in where an authorization request asks for it. Answers the page after it.
    pub async fn sign_in_at(&self, page: &Page, email: &str) -> Result<Page> {
        self.submit(page, "#signin", &[("email", email), ("password", PASSWORD)], None).await
    }

    /// Opens an authorization request while signed in, decides, and answers where the
    /// browser would go then; it does not go there.
    pub async fn decide(&self, request: &str, decision: &str) -> Result<Url> {
        let page = self.get(request).await?;
        let page = self.submit(&page, "#consent", &[], Some(decision)).await?;
        page.leads_to().with_context(|| format!("{} leads nowhere: {}", page.url, page.body))
    }

    /// Approves an authorization request; answers the redirect URI with its answer.
    pub async fn approve(&self, request: &str) -> Result<Url> {
        self.decide(request, "approve").await
    }

    /// Types a user code; answers the page that shows the request, or says what is wrong.
    pub async fn type_code(&self, user_code: &str) -> Result<Page> {
        let page = self.get("/device").await?;
        self.submit(&page, "#device", &[("user_code", user_code)], None).await
    }

    /// Types a user code and decides; answers the outcome's page.
    pub async fn decide_device(&self, user_code: &str, decision: &str) -> Result<Page> {
        let page = self.type_code(user_code).await?;
        self.submit(&page, "#decide", &[], Some(decision)).await
    }
}
