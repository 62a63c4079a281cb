//! `/api/v1` and `/check`, as anybody on the network sees them.
//!
//! | module | what |
//! |---|---|
//! | [`agents`] | an agent's token on every route; trees of agents, and exchanges for children |
//! | [`approvals`] | an agent asks for one action, its owner decides, it is done once |
//! | [`books`] | the log: what leaves a row, what was denied; somebody who is disabled holds nothing |
//! | [`city`] | a server with people in every role, and what each presents |
//! | [`mail`] | who is told by mail what an administrator did; over TLS or not at all |
//! | [`matrix`] | every route × every role × one's own and foreign things |
//! | [`document`] | the OpenAPI document, and values against its schemas |
//! | [`places`] | roles, permissions of one's own, archives and moves, as an API sees them |
//! | [`random`] | requests by chance: nothing undocumented is answered, and no 5xx |
//! | [`rules`] | a small model of the rules, and a server that has to agree with it |
//! | [`desk`] | the leak desk, and GitHub's secret scanning |
//! | [`keys`] | keys of projects and organizations |
//! | [`trust`] | jobs exchange the token of their platform; attacks 14 to 26 at a real server |
//! | [`forward_auth`] | `/check` behind a real nginx |

mod agents;
mod approvals;
mod books;
mod city;
mod desk;
mod document;
mod forward_auth;
mod keys;
mod mail;
mod matrix;
mod places;
mod random;
mod rules;
mod trust;
