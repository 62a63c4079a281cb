//! `agent run --secret NAME=WHERE`: secrets for one run. The command line says where the text is,
//! never the text: other programs can read it there, and a shell keeps it.

use std::io::Read as _;

use clap::{Arg, ArgAction, ArgMatches};
use hallpass_core::Secret;

use super::secret::{READ, text};
use crate::{Context, Failure, Input};

pub(super) fn argument() -> Arg {
    Arg::new("secret")
        .long("secret")
        .value_name("NAME=WHERE")
        .action(ArgAction::Append)
        .help("A secret for this run alone: NAME=env:VARIABLE, NAME=file:FILE, or NAME=- for standard input")
}

/// What is for one run alone.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Names, and what they are.
    pub(super) secrets: Vec<(String, Secret)>,
    /// Variables that they were read from: the program gets them from the server alone.
    pub(super) variables: Vec<String>,
}

impl Given {
    /// Reads all that the command line names, before anything is started.
    pub(super) fn read(
        cx: &Context<'_>,
        stdin: &mut dyn Input,
        matches: &ArgMatches,
    ) -> Result<Self, Failure> {
        let next = format!("{} agent run --help", cx.program);
        let mut given = Self::default();
        for said in matches.get_many::<String>("secret").into_iter().flatten() {
            let (name, from) = said.split_once('=').unwrap_or((said, ""));
            // What stands where a place should be may be the secret itself: it is not repeated.
            let named = hallpass_core::text::presentable(name, 80);
            let bad = |why: &str| Failure::usage(format!("--secret {named}: {why}"), next.clone());
            if name.is_empty() || given.secrets.iter().any(|(known, _)| known == name) {
                return Err(bad("each has a name of its own"));
            }
            let bytes = if from == "-" {
                stdin.read_all(READ).map_err(|error| bad(&error.to_string()))?
            } else if let Some(variable) = from.strip_prefix("env:") {
                given.variables.push(variable.to_owned());
                let found = cx.environment.raw_var(variable);
                found.ok_or_else(|| bad("that variable is not set"))?.into_bytes()
            } else if let Some(file) = from.strip_prefix("file:") {
                let mut bytes = Vec::new();
                let opened = std::fs::File::open(file);
                let read = opened.and_then(|file| file.take(READ + 1).read_to_end(&mut bytes));
                read.map_err(|error| bad(&format!("that file cannot be read: {error}")))?;
                bytes
            } else {
                return Err(bad(
                    "say where it is, not what it is: env:VARIABLE, file:FILE, or - for standard input",
                ));
            };
            let value = text(bytes).map_err(|why| bad(&format!("what is there {why}")))?;
            given.secrets.push((name.to_owned(), value));
        }
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use crate::Exit;
    use crate::testing::Town;

    // proves: SN06
    #[test]
    fn a_secret_is_never_said_on_the_command_line() {
        let value = "marked-secret-5521";
        for line in [
            format!("--secret KEY={value}"),
            "--secret KEY".to_owned(),
            "--secret =env:X".to_owned(),
            "--secret KEY=env:UNSET".to_owned(),
            "--secret KEY=env:EMPTY".to_owned(),
            "--secret KEY=file:/not/there".to_owned(),
            "--secret KEY=env:X --secret KEY=env:X".to_owned(),
            "--secret KEY=env:LONG".to_owned(),
            "--secret KEY=-".to_owned(),
            "--keep HALLPASS_TOKEN".to_owned(),
        ] {
            // One byte too long, where a shorter reading would end with a line.
            let long = format!("{}\nx", "y".repeat(8192));
            let mut town = Town::new().var("X", "x").var("EMPTY", "").var("LONG", &long);
            town.stdin(long.as_bytes());
            let done = town.run(&format!("hallpass agent run {line} -- true"));
            assert_eq!(done.exit, Exit::Usage, "{line}: {done:?}");
            assert!(!done.stderr.contains(value) && done.stdout.is_empty(), "{line}: {done:?}");
            assert!(done.stderr.contains("Next: hallpass agent run --help"), "{done:?}");
        }
    }
}
