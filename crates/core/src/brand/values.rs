//! Single values of a brand that could be read and yet not be used: addresses, names that are
//! taken, pages that there are not.

use super::check::{impossible, is_word};
use super::line::keyed;
use super::nearest::hint;
use super::tool::NAMED;
use super::{BadBrand, Brand};
use crate::Kind;
use crate::public_url::{PublicUrl, is_issuer};
use crate::scope::{ACCOUNT, AGENT, AGENTS, EMAIL, OFFLINE_ACCESS, OPENID, PROFILE, TOKENS};

/// The flags that every command has; a brand's own cannot be called like one of them.
pub(super) const FLAGS: [&str; 14] = [
    "server",
    "profile",
    "store",
    "ca-bundle",
    "org",
    "project",
    "json",
    "verbose",
    "color",
    "help",
    "version",
    "brand",
    // What two flags of a brand's are called within.
    "given-token",
    "kept-file",
];

/// Pages that an alias can lead to; everything below the last two, too.
const PAGES: [&str; 6] = ["/", "/device", "/signin", "/setup", "/orgs", "/admin"];

/// What the addresses of ours begin with, besides `/settings`, where a brand can have its own.
const TAKEN: [&str; 15] = [
    ".well-known",
    "admin",
    "api",
    "assets",
    "auth",
    "check",
    "device",
    "health",
    "invitation",
    "metrics",
    "oauth",
    "orgs",
    "setup",
    "signin",
    "signout",
];

pub(super) fn values(brand: &Brand) -> Result<(), BadBrand> {
    let project = brand.words.project.as_str();
    if !is_word(project) || (project != "project" && FLAGS.contains(&project)) {
        let why = "must be a word like toolkit, and none that a flag has already";
        return Err(impossible("words.project", why));
    }
    if !is_word(&brand.config.server.replace('_', "-")) {
        return Err(impossible("config.server", "must be a word like api_url"));
    }
    for (key, value) in
        [("default_server", Some(&brand.default_server)), ("issuer", brand.issuer.as_ref())]
    {
        let address = |text: &String| match key {
            "issuer" => is_issuer(text),
            // As the rest of an address is put behind it.
            _ => PublicUrl::parse(text).is_ok_and(|url| url.issuer() == text),
        };
        if let Some(odd) = value.filter(|value| !address(value)) {
            let end = if key == "issuer" { "" } else { " and no '/' at its end" };
            let why = format!(
                "must be an address like https://id.example.com, with http on this machine only{end}, not {odd:?}"
            );
            return Err(impossible(key, &why));
        }
    }
    let upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if !brand.variable_prefix.bytes().all(upper) {
        let why =
            format!("must be upper-case letters, digits and '_', not {:?}", brand.variable_prefix);
        return Err(impossible("variable_prefix", &why));
    }
    // A role that has one would be asked for what a client asks for.
    let scopes = [OPENID, PROFILE, EMAIL, OFFLINE_ACCESS, ACCOUNT, TOKENS, AGENTS, AGENT];
    let all = brand.roles.all();
    if let Some(scope) = scopes.into_iter().find(|scope| all.contains(*scope)) {
        return Err(impossible("roles", &format!("{scope:?} is a scope, and no permission")));
    }
    prefixes(brand)?;
    flags(brand)?;
    aliases(brand)
}

/// Whatever begins like a secret of ours would be taken for one.
fn prefixes(brand: &Brand) -> Result<(), BadBrand> {
    let keys = brand.keys.prefix.as_ref();
    let tokens = &brand.tokens.prefix;
    let alike = |one: &str| one.starts_with(&**tokens) || tokens.starts_with(one);
    if keys.is_some_and(|prefix| alike(prefix)) {
        let why = format!("must not begin like that of tokens, {tokens:?}, nor that like it");
        return Err(impossible("keys.prefix", &why));
    }
    let legacy = brand.tokens.legacy_prefix.as_ref();
    for (key, prefix) in [
        ("tokens.prefix", Some(&brand.tokens.prefix)),
        ("keys.prefix", keys),
        ("tokens.legacy_prefix", legacy),
    ] {
        let Some(prefix) = prefix else { continue };
        let people = [Kind::Personal, Kind::ProjectKey, Kind::OrgKey];
        let own = |kind: &Kind| match key {
            "tokens.prefix" => *kind == Kind::Personal,
            "keys.prefix" => matches!(kind, Kind::ProjectKey | Kind::OrgKey),
            // An older system's may begin as ours do that people handle.
            _ => people.contains(kind),
        };
        let mut others = Kind::ALL.into_iter().filter(|kind| !own(kind)).map(Kind::prefix);
        if let Some(taken) =
            others.find(|taken| prefix.starts_with(taken) || taken.starts_with(&**prefix))
        {
            let why = format!("{prefix:?} would be taken for {taken:?}, which is ours already");
            return Err(impossible(key, &why));
        }
    }
    Ok(())
}

fn flags(brand: &Brand) -> Result<(), BadBrand> {
    let own = [("sources.flag", &brand.sources.flag), ("vault.file_flag", &brand.vault.file_flag)];
    for (key, flag) in own {
        let Some(flag) = flag else { continue };
        if !is_word(flag) || FLAGS.contains(&flag.as_str()) {
            let why =
                format!("{flag:?} must be a word like api-key, and no flag that there is already");
            return Err(impossible(key, &why));
        }
    }
    if brand.sources.flag.is_some() && brand.sources.flag == brand.vault.file_flag {
        return Err(impossible("vault.file_flag", "is the flag for a token already"));
    }
    Ok(())
}

fn aliases(brand: &Brand) -> Result<(), BadBrand> {
    let aliases = &brand.pages.aliases;
    let plain = |path: &str| {
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let part = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(ok);
        path.strip_prefix('/').is_some_and(|path| path.is_empty() || path.split('/').all(part))
    };
    let below = |path: &str, above: &str| {
        path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    for (alias, page) in aliases {
        let refuse = |why: String| Err(impossible(keyed("pages.aliases", alias), &why));
        if !plain(alias) || !plain(page) {
            return refuse(format!("{alias:?} and {page:?} must be paths like /device"));
        }
        let first = alias[1..].split('/').next().unwrap_or_default();
        if alias == "/" || TAKEN.contains(&first) || NAMED.iter().any(|ours| below(alias, ours)) {
            return refuse("is an address of ours already".to_owned());
        }
        if aliases.contains_key(page) {
            return refuse(format!("{page:?} is an alias itself"));
        }
        let named = ["/orgs", "/admin"].iter().any(|above| below(page, above));
        if !named && !PAGES.contains(&page.as_str()) && !NAMED.contains(&page.as_str()) {
            let hint = hint(page, PAGES.into_iter().chain(NAMED));
            return Err(BadBrand::Unknown {
                key: keyed("pages.aliases", alias),
                value: page.clone(),
                hint,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::HALLPASS;
    use super::*;

    // proves: HP17
    #[test]
    fn what_could_not_work_is_refused_by_name_with_its_line() {
        let refused = |text: &str| {
            let error = Brand::parse(text).unwrap_err();
            (error.to_string(), error.line(text))
        };
        for (from, to, key) in [
            ("title = \"hallpass\"", "title = ' '", "title"),
            ("http://localhost:8470", "localhost", "default_server"),
            ("http://localhost:8470", "http://id.example.com", "default_server"),
            ("variable_prefix = \"HALLPASS\"", "variable_prefix = 'my-tool'", "variable_prefix"),
            ("accent = \"#1f5fbf\"", "accent = 'blue'", "look.accent"),
        ] {
            let text = HALLPASS.replacen(from, to, 1);
            let (said, line) = refused(&text);
            assert!(said.starts_with(key), "{said}");
            let expected = text.lines().position(|line| line.contains(to)).unwrap() + 1;
            assert_eq!(line, Some(expected), "{said}");
        }
        for (more, key) in [
            ("[words]\nproject = ''", "words.project"),
            ("[words]\nproject = 'org'", "words.project"),
            ("[config]\nserver = 'API URL'", "config.server"),
            ("[words]\nnew_token = ' '", "words.new_token"),
            ("[words]\nnew_key = 'New\u{200b}key'", "words.new_key"),
            ("[tokens]\nprefix = 'hp_rt_'", "tokens.prefix"),
            ("[tokens]\nprefix = 'a_'\n[keys]\nprefix = 'a_'", "keys.prefix"),
            ("[tokens]\nprefix = 'a_'\n[keys]\nprefix = 'a_b_'", "keys.prefix"),
            ("[sources]\nflag = 'server'", "sources.flag"),
            ("[vault]\nfile_flag = 'json'", "vault.file_flag"),
            ("[calls.x]\nmethod = 'GET'\npath = '/x'\noptions = ['json']", "calls.x"),
            ("[calls.x]\nmethod = 'GET'\npath = '/x'\noptions = ['a', 'a']", "calls.x"),
            ("[calls.x]\nmethod = 'GET'\npath = '/x'\nhelp.b = 'B'", "calls.x"),
            ("[pages.aliases]\n'/x' = '/nowhere'", "pages.aliases"),
            ("[pages.aliases]\n'/settings/tokens' = '/device'", "pages.aliases"),
            ("[pages.aliases]\n'/api/v1/x' = '/device'", "pages.aliases"),
            ("[pages.names]\n'/settings/token' = 'X'", "pages.names"),
            ("[commands]\nx = 'tokne list'", "commands"),
            ("[exits]\nnot_singed_in = 1", "exits"),
            ("[roles.org]\nmember = ['tokens']", "roles"),
            ("[texts]\nsigned_in = '{emial}'", "texts.signed_in"),
        ] {
            let text = format!("{HALLPASS}\n{more}");
            let (said, line) = refused(&text);
            assert!(said.starts_with(key), "{key}: {said}");
            assert!(line.is_some_and(|line| line > HALLPASS.lines().count()), "{said}: {line:?}");
        }
    }

    #[test]
    fn a_wrong_type_names_the_key_and_what_would_be_right() {
        let said =
            |more: &str| Brand::parse(&format!("{HALLPASS}\n{more}")).unwrap_err().to_string();
        let exit = said("[exits]\nnot_signed_in = 300");
        assert!(
            exit.contains("not_signed_in: ") && exit.ends_with("a number from 0 to 255"),
            "{exit}"
        );
        let groups = Brand::parse(&HALLPASS.replace("[4, 4]", "'4'")).unwrap_err().to_string();
        assert!(
            groups.contains("groups: ") && groups.ends_with("a list in [brackets]"),
            "{groups}"
        );
    }
}
