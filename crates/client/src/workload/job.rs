//! What a later step of the same job may find, and no other job.
//!
//! On a runner of GitHub's own (`RUNNER_ENVIRONMENT=github-hosted`) a machine serves one job and
//! is thrown away, so the pass may wait in the kernel's keyring for the steps that come. Elsewhere
//! a machine serves many jobs as one user, and each step exchanges again. What waits is filed
//! under repository, run, attempt and job, and sealed with a key that only a step of this job can
//! make: from the secret that opens GitHub's request endpoint for this job alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::brand::Brand;
use hallpass_core::{Random, chance};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::platform::{Found, Identity};
use crate::environment::{Environment, System};
use crate::vault::model::Access;

/// Where something waits for the later steps of a job: the kernel's keyring, or nowhere.
pub trait JobMemory: Send + Sync {
    /// Keeps `bytes` as `name` for so many seconds; says whether it could.
    fn put(&self, name: &str, bytes: &[u8], seconds: u64) -> bool;
    /// What is kept as `name`.
    fn get(&self, name: &str) -> Option<Vec<u8>>;
    /// Forgets it.
    fn remove(&self, name: &str);
}

/// What waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) server: String,
    /// `org/project`
    pub(crate) project: String,
    /// The APIs that it was asked for.
    #[serde(default)]
    pub(crate) resources: Vec<String>,
    pub(crate) access: Access,
}

/// The name that it waits under, and the key that it is sealed with.
pub(crate) struct JobKey {
    name: String,
    key: LessSafeKey,
}

impl JobKey {
    /// For this job, if it is one whose steps may share something.
    pub(crate) fn of(found: &Found, brand: &Brand, environment: &dyn Environment) -> Option<Self> {
        let Identity::Request { token, .. } = &found.identity else { return None };
        let hosted = environment.var("RUNNER_ENVIRONMENT")? == "github-hosted";
        if !hosted || environment.system() != System::Linux {
            return None;
        }
        let names = ["GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB"];
        let mut job = Context::new(&SHA256);
        for name in names {
            // No value has a line feed, so that no two jobs are one text.
            job.update(environment.var(name)?.as_bytes());
            job.update(b"\n");
        }
        let name = format!("{}:job:{}", brand.config_dir, URL_SAFE_NO_PAD.encode(job.finish()));
        let mut key = Context::new(&SHA256);
        key.update(b"hallpass job 1\n");
        key.update(name.as_bytes());
        key.update(b"\n");
        key.update(token.expose().as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, key.finish().as_ref()).ok()?;
        Some(Self { name, key: LessSafeKey::new(key) })
    }

    /// What waits for this job.
    pub(crate) fn load(&self, memory: &dyn JobMemory) -> Option<Kept> {
        let mut sealed = Zeroizing::new(memory.get(&self.name)?);
        if sealed.len() < NONCE_LEN {
            return None;
        }
        let (nonce, text) = sealed.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.key.open_in_place(nonce, self.aad(), text).ok()?;
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
        let Ok(tag) = self.key.seal_in_place_separate_tag(unique, self.aad(), &mut text) else {
            return false;
        };
        let sealed = [&nonce, text.as_slice(), tag.as_ref()].concat();
        seconds > 0 && memory.put(&self.name, &sealed, seconds)
    }

    pub(crate) fn forget(&self, memory: &dyn JobMemory) {
        memory.remove(&self.name);
    }

    fn aad(&self) -> Aad<&[u8]> {
        Aad::from(self.name.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use hallpass_core::Secret;

    use super::*;
    use crate::testing::{FakeTime, Shelf, Table};
    use crate::vault::model::Receipt;
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

    fn key(changed: &[(&str, &str)]) -> Option<JobKey> {
        let (table, brand) = (table(changed), Brand::hallpass());
        JobKey::of(&standing(&brand, &table)?, &brand, &table)
    }

    // proves: RB10
    #[test]
    fn the_same_job_finds_it_and_no_other_does() {
        let shelf = Shelf::default();
        let access = Access {
            token: Secret::new("marked-secret"),
            received: Receipt::now(&FakeTime::new()),
            expires_in: Some(900),
            refreshed: false,
        };
        let [server, project] = ["https://id.example.com", "acme/w"].map(str::to_owned);
        let kept = Kept { server, project, resources: Vec::new(), access };
        let random = crate::system::SystemRandom;
        assert!(key(&[]).unwrap().store(&shelf, &kept, 900, &random));
        assert!(!key(&[]).unwrap().store(&shelf, &kept, 0, &random));
        assert_eq!(key(&[]).unwrap().load(&shelf).unwrap().server, kept.server);
        for (name, value) in [
            ("GITHUB_REPOSITORY", "acme/warehouse2"),
            ("GITHUB_RUN_ID", "8"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_JOB", "deploy"),
            // Who knows the names of a job does not have its secret.
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-another-job"),
        ] {
            assert!(key(&[(name, value)]).unwrap().load(&shelf).is_none(), "{name}");
        }
        // Where a machine serves many jobs, nothing waits at all.
        for (name, value) in
            [("RUNNER_ENVIRONMENT", "self-hosted"), ("RUNNER_ENVIRONMENT", ""), ("GITHUB_JOB", "")]
        {
            assert!(key(&[(name, value)]).is_none(), "{name}={value}");
        }
        let bytes = shelf.bytes();
        assert!(!String::from_utf8_lossy(&bytes).contains("marked-secret"));
        key(&[]).unwrap().forget(&shelf);
        assert!(key(&[]).unwrap().load(&shelf).is_none());
    }
}
