//! The one place of this crate that reads the process's environment.

use std::io::Write as _;
use std::path::PathBuf;

use hallpass_server::config::VARIABLE_PREFIX;

/// The variables of the server. One whose value is no UTF-8 is passed over.
#[expect(clippy::disallowed_methods, reason = "the one place that reads variables")]
pub(crate) fn server_variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX))
        .collect()
}

/// One variable, if it is text.
#[expect(clippy::disallowed_methods, reason = "the one place that reads variables")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Where the data is if nothing says so: `$XDG_DATA_HOME/hallpass`, else
/// `~/.local/share/hallpass`.
#[expect(clippy::disallowed_methods, reason = "the one place that asks for the home directory")]
pub(crate) fn data_dir() -> Option<PathBuf> {
    // The XDG Base Directory Specification: a relative path is to be ignored.
    let xdg = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = || std::env::home_dir().filter(|dir| dir.is_absolute());
    xdg.or_else(|| Some(home()?.join(".local/share"))).map(|dir| dir.join("hallpass"))
}

/// Measures how long something takes. The one place that asks the monotonic clock.
pub(crate) struct Stopwatch(std::time::Instant);

#[expect(clippy::disallowed_methods, reason = "the one place that asks the monotonic clock")]
impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }
}

/// The words of the command line, without the program's own name.
pub(crate) fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Standard output. Who closed the pipe knows.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Standard error. Nobody may be reading any more.
pub(crate) fn tell(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
