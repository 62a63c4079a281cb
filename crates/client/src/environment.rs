//! The surroundings of a process, as an argument.
//!
//! Nothing in this crate reads a variable, the home directory or a marker file by
//! itself: it asks an [`Environment`]. A program implements it once, in its
//! outermost crate; a test brings a table.

use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What a process can see around itself.
pub trait Environment: Send + Sync {
    /// A variable as it is set, empty or not. Text that is not UTF-8 counts as unset.
    fn raw_var(&self, name: &str) -> Option<String>;

    /// The home directory of the person who runs the program.
    fn home(&self) -> Option<PathBuf>;

    /// The beginning of a file, for the few marker files that name a container or WSL.
    fn read(&self, path: &Path) -> Option<String> {
        let mut text = Vec::new();
        std::fs::File::open(path).ok()?.take(4096).read_to_end(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// Where the program was started; asked only for what a directory says about itself.
    /// `None` if that does not count here.
    fn working_dir(&self) -> Option<PathBuf> {
        None
    }

    /// The system that the program runs on.
    fn system(&self) -> System {
        System::current()
    }

    /// The machine's name, as reported to a person who approves a sign-in.
    fn host_name(&self) -> Option<String> {
        #[cfg(unix)]
        return rustix::system::uname().nodename().to_str().ok().map(str::to_owned);
        #[cfg(not(unix))]
        return self.var("COMPUTERNAME");
    }

    /// The local user's name, as reported to a person who approves a sign-in.
    fn user_name(&self) -> Option<String> {
        let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| self.var(name));
        #[cfg(unix)]
        return named.or_else(|| name_in_passwd(rustix::process::getuid().as_raw()));
        #[cfg(not(unix))]
        return named;
    }

    /// A variable; an empty one counts as unset (CLIENT F1).
    fn var(&self, name: &str) -> Option<String> {
        self.raw_var(name).filter(|value| !value.is_empty())
    }
}

/// Containers often set no `USER`.
#[cfg(unix)]
fn name_in_passwd(uid: u32) -> Option<String> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let uid = uid.to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

/// A family of operating systems, as far as signing in differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux, WSL included.
    Linux,
    /// macOS.
    Mac,
    /// Windows.
    Windows,
    /// Another Unix.
    Other,
}

impl System {
    /// The system that this was compiled for.
    pub const fn current() -> Self {
        if cfg!(target_os = "linux") {
            System::Linux
        } else if cfg!(target_os = "macos") {
            System::Mac
        } else if cfg!(windows) {
            System::Windows
        } else {
            System::Other
        }
    }
}

/// Where a tool keeps its files: `$XDG_CONFIG_HOME/<name>`, else `~/.config/<name>`;
/// on Windows `%APPDATA%\<name>`. `None` if there is no home.
///
/// A relative `XDG_CONFIG_HOME` is ignored, as the XDG base directory
/// specification asks.
pub fn config_dir(environment: &dyn Environment, name: &str) -> Option<PathBuf> {
    let variable = match environment.system() {
        System::Windows => "APPDATA",
        _ => "XDG_CONFIG_HOME",
    };
    let chosen = environment.var(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = chosen.or_else(|| environment.home().map(|home| home.join(".config")))?;
    Some(base.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Table;

    // proves: client-F1
    #[test]
    fn an_empty_variable_is_an_unset_one() {
        let table = Table::of(&[("A", ""), ("B", "b")]);
        assert_eq!((table.var("A"), table.var("B")), (None, Some("b".to_owned())));
    }

    #[test]
    fn where_files_are_kept() {
        let dir = |variables: &[(&str, &str)], system| {
            let table = Table { system: Some(system), ..Table::of(variables) };
            config_dir(&table, "hallpass").unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(dir(&[], System::Linux), "/home/ada/.config/hallpass");
        assert_eq!(dir(&[], System::Mac), "/home/ada/.config/hallpass");
        assert_eq!(dir(&[("XDG_CONFIG_HOME", "/x")], System::Linux), "/x/hallpass");
        // A relative one is ignored, as the specification asks.
        assert_eq!(dir(&[("XDG_CONFIG_HOME", "x")], System::Linux), "/home/ada/.config/hallpass");
        assert_eq!(dir(&[("APPDATA", "/a")], System::Windows), "/a/hallpass");
    }
}
