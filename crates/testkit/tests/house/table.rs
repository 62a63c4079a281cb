//! docs/proofs.md and docs/features.md are what the tests say they are.

use hallpass_testkit::proofs::{self, Requirements, features};
use hallpass_testkit::tree::{self, Source};

#[test]
fn the_table_of_proofs_is_current() {
    let kept = std::fs::read_to_string(tree::root().join(proofs::TABLE)).unwrap_or_default();
    let now = proofs::table().expect("requirements and tests");
    assert!(
        kept == now,
        "{} is stale; run `cargo run -p hallpass-testkit --bin proofs`",
        proofs::TABLE
    );
}

#[test]
fn the_table_of_features_is_current() {
    let kept = std::fs::read_to_string(tree::root().join(features::PAGE)).unwrap_or_default();
    let now = features::page().expect("requirements and tests");
    assert!(
        kept == now,
        "{} is stale; run `cargo run -p hallpass-testkit --bin proofs`",
        features::PAGE
    );
}

#[test]
fn no_row_of_the_five_tools_is_empty() {
    crate::nothing_wrong(
        "Documented by one of the five tools, and proved by no test:",
        &features::empty().expect("ids"),
    );
}

#[test]
fn every_promise_is_proved() {
    crate::nothing_wrong(
        "Promised in docs/requirements.toml, and proved by no test:",
        &proofs::open().expect("ids"),
    );
}

fn source(text: &str) -> Source {
    // Put together, so that nothing here is taken for a proof.
    Source { path: "crates/a/src/b.rs".to_owned(), text: text.replace("PROVES", "// proves:") }
}

fn requirements() -> Requirements {
    Requirements::parse(
        "[[group]]\ntitle = 'G'\n[group.ids]\nA2 = 'two'\nA10 = 'ten'\nA1 = 'o|e'\n[later]\nA10 = 'not yet'\n",
    )
    .expect("well-formed")
}

#[test]
fn a_comment_belongs_to_the_test_below_it() {
    let text = "PROVES A1, A2\nPROVES A3\n#[tokio::test(flavor = \"multi_thread\")]\n// why\nasync fn both() {}\nfn other() {}\n";
    let found = proofs::proofs_in(&source(text)).expect("well-formed");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].test.as_str(), found[0].ids.join(" ").as_str()), ("both", "A1 A2 A3"));
}

#[test]
fn a_comment_above_nothing_that_runs_is_refused() {
    for broken in [
        "PROVES A1\nfn helper() {}\n",
        "PROVES A1\nstruct S;\n",
        "PROVES A1\n",
        "PROVES A1\n#[cfg(x)]\nfn f() {}",
    ] {
        assert!(proofs::proofs_in(&source(broken)).is_err(), "{broken}");
    }
}

#[test]
fn the_table_says_what_is_proved_what_is_open_and_what_nobody_requires() {
    let proof = |id: &str| {
        proofs::proofs_in(&source(&format!("PROVES {id}\n#[test]\nfn works() {{}}\n")))
            .expect("well-formed")
    };
    let table = proofs::render(&requirements(), &proof("A1")).expect("known ids");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| A")).collect();
    assert_eq!(
        rows,
        [
            "| A1 | o\\|e | proved | [`works`](../crates/a/src/b.rs) |",
            "| A2 | two | **open** |  |",
            "| A10 | ten | later: not yet |  |",
        ]
    );
    assert!(table.contains("1 proved, 1 open, 1 for later."));
    assert_eq!(proofs::unproved(&requirements(), &proof("A1")).expect("known ids"), ["A2"]);
    assert!(proofs::render(&requirements(), &proof("A3")).is_err());
    assert!(proofs::render(&requirements(), &proof("A10")).is_err());
    assert!(Requirements::parse("group = []\n[later]\nA9 = ''\n").is_err());
}

#[test]
fn the_table_of_features_has_every_row_of_the_tools() {
    let text = "[[group]]\ntitle = 'G'\n[group.ids]\nST01 = 'one'\nSTX = 'no row'\nHP07 = 'more'\n";
    let known = Requirements::parse(text).expect("well-formed");
    let proof = proofs::proofs_in(&source("PROVES ST01\n#[test]\nfn works() {}\n"));
    let proof = proof.expect("well-formed");
    let page = features::render(&known, &proof).expect("known ids");
    assert!(page.contains("| ST01 | one | proved | [`works`](../crates/a/src/b.rs) |"), "{page}");
    assert!(page.contains("| HP07 | more | **open** |  |") && !page.contains("STX"), "{page}");
    let missing = features::missing(&known, &proof).expect("known ids");
    assert!(!missing.contains(&"ST01".to_owned()) && missing.contains(&"ST02".to_owned()));
    assert!(missing.contains(&"SM07".to_owned()) && !missing.iter().any(|id| id.starts_with("HP")));
}
