//! Files that are sealed with a key from a keyring. The keyring here does as it is told;
//! the real one is met in the tests of the command line.

use std::fs;
use std::sync::atomic::Ordering;

use hallpass_core::Secret;
use serde_json::{Value, json};

use super::super::keyring::KeyringError;
use super::*;
use crate::system::{SystemRandom, SystemTimes};
use crate::testing::{FakeKeyring, Mood};
use crate::vault::Credential;
use crate::vault::chest::Chest;
use crate::vault::model::{Access, Endpoints, Profile, Receipt};

/// A home, and the keyring of its owner.
struct Home {
    dir: tempfile::TempDir,
    keyring: Arc<FakeKeyring>,
    rules: Rules,
}

impl Home {
    fn new(mood: Mood) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, keyring: FakeKeyring::new(mood), rules: Rules::default() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("hallpass")
    }

    /// Another process's view.
    fn vault(&self, policy: impl Into<Option<StorePolicy>>) -> FileVault {
        let keyring: Arc<dyn Keyring> = self.keyring.clone();
        let patience = self.keyring.patience();
        FileVault::new(self.path(), Arc::new(SystemTimes), Arc::new(SystemRandom)).with_keyring(
            keyring,
            patience,
            Ok(policy.into()),
            self.rules,
        )
    }

    fn file(&self) -> PathBuf {
        self.path().join(NAME)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.ends_with(".lock"));
        names.sort();
        names
    }
}

fn credential(account: &str, secret: &str) -> Credential {
    Credential {
        key: Key {
            issuer: "https://id.example.com".into(),
            client_id: "hallpass-cli".into(),
            account: account.into(),
        },
        email: None,
        name: None,
        kind: CredentialKind::Oauth,
        scope: "openid".parse().unwrap(),
        access: Some(Access {
            token: Secret::new(format!("access-{secret}")),
            received: Receipt::now(&SystemTimes),
            expires_in: Some(300),
            refreshed: false,
        }),
        refresh_token: Some(Secret::new(secret)),
        resource: None,
        endpoints: Endpoints::default(),
        ended: None,
        binding: None,
        narrowed: Vec::new(),
        rest: serde_json::Map::new(),
    }
}

fn put_as(vault: &FileVault, account: &str, secret: &str) -> Result<(), VaultError> {
    vault.change(&mut |contents| {
        let credential = credential(account, secret);
        let profile = Profile {
            server: "https://id.example.com".into(),
            key: credential.key.clone(),
            org: None,
            project: None,
            rest: serde_json::Map::new(),
        };
        contents.profiles.insert(account.into(), profile);
        contents.put(credential);
        true
    })
}

fn put(vault: &FileVault, secret: &str) -> Result<(), VaultError> {
    put_as(vault, "usr_ada", secret)
}

fn secret_of(contents: &Contents, account: &str) -> String {
    let found = contents.credentials.iter().find(|found| found.key.account == account);
    found.unwrap().refresh_token.as_ref().unwrap().expose().to_owned()
}

fn secret_in(vault: &FileVault) -> String {
    secret_of(&vault.read().unwrap(), "usr_ada")
}

fn empty(vault: &FileVault) -> Result<(), VaultError> {
    vault.change(&mut |contents| {
        *contents = Contents::default();
        true
    })
}

// proves: client-D5, client-D6
#[test]
fn the_keyring_holds_a_key_and_is_read_once() {
    let home = Home::new(Mood::Well);
    let long = "x".repeat(64 * 1024);
    let vault = home.vault(None);
    put(&vault, &long).unwrap();
    vault.keep_binding_key(&credential("usr_ada", "").key, &BindingKey::new(vec![7; 138])).unwrap();
    let entries = home.keyring.entries();
    assert_eq!(entries.len(), 1);
    assert!(entries.values().all(|entry| entry.len() < 100), "{entries:?}");
    for file in [NAME, binding::NAME] {
        let text = fs::read_to_string(home.path().join(file)).unwrap();
        assert!(!text.contains("xxxxxxxxxx") && !text.contains("usr_ada"), "{file} is not sealed");
        assert!(text.contains("\"schema_version\": 2"), "{file}: an older version must refuse it");
    }

    // One process, many reads of either file, and changes: one read of the keyring.
    let (vault, before) = (home.vault(None), home.keyring.reads());
    for _ in 0..10 {
        assert_eq!(secret_in(&vault), long);
        let key = vault.binding_key(&credential("usr_ada", "").key).unwrap();
        assert_eq!(key, Some(BindingKey::new(vec![7; 138])));
    }
    put(&vault, "short").unwrap();
    assert_eq!(secret_in(&vault), "short");
    assert_eq!(home.keyring.reads(), before + 1);
}

// proves: client-D1
#[test]
fn the_policy_decides_and_the_place_is_named() {
    use StorePolicy::{Auto, File, Keyring, None as Nowhere};
    // What was said, how the keyring is, and where a first sign-in then is.
    for (policy, mood, kind) in [
        (None, Mood::Well, Ok("sealed_file")),
        (Some(Auto), Mood::Well, Ok("sealed_file")),
        (Some(Keyring), Mood::Well, Ok("sealed_file")),
        (Some(File), Mood::Forbidden, Ok("file")),
        (Some(Nowhere), Mood::Forbidden, Ok("none")),
        (Some(Keyring), Mood::Absent, Err("keyring_absent")),
        (Some(Keyring), Mood::Locked, Err("keyring_locked")),
        (Some(Keyring), Mood::Full, Err("keyring_full")),
        (Some(Keyring), Mood::Silent, Err("keyring_silent")),
        (Some(Auto), Mood::Absent, Err("store_unencrypted")),
        (None, Mood::Silent, Err("store_unencrypted")),
    ] {
        let home = Home::new(mood);
        let vault = home.vault(policy);
        let ready = vault.ready().map(|place| place.kind).map_err(|error| error.code());
        assert_eq!(ready, kind, "{policy:?} {mood:?}");
        let done = put(&vault, "a").map(|()| vault.place().kind).map_err(|error| error.code());
        assert_eq!(done, kind, "{policy:?} {mood:?}");
        assert_eq!(home.file().exists(), kind.is_ok_and(|kind| kind != "none"), "{policy:?}");
        if kind == Ok("none") {
            assert_eq!(secret_in(&vault), "a");
            assert_eq!(home.names(), [""; 0]);
        }
    }
    // What is remembered counts where nothing is said, and only there.
    let home = Home::new(Mood::Well);
    home.vault(None).remember(File).unwrap();
    assert_eq!(home.vault(None).ready().unwrap().kind, "file");
    assert_eq!(home.vault(Auto).ready().unwrap().kind, "sealed_file");
    home.vault(None).remember(Auto).unwrap();
    assert_eq!(home.vault(None).ready().unwrap().kind, "sealed_file");
    // Without a keyring `auto` goes by what was agreed to, also where `auto` is said.
    let home = Home::new(Mood::Absent);
    home.vault(None).remember(File).unwrap();
    assert_eq!(home.vault(Auto).ready().unwrap().kind, "file");
    let unknown = "drawer".parse::<StorePolicy>().map(Some);
    let keyring: Arc<dyn super::Keyring> = home.keyring.clone();
    let vault = FileVault::new(home.path(), Arc::new(SystemTimes), Arc::new(SystemRandom))
        .with_keyring(keyring, Duration::ZERO, unknown, Rules::default());
    assert!(matches!(vault.read(), Err(VaultError::UnknownPolicy(said)) if said.text == "drawer"));
}

// proves: client-D2
#[test]
fn without_a_keyring_a_plain_file_has_to_be_agreed_to() {
    for mood in [Mood::Absent, Mood::Locked, Mood::Full, Mood::Silent] {
        let mut home = Home::new(mood);
        let refused = put(&home.vault(None), "a").unwrap_err();
        assert!(matches!(refused, VaultError::Unasked { .. }), "{mood:?}: {refused}");
        assert_eq!(refused.next("hallpass").unwrap(), "hallpass login --store file");
        assert!(!home.file().exists());

        // Agreed to once, or by the brand for everybody.
        home.vault(None).remember(StorePolicy::File).unwrap();
        put(&home.vault(None), "b").unwrap();
        assert_eq!(secret_in(&home.vault(None)), "b");
        home.vault(None).remember(StorePolicy::Auto).unwrap();
        // A file that is plain already was agreed to.
        put(&home.vault(None), "c").unwrap();
        assert_eq!(home.vault(None).ready().unwrap().kind, "file");
        empty(&home.vault(None)).unwrap();
        assert!(put(&home.vault(None), "d").is_err());
        home.rules.file_without_question = true;
        put(&home.vault(None), "d").unwrap();
        assert!(home.text().contains("access-d"));
    }
}

// proves: client-D3
#[test]
fn a_silent_keyring_is_asked_once_and_left_behind() {
    let home = Home::new(Mood::Well);
    put(&home.vault(None), "a").unwrap();
    home.keyring.mood(Mood::Silent);
    let (vault, before) = (home.vault(None), home.keyring.calls.load(Ordering::SeqCst));
    for _ in 0..5 {
        let error = vault.read().unwrap_err();
        assert!(matches!(error, VaultError::Keyring { why: KeyringError::Silent(_) }), "{error}");
    }
    assert_eq!(home.keyring.calls.load(Ordering::SeqCst), before + 1);
    // Named all the same.
    assert_eq!(vault.place().kind, "sealed_file");
}

// proves: client-D4, client-J4
#[test]
fn a_plain_file_is_read_without_a_keyring() {
    let home = Home::new(Mood::Absent);
    put(&home.vault(StorePolicy::File), "a").unwrap();
    home.keyring.mood(Mood::Forbidden);
    assert_eq!(secret_in(&home.vault(None)), "a");
    assert_eq!(home.vault(None).binding_key(&credential("usr_ada", "").key).unwrap(), None);
    assert_eq!(home.keyring.calls.load(Ordering::SeqCst), 0);
}

// proves: client-D11
#[test]
fn a_plain_file_moves_to_the_sealed_form_and_back_and_loses_nothing() {
    let home = Home::new(Mood::Well);
    put(&home.vault(StorePolicy::File), "a").unwrap();
    let mut tree: Value = serde_json::from_str(&home.text()).unwrap();
    tree["from_the_future"] = json!({ "deep": [1, 2] });
    tree["credentials"][0]["colour"] = json!("blue");
    fs::write(home.file(), tree.to_string()).unwrap();

    assert_eq!(secret_in(&home.vault(None)), "a");
    put_as(&home.vault(None), "usr_bob", "b").unwrap();
    let sealed: Value = serde_json::from_str(&home.text()).unwrap();
    assert_eq!(sealed["schema_version"], 2);
    assert!(sealed.get("profiles").is_none() && sealed.get("credentials").is_none());
    assert_eq!(home.vault(None).ready().unwrap().keyring, Some("test keyring"));

    put_as(&home.vault(StorePolicy::File), "usr_bob", "c").unwrap();
    let plain: Value = serde_json::from_str(&home.text()).unwrap();
    assert_eq!(plain["from_the_future"], tree["from_the_future"]);
    assert_eq!(plain["credentials"][0], tree["credentials"][0]);
    assert_eq!(secret_of(&home.vault(None).read().unwrap(), "usr_bob"), "c");

    // What a later version sealed is refused, and left as it is.
    let key = home.keyring.entries().into_iter().next().unwrap();
    let chest: Chest = serde_json::from_str(&key.1).unwrap();
    let (key, newer) = ((key.0.as_str(), 0, &chest.key().unwrap()), br#"{"schema_version":3}"#);
    let sealed = super::super::seal::Envelope::seal(key, NAME, newer, &SystemRandom);
    fs::write(home.file(), sealed.to_bytes(&home.file()).unwrap()).unwrap();
    let before = home.text();
    assert!(matches!(put(&home.vault(None), "d"), Err(VaultError::Newer { found: 3, .. })));
    assert_eq!(home.text(), before);
}

// proves: client-D10, client-K3
#[test]
fn a_locked_keyring_is_no_silence_and_a_key_that_is_gone_can_be_got_over() {
    let home = Home::new(Mood::Well);
    put(&home.vault(None), "a").unwrap();
    let before = home.text();
    for mood in [Mood::Locked, Mood::Absent, Mood::Silent] {
        home.keyring.mood(mood);
        for policy in [None, Some(StorePolicy::Keyring)] {
            let vault = home.vault(policy);
            for error in [
                vault.read().unwrap_err(),
                put(&vault, "b").unwrap_err(),
                empty(&vault).unwrap_err(),
                vault.ready().unwrap_err(),
            ] {
                assert!(matches!(error, VaultError::Keyring { .. }), "{mood:?}: {error}");
                assert!(!super::super::gets_over(&vault, &error), "it may be unlocked");
            }
        }
        assert_eq!(home.text(), before, "{mood:?}");
        // Who asks for a plain file begins anew; what is sealed is kept beside it.
        let vault = home.vault(StorePolicy::File);
        assert!(super::super::gets_over(&vault, &vault.read().unwrap_err()));
    }
    home.keyring.mood(Mood::Well);
    assert_eq!(secret_in(&home.vault(None)), "a");

    // Another keyring, or a file that was changed.
    let entry = home.keyring.entries().into_iter().next().unwrap();
    let gone: [&dyn Fn(); 3] = [
        &|| home.keyring.entries.lock().unwrap().clear(),
        &|| {
            let text = before.replace("\"text\": \"", "\"text\": \"AAAA");
            fs::write(home.file(), text).unwrap();
        },
        &|| fs::write(home.file(), before.replace("\"nonce\": \"", "\"nonce\": \"A")).unwrap(),
    ];
    for gone in gone {
        gone();
        let error = home.vault(None).read().unwrap_err();
        assert!(matches!(error, VaultError::KeyGone { .. }), "{error}");
        assert!(error.is_unreadable());
        home.keyring.entries.lock().unwrap().insert(entry.0.clone(), entry.1.clone());
        fs::write(home.file(), &before).unwrap();
        assert_eq!(secret_in(&home.vault(None)), "a");
    }
    let aside = home.vault(None).set_aside().unwrap().unwrap();
    assert!(aside.to_str().unwrap().contains("credentials.json.sealed-"), "{aside:?}");
    put(&home.vault(None), "b").unwrap();
    assert_eq!(secret_in(&home.vault(None)), "b");
    // What was put aside can be put back, also after the one in its place has gone.
    empty(&home.vault(None)).unwrap();
    fs::rename(&aside, home.file()).unwrap();
    assert_eq!(secret_in(&home.vault(None)), "a");
}

// proves: client-D12
#[test]
fn nobody_elses_entry_is_touched() {
    let home = Home::new(Mood::Well);
    put(&home.vault(None), "a").unwrap();
    let ours = home.keyring.entries().into_keys().next().unwrap();
    // Somebody has put something of theirs under our name.
    home.keyring.entries.lock().unwrap().insert(ours.clone(), "theirs".into());
    let vault = home.vault(None);
    assert!(matches!(vault.read(), Err(VaultError::KeyGone { .. })));
    vault.set_aside().unwrap();
    put(&vault, "b").unwrap();
    assert_eq!(home.keyring.entries()[&ours], "theirs");
    assert_eq!(home.keyring.entries().len(), 2);

    // Two tools with one keyring have an entry each.
    let other = tempfile::tempdir().unwrap();
    let keyring: Arc<dyn Keyring> = home.keyring.clone();
    let tool =
        FileVault::new(other.path().join("tool"), Arc::new(SystemTimes), Arc::new(SystemRandom))
            .with_keyring(keyring, Duration::from_secs(9), Ok(None), Rules::default());
    put(&tool, "c").unwrap();
    assert_eq!(home.keyring.entries().len(), 3);
    empty(&tool).unwrap();
    assert_eq!(home.keyring.entries().len(), 2);
    assert_eq!(secret_in(&home.vault(None)), "b");
}

// proves: client-K2
#[test]
fn nothing_is_left_behind_in_the_keyring_either() {
    let home = Home::new(Mood::Well);
    let vault = home.vault(None);
    let key = credential("usr_ada", "").key;
    put(&vault, "a").unwrap();
    vault.keep_binding_key(&key, &BindingKey::new(vec![7; 138])).unwrap();
    empty(&vault).unwrap();
    // The binding key is still sealed with it.
    assert_eq!(home.keyring.entries().len(), 1);
    vault.remove_binding_key(&key).unwrap();
    assert!(home.keyring.entries().is_empty());
    assert_eq!(home.names(), [""; 0]);
}

// proves: client-D1, client-D9
#[test]
fn a_refresh_token_that_must_not_be_in_a_file_is_in_none() {
    let mut home = Home::new(Mood::Well);
    home.rules.refresh_in_keyring = true;
    let vault = home.vault(None);
    put(&vault, "first").unwrap();
    assert_eq!(vault.place().kind, "keyring");
    let opened = |vault: &FileVault| {
        let bytes = vault.tokens.read().unwrap().unwrap();
        let opened = vault.open(&bytes, vault.tokens.path(), NAME).unwrap();
        String::from_utf8(opened.plain.to_vec()).unwrap()
    };
    // Not even in the sealed text, and the access token neither.
    let inside = opened(&vault);
    assert!(inside.contains("usr_ada") && !inside.contains("first"), "{inside}");
    assert_eq!(secret_in(&vault), "first");

    // Another process refreshes; this one notices.
    put(&home.vault(None), "second").unwrap();
    assert_eq!(secret_in(&vault), "second");
    // A plain file will not do, whatever is said.
    put(&home.vault(StorePolicy::File), "third").unwrap();
    assert!(!home.text().contains("third"));
    assert_eq!(secret_in(&vault), "third");

    // A keyring that takes no more: the old one is still there, and the caller knows.
    let before = home.text();
    home.keyring.mood(Mood::Full);
    assert!(matches!(put(&home.vault(None), "fourth"), Err(VaultError::Keyring { .. })));
    home.keyring.mood(Mood::Well);
    let long = "y".repeat(2_000);
    assert!(matches!(put(&home.vault(None), &long), Err(VaultError::Keyring { .. })));
    assert_eq!(home.text(), before);
    assert_eq!(secret_in(&home.vault(None)), "third");

    home.keyring.mood(Mood::Absent);
    let other = Home { dir: tempfile::tempdir().unwrap(), ..home };
    assert!(matches!(put(&other.vault(None), "a"), Err(VaultError::Keyring { .. })));
    assert!(!other.file().exists());
}

// proves: client-D5
#[test]
fn a_keyring_that_panics_is_one_that_failed() {
    let home = Home::new(Mood::Forbidden);
    let error = home.vault(StorePolicy::Keyring).ready().unwrap_err();
    assert_eq!(error.code(), "keyring_failed", "{error}");
}
