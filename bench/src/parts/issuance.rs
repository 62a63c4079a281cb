//! Durable issuance: how many credentials a second are acknowledged after their sync,
//! against the rate of single commits, one after the other, on the same disk.
//!
//! At the store: a personal token with its grant and its audit row; a grant with its code and
//! its audit row; a refresh token rotated with its audit row. Over HTTP: the same rotation, and an access token signed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use hallpass_core::id::{AuditId, GrantId, TokenId, UserId};
use hallpass_core::token::Kind;
use hallpass_core::wire::CLI_CLIENT_ID;
use hallpass_core::{Clock, Digest, Scope, TokenText};
use hallpass_store::{
    By, Client, ClientKind, GrantKind, Issue, NewCode, NewGrant, NewRefresh, NewToken, NewUser,
    Place, Reported, Rotation, Spend, Store,
};

use super::Bench;
use crate::deployment::Refreshing;
use crate::load;
use crate::process::Server;
use crate::spread::Pairs;
use crate::system::{Stopwatch, SystemClock, SystemRandom};
use crate::table::{Goal, Row, Unit};

/// Clients at once.
const CLIENTS: [usize; 3] = [1, 8, 64];

/// Everything that is issued outlives the run.
const LIFE: Duration = Duration::from_secs(86_400);

/// Ours in each round, beside one single-commit rate.
#[derive(Default)]
struct Rates {
    made: [Pairs; 3],
    issued: [Pairs; 3],
    rotated: [Pairs; 3],
    refreshed: [Pairs; 3],
}

/// At the store and over HTTP.
pub(super) fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let program = bench.program.clone();
    let few = bench.few()?;
    let server = few.serve(&program)?;
    // Without `openid`: signing an ID token with RS256 would be all that is measured.
    let mut programs = Vec::new();
    for clients in CLIENTS {
        programs.push(few.programs(clients, "account")?);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let shop = runtime.block_on(Shop::open(&bench.scratch.join("shop")))?;
    let single = SingleCommits::open(&bench.scratch.join("single.db"))?;

    let mut rates = Rates::default();
    // The first round warms everything up and is not counted.
    for round in 0..=bench.size.rounds {
        let baseline = single.rate(bench.size.writing)?;
        for (number, clients) in CLIENTS.into_iter().enumerate() {
            let made = runtime.block_on(shop.make(clients, bench.size.writing))?;
            let issued = runtime.block_on(shop.issue(clients, bench.size.writing))?;
            let rotated = runtime.block_on(shop.rotate(clients, bench.size.writing))?;
            let refreshed = refresh(&server, &mut programs[number], bench.size.writing)?;
            if round > 0 {
                rates.made[number].push(made, baseline);
                rates.issued[number].push(issued, baseline);
                rates.rotated[number].push(rotated, baseline);
                rates.refreshed[number].push(refreshed, baseline);
            }
        }
    }
    runtime.block_on(shop.store.close());
    server.stop()?;
    Ok(rates.rows())
}

impl Rates {
    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (what, pairs) in [
            ("personal token, at the store", &self.made),
            ("grant and code, at the store", &self.issued),
            ("refresh, at the store", &self.rotated),
            ("refresh, over HTTP", &self.refreshed),
        ] {
            for (clients, pairs) in CLIENTS.into_iter().zip(pairs) {
                // The goal is about issuing with 64 clients; the others show how it grows.
                let asked = clients == 64 && what.starts_with("personal");
                let goal = if asked { Goal::AtLeast(40.0) } else { Goal::Nothing };
                let noun = if clients == 1 { "client" } else { "clients" };
                rows.push(Row::new(
                    format!("{what}: {clients} {noun}"),
                    Unit::PerSecond,
                    pairs,
                    goal,
                ));
            }
        }
        rows
    }
}

fn refresh(server: &Server, programs: &mut [Refreshing], time: Duration) -> Result<f64> {
    Ok(load::runtime()?.block_on(load::run(server.address(), programs, time))?.rate())
}

/// One row, one commit, one sync, and then the next: what SQLite does by itself.
struct SingleCommits(rusqlite::Connection);

impl SingleCommits {
    fn open(file: &Path) -> Result<Self> {
        let database = rusqlite::Connection::open(file)?;
        // As the store sets them.
        let mode: String = database.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        ensure!(mode == "wal", "SQLite did not take to WAL: {mode}");
        database.execute_batch(
            "PRAGMA synchronous = FULL;
             CREATE TABLE kept (seq INTEGER PRIMARY KEY, at BIGINT NOT NULL, what TEXT NOT NULL);",
        )?;
        Ok(Self(database))
    }

    fn rate(&self, time: Duration) -> Result<f64> {
        let mut insert = self.0.prepare("INSERT INTO kept (at, what) VALUES (?1, ?2)")?;
        let watch = Stopwatch::start();
        let mut commits = 0_u32;
        while watch.elapsed() < time {
            insert
                .execute((SystemClock.now().millis(), "a row as small as an audit row may be"))?;
            commits += 1;
        }
        Ok(f64::from(commits) / watch.elapsed().as_secs_f64())
    }
}

/// A store with a person and a program in it.
struct Shop {
    store: Store,
    user: UserId,
}

impl Shop {
    async fn open(directory: &Path) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let store = Store::open(&Place::Directory(directory.to_owned())).await?;
        let user = UserId::new(&SystemClock, &SystemRandom);
        let new = NewUser {
            id: user,
            email: "ada@example.com".to_owned(),
            name: "Ada Lovelace".to_owned(),
            admin: false,
            password: None,
        };
        store.users().create(new, &by()).await?;
        store.clients().create(client(), &by()).await?;
        Ok(Self { store, user })
    }

    /// Personal tokens, a second.
    async fn make(&self, clients: usize, time: Duration) -> Result<f64> {
        let crowd = (0..clients).map(|_| (self.store.clone(), self.user));
        rate(crowd, time, |(store, user)| async move {
            make(&store, user).await?;
            Ok((store, user))
        })
        .await
    }

    /// Grants with their codes, a second.
    async fn issue(&self, clients: usize, time: Duration) -> Result<f64> {
        let crowd = (0..clients).map(|_| (self.store.clone(), self.user));
        rate(crowd, time, |(store, user)| async move {
            issue(&store, user).await?;
            Ok((store, user))
        })
        .await
    }

    /// Rotations, a second, each client in a family of its own.
    async fn rotate(&self, clients: usize, time: Duration) -> Result<f64> {
        let mut crowd = Vec::with_capacity(clients);
        for _ in 0..clients {
            let code = issue(&self.store, self.user).await?;
            let first = token();
            let spent = self.store.codes().spend(&code, Some(new_refresh(first)), &by()).await?;
            ensure!(spent == Spend::Won, "a code that nobody spent is {spent:?}");
            crowd.push((self.store.clone(), first));
        }
        rate(crowd, time, |(store, presented)| async move {
            let child = rotate(&store, presented).await?;
            Ok((store, child))
        })
        .await
    }
}

/// How often a second the members of a crowd, each for itself, do something.
async fn rate<T, F>(
    crowd: impl IntoIterator<Item = T>,
    time: Duration,
    once: impl Fn(T) -> F + Copy + Send + 'static,
) -> Result<f64>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send,
{
    let watch = Stopwatch::start();
    let tasks = crowd.into_iter().map(|mut member| {
        tokio::spawn(async move {
            let mut count = 0_u32;
            while watch.elapsed() < time {
                member = once(member).await?;
                count += 1;
            }
            anyhow::Ok(count)
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let counts = try_join_all(tasks).await.context("a task of the bench ended")?;
    let total: u32 = counts.into_iter().sum::<Result<u32>>()?;
    Ok(f64::from(total) / watch.elapsed().as_secs_f64())
}

async fn rotate(store: &Store, presented: Digest) -> Result<Digest> {
    let child = token();
    // As long as a sealed successor is.
    let sealed = vec![0x5a; 80];
    let grace = Duration::from_secs(30);
    let rotated =
        store.refresh().rotate(&presented, new_refresh(child), sealed, grace, &by()).await?;
    ensure!(rotated == Rotation::Won, "an unspent refresh token is {rotated:?}");
    Ok(child)
}

async fn make(store: &Store, user: UserId) -> Result<()> {
    let text = TokenText::mint(Kind::Personal, &SystemRandom);
    let id = TokenId::new(&SystemClock, &SystemRandom);
    let token = NewToken {
        id,
        digest: text.digest(),
        prefix: Kind::Personal.prefix().to_owned(),
        last_four: text.last_four().to_owned(),
        owner: user,
        name: id.to_string(),
        scope: None,
        projects: Vec::new(),
        expires_at: Some(SystemClock.now() + LIFE),
        grant_id: GrantId::new(&SystemClock, &SystemRandom),
    };
    store.credentials().create(token, &by()).await?;
    Ok(())
}

async fn issue(store: &Store, user: UserId) -> Result<Digest> {
    let now = SystemClock.now();
    let digest = TokenText::mint(Kind::Code, &SystemRandom).digest();
    let grant = NewGrant {
        jkt: None,
        agent: None,
        id: GrantId::new(&SystemClock, &SystemRandom),
        user_id: user,
        client_id: CLI_CLIENT_ID.to_owned(),
        kind: GrantKind::Code,
        scope: scope(),
        resources: Vec::new(),
        auth_time: now,
        session_id: None,
        expires_at: Some(now + LIFE),
        address: Some("127.0.0.1".to_owned()),
        reported: Reported::default(),
    };
    let code = NewCode {
        digest,
        grant,
        redirect_uri: "http://127.0.0.1:1/callback".to_owned(),
        challenge: None,
        nonce: None,
        expires_at: now + LIFE,
    };
    let issued = store.codes().issue(code, &by()).await?;
    ensure!(issued == Issue::Issued, "a code for a good user is {issued:?}");
    Ok(digest)
}

fn token() -> Digest {
    TokenText::mint(Kind::Refresh, &SystemRandom).digest()
}

fn new_refresh(digest: Digest) -> NewRefresh {
    NewRefresh { digest, expires_at: SystemClock.now() + LIFE, jkt: None }
}

fn scope() -> Scope {
    ["account", "offline_access"].into_iter().collect()
}

fn by() -> By {
    By {
        id: AuditId::new(&SystemClock, &SystemRandom),
        at: SystemClock.now(),
        actor: "system".to_owned(),
        client_id: Some(CLI_CLIENT_ID.to_owned()),
        address: Some("127.0.0.1".to_owned()),
        letters: Vec::new(),
    }
}

fn client() -> Client {
    Client {
        dpop_required: false,
        id: CLI_CLIENT_ID.to_owned(),
        name: "the bench".to_owned(),
        kind: ClientKind::Public,
        secret: None,
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        scopes: scope(),
        pkce_required: true,
        id_token_alg: "ES256".to_owned(),
        created_at: SystemClock.now(),
        disabled_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_counted_was_kept() {
        let scratch = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shop = Shop::open(scratch.path()).await.unwrap();
            let before = shop.store.audit().count().await.unwrap();
            let time = Duration::from_millis(200);
            for clients in CLIENTS {
                let made = shop.make(clients, time).await.unwrap();
                let issued = shop.issue(clients, time).await.unwrap();
                let rotated = shop.rotate(clients, time).await.unwrap();
                assert!(made > 0.0 && issued > 0.0 && rotated > 0.0);
            }
            // One audit row for each, at the least.
            assert!(shop.store.audit().count().await.unwrap() > before + 3 * 73);
            shop.store.close().await;
        });
        let single = SingleCommits::open(&scratch.path().join("single.db")).unwrap();
        assert!(single.rate(Duration::from_millis(20)).unwrap() > 0.0);
    }
}
