//! An OAuth client that says exactly what a test wants to say.
//!
//! It knows nothing that the server could agree with by accident: parameters go out as
//! given, and answers come back as status, headers and JSON.

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::pkce::Verifier;
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode, Url};
use serde_json::Value;

use crate::person::Person;
use crate::server::Server;
use crate::system::RealRandom;

/// Where the clients of these tests want to be called back.
pub const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// An answer of an endpoint.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its text.
    pub body: String,
}

impl Answer {
    /// Reads the answer of a request.
    pub async fn of(request: RequestBuilder) -> Result<Self> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok(Self { status, headers, body: answer.text().await? })
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A member of the JSON body; empty if it is not there.
    pub fn get(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    /// The OAuth error code; empty for a success.
    pub fn error(&self) -> String {
        self.get("error")
    }

    /// A header as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Status and error code, to compare in one line.
    pub fn outcome(&self) -> (u16, String) {
        (self.status.as_u16(), self.error())
    }
}

/// What a successful token request brought.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token; empty if there is none.
    pub refresh: String,
    /// The ID token; empty if there is none.
    pub id: String,
}

impl Tokens {
    /// Reads a token answer that must be a success.
    pub fn read(answer: &Answer) -> Result<Self> {
        if answer.status != StatusCode::OK {
            bail!("no tokens but {} {}", answer.status, answer.body);
        }
        Ok(Self {
            access: answer.get("access_token"),
            refresh: answer.get("refresh_token"),
            id: answer.get("id_token"),
        })
    }
}

/// An authorization request that was approved.
#[derive(Clone, Debug)]
pub struct Approved {
    /// The code.
    pub code: String,
    /// What redeems it.
    pub verifier: String,
    /// The whole redirect.
    pub redirect: Url,
}

/// A client of the server.
#[derive(Clone, Debug)]
pub struct OAuth {
    /// To send requests with.
    pub http: reqwest::Client,
    /// The server's URL.
    pub server: String,
    /// The client id.
    pub id: String,
    /// The client secret of a confidential client.
    pub secret: Option<String>,
}

impl OAuth {
    /// A public client.
    pub fn public(server: &Server, id: &str) -> Self {
        let mut client = Self {
            http: reqwest::Client::new(),
            server: server.url(),
            id: id.to_owned(),
            secret: None,
        };
        client.reconnect(server);
        client
    }

    /// A confidential client.
    pub fn confidential(server: &Server, id: &str, secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..Self::public(server, id) }
    }

    /// Lets go of connections to a process that is gone.
    pub fn reconnect(&mut self, server: &Server) {
        let built = server.http().and_then(|builder| Ok(builder.build()?));
        self.http = built.expect("an HTTP client for the server's own certificate");
    }

    /// A request to `path`, with nothing in it yet.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.http.request(method, format!("{}{path}", self.server))
    }

    /// A form post to `path` with exactly these parameters and no client authentication.
    pub async fn post_bare(&self, path: &str, params: &[(&str, &str)]) -> Result<Answer> {
        Answer::of(self.request("POST", path).form(params)).await
    }

    /// A form post to `path` as this client: by Basic, or by its id alone.
    pub async fn post(&self, path: &str, params: &[(&str, &str)]) -> Result<Answer> {
        let request = self.request("POST", path);
        let mut params = params.to_vec();
        let request = match &self.secret {
            Some(secret) => request.basic_auth(&self.id, Some(secret)),
            None => {
                params.push(("client_id", &self.id));
                request
            }
        };
        Answer::of(request.form(&params)).await
    }

    /// The address of an authorization request with PKCE and these extra parameters, and
    /// its verifier. A parameter given here replaces the usual one.
    pub fn authorization(&self, extra: &[(&str, &str)]) -> Result<(String, String)> {
        let verifier = Verifier::mint(&RealRandom);
        let challenge = verifier.challenge();
        let usual = [
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("state", "a state"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let usual =
            usual.into_iter().filter(|(name, _)| extra.iter().all(|(other, _)| other != name));
        let given = extra.iter().copied().filter(|(_, value)| !value.is_empty());
        let mut url = Url::parse(&format!("{}/oauth/authorize", self.server))?;
        url.query_pairs_mut().extend_pairs(usual.chain(given));
        Ok((url.into(), verifier.expose().to_owned()))
    }

    /// Has `person` approve an authorization request.
    pub async fn approved(&self, person: &Person, extra: &[(&str, &str)]) -> Result<Approved> {
        let (request, verifier) = self.authorization(extra)?;
        let redirect = person.approve(&request).await?;
        let code = query(&redirect, "code").with_context(|| format!("no code in {redirect}"))?;
        Ok(Approved { code, verifier, redirect })
    }

    /// Redeems a code.
    pub async fn redeem(&self, approved: &Approved) -> Result<Answer> {
        self.post(
            "/oauth/token",
            &[
                ("grant_type", "authorization_code"),
                ("code", &approved.code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", &approved.verifier),
            ],
        )
        .await
    }

    /// The whole code flow.
    pub async fn tokens(&self, person: &Person, extra: &[(&str, &str)]) -> Result<Tokens> {
        let approved = self.approved(person, extra).await?;
        Tokens::read(&self.redeem(&approved).await?)
    }

    /// Redeems a refresh token.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Answer> {
        let params = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.post("/oauth/token", &params).await
    }

    /// Asks for a device code.
    pub async fn device(&self, extra: &[(&str, &str)]) -> Result<Answer> {
        self.post("/oauth/device", extra).await
    }

    /// Polls with a device code.
    pub async fn poll(&self, device_code: &str) -> Result<Answer> {
        let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
        self.post("/oauth/token", &[("grant_type", grant_type), ("device_code", device_code)]).await
    }

    /// Revokes a token.
    pub async fn revoke(&self, token: &str) -> Result<Answer> {
        self.post("/oauth/revoke", &[("token", token)]).await
    }

    /// Introspects a token.
    pub async fn introspect(&self, token: &str) -> Result<Answer> {
        self.post("/oauth/introspect", &[("token", token)]).await
    }

    /// A GET with a bearer token.
    pub async fn get_with(&self, path: &str, token: &str) -> Result<Answer> {
        Answer::of(self.request("GET", path).bearer_auth(token)).await
    }
}

/// A parameter of an address.
pub fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Header and claims of a JWT, unverified.
pub fn peek(jwt: &str) -> Result<(Value, Value)> {
    let mut parts = jwt.split('.').map(|part| -> Result<Value> {
        Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
    });
    let header = parts.next().context("no header")??;
    let claims = parts.next().context("no claims")??;
    Ok((header, claims))
}
