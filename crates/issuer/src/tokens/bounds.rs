//! A token that a token makes never exceeds it (attack-29).
//!
//! What a token reaches is its scope, its projects and its time. A child has no more of any
//! of the three than its parent; what is not said is inherited, except for the right to make
//! tokens, which is only ever given by name.

use hallpass_core::id::ProjectId;
use hallpass_core::scope::TOKENS;
use hallpass_core::{Scope, Timestamp};

use super::TokenError;

/// What a token reaches, at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// `None`: everything that its owner may do.
    pub(crate) scope: Option<Scope>,
    /// Empty: all.
    pub(crate) projects: Vec<ProjectId>,
    /// `None`: it does not end by itself.
    pub(crate) expires_at: Option<Timestamp>,
}

impl Bounds {
    /// What a child gets that is wanted with `wanted`. `whole` is what no scope stands for.
    pub(crate) fn child(&self, mut wanted: Bounds, whole: &Scope) -> Result<Bounds, TokenError> {
        if let (None, Some(mine)) = (&wanted.scope, &self.scope) {
            let left: Scope = mine.iter().filter(|name| *name != TOKENS).collect();
            if left.is_empty() {
                return Err(exceeds("it can make tokens and nothing else; name the scope"));
            }
            wanted.scope = Some(left);
        }
        if wanted.projects.is_empty() {
            wanted.projects.clone_from(&self.projects);
        }
        wanted.expires_at = wanted.expires_at.or(self.expires_at);
        self.must_hold(&wanted, whole)?;
        Ok(wanted)
    }

    /// Refuses what reaches further than this.
    pub(crate) fn must_hold(&self, other: &Bounds, whole: &Scope) -> Result<(), TokenError> {
        let scope = match (&self.scope, &other.scope) {
            (None, None) => true,
            // Everything is more than any list: permissions may be added to it later.
            (Some(_), None) => false,
            (None, Some(theirs)) => theirs.is_subset(whole),
            (Some(mine), Some(theirs)) => theirs.is_subset(mine),
        };
        if !scope {
            return Err(exceeds("it has a narrower scope itself"));
        }
        let mine = &self.projects;
        let some = !other.projects.is_empty();
        let within = mine.is_empty() || some && other.projects.iter().all(|id| mine.contains(id));
        if !within {
            return Err(exceeds("it is narrowed to other projects itself"));
        }
        let in_time =
            self.expires_at.is_none_or(|mine| other.expires_at.is_some_and(|it| it <= mine));
        if !in_time { Err(exceeds("it ends earlier itself")) } else { Ok(()) }
    }
}

fn exceeds(why: &str) -> TokenError {
    TokenError::not_allowed(format!(
        "a token cannot make or keep alive one that exceeds it, and {why}; sign in to do this"
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 5] = ["account", "tokens", "project:read", "project:publish", "org:read"];

    fn scope() -> impl Strategy<Value = Option<Scope>> {
        let some = proptest::sample::subsequence(NAMES.to_vec(), 1..=NAMES.len());
        proptest::option::of(some.prop_map(|names| names.into_iter().collect()))
    }

    fn bounds() -> impl Strategy<Value = Bounds> {
        let ids = (1..5u128).map(ProjectId::from_bits).collect::<Vec<_>>();
        let projects = proptest::sample::subsequence(ids, 0..=4);
        let ends = proptest::option::of((0..9i64).prop_map(Timestamp::from_secs));
        (scope(), projects, ends).prop_map(|(scope, projects, expires_at)| Bounds {
            scope,
            projects,
            expires_at,
        })
    }

    fn effective(bounds: &Bounds, whole: &Scope) -> Scope {
        bounds.scope.clone().unwrap_or_else(|| whole.clone())
    }

    proptest! {
        // proves: attack-29
        #[test]
        fn a_child_never_exceeds_its_parent(
            parent in bounds(),
            wanted in proptest::collection::vec(bounds(), 1..4),
            brand_lets in any::<bool>(),
        ) {
            let mut whole: Scope = NAMES.into_iter().filter(|name| *name != TOKENS).collect();
            if brand_lets {
                whole = NAMES.into_iter().collect();
            }
            let eldest = parent.clone();
            let mut parent = parent;
            // A child's child neither exceeds the first.
            for wanted in wanted {
                let asked = effective(&wanted, &whole);
                let Ok(child) = parent.child(wanted.clone(), &whole) else { continue };
                let (mine, theirs) = (effective(&parent, &whole), effective(&child, &whole));
                prop_assert!(theirs.is_subset(&mine), "{theirs} of {mine}");
                prop_assert!(theirs.is_subset(&effective(&eldest, &whole)));
                // Nor does it get what nobody asked for.
                prop_assert!(wanted.scope.is_none() || theirs == asked);
                prop_assert!(wanted.scope.is_some() || !theirs.contains(TOKENS) || child.scope.is_none());
                for bounds in [&parent, &eldest] {
                    if !bounds.projects.is_empty() {
                        prop_assert!(!child.projects.is_empty());
                        prop_assert!(child.projects.iter().all(|id| bounds.projects.contains(id)));
                    }
                    if let Some(ends) = bounds.expires_at {
                        prop_assert!(child.expires_at.is_some_and(|it| it <= ends));
                    }
                }
                parent = child;
            }
        }
    }

    #[test]
    fn everything_is_more_than_any_list() {
        let whole: Scope = NAMES.into_iter().collect();
        let listed = Bounds { scope: Some(whole.clone()), ..Bounds::default() };
        assert!(listed.must_hold(&Bounds::default(), &whole).is_err());
        assert!(Bounds::default().must_hold(&listed, &whole).is_ok());
        let maker = Bounds { scope: Some(TOKENS.parse().unwrap()), ..Bounds::default() };
        assert!(maker.child(Bounds::default(), &whole).is_err());
    }
}
