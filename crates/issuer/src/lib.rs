//! Who gets a token: every flow and rule, without HTTP.
//!
//! [`Issuer`] is a cheap clone over one store; time and chance come in at
//! [`Issuer::start`]. The server reads requests and writes answers; whatever is
//! decided is decided here. Each rule stands beside the section that it comes from.
//!
//! | module | what | by |
//! |---|---|---|
//! | [`authorize`] | the authorization endpoint, consent | RFC 6749 §4.1, OIDC Core §3.1.2, RFC 9207 |
//! | [`token`] | the token endpoint's pipeline: authenticate, validate, spend, mint | RFC 6749 §3.2, §5 |
//! | [`code`] | a code is redeemed | RFC 6749 §4.1.3, RFC 7636 §4.6 |
//! | [`refresh`] | a refresh token is rotated | RFC 6749 §6, RFC 9700 §4.14 |
//! | [`exchange`] | a token is exchanged for a smaller one | RFC 8693 |
//! | [`federation`] | jobs exchange the token of their platform for a pass | RFC 8693, RFC 7523 |
//! | [`dpop`] | proofs of possession | RFC 9449 |
//! | [`device`] | device authorization, its page, its polls | RFC 8628 |
//! | [`revoke`] | a token is given back | RFC 7009 |
//! | [`introspect`] | a resource server asks | RFC 7662 |
//! | [`feed`] | guards in other processes learn what was revoked | |
//! | [`userinfo`] | a client asks who it is | OIDC Core §5.3 |
//! | [`verify`], `live` | our own API asks; the answer is in memory | RFC 6750, RFC 9068 §4 |
//! | [`local`] | where nobody has to sign in | |
//! | [`logout`] | a client signs the browser out | OIDC RP-Initiated Logout |
//! | [`signin`], [`session`], [`setup`], [`csrf`] | people and their browsers | |
//! | `token_use` | when tokens were last used, and from where | |
//! | [`admin`], `operator` | users, clients and resources are made; what an administrator looks after | |
//! | [`tokens`] | personal tokens, and who may make them | |
//! | [`keys`] | keys of projects and organizations, and who may make them |
//! | [`agents`] | programs that a person lent a part of what they may do | RFC 8693, RFC 9068 |
//! | [`orgs`] | organizations, projects, and who has which role there | |
//! | [`leaks`] | what leaked is revoked by whoever has it | |
//! | `reminders` | people are told in time that a credential ends | |
//! | `notices` | people are told what somebody else did with their account | |
//! | [`mail`] | what people are told, when the mail server can be reached | RFC 3834 |
//! | [`legacy`] | tokens of an older system, taken over by their hashes | RFC 9745, RFC 8594 |
//! | [`audit`] | the log of changes: sealed, exported, proved; what was denied | RFC 8037, RFC 4180 |
//! | [`patterns`] | what scanners look for | |
//! | [`metadata`] | what we say about ourselves | RFC 8414, OIDC Discovery |
//! | [`jwt`], `mint`, [`signing`], [`seal`] | tokens, the keys that sign them, what seals those | RFC 9068, RFC 8725 |
//! | [`clients`], [`passwords`], [`limits`], [`email`] | client authentication, argon2id, counting wrong guesses | |
//! | `issuer`, [`config`], [`error`] | all of it in one hand, choices, refusals | |
//!
//! How to add a grant type: one file with one type that implements
//! `token::Flow` (validate, then spend), one arm in [`token`]'s table, one name in
//! [`metadata`]. The pipeline mints; a flow never does.

pub mod admin;
pub mod agents;
pub mod audit;
pub mod authorize;
pub mod clients;
pub mod code;
pub mod config;
pub mod csrf;
pub mod device;
pub mod dpop;
pub mod email;
pub mod error;
pub mod exchange;
pub mod federation;
pub mod feed;
pub mod introspect;
mod issuer;
pub mod jwt;
pub mod keys;
pub mod leaks;
pub mod legacy;
pub mod limits;
mod live;
pub mod local;
pub mod logout;
pub mod mail;
pub mod metadata;
mod mint;
mod notices;
mod operator;
pub mod orgs;
pub mod passwords;
pub mod patterns;
pub mod refresh;
mod reminders;
pub mod revoke;
pub mod seal;
pub mod session;
pub mod setup;
pub mod signin;
pub mod signing;
#[cfg(test)]
mod tests;
pub mod token;
mod token_use;
pub mod tokens;
pub mod userinfo;
pub mod verify;

pub use clients::ClientCredentials;
pub use config::{Config, Limits, PasswordCost};
pub use error::{BearerError, Error, OAuthError};
pub use issuer::{Issuer, Origin, StartError};
pub use seal::MasterKey;
pub use session::SignedIn;
