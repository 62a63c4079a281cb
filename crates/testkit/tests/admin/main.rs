//! `hallpass admin` as an operator's scripts use it: the real binary, with a running server
//! and without one.
//!
//! | module | what |
//! |---|---|
//! | `office` | a server with a brand that an older system was there before, and who uses it |
//! | `places` | organizations, projects, roles |
//! | `books` | the audit log: exported and proved |
//! | `tokens` | tokens made for somebody |
//! | `patterns` | what scanners look for |
//! | `import` | an older system's tokens, taken over |
//! | `moving` | phases, ends, the report |
//! | `salted` | salted hashes, tried at first use; all of the move on both engines |

mod books;
mod import;
mod moving;
mod office;
mod patterns;
mod places;
mod salted;
mod tokens;
