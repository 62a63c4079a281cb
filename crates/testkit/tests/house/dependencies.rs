//! Licences, banned crates, one JSON stack, one version of each crate.

use std::collections::BTreeMap;

use spdx::{Expression, ParseMode};

use crate::graph::{Graph, name_of};
use crate::nothing_wrong;

/// Licences under which we pass on other people's work.
const LICENCES: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
];

/// Nowhere, not even in tests.
const BANNED: [(&str, &str); 12] = [
    ("linux-keyutils-keyring-store", "what the kernel keeps is gone after the next start"),
    ("openssl", "rustls everywhere"),
    ("openssl-sys", "rustls everywhere"),
    ("native-tls", "rustls everywhere"),
    ("sqlx", "a look-up costs several times that of rusqlite"),
    ("oxide-auth", "the flows are ours"),
    ("josekit", "it is OpenSSL"),
    ("tower-sessions", "sessions are a noun of the store"),
    ("simd-json", "one JSON stack"),
    ("sonic-rs", "one JSON stack"),
    ("miniserde", "one JSON stack"),
    ("serde_yaml", "abandoned"),
];

/// Not in what we ship; tests may bring them.
const BANNED_FROM_SHIPPING: [(&str, &str); 6] = [
    ("openidconnect", "an independent client for tests"),
    ("oauth2", "an independent client for tests"),
    ("thirtyfour", "drives a browser in tests"),
    ("rsa", "RUSTSEC-2023-0071; aws-lc-rs signs"),
    ("proptest", "for tests"),
    ("insta", "for tests"),
];

/// What people download: the binaries, and the two libraries that others build on.
const SHIPPED: [&str; 4] = ["hallpass", "hallpass-brands", "hallpass-client", "hallpass-guard"];

/// Crates that we ship in two versions, and whose fault it is. This list may only shrink.
const DUPLICATES: &[(&str, &str)] = &[
    ("base64", "jsonwebtoken, ureq and others are still at 0.22"),
    ("const-oid", "x509-cert, by way of tokio-postgres-rustls, is still at 0.9"),
    ("fallible-iterator", "tokio-postgres is still at 0.2"),
    ("getrandom", "ring and rand_core 0.9"),
    ("hashbrown", "dashmap by way of governor, and metrics"),
    ("rand", "metrics-util is still at 0.9"),
    ("rand_core", "rand 0.9"),
    ("signal-hook", "crossterm by way of inquire is still at 0.3"),
    ("tower-http", "reqwest is still at 0.6"),
    ("untrusted", "ring"),
];

fn licences_wrong(graph: &Graph) -> Vec<String> {
    let allowed = |id: &str, licence: Option<&str>| -> Result<(), String> {
        let licence = licence.ok_or_else(|| format!("{id} names no licence"))?;
        let expression = Expression::parse_mode(licence, ParseMode::LAX)
            .map_err(|error| format!("{id}: {licence:?}: {}", error.reason))?;
        let fits = expression
            .evaluate(|req| req.license.id().is_some_and(|id| LICENCES.contains(&id.name)));
        if fits { Ok(()) } else { Err(format!("{id}: {licence}")) }
    };
    let packages = graph.packages.iter();
    packages.filter_map(|(id, package)| allowed(id, package.licence.as_deref()).err()).collect()
}

fn banned(graph: &Graph) -> Vec<String> {
    let shipped = graph.reach(&SHIPPED);
    let anywhere = graph.packages.keys().filter_map(|id| {
        BANNED.iter().find(|(name, _)| *name == name_of(id)).map(|(_, why)| format!("{id}: {why}"))
    });
    let shipped = shipped.iter().filter_map(|id| {
        let banned = BANNED_FROM_SHIPPING.iter().find(|(name, _)| *name == name_of(id));
        banned.map(|(_, why)| format!("{id} is shipped: {why}"))
    });
    anywhere.chain(shipped).collect()
}

fn duplicates_wrong(graph: &Graph, known: &[(&str, &str)]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let shipped = graph.reach(&SHIPPED);
    for id in &shipped {
        versions.entry(name_of(id)).or_default().push(&graph.packages[id].version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let unknown = versions.iter().filter(|(name, _)| known.iter().all(|(known, _)| known != *name));
    let gone = known.iter().filter(|(name, _)| !versions.contains_key(name));
    let unknown = unknown.map(|(name, versions)| format!("{name} in {}", versions.join(" and ")));
    unknown
        .chain(gone.map(|(name, _)| format!("{name} is no longer twice; take it off the list")))
        .collect()
}

// proves: client-C6
#[test]
fn nothing_of_ours_can_reach_the_clipboard() {
    let shipped = Graph::of_this_workspace().reach(&SHIPPED);
    let reaches =
        |name: &str| ["arboard", "clipboard", "copypasta"].iter().any(|c| name.contains(c));
    let found: Vec<_> = shipped.iter().filter(|id| reaches(name_of(id))).cloned().collect();
    nothing_wrong("The code is printed, and the clipboard left alone:", &found);
}

#[test]
fn every_licence_may_be_passed_on() {
    nothing_wrong("Licences:", &licences_wrong(&Graph::of_this_workspace()));
}

// proves: client-D13
#[test]
fn nothing_banned_is_used() {
    nothing_wrong("Banned crates:", &banned(&Graph::of_this_workspace()));
}

#[test]
fn we_ship_one_version_of_each_crate() {
    nothing_wrong(
        "Crates that are shipped in several versions:",
        &duplicates_wrong(&Graph::of_this_workspace(), DUPLICATES),
    );
}

#[test]
fn a_licence_that_binds_others_is_noticed() {
    let mut graph = Graph::made_up(&[("a", &[]), ("b", &[]), ("c", &[]), ("d", &[])]);
    for (id, licence) in [
        ("a 1.0.0", Some("MIT OR GPL-3.0-only")),
        ("b 1.0.0", Some("MIT AND GPL-3.0-only")),
        ("c 1.0.0", None),
        ("d 1.0.0", Some("MIT/Apache-2.0")),
    ] {
        graph.packages.get_mut(id).expect("made up").licence = licence.map(str::to_owned);
    }
    assert_eq!(
        licences_wrong(&graph),
        ["b 1.0.0: MIT AND GPL-3.0-only", "c 1.0.0 names no licence"]
    );
}

#[test]
fn a_banned_crate_is_noticed_and_a_tool_of_the_tests_only_where_it_ships() {
    let graph = Graph::made_up(&[("hallpass", &["josekit"]), ("hallpass-testkit", &["oauth2"])]);
    assert_eq!(banned(&graph), ["josekit 1.0.0: it is OpenSSL"]);
    let graph = Graph::made_up(&[("hallpass", &["oauth2"])]);
    assert_eq!(banned(&graph), ["oauth2 1.0.0 is shipped: an independent client for tests"]);
}

#[test]
fn a_second_version_is_noticed_and_so_is_an_excuse_that_is_no_longer_needed() {
    let mut graph = Graph::made_up(&[("hallpass", &["one"])]);
    graph.packages.get_mut("hallpass 1.0.0").expect("made up").uses.insert("one 2.0.0".to_owned());
    for version in ["1.0.0", "2.0.0"] {
        graph.packages.entry(format!("one {version}")).or_default().version = version.to_owned();
    }
    assert_eq!(duplicates_wrong(&graph, &[]), ["one in 1.0.0 and 2.0.0"]);
    assert_eq!(duplicates_wrong(&graph, &[("one", "")]), [""; 0]);
    assert_eq!(
        duplicates_wrong(&graph, &[("one", ""), ("two", "")]),
        ["two is no longer twice; take it off the list"]
    );
}
