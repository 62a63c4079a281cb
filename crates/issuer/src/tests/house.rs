//! An issuer over a store in memory, with a clock and dice of its own, and the shortest
//! ways to the states that tests begin with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hallpass_core::Secret;
use hallpass_core::wire::oauth::{DeviceAuthorization, TokenResponse};
use hallpass_core::wire::params::Params;
use hallpass_store::{Place, SigningKey, Store};
use tokio::sync::OnceCell;

use super::chance::{Dice, Hourglass};
use crate::admin::{NewClient, NewUser};
use crate::authorize::{Authorize, AuthorizeError};
use crate::device::{Decided, DeviceDecision};
use crate::signin::SignedInCookie;
use crate::{
    ClientCredentials, Config, Issuer, MasterKey, OAuthError, Origin, PasswordCost, SignedIn,
};

pub(crate) const PASSWORD: &str = "correct horse battery";
/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const LOOPBACK: &str = "http://127.0.0.1:4711/callback";
pub(crate) const WEB: &str = "https://app.example.com/cb";
pub(crate) const ISSUER: &str = "http://localhost:8470";
pub(crate) const API: &str = "http://localhost:8470/api";
pub(crate) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A password cost for tests that hash a lot.
pub(crate) fn cheap() -> PasswordCost {
    PasswordCost { memory_kib: 16, passes: 1, lanes: 1, permits: 2, queue: 64 }
}

pub(crate) fn config() -> Config {
    Config { password: cheap(), ..Config::default() }
}

pub(crate) struct House {
    pub(crate) issuer: Issuer,
    pub(crate) clock: Arc<Hourglass>,
}

/// Parameters from pairs; an empty value leaves the parameter out.
pub(crate) fn params(pairs: &[(&str, &str)]) -> Params {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    Params::parse(query.finish().as_bytes()).unwrap()
}

/// `base`, with `changes` made: a pair replaces that parameter, an empty value removes it.
pub(crate) fn changed(base: &[(&str, &str)], changes: &[(&str, &str)]) -> Params {
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    params(&kept.chain(changes).copied().collect::<Vec<_>>())
}

/// The query of a redirect.
pub(crate) fn query(url: &str) -> BTreeMap<String, String> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

pub(crate) fn from(address: &str) -> Origin {
    Origin { address: Some(address.parse().unwrap()), user_agent: Some("Test/1.0".to_owned()) }
}

/// Where people in tests sit.
pub(crate) fn home() -> Origin {
    from("203.0.113.7")
}

pub(crate) fn basic(id: &str, secret: &Secret) -> ClientCredentials {
    ClientCredentials::basic(id, secret)
}

/// The registered code of a refusal.
#[track_caller]
pub(crate) fn code_of<T: std::fmt::Debug>(result: Result<T, OAuthError>) -> &'static str {
    result.expect_err("a refusal").code.as_str()
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let store = Store::open(&Place::Memory).await.unwrap();
        Self::over(store, config).await
    }

    pub(crate) async fn over(store: Store, config: Config) -> Self {
        // An RSA key takes the better part of a second: one serves all houses.
        static KEYS: OnceCell<Vec<SigningKey>> = OnceCell::const_new();
        let (clock, dice) = (Arc::new(Hourglass::new()), Arc::new(Dice::new()));
        let start = async |store| {
            let (clock, dice) = (clock.clone(), dice.clone());
            let key = MasterKey::new([7; 32]);
            Issuer::start(store, key, config.clone(), clock, dice).await.unwrap()
        };
        let keys = KEYS
            .get_or_init(async || {
                let first = start(Store::open(&Place::Memory).await.unwrap()).await;
                first.0.store.signing_keys().all().await.unwrap()
            })
            .await;
        for key in keys {
            store.signing_keys().ensure(key.clone()).await.unwrap();
        }
        Self { issuer: start(store).await, clock }
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.clock.pass(Duration::from_secs(secs));
    }

    // People.

    pub(crate) async fn person(&self, email: &str) -> SignedIn {
        let new = NewUser {
            email: email.to_owned(),
            name: "Ada Lovelace".to_owned(),
            password: Some(Secret::new(PASSWORD)),
            admin: false,
        };
        self.issuer.create_user(new, "system").await.unwrap();
        self.sign_in(email).await.signed_in
    }

    pub(crate) async fn ada(&self) -> SignedIn {
        self.person("ada@example.com").await
    }

    pub(crate) async fn sign_in(&self, email: &str) -> SignedInCookie {
        self.issuer.sign_in(email, &Secret::new(PASSWORD), None, &home()).await.unwrap()
    }

    // Clients. `hallpass-cli` is there from the start.

    pub(crate) async fn client(&self, new: NewClient) -> Option<Secret> {
        self.issuer.create_client(new, "system").await.unwrap().1
    }

    /// A confidential client with a redirect URI.
    pub(crate) async fn web(&self) -> Secret {
        self.client(NewClient {
            id: "web".to_owned(),
            confidential: true,
            redirect_uris: vec![WEB.to_owned()],
            post_logout_redirect_uris: vec!["https://app.example.com/bye".to_owned()],
            ..NewClient::default()
        })
        .await
        .unwrap()
    }

    /// A public client with a redirect URI of its own.
    pub(crate) async fn other_cli(&self) {
        self.client(NewClient {
            id: "other-cli".to_owned(),
            redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
            ..NewClient::default()
        })
        .await;
    }

    /// A resource server of our own API.
    pub(crate) async fn api(&self) -> Secret {
        let new = NewClient { id: "api".to_owned(), confidential: true, ..NewClient::default() };
        self.client(new).await.unwrap()
    }

    // The code flow.

    /// What the command line asks for.
    pub(crate) const ASK: [(&'static str, &'static str); 7] = [
        ("response_type", "code"),
        ("client_id", "hallpass-cli"),
        ("redirect_uri", LOOPBACK),
        ("scope", "openid profile email offline_access account tokens"),
        ("state", "a state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];

    /// What the command line asks for, but for `changes`. Another client asks for everything
    /// that any client may.
    fn asked(changes: &[(&str, &str)]) -> Params {
        let another =
            changes.iter().any(|(name, id)| *name == "client_id" && *id != Self::ASK[1].1);
        let mut base = Self::ASK;
        if another {
            base[3].1 = "openid profile email offline_access account";
        }
        changed(&base, changes)
    }

    /// Asks as the command line does, but for `changes`.
    pub(crate) async fn ask(
        &self,
        who: Option<&SignedIn>,
        changes: &[(&str, &str)],
    ) -> Result<Authorize, AuthorizeError> {
        self.issuer.authorize(&Self::asked(changes), who, &home()).await
    }

    /// A code for the command line, but for `changes`.
    pub(crate) async fn code(&self, who: &SignedIn, changes: &[(&str, &str)]) -> String {
        let request = Self::asked(changes);
        let url = self.issuer.approve(&request, who, &home()).await.unwrap();
        query(&url)["code"].clone()
    }

    /// What the command line redeems a code with.
    pub(crate) fn redeem_with(code: &str) -> [(&'static str, &str); 5] {
        [
            ("grant_type", "authorization_code"),
            ("client_id", "hallpass-cli"),
            ("code", code),
            ("redirect_uri", LOOPBACK),
            ("code_verifier", VERIFIER),
        ]
    }

    pub(crate) async fn token(&self, request: &Params) -> Result<TokenResponse, OAuthError> {
        self.issuer.token(request, ClientCredentials::None, &home()).await
    }

    /// Redeems a code as the command line does, but for `changes`.
    pub(crate) async fn redeem(
        &self,
        code: &str,
        changes: &[(&str, &str)],
    ) -> Result<TokenResponse, OAuthError> {
        self.token(&changed(&Self::redeem_with(code), changes)).await
    }

    /// Signs the command line in.
    pub(crate) async fn tokens(&self, who: &SignedIn) -> TokenResponse {
        let code = self.code(who, &[]).await;
        self.redeem(&code, &[]).await.unwrap()
    }

    // Refresh.

    pub(crate) async fn refresh(
        &self,
        token: &Secret,
        changes: &[(&str, &str)],
    ) -> Result<TokenResponse, OAuthError> {
        let base = [
            ("grant_type", "refresh_token"),
            ("client_id", "hallpass-cli"),
            ("refresh_token", token.expose()),
        ];
        self.token(&changed(&base, changes)).await
    }

    // The device flow.

    pub(crate) async fn device(
        &self,
        changes: &[(&str, &str)],
    ) -> Result<DeviceAuthorization, OAuthError> {
        let base = [("client_id", "hallpass-cli")];
        let request = changed(&base, changes);
        let origin = from("198.51.100.9");
        self.issuer.device_authorization(&request, ClientCredentials::None, &origin).await
    }

    pub(crate) async fn decide(
        &self,
        who: &SignedIn,
        device: &DeviceAuthorization,
        decision: DeviceDecision,
    ) -> Decided {
        let typed = device.user_code.expose();
        self.issuer.device_decide(who, typed, decision, &home()).await.unwrap()
    }

    pub(crate) async fn poll(
        &self,
        device: &DeviceAuthorization,
        changes: &[(&str, &str)],
    ) -> Result<TokenResponse, OAuthError> {
        let base = [
            ("grant_type", DEVICE),
            ("client_id", "hallpass-cli"),
            ("device_code", device.device_code.expose()),
        ];
        self.token(&changed(&base, changes)).await
    }

    // What stands.

    /// Whether our own API admits an access token now.
    pub(crate) async fn admits(&self, token: &Secret) -> bool {
        self.issuer.verify(token.expose(), API).await.is_ok()
    }
}

/// The URL that an authorization request is redirected to, with a code or an error.
#[track_caller]
pub(crate) fn redirected(answer: Result<Authorize, AuthorizeError>) -> String {
    match answer {
        Ok(Authorize::Redirect(url)) | Err(AuthorizeError::Redirect(url)) => url,
        other => panic!("no redirect: {other:?}"),
    }
}
