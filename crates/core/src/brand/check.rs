//! What a brand says about its tool can be: names, places and texts.

use super::nearest::hint;
use super::tool::{CALLED, NAMED, STATES, placeable};
use super::{BadBrand, Brand, Format};

/// Checks the tree, the calls, the words and the places.
pub(super) fn tool(brand: &Brand) -> Result<(), BadBrand> {
    let known = |key: &'static str, value: &str, known: &[&'static str]| {
        if known.contains(&value) {
            return Ok(());
        }
        let hint = hint(value, known.iter().copied());
        Err(BadBrand::Unknown { key, value: value.to_owned(), hint })
    };
    for (place, verb) in &brand.commands {
        let (verb, flags) = super::parts(verb);
        if !placeable().any(|known| known == verb) {
            let known: Vec<_> = placeable().collect();
            let hint = hint(&verb, known.iter().map(String::as_str));
            return Err(BadBrand::Unknown { key: "commands", value: verb, hint });
        }
        if let Some(odd) = flags.iter().find(|word| !word.strip_prefix("--").is_some_and(is_word)) {
            let why = format!("{odd:?} must be a flag like --device");
            return Err(impossible(format!("commands.{place:?}"), &why));
        }
        is_place("commands", place)?;
    }
    for place in brand.calls.keys() {
        is_place("calls", place)?;
    }
    overlaps(brand)?;
    help(brand)?;
    for (name, call) in &brand.calls {
        let refuse = |why: &str| impossible(format!("calls.{name}"), why);
        if call.method.is_empty() || !call.method.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(refuse("method must be a word like GET"));
        }
        if !call.path.starts_with('/') {
            return Err(refuse("path must begin with '/'"));
        }
        for braced in braced(&call.path) {
            let given = call.arguments.iter().any(|argument| argument == braced);
            if !given && !["org", "project"].contains(&braced) {
                let why = format!("path names {{{braced}}}, which is no argument");
                return Err(refuse(&why));
            }
        }
        let words = call.arguments.iter().chain(&call.options);
        if let Some(odd) = words.clone().find(|word| !is_word(word)) {
            return Err(refuse(&format!("{odd:?} must be lower-case letters, digits and '-'")));
        }
        let named = |word: &str| words.clone().any(|one| one == word);
        if let Some(odd) = call.help.keys().find(|word| !named(word)) {
            return Err(refuse(&format!("help is about {odd:?}, which is no argument or option")));
        }
        if call.place && (named("org") || named("project")) {
            return Err(refuse("place says org and project already"));
        }
        if let Some(permission) = &call.permission
            && !brand.roles.all().contains(permission.as_str())
        {
            return Err(refuse(&format!("no role has the permission {permission:?}")));
        }
    }
    for (name, variable) in &brand.variables {
        known("variables", name, &CALLED)?;
        let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        if variable.is_empty() || !variable.bytes().all(plain) {
            let why = "must be upper-case letters, digits and '_'";
            return Err(impossible(format!("variables.{name}"), why));
        }
    }
    for (state, text) in &brand.failures {
        known("failures", state, STATES)?;
        facts(&format!("failures.{state}"), text, &["why", "path"])?;
    }
    for state in brand.exits.keys() {
        known("exits", state, STATES)?;
    }
    for (key, text, may) in brand.texts.all() {
        text.map_or(Ok(()), |text| facts(key, text, may))?;
    }
    logo(brand)?;
    pages(brand)?;
    vault(brand)
}

/// A picture that stands alone. Pages show it as an image, where no browser runs what is in it.
fn logo(brand: &Brand) -> Result<(), BadBrand> {
    const LONGEST: usize = 32 * 1024;
    let Some(logo) = brand.look.logo.as_deref().map(str::trim) else { return Ok(()) };
    let refuse = |why: &str| Err(impossible("look.logo", why));
    if !logo.starts_with("<svg") || !logo.ends_with("</svg>") {
        return refuse("must be an SVG document, from <svg to </svg>");
    }
    if !logo.contains("xmlns=\"http://www.w3.org/2000/svg\"") {
        return refuse("must say xmlns=\"http://www.w3.org/2000/svg\": a browser shows no other");
    }
    if logo.len() > LONGEST {
        return refuse("must be at most 32 KiB long");
    }
    Ok(())
}

pub(super) fn impossible(key: impl Into<String>, why: &str) -> BadBrand {
    BadBrand::Impossible { key: key.into(), why: why.to_owned() }
}

/// `auth login`: words with one blank between them.
fn is_place(key: &str, place: &str) -> Result<(), BadBrand> {
    if place.split(' ').all(is_word) {
        return Ok(());
    }
    let why = format!("{place:?} must be words of lower-case letters, digits and '-'");
    Err(impossible(key, &why))
}

pub(super) fn is_word(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    word.bytes().all(plain) && word.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}

/// A command is either one of ours, a call, or a group of such.
fn overlaps(brand: &Brand) -> Result<(), BadBrand> {
    let places = || brand.commands.keys().chain(brand.calls.keys());
    for place in places() {
        let below = format!("{place} ");
        if let Some(other) = places().find(|other| other.starts_with(&below)) {
            let why = format!("{other:?} cannot stand below {place:?}, which is a command itself");
            return Err(impossible("commands", &why));
        }
    }
    if let Some(both) = brand.commands.keys().find(|place| brand.calls.contains_key(*place)) {
        return Err(impossible("calls", &format!("{both:?} is a command of ours already")));
    }
    Ok(())
}

/// A line of the help is one of a command, or of a group, that there is.
fn help(brand: &Brand) -> Result<(), BadBrand> {
    let mut places: Vec<&str> = Vec::new();
    for place in brand.commands.keys().chain(brand.calls.keys()) {
        let ends = place.match_indices(' ').map(|(at, _)| at).chain([place.len()]);
        places.extend(ends.map(|end| &place[..end]));
    }
    match brand.help.keys().find(|place| !places.contains(&place.as_str())) {
        None => Ok(()),
        Some(odd) => {
            let hint = hint(odd, places);
            Err(BadBrand::Unknown { key: "help", value: odd.clone(), hint })
        }
    }
}

/// What stands in braces in a text is a fact that can be told there.
fn facts(key: &str, text: &str, may: &[&'static str]) -> Result<(), BadBrand> {
    if let Some(odd) = braced(text).find(|braced| !may.contains(braced)) {
        let near = hint(&odd.to_lowercase(), may.iter().copied());
        return Err(impossible(key, &format!("{{{odd}}} is not known there{near}")));
    }
    let opened = |word: &&&str| {
        let start = format!("{{{word}");
        let ends =
            |(at, _)| text[at + start.len()..].starts_with(|c: char| c.is_ascii_whitespace());
        text.match_indices(&start).any(ends) || text.ends_with(&start)
    };
    match may.iter().find(opened) {
        None => Ok(()),
        Some(word) => Err(impossible(key, &format!("{{{word} lacks its closing brace"))),
    }
}

/// What stands in braces, where it looks like a name.
fn braced(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| {
        let (word, _) = rest.split_once('}')?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        (!word.is_empty() && word.bytes().all(plain)).then_some(word)
    })
}

fn pages(brand: &Brand) -> Result<(), BadBrand> {
    let pages = &brand.pages;
    let plain = |path: &str| {
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"-_/.".contains(&b);
        path.starts_with('/') && !path.starts_with("//") && path.bytes().all(ok)
    };
    for (alias, page) in &pages.aliases {
        if !plain(alias) || !plain(page) || alias == page {
            let why = format!("{alias:?} = {page:?} must be two different paths like /device");
            return Err(impossible("pages.aliases", &why));
        }
        if pages.aliases.contains_key(page) {
            let why = format!("{page:?} is an alias itself");
            return Err(impossible("pages.aliases", &why));
        }
    }
    if let Some(odd) = pages.names.keys().find(|page| !NAMED.contains(&page.as_str())) {
        let hint = hint(odd, NAMED);
        return Err(BadBrand::Unknown { key: "pages.names", value: odd.clone(), hint });
    }
    if pages.names.values().any(|name| name.trim().is_empty() || name.len() > 40) {
        return Err(impossible("pages.names", "a name must have 1 to 40 letters"));
    }
    if let Some(device) = &pages.device
        && pages.aliases.get(device).map(String::as_str) != Some("/device")
    {
        let why = format!("{device:?} must be an alias of /device in pages.aliases");
        return Err(impossible("pages.device", &why));
    }
    match &pages.device_code {
        Some(word) if !is_word(&word.replace('_', "-")) => {
            Err(impossible("pages.device_code", "must be a word like code"))
        }
        _ => Ok(()),
    }
}

fn vault(brand: &Brand) -> Result<(), BadBrand> {
    let vault = &brand.vault;
    let below = |text: &str| {
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        text.split('/').all(plain) && !text.contains(['\\', '\0', ':'])
    };
    if let Some(value) = vault.dir.as_ref().filter(|dir| !below(dir)) {
        return Err(BadBrand::Directory { key: "vault.dir", value: value.clone() });
    }
    let taken = ["keys.json", "settings.json", "account.json"];
    match &vault.file {
        Some(file) if file.contains('/') || !below(file) || taken.contains(&file.as_str()) => {
            let why = format!("{file:?} must be the name of a file, and none that is ours already");
            Err(impossible("vault.file", &why))
        }
        _ if (vault.format == Format::Fields) == vault.fields.is_empty() => {
            let why = "the format \"fields\" needs them, and no other format has any";
            Err(impossible("vault.fields", why))
        }
        _ if vault.fields.contains_key("profiles") || vault.fields.contains_key("credentials") => {
            Err(impossible("vault.fields", "profiles and credentials are taken"))
        }
        _ if vault.format == Format::Fields
            && !vault.fields.values().any(|fact| *fact == super::Fact::AccessToken) =>
        {
            Err(impossible("vault.fields", "one of them must hold the access_token"))
        }
        _ => Ok(()),
    }
}
