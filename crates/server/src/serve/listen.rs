//! Sockets.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use super::Failure;
use crate::config::{Listen, Settings};

/// Connections that the system keeps for us while we are busy.
const BACKLOG: u32 = 1024;
/// How often a port that is free on one loopback address and taken on the other is
/// given up for another one.
const TRIES: usize = 16;

/// C17: whoever listens on more than loopback ends TLS, or names the proxy that does.
pub fn check(settings: &Settings) -> Result<(), Failure> {
    if settings.listen.is_empty() {
        return Err(Failure::Settings("listen: name at least one address".to_owned()));
    }
    let open = settings.listen.iter().any(|listen| !listen.is_loopback());
    let tls = settings.tls_cert.is_some();
    if open && !tls && settings.trusted_proxies.is_empty() {
        return Err(Failure::Settings(
            "listening on more than this machine needs TLS; give --tls-cert and --tls-key, or name the proxy that ends TLS with --trusted-proxies"
                .to_owned(),
        ));
    }
    match &settings.public_url {
        None if open && tls => Err(Failure::Settings(
            "what is this server's address? say it with --public-url https://…".to_owned(),
        )),
        Some(url) if tls && !url.is_https() => Err(Failure::Settings(
            "a server with a certificate has a public URL that begins with https://; change --public-url"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Binds everything, or nothing.
pub async fn bind(wanted: &[Listen]) -> Result<Vec<TcpListener>, Failure> {
    let mut bound = Vec::new();
    for listen in wanted {
        match listen {
            Listen::Socket(address) => bound.push(socket(*address)?),
            Listen::Localhost(port) => bound.extend(localhost(*port)?),
        }
    }
    Ok(bound)
}

/// What was bound, with the real ports.
pub fn addresses(listeners: &[TcpListener]) -> Result<Vec<SocketAddr>, Failure> {
    listeners.iter().map(|listener| listener.local_addr().map_err(Failure::Runtime)).collect()
}

/// Both loopback addresses on one port; a machine without IPv6, or without IPv4, has one.
fn localhost(port: u16) -> Result<Vec<TcpListener>, Failure> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut chosen = port;
        let mut bound = Vec::new();
        let mut refused = None;
        for mut address in Listen::Localhost(port).addresses() {
            address.set_port(chosen);
            match socket(address) {
                Ok(listener) => {
                    chosen = listener.local_addr().map_err(Failure::Runtime)?.port();
                    bound.push(listener);
                }
                Err(Failure::Listen { why, .. }) if is_missing_family(&why) => {}
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            // The system chose a port that is free on the first address only.
            Some(_) if port == 0 && tries < TRIES => {}
            Some(error) => return Err(error),
            None if bound.is_empty() => {
                return Err(Failure::Settings("this machine has no loopback address".to_owned()));
            }
            None => return Ok(bound),
        }
    }
}

fn is_missing_family(why: &std::io::Error) -> bool {
    why.kind() == ErrorKind::AddrNotAvailable
        || why.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn socket(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Old connections that linger in TIME_WAIT must not stop a restart.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|why| Failure::Listen { address, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    fn settings(flags: &[(&str, &str)]) -> Settings {
        let mut layers = Layers::default();
        layers.flags(flags.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())));
        Settings::read(&layers).expect("settings")
    }

    // proves: C17
    #[test]
    fn nobody_listens_in_the_clear_beyond_loopback() {
        let verdict = |flags: &[(&str, &str)]| check(&settings(flags)).is_ok();
        assert!(verdict(&[]));
        assert!(verdict(&[("listen", "127.0.0.1:0,[::1]:0")]));
        assert!(!verdict(&[("listen", "0.0.0.0:80")]));
        assert!(!verdict(&[("listen", "localhost:1,[::]:80")]));
        assert!(verdict(&[("listen", "0.0.0.0:80"), ("trusted_proxies", "10.0.0.1")]));
        let tls = [("listen", "0.0.0.0:443"), ("tls_cert", "c"), ("tls_key", "k")];
        assert!(!verdict(&tls));
        assert!(verdict(&[&tls[..], &[("public_url", "https://id.example.com")]].concat()));
        assert!(!verdict(&[&tls[..], &[("public_url", "http://localhost:443")]].concat()));
    }

    #[tokio::test]
    async fn a_taken_port_is_said_and_nothing_stays_bound() {
        let first = bind(&[Listen::Localhost(0)]).await.expect("bound");
        let ports: Vec<_> =
            addresses(&first).expect("addresses").iter().map(SocketAddr::port).collect();
        assert!(ports.iter().all(|port| *port == ports[0] && *port != 0), "{ports:?}");
        let again = bind(&[Listen::Localhost(ports[0])]).await;
        let failure = again.expect_err("taken");
        assert_eq!(failure.exit_code(), 10);
        assert!(failure.to_string().contains("--listen"), "{failure}");
    }
}
