//! A guard in another process, and the promise: no check that starts after a revocation was
//! answered is admitted.
//!
//! | module | what happens |
//! |---|---|
//! | [`scene`] | a server, an API behind a guard, a wire between them |
//! | [`busy`] | checks run all the time while things are revoked |
//! | [`trouble`] | the wire is cut or slow, the guard is stopped, the server is killed |

mod busy;
mod scene;
mod trouble;
