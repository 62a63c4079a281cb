//! Proofs that prove nothing, however much they look like it: each is an honest one with one
//! thing changed. At the token endpoint and at a resource; and nothing is spent by them.

use anyhow::Result;
use aws_lc_rs::hmac;
use hallpass_core::Clock as _;
use hallpass_testkit::oauth::Tokens;
use hallpass_testkit::possession::{Key, b64, claims, get_with, nonce, token, token_with};
use hallpass_testkit::system::RealClock;
use hallpass_testkit::town::Town;
use serde_json::{Value, json};

use super::{bound, redemption};

/// Replaces members; null takes one away.
fn with(value: &Value, members: Value) -> Value {
    let mut value = value.clone();
    for (name, member) in members.as_object().into_iter().flatten() {
        match (member, value.as_object_mut()) {
            (Value::Null, Some(object)) => drop(object.remove(name)),
            (_, Some(object)) => drop(object.insert(name.clone(), member.clone())),
            _ => {}
        }
    }
    value
}

/// What the forger has to do with.
struct Forger<'k> {
    key: &'k Key,
    other: &'k Key,
    method: &'static str,
    url: String,
    nonce: String,
    access: Option<String>,
}

impl Forger<'_> {
    fn claims(&self) -> Value {
        claims(self.method, &self.url, &self.nonce, self.access.as_deref())
    }

    fn header_with(&self, members: Value) -> String {
        let header = with(&self.key.header(), members);
        self.key.signed(&header.to_string(), &self.claims().to_string())
    }

    fn jwk_with(&self, members: Value) -> String {
        self.header_with(json!({ "jwk": with(&self.key.jwk(), members) }))
    }

    fn claims_with(&self, members: Value) -> String {
        let claims = with(&self.claims(), members);
        self.key.signed(&self.key.header().to_string(), &claims.to_string())
    }

    fn raw(&self, header: &str, claims: &str) -> String {
        self.key.signed(header, claims)
    }

    fn honest(&self) -> String {
        self.claims_with(json!({}))
    }

    fn hmac(&self, secret: &[u8]) -> String {
        let header = with(&self.key.header(), json!({ "alg": "HS256" }));
        let text = format!("{}.{}", b64(header.to_string()), b64(self.claims().to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
        format!("{text}.{}", b64(tag))
    }

    /// Another signature under an honest header and honest claims.
    fn signature(&self, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
        let honest = self.honest();
        let (text, _) = honest.rsplit_once('.').unwrap_or_default();
        format!("{text}.{}", b64(change(self.key.signature(text))))
    }

    /// Proofs that lie about what they are made of.
    fn made_wrong(&self) -> Vec<(String, Vec<String>)> {
        let jwk = self.key.jwk();
        let mut rows: Vec<(String, Vec<String>)> = Vec::new();
        let mut row = |what: String, proof: String| rows.push((what, vec![proof]));
        for typ in [
            json!("JWT"),
            json!("at+jwt"),
            json!("dpop+JWT"),
            json!("application/dpop+jwt"),
            json!("logout+jwt"),
            json!(""),
            json!(1),
            json!(["dpop+jwt"]),
            Value::Null,
        ] {
            row(format!("typ {typ}"), self.header_with(json!({ "typ": typ })));
        }
        for alg in [
            json!("none"),
            json!("None"),
            json!("HS256"),
            json!("HS512"),
            json!("RS256"),
            json!("PS256"),
            json!("ES384"),
            json!("ES256K"),
            json!("EdDSA"),
            json!("es256"),
            json!(""),
            json!(7),
            Value::Null,
        ] {
            row(format!("alg {alg}"), self.header_with(json!({ "alg": alg })));
        }
        for (name, value) in [
            ("kid", json!("../../key")),
            ("x5u", json!("https://evil.example/c")),
            ("x5c", json!(["MIIB"])),
            ("jku", json!("https://evil.example/keys")),
            ("crit", json!(["exp"])),
            ("b64", json!(false)),
            ("cty", json!("JWT")),
            ("zip", json!("DEF")),
        ] {
            row(format!("header {name}"), self.header_with(json!({ name: value })));
        }
        for key in [Value::Null, json!("key"), json!({}), json!([jwk]), json!(1)] {
            row(format!("jwk {key}"), self.header_with(json!({ "jwk": key })));
        }
        for (name, value) in [
            ("d", json!(b64([1; 32]))),
            ("k", json!("AAAA")),
            ("x5u", json!("https://evil.example")),
            ("x5c", json!(["MIIB"])),
            ("kty", json!("RSA")),
            ("kty", json!("oct")),
            ("kty", json!("OKP")),
            ("kty", Value::Null),
            ("crv", json!("P-384")),
            ("crv", json!("secp256k1")),
            ("crv", json!("Ed25519")),
            ("x", Value::Null),
            ("y", Value::Null),
            ("y", json!("")),
            ("x", json!(b64([1; 31]))),
            ("x", json!(b64([1; 33]))),
            ("x", json!(1)),
            ("y", jwk["x"].clone()),
            ("x", json!(format!("{}=", jwk["x"].as_str().unwrap_or_default()))),
            ("use", json!("enc")),
            ("alg", json!("RS256")),
        ] {
            row(format!("jwk {name} {value}"), self.jwk_with(json!({ name: value })));
        }
        let zero = json!({ "x": b64([0; 32]), "y": b64([0; 32]) });
        row("a point not on the curve".into(), self.jwk_with(zero));
        let swapped = json!({ "x": jwk["y"], "y": jwk["x"] });
        row("coordinates swapped".into(), self.jwk_with(swapped));
        row("another's key".into(), self.header_with(json!({ "jwk": self.other.jwk() })));
        row("HMAC with the public key".into(), self.hmac(self.key.point()));
        row("HMAC with the JWK".into(), self.hmac(jwk.to_string().as_bytes()));
        row("HMAC with nothing".into(), self.hmac(b""));
        let twice = self.key.header().to_string().replacen('{', r#"{"alg":"none","#, 1);
        row("alg twice".into(), self.raw(&twice, &self.claims().to_string()));
        let twice = self.key.header().to_string().replace(r#""kty""#, r#""kty":"RSA","kty""#);
        row("kty twice".into(), self.raw(&twice, &self.claims().to_string()));
        let twice = self.claims().to_string().replacen('{', r#"{"htm":"PUT","#, 1);
        row("htm twice".into(), self.raw(&self.key.header().to_string(), &twice));
        row("header no object".into(), self.raw("[]", &self.claims().to_string()));
        row("header no JSON".into(), self.raw("typ", &self.claims().to_string()));
        row("claims no object".into(), self.raw(&self.key.header().to_string(), "[]"));
        row("no signature".into(), self.signature(|_| Vec::new()));
        row("signature of zeros".into(), self.signature(|_| vec![0; 64]));
        row(
            "a byte more".into(),
            self.signature(|mut it| {
                it.push(0);
                it
            }),
        );
        row(
            "a byte less".into(),
            self.signature(|mut it| {
                it.pop();
                it
            }),
        );
        row(
            "a bit flipped".into(),
            self.signature(|mut it| {
                it[40] ^= 1;
                it
            }),
        );
        row("R and S swapped".into(), self.signature(|it| [&it[32..], &it[..32]].concat()));
        let der =
            self.signature(|it| [&[0x30, 0x44, 2, 32], &it[..32], &[2, 32], &it[32..]].concat());
        row("DER".into(), der);
        let honest = self.honest();
        let (text, signature) = honest.rsplit_once('.').unwrap_or_default();
        row("padded".into(), format!("{honest}="));
        row("a space".into(), honest.replacen('.', " .", 1));
        row("four parts".into(), format!("{honest}.{signature}"));
        row("five parts".into(), format!("{honest}..{signature}"));
        row("two parts".into(), text.to_owned());
        row("one part".into(), signature.to_owned());
        row("no text".into(), "".to_owned());
        row("claims of another proof".into(), {
            let other = b64(self.claims().to_string());
            let parts: Vec<_> = honest.split('.').collect();
            format!("{}.{other}.{}", parts[0], parts[2])
        });
        // The last character of a signature carries four bits that nothing decodes.
        row("not canonical".into(), {
            const ALPHABET: &[u8] =
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let last = honest.as_bytes()[honest.len() - 1];
            let at = ALPHABET.iter().position(|byte| *byte == last).unwrap_or_default();
            format!("{}{}", &honest[..honest.len() - 1], char::from(ALPHABET[at ^ 1]))
        });
        row("oversized".into(), self.claims_with(json!({ "more": "a".repeat(5000) })));
        rows.push(("two headers".into(), vec![self.honest(), self.honest()]));
        rows.push((
            "two in one header".into(),
            vec![format!("{}, {}", self.honest(), self.honest())],
        ));
        rows
    }

    /// Proofs that are well made, and about something else.
    fn about_something_else(&self) -> Vec<(String, Vec<String>)> {
        let mut rows: Vec<(String, Vec<String>)> = Vec::new();
        let mut row = |name: &str, value: Value| {
            let proof = self.claims_with(json!({ name: value }));
            rows.push((format!("{name} {value}"), vec![proof]));
        };
        let now = RealClock.now().secs();
        for jti in [Value::Null, json!(""), json!(1), json!(["a"]), json!("a".repeat(257))] {
            row("jti", jti);
        }
        let lower = self.method.to_lowercase();
        for htm in
            [Value::Null, json!("PUT"), json!(lower), json!(format!("{} ", self.method)), json!(1)]
        {
            row("htm", htm);
        }
        let url = &self.url;
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        for htu in [
            Value::Null,
            json!(""),
            json!([url]),
            json!(format!("{url}/")),
            json!(format!("{url}?a=b")),
            json!(format!("{url}#a")),
            json!(url.to_uppercase()),
            json!(format!("{scheme}://u@{rest}")),
            json!(format!("https://{rest}")),
            json!(url.replace(':', ":1").replace(":1//", "://")),
            json!(url.replace("localhost", "127.0.0.1")),
            json!(url.replace("localhost", "evil.example")),
            json!(format!(" {url}")),
            json!(url.replace("://", ":")),
            json!(rest),
        ] {
            row("htu", htu);
        }
        for iat in [
            Value::Null,
            json!(now.to_string()),
            json!(1_800_000_000.5),
            json!(-1),
            json!(now - 400),
            json!(now + 400),
            json!(u64::MAX),
            json!(1e30),
        ] {
            row("iat", iat);
        }
        let ath = self.claims()["ath"].clone();
        for other in [json!(""), json!(b64([1; 32])), json!(1), json!(["a"])] {
            row("ath", other);
        }
        if !ath.is_null() {
            row("ath", Value::Null);
            row("ath", json!(format!("{}=", ath.as_str().unwrap_or_default())));
        }
        rows
    }

    /// Proofs without a nonce of this server that is good now.
    fn without_a_nonce(&self) -> Vec<(String, Vec<String>)> {
        let nonce = &self.nonce;
        let foreign = b64([7; 24]);
        [
            Value::Null,
            json!(""),
            json!("made up"),
            json!(1),
            json!([nonce]),
            json!(foreign),
            json!(format!("{nonce}=")),
            json!(&nonce[1..]),
            json!(format!("B{}", &nonce[1..])),
            json!(nonce.to_lowercase() + "x"),
        ]
        .into_iter()
        .map(|bad| (format!("nonce {bad}"), vec![self.claims_with(json!({ "nonce": bad }))]))
        .collect()
    }
}

/// The order of P-256, to turn a signature into its twin.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// (R, S) and (R, n - S) sign the same text.
fn twin(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    let mut minus = [0; 32];
    let mut borrow = 0i16;
    for at in (0..32).rev() {
        let mut digit = i16::from(ORDER[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(digit < 0);
        digit += borrow * 256;
        minus[at] = u8::try_from(digit).unwrap_or_default();
    }
    [r, &minus].concat()
}

// proves: HP03, attack-14
#[tokio::test]
async fn proofs_that_prove_nothing() -> Result<()> {
    let town = Town::build().await?;
    let (key, other) = (Key::new()?, Key::new()?);
    let jkt = key.jkt();
    let tokens = bound(&town, &key, &[("scope", "openid account")]).await?;
    let approved = town.tool.approved(&town.person, &[("dpop_jkt", &jkt)]).await?;
    let redeem = redemption(&approved);
    let at_endpoint = Forger {
        key: &key,
        other: &other,
        method: "POST",
        url: town.server.at("/oauth/token"),
        nonce: nonce(&town.tool).await?,
        access: None,
    };
    let path = "/api/v1/whoami";
    let at_resource = Forger {
        method: "GET",
        url: town.server.at(path),
        access: Some(tokens.access.clone()),
        nonce: at_endpoint.nonce.clone(),
        ..at_endpoint
    };
    let mut tried = 0;
    let mut wrong = Vec::new();
    for (forger, endpoint) in [(&at_endpoint, true), (&at_resource, false)] {
        let bad = forger.made_wrong().into_iter().chain(forger.about_something_else());
        let bad = bad.map(|row| (row, "invalid_dpop_proof"));
        let stale = forger.without_a_nonce().into_iter().map(|row| (row, "use_dpop_nonce"));
        for ((what, proofs), code) in bad.chain(stale) {
            let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
            tried += 1;
            let (status, said) = if endpoint {
                let answer = token_with(&town.tool, &redeem, &proofs).await?;
                (answer.status.as_u16() + 1, answer.error())
            } else {
                let answer = get_with(&town.tool, path, &tokens.access, &proofs).await?;
                let said = answer.header("www-authenticate");
                let named = ["invalid_dpop_proof", "use_dpop_nonce"].into_iter();
                let named = named.filter(|code| said.contains(code)).collect();
                (answer.status.as_u16(), named)
            };
            if (status, said.as_str()) != (401, code) {
                wrong.push(format!("{what}: {status} {said}, not {code}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried >= 160, "{tried}");

    // All of that has spent nothing.
    let answer = token(&town.tool, &redeem, &key).await?;
    Tokens::read(&answer)?;
    // An honest proof is good once; its twin, which nobody needs a key for, is the same one.
    let honest = at_resource.honest();
    let (text, signature) = honest.rsplit_once('.').unwrap_or_default();
    let signature = {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature)?
    };
    let twin = format!("{text}.{}", b64(twin(&signature)));
    let first = get_with(&town.tool, path, &tokens.access, &[&twin]).await?;
    assert_eq!(first.status, 200, "high or low, a signature is one: {first:?}");
    let second = get_with(&town.tool, path, &tokens.access, &[&honest]).await?;
    assert_eq!(second.status, 401);
    // What libraries write beside a key does no harm.
    let lenient =
        json!({ "kid": "k", "alg": "ES256", "use": "sig", "key_ops": ["verify"], "ext": true });
    let answer =
        get_with(&town.tool, path, &tokens.access, &[&at_resource.jwk_with(lenient)]).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Ok(())
}
