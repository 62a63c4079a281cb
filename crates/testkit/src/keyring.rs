//! Somebody's session bus with a real gnome-keyring on it: unlocked, locked, stopped in its
//! tracks, or not there at all. Nothing of the machine's own session is touched.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::{Result, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::cli::Cli;
use crate::process::{self, Running};
use crate::wait;

/// What the keyring is unlocked with.
const PASSWORD: &str = "correct horse";
/// What a Secret Service is called on the bus.
const NAME: &str = "org.freedesktop.secrets";

/// A session bus, and perhaps a keyring on it.
#[derive(Debug)]
pub struct Session {
    // The keyring first: it ends before its bus does.
    keyring: Option<Running>,
    _bus: Running,
    dir: TempDir,
}

impl Session {
    /// A bus with nobody on it.
    pub async fn without_a_keyring() -> Result<Self> {
        let dir = TempDir::with_prefix("hallpass-bus-")?;
        for name in ["run", "data", "home"] {
            fs::DirBuilder::new().mode(0o700).create(dir.path().join(name))?;
        }
        let socket = dir.path().join("run/bus");
        // No directory of services: nothing is started that a test did not start.
        let configuration = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n\
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
             <busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\n\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\n\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy>\n\
             </busconfig>\n",
            socket.display()
        );
        let file = dir.path().join("bus.conf");
        fs::write(&file, configuration)?;
        let mut bus = process::command("dbus-daemon");
        bus.arg(format!("--config-file={}", file.display())).arg("--nofork");
        let mut bus = Running::start(bus.stdin(std::process::Stdio::null()))?;
        wait::until("the session bus", async || {
            ensure!(bus.ended()?.is_none(), "dbus-daemon ended: {}", bus.written());
            Ok(socket.exists().then_some(()))
        })
        .await?;
        Ok(Self { keyring: None, _bus: bus, dir })
    }

    /// A bus with an unlocked keyring on it.
    pub async fn unlocked() -> Result<Self> {
        let mut session = Self::without_a_keyring().await?;
        session.keyring(&["--unlock"]).await?;
        Ok(session)
    }

    /// Locks the keyring: it starts anew, and nobody gives it the password.
    pub async fn lock(&mut self) -> Result<()> {
        self.stop().await?;
        self.keyring(&[]).await
    }

    /// Unlocks it again.
    pub async fn unlock(&mut self) -> Result<()> {
        self.stop().await?;
        self.keyring(&["--unlock"]).await
    }

    /// From now on it owns its name on the bus, and never answers.
    pub fn silence(&self) -> Result<()> {
        self.keyring.as_ref().map_or(Ok(()), |keyring| keyring.signal(Signal::STOP))
    }

    /// Takes the keyring off the bus.
    pub async fn stop(&mut self) -> Result<()> {
        if let Some(mut keyring) = self.keyring.take() {
            keyring.kill()?;
            self.owned(false).await?;
        }
        Ok(())
    }

    /// The bus's address.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.dir.path().join("run/bus").display())
    }

    /// The same shell in this session, where nothing says that a plain file will do.
    #[must_use]
    pub fn shell(&self, cli: Cli) -> Cli {
        cli.variable("DBUS_SESSION_BUS_ADDRESS", &self.address()).variable("HALLPASS_STORE", "")
    }

    /// How many entries of `service` are in the keyring, and what they hold.
    pub async fn entries(&self, service: &str) -> Result<Vec<String>> {
        let mut look = process::command("secret-tool");
        look.args(["search", "--all", "service", service]);
        look.env("DBUS_SESSION_BUS_ADDRESS", self.address());
        let found = Running::finish(&mut look, b"").await?;
        let secrets = found.stdout.lines().filter_map(|line| line.strip_prefix("secret = "));
        Ok(secrets.map(str::to_owned).collect())
    }

    async fn keyring(&mut self, flags: &[&str]) -> Result<()> {
        let password = self.dir.path().join("password");
        fs::write(&password, PASSWORD)?;
        let at = |name: &str| -> std::path::PathBuf { Path::new(self.dir.path()).join(name) };
        let mut daemon = process::command("gnome-keyring-daemon");
        daemon.args(["--foreground", "--components=secrets"]).args(flags);
        daemon.env("HOME", at("home")).env("XDG_RUNTIME_DIR", at("run"));
        daemon.env("XDG_DATA_HOME", at("data"));
        daemon.env("DBUS_SESSION_BUS_ADDRESS", self.address());
        let input = if flags.is_empty() {
            std::process::Stdio::null()
        } else {
            fs::File::open(&password)?.into()
        };
        self.keyring = Some(Running::start(daemon.stdin(input))?);
        self.owned(true).await
    }

    /// Waits until somebody, or nobody, owns the keyring's name.
    async fn owned(&self, by_somebody: bool) -> Result<()> {
        wait::until("the keyring's name on the bus", async || {
            let mut ask = process::command("dbus-send");
            ask.arg(format!("--bus={}", self.address()));
            ask.args(["--dest=org.freedesktop.DBus", "--print-reply=literal", "/"]);
            ask.args(["org.freedesktop.DBus.NameHasOwner", &format!("string:{NAME}")]);
            let said = Running::finish(&mut ask, b"").await?;
            ensure!(said.code == Some(0), "{said:?}");
            Ok((said.stdout.contains("true") == by_somebody).then_some(()))
        })
        .await
    }
}
