//! How far the database had come when it last acknowledged a change.
//!
//! SQLite takes a database whose write-ahead log was cut or deleted, or an old copy
//! of the file, for a good one: it is good, but older, and revoked credentials would
//! be back. So after each commit, and before any answer, the number of the last audit
//! row and the epoch are written to `hallpass.mark`, and a database that has not come
//! that far is not opened. The mark is not synced: it may lag behind the database after
//! a power loss, and never runs ahead of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rusqlite::Connection;

/// The file's name.
pub(crate) const NAME: &str = "hallpass.mark";

/// How far a database has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The number of the last audit row.
    pub(crate) audit: i64,
    /// The revocation epoch.
    pub(crate) epoch: i64,
}

impl Reached {
    /// How far a database has come that was just opened: nowhere, if it has no tables yet.
    pub(crate) fn at_start(conn: &Connection) -> rusqlite::Result<Self> {
        if conn.table_exists(None, "audit")? && conn.table_exists(None, "epoch")? {
            Self::read(conn)
        } else {
            Ok(Self::default())
        }
    }

    fn read(conn: &Connection) -> rusqlite::Result<Self> {
        conn.prepare_cached(
            "SELECT (SELECT COALESCE(MAX(seq), 0) FROM audit), (SELECT value FROM epoch)",
        )?
        .query_row([], |row| Ok(Self { audit: row.get(0)?, epoch: row.get(1)? }))
    }

    /// What is missing to have come as far as `marked`, in words.
    pub(crate) fn behind(self, marked: Self) -> Option<String> {
        if self.audit < marked.audit {
            Some(format!("its last change is number {}, and {} was", self.audit, marked.audit))
        } else if self.epoch < marked.epoch {
            Some(format!("its revocation epoch is {}, and {} was", self.epoch, marked.epoch))
        } else {
            None
        }
    }
}

/// The open file.
pub(crate) struct Mark {
    file: File,
    last: Reached,
}

impl Mark {
    /// Opens the file, and says how far it says that the database had come. What cannot
    /// be read says nothing: a power loss may have cut it.
    pub(crate) fn open(dir: &Path) -> io::Result<(Self, Reached)> {
        let file = super::open::private_file(&dir.join(NAME))?;
        let mut text = [0; LEN];
        let marked = match file.read_exact_at(&mut text, 0) {
            Ok(()) => parse(&text).unwrap_or_default(),
            Err(_) => Reached::default(),
        };
        Ok((Self { file, last: Reached::default() }, marked))
    }

    /// Writes how far the database has come now.
    pub(crate) fn advance(&mut self, conn: &Connection) {
        let written = Reached::read(conn).map_err(io::Error::other).and_then(|now| {
            if now != self.last {
                self.file.write_all_at(render(now).as_bytes(), 0)?;
                self.last = now;
            }
            Ok(())
        });
        if let Err(error) = written {
            // The database is what counts; the mark merely lags behind.
            tracing::warn!(%error, "cannot write {NAME}");
        }
    }
}

/// Two numbers of 20 digits, a space and a line end.
const LEN: usize = 42;

fn render(reached: Reached) -> String {
    format!("{:020} {:020}\n", reached.audit, reached.epoch)
}

fn parse(text: &[u8]) -> Option<Reached> {
    let (audit, epoch) = std::str::from_utf8(text).ok()?.trim_end().split_once(' ')?;
    Some(Reached { audit: audit.parse().ok()?, epoch: epoch.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_far_and_what_is_missing() {
        let marked = Reached { audit: 131, epoch: 7 };
        assert_eq!(render(marked).len(), LEN);
        assert_eq!(parse(render(marked).as_bytes()), Some(marked));
        assert_eq!(parse(b"\0\0\0\0"), None);
        assert_eq!(marked.behind(marked), None);
        assert_eq!(Reached { audit: 132, epoch: 7 }.behind(marked), None);
        let stale = Reached { audit: 120, epoch: 7 }.behind(marked);
        assert_eq!(stale.as_deref(), Some("its last change is number 120, and 131 was"));
        let regressed = Reached { audit: 140, epoch: 6 }.behind(marked);
        assert_eq!(regressed.as_deref(), Some("its revocation epoch is 6, and 7 was"));
    }
}
