//! Who is at the other end: the socket's address, or what a named proxy says.
//!
//! `X-Forwarded-For` counts only if the socket's own peer is a proxy that the
//! configuration names (C17, attack-38), and is then read from the right: the first
//! address that is no named proxy is the visitor's. Anything further left was
//! written by the visitor and is ignored.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use hallpass_core::text::presentable;
use hallpass_issuer::Origin;
use http::header::USER_AGENT;
use http::request::Parts;
use http::{Extensions, HeaderMap};

use crate::app::App;
use crate::config::Network;

/// Longest user agent that is kept; it is only ever shown to its owner.
const MAX_USER_AGENT: usize = 200;

/// What the accept loop knows about a connection; a request extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The other end of the TCP connection.
    pub address: IpAddr,
    /// Whether the connection is TLS that ends here.
    pub tls: bool,
}

/// The requester, as far as this server saw it itself. An extractor that never fails.
#[derive(Clone, Debug)]
pub struct Peer(pub Origin);

impl FromRequestParts<App> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self(origin(&parts.extensions, &parts.headers, app)))
    }
}

/// The requester, as far as this server saw it itself.
pub(crate) fn origin(extensions: &Extensions, headers: &HeaderMap, app: &App) -> Origin {
    let user_agent = headers
        .get(USER_AGENT)
        .map(|agent| presentable(&String::from_utf8_lossy(agent.as_bytes()), MAX_USER_AGENT));
    Origin { address: address_of(extensions, headers, app), user_agent }
}

/// The visitor's address; unknown if there is no socket, as in a test.
pub(crate) fn address_of(
    extensions: &Extensions,
    headers: &HeaderMap,
    app: &App,
) -> Option<IpAddr> {
    let socket = extensions.get::<Socket>()?;
    Some(visitor(socket.address, headers, app.trusted_proxies()))
}

/// The visitor's address behind `socket`.
fn visitor(socket: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let named = |at: IpAddr| proxies.iter().any(|network| network.contains(at));
    let mut seen = socket.to_canonical();
    if !named(seen) {
        return seen;
    }
    // Several header lines mean the same as one with commas (RFC 9110 §5.3).
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    for entry in lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|b| *b == b',')) {
        // An entry that is no address was not written by a proxy worth believing;
        // what is known so far stands.
        let Some(address) = std::str::from_utf8(entry).ok().and_then(|text| address(text.trim()))
        else {
            break;
        };
        seen = address;
        if !named(seen) {
            break;
        }
    }
    seen
}

/// An address, with or without brackets and port, as proxies write them.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare.or_else(with_port).or_else(bracketed).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(socket: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().expect("header"));
        }
        let proxies: Vec<_> =
            proxies.iter().map(|p| p.parse::<Network>().expect("network")).collect();
        visitor(socket.parse().expect("address"), &headers, &proxies).to_string()
    }

    // proves: C17
    #[test]
    fn only_a_named_proxy_is_believed() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(seen("10.1.2.3", &["198.51.100.1"], &["10.0.0.0/8"]), "198.51.100.1");
        assert_eq!(seen("::ffff:10.1.2.3", &["198.51.100.1"], &["10.0.0.0/8"]), "198.51.100.1");
    }

    // proves: C17
    #[test]
    fn what_the_visitor_wrote_is_ignored() {
        let proxies = ["10.0.0.0/8"];
        assert_eq!(
            seen("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"], &proxies),
            "198.51.100.1"
        );
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, nonsense"], &proxies), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, ,10.0.0.2"], &proxies), "10.0.0.2");
        assert_eq!(seen("10.0.0.1", &[""], &proxies), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["[2001:db8::7]:4711"], &proxies), "2001:db8::7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1:99"], &proxies), "198.51.100.1");
    }
}
