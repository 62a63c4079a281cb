//! A locked, full, damaged or older database.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::Tokens;
use hallpass_testkit::process::{self, Running};
use hallpass_testkit::server::Server;
use hallpass_testkit::town::Town;
use hallpass_testkit::wait;
use rusqlite::Connection;

use super::{is_for_people, refused};

fn database(server: &Server) -> std::path::PathBuf {
    server.directory().join("hallpass.db")
}

#[tokio::test]
async fn a_database_that_somebody_else_has_locked() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    let other = Connection::open(database(&town.server))?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let refused = town.tool.refresh(&tokens.refresh).await?;
    assert_eq!(refused.status, 503, "{refused:?}");
    is_for_people(&refused.body);
    assert!(
        !refused.header("retry-after").is_empty() || refused.error() == "temporarily_unavailable"
    );
    // Reading goes on.
    assert!(town.admits(&tokens.access).await?);
    other.execute_batch("ROLLBACK")?;
    // Nothing was spent by the attempt.
    assert_eq!(town.tool.refresh(&tokens.refresh).await?.status, 200);
    Ok(())
}

/// Writes `bytes` over a part of the file.
fn damage(path: &Path, at: u64, bytes: &[u8]) -> Result<()> {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::OpenOptions::new().write(true).open(path)?;
    Ok(file.write_all_at(bytes, at)?)
}

#[tokio::test]
async fn a_damaged_database_is_not_served() -> Result<()> {
    let mut server = Server::start().await?;
    server.person("ada@example.com", "Ada").await?;
    server.stop().await?;
    let file = database(&server);
    let good = std::fs::read(&file)?;
    let middle = (good.len() / 4096 / 2 * 4096) as u64;
    for (what, at, bytes) in [
        ("the header", 0, &b"not a database!!"[..]),
        ("the schema", 100, &[0xff; 900]),
        ("a page", middle, &[0xa5; 4096]),
    ] {
        damage(&file, at, bytes)?;
        let finished = server.refusal().await?;
        refused(&finished, 13, &["damaged"]);
        assert!(finished.stderr.contains("restore a backup"), "{what}: {}", finished.stderr);
        std::fs::write(&file, &good)?;
    }
    std::fs::write(&file, &good[..good.len() / 3])?;
    refused(&server.refusal().await?, 13, &[]);
    std::fs::write(&file, &good)?;
    server.start_again().await
}

#[tokio::test]
async fn an_older_database_is_not_served_as_if_nothing_had_been_revoked() -> Result<()> {
    let mut town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    town.server.stop().await?;
    let file = database(&town.server);
    let old = std::fs::read(&file)?;
    town.server.start_again().await?;
    town.tool.reconnect(&town.server);
    town.tool.revoke(&tokens.refresh).await?;
    town.server.stop().await?;
    let new = std::fs::read(&file)?;
    // A backup from before the revocation would bring the token back.
    std::fs::write(&file, &old)?;
    refused(&town.server.refusal().await?, 13, &["older", "hallpass.db-wal"]);
    std::fs::write(&file, &new)?;
    town.server.start_again().await?;
    // So would the loss of the write-ahead log.
    town.tool.reconnect(&town.server);
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    town.tool.revoke(&tokens.refresh).await?;
    town.server.kill()?;
    let log = town.server.directory().join("hallpass.db-wal");
    let kept = std::fs::read(&log)?;
    anyhow::ensure!(!kept.is_empty(), "there is no write-ahead log to lose");
    std::fs::remove_file(&log)?;
    refused(&town.server.refusal().await?, 13, &["older"]);
    std::fs::write(&log, &kept)?;
    town.server.start_again().await?;
    town.tool.reconnect(&town.server);
    assert_eq!(town.tool.refresh(&tokens.refresh).await?.error(), "invalid_grant");
    Ok(())
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() -> Result<()> {
    let mut server = Server::start().await?;
    server.stop().await?;
    let db = Connection::open(database(&server))?;
    let table: String = db.query_row(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%min_compatible%'",
        [],
        |row| row.get(0),
    )?;
    db.execute_batch(&format!("INSERT INTO {table} (version, min_compatible) VALUES (999, 999)"))?;
    drop(db);
    let before = std::fs::read(database(&server))?;
    refused(&server.refusal().await?, 14, &["newer"]);
    assert!(before == std::fs::read(database(&server))?, "nothing was written");
    Ok(())
}

/// A disk that can be filled, and emptied again, without hurting anybody else.
enum Disk {
    /// A file system of four megabytes, in a mount namespace of the server's own.
    Mounted(PathBuf),
    /// A limit for the size of files, which is full from the beginning.
    Limited,
}

impl Disk {
    /// A small file system, where this machine lets us mount one; containers often do not,
    /// and then it is the limit.
    async fn small(server: &Server) -> Result<Self> {
        let mut probe = process::command("unshare");
        probe.args(namespace()).args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        if Running::finish(&mut probe, b"").await?.code != Some(0) {
            return Ok(Self::Limited);
        }
        let disk = server.scratch().join("disk");
        std::fs::create_dir(&disk)?;
        Ok(Self::Mounted(disk))
    }

    /// `hallpass serve` on it, with the server's data.
    fn serve(&self, server: &Server) -> Result<Command> {
        let serve = server.command()?;
        let mut command;
        match self {
            Self::Mounted(disk) => {
                command = process::command("unshare");
                let script = "mount -t tmpfs -o size=4m,mode=0700 none \"$1\" && \
                    cp -a \"$2\" \"$1/data\" && shift 2 && exec \"$@\"";
                command.args(namespace()).args(["sh", "-euc", script, "sh"]);
                command.arg(disk).arg(server.directory());
            }
            Self::Limited => {
                command = process::command("sh");
                // The signal would end the process before it could say anything.
                command.args(["-euc", "trap '' XFSZ && exec \"$@\"", "sh"]);
            }
        }
        command.arg(serve.get_program()).args(serve.get_args());
        for (name, value) in serve.get_envs() {
            command.envs(value.map(|value| (name, value)));
        }
        if let Self::Mounted(disk) = self {
            command.env("HALLPASS_SERVER_DATA_DIR", disk.join("data"));
        }
        Ok(command)
    }

    /// Takes all of its space, or gives it back.
    async fn full(&self, running: &Running, full: bool) -> Result<()> {
        match self {
            Self::Mounted(disk) => {
                // The namespace, seen from outside.
                let root = PathBuf::from(format!("/proc/{}/root", running.id()));
                let filler = root.join(disk.strip_prefix("/")?).join("filler");
                if full { fill(&filler) } else { Ok(std::fs::remove_file(filler)?) }
            }
            Self::Limited => {
                let size = if full { "4096" } else { "unlimited" };
                let mut limit = process::command("prlimit");
                limit.args(["--pid", &running.id().to_string(), &format!("--fsize={size}:")]);
                let limited = Running::finish(&mut limit, b"").await?;
                anyhow::ensure!(limited.code == Some(0), "{limited:?}");
                Ok(())
            }
        }
    }
}

/// A mount namespace of one's own, also for those who are not root.
fn namespace() -> Vec<&'static str> {
    let mut arguments = vec!["--mount", "--propagation", "private"];
    if !rustix::process::geteuid().is_root() {
        arguments.extend(["--user", "--map-root-user"]);
    }
    arguments
}

#[tokio::test]
async fn a_full_disk_stops_changes_and_nothing_else() -> Result<()> {
    let town = Town::build().await?;
    let disk = Disk::small(&town.server).await?;
    full_disk(town, disk).await
}

#[tokio::test]
async fn files_that_may_not_grow_stop_changes_and_nothing_else() -> Result<()> {
    full_disk(Town::build().await?, Disk::Limited).await
}

async fn full_disk(mut town: Town, disk: Disk) -> Result<()> {
    let kept = town.tool.tokens(&town.person, &[]).await?;
    let revoked = town.tool.tokens(&town.person, &[]).await?;
    town.tool.revoke(&revoked.refresh).await?;
    town.server.stop().await?;
    let mut running = Running::start(&mut disk.serve(&town.server)?)?;
    town.tool.reconnect(&town.server);
    town.api.reconnect(&town.server);
    wait::until("the server on the small disk", async || {
        if let Some(status) = running.ended()? {
            anyhow::bail!("it ended ({status}): {}", running.written());
        }
        Ok(town.tool.introspect("x").await.is_ok().then_some(()))
    })
    .await?;
    disk.full(&running, true).await?;

    let full = wait::until("the disk to be full", async || {
        let answer = town.tool.device(&[]).await?;
        Ok((answer.status != 200 && answer.status != 429).then_some(answer))
    })
    .await?;
    assert_eq!(full.status, 503, "{full:?}");
    is_for_people(&full.body);
    // What is good is still admitted, and what was revoked is not.
    assert!(town.admits(&kept.access).await?);
    assert!(!town.admits(&revoked.access).await?);
    // A refusal spends nothing.
    let refused = town.tool.refresh(&kept.refresh).await?;
    assert_eq!(refused.status, 503, "{refused:?}");
    is_for_people(&running.written());

    disk.full(&running, false).await?;
    let tokens = wait::until("it to go on by itself", async || {
        let answer = town.tool.refresh(&kept.refresh).await?;
        Ok(if answer.status == 200 { Some(Tokens::read(&answer)?) } else { None })
    })
    .await?;
    assert!(town.admits(&tokens.access).await?);
    Ok(())
}

/// Fills the file system that `path` is on to the last byte.
fn fill(path: &Path) -> Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path).with_context(|| path.display().to_string())?;
    while file.write_all(&[0; 4096]).is_ok() {}
    Ok(())
}
