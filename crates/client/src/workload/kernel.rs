//! The kernel's keyring of the user: memory that no file holds, that ends with the machine, and
//! whose entries end by themselves.

#[cfg(target_os = "linux")]
use linux_keyutils::LinkNode;

use super::job::JobMemory;

/// The kernel's keyring, where there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelMemory;

#[cfg(target_os = "linux")]
impl JobMemory for KernelMemory {
    fn put(&self, name: &str, bytes: &[u8], seconds: u64) -> bool {
        let Some(ring) = linux::ring() else { return false };
        let Ok(key) = ring.add_key(name, bytes) else { return false };
        let limited = usize::try_from(seconds).ok().and_then(|s| key.set_timeout(s).ok());
        if limited.is_none() {
            // What would never end must not stay.
            let _ = key.invalidate();
        }
        limited.is_some()
    }

    fn find(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        let links = linux::ring().and_then(|ring| ring.get_links(linux::MOST).ok());
        let keys = links.iter().flat_map(|links| links.iter()).filter_map(LinkNode::as_key);
        keys.filter_map(|key| {
            let name = key.metadata().ok()?.get_description().to_owned();
            let bytes = name.starts_with(prefix).then(|| key.read_to_vec().ok())??;
            Some((name, bytes))
        })
        .collect()
    }

    fn remove(&self, name: &str) {
        if let Some(key) = linux::ring().and_then(|ring| ring.search(name).ok()) {
            let _ = key.invalidate();
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl JobMemory for KernelMemory {
    fn put(&self, _: &str, _: &[u8], _: u64) -> bool {
        false
    }

    fn find(&self, _: &str) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }

    fn remove(&self, _: &str) {}
}

#[cfg(target_os = "linux")]
mod linux {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};

    /// More keys than anybody may have (`/proc/sys/kernel/keys/root_maxkeys`): the list is read
    /// in one piece.
    pub(super) const MOST: usize = 1 << 20;

    /// The user's keyring. Steps of a job need not share a session, and what is in no keyring of
    /// a process cannot be read by it (keyrings(7), "Possession"): so it is linked to the
    /// process's own, which ends with the process.
    pub(super) fn ring() -> Option<KeyRing> {
        let process = KeyRing::from_special_id(KeyRingIdentifier::Process, true).ok()?;
        let user = KeyRing::from_special_id(KeyRingIdentifier::User, true).ok()?;
        process.link_keyring(user).ok()?;
        Some(user)
    }
}
