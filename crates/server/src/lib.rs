//! How it is spoken: endpoints, pages, API, configuration.
//!
//! ```text
//! serve → accept loop → observe → headers → transport → router ─┬─ oauth/  RFC 6749 and friends
//!                                                              ├─ api/    behind the guard layer
//!                                                              ├─ web/    pages, for people
//!                                                              └─ health, metrics
//! ```
//!
//! Handlers read a request, ask the issuer, and write the answer down; whatever is
//! decided is decided there.
//!
//! | module | what |
//! |---|---|
//! | [`app`] | the state that every handler has |
//! | [`config`] | flag > variable > TOML > default |
//! | [`http`] | peers behind proxies, cookies, forms, headers |
//! | [`serve`], [`admin`] | what the binary runs |
//! | [`router`] | all routes and what stands around them |
//! | `lane` | what is asked all day, past the router |
//! | `oauth`, `api`, `check`, `web` | endpoints, API, forward auth, pages |
//! | `local` | the door where nobody has to sign in |
//! | `mail` | letters to a mail server |
//! | `outside` | asking outside issuers for their metadata and keys |
//! | `books` | the audit log as the body of an answer |
//! | `observe`, `metrics`, `health`, `limit` | logs, numbers, probes, limits in memory |
//! | [`system`] | the real clock and randomness |

pub mod admin;
pub mod app;
pub mod config;
pub mod http;
pub mod router;
pub mod serve;
pub mod system;

mod api;
mod books;
mod check;
mod health;
mod lane;
mod limit;
mod local;
mod mail;
mod metrics;
mod oauth;
mod observe;
mod outside;
#[cfg(test)]
mod tests;
mod web;

pub use app::{App, Parts};
pub use config::Settings;
pub use router::router;
