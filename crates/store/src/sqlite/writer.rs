//! The one writer.
//!
//! It takes the changes that wait, runs them one after the other, each in a
//! savepoint, and commits them together: one sync for all. Every answer waits for
//! that sync, a refusal too, because it may rest on a change of the same batch. If the
//! commit fails, all of them have failed. Once it stands, and before any answer, whoever
//! watches is handed what the changes mean.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::error::{closed, from_sqlite};
use super::mark::Mark;
use super::readers::lock;
use crate::Error;
use crate::db::Tx;
use crate::watch::{Effect, News, Watch};

/// Changes that may wait before whoever brings another waits too.
const QUEUE: usize = 1024;
/// Changes that are committed together at most, so that the first does not wait long.
const BATCH: usize = 256;

/// A handle to the writer thread.
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    stopped: Mutex<Option<oneshot::Receiver<()>>>,
}

enum Message {
    Change(Box<dyn Job>),
    Close,
}

/// A change that waits.
trait Job: Send {
    /// Runs it, in a savepoint that is open.
    fn run(&mut self, conn: &mut Connection) -> Result<(), Error>;
    /// What it means, once it is committed; nothing if it failed.
    fn effects(&mut self) -> Vec<Effect>;
    /// Tells whoever asked, once it is known what became of the batch.
    fn tell(self: Box<Self>, committed: Result<(), Error>);
}

struct Change<F, A> {
    change: F,
    answer: Option<Result<A, Error>>,
    news: News,
    asked: oneshot::Sender<Result<Told<A>, Error>>,
}

/// An answer, and the epoch that it has to wait for.
type Told<A> = (A, Option<i64>);

impl<A, F> Job for Change<F, A>
where
    A: Send,
    F: AsyncFn(&mut Tx<'_>) -> Result<A, Error> + Send,
{
    fn run(&mut self, conn: &mut Connection) -> Result<(), Error> {
        let mut tx = Tx::sqlite(conn);
        // It awaits nothing but `tx`, which is always ready here.
        let answer = {
            let change = pin!((self.change)(&mut tx));
            match change.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(answer) => answer,
                Poll::Pending => Err(broken("it awaited something else than its transaction")),
            }
        };
        let outcome = answer.as_ref().map(|_| ()).map_err(Error::clone);
        if outcome.is_ok() {
            self.news = tx.into_news();
        }
        self.answer = Some(answer);
        outcome
    }

    fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.news.effects)
    }

    fn tell(self: Box<Self>, committed: Result<(), Error>) {
        let answer = self.answer.unwrap_or_else(|| Err(broken("it panicked")));
        // Whoever asked may have gone away; what was committed stands all the same.
        let _ = self.asked.send(committed.and(answer).map(|answer| (answer, self.news.epoch)));
    }
}

fn broken(how: &str) -> Error {
    Error::Unavailable { cause: format!("a change is broken: {how}") }
}

/// What the thread owns.
pub(crate) struct Desk {
    /// In memory, readers share it.
    pub(crate) conn: Arc<Mutex<Option<Connection>>>,
    /// Where it is kept how far the database has come.
    pub(crate) mark: Option<Mark>,
    /// The directory's lock, held until the database is closed.
    pub(crate) lock: Option<std::fs::File>,
    /// Who is handed the effects of changes.
    pub(crate) watch: Watch,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(desk: Desk) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (stop, stopped) = oneshot::channel();
        let work = move || {
            desk.run(waiting);
            // Nobody may be waiting for the end.
            let _ = stop.send(());
        };
        let thread = std::thread::Builder::new().name("hallpass-writer".to_owned()).spawn(work)?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), stopped: Mutex::new(Some(stopped)) })
    }

    /// See [`crate::db::Db::change`].
    pub(crate) async fn change<A, F>(&self, change: F) -> Result<Told<A>, Error>
    where
        A: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<A, Error> + Send + Sync + 'static,
    {
        let (asked, answer) = oneshot::channel();
        let job = Message::Change(Box::new(Change {
            change,
            answer: None,
            news: News::default(),
            asked,
        }));
        self.queue.send(job).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// How many changes wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Finishes what waits, closes the database, and waits for that.
    pub(crate) async fn close(&self) {
        let stopped = lock(&self.stopped).take();
        if let Some(stopped) = stopped {
            // Both fail only if the thread has ended, which is what is wanted.
            let _ = self.queue.send(Message::Close).await;
            let _ = stopped.await;
        }
    }
}

impl Drop for Writer {
    /// Waits for the thread, so that the directory is free once the store is gone.
    fn drop(&mut self) {
        // With its last sender gone, the thread finishes what waits and ends.
        self.queue = mpsc::channel(1).0;
        if let Some(thread) = lock(&self.thread).take() {
            // It does not panic: what could is caught.
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn run(mut self, mut waiting: mpsc::Receiver<Message>) {
        let mut open = true;
        while open && let Some(Message::Change(first)) = waiting.blocking_recv() {
            let mut jobs = vec![first];
            while jobs.len() < BATCH {
                match waiting.try_recv() {
                    Ok(Message::Change(job)) => jobs.push(job),
                    Ok(Message::Close) => {
                        open = false;
                        break;
                    }
                    Err(_) => break,
                }
            }
            let committed = self.batch(&mut jobs);
            if committed.is_ok() {
                let effects = jobs.iter_mut().flat_map(|job| job.effects()).collect();
                self.watch.committed(effects);
            }
            for job in jobs {
                job.tell(committed.clone());
            }
        }
        // The directory is free only once the file is closed.
        drop(lock(&self.conn).take());
        drop(self.lock);
    }

    /// Runs and commits `jobs`. Readers see all of it or nothing.
    fn batch(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Error> {
        let mut conn = lock(&self.conn);
        let conn = conn.as_mut().ok_or_else(closed)?;
        let committed = transact(conn, jobs);
        if !conn.is_autocommit() {
            // A commit that failed may leave the transaction open.
            let _ = execute(conn, "ROLLBACK");
        }
        if committed == Err(Error::StorageFull) {
            // What is in the log and in the file is there twice. If this frees nothing,
            // the next change will be told the same.
            let _ = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        committed?;
        if let Some(mark) = &mut self.mark {
            mark.advance(conn);
        }
        Ok(())
    }
}

fn transact(conn: &mut Connection, jobs: &mut [Box<dyn Job>]) -> Result<(), Error> {
    execute(conn, "BEGIN IMMEDIATE")?;
    for job in jobs {
        execute(conn, "SAVEPOINT change")?;
        let ran = catch_unwind(AssertUnwindSafe(|| job.run(conn)))
            .unwrap_or_else(|_| Err(broken("it panicked")));
        if let Err(error) = ran {
            // On a full disk and the like SQLite may have undone the whole batch.
            if conn.is_autocommit() {
                return Err(error);
            }
            execute(conn, "ROLLBACK TO change")?;
        }
        execute(conn, "RELEASE change")?;
    }
    execute(conn, "COMMIT")
}

fn execute(conn: &Connection, sql: &'static str) -> Result<(), Error> {
    conn.prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]))
        .map(drop)
        .map_err(from_sqlite)
}
