//! G01–G06, attacks 14 and 15: JWTs that are not what they seem.
//!
//! Each starts as a token that would be admitted, and has one thing wrong with it. Where
//! that is not the signature itself, it is signed with our own key, so that nothing but
//! the one wrong thing can be the reason.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use hallpass_core::Secret;
use serde_json::{Map, Value, json};

use forge::Forge;

use super::house::{API, basic, changed, home};
use crate::error::Rejected;
use crate::jwt::BadJwt;
use crate::signing::Alg;

mod forge;

fn b64(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn set(map: &mut Map<String, Value>, name: &str, value: Value) {
    map.insert(name.to_owned(), value);
}

// proves: G01, G02, G03, G04, G05, G06, attack-14, attack-15
#[tokio::test]
async fn none_of_a_hundred_hostile_tokens_is_admitted() {
    let forge = Forge::new().await;
    assert_eq!(forge.refusal(&forge.token).await, None);
    assert_eq!(forge.refusal(&forge.claims(|_| {})).await, None, "the forge works");
    assert_eq!(forge.refusal(&forge.header(|_| {})).await, None);
    // What a later version of ours may add does no harm.
    assert_eq!(forge.refusal(&forge.claim("later", json!({"a": [1, 2]}))).await, None);

    let mut table: Vec<(&str, String, &[BadJwt])> = Vec::new();
    shapes(&forge, &mut table);
    headers(&forge, &mut table);
    algorithms(&forge, &mut table);
    signatures(&forge, &mut table);
    claims(&forge, &mut table);
    assert!(table.len() >= 100, "{}", table.len());
    for (name, token, expected) in &table {
        match forge.refusal(token).await {
            Some(Rejected::Jwt(why)) => assert!(expected.contains(&why), "{name}: {why:?}"),
            other => panic!("{name}: {other:?}"),
        }
    }

    // Well-formed, ours, and not good: the verdict's to refuse.
    let verdicts = [
        ("expired", forge.claim("exp", json!(1_799_999_999))),
        ("expires now", forge.claim("exp", json!(1_800_000_000))),
        ("from the future", forge.claim("iat", json!(1_800_000_100))),
        ("not before later", forge.claim("nbf", json!(1_800_000_100))),
        ("other audience", forge.claim("aud", json!("https://elsewhere.example"))),
        ("trailing slash", forge.claim("aud", json!(format!("{API}/")))),
        ("prefix of it", forge.claim("aud", json!(&API[..API.len() - 1]))),
        ("longer than it", forge.claim("aud", json!(format!("{API}.evil.example")))),
        ("other case", forge.claim("aud", json!(API.to_uppercase()))),
        ("only others", forge.claim("aud", json!(["https://a.example", "https://b.example"]))),
        ("joined by a space", forge.claim("aud", json!(format!("{API} https://a.example")))),
        ("other grant", forge.claim("grant", json!("grt_01JAAAAAAAAAAAAAAAAAAAAAAA"))),
        ("other user", forge.claim("sub", json!("usr_01JAAAAAAAAAAAAAAAAAAAAAAA"))),
        ("an agent", forge.claim("sub", json!("agt_01JAAAAAAAAAAAAAAAAAAAAAAA"))),
        ("other client", forge.claim("client_id", json!("web"))),
    ];
    for (name, token) in verdicts {
        let refused = forge.refusal(&token).await;
        assert!(matches!(refused, Some(Rejected::Verdict(_))), "{name}: {refused:?}");
    }
    let among_others = forge.claim("aud", json!(["https://a.example", API]));
    assert_eq!(forge.refusal(&among_others).await, None);
}

type Table<'f> = Vec<(&'static str, String, &'static [BadJwt])>;

fn shapes(forge: &Forge, table: &mut Table<'_>) {
    let token = &forge.token;
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut add = |name, token: String| table.push((name, token, &[BadJwt::Shape]));
    add("nothing", String::new());
    add("a word", "token".to_owned());
    add("one dot", format!("{header}.{claims}"));
    add("only dots", "..".to_owned() + signature + ".");
    add("no signature, no dot", format!("{header}{claims}{signature}"));
    add("four parts", format!("{token}.{signature}"));
    add("five parts, as a JWE", format!("{header}.{claims}.{claims}.{claims}.{signature}"));
    add("leading dot", format!(".{token}"));
    add("trailing dot", format!("{token}."));
    add("leading space", format!(" {token}"));
    add("trailing space", format!("{token} "));
    add("trailing newline", format!("{token}\n"));
    add("inner newline", format!("{header}\n.{claims}.{signature}"));
    add("NUL", format!("{token}\0"));
    add("with its scheme", format!("Bearer {token}"));
    add("padded signature", format!("{header}.{claims}.{signature}=="));
    add("padded header", format!("{}.{claims}.{signature}", URL_SAFE.encode(b"{\"a\":1}")) + "=");
    add("standard alphabet", format!("{header}.{claims}.{}", STANDARD.encode([0xFB; 64])));
    add("non-ASCII", format!("{header}.{claims}.é{signature}"));
    add("too long", format!("{header}.{}.{signature}", "A".repeat(9000)));
    add("JSON serialization", json!({"payload": claims, "signature": signature}).to_string());
    add("twice", format!("{token},{token}"));
    // The last character of the signature has bits that nothing decodes.
    let last = signature.chars().next_back().unwrap();
    let spare = ["B", "C", "D", "E", "F", "R", "S", "h", "i", "x"];
    let other = spare.iter().find(|c| !c.starts_with(last) && !"AQgw".contains(**c)).unwrap();
    add("non-canonical base64", format!("{}{other}", &token[..token.len() - 1]));
}

fn headers(forge: &Forge, table: &mut Table<'_>) {
    let mut add = |name, token: String, why| table.push((name, token, why));
    const HEADER: &[BadJwt] = &[BadJwt::Header];
    const TYPE: &[BadJwt] = &[BadJwt::Type];
    const KEY: &[BadJwt] = &[BadJwt::Key];
    // RFC 7515 §4.1: whatever would select a key, or must be understood.
    add("jku", forge.head("jku", json!("https://evil.example/jwks")), HEADER);
    add("jwk", forge.head("jwk", json!({"kty": "oct", "k": "AA"})), HEADER);
    add("x5u", forge.head("x5u", json!("https://evil.example/cert")), HEADER);
    add("x5c", forge.head("x5c", json!(["MIIB"])), HEADER);
    add("x5t", forge.head("x5t", json!("AA")), HEADER);
    add("crit of something", forge.head("crit", json!(["exp"])), HEADER);
    add("crit of nothing", forge.head("crit", json!([])), HEADER);
    add("crit null", forge.head("crit", Value::Null), HEADER);
    add("b64 false", forge.head("b64", json!(false)), HEADER);
    add(
        "b64 false, critical",
        forge.header(|h| {
            set(h, "b64", json!(false));
            set(h, "crit", json!(["b64"]));
        }),
        HEADER,
    );
    add("zip", forge.head("zip", json!("DEF")), HEADER);
    add("enc", forge.head("enc", json!("A256GCM")), HEADER);
    add("cty", forge.head("cty", json!("JWT")), HEADER);
    add("any other", forge.head("x", json!(1)), HEADER);
    // RFC 8725 §2.4: repeated members, and members of another type.
    add(
        "alg twice",
        forge.header_text(r#""alg":"ES256""#, r#""alg":"none","alg":"ES256""#),
        HEADER,
    );
    add(
        "alg twice, escaped",
        forge.header_text(r#""alg":"ES256""#, r#""\u0061lg":"none","alg":"ES256""#),
        HEADER,
    );
    add("kid twice", forge.header_text(r#""typ""#, r#""kid":"x","typ""#), HEADER);
    add("typ twice", forge.header_text(r#""typ""#, r#""typ":"JWT","typ""#), HEADER);
    add("alg a list", forge.head("alg", json!(["ES256"])), HEADER);
    add("alg null", forge.head("alg", Value::Null), HEADER);
    add("alg a number", forge.head("alg", json!(1)), HEADER);
    add("no alg", forge.header(|h| drop(h.remove("alg"))), HEADER);
    add("no kid", forge.header(|h| drop(h.remove("kid"))), HEADER);
    add("no typ", forge.header(|h| drop(h.remove("typ"))), HEADER);
    let claims = Value::from(forge.claims.clone()).to_string();
    for (name, header) in [
        ("header a list", "[]"),
        ("header a text", "\"ES256\""),
        ("header null", "null"),
        ("header empty", ""),
        ("header with something after it", r#"{"alg":"ES256"}{}"#),
        ("header with a BOM", "\u{feff}{}"),
    ] {
        add(name, forge.sign_raw(Alg::Es256, header, &claims), HEADER);
    }
    // RFC 8725 §3.11: types do not pass for each other.
    for (name, typ) in [
        ("typ JWT", "JWT"),
        ("typ of a logout token", "logout+jwt"),
        ("typ of a DPoP proof", "dpop+jwt"),
        ("typ in capitals", "AT+JWT"),
        ("typ as a media type", "application/at+jwt"),
        ("typ empty", ""),
    ] {
        add(name, forge.head("typ", json!(typ)), TYPE);
    }
    add("an ID token", forge.id_token.clone(), TYPE);
    // `kid` is looked up among our own keys, and nowhere else.
    for (name, kid) in [
        ("kid of nobody", "sgk_01JAAAAAAAAAAAAAAAAAAAAAAA"),
        ("kid a path", "../../../../dev/null"),
        ("kid an SQL injection", "x' UNION SELECT 'secret' --"),
        ("kid a URL", "https://evil.example/key"),
        ("kid empty", ""),
        ("kid long", &"k".repeat(4000)),
        ("kid with a NUL", "sgk_\0"),
        ("kid of another type", "usr_01JAAAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        add(name, forge.head("kid", json!(kid)), KEY);
    }
    let kid = forge.header["kid"].as_str().unwrap();
    add("kid in lower case", forge.head("kid", json!(kid.to_lowercase())), KEY);
    add("kid with a space", forge.head("kid", json!(format!("{kid} "))), KEY);
}

fn algorithms(forge: &Forge, table: &mut Table<'_>) {
    const ALG: &[BadJwt] = &[BadJwt::Algorithm];
    let mut add = |name, token: String| table.push((name, token, ALG));
    let [_, claims, _] = forge.token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let head = |alg: &str| {
        let mut header = forge.header.clone();
        set(&mut header, "alg", json!(alg));
        b64(Value::from(header).to_string())
    };
    for (name, alg) in
        [("none", "none"), ("None", "None"), ("NONE", "NONE"), ("nOnE", "nOnE"), ("empty", "")]
    {
        add(name, format!("{}.{claims}.", head(alg)));
    }
    for (name, alg) in [
        ("ES384", "ES384"),
        ("ES512", "ES512"),
        ("ES256K", "ES256K"),
        ("EdDSA", "EdDSA"),
        ("PS256", "PS256"),
        ("RS384", "RS384"),
        ("es256", "es256"),
        ("ES256 and a space", "ES256 "),
        ("dir", "dir"),
        ("RSA-OAEP", "RSA-OAEP"),
        ("A256KW", "A256KW"),
        ("HS384", "HS384"),
    ] {
        add(name, forge.head("alg", json!(alg)));
    }
    // Signed by HMAC with what everybody knows: the public key, or nothing.
    let ring = forge.house.issuer.ring();
    let key = ring.signing(Alg::Es256, forge.house.issuer.now()).unwrap();
    let jwk = serde_json::to_string(&forge.house.issuer.jwks().keys[0]).unwrap();
    for (name, secret) in [
        ("HS256 with the public point", key.public.try_get_as_bytes().unwrap()),
        ("HS256 with the public JWK", jwk.as_bytes()),
        ("HS256 with the empty key", b"".as_slice()),
        ("HS256 with the kid", forge.header["kid"].as_str().unwrap().as_bytes()),
    ] {
        let signed = format!("{}.{claims}", head("HS256"));
        let mac_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        let mac = aws_lc_rs::hmac::sign(&mac_key, signed.as_bytes());
        add(name, format!("{signed}.{}", b64(mac.as_ref())));
    }
    // One key, one algorithm: our RSA key signs ID tokens, and no access token is its.
    let rsa = ring.signing(Alg::Rs256, forge.house.issuer.now()).unwrap();
    let mut header = forge.header.clone();
    set(&mut header, "kid", json!(rsa.id));
    let claims = Value::from(forge.claims.clone()).to_string();
    let said = |alg: &str| {
        let mut header = header.clone();
        set(&mut header, "alg", json!(alg));
        Value::from(header).to_string()
    };
    add("RS256 by our own RSA key", forge.sign_raw(Alg::Rs256, &said("RS256"), &claims));
    add("ES256 with the kid of the RSA key", forge.sign_raw(Alg::Es256, &said("ES256"), &claims));
    add(
        "RS256 with the kid of the EC key",
        forge.sign_raw(
            Alg::Rs256,
            &Value::from({
                let mut header = forge.header.clone();
                set(&mut header, "alg", json!("RS256"));
                header
            })
            .to_string(),
            &claims,
        ),
    );
}

fn signatures(forge: &Forge, table: &mut Table<'_>) {
    const SIGNATURE: &[BadJwt] = &[BadJwt::Signature];
    let (signed, signature) = forge.token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut add = |name, signature: &[u8]| {
        table.push((name, format!("{signed}.{}", b64(signature)), SIGNATURE));
    };
    // CVE-2022-21449, and its kin: r and s of zero, or of the order and beyond.
    const ORDER: &str = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";
    let order: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&ORDER[2 * at..2 * at + 2], 16).unwrap()).collect();
    let (r, s) = bytes.split_at(32);
    let zero = [0; 32];
    add("r and s zero", &[0; 64]);
    add("r zero", &[&zero, s].concat());
    add("s zero", &[r, &zero].concat());
    add("r the order", &[&order, s].concat());
    add("s the order", &[r, &order].concat());
    add("r and s all ones", &[0xFF; 64]);
    add("empty", &[]);
    add("short", &bytes[..63]);
    add("with a byte after it", &[bytes.as_slice(), &[0]].concat());
    add("with a byte before it", &[&[0], bytes.as_slice()].concat());
    add("as DER", &[&[0x30, 0x44, 0x02, 0x20], r, &[0x02, 0x20], s].concat());
    add("r and s exchanged", &[s, r].concat());
    let mut flipped = bytes.clone();
    flipped[10] ^= 1;
    add("one bit flipped", &flipped);
    // The signature of one token under the claims of another.
    let other = forge.claim("scope", json!("openid"));
    let claims = other.split('.').nth(1).unwrap();
    let header = signed.split('.').next().unwrap();
    table.push(("another's claims", format!("{header}.{claims}.{signature}"), SIGNATURE));
    let respelt = b64(Value::from(forge.header.clone()).to_string() + " ");
    let payload = signed.split('.').nth(1).unwrap();
    table.push(("header with a space", format!("{respelt}.{payload}.{signature}"), SIGNATURE));
}

fn claims(forge: &Forge, table: &mut Table<'_>) {
    const CLAIMS: &[BadJwt] = &[BadJwt::Claims];
    let mut add = |name, token: String| table.push((name, token, CLAIMS));
    for name in
        ["iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope", "auth_time", "grant"]
    {
        add("without a claim", forge.without(name));
        add("a claim null", forge.claim(name, Value::Null));
        add("a claim an object", forge.claim(name, json!({"x": 1})));
    }
    // CVE-2026-25537: dates of the wrong type must not count as absent.
    for name in ["exp", "iat", "auth_time", "nbf"] {
        add("date a text", forge.claim(name, json!("1800000300")));
        add("date a fraction", forge.claim(name, json!(1_800_000_300.5)));
        add(
            "date a whole fraction",
            forge.claims_text(
                &format!(r#""{}":1800000"#, if name == "nbf" { "iat" } else { name }),
                &format!(r#""{name}":1800000.0,"x":0"#),
            ),
        );
        add("date negative", forge.claim(name, json!(-1)));
        add("date far away", forge.claim(name, json!(253_402_300_800_i64)));
        add("date i64::MAX", forge.claim(name, json!(i64::MAX)));
        add("date u64::MAX", forge.claim(name, json!(u64::MAX)));
        add("date a list", forge.claim(name, json!([1_800_000_300])));
        add("date a boolean", forge.claim(name, json!(true)));
        add("date in milliseconds", forge.claim(name, json!(1_800_000_300_000_i64)));
    }
    add("date an exponent", forge.claims_text(r#""exp":"#, r#""exp":1e300,"x":"#));
    add("nbf null", forge.claim("nbf", Value::Null));
    add("aud empty", forge.claim("aud", json!("")));
    add("aud an empty list", forge.claim("aud", json!([])));
    add("aud a list with a number", forge.claim("aud", json!([API, 1])));
    add("aud a list of lists", forge.claim("aud", json!([[API]])));
    add("aud a list with nothing", forge.claim("aud", json!([API, ""])));
    add("aud a number", forge.claim("aud", json!(1)));
    add("sub no user", forge.claim("sub", json!("hallpass-cli")));
    add("sub in lower case", forge.claim("sub", json!("usr_01jaaaaaaaaaaaaaaaaaaaaaaa")));
    add("sub of another type", forge.claim("sub", json!("org_01JAAAAAAAAAAAAAAAAAAAAAAA")));
    add("sub a key", forge.claim("sub", json!("tok_01JAAAAAAAAAAAAAAAAAAAAAAA")));
    add("grant no grant", forge.claim("grant", json!("usr_01JAAAAAAAAAAAAAAAAAAAAAAA")));
    add("jti no id", forge.claim("jti", json!("1")));
    add("scope a list", forge.claim("scope", json!(["openid"])));
    add("scope with two spaces", forge.claim("scope", json!("a  b")));
    add("exp twice", forge.claims_text(r#""exp""#, r#""exp":9999999999,"exp""#));
    add("aud twice", forge.claims_text(r#""aud""#, r#""aud":"x","aud""#));
    add("twice deeper down", forge.claims_text(r#""aud""#, r#""x":{"a":1,"a":2},"aud""#));
    let header = Value::from(forge.header.clone()).to_string();
    for (name, text) in [
        ("claims a list", "[]"),
        ("claims null", "null"),
        ("claims empty", ""),
        ("claims not JSON", "sub=usr"),
        ("claims with something after them", r#"{}{}"#),
        ("claims not UTF-8", "\u{0}"),
    ] {
        add(name, forge.sign_raw(Alg::Es256, &header, text));
    }
    let deep = format!("{}1{}", r#"{"a":"#.repeat(500), "}".repeat(500));
    add("claims deep", forge.sign_raw(Alg::Es256, &header, &deep));
    const ISSUER: &[BadJwt] = &[BadJwt::Issuer];
    for (name, iss) in [
        ("iss with a slash", "http://localhost:8470/"),
        ("iss in capitals", "HTTP://LOCALHOST:8470"),
        ("iss without a port", "http://localhost"),
        ("iss of another", "https://evil.example"),
        ("iss with us in it", "http://localhost:8470.evil.example"),
        ("iss empty", ""),
        ("iss https", "https://localhost:8470"),
    ] {
        table.push((name, forge.claim("iss", json!(iss)), ISSUER));
    }
}

// proves: G04, attack-14
#[tokio::test]
async fn what_is_refused_here_is_refused_everywhere() {
    let forge = Forge::new().await;
    let api = forge.house.api().await;
    for token in [
        forge.id_token.clone(),
        forge.head("typ", json!("JWT")),
        forge.claim("iss", json!("https://evil.example")),
        forge.without("exp"),
    ] {
        assert!(forge.house.issuer.userinfo(&token).await.is_err());
        let ask = changed(&[("token", &token)], &[]);
        let said = forge.house.issuer.introspect(&ask, basic("api", &api), &home()).await.unwrap();
        assert!(!said.active);
    }
    // And an access token is no ID token.
    let hint = [("id_token_hint", forge.token.as_str())];
    let ada = forge.house.sign_in("ada@example.com").await.signed_in;
    let url = super::house::redirected(forge.house.ask(Some(&ada), &hint).await);
    assert_eq!(super::house::query(&url)["error"], "invalid_request");
}

// proves: G01, G02, G05
#[tokio::test]
async fn an_independent_reader_agrees_about_ours() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    let forge = Forge::new().await;
    let jwks = forge.house.issuer.jwks();
    let key = |kid: &str| {
        let jwk = jwks.keys.iter().find(|jwk| jwk.common.key_id.as_deref() == Some(&*kid)).unwrap();
        DecodingKey::from_jwk(jwk).unwrap()
    };
    for (token, alg, typ, aud) in [
        (&forge.token, Algorithm::ES256, "at+jwt", API),
        (&forge.id_token, Algorithm::RS256, "JWT", "hallpass-cli"),
    ] {
        let header = jsonwebtoken::decode_header(token).unwrap();
        assert_eq!((header.alg, header.typ.as_deref()), (alg, Some(typ)));
        let mut validation = Validation::new(alg);
        validation.set_audience(&[aud]);
        validation.set_issuer(&[super::house::ISSUER]);
        // The test's clock stands in another year.
        validation.validate_exp = false;
        let key = key(&header.kid.unwrap());
        assert!(decode::<Value>(token, &key, &validation).is_ok());
        let mut bad = token.clone().into_bytes();
        let middle = bad.len() / 2;
        bad[middle] = if bad[middle] == b'A' { b'B' } else { b'A' };
        assert!(decode::<Value>(String::from_utf8(bad).unwrap(), &key, &validation).is_err());
    }
}

#[tokio::test]
async fn no_refusal_holds_the_token() {
    let forge = Forge::new().await;
    let marked = Secret::new(format!("{}x", forge.token));
    let refused = forge.house.issuer.verify(marked.expose(), API).await.unwrap_err();
    let said = format!("{refused} {refused:?}");
    assert!(forge.token.split('.').all(|part| !said.contains(part)), "{said}");
}
