//! JSON as we read it in tokens: no member twice, at any depth.
//!
//! RFC 7515 §4 and RFC 7519 §4 let a reader take the last of two equal members; two
//! readers that choose differently see two different tokens.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};

/// Reads an object of type `T`. `None` if it is not one, or a member is repeated.
pub fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    if json.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice::<NothingTwice>(json).ok()?;
    serde_json::from_slice(json).ok()
}

/// Reads any value. `None` if it is none, or a member is repeated.
pub fn value(json: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice::<NothingTwice>(json).ok()?;
    serde_json::from_slice(json).ok()
}

/// Any JSON value in which no member is repeated.
struct NothingTwice;

impl<'de> de::Deserialize<'de> for NothingTwice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = NothingTwice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NothingTwice, A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value::<NothingTwice>()?;
            if !seen.insert(name) {
                return Err(de::Error::custom("a member is repeated"));
            }
        }
        Ok(NothingTwice)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NothingTwice, A::Error> {
        while list.next_element::<NothingTwice>()?.is_some() {}
        Ok(NothingTwice)
    }

    fn visit_bool<E>(self, _: bool) -> Result<NothingTwice, E> {
        Ok(NothingTwice)
    }

    fn visit_i64<E>(self, _: i64) -> Result<NothingTwice, E> {
        Ok(NothingTwice)
    }

    fn visit_u64<E>(self, _: u64) -> Result<NothingTwice, E> {
        Ok(NothingTwice)
    }

    fn visit_f64<E>(self, _: f64) -> Result<NothingTwice, E> {
        Ok(NothingTwice)
    }

    fn visit_str<E>(self, _: &str) -> Result<NothingTwice, E> {
        Ok(NothingTwice)
    }

    fn visit_unit<E>(self) -> Result<NothingTwice, E> {
        Ok(NothingTwice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_twice_at_any_depth() {
        let reads = |json: &str| from_slice::<serde_json::Value>(json.as_bytes()).is_some();
        for good in [r#"{}"#, r#"{"a":1,"b":{"a":1},"c":[{"a":null},{"a":"x"}]}"#, r#"{"a":{}} "#] {
            assert!(reads(good), "{good}");
        }
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":{"a":1,"a":2}}"#,
            r#"{"b":[{"a":1,"a":2}]}"#,
            r#"[]"#,
            r#""a""#,
            r#" {}"#,
            r#"{}{}"#,
            r#"{"a":1,}"#,
            "\u{feff}{}",
            "",
        ] {
            assert!(!reads(bad), "{bad}");
        }
        let deep = format!("{}{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        assert!(!reads(&deep));
    }
}
