//! The real router over a real issuer and a store in memory: what HTTP itself owes.
//! Flows and pages have tests of their own, in the issuer and in [`crate::web`].

mod api;
mod closure;
mod errors;
mod headers;
mod lane;
mod limits;
mod logs;
mod town;
mod wire;
