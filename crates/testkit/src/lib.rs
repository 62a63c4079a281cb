//! A town to test in: real servers, databases, browsers and terminals.
//!
//! Cross-crate tests live in `tests/`, one binary per area; what they share is here.
//!
//! | module | what |
//! |---|---|
//! | [`tree`] | the source tree itself |
//! | [`proofs`] | requirements, the tests that prove them, and the table of both |
//! | [`fuzz`] | what must hold for any bytes |
//! | [`redirects`] | addresses that are, and are not, a client's own |

pub mod fuzz;
pub mod proofs;
pub mod redirects;
pub mod tree;
