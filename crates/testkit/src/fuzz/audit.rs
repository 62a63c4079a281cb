//! An exported audit log: none is believed but the one that was signed.

use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use hallpass_core::wire::audit::Jwks;
use hallpass_core::{PublicUrl, Timestamp};
use hallpass_issuer::admin::NewUser;
use hallpass_issuer::audit::verify::verify;
use hallpass_issuer::{Config, Issuer, MasterKey};
use hallpass_store::{Place, Store};

use crate::system::{RealClock, RealRandom};

/// The input as a log; and as edits of a good one (two bytes where, one byte what).
pub fn audit(bytes: &[u8]) {
    let good = good();
    good.believes_only_its_own(bytes);
    let mut edited = good.log.clone().into_bytes();
    for edit in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % edited.len();
        edited[at] = edit[2];
    }
    good.believes_only_its_own(&edited);
    // The input in place of each line.
    for (at, _) in good.log.lines().enumerate() {
        let lines = good.log.lines().enumerate();
        let forged: Vec<u8> = lines
            .flat_map(|(line, text)| {
                if line == at { bytes } else { text.as_bytes() }.iter().chain(b"\n")
            })
            .copied()
            .collect();
        good.believes_only_its_own(&forged);
    }
}

struct Good {
    log: String,
    keys: Jwks,
}

impl Good {
    /// Whatever proves a row under these keys is a beginning of the log that they signed.
    fn believes_only_its_own(&self, log: &[u8]) {
        let Ok(proven) = verify(log, Some(self.keys.clone())) else { return };
        if proven.rows.is_some() {
            // All but what is not sealed, the last line, which counts those, and the first, which
            // says where it begins.
            let lines = log.split(|byte| *byte == b'\n');
            let body = lines.filter(|line| {
                let signed: [&[u8]; 3] = [b"{\"n\":", b"{\"checkpoint\":", b"{\"key\":"];
                signed.iter().any(|begins| line.starts_with(begins))
            });
            for line in body {
                let line = String::from_utf8_lossy(line);
                assert!(self.log.contains(&format!("{line}\n")), "{line}");
            }
        }
    }
}

fn good() -> &'static Good {
    static GOOD: OnceLock<Good> = OnceLock::new();
    GOOD.get_or_init(|| match make() {
        Ok(good) => good,
        Err(error) => panic!("no log to begin with: {error:#}"),
    })
}

fn make() -> Result<Good> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&Place::Memory).await?;
        let public_url = PublicUrl::parse("http://localhost:8470")?;
        let config = Config { public_url, ..Config::default() };
        let (clock, random) = (std::sync::Arc::new(RealClock), std::sync::Arc::new(RealRandom));
        let issuer = Issuer::start(store, MasterKey::new([7; 32]), config, clock, random).await?;
        for name in ["ada", "bo"] {
            let new = NewUser {
                email: format!("{name}@example.com"),
                name: name.to_owned(),
                password: None,
                admin: false,
            };
            issuer.create_user(new, "fuzz").await?;
            issuer.seal_audit().await?;
        }
        let mut export = issuer.export_audit(None::<Timestamp>, None).await?;
        let mut log = String::new();
        while let Some(text) = issuer.export_audit_on(&mut export).await? {
            log.push_str(&text);
        }
        let keys = issuer.audit_keys().await?;
        verify(log.as_bytes(), Some(keys.clone())).ok().context("a good log")?;
        Ok(Good { log, keys })
    })
}
