//! What is PostgreSQL's own: many writers and processes, connections that break, a
//! server that refuses.

use hallpass_core::id::AuditKeyId;
use hallpass_core::{Clock as _, Digest, Secret};
use hallpass_store::{By, Checkpoint, Error, Link, OpenError, Place, Store};
use hallpass_testkit::certificate::Certificate;
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::system::RealClock;
use hallpass_testkit::wait;
use tokio::task::JoinSet;

use crate::by;

async fn open(url: &str) -> Result<Store, OpenError> {
    Store::open(&Place::Postgres(Secret::new(url))).await
}

/// Why it could not be opened, as a person reads it.
async fn refusal(url: &str) -> String {
    open(url).await.map(|_| "it was opened").unwrap_err().to_string()
}

/// Makes the next `times` writes to the settings fail as if with `code`. Sequences are not
/// undone with a transaction, so it is counted across attempts.
async fn let_fail(cluster: &Cluster, url: &str, times: u32, code: &str) {
    let trap = format!(
        "CREATE SEQUENCE IF NOT EXISTS attempts;
        SELECT setval('attempts', 1, false);
        CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('attempts') <= {times} THEN
                RAISE EXCEPTION 'as if' USING ERRCODE = '{code}';
            END IF;
            RETURN NEW;
        END $$;
        CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON settings
            FOR EACH ROW EXECUTE FUNCTION fail()"
    );
    cluster.sql(url, &trap).await.unwrap();
}

/// When others are in the way, a change is run again, takes effect once, and is given up
/// in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_run_again() {
    let cluster = Cluster::start().await.unwrap();
    let url = cluster.url().await.unwrap();
    let store = open(&url).await.unwrap();
    for (number, code) in ["40001", "40P01"].into_iter().enumerate() {
        let_fail(&cluster, &url, 3, code).await;
        store.settings().set("value", code, &by()).await.unwrap();
        assert_eq!(store.settings().get("value").await.unwrap().as_deref(), Some(code));
        assert_eq!(store.audit().count().await, Ok(number as u64 + 1));
        assert_eq!(cluster.sql(&url, "SELECT last_value FROM attempts").await.unwrap(), "4");
        let_fail(&cluster, &url, 1_000, code).await;
        assert_eq!(store.settings().set("value", "x", &by()).await, Err(Error::Busy));
        assert_eq!(store.audit().count().await, Ok(number as u64 + 1));
    }
    // What another attempt would not help is told at once, and reads go on.
    let_fail(&cluster, &url, 1, "53100").await;
    assert_eq!(store.settings().set("value", "x", &by()).await, Err(Error::StorageFull));
    assert_eq!(store.settings().get("value").await.unwrap().as_deref(), Some("40P01"));
    store.settings().set("value", "after", &by()).await.unwrap();
    assert_eq!(store.audit().count().await, Ok(3));
}

/// Any number of processes start on an empty database at once.
#[tokio::test(flavor = "multi_thread")]
async fn all_may_start_at_once() {
    let cluster = Cluster::start().await.unwrap();
    let url = cluster.url().await.unwrap();
    let mut starting = JoinSet::new();
    for _ in 0..8 {
        let url = url.clone();
        starting.spawn(async move { open(&url).await.map(|store| store.engine()) });
    }
    for engine in starting.join_all().await {
        assert_eq!(engine.unwrap(), hallpass_store::Engine::Postgres);
    }
    let whole = "SELECT COUNT(*) = MAX(version) AND COUNT(*) > 1 FROM schema";
    assert_eq!(cluster.sql(&url, whole).await.unwrap(), "t");
    let store = open(&cluster.over_socket(&url)).await.unwrap();
    assert_eq!(store.ping().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_newer_or_of_others_is_refused() {
    let cluster = Cluster::start().await.unwrap();
    let url = cluster.url().await.unwrap();
    open(&url).await.unwrap();
    cluster.sql(&url, "INSERT INTO schema VALUES (98, 1)").await.unwrap();
    open(&url).await.expect("the newer schema says that this version may use it");
    cluster.sql(&url, "INSERT INTO schema VALUES (99, 99)").await.unwrap();
    let refused = refusal(&url).await;
    assert!(refused.contains("upgraded by a newer hallpass (schema 99;"), "{refused}");

    let of_others = cluster.url().await.unwrap();
    cluster.sql(&of_others, "CREATE TABLE users (id TEXT)").await.unwrap();
    let refused = refusal(&of_others).await;
    assert!(refused.contains("it holds another program's tables"), "{refused}");
    let tables = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(cluster.sql(&of_others, tables).await.unwrap(), "1");
}

/// A standby may lag behind, so what was revoked could be good there.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_only_reads_is_refused() {
    let cluster = Cluster::start().await.unwrap();
    let url = cluster.url().await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    cluster.sql(&url, &read_only).await.unwrap();
    let refused = refusal(&url).await;
    assert!(refused.contains("does not allow writes"), "{refused}");
}

/// No URL and no password is ever shown.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_keep_the_password() {
    let cluster = Cluster::start().await.unwrap();
    let url = cluster.url().await.unwrap();
    let (before, _) = url.rsplit_once('@').unwrap();
    let wrong = url.replace(before, "postgres://hallpass:s3cr3t-marked");
    let refused = refusal(&wrong).await;
    assert!(refused.contains("password authentication failed"), "{refused}");
    assert!(!refused.contains("s3cr3t"), "{refused}");
    let nowhere = "postgres://hallpass:s3cr3t-marked@127.0.0.1:1/db";
    let refused = refusal(nowhere).await;
    assert!(refused.contains("error connecting to server: Connection refused"), "{refused}");
    for bad in
        ["postgres://u:s3cr3t@h:port/db", "s3cr3t", "postgres://u:s3cr3t@h/db?sslmode=s3cr3t"]
    {
        let refused = refusal(bad).await;
        assert!(refused.starts_with("the database URL cannot be used: "), "{refused}");
        assert!(!refused.contains("s3cr3t"), "{refused}");
    }
}

/// Tasks that are cancelled in the middle leave no transaction behind, and every
/// connection can be used.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_open() {
    let cluster = Cluster::start().await.unwrap();
    let url = cluster.url().await.unwrap();
    let store = open(&url).await.unwrap();
    let mut changes = JoinSet::new();
    for number in 0..200 {
        let store = store.clone();
        let one = changes.spawn(async move {
            store.settings().set("contended", &number.to_string(), &by()).await
        });
        if number % 2 == 0 {
            tokio::task::yield_now().await;
            one.abort();
        }
    }
    let mut made = 0;
    while let Some(ended) = changes.join_next().await {
        if let Ok(answer) = ended {
            answer.unwrap();
            made += 1;
        }
    }
    let open = "SELECT COUNT(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'
        OR (state = 'active' AND query LIKE '%contended%' AND pid <> pg_backend_pid())";
    wait::until("all transactions to have ended", async || {
        Ok((cluster.sql(&url, open).await? == "0").then_some(()))
    })
    .await
    .unwrap();
    let rows = store.audit().count().await.unwrap();
    assert!((made..=200).contains(&rows), "{made} were acknowledged, {rows} were made");
    for _ in 0..40 {
        store.settings().set("contended", "again", &by()).await.unwrap();
    }
    assert_eq!(store.audit().count().await, Ok(rows + 40));
}

/// A server that dies and comes back: an error meanwhile, nothing lost, and no need to
/// open the store again.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_comes_back() {
    let mut cluster = Cluster::start().await.unwrap();
    let url = cluster.url().await.unwrap();
    let store = open(&url).await.unwrap();
    let mut written = 0;
    for round in 0..4 {
        let put =
            async |number: u64| store.settings().set("value", &number.to_string(), &by()).await;
        put(written + 1).await.unwrap();
        written += 1;
        if round % 2 == 0 {
            cluster.kill().unwrap();
        } else {
            cluster.stop().await.unwrap();
        }
        // Of a server that was killed, a child may still serve for a moment.
        let down = wait::until("the connections to break", async || match put(written + 1).await {
            Ok(()) => {
                written += 1;
                Ok(None)
            }
            Err(down) => Ok(Some(down)),
        })
        .await
        .unwrap();
        assert!(matches!(down, Error::Unavailable { .. }), "{down:?}");
        assert!(store.ping().await.is_err());
        cluster.start_again().await.unwrap();
        assert_eq!(store.ping().await, Ok(()));
        // What was acknowledged is there; the last one, which was not, wholly or not at all.
        let kept = store.settings().get("value").await.unwrap().unwrap();
        assert_eq!(store.audit().count().await.unwrap().to_string(), kept);
        let kept: u64 = kept.parse().unwrap();
        assert!(kept == written || kept == written + 1, "{kept} of {written}");
        written = kept;
    }
}

/// A server that has no room for all connections: they wait for one another.
#[tokio::test(flavor = "multi_thread")]
async fn too_few_connections_are_enough() {
    let cluster = Cluster::start().await.unwrap();
    let url = cluster.url().await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let role = format!(
        "CREATE ROLE {name} LOGIN PASSWORD 'few' CONNECTION LIMIT 3; \
         GRANT ALL ON SCHEMA public TO {name}"
    );
    cluster.sql(&url, &role).await.unwrap();
    let (_, place) = url.rsplit_once('@').unwrap();
    let store = open(&format!("postgres://{name}:few@{place}")).await.unwrap();
    let mut changes = JoinSet::new();
    for number in 0..64 {
        let store = store.clone();
        changes
            .spawn(async move { store.settings().set(&format!("key {number}"), "x", &by()).await });
    }
    for answer in changes.join_all().await {
        assert_eq!(answer, Ok(()));
    }
    assert_eq!(store.audit().count().await, Ok(64));
}

/// TLS is verified, against the system's certificates or those that are named.
#[tokio::test(flavor = "multi_thread")]
async fn tls_is_verified() {
    let cluster = Cluster::start().await.unwrap();
    let url = cluster.url().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let own = Certificate::make(dir.path()).unwrap();
    cluster.speak_tls(&own).await.unwrap();

    let tls = "SELECT COUNT(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE ssl AND application_name = 'hallpass'";
    let trusted = own.certificate.display();
    let url = url.replace("127.0.0.1", "localhost");
    let store = open(&format!("{url}?sslmode=verify-full&sslrootcert={trusted}")).await.unwrap();
    assert_eq!(cluster.sql(&url, tls).await.unwrap(), "1");
    store.close().await;
    for mode in ["require", "verify-full"] {
        let refused = refusal(&format!("{url}?sslmode={mode}")).await;
        assert!(refused.contains("invalid peer certificate"), "{refused}");
    }
    let another_host = url.replace("localhost", "127.0.0.1");
    let refused = refusal(&format!("{another_host}?sslmode=require&sslrootcert={trusted}")).await;
    assert!(refused.contains("invalid peer certificate"), "{refused}");
    // To this very machine, unless asked for, there is no need.
    open(&url).await.unwrap();
}

/// The database's clock is learnt.
#[tokio::test(flavor = "multi_thread")]
async fn its_clock_counts() {
    let cluster = Cluster::start().await.unwrap();
    let store = open(&cluster.url().await.unwrap()).await.unwrap();
    store.learn_time(&RealClock).await.unwrap();
    // It is the same machine's, so the two agree to within the trip.
    let (here, there) = (RealClock.now(), store.database_time(RealClock.now()));
    let apart = here.since(there).max(there.since(here));
    assert!(apart.as_secs() < 60, "{apart:?}");
}

/// Chains what is committed, as a sealer does.
async fn seal(store: &Store) -> i64 {
    let audit = store.audit();
    let head = audit.head().await.unwrap();
    let rows = audit.unsealed(0, 100).await.unwrap();
    let links: Vec<Link> = rows
        .iter()
        .zip(head.number + 1..)
        .map(|(row, number)| Link { seq: row.seq, number, hash: Digest::of(&number.to_be_bytes()) })
        .collect();
    let Some(last) = links.last().copied() else { return head.number };
    let checkpoint = Checkpoint {
        number: last.number,
        at: RealClock.now(),
        hash: last.hash,
        key: AuditKeyId::from_bits(1),
        signature: Vec::new(),
    };
    assert_eq!(audit.seal(head.number, links, checkpoint).await, Ok(true));
    last.number
}

/// A row that took its number first and is committed last is chained when it is committed, and
/// none is missed.
// proves: HP14
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_commits_late_is_chained_late() {
    let cluster = std::sync::Arc::new(Cluster::start().await.unwrap());
    let url = cluster.url().await.unwrap();
    let store = open(&url).await.unwrap();
    let trap = "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.actor = 'late' THEN PERFORM pg_advisory_xact_lock(4711); END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER late BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION late()";
    cluster.sql(&url, trap).await.unwrap();
    let (holding, at) = (cluster.clone(), url.clone());
    // A thread of its own: rustc cannot see that it may wander (rust-lang/rust#110338).
    let here = tokio::runtime::Handle::current();
    let holder = tokio::task::spawn_blocking(move || {
        here.block_on(holding.sql(&at, "SELECT pg_advisory_lock(4711), pg_sleep(600)"))
    });
    let locks = async |granted: &str| {
        let sql = format!("SELECT count(*) FROM pg_locks WHERE objid = 4711 AND {granted}");
        wait::until("a lock", async || Ok((cluster.sql(&url, &sql).await? == "1").then_some(())))
            .await
            .unwrap();
    };
    locks("granted").await;
    let (changing, late) = (store.clone(), By { actor: "late".to_owned(), ..by() });
    let late = tokio::spawn(async move { changing.settings().set("late", "x", &late).await });
    locks("NOT granted").await;
    store.settings().set("early", "x", &by()).await.unwrap();
    assert_eq!(seal(&store).await, 1);
    let end = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE objid = 4711 AND granted";
    cluster.sql(&url, end).await.unwrap();
    late.await.unwrap().unwrap();
    assert!(holder.await.unwrap().is_err());
    assert_eq!(seal(&store).await, 2);
    let rows = store.audit().sealed(0, 10).await.unwrap();
    let actors: Vec<_> = rows.iter().map(|row| row.actor.as_str()).collect();
    assert_eq!(actors, ["system", "late"]);
    assert!(rows[1].seq < rows[0].seq, "it took its place first");
}
