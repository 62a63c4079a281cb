//! Trust in outside identities: policies made, listed and ended, and denied exchanges explained.

use hallpass_core::trust::Changed;
use hallpass_core::wire::path;
use hallpass_core::wire::trust::{
    DeniedExchange, DeniedExplained, NewTrustPolicy, TrustExchange, TrustPolicy,
};

use crate::Error;
use crate::keys::Place;
use crate::session::{Session, path_segment};

/// Policies, each by its id.
const TRUST: &str = "/api/v1/trust";

impl Session {
    /// The policies of a place, all pages.
    pub fn trust(&self, place: Place<'_>) -> Result<Vec<TrustPolicy>, Error> {
        self.read_all(&trust_of(place), &[])
    }

    /// Makes a policy for a project. Asked twice, it makes two; so nothing here asks twice.
    ///
    /// # Errors
    /// [`Error::Problem`] with the code
    /// [`DANGEROUS`](hallpass_core::wire::trust::DANGEROUS) if it is, and that was not accepted.
    pub fn add_trust(
        &self,
        place: Place<'_>,
        policy: &NewTrustPolicy,
    ) -> Result<TrustPolicy, Error> {
        self.send("POST", &trust_of(place), Some(policy))?.json_of()
    }

    /// `GET /api/v1/trust/{id}`.
    pub fn trust_policy(&self, id: &str) -> Result<TrustPolicy, Error> {
        self.send("GET", &address(id), None::<&()>)?.json_of()
    }

    /// `DELETE /api/v1/trust/{id}`: every pass of it is over when this returns.
    pub fn remove_trust(&self, id: &str) -> Result<(), Error> {
        self.send("DELETE", &address(id), None::<&()>).map(drop)
    }

    /// `POST /api/v1/trust/{id}/repin`: a name goes with another id from now on, and every pass of
    /// the policy is over when this returns.
    pub fn repin_trust(&self, id: &str, changed: &Changed) -> Result<TrustPolicy, Error> {
        self.send("POST", &format!("{}/repin", address(id)), Some(changed))?.json_of()
    }

    /// Exchanges that were denied, all pages.
    pub fn denied(&self, place: Place<'_>) -> Result<Vec<DeniedExchange>, Error> {
        self.read_all(&format!("{}/denied", trust_of(place)), &[])
    }

    /// Exchanges that were let in, all pages.
    pub fn exchanges(&self, place: Place<'_>) -> Result<Vec<TrustExchange>, Error> {
        self.read_all(&format!("{}/exchanges", trust_of(place)), &[])
    }

    /// One denied exchange, with each policy and each condition.
    pub fn denied_explained(&self, id: &str) -> Result<DeniedExplained, Error> {
        let address = format!("{TRUST}/denied/{}", path_segment(id));
        self.send("GET", &address, None::<&()>)?.json_of()
    }
}

fn trust_of(place: Place<'_>) -> String {
    let org = path_segment(place.org);
    match place.project {
        None => format!("{}/{org}/trust", path::ORGS),
        Some(project) => format!("{}/{org}/projects/{}/trust", path::ORGS, path_segment(project)),
    }
}

fn address(id: &str) -> String {
    format!("{TRUST}/{}", path_segment(id))
}
