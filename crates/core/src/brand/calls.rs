//! A tool's own commands, each one call to its API: they can be typed, and sent.

use super::check::{impossible, is_place, is_word};
use super::line::keyed;
use super::nearest::hint;
use super::values::FLAGS;
use super::{BadBrand, Brand, Call};

/// RFC 9110 §9.3, without those that no API's command is (§9.3.6, §9.3.8).
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

pub(super) fn calls(brand: &Brand) -> Result<(), BadBrand> {
    brand.calls.iter().try_for_each(|(name, rule)| call(brand, &keyed("calls", name), rule))
}

fn call(brand: &Brand, key: &str, rule: &Call) -> Result<(), BadBrand> {
    let refuse = |member: &str, why: String| Err(impossible(format!("{key}.{member}"), &why));
    is_place(key, key.trim_start_matches("calls.").trim_matches('"'))?;
    if !METHODS.contains(&&*rule.method) {
        return refuse("method", format!("{:?} is none of {}", rule.method, METHODS.join(", ")));
    }
    let named = path(&rule.path);
    let Some(named) = named else {
        let why = "must be a path like /packages/{package}, without a query".to_owned();
        return refuse("path", why);
    };
    for braced in named {
        let given = rule.arguments.iter().any(|argument| argument == braced);
        if !given && !["org", "project"].contains(&braced) {
            return refuse("path", format!("{{{braced}}} is no argument"));
        }
    }
    let own = [&brand.sources.flag, &brand.vault.file_flag].map(|flag| flag.as_deref());
    let words = [("arguments", &rule.arguments), ("options", &rule.options)];
    let mut seen: Vec<&str> = Vec::new();
    for (member, word) in words.iter().flat_map(|(member, all)| all.iter().map(|it| (*member, it)))
    {
        if !is_word(word) {
            return refuse(member, format!("{word:?} must be lower-case letters, digits and '-'"));
        }
        // Where a call is about one project, its argument says which.
        let taken = FLAGS.contains(&word.as_str()) || own.contains(&Some(word));
        if taken || seen.contains(&word.as_str()) {
            return refuse(member, format!("{word:?} is there already"));
        }
        seen.push(word);
    }
    if let Some(odd) = rule.help.keys().find(|word| !seen.contains(&word.as_str())) {
        let near = hint(odd, seen.iter().copied());
        return refuse("help", format!("{odd:?} is no argument or option{near}"));
    }
    if let Some(permission) = &rule.permission {
        let all = brand.roles.all();
        if !all.contains(permission.as_str()) {
            let near = hint(permission, all.iter().map(|known| &**known));
            return refuse("permission", format!("no role has {permission:?}{near}"));
        }
    }
    Ok(())
}

/// What a path names in braces; `None` if it is no path.
fn path(text: &str) -> Option<Vec<&str>> {
    let plain =
        |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:@".contains(&b));
    let mut named = Vec::new();
    // Two slashes at the beginning would be another host's (RFC 3986 §4.2).
    if text.contains("//") {
        return None;
    }
    for segment in text.strip_prefix('/')?.split('/') {
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(word) if is_word(word) => named.push(word),
            _ if matches!(segment, "." | "..") || !plain(segment) => return None,
            _ => {}
        }
    }
    Some(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brand::HALLPASS;

    // proves: HP17
    #[test]
    fn what_cannot_be_typed_or_sent_is_refused_by_name() {
        let refused = |call: &str| {
            let call = call.replace(';', "\n");
            let text = format!("{HALLPASS}\n[commands]\nlogin = 'login'\n[calls.x]\n{call}");
            Brand::parse(&text).err().map(|error| (error.to_string(), error.line(&text)))
        };
        assert_eq!(
            refused("method = 'GET';path = '/x/{a}';arguments = ['a'];options = ['b']"),
            None
        );
        assert_eq!(refused("method = 'GET';path = '/x/{org}/{project}'"), None);
        for (call, key) in [
            ("method = 'FETCH';path = '/x'", "calls.x.method"),
            ("method = 'GET';path = 'x'", "calls.x.path"),
            ("method = 'GET';path = '/x?a=1'", "calls.x.path"),
            ("method = 'GET';path = '/x#f'", "calls.x.path"),
            ("method = 'GET';path = \"/x\\r\\nHost: evil\"", "calls.x.path"),
            ("method = 'GET';path = '/../x'", "calls.x.path"),
            ("method = 'GET';path = '//evil.example/x'", "calls.x.path"),
            ("method = 'GET';path = '/{a'", "calls.x.path"),
            ("method = 'GET';path = '/{a}b';arguments = ['a']", "calls.x.path"),
            ("method = 'GET';path = '/{a}'", "calls.x.path"),
            ("method = 'GET';path = '/x';arguments = ['json']", "calls.x.arguments"),
            ("method = 'GET';path = '/x';arguments = ['server']", "calls.x.arguments"),
            ("method = 'GET';path = '/x';arguments = ['A']", "calls.x.arguments"),
            ("method = 'GET';path = '/x';options = ['help']", "calls.x.options"),
            ("method = 'GET';path = '/x';arguments = ['a'];options = ['a']", "calls.x.options"),
            ("method = 'GET';path = '/x';help.a = 'A'", "calls.x.help"),
            ("method = 'GET';path = '/x';permission = 'project:raed'", "calls.x.permission"),
        ] {
            let (said, line) = refused(call).expect(call);
            assert!(said.starts_with(key), "{call}: {said}");
            let member = key.rsplit('.').next().unwrap();
            let at = call.split(';').position(|line| line.starts_with(member)).unwrap();
            assert_eq!(line, Some(HALLPASS.lines().count() + 5 + at), "{said}");
        }
        let (said, _) = refused("method = 'GET';path = '/x';permission = 'project:raed'").unwrap();
        assert!(said.ends_with("did you mean project:read?"), "{said}");
    }
}
