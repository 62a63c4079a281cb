//! What a later step of the same job may find, and no other job.
//!
//! On a runner of GitHub's own (`RUNNER_ENVIRONMENT=github-hosted`) a machine serves one job and
//! is thrown away, so its passes may wait in the kernel's keyring for the steps that come. On
//! others a machine serves many jobs as one user, and each step exchanges again; what was handed
//! to another program is noted there all the same, for the end of the job to revoke it. Where a
//! platform gives a job one token for all of it, which a server takes once, its passes wait too.
//!
//! What waits is filed under a digest (of repository, run, attempt and job, and a secret of the
//! job's), and sealed with a key that only a step of this job can make: from the secret that opens
//! GitHub's request endpoint for this job alone, or from the one token that the job was given. Each
//! pass is an entry of its own: steps that run at once take nothing from one another's.

use std::cmp::Reverse;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::brand::Brand;
use hallpass_core::{Random, Secret, chance};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{Context, SHA256, digest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::platform::{Found, Identity};
use crate::environment::{Environment, System};
use crate::login::oidc::Pass;

/// Where something waits for the later steps of a job: the kernel's keyring, or nowhere.
pub trait JobMemory: Send + Sync {
    /// Keeps `bytes` as `name` for so many seconds; says whether it could.
    fn put(&self, name: &str, bytes: &[u8], seconds: u64) -> bool;
    /// All whose names begin with `prefix`: name, and what is kept.
    fn find(&self, prefix: &str) -> Vec<(String, Vec<u8>)>;
    /// Forgets it.
    fn remove(&self, name: &str);
}

/// What tells one job of GitHub's from another.
const GITHUBS: [&str; 4] =
    ["GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB"];

/// One pass that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) server: String,
    /// The APIs that it was asked for.
    pub(crate) resources: Vec<String>,
    pub(crate) pass: Pass,
}

/// What the names that they wait under begin with, and the key that they are sealed with.
pub(crate) struct JobKey {
    name: String,
    key: LessSafeKey,
    /// Whether the later steps use what waits, and not only revoke it.
    pub(crate) serves: bool,
}

impl JobKey {
    /// For this job, if it has a secret of its own.
    pub(crate) fn of(found: &Found, brand: &Brand, environment: &dyn Environment) -> Option<Self> {
        if environment.system() != System::Linux {
            return None;
        }
        let given = |text: Option<String>| {
            // Of a longer file only the beginning was read, and that is no secret.
            let whole = text.filter(|text| text.len() < 4096 && !text.trim().is_empty())?;
            Some(Secret::new(whole.trim()))
        };
        let (names, secret, serves): (&[&str], _, _) = match &found.identity {
            Identity::Request { token, .. } => {
                let hosted = environment.var("RUNNER_ENVIRONMENT")? == "github-hosted";
                (&GITHUBS, token.clone(), hosted)
            }
            Identity::Variable { name } => (&[], given(environment.var(name))?, true),
            Identity::File { path } => (&[], given(environment.read(path))?, true),
            Identity::Shell { .. } | Identity::CircleCi | Identity::Buildkite => return None,
        };
        let mut job = Context::new(&SHA256);
        for name in names {
            // No value has a line feed, so that no two jobs are one text.
            job.update(environment.var(name)?.as_bytes());
            job.update(b"\n");
        }
        job.update(secret.expose().as_bytes());
        let name = format!("{}:job:{}", brand.config_dir, URL_SAFE_NO_PAD.encode(job.finish()));
        let mut key = Context::new(&SHA256);
        key.update(b"hallpass job 2\n");
        key.update(name.as_bytes());
        key.update(b"\n");
        key.update(secret.expose().as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, key.finish().as_ref()).ok()?;
        Some(Self { name, key: LessSafeKey::new(key), serves })
    }

    /// What waits for this job, the newest first.
    pub(crate) fn load(&self, memory: &dyn JobMemory) -> Vec<Kept> {
        let found = memory.find(&format!("{}:", self.name)).into_iter();
        let mut all: Vec<_> =
            found.filter_map(|(name, sealed)| self.opened(&name, sealed)).collect();
        all.sort_by_key(|kept| Reverse(kept.pass.access.received.at));
        all
    }

    fn opened(&self, name: &str, sealed: Vec<u8>) -> Option<Kept> {
        let mut sealed = Zeroizing::new(sealed);
        if sealed.len() < NONCE_LEN {
            return None;
        }
        let (nonce, text) = sealed.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.key.open_in_place(nonce, Aad::from(name.as_bytes()), text).ok()?;
        serde_json::from_slice(plain).ok()
    }

    /// Lets it wait, for so many seconds. Says whether it could be kept.
    pub(crate) fn store(
        &self,
        memory: &dyn JobMemory,
        kept: &Kept,
        seconds: u64,
        random: &dyn Random,
    ) -> bool {
        let Ok(mut text) = serde_json::to_vec(kept).map(Zeroizing::new) else { return false };
        let nonce: [u8; NONCE_LEN] = chance::bytes(random);
        let unique = Nonce::assume_unique_for_key(nonce);
        let name = self.name_of(&kept.pass.access.token);
        let aad = Aad::from(name.as_bytes());
        let Ok(tag) = self.key.seal_in_place_separate_tag(unique, aad, &mut text) else {
            return false;
        };
        let sealed = [&nonce, text.as_slice(), tag.as_ref()].concat();
        seconds > 0 && memory.put(&name, &sealed, seconds)
    }

    /// Whether anything could wait here.
    pub(crate) fn could_store(&self, memory: &dyn JobMemory) -> bool {
        let name = format!("{}:", self.name);
        let could = memory.put(&name, b"-", 1);
        memory.remove(&name);
        could
    }

    /// Forgets one.
    pub(crate) fn remove(&self, memory: &dyn JobMemory, token: &Secret) {
        memory.remove(&self.name_of(token));
    }

    fn name_of(&self, token: &Secret) -> String {
        let token = digest(&SHA256, token.expose().as_bytes());
        format!("{}:{}", self.name, URL_SAFE_NO_PAD.encode(&token.as_ref()[..12]))
    }
}

#[cfg(test)]
mod tests {
    use hallpass_core::Secret;

    use super::*;
    use crate::testing::{FakeTime, Shelf, Table};
    use crate::vault::model::{Access, Receipt};
    use crate::workload::platform::standing;

    fn table(changed: &[(&str, &str)]) -> Table {
        let mut table = Table::of(&[
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://tokens.example/?api-version=2.0"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-this-job"),
            ("RUNNER_ENVIRONMENT", "github-hosted"),
            ("GITHUB_REPOSITORY", "acme/warehouse"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_JOB", "test"),
        ]);
        for (name, value) in changed {
            table.variables.insert((*name).to_owned(), (*value).to_owned());
        }
        table
    }

    fn key_in(table: &Table) -> Option<JobKey> {
        let brand = Brand::hallpass();
        JobKey::of(&standing(&brand, table)?, &brand, table)
    }

    fn key(changed: &[(&str, &str)]) -> Option<JobKey> {
        key_in(&table(changed))
    }

    fn kept() -> Kept {
        let access = Access {
            token: Secret::new("marked-secret"),
            received: Receipt::now(&FakeTime::new()),
            expires_in: Some(900),
            refreshed: false,
        };
        let [server, project, policy] =
            ["https://id.example.com", "acme/w", "trp_1"].map(str::to_owned);
        let pass = Pass { access, project, policy, scope: "runs:create".parse().unwrap() };
        Kept { server, resources: Vec::new(), pass }
    }

    // proves: RB10
    #[test]
    fn the_same_job_finds_it_and_no_other_does() {
        let (shelf, kept, random) = (Shelf::default(), kept(), crate::system::SystemRandom);
        assert!(key(&[]).unwrap().store(&shelf, &kept, 900, &random));
        assert!(!key(&[]).unwrap().store(&shelf, &kept, 0, &random));
        assert_eq!(key(&[]).unwrap().load(&shelf)[0].server, kept.server);
        for (name, value) in [
            ("GITHUB_REPOSITORY", "acme/warehouse2"),
            ("GITHUB_RUN_ID", "8"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_JOB", "deploy"),
            // Who knows the names of a job does not have its secret.
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-another-job"),
        ] {
            assert!(key(&[(name, value)]).unwrap().load(&shelf).is_empty(), "{name}");
        }
        // Where a machine serves many jobs, no later step uses what waits.
        assert!(!key(&[("RUNNER_ENVIRONMENT", "self-hosted")]).unwrap().serves);
        for name in ["RUNNER_ENVIRONMENT", "GITHUB_JOB"] {
            assert!(key(&[(name, "")]).is_none(), "{name}");
        }
        let bytes = shelf.bytes();
        assert!(!String::from_utf8_lossy(&bytes).contains("marked-secret"));
        key(&[]).unwrap().remove(&shelf, &kept.pass.access.token);
        assert!(key(&[]).unwrap().load(&shelf).is_empty());
    }

    // proves: jobs-1
    #[test]
    fn of_two_steps_at_once_neither_forgets_what_the_other_keeps() {
        let (shelf, random) = (Shelf::default(), crate::system::SystemRandom);
        let of = |token: &str| {
            let mut kept = kept();
            kept.pass.access.token = Secret::new(token);
            kept
        };
        // Both have looked before either keeps something.
        let (one, other) = (key(&[]).unwrap(), key(&[]).unwrap());
        assert!(one.load(&shelf).is_empty() && other.load(&shelf).is_empty());
        assert!(one.store(&shelf, &of("a"), 900, &random));
        assert!(other.store(&shelf, &of("b"), 900, &random));
        assert_eq!(one.load(&shelf).len(), 2);
        // Nor does one that is over take the other's along.
        one.remove(&shelf, &Secret::new("a"));
        let left = other.load(&shelf);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].pass.access.token.expose(), "b");
        assert!(one.could_store(&shelf) && one.load(&shelf).len() == 1);
    }

    #[test]
    fn the_one_token_of_a_job_opens_what_waits_for_it_and_another_does_not() {
        let (shelf, random) = (Shelf::default(), crate::system::SystemRandom);
        let given = |token: &str| key_in(&Table::of(&[("HALLPASS_ID_TOKEN", token)])).unwrap();
        assert!(given("e30.e30.a").serves);
        assert!(given("e30.e30.a").store(&shelf, &kept(), 900, &random));
        assert_eq!(given("e30.e30.a").load(&shelf).len(), 1);
        assert!(given("e30.e30.b").load(&shelf).is_empty());
        // The same token from a file is the same job's.
        let mut file = Table::of(&[("HALLPASS_ID_TOKEN_FILE", "/run/token")]);
        assert!(key_in(&file).is_none(), "there is no such file");
        file.files.insert("/run/token".into(), "e30.e30.a\n".into());
        assert_eq!(key_in(&file).unwrap().load(&shelf).len(), 1);
        assert!(key_in(&Table::of(&[("HALLPASS_ID_TOKEN_COMMAND", "true")])).is_none());
    }
}
