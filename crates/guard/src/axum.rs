//! For APIs that are written with axum.
//!
//! | what | for |
//! |---|---|
//! | [`Caller`] | whoever the guard let through |
//! | [`Require`], [`permission!`](crate::permission) | only who may, in the project or organization of the request |
//! | [`project_in_path`], [`org_in_path`] | which that is, by the parameters of the route |
//! | [`protected_resource`] | the resource's metadata (RFC 9728) in one line |

use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ::axum::Router;
use ::axum::body::Body;
use ::axum::extract::{FromRequestParts, RawPathParams};
use ::axum::response::Response;
use ::axum::routing::get;
use hallpass_verdict::{CredentialKind, Decision};
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;

use crate::layer::Told;
use crate::resource::Resource;
use crate::{Challenge, Refusal, Where};

/// A permission, as a type. Made by [`permission!`](crate::permission).
pub trait Permission {
    /// As the table of roles names it: `results:publish`.
    const NAME: &'static str;
}

/// Names a permission, to be asked for with [`Require`](crate::axum::Require).
///
/// ```
/// hallpass_guard::permission!(pub Publish = "results:publish");
/// ```
#[macro_export]
macro_rules! permission {
    ($(#[$doc:meta])* $visible:vis $name:ident = $permission:literal) => {
        $(#[$doc])*
        #[doc = concat!("The permission `", $permission, "`.")]
        #[derive(Clone, Copy, Debug)]
        $visible struct $name;
        impl $crate::axum::Permission for $name {
            const NAME: &'static str = $permission;
        }
    };
}

/// Whoever the [`Guard`](crate::Guard) let through. A route without one refuses everybody.
#[derive(Clone, Debug)]
pub struct Caller(pub Decision);

impl Deref for Caller {
    type Target = Decision;
    fn deref(&self) -> &Decision {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match parts.extensions.get::<Decision>() {
            Some(decision) => Ok(Self(decision.clone())),
            None => Err(refuse(parts, Refusal::NoCredential, None)),
        }
    }
}

/// Whoever the guard let through, if their role in the organization or project that the
/// request is about (see [`Guard::at`](crate::Guard::at)) allows `P` now, and their credential
/// was scoped to it. Everybody else is answered 403.
#[derive(Clone, Debug)]
pub struct Require<P> {
    decision: Decision,
    permission: PhantomData<P>,
}

impl<P> Require<P> {
    /// Who, and what they may do.
    pub fn into_inner(self) -> Decision {
        self.decision
    }
}

impl<P> Deref for Require<P> {
    type Target = Decision;
    fn deref(&self) -> &Decision {
        &self.decision
    }
}

impl<P: Permission, S: Sync> FromRequestParts<S> for Require<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Caller(decision) = Caller::from_request_parts(parts, state).await?;
        if decision.may(P::NAME) {
            return Ok(Self { decision, permission: PhantomData });
        }
        // Another token helps a person who has a role here. What is bound to a place says no more
        // than its role has, and where there is no role no scope helps.
        let persons = decision.kind.is_sign_in() || decision.kind == CredentialKind::PersonalToken;
        let helps = persons && decision.place.is_some() && !decision.is_scoped_to(P::NAME);
        let refusal = if helps { Refusal::ScopeMissing } else { Refusal::NotAllowed };
        Err(refuse(parts, refusal, Some(P::NAME)))
    }
}

fn refuse(parts: &Parts, refusal: Refusal, needed: Option<&str>) -> Response {
    let told = parts.extensions.get::<Told>();
    let mut challenge = told.map(|told| Challenge::clone(&told.0)).unwrap_or_default();
    if let Some(needed) = needed {
        let scope = challenge.scope.take();
        challenge.scope = Some(scope.map_or(needed.to_owned(), |all| format!("{all} {needed}")));
    }
    refusal.response::<Body>(&challenge)
}

/// The request is about the project that two parameters of its route name:
/// `project_in_path("org", "project")` for `/orgs/{org}/projects/{project}/…`. To be given to
/// [`Guard::at`](crate::Guard::at); the guard must be added with `route_layer`.
pub fn project_in_path(
    org: &'static str,
    project: &'static str,
) -> impl Fn(&mut Parts) -> Option<Where> + Send + Sync + 'static {
    move |parts| Some(Where::project(parameter(parts, org)?, parameter(parts, project)?))
}

/// As [`project_in_path`], for an organization.
pub fn org_in_path(
    org: &'static str,
) -> impl Fn(&mut Parts) -> Option<Where> + Send + Sync + 'static {
    move |parts| parameter(parts, org).map(Where::Org)
}

/// A parameter of the matched route. axum reads them without waiting for anything.
fn parameter(parts: &mut Parts, name: &str) -> Option<String> {
    let reading = pin!(RawPathParams::from_request_parts(parts, &()));
    let mut reading = reading;
    match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(all)) => {
            all.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
        }
        Poll::Ready(Err(_)) | Poll::Pending => None,
    }
}

/// Serves the metadata of a protected resource where RFC 9728 §3.1 wants it, readable for
/// programs in browsers too. To be merged into the API's router, outside of the guard.
pub fn protected_resource<S: Clone + Send + Sync + 'static>(resource: &Resource) -> Router<S> {
    let document = resource.document();
    let answer = move || {
        let mut response = Response::new(Body::from(document.clone()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        std::future::ready(response)
    };
    Router::new().route(&resource.metadata_path(), get(answer))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::axum::routing::post;
    use hallpass_core::{Timestamp, TokenText};
    use hallpass_verdict::{Place, Who};
    use http::header::WWW_AUTHENTICATE;
    use http::{Request, StatusCode};
    use tower::ServiceExt as _;

    use super::*;
    use crate::{Guard, Shapes, Unverified, Verifier};

    permission!(Publish = "project:publish");

    /// Everybody may publish in `acme/good`; the token of `acme/narrow` was not made for it.
    #[derive(Clone)]
    struct Town(Arc<Shapes>);

    impl Verifier for Town {
        type Prover = crate::dpop::Nobody;

        async fn verify(&self, _: &str) -> Result<Decision, Unverified> {
            Ok(decision(None))
        }

        async fn verify_at(&self, _: &str, place: &Where) -> Result<Decision, Unverified> {
            let good = *place == Where::project("acme", "good");
            let narrow = *place == Where::project("acme", "narrow");
            let mut decision = decision((good || narrow).then(|| Place {
                org: "org_01JAAAAAAAAAAAAAAAAAAAAAAA".parse().expect("id"),
                org_slug: "acme".into(),
                project: None,
                project_slug: Some(if good { "good" } else { "narrow" }.into()),
                org_role: None,
                role: None,
                permissions: Arc::new(
                    good.then(|| "project:publish".to_owned()).into_iter().collect(),
                ),
            }));
            if narrow || *place == Where::project("acme", "foreign") {
                decision.kind = CredentialKind::PersonalToken;
                decision.scope = "project:read".parse().expect("scope");
            }
            Ok(decision)
        }

        fn shapes(&self) -> &Shapes {
            &self.0
        }
    }

    fn decision(place: Option<Place>) -> Decision {
        Decision {
            kind: CredentialKind::ProjectKey,
            who: Arc::new(Who::Key { id: "tok_1".to_owned(), name: "ci".to_owned() }),
            client_id: None,
            scope: "project:publish".parse().expect("scope"),
            grant: None,
            audience: Vec::new(),
            id: "tok_1".to_owned(),
            auth_time: None,
            issued_at: Timestamp::default(),
            expires_at: None,
            jkt: None,
            place,
        }
    }

    struct Zeros;
    impl hallpass_core::Random for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    async fn publish(caller: Require<Publish>) -> String {
        caller.who.name().to_owned()
    }

    fn api() -> Router {
        let resource = Resource::new("https://api.example/v1", "https://id.example");
        let guard = Guard::new(Town(Arc::new(Shapes::standard())), resource.metadata_url())
            .at(project_in_path("org", "project"));
        Router::new()
            .route("/v1/{org}/{project}", post(publish))
            .route("/v1/about", post(publish))
            .route("/v1/me", get(async |caller: Caller| caller.who.name().to_owned()))
            .route_layer(guard)
            .route("/v1/open", get(async |caller: Caller| caller.who.name().to_owned()))
            .merge(protected_resource(&resource))
    }

    async fn ask(method: &str, path: &str) -> (StatusCode, String, String) {
        let token = TokenText::mint_with_prefix("hp_user_", &Zeros);
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {}", token.expose()));
        let response = api().oneshot(request.body(Body::empty()).expect("request")).await;
        let response = response.expect("infallible");
        let challenge = response.headers().get(WWW_AUTHENTICATE).cloned();
        let challenge = challenge.map(|value| value.to_str().expect("ASCII").to_owned());
        let (status, body) = (response.status(), response.into_body());
        let body = ::axum::body::to_bytes(body, 10_000).await.expect("body");
        let body = String::from_utf8(body.to_vec()).expect("UTF-8");
        (status, challenge.unwrap_or_default(), body)
    }

    // proves: G12, F07
    #[tokio::test]
    async fn only_who_may_in_the_project_of_the_path_comes_through() {
        assert_eq!(
            ask("POST", "/v1/acme/good").await,
            (StatusCode::OK, String::new(), "ci".into())
        );
        // RFC 6750 §3.1: a wider scope is asked for where that would help, and nowhere else.
        for (path, code, helps) in [
            ("/v1/acme/other", "not_allowed", false),
            ("/v1/acme/foreign", "not_allowed", false),
            ("/v1/about", "not_allowed", false),
            ("/v1/acme/narrow", "insufficient_scope", true),
        ] {
            let (status, challenge, body) = ask("POST", path).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
            assert_eq!(challenge.contains("error=\"insufficient_scope\""), helps, "{challenge}");
            assert_eq!(challenge.contains("scope=\"project:publish\""), helps, "{challenge}");
            let metadata = "https://api.example/.well-known/oauth-protected-resource/v1";
            assert!(challenge.contains(metadata), "{challenge}");
            assert!(body.contains(code), "{body}");
        }
        assert_eq!(ask("GET", "/v1/me").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_route_that_nobody_guards_stays_shut() {
        assert_eq!(ask("GET", "/v1/open").await.0, StatusCode::UNAUTHORIZED);
    }

    // proves: F06
    #[tokio::test]
    async fn the_metadata_is_where_the_challenge_says() {
        let (status, _, body) = ask("GET", "/.well-known/oauth-protected-resource/v1").await;
        assert_eq!(status, StatusCode::OK);
        let document: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(document["resource"], "https://api.example/v1");
        assert_eq!(document["authorization_servers"][0], "https://id.example");
        assert_eq!(document["bearer_methods_supported"][0], "header");
        assert!(document["scopes_supported"].is_null(), "no empty arrays");
    }
}
