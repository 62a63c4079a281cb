//! Commands that scripts call in loops, against a program that does nothing.
//!
//! Start, run, wait: the whole life of the process as its caller sees it. Nothing of
//! this may need a runtime, TLS or a keyring, and no server runs meanwhile.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{Bench, trace};
use crate::spread::{Pairs, Spread};
use crate::system::Stopwatch;
use crate::table::{Goal, Row, Unit};

/// A program that does nothing, well.
const NOTHING: &str = "/bin/true";

struct Case {
    what: &'static str,
    arguments: &'static [&'static str],
    variables: Vec<(&'static str, String)>,
    goal: Goal,
}

/// `token print`, `status`, `--version`.
pub(super) fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let program = bench.program.clone();
    let home = bench.scratch.join("home");
    std::fs::create_dir_all(&home)?;
    let few = bench.few()?;
    let server = few.serve(&program)?;
    let token = few.access_tokens(&server, 1)?.remove(0);
    let url = few.url().to_owned();
    program
        .run(&["login", &url, "--with-token"], &home, &token)
        .context("keeping a token for later")?;
    server.stop()?;

    let cases = [
        Case {
            what: "token print, from the file",
            arguments: &["token", "print"],
            variables: Vec::new(),
            goal: Goal::AtMost(3.0),
        },
        Case {
            what: "token print, from a variable",
            arguments: &["token", "print"],
            variables: vec![("HALLPASS_TOKEN", token)],
            goal: Goal::AtMost(3.0),
        },
        Case {
            what: "status",
            arguments: &["status"],
            variables: Vec::new(),
            goal: Goal::AtMost(6.0),
        },
        Case {
            what: "--version",
            arguments: &["--version"],
            variables: Vec::new(),
            goal: Goal::AtMost(2.0),
        },
    ];
    let mut rows = Vec::new();
    for case in &cases {
        rows.push(case.measure(bench, program.path(), &home)?);
        rows.extend(case.count(bench, program.path(), &home)?);
    }
    Ok(rows)
}

impl Case {
    fn measure(&self, bench: &Bench, program: &Path, home: &Path) -> Result<Row> {
        let mut pairs = Pairs::default();
        for round in 0..=bench.size.rounds {
            let (mut ours, mut nothing) = (Vec::new(), Vec::new());
            for _ in 0..bench.size.runs {
                nothing.push(life(&mut self.command(Path::new(NOTHING), home))?);
                ours.push(life(&mut self.command(program, home))?);
            }
            // The first round warms caches up and is not counted.
            if round > 0 {
                pairs.push(Spread::of(ours).median, Spread::of(nothing).median);
            }
        }
        Ok(Row::new(self.what, Unit::Seconds, &pairs, self.goal))
    }

    /// System calls, and files that were opened: counts do not depend on how busy the machine is.
    fn count(&self, bench: &Bench, program: &Path, home: &Path) -> Result<[Row; 2]> {
        let names = ["system calls", "files opened"].map(|name| format!("{}: {name}", self.what));
        let (mut calls, mut files) = (Pairs::default(), Pairs::default());
        let into = bench.scratch.join("calls");
        let ours = trace::counted(&self.command(program, home), &into)?;
        let nothing = trace::counted(&self.command(Path::new(NOTHING), home), &into)?;
        let (Some(ours), Some(nothing)) = (ours, nothing) else {
            return Ok(names.map(Row::not_counted));
        };
        calls.push(ours.calls, nothing.calls);
        files.push(ours.files, nothing.files);
        let [of_calls, of_files] = names;
        Ok([
            Row::new(of_calls, Unit::Count, &calls, Goal::Nothing),
            Row::new(of_files, Unit::Count, &files, Goal::Nothing),
        ])
    }

    /// Both sides get the same arguments and variables; `/bin/true` ignores them.
    fn command(&self, program: &Path, home: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .args(self.arguments)
            .env_clear()
            .env("HOME", home)
            // Nobody is here to say where sign-ins may be kept.
            .env("HALLPASS_STORE", "file")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

/// Seconds from before the start until after the end.
fn life(command: &mut Command) -> Result<f64> {
    let watch = Stopwatch::start();
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    let took = watch.elapsed();
    ensure!(status.success(), "{:?} ended with {status}", command.get_program());
    Ok(took.as_secs_f64())
}
