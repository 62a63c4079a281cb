//! Clients that other people wrote, against the real server: the crates `openidconnect`
//! and `oauth2` do not know us, and follow the specifications.

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::{CALLBACK, query};
use hallpass_testkit::person::Person;
use hallpass_testkit::server::Plan;
use hallpass_testkit::town::Town;
use oauth2::basic::BasicClient;
use oauth2::{TokenIntrospectionResponse as _, TokenResponse as _};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
    CoreClientAuthMethod, CoreDeviceAuthorizationResponse, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode,
    CoreResponseType, CoreRevocableToken, CoreSubjectIdentifierType, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, DeviceAuthorizationUrl, HttpRequest, HttpResponse, IntrospectionUrl, IssuerUrl,
    Nonce, PkceCodeChallenge, ProviderMetadata, RedirectUrl, RevocationUrl, Scope,
};
use serde::{Deserialize, Serialize};

/// What OAuth adds to the discovery document of OpenID Connect.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct OAuthEndpoints {
    device_authorization_endpoint: DeviceAuthorizationUrl,
    revocation_endpoint: RevocationUrl,
    introspection_endpoint: IntrospectionUrl,
}

impl AdditionalProviderMetadata for OAuthEndpoints {}

type Metadata = ProviderMetadata<
    OAuthEndpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

#[derive(Debug, thiserror::Error)]
enum HttpError {
    #[error(transparent)]
    Reqwest(#[from] reqwest::Error),
    #[error(transparent)]
    Http(#[from] http::Error),
}

/// Their crates bring an older reqwest, so ours carries their requests.
async fn carry(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let (parts, body) = request.into_parts();
    let sent = http.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
    let answer = sent.send().await?;
    let mut response = http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    Ok(response.body(answer.bytes().await?.to_vec())?)
}

/// They insist on TLS for revocation, so all of it is over TLS.
async fn town() -> Result<(Town, reqwest::Client)> {
    let town = Town::of(Plan::new().tls().set("device_interval", "1s")).await?;
    let http = town.server.http()?.redirect(reqwest::redirect::Policy::none()).build()?;
    Ok((town, http))
}

async fn discovered(town: &Town, http: &reqwest::Client) -> Result<Metadata> {
    let issuer = IssuerUrl::new(town.server.url())?;
    let carry = |request| carry(http.clone(), request);
    Ok(Metadata::discover_async(issuer, &carry).await?)
}

/// The code, after the person approved and the client compared the state.
async fn code(person: &Person, address: &str, state: &CsrfToken) -> Result<AuthorizationCode> {
    let redirect = person.approve(address).await?;
    assert_eq!(query(&redirect, "state").as_ref(), Some(state.secret()));
    Ok(AuthorizationCode::new(query(&redirect, "code").context("a code")?))
}

// proves: B01, I01, I02, I06, E01, E07
#[tokio::test]
async fn openidconnect_signs_in_refreshes_and_revokes() -> Result<()> {
    let (town, http) = town().await?;
    let carry = |request| carry(http.clone(), request);
    let metadata = discovered(&town, &http).await?;
    let endpoints = metadata.additional_metadata().clone();
    for secret in [None, town.api.secret.clone()] {
        let id = if secret.is_some() { "api" } else { "tool" };
        let secret = secret.map(ClientSecret::new);
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new(id.to_owned()),
            secret,
        )
        .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned())?)
        .set_revocation_url(endpoints.revocation_endpoint.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(["email", "profile"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let code = code(&town.person, address.as_str(), &state).await?;
        let tokens =
            client.exchange_code(code)?.set_pkce_verifier(verifier).request_async(&carry).await?;

        let id_token = tokens.extra_fields().id_token().context("an ID token")?;
        let checker = client.id_token_verifier();
        let claims = id_token.claims(&checker, &nonce)?;
        let expected = claims.access_token_hash().context("at_hash")?;
        let alg = id_token.signing_alg()?;
        let actual = AccessTokenHash::from_token(
            tokens.access_token(),
            alg,
            id_token.signing_key(&checker)?,
        )?;
        assert_eq!(*expected, actual);

        let subject = claims.subject().clone();
        let info = client.user_info(tokens.access_token().clone(), Some(subject.clone()))?;
        let info: CoreUserInfoClaims = info.request_async(&carry).await?;
        assert_eq!(info.email().map(|email| email.as_str()), Some(town.ada.email.as_str()));

        let refresh = tokens.refresh_token().context("a refresh token")?;
        let refreshed = client.exchange_refresh_token(refresh)?.request_async(&carry).await?;
        let again = refreshed.extra_fields().id_token().context("an ID token")?;
        assert_eq!(*again.claims(&checker, |_: Option<&Nonce>| Ok(()))?.subject(), subject);

        let newer = refreshed.refresh_token().context("a refresh token")?.clone();
        client.revoke_token(CoreRevocableToken::from(newer.clone()))?.request_async(&carry).await?;
        assert!(client.exchange_refresh_token(&newer)?.request_async(&carry).await.is_err());
        assert!(!town.admits(refreshed.access_token().secret()).await?);
    }
    Ok(())
}

// proves: D01, D03
#[tokio::test]
async fn openidconnect_signs_a_device_in() -> Result<()> {
    let (town, http) = town().await?;
    let carry = |request| carry(http.clone(), request);
    let metadata = discovered(&town, &http).await?;
    let endpoint = metadata.additional_metadata().device_authorization_endpoint.clone();
    let client =
        CoreClient::from_provider_metadata(metadata, ClientId::new("tool".to_owned()), None)
            .set_device_authorization_url(endpoint);
    let ask = async || -> Result<CoreDeviceAuthorizationResponse> {
        let asked = client.exchange_device_code().add_scope(Scope::new("email".to_owned()));
        Ok(asked.request_async(&carry).await?)
    };
    let details = ask().await?;
    assert!(details.verification_uri_complete().is_some());
    let wait = client.exchange_device_access_token(&details)?;
    let (tokens, page) = tokio::join!(
        wait.request_async(&carry, tokio::time::sleep, None),
        town.person.decide_device(details.user_code().secret(), "approve"),
    );
    page?;
    assert!(town.admits(tokens?.access_token().secret()).await?);

    let details = ask().await?;
    town.person.decide_device(details.user_code().secret(), "deny").await?;
    let denied = client.exchange_device_access_token(&details)?;
    let denied = denied.request_async(&carry, tokio::time::sleep, None).await;
    let denied = format!("{:?}", denied.err());
    assert!(denied.contains("AccessDenied") || denied.contains("access_denied"), "{denied}");
    Ok(())
}

// proves: E01, E07, E08
#[tokio::test]
async fn oauth2_does_all_of_it_without_openid() -> Result<()> {
    let (town, http) = town().await?;
    let carry = |request| carry(http.clone(), request);
    let endpoints = discovered(&town, &http).await?.additional_metadata().clone();
    let at = |path: &str| town.server.at(path);
    let client = |id: &str, secret: Option<&String>| -> Result<_> {
        let client = BasicClient::new(ClientId::new(id.to_owned()))
            .set_auth_uri(oauth2::AuthUrl::new(at("/oauth/authorize"))?)
            .set_token_uri(oauth2::TokenUrl::new(at("/oauth/token"))?)
            .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned())?)
            .set_introspection_url(endpoints.introspection_endpoint.clone())
            .set_revocation_url(endpoints.revocation_endpoint.clone());
        Ok(match secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.clone())),
            None => client,
        })
    };
    let tool = client("tool", None)?;
    let api = client("api", town.api.secret.as_ref())?;

    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let asked =
        tool.authorize_url(CsrfToken::new_random).add_scope(Scope::new("account".to_owned()));
    let (address, state) = asked.set_pkce_challenge(challenge).url();
    let code = code(&town.person, address.as_str(), &state).await?;
    let tokens = tool.exchange_code(code).set_pkce_verifier(verifier).request_async(&carry).await?;
    assert_eq!(
        tokens.scopes().map(|scopes| scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>()),
        Some(vec!["account"])
    );
    assert!(tokens.expires_in().is_some());

    let told = api.introspect(tokens.access_token()).request_async(&carry).await?;
    assert!(told.active());
    assert_eq!(told.client_id().map(|id| id.as_str()), Some("tool"));
    assert_eq!(told.username(), Some(town.ada.email.as_str()));

    let refresh = tokens.refresh_token().context("a refresh token")?;
    let newer = tool.exchange_refresh_token(refresh).request_async(&carry).await?;
    let refresh = newer.refresh_token().context("a refresh token")?.clone();
    tool.revoke_token(oauth2::StandardRevocableToken::from(refresh))?.request_async(&carry).await?;
    assert!(!api.introspect(newer.access_token()).request_async(&carry).await?.active());

    let challenge = PkceCodeChallenge::new_random_sha256().0;
    let (address, _) =
        tool.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge).url();
    let denied = town.person.decide(address.as_str(), "deny").await?;
    assert_eq!(query(&denied, "error").as_deref(), Some("access_denied"));
    Ok(())
}
