//! One exact action that somebody is asked to approve: structured details (RFC 9396 §2), the one
//! way to write them (RFC 8785), and the digest of that.
//!
//! Whoever asks, approves and carries out read the same text, so none of them can mean something
//! else by it. That is why less is let in than JSON has: no fractions, which readers round as they
//! like, no member twice, and no character that a person would not see.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::text::is_plain;
use crate::{Digest, strict};

/// No action is longer, written canonically.
pub const MAX_LEN: usize = 4096;
/// The things that one action may consist of, at most.
pub const MAX_PARTS: usize = 5;
/// The longest name of a member.
const MAX_NAME: usize = 64;
/// Objects and lists in each other, at most.
const MAX_DEPTH: usize = 6;
/// Integers beyond are not the same for every reader (RFC 8785 §3.2.2.3, RFC 7493 §2.2).
const EXACT: i64 = (1 << 53) - 1;

/// Why something is no action that can be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAction {
    /// No JSON, or a member is repeated.
    #[error("an action is JSON without repeated members: an object with a type, or a list of them")]
    Json,
    /// Nothing, or too much at once.
    #[error("an action has one part at least and {MAX_PARTS} at most, and {MAX_LEN} bytes")]
    Size,
    /// RFC 9396 §2: `type` is required.
    #[error("each part of an action is an object whose type is a text")]
    Type,
    /// A number that not every reader takes for the same.
    #[error("a number in an action is a whole one; write amounts and fractions as text")]
    Number,
    /// A name that nobody should have to read.
    #[error("a member of an action is named with letters, digits, _ and -")]
    Name,
    /// What a person does not see, or sees as something else.
    #[error("a text in an action is not empty and has visible characters only")]
    Text,
    /// Too much in each other.
    #[error("an action is nested too deeply")]
    Depth,
}

/// An action in its one spelling.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    details: Vec<Value>,
    canonical: String,
}

/// A line of an action as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub label: String,
    /// Whether the label is the action's own word, and not one of ours.
    pub own: bool,
    /// What is said about it, whole.
    pub text: String,
}

impl Action {
    /// Reads an `authorization_details` (RFC 9396 §2): a list, or the one object in it.
    pub fn read(json: &str) -> Result<Self, BadAction> {
        // The canonical form is never longer than a form with white space.
        if json.len() > 4 * MAX_LEN {
            return Err(BadAction::Size);
        }
        match strict::value(json.as_bytes()).ok_or(BadAction::Json)? {
            Value::Array(details) => Self::new(details),
            one @ Value::Object(_) => Self::new(vec![one]),
            _ => Err(BadAction::Json),
        }
    }

    /// The action that consists of these.
    pub fn new(details: Vec<Value>) -> Result<Self, BadAction> {
        if details.is_empty() || details.len() > MAX_PARTS {
            return Err(BadAction::Size);
        }
        for part in &details {
            part.get("type").and_then(Value::as_str).ok_or(BadAction::Type)?;
        }
        let mut canonical = String::new();
        write_list(&details, 0, &mut canonical)?;
        if canonical.len() > MAX_LEN {
            return Err(BadAction::Size);
        }
        Ok(Self { details, canonical })
    }

    /// What it consists of.
    pub fn details(&self) -> &[Value] {
        &self.details
    }

    /// As it is hashed: RFC 8785.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// SHA-256 of that.
    pub fn digest(&self) -> Digest {
        Digest::of(self.canonical.as_bytes())
    }

    /// The same for people and programs: base64url, 43 characters.
    pub fn digest_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.digest().as_bytes())
    }

    /// What it is called, in a few words: `deploy, rotate-key`.
    pub fn title(&self) -> String {
        let types = self.details.iter().filter_map(|part| part.get("type")?.as_str());
        types.collect::<Vec<_>>().join(", ")
    }

    /// All of it in words, part by part; nothing is left out.
    pub fn lines(&self) -> Vec<Vec<Line>> {
        self.details.iter().filter_map(Value::as_object).map(lines).collect()
    }
}

/// Members of RFC 9396 §2.2, and what they say to a person, in this order.
const KNOWN: [(&str, &str); 6] = [
    ("type", "What"),
    ("actions", "It will"),
    ("identifier", "To"),
    ("locations", "At"),
    ("datatypes", "With data"),
    ("privileges", "With the rights"),
];

fn lines(part: &Map<String, Value>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, label) in KNOWN {
        if let Some(value) = part.get(name) {
            lines.push(Line { label: label.to_owned(), own: false, text: in_words(value) });
        }
    }
    let mut others: Vec<_> =
        part.iter().filter(|(name, _)| KNOWN.iter().all(|(known, _)| known != name)).collect();
    others.sort_by_key(|(name, _)| *name);
    for (name, value) in others {
        own_lines(name, value, &mut lines);
    }
    lines
}

/// Objects line by line, each under the names that lead to it.
fn own_lines(name: &str, value: &Value, lines: &mut Vec<Line>) {
    match value.as_object() {
        Some(inner) if !inner.is_empty() => {
            let mut members: Vec<_> = inner.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            for (member, value) in members {
                own_lines(&format!("{name}.{member}"), value, lines);
            }
        }
        _ => lines.push(Line { label: name.to_owned(), own: true, text: in_words(value) }),
    }
}

/// A simple text as it is, a list of such with commas; everything else as JSON. So a text is never
/// taken for a number or for a list of several; a list of one reads like the one.
fn in_words(value: &Value) -> String {
    let simple = |value: &Value| {
        let text = value.as_str().filter(|text| !text.contains([',', '\n', '"']))?;
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_err().then(|| text.to_owned())
    };
    let words = match value {
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(simple).collect::<Option<Vec<_>>>().map(|all| all.join(", "))
        }
        other => simple(other),
    };
    words.unwrap_or_else(|| as_json(value))
}

fn as_json(value: &Value) -> String {
    let mut text = String::new();
    // It was written before, as a part of the whole.
    let _ = write(value, 0, &mut text);
    text
}

fn write(value: &Value, depth: usize, out: &mut String) -> Result<(), BadAction> {
    if depth > MAX_DEPTH {
        return Err(BadAction::Depth);
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => {
            let whole = number.as_i64().filter(|whole| (-EXACT..=EXACT).contains(whole));
            out.push_str(&whole.ok_or(BadAction::Number)?.to_string());
        }
        Value::String(text) if is_plain(text) => write_text(text, out)?,
        Value::String(_) => return Err(BadAction::Text),
        Value::Array(items) => write_list(items, depth, out)?,
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            // RFC 8785 §3.2.3 sorts by UTF-16; names are ASCII here, where that is the same.
            sorted.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                if !is_name(name) {
                    return Err(BadAction::Name);
                }
                write_text(name, out)?;
                out.push(':');
                write(value, depth + 1, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_list(items: &[Value], depth: usize, out: &mut String) -> Result<(), BadAction> {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, depth + 1, out)?;
    }
    out.push(']');
    Ok(())
}

/// serde_json escapes as RFC 8785 §3.2.2.2 does: `\b \t \n \f \r \" \\`, others below U+0020 in
/// lower-case hexadecimal.
fn write_text(text: &str, out: &mut String) -> Result<(), BadAction> {
    out.push_str(&serde_json::to_string(text).map_err(|_| BadAction::Json)?);
    Ok(())
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // proves: HP09
    #[test]
    fn whoever_writes_it_means_the_same_by_it() {
        let one =
            Action::read(r#" {"type":"deploy", "to":{"b":1,"a":[true,null]}, "n":-7} "#).unwrap();
        let same =
            Action::read("[{\"n\":-7,\"to\":{\"a\":[true,null],\"b\":1},\"type\":\"deploy\"}]");
        assert_eq!(one.canonical(), r#"[{"n":-7,"to":{"a":[true,null],"b":1},"type":"deploy"}]"#);
        assert_eq!(one.digest_text(), same.unwrap().digest_text());
        assert_eq!(one.digest_text().len(), 43);
        // A line break stands in it as RFC 8785 writes it.
        let lines = Action::read(r#"{"type":"run","sql":"a\u000ab\"\u00e9"}"#).unwrap();
        assert_eq!(lines.canonical(), "[{\"sql\":\"a\\nb\\\"é\",\"type\":\"run\"}]");
        for other in [r#"{"type":"deploy","n":7}"#, r#"{"type":"deploy","n":"-7"}"#] {
            assert_ne!(Action::read(other).unwrap().digest(), one.digest(), "{other}");
        }
    }

    // proves: HP09
    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let deep = format!(r#"{{"type":"x","a":{}1{}}}"#, "[".repeat(9), "]".repeat(9));
        let long = format!(r#"{{"type":"x","a":"{}"}}"#, "y".repeat(MAX_LEN));
        let many = format!("[{}]", [r#"{"type":"x"}"#; MAX_PARTS + 1].join(","));
        for (json, why) in [
            ("", BadAction::Json),
            ("7", BadAction::Json),
            ("[]", BadAction::Size),
            (&many, BadAction::Size),
            (&long, BadAction::Size),
            (&deep, BadAction::Depth),
            (r#"{"type":"x","type":"y"}"#, BadAction::Json),
            (r#"{"type":"x","a":{"b":1,"b":2}}"#, BadAction::Json),
            (r#"["x"]"#, BadAction::Type),
            (r#"{"a":1}"#, BadAction::Type),
            (r#"{"type":1}"#, BadAction::Type),
            (r#"{"type":"x","a":1.5}"#, BadAction::Number),
            (r#"{"type":"x","a":1e3}"#, BadAction::Number),
            (r#"{"type":"x","a":-0}"#, BadAction::Number),
            (r#"{"type":"x","a":9007199254740992}"#, BadAction::Number),
            (r#"{"type":"x","a b":1}"#, BadAction::Name),
            (r#"{"type":"x","":1}"#, BadAction::Name),
            (r#"{"type":"x","a.b":1}"#, BadAction::Name),
            (r#"{"type":""}"#, BadAction::Text),
            (r#"{"type":"x","a":" "}"#, BadAction::Text),
            (r#"{"type":"de\u202eploy"}"#, BadAction::Text),
            (r#"{"type":"x","a":"b\u001b[31m"}"#, BadAction::Text),
            (r#"{"type":"x","a":"\u200b"}"#, BadAction::Text),
        ] {
            assert_eq!(Action::read(json), Err(why), "{json}");
        }
    }

    // proves: HP09
    #[test]
    fn a_person_reads_all_of_it() {
        let action = Action::read(
            r#"{"type":"deploy","actions":["build","restart"],"identifier":"shop",
                "locations":["https://a.example/x"],"cost":{"unit":"EUR","most":12},
                "note":"one\ntwo","tags":["a,b","c"],"What":"else"}"#,
        );
        let action = action.unwrap();
        let lines = action.lines();
        let said: Vec<_> = lines[0]
            .iter()
            .map(|line| format!("{}{}: {}", line.label, if line.own { "*" } else { "" }, line.text))
            .collect();
        assert_eq!(
            said,
            [
                "What: deploy",
                "It will: build, restart",
                "To: shop",
                "At: https://a.example/x",
                "What*: else",
                "cost.most*: 12",
                "cost.unit*: EUR",
                "note*: \"one\\ntwo\"",
                "tags*: [\"a,b\",\"c\"]",
            ]
        );
        assert_eq!(action.title(), "deploy");
    }

    // proves: HP09
    #[test]
    fn what_is_not_the_same_does_not_read_the_same() {
        let pairs = [
            (json!("shop, staging"), json!(["shop", "staging"])),
            (json!("12"), json!(12)),
            (json!("true"), json!(true)),
            (json!("{}"), json!({})),
            (json!(["12", "x"]), json!(["12, x"])),
        ];
        for (one, other) in pairs {
            assert_ne!(in_words(&one), in_words(&other), "{one}, {other}");
        }
        assert_eq!(in_words(&json!("eu-central 1")), "eu-central 1");
    }
}
