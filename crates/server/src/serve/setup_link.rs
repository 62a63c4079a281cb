//! The one-time setup link: to the terminal, or to a file that its owner alone can
//! read where there is no terminal; never to the log.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use hallpass_core::Secret;

use super::{Failure, Opened, SetUp};

/// Its name in the data directory.
const FILE: &str = "setup-link";

/// Removes the file once there is somebody: what is in it is worth nothing any more.
pub async fn tidy(opened: &Opened) {
    let path = opened.dir.join(FILE);
    if path.exists() && matches!(opened.issuer.needs_setup().await, Ok(false)) {
        let _ = std::fs::remove_file(path);
    }
}

/// Removes what an earlier start left.
pub fn remove(opened: &Opened) -> Result<(), Failure> {
    match std::fs::remove_file(opened.dir.join(FILE)) {
        Err(why) if why.kind() != ErrorKind::NotFound => Err(unusable(opened, why)),
        _ => Ok(()),
    }
}

fn unusable(opened: &Opened, why: std::io::Error) -> Failure {
    Failure::File {
        path: opened.dir.join(FILE),
        why: why.to_string(),
        next: "make the data directory writable for this user",
    }
}

/// Makes a link while there is nobody; afterwards it removes what an earlier start left.
pub async fn make(opened: &Opened, terminal: bool) -> Result<Option<SetUp>, Failure> {
    remove(opened)?;
    let path = opened.dir.join(FILE);
    let unusable = |why| unusable(opened, why);
    let code = opened.issuer.setup_code().await.map_err(hallpass_issuer::StartError::from)?;
    let Some(code) = code else { return Ok(None) };
    let public_url = &opened.issuer.config().public_url;
    let link = Secret::new(format!("{}?code={}", public_url.join("/setup"), code.expose()));
    if terminal {
        return Ok(Some(SetUp::Link(link)));
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(unusable)?;
    file.write_all(link.expose().as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .map_err(unusable)?;
    Ok(Some(SetUp::File(path)))
}
