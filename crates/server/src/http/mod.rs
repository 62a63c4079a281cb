//! What every endpoint and page needs from HTTP, once.
//!
//! | module | what |
//! |---|---|
//! | [`peer`] | who is at the other end, through named proxies |
//! | [`cookie`] | the session cookie: read, set, clear |
//! | [`same_origin`] | posts from other sites are refused |
//! | [`form`] | form bodies: type, size, time, parameters |
//! | `audience` | who is being answered, and so in which form |
//! | [`failure`] | the store cannot be asked, or something of ours is broken |
//! | `host` | which host a request is for, said once |
//! | [`headers`] | the security headers of every answer |
//! | [`transport`] | TLS everywhere except loopback |

mod audience;
pub mod cookie;
pub mod failure;
pub mod form;
pub mod headers;
pub(crate) mod host;
pub mod peer;
pub mod same_origin;
pub mod transport;

pub(crate) use audience::Audience;
pub use cookie::{SessionCookie, Visitor};
pub use form::{Form, FormError};
pub use peer::Peer;
