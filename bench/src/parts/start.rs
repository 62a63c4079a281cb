//! Start to the first correct answer, and memory: many tokens against few.
//!
//! Each round starts a server on each deployment, asks about a token until the answer
//! is right, asks about many more, and stops it as an operator would, so that the next
//! start finds a database that was closed.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hallpass_core::wire::path;

use super::Bench;
use super::handlers::TOKENS;
use crate::deployment::Deployment;
use crate::http::{self, Connection};
use crate::load::{self, Asking};
use crate::process::{Memory, Server};
use crate::spread::Pairs;
use crate::system::Stopwatch;
use crate::table::{Goal, Row, Unit};

/// How long a start may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two attempts to connect to a server that does not listen yet.
const PAUSE: Duration = Duration::from_micros(500);

const MARK: &[u8] = br#""active":true"#;

/// Two deployments, side by side.
pub(super) fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    bench.many()?;
    bench.few()?;
    let many = bench.many.take().expect("made just now");
    let few = bench.few.take().expect("made just now");
    let (about_many, about_few) = (questions(&many), questions(&few));

    let (mut first, mut now, mut peak) = (Pairs::default(), Pairs::default(), Pairs::default());
    for _ in 0..bench.size.rounds {
        let small = life(bench, &few, &about_few)?;
        let large = life(bench, &many, &about_many)?;
        first.push(large.first_answer, small.first_answer);
        now.push(large.memory.now, small.memory.now);
        peak.push(large.memory.peak, small.memory.peak);
    }
    (bench.few, bench.many) = (Some(few), Some(many));

    let [few, many] = bench.size.tokens;
    let versus = format!("{many} tokens against {few}");
    Ok(vec![
        // "Independent of the number of tokens", give or take a start's own noise.
        Row::new(
            format!("first correct answer, {versus}"),
            Unit::Seconds,
            &first,
            Goal::AtMost(1.2),
        ),
        Row::new(format!("memory at most, {versus}"), Unit::Bytes, &peak, Goal::NoMoreThan(80e6)),
        Row::new(format!("memory after checks, {versus}"), Unit::Bytes, &now, Goal::Nothing),
    ])
}

/// Introspection requests about tokens of a deployment.
fn questions(deployment: &Deployment) -> Vec<Vec<u8>> {
    let ask = |token: &String| {
        http::post(path::INTROSPECT, Some(deployment.caller()), &format!("token={token}"))
    };
    deployment.personal(TOKENS).iter().map(ask).collect()
}

struct Life {
    first_answer: f64,
    memory: Memory,
}

fn life(bench: &Bench, deployment: &Deployment, questions: &[Vec<u8>]) -> Result<Life> {
    let watch = Stopwatch::start();
    let mut server = deployment.spawn(&bench.program)?;
    let runtime = load::runtime()?;
    let first_answer = runtime.block_on(first_answer(&mut server, &questions[0], watch))?;
    let mut crowd = Asking::crowd(questions, MARK, 8);
    runtime.block_on(load::run(server.address(), &mut crowd, bench.size.handler / 4))?;
    // The index is filled in the background; its memory is to be counted.
    server.quiet()?;
    let memory = server.memory()?;
    server.stop()?;
    Ok(Life { first_answer: first_answer.as_secs_f64(), memory })
}

/// Asks until the answer is right; a refusal or a wrong answer meanwhile is no answer.
async fn first_answer(server: &mut Server, question: &[u8], watch: Stopwatch) -> Result<Duration> {
    while watch.elapsed() < PATIENCE {
        if answers(server.address(), question).await {
            return Ok(watch.elapsed());
        }
        server.still_runs().context("waiting for the first answer")?;
        tokio::time::sleep(PAUSE).await;
    }
    bail!("no correct answer within {PATIENCE:?}:\n{}", server.last_words())
}

async fn answers(address: SocketAddr, question: &[u8]) -> bool {
    let Ok(mut connection) = Connection::open(address).await else { return false };
    connection.ask(question).await.is_ok_and(|answer| answer.status == 200 && answer.has(MARK))
}
