//! Where to go after signing in: a path of this very server, and nothing else.
//!
//! An open redirector helps phishing and leaks codes (A19). The rule is an allow-list
//! over the bytes, not a list of bad ones: a slash, then what a URL's path and query
//! may consist of, without the places where browsers and parsers are known to
//! disagree. What a browser then makes of it must still be ours.

use std::fmt;

use hallpass_core::PublicUrl;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::path::AUTHORIZE;
use hallpass_issuer::authorize::MAX_CARRIED;
use url::Url;

/// A path and query of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReturnTo(String);

impl ReturnTo {
    /// The front page.
    pub(crate) fn home() -> Self {
        Self("/".to_owned())
    }

    /// `text`, if it is a path of this server and not one that would lead back to
    /// signing in; the front page otherwise.
    pub(crate) fn parse(text: &str, public_url: &PublicUrl) -> Self {
        Self::checked(text, public_url).unwrap_or_else(Self::home)
    }

    fn checked(text: &str, public_url: &PublicUrl) -> Option<Self> {
        // RFC 3986 §3.3 and §3.4: pchar, "/" and "?". No backslash, no control
        // character, no white space, no fragment, nothing that is not ASCII.
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&b);
        if text.len() > MAX_CARRIED || !text.bytes().all(allowed) || !text.starts_with('/') {
            return None;
        }
        let path = text.split('?').next().unwrap_or_default();
        // Empty, dot and encoded segments are what parsers disagree about. Ours have none.
        if path.contains("//") || path.contains("/.") || path.contains('%') {
            return None;
        }
        // What a browser makes of it: same origin, and nothing normalised away.
        let base = Url::parse(public_url.issuer()).ok()?;
        let joined = base.join(text).ok()?;
        let unchanged = joined.as_str().strip_prefix(public_url.issuer()) == Some(text);
        let circles = ["/signin", "/signout", "/setup"].contains(&path);
        (joined.origin() == base.origin() && unchanged && !circles).then(|| Self(text.to_owned()))
    }

    /// The path and query.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The sign-in page that comes back here afterwards.
    pub(crate) fn through_signin(&self) -> String {
        if self.0 == "/" {
            return "/signin".to_owned();
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("return_to", &self.0);
        format!("/signin?{}", query.finish())
    }

    /// The authorization request that waits there, if one does.
    pub(crate) fn authorization_request(&self) -> Option<Params> {
        let (path, query) = self.0.split_once('?')?;
        if path != AUTHORIZE {
            return None;
        }
        Params::parse(query.as_bytes()).ok()
    }

    /// What the person is about to do, for the sign-in page.
    pub(crate) fn purpose(&self) -> Option<&'static str> {
        match self.path() {
            AUTHORIZE => Some("A program asks to be signed in as you. First, who are you?"),
            path if path.starts_with("/device") => {
                Some("To look at the code that your terminal shows.")
            }
            "/invitation" => Some("To accept the invitation."),
            path if path.starts_with("/settings/") => Some("To see your settings."),
            _ => None,
        }
    }

    fn path(&self) -> &str {
        self.0.split('?').next().unwrap_or_default()
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> String {
        let ours = PublicUrl::parse("https://id.example.com").expect("a public URL");
        ReturnTo::parse(text, &ours).to_string()
    }

    // proves: A19
    #[test]
    fn paths_of_our_own_are_kept_to_the_letter() {
        for path in [
            "/",
            "/device",
            "/device?user_code=WDJB-MJHT",
            "/settings/sessions",
            "/oauth/authorize?client_id=a&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F&state=%2F%2Fx",
            "/oauth/authorize?state=a//b&x=https://evil.example/",
            "/a?b?c",
        ] {
            assert_eq!(parse(path), path);
        }
    }

    // proves: A19
    #[test]
    fn everything_else_leads_home() {
        for bad in [
            "",
            "device",
            "//evil.example",
            "///evil.example",
            "////evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "\\\\evil.example",
            "/\\/evil.example",
            "//evil.example/%2f..",
            "/%2f/evil.example",
            "/%2F%2Fevil.example",
            "/%5cevil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/ /evil.example",
            "\u{0}//evil.example",
            "\u{a0}//evil.example",
            "/\u{2028}/evil.example",
            "/\u{ff0f}evil.example",
            "/\u{2215}evil.example",
            "https://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "https:",
            "https://id.example.com/",
            "https://id.example.com@evil.example/",
            "https://id.example.com.evil.example/",
            "http://id.example.com/",
            "HTTPS://EVIL.EXAMPLE",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "/javascript:alert(1)\n",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "mailto:a@b",
            "@evil.example",
            ":@evil.example",
            ".evil.example",
            "?//evil.example",
            "#/device",
            "/#@evil.example",
            "/device#x",
            "/.",
            "/..",
            "/../",
            "/./device",
            "/device/../x",
            "/.//evil.example",
            "/..//evil.example",
            "/%2e%2e/x",
            "/%2e/x",
            "/device%00",
            "/\"onfocus=alert(1)",
            "/<script>",
            "/a b",
            "/a|b",
            "/a^b",
            "/a`b",
            "/a{b}",
            "/[::1]",
            "/é",
            "/signin",
            "/signin?return_to=/x",
            "/signout",
            "/setup",
            &format!("/{}", "a".repeat(MAX_CARRIED)),
        ] {
            assert_eq!(parse(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn signing_in_comes_back() {
        let ours = PublicUrl::parse("https://id.example.com").expect("a public URL");
        let there = ReturnTo::parse("/device?user_code=WDJB-MJHT", &ours);
        assert_eq!(there.through_signin(), "/signin?return_to=%2Fdevice%3Fuser_code%3DWDJB-MJHT");
        assert_eq!(ReturnTo::home().through_signin(), "/signin");
    }
}
