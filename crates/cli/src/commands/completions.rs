//! `completions SHELL`: from the tree that the embedder mounts, in its name.

use clap::{Arg, ArgMatches, Command, ValueEnum, value_parser};

use crate::{Context, Exit, Failure, Output};

/// A shell that can complete our command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell.
    #[value(alias = "pwsh")]
    Powershell,
    /// Nushell.
    Nushell,
    /// Elvish.
    Elvish,
}

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("completions").about("Print a shell's completions for this command").arg(
        Arg::new("shell").required(true).value_name("SHELL").value_parser(value_parser!(Shell)),
    )
}

/// Prints the script on standard output.
pub fn run(cx: &Context<'_>, out: &mut Output<'_>, matches: &ArgMatches) -> Result<Exit, Failure> {
    // `required` and the value parser have seen to it.
    let shell = matches.get_one::<Shell>("shell").copied().unwrap_or(Shell::Bash);
    out.data(&script(shell, (cx.tree)()))?;
    Ok(Exit::Usable)
}

fn script(shell: Shell, mut tree: Command) -> Vec<u8> {
    use clap_complete::{Shell as Known, generate};
    let name = tree.get_name().to_owned();
    let mut text = Vec::new();
    match shell {
        Shell::Bash => generate(Known::Bash, &mut tree, name, &mut text),
        Shell::Zsh => generate(Known::Zsh, &mut tree, name, &mut text),
        Shell::Fish => generate(Known::Fish, &mut tree, name, &mut text),
        Shell::Powershell => generate(Known::PowerShell, &mut tree, name, &mut text),
        Shell::Elvish => generate(Known::Elvish, &mut tree, name, &mut text),
        Shell::Nushell => {
            generate(clap_complete_nushell::Nushell, &mut tree, name, &mut text);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use hallpass_core::brand::Brand;

    use super::*;

    /// Somebody else's tool: nothing in its tree may say ours.
    fn brand() -> Brand {
        let toml = hallpass_core::brand::HALLPASS.replace("hallpass", "yourtool");
        Brand::parse(&toml.replace("HALLPASS", "YOURTOOL")).unwrap()
    }

    // proves: client-L1
    #[test]
    fn every_shell_completes_the_embedders_own_name() {
        for shell in Shell::value_variants() {
            let tree =
                Command::new("yourtool").subcommand(crate::mount(Command::new("auth"), &brand()));
            let text = String::from_utf8(script(*shell, tree)).unwrap();
            assert!(text.contains("yourtool"), "{shell:?}");
            assert!(text.contains("login"), "{shell:?}");
            assert!(!text.contains("hallpass"), "{shell:?}");
            // H1: nothing may suggest that a token could stand on the command line.
            let bare = |rest: &str| !rest.starts_with("-file");
            assert!(!text.split("--token").skip(1).any(bare), "{shell:?}");
        }
    }
}
