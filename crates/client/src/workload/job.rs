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
//! GitHub's request endpoint for this job alone, or from the one token that the job was given.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::brand::Brand;
use hallpass_core::{Random, Secret, chance};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::platform::{Found, Identity};
use crate::environment::{Environment, System};
use crate::login::oidc::Pass;

/// Where something waits for the later steps of a job: the kernel's keyring, or nowhere.
pub trait JobMemory: Send + Sync {
    /// Keeps `bytes` as `name` for so many seconds; says whether it could.
    fn put(&self, name: &str, bytes: &[u8], seconds: u64) -> bool;
    /// What is kept as `name`.
    fn get(&self, name: &str) -> Option<Vec<u8>>;
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

/// The name that they wait under, and the key that they are sealed with.
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
        self.opened(memory).unwrap_or_default()
    }

    fn opened(&self, memory: &dyn JobMemory) -> Option<Vec<Kept>> {
        let mut sealed = Zeroizing::new(memory.get(&self.name)?);
        if sealed.len() < NONCE_LEN {
            return None;
        }
        let (nonce, text) = sealed.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.key.open_in_place(nonce, self.aad(), text).ok()?;
        serde_json::from_slice(plain).ok()
    }

    /// Lets them wait, for so many seconds. Says whether they could be kept.
    pub(crate) fn store(
        &self,
        memory: &dyn JobMemory,
        kept: &[Kept],
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
        let (shelf, kept, random) = (Shelf::default(), [kept()], crate::system::SystemRandom);
        assert!(key(&[]).unwrap().store(&shelf, &kept, 900, &random));
        assert!(!key(&[]).unwrap().store(&shelf, &kept, 0, &random));
        assert_eq!(key(&[]).unwrap().load(&shelf)[0].server, kept[0].server);
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
        key(&[]).unwrap().forget(&shelf);
        assert!(key(&[]).unwrap().load(&shelf).is_empty());
    }

    #[test]
    fn the_one_token_of_a_job_opens_what_waits_for_it_and_another_does_not() {
        let (shelf, random) = (Shelf::default(), crate::system::SystemRandom);
        let given = |token: &str| key_in(&Table::of(&[("HALLPASS_ID_TOKEN", token)])).unwrap();
        assert!(given("e30.e30.a").serves);
        assert!(given("e30.e30.a").store(&shelf, &[kept()], 900, &random));
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
