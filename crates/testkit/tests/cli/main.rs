//! The real command line against the real server, as processes: at pseudo-terminals and
//! without one.
//!
//! | module | what |
//! |---|---|
//! | `desk` | a server, Ada, her terminal, and the traps around it |
//! | `flow` | which flow is chosen, and what is launched (CLIENT group A) |
//! | `listener` | the loopback listener, seen from outside (group B) |
//! | `device` | signing in with a code (group C) |
//! | `status` | states, exit codes, JSON (group G) |
//! | `account` | `whoami`, `token`, `api`, `session` |
//! | `approvals` | `agent ask`, `agent approvals`: one exact action |
//! | `trees` | trees of agents: killed parents, a cut network, a disabled owner |
//! | `agents` | `agent`: programs as agents, their environment, killed brokers |
//! | `tokens` | `token`: personal tokens, and scripts that hold one |
//! | `keys` | `key`: keys of projects and organizations |
//! | `jobs` | CI jobs: GitHub, GitLab, and `trust` |
//! | `places` | `org`, `project`, `member`: a team from its beginning on |
//! | `logout` | `logout` (group K) |
//! | `keyring` | a real keyring: unlocked, locked, silent or absent (group D) |
//! | `bound` | sign-ins that are bound to a key, and copies of them |
//! | `trouble` | refreshes that are killed, cut off and slowed down (group E) |
//! | `together` | many processes with one expired token (group E) |
//! | `helpers` | `exec`, `credential`, `context`, `doctor`; the real git and cargo (groups H, I, L) |
//! | `git` | the real git with a bearer token; a helper that signs in at a terminal (group I) |
//! | `embed` | our commands in somebody else's tool |
//! | `provider` | signing in at an OpenID provider that is not ours |
//! | `operator` | `admin`, `demo`, `completions`, `man` |

mod account;
mod agents;
mod approvals;
mod bound;
mod desk;
mod device;
mod embed;
mod flow;
mod git;
mod helpers;
mod jobs;
mod keyring;
mod keys;
mod listener;
mod logout;
mod operator;
mod places;
mod provider;
mod status;
mod together;
mod tokens;
mod trees;
mod trouble;
