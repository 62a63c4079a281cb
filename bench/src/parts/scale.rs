//! A check among very many tokens against one among few: what a check costs must not depend
//! on how many tokens there are, or on whether the one that was sent is among them.
//!
//! Of every ten tokens sent, seven are good, two were never issued and one was revoked; few
//! are asked about twice, so that nothing stays in the processor's cache by itself.

use anyhow::{Context, Result};
use hallpass_core::TokenText;
use hallpass_core::token::Kind;
use hallpass_core::wire::path;

use super::Bench;
use crate::deployment::Deployment;
use crate::http::{self, Answer, Connection};
use crate::load::{self, Talk};
use crate::process::Server;
use crate::spread::Pairs;
use crate::system::SystemRandom;
use crate::table::{Goal, Row, Unit};

/// How many different tokens are sent.
const DIFFERENT: usize = 4_000;
const CONNECTIONS: usize = 32;

/// Two deployments, side by side.
pub(super) fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let program = bench.program.clone();
    bench.many()?;
    bench.few()?;
    let (many, few) = (bench.many.take(), bench.few.take());
    let (many, few) = many.zip(few).context("made just now")?;
    let (large, small) = (many.serve(&program)?, few.serve(&program)?);
    let (about_large, about_small) = (questions(&large, &many)?, questions(&small, &few)?);
    // Their indexes are filled in the background.
    large.quiet()?;
    small.quiet()?;
    let mut cpu = Pairs::default();
    // The first round warms both sides up and is not counted.
    for round in 0..=bench.size.rounds {
        let theirs = one_side(bench, &small, &about_small)?;
        let ours = one_side(bench, &large, &about_large)?;
        if round > 0 {
            cpu.push(ours, theirs);
        }
    }
    large.stop()?;
    small.stop()?;
    (bench.many, bench.few) = (Some(many), Some(few));
    let [few, many] = bench.size.tokens;
    let what = format!("CPU a check, {many} tokens against {few}");
    Ok(vec![Row::new(what, Unit::Seconds, &cpu, Goal::AtMost(1.10))])
}

/// A request, and what is answered.
type Question = (Vec<u8>, u16);

/// Good ones, invented ones, and some that are revoked here.
fn questions(server: &Server, deployment: &Deployment) -> Result<Vec<Question>> {
    let known = deployment.personal(DIFFERENT);
    let ask = |token: &str| http::get(path::CHECK, Some(&format!("Bearer {token}")));
    // The last ones: others of the bench ask about the first.
    let (good, revoked) = known.split_at(known.len() - known.len() / 8);
    load::runtime()?.block_on(async {
        let mut connection = Connection::open(server.address()).await?;
        for token in revoked {
            let leaked = format!(r#"{{"tokens":["{token}"]}}"#);
            let answer = connection.ask(&http::json(path::REVOKE_LEAKED, &leaked)).await?;
            anyhow::ensure!(answer.status < 300, "not revoked: {}", answer.show());
        }
        anyhow::Ok(())
    })?;
    let invented: Vec<_> = (0..known.len() / 4)
        .map(|_| TokenText::mint(Kind::Personal, &SystemRandom).expose().to_owned())
        .collect();
    let mut all: Vec<Question> = good.iter().map(|token| (ask(token), 200)).collect();
    // Among each other, or the processor would learn which is which.
    for (number, token) in revoked.iter().chain(&invented).enumerate() {
        all.insert((number * 31) % all.len(), (ask(token), 401));
    }
    Ok(all)
}

fn one_side(bench: &Bench, server: &Server, questions: &[Question]) -> Result<f64> {
    let mut crowd: Vec<_> = (0..CONNECTIONS)
        .map(|number| Mixed { questions, next: number * questions.len() / CONNECTIONS })
        .collect();
    let before = server.cpu()?;
    let run = load::run(server.address(), &mut crowd, bench.size.handler);
    let counted = load::runtime()?.block_on(run)?;
    Ok((server.cpu()? - before) / counted.answers as f64)
}

/// Asks in turn, and knows what is to be answered.
struct Mixed<'a> {
    questions: &'a [Question],
    next: usize,
}

impl Talk for Mixed<'_> {
    fn request(&mut self) -> &[u8] {
        self.next += 1;
        &self.questions[self.next % self.questions.len()].0
    }

    fn answer(&mut self, answer: Answer<'_>) -> Result<()> {
        let expected = self.questions[self.next % self.questions.len()].1;
        anyhow::ensure!(answer.status == expected, "not {expected}: {}", answer.show());
        Ok(())
    }
}
