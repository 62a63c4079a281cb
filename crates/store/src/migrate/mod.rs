//! Migrations: forward only, one sequence, each in one transaction.
//!
//! The table `schema` has a row for each that was applied, with the oldest version of
//! hallpass's schema that may still use the database after it (`min_compatible`).
//! Expand first, contract later: a migration that an older binary can live with keeps
//! `min_compatible` low, so old and new run side by side during an upgrade; one that
//! it cannot live with raises it, and the older binary refuses to start.
//!
//! To add one: write `0015.sql` (and `0015.sqlite.sql`, `0015.postgres.sql` for what
//! must differ), and append it to [`ALL`]. Never change one that was released.

use crate::{Error, OpenError};

/// One step of the schema.
pub(crate) struct Migration {
    /// Its number, from 1 upwards without gaps.
    pub(crate) version: i64,
    /// The oldest version that may use the database once this is applied.
    pub(crate) min_compatible: i64,
    /// What is the same on both engines.
    pub(crate) both: &'static str,
    /// What is SQLite's own.
    pub(crate) sqlite: &'static str,
    /// What is PostgreSQL's own.
    pub(crate) postgres: &'static str,
}

/// All migrations, in order.
pub(crate) const ALL: &[Migration] = &[
    Migration {
        version: 1,
        min_compatible: 1,
        both: include_str!("0001.sql"),
        sqlite: include_str!("0001.sqlite.sql"),
        postgres: include_str!("0001.postgres.sql"),
    },
    // An older hallpass would take the grant of a personal token for damage, and would not end
    // the tokens of somebody it disables.
    Migration {
        version: 2,
        min_compatible: 2,
        both: include_str!("0002.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        version: 3,
        min_compatible: 2,
        both: include_str!("0003.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        version: 4,
        min_compatible: 2,
        both: include_str!("0004.sql"),
        sqlite: "",
        postgres: "",
    },
    // An older hallpass would give addresses to others that were given up, and take the last owner
    // from an organization by disabling them.
    Migration {
        version: 5,
        min_compatible: 5,
        both: include_str!("0005.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        version: 6,
        min_compatible: 2,
        both: include_str!("0006.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        version: 7,
        min_compatible: 2,
        both: include_str!("0007.sql"),
        sqlite: "",
        postgres: "",
    },
    // An older hallpass would take a bound refresh token without its key.
    Migration {
        version: 8,
        min_compatible: 8,
        both: include_str!("0008.sql"),
        sqlite: "",
        postgres: "",
    },
    // An older hallpass would take the pass of a job for damage, and would not end it with its
    // policy.
    Migration {
        version: 9,
        min_compatible: 9,
        both: include_str!("0009.sql"),
        sqlite: "",
        postgres: "",
    },
    // An older hallpass would not know an agent's grant.
    Migration {
        version: 10,
        min_compatible: 10,
        both: include_str!("0010.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        version: 11,
        min_compatible: 2,
        both: include_str!("0011.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        version: 12,
        min_compatible: 2,
        both: include_str!("0012.sql"),
        sqlite: "",
        postgres: "",
    },
    // An older hallpass would let agents go on whose broker's token it revokes, and what they asked
    // for when it stops them.
    Migration {
        version: 13,
        min_compatible: 13,
        both: include_str!("0013.sql"),
        sqlite: "",
        postgres: "",
    },
    // An older hallpass would not end the passes of a job with its policy.
    Migration {
        version: 14,
        min_compatible: 14,
        both: include_str!("0014.sql"),
        sqlite: "",
        postgres: "",
    },
];

/// The table that says what was applied.
pub(crate) const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS schema (
    version BIGINT PRIMARY KEY NOT NULL,
    min_compatible BIGINT NOT NULL
)";

/// What was applied.
pub(crate) const APPLIED: &str =
    "SELECT COALESCE(MAX(version), 0), COALESCE(MAX(min_compatible), 0) FROM schema";

/// How far a database's schema has come.
#[derive(Clone, Copy)]
pub(crate) struct Applied {
    /// The last migration's number; 0 for none.
    pub(crate) version: i64,
    /// The oldest version that may use it.
    pub(crate) min_compatible: i64,
}

/// The migrations that are to be applied. None if the database is as new or newer, and
/// an error if it is so new that we must not touch it.
pub(crate) fn pending(
    migrations: &[Migration],
    applied: Applied,
) -> Result<&[Migration], OpenError> {
    let known = migrations.last().map_or(0, |migration| migration.version);
    if applied.min_compatible > known {
        return Err(OpenError::Newer {
            found: applied.version,
            known,
            needed: applied.min_compatible,
        });
    }
    let done = migrations.partition_point(|migration| migration.version <= applied.version);
    Ok(&migrations[done..])
}

/// Applies to SQLite what is pending. Nobody else has the database open.
pub(crate) fn sqlite(
    conn: &mut rusqlite::Connection,
    migrations: &[Migration],
) -> Result<(), OpenError> {
    let failed = |error| OpenError::Store(crate::sqlite::from_sqlite(error));
    let tx = conn.transaction().map_err(failed)?;
    let empty = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'";
    let tables: i64 = tx.query_row(empty, [], |row| row.get(0)).map_err(failed)?;
    let named = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'schema'";
    let ours: i64 = tx.query_row(named, [], |row| row.get(0)).map_err(failed)?;
    if tables > 0 && ours == 0 {
        return Err(foreign());
    }
    tx.execute_batch(SCHEMA).map_err(failed)?;
    let applied = tx
        .query_row(APPLIED, [], |row| {
            Ok(Applied { version: row.get(0)?, min_compatible: row.get(1)? })
        })
        .map_err(failed)?;
    for migration in pending(migrations, applied)? {
        tx.execute_batch(migration.both).map_err(failed)?;
        tx.execute_batch(migration.sqlite).map_err(failed)?;
        tx.execute(
            "INSERT INTO schema (version, min_compatible) VALUES (?1, ?2)",
            [migration.version, migration.min_compatible],
        )
        .map_err(failed)?;
    }
    tx.commit().map_err(failed)
}

/// The database holds tables, and none of them says that hallpass made them.
pub(crate) fn foreign() -> OpenError {
    let what = "it holds another program's tables; give hallpass a database of its own".to_owned();
    OpenError::Store(Error::Corrupt { what })
}
