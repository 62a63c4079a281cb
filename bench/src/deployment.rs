//! A deployment as an operator's script makes it (`admin …`), with many tokens in it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_core::PublicUrl;
use hallpass_core::wire::{CLI_CLIENT_ID, path};

use crate::bulk;
use crate::http::{self, Answer, Connection};
use crate::load::{self, Talk};
use crate::process::Server;
use crate::program::Program;
use crate::system::Stopwatch;

/// The confidential client that introspects.
const CALLER: &str = "bench-api";

/// How long a server may take until it listens.
const START_WITHIN: Duration = Duration::from_secs(120);

/// A data directory, and what a client of it knows.
#[derive(Debug)]
pub(crate) struct Deployment {
    data: PathBuf,
    address: SocketAddr,
    /// Where the server listens. It is kept at the first start, so the port stays.
    public_url: PublicUrl,
    /// The caller's `Authorization` header.
    caller: String,
    /// Personal tokens.
    personal: Vec<String>,
    /// Refresh tokens that nobody has used yet.
    unused: Vec<String>,
}

impl Deployment {
    /// Makes one with `tokens` live personal tokens, and some programs that are signed in.
    pub(crate) fn make(program: &Program, data: PathBuf, tokens: u32) -> Result<Self> {
        let address = free_address()?;
        let public_url = PublicUrl::parse(&format!("http://{address}"))?;
        let home = data.with_extension("home");
        std::fs::create_dir_all(&home)?;
        let dir = data.to_str().context("a path that is not text")?;
        let person = ["--email", bulk::EMAIL, "--name", "Ada Lovelace", "--password-stdin"];
        let place = ["--data-dir", dir, "--public-url", public_url.issuer()];
        let mut user = vec!["admin", "user", "create"];
        user.extend(place);
        user.extend(person);
        program.run(&user, &home, "correct horse battery staple\n").context("making a user")?;
        let mut client = vec!["admin", "client", "create"];
        client.extend(place);
        client.extend(["--id", CALLER, "--confidential"]);
        client.extend(["--redirect-uri", "https://api.example.com/callback"]);
        let secret = program.run(&client, &home, "").context("making a client")?;
        let loaded =
            bulk::load(&data, public_url.default_resource(), tokens).context("loading tokens")?;
        let caller = format!("Basic {}", STANDARD.encode(format!("{CALLER}:{}", secret.trim())));
        let bulk::Loaded { personal, refresh: unused } = loaded;
        Ok(Self { data, address, public_url, caller, personal, unused })
    }

    /// The `Authorization` header of the client that introspects.
    pub(crate) fn caller(&self) -> &str {
        &self.caller
    }

    /// Some personal tokens, at most `count`.
    pub(crate) fn personal(&self, count: usize) -> &[String] {
        &self.personal[..count.min(self.personal.len())]
    }

    /// Starts its server, which may not listen yet.
    pub(crate) fn spawn(&self, program: &Program) -> Result<Server> {
        Server::hallpass(program.path(), &self.data, self.address, self.url())
    }

    /// Its public URL.
    pub(crate) fn url(&self) -> &str {
        self.public_url.issuer()
    }

    /// Starts its server and waits until it is ready.
    pub(crate) fn serve(&self, program: &Program) -> Result<Server> {
        let mut server = self.spawn(program)?;
        let watch = Stopwatch::start();
        let ready = http::get("/health/ready", None);
        let runtime = load::runtime()?;
        while !runtime.block_on(is_ready(server.address(), &ready)) {
            server.still_runs()?;
            ensure!(
                watch.elapsed() < START_WITHIN,
                "the server is not ready:\n{}",
                server.last_words()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// Access tokens of as many different grants.
    pub(crate) fn access_tokens(&mut self, server: &Server, count: usize) -> Result<Vec<String>> {
        let mut programs = self.programs(count, "account email openid profile")?;
        load::runtime()?.block_on(async {
            let mut connection = Connection::open(server.address()).await?;
            let mut tokens = Vec::with_capacity(count);
            for program in &mut programs {
                let answer = connection.ask(program.request()).await?;
                let token = field(&answer, b"access_token").with_context(|| answer.show())?;
                tokens.push(token);
            }
            Ok(tokens)
        })
    }

    /// Programs that are signed in, each with a refresh token of its own to rotate, and
    /// the scope that they ask for. With `openid` in it each answer holds an ID token.
    pub(crate) fn programs(
        &mut self,
        count: usize,
        scope: &'static str,
    ) -> Result<Vec<Refreshing>> {
        ensure!(self.unused.len() >= count, "there are no {count} unused refresh tokens left");
        let tokens = self.unused.split_off(self.unused.len() - count);
        Ok(tokens.iter().map(|token| Refreshing::new(scope, token)).collect())
    }
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
    Ok(listener.local_addr()?)
}

async fn is_ready(address: SocketAddr, question: &[u8]) -> bool {
    let Ok(mut connection) = Connection::open(address).await else { return false };
    connection.ask(question).await.is_ok_and(|answer| answer.status == 200)
}

/// A program that refreshes (RFC 6749 §6), again and again, with what it was given last.
#[derive(Clone, Debug)]
pub(crate) struct Refreshing {
    scope: &'static str,
    request: Vec<u8>,
}

impl Refreshing {
    fn new(scope: &'static str, token: &str) -> Self {
        let scoped = scope.replace(' ', "+");
        let form = format!(
            "grant_type=refresh_token&client_id={CLI_CLIENT_ID}&scope={scoped}&refresh_token={token}"
        );
        Self { scope, request: http::post(path::TOKEN, None, &form) }
    }
}

impl Talk for Refreshing {
    fn request(&mut self) -> &[u8] {
        &self.request
    }

    fn answer(&mut self, answer: Answer<'_>) -> Result<()> {
        let next = field(&answer, b"refresh_token");
        let next = next.with_context(|| format!("not refreshed: {}", answer.show()))?;
        *self = Self::new(self.scope, &next);
        Ok(())
    }
}

/// A text field of a JSON answer that succeeded. Tokens need no unescaping.
fn field(answer: &Answer<'_>, name: &[u8]) -> Option<String> {
    let quoted = [b"\"", name, b"\":\""].concat();
    let at = answer.body.windows(quoted.len()).position(|window| window == quoted)?;
    let rest = &answer.body[at + quoted.len()..];
    let end = rest.iter().position(|byte| *byte == b'"')?;
    (answer.status == 200).then(|| String::from_utf8_lossy(&rest[..end]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_goes_on_with_what_it_was_given_last() {
        let mut program = Refreshing::new("account openid", "hp_rt_1");
        let says = |program: &mut Refreshing, what: &str| {
            String::from_utf8_lossy(program.request()).contains(what)
        };
        assert!(says(&mut program, "scope=account+openid&refresh_token=hp_rt_1"));
        let body = br#"{"access_token":"ey","refresh_token":"hp_rt_2","scope":"account"}"#;
        program.answer(Answer { status: 200, body }).unwrap();
        assert!(says(&mut program, "refresh_token=hp_rt_2"));
        // What is no success counts for nothing, whatever it says.
        assert!(program.answer(Answer { status: 400, body }).is_err());
        assert!(program.answer(Answer { status: 200, body: b"{}" }).is_err());
    }
}
