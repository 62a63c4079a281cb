//! Many trees on one page: so many at a time, large ones folded, and those that are looked for.

use hallpass_core::wire::params::Params;

use super::shown::Shown;

/// Trees on one page.
const TREES: usize = 50;
/// A tree with more below its root than this is folded.
const OPEN: usize = 10;

/// What may stand in a tree.
pub(super) trait Leaf {
    /// How far below its root it is.
    fn depth(&self) -> usize;

    /// Whether it is what somebody looks for; the word is in lower case.
    fn is_like(&self, word: &str) -> bool;
}

/// One tree.
pub(super) struct Tree<L> {
    pub(super) root: L,
    /// Each after the one that it is below.
    pub(super) below: Vec<L>,
}

impl<L> Tree<L> {
    /// The root, as a list for the same part of the page.
    pub(super) fn top(&self) -> &[L] {
        std::slice::from_ref(&self.root)
    }

    pub(super) fn is_folded(&self) -> bool {
        self.below.len() > OPEN
    }
}

/// A page of trees.
pub(super) struct Forest<L> {
    pub(super) trees: Vec<Tree<L>>,
    /// How many leaves there are in all trees, on whatever page.
    pub(super) all: usize,
    /// How many trees are like what is looked for.
    pub(super) found: usize,
    /// There are so many that somebody may look for one.
    pub(super) searchable: bool,
    /// What is looked for.
    pub(super) search: Shown,
    pub(super) newer: Option<String>,
    pub(super) older: Option<String>,
}

impl<L: Leaf> Forest<L> {
    /// The part of `lines`, trees one after the other, that the query of a page asks for. `base` is
    /// the page's path.
    pub(super) fn part(lines: Vec<L>, base: &str, asked: &Params) -> Self {
        let all = lines.len();
        let mut trees: Vec<Tree<L>> = Vec::new();
        for line in lines {
            match trees.last_mut().filter(|_| line.depth() > 0) {
                Some(tree) => tree.below.push(line),
                None => trees.push(Tree { root: line, below: Vec::new() }),
            }
        }
        let searchable = trees.len() > OPEN;
        let search = asked.get("q").unwrap_or_default().trim().to_owned();
        let word = search.to_lowercase();
        // Who finds one sees what it is a part of.
        trees.retain(|tree| {
            [&tree.root].into_iter().chain(&tree.below).any(|leaf| leaf.is_like(&word))
        });
        let found = trees.len();
        let last = found.div_ceil(TREES).max(1);
        let page = asked.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        let page = usize::clamp(page, 1, last);
        let address = |page: usize| {
            let mut query = Params::default();
            if !search.is_empty() {
                query.set("q", &search);
            }
            if page > 1 {
                query.set("page", &page.to_string());
            }
            match query.to_query() {
                query if query.is_empty() => base.to_owned(),
                query => format!("{base}?{query}"),
            }
        };
        let trees = trees.into_iter().skip((page - 1) * TREES).take(TREES).collect();
        Self {
            trees,
            all,
            found,
            searchable,
            newer: (page > 1).then(|| address(page - 1)),
            older: (page < last).then(|| address(page + 1)),
            search: Shown::typed(&search),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Leaf for (usize, String) {
        fn depth(&self) -> usize {
            self.0
        }

        fn is_like(&self, word: &str) -> bool {
            self.1.contains(word)
        }
    }

    fn part(lines: &[(usize, String)], query: &str) -> Forest<(usize, String)> {
        let asked = Params::parse(query.as_bytes()).expect("a query");
        Forest::part(lines.to_vec(), "/here", &asked)
    }

    #[test]
    fn trees_come_page_by_page_and_whole() {
        let mut lines: Vec<_> = (0..120).map(|n| (0, format!("root {n}"))).collect();
        lines.extend((0..30).map(|n| (1, format!("leaf {n}"))));
        let first = part(&lines, "");
        assert_eq!((first.all, first.found, first.trees.len()), (150, 120, 50));
        assert_eq!((first.newer, first.older.as_deref()), (None, Some("/here?page=2")));
        let last = part(&lines, "page=3");
        assert_eq!((last.trees.len(), last.older), (20, None));
        assert_eq!(last.newer.as_deref(), Some("/here?page=2"));
        let tree = last.trees.last().expect("a tree");
        assert!(tree.is_folded() && tree.below.len() == 30);
        // Whatever is asked for, there is a page.
        for odd in ["page=0", "page=-1", "page=x", "page=99999999999999999999", "page=4"] {
            assert!(!part(&lines, odd).trees.is_empty(), "{odd}");
        }
        let found = part(&lines, "q=LEAF+7");
        assert_eq!((found.found, found.trees[0].root.1.as_str()), (1, "root 119"));
        let many = part(&lines, "q=root&page=2");
        assert_eq!(many.newer.as_deref(), Some("/here?q=root"));
        assert_eq!(many.older.as_deref(), Some("/here?q=root&page=3"));
        assert_eq!(part(&lines, "q=nothing").found, 0);
        assert!(!part(&lines[..3], "").searchable);
    }
}
