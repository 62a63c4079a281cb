//! A server in memory, and browsers that visit it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hallpass_core::brand::Brand;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::NewToken;
use hallpass_core::{Clock, PublicUrl, Secret, Timestamp};
use hallpass_issuer::admin::{NewClient, NewUser};
use hallpass_issuer::tokens::Actor;
use hallpass_issuer::{ClientCredentials, Config, Issuer, MasterKey, Origin, PasswordCost};
use hallpass_store::{Place, Store};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::super::csrf::{self, Purpose};
use super::html::{self, HtmlForm};
use crate::config::{Layers, Settings};
use crate::http::peer::Socket;
use crate::system::SystemRandom;
use crate::{App, Parts};

pub(super) const EMAIL: &str = "ada@example.com";
pub(super) const PASSWORD: &str = "correct horse battery";
pub(super) const HOME: &str = "203.0.113.9";
pub(super) const AWAY: &str = "198.51.100.23";
/// RFC 7636 appendix B.
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A clock that moves only when a test moves it.
#[derive(Default)]
pub(super) struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub(super) struct Site {
    pub(super) app: App,
    router: Router,
    store: Store,
    clock: Arc<Hands>,
}

impl Site {
    /// Nobody has an account yet.
    pub(super) async fn fresh() -> Self {
        Self::of(Brand::hallpass()).await
    }

    /// Of a brand that took over from an older system.
    pub(super) async fn with_a_past() -> Self {
        let mut brand = Brand::hallpass();
        brand.tokens.legacy_prefix = Some("stk_".to_owned());
        let site = Self::of(brand).await;
        site.add_user(EMAIL, "Ada Lovelace").await;
        site
    }

    /// One more like it, in which nobody has an account.
    pub(super) async fn another(&self) -> Self {
        Self::of(self.app.brand().clone()).await
    }

    pub(super) async fn of(brand: Brand) -> Self {
        let clock = Arc::new(Hands(AtomicI64::new(1_795_000_000_000)));
        let public_url = PublicUrl::parse("https://id.example.com").expect("a public URL");
        let store = Store::open(&Place::Memory).await.expect("a store in memory");
        let config = Config {
            public_url: public_url.clone(),
            brand: brand.clone(),
            password: PasswordCost { memory_kib: 8, passes: 1, ..PasswordCost::default() },
            ..Config::default()
        };
        let random = Arc::new(SystemRandom);
        let key = MasterKey::new([7; 32]);
        let issuer = Issuer::start(store.clone(), key, config, clock.clone(), random.clone())
            .await
            .expect("an issuer");
        let app = App::new(Parts {
            issuer,
            store: store.clone(),
            settings: Settings::read(&Layers::default()).expect("the defaults"),
            brand,
            public_url,
            clock: clock.clone(),
            random,
            metrics_token: None,
        });
        Self { router: crate::router(app.clone()), app, store, clock }
    }

    /// Ada has an account.
    pub(super) async fn with_ada() -> Self {
        let site = Self::fresh().await;
        site.add_user(EMAIL, "Ada Lovelace").await;
        site
    }

    pub(super) async fn add_user(&self, email: &str, name: &str) {
        self.add(email, name, false).await;
    }

    /// Somebody with an account; their id.
    pub(super) async fn add(&self, email: &str, name: &str, admin: bool) -> String {
        let user = NewUser {
            email: email.to_owned(),
            name: name.to_owned(),
            password: Some(Secret::new(PASSWORD)),
            admin,
        };
        let made = self.app.issuer().create_user(user, "system").await;
        made.expect("a user").id.to_string()
    }

    pub(super) async fn add_client(&self, id: &str, name: &str, redirect: &str) {
        let client = NewClient {
            id: id.to_owned(),
            name: name.to_owned(),
            redirect_uris: vec![redirect.to_owned()],
            post_logout_redirect_uris: vec!["https://app.example.net/bye".to_owned()],
            ..NewClient::default()
        };
        self.app.issuer().create_client(client, "system").await.expect("a client");
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(time.as_millis() as i64, Ordering::SeqCst);
    }

    /// The whole audit log, as text.
    pub(super) async fn audit(&self) -> Vec<String> {
        let rows = self.store.audit().page(None, 10_000).await.expect("an audit log");
        rows.iter().map(|row| format!("{row:?}")).collect()
    }

    /// Our own command line asks for a device code from `address`; its user code.
    pub(super) async fn device(&self, address: &str, reported: &[(&str, &str)]) -> String {
        let client = self.app.brand().client_id.clone();
        self.device_of(&client, address, reported).await
    }

    pub(super) async fn device_of(
        &self,
        client: &str,
        address: &str,
        reported: &[(&str, &str)],
    ) -> String {
        let mut params = Params::default();
        params.set("client_id", client);
        for (name, value) in reported {
            params.set(name, value);
        }
        let origin = Origin { address: address.parse().ok(), user_agent: None };
        let credentials = ClientCredentials::None;
        let answer = self.app.issuer().device_authorization(&params, credentials, &origin).await;
        answer.expect("a device code").user_code.expose().to_owned()
    }

    /// What our own API says to whoever presents `token`.
    pub(super) async fn whoami(&self, token: &str) -> StatusCode {
        let request = Request::get("/api/v1/whoami")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty());
        let mut request = request.expect("a request");
        let address: IpAddr = AWAY.parse().expect("an address");
        request.extensions_mut().insert(Socket { address, tls: true });
        self.router.clone().oneshot(request).await.expect("never fails").status()
    }

    /// Somebody found this token and reports it.
    pub(super) async fn report_leak(&self, token: &str) {
        let found = [Secret::new(token)];
        let were = self.app.issuer().revoke_leaked(&found, "a test", &Origin::default()).await;
        assert_eq!(were.expect("a leak desk"), [true]);
    }

    /// `token 0000`, `token 0001`, …
    pub(super) async fn add_tokens(&self, email: &str, count: usize) {
        let user = self.store.users().by_email(email).await.expect("a store").expect("a user");
        for number in 0..count {
            let name = format!("token {number:04}");
            self.pass(Duration::from_millis(10));
            let wanted = NewToken { name, ..NewToken::default() };
            let (actor, origin) = (Actor::Person(&user), Origin::default());
            let made = self.app.issuer().create_token(&actor, wanted, &origin).await;
            made.expect("a token");
        }
    }

    /// So many agents of theirs.
    pub(super) async fn add_agents(&self, email: &str, count: usize) {
        let user = self.store.users().by_email(email).await.expect("a store").expect("a user");
        for number in 0..count {
            let name = format!("agent {number:04}");
            let new = hallpass_core::wire::agents::NewAgent { name, ..Default::default() };
            let (actor, origin) = (Actor::Person(&user), Origin::default());
            self.app.issuer().start_agent(&actor, &new, &origin).await.expect("an agent");
        }
    }

    /// An agent of theirs asks them for this; the id of the question.
    pub(super) async fn asks_approval(&self, email: &str, action: &str) -> String {
        let user = self.store.users().by_email(email).await.expect("a store").expect("a user");
        let (issuer, origin) = (self.app.issuer(), Origin::default());
        let name = "deployer".to_owned();
        let new = hallpass_core::wire::agents::NewAgent { name, ..Default::default() };
        let started = issuer.start_agent(&Actor::Person(&user), &new, &origin).await;
        let token = started.expect("an agent").token;
        let ask = hallpass_verdict::Ask { resource: None, place: None };
        let agent = issuer.check(token.expose(), &ask).await.expect("a check").expect("an agent");
        let action = hallpass_core::action::Action::read(action).expect("an action");
        let new = hallpass_core::wire::approvals::NewApproval {
            authorization_details: action.details().to_vec(),
            ..Default::default()
        };
        let asked = issuer.ask_for_approval(&agent, &new, &origin).await;
        asked.expect("a question").auth_req_id
    }

    pub(super) fn browser(&self) -> Browser<'_> {
        let agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/146.0".to_owned();
        Browser {
            site: self,
            jar: RefCell::default(),
            address: Cell::new(HOME),
            agent: RefCell::new(agent),
        }
    }

    /// A browser in which Ada is signed in.
    pub(super) async fn adas_browser(&self) -> Browser<'_> {
        let browser = self.browser();
        browser.sign_in(EMAIL, PASSWORD, "/").await;
        browser
    }
}

/// A browser: it keeps cookies, says where a post comes from, and follows nothing.
pub(super) struct Browser<'a> {
    site: &'a Site,
    pub(super) jar: RefCell<BTreeMap<String, String>>,
    pub(super) address: Cell<&'static str>,
    pub(super) agent: RefCell<String>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) html: String,
}

impl Page {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn location(&self) -> &str {
        self.header("location")
    }

    pub(super) fn form(&self, id: &str) -> HtmlForm {
        html::form(&self.html, id)
    }

    pub(super) fn text(&self, id: &str) -> String {
        html::text(&self.html, id)
    }

    /// `approved`, `error-404`, …
    pub(super) fn outcome(&self) -> String {
        let tag = html::tags(&self.html, "h1").first().copied().unwrap_or_default();
        html::attribute(tag, "data-outcome").unwrap_or_default()
    }
}

impl Browser<'_> {
    /// What a program is shown that says nothing of pages.
    pub(super) async fn get_plain(&self, path: &str) -> Page {
        self.send(Method::GET, path, String::new(), &[("accept", "*/*")]).await
    }

    pub(super) async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, String::new(), &[]).await
    }

    /// A post as our own pages make it.
    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_as(path, fields, &[("sec-fetch-site", "same-origin")]).await
    }

    /// A post with other headers.
    pub(super) async fn post_as(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.send(Method::POST, path, body.finish(), headers).await
    }

    /// Submits `form`, with `fields` filled in.
    pub(super) async fn submit(&self, form: &HtmlForm, fields: &[(&str, &str)]) -> Page {
        let mut all = form.fields.clone();
        for (name, value) in fields {
            all.insert((*name).to_owned(), (*value).to_owned());
        }
        let all: Vec<_> = all.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.post(&form.action, &all).await
    }

    /// What a form about this token would carry, if this browser were shown one.
    pub(super) fn csrf_for_token(&self, id: &str) -> String {
        let session = self.jar.borrow()["__Host-hp"].clone();
        csrf::token(&self.site.app, &Secret::new(session), Purpose::Token(id))
    }

    pub(super) async fn sign_in(&self, email: &str, password: &str, return_to: &str) -> Page {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("return_to", return_to);
        let page = self.get(&format!("/signin?{}", query.finish())).await;
        self.submit(&page.form("signin"), &[("email", email), ("password", password)]).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: String,
        headers: &[(&str, &str)],
    ) -> Page {
        let cookies: Vec<_> =
            self.jar.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder()
            .method(&method)
            .uri(path)
            .header(header::USER_AGENT, self.agent.borrow().as_str());
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if !headers.iter().any(|(name, _)| *name == "accept") {
            request = request.header(header::ACCEPT, "text/html,*/*");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body)).expect("a request");
        let address: IpAddr = self.address.get().parse().expect("an address");
        request.extensions_mut().insert(Socket { address, tls: true });
        let answer = self.site.router.clone().oneshot(request).await.expect("never fails");
        let (parts, body) = answer.into_parts();
        self.keep(&parts.headers);
        let bytes = body.collect().await.expect("a body").to_bytes();
        let html = String::from_utf8_lossy(&bytes).into_owned();
        Page { status: parts.status, headers: parts.headers, html }
    }

    fn keep(&self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            let (name, rest) = cookie.split_once('=').expect("a name");
            let value = rest.split(';').next().unwrap_or_default();
            if cookie.contains("Max-Age=0") {
                self.jar.borrow_mut().remove(name);
            } else {
                self.jar.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
