//! The brand binaries: `scitoolkit`, `skillsctl`, `scion`, `sciontool`, `skillmeat`, `rbtk`.
//!
//! Each will be a file of about three lines in `src/bin/` that hands its compiled-in
//! TOML to [`hallpass_cli`]. None is here yet: the brands are acceptance of the whole
//! engine, so they come when it is whole. This crate links no server, and
//! `testkit/tests/house.rs` keeps it so.
