//! Everything that a command needs from outside, as arguments.
//!
//! A program that mounts the commands fills these in once; `system` does it for real
//! processes, tests with tables and buffers.

use std::io::{self, Write};

use hallpass_client::{Client, Environment, Selection};
use hallpass_core::brand::Brand;
use hallpass_core::{Clock, Secret};

use crate::terminal::Streams;

/// The surroundings of one invocation.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Names, paths and variables.
    pub brand: &'a Brand,
    /// What a person types before our commands: `hallpass`, or `yourtool auth`.
    pub program: &'a str,
    /// The whole tree as it is mounted, for completions and manual pages.
    pub tree: &'a dyn Fn() -> clap::Command,
    /// Variables, home, host name.
    pub environment: &'a dyn Environment,
    /// What time it is, to say how long something still lasts.
    pub clock: &'a dyn Clock,
    /// Makes the client; nothing is opened or sent by that.
    pub client: &'a dyn Fn(Selection) -> Client,
    /// From the call on, Ctrl-C calls the given function instead of ending the
    /// process. A second Ctrl-C ends it.
    pub on_interrupt: &'a dyn Fn(Box<dyn Fn() + Send>),
}

/// The three standard streams.
pub struct Io<'a> {
    /// Which of them are terminals.
    pub streams: Streams,
    /// What comes in.
    pub stdin: &'a mut dyn Input,
    /// Data.
    pub stdout: &'a mut dyn Write,
    /// Prose.
    pub stderr: &'a mut dyn Write,
}

/// Standard input.
pub trait Input {
    /// Everything that is there, but not more than `limit` bytes and one.
    fn read_all(&mut self, limit: u64) -> io::Result<Vec<u8>>;

    /// One line, asked for with `question` and typed without being seen. `None` if the
    /// person changed their mind.
    fn hidden(&mut self, question: &str) -> io::Result<Option<Secret>>;

    /// Yes or no, asked for with `question`. `None` if the person changed their mind.
    fn confirm(&mut self, question: &str) -> io::Result<Option<bool>>;

    /// Hands every line that is typed from now on to `take`, while something else goes
    /// on, until `take` wants no more.
    fn each_line(&mut self, take: Box<dyn FnMut(String) -> bool + Send>);
}

impl Context<'_> {
    /// Whether nobody is there to be asked, whatever the terminal says (CLIENT A8);
    /// says why.
    pub fn unattended(&self) -> Option<String> {
        hallpass_client::login::Facts::gather(self.environment, &self.brand.variable_prefix, true)
            .unattended
    }
}
