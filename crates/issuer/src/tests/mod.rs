//! The flows against a store in memory, with time and chance in hand.
//!
//! | module | what it proves |
//! |---|---|
//! | `agents` | trees of agents that are checked while they are stopped |
//! | `house`, `chance` | an issuer to test in, people, clients; time and dice |
//! | `redirects`, `consent`, `pkce`, `code` | groups A and B of the requirements |
//! | `clients`, `refresh` | group C |
//! | `device` | group D |
//! | `revoke`, `introspect`, `endings` | group E, and what ends what |
//! | `secrets` | what a wrong guess teaches |
//! | `keys`, `hostile`, `resources` | groups F and G |
//! | `federation` | the token of an outside issuer, brought again |
//! | `people` | who somebody is that an outside issuer signed in |
//! | `leaks`, `mail` | the leak desk, and letters |
//! | `project_keys` | keys of projects and organizations |
//! | `legacy`, `salted`, `mint` | tokens of an older system |
//! | `live`, `feed` | what is answered from memory, here and by guards elsewhere |
//! | `oidc`, `logout` | group I |
//! | `signin`, `sessions`, `setup` | people and their browsers |

mod agents;
pub(crate) mod chance;
mod clients;
mod code;
mod consent;
mod device;
mod endings;
mod federation;
mod feed;
mod hostile;
pub(crate) mod house;
mod introspect;
mod keys;
mod leaks;
mod legacy;
mod live;
mod logout;
pub(crate) mod mail;
mod mint;
mod oidc;
mod people;
mod pinned;
mod pkce;
mod project_keys;
mod redirects;
mod refresh;
mod resources;
mod revoke;
mod salted;
mod secrets;
mod sessions;
mod setup;
mod signin;
