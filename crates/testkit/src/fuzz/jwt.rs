//! Access tokens: nothing but what the issuer wrote is taken for one.

use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::pkce::Verifier;
use hallpass_core::wire::params::Params;
use hallpass_core::{Clock, PublicUrl, Secret, Timestamp};
use hallpass_issuer::admin::{NewClient, NewUser};
use hallpass_issuer::{ClientCredentials, Config, Issuer, MasterKey, Origin};
use hallpass_store::{Place, Store};
use tokio::runtime::Runtime;

use super::text;
use crate::system::RealRandom;

const REDIRECT: &str = "http://127.0.0.1/callback";
const ACTOR: &str = "fuzz";

/// The input as a token; as edits of a good token (two bytes where, one byte what); and,
/// if it has two lines, as header and claims in front of a good signature.
pub fn jwt(bytes: &[u8]) {
    let house = house();
    if let Some(text) = text(bytes) {
        house.admits_only_its_own(text);
    }
    let mut edited = house.good.clone().into_bytes();
    for edit in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % edited.len();
        edited[at] = edit[2];
    }
    if let Some(text) = text(&edited) {
        house.admits_only_its_own(text);
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
        let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        let signature = house.good.rsplit('.').next().unwrap_or_default();
        let (header, claims) = (encode(&bytes[..at]), encode(&bytes[at + 1..]));
        house.admits_only_its_own(&format!("{header}.{claims}.{signature}"));
    }
}

/// An issuer with one token.
struct House {
    runtime: Runtime,
    issuer: Issuer,
    good: String,
    resource: String,
}

impl House {
    fn admits_only_its_own(&self, token: &str) {
        let admitted = self.runtime.block_on(self.issuer.verify(token, &self.resource)).is_ok();
        assert_eq!(admitted, token == self.good, "{token:?}");
    }
}

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| build().expect("an issuer in memory"))
}

/// The token must not expire while somebody looks for a way around it.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_795_000_000)
    }
}

fn build() -> Result<House> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (issuer, good) = runtime.block_on(issue())?;
    let resource = issuer.config().public_url.default_resource().to_owned();
    Ok(House { runtime, issuer, good, resource })
}

/// The code flow, without HTTP.
async fn issue() -> Result<(Issuer, String)> {
    let store = Store::open(&Place::Memory).await?;
    let config =
        Config { public_url: PublicUrl::parse("http://localhost:8470")?, ..Config::default() };
    let key = MasterKey::new([7; 32]);
    let issuer = Issuer::start(store, key, config, Arc::new(Still), Arc::new(RealRandom)).await?;
    let (email, password) = ("ada@example.com", Secret::new("correct horse battery staple"));
    let new = NewUser {
        email: email.to_owned(),
        name: "Ada".to_owned(),
        password: Some(password.clone()),
        admin: false,
    };
    issuer.create_user(new, ACTOR).await?;
    let new = NewClient {
        id: "tool".to_owned(),
        redirect_uris: vec![REDIRECT.to_owned()],
        ..NewClient::default()
    };
    issuer.create_client(new, ACTOR).await?;
    let origin = Origin::default();
    let person = issuer.sign_in(email, &password, None, &origin).await?.signed_in;
    let verifier = Verifier::mint(&RealRandom);
    let mut request = Params::default();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "tool"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid"),
        ("code_challenge", verifier.challenge().as_str()),
        ("code_challenge_method", "S256"),
    ] {
        request.set(name, value);
    }
    let redirect = url::Url::parse(&issuer.approve(&request, &person, &origin).await?)?;
    let code = redirect.query_pairs().find(|(name, _)| name == "code").context("a code")?.1;
    let mut redeem = Params::default();
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("client_id", "tool"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier.expose()),
    ] {
        redeem.set(name, value);
    }
    let tokens = issuer.token(&redeem, ClientCredentials::None, &origin).await?;
    Ok((issuer, tokens.access_token.expose().to_owned()))
}
