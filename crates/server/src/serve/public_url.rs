//! The public URL: configured, or made of the port; kept at the first start, because
//! it is the issuer in every token; changed only with a flag; never taken from `Host`.

use std::net::SocketAddr;

use hallpass_core::PublicUrl;

use super::Failure;
use super::open::Data;
use crate::config::{Layers, Listen, Settings};

const KEY: &str = "public_url";

/// What was decided.
#[derive(Debug, PartialEq, Eq)]
pub struct Decided {
    /// The URL to use.
    pub url: PublicUrl,
    /// What the operator should look at.
    pub advice: Option<String>,
    keep: Keep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// Nothing is written.
    No,
    /// It is the first start.
    First,
    /// The operator changes it.
    Change,
}

/// Decides, and keeps what is to be kept.
pub async fn decide(
    data: &Data,
    layers: &Layers,
    settings: &Settings,
    addresses: &[SocketAddr],
) -> Result<Decided, Failure> {
    let kept = kept(data).await?;
    let mut decided = weigh(kept, settings, layers.is_flag(KEY), addresses)?;
    decided.advice = decided.advice.or_else(|| nameless_proxy(&decided.url, settings));
    let text = decided.url.issuer();
    match decided.keep {
        Keep::No => {}
        Keep::First => {
            // Another node may have been first.
            let stands = data.store.settings().set_once(KEY, text).await?;
            if stands != text {
                let kept = PublicUrl::parse(&stands).ok();
                return weigh(kept, settings, layers.is_flag(KEY), addresses);
            }
        }
        Keep::Change => data.store.settings().set(KEY, text, &data.by_system()).await?,
    }
    Ok(decided)
}

/// For `admin`, which listens nowhere: what is kept, else what is configured, else the
/// default. It keeps nothing.
pub async fn for_admin(data: &Data, settings: &Settings) -> Result<PublicUrl, Failure> {
    let kept = kept(data).await?;
    match kept.or_else(|| settings.public_url.clone()) {
        Some(url) => Ok(url),
        None => localhost(settings, settings.listen.first().map_or(8470, |listen| listen.port())),
    }
}

async fn kept(data: &Data) -> Result<Option<PublicUrl>, Failure> {
    match data.store.settings().get(KEY).await? {
        None => Ok(None),
        Some(text) => PublicUrl::parse(&text).map(Some).map_err(|why| {
            let what = format!("the kept public URL cannot be used: {why}");
            Failure::Store(hallpass_store::Error::Corrupt { what })
        }),
    }
}

fn weigh(
    kept: Option<PublicUrl>,
    settings: &Settings,
    is_flag: bool,
    addresses: &[SocketAddr],
) -> Result<Decided, Failure> {
    let decided = |url, keep| Decided { url, advice: None, keep };
    match (kept, settings.public_url.clone()) {
        (None, Some(url)) => Ok(decided(url, Keep::First)),
        (None, None) => {
            let port = addresses.first().map_or(8470, SocketAddr::port);
            // A port that the system chose is another one at the next start.
            let chosen = settings.listen.first().is_some_and(|listen: &Listen| listen.port() == 0);
            Ok(decided(localhost(settings, port)?, if chosen { Keep::No } else { Keep::First }))
        }
        (Some(kept), Some(url)) if kept == url => Ok(decided(url, Keep::No)),
        (Some(_), Some(url)) if is_flag => Ok(decided(url, Keep::Change)),
        (Some(kept), Some(url)) => Err(Failure::Settings(format!(
            "this server's public URL is {kept}, and the configuration says {url}; to change it, start once with --public-url {url} (who is signed in to a program has to sign in again)"
        ))),
        (Some(kept), None) if settings.tls_cert.is_some() && !kept.is_https() => {
            Err(Failure::Settings(format!(
                "this server's public URL is {kept}, and a server with a certificate has one that begins with https://; start once with --public-url https://…"
            )))
        }
        (Some(kept), None) => {
            let elsewhere =
                !kept.is_https() && addresses.iter().all(|address| address.port() != kept.port());
            let advice = elsewhere.then(|| {
                let port = addresses.first().map_or(0, SocketAddr::port);
                format!(
                    "The public URL is {kept}, and nothing listens there; to change it, start once with --public-url http://localhost:{port}"
                )
            });
            Ok(Decided { url: kept, advice, keep: Keep::No })
        }
    }
}

/// https that does not end here ends at a proxy, and if nobody named it, every visitor seems
/// to be that proxy: limits then count all of them as one.
fn nameless_proxy(url: &PublicUrl, settings: &Settings) -> Option<String> {
    let behind = url.is_https() && settings.tls_cert.is_none();
    (behind && settings.trusted_proxies.is_empty()).then(|| {
        "https ends at a proxy in front of this server, and no proxy is named, so all visitors look like one; name it, for example with --trusted-proxies 127.0.0.1".to_owned()
    })
}

fn localhost(settings: &Settings, port: u16) -> Result<PublicUrl, Failure> {
    let scheme = if settings.tls_cert.is_some() { "https" } else { "http" };
    PublicUrl::parse(&format!("{scheme}://localhost:{port}"))
        .map_err(|why| Failure::Settings(format!("public_url: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PublicUrl {
        PublicUrl::parse(text).expect("url")
    }

    #[test]
    fn a_proxy_that_nobody_named_is_spoken_of() {
        let advice = |flags: &[(&str, &str)], at: &str| {
            let mut layers = Layers::default();
            layers.flags(flags.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())));
            nameless_proxy(&url(at), &Settings::read(&layers).expect("settings"))
        };
        assert!(
            advice(&[], "https://id.example.com")
                .is_some_and(|it| it.contains("--trusted-proxies"))
        );
        assert_eq!(advice(&[], "http://localhost:8470"), None);
        assert_eq!(advice(&[("trusted_proxies", "127.0.0.1")], "https://id.example.com"), None);
    }

    fn weighed(
        kept: Option<&str>,
        flags: &[(&str, &str)],
        is_flag: bool,
        port: u16,
    ) -> Result<Decided, Failure> {
        let mut layers = Layers::default();
        layers.flags(flags.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())));
        let settings = Settings::read(&layers).expect("settings");
        weigh(kept.map(url), &settings, is_flag, &[SocketAddr::from(([127, 0, 0, 1], port))])
    }

    // proves: attack-7
    #[test]
    fn it_is_kept_at_the_first_start_and_changed_only_with_a_flag() {
        let first = weighed(None, &[], false, 8470).expect("default");
        assert_eq!((first.url, first.keep), (url("http://localhost:8470"), Keep::First));
        let https = [("public_url", "https://id.example.com")];
        let first = weighed(None, &https, false, 8470).expect("configured");
        assert_eq!((first.url, first.keep), (url("https://id.example.com"), Keep::First));

        let kept = Some("http://localhost:8470");
        let failure = weighed(kept, &https, false, 8470).expect_err("variable");
        assert!(failure.to_string().contains("--public-url https://id.example.com"), "{failure}");
        let changed = weighed(kept, &https, true, 8470).expect("flag");
        assert_eq!(changed.keep, Keep::Change);
        assert_eq!(weighed(kept, &[], false, 8470).expect("kept").advice, None);
    }

    #[test]
    fn a_port_that_the_system_chose_is_not_kept() {
        let chosen = weighed(None, &[("listen", "localhost:0")], false, 40123).expect("chosen");
        assert_eq!((chosen.url, chosen.keep), (url("http://localhost:40123"), Keep::No));
    }

    // proves: C17
    #[test]
    fn a_certificate_means_https() {
        let tls = [("tls_cert", "c"), ("tls_key", "k")];
        let first = weighed(None, &tls, false, 8470).expect("default");
        assert_eq!(first.url, url("https://localhost:8470"));
        assert!(weighed(Some("http://localhost:8470"), &tls, false, 8470).is_err());
        assert!(weighed(Some("https://localhost:8470"), &tls, false, 8470).is_ok());
    }

    #[test]
    fn a_kept_url_where_nothing_listens_is_said() {
        let moved = weighed(Some("http://localhost:8470"), &[], false, 9000).expect("kept");
        assert_eq!(moved.url, url("http://localhost:8470"));
        assert!(moved.advice.expect("advice").contains("--public-url http://localhost:9000"));
    }
}
