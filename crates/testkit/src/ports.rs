//! Ports that nobody else uses, for servers that must come back on the same one.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Below what the system gives to outgoing connections, so that a stopped server's
/// port is not taken by one of them before it starts again.
const FIRST: u16 = 18_000;
const COUNT: u16 = 14_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// Containers often have no IPv6, not even on loopback.
fn is_missing_family(error: &std::io::Error) -> bool {
    let unsupported = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    error.kind() == ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(unsupported)
}

/// A port that is free on both loopback addresses.
pub fn free() -> Result<u16> {
    // Test binaries that run at once begin far apart.
    let start = (std::process::id().wrapping_mul(613) % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (start + step) % COUNT;
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port));
        if v4.is_ok() && (v6.is_ok() || v6.is_err_and(|error| is_missing_family(&error))) {
            return Ok(port);
        }
    }
    bail!("no port is free on loopback");
}
