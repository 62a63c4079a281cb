//! Exit codes. Scripts branch on them, so they never change their meaning.

use std::process::ExitCode;

/// What a command's end means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// 0: it worked, or the credential is usable.
    Usable,
    /// 1: something else went wrong.
    Other,
    /// 2: the command line cannot be understood or cannot be done like that.
    Usage,
    /// 3: nobody is signed in.
    NotSignedIn,
    /// 4: the server refused the credential.
    Rejected,
    /// 5: the server could not be asked.
    CannotVerify,
    /// 6: the sign-in, or what an agent asked for, was denied, or ran out.
    LoginEnded,
    /// 7: the credentials file or another store cannot be used.
    StoreUnavailable,
    /// 130: stopped with Ctrl-C (128 + SIGINT, as shells count).
    Interrupted,
    /// What another program that ran in our place ended with, or that it could not be run:
    /// 127 if it is not there, 126 if it cannot be (as shells count).
    Child(u8),
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Usable => 0,
            Self::Other => 1,
            Self::Usage => 2,
            Self::NotSignedIn => 3,
            Self::Rejected => 4,
            Self::CannotVerify => 5,
            Self::LoginEnded => 6,
            Self::StoreUnavailable => 7,
            Self::Interrupted => 130,
            Self::Child(code) => code,
        }
    }

    /// What a brand calls it, to give it another number.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::Other => "other",
            Self::Usage => "usage",
            Self::NotSignedIn => "not_signed_in",
            Self::Rejected => "rejected",
            Self::CannotVerify => "cannot_verify",
            Self::LoginEnded => "login_ended",
            Self::StoreUnavailable => "store_unavailable",
            Self::Interrupted => "interrupted",
            Self::Child(_) => "child",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}
