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
    let (server, tokens) = serve(bench)?;
    let caller = bench.few()?.caller().to_owned();
    let asks = |path: &str| -> Vec<Vec<u8>> {
        let ask = |token: &String| http::post(path, Some(&caller), &format!("token={token}"));
        tokens.iter().map(ask).collect()
    };
    let sides =
        Sides { ours: &asks(path::INTROSPECT), bare: &asks(bare::FORM), mark: br#""active":true"# };
    let measured = compare(bench, server, &sides)?;
    let mut rows = measured.rows("introspection", Goal::AtLeast(0.95), Goal::AtMost(1.05));
    rows.push(measured.control());
    Ok(rows)
}

/// Who a bearer token belongs to.
pub(super) fn check(bench: &mut Bench) -> Result<Vec<Row>> {
    let (server, tokens) = serve(bench)?;
    let asks = |path: &str| -> Vec<Vec<u8>> {
        tokens.iter().map(|token| http::get(path, Some(&format!("Bearer {token}")))).collect()
    };
    let sides =
        Sides { ours: &asks(path::USERINFO), bare: &asks(bare::GET), mark: br#""sub":"usr_"# };
    let measured = compare(bench, server, &sides)?;
    Ok(measured.rows("check (userinfo)", Goal::AtLeast(0.90), Goal::Nothing))
}

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

fn compare(bench: &Bench, ours: Server, sides: &Sides<'_>) -> Result<Measured> {
    let bare = Server::bare(&bench.scratch)?;
    let mut measured = Measured::default();
    // The first round warms both sides up and is not counted.
    for round in 0..=bench.size.rounds {
        let theirs = one_side(bench, &bare, sides.bare, sides.mark)?;
        let mine = one_side(bench, &ours, sides.ours, sides.mark)?;
        let again = one_side(bench, &bare, sides.bare, sides.mark)?;
        if round > 0 {
            measured.control.push(again.rate, theirs.rate);
            measured.rates.push(mine.rate, theirs.rate);
            measured.cpu.push(mine.cpu, theirs.cpu);
        }
    }
    ours.stop()?;
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
