//! What a file of this house looks like.

use std::collections::BTreeMap;

use hallpass_testkit::tree::{self, Source};

use crate::nothing_wrong;

/// Longer than this, a file holds more than one idea.
const MOST_LINES: usize = 500;

/// Files that are longer, and why. This list may only shrink.
const LONG_FILES: &[(&str, &str)] =
    &[("crates/server/assets/style.css", "one stylesheet without a build step")];

/// Kinds of files that people read and write here.
const WRITTEN: [&str; 9] =
    [".rs", ".toml", ".md", ".html", ".css", ".sql", ".sh", "test", ".ci/run"];

fn too_long(sources: &[Source], known: &[(&str, &str)]) -> Vec<String> {
    let long = |source: &&Source| source.text.lines().count() > MOST_LINES;
    let long: BTreeMap<&str, usize> =
        sources.iter().filter(long).map(|s| (s.path.as_str(), s.text.lines().count())).collect();
    let unknown = long.iter().filter(|(path, _)| known.iter().all(|(known, _)| known != *path));
    let gone = known.iter().filter(|(path, _)| !long.contains_key(path));
    unknown
        .map(|(path, lines)| {
            format!("{path} has {lines} lines; one idea a file, {MOST_LINES} lines at most")
        })
        .chain(gone.map(|(path, _)| format!("{path} is no longer long; take it off the list")))
        .collect()
}

/// A module opens by saying what it is, and a crate names its modules but for its tests.
fn maps_wrong(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for Source { path, text } in sources {
        let map: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        if map.is_empty() {
            wrong.push(format!("{path} does not open with a `//!` map"));
        } else if path.ends_with("src/lib.rs") {
            let missing = modules(text)
                .filter(|module| !matches!(*module, "tests" | "testing"))
                .filter(|module| !map.contains(&format!("`{module}`")));
            wrong.extend(missing.map(|module| format!("{path}: `{module}` is not on the map")));
        }
    }
    wrong
}

fn modules(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    })
}

/// Traces of the machine that something was written on, and of work not finished.
fn left_behind(sources: &[Source]) -> Vec<String> {
    // Put together, so that this file is not among the findings.
    let traces = [
        ["/wo", "rk/"],
        ["/tmp/pl", "an"],
        ["/tmp/bash", "_jobs"],
        ["/root/", "."],
        ["TO", "DO"],
        ["FIX", "ME"],
        ["todo", "!("],
        ["unimpl", "emented!("],
        ["#[ig", "nore"],
        ["dbg", "!("],
    ]
    .map(|halves| halves.concat());
    let mut wrong = Vec::new();
    for Source { path, text } in sources {
        for (number, line) in text.lines().enumerate() {
            wrong.extend(
                traces
                    .iter()
                    .filter(|trace| line.contains(*trace))
                    .map(|trace| format!("{path}:{}: {trace}", number + 1)),
            );
        }
    }
    wrong
}

/// Lints are the workspace's, everywhere, and time and chance come from `system.rs`.
fn lints_wrong(sources: &[Source]) -> Vec<String> {
    let allowance = ["clippy::disallowed", "_methods"].concat();
    let mut wrong = Vec::new();
    for Source { path, text } in sources {
        let packed: String = text.split_whitespace().collect();
        let manifest = path.ends_with("Cargo.toml");
        if path == "Cargo.toml" {
            if !packed.contains("[workspace.lints.rust]unsafe_code=\"forbid\"") {
                wrong.push(format!("{path} does not forbid unsafe code"));
            }
        } else if manifest && !packed.contains("[lints]workspace=true") {
            wrong.push(format!("{path} does not inherit the workspace's lints"));
        }
        let outermost = path.ends_with("/system.rs") || path.contains("/tests/");
        if path.ends_with(".rs") && text.contains(&allowance) && !outermost {
            wrong.push(format!(
                "{path} reads clock, chance or environment by itself; that belongs in system.rs"
            ));
        }
    }
    wrong
}

/// Each crate's manifest names only what its sources use.
fn unused(manifest: &Source, code: &str) -> Vec<String> {
    let table: toml::Table = toml::from_str(&manifest.text).expect("a manifest");
    let dependencies = table.get("dependencies").and_then(toml::Value::as_table);
    let names = dependencies.into_iter().flat_map(toml::Table::keys);
    let used = |name: &&String| code.contains(&name.replace('-', "_"));
    names
        .filter(|name| !used(name))
        .map(|name| format!("{} depends on {name}, which nothing there uses", manifest.path))
        .collect()
}

fn written() -> Vec<Source> {
    tree::sources("", &WRITTEN).expect("reading the tree")
}

fn members() -> Vec<Source> {
    let mut manifests = tree::sources("crates", &["Cargo.toml"]).expect("reading the tree");
    manifests.extend(tree::sources("bench", &["Cargo.toml"]).expect("reading the tree"));
    manifests
}

#[test]
fn no_file_is_too_long() {
    nothing_wrong("Long files:", &too_long(&written(), LONG_FILES));
}

#[test]
fn every_module_opens_with_a_map() {
    let mut sources = tree::sources("crates", &[".rs"]).expect("reading the tree");
    sources.extend(tree::sources("bench", &[".rs"]).expect("reading the tree"));
    nothing_wrong("Maps:", &maps_wrong(&sources));
}

/// What a tool is called decides nothing: whatever differs is a key of the brand file.
fn asks_who_it_is(sources: &[Source]) -> Vec<String> {
    let compared = regex::Regex::new(concat!(
        r"\bbrand(\(\))?(\.(name|title|client_id|variable_prefix|config_dir))?(\.as_str\(\))? *(==|!=)",
        r"|match +[a-z_.]*brand(\(\))?\.(name|title|client_id)"
    ))
    .expect("a pattern");
    let mut wrong = Vec::new();
    for Source { path, text } in sources.iter().filter(|source| !source.path.contains("/tests/")) {
        // Tests below a file's code may compare what they read.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().enumerate().filter(|(_, line)| compared.is_match(line));
        wrong.extend(lines.map(|(number, line)| format!("{path}:{}: {}", number + 1, line.trim())));
    }
    wrong
}

// proves: HP17
#[test]
fn no_code_asks_which_brand_it_is() {
    let sources = tree::sources("crates", &[".rs"]).expect("reading the tree");
    nothing_wrong("Brands told apart in code:", &asks_who_it_is(&sources));
    let mut bad = sources;
    bad.truncate(1);
    bad[0].text = ["if brand.name =", "= \"rbtk\" {}"].concat();
    assert_eq!(asks_who_it_is(&bad).len(), 1);
}

#[test]
fn nothing_is_left_behind() {
    nothing_wrong("Left behind:", &left_behind(&written()));
}

#[test]
fn lints_hold_everywhere() {
    let mut sources = tree::sources("", &["Cargo.toml", ".rs"]).expect("reading the tree");
    // The fuzz package stands outside of the workspace, and has lints of its own.
    sources.retain(|source| !source.path.starts_with("fuzz/"));
    nothing_wrong("Lints:", &lints_wrong(&sources));
}

#[test]
fn every_dependency_is_used() {
    let mut wrong = Vec::new();
    for manifest in members() {
        let directory = manifest.path.trim_end_matches("/Cargo.toml");
        let sources = tree::sources(directory, &[".rs", ".html"]).expect("reading the tree");
        let code: String = sources.into_iter().map(|source| source.text).collect();
        wrong.extend(unused(&manifest, &code));
    }
    nothing_wrong("Unused dependencies:", &wrong);
}

fn made_up(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn each_kind_of_carelessness_is_noticed() {
    let long = made_up("crates/a/src/b.rs", &"x\n".repeat(501));
    assert_eq!(too_long(std::slice::from_ref(&long), &[]).len(), 1);
    assert_eq!(too_long(std::slice::from_ref(&long), &[("crates/a/src/b.rs", "")]), [""; 0]);
    assert_eq!(
        too_long(&[], &[("gone.rs", "")]),
        ["gone.rs is no longer long; take it off the list"]
    );

    assert_eq!(
        maps_wrong(&[made_up("a/src/x.rs", "fn x() {}")]),
        ["a/src/x.rs does not open with a `//!` map"]
    );
    let lib = made_up("a/src/lib.rs", "//! Map: [`one`].\n\npub mod one;\nmod two;\n");
    assert_eq!(maps_wrong(&[lib]), ["a/src/lib.rs: `two` is not on the map"]);

    let trace = ["see /wo", "rk/main"].concat();
    assert_eq!(left_behind(&[made_up("a.md", &trace)]).len(), 1);

    assert_eq!(
        lints_wrong(&[
            made_up("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"warn\"\n"),
            made_up("crates/a/Cargo.toml", "[package]\n"),
            made_up("crates/a/src/lib.rs", &["#[allow(clippy::disallowed", "_methods)]"].concat()),
        ])
        .len(),
        3
    );
    let manifest =
        made_up("crates/a/Cargo.toml", "[dependencies]\nserde-json = \"1\"\nurl = \"2\"\n");
    assert_eq!(
        unused(&manifest, "use serde_json::Value;"),
        ["crates/a/Cargo.toml depends on url, which nothing there uses"]
    );
}
