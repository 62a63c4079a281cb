//! The table of all settings.

use std::path::PathBuf;
use std::time::Duration;

use hallpass_core::{PublicUrl, Secret};

use super::Network;
use super::layers::{ConfigError, Layers};
use super::smtp::SmtpUrl;
use super::value::{Listen, LogFormat};

/// One setting, as flags, help and documentation need it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// TOML key; upper-cased it is the variable, with dashes the flag.
    pub name: &'static str,
    /// What the value looks like: `FILE`, `TIME`.
    pub value: &'static str,
    /// The default, as text; empty if there is none.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Heading in the help text.
    pub group: &'static str,
    /// Whether there may be several values.
    pub list: bool,
}

macro_rules! settings {
    ($($group:literal { $($(#[doc = $help:literal])+ $name:ident: $type:ty = $default:literal as $value:literal;)* })*) => {
        /// All settings, read and checked one by one.
        #[derive(Clone, Debug)]
        pub struct Settings {
            $($($(#[doc = $help])+ pub $name: $type,)*)*
        }

        /// The table.
        pub const SETTINGS: &[Setting] = &[$($(Setting {
            name: stringify!($name),
            value: $value,
            default: $default,
            help: concat!($($help),+),
            group: $group,
            list: <$type as super::value::Value>::LIST,
        },)*)*];

        impl Settings {
            /// Reads the layers. All complaints are given at once.
            pub fn read(layers: &Layers) -> Result<Self, ConfigError> {
                let mut complaints = layers.complaints();
                $($(let $name: Option<$type> = layers.read(stringify!($name), $default, &mut complaints);)*)*
                match ($($($name,)*)*) {
                    ($($(Some($name),)*)*) if complaints.is_empty() => Ok(Self { $($($name,)*)* }),
                    _ => Err(ConfigError::Complaints(complaints)),
                }
            }
        }
    };
}

settings! {
    "Where" {
        /// Address and port to listen on; localhost means both loopback addresses.
        listen: Vec<Listen> = "localhost:8470" as "ADDR:PORT";
        /// The URL that people and programs use, without a path; kept at the first start.
        public_url: Option<PublicUrl> = "" as "URL";
        /// Where database, master key and admin socket are; else $XDG_DATA_HOME/hallpass or ~/.local/share/hallpass.
        data_dir: Option<PathBuf> = "" as "DIR";
        /// Keep data in PostgreSQL instead of the data directory.
        database_url: Option<Secret> = "" as "postgres://…";
        /// A file whose one line is the database URL, so that its password is in no process list.
        database_url_file: Option<PathBuf> = "" as "FILE";
        /// The master key's file; otherwise master.key in the data directory.
        master_key_file: Option<PathBuf> = "" as "FILE";
        /// A brand file for names and looks.
        brand_file: Option<PathBuf> = "" as "FILE";
        /// Which role may do what, in place of the brand's table; see docs/organizations.md.
        permissions_file: Option<PathBuf> = "" as "FILE";
    }
    "Who signs in" {
        /// Nobody: this machine alone is answered, and whoever is on it is the one person there is; see docs/local-mode.md.
        local: bool = "false" as "BOOL";
        /// An OpenID provider elsewhere where people sign in, by its exact issuer URL; see docs/any-provider.md.
        outside_issuer: Option<String> = "" as "URL";
        /// Which client its ID tokens are made out for, exactly.
        outside_client_id: Option<String> = "" as "ID";
    }
    "TLS and proxies" {
        /// Certificate chain (PEM), to end TLS here.
        tls_cert: Option<PathBuf> = "" as "FILE";
        /// The certificate's private key (PEM).
        tls_key: Option<PathBuf> = "" as "FILE";
        /// Proxies in front whose X-Forwarded-For is believed.
        trusted_proxies: Vec<Network> = "" as "NETWORK,…";
    }
    "Jobs" {
        /// Issuers on private addresses that policies may trust, each by its exact URL; http only on loopback.
        trust_private_issuers: Vec<String> = "" as "URL,…";
    }
    "Leaked tokens" {
        /// GitHub's answer at https://api.github.com/meta/public_keys/secret_scanning, to take in what its secret scanning found.
        secret_scanning_keys_file: Option<PathBuf> = "" as "FILE";
    }
    "Mail" {
        /// The mail server: smtps:// for TLS from the start, smtp:// for STARTTLS, which is only left out on loopback.
        smtp_url: Option<SmtpUrl> = "" as "smtps://USER@HOST";
        /// A file whose one line is the password of USER.
        smtp_password_file: Option<PathBuf> = "" as "FILE";
        /// Who mail is from, for example "hallpass <no-reply@example.com>".
        mail_from: Option<String> = "" as "ADDRESS";
    }
    "Logs and metrics" {
        /// text or json.
        log_format: LogFormat = "text" as "FORMAT";
        /// error, warn, info, debug, or a filter such as info,hallpass_issuer=debug.
        log_level: String = "info" as "LEVEL";
        /// A file with the bearer token that may read /metrics from elsewhere than loopback.
        metrics_token_file: Option<PathBuf> = "" as "FILE";
    }
    "Lifetimes" {
        /// How long an access token is good for.
        access_token_ttl: Duration = "5m" as "TIME";
        /// How long an ID token is good for.
        id_token_ttl: Duration = "1h" as "TIME";
        /// How long an authorization code can be redeemed.
        code_ttl: Duration = "60s" as "TIME";
        /// How long a device code can be approved.
        device_ttl: Duration = "10m" as "TIME";
        /// Least time between two polls of a device.
        device_interval: Duration = "5s" as "TIME";
        /// A refresh token that is not used for this long ends.
        refresh_idle_ttl: Duration = "30d" as "TIME";
        /// A program's sign-in ends after this at the latest; none for no end.
        grant_ttl: Option<Duration> = "365d" as "TIME";
        /// How long a lost refresh answer can be asked for again.
        refresh_grace: Duration = "30s" as "TIME";
        /// A browser session that is not used for this long ends.
        session_ttl: Duration = "14d" as "TIME";
        /// A browser session ends after this at the latest.
        session_max: Duration = "30d" as "TIME";
        /// How often signing keys are replaced.
        key_rotation: Duration = "90d" as "TIME";
        /// How long before its first use a signing key is published.
        key_overlap: Duration = "1d" as "TIME";
    }
    "Limits" {
        /// Connections at once; more wait.
        max_connections: usize = "4096" as "N";
        /// Time for the head of a request to arrive, idle connections included.
        header_timeout: Duration = "15s" as "TIME";
        /// Time for the body of a request to arrive.
        body_timeout: Duration = "10s" as "TIME";
        /// Time for an answer to be found.
        request_timeout: Duration = "30s" as "TIME";
        /// Time for running requests to finish after a signal to stop.
        shutdown_grace: Duration = "10s" as "TIME";
        /// Device sign-ins that may be pending at once, everywhere.
        device_max_live: u64 = "400" as "N";
        /// Refused credentials that one network may send in a minute; loopback is not counted.
        refused_credentials: u32 = "3000" as "N";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_good_and_every_setting_is_explained() {
        let settings = Settings::read(&Layers::default()).expect("defaults");
        assert_eq!(settings.access_token_ttl, Duration::from_secs(300));
        assert_eq!(settings.listen, [Listen::Localhost(8470)]);
        for setting in SETTINGS {
            assert!(setting.help.trim().ends_with('.'), "{}", setting.name);
            assert!(!setting.value.is_empty(), "{}", setting.name);
        }
    }
}
