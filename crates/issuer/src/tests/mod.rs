//! The flows against a store in memory, with time and chance in hand.

pub(crate) mod chance;
mod code;
pub(crate) mod house;
mod pkce;
