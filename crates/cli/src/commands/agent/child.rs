//! What a program that runs as an agent gets, and what it does not.
//!
//! It gets its own token, and no credential of the person who starts it: none of our variables,
//! nothing whose name says that it is a secret, no way to the keyring or to agents of SSH and
//! GnuPG. What is named with `--keep` stays. It runs as the same user all the same: a file that
//! this user may read, it can read. That is what containers and other users are for.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use hallpass_core::Secret;

use crate::{Context, system};

/// What a variable's name says that holds a credential, or leads to one.
const SECRET: [&str; 12] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "API_KEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "AUTH_SOCK",
    "COOKIE",
    "PASSFILE",
];
/// The same, at its end.
const SECRET_AT_END: [&str; 6] = ["_KEY", "_JWT", "_PAT", "_PWD", "_PASS", "_AUTH"];
/// Where a person's keyring and keys answer.
const DOORS: [&str; 4] =
    ["DBUS_SESSION_BUS_ADDRESS", "SSH_AGENT_PID", "GPG_AGENT_INFO", "GNOME_KEYRING_CONTROL"];

/// Takes away what is the person's, but for what is to be kept.
pub(super) fn strip(cx: &Context<'_>, command: &mut Command, keep: &[&str]) {
    for name in system::variable_names() {
        if is_theirs(cx, &name) && !keep.iter().any(|kept| OsStr::new(kept) == name) {
            command.env_remove(&name);
        }
    }
}

/// Whether a variable is this tool's own.
pub(super) fn is_ours(cx: &Context<'_>, name: &str) -> bool {
    let own = cx.brand.variables.values().any(|own| own == name);
    own || name.to_ascii_uppercase().starts_with(&*cx.brand.variable(""))
}

fn is_theirs(cx: &Context<'_>, name: &OsStr) -> bool {
    // What is no UTF-8 is nobody's setting.
    let Some(name) = name.to_str() else { return true };
    let name = name.to_ascii_uppercase();
    is_ours(cx, &name)
        || DOORS.contains(&&*name)
        || SECRET.iter().any(|word| name.contains(word))
        || SECRET_AT_END.iter().any(|word| name.ends_with(word))
}

/// What the agent is told: who it talks to, its token, and where the fresh one lies.
pub(super) fn equip(
    cx: &Context<'_>,
    command: &mut Command,
    server: &str,
    token: &Secret,
    file: Option<&Path>,
) {
    command.env(cx.brand.variable("SERVER"), server);
    command.env(cx.brand.variable("AUTH_TOKEN"), token.expose());
    // It keeps nothing, and never waits for a person.
    command.env(cx.brand.variable("STORE"), "none");
    command.env(cx.brand.variable("NONINTERACTIVE"), "1");
    if let Some(file) = file {
        command.env(cx.brand.variable("AUTH_TOKEN_FILE"), file);
    }
}

/// The file that the token lies in, in a directory that nobody else can look into. It goes with
/// the broker.
#[derive(Debug)]
pub(super) struct TokenFile {
    dir: PathBuf,
    file: PathBuf,
}

impl TokenFile {
    /// Below the runtime directory, which is in memory, or else where temporary files are.
    pub(super) fn make(cx: &Context<'_>, id: &str, token: &Secret) -> io::Result<Self> {
        let runtime = cx.environment.var("XDG_RUNTIME_DIR").map(PathBuf::from);
        let below = runtime.filter(|dir| dir.is_dir()).unwrap_or_else(std::env::temp_dir);
        // The id has 80 random bits, and a directory that is there already is not ours.
        let dir = below.join(format!("{}-{id}", cx.brand.name));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&dir)?;
        let made = Self { file: dir.join("token"), dir };
        made.write(token)?;
        Ok(made)
    }

    /// Puts a fresh token in the place of the old one; whoever reads finds one of the two.
    pub(super) fn write(&self, token: &Secret) -> io::Result<()> {
        let next = self.dir.join("next");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&next)?;
        file.write_all(token.expose().as_bytes())?;
        file.write_all(b"\n")?;
        drop(file);
        fs::rename(&next, &self.file)
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        remove(&self.dir);
    }
}

/// Takes the directory away; what is not there needs no taking.
pub(super) fn remove(dir: &Path) {
    for name in ["token", "next"] {
        let _ = fs::remove_file(dir.join(name));
    }
    let _ = fs::remove_dir(dir);
}

/// As shells count: 127 for a program that is not there, 126 for one that is none.
pub(super) fn not_run(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }
}

/// The program and its arguments.
pub(super) fn command(words: &[OsString]) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map_or("".as_ref(), |word| word.as_os_str()));
    command.args(words);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    // proves: SN05
    #[test]
    fn what_is_a_persons_is_told_by_its_name() {
        Town::new().with(|cx| {
            for theirs in [
                "HALLPASS_TOKEN",
                "HALLPASS_PROFILE",
                "hallpass_auth_token",
                "GITHUB_TOKEN",
                "AWS_SECRET_ACCESS_KEY",
                "ANTHROPIC_API_KEY",
                "SSH_AUTH_SOCK",
                "DBUS_SESSION_BUS_ADDRESS",
                "PGPASSWORD",
                "PGPASSFILE",
                "GITHUB_PAT",
                "STRIPE_KEY",
            ] {
                assert!(is_theirs(cx, OsStr::new(theirs)), "{theirs}");
            }
            for plain in ["PATH", "HOME", "LANG", "TERM", "EDITOR", "SSL_CERT_FILE", "HALL"] {
                assert!(!is_theirs(cx, OsStr::new(plain)), "{plain}");
            }
        });
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_looks_into_the_file_and_it_goes_with_the_broker() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let town = Town::new().var("XDG_RUNTIME_DIR", dir.path().to_str().unwrap());
        town.with(|cx| {
            let file = TokenFile::make(cx, "agt_1", &Secret::new("one")).unwrap();
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&file.dir), mode(file.path())), (0o700, 0o600));
            file.write(&Secret::new("two")).unwrap();
            assert_eq!(fs::read_to_string(file.path()).unwrap(), "two\n");
            assert!(TokenFile::make(cx, "agt_1", &Secret::new("x")).is_err(), "it is not ours");
            drop(file);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        });
    }
}
