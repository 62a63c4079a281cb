//! A guard in another process, and the promise: no check that starts after a revocation was
//! answered is admitted.
//!
//! | module | what happens |
//! |---|---|
//! | [`scene`] | a server, an API behind a guard, a wire between them |
//! | [`held`] | a token, a role, a membership, and taking them away |
//! | [`action`] | actions that a person approved, done once |
//! | [`bound`] | tokens that are bound to a key |
//! | [`busy`] | checks run all the time while things are revoked |
//! | [`outside`] | another issuer, whose ID tokens the API trusts by name |
//! | [`trouble`] | the wire is cut or slow, the guard is stopped, the server is killed |

mod action;
mod bound;
mod busy;
mod held;
mod outside;
mod scene;
mod trouble;
