//! What is good, and what is nearly so.

use hallpass_outside::Bad;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::NOW;
use super::forge::{CLIENT, Forge, ISSUER, good_claims, good_header};
use crate::remote::forge::b64;
use crate::shape::MAX_LEN;

pub(super) fn good(forge: &Forge) -> Vec<(&'static str, String)> {
    let now = NOW.secs();
    vec![
        ("as it is", forge.claims(json!({}))),
        ("no type", forge.header(json!({"typ": null}))),
        ("type in other letters", forge.header(json!({"typ": "application/jwt"}))),
        ("a thumbprint", forge.header(json!({"x5t": "abc", "x5t#S256": "abc"}))),
        (
            "RS256",
            forge.headed(json!({"alg": "RS256", "kid": "rsa"}), &forge.rsa, Algorithm::RS256),
        ),
        ("no nonce, no auth_time", forge.claims(json!({"nonce": null, "auth_time": null}))),
        ("a list of one", forge.claim("aud", json!([CLIENT]))),
        ("issued to us", forge.claims(json!({"azp": CLIENT}))),
        (
            "for others, issued to us",
            forge.claims(json!({"aud": ["other", CLIENT], "azp": CLIENT})),
        ),
        ("a clock that is a little ahead", forge.claim("iat", json!(now + 30))),
        ("not before now", forge.claim("nbf", json!(now))),
        ("the last second", forge.claim("exp", json!(now + 1))),
        ("a long subject", forge.claim("sub", json!("s".repeat(255)))),
        ("says that it is an ID token", forge.claims(json!({"typ": "ID", "token_use": "id"}))),
    ]
}

type Forged = (&'static str, String, Bad);

pub(super) fn forged(forge: &Forge) -> Vec<Forged> {
    let parts = [shapes, headers, keys, signatures, issuers, audiences, times, others];
    parts.iter().flat_map(|part| part(forge)).collect()
}

fn shapes(forge: &Forge) -> Vec<Forged> {
    let good = forge.claims(json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { panic!("three parts") };
    // 64 bytes leave four bits of the last character unused.
    let last = signature.as_bytes()[signature.len() - 1];
    let spelled = format!("{}{}", &good[..good.len() - 1], char::from(last + 1));
    vec![
        ("empty", String::new(), Bad::Shape),
        ("two parts", format!("{header}.{claims}"), Bad::Shape),
        ("four parts", format!("{good}.{signature}"), Bad::Shape),
        ("five parts", format!("{header}.{claims}.{claims}.{claims}.{signature}"), Bad::Shape),
        ("no signature", format!("{header}.{claims}."), Bad::Signature),
        ("padding", format!("{good}=="), Bad::Shape),
        ("a line feed at the end", format!("{good}\n"), Bad::Shape),
        ("a space before", format!(" {good}"), Bad::Shape),
        ("another spelling of the signature", spelled, Bad::Shape),
        ("other alphabet", format!("{header}.{claims}.{}+", &signature[1..]), Bad::Shape),
        ("too long", forge.claim("more", json!("x".repeat(MAX_LEN))), Bad::Shape),
        ("claims are a list", forge.text(&good_header().to_string(), "[]"), Bad::Claims),
        ("claims are no JSON", forge.text(&good_header().to_string(), "{"), Bad::Claims),
        ("two values", forge.text(&good_header().to_string(), "{}{}"), Bad::Claims),
        ("the header is a list", forge.text("[]", "{}"), Bad::Header),
        ("a member twice", twice(forge, r#""iss":"https://evil.example","#), Bad::Claims),
        (
            "a member twice, escaped",
            twice(forge, r#""\u0069ss":"https://evil.example","#),
            Bad::Claims,
        ),
        ("a member twice, further in", twice(forge, r#""x":{"a":1,"a":2},"#), Bad::Claims),
    ]
}

/// The good claims, with `more` before them.
fn twice(forge: &Forge, more: &str) -> String {
    let claims = good_claims().to_string().replacen('{', &format!("{{{more}"), 1);
    forge.text(&good_header().to_string(), &claims)
}

fn headers(forge: &Forge) -> Vec<Forged> {
    let own = forge.jwk(&forge.stray, Algorithm::ES256, json!({}));
    let typ = |typ: &str| forge.header(json!({"typ": typ}));
    let twice = r#"{"alg":"none","alg":"ES256","kid":"es"}"#;
    let null = r#"{"alg":"ES256","kid":null}"#;
    let untyped = r#"{"alg":"ES256","kid":"es","typ":null}"#;
    vec![
        ("an access token", typ("at+jwt"), Bad::Type),
        ("an access token, in full", typ("application/AT+jwt"), Bad::Type),
        ("a logout token", typ("logout+jwt"), Bad::Type),
        ("a proof", typ("dpop+jwt"), Bad::Type),
        ("a security event", typ("secevent+jwt"), Bad::Type),
        ("no type at all", typ(""), Bad::Type),
        ("nearly the type", typ("JWT "), Bad::Type),
        ("a type that is null", forge.text(untyped, &good_claims().to_string()), Bad::Header),
        ("a type that is a number", forge.header(json!({"typ": 1})), Bad::Header),
        ("a key of its own", forge.header(json!({"jwk": own})), Bad::Header),
        ("keys elsewhere", forge.header(json!({"jku": "https://evil.example/keys"})), Bad::Header),
        (
            "a certificate elsewhere",
            forge.header(json!({"x5u": "https://evil.example/c"})),
            Bad::Header,
        ),
        ("a certificate of its own", forge.header(json!({"x5c": ["MIIB"]})), Bad::Header),
        ("something critical", forge.header(json!({"crit": ["exp"]})), Bad::Header),
        ("not encoded", forge.header(json!({"b64": false})), Bad::Header),
        ("a JWT in it", forge.header(json!({"cty": "JWT"})), Bad::Header),
        ("two algorithms", forge.text(twice, &good_claims().to_string()), Bad::Header),
        ("no algorithm", forge.header(json!({"alg": null})), Bad::Header),
        ("no key", forge.header(json!({"kid": null})), Bad::Header),
        ("a key that is null", forge.text(null, &good_claims().to_string()), Bad::Header),
        ("a key that is a number", forge.header(json!({"kid": 1})), Bad::Header),
    ]
}

fn keys(forge: &Forge) -> Vec<Forged> {
    let kid = |kid: &str| forge.header(json!({"kid": kid}));
    let alg = |alg: &str| forge.header(json!({"alg": alg}));
    let rsa = |alg: &str, algorithm| {
        forge.headed(json!({"alg": alg, "kid": "rsa"}), &forge.rsa, algorithm)
    };
    let shared = EncodingKey::from_secret(b"a secret that is shared");
    let public = forge.jwk(&forge.es, Algorithm::ES256, json!({}))["x"].to_string();
    let public = EncodingKey::from_secret(public.as_bytes());
    let hs256 =
        |kid: &str, key| forge.headed(json!({"alg": "HS256", "kid": kid}), key, Algorithm::HS256);
    vec![
        ("an unknown key", kid("made up"), Bad::Key),
        ("an empty key", kid(""), Bad::Key),
        ("a key with a path", kid("../es"), Bad::Key),
        ("a key that is an address", kid("https://evil.example/es"), Bad::Key),
        ("a key in other letters", kid("ES"), Bad::Key),
        ("a key for encryption", kid("for encryption"), Bad::Key),
        ("a key that does not verify", kid("only signs"), Bad::Key),
        ("a key for another algorithm", kid("another algorithm"), Bad::Key),
        ("a key that is there twice", kid("twice"), Bad::Key),
        ("a key of a kind that is unknown", kid("later"), Bad::Key),
        ("a shared secret", hs256("shared", &shared), Bad::Key),
        ("a public key as secret", hs256("es", &public), Bad::Algorithm),
        ("none", alg("none"), Bad::Algorithm),
        ("None", alg("None"), Bad::Algorithm),
        ("an algorithm in other letters", alg("es256"), Bad::Algorithm),
        ("that of another key", alg("RS256"), Bad::Algorithm),
        ("RSA, and says ES256", rsa("ES256", Algorithm::RS256), Bad::Algorithm),
        ("RSA with PS256", rsa("PS256", Algorithm::PS256), Bad::Algorithm),
        ("RSA with RS512", rsa("RS512", Algorithm::RS512), Bad::Algorithm),
    ]
}

fn signatures(forge: &Forge) -> Vec<Forged> {
    let good = forge.claims(json!({}));
    let other = forge.claim("sub", json!("somebody else"));
    let (signed, signature) = good.rsplit_once('.').expect("a signature");
    let (_, others) = other.rsplit_once('.').expect("a signature");
    let untyped =
        format!("{}.{}", b64(r#"{"alg":"ES256","kid":"es"}"#), b64(good_claims().to_string()));
    let stray = forge.headed(json!({}), &forge.stray, Algorithm::ES256);
    vec![
        ("nobody's key", stray, Bad::Signature),
        ("another token's", format!("{signed}.{others}"), Bad::Signature),
        ("another header", format!("{untyped}.{signature}"), Bad::Signature),
        ("zeros", format!("{signed}.{}", b64([0; 64])), Bad::Signature),
        ("too short", format!("{signed}.{}", b64([1; 32])), Bad::Signature),
        ("a byte more", format!("{signed}.{signature}AA"), Bad::Signature),
    ]
}

fn issuers(forge: &Forge) -> Vec<Forged> {
    let iss = |iss: &str| forge.claim("iss", json!(iss));
    vec![
        ("a slash at the end", iss(&format!("{ISSUER}/")), Bad::Issuer),
        ("a path", iss(&format!("{ISSUER}/tenant")), Bad::Issuer),
        ("in other letters", iss("https://Accounts.example.com"), Bad::Issuer),
        ("its port", iss(&format!("{ISSUER}:443")), Bad::Issuer),
        ("not encrypted", iss("http://accounts.example.com"), Bad::Issuer),
        ("no scheme", iss("accounts.example.com"), Bad::Issuer),
        ("begins alike", iss(&format!("{ISSUER}.evil.example")), Bad::Issuer),
        ("a user name", iss("https://accounts.example.com@evil.example"), Bad::Issuer),
        ("nobody whom we know", iss("https://evil.example"), Bad::Issuer),
        ("ours", iss("https://id.example"), Bad::Issuer),
        ("empty", iss(""), Bad::Issuer),
        ("no issuer", forge.claims(json!({"iss": null})), Bad::Claims),
        ("several issuers", forge.claim("iss", json!([ISSUER])), Bad::Claims),
    ]
}

fn audiences(forge: &Forge) -> Vec<Forged> {
    let aud = |aud: Value| forge.claim("aud", aud);
    let azp = |aud: Value, azp: Value| forge.claims(json!({"aud": aud, "azp": azp}));
    vec![
        ("another client", aud(json!("other")), Bad::Audience),
        ("begins alike", aud(json!("registry-cli-2")), Bad::Audience),
        ("in other letters", aud(json!("Registry-CLI")), Bad::Audience),
        ("in one text", aud(json!("registry-cli other")), Bad::Audience),
        ("empty", aud(json!("")), Bad::Audience),
        ("the issuer", aud(json!(ISSUER)), Bad::Audience),
        ("nobody", aud(json!([])), Bad::Audience),
        ("for others too, and nobody knows to whom", aud(json!([CLIENT, "other"])), Bad::Audience),
        ("twice", aud(json!([CLIENT, CLIENT])), Bad::Audience),
        (
            "for others too, and to them",
            azp(json!([CLIENT, "other"]), json!("other")),
            Bad::Audience,
        ),
        ("for others, to us", azp(json!(["a", "b"]), json!(CLIENT)), Bad::Audience),
        ("for us, to others", azp(json!(CLIENT), json!("other")), Bad::Audience),
        ("to a list", azp(json!(CLIENT), json!([CLIENT])), Bad::Claims),
        ("a number", aud(json!(1)), Bad::Claims),
        ("a number among them", aud(json!([CLIENT, 1])), Bad::Claims),
        ("a list in a list", aud(json!([[CLIENT]])), Bad::Claims),
        ("an object", aud(json!({CLIENT: true})), Bad::Claims),
        ("null", aud(Value::Null), Bad::Claims),
        ("no audience", forge.claims(json!({"aud": null})), Bad::Claims),
    ]
}

fn times(forge: &Forge) -> Vec<Forged> {
    let now = NOW.secs();
    let exp = |exp: Value| forge.claim("exp", exp);
    let iat = |iat: Value| forge.claim("iat", iat);
    let nbf = |nbf: Value| forge.claim("nbf", nbf);
    vec![
        ("expires now", exp(json!(now)), Bad::Expired),
        ("has expired", exp(json!(now - 1)), Bad::Expired),
        ("expired long ago", exp(json!(0)), Bad::Expired),
        ("never expires", forge.claims(json!({"exp": null})), Bad::Claims),
        ("expires at null", exp(Value::Null), Bad::Claims),
        ("expires at a text", exp(json!((now + 300).to_string())), Bad::Claims),
        ("expires at a fraction", exp(json!(1_800_000_300.5)), Bad::Claims),
        ("expires in year 10000", exp(json!(253_402_300_800_i64)), Bad::Claims),
        ("expires at 2^64", exp(json!(u64::MAX)), Bad::Claims),
        ("expires before 1970", exp(json!(-1)), Bad::Claims),
        ("issued in the future", iat(json!(now + 31)), Bad::NotYet),
        ("issued too long ago", iat(json!(now - 24 * 3600)), Bad::TooOld),
        ("issued in 1970", iat(json!(0)), Bad::TooOld),
        ("not issued", forge.claims(json!({"iat": null})), Bad::Claims),
        ("issued at a text", iat(json!("1800000000")), Bad::Claims),
        ("issued at a fraction", iat(json!(1.8e9)), Bad::Claims),
        ("not yet", nbf(json!(now + 31)), Bad::NotYet),
        ("not before null", nbf(Value::Null), Bad::Claims),
        ("not before a text", nbf(json!("0")), Bad::Claims),
        ("signed in at a text", forge.claim("auth_time", json!("x")), Bad::Claims),
    ]
}

fn others(forge: &Forge) -> Vec<Forged> {
    let sub = |sub: Value| forge.claim("sub", sub);
    vec![
        ("nobody", forge.claims(json!({"sub": null})), Bad::Claims),
        ("an empty subject", sub(json!("")), Bad::Claims),
        ("a subject that is a number", sub(json!(42)), Bad::Claims),
        ("a subject that is too long", sub(json!("s".repeat(256))), Bad::Claims),
        ("a subject with a line feed", sub(json!("a\nb")), Bad::Claims),
        ("a subject beyond ASCII", sub(json!("ä")), Bad::Claims),
        ("a scope", forge.claim("scope", json!("openid")), Bad::Type),
        ("a scope, otherwise", forge.claim("scp", json!("api")), Bad::Type),
        ("a client", forge.claim("client_id", json!(CLIENT)), Bad::Type),
        ("a sign-out", forge.claim("events", json!({})), Bad::Type),
        ("bound to a key", forge.claim("cnf", json!({"jkt": "x"})), Bad::Type),
        ("says Bearer", forge.claim("typ", json!("Bearer")), Bad::Type),
        ("says Refresh", forge.claim("typ", json!("Refresh")), Bad::Type),
        ("says access", forge.claim("token_use", json!("access")), Bad::Type),
    ]
}
