//! What is measured, one file each, and how much of it.

mod commands;
mod handlers;
mod issuance;
mod scale;
mod start;
mod trace;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::deployment::Deployment;
use crate::program::Program;
use crate::table::Row;

/// One part of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Introspection against a bare form-to-JSON handler.
    Introspection,
    /// A check against a bare GET.
    Check,
    /// Checks among many tokens against checks among few.
    Scale,
    /// Verifying in the process against one SHA-256, and one ES256 signature.
    Verify,
    /// Durable issuance against single commits.
    Issuance,
    /// Start to the first correct answer, and memory, with few and with many tokens.
    Start,
    /// Commands against /bin/true.
    Commands,
}

impl Part {
    /// In the order in which they run.
    pub(crate) const ALL: [Self; 7] = [
        Self::Introspection,
        Self::Check,
        Self::Verify,
        Self::Issuance,
        Self::Scale,
        Self::Start,
        Self::Commands,
    ];

    /// For people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Introspection => "introspection against a bare handler",
            Self::Check => "a check against a bare GET",
            Self::Scale => "checks among many tokens against checks among few",
            Self::Verify => "verifying in the process",
            Self::Issuance => "durable issuance against single commits",
            Self::Start => "start and memory, with few and with many tokens",
            Self::Commands => "commands against /bin/true",
        }
    }
}

/// How many rounds, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Rounds, each with both sides.
    pub(crate) rounds: usize,
    /// How long each side of a round asks a server.
    pub(crate) handler: Duration,
    /// How long each side of a round writes.
    pub(crate) writing: Duration,
    /// How often each command runs in a round.
    pub(crate) runs: usize,
    /// Few tokens, and many.
    pub(crate) tokens: [u32; 2],
}

impl Size {
    /// For figures that mean something.
    pub(crate) fn full() -> Self {
        Self {
            rounds: 9,
            handler: Duration::from_secs(2),
            writing: Duration::from_secs(1),
            runs: 40,
            tokens: [1_000, 1_000_000],
        }
    }

    /// To see that it runs.
    pub(crate) fn quick() -> Self {
        Self {
            rounds: 3,
            handler: Duration::from_millis(300),
            writing: Duration::from_millis(200),
            runs: 5,
            tokens: [1_000, 10_000],
        }
    }

    /// For the heading of the table.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{} rounds that alternate; the ratio is each round's own, its median is shown",
            self.rounds
        )
    }
}

/// Everything that the parts share.
pub(crate) struct Bench {
    program: Program,
    scratch: PathBuf,
    size: Size,
    say: fn(&str),
    few: Option<Deployment>,
    many: Option<Deployment>,
}

impl Bench {
    /// Measures `program`, keeping data in `scratch` meanwhile.
    pub(crate) fn new(program: Program, scratch: PathBuf, size: Size, say: fn(&str)) -> Self {
        Self { program, scratch, size, say, few: None, many: None }
    }

    /// Measures one part.
    pub(crate) fn measure(&mut self, part: Part) -> Result<Vec<Row>> {
        match part {
            Part::Introspection => handlers::introspection(self),
            Part::Check => handlers::check(self),
            Part::Scale => scale::measure(self),
            Part::Verify => verify::measure(self),
            Part::Issuance => issuance::measure(self),
            Part::Start => start::measure(self),
            Part::Commands => commands::measure(self),
        }
    }

    /// The deployment with few tokens, made when it is first needed.
    fn few(&mut self) -> Result<&mut Deployment> {
        if self.few.is_none() {
            self.few = Some(self.deploy("few", self.size.tokens[0])?);
        }
        Ok(self.few.as_mut().expect("made just now"))
    }

    /// The deployment with many tokens, made when it is first needed.
    fn many(&mut self) -> Result<&mut Deployment> {
        if self.many.is_none() {
            self.many = Some(self.deploy("many", self.size.tokens[1])?);
        }
        Ok(self.many.as_mut().expect("made just now"))
    }

    fn deploy(&self, name: &str, tokens: u32) -> Result<Deployment> {
        (self.say)(&format!("  making a deployment with {tokens} tokens"));
        Deployment::make(&self.program, self.scratch.join(name), tokens)
    }
}
