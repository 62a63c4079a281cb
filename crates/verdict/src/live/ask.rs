//! What is asked about a credential.

/// What is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The resource (RFC 8707) that the credential must be made out for. Only JWTs are made
    /// out for one; every other credential is good at any resource of the deployment.
    pub resource: Option<&'a str>,
    /// Where something is to be done.
    pub place: Option<PlaceAsked<'a>>,
}

/// A place, each part as a slug or as an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceAsked<'a> {
    /// An organization.
    Org(&'a str),
    /// A project in an organization.
    Project {
        /// The organization.
        org: &'a str,
        /// The project; it must be in `org`.
        project: &'a str,
    },
}

impl<'a> PlaceAsked<'a> {
    /// Reads `ORG/PROJECT`.
    pub fn project(text: &'a str) -> Option<Self> {
        let (org, project) = text.split_once('/')?;
        let whole = !org.is_empty() && !project.is_empty() && !project.contains('/');
        whole.then_some(Self::Project { org, project })
    }

    /// Reads `ORG`.
    pub fn org(text: &'a str) -> Option<Self> {
        (!text.is_empty() && !text.contains('/')).then_some(Self::Org(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_shape() {
        let both = Some(PlaceAsked::Project { org: "lab", project: "tools" });
        assert_eq!(PlaceAsked::project("lab/tools"), both);
        for bad in ["", "/", "lab", "lab/", "/tools", "lab/tools/", "a/b/c"] {
            assert_eq!(PlaceAsked::project(bad), None, "{bad:?}");
        }
        assert_eq!(PlaceAsked::org("lab"), Some(PlaceAsked::Org("lab")));
        assert_eq!(PlaceAsked::org("lab/tools"), None);
        assert_eq!(PlaceAsked::org(""), None);
    }
}
