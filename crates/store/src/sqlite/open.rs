//! Opening a database: the directory and its lock, the version of SQLite, the
//! health of the file, and its tables.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::mark::{Mark, Reached};
use super::readers::Readers;
use super::writer::{Desk, Writer};
use super::{Damage, Sqlite, error};
use crate::migrate::{self, Migration};
use crate::watch::Watch;
use crate::{Error, OpenError};

/// Before 3.51.3, a reset of the write-ahead log could lose commits.
const OLDEST_SQLITE: i32 = 3_051_003;
/// The database file's name.
pub(crate) const DATABASE: &str = "hallpass.db";
/// The lock file's name.
pub(crate) const LOCK: &str = "hallpass.lock";
/// A file up to this size is checked before it is served; a larger one while it is, so
/// that the time to the first answer does not grow with it.
const CHECKED_AT_ONCE: u64 = 16 << 20;
/// What a burst of changes may leave of the write-ahead log, in bytes.
const LOG_LIMIT: i64 = 64 << 20;
/// More than there are statements, so that each is prepared once for each connection.
const PREPARED: usize = 256;

/// Opens the database in `dir`, or one in memory.
pub(crate) fn open(dir: Option<&Path>, migrations: &[Migration]) -> Result<Sqlite, OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite { found: rusqlite::version() });
    }
    match dir {
        None => in_memory(migrations),
        Some(dir) => in_directory(dir, migrations),
    }
}

fn in_memory(migrations: &[Migration]) -> Result<Sqlite, OpenError> {
    let mut conn = Connection::open_in_memory().map_err(error::from_sqlite)?;
    configure(&conn).map_err(error::from_sqlite)?;
    migrate::sqlite(&mut conn, migrations)?;
    let conn = Arc::new(Mutex::new(Some(conn)));
    let desk = Desk { conn: Arc::clone(&conn), mark: None, lock: None, watch: Watch::default() };
    start(desk, Readers::Shared(conn), Arc::default())
}

fn in_directory(dir: &Path, migrations: &[Migration]) -> Result<Sqlite, OpenError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |cause| OpenError::Path { path, cause }
    };
    make_private(dir).map_err(at(dir))?;
    let lock = private_file(&dir.join(LOCK)).map_err(at(dir))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(cause)) => return Err(at(dir)(cause)),
    }
    let file = dir.join(DATABASE);
    // SQLite gives its other files the mode of this one.
    let size = private_file(&file).and_then(|file| file.metadata()).map_err(at(&file))?.len();
    let (mut mark, marked) = Mark::open(dir).map_err(at(dir))?;

    let mut conn = writable(&file).map_err(|cause| cannot_open(&file, cause))?;
    let at_once = size <= CHECKED_AT_ONCE;
    if at_once {
        check(&conn)?;
    }
    let reached = Reached::at_start(&conn).map_err(error::from_sqlite)?;
    if let Some(cause) = reached.behind(marked) {
        return Err(OpenError::Stale { path: file, cause });
    }
    migrate::sqlite(&mut conn, migrations)?;
    mark.advance(&conn);

    let damage = Arc::new(Damage::default());
    if !at_once {
        check_in_background(file.clone(), Arc::clone(&damage)).map_err(at(dir))?;
    }
    let conn = Arc::new(Mutex::new(Some(conn)));
    let desk = Desk { conn, mark: Some(mark), lock: Some(lock), watch: Watch::default() };
    start(desk, Readers::pool(file), damage)
}

fn start(desk: Desk, readers: Readers, damage: Arc<Damage>) -> Result<Sqlite, OpenError> {
    let watch = desk.watch.clone();
    let writer = Writer::start(desk).map_err(|cause| {
        let cause = format!("cannot start its thread: {cause}");
        OpenError::Store(Error::Unavailable { cause })
    })?;
    Ok(Sqlite { readers, writer, damage, watch })
}

/// KiB of pages that a connection which reads keeps for itself. The operating system has them
/// too; each connection would keep 2 MiB after reading everything once, at the start.
const READER_CACHE: i64 = 512;

/// A connection that reads.
pub(crate) fn reader(file: &Path) -> Result<Connection, Error> {
    let conn = connect(file).map_err(error::from_sqlite)?;
    conn.pragma_update(None, "query_only", true).map_err(error::from_sqlite)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE).map_err(error::from_sqlite)?;
    Ok(conn)
}

fn writable(file: &Path) -> rusqlite::Result<Connection> {
    let conn = connect(file)?;
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    Ok(conn)
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    // The file exists; no URI, so that no name of a directory is read as options.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags)?;
    configure(&conn)?;
    Ok(conn)
}

fn configure(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(PREPARED);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // A plan that depends on what is bound is made anew at every bind: `grants::standing`
    // would be parsed and planned for each check.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // A commit is on stable storage when it returns: NORMAL would lose the last ones
    // with the power.
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    // Only another process can be in the way, and none should be: a backup, sqlite3(1).
    conn.busy_timeout(std::time::Duration::from_secs(5))
}

fn check(conn: &Connection) -> Result<(), Error> {
    let found: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(error::from_sqlite)?;
    if found == "ok" { Ok(()) } else { Err(Error::Corrupt { what: found }) }
}

fn check_in_background(file: PathBuf, damage: Arc<Damage>) -> io::Result<()> {
    let work = move || {
        // Damage is noted; what else may be wrong, the next read will find.
        let _ = damage.note(reader(&file).and_then(|conn| check(&conn)));
    };
    std::thread::Builder::new().name("hallpass-check".to_owned()).spawn(work).map(drop)
}

/// Makes `dir` for this user alone. One that is there already is closed to others if
/// it holds nothing or our database; what else it holds is not ours to close.
fn make_private(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mode = fs::metadata(dir)?.permissions().mode();
    let ours = || -> io::Result<bool> {
        Ok(dir.join(DATABASE).exists() || fs::read_dir(dir)?.next().is_none())
    };
    if mode & 0o077 != 0 && ours()? {
        fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Opens or makes a file for this user alone.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// SQLite's reason for not opening a file is a path's, if it is not damage.
fn cannot_open(file: &Path, cause: rusqlite::Error) -> OpenError {
    match error::from_sqlite(cause) {
        Error::Unavailable { cause } => {
            OpenError::Path { path: file.to_owned(), cause: io::Error::other(cause) }
        }
        other => OpenError::Store(other),
    }
}
