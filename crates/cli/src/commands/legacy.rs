//! Tokens of an older system that lie in files: told of, and cleaned away if the person
//! agrees (ST11, ST14).

use hallpass_client::Client;
use hallpass_client::legacy::LegacyToken;

use crate::{Context, Exit, Failure, Input, Output};

/// Asks whether those that there are may be revoked and deleted once the sign-in has
/// succeeded. Before it, because afterwards somebody else may be reading what is typed.
/// Without a terminal nobody is asked: nothing changes, and a line says how.
pub(super) fn agreed(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    client: &Client,
) -> Result<Vec<LegacyToken>, Failure> {
    let found = client.legacy_tokens();
    if found.is_empty() || out.json {
        return Ok(Vec::new());
    }
    let what = told(&found, out);
    let streams = out.terminal.streams;
    let mut yes = false;
    if streams.stdin && streams.stderr && cx.unattended().is_none() {
        let question = format!("Found {what}. Revoke and delete them once you are signed in?");
        yes = stdin.confirm(&question).map_err(|error| {
            let what = format!("the question could not be asked: {error}");
            let next = format!("{} logout --clean-legacy", cx.program);
            Failure::new(Exit::Other, "legacy", what, next).kept("Nothing was changed.")
        })? == Some(true);
    }
    if yes {
        return Ok(found);
    }
    let (stay, them) = match found.len() {
        1 => ("stays as it is", "it"),
        _ => ("stay as they are", "them"),
    };
    out.sentence(&format!(
        "{what} {stay}; {} logout --clean-legacy revokes and deletes {them}.",
        cx.program
    ));
    Ok(Vec::new())
}

/// Revokes and deletes them, and says what became of each.
pub(super) fn clean(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    client: &Client,
    server: &str,
    tokens: &[LegacyToken],
) -> Result<Exit, Failure> {
    if tokens.is_empty() {
        return Ok(Exit::Usable);
    }
    let again = format!("{} logout --clean-legacy", cx.program);
    let done = client
        .clean_legacy(server, tokens)
        .map_err(|error| crate::refusal::told(&error, cx, &again))?;
    let gone = done.iter().filter(|cleaned| cleaned.kept.is_none()).count();
    if gone > 0 && !out.json {
        out.sentence(&format!("{} revoked at the server and deleted here.", count(gone)));
    }
    for cleaned in &done {
        if let Some(why) = &cleaned.kept {
            let project = out.paint().foreign(&cleaned.token.project, 80);
            out.warning(&format!("the older token of {project} is still there: {why}"));
        }
    }
    if gone == done.len() {
        return Ok(Exit::Usable);
    }
    out.next(&again);
    Ok(Exit::CannotVerify)
}

fn told(found: &[LegacyToken], out: &Output<'_>) -> String {
    let names: Vec<_> = found.iter().map(|token| out.paint().foreign(&token.project, 80)).collect();
    format!("{} ({})", count(found.len()), names.join(", "))
}

fn count(n: usize) -> String {
    if n == 1 { "1 older token".to_owned() } else { format!("{n} older tokens") }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::testing::Town;

    /// A server that says who it is, whose a token is, and takes revocations; what was
    /// revoked is in the list.
    fn server() -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let revoked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (issuer, list) = (origin.clone(), Arc::clone(&revoked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut first, mut length) = (String::new(), 0);
                reader.read_line(&mut first).unwrap();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    let line = line.trim_end().to_ascii_lowercase();
                    if let Some(value) = line.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let path = first.split(' ').nth(1).unwrap_or_default();
                let (status, answer) = match path {
                    "/.well-known/oauth-authorization-server" => (
                        200,
                        format!(
                            r#"{{"issuer":"{issuer}","token_endpoint":"{issuer}/oauth/token","revocation_endpoint":"{issuer}/oauth/revoke"}}"#
                        ),
                    ),
                    "/api/v1/whoami" => (
                        200,
                        r#"{"kind":"user","id":"usr_1","email":"ada@example.com","name":"Ada","scope":"account"}"#.to_owned(),
                    ),
                    "/oauth/revoke" => {
                        list.lock().unwrap().push(String::from_utf8(body).unwrap());
                        (200, "{}".to_owned())
                    }
                    _ => (404, "{}".to_owned()),
                };
                let length = answer.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n\
                     Content-Length: {length}\r\n\r\n{answer}"
                )
                .unwrap();
            }
        });
        (origin, revoked)
    }

    /// A home with two tokens of an older system.
    fn town(piped: bool) -> (Town, PathBuf) {
        let town = Town::new().brand(|brand| {
            brand.tokens.legacy_dir = Some(".scitoolkit/tokens".into());
            brand.tokens.legacy_prefix = Some("stk_".into());
        });
        let town = if piped { town.piped() } else { town };
        let dir = town.home().join(".scitoolkit/tokens");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("blast"), "stk_1111\n").unwrap();
        std::fs::write(dir.join("align"), "stk_2222\n").unwrap();
        (town, dir)
    }

    fn login(town: &Town, origin: &str) -> crate::testing::Done {
        std::fs::write(town.home().join("token"), "mytoken-0123456789").unwrap();
        let file = town.home().join("token").display().to_string();
        town.run(&format!("hallpass login {origin} --token-file {file}"))
    }

    // proves: ST14
    #[test]
    fn a_login_asks_and_cleans_after_it_has_succeeded() {
        let (origin, revoked) = server();
        let (mut town, dir) = town(false);
        town.stdin(b"n");
        let done = login(&town, &origin);
        assert_eq!(done.exit, Exit::Usable, "{done:?}");
        assert!(done.stderr.contains("Found 2 older tokens (align, blast)."), "{done:?}");
        assert!(done.stderr.contains("hallpass logout --clean-legacy"), "{done:?}");
        assert!(dir.join("blast").exists() && revoked.lock().unwrap().is_empty());

        // A sign-in that fails cleans nothing.
        town.stdin(b"y");
        let done = login(&town, "http://127.0.0.1:1");
        assert_eq!(done.exit, Exit::CannotVerify, "{done:?}");
        assert!(dir.join("blast").exists());

        let done = login(&town, &origin);
        assert_eq!(done.exit, Exit::Usable, "{done:?}");
        assert!(done.stderr.contains("2 older tokens revoked at the server"), "{done:?}");
        assert!(!dir.exists());
        assert_eq!(revoked.lock().unwrap().len(), 2);
        assert!(!login(&town, &origin).stderr.contains("older"));
    }

    // proves: ST11, ST14
    #[test]
    fn without_a_terminal_a_line_says_how_and_logout_does_it() {
        let (origin, revoked) = server();
        let (town, dir) = town(true);
        let done = login(&town, &origin);
        assert_eq!(done.exit, Exit::Usable, "{done:?}");
        assert!(done.stderr.contains("stay as they are"), "{done:?}");
        assert!(dir.join("blast").exists() && revoked.lock().unwrap().is_empty());

        let done = town.run("hallpass logout");
        assert_eq!(done.exit, Exit::Usable, "{done:?}");
        assert!(dir.join("blast").exists());
        let done = town.run(&format!("hallpass logout --clean-legacy --server {origin}"));
        assert_eq!(done.exit, Exit::Usable, "{done:?}");
        assert!(!dir.exists());
        let revoked = revoked.lock().unwrap();
        assert!(revoked[0].contains("token=stk_2222") && revoked[1].contains("token=stk_1111"));
    }
}
