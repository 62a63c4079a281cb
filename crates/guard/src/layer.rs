//! [`Guard`], the tower layer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hallpass_core::wire::CREDENTIAL_EXPIRES;
use hallpass_verdict::Decision;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Version};
use tower::{Layer, Service};

use crate::bearer::{self, Presented};
use crate::dpop::{self, Admitted, Refused};
use crate::{Challenge, Refusal, Verifier, Where};

/// On answers to a credential that ends soon (HP12).
const EXPIRES: HeaderName = HeaderName::from_static(CREDENTIAL_EXPIRES);

/// Which organization or project a request is about, if any.
type Place = Arc<dyn Fn(&mut Parts) -> Option<Where> + Send + Sync>;

/// Lets requests through whose token is good here, and puts the [`Decision`] into their
/// extensions.
#[derive(Clone)]
pub struct Guard<V> {
    verifier: V,
    /// Scope tokens that are all needed.
    needed: Vec<&'static str>,
    place: Option<Place>,
    challenge: Arc<Challenge>,
}

impl<V> fmt::Debug for Guard<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("challenge", &self.challenge).finish_non_exhaustive()
    }
}

/// What a refusal behind the guard is to tell; the guard leaves it in the request.
#[cfg(feature = "axum")]
#[derive(Clone, Debug)]
pub(crate) struct Told(pub(crate) Arc<Challenge>);

impl<V: Verifier> Guard<V> {
    /// A guard that asks `verifier` and whose challenges point to `resource_metadata`.
    pub fn new(verifier: V, resource_metadata: impl Into<String>) -> Self {
        let challenge = Challenge {
            resource_metadata: Some(resource_metadata.into()),
            scope: None,
            dpop: verifier.prover().is_some(),
        };
        Self { verifier, needed: Vec::new(), place: None, challenge: Arc::new(challenge) }
    }

    /// Says which organization or project a request is about, so that the decision tells
    /// what its sender may do there. In axum, add the guard with `route_layer`, and
    /// `axum::project_in_path` is such a function.
    #[must_use]
    pub fn at<F>(mut self, place: F) -> Self
    where
        F: Fn(&mut Parts) -> Option<Where> + Send + Sync + 'static,
    {
        self.place = Some(Arc::new(place));
        self
    }

    /// Also asks for a scope token; may be called more than once.
    pub fn require(mut self, scope: &'static str) -> Self {
        self.needed.push(scope);
        let challenge =
            Challenge { scope: Some(self.needed.join(" ")), ..Challenge::clone(&self.challenge) };
        self.challenge = Arc::new(challenge);
        self
    }

    /// Names a scope token in challenges, without asking for it: whether it is needed is decided
    /// behind the guard, as for a key that has no such scope.
    pub fn suggest(mut self, scope: &'static str) -> Self {
        let challenge = Challenge { scope: Some(scope.to_owned()), ..(*self.challenge).clone() };
        self.challenge = Arc::new(challenge);
        self
    }

    /// What a refusal of this guard tells.
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// What can be decided without asking anybody.
    fn presented<B>(&self, request: &Request<B>) -> Result<Presented, Refusal> {
        let presented = bearer::presented(request.headers(), request.uri().query())?;
        let fits = self.verifier.shapes().fits(presented.token().expose());
        if fits { Ok(presented) } else { Err(Refusal::NotGood) }
    }

    async fn decide(
        &self,
        presented: Result<Presented, Refusal>,
        request: Option<dpop::Request>,
        place: Option<Where>,
    ) -> Result<Admitted, Refused> {
        let presented = presented?;
        let request =
            || request.unwrap_or_else(|| dpop::Request::new(&Method::GET, "", &HeaderMap::new()));
        let admitted = dpop::admit(&self.verifier, &presented, request, place.as_ref()).await?;
        // Checked for each request, whatever was decided for an earlier one (E10).
        if self.needed.iter().all(|scope| admitted.0.scope.contains(scope)) {
            Ok(admitted)
        } else {
            Err(Refusal::ScopeMissing.into())
        }
    }
}

impl<S, V: Verifier> Layer<S> for Guard<V> {
    type Service = Guarded<S, V>;

    fn layer(&self, inner: S) -> Guarded<S, V> {
        Guarded { inner, guard: self.clone() }
    }
}

/// A service behind a [`Guard`].
#[derive(Clone, Debug)]
pub struct Guarded<S, V> {
    inner: S,
    guard: Guard<V>,
}

impl<S, V, B, R> Service<Request<B>> for Guarded<S, V>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    V: Verifier,
    B: Send + 'static,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to call.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let guard = self.guard.clone();
        let presented = guard.presented(&request);
        let (mut parts, body) = request.into_parts();
        let place = guard.place.as_ref().and_then(|place| place(&mut parts));
        let bound = matches!(presented, Ok(Presented::Bound(_)));
        let about = bound.then(|| dpop::Request::of(&parts));
        Box::pin(async move {
            // Nobody but this guard decides, whatever an outer layer left here.
            parts.extensions.remove::<Decision>();
            match guard.decide(presented, about, place).await {
                Ok((decision, nonce)) => {
                    // Nothing behind here can pass it on (RFC 9700 §4.10, "token passthrough").
                    parts.headers.remove(AUTHORIZATION);
                    let now = guard.verifier.now();
                    let ends = now.and_then(|now| decision.ends_soon(now));
                    parts.extensions.insert(decision);
                    #[cfg(feature = "axum")]
                    parts.extensions.insert(Told(guard.challenge));
                    let mut response = inner.call(Request::from_parts(parts, body)).await?;
                    if let Some(ends) = ends
                        && let Ok(date) = HeaderValue::from_str(&ends.to_http_date())
                    {
                        response.headers_mut().insert(EXPIRES, date);
                    }
                    if let Some(nonce) = nonce {
                        response.headers_mut().insert(dpop::NONCE, nonce);
                    }
                    Ok(response)
                }
                Err(Refused { refusal, nonce }) => {
                    let mut response = refusal.response(&guard.challenge);
                    if leaves_a_body(&parts) {
                        response.headers_mut().insert(CONNECTION, CLOSE);
                    }
                    if let Some(nonce) = nonce {
                        response.headers_mut().insert(dpop::NONCE, nonce);
                    }
                    Ok(response)
                }
            }
        })
    }
}

/// RFC 9112 §9.6: a body that nobody reads ends the connection, and whoever sends another
/// request at once, with a proof this time, has to know that before. HTTP/2 has streams instead.
fn leaves_a_body(parts: &Parts) -> bool {
    let length = parts.headers.get(CONTENT_LENGTH);
    let body = length.is_some_and(|length| length.as_bytes() != b"0");
    let body = body || parts.headers.contains_key(TRANSFER_ENCODING);
    body && parts.version <= Version::HTTP_11
}

const CLOSE: HeaderValue = HeaderValue::from_static("close");

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hallpass_core::Timestamp;
    use hallpass_verdict::Who;
    use http::StatusCode;
    use http_body_util::Full;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::Unverified;

    /// Knows one good token; counts how often it was asked.
    #[derive(Clone, Default)]
    struct Counting(Arc<AtomicUsize>, bool);

    impl Verifier for Counting {
        type Prover = dpop::Nobody;

        async fn verify(&self, token: &str) -> Result<Decision, Unverified> {
            self.0.fetch_add(1, Ordering::SeqCst);
            match () {
                () if self.1 => Err(Unverified::Unavailable),
                () if token == good() => Ok(decision()),
                () => Err(Unverified::NotGood),
            }
        }
    }

    fn good() -> String {
        format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt"}"#))
    }

    fn decision() -> Decision {
        Decision {
            kind: hallpass_verdict::CredentialKind::AccessToken,
            who: Arc::new(Who::User {
                id: "usr_01JAAAAAAAAAAAAAAAAAAAAAAA".parse().expect("id"),
                email: "ada@example.com".to_owned(),
                name: "Ada".to_owned(),
                admin: false,
            }),
            client_id: Some("c".into()),
            scope: "account".parse().expect("scope"),
            grant: "grt_01JBBBBBBBBBBBBBBBBBBBBBBB".parse().ok(),
            audience: vec!["https://api.example".to_owned()],
            id: "jti".to_owned(),
            auth_time: None,
            issued_at: Timestamp::default(),
            expires_at: None,
            jkt: None,
            place: None,
        }
    }

    async fn ask(guard: Guard<Counting>, header: Option<String>) -> (StatusCode, usize) {
        let asked = guard.verifier.0.clone();
        let inner = service_fn(|request: Request<()>| async move {
            let who = request
                .extensions()
                .get::<Decision>()
                .and_then(|d| d.who.email().map(str::to_owned));
            assert!(!request.headers().contains_key(AUTHORIZATION), "it could be passed on");
            let body = Full::new(Bytes::from(who.unwrap_or_default()));
            Ok::<_, Infallible>(Response::new(body))
        });
        let mut request = Request::get("/");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let request = request.body(()).expect("request");
        let Ok(response) = guard.layer(inner).oneshot(request).await;
        (response.status(), asked.load(Ordering::SeqCst))
    }

    fn guard(unavailable: bool) -> Guard<Counting> {
        Guard::new(Counting(Arc::default(), unavailable), "https://id.example/m").require("account")
    }

    // proves: G10
    #[tokio::test]
    async fn a_good_token_is_let_through_with_its_decision() {
        assert_eq!(
            ask(guard(false), Some(format!("Bearer {}", good()))).await,
            (StatusCode::OK, 1)
        );
    }

    // proves: HP12
    #[tokio::test]
    async fn an_answer_says_that_the_credential_ends_soon() {
        #[derive(Clone)]
        struct Ending(u64, hallpass_verdict::CredentialKind);
        impl Verifier for Ending {
            type Prover = dpop::Nobody;

            async fn verify(&self, _: &str) -> Result<Decision, Unverified> {
                let ends = Timestamp::from_secs(1_800_000_000) + Duration::from_secs(self.0);
                Ok(Decision { kind: self.1, expires_at: Some(ends), ..decision() })
            }
            fn now(&self) -> Option<Timestamp> {
                Some(Timestamp::from_secs(1_800_000_000))
            }
        }
        const DAY: u64 = 86_400;
        use hallpass_verdict::CredentialKind::{AccessToken, PersonalToken, ProjectKey};
        for (ends, kind, said) in [
            (14 * DAY, ProjectKey, Some("Fri, 29 Jan 2027 08:00:00 GMT")),
            (60, PersonalToken, Some("Fri, 15 Jan 2027 08:01:00 GMT")),
            (14 * DAY + 1, ProjectKey, None),
            // It is renewed by itself.
            (60, AccessToken, None),
        ] {
            let guard = Guard::new(Ending(ends, kind), "https://id.example/m");
            let inner = service_fn(|_: Request<()>| async {
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
            });
            let request = Request::get("/").header("authorization", format!("Bearer {}", good()));
            let Ok(response) = guard.layer(inner).oneshot(request.body(()).expect("request")).await;
            let header = response.headers().get(CREDENTIAL_EXPIRES);
            assert_eq!(header.map(|it| it.to_str().expect("ASCII")), said, "{ends} {kind:?}");
        }
    }

    // proves: G04
    #[tokio::test]
    async fn what_cannot_be_a_token_costs_no_look_up() {
        for header in [
            None,
            Some("Basic YTpi".to_owned()),
            Some("Bearer hp_rt_000000000000000000000000000000000000".to_owned()),
            Some("Bearer a.b.c".to_owned()),
        ] {
            assert_eq!(ask(guard(false), header).await, (StatusCode::UNAUTHORIZED, 0));
        }
    }

    #[tokio::test]
    async fn a_refusal_that_leaves_a_body_unread_says_that_the_connection_ends() {
        let refuse = async |length: Option<&str>| {
            let inner = service_fn(|_: Request<()>| async move {
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
            });
            let mut request = Request::post("/");
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let request = request.body(()).expect("request");
            let Ok(response) = guard(false).layer(inner).oneshot(request).await;
            response.headers().contains_key("connection")
        };
        assert!(refuse(Some("12")).await);
        assert!(!refuse(Some("0")).await && !refuse(None).await);
    }

    #[tokio::test]
    async fn nobody_to_ask_is_never_yes() {
        let answer = ask(guard(true), Some(format!("Bearer {}", good()))).await;
        assert_eq!(answer, (StatusCode::SERVICE_UNAVAILABLE, 1));
    }

    // proves: E10, G12
    #[tokio::test]
    async fn the_scope_is_checked_for_each_request() {
        let strict = guard(false).require("admin");
        assert_eq!(strict.challenge().scope.as_deref(), Some("account admin"));
        let answer = ask(strict, Some(format!("Bearer {}", good()))).await;
        assert_eq!(answer, (StatusCode::FORBIDDEN, 1));
    }
}
