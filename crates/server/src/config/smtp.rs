//! Where a mail server is: `smtps://USER@HOST:PORT` or `smtp://USER@HOST:PORT`.

use std::fmt;

use url::Url;

use super::value::Value;

/// A mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// As whom we sign in there, if we do.
    pub user: Option<String>,
    /// How the connection is kept private.
    pub privacy: Privacy,
}

/// How a connection to a mail server is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// TLS from the start (RFC 8314 §3.3).
    Tls,
    /// STARTTLS, or nothing is sent (RFC 3207).
    StartTls,
    /// None: it does not leave the machine.
    Loopback,
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ({:?})", self.host, self.port, self.privacy)
    }
}

impl Value for SmtpUrl {
    fn read(text: &str) -> Result<Self, String> {
        // A password may be in it, so the text is not repeated.
        let wrong = || {
            "a mail server is written smtps://HOST or smtp://HOST:PORT, with USER@ before the host if it asks for one"
                .to_owned()
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        if url.password().is_some() {
            return Err("the password does not belong here; put it into a file and name that with smtp_password_file".to_owned());
        }
        let extra =
            !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
        let host = url.host_str().filter(|host| !host.is_empty() && !extra).ok_or_else(wrong)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let here = bare == "localhost"
            || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        // RFC 8314 §3.3, RFC 6409 §3.1, RFC 5321 §4.5.4.2.
        let (privacy, port) = match url.scheme() {
            "smtps" => (Privacy::Tls, 465),
            "smtp" if here => (Privacy::Loopback, 25),
            "smtp" => (Privacy::StartTls, 587),
            _ => return Err(wrong()),
        };
        let user = percent_decoded(url.username()).ok_or_else(wrong)?;
        Ok(Self {
            host: bare.to_owned(),
            port: url.port().unwrap_or(port),
            user: (!user.is_empty()).then_some(user),
            privacy,
        })
    }
}

/// A user is often an address, and its `@` is written `%40`.
fn percent_decoded(text: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    // As a form's key: `+` is a space there, and `&` and `=` would part it.
    if text.contains(['+', '&', '=']) {
        return None;
    }
    Some(pairs.next().map(|(key, _)| key.into_owned()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_private() {
        let read = |text: &str| {
            let url = SmtpUrl::read(text).expect(text);
            (url.host, url.port, url.user, url.privacy)
        };
        let (host, ada) = ("mail.example.com".to_owned(), Some("ada@example.com".to_owned()));
        assert_eq!(read("smtps://mail.example.com"), (host.clone(), 465, None, Privacy::Tls));
        let starttls = (host, 587, ada, Privacy::StartTls);
        assert_eq!(read("smtp://ada%40example.com@mail.example.com"), starttls);
        assert_eq!(read("smtp://localhost:2525/").3, Privacy::Loopback);
        assert_eq!(read("smtp://[::1]:2525"), ("::1".to_owned(), 2525, None, Privacy::Loopback));
        assert_eq!(read("smtp://192.0.2.1").3, Privacy::StartTls);
    }

    #[test]
    fn a_password_is_sent_elsewhere_and_not_repeated() {
        let error = SmtpUrl::read("smtps://ada:hush@mail.example.com").expect_err("a password");
        assert!(error.contains("smtp_password_file") && !error.contains("hush"), "{error}");
        for wrong in
            ["mail.example.com", "https://mail", "smtp://", "smtp://a?tls=no", "smtp://a/b"]
        {
            assert!(SmtpUrl::read(wrong).is_err(), "{wrong}");
        }
    }
}
