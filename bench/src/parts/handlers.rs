//! Requests a second and processor time a request, against bare handlers.
//!
//! The same bytes go to both sides over the same number of connections, and every
//! answer of both is looked at. The load generator takes its share of the same cores,
//! which flatters a ratio of rates; processor time is each server's own.

use anyhow::Result;

use hallpass_core::wire::path;

use super::Bench;
use crate::bare;
use crate::http;
use crate::load::{self, Asking};
use crate::process::Server;
use crate::spread::Pairs;
use crate::table::{Goal, Row, Unit};

/// Enough to keep two servers' worth of cores busy, few enough to be no crowd.
const CONNECTIONS: usize = 32;

/// How many different tokens are asked about in turn.
pub(super) const TOKENS: usize = 256;

/// Introspection with caller authentication, rate limit, metrics and tracing on.
pub(super) fn introspection(bench: &mut Bench) -> Result<Vec<Row>> {
    let (server, access) = serve(bench)?;
    let few = bench.few()?;
    let caller = few.caller().to_owned();
    let personal = few.personal(TOKENS).to_vec();
    let asks = |path: &str, tokens: &[String]| -> Vec<Vec<u8>> {
        let ask = |token: &String| http::post(path, Some(&caller), &format!("token={token}"));
        tokens.iter().map(ask).collect()
    };
    let sides = Sides {
        ours: &asks(path::INTROSPECT, &personal),
        bare: &asks(bare::FORM, &personal),
        mark: br#""active":true"#,
    };
    let measured = compare(bench, &server, &sides)?;
    let mut rows = measured.rows("introspection", Goal::AtLeast(0.95), Goal::AtMost(1.05));
    rows.push(measured.control());
    let sides = Sides {
        ours: &asks(path::INTROSPECT, &access),
        bare: &asks(bare::FORM, &access),
        mark: br#""active":true"#,
    };
    let measured = compare(bench, &server, &sides)?;
    rows.extend(measured.rows("(a JWT's signature checked)", Goal::Nothing, Goal::Nothing));
    server.stop()?;
    Ok(rows)
}

/// Forward auth: whether a bearer token is good, and whose it is.
pub(super) fn check(bench: &mut Bench) -> Result<Vec<Row>> {
    let (server, _) = serve(bench)?;
    let personal = bench.few()?.personal(TOKENS).to_vec();
    let asks = |path: &str| -> Vec<Vec<u8>> {
        personal.iter().map(|token| http::get(path, Some(&format!("Bearer {token}")))).collect()
    };
    // What it is answered with stands in headers.
    let sides = Sides { ours: &asks(path::CHECK), bare: &asks(bare::GET), mark: b"" };
    let measured = compare(bench, &server, &sides)?;
    server.stop()?;
    Ok(measured.rows("forward auth", Goal::AtLeast(0.90), Goal::Nothing))
}

/// A server, and access tokens of programs that are signed in there.
fn serve(bench: &mut Bench) -> Result<(Server, Vec<String>)> {
    let program = bench.program.clone();
    let few = bench.few()?;
    let server = few.serve(&program)?;
    let tokens = few.access_tokens(&server, TOKENS)?;
    Ok((server, tokens))
}

/// What is sent to each side, and what a right answer of either holds.
struct Sides<'a> {
    ours: &'a [Vec<u8>],
    bare: &'a [Vec<u8>],
    mark: &'a [u8],
}

/// One side of one round.
struct Round {
    rate: f64,
    cpu: f64,
}

#[derive(Default)]
struct Measured {
    rates: Pairs,
    cpu: Pairs,
    control: Pairs,
}

impl Measured {
    /// The same server on both sides: what is not 1 here is noise there.
    fn control(&self) -> Row {
        let what = "(noise: the bare handler against itself)";
        Row::new(what, Unit::PerSecond, &self.control, Goal::Nothing)
    }

    fn rows(&self, what: &str, rate: Goal, cpu: Goal) -> Vec<Row> {
        vec![
            Row::new(format!("{what}: requests/s"), Unit::PerSecond, &self.rates, rate),
            Row::new(format!("{what}: CPU a request"), Unit::Seconds, &self.cpu, cpu),
        ]
    }
}

fn compare(bench: &Bench, ours: &Server, sides: &Sides<'_>) -> Result<Measured> {
    let bare = Server::bare(&bench.scratch)?;
    let mut measured = Measured::default();
    // The first round warms both sides up and is not counted.
    for round in 0..=bench.size.rounds {
        let theirs = one_side(bench, &bare, sides.bare, sides.mark)?;
        let mine = one_side(bench, ours, sides.ours, sides.mark)?;
        let again = one_side(bench, &bare, sides.bare, sides.mark)?;
        if round > 0 {
            measured.control.push(again.rate, theirs.rate);
            measured.rates.push(mine.rate, theirs.rate);
            measured.cpu.push(mine.cpu, theirs.cpu);
        }
    }
    Ok(measured)
}

fn one_side(bench: &Bench, server: &Server, requests: &[Vec<u8>], mark: &[u8]) -> Result<Round> {
    let mut crowd = Asking::crowd(requests, mark, CONNECTIONS);
    let before = server.cpu()?;
    let run = load::run(server.address(), &mut crowd, bench.size.handler);
    let counted = load::runtime()?.block_on(run)?;
    let cpu = (server.cpu()? - before) / counted.answers as f64;
    Ok(Round { rate: counted.rate(), cpu })
}
