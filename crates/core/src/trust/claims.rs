//! What a token says, read strictly: no member twice, and what is no text, number or truth value
//! has a shape that no condition can be met by.

use serde_json::{Map, Value};

use crate::strict;

/// Claims are at most as long, as JSON.
pub const MAX_CLAIMS_LEN: usize = 16 * 1024;

/// The claims of a token. Whether anybody signed them is another question.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Map<String, Value>);

/// One claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A text; also a whole number, or `true` and `false`, as they are written in JSON.
    Text(String),
    /// It is not there.
    Missing,
    /// It is something that a condition cannot be about: a list, an object, a fraction, `null`.
    Odd,
}

impl From<Map<String, Value>> for Claims {
    /// What was read strictly already.
    fn from(claims: Map<String, Value>) -> Self {
        Self(claims)
    }
}

impl Claims {
    /// Reads a JSON object. `None` if it is none, is too long, or has a member twice.
    pub fn parse(json: &[u8]) -> Option<Self> {
        if json.len() > MAX_CLAIMS_LEN {
            return None;
        }
        strict::from_slice(json).map(Self)
    }

    /// The payload of a JWT, whose signature nobody has looked at: to explain, never to decide.
    pub fn of_unverified_jwt(token: &str) -> Option<Self> {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let mut parts = token.trim().split('.');
        let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || payload.len() > MAX_CLAIMS_LEN * 2 {
            return None;
        }
        Self::parse(&URL_SAFE_NO_PAD.decode(payload).ok()?)
    }

    /// The claim with this name; a name that begins with `/` is a JSON pointer (RFC 6901), for
    /// what is inside of an object: `/kubernetes.io/namespace`.
    pub fn get(&self, name: &str) -> Claim {
        let found = match name.strip_prefix('/') {
            Some(path) => self.inside(path),
            None => self.0.get(name),
        };
        match found {
            None => Claim::Missing,
            Some(Value::String(text)) => Claim::Text(text.clone()),
            Some(Value::Bool(truth)) => Claim::Text(truth.to_string()),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
                Claim::Text(number.to_string())
            }
            Some(_) => Claim::Odd,
        }
    }

    /// The claim with this name, if it is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Claim::Text(text) => Some(text),
            Claim::Missing | Claim::Odd => None,
        }
    }

    /// `aud`, if it is one text, or a list of one (RFC 7519 §4.1.3).
    pub fn single_audience(&self) -> Option<&str> {
        match self.0.get("aud")? {
            Value::String(one) => Some(one),
            Value::Array(list) => match list.as_slice() {
                [Value::String(one)] => Some(one),
                _ => None,
            },
            _ => None,
        }
    }

    /// A NumericDate (RFC 7519 §2) that is a whole number of seconds; of a text, a fraction or a
    /// number that is out of all range, nothing.
    pub fn date(&self, name: &str) -> Option<crate::Timestamp> {
        const LAST: i64 = 253_402_300_799;
        let secs = self.0.get(name)?.as_i64()?;
        (0..=LAST).contains(&secs).then(|| crate::Timestamp::from_secs(secs))
    }

    /// All of it, to be kept and shown.
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    fn inside(&self, path: &str) -> Option<&Value> {
        let mut names = path.split('/').map(|name| name.replace("~1", "/").replace("~0", "~"));
        let mut here = self.0.get(&names.next()?)?;
        for name in names {
            here = here.as_object()?.get(&name)?;
        }
        Some(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: attack-15
    #[test]
    fn a_claim_is_a_text_or_nothing_that_can_be_met() {
        let json = br#"{"a":"x","n":7,"t":true,"f":1.5,"l":["x"],"z":null,"aud":["one"],
            "k":{"n/s":{"name":"dev"}},"exp":17,"late":"17","far":1e99,"neg":-1}"#;
        let claims = Claims::parse(json).unwrap();
        assert_eq!(claims.get("a"), Claim::Text("x".into()));
        assert_eq!(claims.get("n"), Claim::Text("7".into()));
        assert_eq!(claims.get("t"), Claim::Text("true".into()));
        for odd in ["f", "l", "z", "k", "far"] {
            assert_eq!(claims.get(odd), Claim::Odd, "{odd}");
        }
        assert_eq!(claims.get("A"), Claim::Missing);
        assert_eq!(claims.get("/k/n~1s/name"), Claim::Text("dev".into()));
        assert_eq!(claims.get("/k/n~1s/none"), Claim::Missing);
        assert_eq!(claims.single_audience(), Some("one"));
        assert_eq!(claims.date("exp"), Some(crate::Timestamp::from_secs(17)));
        for none in ["late", "f", "far", "neg", "a", "missing"] {
            assert_eq!(claims.date(none), None, "{none}");
        }
        for many in [r#"{"aud":["a","b"]}"#, r#"{"aud":[]}"#, r#"{"aud":1}"#, r#"{"aud":[1]}"#] {
            assert_eq!(Claims::parse(many.as_bytes()).unwrap().single_audience(), None, "{many}");
        }
        assert!(Claims::parse(br#"{"a":1,"a":1}"#).is_none());
        assert!(
            Claims::parse(format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_CLAIMS_LEN)).as_bytes())
                .is_none()
        );
    }
}
