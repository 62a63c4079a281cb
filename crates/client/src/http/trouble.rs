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
    if why.contains("InvalidContentType") {
        return "what answers there does not speak TLS; is it http?".to_owned();
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

/// The same, where a proxy is on the way: who could not be reached may be that one.
pub(super) fn by_proxy(error: HttpError, proxy: Option<String>) -> HttpError {
    match (error, proxy) {
        (HttpError::Unreachable { host, why }, Some(proxy)) => {
            let proxy = presentable(&proxy, 100);
            HttpError::Unreachable { host, why: format!("{why} (through the proxy {proxy})") }
        }
        (error, _) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: client-J2
    #[test]
    fn a_proxy_on_the_way_is_named() {
        let refused = || HttpError::Unreachable {
            host: "id.example.com".to_owned(),
            why: "connection refused".to_owned(),
        };
        let said = by_proxy(refused(), Some("http://proxy.example:3128".to_owned())).to_string();
        assert!(said.contains("refused (through the proxy http://proxy.example:3128)"), "{said}");
        assert_eq!(by_proxy(refused(), None).to_string(), refused().to_string());
    }
}
