//! What a command asks of the kernel, as strace(1) tells it.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// How much was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counts {
    /// System calls, of all threads.
    pub(super) calls: f64,
    /// Files that were opened; libraries are among them.
    pub(super) files: f64,
}

/// Runs `command` under strace, which writes to the file `into`. `None` where there is no strace,
/// or where it may not trace.
pub(super) fn counted(command: &Command, into: &Path) -> Result<Option<Counts>> {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o"]).arg(into).arg("--").arg(command.get_program());
    traced.args(command.get_args());
    // The command's own surroundings; strace itself is found with ours.
    traced.env_clear();
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    traced.envs(variables.collect::<Vec<(&OsStr, &OsStr)>>());
    traced.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = match traced.status() {
        Ok(status) => status,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context("starting strace"),
    };
    if !status.success() {
        return Ok(None);
    }
    let told = std::fs::read(into).with_context(|| format!("reading {}", into.display()))?;
    Ok(Some(read(&String::from_utf8_lossy(&told))))
}

/// Reads what strace wrote: a call a line, in two lines if another thread came between.
fn read(told: &str) -> Counts {
    let lines = || told.lines().filter_map(|line| line.split_once(' ')).map(|it| it.1.trim());
    let is_call = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    let opened = |line: &&str| {
        let name = line.trim_start_matches("<... ");
        let opens = ["open(", "openat(", "openat2(", "creat(", "open ", "openat ", "openat2 "];
        let result = line.rsplit_once(" = ").map_or("", |(_, result)| result);
        opens.iter().any(|open| name.starts_with(open))
            && result.starts_with(|c: char| c.is_ascii_digit())
    };
    Counts {
        calls: lines().filter(is_call).count() as f64,
        files: lines().filter(opened).count() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_once_and_a_file_if_it_was_opened() {
        let told = "\
7 execve(\"/bin/true\", [\"true\"], 0x7ffe /* 1 var */) = 0
7 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3
7 openat(AT_FDCWD, \"/no\", O_RDONLY) = -1 ENOENT (No such file or directory)
7 openat(AT_FDCWD, \"/slow\", O_RDONLY <unfinished ...>
8 read(4, \"= 5\", 3) = 3
7 <... openat resumed>) = 5
7 --- SIGCHLD {si_signo=SIGCHLD} ---
7 exit_group(0) = ?
7 +++ exited with 0 +++
";
        assert_eq!(read(told), Counts { calls: 6.0, files: 2.0 });
    }
}
