//! Asking outside issuers for their metadata and keys (attack-17, attack-42).
//!
//! https only, no redirect, no proxy from the environment, some seconds and some size; and what a
//! name resolves to is looked at before anything connects to it: addresses of this machine and
//! of private networks are none, unless the operator has named the issuer.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use hallpass_core::public_url::is_loopback;
use hallpass_issuer::federation::{Fetcher, NotFetched};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::ACCEPT;
use reqwest::redirect;
use url::{Host, Url};

/// For how long an answer is waited for, and a connection.
const PATIENCE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);
/// Why what is in a network of one's own is not asked.
const AT_HOME: &str = "it is at a private address; trust_private_issuers has to name it";
/// Longer than any metadata or key set.
const MAX_ANSWER: usize = 256 * 1024;

/// Who asks.
pub(crate) struct Outside {
    /// Issuers that may be on private addresses, byte for byte.
    private: Vec<String>,
}

impl Outside {
    pub(crate) fn new(private: Vec<String>) -> Self {
        Self { private }
    }

    /// Whether `issuer` is at an address that will be asked. A name that cannot be resolved now
    /// may be later.
    async fn examine(&self, issuer: &str) -> Result<(), NotFetched> {
        let Ok(url) = Url::parse(issuer) else { return Ok(()) };
        let private = self.private.iter().any(|known| known == issuer);
        may_be_asked(&url, issuer, private).map_err(|why| NotFetched(why.to_owned()))?;
        let Some(Host::Domain(name)) = url.host().filter(|_| !private) else { return Ok(()) };
        let found = tokio::time::timeout(CONNECT, tokio::net::lookup_host((name, 443))).await;
        let Ok(Ok(found)) = found else { return Ok(()) };
        let found: Vec<SocketAddr> = found.collect();
        if found.is_empty() || found.iter().any(|it| is_public(it.ip())) {
            return Ok(());
        }
        Err(NotFetched(AT_HOME.to_owned()))
    }

    async fn get(&self, issuer: &str, address: &str) -> Result<Vec<u8>, NotFetched> {
        let said = |what: &str| NotFetched(what.to_owned());
        let url = Url::parse(address).map_err(|_| said("an address of its metadata is no URL"))?;
        let private = self.private.iter().any(|known| known == issuer);
        may_be_asked(&url, issuer, private).map_err(said)?;
        let builder = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(CONNECT)
            .https_only(url.scheme() == "https")
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy();
        // Made anew each time: it is used twice in five minutes, and keeps no connection that
        // somebody else's name led to.
        let builder = if private { builder } else { builder.dns_resolver(PublicOnly) };
        let client = builder.build().map_err(|_| said("no request can be made"))?;
        let unreachable = |error: reqwest::Error| {
            NotFetched(format!("it cannot be reached: {}", error.without_url()))
        };
        let request = client.get(url).header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(NotFetched(format!(
                "it answers with status {}",
                response.status().as_u16()
            )));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(said("its answer is too long"));
            }
        }
        Ok(body)
    }
}

impl Fetcher for Outside {
    fn fetch<'a>(
        &'a self,
        issuer: &'a str,
        url: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, NotFetched>> + Send + 'a>> {
        Box::pin(self.get(issuer, url))
    }

    fn look<'a>(
        &'a self,
        issuer: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<(), NotFetched>> + Send + 'a>> {
        Box::pin(self.examine(issuer))
    }
}

/// Whether `url` is one that an issuer may be asked at.
fn may_be_asked(url: &Url, issuer: &str, private: bool) -> Result<(), &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address of its metadata has a user name");
    }
    if private {
        // A private issuer leads to nowhere but itself.
        let same = Url::parse(issuer).is_ok_and(|it| it.origin() == url.origin());
        let plain = url.scheme() == "https" || url.scheme() == "http" && is_loopback(url);
        return if same && plain { Ok(()) } else { Err("its jwks_uri is at another address") };
    }
    if url.scheme() != "https" {
        return Err(
            "it is not https; one on this machine has to be named in trust_private_issuers",
        );
    }
    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    if public { Ok(()) } else { Err(AT_HOME) }
}

/// Resolves names, and leaves out what is not on the public internet.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|it| is_public(it.ip())).collect();
            if public.is_empty() {
                return Err(std::io::Error::other(AT_HOME).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public internet (IANA's special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

/// The IPv4 address within an IPv6 one: mapped, compatible, NAT64 and 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let all = address.segments();
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match all {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => Some(four(high, low)),
        [0x64, 0xff9b, ..] => Some(four(all[6], all[7])),
        [0x2002, high, low, ..] => Some(four(high, low)),
        _ => None,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Only global unicast is given out, and of that not what is for documents and tunnels.
    (0x2000..0x4000).contains(&first)
        && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: attack-17
    #[test]
    fn where_an_issuer_may_be() {
        for public in ["1.1.1.1", "140.82.112.3", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "127.8.9.1",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "198.18.0.1",
            "192.0.0.1",
            "240.0.0.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "4000::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        let asked = |url: &str, issuer: &str, private| {
            Url::parse(url).is_ok_and(|url| may_be_asked(&url, issuer, private).is_ok())
        };
        let (far, here) = ("https://ci.example", "http://127.0.0.1:9000");
        assert!(asked("https://keys.example/jwks", far, false));
        for bad in [
            "http://ci.example/jwks",
            "https://127.0.0.1/jwks",
            "https://2130706433/jwks",
            "https://0x7f.1/jwks",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/",
            "https://me:pw@ci.example/",
            "file:///etc/passwd",
            "ftp://ci.example/",
            "data:application/json,{}",
        ] {
            assert!(!asked(bad, far, false), "{bad}");
        }
        assert!(!asked("http://127.0.0.1:9000/jwks", here, false));
        assert!(asked("http://127.0.0.1:9000/jwks", here, true));
        for elsewhere in ["http://127.0.0.1:9001/jwks", "https://ci.example/jwks"] {
            assert!(!asked(elsewhere, here, true), "{elsewhere}");
        }
        assert!(!asked("http://10.0.0.1/jwks", "http://10.0.0.1", true), "http is for loopback");
    }
}
