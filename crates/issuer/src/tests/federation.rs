//! The token of an outside issuer, brought again: at every second of its life and after it, to
//! processes that began since, with clocks that differ.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::Secret;
use hallpass_core::trust::{Condition, Platform};
use hallpass_core::wire::trust::{Exchange, NewTrustPolicy};
use hallpass_store::{AuditFilter, Place, Store};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::house::{House, ISSUER, config, home};
use crate::federation::{Fetcher, NotFetched, Refusal};
use crate::tokens::Actor;

pub(super) const CI: &str = "https://ci.example";
pub(super) const OTHER: &str = "https://ci.example.org";
/// When every house begins, in seconds.
pub(super) const NOW: i64 = 1_800_000_000;
/// How long a token lives.
const LIFE: u64 = 300;
/// How far clocks may differ: a token's issuer from ours, and ours from each other.
const LEEWAY: u64 = 30;

/// Two issuers that sign with one key.
pub(super) struct Ci {
    key: EncodingKey,
    jwk: Value,
}

impl Ci {
    pub(super) fn new() -> Arc<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap()).unwrap();
        jwk["kid"] = json!("one");
        Arc::new(Self { key, jwk })
    }

    /// Of texts, letter by letter.
    pub(super) fn sign(&self, header: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = crypto::sign(signed.as_bytes(), &self.key, Algorithm::ES256).unwrap();
        format!("{signed}.{signature}")
    }

    fn token(&self, issuer: &str, jti: &str) -> Exchange {
        brought(self.sign(&header().to_string(), &claims(issuer, jti).to_string()))
    }
}

pub(super) fn header() -> Value {
    json!({ "alg": "ES256", "kid": "one", "typ": "JWT" })
}

/// Of a job, as GitHub tells of one.
pub(super) fn claims(issuer: &str, jti: &str) -> Value {
    json!({
        "aud": ISSUER,
        "event_name": "push",
        "exp": NOW + LIFE as i64,
        "iat": NOW,
        "iss": issuer,
        "jti": jti,
        "nbf": NOW,
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "repository": "acme/warehouse",
        "repository_id": "200",
        "repository_owner": "acme",
        "repository_owner_id": "100",
        "sub": "repo:acme/warehouse:ref:refs/heads/main",
    })
}

pub(super) fn brought(token: String) -> Exchange {
    let token = Secret::new(token);
    Exchange { token, project: None, permissions: None, resources: Vec::new() }
}

impl Fetcher for Ci {
    fn fetch<'a>(
        &'a self,
        issuer: &'a str,
        url: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, NotFetched>> + Send + 'a>> {
        let said = match url.ends_with("/.well-known/openid-configuration") {
            true => json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }),
            false => json!({ "keys": [self.jwk] }),
        };
        Box::pin(std::future::ready(Ok(said.to_string().into_bytes())))
    }
}

/// A process over `store` whose clock says `at` after the beginning.
pub(super) async fn process(store: &Store, ci: &Arc<Ci>, at: Duration) -> House {
    let house = House::over(store.clone(), config()).await;
    house.clock.pass(at);
    house.issuer.fetch_keys_through(ci.clone());
    house
}

async fn trusts(house: &House, issuer: &str) {
    let new = NewTrustPolicy {
        issuer: Some(issuer.to_owned()),
        conditions: vec![Condition::is("sub", "repo:acme/warehouse:ref:refs/heads/main")],
        permissions: "project:read".parse().unwrap(),
        ..NewTrustPolicy::default()
    };
    let (issuer, operator) = (&house.issuer, Actor::Operator);
    issuer.create_trust(&operator, "acme", "warehouse", new, &home()).await.unwrap();
}

// proves: attack-16, H06
#[tokio::test]
async fn a_token_is_taken_once_at_every_second_until_nobody_takes_it_by_whichever_process() {
    let store = Store::open(&Place::Memory).await.unwrap();
    let ci = Ci::new();
    let first = process(&store, &ci, Duration::ZERO).await;
    let (operator, origin) = (Actor::Operator, home());
    first.issuer.create_org("acme", None, None, &operator, &origin).await.unwrap();
    let made = first.issuer.create_project("acme", "warehouse", None, &operator, &origin).await;
    made.unwrap();
    trusts(&first, CI).await;
    trusts(&first, OTHER).await;
    let token = ci.token(CI, "1");
    first.issuer.exchange_outside(&token, &origin).await.unwrap();

    // Each second is another process, which began since, and has swept what is of no use to it.
    let end = LIFE + 2 * LEEWAY + 5;
    let around = (LIFE - 1)..=end;
    for second in (1..LIFE - 1).step_by(37).chain(around) {
        let later = process(&store, &ci, Duration::from_millis(second * 1000 + 7)).await;
        later.issuer.tend().await.unwrap();
        let again = later.issuer.exchange_outside(&token, &origin).await;
        assert!(matches!(again, Err(Refusal::Denied)), "after {second} s: {again:?}");
    }
    // One whose clock is behind that of whoever swept.
    let swept = process(&store, &ci, Duration::from_millis(end * 1000 + 11)).await;
    swept.issuer.tend().await.unwrap();
    for behind in 0..=(2 * LEEWAY + 5) {
        let at = Duration::from_millis((end - behind) * 1000 + 13);
        let late = process(&store, &ci, at).await;
        let again = late.issuer.exchange_outside(&token, &origin).await;
        assert!(matches!(again, Err(Refusal::Denied)), "{behind} s behind: {again:?}");
    }
    let listed = swept.issuer.trust_exchanges(&operator, "acme", None, None, 100).await.unwrap();
    assert_eq!(listed.items.len(), 1);

    // Another issuer's token with the same id is another token, and taken once.
    let other = ci.token(OTHER, "1");
    first.issuer.exchange_outside(&other, &origin).await.unwrap();
    let again = first.issuer.exchange_outside(&other, &origin).await;
    assert!(matches!(again, Err(Refusal::Denied)), "{again:?}");
}

type Spoil = fn(&mut Value, &mut Value);

/// What may be wrong with a token, and how the log says it.
const WRONG: [(&str, Spoil); 29] = [
    ("header has more or less", |header, _| header["jku"] = json!("https://evil.example/keys")),
    ("header has more or less", |header, _| header["jwk"] = json!({ "kty": "oct", "k": "c2Vj" })),
    ("header has more or less", |header, _| header["crit"] = json!(["exp"])),
    ("header has more or less", |header, _| header["kid"] = json!(null)),
    ("of another type", |header, _| header["typ"] = json!("at+jwt")),
    ("of another type", |header, _| header["typ"] = json!("logout+jwt")),
    ("publishes no such key", |header, _| header["kid"] = json!("../../etc/passwd")),
    ("algorithm is not that of its key", |header, _| header["alg"] = json!("none")),
    ("algorithm is not that of its key", |header, _| header["alg"] = json!("HS256")),
    ("algorithm is not that of its key", |header, _| header["alg"] = json!("RS256")),
    ("claims are not well-formed", |_, claims| claims["iss"] = json!([OTHER])),
    ("no policy names the token's issuer", |_, claims| {
        claims["iss"] = json!("https://evil.example")
    }),
    ("no policy names the token's issuer", |_, claims| claims["iss"] = json!(format!("{OTHER}/"))),
    ("aud has to be", |_, claims| claims["aud"] = json!("https://github.com/acme")),
    ("aud has to be", |_, claims| claims["aud"] = json!([ISSUER, "https://other.example"])),
    ("aud has to be", |_, claims| claims["aud"] = json!(format!("{ISSUER}/"))),
    ("as whole numbers", |_, claims| claims["exp"] = json!("1800000300")),
    ("as whole numbers", |_, claims| claims["exp"] = json!(1e300)),
    ("as whole numbers", |_, claims| claims["iat"] = json!(-1)),
    ("as whole numbers", |_, claims| claims["nbf"] = json!(1_800_000_000.5)),
    ("as whole numbers", |_, claims| claims["nbf"] = json!(null)),
    ("has expired", |_, claims| claims["exp"] = json!(NOW)),
    ("not valid yet", |_, claims| claims["nbf"] = json!(NOW + 31)),
    ("not valid yet", |_, claims| claims["iat"] = json!(NOW + 31)),
    ("good for longer than a job's", |_, claims| claims["exp"] = json!(NOW + 86_401)),
    ("jti has to be there", |_, claims| claims["jti"] = json!(7.5)),
    ("jti has to be there", |_, claims| claims["jti"] = json!("")),
    ("longer than five minutes ago", |_, claims| claims["iat"] = json!(NOW - 400)),
    ("no policy lets the token in", |_, claims| claims["repository_id"] = json!("201")),
];

// proves: attack-14, attack-15, attack-17, attack-18, attack-24, attack-25
#[tokio::test]
async fn what_is_wrong_is_named_in_the_log_and_to_those_who_manage_the_place_and_to_nobody_else() {
    let store = Store::open(&Place::Memory).await.unwrap();
    let ci = Ci::new();
    let house = process(&store, &ci, Duration::ZERO).await;
    let (issuer, operator, origin) = (&house.issuer, Actor::Operator, home());
    issuer.create_org("acme", None, None, &operator, &origin).await.unwrap();
    issuer.create_project("acme", "warehouse", None, &operator, &origin).await.unwrap();
    let new = NewTrustPolicy {
        line: Some("repo:acme@100/warehouse@200:ref:refs/heads/main".to_owned()),
        issuer: Some(OTHER.to_owned()),
        platform: Some(Platform::GitHub),
        permissions: "project:read".parse().unwrap(),
        ..NewTrustPolicy::default()
    };
    issuer.create_trust(&operator, "acme", "warehouse", new, &origin).await.unwrap();
    let logged = async || {
        issuer.write_denied(true).await.unwrap();
        let found = issuer.audit_rows(&AuditFilter::default(), None, 200).await.unwrap();
        let denied = found.items.into_iter().filter(|row| row.action == "trust.denied");
        denied.map(|row| row.detail.unwrap_or_default()).collect::<Vec<_>>()
    };
    let mut told = std::collections::BTreeSet::new();
    let refused =
        async |token: String| match issuer.exchange_outside(&brought(token), &origin).await {
            Err(Refusal::Unreadable) => Refusal::Denied.to_string(),
            Err(refusal) => refusal.to_string(),
            Ok(_) => "let in".to_owned(),
        };
    for (n, (why, spoil)) in WRONG.iter().enumerate() {
        let (mut header, mut claims) = (header(), claims(OTHER, &n.to_string()));
        spoil(&mut header, &mut claims);
        let before = logged().await.len();
        told.insert(refused(ci.sign(&header.to_string(), &claims.to_string())).await);
        let rows = logged().await;
        assert_eq!(rows.len(), before + 1, "{n}: {rows:?}");
        assert!(rows.iter().any(|row| row.contains(why)), "{n}: {why}: {rows:?}");
    }
    // Signed by somebody else, and brought again.
    let good = ci.sign(&header().to_string(), &claims(OTHER, "good").to_string());
    let (signed, _) = good.rsplit_once('.').unwrap();
    let (_, others) = good.rsplit_once('.').unwrap();
    let forged = Ci::new().sign(&header().to_string(), &claims(OTHER, "forged").to_string());
    let twice = claims(OTHER, "t").to_string().replacen('{', r#"{"repository":"acme/x","#, 1);
    issuer.exchange_outside(&brought(good.clone()), &origin).await.unwrap();
    for (why, token) in [
        ("signature is wrong", forged),
        ("signature is wrong", format!("{signed}.{}", "A".repeat(others.len()))),
        ("not a JWT in compact form", format!("{good}.{others}")),
        ("not a JWT in compact form", format!("{good}=")),
        ("not well-formed", ci.sign(&header().to_string(), &twice)),
        ("exchanged before", good.clone()),
    ] {
        told.insert(refused(token).await);
        let rows = logged().await;
        assert!(rows.iter().any(|row| row.contains(why)), "{why}: {rows:?}");
    }
    assert_eq!(told.into_iter().collect::<Vec<_>>(), [Refusal::Denied.to_string()]);
    // Let in by a policy, and asked for another project; and a ref that only looks like ours.
    let mut elsewhere =
        brought(ci.sign(&header().to_string(), &claims(OTHER, "elsewhere").to_string()));
    elsewhere.project = Some("acme/else".to_owned());
    issuer.exchange_outside(&elsewhere, &origin).await.unwrap_err();
    let mut odd = claims(OTHER, "odd");
    odd["ref"] = json!("refs/heads/main\u{200b}");
    refused(ci.sign(&header().to_string(), &odd.to_string())).await;
    // What its issuer signed is kept for the place, with the same words.
    let kept = issuer.denied_exchanges(&operator, "acme", None, None, 100).await.unwrap().items;
    for why in ["aud has to be", "whole numbers", "has expired", "not valid yet", "jti has to be"] {
        assert!(kept.iter().any(|it| it.why.contains(why)), "{why}: {kept:?}");
    }
    for why in [
        "longer than a job's",
        "five minutes ago",
        "exchanged before",
        "repository_id is 201",
        "meet the policy of acme/warehouse, and it asked for acme/else",
        r"ref is refs/heads/main\u{200b},",
    ] {
        assert!(kept.iter().any(|it| it.why.contains(why)), "{why}: {kept:?}");
    }
    assert!(!kept.iter().any(|it| it.why.contains("signature")), "{kept:?}");
}
