//! What has to be a process of its own to be proved: files under another umask, writers
//! that are killed, limits that are hit, and launchers. Apart from the unit tests, because
//! a fork there would hold their locks open for a moment.

mod child;
mod launch;
mod refresh;
mod vault;
