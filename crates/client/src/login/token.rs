//! Keeping a token that was handed over (`--with-token`, `--token-file`; CLIENT H2).

use hallpass_core::brand::Brand;
use hallpass_core::scope::ACCOUNT;
use hallpass_core::wire::api::Whoami;
use hallpass_core::wire::path;
use hallpass_core::{Kind, Secret};

use super::keep::{New, keep};
use super::{Login, LoginOptions};
use crate::Error;
use crate::client::Parts;
use crate::discovery::parse_server;
use crate::http::{Http, HttpError};
use crate::oauth::is_b64token;
use crate::source::Selection;
use crate::vault::Key;
use crate::vault::model::{Access, Credential, CredentialKind, Endpoints, Receipt};

/// Longer than this is nobody's token.
const MAX_LEN: usize = 16 * 1024;

/// Tokens of other services, to say what went wrong without sending them anywhere.
const FOREIGN: [(&str, &str); 12] = [
    ("ghp_", "GitHub"),
    ("gho_", "GitHub"),
    ("ghs_", "GitHub"),
    ("ghu_", "GitHub"),
    ("github_pat_", "GitHub"),
    ("glpat-", "GitLab"),
    ("npm_", "npm"),
    ("pypi-", "PyPI"),
    ("xoxb-", "Slack"),
    ("xoxp-", "Slack"),
    ("AKIA", "AWS"),
    ("sk-ant-", "Anthropic"),
];

/// Our own secrets that are no tokens for an API.
const NOT_FOR_APIS: [(Kind, &str); 7] = [
    (Kind::Refresh, "a refresh token"),
    (Kind::Code, "an authorization code"),
    (Kind::Device, "a device code"),
    (Kind::Session, "a browser's session"),
    (Kind::ClientSecret, "a client secret"),
    (Kind::Setup, "a setup code"),
    (Kind::Invitation, "the secret of an invitation"),
];

/// Says whose token it is, if it is one of another service.
pub(crate) fn foreign(token: &str) -> Option<String> {
    let (_, service) = FOREIGN.into_iter().find(|(prefix, _)| token.starts_with(prefix))?;
    Some(format!("it looks like one of {service}'s"))
}

/// Reads what came from standard input or a file: one trailing newline is taken off, and
/// everything that cannot be a token is refused before anything is sent.
pub(crate) fn read(text: &Secret, brand: &Brand) -> Result<Secret, Error> {
    let bad = |why: String| Err(Error::BadToken(why));
    let text = text.expose();
    let token = text.strip_suffix('\n').unwrap_or(text);
    let token = token.strip_suffix('\r').unwrap_or(token);
    if token.is_empty() {
        return bad("it is empty".to_owned());
    }
    if token.len() > MAX_LEN {
        return bad(format!("it is longer than {MAX_LEN} bytes"));
    }
    if token.contains(['\n', '\r']) {
        return bad("it has more than one line".to_owned());
    }
    if !is_b64token(token) {
        return bad("it has a character that no token has".to_owned());
    }
    if let Some(why) = foreign(token) {
        return bad(format!("{why}, and was not sent anywhere"));
    }
    for (kind, what) in NOT_FOR_APIS {
        if token.starts_with(kind.prefix()) {
            return bad(format!("it is {what}"));
        }
    }
    match brand.damaged(token) {
        Some(why) => bad(why.to_string()),
        None => Ok(Secret::new(token)),
    }
}

/// Asks the server whose the token is, and keeps it.
pub(crate) fn run(
    parts: &Parts,
    http: &Http,
    selection: &Selection,
    options: &LoginOptions,
    text: &Secret,
    server: &str,
) -> Result<Login, Error> {
    let token = read(text, &parts.brand)?;
    let server = parse_server(server)?;
    parts.vault.ready()?;
    let received = Receipt::now(&*parts.time);
    let reply = http.get(&server.join(path::WHOAMI), Some(token.expose()))?;
    let whoami: Whoami = match reply.status {
        200 => reply.json()?,
        403 if reply.challenges_with("insufficient_scope") => {
            return Err(Error::NarrowToken { server: server.to_string(), scope: ACCOUNT });
        }
        401 | 403 => {
            return Err(Error::Rejected {
                server: server.to_string(),
                what: "this token",
                code: "invalid_token".to_owned(),
                detail: Some("nothing was stored".to_owned()),
            });
        }
        _ => return Err(reply.unexpected().into()),
    };
    if whoami.older {
        return Err(crate::legacy::other(parts, &whoami));
    }
    let whoami = presentable(whoami);
    if whoami.id.is_empty() {
        let host = server.authority().to_owned();
        return Err(HttpError::Malformed { host, why: "it does not say whose it is".into() }.into());
    }
    let credential = Credential {
        key: Key {
            issuer: server.issuer().to_owned(),
            client_id: whoami.client_id.clone().unwrap_or_else(|| parts.brand.client_id.clone()),
            account: whoami.id,
        },
        email: Some(whoami.email).filter(|email| !email.is_empty()),
        name: Some(whoami.name).filter(|name| !name.is_empty()),
        kind: CredentialKind::Given,
        scope: whoami.scope,
        access: Some(Access {
            token,
            expires_in: whoami
                .expires_at
                .map(|end| end.since(reply.date.unwrap_or(received.at)).as_secs()),
            received,
            refreshed: false,
        }),
        refresh_token: None,
        resource: None,
        endpoints: Endpoints::default(),
        ended: None,
        binding: None,
        narrowed: Vec::new(),
        rest: serde_json::Map::new(),
    };
    keep(parts, http, selection, options, New { credential, key: None }, server.issuer())
}

fn presentable(mut whoami: Whoami) -> Whoami {
    use hallpass_core::text::presentable;
    whoami.id = presentable(&whoami.id, 255);
    whoami.email = presentable(&whoami.email, 200);
    whoami.name = presentable(&whoami.name, 200);
    whoami
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match read(&Secret::new(text), &Brand::hallpass()) {
            Err(Error::BadToken(why)) => why,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    // proves: client-H2
    #[test]
    fn one_newline_is_taken_off_and_the_rest_must_be_a_token() {
        let good = "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA";
        for text in [good.to_owned(), format!("{good}\n"), format!("{good}\r\n")] {
            assert_eq!(read(&Secret::new(text), &Brand::hallpass()).unwrap().expose(), good);
        }
        assert_eq!(refused(""), "it is empty");
        assert_eq!(refused("\n"), "it is empty");
        assert_eq!(refused(&format!("{good}\n\n")), "it has more than one line");
        assert_eq!(refused("a\nb"), "it has more than one line");
        for odd in ["two words", "nul\0", "tab\t", "é", " lead"] {
            assert_eq!(refused(odd), "it has a character that no token has", "{odd:?}");
        }
        assert!(refused(&"a".repeat(MAX_LEN + 1)).contains("longer than"));
        assert!(refused("ghp_abcdef").contains("GitHub"));
        assert!(refused("hp_rt_abcdef").contains("a refresh token"));
        assert!(refused(&good[..good.len() - 1]).contains("not complete"));
        assert!(refused(&good.replace('0', "1")).contains("checksum"));
    }

    #[test]
    fn a_brands_own_tokens_are_checked_by_its_own_prefix() {
        let mut brand = Brand::hallpass();
        brand.tokens.prefix = "sct_user_".to_owned();
        let mistyped = Secret::new("sct_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA");
        let refused = read(&mistyped, &brand).unwrap_err();
        assert!(refused.to_string().contains("checksum"), "{refused}");
        assert!(read(&mistyped, &Brand::hallpass()).is_ok(), "whose it is, is not known here");
    }

    // proves: J09
    #[test]
    fn a_refusal_does_not_repeat_the_token() {
        assert!(!refused("ghp_verysecret").contains("verysecret"));
    }
}
