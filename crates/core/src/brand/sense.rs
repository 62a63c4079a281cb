//! What a brand says in one place does not contradict what it says in another.

use super::check::impossible;
use super::line::keyed;
use super::tool::CALLED;
use super::{Argument, BadBrand, Brand, Fact, Format, Keeps, Presents, VERBS, Way};

/// What else is read from variables that begin with the prefix.
const BESIDES: [&str; 6] =
    ["AUTH_TOKEN_FILE", "ID_TOKEN", "ID_TOKEN_FILE", "OIDC", "OIDC_AUDIENCE", "TOKEN_FD"];

/// Read only where a brand names them.
const IF_NAMED: [&str; 4] = ["mode", "issuer", "client_id", "audience"];

pub(super) fn sense(brand: &Brand) -> Result<(), BadBrand> {
    variables(brand)?;
    calls(brand)?;
    login(brand)?;
    vault(brand)
}

/// One variable says one thing.
fn variables(brand: &Brand) -> Result<(), BadBrand> {
    let read = |name: &&&str| match **name {
        // Nobody looks at an agent's token then, and a person's may be called like it.
        "auth_token" => brand.sources.agent,
        name => !IF_NAMED.contains(&name) || brand.variables.contains_key(name),
    };
    let mut seen: Vec<(String, String)> =
        BESIDES.iter().map(|name| (brand.variable(name), name.to_ascii_lowercase())).collect();
    for name in CALLED.iter().filter(read) {
        let variable = brand.variable(&name.to_ascii_uppercase());
        let other = seen.iter().find(|(taken, _)| *taken == variable);
        if let Some((_, other)) = other {
            // The line to name is one that stands in the file.
            let own = |name: &str| brand.variables.contains_key(name);
            let (key, other) = if own(name) { (*name, &**other) } else { (&**other, *name) };
            let why = format!("{variable} says {other} already");
            return Err(impossible(format!("variables.{key}"), &why));
        }
        seen.push((variable, (*name).to_owned()));
    }
    Ok(())
}

/// hallpass's own tree has its verbs, where a brand has none of its own.
fn calls(brand: &Brand) -> Result<(), BadBrand> {
    let first = |place: &str| place.split(' ').next().unwrap_or_default().to_owned();
    let taken = |place: &&String| VERBS.contains(&&*first(place));
    match brand.calls.keys().find(taken).filter(|_| brand.commands.is_empty()) {
        None => Ok(()),
        Some(place) => {
            let why = format!(
                "{:?} is a command of ours already, as long as [commands] places none",
                first(place)
            );
            Err(impossible(keyed("calls", place), &why))
        }
    }
}

fn login(brand: &Brand) -> Result<(), BadBrand> {
    let login = &brand.login;
    if login.keeps == Keeps::Token && login.presents != Presents::AccessToken {
        let why = "nothing but the token is kept (login.keeps), so there is no ID token to carry";
        return Err(impossible("login.presents", why));
    }
    if login.opens_page && !login.allows(Way::Device) {
        let why = "opens the page of a code, and login.flows has no device";
        return Err(impossible("login.opens_page", why));
    }
    if login.argument == Argument::Project && brand.tokens.legacy_dir.is_none() {
        let why = "\"project\" needs tokens.legacy_dir, where the token of one is kept";
        return Err(impossible("login.argument", why));
    }
    Ok(())
}

fn vault(brand: &Brand) -> Result<(), BadBrand> {
    let vault = &brand.vault;
    if vault.refresh_in_keyring && vault.file_without_question {
        let why = "a plain file cannot do where vault.refresh_in_keyring forbids it";
        return Err(impossible("vault.file_without_question", why));
    }
    let refresh = vault.fields.values().any(|fact| *fact == Fact::RefreshToken);
    if brand.login.refreshes && vault.format == Format::Fields && !refresh {
        let why = "refreshes what is kept, but vault.fields keeps no refresh_token";
        return Err(impossible("login.refreshes", why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::HALLPASS;
    use super::*;

    // proves: HP17
    #[test]
    fn what_contradicts_itself_is_refused_by_name() {
        for (more, key) in [
            ("[variables]\ntoken = 'A'\nserver = 'A'", "variables.server"),
            ("[variables]\nauth_token = 'HALLPASS_TOKEN'", "variables.auth_token"),
            ("[variables]\ntoken = 'HALLPASS_PROFILE'", "variables.token"),
            ("[variables]\norg = 'HALLPASS_ID_TOKEN'", "variables.org"),
            ("[variables]\nmode = 'HALLPASS_STORE'", "variables.mode"),
            ("[calls.login]\nmethod = 'GET'\npath = '/x'", "calls.login"),
            ("[calls.'token count']\nmethod = 'GET'\npath = '/x'", "calls.\"token count\""),
            ("[login]\nkeeps = 'token'\npresents = 'id-token'", "login.presents"),
            ("[login]\nargument = 'project'", "login.argument"),
            ("[login]\nflows = ['browser']\nopens_page = true", "login.opens_page"),
            ("[exits]\nusable = 5", "exits.usable"),
            ("[exits]\nnot_signed_in = 0", "exits.not_signed_in"),
            (
                "[vault]\nrefresh_in_keyring = true\nfile_without_question = true",
                "vault.file_without_question",
            ),
            (
                "[login]\nrefreshes = true\n[vault]\nformat = 'fields'\n[vault.fields]\na = 'access_token'",
                "login.refreshes",
            ),
            ("[login]\nflows = []", "line "),
            ("[login]\nflows = ['device', 'device']", "line "),
        ] {
            let text = format!("{HALLPASS}\n{more}");
            let error = Brand::parse(&text).unwrap_err();
            assert!(error.to_string().starts_with(key), "{key}: {error}");
            let line = error.line(&text);
            assert!(line.is_some_and(|at| at > HALLPASS.lines().count()), "{error}: {line:?}");
        }
        let issuer =
            |issuer: &str| Brand::parse(&format!("issuer = '{issuer}'\n{HALLPASS}")).is_ok();
        assert!(issuer("https://id.example.com/realms/a") && issuer("http://127.0.0.1:4000"));
        assert!(!issuer("http://id.example.com") && !issuer("ftp://id.example.com"));
    }

    #[test]
    fn what_only_looks_like_it_is_taken() {
        for more in [
            // Two places for one verb: both work, and messages name the first.
            "[commands]\n'auth login' = 'login'\nlogin = 'login'",
            "[commands]\nlogin = 'login'\n[calls.'token count']\nmethod = 'GET'\npath = '/x'",
            "[texts]\nsigned_in = 'Hello {email}, {name}'",
        ] {
            let read = Brand::parse(&format!("{HALLPASS}\n{more}"));
            assert!(read.is_ok(), "{more}: {read:?}");
        }
    }
}
