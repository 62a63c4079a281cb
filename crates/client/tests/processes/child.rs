//! A test that has to be a process of its own: to be killed, or to have another umask or
//! other limits. The test starts itself again and takes the other part there.

#![allow(clippy::disallowed_methods, reason = "how a test tells its own child what to do")]

use std::process::{Command, Stdio};

const VARIABLE: &str = "HALLPASS_CLIENT_TEST_CHILD";

/// In the child: what its parent handed over.
pub(crate) fn in_child() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

/// The command that runs the test `name` again, as a child that gets `message`, after
/// the shell has run `prelude` (`umask 000`, `ulimit -f 0`).
pub(crate) fn child(name: &str, message: &str, prelude: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{prelude}; exec \"$0\" \"$@\""))
        .arg(std::env::current_exe().expect("the test's own program"))
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(VARIABLE, message)
        .stdin(Stdio::null());
    command
}
