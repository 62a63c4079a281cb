//! The data directory, the store in it, and an issuer over both. `serve` and `admin`
//! open them the same way.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_core::brand::Brand;
use hallpass_core::permission::PermissionTable;
use hallpass_core::public_url::is_loopback;
use hallpass_core::{Clock, PublicUrl, Random, Secret};
use hallpass_issuer::federation::Provider;
use hallpass_issuer::feed::Leases;
use hallpass_issuer::{Config, Issuer, StartError};
use hallpass_store::{OpenError, Place, Store};
use url::Url;

use super::{Failure, master_key};
use crate::api::ScanningKeys;
use crate::config::Settings;
use crate::mail::Smtp;
use crate::outside::Outside;
use crate::system::{SystemBootClock, SystemClock, SystemRandom};

/// A store that is open, and what goes with it.
pub struct Data {
    /// What is kept.
    pub store: Store,
    /// The data directory.
    pub dir: PathBuf,
    /// Where the data is, in words, without a password.
    pub place: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// An issuer over a store. A cheap clone.
#[derive(Clone)]
pub struct Opened {
    /// Every flow and rule.
    pub issuer: Issuer,
    /// What is kept.
    pub store: Store,
    /// The data directory.
    pub dir: PathBuf,
    /// Where the data is, in words, without a password.
    pub place: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
}

/// Which directory the settings mean.
pub fn data_dir(settings: &Settings, default: Option<&Path>) -> Result<PathBuf, Failure> {
    settings.data_dir.clone().or_else(|| default.map(Path::to_owned)).ok_or(Failure::NoDataDir)
}

/// Opens the store, making the data directory if need be.
pub async fn store(settings: &Settings, default: Option<&Path>) -> Result<Data, Failure> {
    let dir = data_dir(settings, default)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)
        .map_err(|cause| OpenError::Path { path: dir.clone(), cause })?;
    let (at, place) = match database_url(settings)? {
        Some(url) => {
            (Place::Postgres(url), format!("PostgreSQL; the master key is in {}", dir.display()))
        }
        None => (Place::Directory(dir.clone()), dir.display().to_string()),
    };
    let store = Store::open(&at).await?;
    Ok(Data { store, dir, place, clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) })
}

impl Data {
    /// Who makes a change at the start.
    pub(super) fn by_system(&self) -> hallpass_store::By {
        hallpass_store::By {
            id: hallpass_core::id::AuditId::new(&*self.clock, &*self.random),
            at: self.store.database_time(self.clock.now()),
            actor: "system".to_owned(),
            client_id: None,
            address: None,
            letters: Vec::new(),
        }
    }

    /// Starts the issuer.
    pub async fn issuer(self, settings: &Settings, url: PublicUrl) -> Result<Opened, Failure> {
        let master_key = master_key::load(settings, &self.dir, &self.store, &*self.random).await?;
        let smtp = smtp(settings, &url)?;
        let provider = provider(settings, &url)?;
        let mut private = settings.trust_private_issuers.clone();
        // http is for loopback, and whoever names it means it.
        private.extend(
            provider.iter().filter(|it| it.issuer.starts_with("http:")).map(|it| it.issuer.clone()),
        );
        let config = Config { provider, ..issuer_config(settings, brand(settings)?, url) };
        let Self { store, dir, place, clock, random } = self;
        let issuer =
            Issuer::start(store.clone(), master_key, config, clock.clone(), random.clone()).await?;
        let outside = Outside::new(private);
        issuer.fetch_keys_through(Arc::new(outside));
        if let Some(smtp) = smtp {
            issuer.send_mail_through(Arc::new(smtp));
        }
        Ok(Opened { issuer, store, dir, place, clock, random })
    }
}

impl Opened {
    /// From now on a revocation waits until no guard in another process admits it any more.
    pub async fn know_guards(&self, leases: Leases) -> Result<(), Failure> {
        let answered = self.issuer.answer_guards(Arc::new(SystemBootClock), leases).await;
        answered.map_err(|error| Failure::from(StartError::from(error)))
    }

    /// Finishes what waits and lets go of the directory.
    pub async fn close(self) {
        // Without its issuer, what is still being read into memory stops without a word.
        drop(self.issuer);
        self.store.close().await;
    }
}

/// The brand that the settings name, or hallpass's own, with the table of permissions that
/// they name.
fn brand(settings: &Settings) -> Result<Brand, Failure> {
    let mut brand = match &settings.brand_file {
        None => Brand::hallpass(),
        Some(path) => {
            let text = read(path)?;
            Brand::parse(&text).map_err(|error| Failure::Content {
                path: path.clone(),
                why: error.told(&text),
                next: "correct the brand file, or leave --brand-file away",
            })?
        }
    };
    if let Some(path) = &settings.permissions_file {
        brand.roles = PermissionTable::parse(&read(path)?).map_err(|why| Failure::Content {
            path: path.clone(),
            why: why.to_string(),
            next: "correct the table of permissions, or leave --permissions-file away",
        })?;
    }
    Ok(brand)
}

/// The token that may read `/metrics`, if a file is named.
pub(super) fn metrics_token(settings: &Settings) -> Result<Option<Secret>, Failure> {
    settings.metrics_token_file.as_deref().map(one_line).transpose()
}

/// That GitHub's keys can be used, if a file of them is named; it is read again later.
pub(super) async fn scanning_keys(settings: &Settings) -> Result<(), Failure> {
    let Some(path) = &settings.secret_scanning_keys_file else { return Ok(()) };
    let next = "put GitHub's answer there, or leave --secret-scanning-keys-file away";
    let read = ScanningKeys::read(path).await.map(drop);
    read.map_err(|why| Failure::File { path: path.clone(), why: why.to_string(), next })
}

/// The mail server, if one is named.
fn smtp(settings: &Settings, public_url: &PublicUrl) -> Result<Option<Smtp>, Failure> {
    let password = settings.smtp_password_file.as_deref().map(one_line).transpose()?;
    match (&settings.smtp_url, &settings.mail_from) {
        (Some(url), Some(from)) => {
            Smtp::new(url, password, from, public_url).map(Some).map_err(Failure::Settings)
        }
        (None, None) if password.is_none() => Ok(None),
        _ => Err(Failure::Settings(
            "to send mail give both smtp_url and mail_from; to send none leave both away, and smtp_password_file"
                .to_owned(),
        )),
    }
}

/// The provider elsewhere where people sign in, if one is named.
fn provider(settings: &Settings, ours: &PublicUrl) -> Result<Option<Provider>, Failure> {
    let (issuer, client_id) = match (&settings.outside_issuer, &settings.outside_client_id) {
        (None, None) => return Ok(None),
        (Some(issuer), Some(client_id)) => (issuer.clone(), client_id.clone()),
        _ => {
            return Err(Failure::Settings(
                "for people who sign in at a provider elsewhere give both outside_issuer and outside_client_id; for everybody else leave both away"
                    .to_owned(),
            ));
        }
    };
    let refused = |why: &str| Err(Failure::Settings(format!("outside_issuer {issuer}: {why}")));
    let Ok(url) = Url::parse(&issuer) else {
        return refused("it is not a URL; it should look like https://accounts.example.com");
    };
    // OIDC Core §2: no query and no fragment.
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    let safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    match () {
        () if !safe => refused("it must begin with https://; http is for loopback"),
        () if !plain => refused("it must have no query, fragment or user name"),
        () if issuer == ours.issuer() => {
            refused("it is this server itself, where people sign in anyway; leave it away")
        }
        () => Ok(Some(Provider { issuer, client_id })),
    }
}

fn database_url(settings: &Settings) -> Result<Option<Secret>, Failure> {
    match (&settings.database_url, &settings.database_url_file) {
        (Some(_), Some(_)) => {
            Err(Failure::Settings("give database_url or database_url_file, not both".to_owned()))
        }
        (Some(url), None) => Ok(Some(url.clone())),
        (None, Some(path)) => one_line(path).map(Some),
        (None, None) => Ok(None),
    }
}

/// A file that holds one secret on one line.
fn one_line(path: &Path) -> Result<Secret, Failure> {
    let text = Secret::new(read(path)?);
    let line = text.expose().trim();
    if line.is_empty() || line.contains(char::is_whitespace) {
        return Err(Failure::Content {
            path: path.to_owned(),
            why: "it should hold one line without spaces".to_owned(),
            next: "write it there, or name another file",
        });
    }
    Ok(Secret::new(line))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|why| Failure::File {
        path: path.to_owned(),
        why: why.to_string(),
        next: "make it readable for this user, or name another file",
    })
}

fn issuer_config(settings: &Settings, brand: Brand, public_url: PublicUrl) -> Config {
    Config {
        public_url,
        brand,
        access_token_ttl: settings.access_token_ttl,
        id_token_ttl: settings.id_token_ttl,
        code_ttl: settings.code_ttl,
        device_ttl: settings.device_ttl,
        device_interval: settings.device_interval,
        device_max_live: settings.device_max_live,
        refresh_idle_ttl: settings.refresh_idle_ttl,
        refresh_grace: settings.refresh_grace,
        grant_ttl: settings.grant_ttl,
        session_idle_ttl: settings.session_ttl,
        session_max_ttl: settings.session_max,
        key_rotation: settings.key_rotation,
        key_publish_ahead: settings.key_overlap,
        ..Config::default()
    }
}
