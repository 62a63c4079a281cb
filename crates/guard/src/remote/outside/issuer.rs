//! Whom to trust, as an API author says it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hallpass_core::public_url::is_loopback;
use hallpass_core::{PublicUrl, Scope};
use url::Url;

use super::Claims;

/// An ID token is refused when it was issued longer ago, unless told otherwise.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// What the API lets somebody do, by what their ID token says.
type ScopeOf = Arc<dyn Fn(&Claims) -> Scope + Send + Sync>;

/// An outside issuer whose ID tokens an API trusts, for
/// [`Connect::trust`](crate::remote::Connect::trust).
///
/// ```
/// # use hallpass_guard::remote::OutsideIssuer;
/// OutsideIssuer::new("https://accounts.example.com", "registry-cli");
/// ```
#[derive(Clone)]
#[must_use = "it is not trusted before `Connect::trust`"]
pub struct OutsideIssuer {
    issuer: String,
    client_id: String,
    http_on_loopback: bool,
    max_age: Duration,
    scope: Option<ScopeOf>,
}

/// Why an outside issuer cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIssuer {
    /// Not a URL with a host.
    #[error("it is not a URL; it should look like https://accounts.example.com")]
    NotAUrl,
    /// Not https, nor http on loopback where that was allowed by name.
    #[error("it must be https; for a test on loopback call `http_on_loopback`")]
    Scheme,
    /// An issuer identifier has none of these (OIDC Core §2).
    #[error("it must have no query, fragment or user name")]
    MoreThanPath,
    /// It is the hallpass server's own address.
    #[error(
        "it is the hallpass server; its access tokens are trusted already, and its ID tokens are no credentials"
    )]
    Ours,
    /// It was named before.
    #[error("it is named twice; name it once, with the one client id that its tokens are for")]
    Twice,
    /// No client id.
    #[error("it has no client id; give the one that its ID tokens are made out for")]
    NoClientId,
}

impl fmt::Debug for OutsideIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutsideIssuer")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

impl OutsideIssuer {
    /// The issuer `issuer`, whose ID tokens for the client `client_id` are good. Both are
    /// compared byte for byte: a slash at the end counts.
    pub fn new(issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            http_on_loopback: false,
            max_age: MAX_AGE,
            scope: None,
        }
    }

    /// Refuses ID tokens that were issued longer ago, though they have not expired; 24 hours by
    /// default. A shorter time makes up a little for that nobody can revoke them.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// What scope of this API's own somebody has, by what their ID token says, for
    /// [`Guard::require`](crate::Guard::require). By default none. No scope makes up for a role:
    /// [`Require`](crate::axum::Require) refuses whoever comes from outside.
    ///
    /// ```
    /// # use hallpass_guard::{OutsideIssuer, Scope};
    /// OutsideIssuer::new("https://accounts.example.com", "registry-cli").scope(|claims| {
    ///     let staff = claims.get("hd") == Some(&"example.com".into());
    ///     if staff { ["publish"].into_iter().collect() } else { Scope::empty() }
    /// });
    /// ```
    pub fn scope<F>(mut self, of: F) -> Self
    where
        F: Fn(&Claims) -> Scope + Send + Sync + 'static,
    {
        self.scope = Some(Arc::new(of));
        self
    }

    /// Lets the issuer be at `http://localhost`, `127.0.0.1` or `[::1]`, for tests. Anywhere else
    /// it stays https.
    pub fn http_on_loopback(mut self) -> Self {
        self.http_on_loopback = true;
        self
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(super) fn longest_age(&self) -> Duration {
        self.max_age
    }

    pub(super) fn is_on_loopback(&self) -> bool {
        self.http_on_loopback
    }

    pub(super) fn scope_of(&self, claims: &Claims) -> Scope {
        self.scope.as_ref().map(|of| of(claims)).unwrap_or_default()
    }

    /// Whether it, or its keys, may be at `url`. Only who is on loopback itself sends us there.
    pub(super) fn may_be_asked_at(&self, url: &Url) -> bool {
        let here = Url::parse(&self.issuer).is_ok_and(|issuer| is_loopback(&issuer));
        let nobody = url.username().is_empty() && url.password().is_none();
        nobody
            && match url.scheme() {
                "https" => here || !is_loopback(url),
                "http" => here && is_loopback(url) && self.http_on_loopback,
                _ => false,
            }
    }

    /// Whether it can be trusted by an API whose own issuer is `ours`.
    pub(super) fn check(&self, ours: &PublicUrl) -> Result<(), BadIssuer> {
        // What a URL parser would leave out, nobody sends.
        if !self.issuer.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadIssuer::NotAUrl);
        }
        let url = Url::parse(&self.issuer).map_err(|_| BadIssuer::NotAUrl)?;
        if url.host().is_none() {
            return Err(BadIssuer::NotAUrl);
        }
        if self.issuer.contains(['?', '#', '@']) {
            return Err(BadIssuer::MoreThanPath);
        }
        // Our server has its host to itself.
        if url.origin().ascii_serialization() == ours.origin() {
            return Err(BadIssuer::Ours);
        }
        if !self.may_be_asked_at(&url) {
            return Err(BadIssuer::Scheme);
        }
        if self.client_id.is_empty() {
            return Err(BadIssuer::NoClientId);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_be_trusted() {
        let ours = PublicUrl::parse("https://id.example").expect("a public URL");
        let check = |issuer: &str| OutsideIssuer::new(issuer, "cli").check(&ours);
        for good in [
            "https://accounts.example.com",
            "https://accounts.example.com/",
            "https://login.example.com/tenant/v2.0",
            "https://accounts.example.com:8443",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("accounts.example.com", BadIssuer::NotAUrl),
            ("", BadIssuer::NotAUrl),
            (" https://accounts.example.com", BadIssuer::NotAUrl),
            ("https://accounts.example.com\n", BadIssuer::NotAUrl),
            ("https://äccounts.example.com", BadIssuer::NotAUrl),
            ("data:text/plain,x", BadIssuer::NotAUrl),
            ("https://me@accounts.example.com", BadIssuer::MoreThanPath),
            ("https://accounts.example.com/?tenant=1", BadIssuer::MoreThanPath),
            ("https://accounts.example.com/#x", BadIssuer::MoreThanPath),
            ("http://accounts.example.com", BadIssuer::Scheme),
            ("ftp://accounts.example.com", BadIssuer::Scheme),
            ("http://localhost:8080", BadIssuer::Scheme),
            ("http://127.0.0.1.example.com", BadIssuer::Scheme),
            ("https://id.example", BadIssuer::Ours),
            ("https://ID.example/", BadIssuer::Ours),
            ("https://id.example:443/realm", BadIssuer::Ours),
        ] {
            assert_eq!(check(bad), Err(why), "{bad}");
        }
        let nobody = OutsideIssuer::new("https://accounts.example.com", "");
        assert_eq!(nobody.check(&ours), Err(BadIssuer::NoClientId));
        let here = |issuer: &str| OutsideIssuer::new(issuer, "cli").http_on_loopback().check(&ours);
        for good in ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080/realm"] {
            assert_eq!(here(good), Ok(()), "{good}");
        }
        for bad in
            ["http://accounts.example.com", "http://localhost.example.com", "http://10.0.0.1"]
        {
            assert_eq!(here(bad), Err(BadIssuer::Scheme), "{bad}");
        }
    }

    #[test]
    fn where_keys_may_come_from() {
        let asked = |issuer: &OutsideIssuer, url: &str| {
            issuer.may_be_asked_at(&Url::parse(url).expect("a URL"))
        };
        let far = OutsideIssuer::new("https://accounts.example.com", "cli").http_on_loopback();
        assert!(asked(&far, "https://www.example.net/keys"));
        for bad in [
            "http://www.example.net/keys",
            "http://localhost/keys",
            "https://localhost/keys",
            "https://127.0.0.1/keys",
            "https://[::1]/keys",
            "https://me:secret@www.example.net/keys",
            "file:///etc/keys",
        ] {
            assert!(!asked(&far, bad), "{bad}");
        }
        let here = OutsideIssuer::new("http://localhost:8080", "cli").http_on_loopback();
        assert!(asked(&here, "http://127.0.0.1:8080/keys"));
        assert!(asked(&here, "https://www.example.net/keys"));
        assert!(!asked(&here, "http://www.example.net/keys"));
    }
}
