//! The house rules, as tests: who may import whom, what may be depended on, what a
//! file looks like, and whether the table of proofs is current.
//!
//! | module | what it enforces |
//! |---|---|
//! | [`imports`] | the table of ARCHITECTURE.md |
//! | [`dependencies`] | licences, banned crates, one JSON stack, duplicates |
//! | [`files`] | maps, lengths, lints, nothing left behind |
//! | [`table`] | docs/proofs.md |
//!
//! Each rule is a pure function from what it looks at to what is wrong with it, and
//! is tested on something broken first: a rule that cannot fail proves nothing.

mod dependencies;
mod files;
mod graph;
mod imports;
mod table;

/// Fails with one line for each thing that is wrong.
#[track_caller]
fn nothing_wrong(rule: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{rule}\n  {}\n", wrong.join("\n  "));
}
