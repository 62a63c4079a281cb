//! Policies as they are kept, and as they are held against claims.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hallpass_core::id::OrgId;
use hallpass_core::trust::{self, Pin, Platform};
use hallpass_store::TrustPolicy;

/// A policy as it is kept, and as it is held against claims.
pub(super) struct Known {
    pub(super) kept: TrustPolicy,
    pub(super) policy: trust::Policy,
}

impl Known {
    /// `None`: it holds what we never wrote, and lets nobody in.
    pub(super) fn of(kept: TrustPolicy) -> Option<Self> {
        let conditions = serde_json::from_str(&kept.conditions).ok();
        let platform = Platform::from_name(&kept.platform);
        let (Some(conditions), Some(platform)) = (conditions, platform) else {
            tracing::error!(policy = %kept.id, "a policy cannot be read, and lets nobody in");
            return None;
        };
        let policy = trust::Policy {
            issuer: kept.issuer.clone(),
            platform,
            conditions,
            pins: kept.pins.clone(),
            org_pins: Arc::default(),
            pin_first_use: kept.pin_first_use,
            project: format!("{}/{}", kept.org_slug, kept.project_slug),
            permissions: kept.permissions.clone(),
            ttl: Duration::from_secs(kept.ttl_seconds.into()),
        };
        Some(Self { kept, policy })
    }

    /// All policies of an issuer, or of an organization, to be held against claims: the oldest
    /// first, which is what counts among equally near ones, and each with what the others pin.
    pub(super) fn all(kept: Vec<TrustPolicy>) -> Vec<Self> {
        let mut known: Vec<Self> = kept.into_iter().filter_map(Self::of).collect();
        known.sort_by_key(|it| it.kept.id);
        Self::share_pins(&mut known);
        known
    }

    /// Whether others of its organization go by what it pins: it has let somebody in. Anybody may
    /// type an id that nobody ever came with, and would shut out whom others mean.
    pub(super) fn counts_for_others(&self) -> bool {
        self.kept.last_used_at.is_some()
    }

    /// Says to each what is pinned in its organization for its issuer.
    pub(super) fn share_pins(known: &mut [Self]) {
        let mut pins: BTreeMap<(OrgId, String), Vec<Pin>> = BTreeMap::new();
        for it in known.iter().filter(|it| it.counts_for_others()) {
            let here = pins.entry((it.kept.org, it.policy.issuer.clone())).or_default();
            here.extend(it.policy.pins.iter().cloned());
        }
        let pins: BTreeMap<_, Arc<[Pin]>> =
            pins.into_iter().map(|(whose, pins)| (whose, pins.into())).collect();
        for it in known {
            let whose = (it.kept.org, it.policy.issuer.clone());
            it.policy.org_pins = pins.get(&whose).cloned().unwrap_or_default();
        }
    }

    pub(super) fn is_for(&self, project: Option<&str>) -> bool {
        project.is_none_or(|project| project == self.policy.project)
    }
}
