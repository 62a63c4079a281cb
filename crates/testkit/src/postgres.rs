//! A throw-away PostgreSQL cluster, and a fresh database in it for each who asks.
//!
//! It listens on a free port of loopback and on a socket in its own directory, behind a
//! random password, and is killed and removed with its owner. PostgreSQL refuses to run
//! as root; as root, it runs as the user `postgres`, or `nobody` if there is none.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail};
use hallpass_core::chance;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::certificate::Certificate;
use crate::process::{self, Running};
use crate::system::RealRandom;
use crate::{ports, wait};

/// Where Debian and its children, and then others, keep the server's programs.
const PLACES: [&str; 3] = ["/usr/lib/postgresql", "/usr/pgsql", "/usr/local/pgsql"];
/// The cluster's superuser.
const USER: &str = "hallpass";
/// How often, and between two looks how long, the end of a server is waited for.
const PAUSES: u32 = 500;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
/// What every server is started with. A crash of the server alone loses nothing without
/// `fsync`; only that of the whole machine would.
const SETTINGS: [&str; 5] = [
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "full_page_writes=off",
    "max_connections=120",
    "deadlock_timeout=50ms",
];

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    server: Running,
    programs: PathBuf,
    directory: TempDir,
    owner: Option<Owner>,
    port: u16,
    password: String,
    databases: AtomicU32,
}

/// The user that the server runs as when we are root.
#[derive(Clone, Copy, Debug)]
struct Owner {
    user: u32,
    group: u32,
}

impl Cluster {
    /// Makes a cluster and starts it.
    pub async fn start() -> Result<Self> {
        let programs = programs()?;
        let owner = owner()?;
        let directory = tempfile::Builder::new().prefix("hallpass-pg-").tempdir()?;
        let password: String =
            chance::bytes::<16>(&RealRandom).iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = directory.path().join("password");
        std::fs::write(&secret, &password)?;
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700))?;
        if let Some(owner) = owner {
            for path in [directory.path(), &secret] {
                chown(path, Some(owner.user), Some(owner.group))?;
            }
        }
        let made = Running::finish(
            as_owner(owner, &programs.join("initdb"))
                .arg("--pgdata")
                .arg(directory.path().join("data"))
                .arg("--pwfile")
                .arg(&secret)
                .args(["--username", USER, "--auth-local", "scram-sha-256"])
                // SCRAM is meant to be slow, and unoptimized it is very much so.
                .args(["--auth-host", "password"])
                .args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"])
                .current_dir(directory.path()),
            b"",
        )
        .await?;
        if made.code != Some(0) {
            bail!("initdb failed: {}{}", made.stdout, made.stderr);
        }
        let port = ports::free()?;
        let server = serve(&programs, directory.path(), owner, port)?;
        let databases = AtomicU32::new(0);
        let mut cluster = Self { server, programs, directory, owner, port, password, databases };
        if !cluster.comes_up().await? {
            bail!("PostgreSQL did not start: {}", cluster.server.written());
        }
        Ok(cluster)
    }

    /// The URL of a fresh, empty database.
    pub async fn url(&self) -> Result<String> {
        let name = format!("town_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}")).await?;
        Ok(format!("postgres://{USER}:{}@127.0.0.1:{}/{name}", self.password, self.port))
    }

    /// As [`Cluster::url`], but a fresh schema of one and the same database: many of them
    /// cost little.
    pub async fn schema_url(&self) -> Result<String> {
        let name = format!("town_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE SCHEMA {name}")).await?;
        Ok(format!(
            "postgres://{USER}:{}@127.0.0.1:{}/postgres?options=-csearch_path%3D{name}",
            self.password, self.port
        ))
    }

    /// Lets it speak TLS.
    pub async fn speak_tls(&self, certificate: &Certificate) -> Result<()> {
        let files = [("server.crt", &certificate.certificate), ("server.key", &certificate.key)];
        for (name, file) in files {
            let path = self.directory.path().join("data").join(name);
            std::fs::copy(file, &path)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            if let Some(owner) = self.owner {
                chown(&path, Some(owner.user), Some(owner.group))?;
            }
        }
        self.sql("postgres", "ALTER SYSTEM SET ssl = on").await?;
        self.sql("postgres", "SELECT pg_reload_conf()").await?;
        wait::until("PostgreSQL to speak TLS", async || {
            Ok((self.sql("postgres", "SHOW ssl").await? == "on").then_some(()))
        })
        .await
    }

    /// The same database as `url`, over the socket instead of TCP.
    pub fn over_socket(&self, url: &str) -> String {
        let name = url.rsplit('/').next().unwrap_or_default();
        let socket = self.directory.path().display().to_string().replace('/', "%2F");
        format!("postgres://{USER}:{}@{socket}:{}/{name}", self.password, self.port)
    }

    /// Runs `sql` in the database that `url` ends with, and answers its rows as psql
    /// prints them, unaligned.
    pub async fn sql(&self, url: &str, sql: &str) -> Result<String> {
        let name = url.rsplit('/').next().unwrap_or_default();
        let psql = self.programs.join("psql");
        let done = Running::finish(
            process::command(psql)
                .env("PGPASSWORD", &self.password)
                .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
                .args(["--username", USER, "--dbname", name, "--no-psqlrc", "--quiet"])
                .args(["--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"])
                .args(["--command", sql]),
            b"",
        )
        .await?;
        if done.code != Some(0) {
            bail!("psql failed on {sql:?}: {}", done.stderr);
        }
        Ok(done.stdout.trim_end().to_owned())
    }

    /// Everything in the database that `url` ends with, as text.
    pub async fn dump(&self, url: &str) -> Result<String> {
        let name = url.rsplit('/').next().unwrap_or_default();
        let done = Running::finish(
            process::command(self.programs.join("pg_dump"))
                .env("PGPASSWORD", &self.password)
                .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
                .args(["--username", USER, "--dbname", name, "--inserts"]),
            b"",
        )
        .await?;
        if done.code != Some(0) {
            bail!("pg_dump failed: {}", done.stderr);
        }
        Ok(done.stdout)
    }

    /// `kill -9` to the server: every connection breaks.
    pub fn kill(&mut self) -> Result<()> {
        self.server.kill()
    }

    /// Ends the server at once but in order; every connection breaks.
    pub async fn stop(&mut self) -> Result<()> {
        self.server.signal(Signal::QUIT)?;
        self.server.finished().await?;
        Ok(())
    }

    /// Starts the server again, on the same port, after [`Cluster::kill`] or
    /// [`Cluster::stop`].
    pub async fn start_again(&mut self) -> Result<()> {
        wait::until("the last server's children to leave", async || {
            self.server = serve(&self.programs, self.directory.path(), self.owner, self.port)?;
            Ok(self.comes_up().await?.then_some(()))
        })
        .await
    }

    /// Waits until the server answers. `false` if it gave up because children of one that
    /// was killed have not noticed yet.
    async fn comes_up(&mut self) -> Result<bool> {
        wait::until("PostgreSQL to answer", async || {
            if let Some(status) = self.server.ended()? {
                let written = self.server.finished().await?.stderr;
                if written.contains("shared memory block") {
                    return Ok(Some(false));
                }
                bail!("PostgreSQL ended with {status}: {written}");
            }
            Ok(self.sql("postgres", "SELECT 1").await.is_ok().then_some(true))
        })
        .await
    }
}

impl Drop for Cluster {
    /// In order, so that no child still writes into the directory when it is removed.
    fn drop(&mut self) {
        if self.server.signal(Signal::QUIT).is_ok() {
            for _ in 0..PAUSES {
                if !matches!(self.server.ended(), Ok(None)) {
                    break;
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// Starts the server on what `initdb` made.
fn serve(programs: &Path, directory: &Path, owner: Option<Owner>, port: u16) -> Result<Running> {
    let mut command = as_owner(owner, &programs.join("postgres"));
    command.current_dir(directory).arg("-D").arg(directory.join("data"));
    command.arg("-k").arg(directory).args(["-p", &port.to_string()]);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    Running::start(&mut command)
}

/// The directory that has `initdb`, `postgres` and `psql`: the newest that is installed.
fn programs() -> Result<PathBuf> {
    let mut found = Vec::new();
    for place in PLACES {
        for version in std::fs::read_dir(place).into_iter().flatten().flatten() {
            found.push(version.path().join("bin"));
        }
        found.push(Path::new(place).join("bin"));
    }
    found.extend(std::env::split_paths(&crate::system::var("PATH").unwrap_or_default()));
    found.retain(|bin| ["initdb", "postgres", "psql"].iter().all(|it| bin.join(it).exists()));
    // By number: 9 is older than 15.
    let version = |bin: &PathBuf| -> u32 {
        let name = bin.parent().and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().parse().unwrap_or(0)
    };
    found.into_iter().max_by_key(version).context(
        "PostgreSQL's initdb, postgres and psql are missing: install the package `postgresql` \
         (Debian, Ubuntu) or `postgresql-server` (Fedora)",
    )
}

/// Whom the server runs as; `None` for ourselves.
fn owner() -> Result<Option<Owner>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("who there is")?;
    for wanted in ["postgres", "nobody"] {
        for line in users.lines() {
            let fields: Vec<_> = line.split(':').collect();
            if let [name, _, user, group, ..] = fields[..]
                && name == wanted
            {
                return Ok(Some(Owner { user: user.parse()?, group: group.parse()? }));
            }
        }
    }
    bail!("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

/// A command that runs as `owner`.
fn as_owner(owner: Option<Owner>, program: &Path) -> Command {
    let Some(owner) = owner else { return process::command(program) };
    let mut command = process::command("setpriv");
    command.arg(format!("--reuid={}", owner.user)).arg(format!("--regid={}", owner.group));
    command.args(["--clear-groups", "--"]).arg(program);
    command
}
