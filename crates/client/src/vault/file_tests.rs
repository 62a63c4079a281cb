//! What the file vault promises, on real files. What needs processes is in
//! `tests/processes`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::{Value, json};

use super::*;
use crate::system::{SystemRandom, SystemTimes};
use crate::vault::atomic::Step;
use crate::vault::model::{CredentialKind, Endpoints, Profile};
use crate::vault::{Credential, Key};

fn vault(dir: &Path) -> FileVault {
    FileVault::new(dir, Arc::new(SystemTimes), Arc::new(SystemRandom))
}

fn credential(secret: &str) -> Credential {
    Credential {
        key: Key {
            issuer: "https://id.example.com".into(),
            client_id: "hallpass-cli".into(),
            account: "usr_ada".into(),
        },
        email: None,
        name: None,
        kind: CredentialKind::Oauth,
        scope: "openid".parse().unwrap(),
        access: None,
        refresh_token: Some(secret.to_owned().into()),
        resource: None,
        endpoints: Endpoints::default(),
        ended: None,
        binding: None,
        narrowed: Vec::new(),
        rest: serde_json::Map::new(),
    }
}

fn put(vault: &FileVault, secret: &str) -> Result<(), VaultError> {
    vault.change(&mut |contents| {
        let credential = credential(secret);
        let profile = Profile {
            server: "https://id.example.com".into(),
            key: credential.key.clone(),
            org: None,
            project: None,
            rest: serde_json::Map::new(),
        };
        contents.profiles.insert("default".into(), profile);
        contents.put(credential);
        true
    })
}

fn secret_in(vault: &FileVault) -> String {
    let contents = vault.read().unwrap();
    contents.credentials[0].refresh_token.as_ref().unwrap().expose().to_owned()
}

fn mode_of(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Everything in the directory but the two files that belong there.
fn leftovers(dir: &Path) -> Vec<String> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "credentials.json" && name != "credentials.json.lock")
        .collect()
}

// proves: client-D7
#[test]
fn loose_modes_are_told_and_tightened_and_exposed_directories_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    let vault = vault(&dir);
    put(&vault, "a").unwrap();
    assert_eq!(vault.warnings(), []);

    chmod(&dir, 0o755);
    chmod(&dir.join(NAME), 0o644);
    let warned: Vec<_> = vault.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warned.len(), 2);
    assert!(warned[1].contains("mode 644"), "{warned:?}");
    put(&vault, "b").unwrap();
    assert_eq!((mode_of(&dir), mode_of(&dir.join(NAME))), (0o700, 0o600));
    assert_eq!(vault.warnings(), []);

    for mode in [0o720, 0o702, 0o777] {
        chmod(&dir, mode);
        assert!(matches!(vault.read(), Err(VaultError::Exposed { .. })), "{mode:o}");
        assert!(matches!(put(&vault, "c"), Err(VaultError::Exposed { .. })), "{mode:o}");
    }
    chmod(&dir, 0o700);
    assert_eq!(secret_in(&vault), "b");

    // Whoever can write above can put another directory in its place.
    chmod(home.path(), 0o777);
    assert!(matches!(vault.read(), Err(VaultError::Exposed { path, .. }) if path == home.path()));
    chmod(home.path(), 0o1777);
    assert_eq!(secret_in(&vault), "b");
}

// proves: client-D8
#[test]
fn a_write_that_fails_at_any_step_leaves_the_old_or_the_new_file() {
    for step in Step::ALL {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("hallpass");
        let vault = vault(&dir);
        put(&vault, "old").unwrap();
        *vault.tokens.fail_at.lock().unwrap() = Some(step);
        let error = put(&vault, "new").unwrap_err();
        assert!(matches!(error, VaultError::Io { .. }), "{step:?}: {error}");
        let expected = if step == Step::SyncDirectory { "new" } else { "old" };
        assert_eq!(secret_in(&vault), expected, "{step:?}");
        assert_eq!(leftovers(&dir), [""; 0], "{step:?}");
    }
}

// proves: client-D8, J08
#[test]
fn a_link_is_followed_once_and_stays() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    let elsewhere = home.path().join("dotfiles");
    let vault = vault(&dir);
    put(&vault, "a").unwrap();
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(dir.join(NAME), elsewhere.join("real.json")).unwrap();
    symlink("../dotfiles/real.json", dir.join(NAME)).unwrap();

    assert_eq!(secret_in(&vault), "a");
    put(&vault, "b").unwrap();
    assert!(dir.join(NAME).symlink_metadata().unwrap().is_symlink());
    assert!(elsewhere.join("real.json").symlink_metadata().unwrap().is_file());
    assert_eq!(secret_in(&vault), "b");

    fs::rename(elsewhere.join("real.json"), elsewhere.join("moved.json")).unwrap();
    symlink("moved.json", elsewhere.join("real.json")).unwrap();
    assert!(matches!(vault.read(), Err(VaultError::NotAFile { .. })));
    assert!(matches!(put(&vault, "c"), Err(VaultError::NotAFile { .. })));
}

#[test]
fn what_is_no_file_is_refused_without_waiting_for_it() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    fs::create_dir_all(dir.join(NAME)).unwrap();
    assert!(matches!(vault(&dir).read(), Err(VaultError::NotAFile { .. })));
    fs::remove_dir(dir.join(NAME)).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, dir.join(NAME), fifo, mode, 0).unwrap();
    assert!(matches!(vault(&dir).read(), Err(VaultError::NotAFile { .. })));
}

// proves: client-D10
#[test]
fn a_damaged_file_is_named_kept_and_can_be_moved_aside() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    let vault = vault(&dir);
    put(&vault, "verysecret").unwrap();
    let good = fs::read(dir.join(NAME)).unwrap();
    let cut = String::from_utf8(good[..good.len() / 2].to_vec()).unwrap();
    for bad in ["", "null", "[]", "{}", "{\"schema_version\":\"1\"}", "verysecret", &cut] {
        fs::write(dir.join(NAME), bad).unwrap();
        for error in [vault.read().unwrap_err(), put(&vault, "b").unwrap_err()] {
            assert!(matches!(error, VaultError::Corrupt { .. }), "{bad:?}: {error}");
            let text = error.to_string();
            assert!(text.contains("credentials.json"), "{text}");
            assert!(!text.contains("verysecret"), "{text}");
        }
        assert_eq!(fs::read_to_string(dir.join(NAME)).unwrap(), bad);
    }
    for (other, what) in [
        ("[1,2]", "a list"),
        (" [1]", "a list"),
        ("7", "a single value"),
        ("{]", "not well-formed"),
    ] {
        fs::write(dir.join(NAME), other).unwrap();
        let text = vault.read().unwrap_err().to_string();
        assert!(text.contains(what), "{other}: {text}");
    }
    fs::write(dir.join(NAME), &cut).unwrap();
    let aside = vault.set_aside().unwrap().unwrap();
    assert_eq!(fs::read_to_string(aside).unwrap(), cut);
    assert_eq!(vault.set_aside().unwrap(), None);
    put(&vault, "b").unwrap();
    assert_eq!(secret_in(&vault), "b");
}

// proves: client-D11
#[test]
fn a_newer_file_is_refused_and_stays_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    let vault = vault(&dir);
    put(&vault, "a").unwrap();
    let newer = r#"{"schema_version": 3, "credentials": "in another form"}"#;
    fs::write(dir.join(NAME), newer).unwrap();
    assert!(matches!(vault.read(), Err(VaultError::Newer { found: 3, .. })));
    assert!(matches!(put(&vault, "b"), Err(VaultError::Newer { .. })));
    assert_eq!(fs::read_to_string(dir.join(NAME)).unwrap(), newer);
}

// proves: client-D11
#[test]
fn fields_of_later_versions_survive_a_change() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    let vault = vault(&dir);
    put(&vault, "a").unwrap();
    let file = dir.join(NAME);
    let mut tree: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    tree["from_the_future"] = json!({ "deep": [1, 2] });
    tree["profiles"]["default"]["colour"] = json!("blue");
    tree["credentials"][0]["dpop_key"] = json!({ "kty": "EC" });
    fs::write(&file, tree.to_string()).unwrap();

    vault
        .change(&mut |contents| {
            contents.current = Some("default".into());
            contents.credentials[0].refresh_token = Some("b".to_owned().into());
            true
        })
        .unwrap();
    tree["current"] = json!("default");
    tree["credentials"][0]["refresh_token"] = json!("b");
    let after: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(after, tree);
}

#[test]
fn nothing_is_written_if_nothing_changed_and_nothing_is_left_if_nothing_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    let vault = vault(&dir);
    vault.change(&mut |_| false).unwrap();
    assert!(!dir.join(NAME).exists());
    put(&vault, "a").unwrap();
    vault
        .change(&mut |contents| {
            contents.remove_profile("default");
            true
        })
        .unwrap();
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
}

#[test]
fn changes_of_many_threads_are_all_kept() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let dir = &dir;
            scope.spawn(move || {
                for n in 0..10 {
                    vault(dir)
                        .change(&mut |contents| {
                            contents.rest.insert(format!("{thread}-{n}"), json!(true));
                            true
                        })
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(vault(&dir).read().unwrap().rest.len(), 80);
}

#[test]
fn without_a_home_nothing_is_written_into_the_working_directory() {
    let nowhere = vault(Path::new(""));
    assert!(matches!(nowhere.read(), Err(VaultError::NoHome)));
    assert!(matches!(put(&nowhere, "a"), Err(VaultError::NoHome)));
}

// proves: client-D12
#[test]
fn a_binding_key_is_kept_apart_from_the_tokens() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    let vault = vault(&dir);
    put(&vault, "a").unwrap();
    let key = credential("a").key;
    let other = Key { account: "usr_bob".into(), ..key.clone() };
    assert_eq!(vault.binding_key(&key).unwrap(), None);
    vault.remove_binding_key(&key).unwrap();
    assert!(!dir.join("keys.json").exists() && !dir.join("keys.json.lock").exists());

    let private = BindingKey::new(vec![7; 138]);
    vault.keep_binding_key(&key, &BindingKey::new(vec![6; 138])).unwrap();
    vault.keep_binding_key(&key, &private).unwrap();
    vault.keep_binding_key(&other, &BindingKey::new(vec![8; 138])).unwrap();
    assert_eq!(vault.binding_key(&key).unwrap(), Some(private.clone()));
    assert_eq!(mode_of(&dir.join("keys.json")), 0o600);
    assert!(!format!("{private:?}").contains('7'));

    // Who copies the tokens file has no key.
    let copied = home.path().join("copied");
    fs::create_dir(&copied).unwrap();
    fs::copy(dir.join(NAME), copied.join(NAME)).unwrap();
    assert_eq!(secret_in(&self::vault(&copied)), "a");
    assert_eq!(self::vault(&copied).binding_key(&key).unwrap(), None);

    // What is damaged stops no sign-in, and is kept.
    fs::write(dir.join("keys.json"), "{").unwrap();
    assert!(matches!(vault.binding_key(&key), Err(VaultError::Corrupt { .. })));
    vault.keep_binding_key(&key, &private).unwrap();
    assert!(leftovers(&dir).iter().any(|name| name.starts_with("keys.json.corrupt-")));
    vault.remove_binding_key(&key).unwrap();
    assert_eq!(vault.binding_key(&key).unwrap(), None);
    assert!(!dir.join("keys.json").exists());
    // Nor does what is no file in its place stop a sign-out.
    fs::create_dir(dir.join("keys.json")).unwrap();
    vault.remove_binding_key(&key).unwrap();
    assert!(!dir.join("keys.json").exists());
}
