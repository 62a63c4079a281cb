//! `--brand FILE`, `brand check` and `brand new`: somebody else's tool without compiling anything.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, value_parser};
use hallpass_core::brand::{Brand, HALLPASS, Way, filled};

use crate::system;

/// The flag that makes this program another tool.
pub(crate) const FLAG: &str = "brand";

/// The flag, for everywhere.
pub(crate) fn flag() -> Arg {
    Arg::new(FLAG)
        .long(FLAG)
        .value_name("FILE")
        .global(true)
        .value_parser(value_parser!(PathBuf))
        .help("Be the tool that this brand file describes")
}

/// The brand that the command line names, read before there is a tree to parse it with.
pub(crate) fn named(arguments: &[String]) -> Option<PathBuf> {
    let before = arguments.iter().take_while(|argument| *argument != "--");
    let arguments: Vec<_> = before.collect();
    arguments.iter().enumerate().find_map(|(n, argument)| {
        let rest = argument.strip_prefix("--brand")?;
        let next = || arguments.get(n + 1).map(|next| next.as_str());
        let value = if rest.is_empty() { next() } else { rest.strip_prefix('=') };
        value.map(PathBuf::from)
    })
}

/// Reads a brand file; what is wrong with it names the file and the line.
pub(crate) fn read(path: &Path) -> Result<Brand, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("the brand file {shown} cannot be read: {error}"))?;
    Brand::parse(&text)
        .and_then(|brand| hallpass_cli::contradiction(&brand).map(|()| brand))
        .map_err(|error| format!("{shown}: {}", error.told(&text)))
}

/// Its part of the tree.
pub(crate) fn command() -> Command {
    Command::new("brand")
        .about("Make and check a brand file: a tool of your own")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("new")
                .about("Print a brand file to begin with")
                .arg(Arg::new("name").required(true).value_name("NAME").help("The tool's command")),
        )
        .subcommand(
            Command::new("check")
                .about("Say what is wrong with a brand file, or show what its tool says")
                .arg(
                    Arg::new("file")
                        .required(true)
                        .value_name("FILE")
                        .value_parser(value_parser!(PathBuf)),
                ),
        )
}

/// Runs it.
pub(crate) fn run(matches: &ArgMatches) -> ExitCode {
    let told = match matches.subcommand() {
        Some(("new", matches)) => new(matches.get_one::<String>("name").map_or("", String::as_str)),
        Some(("check", matches)) => {
            check(matches.get_one::<PathBuf>("file").cloned().unwrap_or_default().as_path())
        }
        _ => Err("no command was given".to_owned()),
    };
    match told {
        Ok(text) => {
            system::print(&text);
            ExitCode::SUCCESS
        }
        Err(why) => {
            system::tell(&format!("error: {why}\n  Nothing was changed.\n"));
            ExitCode::from(2)
        }
    }
}

/// hallpass's own brand in another name, with everything else as comments.
fn new(name: &str) -> Result<String, String> {
    let prefix = name.to_ascii_uppercase().replace('-', "_");
    let own: String = HALLPASS.lines().skip(1).map(|line| format!("{line}\n")).collect();
    let own = own
        .replace("\"HALLPASS\"", &format!("{prefix:?}"))
        .replace("\"hallpass-cli\"", &format!("\"{name}-cli\""))
        .replace("\"hallpass\"", &format!("{name:?}"));
    let text = format!("# The brand of {name}. docs/brands.md explains every key.\n{own}{MORE}");
    let tokens = format!("{}_pat_", prefix.to_ascii_lowercase());
    let text = text.replace("yourtool_pat_", &tokens).replace("yourtool", name);
    let text = text.replace("YOURTOOL", &prefix);
    // Also with everything that it offers taken up.
    for text in [&text, &taken_up(&text)] {
        let read = Brand::parse(text);
        read.map_err(|error| format!("{name:?} cannot be a tool's name: {error}"))?;
    }
    Ok(text)
}

/// A file of ours without the `#` before what it offers.
fn taken_up(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(offer) if offer.starts_with('[') || offer.contains(" = ") => format!("{offer}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// What a brand can say besides, ready to be taken up.
const MORE: &str = include_str!("brand_new.toml");

/// What the tool says: its help, its prompt, its words.
fn check(path: &Path) -> Result<String, String> {
    let brand = read(path)?;
    let mut tree = hallpass_cli::command(&brand).term_width(80);
    let mut said = format!("{} is a brand file without mistakes.\n", path.display());
    said.push_str(&format!("\n$ {} --help\n{}", brand.name, tree.render_help()));
    if brand.login.allows(Way::Device) {
        said.push_str(&format!("\nA sign-in with a code says:\n\n{}", prompt(&brand)));
    }
    let texts = brand.texts.all();
    for (key, text, _) in texts.into_iter().filter(|(key, ..)| *key != "texts.device") {
        if let Some(text) = text {
            let text = filled(text, &sample(&brand));
            said.push_str(&format!("\n{key}:\n\n{text}\n"));
        }
    }
    for (state, text) in &brand.failures {
        said.push_str(&format!("\nIn the state {state}:\n\n{text}\n"));
    }
    for (state, code) in &brand.exits {
        said.push_str(&format!("\nThe state {state} ends with exit code {code}.\n"));
    }
    Ok(said)
}

/// What could be known, for a look at the texts.
fn sample(brand: &Brand) -> Vec<(&'static str, Option<String>)> {
    let file = brand.vault.file.as_deref().unwrap_or("credentials.json");
    let dir = match &brand.vault.dir {
        Some(dir) => format!("~/{dir}"),
        None => format!("~/.config/{}", brand.config_dir),
    };
    let path = format!("{dir}/{file}");
    let kept = brand.texts.kept_in_file.as_ref();
    let kept = kept.map(|text| filled(text, &[("path", Some(path.clone()))]));
    [
        ("account", "ada@example.com"),
        ("email", "ada@example.com"),
        ("name", "Ada Lovelace"),
        ("server", &*brand.default_server),
        ("kept", kept.as_deref().unwrap_or("Kept in the keyring.")),
        ("path", &*path),
        ("url", &format!("{}/device", brand.default_server)),
        ("code", "WDJB-MJHT"),
        ("left", "9:58"),
        ("minutes", "10"),
        ("org", "acme"),
        ("plan", "Team"),
        ("project", "warehouse"),
        ("ends", "2027-01-31 09:30:00 UTC"),
        ("ends_in", "58m"),
        ("refreshes", "auto-refreshing"),
        ("source", "the keyring"),
    ]
    .map(|(name, value)| (name, Some(value.to_owned())))
    .into()
}

/// The prompt of a device sign-in, as it would look.
fn prompt(brand: &Brand) -> String {
    use hallpass_cli::commands::login::prompt::{Device, in_words_of};
    use hallpass_cli::terminal::{ColorWhen, Streams, Terminal};
    let streams =
        Streams { stderr: true, columns: Some(80), always_unicode: true, ..Streams::default() };
    let environment = hallpass_cli::system::ProcessEnvironment;
    let terminal = Terminal::read(streams, ColorWhen::Never, &environment);
    let pages = &brand.pages;
    let page = format!("{}{}", brand.default_server, pages.device.as_deref().unwrap_or("/device"));
    let letters: String = "BCDFGHJKLMNPQRST"[..brand.user_code.groups.iter().sum()].to_owned();
    let mut rest = letters.as_str();
    let groups = brand.user_code.groups.iter().map(|length| {
        let (group, left) = rest.split_at(*length.min(&rest.len()));
        rest = left;
        group
    });
    let code = groups.collect::<Vec<_>>().join("-");
    let complete = format!("{page}?{}={code}", pages.device_code());
    let device = Device {
        uri: &page,
        uri_complete: Some(&complete),
        code: &code,
        expires_in: std::time::Duration::from_secs(600),
        expires_at: hallpass_core::Timestamp::default(),
        qr: false,
        counted: true,
    };
    in_words_of(brand, &device, &terminal)
}
