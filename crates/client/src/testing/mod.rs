//! What the tests of this crate share: clocks that only a test moves, chance that a
//! test decides, surroundings that are a table, small authorization servers that answer
//! as they are told, and a town that puts them together. Compiled for tests only.

mod keyring;
mod server;
mod town;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_core::{Clock, Random, Timestamp};

use crate::environment::{Environment, System};
use crate::time::{Boot, Time};
use crate::workload::JobMemory;

pub(crate) use keyring::{FakeKeyring, Mood};
pub(crate) use server::{FakeServer, Said, Seen, get, raw};
pub(crate) use town::{Town, browser_that, token_answer, tokens};

/// Clocks that only a test, or a wait, moves.
#[derive(Clone)]
pub(crate) struct FakeTime(Arc<Mutex<Clocks>>);

struct Clocks {
    monotonic: Duration,
    wall: Timestamp,
    boot: Option<String>,
    waits: Vec<Duration>,
}

impl FakeTime {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Clocks {
            monotonic: Duration::from_secs(1_000),
            wall: Timestamp::from_secs(1_776_506_400),
            boot: Some("this boot".to_owned()),
            waits: Vec::new(),
        })))
    }

    /// Lets time pass on all clocks.
    pub(crate) fn pass(&self, duration: Duration) {
        let mut clocks = self.0.lock().unwrap();
        clocks.monotonic += duration;
        clocks.wall = clocks.wall + duration;
    }

    /// Sets the wall clock alone.
    pub(crate) fn set_wall(&self, wall: Timestamp) {
        self.0.lock().unwrap().wall = wall;
    }

    /// Another boot, or none that can be told.
    pub(crate) fn set_boot(&self, id: Option<&str>) {
        self.0.lock().unwrap().boot = id.map(str::to_owned);
    }

    /// Every wait so far.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().waits.clone()
    }
}

impl Clock for FakeTime {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().wall
    }
}

impl Time for FakeTime {
    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().monotonic
    }

    fn boot(&self) -> Option<Boot> {
        let clocks = self.0.lock().unwrap();
        clocks.boot.clone().map(|id| Boot { id, since: clocks.monotonic })
    }

    fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().waits.push(duration);
        self.pass(duration);
    }
}

/// Chance that counts.
pub(crate) fn counting() -> impl Random {
    Counting(AtomicU64::new(1))
}

struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // Spread, so that different counts differ in every byte.
            let n = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            chunk.copy_from_slice(&n.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A memory for jobs that a test can look into.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<BTreeMap<String, (Vec<u8>, u64)>>);

impl Shelf {
    /// All that is kept, one after the other.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().values().flat_map(|(bytes, _)| bytes.clone()).collect()
    }

    /// For how long each is kept.
    pub(crate) fn seconds(&self) -> Vec<u64> {
        self.0.lock().unwrap().values().map(|(_, seconds)| *seconds).collect()
    }
}

impl JobMemory for Shelf {
    fn put(&self, name: &str, bytes: &[u8], seconds: u64) -> bool {
        self.0.lock().unwrap().insert(name.to_owned(), (bytes.to_vec(), seconds));
        true
    }

    fn find(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        let kept = self.0.lock().unwrap();
        let fits = kept.iter().filter(|(name, _)| name.starts_with(prefix));
        fits.map(|(name, (bytes, _))| (name.clone(), bytes.clone())).collect()
    }

    fn remove(&self, name: &str) {
        self.0.lock().unwrap().remove(name);
    }
}

/// Surroundings as a table.
#[derive(Clone, Default)]
pub(crate) struct Table {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) files: BTreeMap<PathBuf, String>,
    pub(crate) system: Option<System>,
    pub(crate) home: Option<PathBuf>,
}

impl Table {
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { variables: variables.collect(), ..Self::default() }
    }
}

impl Environment for Table {
    fn raw_var(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn home(&self) -> Option<PathBuf> {
        Some(self.home.clone().unwrap_or_else(|| PathBuf::from("/home/ada")))
    }

    fn read(&self, path: &Path) -> Option<String> {
        self.files.get(path).cloned()
    }

    fn system(&self) -> System {
        self.system.unwrap_or(System::Linux)
    }

    fn host_name(&self) -> Option<String> {
        Some("laptop-7".to_owned())
    }
}
