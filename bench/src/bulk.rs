//! Many tokens at once, straight into the store's tables.
//!
//! One personal token with its grant, and one program's grant with its refresh token, are
//! made through the store's interface; all others are copies of their rows with an id and a
//! digest of their own. So this follows the schema without knowing it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hallpass_core::id::{AuditId, GrantId, TokenId};
use hallpass_core::token::Kind;
use hallpass_core::wire::CLI_CLIENT_ID;
use hallpass_core::{Clock, Scope, TokenText};
use hallpass_store::{
    By, GrantKind, Issue, NewCode, NewGrant, NewRefresh, NewToken, Place, Reported, Spend, Store,
};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::system::{SystemClock, SystemRandom};

/// Whom everything belongs to.
pub(crate) const EMAIL: &str = "ada@example.com";

/// The database in a data directory.
const DATABASE: &str = "hallpass.db";

/// How many personal tokens the bench may want to use; of the others it keeps no text.
const USABLE: usize = 4_096;

/// Programs that are signed in.
const PROGRAMS: usize = 2_000;

/// Everything that is loaded outlives the run.
const LIFE: Duration = Duration::from_secs(86_400);

/// What the bench may use of what it loaded.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Texts of personal tokens.
    pub(crate) personal: Vec<String>,
    /// Texts of refresh tokens that nobody has used.
    pub(crate) refresh: Vec<String>,
}

/// Loads `count` live personal tokens, and some programs that are signed in for `resource`.
pub(crate) fn load(data: &Path, resource: &str, count: u32) -> Result<Loaded> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let templates = runtime.block_on(templates(data, resource))?;
    let database = Connection::open(data.join(DATABASE))?;
    // Nobody would mind losing this, and nothing here needs to be checked again. Digests fall
    // anywhere in their index: written through a log, each page of it would be written many times.
    database.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; \
         PRAGMA cache_size = -4194304;",
    )?;
    let indexes = without_indexes(&database)?;
    database.execute_batch("BEGIN;")?;
    let personal = personal(&database, &templates, count)?;
    let refresh = programs(&database, &templates)?;
    database.execute_batch("COMMIT;")?;
    database.execute_batch(&indexes)?;
    database.execute_batch("PRAGMA journal_mode = WAL;")?;
    let loaded: u32 =
        database.query_row("SELECT COUNT(*) FROM credentials", [], |row| row.get(0))?;
    ensure!(loaded == count, "{loaded} tokens are there, not {count}");
    Ok(Loaded { personal, refresh })
}

/// Drops the indexes that can be made again at the end, which is far quicker than keeping them
/// up to date row by row; gives what makes them.
fn without_indexes(database: &Connection) -> Result<String> {
    let all = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL \
               AND tbl_name IN ('grants', 'credentials', 'refresh')";
    let mut select = database.prepare(all)?;
    let found = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(String, String)> = found.collect::<Result<_, _>>()?;
    let mut made = String::new();
    for (name, sql) in found {
        database.execute_batch(&format!("DROP INDEX {name};"))?;
        made.push_str(&sql);
        made.push_str(";\n");
    }
    Ok(made)
}

fn personal(database: &Connection, of: &Templates, count: u32) -> Result<Vec<String>> {
    let grant = Value::Text(of.token_grant.to_string());
    let mut grants = Copies::of(database, "grants", "id", &grant)?;
    let mut tokens = Copies::of(database, "credentials", "id", &Value::Text(of.token.to_string()))?;
    let mut usable = vec![of.token_text.expose().to_owned()];
    for number in 1..count {
        let text = TokenText::mint(Kind::Personal, &SystemRandom);
        let grant = Value::Text(GrantId::new(&SystemClock, &SystemRandom).to_string());
        grants.add(&[("id", grant.clone())])?;
        tokens.add(&[
            ("id", Value::Text(TokenId::new(&SystemClock, &SystemRandom).to_string())),
            ("digest", Value::Blob(text.digest().as_bytes().to_vec())),
            ("name", Value::Text(format!("ci {number}"))),
            ("grant_id", grant),
        ])?;
        if usable.len() < USABLE {
            usable.push(text.expose().to_owned());
        }
    }
    Ok(usable)
}

fn programs(database: &Connection, of: &Templates) -> Result<Vec<String>> {
    let grant = Value::Text(of.grant.to_string());
    let mut grants = Copies::of(database, "grants", "id", &grant)?;
    let digest = Value::Blob(of.refresh.digest().as_bytes().to_vec());
    let mut refresh = Copies::of(database, "refresh", "digest", &digest)?;
    let mut usable = vec![of.refresh.expose().to_owned()];
    for _ in 1..PROGRAMS {
        let token = TokenText::mint(Kind::Refresh, &SystemRandom);
        let id = Value::Text(GrantId::new(&SystemClock, &SystemRandom).to_string());
        grants.add(&[("id", id.clone())])?;
        let digest = Value::Blob(token.digest().as_bytes().to_vec());
        refresh.add(&[("digest", digest), ("grant_id", id)])?;
        usable.push(token.expose().to_owned());
    }
    Ok(usable)
}

/// What everything else is a copy of.
struct Templates {
    token: TokenId,
    token_text: TokenText,
    token_grant: GrantId,
    grant: GrantId,
    refresh: TokenText,
}

/// One personal token, one grant of the usual kind and its refresh token.
async fn templates(data: &Path, resource: &str) -> Result<Templates> {
    let store = Store::open(&Place::Directory(data.to_owned())).await?;
    let user = store.users().by_email(EMAIL).await?.context("the user is not there")?;
    let now = SystemClock.now();
    let by = || By {
        id: AuditId::new(&SystemClock, &SystemRandom),
        at: SystemClock.now(),
        actor: user.id.to_string(),
        client_id: Some(CLI_CLIENT_ID.to_owned()),
        address: Some("127.0.0.1".to_owned()),
        letters: Vec::new(),
    };
    let scope: Scope =
        ["account", "email", "offline_access", "openid", "profile"].into_iter().collect();
    let grant = NewGrant {
        jkt: None,
        agent: None,
        id: GrantId::new(&SystemClock, &SystemRandom),
        user_id: user.id,
        client_id: CLI_CLIENT_ID.to_owned(),
        kind: GrantKind::Code,
        scope,
        resources: vec![resource.to_owned()],
        auth_time: now,
        session_id: None,
        expires_at: Some(now + LIFE),
        address: Some("127.0.0.1".to_owned()),
        reported: Reported::default(),
    };
    let id = grant.id;
    let code = TokenText::mint(Kind::Code, &SystemRandom).digest();
    let new = NewCode {
        digest: code,
        grant,
        redirect_uri: "http://127.0.0.1:1/callback".to_owned(),
        challenge: None,
        nonce: None,
        expires_at: now + LIFE,
    };
    let issued = store.codes().issue(new, &by()).await?;
    ensure!(issued == Issue::Issued, "a code for a good user is {issued:?}");
    let token = TokenText::mint(Kind::Refresh, &SystemRandom);
    let first = NewRefresh { digest: token.digest(), expires_at: now + LIFE, jkt: None };
    let spent = store.codes().spend(&code, Some(first), &by()).await?;
    ensure!(spent == Spend::Won, "a code that nobody spent is {spent:?}");
    let text = TokenText::mint(Kind::Personal, &SystemRandom);
    let personal = NewToken {
        id: TokenId::new(&SystemClock, &SystemRandom),
        digest: text.digest(),
        prefix: Kind::Personal.prefix().to_owned(),
        last_four: text.last_four().to_owned(),
        owner: user.id,
        name: "ci".to_owned(),
        scope: None,
        projects: Vec::new(),
        expires_at: Some(now + LIFE),
        grant_id: GrantId::new(&SystemClock, &SystemRandom),
    };
    let (made, token_grant) = (personal.id, personal.grant_id);
    store.credentials().create(personal, &by()).await?;
    store.close().await;
    Ok(Templates { token: made, token_text: text, token_grant, grant: id, refresh: token })
}

/// Copies of one row.
struct Copies<'c> {
    insert: rusqlite::Statement<'c>,
    columns: Vec<String>,
    row: Vec<Value>,
}

impl<'c> Copies<'c> {
    /// Of the row of `table` that has `key` in the column `by`.
    fn of(database: &'c Connection, table: &str, by: &str, key: &Value) -> Result<Self> {
        let mut select = database.prepare(&format!("SELECT * FROM {table} WHERE {by} = ?1"))?;
        let columns: Vec<String> = select.column_names().map(str::to_owned).collect();
        let row =
            select.query_row([key], |row| (0..columns.len()).map(|at| row.get(at)).collect())?;
        let places: Vec<String> = (1..=columns.len()).map(|at| format!("?{at}")).collect();
        let insert =
            format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), places.join(", "));
        Ok(Self { insert: database.prepare(&insert)?, columns, row })
    }

    /// Adds a copy in which some columns differ.
    fn add(&mut self, differences: &[(&str, Value)]) -> Result<()> {
        for (column, value) in differences {
            let at = self.columns.iter().position(|name| name == column);
            self.row[at.with_context(|| format!("there is no column {column}"))?] = value.clone();
        }
        self.insert.execute(rusqlite::params_from_iter(&self.row))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_differs_only_where_it_was_told_to() {
        let database = Connection::open_in_memory().unwrap();
        database
            .execute_batch(
                "CREATE TABLE t (id TEXT, n BIGINT, x); INSERT INTO t VALUES ('a', 7, NULL);",
            )
            .unwrap();
        let mut copies = Copies::of(&database, "t", "id", &Value::Text("a".into())).unwrap();
        copies.add(&[("id", Value::Text("b".into()))]).unwrap();
        assert!(copies.add(&[("other", Value::Null)]).is_err());
        let copied = "SELECT COUNT(*) FROM t WHERE id = 'b' AND n = 7 AND x IS NULL";
        let found: i64 = database.query_row(copied, [], |row| row.get(0)).unwrap();
        assert_eq!(found, 1);
    }
}
