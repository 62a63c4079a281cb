//! Load: some keep-alive connections that ask again as soon as they were answered.
//!
//! It runs on one thread, so that the servers keep the other cores, and stops by
//! itself: after its time, or at the first wrong answer. A fast wrong answer is
//! worth nothing.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;

use crate::http::{Answer, Connection};
use crate::system::Stopwatch;

/// What one connection says, and what it thinks of the answers.
pub(crate) trait Talk {
    /// The next request.
    fn request(&mut self) -> &[u8];

    /// Judges an answer; a wrong one ends the run.
    fn answer(&mut self, answer: Answer<'_>) -> Result<()>;
}

/// How much was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    /// Right answers.
    pub(crate) answers: u64,
    /// In this time.
    pub(crate) took: Duration,
}

impl Counted {
    /// Answers in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / self.took.as_secs_f64()
    }
}

/// A runtime for the load generator: one thread, so that the servers keep the others.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Lets every talker ask `to` for `time`.
pub(crate) async fn run<T: Talk>(
    to: SocketAddr,
    talkers: &mut [T],
    time: Duration,
) -> Result<Counted> {
    let mut connections = Vec::with_capacity(talkers.len());
    for _ in 0..talkers.len() {
        connections
            .push(Connection::open(to).await.with_context(|| format!("connecting to {to}"))?);
    }
    let watch = Stopwatch::start();
    let talks = talkers
        .iter_mut()
        .zip(connections)
        .map(|(talker, connection)| async move { talk(talker, connection, watch, time).await });
    let patience = time + Duration::from_secs(30);
    let counts = tokio::time::timeout(patience, try_join_all(talks)).await;
    let answers = counts.context("the server stopped answering")??.into_iter().sum();
    ensure!(answers > 0, "nothing was answered");
    Ok(Counted { answers, took: watch.elapsed() })
}

async fn talk(
    talker: &mut impl Talk,
    mut connection: Connection,
    watch: Stopwatch,
    time: Duration,
) -> Result<u64> {
    let mut answers = 0;
    while watch.elapsed() < time {
        let answer = connection.ask(talker.request()).await?;
        talker.answer(answer)?;
        answers += 1;
    }
    Ok(answers)
}

/// Asks for the same few things in turn, and looks for a mark in each answer.
#[derive(Clone, Debug)]
pub(crate) struct Asking<'a> {
    requests: &'a [Vec<u8>],
    next: usize,
    mark: &'a [u8],
}

impl<'a> Asking<'a> {
    /// One for each connection, each starting at another request.
    pub(crate) fn crowd(requests: &'a [Vec<u8>], mark: &'a [u8], connections: usize) -> Vec<Self> {
        let start = |number: usize| number * requests.len() / connections;
        (0..connections).map(|number| Self { requests, next: start(number), mark }).collect()
    }
}

impl Talk for Asking<'_> {
    fn request(&mut self) -> &[u8] {
        let request = &self.requests[self.next % self.requests.len()];
        self.next += 1;
        request
    }

    fn answer(&mut self, answer: Answer<'_>) -> Result<()> {
        let right = answer.status == 200 && answer.has(self.mark);
        ensure!(right, "a wrong answer: {}", answer.show());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Answers `right` so often on each connection, then `wrong`.
    async fn server(right: usize) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut bytes = [0; 1024];
                    let mut left = right;
                    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
                        let body = if left > 0 { "right" } else { "wrong" };
                        left = left.saturating_sub(1);
                        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{body}");
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        address
    }

    fn once<F: Future>(future: F) -> F::Output {
        runtime().unwrap().block_on(future)
    }

    #[test]
    fn it_counts_right_answers_and_stops_by_itself() {
        let counted = once(async {
            let requests = [crate::http::get("/", None)];
            let mut crowd = Asking::crowd(&requests, b"right", 3);
            run(server(usize::MAX).await, &mut crowd, Duration::from_millis(50)).await
        });
        let counted = counted.unwrap();
        assert!(counted.answers >= 3);
        assert!(counted.took >= Duration::from_millis(50));
    }

    #[test]
    fn one_wrong_answer_ends_the_run() {
        let error = once(async {
            let requests = [crate::http::get("/", None)];
            let mut crowd = Asking::crowd(&requests, b"right", 2);
            run(server(5).await, &mut crowd, Duration::from_secs(60)).await
        });
        assert!(error.unwrap_err().to_string().contains("a wrong answer: 200 wrong"));
    }
}
