//! The one next command after an error.

use hallpass_core::brand::NotAMode;
use hallpass_core::public_url::is_loopback;
use hallpass_core::text::presentable;
use url::Url;

use super::Error;
use crate::discovery::DiscoveryError;
use crate::http::{HttpError, authority, is_safe};
use crate::source::Source;

impl HttpError {
    fn next(&self, tool: &str) -> Option<String> {
        match self {
            HttpError::Redirect { host, to } => {
                // The same host over TLS; where else it may be, whoever answers does not decide.
                let there = Url::parse(to).ok().filter(is_safe)?;
                let name = host.rsplit_once(':').map_or(&**host, |(name, _)| name);
                let same = there.scheme() == "https"
                    && there.host_str() == Some(name)
                    && authority(&there) != *host;
                let origin = presentable(&there.origin().ascii_serialization(), 200);
                same.then(|| format!("{tool} login {origin}"))
            }
            // In a refresh, too: the sign-in is kept, and no other one is needed (CLIENT E6).
            _ => None,
        }
    }
}

impl Error {
    /// The one next command, for a program called `tool`; `None` where trying again
    /// later is all that can be done.
    pub fn next(&self, tool: &str) -> Option<String> {
        match self {
            Error::NobodyToAsk { .. } => Some(format!("{tool} login --device")),
            Error::NoFlow { .. } => Some(format!("{tool} login --with-token")),
            Error::BadServer { variable: Some(variable), .. }
            | Error::MalformedToken { variable: Some(variable), .. } => {
                Some(format!("unset {variable}"))
            }
            Error::BadServer { .. } => Some(format!("{tool} login https://id.example.com")),
            Error::BadPath { .. } => Some(format!("{tool} api GET /api/v1/whoami")),
            Error::SeveralToResume { newest, .. } => {
                Some(format!("{tool} login --resume {newest}"))
            }
            Error::MalformedToken { .. } => Some(format!("{tool} login")),
            Error::UnknownProfile { name, .. } => Some(format!("{tool} login --profile {name}")),
            Error::ForeignProfile { profile_server, profile, .. } => {
                Some(format!("{tool} --profile {profile} --server {profile_server} status"))
            }
            Error::OtherAccount { .. } | Error::BadProfileName { .. } => {
                Some(format!("{tool} login --profile NAME"))
            }
            Error::BadToken(_) | Error::OlderToken { .. } => {
                Some(format!("{tool} login --with-token"))
            }
            Error::NoWorkload { .. } => Some(format!("{tool} login --with-token")),
            Error::TakenOnce { variable } => {
                Some(format!("export {variable}=\"$({tool} token print)\""))
            }
            Error::NoIdentity { .. } => Some(format!("{tool} login --oidc")),
            Error::NotTrusted { .. } => Some(format!("{tool} trust denied")),
            Error::NothingToNarrow => Some(format!("{tool} token create NAME")),
            Error::NarrowToken { scope, .. } => {
                Some(format!("{tool} token create NAME --scope {scope}"))
            }
            Error::NotSignedIn { server } => Some(format!("{tool} login {server}")),
            Error::SessionEnded { profile, .. }
            | Error::Expired { profile }
            | Error::KeyMissing { profile } => Some(format!("{tool} login --profile {profile}")),
            Error::BadMode { variable, why: NotAMode { meant: Some(meant) }, .. } => {
                Some(format!("export {variable}={meant}"))
            }
            Error::BadMode { variable, .. } => Some(format!("unset {variable}")),
            // Nothing that a shell would take for more than a name.
            Error::TokenFile { path, .. } => path
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/._-+@:".contains(&b))
                .then(|| format!("ls -l {path}")),
            Error::NotConfigured { issuer, client_id } => {
                Some(format!("export {issuer}=URL {client_id}=ID"))
            }
            Error::Denied
            | Error::CodeExpired
            | Error::TimedOut { .. }
            | Error::Cancelled
            | Error::Authorization { .. }
            | Error::NothingToResume { .. } => Some(format!("{tool} login")),
            Error::PortInUse { .. } | Error::NoListener { .. } => {
                Some(format!("{tool} login --device"))
            }
            Error::Rejected { .. } => Some(format!("{tool} status --check")),
            Error::Vault(error) => error.next(tool),
            Error::LocalMode { .. } => Some(format!("{tool} doctor")),
            Error::Http(error) => error.next(tool),
            Error::Discovery(DiscoveryError::NotFound { .. }) => {
                Some(format!("{tool} login https://id.example.com"))
            }
            // `127.0.0.1` for `localhost`: the same server under the name that it has.
            Error::Discovery(DiscoveryError::ForeignIssuer { server, issuer }) => {
                let (asked, named) = (Url::parse(server).ok()?, Url::parse(issuer).ok()?);
                let here = is_loopback(&asked) && is_loopback(&named);
                let same = here && asked.port_or_known_default() == named.port_or_known_default();
                same.then(|| format!("{tool} login {}", named.origin().ascii_serialization()))
            }
            // RFC 6750 §3.1: a new sign-in is good for all that its person may do.
            Error::Problem { status: 403, code, by, server, .. }
                if code == "insufficient_scope" =>
            {
                Some(match &**by {
                    Source::Variable { name } => format!("unset {name}"),
                    Source::Profile { name } => format!("{tool} login --profile {name}"),
                    Source::Workload { .. } => format!("{tool} trust list"),
                    Source::Explicit | Source::None => format!("{tool} login {server}"),
                })
            }
            Error::Problem { .. }
            | Error::PlatformSilent { .. }
            | Error::Busy
            | Error::TooSlow { .. }
            | Error::Discovery(_)
            | Error::IssuerMismatch { .. }
            | Error::ForeignPage { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_command_is_one_that_can_be_typed() {
        let unknown = Error::UnknownProfile { name: "work".into(), known: vec!["home".into()] };
        assert_eq!(unknown.to_string(), "there is no profile \"work\"; there is \"home\"");
        assert_eq!(unknown.next("hallpass").unwrap(), "hallpass login --profile work");
        let foreign = |server: &str, issuer: &str| {
            let (server, issuer) = (server.to_owned(), issuer.to_owned());
            Error::Discovery(DiscoveryError::ForeignIssuer { server, issuer }).next("tool")
        };
        let here = foreign("http://127.0.0.1:8470", "http://localhost:8470");
        assert_eq!(here.as_deref(), Some("tool login http://localhost:8470"));
        assert_eq!(foreign("http://127.0.0.1:8470", "http://localhost:9999"), None);
        assert_eq!(foreign("https://a.example.com", "https://b.example.com"), None);
        let nobody = Error::NotSignedIn { server: "https://id.example.com".into() };
        assert_eq!(nobody.next("tool").unwrap(), "tool login https://id.example.com");
        // What only time helps against names no command.
        assert_eq!(Error::Busy.next("hallpass"), None);
    }
}
