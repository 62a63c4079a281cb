//! What a brand says about its tool can be: names, places and texts.

use super::line::keyed;
use super::nearest::hint;
use super::tool::{CALLED, NAMED, STATES, is_placeable, placeable};
use super::{BadBrand, Brand, Format};

/// Checks the tree, the variables, the states, the logo, the pages and the places.
pub(super) fn tool(brand: &Brand) -> Result<(), BadBrand> {
    commands(brand)?;
    overlaps(brand)?;
    help(brand)?;
    for (name, variable) in &brand.variables {
        known("variables", name, &CALLED)?;
        let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        // What has no '_' is everybody's: PATH, HOME.
        let own = variable.contains('_') && !variable.starts_with(|c: char| c.is_ascii_digit());
        if !own || !variable.bytes().all(plain) {
            let why = format!(
                "{variable:?} must be upper-case letters, digits and '_', like MYTOOL_TOKEN"
            );
            return Err(impossible(keyed("variables", name), &why));
        }
    }
    for state in brand.failures.keys() {
        known("failures", state, STATES)?;
    }
    for (state, code) in &brand.exits {
        known("exits", state, STATES)?;
        let fine = ["usable", "valid"].contains(&&**state);
        if fine && *code != 0 {
            return Err(impossible(keyed("exits", state), "must be 0: all is well then"));
        }
        if !fine && *code == 0 && state != "local_mode" {
            return Err(impossible(keyed("exits", state), "must not be 0: something failed then"));
        }
    }
    logo(brand)?;
    pages(brand)?;
    vault(brand)
}

/// What stands in a table is one of those that there are.
fn known(table: &str, name: &str, known: &[&'static str]) -> Result<(), BadBrand> {
    if known.contains(&name) {
        return Ok(());
    }
    let (key, value) = (table.to_owned(), name.to_owned());
    Err(BadBrand::Unknown { key, value, hint: hint(name, known.iter().copied()) })
}

fn commands(brand: &Brand) -> Result<(), BadBrand> {
    for (place, placed) in &brand.commands {
        let key = keyed("commands", place);
        let (verb, flags) = super::parts(placed);
        if !is_placeable(&verb) {
            let known: Vec<_> = placeable().collect();
            let hint = hint(&verb, known.iter().map(String::as_str));
            return Err(BadBrand::Unknown { key, value: verb, hint });
        }
        if let Some(odd) = flags.iter().find(|word| !word.strip_prefix("--").is_some_and(is_word)) {
            return Err(impossible(key, &format!("{odd:?} must be a flag like --device")));
        }
        is_place(&key, place)?;
    }
    Ok(())
}

/// A picture that stands alone. Pages show it as an image, where no browser runs what is in it.
fn logo(brand: &Brand) -> Result<(), BadBrand> {
    const LONGEST: usize = 32 * 1024;
    let Some(logo) = brand.look.logo.as_deref().map(str::trim) else { return Ok(()) };
    let refuse = |why: &str| Err(impossible("look.logo", why));
    if !logo.starts_with("<svg") || !logo.ends_with("</svg>") {
        return refuse("must be an SVG document, from <svg to </svg>");
    }
    if !logo.replace('\'', "\"").contains("xmlns=\"http://www.w3.org/2000/svg\"") {
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
pub(super) fn is_place(key: &str, place: &str) -> Result<(), BadBrand> {
    if !place.split(' ').all(is_word) {
        return Err(impossible(key, "must be words of lower-case letters, digits and '-'"));
    }
    if place == "help" {
        return Err(impossible(key, "is what tells what there is"));
    }
    Ok(())
}

pub(super) fn is_word(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    word.bytes().all(plain) && word.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}

/// A command is either one of ours, a call, or a group of such.
fn overlaps(brand: &Brand) -> Result<(), BadBrand> {
    let table = |place: &str| match brand.commands.contains_key(place) {
        true => keyed("commands", place),
        false => keyed("calls", place),
    };
    let places = || brand.commands.keys().chain(brand.calls.keys());
    for place in places() {
        let below = format!("{place} ");
        if let Some(other) = places().find(|other| other.starts_with(&below)) {
            let why = format!("cannot stand below {place:?}, which is a command itself");
            return Err(impossible(table(other), &why));
        }
    }
    if let Some(both) = brand.commands.keys().find(|place| brand.calls.contains_key(*place)) {
        return Err(impossible(keyed("calls", both), "is a command of ours already"));
    }
    Ok(())
}

/// A line of the help is one of a command, or of a group, that there is.
fn help(brand: &Brand) -> Result<(), BadBrand> {
    let places = || brand.commands.keys().chain(brand.calls.keys());
    let below = |above: &str, place: &str| {
        place.strip_prefix(above).and_then(|rest| rest.strip_prefix(' ')).map(str::to_owned)
    };
    let is_there = |line: &str| {
        let ours = brand.commands.iter().any(|(place, placed)| {
            let part = below(place, line);
            part.is_some_and(|part| is_placeable(&format!("{} {part}", super::parts(placed).0)))
        });
        let place = |place: &String| place == line || below(line, place).is_some();
        ours || places().any(place) || (brand.commands.is_empty() && is_placeable(line))
    };
    match brand.help.keys().find(|line| !is_there(line)) {
        None => Ok(()),
        Some(odd) => {
            let all: Vec<String> = match brand.commands.is_empty() {
                true => placeable().collect(),
                false => places().cloned().collect(),
            };
            let hint = hint(odd, all.iter().map(String::as_str));
            Err(BadBrand::Unknown { key: "help".to_owned(), value: odd.clone(), hint })
        }
    }
}

fn pages(brand: &Brand) -> Result<(), BadBrand> {
    let pages = &brand.pages;
    for page in pages.names.keys() {
        known("pages.names", page, &NAMED)?;
    }
    if let Some(device) = &pages.device
        && pages.aliases.get(device).map(String::as_str) != Some("/device")
    {
        let why = format!("{device:?} must be an alias of /device in pages.aliases");
        return Err(impossible("pages.device", &why));
    }
    match &pages.device_code {
        Some(word) if !is_word(&word.replace('_', "-")) || word == "csrf" => {
            Err(impossible("pages.device_code", "must be a word like code"))
        }
        _ => Ok(()),
    }
}

fn vault(brand: &Brand) -> Result<(), BadBrand> {
    let vault = &brand.vault;
    if let Some(value) = vault.dir.as_ref().filter(|dir| !is_below_home(dir)) {
        return Err(BadBrand::Directory { key: "vault.dir", value: value.clone() });
    }
    let fields = vault.format == Format::Fields;
    match &vault.file {
        Some(file) if !is_free(file) => {
            let why = format!("{file:?} must be the name of a file, and none that is ours already");
            Err(impossible("vault.file", &why))
        }
        // Ours holds every profile, and is called the same everywhere.
        Some(_) if vault.format == Format::Own => {
            Err(impossible("vault.file", "needs a vault.format of the tool's own"))
        }
        _ if fields == vault.fields.is_empty() => {
            let why = "the format \"fields\" needs them, and no other format has any";
            Err(impossible("vault.fields", why))
        }
        _ if vault.fields.contains_key("profiles") || vault.fields.contains_key("credentials") => {
            Err(impossible("vault.fields", "profiles and credentials are taken"))
        }
        _ if fields && !vault.fields.values().any(|fact| *fact == super::Fact::AccessToken) => {
            Err(impossible("vault.fields", "one of them must hold the access_token"))
        }
        _ => Ok(()),
    }
}

/// A path in parts, below the home directory whatever they are.
pub(super) fn is_below_home(path: &str) -> bool {
    let plain = |part: &str| {
        let odd = |c: char| c.is_control() || "\\:*?\"<>|".contains(c);
        // `~` is the shell's, and would be a directory of that name here.
        !matches!(part, "" | "." | "..")
            && part == part.trim()
            && !part.starts_with('~')
            && !part.contains(odd)
            && part.len() <= 100
    };
    path.split('/').all(plain)
}

/// A name for a file that nothing of ours is called, also where letters have no case.
fn is_free(file: &str) -> bool {
    let name = file.to_ascii_lowercase();
    let taken = ["keys.json", "settings.json", "account.json"].contains(&&*name);
    let ours = name.ends_with(".lock") || name.starts_with("login-") || name.contains(".corrupt-");
    is_below_home(file) && !file.contains('/') && !taken && !ours
}
