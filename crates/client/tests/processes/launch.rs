//! Launchers: what they are started with, and that none of them can hold up a login.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hallpass_client::login::choose::Launch;
use hallpass_client::login::launch::{Launcher as _, SystemLauncher};
use hallpass_client::system::SystemTimes;
use hallpass_client::time::{Boot, Time};
use hallpass_core::{Clock, Timestamp};

use crate::child::{child, in_child};

const URL: &str = "https://id.example.com/oauth/authorize?a=1&b=$(touch%20x);c='d'%22";

fn launcher(time: Arc<dyn Time>) -> SystemLauncher {
    SystemLauncher::new(time, vec!["HALLPASS_TOKEN".to_owned()])
}

/// A program. Another process writes it: a child that a test beside this one forks meanwhile
/// would inherit a file that is open for writing here, and such a file cannot be run.
fn script(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    let write = "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"";
    let mut sh = Command::new("sh");
    sh.args(["-c", write, "sh"]).arg(&path).arg(text);
    assert!(sh.status().unwrap().success());
    path
}

fn command(value: impl Into<String>) -> Launch {
    Launch::Command(value.into())
}

// proves: client-A4
#[test]
fn the_address_is_one_argument_and_no_shell_sees_it() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("argv");
    let browser =
        script(dir.path(), "browser", &format!("printf '%s\\n' \"$@\" > {}", out.display()));
    let browser = browser.display();
    let launch = |value: String| {
        assert!(launcher(Arc::new(SystemTimes)).launch(&command(value), URL));
        fs::read_to_string(&out).unwrap()
    };
    assert_eq!(launch(format!("{browser}")), format!("{URL}\n"));
    assert_eq!(launch(format!("{browser} --new")), format!("--new\n{URL}\n"));
    assert_eq!(launch(format!("{browser} --app=%s x")), format!("--app={URL}\nx\n"));
    // One that is not there, and one that fails, give way to the next.
    assert_eq!(launch(format!("/nowhere/browser:false:{browser}")), format!("{URL}\n"));
    // A file's name may hold anything.
    let spaced = script(dir.path(), "my browser: new", &format!("echo \"$1\" > {}", out.display()));
    assert_eq!(launch(spaced.display().to_string()), format!("{URL}\n"));
}

// proves: client-A5
#[test]
fn a_launcher_that_fails_says_so() {
    let launcher = launcher(Arc::new(SystemTimes));
    assert!(!launcher.launch(&command("false"), URL));
    assert!(!launcher.launch(&command("/nowhere/browser"), URL));
    assert!(!launcher.launch(&Launch::Nothing, URL));
}

/// A clock that only waiting moves, and that does not really wait.
struct Waits(std::sync::Mutex<Duration>);
impl Clock for Waits {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(0)
    }
}
impl Time for Waits {
    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
    fn boot(&self) -> Option<Boot> {
        None
    }
    fn sleep(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}

// proves: client-A5, client-A6
#[test]
fn a_launcher_that_hangs_is_left_to_itself_after_two_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &gate,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    // It hangs until somebody opens the gate.
    let browser = script(dir.path(), "browser", &format!("read line < {}", gate.display()));
    let time = Arc::new(Waits(std::sync::Mutex::default()));
    assert!(launcher(time.clone()).launch(&command(browser.display().to_string()), URL));
    let waited = time.monotonic();
    assert!(waited >= Duration::from_secs(2) && waited < Duration::from_millis(2100), "{waited:?}");
    fs::write(&gate, "go\n").unwrap();
}

// proves: client-A6
#[test]
fn a_launcher_is_heard_by_nobody_and_sees_no_token() {
    const NAME: &str = "launch::a_launcher_is_heard_by_nobody_and_sees_no_token";
    if let Some(browser) = in_child() {
        assert!(launcher(Arc::new(SystemTimes)).launch(&command(browser), URL));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("environment");
    let browser = script(
        dir.path(),
        "browser",
        &format!("echo NOISE; echo NOISE >&2; cat; env > {}", out.display()),
    );
    let ran = child(NAME, browser.to_str().unwrap(), "true")
        .env("HALLPASS_TOKEN", "hp_user_secret")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(ran.status.success());
    let printed = [ran.stdout, ran.stderr].concat();
    assert!(!String::from_utf8_lossy(&printed).contains("NOISE"));
    let seen = fs::read_to_string(out).unwrap();
    assert!(seen.contains("PATH=") && !seen.contains("HALLPASS_TOKEN"), "{seen}");
}
