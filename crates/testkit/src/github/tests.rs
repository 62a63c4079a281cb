//! What the stand-in says is what GitHub says.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

fn bytes(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().expect("text")).expect("base64url")
}

async fn get(url: &str) -> Value {
    reqwest::get(url).await.expect("an answer").json().await.expect("JSON")
}

/// The claims of `token`, if a key of `keys` signed it.
fn verified(token: &str, keys: &Value) -> Option<Value> {
    let (text, signature) = token.rsplit_once('.')?;
    let (header, claims) = text.split_once('.')?;
    let [header, claims] = [header, claims].map(|part| {
        serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    });
    let key = keys["keys"].as_array()?.iter().find(|key| key["kid"] == header["kid"])?;
    let key = RsaPublicKeyComponents { n: bytes(&key["n"]), e: bytes(&key["e"]) };
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    key.verify(&RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), &signature).ok()?;
    Some(claims)
}

#[tokio::test]
async fn a_job_gets_a_token_that_its_issuers_keys_vouch_for() {
    let github = GitHub::start_at("/acme-enterprise").await.unwrap();
    let document = get(&format!("{}/.well-known/openid-configuration", github.issuer())).await;
    assert_eq!(document["issuer"], github.issuer());
    let keys_at = document["jwks_uri"].as_str().unwrap();
    let job = Job { subject: Subject::Ids, ..Job::default() };
    let runner = github.job(&job);
    let url = runner.variable("ACTIONS_ID_TOKEN_REQUEST_URL").unwrap();
    let secret = runner.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN").unwrap();
    let ask = async |secret: &str| {
        let request =
            reqwest::Client::new().get(format!("{url}&audience=https%3A%2F%2Fid.example"));
        request.bearer_auth(secret).send().await.unwrap()
    };
    let answer: Value = ask(secret).await.json().await.unwrap();
    let token = answer["value"].as_str().unwrap();
    let claims = verified(token, &get(keys_at).await).expect("a good signature");
    assert_eq!(claims["aud"], "https://id.example");
    assert_eq!(claims["sub"], "repo:acme@100/warehouse@200:ref:refs/heads/main");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert_eq!(ask("guessed").await.status(), 401);

    // A rotation keeps the old key until it is retired; a secret one is nobody's.
    github.rotate().unwrap();
    assert!(verified(token, &get(keys_at).await).is_some());
    github.retire();
    assert!(verified(token, &get(keys_at).await).is_none());
    github.rotate_in_secret().unwrap();
    let hidden = github.token(&job, "x");
    assert!(verified(&hidden, &get(keys_at).await).is_none());
    github.publish();
    assert!(verified(&hidden, &get(keys_at).await).is_some());

    assert_eq!(github.asked(Part::Tokens), 2);
    github.set(Part::Tokens, Some(Trouble::Unavailable));
    assert_eq!(ask(secret).await.status(), 503);
    github.set(Part::Tokens, None);
    github.end(&runner);
    assert_eq!(ask(secret).await.status(), 401);
}

#[test]
fn subjects_in_both_forms() {
    let job = Job::default();
    assert_eq!(job.sub(), "repo:acme/warehouse:ref:refs/heads/main");
    let pull = Job { event: "pull_request".to_owned(), ..job.clone() };
    assert_eq!(pull.sub(), "repo:acme/warehouse:pull_request");
    let environment = Job { environment: Some("eu:prod".to_owned()), ..job };
    assert_eq!(environment.sub(), "repo:acme/warehouse:environment:eu%3Aprod");
    let claims =
        environment.with("ref", Value::Null).with("aud", json!(["a", "b"])).claims("i", "a");
    assert_eq!((claims.get("ref"), &claims["environment"]), (None, &json!("eu:prod")));
    assert_eq!(claims["aud"], json!(["a", "b"]));
}
