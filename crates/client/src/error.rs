//! What can go wrong, closed, and what to do next.
//!
//! A message says what happened and what was kept. The one next command is
//! [`Error::next`], because only the program knows its own name. Nothing in here
//! is secret, and text that a server sent has been made presentable.

mod class;
mod next;

use hallpass_core::Timestamp;
use hallpass_core::brand::NotAMode;

use crate::discovery::DiscoveryError;
use crate::http::HttpError;
use crate::login::Flow;
use crate::source::Source;
use crate::vault::VaultError;
use crate::workload::Platform;
pub use class::Class;

/// Why something could not be done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A login was started where nobody can answer (CLIENT A7, A8).
    #[error("{why}, so nobody can sign in here; set {variable}, or use --device or --with-token")]
    NobodyToAsk {
        /// What says that nobody is there.
        why: String,
        /// The variable that a token can be put into.
        variable: String,
    },
    /// No flow that the server offers can be used here (CLIENT A10).
    #[error(
        "no way to sign in: the server offers {}; {}",
        list(.offered, "nothing"),
        .refused.iter().map(|(flow, why)| format!("{flow} cannot be used because {why}")).collect::<Vec<_>>().join("; ")
    )]
    NoFlow {
        /// The grant types that the server's metadata names.
        offered: Vec<String>,
        /// Why each flow cannot be used.
        refused: Vec<(Flow, String)>,
    },
    /// The variables that are to say where to sign in do not say it.
    #[error("nothing says where to sign in: set {} and {}", .issuer, .client_id)]
    NotConfigured {
        /// The variable for the issuer.
        issuer: String,
        /// The variable for the client.
        client_id: String,
    },
    /// The variable for the mode says something that there is not.
    #[error("{variable} is {value:?}; {why}")]
    BadMode {
        /// The variable.
        variable: String,
        /// What it says.
        value: String,
        /// What it can say.
        why: NotAMode,
    },
    /// The server's address cannot be used.
    #[error(
        "{}{text:?} is not a server's address: {why}",
        .variable.as_ref().map(|name| format!("{name}: ")).unwrap_or_default()
    )]
    BadServer {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
        /// The variable that says it, if one does.
        variable: Option<String>,
    },
    /// A call's path cannot be used.
    #[error("{text:?} cannot be called: {why}; nothing was sent")]
    BadPath {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// What was handed over for this invocation cannot be a token, so no server is asked.
    #[error(
        "{} is no token: {why}; nothing was sent",
        .variable.as_ref().map_or_else(|| "what was handed over".to_owned(), |name| format!("the value of {name}"))
    )]
    MalformedToken {
        /// The variable that holds it, if one does.
        variable: Option<String>,
        /// What is wrong with it.
        why: String,
    },
    /// No profile has this name.
    #[error("there is no profile {name:?}; there {}", known_profiles(.known))]
    UnknownProfile {
        /// What was asked for.
        name: String,
        /// The profiles that there are.
        known: Vec<String>,
    },
    /// A profile cannot have this name.
    #[error(
        "a profile cannot be called {name:?}; letters, digits and - _ . : @ will do, 64 at most"
    )]
    BadProfileName {
        /// What was asked for.
        name: String,
    },
    /// A profile and a server were named that do not belong together (CLIENT F4, PROTOCOL J07).
    #[error("profile {profile:?} belongs to {profile_server}, not to {server}; nothing was sent")]
    ForeignProfile {
        /// The profile.
        profile: String,
        /// Its server.
        profile_server: String,
        /// The server that was asked for.
        server: String,
    },
    /// The login ended as somebody else than the profile belongs to (CLIENT F5).
    #[error(
        "profile {profile:?} belongs to {existing}, and you signed in as {new}; the profile was kept as it was"
    )]
    OtherAccount {
        /// The profile.
        profile: String,
        /// Whose it is.
        existing: String,
        /// Who signed in.
        new: String,
    },
    /// A given token cannot be one (CLIENT H2).
    #[error("that is not a token: {0}; nothing was stored")]
    BadToken(String),
    /// A given token is one of an older system: good for one project, and not for what was asked.
    #[error(
        "that is an older token, good for {} alone; nothing was stored",
        .of.clone().unwrap_or_else(|| format!("one {word}"))
    )]
    OlderToken {
        /// What this tool calls a project.
        word: String,
        /// The project that it is for, if the server says so.
        of: Option<String>,
    },
    /// A given token is good, but was narrowed so far that nobody can say whose it is.
    #[error(
        "{server} takes the token, but it was not given the scope {scope}, so the server does not say whose it is; nothing was stored"
    )]
    NarrowToken {
        /// The server.
        server: String,
        /// What it lacks.
        scope: &'static str,
    },
    /// There is nothing to sign in to.
    #[error("{server} runs in local mode: no login is required")]
    LocalMode {
        /// The server.
        server: String,
    },
    /// The file that an agent's broker keeps its token in cannot be read.
    #[error("{variable} names {path:?}, which cannot be read: {why}; nothing was sent")]
    TokenFile {
        /// The variable.
        variable: String,
        /// The file.
        path: String,
        /// The system's words.
        why: String,
    },
    /// No credential for this invocation.
    #[error("not signed in to {server}")]
    NotSignedIn {
        /// The server.
        server: String,
    },
    /// The server ended the session: signed out elsewhere, revoked, expired, or caught in a replay.
    #[error("the session of profile {profile:?} ended on {at}: {reason}")]
    SessionEnded {
        /// The profile.
        profile: String,
        /// What the server said.
        reason: String,
        /// When we learnt of it.
        at: Timestamp,
    },
    /// The access token is over and there is nothing to get another one with.
    #[error("the access token of profile {profile:?} has expired and cannot be refreshed")]
    Expired {
        /// The profile.
        profile: String,
    },
    /// The sign-in is bound to a key (RFC 9449) that is not where it is kept.
    #[error(
        "the key that profile {profile:?} is bound to is not on this machine; a copy of a sign-in is good for nothing"
    )]
    KeyMissing {
        /// The profile.
        profile: String,
    },
    /// A smaller token was asked for, and what there is cannot be exchanged for one.
    #[error("a token that was handed over cannot be exchanged for a smaller one")]
    NothingToNarrow,
    /// The server refused the credential or the request.
    #[error("{server} refused {what}: {code}{}", aside(.detail))]
    Rejected {
        /// The server.
        server: String,
        /// What was refused, for people.
        what: &'static str,
        /// The OAuth error code, or the problem's code.
        code: String,
        /// The server's words.
        detail: Option<String>,
    },
    /// An API call failed with a problem (RFC 9457) or a bare status.
    #[error("{server} answered {status}: {title}{}", aside(.detail))]
    Problem {
        /// The server.
        server: String,
        /// HTTP status.
        status: u16,
        /// Stable, for programs.
        code: String,
        /// What happened.
        title: String,
        /// What happened this time.
        detail: Option<String>,
        /// Whose call it was.
        by: Box<Source>,
    },
    /// The server could not be reached, or did not answer as one. What is stored was not touched.
    #[error("{0}; nothing that is stored was changed")]
    Http(#[from] HttpError),
    /// It took longer than whoever asked could wait, whatever it was that took so long.
    #[error("no token could be had within {seconds} s; nothing that is stored was changed")]
    TooSlow {
        /// How long was waited.
        seconds: u64,
    },
    /// Another process holds the refresh lock for longer than anybody should (CLIENT E4).
    #[error("another process is refreshing this sign-in and has not finished; nothing was changed")]
    Busy,
    /// The server's own description of itself cannot be used.
    #[error(transparent)]
    Discovery(DiscoveryError),
    /// The person, or the server, said no.
    #[error("the sign-in was denied; nothing was stored")]
    Denied,
    /// The device code ended before anybody approved it.
    #[error("the code expired before it was approved; nothing was stored")]
    CodeExpired,
    /// Nobody finished the sign-in in time.
    #[error("nobody finished the sign-in within {seconds} s; nothing was stored")]
    TimedOut {
        /// How long was waited.
        seconds: u64,
    },
    /// The person stopped it.
    #[error("the sign-in was stopped; nothing was stored")]
    Cancelled,
    /// The fixed callback port is taken (CLIENT B2).
    #[error("port {port} on 127.0.0.1 is in use by another program")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// No loopback address could be listened on.
    #[error("cannot listen on 127.0.0.1 or [::1]: {why}")]
    NoListener {
        /// The system's words.
        why: String,
    },
    /// The authorization endpoint answered with another error (RFC 6749 §4.1.2.1).
    #[error("the server did not sign you in: {code}{}", aside(.description))]
    Authorization {
        /// The registered code.
        code: String,
        /// The server's words.
        description: Option<String>,
    },
    /// The answer came from another issuer than the one that was asked (RFC 9207 §2.4).
    /// Nothing of the answer is shown (PROTOCOL J05).
    #[error("the answer did not come from {issuer}; it was thrown away, and nothing was stored")]
    IssuerMismatch {
        /// Who was asked.
        issuer: String,
    },
    /// The page to approve a device at is not the issuer's own (CLIENT C4).
    #[error(
        "{issuer} names a page to approve the sign-in at that is not its own; it was neither shown nor opened"
    )]
    ForeignPage {
        /// Who was asked.
        issuer: String,
    },
    /// There are several started logins, and none was named.
    #[error("several logins wait to be resumed: {}", .waiting.join("; "))]
    SeveralToResume {
        /// Each with its handle, its server and its code; the newest one first.
        waiting: Vec<String>,
        /// The handle of the newest one.
        newest: String,
    },
    /// There is no started login to resume.
    #[error("there is no login to resume: {why}")]
    NothingToResume {
        /// Why not.
        why: String,
    },
    /// This is no job, or its platform has given it no identity.
    #[error("{why}; nothing was sent")]
    NoWorkload {
        /// What was looked for and what would help.
        why: String,
    },
    /// This identity is good for one pass, which could wait for no later step.
    #[error("a server takes this identity once, and nothing here keeps a pass; nothing was sent")]
    TakenOnce {
        /// The variable that can hold one.
        variable: String,
    },
    /// The platform did not hand out the job's identity.
    #[error("{platform} did not give this job its identity: {why}")]
    NoIdentity {
        /// The platform.
        platform: Platform,
        /// What happened.
        why: String,
    },
    /// The platform's own endpoint could not be asked for it, or did not answer as one.
    #[error(
        "{platform} did not give this job its identity: {why} (the address in {variable}); the server was not asked, and nothing was changed; run the job again once {platform} answers"
    )]
    PlatformSilent {
        /// The platform.
        platform: Platform,
        /// The variable that names the endpoint.
        variable: &'static str,
        /// What happened there.
        why: HttpError,
    },
    /// No policy of the server lets this job in. The server says no more to a job than that.
    #[error(
        "{server} does not let this job in ({code}{})",
        .detail.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
    )]
    NotTrusted {
        /// The server.
        server: String,
        /// The error code.
        code: String,
        /// The server's words.
        detail: Option<String>,
    },
    /// The credential file.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Error {
    /// That is no server's address, and no variable says it.
    pub(crate) fn bad_server(text: String, why: String) -> Self {
        Error::BadServer { text, why, variable: None }
    }
}

impl From<DiscoveryError> for Error {
    fn from(error: DiscoveryError) -> Self {
        match error {
            DiscoveryError::Http(error) => Error::Http(error),
            other => Error::Discovery(other),
        }
    }
}

fn aside(text: &Option<String>) -> String {
    text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default()
}

fn list(items: &[String], none: &str) -> String {
    if items.is_empty() { none.to_owned() } else { items.join(", ") }
}

fn known_profiles(known: &[String]) -> String {
    match known {
        [] => "is none yet".to_owned(),
        [one] => format!("is {one:?}"),
        many => format!("are {}", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: client-A10
    #[test]
    fn no_flow_says_what_is_offered_and_why_each_was_refused() {
        let error = Error::NoFlow {
            offered: vec!["refresh_token".into()],
            refused: vec![(Flow::Browser, "of this".into()), (Flow::Device, "of that".into())],
        };
        assert_eq!(
            error.to_string(),
            "no way to sign in: the server offers refresh_token; browser sign-in cannot be used \
             because of this; device sign-in cannot be used because of that"
        );
        let nothing = Error::NoFlow { offered: vec![], refused: vec![] };
        assert!(nothing.to_string().contains("offers nothing"));
    }
}
