//! The listener, spoken to byte by byte.

use std::net::TcpStream;

use hallpass_core::Secret;
use hallpass_core::brand::Brand;

use super::*;
use crate::testing::raw;

/// A listener that runs, and what it told.
struct Running {
    listener: Listener,
    inbox: mpsc::Receiver<Message>,
    address: String,
}

fn start() -> Running {
    let bound = bind(None).unwrap();
    let address = bound.address.to_string();
    let (sender, inbox) = mpsc::channel();
    let expected = Expected {
        state: Secret::new("the-state"),
        issuer: "https://id.example.com".to_owned(),
        iss_promised: false,
    };
    let listener = bound.listen(expected, sender, page::Look::of(&Brand::hallpass()));
    Running { listener, inbox, address }
}

impl Running {
    fn ask(&self, method: &str, target: &str) -> String {
        self.ask_with(method, target, "")
    }

    fn ask_with(&self, method: &str, target: &str, headers: &str) -> String {
        let host = &self.address;
        raw(host, &format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n"))
    }

    /// Whether the awaited callback has come.
    fn callbacks(&self) -> usize {
        self.inbox.try_iter().filter(|m| matches!(m, Message::Callback { .. })).count()
    }
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

// proves: J02, client-B1
#[test]
fn it_listens_on_loopback_only_and_names_the_literal() {
    let bound = bind(None).unwrap();
    assert!(bound.address.ip().is_loopback() && bound.address.port() != 0);
    assert_eq!(bound.redirect_uri(), format!("http://127.0.0.1:{}/callback", bound.address.port()));
    for socket in &bound.sockets {
        let local = socket.local_addr().unwrap();
        assert!(local.ip().is_loopback());
        assert_eq!(local.port(), bound.address.port());
    }
}

// proves: client-B1
#[test]
fn either_family_may_be_missing() {
    let missing = |_| Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
    let only = |v4: bool| {
        bind_with(None, &move |address: SocketAddr| {
            if address.is_ipv4() == v4 { TcpListener::bind(address) } else { missing(address) }
        })
    };
    let v4 = only(true).unwrap();
    assert_eq!(v4.sockets.len(), 1);
    assert!(v4.redirect_uri().starts_with("http://127.0.0.1:"));
    // Where the machine has no IPv6 at all, there is nothing to prove.
    if TcpListener::bind("[::1]:0").is_ok() {
        let v6 = only(false).unwrap();
        assert_eq!(v6.sockets.len(), 1);
        assert!(v6.redirect_uri().starts_with("http://[::1]:"));
    }
    assert!(matches!(bind_with(None, &missing), Err(Error::NoListener { .. })));
}

// proves: client-B2
#[test]
fn a_fixed_port_that_is_taken_is_named_and_left_alone() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().port();
    other.set_nonblocking(true).unwrap();
    assert!(matches!(bind(Some(taken)), Err(Error::PortInUse { port }) if port == taken));
    // Nobody knocked at the other program's door.
    assert_eq!(other.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

// proves: client-B4, attack-5
#[test]
fn whatever_is_not_the_callback_changes_nothing() {
    let running = start();
    for (method, target, expected) in [
        ("GET", "/callback", 400),
        ("GET", "/callback?code=c", 400),
        ("GET", "/callback?code=c&state=", 400),
        ("GET", "/callback?code=c&state=wrong", 400),
        ("GET", "/callback?code=c&state=the-state&state=the-state", 400),
        ("GET", "/callback/?code=c&state=the-state", 404),
        ("GET", "//callback?code=c&state=the-state", 404),
        ("GET", "/CALLBACK?code=c&state=the-state", 404),
        ("GET", "/", 404),
        ("GET", "/favicon.ico", 404),
        ("GET", "/done", 404),
        ("GET", "/cancel", 404),
        ("HEAD", "/callback?code=c&state=the-state", 405),
        ("OPTIONS", "/callback?code=c&state=the-state", 405),
        ("POST", "/callback?code=c&state=the-state", 405),
    ] {
        let answer = running.ask(method, target);
        assert_eq!(status(&answer), expected, "{method} {target}");
        assert!(!answer.contains("the-state") && !answer.contains("code=c"), "{answer}");
        assert_eq!(method == "HEAD", answer.ends_with("\r\n\r\n"), "{method} has the wrong body");
    }
    for garbage in [
        "\r\n\r\n",
        "GET /callback\r\n\r\n",
        "GET http://x/ HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\r\n\r\n",
    ] {
        assert_eq!(status(&raw(&running.address, garbage)), 400, "{garbage:?}");
    }
    assert_eq!(running.callbacks(), 0);
}

// proves: attack-5
#[test]
fn a_thousand_forged_callbacks_leave_it_waiting() {
    let running = start();
    std::thread::scope(|scope| {
        for thread in 0..20 {
            let address = &running.address;
            scope.spawn(move || {
                for n in 0..50 {
                    let state = if n % 2 == 0 { "" } else { &format!("&state=guess-{thread}-{n}") };
                    let request = format!(
                        "GET /callback?code=evil{state} HTTP/1.1\r\nHost: {address}\r\n\r\n"
                    );
                    assert_eq!(status(&raw(address, &request)), 400);
                }
            });
        }
    });
    let told: Vec<_> = running.inbox.try_iter().collect();
    assert_eq!(told.len(), 1000);
    assert!(told.iter().all(|message| matches!(message, Message::Ignored(_))));
    // And then the real one is taken.
    let address = running.address.clone();
    let real = std::thread::spawn(move || {
        raw(
            &address,
            &format!("GET /callback?code=c&state=the-state HTTP/1.1\r\nHost: {address}\r\n\r\n"),
        )
    });
    let Ok(Message::Callback { answer, visit }) = running.inbox.recv() else { panic!() };
    assert_eq!(answer.unwrap().expose(), "c");
    visit.reply(Page::SignedIn { account: "ada".into() });
    assert_eq!(status(&real.join().unwrap()), 303);
}

// proves: client-B5
#[test]
fn a_name_that_was_made_to_point_here_is_refused() {
    let running = start();
    let port = running.address.rsplit(':').next().unwrap();
    let target = "/callback?code=c&state=the-state";
    for host in [
        format!("Host: evil.example:{port}\r\n"),
        format!("Host: localhost:{port}\r\n"),
        format!("Host: 127.0.0.2:{port}\r\n"),
        format!("Host: [::1]:{port}\r\n"),
        "Host: 127.0.0.1\r\n".to_owned(),
        "Host: 127.0.0.1:1\r\n".to_owned(),
        "Host:\r\n".to_owned(),
        String::new(),
        format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n"),
    ] {
        let answer = raw(&running.address, &format!("GET {target} HTTP/1.1\r\n{host}\r\n"));
        assert_eq!(status(&answer), 400, "{host:?}");
    }
    assert_eq!(running.callbacks(), 0);
}

// proves: client-B9
#[test]
fn only_navigation_delivers_a_code() {
    let running = start();
    let target = "/callback?code=c&state=the-state";
    for mode in ["cors", "no-cors", "same-origin", "websocket"] {
        let answer = running.ask_with("GET", target, &format!("Sec-Fetch-Mode: {mode}\r\n"));
        assert_eq!(status(&answer), 403, "{mode}");
    }
    assert_eq!(running.callbacks(), 0);
}

// proves: client-B4, client-B7, client-B8
#[test]
fn the_page_waits_for_the_outcome_and_the_address_bar_forgets_the_code() {
    let running = start();
    let address = running.address.clone();
    let browser = std::thread::spawn(move || {
        let get = |target: &str| {
            raw(
                &address,
                &format!(
                    "GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\n\r\n"
                ),
            )
        };
        let first = get("/callback?code=c&state=the-state");
        (first, get("/done"))
    });
    let Ok(Message::Callback { answer, visit }) = running.inbox.recv() else { panic!() };
    assert_eq!(answer.unwrap().expose(), "c");
    assert!(visit.is_browser);
    // While the login is finished nothing is said, and a second one is not listened to.
    assert_eq!(status(&running.ask("GET", "/done")), 404);
    assert_eq!(status(&running.ask("GET", "/callback?code=c&state=the-state")), 409);
    visit.reply(Page::SignedIn { account: "ada@example.com".into() });

    let (first, page) = browser.join().unwrap();
    assert_eq!(status(&first), 303);
    assert!(first.contains("\r\nLocation: /done\r\n"));
    assert_eq!(status(&page), 200);
    assert!(page.contains("signed in") && page.contains("ada@example.com"), "{page}");
    for answer in [&first, &page] {
        for header in [
            "Referrer-Policy: no-referrer\r\n",
            "Cache-Control: no-store\r\n",
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
            "Connection: close\r\n",
        ] {
            assert!(answer.contains(header), "{header} in {answer}");
        }
    }
    assert!(running.inbox.iter().take(1).any(|message| matches!(message, Message::PageShown)));
    assert_eq!(running.callbacks(), 0);
}

// proves: client-B7
#[test]
fn a_login_that_failed_is_shown_as_one() {
    let running = start();
    let address = running.address.clone();
    let browser = std::thread::spawn(move || {
        let get = |target: &str| {
            raw(&address, &format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n"))
        };
        (get("/callback?error=access_denied&state=the-state"), get("/done"))
    });
    let Ok(Message::Callback { answer, visit }) = running.inbox.recv() else { panic!() };
    assert!(matches!(answer, Err(Error::Denied)));
    visit.reply(Page::Failed { why: "the sign-in was denied".into() });
    let (_, page) = browser.join().unwrap();
    assert!(page.contains("Not signed in") && page.contains("the sign-in was denied"), "{page}");
}

// proves: client-A11
#[test]
fn of_a_pasted_code_and_a_callback_the_first_wins() {
    let running = start();
    let pasted = Secret::new("the-code");
    assert!(matches!(running.listener.judge_pasted(&pasted), Judged::Ours(Ok(_))));
    assert_eq!(status(&running.ask("GET", "/callback?code=c&state=the-state")), 409);
    assert!(matches!(running.listener.judge_pasted(&pasted), Judged::NotOurs(_)));
}

// proves: J02, client-B10
#[test]
fn closing_frees_the_port_before_it_returns() {
    let running = start();
    // Even while somebody holds a connection and says nothing.
    let idle = TcpStream::connect(&running.address).unwrap();
    running.listener.close();
    assert!(TcpListener::bind(&running.address).is_ok());
    drop(idle);
}
