//! A wire to a server that can be cut, mended and made slow.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Everything goes through.
    Whole,
    /// What comes from the server comes this much later.
    Slow(Duration),
    /// Nothing goes through, and what was connected is not any more.
    Cut,
}

/// A wire from an address of its own to a server on loopback.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    wire: watch::Sender<Wire>,
    accepting: tokio::task::AbortHandle,
    connections: Arc<AtomicUsize>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Link {
    /// To the server on `port`.
    pub async fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for a wire")?;
        let address = listener.local_addr()?;
        let (wire, seen) = watch::channel(Wire::Whole);
        let connections = Arc::new(AtomicUsize::new(0));
        let accepting = accept(listener, port, seen, connections.clone());
        let accepting = tokio::spawn(accepting).abort_handle();
        Ok(Self { address, wire, accepting, connections })
    }

    /// Where it begins.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often somebody has connected, also while it was cut.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// From now on it is like this.
    pub fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }
}

async fn accept(
    listener: TcpListener,
    port: u16,
    wire: watch::Receiver<Wire>,
    connections: Arc<AtomicUsize>,
) {
    while let Ok((near, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(carry(near, port, wire.clone()));
    }
}

/// Carries one connection until one side closes it or the wire is cut.
async fn carry(near: TcpStream, port: u16, mut wire: watch::Receiver<Wire>) {
    let slowness = wire.clone();
    let both = async {
        let far = TcpStream::connect(("127.0.0.1", port)).await?;
        let (mut from_near, mut to_near) = near.into_split();
        let (mut from_far, mut to_far) = far.into_split();
        let there = async { tokio::io::copy(&mut from_near, &mut to_far).await.map(drop) };
        let back = async {
            let mut chunk = vec![0; 16 * 1024];
            loop {
                let count = from_far.read(&mut chunk).await?;
                if count == 0 {
                    return std::io::Result::Ok(());
                }
                let wire = *slowness.borrow();
                if let Wire::Slow(by) = wire {
                    tokio::time::sleep(by).await;
                }
                to_near.write_all(&chunk[..count]).await?;
            }
        };
        tokio::select! { done = there => done, done = back => done }
    };
    let cut = wire.wait_for(|wire| *wire == Wire::Cut);
    // However it ends, both sides are closed.
    tokio::select! { _ = both => {}, _ = cut => {} }
}
