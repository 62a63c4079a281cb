//! A protected resource, as it describes itself (RFC 9728).

use http::Uri;
use serde::Serialize;

use hallpass_core::wire::path::OAUTH_PROTECTED_RESOURCE;

/// An API: the URI that tokens are made out for, and who issues them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    uri: String,
    issuer: String,
    scopes: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    resource: &'a str,
    authorization_servers: [&'a str; 1],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    scopes_supported: &'a [String],
    bearer_methods_supported: [&'static str; 1],
}

impl Resource {
    /// The API `uri`, for which `issuer` issues tokens.
    pub fn new(uri: impl Into<String>, issuer: impl Into<String>) -> Self {
        Self { uri: uri.into(), issuer: issuer.into(), scopes: Vec::new() }
    }

    /// Also says that `scope` may be asked for.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// What tokens are made out for.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Where its metadata is: the well-known path, put in before the resource's own
    /// (RFC 9728 §3.1).
    pub fn metadata_url(&self) -> String {
        let (origin, _) = self.split();
        format!("{origin}{}", self.metadata_path())
    }

    /// The path of [`Resource::metadata_url`].
    pub fn metadata_path(&self) -> String {
        let (_, path) = self.split();
        format!("{OAUTH_PROTECTED_RESOURCE}{path}")
    }

    /// The metadata (RFC 9728 §2).
    pub fn document(&self) -> String {
        let document = Document {
            resource: &self.uri,
            authorization_servers: [&self.issuer],
            scopes_supported: &self.scopes,
            bearer_methods_supported: ["header"],
        };
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// Origin, and path without a slash that stands alone.
    fn split(&self) -> (String, String) {
        let uri: Uri = self.uri.parse().unwrap_or_default();
        let (scheme, authority) = (uri.scheme_str(), uri.authority());
        let origin = match (scheme, authority) {
            (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
            _ => String::new(),
        };
        let path = if uri.path() == "/" { "" } else { uri.path() };
        (origin, path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: F06
    #[test]
    fn the_well_known_path_stands_before_the_resources_own() {
        for (resource, url) in [
            ("https://api.example", "https://api.example/.well-known/oauth-protected-resource"),
            ("https://api.example/", "https://api.example/.well-known/oauth-protected-resource"),
            (
                "https://api.example:8443/v1/x",
                "https://api.example:8443/.well-known/oauth-protected-resource/v1/x",
            ),
        ] {
            assert_eq!(Resource::new(resource, "https://id.example").metadata_url(), url);
        }
        let document = Resource::new("https://api.example", "https://id.example").scope("a");
        assert!(document.document().contains(r#""scopes_supported":["a"]"#));
    }
}
