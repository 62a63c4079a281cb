//! The one quiet navigation of an organization's pages.
//!
//! A page that is to stand in it has a row in [`TABS`], in the same change as its route, so
//! that no link leads nowhere. Whoever may not see a page has no link to it.

use hallpass_issuer::keys::KEYS_MANAGE;
use hallpass_issuer::orgs::{MEMBERS_MANAGE, ORG_MANAGE, Standing};

use super::super::views::Frame;

/// Who sees a page.
#[derive(Clone, Copy)]
enum For {
    /// Everybody with a role in the organization or in one of its projects.
    Everybody,
    /// Everybody with a role in the organization itself.
    Members,
    /// Those of them whose role there has this permission.
    Allowed(&'static str),
}

/// A page of an organization.
struct Tab {
    /// Its name in the navigation's ids, and in `here`.
    key: &'static str,
    label: &'static str,
    /// What stands behind `/orgs/{org}`.
    path: &'static str,
    who: For,
}

/// In the order of the navigation.
const TABS: [Tab; 6] = [
    Tab { key: "projects", label: "Projects", path: "", who: For::Everybody },
    Tab { key: "members", label: "Members", path: "/members", who: For::Members },
    Tab { key: "keys", label: "Keys", path: "/keys", who: For::Allowed(KEYS_MANAGE) },
    Tab { key: "trust", label: "Trust", path: "/trust", who: For::Allowed(KEYS_MANAGE) },
    Tab { key: "audit", label: "Log", path: "/audit", who: For::Allowed(MEMBERS_MANAGE) },
    Tab { key: "settings", label: "Settings", path: "/settings", who: For::Allowed(ORG_MANAGE) },
];

/// An entry of the navigation.
pub(in crate::web) struct Entry {
    pub(in crate::web) key: &'static str,
    label: &'static str,
    pub(in crate::web) href: String,
}

impl Entry {
    /// What it is called, in the brand's words.
    pub(in crate::web) fn label(&self, frame: &Frame) -> String {
        let page = format!("/settings/{}", self.key);
        frame.words.worded(frame.called_or(&page, self.label))
    }
}

/// The navigation, as `orgs/nav.html` shows it beside a `here`.
pub(in crate::web) struct Nav {
    pub(in crate::web) entries: Vec<Entry>,
}

impl Nav {
    /// For somebody who stands there.
    pub(in crate::web) fn of(standing: &Standing) -> Self {
        let slug = &standing.org.slug;
        let seen = TABS.iter().filter(|page| match page.who {
            For::Everybody => true,
            For::Members => standing.org.role.is_some(),
            For::Allowed(permission) => standing.may_in_org(permission),
        });
        let entry = |page: &Tab| Entry {
            key: page.key,
            label: page.label,
            href: format!("/orgs/{slug}{}", page.path),
        };
        Self { entries: seen.map(entry).collect() }
    }
}
