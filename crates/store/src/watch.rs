//! What committed changes mean to whoever keeps an image of the store in memory.
//!
//! A change tells its [`Effect`]s as it is made. Once it is committed, and before it is
//! answered, the [`Watcher`] is handed them, in the order of the commits. Those of a change
//! that was undone are dropped. If the change narrowed anybody's rights, the answer also waits
//! until the watcher says that nobody admits them any more.
//!
//! An image that begins with [`Store::watch`](crate::Store::watch), is filled from
//! [`Store::image`](crate::Store::image), and prefers what it was told meanwhile, is what the
//! store holds; the conformance suite rebuilds one over random histories. What is merely noted
//! (last used, last seen) is no effect.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use hallpass_core::id::{GrantId, OrgId, ProjectId, TokenId};
use hallpass_core::{Digest, Timestamp};

use crate::{Client, Credential, Grant, JobGrant, Membership, Org, Project, User};

/// What one committed change means.
#[allow(clippy::large_enum_variant, reason = "it is looked at once, where it is handed over")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A person was created or changed; disabled ones too.
    User(User),
    /// A client was created, changed or disabled, or may introspect for more.
    Client {
        /// The client, as it is now.
        client: Client,
        /// The URIs that it may introspect tokens for, sorted.
        resources: Vec<String>,
    },
    /// An organization was created or disabled.
    Org(Org),
    /// A project was created or disabled.
    Project(Project),
    /// Somebody has this role now.
    Member(Membership),
    /// Somebody has no role there any more.
    MemberGone {
        /// Who.
        principal: String,
        /// In which organization.
        org: OrgId,
        /// In which of its projects; `None`: in the organization itself.
        project: Option<ProjectId>,
    },
    /// A client was granted something. Grants of personal tokens are known by their token.
    Grant(Grant),
    /// A job was let in.
    Job(JobGrant),
    /// A client's grant has ended, or a job's.
    GrantEnded(GrantId),
    /// A credential was created or changed.
    Credential(Credential),
    /// A credential was revoked, or was tidied away long after it had expired.
    CredentialEnded {
        /// Which.
        id: TokenId,
        /// What it was found by.
        digest: Digest,
    },
    /// One JWT was revoked.
    JwtRevoked {
        /// Its `jti`.
        jti: String,
        /// When it expires by itself.
        until: Timestamp,
    },
    /// Somebody's rights were narrowed. Epochs are handed over in order; where one is missing,
    /// another process made it, or nobody could say what became of its commit.
    Epoch {
        /// The epoch that this is.
        epoch: i64,
        /// Ids: `tok_…`, `grt_…`, `job_…`, `usr_…`, `ses_…`, `prj_…`, `org_…`, `client:ID`, or a `jti`.
        subjects: Vec<String>,
    },
}

/// Whoever keeps an image of the store.
pub trait Watcher: Send + Sync + 'static {
    /// Is handed the effects of committed changes, in the order in which they were committed,
    /// before any of these changes is answered. With SQLite this runs on the thread that
    /// writes: it must be quick, must not panic, and must not use the store.
    fn committed(&self, effects: Vec<Effect>);

    /// Resolves once nobody admits any more what was narrowed up to `epoch`. Awaited before a
    /// change that narrowed something is answered, and before an answer that says that it had
    /// been narrowed already. It may be an epoch that was never handed over: then nobody may
    /// rely on what they know from before.
    fn settled(&self, epoch: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Who watches, if anybody does. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<OnceLock<Arc<dyn Watcher>>>);

impl Watch {
    /// Lets `watcher` watch, unless somebody does already.
    pub(crate) fn begin(&self, watcher: Arc<dyn Watcher>) -> bool {
        self.0.set(watcher).is_ok()
    }

    /// Hands over the effects of changes that are committed. Who begins to watch after this
    /// looked, reads what those changes left.
    pub(crate) fn committed(&self, effects: Vec<Effect>) {
        if let Some(watcher) = self.0.get()
            && !effects.is_empty()
        {
            watcher.committed(effects);
        }
    }

    /// Waits until what was narrowed up to `epoch` is not admitted any more.
    pub(crate) async fn settled(&self, epoch: i64) {
        if let Some(watcher) = self.0.get() {
            watcher.settled(epoch).await;
        }
    }
}

/// What a change has to tell once it is committed.
#[derive(Default)]
pub(crate) struct News {
    /// In the order in which they were made.
    pub(crate) effects: Vec<Effect>,
    /// The epoch whose settling its answer waits for.
    pub(crate) epoch: Option<i64>,
}
