//! Writes `docs/proofs.md` and `docs/features.md` anew.
#![allow(clippy::print_stdout, reason = "a program that a person runs to see what it did")]

use hallpass_testkit::proofs::features;
use hallpass_testkit::{proofs, tree};

fn main() -> anyhow::Result<()> {
    let table = proofs::table()?;
    std::fs::write(tree::root().join(proofs::TABLE), &table)?;
    println!("{}: {}", proofs::TABLE, table.lines().nth(5).unwrap_or_default());
    std::fs::write(tree::root().join(features::PAGE), features::page()?)?;
    println!("{}: {} rows are empty", features::PAGE, features::empty()?.len());
    Ok(())
}
