//! Which requests carry a proof, what is in it, and what becomes of a nonce.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_core::dpop::Proof;
use serde_json::{Value, json};

use super::*;
use crate::login::{LoginOptions, Wish};
use crate::testing::{Said, Seen, Town, browser_that, get, token_answer};
use crate::vault::Vault as _;

/// What a proof says.
fn said(proof: &str) -> Value {
    let claims = proof.split('.').nth(1).expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON")
}

fn proof_of(seen: &Seen) -> Value {
    said(seen.header("dpop").expect("a proof"))
}

/// A server that binds, and wants a nonce.
fn binding(town: &Town) {
    let mut metadata = town.server.metadata();
    metadata["dpop_signing_alg_values_supported"] = json!(["ES256"]);
    metadata["grant_types_supported"] = json!([
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
        TOKEN_EXCHANGE
    ]);
    let document = Said::json(200, &metadata);
    town.server.says("/.well-known/oauth-authorization-server", document);
    let origin = &town.server.origin;
    let config = json!({ "mode": "oidc", "issuer": origin, "client_id": "hallpass-cli" });
    town.server.says("/auth/config", Said::json(200, &config));
}

fn bound(n: u32) -> Said {
    let mut answer = token_answer(n);
    answer["token_type"] = json!("DPoP");
    Said::json(200, &answer)
}

fn nonce_wanted(nonce: &str) -> Said {
    Said::error("use_dpop_nonce").with("DPoP-Nonce", nonce)
}

/// A browser that approves at once.
fn approving() -> Arc<dyn crate::login::launch::Launcher> {
    browser_that(|url| {
        let url = Url::parse(url).unwrap();
        let get_pair = |name: &str| {
            url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned()).unwrap()
        };
        let (back, state) = (get_pair("redirect_uri"), get_pair("state"));
        let issuer = url.origin().ascii_serialization();
        std::thread::spawn(move || get(&format!("{back}?code=c&state={state}&iss={issuer}")));
    })
}

// proves: HP03
#[test]
fn a_sign_in_is_bound_and_everything_that_uses_it_proves_the_key() {
    let mut town = Town::new();
    binding(&town);
    let asked = Arc::new(Mutex::new(String::new()));
    let seen = asked.clone();
    let approve = approving();
    town.launcher = browser_that(move |url| {
        *seen.lock().unwrap() = url.to_owned();
        approve.launch(&crate::login::choose::Launch::Default, url);
    });
    town.server.script("/oauth/token", vec![nonce_wanted("n-1"), bound(1)]);
    let userinfo = json!({ "sub": "usr_ada", "email": "ada@example.com" });
    town.server.says("/userinfo", Said::json(200, &userinfo).with("DPoP-Nonce", "n-2"));
    let (login, _) = town.login(&LoginOptions::on_a_terminal(Wish::Web));
    login.expect("signed in");

    // The request named the key, the code was redeemed with it, at the second try.
    let credential = town.stored();
    let jkt = credential.binding.clone().expect("bound").jkt;
    assert!(asked.lock().unwrap().contains(&format!("dpop_jkt={jkt}")));
    let tokens = town.server.seen("/oauth/token");
    assert_eq!(tokens.len(), 2, "one more for the nonce, and no third");
    assert_eq!(proof_of(&tokens[0])["nonce"], Value::Null);
    let second = proof_of(&tokens[1]);
    assert_eq!(second["nonce"], "n-1");
    assert_eq!((&second["htm"], &second["ath"]), (&json!("POST"), &Value::Null));
    assert_eq!(second["htu"], format!("{}/oauth/token", town.server.origin));
    assert_ne!(second["jti"], proof_of(&tokens[0])["jti"], "each proof is a new one");
    let header = tokens[1].header("dpop").unwrap();
    assert_eq!(Proof::parse(header).unwrap().key().thumbprint().to_string(), jkt);
    // Userinfo got the token with a proof of its own, and no second try.
    let info = &town.server.seen("/userinfo")[0];
    assert_eq!(info.header("authorization"), Some("DPoP at-1"));
    assert_eq!(proof_of(info)["ath"], dpop::ath("at-1"));
    assert_eq!(proof_of(info)["nonce"], "n-1");

    // The private key is elsewhere.
    let private = town.vault.binding_key(&credential.key).unwrap().expect("kept");
    let encoded = URL_SAFE_NO_PAD.encode(private.expose());
    assert!(!String::from_utf8_lossy(&town.bytes()).contains(&encoded));

    // A later call takes the newest nonce that it has heard of, and a new process none.
    let session = town.client().session().unwrap();
    let me = json!({ "id": "usr_ada", "email": "ada@example.com", "name": "Ada", "scope": "" });
    let wanted = Said::json(401, &json!({}))
        .with("WWW-Authenticate", r#"DPoP algs="ES256", error="use_dpop_nonce""#)
        .with("DPoP-Nonce", "n-3");
    let me = Said::json(200, &me).with("DPoP-Nonce", "n-4");
    town.server.script("/api/v1/whoami", vec![wanted, me]);
    session.whoami().unwrap();
    session.whoami().unwrap();
    let calls = town.server.seen("/api/v1/whoami");
    let nonces: Vec<_> = calls.iter().map(|call| proof_of(call)["nonce"].clone()).collect();
    assert_eq!(nonces, [Value::Null, json!("n-3"), json!("n-4")]);
}

// proves: HP03
#[test]
fn a_server_that_does_not_bind_is_used_as_ever() {
    let mut town = Town::new();
    town.launcher = approving();
    town.server.says("/oauth/token", crate::testing::tokens(1));
    town.server.says("/userinfo", Said::json(200, &json!({ "sub": "usr_ada" })));
    let (login, _) = town.login(&LoginOptions::on_a_terminal(Wish::Web));
    login.expect("signed in");
    assert_eq!(town.stored().binding, None);
    assert!(town.server.all().iter().all(|seen| seen.header("dpop").is_none()));
}

// proves: HP03, client-F6, client-J4
#[test]
fn other_programs_get_a_bearer_token_that_is_kept_for_a_while() {
    let town = Town::new();
    town.sign_in_bound();
    let bearer = json!({
        "access_token": "small-1", "token_type": "Bearer", "expires_in": 300,
        "issued_token_type": TOKEN_EXCHANGE,
    });
    town.server.says("/oauth/token", Said::json(200, &bearer));
    let print = || town.client().session().unwrap().access_token().unwrap();
    assert_eq!(print().expose(), "small-1");
    let asked = &town.server.seen("/oauth/token")[0];
    assert_eq!(asked.form("grant_type"), TOKEN_EXCHANGE);
    assert_eq!(asked.form("subject_token"), "at-1");
    assert!(asked.header("dpop").is_some());
    // The second time nothing is sent, and no key is looked for.
    town.vault.remove_binding_key(&town.stored().key).unwrap();
    assert_eq!(print().expose(), "small-1");
    assert_eq!(town.server.all().len(), 1);
    let before = town.bytes();
    town.time.pass(Duration::from_secs(269));
    assert_eq!(print().expose(), "small-1");
    assert_eq!(town.bytes(), before);
}

// proves: client-F6
#[test]
fn less_is_asked_for_and_kept_apart() {
    let town = Town::new();
    town.sign_in_bound();
    let token = |name: &str| {
        let answer = json!({ "access_token": name, "token_type": "Bearer", "expires_in": 300 });
        Said::json(200, &answer)
    };
    town.server.script("/oauth/token", vec![token("small-1"), token("small-2")]);
    let session = town.client().session().unwrap();
    let less = crate::Wanted {
        scope: Some("account".parse().unwrap()),
        audience: Some("https://api.example".to_owned()),
    };
    assert_eq!(session.narrowed_token(&less).unwrap().expose(), "small-1");
    let asked = &town.server.seen("/oauth/token")[0];
    assert_eq!(asked.form("scope"), "account");
    assert_eq!(asked.form("audience"), "https://api.example");
    assert_eq!(session.access_token().unwrap().expose(), "small-2");
    assert_eq!(session.narrowed_token(&less).unwrap().expose(), "small-1");
    assert_eq!(town.server.seen("/oauth/token").len(), 2);
    town.server.says("/oauth/token", Said::error("invalid_scope"));
    let more = crate::Wanted { scope: Some("tokens".parse().unwrap()), audience: None };
    assert!(matches!(session.narrowed_token(&more), Err(crate::Error::Rejected { .. })));
}

// proves: HP03
#[test]
fn without_its_key_a_sign_in_is_good_for_nothing_and_is_left_as_it_is() {
    let town = Town::new();
    town.sign_in_bound();
    let key = town.stored().key;
    town.vault.remove_binding_key(&key).unwrap();
    town.server.says("/oauth/token", Said::error("invalid_dpop_proof"));
    let before = town.bytes();
    let session = town.client().session().unwrap();
    assert!(matches!(session.whoami(), Err(crate::Error::KeyMissing { .. })));
    assert!(matches!(session.access_token(), Err(crate::Error::KeyMissing { .. })));
    assert_eq!(town.bytes(), before);
    let asked = town.server.seen("/oauth/token");
    assert!(asked.iter().all(|seen| seen.header("dpop").is_none()), "nothing to prove with");
    // Another key is not it either.
    town.vault.keep_binding_key(&key, BoundKey::make().unwrap().private()).unwrap();
    assert!(matches!(session.whoami(), Err(crate::Error::KeyMissing { .. })));
}

// proves: HP03, client-J3
#[test]
fn a_wrong_clock_is_made_good_by_the_servers() {
    let town = Town::new();
    town.sign_in_bound();
    // RFC 9110 §5.6.7; the town's clock says 2026-04-18.
    let date = "Sat, 18 Apr 2026 14:00:00 GMT";
    town.server.script(
        "/oauth/token",
        vec![nonce_wanted("n-1").with("Date", date), bound(2).with("Date", date)],
    );
    town.time.pass(Duration::from_secs(3600));
    town.client().session().unwrap().whoami().unwrap_err();
    let asked = town.server.seen("/oauth/token");
    let there = jiff::fmt::rfc2822::parse(date).unwrap().timestamp().as_second();
    assert_ne!(proof_of(&asked[0])["iat"], there);
    assert_eq!(proof_of(&asked[1])["iat"], there);
}
