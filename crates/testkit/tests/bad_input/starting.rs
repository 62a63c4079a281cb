//! What keeps a server from starting, and what an operator mistypes.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use anyhow::Result;
use hallpass_testkit::process::{self, Running};
use hallpass_testkit::server::{Plan, Server};

use super::refused;

#[tokio::test]
async fn a_port_in_use() -> Result<()> {
    let mut server = Server::start().await?;
    let port = server.port();
    server.stop().await?;
    let squatter = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    refused(&server.refusal().await?, 10, &[&port.to_string(), "--listen"]);
    drop(squatter);
    server.start_again().await
}

#[tokio::test]
async fn a_directory_that_belongs_to_a_running_server() -> Result<()> {
    let mut server = Server::start().await?;
    let directory = server.directory().display().to_string();
    // Another port, the same directory.
    let mut second = server.command()?;
    second.args(["--listen", "localhost:0"]);
    let finished = Running::finish(&mut second, b"").await?;
    refused(&finished, 11, &[&directory, "--data-dir"]);
    server.ready().await
}

/// As somebody who is not root: root may write everywhere.
fn unprivileged(command: &Command, server: &Server) -> Result<Command> {
    // From where they can reach it, wherever the tree is.
    let program = server.scratch().join("hallpass");
    std::fs::copy(command.get_program(), &program)?;
    let mut wrapped = if rustix::process::geteuid().is_root() {
        let mut wrapped = process::command("setpriv");
        wrapped.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&program);
        wrapped
    } else {
        process::command(&program)
    };
    wrapped.args(command.get_args());
    for (name, value) in command.get_envs() {
        wrapped.envs(value.map(|value| (name, value)));
    }
    Ok(wrapped)
}

#[tokio::test]
async fn a_directory_that_cannot_be_written() -> Result<()> {
    let mut server = Server::start().await?;
    server.stop().await?;
    let closed = server.scratch().join("closed");
    std::fs::create_dir(&closed)?;
    // Anybody may look at where it would be, and nobody may write there.
    std::fs::set_permissions(server.scratch(), std::fs::Permissions::from_mode(0o755))?;
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555))?;
    let data = closed.join("data");
    let mut command = server.command()?;
    command.args(["--data-dir", &data.display().to_string()]);
    let finished = Running::finish(&mut unprivileged(&command, &server)?, b"").await?;
    refused(&finished, 12, &[&data.display().to_string(), "--data-dir"]);
    // A file in its place.
    let file = server.scratch().join("file");
    std::fs::write(&file, "x")?;
    let mut command = server.command()?;
    command.args(["--data-dir", &file.display().to_string()]);
    refused(&Running::finish(&mut command, b"").await?, 12, &["--data-dir"]);
    Ok(())
}

#[tokio::test]
async fn settings_that_are_wrong_are_all_named_at_once() -> Result<()> {
    let mut server = Server::start().await?;
    server.stop().await?;
    let config = server.scratch().join("hallpass.toml");
    for (text, mentions) in [
        ("acess_token_ttl = '5m'", vec!["line 1", "access_token_ttl"]),
        (
            "access_token_ttl = 'soon'\ncode_ttl = '1 fortnight'",
            vec!["access_token_ttl", "code_ttl"],
        ),
        ("listen = '0.0.0.0:80'", vec!["TLS"]),
        ("public_url = 'http://id.example.com'", vec!["public_url", "https"]),
        ("tls_cert = '/no/such/cert.pem'\ntls_key = '/no/such/key.pem'", vec!["tls"]),
        ("listen = [", vec!["line 1"]),
    ] {
        std::fs::write(&config, text)?;
        let mut command = server.command()?;
        // Variables count more than the file.
        command.env_remove("HALLPASS_SERVER_PUBLIC_URL").env_remove("HALLPASS_SERVER_LISTEN");
        command.args(["--config", &config.display().to_string()]);
        let stderr = Running::finish(&mut command, b"").await?;
        assert!(matches!(stderr.code, Some(2 | 17)), "{text}: {stderr:?}");
        super::is_for_people(&stderr.stderr);
        for mention in mentions {
            let said = stderr.stderr.to_lowercase();
            assert!(said.contains(&mention.to_lowercase()), "{text}: no {mention:?} in {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_master_key_that_is_gone_open_to_all_or_another_one() -> Result<()> {
    let mut server = Server::start().await?;
    server.stop().await?;
    let key = server.directory().join("master.key");
    let kept = std::fs::read_to_string(&key)?;
    std::fs::remove_file(&key)?;
    refused(&server.refusal().await?, 16, &["master.key", "--master-key-file"]);
    assert!(!key.exists(), "a new one would open nothing");

    let write = |text: &str, mode: u32| -> Result<()> {
        std::fs::write(&key, text)?;
        Ok(std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode))?)
    };
    write(&"0".repeat(64), 0o600)?;
    refused(&server.refusal().await?, 16, &["master key"]);
    write("not hexadecimal", 0o600)?;
    refused(&server.refusal().await?, 16, &["master.key", "64 hexadecimal"]);
    write(&kept, 0o644)?;
    let open = server.refusal().await?;
    refused(&open, 12, &["master.key", "chmod 600"]);
    assert!(!open.stderr.contains(kept.trim()));
    write(&kept, 0o600)?;
    server.start_again().await
}

#[tokio::test]
async fn an_operator_who_mistypes() -> Result<()> {
    let server = Server::start().await?;
    server.person("ada@example.com", "Ada").await?;
    server.public_client("tool", &["http://127.0.0.1/callback"]).await?;
    let password = "--password-stdin";
    for (arguments, input, mention) in [
        (
            vec!["user", "create", "--email", "ada@example.com", "--name", "A", password],
            "long enough password",
            "already",
        ),
        (
            vec!["user", "create", "--email", "ADA@Example.com ", "--name", "A", password],
            "long enough password",
            "",
        ),
        (
            vec!["user", "create", "--email", "no-address", "--name", "A", password],
            "long enough password",
            "mail",
        ),
        (
            vec!["user", "create", "--email", "b@example.com", "--name", "B", password],
            "short",
            "password",
        ),
        (
            vec!["user", "create", "--email", "b@example.com", "--name", "B", password],
            "",
            "password",
        ),
        (
            vec!["user", "create", "--email", "b@example.com", "--name", "B", password],
            "two\nlines of it",
            "one line",
        ),
        (vec!["user", "disable", "nobody@example.com"], "", "no such user"),
        (
            vec!["client", "create", "--id", "tool", "--redirect-uri", "http://127.0.0.1/"],
            "",
            "already",
        ),
        (vec!["client", "create", "--id", "bad id", "--redirect-uri", "http://127.0.0.1/"], "", ""),
        (
            vec!["client", "create", "--id", "x", "--redirect-uri", "http://app.example/"],
            "",
            "redirect",
        ),
        (
            vec![
                "client",
                "create",
                "--id",
                "x",
                "--redirect-uri",
                "http://127.0.0.1/",
                "--scope",
                "no-such",
            ],
            "",
            "scope",
        ),
        (
            vec![
                "client",
                "create",
                "--id",
                "x",
                "--redirect-uri",
                "http://127.0.0.1/",
                "--grant-type",
                "password",
            ],
            "",
            "",
        ),
        (vec!["client", "disable", "nobody"], "", ""),
    ] {
        let finished = server.try_admin(&arguments, input).await?;
        assert!(matches!(finished.code, Some(1 | 2)), "{arguments:?}: {finished:?}");
        super::is_for_people(&finished.stderr);
        assert!(finished.stdout.is_empty() && !finished.stderr.is_empty(), "{arguments:?}");
        assert!(finished.stderr.contains(mention), "{arguments:?}: {}", finished.stderr);
        assert!(
            input.len() < 5 || !finished.stderr.contains(input),
            "{arguments:?} shows the password"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_public_url_is_not_changed_by_accident() -> Result<()> {
    let mut server = Server::start().await?;
    server.stop().await?;
    // Every token names it: another one is not taken up because a variable has changed.
    let mut command = server.command()?;
    command.env("HALLPASS_SERVER_PUBLIC_URL", "http://localhost:1");
    let finished = Running::finish(&mut command, b"").await?;
    refused(&finished, 2, &[&server.url(), "--public-url http://localhost:1"]);
    server.start_again().await
}

#[tokio::test]
async fn it_stops_when_asked_and_lets_requests_finish() -> Result<()> {
    let mut server = Plan::new().start().await?;
    let finished = server.stop().await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stderr.contains("Stopped"), "{}", finished.stderr);
    assert!(!server.directory().join("admin.sock").exists());
    server.start_again().await?;
    server.kill()?;
    // What a killed server left lying around is in nobody's way.
    server.start_again().await
}

// proves: HP18
#[tokio::test]
async fn local_mode_is_never_open_by_a_slip() -> Result<()> {
    let mut server = Server::start().await?;
    server.stop().await?;
    // Whoever says that others may come is not heard by half, wherever it was said.
    for (name, value) in [
        ("HALLPASS_SERVER_LISTEN", "0.0.0.0:0"),
        ("HALLPASS_SERVER_PUBLIC_URL", "https://id.example.com"),
        ("HALLPASS_SERVER_TRUSTED_PROXIES", "127.0.0.1"),
        ("HALLPASS_SERVER_DATABASE_URL", "postgres://localhost/x"),
    ] {
        let mut command = server.command()?;
        command.arg("--local").env(name, value);
        let finished = Running::finish(&mut command, b"").await?;
        refused(&finished, 2, &["in local mode nobody has to sign in", "without local mode"]);
    }
    // The same data without --local was set up, or may be: as long as nobody has an account.
    server.set("local", "true");
    server.start_again().await?;
    server.stop().await?;
    server.set("local", "maybe");
    refused(&server.refusal().await?, 2, &["HALLPASS_SERVER_LOCAL", "neither true nor false"]);
    Ok(())
}
