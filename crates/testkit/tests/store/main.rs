//! The store on real engines: conformance, faults, and what is PostgreSQL's own.

mod conformance;
