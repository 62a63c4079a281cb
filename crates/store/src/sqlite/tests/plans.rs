//! A statement is planned once on each connection, whatever is bound to it.

use rusqlite::{Connection, StatementStatus};

use super::open;
use crate::Engine;
use crate::conformance::statements::ALL;
use crate::db::Statement;

/// How often SQLite planned a statement again while it ran with other values. What it
/// answers, refusals included, does not matter.
fn planned_again(conn: &Connection, statement: &Statement) -> i32 {
    let mut prepared = conn.prepare(statement.sql(Engine::Sqlite)).unwrap();
    for value in ["one", "another", "a third"] {
        for slot in 1..=prepared.parameter_count() {
            prepared.raw_bind_parameter(slot, value).unwrap();
        }
        let _ = prepared.raw_query().next().map(|row| row.is_some());
        prepared.clear_bindings();
    }
    prepared.get_status(StatementStatus::RePrepare)
}

#[tokio::test]
async fn other_values_do_not_change_a_plan() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await.unwrap();
    let conn = super::super::open::reader(&dir.path().join("hallpass.db")).unwrap();
    let again: Vec<_> = ALL
        .iter()
        .copied()
        .flatten()
        .filter(|statement| planned_again(&conn, statement) > 0)
        .map(|statement| statement.sql(Engine::Sqlite))
        .collect();
    assert!(again.is_empty(), "planned again at each use:\n{}", again.join("\n\n"));
    store.close().await;
}
