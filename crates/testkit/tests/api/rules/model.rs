//! The rules as one can hold them in one's head: who has which role, and what follows.
//!
//! Nothing here is fast, and nothing is shared with the server but the words for roles. A
//! change says beforehand whether it is allowed, and is then made by whoever calls.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_core::role::{OrgRole, ProjectRole};

/// People and organizations by number, projects by organization and number.
pub(crate) type PersonNo = usize;
pub(crate) type OrgNo = usize;
pub(crate) type ProjectNo = (OrgNo, usize);

/// What the documentation says that roles may do (docs/configuration.md), lowest role first.
const IN_ORG: [(OrgRole, &[&str]); 3] = [
    (OrgRole::Member, &["org:read"]),
    (OrgRole::Admin, &["projects:create", "members:manage", "keys:manage"]),
    (OrgRole::Owner, &["org:manage", "billing:manage"]),
];
const IN_PROJECT: [(ProjectRole, &[&str]); 3] = [
    (ProjectRole::Viewer, &["project:read"]),
    (ProjectRole::Collaborator, &["project:publish"]),
    (ProjectRole::Owner, &["members:manage", "keys:manage", "tokens:manage", "settings:manage"]),
];
/// All of them, and one that nobody has.
pub(crate) const PERMISSIONS: [&str; 11] = [
    "org:read",
    "projects:create",
    "members:manage",
    "keys:manage",
    "org:manage",
    "billing:manage",
    "project:read",
    "project:publish",
    "tokens:manage",
    "settings:manage",
    "results:read",
];

/// A place to ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Where {
    Org(OrgNo),
    Project(ProjectNo),
}

/// Who acts with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// With a personal token.
    Person(PersonNo),
    /// With a key of a project: a collaborator in it, and nobody elsewhere.
    ProjectKey(ProjectNo),
    /// With a key of an organization: an admin of it.
    OrgKey(OrgNo),
}

/// A personal token, or a key.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) holder: Holder,
    /// Empty: not narrowed.
    pub(crate) scope: BTreeSet<&'static str>,
    pub(crate) revoked: bool,
}

/// Whether a change is to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    /// Refused, and the place may be known to be there.
    Refused,
    /// Refused as if there were no such place.
    Hidden,
    /// The credential itself is refused.
    Unknown,
}

/// Everything that decides.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) disabled: BTreeSet<PersonNo>,
    pub(crate) orgs: BTreeSet<OrgNo>,
    pub(crate) projects: BTreeSet<ProjectNo>,
    pub(crate) in_org: BTreeMap<(PersonNo, OrgNo), OrgRole>,
    pub(crate) in_project: BTreeMap<(PersonNo, ProjectNo), ProjectRole>,
    pub(crate) archived: BTreeSet<Where>,
    pub(crate) tokens: Vec<Token>,
}

impl Model {
    fn org_role(&self, who: Holder, org: OrgNo) -> Option<OrgRole> {
        match who {
            Holder::Person(who) => self.in_org.get(&(who, org)).copied(),
            Holder::OrgKey(its) => (its == org).then_some(OrgRole::Admin),
            Holder::ProjectKey(_) => None,
        }
    }

    /// The role in a project: given there, or that of an owner who owns or administers the
    /// organization.
    fn project_role(&self, who: Holder, at: ProjectNo) -> Option<ProjectRole> {
        if let Some(OrgRole::Admin | OrgRole::Owner) = self.org_role(who, at.0) {
            return Some(ProjectRole::Owner);
        }
        match who {
            Holder::Person(who) => self.in_project.get(&(who, at)).copied(),
            Holder::ProjectKey(its) => (its == at).then_some(ProjectRole::Collaborator),
            Holder::OrgKey(_) => None,
        }
    }

    /// Whether a place is there and not archived.
    pub(crate) fn is_open(&self, at: Where) -> bool {
        let archived = |at| self.archived.contains(&at);
        match at {
            Where::Org(_) => !archived(at),
            Where::Project(project) => {
                self.projects.contains(&project)
                    && !archived(at)
                    && !archived(Where::Org(project.0))
            }
        }
    }

    /// What somebody's role allows at a place, whether it is archived or not.
    fn role_allows(&self, who: Holder, at: Where) -> Option<BTreeSet<&'static str>> {
        match at {
            Where::Org(org) => self.org_role(who, org).map(|role| all_upto(&IN_ORG, role)),
            Where::Project(at) => {
                self.project_role(who, at).map(|role| all_upto(&IN_PROJECT, role))
            }
        }
    }

    /// Whether the credential is good at all. Disabling somebody revokes theirs; a key is worth
    /// nothing without its place.
    pub(crate) fn is_good(&self, token: &Token) -> bool {
        let placed = match token.holder {
            Holder::Person(_) => true,
            Holder::ProjectKey(at) => self.is_open(Where::Project(at)),
            Holder::OrgKey(org) => self.is_open(Where::Org(org)),
        };
        placed && !token.revoked
    }

    /// What the bearer of a good token may do at a place; `None`: there is no such place for
    /// them.
    pub(crate) fn may(&self, token: &Token, at: Where) -> Option<BTreeSet<&'static str>> {
        self.would(token, at).filter(|_| self.is_open(at))
    }

    /// The same as if the place were open.
    fn would(&self, token: &Token, at: Where) -> Option<BTreeSet<&'static str>> {
        let theirs = self.role_allows(token.holder, at)?;
        let scoped = |it: &&'static str| token.scope.is_empty() || token.scope.contains(it);
        Some(theirs.into_iter().filter(scoped).collect())
    }

    /// Whether the bearer may do what `permission` is needed for.
    fn needs(&self, token: &Token, at: Where, permission: &str) -> Verdict {
        match self.may(token, at) {
            _ if !self.is_good(token) => Verdict::Unknown,
            None => Verdict::Hidden,
            Some(theirs) if !theirs.contains(permission) => Verdict::Refused,
            Some(_) => Verdict::Allowed,
        }
    }

    pub(crate) fn makes_project(&self, token: &Token, at: ProjectNo) -> Verdict {
        let known = self.projects.contains(&at);
        match self.needs(token, Where::Org(at.0), "projects:create") {
            Verdict::Allowed if known => Verdict::Refused,
            verdict => verdict,
        }
    }

    /// Somebody is given a role in an organization, or (`None`) loses theirs.
    pub(crate) fn sets_org_role(
        &self,
        token: &Token,
        org: OrgNo,
        whom: PersonNo,
        role: Option<OrgRole>,
    ) -> Verdict {
        let verdict = self.needs(token, Where::Org(org), "members:manage");
        let own = self.org_role(token.holder, org);
        let theirs = self.in_org.get(&(whom, org)).copied();
        let refused = match role {
            Some(role) => own < Some(role) || self.disabled.contains(&whom),
            None => theirs.is_none(),
        };
        let last = theirs == Some(OrgRole::Owner)
            && role != Some(OrgRole::Owner)
            && !self.owners(org).any(|owner| owner != whom);
        match verdict {
            Verdict::Allowed if refused || own < theirs || last => Verdict::Refused,
            verdict => verdict,
        }
    }

    /// The same in a project.
    pub(crate) fn sets_project_role(
        &self,
        token: &Token,
        at: ProjectNo,
        whom: PersonNo,
        role: Option<ProjectRole>,
    ) -> Verdict {
        let verdict = self.needs(token, Where::Project(at), "members:manage");
        let own = self.project_role(token.holder, at);
        let theirs = self.in_project.get(&(whom, at)).copied();
        let refused = match role {
            Some(role) => own < Some(role) || self.disabled.contains(&whom),
            None => theirs.is_none(),
        };
        match verdict {
            Verdict::Allowed if refused || own < theirs => Verdict::Refused,
            verdict => verdict,
        }
    }

    /// A place is archived, or brought back.
    pub(crate) fn archives(&self, token: &Token, at: Where) -> Verdict {
        let permission = match at {
            Where::Org(_) => "org:manage",
            Where::Project(_) => "settings:manage",
        };
        // A project of an archived organization comes back with it.
        let around = match at {
            Where::Org(_) => true,
            Where::Project(project) => {
                self.projects.contains(&project) && self.is_open(Where::Org(project.0))
            }
        };
        match self.would(token, at).filter(|_| around) {
            _ if !self.is_good(token) => Verdict::Unknown,
            None => Verdict::Hidden,
            // Who could not bring it back is not told that it is there.
            Some(theirs) if !theirs.contains(permission) && !self.is_open(at) => Verdict::Hidden,
            Some(theirs) if !theirs.contains(permission) => Verdict::Refused,
            // What is archived is among one's account, which a narrowed token does not have.
            Some(_) if !self.is_open(at) && !token.scope.is_empty() => Verdict::Refused,
            Some(_) => Verdict::Allowed,
        }
    }

    pub(crate) fn makes_key(&self, token: &Token, at: Where) -> Verdict {
        self.needs(token, at, "keys:manage")
    }

    /// Those who own an organization and can act for it.
    pub(crate) fn owners(&self, org: OrgNo) -> impl Iterator<Item = PersonNo> {
        let owner = move |((who, at), role): (&(PersonNo, OrgNo), &OrgRole)| {
            (*at == org && *role == OrgRole::Owner).then_some(*who)
        };
        self.in_org.iter().filter_map(owner).filter(|who| !self.disabled.contains(who))
    }
}

/// What a role may do: what it adds, and what all below it have.
fn all_upto<R: Copy + PartialOrd>(
    table: &[(R, &'static [&'static str])],
    role: R,
) -> BTreeSet<&'static str> {
    let below = table.iter().filter(|(one, _)| *one <= role);
    below.flat_map(|(_, adds)| adds.iter().copied()).collect()
}
