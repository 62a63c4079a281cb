//! Everything that a client needs, in one place: a home in a scratch directory, clocks, a
//! server, and a browser that does as it is told.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{FakeServer, FakeTime, Said, Shelf, Table};
use crate::Error;
use crate::client::{Client, Parts};
use crate::dpop::BoundKey;
use crate::login::choose::Launch;
use crate::login::launch::Launcher;
use crate::login::{Event, Inbox, Login, LoginOptions, Wish};
use crate::source::Selection;
use crate::system::SystemRandom;
use crate::time::Time;
use crate::vault::model::{
    Access, Binding, Credential, CredentialKind, Endpoints, Profile, Receipt,
};
use crate::vault::{FileVault, Key, Vault as _};

/// A town with one server in it.
pub(crate) struct Town {
    pub(crate) home: tempfile::TempDir,
    pub(crate) time: FakeTime,
    pub(crate) server: FakeServer,
    pub(crate) table: Table,
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) vault: Arc<FileVault>,
    pub(crate) shelf: Arc<Shelf>,
}

impl Town {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let time = FakeTime::new();
        let dir = home.path().join(".config/hallpass");
        let vault = FileVault::new(dir, Arc::new(time.clone()), Arc::new(SystemRandom));
        Self {
            home,
            time,
            server: FakeServer::issuer(),
            table: Table::of(&[("DISPLAY", ":0")]),
            launcher: browser_that(|_| ()),
            vault: Arc::new(vault),
            shelf: Arc::default(),
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.home.path().join(".config/hallpass/credentials.json")
    }

    /// The file as it is on disk; empty if there is none.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.file()).unwrap_or_default()
    }

    pub(crate) fn parts(&self) -> Parts {
        Parts {
            brand: hallpass_core::brand::Brand::hallpass(),
            environment: Arc::new(self.table.clone()),
            time: Arc::new(self.time.clone()),
            random: Arc::new(SystemRandom),
            vault: self.vault.clone(),
            launcher: self.launcher.clone(),
            job_memory: self.shelf.clone(),
        }
    }

    /// The same with real clocks, for tests with real waits between threads.
    pub(crate) fn parts_with(&self, time: Arc<dyn Time>) -> Parts {
        let random = Arc::new(SystemRandom);
        let dir = self.vault.dir().to_owned();
        let vault = Arc::new(FileVault::new(dir, time.clone(), random.clone()));
        Parts { time, vault, random, ..self.parts() }
    }

    /// A client that talks to this town's server.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.parts(), self.selection())
    }

    pub(crate) fn selection(&self) -> Selection {
        Selection { server: Some(self.server.origin.clone()), ..Selection::default() }
    }

    /// Signs in and says what happened on the way.
    pub(crate) fn login(&self, options: &LoginOptions) -> (Result<Login, Error>, Vec<Event>) {
        let mut events = Vec::new();
        let (_sender, inbox) = Inbox::new();
        let outcome = self.client().login(options, inbox, &mut |event| events.push(event));
        (outcome, events)
    }

    /// Puts a sign-in of ada's into the vault: access token `at-1` that lives for 300 s
    /// from now, refresh token `rt-1`.
    pub(crate) fn sign_in(&self) -> Credential {
        let at = |path: &str| Some(format!("{}{path}", self.server.origin));
        let credential = Credential {
            key: Key {
                issuer: self.server.origin.clone(),
                client_id: "hallpass-cli".to_owned(),
                account: "usr_ada".to_owned(),
            },
            email: Some("ada@example.com".to_owned()),
            name: None,
            kind: CredentialKind::Oauth,
            scope: "openid account".parse().unwrap(),
            access: Some(Access {
                token: "at-1".to_owned().into(),
                received: Receipt::now(&self.time),
                expires_in: Some(300),
                refreshed: false,
            }),
            refresh_token: Some("rt-1".to_owned().into()),
            resource: None,
            endpoints: Endpoints {
                token: at("/oauth/token"),
                revocation: at("/oauth/revoke"),
                ..Endpoints::default()
            },
            ended: None,
            binding: None,
            narrowed: Vec::new(),
            rest: serde_json::Map::new(),
        };
        self.put("default", credential.clone());
        credential
    }

    /// The same, bound to a key that is kept where it belongs.
    pub(crate) fn sign_in_bound(&self) -> BoundKey {
        let mut credential = self.sign_in();
        let key = BoundKey::make().unwrap();
        let jkt = key.thumbprint().to_string();
        credential.binding = Some(Binding { jkt, ..Binding::default() });
        self.vault.keep_binding_key(&credential.key, key.private()).unwrap();
        self.put("default", credential);
        key
    }

    /// Puts a credential into the vault under `profile`, which becomes the current one.
    pub(crate) fn put(&self, profile: &str, credential: Credential) {
        self.vault
            .change(&mut |contents| {
                let key = credential.key.clone();
                let rest = serde_json::Map::new();
                let server = self.server.origin.clone();
                contents.put(credential.clone());
                contents.profiles.insert(
                    profile.to_owned(),
                    Profile { server, key, org: None, project: None, rest },
                );
                contents.current = Some(profile.to_owned());
                true
            })
            .unwrap();
    }

    /// What the vault holds of ada's.
    pub(crate) fn stored(&self) -> Credential {
        self.vault.read().unwrap().credentials.into_iter().next().expect("a credential")
    }
}

/// Options for a login on a terminal.
impl LoginOptions {
    pub(crate) fn on_a_terminal(wish: Wish) -> Self {
        Self { wish, stdin_is_terminal: true, command: "hallpass login".into(), ..Self::default() }
    }
}

/// A token answer: `at-<n>`, `rt-<n>`, 300 s.
pub(crate) fn tokens(n: u32) -> Said {
    Said::json(200, &token_answer(n))
}

pub(crate) fn token_answer(n: u32) -> Value {
    json!({
        "access_token": format!("at-{n}"),
        "token_type": "Bearer",
        "expires_in": 300,
        "refresh_token": format!("rt-{n}"),
        "scope": "openid account",
    })
}

/// A browser that does `what` with the address that it is launched at.
pub(crate) fn browser_that(what: impl FnMut(&str) + Send + 'static) -> Arc<dyn Launcher> {
    struct Told<F>(Mutex<F>);
    impl<F: FnMut(&str) + Send> Launcher for Told<F> {
        fn launch(&self, _: &Launch, url: &str) -> bool {
            (self.0.lock().unwrap())(url);
            true
        }
    }
    Arc::new(Told(Mutex::new(what)))
}
