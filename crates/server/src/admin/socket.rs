//! The private socket in the data directory: mode 0600, for the server's own user.
//!
//! One JSON [`Command`] per connection, ended by closing the sending side; one JSON
//! answer back. Passwords and secrets pass through it, and through nothing else.

use std::fs::File;
use std::io::{Error, ErrorKind};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_issuer::Issuer;
use hallpass_store::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::command::{Answer, Command, Refused};
use super::execute::execute;
use crate::serve::{Failure, Opened};

const FILE: &str = "admin.sock";
/// `sun_path` holds 108 bytes on Linux and 104 elsewhere.
const LONGEST: usize = 100;
/// A file of hashes may come along.
const MAX_COMMAND: u64 = 32 * 1024 * 1024;
const MAX_ANSWER: u64 = 64 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
/// Making a user hashes a password, perhaps in a queue.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// The server's end. It is removed when dropped.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

/// Listens; `None` if another server with this directory does already, which only
/// servers over PostgreSQL can.
pub fn listen(opened: &Opened) -> Result<Option<Socket>, Failure> {
    let path = opened.dir.join(FILE);
    let unusable = |why: Error| Failure::File {
        path: path.clone(),
        why: why.to_string(),
        next: "make the data directory writable for this user, on a file system that has sockets",
    };
    let (address, _directory) = reachable(&path).map_err(unusable)?;
    if std::os::unix::net::UnixStream::connect(&address).is_ok() {
        tracing::warn!("another server with this data directory answers admin commands");
        return Ok(None);
    }
    match std::fs::remove_file(&path) {
        Err(why) if why.kind() != ErrorKind::NotFound => return Err(unusable(why)),
        _ => {}
    }
    // The process's umask is 077: there is no moment at which others could connect.
    let listener = UnixListener::bind(&address).map_err(unusable)?;
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&path, private).map_err(unusable)?;
    Ok(Some(Socket { listener, path }))
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Answers until told to stop.
pub async fn serve(
    socket: Option<Socket>,
    issuer: Issuer,
    store: Store,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(socket) = socket else { return };
    loop {
        let accepted = tokio::select! {
            accepted = socket.listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((stream, _)) if is_ours(&stream) => {
                let (issuer, store) = (issuer.clone(), store.clone());
                tokio::spawn(async move {
                    if let Err(error) = answer(stream, &issuer, &store).await {
                        tracing::warn!(cause = %error, "an admin command broke off");
                    }
                });
            }
            Ok(_) => tracing::warn!("another user's process tried an admin command"),
            Err(error) => {
                tracing::warn!(cause = %error, "the admin socket");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// The mode of the file says so already; the kernel is asked all the same.
fn is_ours(stream: &UnixStream) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == ours || peer.uid() == 0)
}

async fn answer(mut stream: UnixStream, issuer: &Issuer, store: &Store) -> std::io::Result<()> {
    let mut asked = Zeroizing::new(Vec::new());
    let (mut from, mut to) = stream.split();
    in_time(PATIENCE, (&mut from).take(MAX_COMMAND).read_to_end(&mut asked)).await?;
    let answer: Result<Answer, Refused> = match serde_json::from_slice::<Command>(&asked) {
        Ok(command) => execute(issuer, store, command).await,
        Err(_) => Err(Refused::server(
            "the running server does not know this command; it may be another version of hallpass",
        )),
    };
    let text = Zeroizing::new(serde_json::to_vec(&answer).map_err(Error::other)?);
    in_time(PATIENCE, to.write_all(&text)).await?;
    to.shutdown().await
}

/// Asks the server that runs with this data directory; `None` if none does.
pub async fn ask(
    dir: &Path,
    command: &Command,
) -> Result<Option<Result<Answer, Refused>>, Failure> {
    let path = dir.join(FILE);
    let unusable = |why: Error| Failure::File {
        path: path.clone(),
        why: why.to_string(),
        next: "run this as the user that the server runs as",
    };
    let (address, _directory) = match reachable(&path) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        reachable => reachable.map_err(unusable)?,
    };
    let mut stream = match UnixStream::connect(&address).await {
        Ok(stream) => stream,
        // No file, or one that a killed server left behind.
        Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(why) => return Err(unusable(why)),
    };
    let text = Zeroizing::new(serde_json::to_vec(command).map_err(|e| unusable(Error::other(e)))?);
    let mut answered = Zeroizing::new(Vec::new());
    let exchange = async {
        stream.write_all(&text).await?;
        stream.shutdown().await?;
        stream.take(MAX_ANSWER).read_to_end(&mut answered).await
    };
    let broken =
        || Refused::server("the running server broke off; look at its log, then try again");
    if in_time(ANSWER_PATIENCE, exchange).await.is_err() {
        return Ok(Some(Err(broken())));
    }
    Ok(Some(serde_json::from_slice(&answered).unwrap_or_else(|_| Err(broken()))))
}

async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = std::io::Result<T>>,
) -> std::io::Result<T> {
    tokio::time::timeout(patience, work).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// The path, or a shorter way to it: addresses of sockets are short, data directories
/// need not be. The file has to stay open while the address is used.
fn reachable(path: &Path) -> std::io::Result<(PathBuf, Option<File>)> {
    if path.as_os_str().len() <= LONGEST || !cfg!(target_os = "linux") {
        return Ok((path.to_owned(), None));
    }
    let directory = File::open(path.parent().unwrap_or(Path::new(".")))?;
    let short = format!("/proc/self/fd/{}/{FILE}", directory.as_raw_fd());
    Ok((PathBuf::from(short), Some(directory)))
}
