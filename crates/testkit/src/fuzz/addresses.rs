//! Addresses that decide where a code goes.

use hallpass_core::PublicUrl;
use hallpass_core::redirect::RegisteredRedirect;
use url::{Host, Url};

use super::text;

/// Registered addresses to try every input against.
const REGISTERED: [&str; 6] = [
    "http://127.0.0.1/callback",
    "http://127.0.0.1:8080/",
    "http://[::1]/callback?x=1",
    "http://localhost:3000/cb",
    "https://app.example.com/cb",
    "com.example.app:/oauth",
];

/// The input is a requested address, tried against [`REGISTERED`]; if it has two lines,
/// the first is what was registered.
pub fn redirect(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for registered in REGISTERED {
        accepted_only_if_safe(registered, text);
    }
    if let Some((registered, requested)) = text.split_once('\n') {
        accepted_only_if_safe(registered, requested);
    }
}

/// Accepted means: the same string, or the same but for the port of a loopback literal,
/// as a browser would read it and as a person would.
fn accepted_only_if_safe(registered: &str, requested: &str) {
    let Ok(known) = RegisteredRedirect::parse(registered) else { return };
    assert_eq!(known.as_str(), registered);
    assert!(known.matches(registered));
    if !known.matches(requested) || registered == requested {
        return;
    }
    // As a browser reads it (the WHATWG URL standard).
    let url = Url::parse(requested).expect("a URL");
    let loopback = match url.host().expect("a host") {
        Host::Ipv4(ip) => ip.octets() == [127, 0, 0, 1],
        Host::Ipv6(ip) => ip.segments() == [0, 0, 0, 0, 0, 0, 0, 1],
        Host::Domain(_) => false,
    };
    assert!(loopback, "{requested} is not a loopback literal");
    assert_eq!(url.scheme(), "http");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    let registered_url = Url::parse(registered).expect("a URL");
    assert_eq!(url.path(), registered_url.path());
    assert_eq!(url.query(), registered_url.query());
    // As a person reads it: by hand, without any parser.
    let (host, _, rest) = by_hand(registered).expect("a registered loopback address");
    let (requested_host, port, requested_rest) = by_hand(requested).expect("a loopback address");
    assert_eq!((host, rest), (requested_host, requested_rest));
    let number: u32 = port.parse().unwrap_or(80);
    assert!((1..=65535).contains(&number) && !port.starts_with('0'), "{requested}");
}

/// Host, port (may be empty) and the rest of `http://HOST[:PORT]REST`, for loopback hosts only.
fn by_hand(address: &str) -> Option<(&'static str, &str, &str)> {
    let rest = address.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = &rest[host.len()..];
    let Some(after) = rest.strip_prefix(':') else { return Some((host, "", rest)) };
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let (port, rest) = after.split_at(digits);
    (!port.is_empty() && rest.starts_with('/')).then_some((host, port, rest))
}

/// A public URL has one spelling, and nothing but scheme, host and port.
pub fn public_url(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(url) = PublicUrl::parse(text) else { return };
    let issuer = url.issuer();
    assert_eq!(PublicUrl::parse(issuer).as_ref(), Ok(&url));
    assert!(!issuer.ends_with('/') && !issuer.contains(['?', '#', '@', '\\', ' ']));
    let (scheme, authority) = issuer.split_once("://").expect("a scheme");
    assert_eq!(authority, url.authority());
    assert!(!authority.contains('/'));
    let host = Url::parse(issuer).expect("a URL").host().expect("a host").to_owned();
    let loopback = match host {
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
        Host::Domain(name) => name == "localhost",
    };
    assert!(scheme == "https" || scheme == "http" && loopback, "{issuer}");
    assert_eq!(url.join("/x"), format!("{issuer}/x"));
}
