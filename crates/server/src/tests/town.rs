//! One deployment to ask.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_core::brand::Brand;
use hallpass_core::wire::oauth::{DEVICE_CODE, DeviceAuthorization, TokenResponse};
use hallpass_core::wire::path;
use hallpass_core::{PublicUrl, Secret};
use hallpass_issuer::admin::{NewClient, NewUser};
use hallpass_issuer::device::DeviceDecision;
use hallpass_issuer::{Config, Issuer, MasterKey, Origin, PasswordCost, SignedIn};
use hallpass_store::{Place, Store};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::config::{Layers, Settings};
use crate::http::peer::Socket;
use crate::system::{SystemClock, SystemRandom};
use crate::{App, Parts};

pub(super) const CLIENT: &str = "hallpass-cli";
pub(super) const PASSWORD: &str = "correct horse battery";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// A deployment.
pub(super) struct Town {
    pub(super) app: App,
    pub(super) router: Router,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) async fn read(answer: axum::response::Response) -> Self {
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8(bytes.to_vec()).expect("text");
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Status and `error` of RFC 6749 §5.2.
    pub(super) fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        let error = self.json()["error"].as_str().expect("an error").to_owned();
        (self.status.as_u16(), error)
    }
}

impl Town {
    pub(super) async fn new() -> Self {
        Self::with("http://localhost:8470", &[]).await
    }

    /// With another public URL and these settings.
    pub(super) async fn with(public_url: &str, settings: &[(&str, &str)]) -> Self {
        let mut layers = Layers::default();
        layers.flags(settings.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())));
        let public_url = PublicUrl::parse(public_url).expect("a public URL");
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let store = Store::open(&Place::Memory).await.expect("a store in memory");
        let config = Config {
            public_url: public_url.clone(),
            password: PasswordCost { memory_kib: 8, passes: 1, ..PasswordCost::default() },
            ..Config::default()
        };
        let key = MasterKey::new([7; 32]);
        let issuer = Issuer::start(store.clone(), key, config, clock.clone(), random.clone())
            .await
            .expect("an issuer");
        let app = App::new(Parts {
            issuer,
            store,
            settings: Settings::read(&layers).expect("settings"),
            brand: Brand::hallpass(),
            public_url,
            clock,
            random,
            metrics_token: Some(Secret::new("metrics-token")),
        });
        Self { router: crate::router(app.clone()), app }
    }

    /// Somebody with an account and a browser.
    pub(super) async fn person(&self, email: &str) -> SignedIn {
        let issuer = self.app.issuer();
        let password = Secret::new(PASSWORD);
        let new = NewUser {
            email: email.to_owned(),
            name: "Ada".to_owned(),
            password: Some(password.clone()),
            admin: false,
        };
        issuer.create_user(new, "system").await.expect("a user");
        let origin = Origin::default();
        issuer.sign_in(email, &password, None, &origin).await.expect("signed in").signed_in
    }

    /// A confidential client; the value of its `Authorization` header.
    pub(super) async fn caller(&self, id: &str) -> String {
        let new = NewClient {
            id: id.to_owned(),
            confidential: true,
            redirect_uris: vec!["https://api.example.com/cb".to_owned()],
            ..NewClient::default()
        };
        let made = self.app.issuer().create_client(new, "system").await.expect("a client");
        basic(id, made.1.expect("a secret").expose())
    }

    /// Signs a program in for `person` with a device code.
    pub(super) async fn tokens(&self, person: &SignedIn, scope: &str) -> TokenResponse {
        let asked = [("client_id", CLIENT), ("scope", scope)];
        let started = self.post(path::DEVICE_AUTHORIZATION, &asked, &[]).await;
        assert_eq!(started.status, StatusCode::OK, "{started:?}");
        let device: DeviceAuthorization = serde_json::from_str(&started.body).expect("codes");
        let (issuer, origin) = (self.app.issuer(), Origin::default());
        let typed = device.user_code.expose();
        issuer
            .device_decide(person, typed, DeviceDecision::Approve, &origin)
            .await
            .expect("approved");
        let poll = [
            ("grant_type", DEVICE_CODE),
            ("device_code", device.device_code.expose()),
            ("client_id", CLIENT),
        ];
        let answer = self.post(path::TOKEN, &poll, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        serde_json::from_str(&answer.body).expect("tokens")
    }

    pub(super) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, headers, "").await
    }

    pub(super) async fn post(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let mut all = vec![(CONTENT_TYPE.as_str(), FORM)];
        all.extend(headers);
        self.ask(Method::POST, path, &all, &body.finish()).await
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).expect("a request"), None).await
    }

    /// From a socket with this address.
    pub(super) async fn send(&self, mut request: Request<Body>, from: Option<IpAddr>) -> Answer {
        if let Some(address) = from {
            request.extensions_mut().insert(Socket { address, tls: false });
        }
        Answer::read(self.router.clone().oneshot(request).await.expect("never fails")).await
    }

    pub(super) fn now(&self) -> hallpass_core::Timestamp {
        self.app.clock().now()
    }
}

pub(super) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

pub(super) fn bearer(token: &Secret) -> String {
    format!("Bearer {}", token.expose())
}

pub(super) fn with_bearer(header: &str) -> [(&str, &str); 1] {
    [(AUTHORIZATION.as_str(), header)]
}
