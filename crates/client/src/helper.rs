//! What helpers for other tools need (CLIENT group I): which account a name means, a token
//! that somebody refused, and one prompt a minute however many of them there are.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use hallpass_core::{Digest, Secret};

use crate::Error;
use crate::client::Parts;
use crate::source::{self, Selection};
use crate::vault::VaultError;
use crate::vault::atomic;
use crate::vault::lock;
use crate::vault::model::Receipt;

/// How long one prompt is enough for (CLIENT I6).
const ENOUGH: Duration = Duration::from_secs(60);
/// Longer than this nobody holds the lock.
const PATIENCE: Duration = Duration::from_secs(2);

/// The profile that a name means; its own name counts before an account's.
pub(crate) fn profile_of(parts: &Parts, server: &str, name: &str) -> Option<String> {
    let contents = parts.vault.read().ok()?;
    let here = || contents.profiles.iter().filter(|(_, profile)| profile.server == server);
    let by_name = here().find(|(profile, _)| *profile == name);
    let by_account = || {
        here().find(|(_, profile)| {
            profile.key.account == name
                || contents
                    .credential(&profile.key)
                    .and_then(|credential| credential.email.as_deref())
                    .is_some_and(|email| email.eq_ignore_ascii_case(name))
        })
    };
    by_name.or_else(by_account).map(|(profile, _)| profile.clone())
}

/// Marks an access token as over, if it is the stored one of a sign-in that can get another.
pub(crate) fn suspect(parts: &Parts, token: &Secret) -> Result<bool, Error> {
    let is_it = |credential: &crate::vault::Credential| {
        credential.refresh_token.is_some()
            && (credential.access.iter())
                .chain(credential.narrowed.iter().map(|kept| &kept.access))
                .any(|access| access.token == *token)
    };
    // Most refusals are about somebody else's token: no lock for those.
    if !parts.vault.read()?.credentials.iter().any(is_it) {
        return Ok(false);
    }
    let mut found = false;
    parts.vault.change(&mut |contents| {
        for credential in contents.credentials.iter_mut().filter(|credential| is_it(credential)) {
            // Whatever was exchanged for it is no better.
            credential.narrowed.clear();
            if let Some(access) = &mut credential.access {
                access.expires_in = Some(0);
            }
            found = true;
        }
        found
    })?;
    Ok(found)
}

/// Takes the one prompt of this minute, if it is still there.
pub(crate) fn may_ask(parts: &Parts, selection: &Selection) -> Result<bool, Error> {
    let (brand, environment) = (&parts.brand, &*parts.environment);
    let account = source::wanted_profile(selection, brand, environment);
    let server = source::wanted_server(selection, brand, environment)?;
    let key = format!("{} {}", server.unwrap_or_default(), account.unwrap_or_default());
    let digest = Digest::of(key.as_bytes());
    let name: String = digest.as_bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    // The vault makes its directory, private, when it is changed; nothing is to change yet.
    match parts.vault.change(&mut |_| false) {
        // Whoever is changing it has made the directory.
        Ok(()) | Err(VaultError::Busy { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let path = parts.vault.dir().join(format!("asked-{name}"));
    let lock = path.with_extension("lock");
    let (time, random) = (&*parts.time, &*parts.random);
    let Ok(_held) = lock::acquire(&lock, PATIENCE, time, random, &mut || true)? else {
        return Ok(false);
    };
    let last = read(&path).and_then(|receipt| receipt.age(time));
    if last.is_some_and(|age| age < ENOUGH) {
        return Ok(false);
    }
    let failed = |error: std::io::Error| VaultError::Io {
        what: "write",
        path: path.clone(),
        why: error.to_string(),
    };
    let now = serde_json::to_vec(&Receipt::now(time)).map_err(|error| failed(error.into()))?;
    atomic::replace(&path, &now, random, &|_| Ok(())).map_err(failed)?;
    Ok(true)
}

/// What cannot be read was not asked.
fn read(path: &Path) -> Option<Receipt> {
    let mut text = Vec::new();
    std::fs::File::open(path).ok()?.take(4096).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hallpass_core::{Clock, Timestamp};

    use super::*;
    use crate::testing::{FakeTime, Town};
    use crate::time::{Boot, Time};

    /// The town's clock, which does not go on because somebody waits for a lock.
    struct Patient(FakeTime);

    impl Clock for Patient {
        fn now(&self) -> Timestamp {
            self.0.now()
        }
    }

    impl Time for Patient {
        fn monotonic(&self) -> Duration {
            self.0.monotonic()
        }

        fn boot(&self) -> Option<Boot> {
            self.0.boot()
        }

        fn sleep(&self, _: Duration) {
            std::thread::yield_now();
        }
    }

    // proves: client-I6
    #[test]
    fn one_of_many_asks_and_the_next_a_minute_later() {
        let town = Town::new();
        let time: Arc<dyn Time> = Arc::new(Patient(town.time.clone()));
        let asked = || {
            let threads: Vec<_> = (0..20)
                .map(|_| {
                    let parts = town.parts_with(time.clone());
                    let client = crate::Client::new(parts, town.selection());
                    std::thread::spawn(move || client.may_ask().unwrap())
                })
                .collect();
            threads.into_iter().map(|thread| u32::from(thread.join().unwrap())).sum::<u32>()
        };
        assert_eq!(asked(), 1);
        assert_eq!(asked(), 0);
        town.time.pass(Duration::from_secs(61));
        assert_eq!(asked(), 1);
        // Another account is another question.
        let other = Selection { profile: Some("work".into()), ..town.selection() };
        assert!(crate::Client::new(town.parts(), other).may_ask().unwrap());
    }

    // proves: client-I1
    #[test]
    fn a_refused_token_is_replaced_at_the_next_use_and_nobody_is_signed_out() {
        let town = Town::new();
        town.sign_in();
        let client = town.client();
        let before = town.bytes();
        assert!(!client.suspect(&"another".to_owned().into()).unwrap());
        assert_eq!(town.bytes(), before);
        assert!(client.suspect(&"at-1".to_owned().into()).unwrap());
        assert_eq!(client.status().state, crate::State::Refreshable);
    }

    // proves: client-I1
    #[test]
    fn a_user_name_is_a_profile_an_address_or_an_id() {
        let town = Town::new();
        town.sign_in();
        let client = town.client();
        let named = |name: &str| client.profile_of(&town.server.origin, name);
        for name in ["default", "ada@example.com", "ADA@example.com", "usr_ada"] {
            assert_eq!(named(name).as_deref(), Some("default"), "{name}");
        }
        assert_eq!(named("bo@example.com"), None);
        assert_eq!(client.profile_of("https://elsewhere.example", "default"), None);
    }
}
