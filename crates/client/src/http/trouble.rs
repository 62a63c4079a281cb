//! What went wrong on the way, in words for people.

use hallpass_core::text::presentable;
use url::Url;

use super::{HttpError, authority};

/// What the TLS library says. It takes no certificate from a server that may sign others,
/// and `openssl req -x509` makes such a one if not told otherwise, so that has words.
pub(super) fn insecure(why: &str) -> String {
    if why.contains("CaUsedAsEndEntity") {
        return "its certificate is a certificate authority's own; make one for the server, \
            with basicConstraints=CA:FALSE"
            .to_owned();
    }
    presentable(why, 200)
}

pub(super) fn describe(error: ureq::Error, url: &Url) -> HttpError {
    let host = authority(url);
    let unreachable =
        |why: &str| HttpError::Unreachable { host: authority(url), why: why.to_owned() };
    match error {
        ureq::Error::Timeout(_) => HttpError::Timeout { host },
        ureq::Error::HostNotFound => unreachable("no such host"),
        ureq::Error::Rustls(error) => HttpError::Tls { host, why: insecure(&error.to_string()) },
        ureq::Error::Tls(why) => HttpError::Tls { host, why: why.to_owned() },
        ureq::Error::BodyExceedsLimit(limit) => {
            HttpError::Malformed { host, why: format!("it is larger than {limit} bytes") }
        }
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => {
            HttpError::Malformed { host, why: "it is not HTTP".to_owned() }
        }
        ureq::Error::ConnectProxyFailed(why) => {
            unreachable(&format!("the proxy refused: {}", presentable(&why, 100)))
        }
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            HttpError::Timeout { host }
        }
        // rustls reports a failed handshake this way.
        ureq::Error::Io(error)
            if error.kind() == std::io::ErrorKind::InvalidData && url.scheme() == "https" =>
        {
            HttpError::Tls { host, why: insecure(&error.to_string()) }
        }
        ureq::Error::Io(error) => unreachable(&match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            _ => presentable(&error.to_string(), 100),
        }),
        other => unreachable(&presentable(&other.to_string(), 100)),
    }
}
