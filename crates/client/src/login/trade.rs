//! A personal token in place of the sign-in, for tools that keep one: it is made with what the
//! sign-in brought, and the sign-in itself ends.

use hallpass_core::brand::Keeps;
use hallpass_core::text::presentable;
use hallpass_core::wire::api::Problem;
use hallpass_core::wire::path;
use hallpass_core::wire::tokens::{CreatedToken, NewToken};

use super::Login;
use super::attempt::Attempt;
use super::keep::{New, keep as put};
use crate::Error;
use crate::client::Parts;
use crate::discovery::Discovered;
use crate::oauth::Granted;
use crate::revoke::revoke;
use crate::status::{Account, Warning};
use crate::vault::Key;
use crate::vault::model::{Access, Credential, CredentialKind, Endpoints, Receipt};

/// So many sign-ins from one machine are told apart by their number.
const NAMES: u32 = 100;

/// Whether the brand keeps a token, and the server makes such.
pub(super) fn wanted(parts: &Parts, found: &Discovered) -> bool {
    parts.brand.login.keeps == Keeps::Token && !found.standard
}

/// Makes the token and keeps it, then ends the sign-in.
pub(super) fn keep(
    attempt: &Attempt<'_>,
    granted: &Granted,
    received: Receipt,
    account: Account,
) -> Result<Login, Error> {
    let Attempt { parts, http, selection, options, found, .. } = attempt;
    let made = make(attempt, granted)?;
    let lifetime = made.token.expires_at.map(|end| end.since(received.at).as_secs());
    let credential = Credential {
        key: Key {
            issuer: found.issuer.clone(),
            client_id: found.client_id.clone(),
            account: account.id,
        },
        email: account.email,
        name: account.name,
        // Ours to revoke: nobody else has seen it.
        kind: CredentialKind::Oauth,
        scope: made.token.scope.clone().unwrap_or_default(),
        access: Some(Access {
            token: made.value,
            received,
            expires_in: lifetime,
            refreshed: false,
        }),
        refresh_token: None,
        resource: None,
        endpoints: Endpoints {
            revocation: found.metadata.revocation_endpoint.clone(),
            ..Endpoints::default()
        },
        ended: None,
        binding: None,
        narrowed: Vec::new(),
        rest: serde_json::Map::new(),
    };
    let token = credential.access.as_ref().map(|access| access.token.clone());
    let kept = put(parts, http, selection, options, New { credential, key: None }, &found.server);
    let end = |token, hint| {
        let endpoint = found.metadata.revocation_endpoint.as_deref();
        revoke(http, endpoint, &found.client_id, token, Some(hint))
    };
    let mut login = match (kept, &token) {
        (Ok(login), _) => login,
        (Err(error), token) => {
            // Nobody would ever use it; why it could not be kept is what has to be heard.
            let _ = token.as_ref().map(|token| end(token, "access_token"));
            return Err(error);
        }
    };
    if let Some(refresh) = &granted.tokens.refresh_token
        && let Err(why) = end(refresh, "refresh_token")
    {
        login.warnings.push(Warning::NotRevoked { reason: why.to_string() });
    }
    login.warnings.extend(Warning::of_clocks(parts.time.now(), granted.date));
    Ok(login)
}

/// Asks for it under this machine's name, or with a number behind it.
fn make(attempt: &Attempt<'_>, granted: &Granted) -> Result<CreatedToken, Error> {
    let Attempt { parts, http, found, .. } = attempt;
    let host = parts.environment.host_name().unwrap_or_else(|| "this machine".to_owned());
    let name = presentable(&format!("{} on {host}", parts.brand.name), 60);
    let url = format!("{}{}", found.server, path::TOKENS);
    let token = granted.tokens.access_token.expose();
    for number in 1..=NAMES {
        let name = if number == 1 { name.clone() } else { format!("{name} ({number})") };
        let body = serde_json::to_vec(&NewToken { name, ..NewToken::default() });
        let body = body.map_err(|_| Error::BadToken("it has no name".to_owned()))?;
        let reply = http.call("POST", &url, token, None, &[], Some(("application/json", &body)))?;
        match reply.status {
            200..300 => return Ok(reply.json()?),
            409 if number < NAMES => {}
            _ => {
                let code = reply.json::<Problem>().map(|problem| problem.code);
                return Err(Error::Rejected {
                    server: found.server.clone(),
                    what: "a token for this machine",
                    code: presentable(&code.unwrap_or_default(), 60),
                    detail: None,
                });
            }
        }
    }
    Err(Error::BadToken("too many of that name".to_owned()))
}
