//! Where each command sits: in hallpass's own tree, or where a brand puts it.

use std::collections::BTreeMap;

use clap::builder::StyledStr;
use clap::{Arg, ArgMatches, Command};
use hallpass_core::brand::{Brand, Call, VERBS, Words, parts};

use crate::commands;

mod contradiction;

pub use contradiction::contradiction;

/// Where the guardian of an agent is called, where a brand places single verbs of `agent`.
const GUARD: &str = "agent-guard";

/// What a command line asks for.
pub(crate) enum Found<'a> {
    /// A verb of ours, with what is its own.
    Ours(&'a str, Below<'a>),
    /// A call of the brand's, and where it sits.
    Call(&'a str, &'a Call, &'a ArgMatches),
    /// Nothing that there is.
    Nothing,
}

/// What stands behind a verb: the words that its place says already, and what was typed.
#[derive(Clone)]
pub(crate) struct Below<'a> {
    /// In the opposite order.
    placed: Vec<&'a str>,
    pub(crate) matches: &'a ArgMatches,
}

impl<'a> Below<'a> {
    /// What is placed, `agent secret get --json`, without the flags that it has already.
    fn new(placed: &'a str, matches: &'a ArgMatches) -> (&'a str, Self) {
        let words = placed.split(' ').rev().filter(|word| !word.starts_with("--"));
        let mut placed: Vec<_> = words.collect();
        (placed.pop().unwrap_or_default(), Self { placed, matches })
    }

    /// The next word, and what stands behind that; none if nothing more was said.
    pub(crate) fn next(mut self) -> Option<(&'a str, Self)> {
        if let Some(word) = self.placed.pop() {
            return Some((word, self));
        }
        let (word, matches) = self.matches.subcommand()?;
        Some((word, Self { placed: Vec::new(), matches }))
    }

    /// The next word, and what was typed behind it.
    pub(crate) fn verb(self) -> Option<(&'a str, &'a ArgMatches)> {
        self.next().map(|(word, below)| (word, below.matches))
    }
}

/// The words that call the guardian of an agent.
pub(crate) fn guard(brand: &Brand) -> Vec<&str> {
    match brand.place_of("agent") {
        _ if brand.commands.is_empty() => vec!["agent", "guard"],
        Some(place) => place.split(' ').chain(["guard"]).collect(),
        None => vec![GUARD],
    }
}

/// The commands at the root, in the order of `--help`.
pub(crate) fn all(brand: &Brand) -> Vec<Command> {
    those(brand, |_| true)
}

/// The one command at the root with this name, and what is below it; no other is made.
pub(crate) fn one(brand: &Brand, name: &str) -> Option<Command> {
    those(brand, |first| first == name).pop()
}

/// The commands at the root whose names are wanted.
fn those(brand: &Brand, wanted: impl Fn(&str) -> bool) -> Vec<Command> {
    let wanted = |place: &str| wanted(place.split(' ').next().unwrap_or_default());
    let mut root = Node::default();
    if brand.commands.is_empty() {
        for verb in commands::ours().filter(|verb| wanted(verb)) {
            root.put(verb, rank(verb), commands::of(brand, verb));
        }
    }
    for (place, placed) in brand.commands.iter().filter(|(place, _)| wanted(place)) {
        let (verb, flags) = parts(placed);
        let mut words = verb.split(' ');
        let verb = words.next().unwrap_or_default();
        // The brand was checked against the same list.
        let there = words
            .fold(commands::of(brand, verb), |above, word| above?.find_subcommand(word).cloned());
        let command = there.map(|command| flags.into_iter().fold(command, given));
        root.put(place, rank(verb), command);
    }
    if let [place @ GUARD] = guard(brand)[..]
        && wanted(place)
        && brand.commands.values().any(|placed| placed.starts_with("agent "))
    {
        root.put(place, VERBS.len(), Some(commands::agent::guard_command()));
    }
    for (place, call) in brand.calls.iter().filter(|(place, _)| wanted(place)) {
        root.put(place, VERBS.len(), Some(commands::call::command(call)));
    }
    let ours = brand.words == Words::default();
    let commands = root.children("", brand);
    commands.into_iter().map(|it| if ours { it } else { worded(it, &brand.words) }).collect()
}

/// A command and all below it, with the brand's word for a project in the help.
fn worded(command: Command, words: &Words) -> Command {
    let told = |text: &StyledStr| words.worded(&text.to_string());
    let (about, after) = (command.get_about().map(told), command.get_after_help().map(told));
    let command = about.into_iter().fold(command, Command::about);
    let command = after.into_iter().fold(command, Command::after_help);
    let argument = |argument: Arg| {
        let values = argument.get_value_names().unwrap_or_default().iter();
        let values: Vec<_> = values.map(|name| words.worded(name)).collect();
        let help = argument.get_help().map(told);
        let argument = if values.is_empty() { argument } else { argument.value_names(values) };
        help.into_iter().fold(argument, Arg::help)
    };
    command.mut_args(argument).mut_subcommands(|below| worded(below, words))
}

/// The verb or call that `matches`, of the root, names.
pub(crate) fn find<'a>(brand: &'a Brand, matches: &'a ArgMatches) -> Found<'a> {
    let mut place = String::new();
    let mut below = matches;
    while let Some((name, matches)) = below.subcommand() {
        if !place.is_empty() {
            place.push(' ');
        }
        place.push_str(name);
        if let Some((place, call)) = brand.calls.get_key_value(&place) {
            return Found::Call(place, call, matches);
        }
        if let Some(placed) = brand.commands.get(&place) {
            let (verb, below) = Below::new(placed, matches);
            return Found::Ours(verb, below);
        }
        if place == GUARD {
            let (verb, below) = Below::new("agent guard", matches);
            return Found::Ours(verb, below);
        }
        let group = brand.calls.keys().any(|call| call.starts_with(&format!("{place} ")));
        if brand.commands.is_empty() && !group {
            let (verb, below) = Below::new(name, matches);
            return Found::Ours(verb, below);
        }
        below = matches;
    }
    Found::Nothing
}

/// A flag that the place itself says, `--device`, and nobody types.
fn given(command: Command, flag: &str) -> Command {
    let id = flag.trim_start_matches("--");
    let Some(of) = command.get_arguments().find(|argument| argument.get_id() == id) else {
        return command;
    };
    let help = of.get_help().cloned();
    // What does not go with it is of no use here.
    let others = command.get_arg_conflicts_with(of);
    let others: Vec<_> = others.iter().map(|other| other.get_id().clone()).collect();
    let command = command.mut_arg(id, |argument| argument.default_value("true").hide(true));
    let hidden = |command: Command, other| command.mut_arg(other, |it: Arg| it.hide(true));
    let command = others.into_iter().fold(command, hidden);
    match help {
        // Each of its flags is a way of its own to sign in; elsewhere the verb stays what it is.
        Some(help) if command.get_name() == "login" => {
            command.about(help).after_help(None::<&'static str>)
        }
        _ => command,
    }
}

/// Whether there is a command of this name at the root.
pub fn has_command(brand: &Brand, name: &str) -> bool {
    one(brand, name).is_some()
}

fn rank(verb: &str) -> usize {
    VERBS.iter().position(|known| *known == verb).unwrap_or(VERBS.len())
}

/// A command, or a group of such.
#[derive(Default)]
struct Node {
    /// The best of what is in it: it stands there in the help.
    rank: Option<usize>,
    command: Option<Command>,
    below: BTreeMap<String, Node>,
}

impl Node {
    fn put(&mut self, place: &str, rank: usize, command: Option<Command>) {
        let mut node = self;
        for word in place.split(' ') {
            node = node.below.entry(word.to_owned()).or_default();
            node.rank = Some(node.rank.map_or(rank, |before| before.min(rank)));
        }
        node.command = command;
    }

    /// The commands in it; it is at `place` itself.
    fn children(self, place: &str, brand: &Brand) -> Vec<Command> {
        let mut below: Vec<_> = self.below.into_iter().collect();
        below.sort_by_key(|(_, node)| node.rank);
        let at =
            |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place} {name}") };
        below.into_iter().map(|(name, node)| node.command(&at(&name), name, brand)).collect()
    }

    fn command(self, place: &str, name: String, brand: &Brand) -> Command {
        let own = brand.help.get(place);
        if let Some(command) = self.command {
            return helped(command.name(name), place, &brand.help);
        }
        let about = match (own, self.rank) {
            (Some(own), _) => own.clone(),
            (None, Some(0)) => format!("Sign in to {}, and stay signed in", brand.title),
            _ => {
                let names: Vec<_> = self.below.keys().map(String::as_str).collect();
                format!("Commands: {}", names.join(", "))
            }
        };
        Command::new(name)
            .about(about)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .disable_help_subcommand(true)
            .subcommands(self.children(place, brand))
    }
}

/// A command and all below it, with the brand's lines for them.
fn helped(command: Command, place: &str, lines: &BTreeMap<String, String>) -> Command {
    if lines.is_empty() {
        return command;
    }
    let command = lines.get(place).into_iter().fold(command, Command::about);
    command.mut_subcommands(|below| {
        let at = format!("{place} {}", below.get_name());
        helped(below, &at, lines)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brand() -> Brand {
        let more = "[commands]\n'auth login' = 'login'\n'auth code' = 'login --device'\n'auth keys' = 'key'\n'whoami' = 'whoami'\n\
            [calls.'test run']\nmethod = 'POST'\npath = '/runs'\noptions = ['push']";
        Brand::parse(&format!("{}\n{more}", hallpass_core::brand::HALLPASS)).unwrap()
    }

    fn found(line: &str) -> String {
        let brand = brand();
        let tree = crate::command(&brand);
        let matches = tree.try_get_matches_from(line.split(' ')).unwrap();
        match find(&brand, &matches) {
            Found::Ours(verb, below) => {
                let mut words = vec![verb.to_owned()];
                let mut left = Some(below);
                while let Some((word, below)) = left.and_then(Below::next) {
                    words.push(word.to_owned());
                    left = Some(below);
                }
                words.join(" ")
            }
            Found::Call(place, call, _) => format!("{place}: {} {}", call.method, call.path),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    // proves: HP17
    #[test]
    fn a_brand_puts_verbs_and_calls_where_it_wants_them() {
        crate::command(&brand()).debug_assert();
        assert_eq!(found("hallpass auth login"), "login");
        assert_eq!(found("hallpass auth code"), "login");
        let coded = crate::command(&brand()).try_get_matches_from(["hallpass", "auth", "code"]);
        let coded = coded.unwrap();
        let brand = brand();
        let Found::Ours(_, below) = find(&brand, &coded) else { panic!("it is ours") };
        assert!(below.matches.get_flag("device"));
        let help = crate::command(&brand).find_subcommand_mut("auth").unwrap().render_help();
        assert!(help.to_string().contains("code   Show a code to enter"), "{help}");
        assert_eq!(found("hallpass auth keys list"), "key list");
        assert_eq!(found("hallpass --json whoami"), "whoami");
        assert_eq!(found("hallpass test run --push x"), "test run: POST /runs");
        for gone in ["login", "doctor", "auth", "test"] {
            let tried = crate::command(&brand).try_get_matches_from(["hallpass", gone]);
            assert!(tried.is_err(), "{gone}");
        }
    }

    // proves: HP17, SN06
    #[test]
    fn single_verbs_of_a_group_sit_where_a_brand_wants_them() {
        let more = "[commands]\nstatus = 'agent status'\n'secret get' = 'agent secret get'\n\
            start = 'agent run'";
        let brand = format!("{}\n{more}", hallpass_core::brand::HALLPASS);
        let brand = Brand::parse(&brand).unwrap();
        crate::command(&brand).debug_assert();
        let found = |line: &str| {
            let matches = crate::command(&brand).try_get_matches_from(line.split(' ')).ok()?;
            let Found::Ours(verb, below) = find(&brand, &matches) else { return None };
            let (second, below) = below.next()?;
            Some(match below.next() {
                Some((third, _)) => format!("{verb} {second} {third}"),
                None => format!("{verb} {second}"),
            })
        };
        assert_eq!(found("t status working").as_deref(), Some("agent status"));
        assert_eq!(found("t secret get KEY").as_deref(), Some("agent secret get"));
        assert_eq!(found("t start -- true").as_deref(), Some("agent run"));
        // What `run` starts by itself is there without a place, and in no help.
        assert_eq!(guard(&brand), ["agent-guard"]);
        assert_eq!(found("t agent-guard").as_deref(), Some("agent guard"));
        assert!(!crate::command(&brand).render_help().to_string().contains("guard"));
        for gone in ["secret set KEY", "secret list", "agent run -- true", "login", "list"] {
            assert_eq!(found(&format!("t {gone}")), None, "{gone}");
        }
        let whole =
            format!("{}\n[commands]\n'my agents' = 'agent'", hallpass_core::brand::HALLPASS);
        assert_eq!(guard(&Brand::parse(&whole).unwrap()), ["my", "agents", "guard"]);
        assert_eq!(guard(&Brand::hallpass()), ["agent", "guard"]);
    }

    #[test]
    fn every_part_that_can_be_placed_is_there() {
        fn below(command: &Command, path: &str, all: &mut Vec<String>) {
            for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
                let path = format!("{path} {}", command.get_name());
                below(command, &path, all);
                all.push(path);
            }
        }
        let mut there = Vec::new();
        for verb in VERBS {
            below(&commands::of(&Brand::hallpass(), verb).unwrap(), verb, &mut there);
        }
        let named = hallpass_core::brand::placeable().filter(|part| part.contains(' '));
        let mut named: Vec<_> = named.collect();
        there.sort();
        named.sort();
        assert_eq!(named, there);
    }

    // proves: HP17
    #[test]
    fn any_verb_of_a_group_is_found_where_a_brand_has_it_and_has_its_line() {
        let more = "[commands]\nkeys = 'key list'\n'key new' = 'key create'\n'my place' = 'context show'\n\
            'who may' = 'member list'\nt = 'token'\n[help]\nkeys = 'All the keys'\n\
            my = 'What is mine'\n't list' = 'All mine'";
        let brand = Brand::parse(&format!("{}\n{more}", hallpass_core::brand::HALLPASS)).unwrap();
        crate::command(&brand).debug_assert();
        for (line, expected) in [
            ("t keys", ("key", "list")),
            ("t key new ci", ("key", "create")),
            ("t my place", ("context", "show")),
            ("t who may acme", ("member", "list")),
        ] {
            let matches = crate::command(&brand).try_get_matches_from(line.split(' ')).unwrap();
            let Found::Ours(verb, below) = find(&brand, &matches) else { panic!("{line}") };
            assert_eq!((verb, below.verb().unwrap().0), expected);
        }
        let help = crate::command(&brand).render_help().to_string();
        assert!(
            help.contains("keys  All the keys") && help.contains("my    What is mine"),
            "{help}"
        );
        let mut tree = crate::command(&brand);
        let tokens = tree.find_subcommand_mut("t").unwrap().render_help().to_string();
        assert!(tokens.contains("list    All mine"), "{tokens}");
    }

    #[test]
    fn every_verb_is_there() {
        let none = VERBS.iter().find(|verb| commands::of(&Brand::hallpass(), verb).is_none());
        assert_eq!(none, None);
        let named = |verb: &&str| commands::of(&Brand::hallpass(), verb).unwrap();
        assert!(VERBS.iter().all(|verb| named(verb).get_name() == *verb));
    }

    #[test]
    fn a_command_made_alone_is_the_one_of_the_whole_tree() {
        for brand in [Brand::hallpass(), self::brand()] {
            for whole in all(&brand) {
                let alone = one(&brand, whole.get_name()).unwrap();
                // Below the global flags, which some arguments conflict with.
                let help = |command: &Command| {
                    let root = crate::arguments::add_globals(Command::new("t"), &brand);
                    let mut root = root.subcommand(command.clone());
                    root.build();
                    let built = root.find_subcommand_mut(command.get_name());
                    built.unwrap().render_long_help().to_string()
                };
                assert_eq!(help(&alone), help(&whole));
                let below = |command: &Command| {
                    command.get_subcommands().map(|c| c.get_name().to_owned()).collect::<Vec<_>>()
                };
                assert_eq!(below(&alone), below(&whole));
            }
            assert!(one(&brand, "--json").is_none());
        }
    }

    /// Flags are called what they are; what they are about has the brand's name.
    // proves: HP17
    #[test]
    fn help_has_the_brands_word_for_a_project() {
        fn walk(command: &mut Command, read: &mut impl FnMut(String)) {
            read(command.render_long_help().to_string());
            command.get_subcommands_mut().for_each(|below| walk(below, read));
        }
        let words = "[words]\nproject = 'toolkit'";
        let brand = format!("{}\n{words}", hallpass_core::brand::HALLPASS);
        let brand = Brand::parse(&brand).unwrap();
        let mut tree = crate::command(&brand);
        tree.build();
        let mut told = 0;
        walk(&mut tree, &mut |help| {
            let part = |c: char| c.is_alphanumeric() || "-_:".contains(c);
            for word in help.split(|c| !part(c)).map(str::to_lowercase) {
                let word = word.trim_end_matches(':');
                assert!(word != "projects", "{help}");
                told += usize::from(word.starts_with("toolkit"));
            }
            assert!(!help.contains("ORG/PROJECT") && !help.contains(" a project"), "{help}");
        });
        assert!(told > 20, "{told}");
    }
}
