//! Single values of a brand that could be read and yet not be used: addresses, names that are
//! taken, pages that there are not.

use super::check::{impossible, is_word};
use super::nearest::hint;
use super::tool::NAMED;
use super::{BadBrand, Brand};
use crate::Kind;
use crate::public_url::{PublicUrl, is_issuer};
use crate::text::presentable;

/// The flags that every command has; a brand's own cannot be called like one of them.
const FLAGS: [&str; 12] = [
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
];

/// Pages that an alias can lead to; everything below the last two, too.
const PAGES: [&str; 6] = ["/", "/device", "/signin", "/setup", "/orgs", "/admin"];

/// Addresses that no page of ours has, and that are taken all the same.
const TAKEN: [&str; 6] = ["/api/", "/oauth/", "/auth/", "/.well-known/", "/assets/", "/health/"];

pub(super) fn values(brand: &Brand) -> Result<(), BadBrand> {
    let line = |text: &str| !text.trim().is_empty() && !text.contains(char::is_control);
    if !line(&brand.title) || brand.title.chars().count() > 60 {
        return Err(impossible("title", "must be a name of 1 to 60 letters"));
    }
    let project = brand.words.project.as_str();
    if !is_word(project) || (project != "project" && FLAGS.contains(&project)) {
        let why = "must be a word like toolkit, and none that a flag has already";
        return Err(impossible("words.project", why));
    }
    if !is_word(&brand.config.server.replace('_', "-")) {
        return Err(impossible("config.server", "must be a word like api_url"));
    }
    for (key, text) in
        [("words.new_token", &brand.words.new_token), ("words.new_key", &brand.words.new_key)]
    {
        if !line(text) || presentable(text, 40) != *text {
            return Err(impossible(key, "must be 1 to 40 letters that are seen, like New key"));
        }
    }
    for (key, value) in
        [("default_server", Some(&brand.default_server)), ("issuer", brand.issuer.as_ref())]
    {
        let address = |text: &String| match key {
            "issuer" => is_issuer(text),
            _ => PublicUrl::parse(text).is_ok(),
        };
        if let Some(odd) = value.filter(|value| !address(value)) {
            let why = format!(
                "must be an address like https://id.example.com, with http on this machine only, not {odd:?}"
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
    for (key, prefix) in [("tokens.prefix", Some(&brand.tokens.prefix)), ("keys.prefix", keys)] {
        let Some(prefix) = prefix else { continue };
        let own = |kind: &Kind| match key {
            "tokens.prefix" => *kind == Kind::Personal,
            _ => matches!(kind, Kind::ProjectKey | Kind::OrgKey),
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
    let taken: Vec<&str> =
        FLAGS.into_iter().chain(own.iter().filter_map(|(_, flag)| flag.as_deref())).collect();
    for (name, call) in &brand.calls {
        let words: Vec<_> = call.arguments.iter().chain(&call.options).collect();
        let twice = words.iter().enumerate().find(|(at, word)| words[..*at].contains(word));
        let flag = call.options.iter().find(|option| taken.contains(&option.as_str()));
        if let Some(odd) = twice.map(|(_, word)| *word).or(flag) {
            let why = format!("{odd:?} is there already");
            return Err(impossible(format!("calls.{name}"), &why));
        }
    }
    if brand.sources.flag.is_some() && brand.sources.flag == brand.vault.file_flag {
        return Err(impossible("vault.file_flag", "is the flag for a token already"));
    }
    Ok(())
}

fn aliases(brand: &Brand) -> Result<(), BadBrand> {
    let ours = |page: &str| {
        let below = ["/orgs/", "/admin/"].iter().any(|above| page.starts_with(above));
        below || PAGES.contains(&page) || NAMED.contains(&page)
    };
    for (alias, page) in &brand.pages.aliases {
        if ours(alias) || TAKEN.iter().any(|taken| alias.starts_with(taken)) {
            let why = format!("{alias:?} is an address of ours already");
            return Err(impossible("pages.aliases", &why));
        }
        if !ours(page) {
            let hint = hint(page, PAGES.into_iter().chain(NAMED));
            return Err(BadBrand::Unknown { key: "pages.aliases", value: page.clone(), hint });
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
        assert!(groups.contains("groups: ") && groups.ends_with("a list like [1, 2]"), "{groups}");
    }
}
