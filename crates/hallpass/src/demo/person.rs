//! Ada, the scripted person: reads the real pages and presses their buttons.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use ureq::Agent;
use ureq::http::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};

pub(super) const NAME: &str = "Ada Lovelace";
pub(super) const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "an analytical engine weaves";

/// A person with a browser of her own.
pub(super) struct Person {
    agent: Agent,
    server: String,
    cookies: BTreeMap<String, String>,
}

struct Page {
    url: String,
    html: String,
}

impl Person {
    pub(super) fn new(server: &str) -> Self {
        Self { agent: super::town::agent(), server: server.to_owned(), cookies: BTreeMap::new() }
    }

    /// Follows the setup link and makes her account.
    pub(super) fn set_up(&mut self, link: &str) -> Result<()> {
        let page = self.get(link)?;
        let fields = [
            ("email", EMAIL),
            ("name", NAME),
            ("new_password", PASSWORD),
            ("repeat_password", PASSWORD),
        ];
        self.submit(&page, "setup", &fields).map(drop)
    }

    /// Opens the sign-in URL of a terminal, approves, and lets the browser go on to it.
    pub(super) fn approve_in_browser(&mut self, url: &str) -> Result<()> {
        let page = self.get(url)?;
        let page = self.submit(&page, "consent", &[("decision", "approve")])?;
        let next = between(&page.html, "http-equiv=\"refresh\" content=\"0;url=", "\"")
            .context("the page after approving does not go on")?;
        self.get(&unescape(next)).map(drop)
    }

    /// Types the code on the device page, reads what is asked, and approves.
    pub(super) fn approve_device(&mut self, code: &str) -> Result<()> {
        let page = self.get(&format!("{}/device", self.server))?;
        let page = self.submit(&page, "device", &[("user_code", code)])?;
        self.submit(&page, "decide", &[("decision", "approve")]).map(drop)
    }

    fn get(&mut self, url: &str) -> Result<Page> {
        let mut url = url.to_owned();
        for _ in 0..8 {
            let request = self.agent.get(&url).header(COOKIE, self.cookie_header(&url));
            let answer = request.call()?;
            match self.take(&url, answer)? {
                Next::Page(page) => return Ok(page),
                Next::GoTo(next) => url = next,
            }
        }
        bail!("{url} redirects for ever")
    }

    /// Fills in the form with this id and sends it.
    fn submit(&mut self, page: &Page, form: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let html = between(&page.html, &format!("<form id=\"{form}\""), "</form>")
            .with_context(|| format!("no {form} form on {}", page.url))?;
        let action = between(html, "action=\"", "\"").context("a form without an action")?;
        let mut body: BTreeMap<String, String> = hidden_fields(html);
        body.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let url = format!("{}{action}", self.server);
        let request = self
            .agent
            .post(&url)
            .header(COOKIE, self.cookie_header(&url))
            .header(ORIGIN, &self.server)
            .header("sec-fetch-site", "same-origin");
        let answer = request.send_form(body)?;
        match self.take(&url, answer)? {
            Next::Page(page) => Ok(page),
            Next::GoTo(next) => self.get(&next),
        }
    }

    fn take(&mut self, url: &str, mut answer: ureq::http::Response<ureq::Body>) -> Result<Next> {
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(to) = answer.headers().get(LOCATION) {
            let to = to.to_str()?;
            let origin: String = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            let next = if to.starts_with('/') { origin + to } else { to.to_owned() };
            return Ok(Next::GoTo(next));
        }
        let status = answer.status();
        let html = answer.body_mut().read_to_string()?;
        if !status.is_success() {
            let heading = between(&html, "<h1>", "</h1>").unwrap_or("no heading");
            bail!("{} answered {status}: {heading}", url.split('?').next().unwrap_or_default());
        }
        Ok(Next::Page(Page { url: url.to_owned(), html }))
    }

    /// Her cookies are the server's; a terminal's loopback address gets none.
    fn cookie_header(&self, url: &str) -> String {
        if !url.starts_with(&self.server) {
            return String::new();
        }
        self.cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

enum Next {
    Page(Page),
    GoTo(String),
}

fn hidden_fields(form: &str) -> BTreeMap<String, String> {
    form.split("<input type=\"hidden\"")
        .skip(1)
        .filter_map(|input| {
            let input = input.split('>').next()?;
            Some((
                between(input, "name=\"", "\"")?.to_owned(),
                unescape(between(input, "value=\"", "\"")?),
            ))
        })
        .collect()
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inside, _)| inside)
}

/// The character references that our templates write.
fn unescape(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&").replace("&#34;", "\"").replace("&#39;", "'")
}
