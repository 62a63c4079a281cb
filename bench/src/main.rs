//! Ratios within one run: ours beside the least that the same work can cost here.
//!
//! Machines are noisy, so a figure alone says nothing. Everything is measured side by
//! side, in rounds that alternate, and what is shown is each round's ratio: the median,
//! how far the rounds were apart, and the goal of DESIGN.md §8.
//!
//! | module | what |
//! |---|---|
//! | [`parts`] | what is measured, one file each |
//! | [`bare`] | the bare handlers that ours are measured against, in a process of their own |
//! | [`load`], [`http`] | keep-alive connections that ask and count right answers |
//! | [`process`] | starting and stopping servers; their processor time and memory |
//! | [`program`] | the real binary, fresh from cargo |
//! | [`deployment`], [`bulk`] | a data directory as an operator's script makes it, with many tokens in it |
//! | [`spread`], [`table`] | medians, and the table |
//! | [`machine`], [`system`] | what it ran on; clocks and chance |
//!
//! Nobody imports this crate; like the testkit it may use every other one.

mod bare;
mod bulk;
mod deployment;
mod http;
mod load;
mod machine;
mod parts;
mod process;
mod program;
mod spread;
mod system;
mod table;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::parts::{Bench, Part, Size};
use crate::program::Program;

/// Measures hallpass against the least that the same work can cost on this machine.
#[derive(Debug, Parser)]
#[command(name = "hallpass-bench", version)]
struct Arguments {
    /// Few and short rounds: shows that everything runs, says little about speed.
    #[arg(long)]
    quick: bool,
    /// How many tokens are many; 10000000 takes some gigabytes of disk.
    #[arg(long, value_name = "N")]
    many: Option<u32>,
    /// Only this part; may be given several times.
    #[arg(long, value_name = "NAME", value_enum)]
    only: Vec<Part>,
    /// Where to keep data meanwhile; a disk, not memory. Beside this program if not given.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    hidden: Option<Hidden>,
}

#[derive(Debug, Subcommand)]
enum Hidden {
    /// Serves the bare handlers; the bench starts it by itself.
    #[command(hide = true)]
    Bare,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.hidden {
        Some(Hidden::Bare) => bare::serve(),
        None => run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "hallpass-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let program = Program::find(say)?;
    let beside = program.directory().join("bench-data");
    let parent = arguments.dir.as_ref().unwrap_or(&beside);
    std::fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    let scratch =
        tempfile::tempdir_in(parent).with_context(|| format!("writing to {}", parent.display()))?;
    let scratch_path = scratch.path().canonicalize()?;

    let machine = machine::describe(&scratch_path);
    say(&machine);
    if machine::forgets(&machine) {
        say("This file system forgets: rows about durability say nothing. Use --dir on a disk.");
    }
    if cfg!(debug_assertions) {
        say("This is a debug build: the goals are meant for --release.");
    }
    let mut size = if arguments.quick { Size::quick() } else { Size::full() };
    if let Some(many) = arguments.many {
        size.tokens[1] = many;
    }
    let mut bench = Bench::new(program, scratch_path, size, say);
    let mut rows = Vec::new();
    for part in Part::ALL {
        if arguments.only.is_empty() || arguments.only.contains(&part) {
            say(&format!("measuring {}", part.title()));
            rows.extend(bench.measure(part).with_context(|| part.title())?);
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nhallpass-bench: {machine}\n{}", size.describe())?;
    writeln!(out, "\n{}", table::render(&rows))?;
    Ok(())
}

/// Progress goes to stderr; the table alone to stdout.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
