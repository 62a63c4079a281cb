//! A tool with a verb of its own, and `mytool auth login|status|logout|token` beside it.

#![allow(clippy::print_stdout, reason = "printing is what this tool does")]

use std::process::ExitCode;

use clap::{Arg, Command};
use hallpass_cli::embed::Auth;
use serde_json::Value;

fn tree() -> Command {
    let greeting = Arg::new("greeting").default_value("Hello");
    Command::new("mytool")
        .about("Greets whoever is signed in")
        .arg_required_else_help(true)
        .subcommand(Command::new("greet").about("Greet").arg(greeting))
}

fn main() -> ExitCode {
    let auth = Auth::mount(include_str!("../mytool.toml"), tree);
    match auth.matches().subcommand() {
        Some(("auth", matches)) => auth.run(matches),
        Some(("greet", matches)) => auth.call(|session| {
            let me: Value = session.get("/api/v1/whoami")?;
            let greeting = matches.get_one::<String>("greeting").unwrap();
            println!("{greeting}, {}!", me["name"].as_str().unwrap_or("stranger"));
            Ok(())
        }),
        _ => ExitCode::FAILURE,
    }
}
