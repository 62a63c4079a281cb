//! The source tree that these tests belong to.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Directories that hold nothing that anybody wrote.
const SKIPPED: [&str; 3] = ["target", ".git", "node_modules"];

/// The root of the repository.
pub fn root() -> &'static Path {
    // crates/testkit, two up.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).expect("two levels up")
}

/// A text file of the tree.
#[derive(Clone, Debug)]
pub struct Source {
    /// Relative to [`root`], with forward slashes.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Every file below `under` (relative to [`root`]) whose name ends in one of `endings`, by path.
pub fn sources(under: &str, endings: &[&str]) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    walk(&root().join(under), endings, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(dir: &Path, endings: &[&str], found: &mut Vec<Source>) -> Result<()> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), endings, found)?;
        } else if kind.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
            // A file that is not UTF-8 is a fuzz seed or a picture.
            if let Ok(text) = std::fs::read_to_string(entry.path()) {
                found.push(Source { path: relative(&entry.path()), text });
            }
        }
    }
    Ok(())
}

fn relative(path: &Path) -> String {
    let path: PathBuf = path.strip_prefix(root()).unwrap_or(path).into();
    path.to_string_lossy().replace('\\', "/")
}
