//! What a brand says of its commands and cannot be, for those who write one. It takes the whole
//! tree, so a tool that is compiled does not look for it each time that it starts.

use clap::{Arg, ArgAction, Command};
use hallpass_core::brand::{BadBrand, Brand, Way, parts};

use crate::commands;

/// What cannot be.
pub fn contradiction(brand: &Brand) -> Result<(), BadBrand> {
    let placed = brand
        .commands
        .iter()
        .find_map(|(place, placed)| Some((format!("commands.{place:?}"), flags(brand, placed)?)));
    match placed.or_else(|| own_flags(brand)) {
        None => Ok(()),
        Some((key, why)) => Err(BadBrand::Impossible { key, why }),
    }
}

/// Why the flags of a placed verb, `login --device`, cannot be given there.
fn flags(brand: &Brand, placed: &str) -> Option<String> {
    let (verb, flags) = parts(placed);
    let mut words = verb.split(' ');
    let whole = commands::of(brand, words.next()?)?;
    let command = words.try_fold(&whole, |above, word| above.find_subcommand(word))?;
    let found = |flag: &str| {
        let id = flag.trim_start_matches("--");
        command.get_arguments().find(|argument| argument.get_id() == id)
    };
    for (at, flag) in flags.iter().enumerate() {
        let Some(argument) = found(flag) else {
            return Some(format!("{verb} has no flag {flag}"));
        };
        if !matches!(argument.get_action(), ArgAction::SetTrue) {
            return Some(format!("{flag} of {verb} takes a value, which cannot be placed"));
        }
        let before = &flags[..at];
        if before.contains(flag) {
            return Some(format!("{flag} stands there twice"));
        }
        // Either may be the one that says so.
        let one_way = |one: &Arg, other: &Arg| {
            let excluded = command.get_arg_conflicts_with(one);
            excluded.iter().any(|it| it.get_id() == other.get_id())
        };
        let excludes = |other: &&&str| {
            found(other).is_some_and(|other| one_way(other, argument) || one_way(argument, other))
        };
        if let Some(other) = before.iter().find(excludes) {
            return Some(format!("{verb} takes {other} or {flag}, not both"));
        }
        let way = [("--device", Way::Device), ("--web", Way::Browser)];
        let lacks = |(name, way): &(&str, Way)| name == flag && !brand.login.allows(*way);
        if verb == "login" && way.iter().any(lacks) {
            return Some(format!("login.flows does not name {flag}"));
        }
    }
    None
}

/// A flag that a brand adds everywhere is none that a command has already.
fn own_flags(brand: &Brand) -> Option<(String, String)> {
    let own = [("sources.flag", &brand.sources.flag), ("vault.file_flag", &brand.vault.file_flag)];
    own.into_iter().find_map(|(key, flag)| {
        let flag = flag.as_deref()?;
        let taken = super::all(brand).into_iter().find_map(|command| having(&command, flag))?;
        Some((key.to_owned(), format!("\"{flag}\" is a flag of {taken:?} already")))
    })
}

/// The command, at or below this one, that has the flag.
fn having(command: &Command, flag: &str) -> Option<String> {
    if command.get_arguments().any(|argument| argument.get_long() == Some(flag)) {
        return Some(command.get_name().to_owned());
    }
    let below = command.get_subcommands().find_map(|below| having(below, flag))?;
    Some(format!("{} {below}", command.get_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: HP17
    #[test]
    fn flags_that_cannot_be_are_named() {
        let said = |more: &str| {
            let toml = format!("{}\n{more}", hallpass_core::brand::HALLPASS);
            contradiction(&Brand::parse(&toml).unwrap()).err().map(|error| error.to_string())
        };
        assert_eq!(said(""), None);
        for fine in ["login --device", "login --oidc", "logout --all", "key revoke --confirm"] {
            assert_eq!(said(&format!("[commands]\n'auth x' = '{fine}'")), None, "{fine}");
        }
        for (placed, why) in [
            ("login --nope", "login has no flag --nope"),
            ("login --timeout", "--timeout of login takes a value, which cannot be placed"),
            ("login --device --web", "login takes --device or --web, not both"),
            ("login --web --device", "login takes --web or --device, not both"),
            ("logout --all --all", "--all stands there twice"),
        ] {
            let told = said(&format!("[commands]\n'auth x' = '{placed}'")).unwrap();
            assert_eq!(told, format!("commands.\"auth x\": {why}"));
        }
        let told = said("[login]\nflows = ['browser']\n[commands]\nx = 'login --device'").unwrap();
        assert_eq!(told, "commands.\"x\": login.flows does not name --device");
        for (more, key, by) in [
            ("[sources]\nflag = 'device'", "sources.flag", "\"login\""),
            ("[vault]\nfile_flag = 'confirm'", "vault.file_flag", "\"key revoke\""),
        ] {
            let told = said(more).unwrap();
            assert!(told.starts_with(key) && told.ends_with(&format!("{by} already")), "{told}");
        }
    }
}
