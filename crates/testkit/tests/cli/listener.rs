//! The loopback listener, seen from outside, and the server's side of it (CLIENT group B).

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use anyhow::{Context as _, Result};
use hallpass_testkit::process::{self, Running};
use hallpass_testkit::terminal::Terminal;
use reqwest::{Client, Method, StatusCode, Url, redirect};

use crate::desk::{Desk, redirect_uri, request_address};

const WEB: [&str; 2] = ["--web", "--no-browser"];

/// Somebody on this machine who knows the port and nothing else.
fn stranger() -> Result<Client> {
    Ok(Client::builder().redirect(redirect::Policy::none()).build()?)
}

/// A login that waits, the address it shows, and where it listens.
async fn waiting(desk: &Desk) -> Result<(Running, String, Url)> {
    let (login, url) = desk.begin(&WEB, "url").await?;
    let callback = redirect_uri(&url)?;
    Ok((login, url, callback))
}

async fn ends_well(mut login: Running) -> Result<()> {
    let finished = login.finished().await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    Ok(())
}

// proves: client-B1
#[tokio::test]
async fn it_listens_on_both_loopback_addresses_and_names_the_literal() -> Result<()> {
    let desk = Desk::set().await?;
    let (login, url, callback) = waiting(&desk).await?;
    let port = callback.port().context("a port")?;
    assert_eq!(callback.host_str(), Some("127.0.0.1"));
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    // Where the machine has IPv6 at all.
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        TcpStream::connect((Ipv6Addr::LOCALHOST, port))?;
    }
    desk.come_back(&url).await?;
    ends_well(login).await
}

// proves: client-B2
#[tokio::test]
async fn a_fixed_port_in_use_is_named_and_its_owner_left_alone() -> Result<()> {
    let desk = Desk::set().await?;
    let owner = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    owner.set_nonblocking(true)?;
    let port = owner.local_addr()?.port().to_string();
    let refused =
        desk.cli.run(&["login", "--web", "--no-browser", "--callback-port", &port]).await?;
    assert_eq!(refused.code, Some(6), "{refused:?}");
    assert!(refused.stderr.contains(&format!("port {port}")), "{refused:?}");
    let visited = owner.accept().map_err(|error| error.kind());
    assert_eq!(visited.map(drop), Err(ErrorKind::WouldBlock), "somebody knocked");
    Ok(())
}

// proves: client-B4
#[tokio::test]
async fn what_does_not_belong_is_4xx_and_the_wait_goes_on() -> Result<()> {
    let desk = Desk::set().await?;
    let (login, url, callback) = waiting(&desk).await?;
    let stranger = stranger()?;
    for (method, target) in [
        (Method::GET, "/callback"),
        (Method::GET, "/callback?code=x&state=wrong"),
        (Method::GET, "/callback?code=x"),
        (Method::GET, "/callback?error=access_denied&state=wrong"),
        (Method::GET, "/"),
        (Method::GET, "/favicon.ico"),
        (Method::GET, "/cancel"),
        (Method::GET, "/done"),
        (Method::HEAD, "/callback?code=x&state=wrong"),
        (Method::OPTIONS, "/callback"),
        (Method::POST, "/callback"),
    ] {
        let answer = stranger.request(method.clone(), callback.join(target)?).send().await?;
        assert!(answer.status().is_client_error(), "{method} {target}: {}", answer.status());
    }
    // The right one, twice at once and once more.
    let right = desk.person.approve(&url).await?;
    let (one, other) =
        tokio::join!(stranger.get(right.clone()).send(), stranger.get(right.clone()).send());
    let mut statuses = [one?.status(), other?.status()];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::CONFLICT]);
    ends_well(login).await?;
    assert_eq!(desk.counted("authorization_code", "issued").await?, 1);
    // The one exchange was sent twice: at first without a nonce of the server (RFC 9449 §8).
    assert_eq!(desk.counted("authorization_code", "use_dpop_nonce").await?, 1);
    assert_eq!(desk.metrics().await?.matches(r#"grant_type="authorization_code""#).count(), 2);
    Ok(())
}

// proves: client-B5
#[tokio::test]
async fn another_name_for_this_machine_is_not_us() -> Result<()> {
    let desk = Desk::set().await?;
    let (login, url, _) = waiting(&desk).await?;
    let right = desk.person.approve(&url).await?;
    let port = right.port().context("a port")?;
    for host in ["evil.example", &format!("evil.example:{port}"), &format!("localhost:{port}")] {
        let answer = stranger()?.get(right.clone()).header("host", host).send().await?;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{host}");
    }
    assert_eq!(stranger()?.get(right).send().await?.status(), StatusCode::SEE_OTHER);
    ends_well(login).await
}

// proves: client-B6
#[tokio::test]
async fn a_denial_ends_it_with_6_and_the_page_says_so() -> Result<()> {
    let desk = Desk::set().await?;
    let (mut login, url, _) = waiting(&desk).await?;
    let denied = desk.person.decide(&url, "deny").await?;
    let answer = desk.person.get_once(denied).await?;
    let page = desk.person.get_once(answer.leads_to().context("a page")?).await?;
    assert!(page.body.contains("Not signed in"), "{}", page.body);
    let finished = login.finished().await?;
    assert_eq!(finished.code, Some(6), "{finished:?}");
    assert!(finished.stdout.contains(r#""code":"access_denied""#), "{finished:?}");
    Ok(())
}

// proves: client-B7
#[tokio::test]
async fn a_sign_in_that_cannot_be_kept_is_no_success() -> Result<()> {
    use std::os::unix::fs::symlink;
    let desk = Desk::set().await?;
    let (mut login, url, _) = waiting(&desk).await?;
    // Between the question and the answer, its directory becomes something else.
    std::fs::create_dir_all(desk.cli.config().parent().context("a parent")?)?;
    let _ = std::fs::remove_dir_all(desk.cli.config());
    symlink("/dev/null", desk.cli.config())?;
    let page = desk.come_back(&url).await?;
    assert!(page.body.contains("Not signed in"), "{}", page.body);
    let finished = login.finished().await?;
    assert_eq!(finished.code, Some(7), "{finished:?}");
    Ok(())
}

// proves: client-B8
#[tokio::test]
async fn the_answer_leaks_nothing_and_takes_the_code_out_of_the_address() -> Result<()> {
    let desk = Desk::set().await?;
    let (login, url, callback) = waiting(&desk).await?;
    let right = desk.person.approve(&url).await?;
    let first = desk.person.get_once(right).await?;
    let done = first.leads_to().context("a page without the code")?;
    assert_eq!(done, callback.join("/done")?);
    let page = desk.person.get_once(done).await?;
    for answer in [&first, &page] {
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("connection", "close"),
        ] {
            assert_eq!(answer.header(name), value, "{name}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
    }
    ends_well(login).await
}

/// Whether the port can be bound again, on both addresses.
fn is_free(port: u16) -> bool {
    [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)].iter().all(|address| {
        let bound = TcpListener::bind(SocketAddr::from((*address, port)));
        // No IPv6 on this machine: then there is nothing to hold, either.
        bound.map_or_else(|error| error.kind() != ErrorKind::AddrInUse, |_| true)
    })
}

// proves: client-B10
#[tokio::test]
async fn a_time_out_ends_it_with_6_and_frees_the_port() -> Result<()> {
    let desk = Desk::set().await?;
    let (mut login, url) = desk.begin(&["--web", "--no-browser", "--timeout", "1"], "url").await?;
    let finished = login.finished().await?;
    assert_eq!(finished.code, Some(6), "{finished:?}");
    assert!(is_free(redirect_uri(&url)?.port().context("a port")?));
    Ok(())
}

// proves: client-B10
#[tokio::test]
async fn ctrl_c_ends_it_with_130_frees_the_port_and_restores_the_terminal() -> Result<()> {
    let desk = Desk::set().await?;
    let command = desk.cli.command(&[])?;
    let mut shell = process::command("sh");
    let script = "trap : INT; stty -g; \"$0\" login --web --no-browser; echo \"ended $?\"; stty -g";
    shell.args(["-c", script]).arg(command.get_program());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut terminal = Terminal::start(&shell, 80)?;
    let url = terminal.until("the address", |shown| request_address(&desk.server, shown)).await?;
    terminal.shows("Waiting for").await?;
    terminal.type_text("\u{3}")?;
    let (_, shown) = terminal.finished().await?;
    assert!(shown.contains("ended 130"), "{shown}");
    let modes: Vec<&str> = shown.lines().filter(|line| line.matches(':').count() > 20).collect();
    assert!(modes.len() == 2 && modes[0] == modes[1], "{modes:?} in {shown}");
    // The cursor is back at the margin, and visible.
    assert!(!terminal.raw().contains("\u{1b}[?25l"), "the cursor was hidden: {shown}");
    assert!(is_free(redirect_uri(&url)?.port().context("a port")?));
    Ok(())
}

/// Mix-up: whom the person asked sends their browser on to another server, with all that was asked
/// of it, to be brought that one's code (RFC 9207 §1).
// proves: attack-13, J04
#[tokio::test]
async fn a_server_that_sends_the_browser_to_another_is_not_brought_that_ones_code() -> Result<()> {
    let (evil, honest) = (Desk::set().await?, Desk::set().await?);
    let (mut login, url, _) = waiting(&evil).await?;
    let asked = Url::parse(&url)?;
    let mut swapped = Url::parse(&honest.server.at(asked.path()))?;
    // But for the resource, which is evil's own.
    let asked = asked.query_pairs().filter(|(name, _)| name != "resource");
    swapped.query_pairs_mut().extend_pairs(asked);
    // There it is a request like any other of this tool, and it is approved.
    let answer = honest.person.approve(swapped.as_str()).await?;
    let says = answer.query_pairs().find(|(name, _)| name == "iss").context("iss")?.1.into_owned();
    assert_eq!(says, honest.server.url());
    stranger()?.get(answer).send().await?;
    let finished = login.finished().await?;
    assert_ne!(finished.code, Some(0), "{finished:?}");
    for desk in [&evil, &honest] {
        let redeemed = desk.metrics().await?;
        assert!(!redeemed.contains(r#"grant_type="authorization_code""#), "{redeemed}");
    }
    assert!(!evil.credentials().exists());
    Ok(())
}
