//! A child process whose output is kept, and which does not outlive its owner.

use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal};

use crate::{tree, wait};

/// How often a finished process's pipes are checked for their end.
const READER_CHECKS: u32 = 200;
/// Variables that every child gets; nothing else of our environment reaches one.
const KEPT: [&str; 3] = ["PATH", "LANG", "TMPDIR"];

/// The binary `name` beside the test binaries.
pub fn binary(name: &str) -> Result<std::path::PathBuf> {
    let here = std::env::current_exe().context("where the test binary is")?;
    let directory = here.ancestors().nth(2).context("the target directory")?;
    let path = directory.join(name);
    if !path.exists() {
        bail!(
            "{} is missing: run `cargo build --workspace --bins` first",
            path.strip_prefix(tree::root()).unwrap_or(&path).display()
        );
    }
    Ok(path)
}

/// The command line of every process on this machine that we may see.
pub fn command_lines() -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        // Processes come and go while we look.
        if let Ok(line) = std::fs::read(entry?.path().join("cmdline")) {
            lines.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    Ok(lines)
}

/// A command with a clean environment.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in KEPT {
        command.envs(crate::system::var(name).map(|value| (name, value)));
    }
    command
}

/// What a finished process left.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// What it wrote to either, standard output first.
    pub fn written(&self) -> String {
        [self.stdout.as_str(), self.stderr.as_str()].concat()
    }
}

/// What a process has written so far.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// Keeps whatever comes from `source` until it ends.
    pub fn keep(mut source: impl Read + Send + 'static) -> (Self, thread::JoinHandle<()>) {
        let written = Self::default();
        let sink = written.clone();
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal whose other side is closed is an error, which is an end too.
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                let mut sink = sink.0.lock().unwrap_or_else(PoisonError::into_inner);
                sink.extend_from_slice(&buffer[..count]);
            }
        });
        (written, reader)
    }

    /// As text.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Waits until all is read that a process wrote which has ended: it is on its way by now.
/// A grandchild may hold the other side open for longer.
pub(crate) async fn read_up(readers: &[thread::JoinHandle<()>]) {
    for _ in 0..READER_CHECKS {
        if readers.iter().all(thread::JoinHandle::is_finished) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// A process that runs. It is killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// What it wrote to standard output.
    pub stdout: Written,
    /// What it wrote to standard error.
    pub stderr: Written,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Running {
    /// Starts it. Its standard input is empty unless the command says otherwise.
    pub fn start(command: &mut Command) -> Result<Self> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_os_string();
        let mut child =
            command.spawn().with_context(|| format!("starting {}", program.display()))?;
        let (stdout, first) = Written::keep(child.stdout.take().context("standard output")?);
        let (stderr, second) = Written::keep(child.stderr.take().context("standard error")?);
        Ok(Self { child, stdout, stderr, readers: vec![first, second] })
    }

    /// Starts it, writes `input` to it, and waits for its end.
    pub async fn finish(command: &mut Command, input: &[u8]) -> Result<Finished> {
        let mut running = Self::start(command.stdin(Stdio::piped()))?;
        if let Some(mut stdin) = running.child.stdin.take() {
            // A program that does not read its input may be gone by now.
            let _ = stdin.write_all(input);
        }
        running.finished().await
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to either, standard output first.
    pub fn written(&self) -> String {
        [self.stdout.text(), self.stderr.text()].concat()
    }

    /// The exit status, if it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    pub async fn finished(&mut self) -> Result<Finished> {
        let name = format!("process {} to end", self.id());
        let status = wait::until(&name, async || Ok(self.child.try_wait()?)).await?;
        read_up(&self.readers).await;
        Ok(Finished { code: status.code(), stdout: self.stdout.text(), stderr: self.stderr.text() })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal)
            .with_context(|| format!("{signal:?} to {}", self.id()))
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
