//! What is bound to a statement: four types and null, on both engines.

use std::borrow::Cow;

use hallpass_core::dpop::Thumbprint;
use hallpass_core::id::{
    AgentId, ApprovalId, AuditId, AuditKeyId, DeviceId, GrantId, InvitationId, JobId, MailId,
    OrgId, ProjectId, ResourceId, SessionId, SigningKeyId, TokenId, TrustDeniedId, TrustId, UserId,
};
use hallpass_core::pkce::Challenge;
use hallpass_core::role::ProjectRole;
use hallpass_core::{Digest, Scope, Timestamp};

/// A bound value.
#[derive(Clone)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Bool(bool),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
}

impl std::fmt::Debug for Value<'_> {
    /// Its type alone: values are nobody's business.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int(…)",
            Self::Bool(_) => "Bool(…)",
            Self::Text(_) => "Text(…)",
            Self::Bytes(_) => "Bytes(…)",
        })
    }
}

/// What can be bound.
pub(crate) trait Bind {
    fn bind(&self) -> Value<'_>;
}

/// `binds![digest, by.at]`: the values of `$1`, `$2`, ….
macro_rules! binds {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Bind::bind(&$value)),*] };
}
pub(crate) use binds;

impl Bind for i64 {
    fn bind(&self) -> Value<'_> {
        Value::Int(*self)
    }
}

impl Bind for u32 {
    fn bind(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }
}

impl Bind for bool {
    fn bind(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}

impl Bind for str {
    /// PostgreSQL has no NUL in a text; both engines keep U+FFFD in its place, so that
    /// they agree and a hostile header is no server error.
    fn bind(&self) -> Value<'_> {
        if self.as_bytes().contains(&0) {
            Value::Text(Cow::Owned(kept(self)))
        } else {
            Value::Text(Cow::Borrowed(self))
        }
    }
}

/// A text as it is read again once it was kept.
pub(crate) fn kept(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

impl Bind for String {
    fn bind(&self) -> Value<'_> {
        self.as_str().bind()
    }
}

impl Bind for [u8] {
    fn bind(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Bind for Vec<u8> {
    fn bind(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Bind for Digest {
    fn bind(&self) -> Value<'_> {
        Value::Bytes(self.as_bytes())
    }
}

impl Bind for Timestamp {
    fn bind(&self) -> Value<'_> {
        Value::Int(self.millis())
    }
}

impl Bind for Scope {
    fn bind(&self) -> Value<'_> {
        Value::Text(Cow::Owned(self.to_string()))
    }
}

impl Bind for Challenge {
    fn bind(&self) -> Value<'_> {
        self.as_str().bind()
    }
}

impl Bind for Thumbprint {
    fn bind(&self) -> Value<'_> {
        Value::Text(Cow::Owned(self.to_string()))
    }
}

/// A list of texts, kept as JSON.
impl Bind for Vec<String> {
    fn bind(&self) -> Value<'_> {
        let json = serde_json::Value::from(self.as_slice()).to_string();
        Value::Text(Cow::Owned(json))
    }
}

/// A list of ids, kept as JSON.
impl Bind for Vec<ProjectId> {
    fn bind(&self) -> Value<'_> {
        let texts: Vec<_> = self.iter().map(ProjectId::to_string).collect();
        Value::Text(Cow::Owned(serde_json::Value::from(texts).to_string()))
    }
}

impl Bind for ProjectRole {
    fn bind(&self) -> Value<'_> {
        self.as_str().bind()
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    fn bind(&self) -> Value<'_> {
        (**self).bind()
    }
}

impl<T: Bind> Bind for Option<T> {
    fn bind(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Bind::bind)
    }
}

macro_rules! ids {
    ($($id:ty),*) => {$(
        impl Bind for $id {
            fn bind(&self) -> Value<'_> {
                Value::Text(Cow::Owned(self.to_string()))
            }
        }
    )*};
}
ids!(
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
    ProjectId,
    ResourceId,
    SessionId,
    SigningKeyId,
    TokenId,
    TrustDeniedId,
    TrustId,
    UserId
);
