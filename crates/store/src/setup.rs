//! The one-time setup code, which makes the first administrator.

use hallpass_core::Digest;

use crate::store::Store;
use crate::{By, Error, NewUser};

/// What became of a setup code that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The first administrator now exists.
    Claimed,
    /// It is not the code.
    Wrong,
    /// There is a user already; no setup code is good any more.
    AlreadySetUp,
}

/// See [`Store::setup`].
#[derive(Clone, Copy)]
pub struct Setup<'s>(pub(crate) &'s Store);

impl Setup<'_> {
    /// Keeps `code` as the one setup code while there is no user; does nothing once
    /// there is one. Writes no audit row.
    pub async fn begin(&self, code: &Digest) -> Result<(), Error> {
        let _ = code;
        todo!()
    }

    /// Whether there is no user yet.
    pub async fn needed(&self) -> Result<bool, Error> {
        todo!()
    }

    /// Spends the setup code and creates the first user, who is an administrator
    /// whatever [`NewUser::admin`] says.
    pub async fn claim(&self, code: &Digest, new: NewUser, by: &By) -> Result<Claim, Error> {
        let _ = (code, new, by);
        todo!()
    }
}
