//! A whole server in this process: it starts, answers, stops, and starts again.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hallpass_core::Secret;
use hallpass_issuer::Origin;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Failure, Ready, Running, SetUp, Start};
use crate::config::{Layers, Settings};

const URL: &str = "http://localhost:8470";

async fn start(dir: &Path) -> Result<(Running, Ready), Failure> {
    let mut layers = Layers::default();
    let flags = [
        ("data_dir", dir.to_str().expect("text")),
        ("listen", "localhost:0"),
        ("public_url", URL),
        ("shutdown_grace", "1s"),
    ];
    layers.flags(flags.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let settings = Settings::read(&layers).expect("settings");
    let start = Start { layers, default_data_dir: None, terminal: false };
    Running::start(&start, settings).await
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_answers_stops_and_starts_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("deep/data");
    let (server, ready) = start(&data).await.expect("started");
    assert_eq!(ready.public_url.issuer(), URL);
    assert_eq!(ready.data, data.display().to_string());
    for address in &ready.addresses {
        assert!(get(*address, "/health/ready").await.ends_with("ok\n"), "{address}");
        let document = get(*address, "/.well-known/oauth-authorization-server").await;
        assert!(document.contains(&format!("\"issuer\":\"{URL}\"")), "{document}");
    }
    let keys = get(ready.addresses[0], "/oauth/jwks").await;

    let second = start(&data).await.err().expect("the directory is taken");
    assert_eq!(second.exit_code(), 11, "{second}");

    // Somebody who never finishes a request does not keep it from stopping.
    let mut slow = TcpStream::connect(ready.addresses[0]).await.expect("a connection");
    slow.write_all(b"POST /oauth/token HTTP/1.1\r\n").await.expect("sent");
    server.stop(std::future::pending()).await;
    assert!(TcpStream::connect(ready.addresses[0]).await.is_err(), "nobody listens");

    let (again, ready) = start(&data).await.expect("started again");
    let body = |answer: &str| answer.split("\r\n\r\n").nth(1).map(str::to_owned);
    let kept = get(ready.addresses[0], "/oauth/jwks").await;
    assert_eq!(body(&kept), body(&keys), "the signing keys are the same");
    again.stop(std::future::pending()).await;
}

// proves: attack-31
#[tokio::test(flavor = "multi_thread")]
async fn the_setup_link_is_in_a_private_file_until_it_was_used() {
    let dir = tempfile::tempdir().expect("a directory");
    let (server, ready) = start(dir.path()).await.expect("started");
    let Some(SetUp::File(path)) = ready.setup else { panic!("no file") };
    let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let link = std::fs::read_to_string(&path).expect("a link");
    let code = link.trim().strip_prefix(&format!("{URL}/setup?code=")).expect("our link");

    let issuer = server.app().issuer();
    let password = Secret::new("correct horse battery");
    let origin = Origin::default();
    issuer.set_up(code, "ada@example.com", "Ada", &password, &origin).await.expect("an admin");
    server.stop(std::future::pending()).await;
    assert!(!path.exists());

    let (again, ready) = start(dir.path()).await.expect("started again");
    assert!(ready.setup.is_none() && !path.exists());
    again.stop(std::future::pending()).await;
}
