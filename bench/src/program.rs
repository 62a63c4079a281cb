//! The real binary: the one that cargo would build now, in our own profile.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// `hallpass`, as built in the profile of this bench.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
}

impl Program {
    /// Finds it beside this program. Under `cargo run` it is built first, so that
    /// nobody measures last week's server.
    pub(crate) fn find(say: impl Fn(&str)) -> Result<Self> {
        let this = std::env::current_exe().context("finding this program")?;
        let directory = this.parent().context("this program is in no directory")?;
        let profile = profile_of(directory);
        if let Some(cargo) = crate::system::cargo() {
            say(&format!("building hallpass ({profile})"));
            let status = Command::new(cargo)
                .args([
                    "build",
                    "--quiet",
                    "--package",
                    "hallpass",
                    "--bin",
                    "hallpass",
                    "--profile",
                    &profile,
                ])
                .status()
                .context("starting cargo")?;
            ensure!(status.success(), "hallpass does not build");
        }
        let path = directory.join(format!("hallpass{}", std::env::consts::EXE_SUFFIX));
        if !path.is_file() {
            bail!(
                "there is no {}; build it with `cargo build --profile {profile} -p hallpass`",
                path.display()
            );
        }
        Ok(Self { path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that it is in.
    pub(crate) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Runs it to its end, with `input` on stdin and nothing of the caller's own
    /// environment, and returns what it printed.
    pub(crate) fn run(&self, arguments: &[&str], home: &Path, input: &str) -> Result<String> {
        use std::io::Write;
        use std::process::Stdio;
        let mut child = Command::new(&self.path)
            .args(arguments)
            .env_clear()
            .env("HOME", home)
            // Nobody is here to say where sign-ins may be kept.
            .env("HALLPASS_STORE", "file")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", self.path.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not read its input may be gone already.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        ensure!(
            output.status.success(),
            "hallpass {} ended with {}:\n{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).context("hallpass printed something that is not text")
    }
}

/// Cargo names the directory like the profile, but for one.
fn profile_of(directory: &Path) -> String {
    match directory.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev".to_owned(),
        Some(name) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_the_directory() {
        assert_eq!(profile_of(Path::new("/x/target/release")), "release");
        assert_eq!(profile_of(Path::new("/x/target/debug")), "dev");
        assert_eq!(profile_of(Path::new("/x/target/x86_64-unknown-linux-musl/dist")), "dist");
    }
}
