//! Connections and their limits (attack-45).
//!
//! | against | limit |
//! |---|---|
//! | too many connections | as many as configured; more wait in the system's queue |
//! | a handshake or a head that trickles | `header_timeout` |
//! | a body that trickles | `body_timeout`, in [`crate::http::form`] |
//! | a huge head | 32 KiB, 64 lines |
//! | HTTP/2 streams, resets, header lists | 64, 20, 16 KiB |
//! | a connection that is kept for ever | ten minutes, then it is asked to end |

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::Service as _;

use super::process;
use super::tls::Tls;
use crate::app::App;
use crate::http::host;
use crate::http::peer::Socket;
use crate::lane::{self, Lane};
use crate::local;
use crate::oauth::call::Memo;

const MAX_HEADERS: usize = 64;
const MAX_HEAD: usize = 32 * 1024;
const MAX_STREAMS: u32 = 64;
const MAX_PENDING_RESETS: usize = 20;
const MAX_HEADER_LIST: u32 = 16 * 1024;
const WINDOW: u32 = 128 * 1024;
const MAX_AGE: Duration = Duration::from_secs(600);
/// After an error of accept, such as too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// All connections of this process.
#[derive(Clone)]
pub struct Connections {
    app: App,
    router: Router,
    tls: Option<Arc<Tls>>,
    permits: Arc<Semaphore>,
    most: u32,
}

impl Connections {
    /// Answers with `router`, over TLS if there is a certificate.
    pub fn new(app: App, router: Router, tls: Option<Arc<Tls>>) -> Self {
        let most = process::connections(app.settings().max_connections);
        let most = u32::try_from(most).unwrap_or(u32::MAX).min(1 << 20);
        let permits = Arc::new(Semaphore::new(most as usize));
        Self { app, router, tls, permits, most }
    }

    /// Accepts until told to stop.
    pub async fn accept(self, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
        loop {
            // First a place, then the connection: who gets none stays in the system's queue.
            let accepted = tokio::select! {
                accepted = self.next(&listener) => accepted,
                _ = stopped.changed() => return,
            };
            match accepted {
                Ok((stream, address, permit)) => {
                    let connection = self.clone().drive(stream, address, stopped.clone());
                    tokio::spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(cause = %error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// When all connections have ended.
    pub async fn finished(&self) {
        // The semaphore is never closed; then nothing would be left to wait for anyway.
        let _ = self.permits.acquire_many(self.most).await;
    }

    async fn next(
        &self,
        listener: &TcpListener,
    ) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let permit = self.permits.clone().acquire_owned().await.map_err(std::io::Error::other)?;
        let (stream, address) = listener.accept().await?;
        Ok((stream, address, permit))
    }

    async fn drive(self, stream: TcpStream, address: SocketAddr, stopped: watch::Receiver<bool>) {
        let _open = self.app.metrics().connection();
        let _ = stream.set_nodelay(true);
        let socket = Socket { address: address.ip(), tls: self.tls.is_some() };
        let Some(tls) = &self.tls else {
            return self.http1(stream, socket, stopped).await;
        };
        let patience = self.app.settings().header_timeout;
        let handshake = tokio::time::timeout(patience, tls.acceptor().accept(stream)).await;
        match handshake {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                self.http2(stream, socket, stopped).await;
            }
            Ok(Ok(stream)) => self.http1(stream, socket, stopped).await,
            Ok(Err(error)) => tracing::debug!(cause = %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn http1<S>(&self, stream: S, socket: Socket, stopped: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let answering = Arc::new(Answering::new(self.app.clone(), self.router.clone(), socket));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.app.settings().header_timeout)
            .max_headers(MAX_HEADERS)
            .max_header_size(MAX_HEAD)
            .max_buf_size(2 * MAX_HEAD)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| answer(answering.clone(), request)),
            );
        until_done(connection, stopped).await;
    }

    async fn http2<S>(&self, stream: S, socket: Socket, stopped: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let answering = Arc::new(Answering::new(self.app.clone(), self.router.clone(), socket));
        let patience = self.app.settings().header_timeout;
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .max_header_list_size(MAX_HEADER_LIST)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(2 * WINDOW)
            .keep_alive_interval(patience)
            .keep_alive_timeout(patience)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| answer(answering.clone(), request)),
            );
        until_done(connection, stopped).await;
    }
}

/// What answers the requests of one connection.
struct Answering {
    app: App,
    router: Router,
    socket: Socket,
    memo: Memo,
}

impl Answering {
    fn new(app: App, router: Router, socket: Socket) -> Self {
        Self { app, router, socket, memo: Memo::default() }
    }
}

async fn answer(
    with: Arc<Answering>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(with.socket);
    if !host::is_clear(request.version(), request.headers()) {
        return Ok(host::refusal(&with.app, &request.map(Body::new)));
    }
    if with.app.issuer().is_local() {
        return Ok(Box::pin(locally(&with, request.map(Body::new))).await);
    }
    match Lane::of(&request) {
        Some(lane) => Ok(lane::answer(&with.app, &with.memo, lane, request.map(Body::new)).await),
        // A router is always ready.
        None => with.router.clone().call(request).await,
    }
}

/// Where nobody has to sign in, there is a door first.
async fn locally(with: &Answering, mut request: Request<Body>) -> Response {
    if let Err(refusal) = local::admit(&with.app, &mut request).await {
        return *refusal;
    }
    match Lane::of(&request) {
        Some(lane) => lane::answer(&with.app, &with.memo, lane, request).await,
        None => with.router.clone().call(request).await.unwrap_or_else(|never| match never {}),
    }
}

/// Drives a connection to its end. When the server stops, or the connection has grown
/// old, the request in hand is finished and no other is taken.
async fn until_done<C: GracefulConnection>(connection: C, mut stopped: watch::Receiver<bool>)
where
    C::Error: std::fmt::Display,
{
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = tokio::time::sleep(MAX_AGE) => {
            connection.as_mut().graceful_shutdown();
            // As long again, for the request in hand; then it is cut.
            match tokio::time::timeout(MAX_AGE, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(cause = %error, "a connection broke");
    }
}
