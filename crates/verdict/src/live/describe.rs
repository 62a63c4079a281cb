//! The image as text, to compare two of them.

use hallpass_core::Timestamp;

use super::Live;
use super::image::Image;
use super::terms::Bound;

impl Live {
    /// Everything that is known and not over at `now`, one line for each fact, sorted. Two
    /// images that answer alike read alike. No secret is in it.
    pub fn describe(&self, now: Timestamp) -> Vec<String> {
        let image = &self.read().image;
        let mut lines: Vec<String> = people(image)
            .chain(places(image))
            .chain(clients(image, now))
            .chain(credentials(image, now))
            .collect();
        lines.sort_unstable();
        lines
    }
}

fn people(image: &Image) -> impl Iterator<Item = String> {
    image.people.iter().flat_map(|row| {
        // A key is told with its credential, and is gone with it.
        let person = row.who.as_ref().filter(|who| who.user().is_some());
        let who = person.map(|who| format!("{who:?} disabled={}", row.disabled));
        let orgs = row.orgs().iter().map(|(org, role)| {
            let org = image.places.org_at(*org).map(|org| org.id);
            format!("{:?} is {role:?} in {org:?}", row.id)
        });
        let projects = row.projects().iter().map(|(project, role)| {
            let project = image.places.project_at(*project).map(|project| project.id);
            format!("{:?} is {role:?} in {project:?}", row.id)
        });
        who.into_iter().chain(orgs).chain(projects)
    })
}

fn places(image: &Image) -> impl Iterator<Item = String> {
    let orgs = image.places.orgs().filter_map(|org| {
        let slug = org.slug.as_ref()?;
        Some(format!("{:?} {slug} disabled={}", org.id, org.disabled))
    });
    let projects = image.places.projects().filter_map(|project| {
        let (org, slug) = project.named.as_ref()?;
        let org = image.places.org_at(*org).map(|org| org.id);
        Some(format!("{:?} {org:?}/{slug} disabled={}", project.id, project.disabled))
    });
    orgs.chain(projects)
}

fn clients(image: &Image, now: Timestamp) -> impl Iterator<Item = String> {
    let clients = image.clients.iter().map(|client| {
        let (secret, mut resources) = (client.secret, client.resources.to_vec());
        resources.sort_unstable();
        let (id, disabled) = (&client.id, client.disabled);
        format!("client {id} {secret:?} {resources:?} disabled={disabled}")
    });
    let live = image.grants.iter().filter(move |row| !row.is_over(now));
    let grants = live.map(|row| {
        let grant = &row.rest;
        let user = image.people.get(grant.user).map(|row| row.id);
        let client = image.clients.get(grant.client).map(|row| &row.id);
        let terms = image.book.get(grant.terms);
        let scope = terms.map(|terms| terms.scoped.scope.to_string());
        let bound = terms.and_then(|terms| terms.made.bound).map(|it| bound_to(image, it));
        let (id, ends) = (hallpass_core::id::GrantId::from_bits(row.key.bits()), row.ends());
        format!("{id} of {user:?} for {client:?}: {scope:?} {bound:?} until {ends:?}")
    });
    let revoked = image.clients.revoked().filter(move |(_, until)| now < **until);
    clients.chain(grants).chain(revoked.map(|(jti, until)| format!("{jti} revoked until {until}")))
}

fn credentials(image: &Image, now: Timestamp) -> impl Iterator<Item = String> {
    let live = image.tokens.iter().filter(move |row| !row.is_over(now));
    live.map(|row| {
        let token = &row.rest;
        let principal = image.people.get(token.principal);
        let name = principal.and_then(|row| row.who.as_ref()).filter(|who| who.user().is_none());
        let (name, principal) = (name.map(|who| who.name()), principal.map(|row| row.id));
        let made = image.book.get(token.terms).map(|terms| {
            let id = |slot| image.places.project_at(slot).map(|project| project.id);
            let mut projects: Vec<_> = terms.made.projects.iter().map(|slot| id(*slot)).collect();
            projects.sort_unstable();
            let bound = terms.made.bound.map(|bound| bound_to(image, bound));
            let scope = terms.made.scope.as_ref().map(ToString::to_string);
            format!("{:?} {scope:?} {projects:?} {bound:?}", terms.made.kind)
        });
        format!("{} of {principal:?} {name:?}: {made:?} until {:?}", token.id(), row.ends())
    })
}

fn bound_to(image: &Image, bound: Bound) -> String {
    match bound {
        Bound::Project(slot, role) => {
            format!("{:?} {role:?}", image.places.project_at(slot).map(|project| project.id))
        }
        Bound::Org(slot, role) => {
            format!("{:?} {role:?}", image.places.org_at(slot).map(|org| org.id))
        }
    }
}
