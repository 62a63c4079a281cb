//! `admin tokens patterns`: what a scanner looks for to find leaked secrets of ours.

use std::fmt::Write as _;

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Command};
use hallpass_server::admin::Command as Asked;
use hallpass_server::admin::command::tokens::{self, Pattern, Patterns};
use serde_json::json;

use super::words::{group, text};

pub(super) fn command() -> Command {
    group("tokens", "What tokens look like").subcommand(
        Command::new("patterns")
            .about("Rules for scanners that look for leaked secrets of this deployment")
            .arg(
                text("format", "FORMAT")
                    .value_parser(PossibleValuesParser::new(["gitleaks", "github", "regex"]))
                    .default_value("gitleaks")
                    .help("For gitleaks, for GitHub's custom patterns, or one expression a line"),
            ),
    )
}

pub(super) const fn read() -> Asked {
    Asked::Tokens(tokens::Command::Patterns)
}

/// As asked for. `--json` brings everything that is known of each.
pub(super) fn written(patterns: &Patterns, matches: &ArgMatches) -> String {
    let format = matches
        .subcommand()
        .and_then(|(_, noun)| noun.subcommand())
        .and_then(|(_, verb)| verb.try_get_one::<String>("format").ok().flatten());
    match format.map(String::as_str) {
        _ if matches.get_flag("json") => super::print::lines_of(&patterns.patterns),
        Some("github") => github(patterns),
        Some("regex") => patterns.patterns.iter().map(|it| format!("{}\n", it.regex)).collect(),
        _ => gitleaks(patterns),
    }
}

/// A whole configuration for gitleaks: its own rules, and ours.
fn gitleaks(patterns: &Patterns) -> String {
    let title = quoted(&format!("Secrets of {} at {}", patterns.title, patterns.issuer));
    let mut toml = format!(
        "{CHECKSUM}\
         \n\
         title = {title}\n\
         \n\
         [extend]\n\
         useDefault = true\n"
    );
    for Pattern { id, description, prefix, regex, checksum, .. } in &patterns.patterns {
        let id = quoted(&format!("{}-{id}", patterns.brand));
        let description = quoted(&format!("{description} of {}", patterns.title));
        let (regex, prefix) = (quoted(regex), quoted(prefix));
        let note = if *checksum { "" } else { "# Its last six characters are no checksum.\n" };
        // Writing to a text cannot fail.
        let _ = write!(
            toml,
            "\n{note}[[rules]]\nid = {id}\ndescription = {description}\nregex = {regex}\nkeywords = [{prefix}]\n"
        );
    }
    toml
}

const CHECKSUM: &str = "\
# What this finds is a secret for certain if its checksum is right, which needs no network:
# the last six characters are CRC-32 (ISO-HDLC, as in zip) over all characters before
# them, as a number in base 62, most significant digit first, digits 0-9 A-Z a-z.
";

/// The fields of GitHub's form for a custom pattern, one object a line.
fn github(patterns: &Patterns) -> String {
    let fields = patterns.patterns.iter().map(|pattern| {
        json!({
            "name": format!("{} of {}", pattern.description, patterns.title),
            "secret_format": pattern.regex,
            "before_secret": r"\A|[^0-9A-Za-z]",
            "after_secret": r"\z|[^0-9A-Za-z]",
            "test_string": pattern.example,
        })
    });
    fields.map(|object| format!("{object}\n")).collect()
}

/// JSON's texts are texts in TOML, too, as long as nothing in them controls a terminal.
fn quoted(text: &str) -> String {
    json!(hallpass_core::text::presentable(text, 200)).to_string()
}
