//! The binary: the commands of [`hallpass_cli`], and those that need the server.
//!
//! To add one: a module with `command()` and `run()`, one line in [`tree`], one in
//! [`main`]. A client command starts no runtime and loads no TLS roots: everything
//! heavier than parsing happens inside the command that needs it.

mod admin;
mod brand;
mod demo;
mod serve;
mod settings;
mod system;

use std::process::ExitCode;

use clap::Command;
use hallpass_cli::system::Process;
use hallpass_core::brand::Brand;

fn main() -> ExitCode {
    if let Some(said) = hallpass_cli::system::version("hallpass") {
        return said.into();
    }
    hallpass_cli::system::outlive_file_size_limit();
    let named = brand::named(&system::arguments());
    let brand = match named.as_deref().map(brand::read) {
        None => Brand::hallpass(),
        Some(Ok(brand)) => brand,
        Some(Err(why)) => {
            system::tell(&format!("error: {why}\n  Nothing was done.\n"));
            return ExitCode::from(2);
        }
    };
    // What is to be typed next is what works here.
    let program = match &named {
        Some(file) => format!("hallpass --brand {}", file.display()),
        None => "hallpass".to_owned(),
    };
    let process = Process { brand: &brand, program: &program, tree: &|| tree(&brand, &program) };
    let alone = |name: &str| {
        hallpass_cli::command_alone(&brand, name).map(|tree| as_called(tree, &program))
    };
    let matches = match process.parse_first(alone) {
        Ok(matches) => matches,
        Err(exit) => return exit.into(),
    };
    let besides = matches.subcommand().filter(|(name, _)| is_besides(&brand, name));
    match besides {
        Some(("serve", matches)) => serve::run(matches),
        Some(("admin", matches)) => admin::run(matches),
        Some(("demo", _)) => demo::run(),
        Some((_, matches)) => brand::run(matches),
        None => process.run(&matches).into(),
    }
}

/// Whether a command is one that this program has besides those of the brand.
fn is_besides(brand: &Brand, name: &str) -> bool {
    matches!(name, "serve" | "admin" | "demo" | "brand") && !hallpass_cli::has_command(brand, name)
}

/// What the brand has of its own comes before what this program has besides.
fn tree(brand: &Brand, program: &str) -> Command {
    let besides = [serve::command(), admin::command(), demo::command(), brand::command()];
    let besides = besides.into_iter().filter(|it| is_besides(brand, it.get_name()));
    as_called(hallpass_cli::command(brand).subcommands(besides), program)
}

/// With the flag that makes it another tool, and usage lines that can be typed.
fn as_called(tree: Command, program: &str) -> Command {
    tree.arg(brand::flag()).bin_name(program)
}
