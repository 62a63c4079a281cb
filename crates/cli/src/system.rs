//! The real surroundings: the one place of this crate that touches the process.

use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;

use anstream::{AutoStream, ColorChoice};
use clap::ArgMatches;
use hallpass_client::system::SystemTimes;
use hallpass_client::{Client, Environment};
use hallpass_core::Secret;
use hallpass_core::brand::Brand;

mod processes;

pub(crate) use processes::{Forwarding, Target, code_of};

use crate::terminal::Streams;
use crate::{Context, Exit, Input, Io};

/// This process: its arguments, its streams, its surroundings.
#[derive(Clone, Copy)]
pub struct Process<'a> {
    /// Names, paths and variables.
    pub brand: &'a Brand,
    /// What a person types before our commands: `hallpass`, or `yourtool auth`.
    pub program: &'a str,
    /// The whole tree, as it is mounted.
    pub tree: &'a dyn Fn() -> clap::Command,
}

/// Says the version if the whole command line asks for nothing else: no tree is built and
/// no brand is read for that. It is what clap says for `program`.
pub fn version(program: &str) -> Option<Exit> {
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next().is_some_and(|asked| asked == "--version" || asked == "-V");
    if !asked || arguments.next().is_some() {
        return None;
    }
    let said = writeln!(io::stdout(), "{program} {}", env!("CARGO_PKG_VERSION"));
    Some(if said.is_ok() { Exit::Usable } else { Exit::Other })
}

/// From now on, a write beyond the limit of file sizes (`ulimit -f`) fails like a full
/// disk, and is told, instead of ending the process (CLIENT D9).
pub fn outlive_file_size_limit() {
    // That there is a handler is all that is wanted of it; nobody reads the flag. Where it
    // cannot be had, the signal does what it always does.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::<AtomicBool>::default());
}

/// cargo starts a credential provider with this one argument (CLIENT I2); what it was to be
/// told stands in the requests.
fn for_cargo(mut arguments: Vec<OsString>, brand: &Brand, program: &str) -> Vec<OsString> {
    const PLUGIN: &str = "--cargo-plugin";
    if arguments.get(1).is_some_and(|first| first == PLUGIN) && arguments.len() == 2 {
        arguments.truncate(1);
        arguments.extend(program.split(' ').skip(1).map(OsString::from));
        let line = brand.spelt(program, &format!("{program} credential cargo {PLUGIN}"));
        let words = line.strip_prefix(program).unwrap_or_default().split_whitespace();
        arguments.extend(words.map(OsString::from));
    }
    arguments
}

impl Process<'_> {
    /// Parses the arguments of the process against the whole tree.
    ///
    /// # Errors
    /// With what to end with, when the answer has been given already: help, the
    /// version, or what was wrong with the arguments.
    pub fn parse(&self) -> Result<ArgMatches, Exit> {
        self.parse_first(|_| None)
    }

    /// The same, but tries the tree with only the command at its root that has this name first,
    /// where that can be made without the rest: [`crate::command_alone`]. It parses what it
    /// parses as the whole tree does; anything that it refuses is put to the whole tree.
    ///
    /// # Errors
    /// As [`Process::parse`].
    pub fn parse_first(
        &self,
        alone: impl FnOnce(&str) -> Option<clap::Command>,
    ) -> Result<ArgMatches, Exit> {
        let arguments = for_cargo(std::env::args_os().collect(), self.brand, self.program);
        let first = arguments.get(1).and_then(|first| first.to_str());
        if let Some(matches) =
            first.and_then(alone).and_then(|alone| alone.try_get_matches_from(&arguments).ok())
        {
            return Ok(matches);
        }
        (self.tree)().try_get_matches_from(&arguments).map_err(|error| {
            let arguments: Vec<String> = arguments
                .iter()
                .skip(1)
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect();
            self.with(|cx, io| crate::usage(cx, io, &error, &arguments))
        })
    }

    /// Runs the command of ours that `matches` names; `matches` are those of the
    /// command that [`crate::mount`] was called on.
    pub fn run(&self, matches: &ArgMatches) -> Exit {
        self.with(|cx, io| crate::run(cx, io, matches))
    }

    /// Tells a client's error as our commands do.
    pub(crate) fn failed(&self, error: &hallpass_client::Error) -> Exit {
        self.with(|cx, io| {
            let retry = format!("{} status --check", cx.program);
            let failure = crate::refusal::told(error, cx, &retry);
            self.output(cx, io, |out| out.failure(&failure))
        })
    }

    /// Tells what happened on the way.
    pub(crate) fn warn(&self, warnings: &[hallpass_client::Warning]) {
        if warnings.is_empty() {
            return;
        }
        self.with(|cx, io| {
            self.output(cx, io, |out| {
                warnings.iter().for_each(|warning| out.warning(&warning.to_string()));
            });
            Exit::Usable
        });
    }

    fn output<T>(
        &self,
        cx: &Context<'_>,
        io: Io<'_>,
        act: impl FnOnce(&mut crate::Output<'_>) -> T,
    ) -> T {
        let color = crate::terminal::ColorWhen::Auto;
        let terminal = crate::terminal::Terminal::read(io.streams, color, cx.environment);
        act(&mut crate::Output::new(terminal, cx.program, io.stdout, io.stderr))
    }

    fn with(&self, act: impl FnOnce(&Context<'_>, Io<'_>) -> Exit) -> Exit {
        let environment: Arc<dyn Environment> = Arc::new(ProcessEnvironment);
        let cx = Context {
            brand: self.brand,
            program: self.program,
            tree: self.tree,
            environment: &*environment,
            clock: &SystemTimes,
            client: &|selection| {
                Client::on_this_machine(self.brand.clone(), environment.clone(), selection)
                    .telling(waiting)
            },
            on_interrupt: &on_interrupt,
        };
        let io = Io {
            streams: streams(),
            stdin: &mut Stdin,
            // What is painted is decided elsewhere; this only translates for consoles
            // that need it.
            stdout: &mut AutoStream::new(io::stdout(), ColorChoice::Always),
            stderr: &mut AutoStream::new(io::stderr(), ColorChoice::Always),
        };
        act(&cx, io)
    }
}

/// Says what is waited for, where silence would be taken for a program that hangs.
pub(crate) fn waiting(what: &str) {
    // Nobody can be told that standard error is gone.
    let _ = writeln!(io::stderr(), "waiting for {what} ...");
}

/// The process's environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads variables")]
    fn raw_var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    #[allow(clippy::disallowed_methods, reason = "the one place that asks for the home directory")]
    fn home(&self) -> Option<PathBuf> {
        etcetera::home_dir().ok()
    }

    fn working_dir(&self) -> Option<PathBuf> {
        std::env::current_dir().ok()
    }
}

/// The names of all variables of this process.
#[allow(clippy::disallowed_methods, reason = "the one place that reads variables")]
pub(crate) fn variable_names() -> Vec<OsString> {
    std::env::vars_os().map(|(name, _)| name).collect()
}

/// The process's standard input.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stdin;

impl Input for Stdin {
    fn read_all(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn hidden(&mut self, question: &str) -> io::Result<Option<Secret>> {
        use inquire::{InquireError, Password, PasswordDisplayMode};
        let prompt = Password::new(question)
            .without_confirmation()
            .with_display_mode(PasswordDisplayMode::Hidden);
        match prompt.prompt() {
            Ok(secret) => Ok(Some(Secret::new(secret))),
            Err(InquireError::OperationCanceled | InquireError::OperationInterrupted) => Ok(None),
            Err(InquireError::IO(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn confirm(&mut self, question: &str) -> io::Result<Option<bool>> {
        use inquire::{Confirm, InquireError};
        match Confirm::new(question).with_default(false).prompt() {
            Ok(said) => Ok(Some(said)),
            Err(InquireError::OperationCanceled | InquireError::OperationInterrupted) => Ok(None),
            Err(InquireError::IO(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn each_line(&mut self, mut take: Box<dyn FnMut(String) -> bool + Send>) {
        // It blocks in `read` until the process ends; nobody waits for it.
        std::thread::spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if !take(line) {
                    break;
                }
            }
        });
    }
}

/// Whether there is a terminal to ask at, whatever the three streams are used for.
pub(crate) fn has_terminal() -> bool {
    let path = if cfg!(windows) { "CONIN$" } else { "/dev/tty" };
    std::fs::File::open(path).is_ok_and(|terminal| terminal.is_terminal())
}

/// Another program in the place of this one; comes back only if it cannot be, or where
/// there is no such thing: then with the code that the program ended with.
pub(crate) fn run_instead(command: &mut std::process::Command) -> io::Result<u8> {
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(command));
    #[cfg(not(unix))]
    Ok(command.status()?.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Another program beside this one, which waits for it: signals are the program's, and its code
/// is answered.
pub(crate) fn run_beside(command: &mut std::process::Command) -> io::Result<u8> {
    let signals = Forwarding::begin();
    let mut program = command.spawn()?;
    signals.to(Target::of(program.id()).as_ref());
    Ok(code_of(program.wait()?))
}

/// A secret that waits in a pipe for a program that inherits it. It can be read once.
pub(crate) struct Waiting(#[cfg(unix)] io::PipeReader);

/// Puts `secret` into a pipe whose other end the next program inherits.
#[cfg(unix)]
pub(crate) fn on_a_descriptor(secret: &Secret) -> io::Result<Waiting> {
    use rustix::io::FdFlags;
    // A pipe takes that much without anybody reading (POSIX says 512, Linux 64 KiB).
    let (reader, mut writer) = io::pipe()?;
    let limit = 16 * 1024;
    if secret.expose().len() > limit {
        return Err(io::Error::other("the token is too long for a pipe"));
    }
    writer.write_all(secret.expose().as_bytes())?;
    rustix::io::fcntl_setfd(&reader, FdFlags::empty())?;
    Ok(Waiting(reader))
}

/// There is no such thing there.
#[cfg(not(unix))]
pub(crate) fn on_a_descriptor(_: &Secret) -> io::Result<Waiting> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "no program can inherit a descriptor here"))
}

impl Waiting {
    /// The descriptor's number.
    pub(crate) fn number(&self) -> i32 {
        #[cfg(unix)]
        return std::os::fd::AsRawFd::as_raw_fd(&self.0);
        #[cfg(not(unix))]
        return -1;
    }
}

/// What the operating system knows about the three streams.
fn streams() -> Streams {
    Streams {
        stdin: io::stdin().is_terminal(),
        stdout: io::stdout().is_terminal(),
        stderr: io::stderr().is_terminal(),
        columns: terminal_size::terminal_size_of(io::stderr())
            .or_else(|| terminal_size::terminal_size_of(io::stdout()))
            .map(|(columns, _)| columns.0),
        always_unicode: cfg!(windows),
    }
}

/// From now on, Ctrl-C calls `act` instead of ending the process; a second one ends it.
///
/// So a waiting sign-in can free its port, say what was kept and end with 130. Where
/// signals are not what Ctrl-C is made of, it goes on doing what it always does.
fn on_interrupt(act: Box<dyn Fn() + Send>) {
    #[cfg(unix)]
    if let Ok(mut signals) = signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT]) {
        std::thread::spawn(move || {
            for (count, _) in signals.forever().enumerate() {
                if count > 0 {
                    std::process::exit(i32::from(crate::Exit::Interrupted.code()));
                }
                act();
            }
        });
    }
    #[cfg(not(unix))]
    drop(act);
}
