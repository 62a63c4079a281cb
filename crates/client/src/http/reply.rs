//! What a server answered, before anybody believes it.

use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::text::presentable;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::HttpError;

/// One answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Reply {
    pub host: String,
    pub status: u16,
    pub content_type: Option<String>,
    pub location: Option<String>,
    pub www_authenticate: Option<String>,
    pub retry_after: Option<Duration>,
    /// For the next proof (RFC 9449 §8.1).
    pub dpop_nonce: Option<String>,
    /// The server's clock.
    pub date: Option<Timestamp>,
    pub body: Zeroizing<Vec<u8>>,
}

impl Reply {
    /// Whether it says to try again later (CLIENT E6).
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self.status, 408 | 429) || self.status >= 500
    }

    /// Whether its challenge names this error (RFC 6750 §3.1). Quotes around the value are
    /// optional (RFC 9110 §11.2).
    pub(crate) fn challenges_with(&self, error: &str) -> bool {
        self.www_authenticate.as_ref().is_some_and(|header| {
            let header = header.replace('"', "");
            header.split([',', ' ']).any(|part| part.trim().strip_prefix("error=") == Some(error))
        })
    }

    /// Whether it says that it is JSON.
    pub(crate) fn is_json(&self) -> bool {
        let Some(content_type) = &self.content_type else { return false };
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
            || essence.to_ascii_lowercase().ends_with("+json")
    }

    /// Reads the body as JSON of type `T`.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        if !self.is_json() {
            let found = self.content_type.as_deref().unwrap_or("no type");
            return Err(self.malformed(format!("it is {} instead of JSON", presentable(found, 60))));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            // serde's words can quote the document, which may hold a secret.
            let why = match error.classify() {
                serde_json::error::Category::Data => "a member is missing or of the wrong type",
                _ => "it is not well-formed JSON",
            };
            self.malformed(why.to_owned())
        })
    }

    /// What to say about an answer that is not the wanted one.
    pub(crate) fn unexpected(&self) -> HttpError {
        match &self.location {
            Some(to) if (300..400).contains(&self.status) => {
                HttpError::Redirect { host: self.host.clone(), to: presentable(to, 200) }
            }
            _ => HttpError::Status {
                host: self.host.clone(),
                status: self.status,
                said: self.said(),
            },
        }
    }

    /// Why, in the server's own words: an OAuth error (RFC 6749 §5.2) or a problem (RFC 9457).
    fn said(&self) -> Option<String> {
        let Said { error_description, detail, title } = self.json().ok()?;
        let said = error_description.or(detail).or(title)?;
        let said = presentable(said.trim_end_matches('.'), 300);
        (!said.is_empty()).then_some(said)
    }

    /// The answer is not what the protocol says.
    pub(crate) fn malformed(&self, why: impl Into<String>) -> HttpError {
        HttpError::Malformed { host: self.host.clone(), why: why.into() }
    }
}

/// Where a refusal has words for people.
#[derive(Deserialize)]
struct Said {
    error_description: Option<String>,
    detail: Option<String>,
    title: Option<String>,
}

/// RFC 9110 §5.6.7; of the three forms only the one that is still sent.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}
