//! Who may import whom: the table of ARCHITECTURE.md.

use crate::graph::{Graph, name_of};
use crate::nothing_wrong;

/// What one crate may and must not use.
struct Row {
    name: &'static str,
    /// Crates of this workspace that it may use; no others.
    may: &'static [&'static str],
    /// What it must not use itself.
    never: &'static [&'static str],
    /// What must not end up in it by any path.
    never_reach: &'static [&'static str],
    /// What it may use only behind a feature.
    only_behind_a_feature: &'static [&'static str],
}

const SERVERS: &[&str] = &["axum", "hyper", "hyper-util"];
const DATABASES: &[&str] = &["rusqlite", "tokio-postgres", "deadpool-postgres", "postgres", "sqlx"];
const OUTSIDE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "axum",
    "hyper",
    "reqwest",
    "ureq",
    "rusqlite",
    "tokio-postgres",
    "getrandom",
    "etcetera",
    "dirs",
    "mio",
    "socket2",
    "clap",
];

const NOTHING: Row =
    Row { name: "", may: &[], never: &[], never_reach: &[], only_behind_a_feature: &[] };

const TABLE: &[Row] = &[
    Row { name: "hallpass-core", never_reach: OUTSIDE, ..NOTHING },
    Row { name: "hallpass-verdict", may: &["core"], never_reach: OUTSIDE, ..NOTHING },
    Row {
        name: "hallpass-outside",
        may: &["core"],
        never_reach: &["tokio", "axum", "hyper", "reqwest", "ureq", "rusqlite", "clap"],
        ..NOTHING
    },
    Row {
        name: "hallpass-store",
        may: &["core"],
        never_reach: &["axum", "clap", "reqwest", "ureq"],
        ..NOTHING
    },
    Row {
        name: "hallpass-issuer",
        may: &["core", "outside", "store", "verdict"],
        never: &["rusqlite", "tokio-postgres", "deadpool-postgres", "getrandom", "clap"],
        never_reach: &["axum", "hyper", "reqwest", "ureq"],
        ..NOTHING
    },
    Row {
        name: "hallpass-server",
        may: &["core", "verdict", "store", "issuer", "guard"],
        never: &["rusqlite", "tokio-postgres", "deadpool-postgres"],
        never_reach: &["ureq", "inquire"],
        ..NOTHING
    },
    Row {
        name: "hallpass-guard",
        may: &["core", "outside", "verdict"],
        never: &["hyper"],
        never_reach: &["rusqlite", "tokio-postgres"],
        only_behind_a_feature: &[
            "axum",
            "tokio",
            "reqwest",
            "ureq",
            "jsonwebtoken",
            "hallpass-outside",
        ],
    },
    // What an API author builds on.
    Row { name: "protect-an-api", may: &["guard"], never: DATABASES, ..NOTHING },
    // A tool that signs in.
    Row { name: "mytool", may: &["cli"], never: SERVERS, never_reach: &["tokio"], ..NOTHING },
    Row {
        name: "hallpass-client",
        may: &["core"],
        never_reach: &[
            "tokio",
            "async-std",
            "smol",
            "clap",
            "axum",
            "hyper",
            "reqwest",
            "rusqlite",
            "aws-lc-rs",
        ],
        ..NOTHING
    },
    Row {
        name: "hallpass-cli",
        may: &["core", "client"],
        never_reach: &[
            "tokio",
            "axum",
            "hyper",
            "reqwest",
            "rusqlite",
            "tokio-postgres",
            "aws-lc-rs",
        ],
        ..NOTHING
    },
    Row { name: "hallpass", may: &["core", "cli", "server"], never: DATABASES, ..NOTHING },
    Row {
        name: "hallpass-brands",
        may: &["cli"],
        never: SERVERS,
        never_reach: &["tokio", "rusqlite"],
        ..NOTHING
    },
    Row {
        name: "hallpass-testkit",
        may: &["core", "verdict", "store", "issuer", "server", "guard", "client", "cli"],
        ..NOTHING
    },
    Row {
        name: "hallpass-bench",
        may: &["core", "verdict", "store", "issuer", "server", "guard", "client", "cli"],
        ..NOTHING
    },
];

// proves: client-J1
#[test]
fn one_http_client_does_all() {
    let mut sources =
        hallpass_testkit::tree::sources("crates/client/src", &[".rs"]).expect("sources");
    sources.extend(hallpass_testkit::tree::sources("crates/cli/src", &[".rs"]).expect("sources"));
    let test = |path: &str| path.ends_with("_tests.rs") || path.contains("/testing");
    let client = |path: &str| path.starts_with("crates/client/src/http");
    let code = |text: &str| text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
    let others: Vec<_> = sources
        .iter()
        .filter(|source| !test(&source.path) && !client(&source.path))
        .filter(|source| {
            let code = code(&source.text);
            ["ureq::", "reqwest::", "TcpStream::connect"].iter().any(|name| code.contains(name))
        })
        .map(|source| source.path.clone())
        .collect();
    nothing_wrong("Only crates/client/src/http speaks HTTP:", &others);
}

/// Every way in which the graph departs from the table.
fn wrong(graph: &Graph, table: &[Row]) -> Vec<String> {
    let mut wrong = Vec::new();
    for id in &graph.members {
        let name = name_of(id);
        match table.iter().find(|row| row.name == name) {
            Some(row) => row_wrong(graph, row, &mut wrong),
            None => wrong.push(format!(
                "{name} is in no row of the table; give it one here and in ARCHITECTURE.md"
            )),
        }
    }
    wrong
}

fn row_wrong(graph: &Graph, row: &Row, wrong: &mut Vec<String>) {
    let Some(package) = graph.member(row.name) else { return };
    let direct = || package.uses.iter().map(|id| name_of(id));
    for used in direct() {
        let ours = used == "hallpass" || used.starts_with("hallpass-");
        if ours && !row.may.iter().any(|may| used == format!("hallpass-{may}")) {
            wrong.push(format!("{} must not use {used}", row.name));
        }
        if row.never.contains(&used) {
            wrong.push(format!("{} must not use {used}", row.name));
        }
        if row.only_behind_a_feature.contains(&used) && !package.optional.contains(used) {
            wrong.push(format!("{} may use {used} only behind a feature", row.name));
        }
    }
    for reached in graph.reach(&[row.name]) {
        if row.never_reach.contains(&name_of(&reached)) {
            wrong.push(format!("{} must not end up in {}", name_of(&reached), row.name));
        }
    }
}

#[test]
fn nobody_imports_what_the_table_forbids() {
    nothing_wrong(
        "Who may import whom (ARCHITECTURE.md):",
        &wrong(&Graph::of_this_workspace(), TABLE),
    );
}

#[test]
fn each_kind_of_departure_is_noticed() {
    let broken = |members: &[(&str, &[&str])]| wrong(&Graph::made_up(members), TABLE);
    assert_eq!(
        broken(&[("hallpass-client", &["hallpass-server"]), ("hallpass-server", &[])]),
        ["hallpass-client must not use hallpass-server"]
    );
    assert_eq!(
        broken(&[("hallpass-guard", &["hallpass-testkit"]), ("hallpass-testkit", &[])]),
        ["hallpass-guard must not use hallpass-testkit"]
    );
    // By way of another crate.
    assert_eq!(
        broken(&[
            ("hallpass-client", &["hallpass-core"]),
            ("hallpass-core", &["helper"]),
            ("helper", &["tokio"])
        ]),
        [
            "tokio must not end up in hallpass-client",
            "tokio must not end up in hallpass-core",
            "helper is in no row of the table; give it one here and in ARCHITECTURE.md",
        ]
    );
    assert_eq!(
        broken(&[("hallpass-issuer", &["rusqlite"])]),
        ["hallpass-issuer must not use rusqlite"]
    );
    assert_eq!(
        broken(&[("hallpass-guard", &["tokio"])]),
        ["hallpass-guard may use tokio only behind a feature"]
    );
    assert_eq!(broken(&[("hallpass-core", &["serde"])]), [""; 0]);
}

/// `std` has I/O too, and no manifest says so.
const DOORS: [&str; 8] = [
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "std::io",
];

#[test]
fn core_and_verdict_do_no_io() {
    let mut wrong = Vec::new();
    for under in ["crates/core/src", "crates/verdict/src"] {
        for source in hallpass_testkit::tree::sources(under, &[".rs"]).expect("reading the tree") {
            wrong.extend(
                DOORS
                    .iter()
                    .filter(|door| source.text.contains(**door))
                    .map(|door| format!("{}: {door}", source.path)),
            );
        }
    }
    nothing_wrong("core and verdict do no I/O:", &wrong);
}

#[test]
fn issuer_speaks_no_sql_and_only_the_store_does() {
    let mut wrong = Vec::new();
    for under in ["issuer", "server", "guard", "client", "cli", "hallpass"] {
        let sources = hallpass_testkit::tree::sources(&format!("crates/{under}/src"), &[".rs"]);
        // Tests may try to inject some.
        let sources = sources.expect("reading the tree").into_iter();
        for source in sources.filter(|source| !source.path.contains("/tests/")) {
            let has_sql = |line: &str| {
                ["SELECT ", "INSERT INTO ", "DELETE FROM "].iter().any(|verb| line.contains(verb))
            };
            wrong.extend(
                source
                    .text
                    .lines()
                    .filter(|line| has_sql(line))
                    .map(|line| format!("{}: {}", source.path, line.trim())),
            );
        }
    }
    nothing_wrong("SQL lives in crates/store:", &wrong);
}
