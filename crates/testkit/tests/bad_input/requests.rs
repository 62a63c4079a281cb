//! Malformed, oversized and slow requests.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::Answer;
use hallpass_testkit::server::{Plan, Server};
use hallpass_testkit::town::Town;

use super::is_for_people;

/// Sends bytes and reads until the server closes the connection.
fn raw(server: &Server, bytes: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port()))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    // It may refuse before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

async fn is_well(server: &Server) -> Result<()> {
    let answer = reqwest::get(server.at("/health/ready")).await?;
    anyhow::ensure!(answer.status() == 200, "the server is not well: {}", server.log());
    is_for_people(&server.log());
    Ok(())
}

// proves: attack-45
#[tokio::test]
async fn what_is_no_http_is_refused_and_hurts_nobody() -> Result<()> {
    let server = Plan::new().set("header_timeout", "2s").set("body_timeout", "2s").start().await?;
    let long_line =
        format!("GET /{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "a".repeat(70_000));
    let long_header = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {}\r\n\r\n",
        "a".repeat(70_000)
    );
    let many = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{many}\r\n");
    let table: [(&str, &[u8], &[u16]); 13] = [
        ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", &[400, 0]),
        ("nothing", b"\r\n\r\n\r\n", &[400, 408, 0]),
        ("no version", b"GET /\r\n\r\n", &[400, 0]),
        ("odd method", b"G\xc3\xa9T / HTTP/1.1\r\nHost: x\r\n\r\n", &[400, 0]),
        ("control character in a header", b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x01b\r\nConnection: close\r\n\r\n", &[400, 200]),
        ("two lengths", b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", &[400, 0]),
        ("negative length", b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", &[400, 0]),
        ("length and chunks", b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", &[400, 401, 415, 0]),
        ("broken chunks", b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", &[400, 0]),
        ("a long line", long_line.as_bytes(), &[400, 414, 431, 0]),
        ("a long header", long_header.as_bytes(), &[400, 431, 0]),
        ("many headers", many.as_bytes(), &[400, 431, 0]),
        ("an odd path", b"GET /%00/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &[400, 404]),
    ];
    for (what, bytes, allowed) in table {
        let answer = raw(&server, bytes)?;
        assert!(allowed.contains(&status(&answer)), "{what}: {answer:?}");
        is_for_people(&answer);
    }
    is_well(&server).await
}

// proves: attack-45
#[tokio::test]
async fn bodies_have_a_limit() -> Result<()> {
    let town = Town::build().await?;
    let form = "application/x-www-form-urlencoded";
    let huge = format!("grant_type=refresh_token&refresh_token={}", "a".repeat(200_000));
    for path in [
        "/oauth/token",
        "/oauth/device",
        "/oauth/revoke",
        "/oauth/introspect",
        "/userinfo",
        "/signin",
        "/device",
        "/setup",
    ] {
        let request = town.tool.request("POST", path).header("content-type", form);
        let answer = Answer::of(request.body(huge.clone())).await?;
        assert_eq!(answer.status, 413, "{path}: {answer:?}");
        is_for_people(&answer.body);
    }
    // Nothing is unpacked, so nothing small becomes large.
    let request = town.tool.request("POST", "/oauth/token").header("content-type", form);
    let packed = request.header("content-encoding", "gzip").body(vec![0x1f, 0x8b, 8, 0]);
    let answer = Answer::of(packed).await?;
    assert!(matches!(answer.status.as_u16(), 400 | 415), "{answer:?}");
    // More parameters than anybody needs.
    let many = (0..5000).map(|n| format!("p{n}=1&")).collect::<String>();
    let request = town.tool.request("POST", "/oauth/token").header("content-type", form);
    let answer = Answer::of(request.body(many)).await?;
    assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()));
    // A claimed length that is never sent takes no memory.
    let claim = b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n";
    let answer = raw(&town.server, claim)?;
    assert!(matches!(status(&answer), 400 | 408 | 413 | 415), "{answer:?}");
    is_well(&town.server).await
}

// proves: attack-45
#[tokio::test]
async fn who_is_slow_is_let_go_and_holds_nobody_up() -> Result<()> {
    let plan = Plan::new().set("header_timeout", "2s").set("body_timeout", "2s");
    let town = Town::of(plan).await?;
    let connect = || TcpStream::connect(("127.0.0.1", town.server.port()));
    let mut slow = Vec::new();
    for n in 0..300 {
        let mut stream = connect()?;
        let head: &[u8] = if n % 2 == 0 {
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow"
        } else {
            b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\ngrant_type="
        };
        stream.write_all(head)?;
        slow.push(stream);
    }
    // Good requests are answered meanwhile.
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    assert!(town.admits(&tokens.access).await?);
    for (n, mut stream) in slow.into_iter().enumerate() {
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        anyhow::ensure!(
            ended.is_ok()
                || ended.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset),
            "connection {n} was held: {ended:?} {answer}"
        );
        assert!(matches!(status(&answer), 0 | 400 | 408), "{n}: {answer}");
    }
    is_well(&town.server).await
}

// proves: attack-45
#[tokio::test]
async fn connections_have_a_limit_and_the_rest_wait() -> Result<()> {
    let town =
        Town::of(Plan::new().set("max_connections", "20").set("header_timeout", "2s")).await?;
    let idle: Vec<TcpStream> = (0..60)
        .map(|_| TcpStream::connect(("127.0.0.1", town.server.port())))
        .collect::<Result<_, _>>()?;
    // Once the idle ones are let go, everybody else has their turn.
    let answer = reqwest::get(town.server.at("/health/live")).await.context("a turn")?;
    assert_eq!(answer.status(), 200);
    drop(idle);
    is_well(&town.server).await
}

// proves: attack-46
#[tokio::test]
async fn sql_in_any_input_is_text() -> Result<()> {
    let town = Town::build().await?;
    let tokens = town.tool.tokens(&town.person, &[]).await?;
    for sql in [
        "'; DROP TABLE users; --",
        "' OR '1'='1",
        "\" OR \"\"=\"",
        "1; SELECT 1",
        "x') UNION SELECT 1,2,3 --",
        "$1",
        "?1",
        ":id",
        "%' --",
        "\\'; --",
        "admin'/*",
        "\u{2019} OR 1=1",
        "0x27",
    ] {
        for params in [
            vec![
                ("grant_type", "authorization_code"),
                ("code", sql),
                ("redirect_uri", sql),
                ("code_verifier", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            ],
            vec![("grant_type", "refresh_token"), ("refresh_token", sql)],
            vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", sql),
            ],
        ] {
            let answer = town.tool.post("/oauth/token", &params).await?;
            assert_eq!(answer.outcome(), (400, "invalid_grant".to_owned()), "{sql} {params:?}");
        }
        let stranger = hallpass_testkit::oauth::OAuth { id: sql.to_owned(), ..town.tool.clone() };
        assert_eq!(stranger.device(&[]).await?.error(), "invalid_client", "{sql}");
        assert_eq!(town.api.introspect(sql).await?.json(), serde_json::json!({ "active": false }));
        town.tool
            .device(&[("hallpass_host", sql), ("hallpass_user", sql), ("scope", "openid")])
            .await?;
        let page = town.person.type_code(sql).await?;
        assert!(page.status.is_client_error(), "{sql}: {}", page.status);
        let (address, _) =
            town.tool.authorization(&[("state", sql), ("nonce", sql), ("login_hint", sql)])?;
        assert!(town.person.approve(&address).await.is_ok(), "{sql}");
        let stranger = hallpass_testkit::person::Person::new(&town.server)?;
        let page = stranger.sign_in(sql, sql).await?;
        assert!(page.status.is_client_error(), "{sql}: {}", page.status);
    }
    assert!(town.admits(&tokens.access).await?);
    // Nothing builds SQL from values: each text is a constant of the store.
    for source in hallpass_testkit::tree::sources("crates/store/src", &[".rs"])? {
        let tests = source.path.contains("/tests") || source.path.contains("/conformance/");
        for (number, line) in source.text.lines().enumerate().filter(|_| !tests) {
            let built = line.split_once("format!(").map_or("", |(_, text)| text);
            let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
            let sql = verbs.iter().any(|verb| built.contains(verb));
            assert!(!sql, "{}:{}: {line}", source.path, number + 1);
        }
    }
    is_well(&town.server).await
}
