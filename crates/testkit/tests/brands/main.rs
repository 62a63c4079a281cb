//! The five tools of other people, each as its own binary against a real server in its brand:
//! what their pages print, to the letter.
//!
//! | module | what |
//! |---|---|
//! | `shop` | a server in a brand, its site, Ada, and her shell |
//! | `scitoolkit` | one token for every toolkit, and the move away from a token for each |
//! | `scion` | tokens that may do what their person may do |
//! | `sciontool` | the same brand's tool for agents |
//! | `rbtk` | a keyring, keys of projects, and a context |
//! | `skillsctl` | ID tokens of a provider that is not ours |
//! | `skillmeat` | a boxed prompt, personal tokens, a keyring or a file |
//! | `local` | a server where nobody has to sign in, and what becomes of it |
//! | `outside` | a server that takes the ID tokens of a provider elsewhere |
//! | `registry` | an API that says where to sign in |
//! | `elsewhere` | signing in at a provider that is not ours |
//! | `pages` | what a server's pages say in a brand |
//! | `own` | a tool that was not compiled: `--brand`, `brand new`, `brand check` |

mod elsewhere;
mod local;
mod outside;
mod own;
mod pages;
mod rbtk;
mod registry;
mod scion;
mod sciontool;
mod scitoolkit;
mod shop;
mod skillmeat;
mod skillsctl;
