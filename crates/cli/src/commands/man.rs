//! `man DIR`: manual pages, from the tree that the embedder mounts.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::{Context, Exit, Failure, Output};

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("man").about("Write manual pages into a directory").arg(
        Arg::new("dir")
            .required(true)
            .value_name("DIR")
            .value_parser(value_parser!(PathBuf))
            .help("Where to write them; made if it is not there"),
    )
}

/// Writes one page for each command.
pub fn run(cx: &Context<'_>, out: &mut Output<'_>, matches: &ArgMatches) -> Result<Exit, Failure> {
    let dir = matches.get_one::<PathBuf>("dir").cloned().unwrap_or_default();
    let pages = write((cx.tree)(), &dir).map_err(|error| {
        Failure::new(
            Exit::Other,
            "output",
            format!("the manual pages cannot be written to {}: {error}", dir.display()),
            format!("{} man ./man", cx.program),
        )
        .kept("Pages that were already written are still there.")
    })?;
    out.success(&format!("{pages} manual pages written to {}", dir.display()));
    Ok(Exit::Usable)
}

fn write(tree: Command, dir: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(tree, dir)?;
    Ok(std::fs::read_dir(dir)?.count())
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
    fn every_command_has_a_page_under_the_embedders_name() {
        let dir = tempfile::tempdir().unwrap();
        let tree =
            Command::new("yourtool").subcommand(crate::mount(Command::new("auth"), &brand()));
        write(tree, dir.path()).unwrap();
        let page = std::fs::read_to_string(dir.path().join("yourtool-auth-login.1")).unwrap();
        assert!(page.contains(r"\-\-device"), "{page}");
    }
}
