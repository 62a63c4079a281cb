//! `/check`: forward auth. A proxy asks for each request that it passes on whether the
//! credential in it is good and may do what the address needs: 200, 401, 403 or 503, with
//! headers that the proxy hands on.
//!
//! What is needed stands in the query, which the operator writes into the proxy's
//! configuration: `project=ORG/PROJECT` or `org=ORG`, `permission=P`, and `resource=URI` if
//! JWTs have to be made out for another resource than this server's own API. Anything else in
//! it is a mistake and answered 400, so that a slip of the pen admits nobody. Only the
//! `Authorization` header is looked at: no cookies, and nothing that says which request it
//! was (`X-Original-URI` and the like), which the visitor may have written.
//!
//! Every header is always there, if only empty: a proxy that copies what is there must not
//! leave standing what the visitor sent.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::any;
use hallpass_core::Timestamp;
use hallpass_core::text::presentable;
use hallpass_core::wire::CREDENTIAL_EXPIRES;
use hallpass_core::wire::params;
use hallpass_core::wire::path::CHECK;
use hallpass_guard::{Challenge, Decision, Refusal, bearer};
use hallpass_verdict::{Ask, PlaceAsked};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::api::{deprecation, problem};
use crate::app::App;
use crate::http::{headers, peer};
use crate::limit;

/// What is told of whoever is let through.
const SUB: HeaderName = HeaderName::from_static("x-hallpass-sub");
const SUB_TYPE: HeaderName = HeaderName::from_static("x-hallpass-sub-type");
const USER: HeaderName = HeaderName::from_static("x-hallpass-user");
const CREDENTIAL: HeaderName = HeaderName::from_static("x-hallpass-credential");
const SCOPE: HeaderName = HeaderName::from_static("x-hallpass-scope");
const ORG: HeaderName = HeaderName::from_static("x-hallpass-org");
const PROJECT: HeaderName = HeaderName::from_static("x-hallpass-project");
const ROLE: HeaderName = HeaderName::from_static("x-hallpass-role");
const PERMISSIONS: HeaderName = HeaderName::from_static("x-hallpass-permissions");
/// Only where the credential ends soon (HP12).
const EXPIRES: HeaderName = HeaderName::from_static(CREDENTIAL_EXPIRES);

pub(crate) fn routes(app: &App) -> Router<App> {
    Router::new()
        .route(CHECK, any(check))
        .route_layer(middleware::from_fn_with_state(app.clone(), limit::refused_credentials))
}

async fn check(State(app): State<App>, request: Request) -> Response {
    answer(&app, request).await
}

/// Answers a check. The body is not read.
pub(crate) async fn answer(app: &App, request: Request) -> Response {
    let query = request.uri().query();
    // Before the question is read: a token in it is to be told as that.
    let presented = bearer::token(request.headers(), query);
    let asked = match Asked::read(query.unwrap_or_default()) {
        Ok(asked) => asked,
        Err(why) => return problem(StatusCode::BAD_REQUEST, "invalid_parameter", why),
    };
    // Which request it is about is not known here, so nobody can prove anything (RFC 9449 §7).
    let challenge =
        Challenge { resource_metadata: None, scope: asked.permission.clone(), dpop: false };
    let refuse = |refusal: Refusal| refusal.response::<Body>(&challenge);
    let token = match presented {
        Ok(token) => token,
        Err(refusal) => return refuse(refusal),
    };
    let own = app.public_url().default_resource();
    let resource = Some(asked.resource.as_deref().unwrap_or(own));
    let ask = Ask { resource, place: asked.place() };
    let address = peer::address_of(request.extensions(), request.headers(), app);
    let mut answer = match app.issuer().check_from(token.expose(), &ask, address).await {
        Ok(Ok(decision)) if decision.jkt.is_some() => refuse(Refusal::KeyMissing),
        Ok(Ok(decision)) if asked.is_met_by(&decision) => {
            app.issuer().used_from(&decision, address);
            admit(&decision, app.issuer().now())
        }
        Ok(Ok(decision)) => {
            if let Some((org, project)) = asked.named() {
                app.issuer().denied_at(&decision, org, project, address);
            }
            refuse(asked.unmet(app, &decision))
        }
        Ok(Err(why)) => {
            tracing::debug!(%why, "a credential was refused");
            refuse(Refusal::NotGood)
        }
        Err(error) => {
            crate::http::failure::log(&error);
            refuse(Refusal::Unavailable)
        }
    };
    deprecation::tell(app, token.expose(), answer.headers_mut());
    answer
}

/// What the proxy's configuration asks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    org: Option<String>,
    project: Option<String>,
    permission: Option<String>,
    resource: Option<String>,
}

impl Asked {
    fn read(query: &str) -> Result<Self, String> {
        let pairs = params::pairs(query.as_bytes())
            .map_err(|why| format!("The query cannot be read: {why}."))?;
        let mut asked = Self::default();
        for (name, value) in pairs {
            let place = match &*name {
                "org" => &mut asked.org,
                "project" => &mut asked.project,
                "permission" => &mut asked.permission,
                "resource" => &mut asked.resource,
                other => {
                    let other = presentable(other, 40);
                    return Err(format!(
                        "There is no parameter {other}; there are project, org, permission and resource."
                    ));
                }
            };
            // Empty where a variable of the proxy had no value: that must not admit everybody.
            if value.is_empty() || place.replace(value.into_owned()).is_some() {
                return Err(format!("{name} has to be there once, with a value, or not at all."));
            }
        }
        if asked.org.is_some() && asked.project.is_some() {
            return Err("Ask about an org or a project, not both.".to_owned());
        }
        let read = [
            asked.org.as_deref().map(PlaceAsked::org),
            asked.project.as_deref().map(PlaceAsked::project),
        ];
        if read.into_iter().flatten().any(|place| place.is_none()) {
            return Err("A project is written ORG/PROJECT, an org ORG.".to_owned());
        }
        if asked.permission.is_some() && asked.org.is_none() && asked.project.is_none() {
            return Err(
                "A permission is had somewhere: say project=ORG/PROJECT or org=ORG.".to_owned()
            );
        }
        Ok(asked)
    }

    fn place(&self) -> Option<PlaceAsked<'_>> {
        let org = self.org.as_deref().and_then(PlaceAsked::org);
        org.or_else(|| self.project.as_deref().and_then(PlaceAsked::project))
    }

    /// The parts of the place that was asked about.
    fn named(&self) -> Option<(&str, Option<&str>)> {
        let project = || self.project.as_deref()?.split_once('/');
        let org = self.org.as_deref().map(|org| (org, None));
        org.or_else(|| project().map(|(org, project)| (org, Some(project))))
    }

    /// A place that was asked about needs a role there, and the permission if one was named.
    fn is_met_by(&self, decision: &Decision) -> bool {
        let somewhere = self.place().is_none() || decision.place.is_some();
        somewhere && self.permission.as_ref().is_none_or(|permission| decision.may(permission))
    }

    /// What is missing where it is not met: the scope, if the role alone would do (RFC 6750 §3.1).
    /// Where there is no role, nothing else is told.
    fn unmet(&self, app: &App, decision: &Decision) -> Refusal {
        match decision.place.as_ref().zip(self.permission.as_deref()) {
            Some((place, permission)) if app.issuer().role_allows(place, permission) => {
                Refusal::ScopeMissing
            }
            _ => Refusal::NotAllowed,
        }
    }
}

fn admit(decision: &Decision, now: Timestamp) -> Response {
    let place = decision.place.as_ref();
    let role = place.and_then(|it| match (it.role, it.org_role, &it.project) {
        (Some(role), _, Some(_)) => Some(role.as_str()),
        (_, Some(role), None) => Some(role.as_str()),
        _ => None,
    });
    let permissions = place.map(|it| it.permissions.iter().map(String::as_str).collect::<Vec<_>>());
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = headers::of_data();
    response.headers_mut().extend([
        (SUB, value(&decision.who.id())),
        (SUB_TYPE, value(decision.who.kind())),
        (USER, value(decision.who.email().unwrap_or_default())),
        (CREDENTIAL, value(decision.kind.as_str())),
        (SCOPE, value(decision.scope.as_str())),
        (ORG, value(place.map_or("", |it| &it.org_slug))),
        (PROJECT, value(place.and_then(|it| it.project_slug.as_deref()).unwrap_or_default())),
        (ROLE, value(role.unwrap_or_default())),
        (PERMISSIONS, value(&permissions.unwrap_or_default().join(" "))),
    ]);
    if let Some(ends) = decision.ends_soon(now) {
        response.headers_mut().insert(EXPIRES, value(&ends.to_http_date()));
    }
    response
}

/// Text as the value of a header: what is no visible ASCII, and `%` itself, as `%` and two
/// digits for each byte of its UTF-8; single spaces stay.
fn value(text: &str) -> HeaderValue {
    let plain = |byte: u8| byte != b'%' && (b' '..0x7f).contains(&byte);
    if text.bytes().all(plain) {
        return header(text);
    }
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | 0..=0x1f | 0x7f.. => safe.push_str(&format!("%{byte:02X}")),
            _ => safe.push(char::from(byte)),
        }
    }
    header(&safe)
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text.trim()).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_of_ascii_and_can_be_read_back() {
        assert_eq!(value("ada@example.com"), "ada@example.com");
        assert_eq!(value("zoë@bücher.example"), "zo%C3%AB@b%C3%BCcher.example");
        assert_eq!(value("a\r\nX-Hallpass-Role: owner"), "a%0D%0AX-Hallpass-Role: owner");
        assert_eq!(value("100%\u{0}\u{7f}"), "100%25%00%7F");
        assert_eq!(value(""), "");
    }

    #[test]
    fn a_slip_of_the_pen_admits_nobody() {
        let good = Asked::read("project=lab%2Ftools&permission=project:read").expect("good");
        assert_eq!(good.place(), Some(PlaceAsked::Project { org: "lab", project: "tools" }));
        assert_eq!(Asked::read(""), Ok(Asked::default()));
        for bad in [
            "permision=project:read",
            "project=lab/tools&permission=",
            "project=&permission=project:read",
            "permission=project:read",
            "project=lab",
            "org=lab/tools",
            "org=lab&project=lab/tools",
            "project=lab/tools&project=lab/other",
            "project=lab/tools&permission=a&permission=b",
            "project=lab/tools&%ff=1",
        ] {
            assert!(Asked::read(bad).is_err(), "{bad}");
        }
    }
}
