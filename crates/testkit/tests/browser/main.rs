//! Journeys in a real Chromium against the real server, with sign-ins that the real
//! command line has begun.
//!
//! | module | what |
//! |---|---|
//! | `scene` | a server, Ada, her browser, her terminal |
//! | `login` | signing a terminal in through the browser |
//! | `device` | signing a terminal in with a code |
//! | `tokens` | tokens for scripts: made, shown once, rotated, revoked |
//! | `agents` | agents, one and five hundred: a tree, and its switch |
//! | `approvals` | what agents ask their owner for: a yes, a no, a yes that is taken back |
//! | `keys` | keys of a project: minted, rotated, revoked |
//! | `acting` | an administrator acts for somebody else |
//! | `operating` | an administrator looks after the server, and its log |
//! | `older` | an older system's tokens, for the owners of their project |
//! | `orgs` | organizations: people invited, with an account and without; places that change |
//! | `tabs` | second tabs, the back button, sessions that end elsewhere |
//! | `local` | where nobody has to sign in, and who is not let near |
//! | `hostile` | other sites: posts, frames, links |
//! | `gallery` | a picture of every page, light and dark, narrow and wide |

mod acting;
mod agents;
mod approvals;
mod device;
mod gallery;
mod hostile;
mod keys;
mod local;
mod login;
mod older;
mod operating;
mod orgs;
mod scene;
mod tabs;
mod tokens;
mod trust;
