//! Redirects back to the client (RFC 6749 §4.1.2, §4.1.2.1; RFC 9207 §2).

use hallpass_core::TokenText;
use url::form_urlencoded;

use crate::OAuthError;

/// Where an answer goes, and what every answer carries.
pub(super) struct Answer {
    redirect_uri: String,
    state: Option<String>,
    issuer: String,
}

impl Answer {
    /// `redirect_uri` has been matched against the client's registered ones.
    pub(super) fn new(redirect_uri: &str, state: Option<&str>, issuer: &str) -> Self {
        Self {
            redirect_uri: redirect_uri.to_owned(),
            state: state.map(str::to_owned),
            issuer: issuer.to_owned(),
        }
    }

    /// RFC 6749 §4.1.2.
    pub(super) fn code(&self, code: &TokenText) -> String {
        self.with(&[("code", code.expose())])
    }

    /// RFC 6749 §4.1.2.1.
    pub(super) fn error(&self, error: &OAuthError) -> String {
        self.with(&[("error", error.code.as_str()), ("error_description", &error.description)])
    }

    /// RFC 6749 §3.1.2: a query that the redirect URI has MUST be retained.
    fn with(&self, pairs: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs);
        // RFC 6749 §4.1.2: REQUIRED if it was present, the exact value received.
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        // RFC 9207 §2: in success and error responses alike.
        query.append_pair("iss", &self.issuer);
        let joint = match self.redirect_uri.find('?') {
            None => "?",
            Some(at) if at + 1 == self.redirect_uri.len() => "",
            Some(_) => "&",
        };
        format!("{}{joint}{}", self.redirect_uri, query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_core::wire::oauth::ErrorCode;

    // proves: A12, A15
    #[test]
    fn state_comes_back_unchanged_and_iss_always() {
        let error = OAuthError::new(ErrorCode::AccessDenied, "no");
        let back = |uri: &str, state: Option<&str>| {
            Answer::new(uri, state, "https://id.example").error(&error)
        };
        assert_eq!(
            back("https://a.example/cb", None),
            "https://a.example/cb?error=access_denied&error_description=no&iss=https%3A%2F%2Fid.example"
        );
        assert!(
            back("https://a.example/cb?x=1", None).starts_with("https://a.example/cb?x=1&error=")
        );
        assert!(back("https://a.example/cb?", None).starts_with("https://a.example/cb?error="));
        for state in ["a b+c", "%41&=#?é\u{1F600}", "\"'<>\\", " "] {
            let url = url::Url::parse(&back("http://127.0.0.1:9/cb", Some(state))).unwrap();
            let states: Vec<_> =
                url.query_pairs().filter(|(name, _)| name == "state").map(|(_, v)| v).collect();
            assert_eq!(states, [state]);
        }
    }
}
