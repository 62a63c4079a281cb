//! A town for tests: an environment, a clock, streams and a home, without a process.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::{ArgMatches, Command};
use hallpass_client::{Client, Environment};
use hallpass_core::brand::Brand;
use hallpass_core::{Clock, Secret, Timestamp};

use crate::arguments::Globals;
use crate::terminal::{ColorWhen, Streams, Terminal};
use crate::{Context, Exit, Input, Io, Output};

/// What a test's command sees. On a terminal of 80 columns with Unicode and without
/// colour, unless said otherwise.
pub(crate) struct Town {
    brand: Brand,
    streams: Streams,
    variables: BTreeMap<&'static str, String>,
    home: tempfile::TempDir,
    stdin: Vec<u8>,
}

/// What a command did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) exit: Exit,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Town {
    pub(crate) fn new() -> Self {
        let streams = Streams {
            stdin: true,
            stdout: true,
            stderr: true,
            columns: Some(80),
            always_unicode: false,
        };
        Self {
            brand: Brand::hallpass(),
            streams,
            variables: BTreeMap::from([
                ("LANG", "C.UTF-8".into()),
                ("NO_COLOR", "1".into()),
                // Nobody's keyring is touched.
                ("HALLPASS_STORE", "file".into()),
            ]),
            home: tempfile::tempdir().expect("a home"),
            stdin: Vec::new(),
        }
    }

    pub(crate) fn columns(mut self, columns: u16) -> Self {
        self.streams.columns = Some(columns);
        self
    }

    /// Under another brand.
    pub(crate) fn brand(mut self, change: impl FnOnce(&mut Brand)) -> Self {
        change(&mut self.brand);
        self
    }

    /// Nothing is said about the store, and a keyring has no time to answer.
    pub(crate) fn without_a_store(mut self) -> Self {
        self.variables.remove("HALLPASS_STORE");
        self.var("HALLPASS_KEYRING_TIMEOUT", "0")
    }

    /// No stream is a terminal.
    pub(crate) fn piped(mut self) -> Self {
        self.streams = Streams::default();
        self
    }

    pub(crate) fn var(mut self, name: &'static str, value: &str) -> Self {
        self.variables.insert(name, value.to_owned());
        self
    }

    pub(crate) fn stdin(&mut self, bytes: &[u8]) {
        self.stdin = bytes.to_vec();
    }

    pub(crate) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    pub(crate) fn streams(&self) -> Streams {
        self.streams
    }

    pub(crate) fn terminal(&self) -> Terminal {
        Terminal::read(self.streams, ColorWhen::Auto, &self.environment())
    }

    pub(crate) fn input(&self) -> Typed {
        Typed { bytes: self.stdin.clone(), asked: Arc::default() }
    }

    /// What `act` says as prose.
    pub(crate) fn told(&self, act: impl FnOnce(&Context<'_>, &mut Output<'_>)) -> String {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let terminal = self.terminal();
        self.with(|cx| {
            act(cx, &mut Output::new(terminal, "hallpass", &mut stdout, &mut stderr));
        });
        assert!(stdout.is_empty(), "prose goes to standard error");
        String::from_utf8(stderr).expect("text")
    }

    /// What `act` says as data, for a program.
    pub(crate) fn data(&self, act: impl FnOnce(&Context<'_>, &mut Output<'_>)) -> String {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let terminal = self.terminal();
        self.with(|cx| {
            let mut out = Output::new(terminal, "hallpass", &mut stdout, &mut stderr);
            out.json = true;
            act(cx, &mut out);
        });
        assert!(stderr.is_empty(), "data goes to standard output");
        String::from_utf8(stdout).expect("text")
    }

    /// What `read` makes of a command line's subcommand.
    pub(crate) fn parse<T>(
        &self,
        line: &str,
        read: impl FnOnce(&Context<'_>, &Globals, &ArgMatches) -> T,
    ) -> T {
        self.with(|cx| {
            let matches = (cx.tree)().try_get_matches_from(line.split_whitespace());
            let matches = matches.expect("a line that clap accepts");
            let (_, command) = matches.subcommand().expect("a command");
            read(cx, &Globals::read(&matches), command)
        })
    }

    /// Runs a command line.
    pub(crate) fn run(&self, line: &str) -> Done {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let mut typed = self.input();
        let exit = self.with(|cx| {
            let io = Io {
                streams: self.streams,
                stdin: &mut typed,
                stdout: &mut stdout,
                stderr: &mut stderr,
            };
            match (cx.tree)().try_get_matches_from(&arguments) {
                Ok(matches) => crate::run(cx, io, &matches),
                Err(error) => crate::usage(cx, io, &error, &arguments[1..]),
            }
        });
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let asked = typed.asked.lock().expect("questions").clone();
        Done { exit, stdout: text(stdout), stderr: asked + &text(stderr) }
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&Context<'_>) -> T) -> T {
        let environment = Arc::new(self.environment());
        act(&Context {
            brand: &self.brand,
            program: "hallpass",
            // At 80 columns, however wide the terminal is that runs the tests.
            tree: &|| {
                let serve = Command::new("serve").about("Run the server");
                crate::command(&self.brand).subcommand(serve).term_width(80)
            },
            environment: &*environment,
            clock: &At(Timestamp::from_secs(1_795_351_200)),
            client: &|selection| {
                Client::on_this_machine(self.brand.clone(), environment.clone(), selection)
            },
            on_interrupt: &|_| {},
        })
    }

    fn environment(&self) -> Table {
        Table { variables: self.variables.clone(), home: self.home.path().to_owned() }
    }
}

struct Table {
    variables: BTreeMap<&'static str, String>,
    home: PathBuf,
}

impl Environment for Table {
    fn raw_var(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn home(&self) -> Option<PathBuf> {
        Some(self.home.clone())
    }

    fn read(&self, _: &std::path::Path) -> Option<String> {
        None
    }
}

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// What was typed or piped in.
pub(crate) struct Typed {
    bytes: Vec<u8>,
    /// What was asked; a real prompt would write it to the terminal.
    asked: Arc<Mutex<String>>,
}

impl Input for Typed {
    fn read_all(&mut self, _: u64) -> io::Result<Vec<u8>> {
        Ok(self.bytes.clone())
    }

    fn hidden(&mut self, _: &str) -> io::Result<Option<Secret>> {
        Ok(String::from_utf8(self.bytes.clone()).ok().map(Secret::new))
    }

    fn confirm(&mut self, question: &str) -> io::Result<Option<bool>> {
        self.asked.lock().expect("questions").push_str(&format!("{question}\n"));
        match self.bytes.first() {
            Some(b'y') => Ok(Some(true)),
            Some(b'n') => Ok(Some(false)),
            _ => Ok(None),
        }
    }

    fn each_line(&mut self, mut take: Box<dyn FnMut(String) -> bool + Send>) {
        for line in String::from_utf8_lossy(&self.bytes).lines() {
            if !take(line.to_owned()) {
                break;
            }
        }
    }
}
