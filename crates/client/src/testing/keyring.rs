//! A keyring that does as it is told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_core::Secret;

use crate::vault::{Keyring, KeyringError};

/// How the keyring is disposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    Absent,
    Locked,
    /// Reading goes, writing does not.
    Full,
    /// Never answers.
    Silent,
    /// Must not be asked at all.
    Forbidden,
}

/// A keyring that takes 1,280 characters an entry, as the smallest real one does.
pub(crate) struct FakeKeyring {
    pub(crate) entries: Mutex<BTreeMap<String, String>>,
    mood: Mutex<Mood>,
    reads: AtomicUsize,
    pub(crate) calls: AtomicUsize,
}

impl FakeKeyring {
    pub(crate) fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            entries: Mutex::default(),
            mood: Mutex::new(mood),
            reads: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
        })
    }

    pub(crate) fn mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How long a test waits for it: not for ever, if it never answers.
    pub(crate) fn patience(&self) -> Duration {
        let silent = *self.mood.lock().unwrap() == Mood::Silent;
        if silent { Duration::from_millis(50) } else { Duration::from_secs(60) }
    }

    pub(crate) fn entries(&self) -> BTreeMap<String, String> {
        self.entries.lock().unwrap().clone()
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn called(&self, writing: bool) -> Result<(), KeyringError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Well => Ok(()),
            Mood::Full if !writing => Ok(()),
            Mood::Full => Err(KeyringError::Full("no room".into())),
            Mood::Absent => Err(KeyringError::Absent("no bus".into())),
            Mood::Locked => Err(KeyringError::Locked),
            Mood::Silent => loop {
                std::thread::park();
            },
            Mood::Forbidden => panic!("the keyring was opened"),
        }
    }
}

impl Keyring for FakeKeyring {
    fn name(&self) -> &'static str {
        "test keyring"
    }

    fn get(&self, entry: &str) -> Result<Option<Secret>, KeyringError> {
        self.called(false)?;
        self.reads.fetch_add(1, Ordering::SeqCst);
        Ok(self.entries.lock().unwrap().get(entry).map(Secret::new))
    }

    fn set(&self, entry: &str, _: &str, secret: &Secret) -> Result<(), KeyringError> {
        self.called(true)?;
        assert!(secret.expose().len() <= 1_000, "every keyring takes that much");
        self.entries.lock().unwrap().insert(entry.to_owned(), secret.expose().to_owned());
        Ok(())
    }

    fn remove(&self, entry: &str) -> Result<(), KeyringError> {
        self.called(true)?;
        self.entries.lock().unwrap().remove(entry);
        Ok(())
    }
}
