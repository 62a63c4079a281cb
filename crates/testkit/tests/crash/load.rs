//! Load until the server is gone: sign-ins, refreshes, revocations, device codes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use hallpass_testkit::dice::Dice;
use hallpass_testkit::oauth::{self, Approved, OAuth, Tokens};
use hallpass_testkit::person::Person;
use hallpass_testkit::town::Town;
use tokio::task::JoinSet;

use crate::ledger::{Family, Ledger, Revocation};

const WORKERS: usize = 8;

/// A browser for each worker: in one that they share, the code that one of them types would take
/// the place of another's.
pub(crate) async fn browsers(town: &Town) -> Result<Vec<Person>> {
    let mut browsers = Vec::new();
    for _ in 0..WORKERS {
        browsers.push(Person::signed_in(&town.server, &town.ada).await?);
    }
    Ok(browsers)
}

/// Starts the load. What it answers is what every worker knew when its server was gone.
pub(crate) fn start(
    town: &Town,
    browsers: &[Person],
    ledger: &mut Ledger,
    dice: &mut Dice,
    acknowledged: &Arc<AtomicU64>,
) -> impl Future<Output = Result<Vec<Family>>> + use<> {
    let mut workers = JoinSet::new();
    for person in browsers {
        let worker = Worker {
            client: town.api.clone(),
            tool: town.tool.clone(),
            person: person.clone(),
            dice: Dice::new(dice.roll()),
            families: ledger.lend(dice).into_iter().collect(),
            acknowledged: acknowledged.clone(),
        };
        workers.spawn(worker.work());
    }
    async move {
        let mut families = Vec::new();
        for done in workers.join_all().await {
            families.extend(done?);
        }
        Ok(families)
    }
}

struct Worker {
    client: OAuth,
    tool: OAuth,
    person: Person,
    dice: Dice,
    families: Vec<Family>,
    acknowledged: Arc<AtomicU64>,
}

/// The server is gone: what was asked for may have happened or not.
struct Gone;

/// What a request brought; an error other than a broken connection is the test's own.
fn heard<T>(outcome: Result<T>) -> Result<Result<T, Gone>> {
    match outcome {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) if error.downcast_ref::<reqwest::Error>().is_some() => Ok(Err(Gone)),
        Err(error) => Err(error),
    }
}

impl Worker {
    async fn work(mut self) -> Result<Vec<Family>> {
        loop {
            let step = match self.dice.below(10) {
                0..=2 => self.sign_in().await,
                3..=7 => self.refresh().await,
                8 => self.revoke().await,
                _ => self.device().await,
            };
            if step?.is_err() {
                return Ok(self.families);
            }
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn sign_in(&mut self) -> Result<Result<(), Gone>> {
        let (address, verifier) = self.client.authorization(&[])?;
        let Ok(page) = heard(self.person.get(&address).await)? else { return Ok(Err(Gone)) };
        let redirect = match page.leads_to() {
            Some(redirect) => redirect,
            // The first time she is asked; afterwards it is remembered.
            None => match heard(self.person.submit(&page, "#consent", &[], Some("approve")).await)?
            {
                Ok(page) => page.leads_to().context("a redirect")?,
                Err(_) => return Ok(Err(Gone)),
            },
        };
        let code = oauth::query(&redirect, "code").with_context(|| format!("{redirect}"))?;
        let approved = Approved { code, verifier, redirect };
        let Ok(answer) = heard(self.client.redeem(&approved).await)? else { return Ok(Err(Gone)) };
        let tokens = Tokens::read(&answer)?;
        self.families.push(Family::new(approved, tokens));
        Ok(Ok(()))
    }

    async fn refresh(&mut self) -> Result<Result<(), Gone>> {
        let Some(at) = self.pick() else { return self.sign_in().await };
        let family = &mut self.families[at];
        let Ok(answer) = heard(self.client.refresh(&family.refresh).await)? else {
            return Ok(Err(Gone));
        };
        family.refreshed(Tokens::read(&answer)?);
        Ok(Ok(()))
    }

    async fn revoke(&mut self) -> Result<Result<(), Gone>> {
        let Some(at) = self.pick() else { return self.sign_in().await };
        let family = &mut self.families[at];
        family.revocation = Revocation::Sent;
        let Ok(answer) = heard(self.client.revoke(&family.refresh).await)? else {
            return Ok(Err(Gone));
        };
        anyhow::ensure!(answer.status == 200, "{answer:?}");
        family.revocation = Revocation::Acknowledged;
        Ok(Ok(()))
    }

    /// Device codes are part of the load; the books are checked for them.
    async fn device(&mut self) -> Result<Result<(), Gone>> {
        let Ok(device) = heard(self.tool.device(&[]).await)? else { return Ok(Err(Gone)) };
        anyhow::ensure!(matches!(device.status.as_u16(), 200 | 429), "{device:?}");
        let code = device.get("user_code");
        if code.is_empty() {
            return Ok(Ok(()));
        }
        let Ok(page) = heard(self.person.decide_device(&code, "approve").await)? else {
            return Ok(Err(Gone));
        };
        let Ok(answer) = heard(self.tool.poll(&device.get("device_code")).await)? else {
            return Ok(Err(Gone));
        };
        // A page that acknowledges nothing, such as one of a server that is ending, promises
        // nothing.
        let approved = page.status == 200 && page.body.contains("data-outcome=\"approved\"");
        anyhow::ensure!(answer.status == 200 || !approved, "{answer:?} after {page:?}");
        Ok(Ok(()))
    }

    fn pick(&mut self) -> Option<usize> {
        let live: Vec<usize> = (0..self.families.len())
            .filter(|at| self.families[*at].revocation == Revocation::No)
            .collect();
        self.dice.pick(&live).copied()
    }
}
