//! Commands with a server and without one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hallpass_core::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

use super::command::{Answer, Command, NewClient, Refused};
use super::{run_in, socket};
use crate::config::{Layers, Settings};
use crate::serve::{Failure, Opened, open, public_url};

fn settings(dir: &Path) -> Settings {
    let mut layers = Layers::default();
    let flags = [
        ("data_dir".to_owned(), dir.to_str().expect("text").to_owned()),
        ("listen".to_owned(), "localhost:0".to_owned()),
    ];
    layers.flags(flags);
    Settings::read(&layers).expect("settings")
}

fn ada() -> Command {
    Command::UserCreate {
        email: "Ada@Example.com".to_owned(),
        name: "Ada".to_owned(),
        password: Secret::new("correct horse battery"),
        admin: true,
    }
}

fn api() -> Command {
    let redirect_uris = vec!["https://api.example.com/cb".to_owned()];
    Command::ClientCreate(NewClient {
        id: "api".to_owned(),
        confidential: true,
        redirect_uris,
        ..NewClient::default()
    })
}

async fn ask(dir: &Path, command: Command) -> Result<Answer, Failure> {
    run_in(&settings(dir), None, command).await
}

async fn opened(dir: &Path) -> Opened {
    let settings = settings(dir);
    let data = open::store(&settings, None).await.expect("a store");
    let url = public_url::for_admin(&data, &settings).await.expect("a public URL");
    data.issuer(&settings, url).await.expect("an issuer")
}

/// What an operator's script does, and what it finds afterwards.
async fn prepare(dir: &Path) {
    let Answer::UserCreated { id } = ask(dir, ada()).await.expect("a user") else {
        panic!("no user")
    };
    let Answer::ClientCreated { secret: Some(secret) } = ask(dir, api()).await.expect("a client")
    else {
        panic!("no secret")
    };
    assert!(secret.expose().starts_with("hp_cs_"));

    let again = ask(dir, ada()).await.expect_err("taken");
    assert_eq!(again.exit_code(), 2, "{again}");
    let bad = Command::ClientCreate(NewClient {
        id: "bad".to_owned(),
        redirect_uris: vec!["http://example.com/cb#x".to_owned()],
        ..NewClient::default()
    });
    assert_eq!(ask(dir, bad).await.expect_err("a fragment").exit_code(), 2);

    let Answer::Users(users) = ask(dir, Command::UserList).await.expect("users") else {
        panic!("no users")
    };
    assert_eq!(users.len(), 1);
    assert_eq!((&users[0].id, users[0].email.as_str()), (&id, "ada@example.com"));
    let by_email = "ADA@example.com".to_owned();
    let disable = |user| Command::UserDisable { user, keys: None };
    assert!(matches!(ask(dir, disable(by_email)).await, Ok(Answer::Done(_))));
    assert!(matches!(ask(dir, disable(id.clone())).await, Ok(Answer::Unchanged(_))));
    assert!(matches!(ask(dir, Command::UserEnable { user: id }).await, Ok(Answer::Done(_))));
    let nobody = ask(dir, disable("eve@example.com".to_owned())).await.expect_err("nobody");
    assert!(nobody.to_string().contains("hallpass admin user list"), "{nobody}");

    let Answer::SigningKeys(before) = ask(dir, Command::SigningKeysList).await.expect("keys")
    else {
        panic!("no keys")
    };
    let rotate = Command::SigningKeysRotate { now: false };
    let Answer::SigningKeys(after) = ask(dir, rotate).await.expect("rotated") else {
        panic!("no keys")
    };
    assert_eq!((before.len(), after.len()), (2, 4));

    let Answer::Audit(rows) = ask(dir, Command::AuditList { limit: 100 }).await.expect("rows")
    else {
        panic!("no rows")
    };
    // One row for each change, and none for what was refused.
    let of = |action: &str| rows.iter().filter(|row| row.action == action).count();
    let counts = ["user.create", "client.create", "user.disable", "user.enable"].map(of);
    assert_eq!(counts, [1, 1, 1, 1], "{rows:?}");
    let log = serde_json::to_string(&rows).expect("JSON");
    assert!(!log.contains("hp_cs_") && !log.contains("battery"), "{log}");
}

// proves: attack-47
#[tokio::test]
async fn without_a_server_it_is_done_here() {
    let dir = tempfile::tempdir().expect("a directory");
    prepare(&dir.path().join("data")).await;
}

/// Starts the part of a server that answers admin commands.
async fn serving(dir: &Path) -> (Opened, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let opened = opened(dir).await;
    let socket = socket::listen(&opened).expect("a socket");
    let (stop, stopped) = watch::channel(false);
    let (issuer, store) = (opened.issuer.clone(), opened.store.clone());
    let task = tokio::spawn(socket::serve(socket, issuer, store, stopped));
    (opened, stop, task)
}

// proves: attack-47
#[tokio::test]
async fn with_a_server_the_server_does_it() {
    let dir = tempfile::tempdir().expect("a directory");
    // Longer than an address of a socket can be.
    let data: PathBuf = dir.path().join("d".repeat(120));
    let (opened, stop, task) = serving(&data).await;
    let socket = data.join("admin.sock");
    let mode = std::fs::metadata(&socket).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    prepare(&data).await;
    let users = opened.store.users().count().await.expect("a count");
    assert_eq!(users, 1, "it was done in the server's own store");

    stop.send(true).expect("told");
    task.await.expect("ended");
    assert!(!socket.exists());
    opened.close().await;
}

#[tokio::test]
async fn a_socket_that_a_killed_server_left_behind_is_no_server() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("admin.sock")).expect("bound"));
    assert!(matches!(ask(dir.path(), Command::UserList).await, Ok(Answer::Users(_))));
    let (opened, _stop, _task) = serving(dir.path()).await;
    assert!(matches!(ask(dir.path(), Command::UserList).await, Ok(Answer::Users(_))));
    opened.close().await;
}

#[tokio::test]
async fn what_the_server_does_not_understand_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let (opened, _stop, _task) = serving(dir.path()).await;
    for sent in ["", "{", r#""fly_to_the_moon""#, r#"{"user_disable":{}}"#] {
        let mut stream =
            tokio::net::UnixStream::connect(dir.path().join("admin.sock")).await.expect("socket");
        stream.write_all(sent.as_bytes()).await.expect("sent");
        stream.shutdown().await.expect("ended");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        let answer: Result<Answer, Refused> = serde_json::from_slice(&answer).expect("JSON");
        assert!(answer.is_err(), "{sent}");
    }
    opened.close().await;
}
