//! The database itself, looked at while no server runs.

use anyhow::{Context as _, Result, ensure};
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::town::Town;
use rusqlite::Connection;
use tempfile::TempDir;

/// Where the books are.
pub(crate) enum Books<'a> {
    Sqlite,
    Postgres { cluster: &'a Cluster, url: &'a str },
}

/// Pairs of counts that must be equal: a change, and its rows in the audit log (I6).
const PAIRS: [(&str, &str); 7] = [
    ("SELECT count(*) FROM codes", "'code.issue'"),
    ("SELECT count(*) FROM codes WHERE spent_at IS NOT NULL", "'code.spend', 'code.burn'"),
    ("SELECT count(*) FROM refresh WHERE spent_at IS NOT NULL", "'refresh.rotate'"),
    ("SELECT count(*) FROM devices", "'device.start'"),
    ("SELECT count(*) FROM devices WHERE status = 'spent'", "'device.spend'"),
    (
        "SELECT count(*) FROM grants WHERE ended_at IS NOT NULL",
        "'grant.end', 'grant.reuse', 'code.burn'",
    ),
    ("SELECT count(*) FROM sessions", "'session.start'"),
];

impl Books<'_> {
    /// Nothing is broken (I8), and every change has its row (I6).
    pub(crate) async fn are_sound(&self, town: &Town) -> Result<()> {
        if let Self::Sqlite = self {
            let check = self.ask(town, "PRAGMA integrity_check").await?;
            ensure!(check == "ok", "I8: {check}");
        }
        for (changes, actions) in PAIRS {
            let rows = format!("SELECT count(*) FROM audit WHERE action IN ({actions})");
            let (changed, logged) = (self.ask(town, changes).await?, self.ask(town, &rows).await?);
            ensure!(
                changed == logged,
                "I6: {changed} of {changes:?} but {logged} rows of {actions}"
            );
        }
        Ok(())
    }

    /// The log holds every row once, in a chain that its signatures prove (I6).
    pub(crate) async fn are_proved(&self, town: &mut Town) -> Result<()> {
        town.server.stop().await?;
        let rows: i64 = self.ask(town, "SELECT count(*) FROM audit").await?.parse()?;
        let exported = town.server.try_admin(&["audit", "export"], "").await?;
        ensure!(exported.code == Some(0), "{exported:?}");
        let keys = town.server.scratch().join("audit-keys.json");
        std::fs::write(&keys, town.server.admin(&["audit", "keys"], "").await?)?;
        let keys = keys.to_str().context("a path in UTF-8")?;
        let verify = ["audit", "verify", "--json", "--key", keys];
        let proven = town.server.try_admin(&verify, &exported.stdout).await?;
        ensure!(proven.code == Some(0), "I6: {proven:?}");
        let proven: serde_json::Value = serde_json::from_str(&proven.stdout)?;
        ensure!(
            proven["first"] == 1 && proven["last"] == rows && proven["unsealed"] == 0,
            "I6: {rows} rows, and proved: {proven}"
        );
        Ok(())
    }

    /// The revocation epoch (I9).
    pub(crate) async fn epoch(&self, town: &Town) -> Result<i64> {
        self.ask(town, "SELECT value FROM epoch").await?.parse().context("a number")
    }

    /// The one value that a statement answers.
    async fn ask(&self, town: &Town, sql: &str) -> Result<String> {
        match self {
            Self::Postgres { cluster, url } => cluster.sql(url, sql).await,
            Self::Sqlite => {
                // A copy, so that the check recovers nothing that the server has to recover.
                let copy = TempDir::with_prefix("hallpass-books-")?;
                for suffix in ["", "-wal"] {
                    let name = format!("hallpass.db{suffix}");
                    let from = town.server.directory().join(&name);
                    if from.exists() {
                        std::fs::copy(from, copy.path().join(&name))?;
                    }
                }
                let db = Connection::open(copy.path().join("hallpass.db"))?;
                let value: rusqlite::types::Value = db.query_row(sql, [], |row| row.get(0))?;
                Ok(match value {
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => anyhow::bail!("{sql}: {other:?}"),
                })
            }
        }
    }
}
