//! The file vault in the hands of processes.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use hallpass_client::system::{SystemRandom, SystemTimes};
use hallpass_client::vault::model::{CredentialKind, Endpoints};
use hallpass_client::vault::{Credential, FileVault, Key, Vault as _, VaultError};

use crate::child::{child, in_child};

const FILE: &str = "credentials.json";

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
        rest: serde_json::Map::new(),
    }
}

fn put(vault: &FileVault, secret: &str) -> Result<(), VaultError> {
    vault.change(&mut |contents| {
        contents.put(credential(secret));
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

/// Everything in the directory but the two files that belong there.
fn leftovers(dir: &Path) -> Vec<String> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "credentials.json" && name != "credentials.json.lock")
        .collect()
}

// proves: J08, client-D7, attack-48
#[test]
fn private_under_any_umask() {
    if let Some(dir) = in_child() {
        put(&vault(Path::new(&dir)), "a").unwrap();
        return;
    }
    for umask in ["000", "022", "027", "077"] {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("config/hallpass");
        let ran = child(
            "vault::private_under_any_umask",
            dir.to_str().unwrap(),
            &format!("umask {umask}"),
        )
        .status()
        .unwrap();
        assert!(ran.success(), "{umask}");
        assert_eq!(mode_of(&dir.join(FILE)), 0o600, "{umask}");
        assert_eq!(mode_of(&dir.join("credentials.json.lock")) & 0o177, 0, "{umask}");
        assert_eq!(mode_of(&dir), 0o700, "{umask}");
        assert_eq!(secret_in(&vault(&dir)), "a");
    }
}

// proves: client-D8
#[test]
fn a_process_that_is_killed_while_writing_leaves_a_whole_file() {
    const NAME: &str = "vault::a_process_that_is_killed_while_writing_leaves_a_whole_file";
    if let Some(dir) = in_child() {
        let vault = vault(Path::new(&dir));
        let long = "x".repeat(60_000);
        for n in 0u64.. {
            put(&vault, &format!("{n}-{long}")).unwrap();
            writeln(&n.to_string());
        }
    }
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    for round in 0..20 {
        let mut writer = child(NAME, dir.to_str().unwrap(), "true")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Killed in the middle of whatever comes after its `round`-th write.
        let mut lines =
            std::io::BufRead::lines(std::io::BufReader::new(writer.stdout.take().unwrap()));
        let written = (0..=round).filter(|_| next_number(&mut lines).is_some()).count();
        assert_eq!(written, round + 1);
        writer.kill().unwrap();
        writer.wait().unwrap();

        let vault = vault(&dir);
        let secret = secret_in(&vault);
        assert!(secret.ends_with(&"x".repeat(60_000)), "round {round}");
        // The lock died with its holder, and the next writer sweeps up.
        put(&vault, "after").unwrap();
        assert_eq!(leftovers(&dir), [""; 0]);
    }
}

fn writeln(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{text}").unwrap();
    out.flush().unwrap();
}

/// The next number that the child wrote; the test harness writes lines of its own.
fn next_number(lines: &mut impl Iterator<Item = io::Result<String>>) -> Option<u64> {
    lines.find_map(|line| line.unwrap().parse().ok())
}

// proves: client-D9
#[test]
fn a_full_disk_leaves_the_old_file() {
    const NAME: &str = "vault::a_full_disk_leaves_the_old_file";
    if let Some(dir) = in_child() {
        let vault = vault(Path::new(&dir));
        assert!(matches!(put(&vault, "new"), Err(VaultError::Io { what: "write", .. })));
        assert_eq!(secret_in(&vault), "old");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("hallpass");
    put(&vault(&dir), "old").unwrap();
    // The limit is for the file alone; what the harness prints goes nowhere.
    let ran = child(NAME, dir.to_str().unwrap(), "trap '' XFSZ; ulimit -f 0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(ran.success());
    assert_eq!(secret_in(&vault(&dir)), "old");
    assert_eq!(leftovers(&dir), [""; 0]);
}
