//! The door of zero-auth mode (HP18): nobody has to sign in, so all depends on who can knock.
//!
//! | against | what is asked |
//! |---|---|
//! | other machines | the server listens on loopback alone, and the peer is on it |
//! | a name that somebody else lets lead here (DNS rebinding) | `Host` is localhost or a loopback address |
//! | pages of other sites (CSRF) | `Origin` is our own; a browser's requests come from our own pages, or follow a link |
//! | a proxy that opens the door to others | none of its headers is there |
//!
//! Whoever is let in acts as the one person there is: what they present is put into the request
//! here, and from then on everything is as always.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use hallpass_core::public_url::{PublicUrl, is_loopback};
use hallpass_core::wire::path::CHECK;
use http::header::{AUTHORIZATION, CONNECTION, COOKIE, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

use crate::app::App;
use crate::config::Settings;
use crate::http::peer::Socket;
use crate::http::{cookie, failure, headers};
use crate::observe::Seen;
use crate::serve::Failure;

/// By which a proxy says that it asks for somebody else (RFC 7239, RFC 9110 §7.6.3, and those that
/// were there before).
const OF_PROXIES: [&str; 9] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "x-original-url",
];
/// The route in logs and metrics: it does not matter which was meant.
const NO_ROUTE: &str = "none";

/// What cannot go together with a server where nobody has to sign in: it is never open by a slip.
pub(crate) fn check(settings: &Settings) -> Result<(), Failure> {
    if !settings.local {
        return Ok(());
    }
    let open = settings.listen.iter().any(|listen| !listen.is_loopback());
    let far = |url: &PublicUrl| !is_here(url);
    let why = match () {
        () if open => {
            "listen names an address that others can reach; leave it away, or listen on localhost:8470"
        }
        () if settings.public_url.as_ref().is_some_and(far) => {
            "public_url is an address elsewhere; leave it away"
        }
        () if settings.tls_cert.is_some() || settings.tls_key.is_some() => {
            "a certificate is for a server that others can reach; leave tls_cert and tls_key away"
        }
        () if !settings.trusted_proxies.is_empty() => {
            "a proxy opens the door to others; leave trusted_proxies away"
        }
        () if settings.database_url.is_some() || settings.database_url_file.is_some() => {
            "a database that other servers may use cannot be open here; leave the database URL away"
        }
        () if settings.outside_issuer.is_some() || settings.outside_client_id.is_some() => {
            "an outside issuer is there to sign in at; leave outside_issuer and outside_client_id away"
        }
        () => return Ok(()),
    };
    Err(Failure::Settings(format!(
        "in local mode nobody has to sign in, so only this machine is answered, and {why}; or start without local mode, and people sign in"
    )))
}

/// The same, of the public URL that was kept at an earlier start.
pub(crate) fn check_kept(settings: &Settings, url: &PublicUrl) -> Result<(), Failure> {
    if !settings.local || is_here(url) {
        return Ok(());
    }
    Err(Failure::Settings(format!(
        "this server's public URL is {url}, so it was meant for others, and in local mode nobody would have to sign in; start without --local"
    )))
}

/// Somebody has an account: their things are not opened to whoever comes.
pub(crate) fn has_accounts() -> Failure {
    Failure::Settings(
        "people have accounts at this server, and in local mode nobody would have to sign in; start without --local, or name another directory with --data-dir"
            .to_owned(),
    )
}

fn is_here(url: &PublicUrl) -> bool {
    Url::parse(url.issuer()).is_ok_and(|url| url.scheme() == "http" && is_loopback(&url))
}

/// Lets a request in as the one person there is, or answers it.
pub(crate) async fn admit(app: &App, request: &mut Request) -> Result<(), Box<Response>> {
    let socket = request.extensions().get::<Socket>().map(|socket| socket.address);
    let authority = request.uri().authority().cloned();
    let asked = (request.method(), request.headers());
    if let Err(why) = knock(socket, authority.as_ref(), asked.0, asked.1) {
        return Err(Box::new(refusal(app, request, why)));
    }
    let path = request.uri().path();
    if path.starts_with("/api/") || path == CHECK {
        if let Some(token) = app.issuer().local_token()
            && !request.headers().contains_key(AUTHORIZATION)
        {
            let text = format!("Bearer {}", token.expose());
            request.headers_mut().insert(AUTHORIZATION, secret(&text));
        }
        return Ok(());
    }
    match app.issuer().local_cookie().await {
        Ok(Some(session)) => {
            let name = cookie::name(app.public_url());
            with_cookie(request.headers_mut(), &name, session.expose());
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(error) => Err(Box::new(failure::page(app, &error))),
    }
}

/// Whether whoever knocks is on this machine, and means this server.
fn knock(
    socket: Option<IpAddr>,
    authority: Option<&Authority>,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), &'static str> {
    // No socket: called in process, by a test.
    if socket.is_some_and(|address| !address.to_canonical().is_loopback()) {
        return Err("it came from another machine");
    }
    if OF_PROXIES.iter().any(|name| headers.contains_key(*name)) {
        return Err("it came through a proxy");
    }
    let host = one(headers, HOST).ok_or("it does not say which host it is for")?;
    let named = host.parse::<Authority>().map_err(|_| "its Host is none")?;
    if !is_this_machine(&named) || authority.is_some_and(|named| !is_this_machine(named)) {
        return Err("its Host is not localhost, nor a loopback address");
    }
    if headers.contains_key(ORIGIN) {
        let ours = format!("http://{host}");
        if !one(headers, ORIGIN).is_some_and(|origin| origin.eq_ignore_ascii_case(&ours)) {
            return Err("a page of another site sent it");
        }
    }
    // Browsers set these, and pages cannot (Fetch Metadata). A link from elsewhere may be
    // followed: a GET changes nothing, and nobody else can read the page.
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = matches!(said("sec-fetch-site"), None | Some("same-origin" | "none"));
    let followed = matches!(*method, Method::GET | Method::HEAD)
        && said("sec-fetch-mode") == Some("navigate")
        && said("sec-fetch-dest") == Some("document");
    if ours || followed { Ok(()) } else { Err("a page of another site sent it") }
}

/// The one value of a header; two of them are none.
fn one(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none())?.to_str().ok()
}

fn is_this_machine(authority: &Authority) -> bool {
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let address = bare.parse::<IpAddr>().map(|address| address.to_canonical());
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// The session that a browser sent, if it did, is another time's.
fn with_cookie(headers: &mut HeaderMap, name: &str, session: &str) {
    let others: Vec<String> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|pair| pair.split_once('=').is_some_and(|(key, _)| key != name))
        .map(str::to_owned)
        .collect();
    let all: Vec<_> = others.into_iter().chain([format!("{name}={session}")]).collect();
    headers.insert(COOKIE, secret(&all.join("; ")));
}

fn secret(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

fn refusal(app: &App, request: &Request<Body>, why: &str) -> Response {
    let seen = Seen::begin(app, request);
    let text = format!(
        "This server is in local mode and answers programs and pages of this machine alone: {why}.\n"
    );
    let mut response = (StatusCode::FORBIDDEN, text).into_response();
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    headers::complete(response.headers_mut(), app.public_url().is_https());
    seen.end(app, NO_ROUTE, response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    fn heard(method: Method, pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("header"));
        }
        knock(None, None, &method, &headers).is_ok()
    }

    // proves: HP18
    #[test]
    fn whoever_knocks_is_on_this_machine_and_means_this_server() {
        for host in ["localhost:8470", "LOCALHOST", "127.0.0.1:1", "127.8.9.1", "[::1]:8470"] {
            assert!(heard(Method::POST, &[("host", host)]), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8470",
            "localhost.evil.example",
            "localhost.",
            "me@localhost",
            "127.0.0.1.nip.io",
            "10.0.0.1",
            "[::ffff:10.0.0.1]",
            "0.0.0.0",
            "",
        ] {
            assert!(!heard(Method::GET, &[("host", host)]), "{host}");
        }
        assert!(!heard(Method::GET, &[]), "HTTP/1.0");
        assert!(!heard(Method::GET, &[("host", "localhost"), ("host", "localhost")]));
        let elsewhere = Authority::from_static("evil.example");
        let host = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
        assert!(knock(None, Some(&elsewhere), &Method::GET, &host).is_err());
        let far = Some("10.0.0.1".parse().expect("address"));
        assert!(knock(far, None, &Method::GET, &host).is_err());
        let near = Some("::ffff:127.0.0.1".parse().expect("address"));
        assert!(knock(near, None, &Method::GET, &host).is_ok());
    }

    // proves: HP18
    #[test]
    fn no_page_of_another_site_and_no_proxy_is_heard() {
        let with = |method: Method, more: &[(&'static str, &str)]| {
            heard(method, &[&[("host", "localhost:8470")], more].concat())
        };
        assert!(with(Method::POST, &[("origin", "http://localhost:8470")]));
        assert!(with(Method::POST, &[("sec-fetch-site", "same-origin")]));
        assert!(with(Method::GET, &[("sec-fetch-site", "none")]));
        for origin in [
            "null",
            "https://localhost:8470",
            "http://localhost:3000",
            "http://127.0.0.1:8470",
            "http://evil.example",
            "",
        ] {
            assert!(!with(Method::POST, &[("origin", origin)]), "{origin}");
            assert!(!with(Method::GET, &[("origin", origin)]), "{origin}");
        }
        let link = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert!(with(Method::GET, &link), "a link was followed");
        assert!(!with(Method::POST, &link), "a form of another site");
        assert!(!with(Method::GET, &link[..2]));
        assert!(!with(Method::GET, &[link[0], link[1], ("sec-fetch-dest", "iframe")]));
        assert!(!with(Method::GET, &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")]));
        for name in OF_PROXIES {
            assert!(!with(Method::GET, &[(name, "x")]), "{name}");
        }
    }

    // proves: HP18
    #[test]
    fn it_is_never_open_by_a_slip() {
        let verdict = |more: &[(&str, &str)]| {
            let mut layers = Layers::default();
            let all = [&[("local", "true")], more].concat();
            layers.flags(all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())));
            check(&Settings::read(&layers).expect("settings"))
        };
        assert!(verdict(&[]).is_ok());
        assert!(verdict(&[("listen", "127.0.0.1:1,[::1]:1")]).is_ok());
        for conflict in [
            ("listen", "0.0.0.0:8470"),
            ("listen", "localhost:1,[::]:8470"),
            ("public_url", "https://id.example.com"),
            ("public_url", "https://localhost:8470"),
            ("tls_cert", "c"),
            ("trusted_proxies", "127.0.0.1"),
            ("database_url", "postgres://db/x"),
            ("outside_issuer", "https://id.example.com"),
        ] {
            let refused = verdict(&[conflict]).expect_err(conflict.1);
            assert_eq!(refused.exit_code(), 2);
            let text = refused.to_string();
            assert!(text.contains(conflict.0) || conflict.0 == "database_url", "{text}");
            assert!(text.contains("without local mode"), "{text}");
        }
    }

    #[test]
    fn a_session_of_another_time_gives_way() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=b; hp_8470=old".parse().expect("header"));
        headers.append(COOKIE, "hp_8470=older; c=d; hp_84700=x".parse().expect("header"));
        with_cookie(&mut headers, "hp_8470", "new");
        assert_eq!(one(&headers, COOKIE), Some("a=b; c=d; hp_84700=x; hp_8470=new"));
    }
}
