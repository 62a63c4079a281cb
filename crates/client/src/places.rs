//! Organizations, projects, members and invitations at `/api/v1/orgs`.
//!
//! A place is named `ORG`, or `ORG/PROJECT`. The link of an invitation is in exactly one answer,
//! of [`Session::invite`], and is kept nowhere.

use hallpass_core::wire::path;
use hallpass_core::wire::tokens::{
    CreatedInvitation, Invitation, Member, NewInvitation, NewPlace, Org, PlaceChange, Project,
    SetRole, TransferOrg, TransferProject,
};

use crate::Error;
use crate::session::{Session, path_segment};

impl Session {
    /// `GET /api/v1/orgs`: those that one has a role in, or the archived ones that one could
    /// bring back.
    pub fn organizations(&self, archived: bool) -> Result<Vec<Org>, Error> {
        self.read_all(path::ORGS, if archived { &[("archived", "true")] } else { &[] })
    }

    /// `GET /api/v1/orgs/{org}/projects`, all pages; archived ones likewise.
    pub fn projects(&self, org: &str, archived: bool) -> Result<Vec<Project>, Error> {
        let query: &[_] = if archived { &[("archived", "true")] } else { &[] };
        self.read_all(&format!("{}/projects", address(org)), query)
    }

    /// `GET /api/v1/orgs/{org}`.
    pub fn organization(&self, org: &str) -> Result<Org, Error> {
        self.send("GET", &address(org), None::<&()>)?.json_of()
    }

    /// `POST /api/v1/orgs`.
    pub fn create_org(&self, slug: &str, name: Option<&str>) -> Result<Org, Error> {
        self.send("POST", path::ORGS, Some(&new(slug, name)))?.json_of()
    }

    /// `POST /api/v1/orgs/{org}/projects`.
    pub fn create_project(
        &self,
        org: &str,
        slug: &str,
        name: Option<&str>,
    ) -> Result<Project, Error> {
        let path = format!("{}/projects", address(org));
        self.send("POST", &path, Some(&new(slug, name)))?.json_of()
    }

    /// `PATCH` of an organization.
    pub fn change_org(&self, org: &str, change: &PlaceChange) -> Result<Org, Error> {
        self.send("PATCH", &address(org), Some(change))?.json_of()
    }

    /// `PATCH` of a project.
    pub fn change_project(&self, place: &str, change: &PlaceChange) -> Result<Project, Error> {
        self.send("PATCH", &address(place), Some(change))?.json_of()
    }

    /// `POST …/archive`: nobody has any rights there when this returns.
    pub fn archive(&self, place: &str) -> Result<(), Error> {
        self.send("POST", &format!("{}/archive", address(place)), None::<&()>).map(drop)
    }

    /// `POST …/unarchive`.
    pub fn unarchive(&self, place: &str) -> Result<(), Error> {
        self.send("POST", &format!("{}/unarchive", address(place)), None::<&()>).map(drop)
    }

    /// `POST /api/v1/orgs/{org}/transfer`: a member is its owner in one's own place.
    pub fn transfer_org(&self, org: &str, user: &str) -> Result<(), Error> {
        let body = TransferOrg { user: user.to_owned() };
        self.send("POST", &format!("{}/transfer", address(org)), Some(&body)).map(drop)
    }

    /// `POST …/projects/{project}/transfer`: it is another organization's.
    pub fn transfer_project(&self, place: &str, org: &str) -> Result<Project, Error> {
        let body = TransferProject { org: org.to_owned() };
        self.send("POST", &format!("{}/transfer", address(place)), Some(&body))?.json_of()
    }

    /// `GET …/members`, all pages.
    pub fn members(&self, place: &str) -> Result<Vec<Member<String>>, Error> {
        self.read_all(&format!("{}/members", address(place)), &[])
    }

    /// `PUT …/members/{user}`.
    pub fn set_member(&self, place: &str, user: &str, role: &str) -> Result<Member<String>, Error> {
        let path = format!("{}/members/{}", address(place), path_segment(user));
        self.send("PUT", &path, Some(&SetRole { role: role.to_owned() }))?.json_of()
    }

    /// `DELETE …/members/{user}`; `keys` says what becomes of those that they made there:
    /// `keep` or `revoke`.
    pub fn remove_member(&self, place: &str, user: &str, keys: Option<&str>) -> Result<(), Error> {
        let keys = keys_made(keys);
        let path = format!("{}/members/{}{keys}", address(place), path_segment(user));
        self.send("DELETE", &path, None::<&()>).map(drop)
    }

    /// `DELETE …/membership`: one's own; `keys` as with [`Session::remove_member`].
    pub fn leave(&self, place: &str, keys: Option<&str>) -> Result<(), Error> {
        let path = format!("{}/membership{}", address(place), keys_made(keys));
        self.send("DELETE", &path, None::<&()>).map(drop)
    }

    /// `POST …/invitations`.
    pub fn invite(&self, place: &str, email: &str, role: &str) -> Result<CreatedInvitation, Error> {
        let new = NewInvitation { email: email.to_owned(), role: role.to_owned() };
        self.send("POST", &format!("{}/invitations", address(place)), Some(&new))?.json_of()
    }

    /// `GET …/invitations`, all pages.
    pub fn invitations(&self, place: &str) -> Result<Vec<Invitation>, Error> {
        self.read_all(&format!("{}/invitations", address(place)), &[])
    }

    /// `DELETE …/invitations/{id}`.
    pub fn revoke_invitation(&self, place: &str, id: &str) -> Result<(), Error> {
        let path = format!("{}/invitations/{}", address(place), path_segment(id));
        self.send("DELETE", &path, None::<&()>).map(drop)
    }
}

fn keys_made(keys: Option<&str>) -> String {
    keys.map(|keys| format!("?keys={}", path_segment(keys))).unwrap_or_default()
}

fn new(slug: &str, name: Option<&str>) -> NewPlace {
    NewPlace { slug: slug.to_owned(), name: name.map(str::to_owned) }
}

/// Of `ORG`, or of `ORG/PROJECT`.
fn address(place: &str) -> String {
    match place.split_once('/') {
        None => format!("{}/{}", path::ORGS, path_segment(place)),
        Some((org, project)) => {
            let (org, project) = (path_segment(org), path_segment(project));
            format!("{}/{org}/projects/{project}", path::ORGS)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_or_two_segments_of_the_path_whatever_is_in_it() {
        assert_eq!(address("lab"), "/api/v1/orgs/lab");
        assert_eq!(address("lab/tools"), "/api/v1/orgs/lab/projects/tools");
        assert_eq!(address("../x"), "/api/v1/orgs/%2E%2E/projects/x");
        assert_eq!(address("a/b/../c"), "/api/v1/orgs/a/projects/b%2F%2E%2E%2Fc");
    }
}
