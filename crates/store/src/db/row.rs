//! Reading a row, cell by cell in the order of the select list.

use std::str::FromStr;

use hallpass_core::dpop::Thumbprint;
use hallpass_core::id::{
    AgentId, ApprovalId, AuditId, AuditKeyId, DeviceId, GrantId, InvitationId, JobId, MailId,
    OrgId, ProjectId, ResourceId, SessionId, SigningKeyId, TokenId, TrustDeniedId, TrustId, UserId,
};
use hallpass_core::pkce::Challenge;
use hallpass_core::redirect::RegisteredRedirect;
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::{Digest, Scope, Timestamp};

use crate::Error;
use crate::{postgres, sqlite};

/// What one cell holds. SQLite has no booleans; there it is an integer.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'r> {
    Null,
    Int(i64),
    Bool(bool),
    Text(&'r str),
    Bytes(&'r [u8]),
}

/// A row, and how far it has been read.
pub(crate) struct Row<'r> {
    source: Source<'r>,
    next: usize,
}

enum Source<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    pub(crate) fn sqlite(row: &'r rusqlite::Row<'r>) -> Self {
        Self { source: Source::Sqlite(row), next: 0 }
    }

    pub(crate) fn postgres(row: &'r tokio_postgres::Row) -> Self {
        Self { source: Source::Postgres(row), next: 0 }
    }

    /// The next cell, as a `T`. A cell that is none was not written by hallpass.
    pub(crate) fn next<T: Column>(&mut self) -> Result<T, Error> {
        let at = self.next;
        self.next += 1;
        let cell = match self.source {
            Source::Sqlite(row) => sqlite::cell(row, at),
            Source::Postgres(row) => postgres::cell(row, at),
        };
        cell.and_then(T::read).ok_or_else(|| self.damaged(at))
    }

    /// Passes over cells.
    pub(crate) fn skip(&mut self, cells: usize) {
        self.next += cells;
    }

    #[cold]
    fn damaged(&self, at: usize) -> Error {
        let name = match self.source {
            Source::Sqlite(row) => row.as_ref().column_name(at).ok(),
            Source::Postgres(row) => row.columns().get(at).map(|column| column.name()),
        };
        let name = name.unwrap_or("?");
        Error::Corrupt { what: format!("column `{name}` holds what hallpass never wrote") }
    }
}

/// What a cell can be read as.
pub(crate) trait Column: Sized {
    fn read(cell: Cell<'_>) -> Option<Self>;
}

impl Column for i64 {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(number) => Some(number),
            _ => None,
        }
    }
}

impl Column for u32 {
    fn read(cell: Cell<'_>) -> Option<Self> {
        i64::read(cell)?.try_into().ok()
    }
}

impl Column for bool {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bool(truth) => Some(truth),
            Cell::Int(number @ (0 | 1)) => Some(number == 1),
            _ => None,
        }
    }
}

impl Column for String {
    fn read(cell: Cell<'_>) -> Option<Self> {
        text(cell).map(str::to_owned)
    }
}

impl Column for Vec<u8> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        bytes(cell).map(<[u8]>::to_vec)
    }
}

impl Column for Digest {
    fn read(cell: Cell<'_>) -> Option<Self> {
        bytes(cell)?.try_into().ok().map(Digest::from_bytes)
    }
}

impl Column for Timestamp {
    fn read(cell: Cell<'_>) -> Option<Self> {
        i64::read(cell).map(Timestamp::from_millis)
    }
}

impl Column for Thumbprint {
    fn read(cell: Cell<'_>) -> Option<Self> {
        Self::parse(text(cell)?).ok()
    }
}

impl Column for Challenge {
    fn read(cell: Cell<'_>) -> Option<Self> {
        Challenge::parse(text(cell)?).ok()
    }
}

impl Column for Vec<String> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        serde_json::from_str(text(cell)?).ok()
    }
}

impl Column for Vec<ProjectId> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        serde_json::from_str(text(cell)?).ok()
    }
}

impl Column for Vec<RegisteredRedirect> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        serde_json::from_str(text(cell)?).ok()
    }
}

impl<T: Column> Column for Option<T> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::read(cell).map(Some),
        }
    }
}

macro_rules! parsed {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn read(cell: Cell<'_>) -> Option<Self> {
                Self::from_str(text(cell)?).ok()
            }
        }
    )*};
}
parsed!(
    AgentId,
    ApprovalId,
    AuditId,
    AuditKeyId,
    DeviceId,
    GrantId,
    InvitationId,
    JobId,
    MailId,
    OrgId,
    OrgRole,
    ProjectId,
    ProjectRole,
    ResourceId,
    Scope,
    SessionId,
    SigningKeyId,
    TokenId,
    TrustDeniedId,
    TrustId,
    UserId
);

fn text(cell: Cell<'_>) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

fn bytes(cell: Cell<'_>) -> Option<&[u8]> {
    match cell {
        Cell::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}
