//! What handlers read: the path, the query, the body, who is at the other end.
//!
//! Everything is typed and checked before the handler runs: a name nobody knows, a
//! parameter given twice or a body of another kind is a 400 that says so.

use std::future::Future;

use axum::extract::{FromRequestParts as _, RawPathParams};
use axum::response::Response;
use hallpass_core::text::presentable;
use hallpass_core::time::BAD_TIME;
use hallpass_core::wire::params::Params;
use hallpass_issuer::Origin;
use hallpass_store::KeysMade;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::problem;
use super::route::{Incoming, Operation};
use super::schema::{Described, matching, one_of, refer, text, whether, whole};
use crate::app::App;
use crate::http::Peer;
use crate::http::form::{self, FormError};

/// What a handler can read.
pub(super) trait Argument: Send + Sized + 'static {
    /// Adds what is read, and how it is refused.
    fn describe(operation: &mut Operation);

    /// Reads it, or answers the request.
    fn take(
        incoming: &mut Incoming,
        app: &App,
    ) -> impl Future<Output = Result<Self, Response>> + Send;
}

/// Where the request came from.
impl Argument for Origin {
    fn describe(_: &mut Operation) {}

    async fn take(incoming: &mut Incoming, app: &App) -> Result<Self, Response> {
        let Ok(Peer(origin)) = Peer::from_request_parts(&mut incoming.parts, app).await;
        Ok(origin)
    }
}

/// The parameters of the path, in its order.
pub(super) struct Path<const N: usize>(pub(super) [String; N]);

impl<const N: usize> Argument for Path<N> {
    fn describe(operation: &mut Operation) {
        debug_assert_eq!(operation.path_parameters().len(), N, "{}", operation.path);
    }

    async fn take(incoming: &mut Incoming, app: &App) -> Result<Self, Response> {
        let values = path_values(incoming, app).await?;
        let values: Vec<String> = values.into_iter().map(|(_, value)| value).collect();
        values.try_into().map(Self).map_err(|_| {
            problem(StatusCode::INTERNAL_SERVER_ERROR, "broken", "The path is read wrongly.")
        })
    }
}

/// The parameters of the path by name, decoded.
pub(super) async fn path_values(
    incoming: &mut Incoming,
    app: &App,
) -> Result<Vec<(String, String)>, Response> {
    let values = RawPathParams::from_request_parts(&mut incoming.parts, app).await;
    let values = values.map_err(|_| {
        let detail = "The path is not valid UTF-8 in percent-encoding.";
        problem(StatusCode::BAD_REQUEST, "invalid_path", detail)
    })?;
    Ok(values.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Which page of a list.
#[derive(Clone, Debug)]
pub(super) struct Paging {
    pub(super) limit: u32,
    pub(super) cursor: Option<String>,
}

/// Items on a page, if nothing else is asked for.
const PAGE: u32 = 50;

impl Paging {
    pub(super) fn read(params: &Params) -> Result<Self, Box<Response>> {
        let limit = params.get("limit").map_or(Ok(PAGE), str::parse);
        let limit = limit.ok().filter(|limit| (1..=200).contains(limit)).ok_or_else(|| {
            let detail = "limit is a number from 1 to 200.";
            Box::new(problem(StatusCode::BAD_REQUEST, "invalid_limit", detail))
        })?;
        Ok(Self { limit, cursor: params.get("cursor").map(str::to_owned) })
    }
}

impl Argument for Paging {
    fn describe(operation: &mut Operation) {
        operation.query.extend([
            ("limit", whole("How many items at most; 50 if absent.", 1, 200)),
            ("cursor", text("`next_cursor` of the page before.")),
        ]);
        operation.may_refuse([400]);
    }

    async fn take(incoming: &mut Incoming, _: &App) -> Result<Self, Response> {
        let page = query(incoming, &["limit", "cursor"]).and_then(|params| Self::read(&params));
        page.map_err(|refusal| *refusal)
    }
}

/// Which page of whose list.
pub(super) struct PageOf {
    pub(super) paging: Paging,
    pub(super) user: Option<String>,
}

impl Argument for PageOf {
    fn describe(operation: &mut Operation) {
        Paging::describe(operation);
        let user = "Whose, by id or e-mail address; only administrators ask about others.";
        operation.query.push(("user", text(user)));
    }

    async fn take(incoming: &mut Incoming, _: &App) -> Result<Self, Response> {
        let params = query(incoming, &["limit", "cursor", "user"]);
        let page = params.and_then(|params| {
            let user = params.get("user").map(str::to_owned);
            Ok(Self { paging: Paging::read(&params)?, user })
        });
        page.map_err(|refusal| *refusal)
    }
}

/// The organization, and the project in it, that is asked about.
pub(super) struct AtPlace(pub(super) Option<(String, Option<String>)>);

impl Argument for AtPlace {
    fn describe(operation: &mut Operation) {
        let org = "The organization that is asked about: its slug or id.";
        let project = "The project that is asked about: `ORG/PROJECT`.";
        operation.query.push(("org", text(org)));
        // An empty parameter is none (RFC 6749 §3.1).
        operation.query.push(("project", matching("^([^/]+/[^/]+)?$", project)));
        operation.may_refuse([400, 404]);
    }

    async fn take(incoming: &mut Incoming, _: &App) -> Result<Self, Response> {
        let params = query(incoming, &["org", "project"]).map_err(|refusal| *refusal)?;
        let bad = |detail| problem(StatusCode::BAD_REQUEST, "invalid_place", detail);
        match (params.get("org"), params.get("project")) {
            (None, None) => Ok(Self(None)),
            (Some(org), None) => Ok(Self(Some((org.to_owned(), None)))),
            (None, Some(place)) => match place.split_once('/') {
                Some((org, project)) => Ok(Self(Some((org.to_owned(), Some(project.to_owned()))))),
                None => Err(bad("project is ORG/PROJECT.")),
            },
            (Some(_), Some(_)) => Err(bad("Ask about org or about project; project names both.")),
        }
    }
}

/// What becomes of the keys that somebody made who is removed.
pub(super) struct KeysOfLeaver(pub(super) KeysMade);

impl Argument for KeysOfLeaver {
    fn describe(operation: &mut Operation) {
        let keys = "What becomes of the keys that they made there; needed where there are any.";
        operation.query.push(("keys", one_of(&["keep", "revoke"], keys)));
        operation.may_refuse([400, 409]);
    }

    async fn take(incoming: &mut Incoming, _: &App) -> Result<Self, Response> {
        let params = query(incoming, &["keys"]).map_err(|refusal| *refusal)?;
        match params.get("keys") {
            None => Ok(Self(KeysMade::NotAsked)),
            Some("keep") => Ok(Self(KeysMade::Keep)),
            Some("revoke") => Ok(Self(KeysMade::Revoke)),
            Some(_) => {
                let detail = "keys is keep or revoke.";
                Err(problem(StatusCode::BAD_REQUEST, "invalid_keys", detail))
            }
        }
    }
}

/// Which page of a list of places, and whether the archived ones are asked for instead.
pub(super) struct Places {
    pub(super) paging: Paging,
    pub(super) archived: bool,
}

impl Argument for Places {
    fn describe(operation: &mut Operation) {
        Paging::describe(operation);
        let archived = "The archived ones instead, that you could bring back.";
        operation.query.push(("archived", whether(archived)));
    }

    async fn take(incoming: &mut Incoming, _: &App) -> Result<Self, Response> {
        let params = query(incoming, &["limit", "cursor", "archived"]);
        let page = params.and_then(|params| {
            let archived = params.get("archived").map_or(Ok(false), str::parse).map_err(|_| {
                let detail = "archived is true or false.";
                Box::new(problem(StatusCode::BAD_REQUEST, "invalid_parameter", detail))
            })?;
            Ok(Self { paging: Paging::read(&params)?, archived })
        });
        page.map_err(|refusal| *refusal)
    }
}

/// The query, in which nothing else than `known` may stand.
pub(super) fn query(incoming: &Incoming, known: &[&str]) -> Result<Params, Box<Response>> {
    let bad =
        |detail: String| Box::new(problem(StatusCode::BAD_REQUEST, "invalid_parameter", detail));
    let params = Params::parse(incoming.parts.uri.query().unwrap_or_default().as_bytes());
    let params = params.map_err(|why| bad(format!("The query cannot be read: {why}.")))?;
    if let Some((unknown, _)) = params.iter().find(|(name, _)| !known.contains(name)) {
        let (unknown, known) = (presentable(unknown, 40), known.join(", "));
        return Err(bad(format!("There is no parameter {unknown}; there are {known}.")));
    }
    Ok(params)
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: Described + DeserializeOwned + Send + 'static> Argument for Body<T> {
    fn describe(operation: &mut Operation) {
        operation.body = Some(refer::<T>);
        operation.may_refuse([400, 408, 413, 415]);
    }

    async fn take(incoming: &mut Incoming, app: &App) -> Result<Self, Response> {
        let bytes = json_bytes(incoming, app, form::BODY_LIMIT).await?;
        // What is read is an object. serde would take the members in their order for one, too.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            let detail = "Line 1, column 1: an object is needed, and not an array.";
            return Err(problem(StatusCode::BAD_REQUEST, "invalid_body", detail));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| not_this(&error))
    }
}

/// The bytes of a body that says it is JSON.
pub(super) async fn json_bytes(
    incoming: &mut Incoming,
    app: &App,
    limit: usize,
) -> Result<bytes::Bytes, Response> {
    if !is_json(&incoming.parts.headers) {
        let detail = "Send the body as Content-Type: application/json, and not compressed.";
        return Err(problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
    }
    let body = std::mem::take(&mut incoming.body);
    let read = form::bytes_within(body, limit, app.settings().body_timeout).await;
    read.map_err(|error| {
        let (code, detail) = match error {
            FormError::TooLarge => ("too_large", format!("The body is larger than {limit} bytes.")),
            FormError::TooSlow => ("too_slow", "The body took too long to arrive.".to_owned()),
            _ => ("broken_body", "The body did not arrive in one piece; send it again.".to_owned()),
        };
        problem(error.status(), code, detail)
    })
}

/// Where and why a body is not what was expected. What stood there is not repeated, but for
/// names of members: it may be a secret.
fn not_this(error: &serde_json::Error) -> Response {
    let (line, column, what) = (error.line(), error.column(), error.to_string());
    let named = ["unknown field", "missing field", "duplicate field", "unknown variant", BAD_TIME];
    let what = match error.classify() {
        serde_json::error::Category::Data if named.iter().any(|it| what.starts_with(it)) => {
            presentable(what.split(" at line ").next().unwrap_or_default(), 200)
        }
        serde_json::error::Category::Data => "a value of another type or form is needed".to_owned(),
        _ => "this is not JSON".to_owned(),
    };
    let detail = format!("Line {line}, column {column}: {what}.");
    problem(StatusCode::BAD_REQUEST, "invalid_body", detail)
}

/// `application/json`, in any case, with at most a `charset` of UTF-8; one header.
fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
    let Ok(kind) = kind.to_str() else { return false };
    let mut parts = kind.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = |part: &str| {
        part.split_once('=').is_none_or(|(name, value)| {
            !name.eq_ignore_ascii_case("charset")
                || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    let plain = headers.get(CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    json && plain && parts.all(utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_json() {
        let json = |kind: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().expect("header"));
            is_json(&headers)
        };
        assert!(json("application/json") && json("Application/JSON; charset=\"utf-8\""));
        for other in ["", "text/json", "application/json2", "application/json; charset=latin1"] {
            assert!(!json(other), "{other}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
