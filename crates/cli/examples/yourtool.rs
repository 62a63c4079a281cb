//! A tool of your own with our commands in it: `yourtool auth login`, beside its own verbs.

use std::process::ExitCode;

use clap::Command;
use hallpass_cli::system::Process;
use hallpass_core::brand::Brand;

fn main() -> ExitCode {
    let brand = Brand::hallpass();
    let tree = || {
        Command::new("yourtool")
            .subcommand_required(true)
            .subcommand(Command::new("greet").about("A verb of its own"))
            .subcommand(hallpass_cli::mount(Command::new("auth").about("Sign in"), &brand))
    };
    let process = Process { brand: &brand, program: "yourtool auth", tree: &tree };
    match process.parse() {
        Err(exit) => exit.into(),
        Ok(matches) => match matches.subcommand() {
            Some(("auth", matches)) => process.run(matches).into(),
            _ => ExitCode::SUCCESS,
        },
    }
}
