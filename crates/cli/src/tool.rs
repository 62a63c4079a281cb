//! A whole tool from its brand file: what the brands' binaries are.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     hallpass_cli::tool::run(hallpass_core::brand::HALLPASS)
//! }
//! ```

use std::process::ExitCode;

use hallpass_core::brand::Brand;

use crate::system::{self, Process};

/// Runs the tool that a brand file describes.
///
/// # Panics
/// If the file cannot be read as a brand: it is compiled in, so the first run shows it.
pub fn run(toml: &str) -> ExitCode {
    let brand = Brand::parse(toml).unwrap_or_else(|error| panic!("the brand file: {error}"));
    if let Some(said) = system::version(&brand.name) {
        return said.into();
    }
    system::outlive_file_size_limit();
    let process = Process { brand: &brand, program: &brand.name, tree: &|| crate::command(&brand) };
    let alone = |name: &str| crate::command_alone(&brand, name);
    process.parse_first(alone).map_or_else(|exit| exit, |matches| process.run(&matches)).into()
}
