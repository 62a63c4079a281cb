//! What people read of a brand: it can be seen, its braces can be filled, and what it tells them
//! to type is there.

use super::check::impossible;
use super::line::keyed;
use super::nearest::hint;
use super::{BadBrand, Brand, VERBS};
use crate::text::{escaped, presentable};

pub(super) fn shown(brand: &Brand) -> Result<(), BadBrand> {
    line("title", &brand.title, 60)?;
    if let Some(about) = &brand.about {
        line("about", about, 200)?;
    }
    line("words.new_token", &brand.words.new_token, 40)?;
    line("words.new_key", &brand.words.new_key, 40)?;
    for (place, text) in &brand.help {
        line(&keyed("help", place), text, 200)?;
    }
    for (page, name) in &brand.pages.names {
        line(&keyed("pages.names", page), name, 40)?;
    }
    for (place, call) in &brand.calls {
        let about = call.about.as_ref();
        about.map_or(Ok(()), |about| {
            line(&format!("{}.about", keyed("calls", place)), about, 200)
        })?;
    }
    for (key, text, may) in brand.texts.all() {
        let Some(said) = text else { continue };
        text_of(brand, key, said, may)?;
        needs(key, said)?;
    }
    for (state, said) in &brand.failures {
        text_of(brand, &format!("failures.{state}"), said, &["why", "path"])?;
    }
    Ok(())
}

/// One line, as it will be seen.
fn line(key: &str, text: &str, most: usize) -> Result<(), BadBrand> {
    match !text.is_empty() && presentable(text, most) == text {
        true => Ok(()),
        false => {
            let why = format!("must be 1 to {most} letters on one line that are seen");
            Err(impossible(key, &why))
        }
    }
}

/// A text of some lines, with what is known in braces.
fn text_of(brand: &Brand, key: &str, text: &str, may: &[&'static str]) -> Result<(), BadBrand> {
    if text.trim().is_empty() {
        return Err(impossible(key, "says nothing; leave it out for our own words"));
    }
    if let Some(odd) = text.lines().find(|line| escaped(line, usize::MAX) != *line) {
        let why = format!("{:?} has a character that is not seen", escaped(odd, 80));
        return Err(impossible(key, &why));
    }
    if let Some((open, _)) = braced(text).find(|(_, closed)| !closed) {
        let start: String = open.chars().take(20).collect();
        return Err(impossible(key, &format!("\"{{{start}\" lacks its closing brace")));
    }
    if let Some((odd, _)) = braced(text).find(|(braced, _)| !may.contains(braced)) {
        let near = hint(&odd.to_lowercase(), may.iter().copied());
        let may: Vec<_> = may.iter().map(|word| format!("{{{word}}}")).collect();
        let known = match &*may {
            [] => "; nothing stands in braces there".to_owned(),
            may if near.is_empty() => format!("; there can be {}", may.join(", ")),
            _ => near,
        };
        return Err(impossible(key, &format!("{{{odd}}} is not known there{known}")));
    }
    let start = format!("{} ", brand.name);
    for (at, _) in text.match_indices(&start) {
        let typed = &text[at + start.len()..];
        let words = typed.split(|c: char| !c.is_ascii_lowercase() && c != '-').next();
        let verb = words.filter(|verb| VERBS.contains(verb));
        let places = || brand.commands.keys().chain(brand.calls.keys());
        let is_there = || places().any(|place| typed.starts_with(&**place));
        if let Some(verb) = verb.filter(|_| !brand.commands.is_empty() && !is_there()) {
            let near = brand.place_of(verb).map(|place| format!("; it is {start}{place} here"));
            let why = format!(
                "it says \"{start}{verb}\", which there is not{}",
                near.unwrap_or_default()
            );
            return Err(impossible(key, &why));
        }
    }
    Ok(())
}

/// Without these nobody could go on.
fn needs(key: &str, text: &str) -> Result<(), BadBrand> {
    let has = |word: &str| text.contains(&format!("{{{word}}}"));
    let why = match key {
        "texts.device" if !(has("uri_complete") || has("uri") && has("code")) => {
            "must say where to enter what: {uri} and {code}, or {uri_complete}"
        }
        "texts.browser" | "texts.no_browser" if !has("url") => "must say where: {url}",
        _ => return Ok(()),
    };
    Err(impossible(key, why))
}

/// What stands in braces, and whether they are closed on the same line.
fn braced(text: &str) -> impl Iterator<Item = (&str, bool)> {
    text.split('{').skip(1).map(|rest| {
        let line = rest.lines().next().unwrap_or_default();
        line.split_once('}').map_or((line, false), |(word, _)| (word, true))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brand::HALLPASS;

    // proves: HP17
    #[test]
    fn what_nobody_could_read_or_follow_is_refused_by_name() {
        let read = |more: &str| Brand::parse(&format!("{HALLPASS}\n{more}"));
        for (more, key) in [
            ("[help]\nlogin = ''", "help.login"),
            (
                "[pages.names]\n'/settings/tokens' = \"A\\u001b[31mB\"",
                "pages.names.\"/settings/tokens\"",
            ),
            ("[texts]\nstatus = ''", "texts.status"),
            ("[texts]\nsigned_out = \"a\\u0007b\"", "texts.signed_out"),
            ("[texts]\nwhoami = \"\\u202e{email}\"", "texts.whoami"),
            ("[texts]\nsigned_in = 'Hello { email }'", "texts.signed_in"),
            ("[texts]\nsigned_in = 'Hello {{email}}'", "texts.signed_in"),
            ("[texts]\nsigned_in = 'Hello {email:>10}'", "texts.signed_in"),
            ("[texts]\nsigned_in = 'Hello {}'", "texts.signed_in"),
            ("[texts]\nsigned_in = 'Hello {email'", "texts.signed_in"),
            ("[texts]\nsigned_in = 'Hello {Email}'", "texts.signed_in"),
            ("[texts]\nnobody_signed_out = '{email}'", "texts.nobody_signed_out"),
            ("[texts]\ndevice = 'Go to {uri}'", "texts.device"),
            ("[texts]\nbrowser = 'Look'", "texts.browser"),
            ("[failures]\nrejected = 'Why: {why'", "failures.rejected"),
            (
                "[commands]\n'auth login' = 'login'\n[failures]\nexpired = 'Run hallpass login'",
                "failures.expired",
            ),
        ] {
            let text = format!("{HALLPASS}\n{more}");
            let error = Brand::parse(&text).unwrap_err();
            assert!(error.to_string().starts_with(key), "{more}: {error}");
            assert!(error.line(&text).is_some_and(|at| at > HALLPASS.lines().count()), "{error}");
        }
        let named =
            |letters| format!("[pages.names]\n'/settings/tokens' = '{}'", "é".repeat(letters));
        assert!(read(&named(40)).is_ok() && read(&named(41)).is_err());
        for fine in [
            "[texts]\nsigned_in = 'Hello {email}, {name}'\ndevice = 'Go to {uri_complete}'",
            "[commands]\n'auth login' = 'login'\n[failures]\nexpired = \"Run 'hallpass auth login'.\"",
            "[failures]\nexpired = 'Run hallpass login.'",
        ] {
            assert!(read(fine).is_ok(), "{fine}: {:?}", read(fine));
        }
    }
}
