//! A town to test in: real servers, databases, browsers and terminals.
//!
//! Cross-crate tests live in `tests/`, one binary per area; what they share is here.
//! A missing part (no Chromium, no PostgreSQL, no built binary) fails a test and says
//! what to install or run; nothing is skipped.
//!
//! | module | what |
//! |---|---|
//! | [`town`] | a server with people and clients: where most tests begin |
//! | [`server`] | `hallpass serve` as a process: start, kill, start again |
//! | [`certificate`] | for servers that end TLS |
//! | [`cli`], [`terminal`] | `hallpass` in somebody's shell, and at a real terminal |
//! | [`keyring`] | somebody's session bus with a real gnome-keyring on it |
//! | [`person`], [`html`] | somebody at a browser without JavaScript |
//! | [`browser`] | a real Chromium |
//! | [`provider`] | an OpenID provider that is not ours, and somebody who signs in there |
//! | [`github`] | a stand-in for the issuer of GitHub Actions, and its jobs |
//! | [`oauth`] | a client that says exactly what a test wants to say |
//! | [`possession`] | keys, and proofs with them, honest or not |
//! | [`link`] | a wire to a server that can be cut and made slow |
//! | [`front`] | the door of a tool's own site, with its calls |
//! | [`guarded`] | an API behind a guard, in a process of its own |
//! | [`smtp`] | a mail server that keeps what it gets |
//! | [`secrets`] | marked secrets, and the search for their marks |
//! | [`postgres`] | a throw-away PostgreSQL cluster |
//! | [`process`], [`ports`], [`wait`] | children, ports, deadlines |
//! | [`dice`], [`system`] | chance that can be repeated; the real clock, chance and environment |
//! | [`tree`] | the source tree itself |
//! | [`proofs`] | requirements, the tests that prove them, and the table of both |
//! | [`fuzz`] | what must hold for any bytes |
//! | [`redirects`] | addresses that are, and are not, a client's own |

pub mod fuzz;
pub mod proofs;
pub mod redirects;
pub mod system;
pub mod tree;

#[cfg(feature = "town")]
pub mod browser;
#[cfg(feature = "town")]
pub mod certificate;
#[cfg(feature = "town")]
pub mod cli;
#[cfg(feature = "town")]
pub mod dice;
#[cfg(feature = "town")]
pub mod front;
#[cfg(feature = "town")]
pub mod github;
#[cfg(feature = "town")]
pub mod guarded;
#[cfg(feature = "town")]
pub mod html;
#[cfg(feature = "town")]
pub mod keyring;
#[cfg(feature = "town")]
pub mod link;
#[cfg(feature = "town")]
pub mod oauth;
#[cfg(feature = "town")]
pub mod person;
#[cfg(feature = "town")]
pub mod ports;
#[cfg(feature = "town")]
pub mod possession;
#[cfg(feature = "town")]
pub mod postgres;
#[cfg(feature = "town")]
pub mod process;
#[cfg(feature = "town")]
pub mod provider;
#[cfg(feature = "town")]
pub mod secrets;
#[cfg(feature = "town")]
pub mod server;
#[cfg(feature = "town")]
pub mod smtp;
#[cfg(feature = "town")]
pub mod terminal;
#[cfg(feature = "town")]
pub mod town;
#[cfg(feature = "town")]
pub mod wait;
