//! The brand binaries: `scitoolkit`, `skillsctl`, `scion` and, for its agents, `sciontool`,
//! `skillmeat`, `rbtk`, each over a file of `brands/`.
//!
//! Each is a file of three lines in `src/bin/` that hands its compiled-in TOML to
//! [`hallpass_cli::tool::run`]. This crate links no server, and `testkit/tests/house` keeps it so.
