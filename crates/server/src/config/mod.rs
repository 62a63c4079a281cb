//! Settings: flag > variable > TOML file > default.
//!
//! Every setting is one line of [`settings`]: its name, type, default and help. The
//! same name is the TOML key (`access_token_ttl`), the variable
//! (`HALLPASS_SERVER_ACCESS_TOKEN_TTL`) and the flag (`--access-token-ttl`), and every
//! layer gives text that one parser reads, so they cannot disagree.
//!
//! | module | what |
//! |---|---|
//! | [`settings`] | the table, and the typed [`Settings`] made of it |
//! | [`layers`] | reading the layers, and complaining with the place |
//! | [`value`] | texts to types: durations, addresses, lists |
//! | [`network`] | CIDR notation |
//! | [`smtp`] | where a mail server is |

pub mod layers;
pub mod network;
pub mod settings;
pub mod smtp;
pub mod value;

pub use layers::{Complaint, ConfigError, Layers, VARIABLE_PREFIX};
pub use network::Network;
pub use settings::{SETTINGS, Setting, Settings};
pub use smtp::SmtpUrl;
pub use value::{Listen, LogFormat};
