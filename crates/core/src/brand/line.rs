//! Where in a brand file something stands.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The key of `name` in `table`, as a file would spell it: `commands."auth login"`.
pub(super) fn keyed(table: &str, name: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    match !name.is_empty() && name.bytes().all(bare) {
        true => format!("{table}.{name}"),
        false => format!("{table}.{name:?}"),
    }
}

/// The line of a TOML text, counted from 1, where the key `commands."auth login"` stands, or in
/// that table what holds `value`; else what is nearest above it, unless that is the whole file.
pub(super) fn line_of(toml: &str, key: &str, value: Option<&str>) -> Option<usize> {
    let root = DeTable::parse(toml).ok()?;
    let (mut table, mut found) = (root.get_ref(), None);
    let segments = segments(key);
    for (n, segment) in segments.iter().enumerate() {
        let entry = table.iter().find(|(name, _)| name.get_ref() == segment);
        let Some((name, held)) = entry else { break };
        found = Some(name.span().start);
        match held.get_ref() {
            DeValue::Table(below) => table = below,
            _ => break,
        }
        if n + 1 == segments.len() {
            found = value.and_then(|value| holding(table, value)).or(found);
        }
    }
    let at = found?;
    Some(toml.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1)
}

/// Where in a table, or below it, something is called or said like `value`.
fn holding(table: &DeTable<'_>, value: &str) -> Option<usize> {
    table.iter().find_map(|(name, held)| match said(held, value) {
        true => Some(name.span().start),
        false if name.get_ref() == value => Some(name.span().start),
        false => match held.get_ref() {
            DeValue::Table(below) => holding(below, value),
            _ => None,
        },
    })
}

fn said(held: &Spanned<DeValue<'_>>, value: &str) -> bool {
    match held.get_ref() {
        DeValue::String(text) => text == value,
        DeValue::Array(items) => items.iter().any(|item| said(item, value)),
        _ => false,
    }
}

/// `calls."test list".path` in its parts.
fn segments(key: &str) -> Vec<String> {
    let mut segments = Vec::new();
    let mut rest = key;
    while !rest.is_empty() {
        let (segment, left) = match rest.strip_prefix('"') {
            // As `Debug` writes it; nothing of ours holds an escape that matters here.
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once('.').map_or((rest, ""), |(segment, left)| (segment, left)),
        };
        segments.push(segment.to_owned());
        rest = left.strip_prefix('.').unwrap_or(left);
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_a_value_are_found_where_they_stand() {
        let toml = "name = 'x'\n[texts]\nsigned_in = \"\"\"\n[exits]\nthere\"\"\"\n\n[commands]\n\
                    'auth logn' = 'login'\na = 'logn'\n[calls.'test list']\nmethod = 'GET'\n\
                    path = '/x'\n[exits]\nusage = 1\n[pages]\nnames = { '/x' = 'X' }\n\
                    [roles.project]\nowner = ['a b']";
        for (key, value, line) in [
            ("name", None, Some(1)),
            ("texts.signed_in", None, Some(3)),
            ("commands", Some("logn"), Some(9)),
            ("commands.\"auth logn\"", None, Some(8)),
            ("calls.\"test list\".path", None, Some(12)),
            ("calls.\"test list\".about", None, Some(10)),
            ("exits.usage", None, Some(14)),
            ("pages.names", Some("/x"), Some(16)),
            ("pages.names.\"/x\"", None, Some(16)),
            ("roles", Some("a b"), Some(18)),
            ("vault.file", None, None),
        ] {
            assert_eq!(line_of(toml, key, value), line, "{key} {value:?}");
        }
        assert_eq!(keyed("commands", "auth login"), "commands.\"auth login\"");
        assert_eq!(keyed("exits", "not_signed_in"), "exits.not_signed_in");
    }
}
