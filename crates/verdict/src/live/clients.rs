//! Clients, the grants that they hold, and the JWTs that were revoked one by one.

use std::collections::HashMap;
use std::sync::Arc;

use hallpass_core::{Digest, Timestamp};

use super::fact;
use super::slab::{Slab, Slot};

/// A confidential client that has proved who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its `client_id`.
    pub id: Arc<str>,
    /// The resources that it may introspect tokens for.
    pub resources: Arc<[String]>,
}

/// A client. It is there as soon as anything was heard of it, a grant for example.
pub(super) struct Row {
    pub(super) id: Arc<str>,
    /// Whether more than its id was heard.
    known: bool,
    pub(super) secret: Option<Digest>,
    pub(super) resources: Arc<[String]>,
    pub(super) disabled: bool,
}

/// What stands behind the JWTs of one authorization; its key is its id.
#[derive(Clone, Copy)]
pub(super) struct Grant {
    pub(super) user: Slot,
    pub(super) client: Slot,
    /// Of these, its scope counts.
    pub(super) terms: Slot,
}

#[derive(Default)]
pub(super) struct Clients {
    rows: Slab<Row>,
    by_id: HashMap<Arc<str>, Slot>,
    revoked: HashMap<String, Timestamp>,
}

impl Clients {
    /// The number of a client that something was heard of.
    pub(super) fn slot(&mut self, id: &str) -> Slot {
        if let Some(slot) = self.by_id.get(id) {
            return *slot;
        }
        let (id, resources): (Arc<str>, _) = (id.into(), Arc::new([]));
        let row = Row { id: id.clone(), known: false, secret: None, resources, disabled: false };
        let slot = self.rows.insert(row);
        self.by_id.insert(id, slot);
        slot
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Row> {
        self.rows.get(slot).filter(|row| row.known)
    }

    pub(super) fn set(&mut self, client: fact::Client) {
        let slot = self.slot(&client.id);
        if let Some(row) = self.rows.get_mut(slot) {
            row.known = true;
            row.secret = client.secret;
            row.resources = client.resources.into();
            row.disabled = client.disabled;
        }
    }

    /// The caller that `secret` proves; `None` if it proves none.
    pub(super) fn caller(&self, id: &str, secret: &Digest) -> Option<Caller> {
        let row = self.get(*self.by_id.get(id)?)?;
        let proved = row.secret.as_ref() == Some(secret) && !row.disabled;
        proved.then(|| Caller { id: row.id.clone(), resources: row.resources.clone() })
    }

    pub(super) fn revoke(&mut self, jti: String, until: Timestamp) {
        self.revoked.insert(jti, until);
    }

    pub(super) fn is_revoked(&self, jti: &str) -> bool {
        self.revoked.contains_key(jti)
    }

    /// Forgets JWTs that have expired.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        self.revoked.retain(|_, until| now < *until);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.known)
    }

    pub(super) fn revoked(&self) -> impl Iterator<Item = (&String, &Timestamp)> {
        self.revoked.iter()
    }

    /// Bytes of its tables, without texts.
    pub(super) fn bytes(&self) -> usize {
        self.rows.bytes()
            + self.by_id.capacity() * size_of::<(Arc<str>, Slot)>()
            + self.revoked.capacity() * size_of::<(String, Timestamp)>()
    }
}
