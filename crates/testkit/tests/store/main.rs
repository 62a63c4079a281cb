//! The store on real engines: conformance, faults, and what is PostgreSQL's own.

mod conformance;
mod full_disk;
mod postgres;

use hallpass_core::Clock as _;
use hallpass_core::id::AuditId;
use hallpass_store::By;
use hallpass_testkit::system::{RealClock, RealRandom};

/// Somebody who makes one change now.
fn by() -> By {
    By {
        id: AuditId::new(&RealClock, &RealRandom),
        at: RealClock.now(),
        actor: "system".to_owned(),
        client_id: None,
        address: None,
        letters: Vec::new(),
    }
}
