//! The identity of a job, traded for a pass: one request to `/auth/oidc/exchange`.

use std::time::Duration;

use hallpass_core::text::presentable;
use hallpass_core::wire::path;
use hallpass_core::wire::trust::{Exchange, ExchangeRefused, Exchanged};
use hallpass_core::{Scope, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Error;
use crate::client::Parts;
use crate::discovery::parse_server;
use crate::environment::Environment;
use crate::http::{Http, HttpError, Request};
use crate::oauth::is_b64token;
use crate::revoke::{self, NotRevoked};
use crate::source::{self, Selection};
use crate::vault::model::{Access, Receipt};
use crate::workload::platform::{self, Platform, Search};
use crate::workload::{Wanted, Workload};

/// How often a server is asked that cannot answer now.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// The largest answer.
const ANSWER: u64 = 64 * 1024;

/// A job that signed in.
#[derive(Clone, Debug)]
pub struct JobLogin {
    /// Whose job it is.
    pub platform: Platform,
    /// The server that calls go to.
    pub server: String,
    /// The project that the pass is for, `org/project`.
    pub project: String,
    /// The policy that let it in.
    pub policy: String,
    /// What the pass may do.
    pub scope: Scope,
    /// When it ends, if the later steps have it; else it has ended.
    pub expires_at: Option<Timestamp>,
    /// Whether the later steps of this job find it.
    pub waits: bool,
    /// Whether later steps trade by themselves, without another word.
    pub stands: bool,
    /// Whether the identity can be traded again: a platform that gives a job one token for all
    /// of it gives nothing that is taken twice.
    pub again: bool,
}

/// A pass, and what the server said about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pass {
    pub(crate) access: Access,
    pub(crate) project: String,
    pub(crate) policy: String,
    pub(crate) scope: Scope,
}

/// Trades once, and lets the pass wait for the later steps where that can be. Where it cannot, it
/// was only tried, and is revoked.
pub(crate) fn run(
    parts: &Parts,
    http: &Http,
    selection: &Selection,
    project: Option<String>,
) -> Result<JobLogin, Error> {
    let (brand, environment) = (&parts.brand, &*parts.environment);
    let server = match source::wanted_server(selection, brand, environment)? {
        Some(server) => server,
        None => parse_server(&brand.default_server)?.to_string(),
    };
    let found = match platform::search(brand, environment, &server) {
        Search::Found(found) => found,
        Search::NotGiven { platform, remedy } => {
            let why = platform::not_given(platform, &remedy);
            return Err(Error::NoWorkload { why });
        }
        Search::NoJob => {
            let why = format!(
                "this is no job of a platform that is known here; {} or {} can bring a token",
                brand.variable("ID_TOKEN"),
                brand.variable("ID_TOKEN_FILE"),
            );
            return Err(Error::NoWorkload { why });
        }
        Search::Off => {
            let why = format!("{} says that no identity is to be used", brand.variable("OIDC"));
            return Err(Error::NoWorkload { why });
        }
    };
    let (stands, again) = (found.asked, found.identity.is_renewed());
    let mut workload = Workload::new(found, parts);
    if project.is_some() {
        workload.wanted.project = project;
    }
    // What is taken once was taken by an earlier step, or must not be taken for nothing.
    let earlier = if again { None } else { workload.waiting(parts, &server) };
    if !again && earlier.is_none() {
        workload.could_wait(parts, http, &server)?;
    }
    let waited = earlier.is_some();
    let pass = match earlier {
        Some(pass) => pass,
        None => workload.trade(parts, http, &server)?,
    };
    let waits = waited || workload.waits(parts);
    if let Some(token) = workload.spent(parts) {
        // If nobody answers, it ends by itself in minutes.
        let _ = revoke_pass(parts, http, &server, &token);
    }
    Ok(JobLogin {
        platform: workload.platform(),
        project: pass.project,
        policy: pass.policy,
        scope: pass.scope,
        expires_at: pass.access.expires_at(&*parts.time).filter(|_| waits),
        waits,
        stands,
        again,
        server,
    })
}

/// One trade. A server that cannot answer now is asked again, with a new identity: it may have
/// taken the one before, and takes none twice.
pub(crate) fn exchange(
    parts: &Parts,
    http: &Http,
    server: &str,
    wanted: &Wanted,
    identity: &dyn Fn() -> Result<Secret, Error>,
) -> Result<Pass, Error> {
    let mut left = TRIES;
    loop {
        left -= 1;
        match once(parts, http, server, wanted, identity()?) {
            Err(Error::Http(why)) if left > 0 && is_passing(&why) => parts.time.sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

fn is_passing(why: &HttpError) -> bool {
    match why {
        HttpError::Unreachable { .. } | HttpError::Timeout { .. } => true,
        HttpError::Status { status, .. } => *status >= 500 || *status == 429,
        _ => false,
    }
}

fn once(
    parts: &Parts,
    http: &Http,
    server: &str,
    wanted: &Wanted,
    token: Secret,
) -> Result<Pass, Error> {
    let url = format!("{server}{}", path::OIDC_EXCHANGE);
    let Wanted { project, resources } = wanted.clone();
    let asked = Exchange { token, project, permissions: None, resources };
    let body = serde_json::to_vec(&asked).map(Zeroizing::new).map_err(|_| {
        let why = "the request has no JSON form".to_owned();
        HttpError::Malformed { host: server.to_owned(), why }
    })?;
    let received = Receipt::now(&*parts.time);
    let reply = http.send(&Request {
        method: "POST",
        url: &url,
        token: None,
        proof: None,
        accept: "application/json",
        headers: &[],
        body: Some(("application/json", &body)),
        largest_answer: ANSWER,
    })?;
    if reply.status == 200 {
        let answer: Exchanged = reply.json()?;
        let usable = is_b64token(answer.access_token.expose())
            && answer.token_type.eq_ignore_ascii_case("Bearer");
        if !usable {
            return Err(reply.malformed("the pass is none that can be used").into());
        }
        let shown = |text: &str| presentable(text, 100);
        return Ok(Pass {
            access: Access {
                token: answer.access_token,
                received,
                expires_in: Some(answer.expires_in),
                refreshed: false,
            },
            project: format!("{}/{}", shown(&answer.org), shown(&answer.project)),
            policy: shown(&answer.policy),
            scope: answer.scope,
        });
    }
    match reply.json::<ExchangeRefused>() {
        Ok(refused) if (400..500).contains(&reply.status) && !reply.is_temporary() => {
            Err(Error::NotTrusted {
                server: server.to_owned(),
                code: presentable(&refused.error, 60),
                detail: Some(presentable(refused.error_description.trim_end_matches('.'), 300)),
            })
        }
        _ => Err(reply.unexpected().into()),
    }
}

/// Revokes a pass (RFC 7009).
pub(crate) fn revoke_pass(
    parts: &Parts,
    http: &Http,
    server: &str,
    token: &Secret,
) -> Result<(), NotRevoked> {
    let endpoint = format!("{server}{}", path::REVOKE);
    revoke::revoke(http, Some(&endpoint), &parts.brand.client_id, token, Some("access_token"))
}

/// What tells the platform's log to show `token` as stars from now on. GitHub reads it on both
/// streams; the others have no such word.
pub(crate) fn mask_command(environment: &dyn Environment, token: &Secret) -> Option<Secret> {
    let github = environment.var("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    github.then(|| Secret::new(format!("::add-mask::{}", token.expose())))
}

/// What the surroundings say that the pass of this job is for: a project, and other APIs.
pub(crate) fn wanted(parts: &Parts) -> Wanted {
    let var = |name: &str| parts.environment.var(&parts.brand.variable(name));
    let project = match (var("PROJECT"), var("ORG")) {
        (Some(project), _) if project.contains('/') => Some(project),
        (Some(project), Some(org)) => Some(format!("{org}/{project}")),
        _ => None,
    };
    let resources = var("RESOURCE").unwrap_or_default();
    Wanted { project, resources: resources.split_whitespace().map(str::to_owned).collect() }
}
