//! Real sockets: slow, many, large, and the server's end (attack-45).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use super::town::Town;
use crate::serve::accept::Connections;

/// A server on a socket.
struct Wire {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    connections: Connections,
}

impl Wire {
    async fn new(settings: &[(&str, &str)], router: Option<Router>) -> Self {
        let town = Town::with("http://localhost:8470", settings).await;
        let router = router.unwrap_or(town.router);
        let connections = Connections::new(town.app, router, None);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(connections.clone().accept(listener, stopped));
        Self { address, stop, connections }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Sends `text` and reads until the server closes the connection.
    async fn ask(&self, text: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may close before it has read all of it.
        let _ = stream.write_all(text).await;
        read(&mut stream).await
    }
}

/// Whatever comes until the end, which a reset is too.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

const QUICK: [(&str, &str); 2] = [("header_timeout", "1s"), ("body_timeout", "1s")];

// proves: attack-45
#[tokio::test]
async fn a_head_that_trickles_is_cut_off() {
    let wire = Wire::new(&QUICK, None).await;
    for begun in ["", "GET /health/live HTTP/1.1\r\nHost: x\r\nA: "] {
        // Nothing more is sent: without a limit this would wait for ever.
        let answer = wire.ask(begun.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
}

// proves: attack-45
#[tokio::test]
async fn a_body_that_trickles_is_a_408() {
    let wire = Wire::new(&QUICK, None).await;
    let head = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na=b";
    let answer = wire.ask(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

// proves: attack-45
#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let wire = Wire::new(&QUICK, None).await;
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(40_000));
    let answer = wire.ask(large.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let lines: String = (0..100).map(|n| format!("A{n}: b\r\n")).collect();
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
    let answer = wire.ask(many.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let garbage = wire.ask(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").await;
    assert!(garbage.starts_with("HTTP/1.1 400 "), "{garbage}");
}

// proves: attack-45
#[tokio::test]
async fn two_lengths_or_a_length_and_chunks_are_refused() {
    let wire = Wire::new(&QUICK, None).await;
    let head = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
        Content-Type: application/x-www-form-urlencoded\r\n";
    for lengths in [
        "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: -1\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
    ] {
        let answer = wire.ask(format!("{head}{lengths}\r\na=b").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{lengths}: {answer}");
    }
}

/// RFC 9112 §3.2.
#[tokio::test]
async fn a_request_names_one_host() {
    let wire = Wire::new(&QUICK, None).await;
    let ask = async |version: &str, hosts: &str| {
        let target = "GET /health/live HTTP/";
        wire.ask(format!("{target}{version}\r\n{hosts}Connection: close\r\n\r\n").as_bytes()).await
    };
    for good in ["localhost:8470", "[::1]:8470", "elsewhere.example", ""] {
        let answer = ask("1.1", &format!("Host: {good}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{good}: {answer}");
    }
    assert!(ask("1.0", "").await.starts_with("HTTP/1.0 200 "));
    for bad in ["", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host: a@b\r\n", "Host: a/b\r\n"] {
        let answer = ask("1.1", bad).await.to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 400 "), "{bad}: {answer}");
        for header in ["connection: close", "x-request-id: ", "cache-control: no-store"] {
            assert!(answer.contains(header), "{bad}: {answer}");
        }
    }
    // The lane does not go through the router.
    let lane = b"POST /oauth/introspect HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
    assert!(wire.ask(lane).await.starts_with("HTTP/1.1 400 "));
}

// proves: attack-45
#[tokio::test]
async fn slow_connections_keep_nobody_out_for_long() {
    let settings = [("max_connections", "4"), QUICK[0], QUICK[1]];
    let wire = Wire::new(&settings, None).await;
    let mut slow = Vec::new();
    for _ in 0..16 {
        let mut stream = wire.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\n").await.expect("written");
        slow.push(stream);
    }
    // All places are taken, and they are given back.
    let good = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = wire.ask(good).await;
    assert!(answer.ends_with("ok\n"), "{answer}");
}

#[tokio::test]
async fn a_request_in_hand_is_finished_when_the_server_stops() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        Router::new().route(
            "/slow",
            get(move || async move {
                begun.notify_one();
                go_on.notified().await;
                "done"
            }),
        )
    };
    let wire = Wire::new(&[], Some(router)).await;
    let mut busy = wire.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
    let mut idle = wire.connect().await;
    begun.notified().await;
    wire.stop.send(true).expect("told");
    assert_eq!(read(&mut idle).await, "");
    go_on.notify_one();
    assert!(read(&mut busy).await.ends_with("done"));
    wire.connections.finished().await;
}

// proves: attack-45
#[tokio::test]
async fn an_answer_that_is_never_found_is_a_503() {
    let town = Town::with("http://localhost:8470", &[("request_timeout", "1s")]).await;
    // The body never comes, and the time for bodies is longer.
    let body = futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    let request = http::Request::post("/oauth/token")
        .header("content-type", super::town::FORM)
        .body(axum::body::Body::from_stream(body))
        .expect("a request");
    let answer = town.send(request, None).await;
    assert_eq!(answer.refusal(), (503, "temporarily_unavailable".to_owned()));
}

#[tokio::test]
async fn a_panic_is_a_500_and_says_nothing() {
    let town = Town::new().await;
    let router = Router::new()
        .route("/", post(async || -> &'static str { panic!("hush") }))
        .layer(crate::router::no_panic());
    let town = Town { app: town.app, router };
    let answer = town.ask(http::Method::POST, "/", &[], "").await;
    assert_eq!(answer.status, http::StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.body.contains("hush"));
}
