//! Many processes, one expired token, one server that accepts each refresh token once.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use hallpass_client::environment::Environment;
use hallpass_client::system::{SystemRandom, SystemTimes};
use hallpass_client::vault::model::{Access, CredentialKind, Endpoints, Profile, Receipt};
use hallpass_client::vault::{Credential, FileVault, Key, Vault as _};
use hallpass_client::{Client, Selection, StorePolicy};
use hallpass_core::brand::Brand;

use crate::child::{child, in_child};

/// Surroundings with nothing but a home.
struct Home(PathBuf);
impl Environment for Home {
    fn raw_var(&self, _: &str) -> Option<String> {
        None
    }
    fn home(&self) -> Option<PathBuf> {
        Some(self.0.clone())
    }
}

/// A token endpoint: `rt-1` gives `at-2` and `rt-2`, once; and so on.
fn token_server(asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A child that is gone does not matter; what was asked is what counts.
            let _ = answer(stream.unwrap(), &asked);
        }
    });
    origin
}

fn answer(mut stream: TcpStream, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(&body).into_owned().collect();
    let token = form["refresh_token"].clone();
    let mut asked = asked.lock().unwrap();
    asked.push(token.clone());
    let n = asked.len() + 1;
    let (status, body) = if token == format!("rt-{}", n - 1) {
        let tokens = serde_json::json!({
            "access_token": format!("at-{n}"), "token_type": "Bearer", "expires_in": 300,
            "refresh_token": format!("rt-{n}"), "scope": "openid",
        });
        (200, tokens.to_string())
    } else {
        (400, r#"{"error":"invalid_grant"}"#.to_owned())
    };
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn expired_sign_in(home: &Path, origin: &str) {
    let credential = Credential {
        key: Key {
            issuer: origin.to_owned(),
            client_id: "hallpass-cli".into(),
            account: "usr_ada".into(),
        },
        email: None,
        name: None,
        kind: CredentialKind::Oauth,
        scope: "openid".parse().unwrap(),
        access: Some(Access {
            token: "at-1".to_owned().into(),
            received: Receipt::now(&SystemTimes),
            expires_in: Some(0),
            refreshed: false,
        }),
        refresh_token: Some("rt-1".to_owned().into()),
        resource: None,
        endpoints: Endpoints { token: Some(format!("{origin}/token")), ..Endpoints::default() },
        ended: None,
        binding: None,
        narrowed: Vec::new(),
        rest: serde_json::Map::new(),
    };
    let dir = home.join(".config/hallpass");
    FileVault::new(dir, Arc::new(SystemTimes), Arc::new(SystemRandom))
        .change(&mut |contents| {
            let key = credential.key.clone();
            let rest = serde_json::Map::new();
            contents.profiles.insert(
                "default".into(),
                Profile { server: origin.to_owned(), key, org: None, project: None, rest },
            );
            contents.put(credential.clone());
            true
        })
        .unwrap();
}

// proves: client-E1
#[test]
fn fifty_processes_make_one_request() {
    const NAME: &str = "refresh::fifty_processes_make_one_request";
    if let Some(home) = in_child() {
        let environment = Arc::new(Home(home.into()));
        // Nobody's keyring is touched.
        let selection = Selection { store: Some(StorePolicy::File), ..Selection::default() };
        let client = Client::on_this_machine(Brand::hallpass(), environment, selection);
        let token = client.session().unwrap().access_token().unwrap();
        assert_eq!(token.expose(), "at-2");
        return;
    }
    let asked = Arc::new(Mutex::new(Vec::new()));
    let origin = token_server(asked.clone());
    let home = tempfile::tempdir().unwrap();
    expired_sign_in(home.path(), &origin);
    let children: Vec<_> = (0..50)
        .map(|_| {
            child(NAME, home.path().to_str().unwrap(), "true")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let succeeded =
        children.into_iter().map(|mut child| child.wait().unwrap()).filter(|s| s.success()).count();
    assert_eq!(*asked.lock().unwrap(), ["rt-1"]);
    assert_eq!(succeeded, 50);
}
