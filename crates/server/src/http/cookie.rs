//! The session cookie.
//!
//! `__Host-hp` on https; `hp_<port>` without `Secure` on loopback http, because
//! cookies do not know ports and several servers may run on one machine.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::Response;
use hallpass_core::{PublicUrl, Secret};
use hallpass_issuer::SignedIn;
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::failure;
use crate::app::App;

/// The text of the session cookie, if one was sent. It may be stale or made up:
/// [`Visitor`] says whether it holds.
#[derive(Clone, Debug)]
pub struct SessionCookie(pub Option<Secret>);

impl FromRequestParts<App> for SessionCookie {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self(find(&parts.headers, &name(app.public_url()))))
    }
}

/// Who is looking at a page: the cookie, and the person if it is a live session.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The cookie as sent; what CSRF tokens are bound to.
    pub cookie: Option<Secret>,
    /// The signed-in person, if the cookie is a live session.
    pub signed_in: Option<SignedIn>,
}

impl Visitor {
    /// Cookie and person, for pages that only a signed-in person sees.
    pub fn require(&self) -> Option<(&Secret, &SignedIn)> {
        Some((self.cookie.as_ref()?, self.signed_in.as_ref()?))
    }
}

impl FromRequestParts<App> for Visitor {
    /// A page that says that nobody could be asked.
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let cookie = find(&parts.headers, &name(app.public_url()));
        let signed_in = match &cookie {
            Some(cookie) => app
                .issuer()
                .session(cookie.expose())
                .await
                .map_err(|error| failure::page(app, &error))?,
            None => None,
        };
        Ok(Self { cookie, signed_in })
    }
}

/// What the session cookie of this deployment is called.
pub fn name(public_url: &PublicUrl) -> String {
    if public_url.is_https() { "__Host-hp".to_owned() } else { format!("hp_{}", public_url.port()) }
}

/// A `Set-Cookie` value that hands `session` to the browser.
pub fn set(app: &App, session: &Secret) -> HeaderValue {
    let lifetime = app.settings().session_max.as_secs();
    build(app.public_url(), session.expose(), lifetime)
}

/// A `Set-Cookie` value that takes the session back.
pub fn clear(app: &App) -> HeaderValue {
    build(app.public_url(), "", 0)
}

fn build(public_url: &PublicUrl, value: &str, max_age: u64) -> HeaderValue {
    build_named(&name(public_url), public_url, value, max_age)
}

/// A cookie for the whole of this deployment and for nobody else; `max_age` in seconds.
pub(crate) fn build_named(
    name: &str,
    public_url: &PublicUrl,
    value: &str,
    max_age: u64,
) -> HeaderValue {
    // Lax, not Strict: an authorization request arrives by a link from elsewhere
    // and has to find the person signed in.
    let secure = if public_url.is_https() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}");
    let mut header = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// The one cookie called `name`. Two of them are none: one was planted.
pub(crate) fn find(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let mut found = None;
    for line in headers.get_all(COOKIE) {
        for pair in line.as_bytes().split(|byte| *byte == b';') {
            let Some((key, value)) = std::str::from_utf8(pair).ok()?.trim().split_once('=') else {
                continue;
            };
            if key == name && found.replace(Secret::new(value)).is_some() {
                return None;
            }
        }
    }
    found.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&str]) -> Option<Secret> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().expect("header"));
        }
        find(&headers, "hp_8470")
    }

    // proves: attack-35
    #[test]
    fn one_cookie_or_none() {
        assert_eq!(sent(&["a=b; hp_8470=x; c=d"]), Some(Secret::new("x")));
        assert_eq!(sent(&["a=b", "hp_8470=x"]), Some(Secret::new("x")));
        assert_eq!(sent(&["hp_84700=x; xhp_8470=y; hp_8470"]), None);
        assert_eq!(sent(&["hp_8470="]), None);
        assert_eq!(sent(&["hp_8470=x; hp_8470=y"]), None);
        assert_eq!(sent(&["hp_8470=x", "hp_8470=y"]), None);
    }

    #[test]
    fn it_is_locked_to_its_host() {
        let https = PublicUrl::parse("https://id.example.com").expect("url");
        assert_eq!(
            build(&https, "v", 60),
            "__Host-hp=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"
        );
        let http = PublicUrl::parse("http://localhost:8470").expect("url");
        assert_eq!(build(&http, "v", 60), "hp_8470=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
    }
}
