//! The protocol as anybody on the network sees it: a real server process, and requests.
//!
//! | module | requirements |
//! |---|---|
//! | [`authorization`] | A: the authorization endpoint, redirects, consent |
//! | [`codes`] | B: PKCE, redemption of codes |
//! | [`token_endpoint`] | C: the token endpoint, client authentication |
//! | [`refresh`] | C: refresh tokens |
//! | [`device`] | D: device authorization |
//! | [`dpop`] | tokens that are bound to a key, and their exchange |
//! | [`revocation`] | E: revocation and introspection |
//! | [`metadata`] | F: what is advertised, and keys |
//! | [`access_tokens`] | G: what is in a token, and where it is good |
//! | [`hostile_tokens`] | G: what is no token |
//! | [`openid`] | I: OpenID Connect |
//! | [`pages`] | headers and forms of the pages around all that |
//! | [`people`] | attacks on accounts, and crowds |

mod access_tokens;
mod authorization;
mod codes;
mod device;
mod dpop;
mod hostile_tokens;
mod metadata;
mod openid;
mod pages;
mod people;
mod refresh;
mod revocation;
mod token_endpoint;
