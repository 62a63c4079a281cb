//! What is kept: one file per noun, two engines, one conformance suite.
//!
//! A [`Store`] is a cheap handle. Each noun is a small view of it with methods
//! named for what happens (`spend`, `approve`, `rotate`, `end`); every method is
//! one atomic change or one read, and no transaction crosses this interface.
//! What can happen in the domain is an enum ([`Spend`], [`Rotation`], …); what goes
//! wrong with the database is an [`Error`].
//!
//! | module | what it keeps |
//! |---|---|
//! | [`settings`], [`setup`] | facts about the deployment; the one-time code of the first administrator |
//! | [`users`] | people |
//! | [`clients`], [`resources`] | programs that ask, and APIs that tokens are made out for |
//! | [`orgs`], [`projects`], [`members`] | organizations, their projects, and who has which role there |
//! | [`invitations`], [`transfer`] | links that give a role once; projects and organizations that change hands |
//! | [`grants`] | the root of each authorization |
//! | [`agent_secrets`] | what their owner keeps for them, sealed |
//! | [`agents`] | programs that a person lent a part of what they may do, as trees |
//! | [`approvals`] | actions that an agent asks its owner to approve, each once |
//! | [`codes`], [`devices`], [`refresh`] | single-use secrets that a grant is redeemed with |
//! | [`credentials`], [`rotation`] | tokens that people make, and how one takes over from another |
//! | [`keys`] | keys of projects and organizations |
//! | [`reminders`] | who was told that a credential ends |
//! | [`others`] | what somebody else than its owner did with a token |
//! | [`trust`] | trust in outside issuers, and what was exchanged by it |
//! | [`legacy`], `moving` | tokens of an older system, and the move away from it |
//! | [`mail`] | mail that waits to be sent |
//! | [`local`] | the one person where nobody has to sign in |
//! | [`identities`] | who somebody is whom an outside issuer signs in |
//! | [`sessions`] | browsers that are signed in |
//! | [`tombstones`] | what was revoked, and the epoch |
//! | [`proofs`], [`copies`] | proofs of possession that were used; what was presented without one |
//! | [`failures`] | counters of failed attempts |
//! | [`signing_keys`] | keys that sign JWTs, sealed |
//! | [`audit`], [`sealing`] | one row for every change, written with it; what chains and proves them |
//!
//! | module | who reads along |
//! |---|---|
//! | [`watch`] | what a committed change means to whoever keeps an image in memory |
//! | [`image`] | all that such an image is filled from |
//!
//! | module | how it is kept |
//! |---|---|
//! | `store`, [`error`] | the door to all of it, and what can go wrong |
//! | `db` | changes, statements and rows, the same for both engines |
//! | `sqlite`, `postgres` | the engines |
//! | `migrate`, `tidy` | forward, and away |
//! | [`conformance`] | what every engine must do, races included |
//!
//! To add a noun: its tables as a migration (`migrate`), a file with its records, its view
//! and its `statements!`, a method of [`Store`] that hands out the view, and its promises in
//! [`conformance`]. A method takes what it needs by value, is one `change` or one read, and
//! writes its audit row last. What decides whether a credential is good is told as an
//! [`Effect`] too, and read by [`image`].
//!
//! Time is an argument everywhere: [`By::at`] is "now" for a change. Secrets come as
//! [`Digest`](hallpass_core::Digest)s or sealed bytes, never as text.

pub mod agent_secrets;
pub mod agents;
pub mod approvals;
pub mod audit;
pub mod clients;
pub mod codes;
pub mod conformance;
pub mod copies;
pub mod credentials;
mod db;
pub mod devices;
pub mod error;
pub mod failures;
pub mod grants;
pub mod identities;
pub mod image;
pub mod invitations;
pub mod keys;
pub mod legacy;
pub mod local;
pub mod mail;
pub mod members;
mod migrate;
mod moving;
pub mod orgs;
pub mod others;
mod postgres;
pub mod projects;
pub mod proofs;
pub mod refresh;
pub mod reminders;
pub mod resources;
pub mod rotation;
pub mod sealing;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod signing_keys;
mod sqlite;
mod store;
mod tidy;
pub mod tombstones;
pub mod transfer;
pub mod trust;
pub mod users;
pub mod watch;

pub use agent_secrets::{AgentSecrets, KeptSecret, SealedSecret};
pub use agents::{Agent, Agents, Begin, NewAgent, Renew, Whose};
pub use approvals::{Approval, ApprovalPoll, ApprovalStatus, Approvals, Ask, NewApproval};
pub use audit::{Audit, AuditFilter, AuditFound, AuditRow, By, Denied};
pub use clients::{Client, ClientKind, Clients};
pub use codes::{Code, Codes, Issue, NewCode};
pub use copies::{Copied, Copies};
pub use credentials::{Credential, Credentials, Facts, NewToken, TokenKind};
pub use devices::{Decide, Device, DeviceStatus, Devices, NewDevice, Poll, Start};
pub use error::{Error, OpenError};
pub use failures::Failures;
pub use grants::{AgentRef, Grant, GrantKind, Grants, NewGrant, Reported, Spend, Standing};
pub use identities::{Identities, Identity, Linked};
pub use image::Image;
pub use invitations::{Accept, Entitled, Guest, Invitation, Invitations, NewInvitation};
pub use keys::{Keys, NewKey};
pub use legacy::{Candidate, Legacy, LegacyHash, NewLegacy};
pub use local::Local;
pub use mail::{Mail, NewMail, Outbox};
pub use members::{KeysMade, Members, Membership, RemoveRole, Role, SetRole};
pub use orgs::{NewOrg, Org, Orgs};
pub use others::{Act, ByOthers};
pub use projects::{NewProject, Project, Projects};
pub use proofs::Proofs;
pub use refresh::{NewRefresh, Refresh, Refreshes, Rotation};
pub use reminders::Reminders;
pub use resources::{NewResource, Resources};
pub use rotation::{Rotate, Successor};
pub use sealing::{AuditKey, Checkpoint, Head, KEY_ADDED, Link};
pub use sessions::{NewSession, Session, Sessions};
pub use settings::Settings;
pub use setup::{Claim, Setup};
pub use signing_keys::{SigningKey, SigningKeys};
pub use store::{Engine, Place, Store};
pub use tombstones::Tombstones;
pub use transfer::HandOver;
pub use trust::{
    Admission, Admit, JobGrant, JobStanding, NewDenied, NewTrust, Repin, Trust, TrustDenied,
    TrustExchange, TrustPolicy,
};
pub use users::{Disable, NewUser, User, Users};
pub use watch::{Effect, Watcher};
