//! The master key: 32 random bytes, as 64 hexadecimal digits in a file that its owner
//! alone can read. It seals signing keys and is not in backups of the database.
//!
//! It is made at the first start only. Where there are sealed keys already, a missing
//! master key is said, because a new one would open nothing.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hallpass_core::{Random, Secret, chance};
use hallpass_issuer::MasterKey;
use hallpass_store::Store;
use zeroize::{Zeroize as _, Zeroizing};

use super::Failure;
use crate::config::Settings;

/// Its name in the data directory.
const FILE: &str = "master.key";
const BYTES: usize = 32;
const SHAPE: &str = "it should hold 64 hexadecimal digits on one line";
const MODE_NEXT: &str = "run chmod 600 on it";

/// Reads the master key, or makes one if nothing has been sealed yet.
pub async fn load(
    settings: &Settings,
    dir: &Path,
    store: &Store,
    random: &dyn Random,
) -> Result<MasterKey, Failure> {
    let named = settings.master_key_file.is_some();
    let path = settings.master_key_file.clone().unwrap_or_else(|| dir.join(FILE));
    match read(&path, named)? {
        Some(key) => Ok(key),
        None if store.signing_keys().all().await?.is_empty() => make(&path, random),
        None => Err(Failure::MasterKeyMissing { path }),
    }
}

/// `None` if there is no such file.
fn read(path: &Path, named: bool) -> Result<Option<MasterKey>, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(unusable(path, &why, "make it readable for this user")),
    };
    let mode = file.metadata().map_err(|why| unusable(path, &why, MODE_NEXT))?.mode();
    if mode & 0o077 != 0 {
        // A file that the operator names may be a mounted secret, whose mode is not ours
        // to choose.
        if !named {
            let why = format!("others can read it (mode {:o})", mode & 0o777);
            return Err(Failure::File { path: path.to_owned(), why, next: MODE_NEXT });
        }
        tracing::warn!(path = %path.display(), "others can read the master key");
    }
    // One byte more than there may be, to notice a longer file; a line end may follow.
    let mut text = Zeroizing::new(String::new());
    let limit = 2 * BYTES as u64 + 3;
    file.take(limit)
        .read_to_string(&mut text)
        .map_err(|_| Failure::MasterKeyBad { path: path.to_owned(), why: SHAPE })?;
    decode(text.trim_end())
        .map(Some)
        .ok_or(Failure::MasterKeyBad { path: path.to_owned(), why: SHAPE })
}

fn make(path: &Path, random: &dyn Random) -> Result<MasterKey, Failure> {
    let mut bytes = chance::bytes::<BYTES>(random);
    let text = Secret::new(encode(&bytes) + "\n");
    // Never over another one: of two first starts at once, one fails and is started again.
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.expose().as_bytes())?;
        file.sync_all()?;
        // The name must survive a power cut as well, or what is sealed next is lost.
        match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|why| unusable(path, &why, "make its directory writable for this user"))?;
    let key = MasterKey::new(bytes);
    bytes.zeroize();
    Ok(key)
}

fn unusable(path: &Path, why: &std::io::Error, next: &'static str) -> Failure {
    Failure::File { path: PathBuf::from(path), why: why.to_string(), next }
}

fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(text: &str) -> Option<MasterKey> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    if text.len() != 2 * BYTES || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(MasterKey::new(*bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::system::SystemRandom;

    #[test]
    fn it_is_made_once_and_for_its_owner() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join(FILE);
        assert!(read(&path, false).expect("absent").is_none());
        make(&path, &SystemRandom).expect("made");
        assert_eq!(std::fs::metadata(&path).expect("file").mode() & 0o777, 0o600);
        assert!(read(&path, false).expect("read").is_some());
        let before = std::fs::read(&path).expect("text");
        assert!(make(&path, &SystemRandom).is_err());
        assert_eq!(std::fs::read(&path).expect("text"), before);
    }

    #[test]
    fn what_others_can_read_is_refused_unless_the_operator_named_it() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join(FILE);
        make(&path, &SystemRandom).expect("made");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("chmod");
        let failure = read(&path, false).expect_err("readable by others");
        assert!(failure.to_string().contains("chmod 600"), "{failure}");
        assert!(read(&path, true).expect("named").is_some());
    }

    #[test]
    fn another_content_is_refused_without_being_shown() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join(FILE);
        for content in ["", "hush", &"g".repeat(64), &"a".repeat(65), &"a".repeat(63), "\u{ff}"] {
            std::fs::write(&path, content).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
            let failure = read(&path, false).expect_err("no key");
            assert_eq!(failure.exit_code(), 16);
            assert!(content.is_empty() || !failure.to_string().contains(content));
        }
        std::fs::write(&path, format!("{}\r\n", "aB".repeat(32))).expect("written");
        assert!(read(&path, false).expect("read").is_some());
    }
}
