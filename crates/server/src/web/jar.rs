//! Short-lived cookies beside the session's: what a form is bound to before anybody is
//! signed in, and codes on their way from one page to the next, so that no address has
//! them.

use hallpass_core::token::TokenText;
use hallpass_core::{PublicUrl, Secret};
use http::{HeaderMap, HeaderValue};

use crate::app::App;
use crate::http::cookie;

/// One cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jar {
    /// Made at random; the forms of `/signin` and `/setup` are bound to it.
    Visit,
    /// The setup code, from the link to the form.
    Setup,
    /// The secret of an invitation, from the link to the form.
    Invitation,
    /// The user code, from the form to the page that confirms it.
    Device,
}

/// Nothing of ours is longer.
const MAX_LEN: usize = 128;

impl Jar {
    /// Its value in this request, if it is one that we could have set.
    pub(super) fn read(self, app: &App, headers: &HeaderMap) -> Option<Secret> {
        cookie::find(headers, &self.name(app.public_url())).filter(|value| is_ours(value.expose()))
    }

    /// A `Set-Cookie` value that keeps `value`; `None` if it is none of ours.
    pub(super) fn keep(self, app: &App, value: &str) -> Option<HeaderValue> {
        is_ours(value).then(|| self.build(app.public_url(), value, self.lifetime()))
    }

    /// A `Set-Cookie` value that forgets it.
    pub(super) fn forget(self, app: &App) -> HeaderValue {
        self.build(app.public_url(), "", 0)
    }

    /// The suffix keeps them apart; the rest is as for the session cookie.
    fn name(self, public_url: &PublicUrl) -> String {
        let suffix = match self {
            Self::Visit => "visit",
            Self::Setup => "setup",
            Self::Invitation => "invitation",
            Self::Device => "device",
        };
        let separator = if public_url.is_https() { '-' } else { '_' };
        format!("{}{separator}{suffix}", cookie::name(public_url))
    }

    /// Seconds.
    fn lifetime(self) -> u64 {
        match self {
            Self::Visit => 86_400,
            Self::Setup | Self::Invitation => 1_800,
            Self::Device => 600,
        }
    }

    fn build(self, public_url: &PublicUrl, value: &str, max_age: u64) -> HeaderValue {
        cookie::build_named(&self.name(public_url), public_url, value, max_age)
    }
}

/// The cookie that forms are bound to before anybody is signed in. The one that is there
/// stays, or a second tab would make the form of the first one useless.
pub(super) fn visit(app: &App, headers: &HeaderMap) -> (Secret, Option<HeaderValue>) {
    if let Some(known) = Jar::Visit.read(app, headers) {
        return (known, None);
    }
    let fresh = TokenText::mint_with_prefix("", app.random()).into_secret();
    let cookie = Jar::Visit.keep(app, fresh.expose());
    (fresh, cookie)
}

fn is_ours(value: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !value.is_empty() && value.len() <= MAX_LEN && value.bytes().all(plain)
}
