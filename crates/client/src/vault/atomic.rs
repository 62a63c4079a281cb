//! Replacing a file so that a crash at any point leaves the old one or the new one
//! (CLIENT D8): a private temporary file beside it, synced, renamed over it, and the
//! directory synced.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hallpass_core::{Random, chance};

/// The steps of a replacement, in order; tests make each of them fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Create,
    Write,
    Sync,
    Rename,
    SyncDirectory,
}

impl Step {
    #[cfg(test)]
    pub(crate) const ALL: [Step; 5] =
        [Step::Create, Step::Write, Step::Sync, Step::Rename, Step::SyncDirectory];
}

/// Makes a file that is opened with `options` the owner's alone from its creation, and
/// refuses links.
pub(crate) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
        options.custom_flags(no_follow());
    }
    #[cfg(not(unix))]
    let _ = options;
}

#[cfg(unix)]
pub(crate) fn no_follow() -> i32 {
    // A FIFO in the place of a file must not hang the open.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    flags.bits().cast_signed()
}

/// Replaces `path` with `bytes`. `at` is asked before each step.
pub(crate) fn replace(
    path: &Path,
    bytes: &[u8],
    random: &dyn Random,
    at: &dyn Fn(Step) -> io::Result<()>,
) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    at(Step::Create)?;
    let (temporary, mut file) = create(path, random)?;
    let written = (|| {
        at(Step::Write)?;
        file.write_all(bytes)?;
        at(Step::Sync)?;
        file.sync_all()?;
        at(Step::Rename)?;
        std::fs::rename(&temporary, path)
    })();
    if let Err(error) = written {
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    at(Step::SyncDirectory)?;
    sync_directory(directory)
}

/// Removes temporary files that a killed process left beside `path`. Only under the
/// lock that every writer takes.
pub(crate) fn sweep(path: &Path) {
    let (Some(directory), Some(prefix)) = (path.parent(), prefix(path)) else { return };
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(&prefix) && name.ends_with(".tmp") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn prefix(path: &Path) -> Option<String> {
    Some(format!(".{}.", path.file_name()?.to_str()?))
}

fn create(path: &Path, random: &dyn Random) -> io::Result<(PathBuf, File)> {
    let prefix = prefix(path).ok_or(io::ErrorKind::InvalidFilename)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let mark = u64::from_be_bytes(chance::bytes(random));
    let temporary = directory.join(format!("{prefix}{mark:016x}.tmp"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    let file = options.open(&temporary)?;
    // The umask can only take bits away, but it may have taken the owner's.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok((temporary, file))
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// There is no such thing as syncing a directory there.
#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}
