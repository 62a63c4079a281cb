//! Trust policies: lines, and patterns held against refs.

use hallpass_core::trust::{GithubSubject, Pattern, Test, parse_line};

use super::text;

/// A pattern and a ref, or a line, divided by a line feed: a pattern matches what the plain
/// reading of its rules matches, and a line says whose it is.
pub fn trust(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (first, second) = text.split_once('\n').unwrap_or((text, "refs/heads/main"));
    if let Ok(pattern) = Pattern::parse(first) {
        assert_eq!(pattern.matches(second), plainly(first, second), "{first:?} {second:?}");
        assert_eq!(pattern.as_str(), first);
        if !first.contains('*') {
            assert_eq!(pattern.matches(second), first == second);
        }
    }
    if let Ok((conditions, pins)) = parse_line(first) {
        let who = &conditions[0];
        assert!(["repository", "repository_owner"].contains(&who.claim.as_str()), "{first:?}");
        // Exact, and word for word in the line: no line lets in whom it does not name.
        let Test::Is(name) = &who.test else { panic!("{first:?} is not exact") };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
        assert!(name.bytes().all(plain) && !name.contains('*'), "{first:?}");
        for part in name.split('/') {
            assert!(first.contains(part), "{first:?}");
        }
        assert!(pins.iter().all(|pin| first.contains(&format!("@{}", pin.id))), "{first:?}");
    }
    if let Ok(subject) = GithubSubject::parse(first) {
        assert_eq!(subject.owner_id.is_some(), subject.repository_id.is_some());
        let id = |id: &Option<String>| id.as_ref().map(|id| format!("@{id}")).unwrap_or_default();
        let (owner, name) = (id(&subject.owner_id), id(&subject.repository_id));
        let again =
            format!("repo:{}{owner}/{}{name}:{}", subject.owner, subject.name, subject.context);
        assert_eq!(again, first);
    }
}

/// The rules, read aloud: part by part, `*` for any bytes, `**` at the end for one part or more.
fn plainly(pattern: &str, text: &str) -> bool {
    match (pattern.split_once('/'), text.split_once('/')) {
        _ if pattern == "**" => true,
        (None, None) => stars(pattern.as_bytes(), text.as_bytes()),
        (Some((part, rest)), Some((their, theirs))) => {
            stars(part.as_bytes(), their.as_bytes()) && plainly(rest, theirs)
        }
        _ => false,
    }
}

fn stars(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => stars(rest, text),
        (Some((b'*', rest)), Some((_, theirs))) => stars(rest, text) || stars(pattern, theirs),
        (Some((one, rest)), Some((their, theirs))) => one == their && stars(rest, theirs),
        _ => false,
    }
}
