//! A workshop that makes tokens with one thing wrong, signed with our own keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::b64;
use crate::error::{BearerError, Rejected};
use crate::signing::Alg;
use crate::tests::house::{API, House};

fn parts(token: &str) -> [Vec<u8>; 3] {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    std::array::from_fn(|_| parts.next().unwrap())
}

/// A workshop with our own keys in it.
pub(super) struct Forge {
    pub(super) house: House,
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) token: String,
    pub(super) id_token: String,
}

impl Forge {
    pub(super) async fn new() -> Self {
        let house = House::new().await;
        let ada = house.ada().await;
        let tokens = house.tokens(&ada).await;
        let token = tokens.access_token.expose().to_owned();
        let [header, claims, _] = parts(&token);
        Self {
            header: serde_json::from_slice(&header).unwrap(),
            claims: serde_json::from_slice(&claims).unwrap(),
            id_token: tokens.id_token.unwrap().expose().to_owned(),
            token,
            house,
        }
    }

    /// Signs exactly these texts with our own key.
    pub(super) fn sign_raw(&self, alg: Alg, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", b64(header), b64(claims));
        let ring = self.house.issuer.ring();
        let key = ring.signing(alg, self.house.issuer.now()).unwrap();
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key.private, alg.jws());
        format!("{signed}.{}", signature.unwrap())
    }

    /// The good token, with `change` made to its claims.
    pub(super) fn claims(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let mut claims = self.claims.clone();
        change(&mut claims);
        let header = Value::from(self.header.clone()).to_string();
        self.sign_raw(Alg::Es256, &header, &Value::from(claims).to_string())
    }

    /// The good token, with one claim replaced.
    pub(super) fn claim(&self, name: &str, value: Value) -> String {
        self.claims(|claims| {
            claims.insert(name.to_owned(), value);
        })
    }

    pub(super) fn without(&self, name: &str) -> String {
        self.claims(|claims| {
            claims.remove(name).unwrap();
        })
    }

    /// The good token, with `change` made to its header.
    pub(super) fn header(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let mut header = self.header.clone();
        change(&mut header);
        let claims = Value::from(self.claims.clone()).to_string();
        self.sign_raw(Alg::Es256, &Value::from(header).to_string(), &claims)
    }

    pub(super) fn head(&self, name: &str, value: Value) -> String {
        self.header(|header| {
            header.insert(name.to_owned(), value);
        })
    }

    /// The good claims written as text, with `from` replaced.
    pub(super) fn claims_text(&self, from: &str, to: &str) -> String {
        let header = Value::from(self.header.clone()).to_string();
        let claims = Value::from(self.claims.clone()).to_string();
        assert!(claims.contains(from), "{claims}");
        self.sign_raw(Alg::Es256, &header, &claims.replacen(from, to, 1))
    }

    pub(super) fn header_text(&self, from: &str, to: &str) -> String {
        let header = Value::from(self.header.clone()).to_string();
        assert!(header.contains(from), "{header}");
        let claims = Value::from(self.claims.clone()).to_string();
        self.sign_raw(Alg::Es256, &header.replacen(from, to, 1), &claims)
    }

    pub(super) async fn refusal(&self, token: &str) -> Option<Rejected> {
        match self.house.issuer.verify(token, API).await {
            Ok(_) => None,
            Err(BearerError::InvalidToken { why }) => Some(why),
            Err(other) => panic!("{other:?}"),
        }
    }
}
