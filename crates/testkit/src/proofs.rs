//! What is required, what proves it, and the table of both (`docs/proofs.md`).
//!
//! `docs/requirements.toml` says what is required. A comment `// proves: D04, D06`
//! right above a test says what proves it. The table is generated from the two, and
//! a test fails when it is stale, when a comment names an id that nobody requires,
//! or when a comment stands above nothing that runs.

pub mod features;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::tree::{self, Source};

/// Where the table is kept.
pub const TABLE: &str = "docs/proofs.md";
const REQUIREMENTS: &str = "docs/requirements.toml";
/// Functions here are no tests by themselves; a test binary runs them on each engine.
const SUITES: &str = "crates/store/src/conformance";

/// `docs/requirements.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    group: Vec<Group>,
    /// Ids that this version has no part of yet, and why.
    #[serde(default)]
    later: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    title: String,
    /// Why this version does not promise all of it.
    later: Option<String>,
    ids: BTreeMap<String, String>,
}

/// A test and the ids that it says it proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The file, relative to the root of the tree.
    pub path: String,
    /// The test's function.
    pub test: String,
    /// As written.
    pub ids: Vec<String>,
}

/// Reads requirements and tests of this tree and renders the table.
pub fn table() -> Result<String> {
    render(&Requirements::read()?, &proofs()?)
}

/// Ids that are promised and that no test proves.
pub fn open() -> Result<Vec<String>> {
    unproved(&Requirements::read()?, &proofs()?)
}

/// Every proof that a test of this tree names.
fn proofs() -> Result<Vec<Proof>> {
    let mut proofs = Vec::new();
    for under in ["crates", "bench"] {
        for source in tree::sources(under, &[".rs"])? {
            proofs.extend(proofs_in(&source)?);
        }
    }
    Ok(proofs)
}

impl Requirements {
    /// Reads `docs/requirements.toml`.
    pub fn read() -> Result<Self> {
        let path = tree::root().join(REQUIREMENTS);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("reading {REQUIREMENTS}"))?;
        Self::parse(&text)
    }

    /// Parses the file's text.
    pub fn parse(text: &str) -> Result<Self> {
        let requirements: Self =
            toml::from_str(text).with_context(|| format!("reading {REQUIREMENTS}"))?;
        let known = requirements.ids();
        if let Some(id) = requirements.later.keys().find(|id| !known.contains(id.as_str())) {
            bail!("{REQUIREMENTS}: [later] names {id}, which no group has");
        }
        Ok(requirements)
    }

    /// Every id.
    fn ids(&self) -> BTreeSet<&str> {
        self.group.iter().flat_map(|group| group.ids.keys().map(String::as_str)).collect()
    }
}

/// The proofs that a source file names.
pub fn proofs_in(source: &Source) -> Result<Vec<Proof>> {
    let mut proofs = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut tested = false;
    for (number, line) in source.text.lines().enumerate() {
        let line = line.trim();
        let at = || format!("{}:{}", source.path, number + 1);
        if let Some(list) = line.strip_prefix("// proves:") {
            ids.extend(list.split(',').map(|id| id.trim().to_owned()));
        } else if ids.is_empty() {
            continue;
        } else if line.starts_with("#[") {
            tested |= is_test_attribute(line);
        } else if let Some(test) = function_name(line) {
            if !tested && !source.path.starts_with(SUITES) {
                bail!("{}: {test} says what it proves, but it is no test", at());
            }
            proofs.push(Proof { path: source.path.clone(), test, ids: std::mem::take(&mut ids) });
            tested = false;
        } else if !line.starts_with("//") {
            bail!("{}: a `// proves:` line stands above something that is no test", at());
        }
    }
    if !ids.is_empty() {
        bail!("{}: ends with a `// proves:` line", source.path);
    }
    Ok(proofs)
}

fn is_test_attribute(line: &str) -> bool {
    let name = line.trim_start_matches("#[").split(['(', ']']).next().unwrap_or_default();
    name == "test" || name.ends_with("::test")
}

fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    words.by_ref().find(|word| *word == "fn")?;
    let name: String =
        words.next()?.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// What is known about one id.
enum State<'a> {
    Proved(&'a Tests<'a>),
    Open,
    Later(Option<&'a str>),
}

/// Files and tests.
type Tests<'a> = BTreeSet<(&'a str, &'a str)>;

/// The table as Markdown.
pub fn render(requirements: &Requirements, proofs: &[Proof]) -> Result<String> {
    let tests = by_id(requirements, proofs)?;
    let (mut proved, mut open, mut later) = (0, 0, 0);
    let mut groups = String::new();
    for group in &requirements.group {
        write!(groups, "\n## {}\n\n", group.title)?;
        if let Some(why) = &group.later {
            write!(groups, "Not all of it is promised yet: {why}.\n\n")?;
        }
        writeln!(groups, "| id | requirement | state | proved by |\n|---|---|---|---|")?;
        let mut ids: Vec<_> = group.ids.iter().collect();
        ids.sort_by_key(|(id, _)| natural(id));
        for (id, text) in ids {
            let (state, by) = match state(requirements, group, id, tests.get(id.as_str()))? {
                State::Proved(tests) => (count(&mut proved, "proved".to_owned()), cell(tests)),
                State::Open => (count(&mut open, "**open**".to_owned()), String::new()),
                State::Later(why) => {
                    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                    (count(&mut later, format!("later{why}")), String::new())
                }
            };
            writeln!(groups, "| {id} | {} | {state} | {by} |", text.replace('|', "\\|"))?;
        }
    }
    Ok(format!(
        "# What is proved, and where\n\n\
         Generated by `cargo run -p hallpass-testkit --bin proofs` from docs/requirements.toml and\n\
         the `// proves:` lines above the tests; do not edit.\n\n\
         {proved} proved, {open} open, {later} for later.\n{groups}"
    ))
}

/// As [`open`], of these.
pub fn unproved(requirements: &Requirements, proofs: &[Proof]) -> Result<Vec<String>> {
    let tests = by_id(requirements, proofs)?;
    let mut open = Vec::new();
    for group in &requirements.group {
        for id in group.ids.keys() {
            if let State::Open = state(requirements, group, id, tests.get(id.as_str()))? {
                open.push(id.clone());
            }
        }
    }
    Ok(open)
}

fn count(counter: &mut u32, state: String) -> String {
    *counter += 1;
    state
}

fn by_id<'a>(
    requirements: &Requirements,
    proofs: &'a [Proof],
) -> Result<BTreeMap<&'a str, Tests<'a>>> {
    let known = requirements.ids();
    let mut tests: BTreeMap<&str, Tests> = BTreeMap::new();
    for Proof { path, test, ids } in proofs {
        for id in ids {
            if !known.contains(id.as_str()) {
                bail!("{path}: {test} proves {id:?}, which {REQUIREMENTS} does not have");
            }
            tests.entry(id).or_default().insert((path, test));
        }
    }
    Ok(tests)
}

fn state<'a>(
    requirements: &'a Requirements,
    group: &Group,
    id: &str,
    tests: Option<&'a Tests<'a>>,
) -> Result<State<'a>> {
    Ok(match (tests, requirements.later.get(id)) {
        (Some(_), Some(_)) => {
            bail!("{id} is proved, so {REQUIREMENTS} must not list it under [later]")
        }
        (Some(tests), None) => State::Proved(tests),
        (None, Some(why)) => State::Later(Some(why)),
        (None, None) if group.later.is_some() => State::Later(None),
        (None, None) => State::Open,
    })
}

fn cell(tests: &BTreeSet<(&str, &str)>) -> String {
    let one = |(path, test): &(&str, &str)| format!("[`{test}`](../{path})");
    tests.iter().map(one).collect::<Vec<_>>().join("<br>")
}

/// `client-A10` after `client-A2`.
fn natural(id: &str) -> (String, u32) {
    let digits = id.len() - id.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (name, number) = id.split_at(id.len() - digits);
    (name.to_owned(), number.parse().unwrap_or(0))
}
