//! argon2id, a few at a time.
//!
//! Hashing costs memory and a core for a while, on purpose, and anybody can ask for it: so
//! a fixed number runs at once, a fixed number waits, and the next is told to come back.
//! Where there is no hash to check against, a dummy of the same cost is checked, so that an
//! answer takes as long for accounts that do not exist.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use hallpass_core::{Random, Secret, chance};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::{Error, PasswordCost};

/// Shortest password, in characters.
pub const MIN_CHARS: usize = 8;
/// Longest password, in bytes.
pub const MAX_BYTES: usize = 1024;
/// A stored hash that asks for more memory than this (256 MiB), or for more work than four
/// passes over it, was not made by us.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_WORK: u64 = 4 * MAX_MEMORY_KIB as u64;

/// Why a password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Fewer than [`MIN_CHARS`] characters.
    #[error("a password needs at least {MIN_CHARS} characters")]
    TooShort,
    /// More than [`MAX_BYTES`] bytes.
    #[error("a password can have at most {MAX_BYTES} bytes")]
    TooLong,
}

/// Whether `password` can be used for an account.
pub fn check(password: &Secret) -> Result<(), BadPassword> {
    if password.expose().len() > MAX_BYTES {
        return Err(BadPassword::TooLong);
    }
    // Each code point counts as one character (NIST SP 800-63B §5.1.1.2).
    if normal(password).chars().count() < MIN_CHARS {
        return Err(BadPassword::TooShort);
    }
    Ok(())
}

/// Too many are being hashed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// Hashes and checks passwords.
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    random: Arc<dyn Random>,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    dummy: Arc<str>,
}

/// A place among those that run or wait, and a core to run on. Held by the thread that
/// hashes, so that a caller who goes away does not make room before it is free.
struct Place {
    _core: OwnedSemaphorePermit,
    _admission: OwnedSemaphorePermit,
}

impl Hasher {
    pub(crate) async fn new(cost: &PasswordCost, random: Arc<dyn Random>) -> Result<Self, Error> {
        let broken = |_| Error::Crypto { doing: "preparing argon2id" };
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(broken)?;
        let permits = cost.permits.clamp(1, 1024);
        let mut hasher = Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            random,
            running: Arc::new(Semaphore::new(permits)),
            admitted: Arc::new(Semaphore::new(permits + cost.queue.min(100_000))),
            dummy: Arc::from(""),
        };
        let nobody: [u8; 16] = chance::bytes(&*hasher.random);
        let nobody = Secret::new(nobody.map(|b| format!("{b:02x}")).concat());
        let place = hasher.place().await.map_err(|Busy| Error::Crypto { doing: "hashing" })?;
        hasher.dummy = Arc::from(hasher.hash_in(place, &nobody).await?);
        Ok(hasher)
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<Result<String, Busy>, Error> {
        match self.place().await {
            Ok(place) => self.hash_in(place, password).await.map(Ok),
            Err(busy) => Ok(Err(busy)),
        }
    }

    /// Whether `password` is that of `phc`; without one never, in the same time.
    pub(crate) async fn check(
        &self,
        password: &Secret,
        phc: Option<&str>,
    ) -> Result<Result<bool, Busy>, Error> {
        let place = match self.place().await {
            Ok(place) => place,
            Err(busy) => return Ok(Err(busy)),
        };
        let known = phc.and_then(|phc| PasswordHash::new(phc).ok()).filter(affordable);
        let real = known.is_some();
        let Some(hash) = known.or_else(|| PasswordHash::new(&self.dummy).ok()) else {
            return Err(Error::Crypto { doing: "reading a password hash" });
        };
        let (argon2, password) = (self.argon2.clone(), normal(password));
        let right = run(place, move || argon2.verify_password(password.as_bytes(), &hash).is_ok());
        Ok(Ok(right.await? && real))
    }

    /// Runs `work`, which hashes something else slowly, as one of those that run or wait.
    pub(crate) async fn slowly<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> T + Send + 'static,
    ) -> Result<Result<T, Busy>, Error> {
        let place = match self.place().await {
            Ok(place) => place,
            Err(busy) => return Ok(Err(busy)),
        };
        let argon2 = self.argon2.clone();
        run(place, move || work(&argon2)).await.map(Ok)
    }

    async fn hash_in(&self, place: Place, password: &Secret) -> Result<String, Error> {
        let (argon2, password) = (self.argon2.clone(), normal(password));
        let salt: [u8; 16] = chance::bytes(&*self.random);
        run(place, move || argon2.hash_password_with_salt(password.as_bytes(), &salt))
            .await?
            .map(|hash| hash.to_string())
            .map_err(|_| Error::Crypto { doing: "hashing a password" })
    }

    async fn place(&self) -> Result<Place, Busy> {
        let admission = self.admitted.clone().try_acquire_owned().map_err(|_| Busy)?;
        let core = self.running.clone().acquire_owned().await.map_err(|_| Busy)?;
        Ok(Place { _core: core, _admission: admission })
    }
}

/// Whether checking `hash` costs what may be asked for: the parameters stand in the hash, and
/// would be obeyed.
pub(crate) fn affordable(hash: &PasswordHash) -> bool {
    Params::try_from(hash).is_ok_and(|cost| {
        let work = u64::from(cost.m_cost()) * u64::from(cost.t_cost());
        cost.m_cost() <= MAX_MEMORY_KIB && work <= MAX_WORK
    })
}

/// Runs `work` on a thread of its own, with its place held until it is done.
async fn run<T: Send + 'static>(
    place: Place,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let job = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    job.await.map_err(|_| Error::Crypto { doing: "hashing a password" })
}

/// NFKC (NIST SP 800-63B §5.1.1.2), so that the same keys give the same password on every
/// system.
fn normal(password: &Secret) -> Zeroizing<String> {
    Zeroizing::new(password.expose().nfkc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::chance::Dice;
    use crate::tests::house::cheap;

    async fn hasher(cost: &PasswordCost) -> Hasher {
        Hasher::new(cost, Arc::new(Dice::new())).await.unwrap()
    }

    #[test]
    fn length_is_checked_with_a_clear_message() {
        let check = |text: &str| check(&Secret::new(text)).map_err(|e| e.to_string());
        assert_eq!(check("sevenseven"), Ok(()));
        assert_eq!(check("пароль12"), Ok(()));
        assert_eq!(check("seven77"), Err("a password needs at least 8 characters".into()));
        assert_eq!(check(&"x".repeat(1024)), Ok(()));
        assert_eq!(check(&"x".repeat(1025)), Err("a password can have at most 1024 bytes".into()));
    }

    #[tokio::test]
    async fn a_password_is_right_however_it_was_composed() {
        let hasher = hasher(&cheap()).await;
        let phc = hasher.hash(&Secret::new("Zoe\u{308} was here")).await.unwrap().unwrap();
        assert!(phc.starts_with("$argon2id$v=19$"));
        let check =
            async |text: &str| hasher.check(&Secret::new(text), Some(&phc)).await.unwrap().unwrap();
        assert!(check("Zoë was here").await);
        assert!(!check("Zoe was here").await);
        assert!(!check("").await);
    }

    // proves: attack-36
    #[tokio::test]
    async fn without_a_hash_a_dummy_of_the_same_cost_is_checked() {
        let hasher = hasher(&cheap()).await;
        let real = hasher.hash(&Secret::new("password")).await.unwrap().unwrap();
        let cost = |phc: &str| phc.split('$').nth(3).unwrap().to_owned();
        assert_eq!(cost(&hasher.dummy), cost(&real));
        for phc in [None, Some("nonsense"), Some("")] {
            let right = hasher.check(&Secret::new("password"), phc).await;
            assert_eq!(right.unwrap(), Ok(false));
        }
    }

    // proves: attack-44
    #[tokio::test]
    async fn a_stored_hash_cannot_ask_for_any_cost() {
        let hasher = hasher(&cheap()).await;
        let salt_and_hash = hasher.dummy.split('$').skip(4).collect::<Vec<_>>().join("$");
        for params in ["m=4194304,t=1,p=1", "m=16,t=4000000000,p=1"] {
            let phc = format!("$argon2id$v=19${params}${salt_and_hash}");
            assert_eq!(hasher.check(&Secret::new("x"), Some(&phc)).await.unwrap(), Ok(false));
        }
    }

    // proves: attack-44
    #[tokio::test]
    async fn so_many_run_so_many_wait_and_the_next_is_told() {
        let hasher = hasher(&PasswordCost { permits: 2, queue: 3, ..cheap() }).await;
        let running = [hasher.place().await.unwrap(), hasher.place().await.unwrap()];
        let mut waiting = Vec::new();
        for _ in 0..3 {
            let mut place = Box::pin(hasher.place());
            assert!(futures_poll(&mut place).is_none());
            waiting.push(place);
        }
        assert_eq!(hasher.hash(&Secret::new("password")).await.unwrap(), Err(Busy));
        drop(running);
        for place in waiting {
            assert!(place.await.is_ok());
        }
    }

    /// One poll, without waiting.
    fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(done) => Some(done),
            std::task::Poll::Pending => None,
        }
    }
}
