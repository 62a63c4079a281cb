//! The file vault in the hands of processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use hallpass_client::system::{SystemRandom, SystemTimes};
use hallpass_client::vault::model::{CredentialKind, Endpoints};
use hallpass_client::vault::{
    Credential, FileVault, Key, Keyring, KeyringError, Rules, Vault as _, VaultError,
};
use hallpass_core::Secret;

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
        narrowed: Vec::new(),
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

/// A keyring in memory, for a process that is about to be killed: what it holds is in a
/// file beside the vault, so that the next process finds it.
struct Notebook(std::path::PathBuf);
impl Keyring for Notebook {
    fn name(&self) -> &'static str {
        "notebook"
    }
    fn get(&self, entry: &str) -> Result<Option<Secret>, KeyringError> {
        Ok(fs::read_to_string(self.0.join(entry)).ok().map(Secret::new))
    }
    fn set(&self, entry: &str, _: &str, secret: &Secret) -> Result<(), KeyringError> {
        let failed = |error: io::Error| KeyringError::Failed(error.to_string());
        // As atomic as a real keyring's.
        fs::write(self.0.join("new"), secret.expose()).map_err(failed)?;
        fs::rename(self.0.join("new"), self.0.join(entry)).map_err(failed)
    }
    fn remove(&self, entry: &str) -> Result<(), KeyringError> {
        let _ = fs::remove_file(self.0.join(entry));
        Ok(())
    }
}

/// A vault whose keyring is a notebook beside it.
fn sealed(dir: &Path, rules: Rules) -> FileVault {
    let keyring = Arc::new(Notebook(dir.parent().unwrap().join("notebook")));
    vault(dir).with_keyring(keyring, Duration::from_secs(60), Ok(None), rules)
}

/// Everything that a write can do to a file system, and nothing that only reads.
const CALLS: &str = "openat,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,\
    mkdir,mkdirat,chmod,fchmod,fchmodat,flock,ftruncate";

// proves: client-D8
#[test]
fn a_write_that_is_killed_at_any_system_call_leaves_the_old_content_or_the_new() {
    const NAME: &str =
        "vault::a_write_that_is_killed_at_any_system_call_leaves_the_old_content_or_the_new";
    let in_keyring = Rules { refresh_in_keyring: true, ..Rules::default() };
    type Open<'a> = &'a dyn Fn(&Path) -> FileVault;
    let forms: [(&str, Open<'_>); 3] = [
        ("plain", &|dir| vault(dir)),
        ("sealed", &|dir| sealed(dir, Rules::default())),
        ("keyring", &|dir| sealed(dir, in_keyring)),
    ];
    if let Some(message) = in_child() {
        let (form, dir) = message.split_once(':').unwrap();
        let vault = forms.iter().find(|(name, _)| *name == form).unwrap().1;
        put(&vault(Path::new(dir)), "new").unwrap();
        return;
    }
    for (form, vault) in forms {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("hallpass");
        fs::create_dir(home.path().join("notebook")).unwrap();
        let log = home.path().join("log");
        let traced = |inject: Option<&(String, usize)>| {
            let child = child(NAME, &format!("{form}:{}", dir.display()), "true");
            let mut traced = std::process::Command::new("strace");
            traced.args(["-f", "-qq", "-o"]).arg(&log).arg("-e").arg(format!("trace={CALLS}"));
            if let Some((call, nth)) = inject {
                traced.arg("-e").arg(format!("inject={call}:signal=KILL:when={nth}"));
            }
            traced.arg(child.get_program()).args(child.get_args());
            traced.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
            traced.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            traced.status().expect("strace, which ./test installs").success()
        };
        put(&vault(&dir), "old").unwrap();
        assert!(traced(None), "{form}");
        let points = calls_of_the_write(&fs::read_to_string(&log).unwrap());
        let (mut old, mut new) = (0, 0);
        for point in &points {
            put(&vault(&dir), "old").unwrap();
            assert!(!traced(Some(point)), "{form}: it was not killed at {point:?}");
            match secret_in(&vault(&dir)).as_str() {
                "old" => old += 1,
                "new" => new += 1,
                other => panic!("{form}, killed at {point:?}: {other:?}"),
            }
            // The lock died with its holder, and the next writer sweeps up.
            put(&vault(&dir), "after").unwrap();
            assert_eq!(secret_in(&vault(&dir)), "after", "{form}, {point:?}");
            let left = leftovers(&dir);
            assert!(!left.iter().any(|name| name.ends_with(".tmp")), "{form}, {point:?}: {left:?}");
        }
        assert!(old > 4 && new > 0, "{form}: {old} old, {new} new of {points:?}");
    }
}

/// Every system call of a log between the lock and the last one about the vault, as the
/// how many-eth of its name it is in its thread.
fn calls_of_the_write(log: &str) -> BTreeSet<(String, usize)> {
    let mut counted: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let Some((name, _)) = rest.split_once('(').filter(|(name, _)| CALLS.contains(name)) else {
            continue;
        };
        let count = counted.entry((thread.to_owned(), name.to_owned())).or_default();
        *count += 1;
        calls.push((rest, (name.to_owned(), *count)));
    }
    let first = calls.iter().position(|(call, _)| call.contains("credentials.json.lock"));
    let last = calls.iter().rposition(|(call, _)| call.contains("hallpass"));
    let (first, last) = (first.expect("a lock"), last.expect("a rename"));
    // What syncs the directory names only a descriptor.
    let end = (last + 2).min(calls.len());
    calls[first..end].iter().map(|(_, point)| point.clone()).collect()
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
