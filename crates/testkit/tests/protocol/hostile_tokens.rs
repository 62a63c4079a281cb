//! G: what is no token, however much it looks like one.
//!
//! The forgeries are made from a token that is good, by changing one thing; or signed
//! with a key of the forger's own, which everything in them claims to be right.

use anyhow::{Context as _, Result};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hallpass_testkit::oauth::{self, Answer, Tokens};
use hallpass_testkit::town::Town;
use serde_json::{Value, json};

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The value with members replaced, or with null removed.
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

/// A forger with a key pair of their own.
struct Forger {
    key: EcdsaKeyPair,
    header: Value,
    claims: Value,
    /// Texts that could be mistaken for an HMAC key: the public key in its many forms.
    public_keys: Vec<Vec<u8>>,
}

impl Forger {
    fn new(good: &str, jwks: &Value) -> Result<Self> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok().context("a key")?;
        let (header, claims) = oauth::peek(good)?;
        let public =
            jwks["keys"].as_array().into_iter().flatten().find(|key| key["kid"] == header["kid"]);
        let public = public.context("the signing key")?;
        let mut public_keys = vec![Vec::new(), public.to_string().into_bytes(), b"secret".to_vec()];
        for name in ["x", "y", "kid"] {
            public_keys.push(public[name].as_str().unwrap_or_default().as_bytes().to_vec());
        }
        let point = [&[4][..], &decoded(public, "x")?, &decoded(public, "y")?].concat();
        public_keys.push(point);
        Ok(Self { key, header, claims, public_keys })
    }

    fn jwk(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let coordinate = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({ "kty": "EC", "crv": "P-256", "x": coordinate(1..33), "y": coordinate(33..65), "kid": "forged" })
    }

    /// Signed by the forger.
    fn signed(&self, header: &Value, claims: &Value) -> Result<String> {
        let text = format!("{}.{}", encoded(header), encoded(claims));
        let signature =
            self.key.sign(&SystemRandom::new(), text.as_bytes()).ok().context("signing")?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn hmac(&self, alg: &str, key: &[u8]) -> String {
        let header = with(&self.header, json!({ "alg": alg }));
        let text = format!("{}.{}", encoded(&header), encoded(&self.claims));
        let algorithm = if alg == "HS512" { hmac::HMAC_SHA512 } else { hmac::HMAC_SHA256 };
        let tag = hmac::sign(&hmac::Key::new(algorithm, key), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn all(&self, good: &str) -> Result<Vec<(String, String)>> {
        let mut forged = Vec::new();
        let parts: Vec<&str> = good.split('.').collect();
        let (head, body, signature) = (parts[0], parts[1], parts[2]);
        let mut add = |what: &str, token: String| forged.push((what.to_owned(), token));

        for alg in [
            "none", "None", "NONE", "nOnE", "", "es256", "ES384", "ES512", "ES256K", "RS256",
            "PS256", "EdDSA", "HS256",
        ] {
            let header = encoded(&with(&self.header, json!({ "alg": alg })));
            add(&format!("alg {alg:?} without a signature"), format!("{header}.{body}."));
            add(
                &format!("alg {alg:?} with the old signature"),
                format!("{header}.{body}.{signature}"),
            );
            add(
                &format!("alg {alg:?}, signed by the forger"),
                self.signed(&with(&self.header, json!({ "alg": alg })), &self.claims)?,
            );
        }
        for (alg, key) in ["HS256", "HS512"]
            .into_iter()
            .flat_map(|alg| self.public_keys.iter().map(move |key| (alg, key)))
        {
            add(&format!("{alg} keyed with a public text"), self.hmac(alg, key));
        }
        let jwk = self.jwk();
        for (what, members) in [
            ("as it is", json!({})),
            ("no alg", json!({ "alg": null })),
            ("alg as a number", json!({ "alg": 256 })),
            ("alg as a list", json!({ "alg": ["ES256"] })),
            ("no kid", json!({ "kid": null })),
            ("unknown kid", json!({ "kid": "forged" })),
            ("kid as a path", json!({ "kid": "../../../../dev/null" })),
            ("kid as SQL", json!({ "kid": "x' UNION SELECT 'secret' -- " })),
            ("kid as a number", json!({ "kid": 1 })),
            ("embedded jwk", json!({ "jwk": jwk, "kid": null })),
            ("embedded jwk beside kid", json!({ "jwk": jwk })),
            ("jku", json!({ "jku": "https://evil.example/jwks.json", "kid": "forged" })),
            ("x5u", json!({ "x5u": "https://evil.example/cert.pem" })),
            ("x5c", json!({ "x5c": ["MIIB"] })),
            ("crit", json!({ "crit": ["exp"] })),
            ("crit of the unknown", json!({ "crit": ["x"], "x": true })),
            ("b64 false", json!({ "b64": false, "crit": ["b64"] })),
            ("zip", json!({ "zip": "DEF" })),
            ("enc, as in JWE", json!({ "alg": "ECDH-ES", "enc": "A256GCM" })),
            ("typ JWT", json!({ "typ": "JWT" })),
            ("no typ", json!({ "typ": null })),
            ("typ of a logout token", json!({ "typ": "logout+jwt" })),
            ("nested", json!({ "cty": "JWT" })),
        ] {
            add(
                &format!("signed by the forger, {what}"),
                self.signed(&with(&self.header, members), &self.claims)?,
            );
        }
        for (what, members) in [
            ("another subject", json!({ "sub": "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV" })),
            ("a longer life", json!({ "exp": 99_999_999_999_i64 })),
            ("a wider scope", json!({ "scope": "openid account email profile admin" })),
            ("another audience", json!({ "aud": "https://elsewhere.example" })),
            ("another grant", json!({ "grant": "grt_01ARZ3NDEKTSV4RRFFQ69G5FAV" })),
        ] {
            add(
                &format!("{what}, with the old signature"),
                format!("{head}.{}.{signature}", encoded(&with(&self.claims, members))),
            );
        }
        let raw = URL_SAFE_NO_PAD.decode(signature)?;
        for (what, bytes) in [
            ("empty", Vec::new()),
            ("all zero", vec![0; 64]),
            ("r zero", [&[0; 32][..], &raw[32..]].concat()),
            ("s zero", [&raw[..32], &[0; 32][..]].concat()),
            ("all ones", vec![0xff; 64]),
            ("one byte short", raw[..63].to_vec()),
            ("one byte long", [&raw[..], &[0]].concat()),
            ("halves swapped", [&raw[32..], &raw[..32]].concat()),
            ("twice", [&raw[..], &raw[..]].concat()),
        ] {
            add(
                &format!("signature {what}"),
                format!("{head}.{body}.{}", URL_SAFE_NO_PAD.encode(bytes)),
            );
        }
        // The same bytes in another spelling: two readers would see two tokens.
        let other_last = |part: &str| -> String {
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let at = part.chars().last().and_then(|last| alphabet.find(last)).unwrap_or_default();
            format!("{}{}", &part[..part.len() - 1], &alphabet[at + 1..at + 2])
        };
        for (what, token) in [
            ("last character of the signature", format!("{head}.{body}.{}", other_last(signature))),
            ("padded signature", format!("{head}.{body}.{signature}==")),
            ("padded header", format!("{head}=.{body}.{signature}")),
            ("standard alphabet", format!("{head}.{body}.{}", STANDARD.encode(&raw))),
            ("trailing dot", format!("{good}.")),
            ("leading dot", format!(".{good}")),
            ("four parts", format!("{good}.{signature}")),
            ("five parts, as in JWE", format!("{head}.{body}.{signature}.{body}.{signature}")),
            ("two parts", format!("{head}.{body}")),
            ("one part", head.to_owned()),
            ("no header", format!(".{body}.{signature}")),
            ("no claims", format!("{head}..{signature}")),
            ("parts swapped", format!("{body}.{head}.{signature}")),
            ("trailing bytes", format!("{good}AAAA")),
            ("lower case", good.to_lowercase()),
            ("percent-encoded dots", good.replace('.', "%2E")),
            (
                "in the JSON form",
                json!({ "protected": head, "payload": body, "signature": signature }).to_string(),
            ),
            ("quoted", format!("\"{good}\"")),
            ("twice", format!("{good},{good}")),
            ("very long", format!("{head}.{}.{signature}", "A".repeat(7000))),
            ("deep", format!("{}.{body}.{signature}", URL_SAFE_NO_PAD.encode("[".repeat(2000)))),
            ("header is a list", format!("{}.{body}.{signature}", URL_SAFE_NO_PAD.encode("[]"))),
            ("header is no JSON", format!("{}.{body}.{signature}", URL_SAFE_NO_PAD.encode("{"))),
        ] {
            add(what, token);
        }
        for (what, duplicate) in
            [("alg", "\"alg\":\"none\""), ("typ", "\"typ\":\"JWT\""), ("kid", "\"kid\":\"x\"")]
        {
            let text = self.header.to_string();
            let doubled = format!("{{{duplicate},{}", &text[1..]);
            add(
                &format!("{what} twice in the header"),
                format!("{}.{body}.{signature}", URL_SAFE_NO_PAD.encode(doubled)),
            );
        }
        Ok(forged)
    }
}

fn decoded(key: &Value, name: &str) -> Result<Vec<u8>> {
    Ok(URL_SAFE_NO_PAD.decode(key[name].as_str().with_context(|| format!("no {name}"))?)?)
}

// proves: G03, G05, G06, attack-14
#[tokio::test]
async fn no_forgery_is_taken_for_a_token() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    let jwks = Answer::of(town.tool.request("GET", "/oauth/jwks")).await?.json();
    let forged = Forger::new(&tokens.access, &jwks)?.all(&tokens.access)?;
    assert!(forged.len() >= 80, "{} forgeries", forged.len());

    let mut taken = Vec::new();
    for (what, token) in &forged {
        assert_ne!(*token, tokens.access, "{what}");
        let introspected = town.api.introspect(token).await?;
        if introspected.json() != json!({ "active": false }) || introspected.status != 200 {
            taken.push(format!(
                "{what}: introspection {} {}",
                introspected.status, introspected.body
            ));
        }
        for path in ["/userinfo", "/api/v1/whoami"] {
            let answer = town.tool.get_with(path, token).await?;
            if !matches!(answer.status.as_u16(), 400 | 401) {
                taken.push(format!("{what}: {path} {} {}", answer.status, answer.body));
            }
        }
        town.tool.revoke(token).await?;
    }
    assert!(taken.is_empty(), "of {} forgeries:\n{}", forged.len(), taken.join("\n"));
    // Revoking forgeries revoked nothing.
    assert!(town.admits(&tokens.access).await?);
    Ok(())
}

// proves: attack-14, I08
#[tokio::test]
async fn a_forged_id_token_tells_nobody_who_somebody_is() -> Result<()> {
    let town = Town::build().await?;
    let tokens: Tokens = town.tool.tokens(&town.person, &[]).await?;
    let (bo, at_browser) = town.bo().await?;
    let bos = town.tool.tokens(&at_browser, &[]).await?;
    let hint = async |hint: &str| {
        let (address, _) =
            town.tool.authorization(&[("id_token_hint", hint), ("prompt", "none")])?;
        let told = town.person.get(&address).await?.leads_to().context("a redirect")?;
        Ok::<_, anyhow::Error>(oauth::query(&told, "error").unwrap_or_default())
    };
    assert_eq!(hint(&tokens.id).await?, "consent_required", "it is she who is signed in");
    assert_eq!(hint(&bos.id).await?, "login_required", "{} is not", bo.email);
    let (head, rest) = tokens.id.split_once('.').context("a JWT")?;
    let (body, signature) = rest.split_once('.').context("a JWT")?;
    let unsigned = encoded(&json!({ "alg": "none" }));
    for forged in [
        format!("{unsigned}.{body}."),
        format!("{head}.{body}.AAAA"),
        format!("{head}.{}.{signature}", encoded(&oauth::peek(&bos.id)?.1)),
    ] {
        assert_ne!(hint(&forged).await?, "consent_required", "{forged}");
    }
    Ok(())
}
