//! How a program holds a token.
//!
//! A library for any program, blocking, without a runtime: it discovers, signs in,
//! keeps, refreshes, calls, and signs out. It never prints, never reads a variable by
//! itself, and never starts a login that nobody asked for.
//!
//! ```no_run
//! # fn example(environment: std::sync::Arc<dyn hallpass_client::Environment>) -> Result<(), hallpass_client::Error> {
//! use hallpass_client::{Client, Selection};
//! use hallpass_core::brand::Brand;
//!
//! let client = Client::on_this_machine(Brand::hallpass(), environment, Selection::default());
//! let me = client.session()?.whoami()?;
//! # let _ = me; Ok(()) }
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`client`] | the front door |
//! | [`login`] | signing in: flows, events, the choice between them |
//! | [`session`] | calling an API as the person, refreshing without notice |
//! | [`tokens`] | personal tokens |
//! | [`keys`] | keys of projects and organizations |
//! | [`trust`] | policies that let jobs in, and denied exchanges |
//! | [`legacy`] | tokens of an older system, in files |
//! | [`config`] | what is set for this tool on this machine |
//! | `presented`, `id_token` | which of its tokens a sign-in shows; what an ID token says |
//! | [`profiles`] | many accounts, many servers |
//! | [`places`] | organizations, projects, members, invitations |
//! | [`status`] | signed in or not, and why |
//! | [`logout`], `revoke` | revoking, then removing |
//! | `dpop` | keys that sign-ins are bound to, and proofs with them |
//! | [`approvals`] | an agent asks its owner for one action; the owner decides |
//! | [`agents`] | agents of one's own, and what an agent asks for itself |
//! | [`narrow`] | bearer tokens for other programs, and smaller ones |
//! | `refresh` | one request, however many processes want a fresh token |
//! | [`source`] | where this invocation takes its credential from |
//! | [`workload`] | a job that signs in with its platform's identity |
//! | [`target`] | which organization and project this invocation is about |
//! | [`vault`] | where credentials are kept |
//! | [`discovery`] | where and how a server is signed in to |
//! | `helper` | what other tools' helpers need: whose, suspect, who may ask |
//! | [`doctor`] | what decides here, looked at piece by piece |
//! | [`http`], `oauth` | the one HTTP client, and OAuth endpoints through it |
//! | [`mask`] | what a token is, without its secret |
//! | [`environment`], [`time`] | variables, home, clocks and waiting as arguments |
//! | [`system`] | the real clocks and the real randomness |
//! | [`error`] | what can go wrong, and the next command |

pub mod agents;
pub mod approvals;
pub mod client;
pub mod config;
pub mod discovery;
pub mod doctor;
mod dpop;
pub mod environment;
pub mod error;
mod helper;
pub mod http;
mod id_token;
pub mod keys;
pub mod legacy;
pub mod login;
pub mod logout;
pub mod mask;
pub mod narrow;
mod oauth;
pub mod places;
mod presented;
pub mod profiles;
mod refresh;
mod revoke;
pub mod session;
pub mod source;
pub mod status;
pub mod system;
pub mod target;
pub mod time;
pub mod tokens;
pub mod trust;
pub mod vault;
pub mod workload;

#[cfg(test)]
mod testing;

pub use client::{Client, Parts, Which};
pub use config::Origin;
pub use environment::Environment;
pub use error::{Class, Error};
pub use login::{Event, Inbox, JobLogin, Login, LoginOptions, Wish};
pub use mask::{Masked, TokenKind};
pub use narrow::Wanted;
pub use session::{Answer, Call, Session};
pub use source::{Selection, Source};
pub use status::{State, Status, Warning};
pub use target::Target;
pub use vault::StorePolicy;
pub use workload::Platform;
