//! Which flow, and why (CLIENT group A): a pure function over facts.
//!
//! The facts are gathered by [`Facts::gather`]; the decision reads nothing else, so
//! every combination can be tested. It is made in two steps: [`check_person`] needs
//! no network and refuses at once where nobody can answer; [`choose`] also knows what
//! the server offers.

use std::fmt;
use std::path::Path;

use super::{Flow, LoginOptions, Wish};
use crate::environment::{Environment, System};
use crate::{Error, discovery::Offer};

/// What the decision is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The system.
    pub system: System,
    /// `DISPLAY` or `WAYLAND_DISPLAY` is set.
    pub display: bool,
    /// `SSH_CONNECTION` is set.
    pub ssh: bool,
    /// What says that this is a container.
    pub container: Option<&'static str>,
    /// Windows Subsystem for Linux.
    pub wsl: bool,
    /// `BROWSER`.
    pub browser: BrowserVariable,
    /// What says that no person is there: `CI`, or `…_NONINTERACTIVE`.
    pub unattended: Option<String>,
    /// Standard input is a terminal.
    pub stdin_is_terminal: bool,
}

/// The variable `BROWSER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowserVariable {
    /// Not set, or empty.
    Unset,
    /// `none`: never launch anything.
    Never,
    /// What to launch.
    Command(String),
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The flow.
    pub flow: Flow,
    /// What to launch at the sign-in address.
    pub launch: Launch,
    /// Why.
    pub reason: Reason,
}

/// What to launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launch {
    /// Nothing.
    Nothing,
    /// What `BROWSER` names, and nothing else.
    Command(String),
    /// The system's default browser.
    Default,
    /// WSL's chain: `wslview`, `powershell.exe`, `xdg-open`.
    Wsl,
}

/// Why a flow was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The person asked for it.
    Asked,
    /// `BROWSER` names something to launch.
    BrowserVariable,
    /// This looks like a desktop.
    Desktop,
    /// Signed in over SSH.
    Ssh,
    /// Inside a container; says what shows it.
    Container(&'static str),
    /// No display to open a browser on.
    NoDisplay,
    /// The flow that fits better cannot be used.
    Instead {
        /// The better one.
        of: Flow,
        /// Why not.
        because: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Asked => f.write_str("you asked for it"),
            Reason::BrowserVariable => f.write_str("BROWSER is set"),
            Reason::Desktop => f.write_str("a browser can be opened here"),
            Reason::Ssh => f.write_str("this is an SSH session (SSH_CONNECTION is set)"),
            Reason::Container(what) => write!(f, "this is a container ({what})"),
            Reason::NoDisplay => {
                f.write_str("there is no display (DISPLAY and WAYLAND_DISPLAY are unset)")
            }
            Reason::Instead { of, because } => write!(f, "{of} cannot be used: {because}"),
        }
    }
}

impl Facts {
    /// Looks around.
    pub fn gather(
        environment: &dyn Environment,
        variable_prefix: &str,
        stdin_is_terminal: bool,
    ) -> Self {
        let set = |name: &str| environment.var(name).is_some();
        let system = environment.system();
        let noninteractive = format!("{variable_prefix}_NONINTERACTIVE");
        let yes = |name: &str| {
            environment.var(name).is_some_and(|value| !matches!(value.as_str(), "0" | "false"))
        };
        let unattended = if yes("CI") {
            Some("CI is set".to_owned())
        } else if yes(&noninteractive) {
            Some(format!("{noninteractive} is set"))
        } else {
            None
        };
        Self {
            system,
            display: set("DISPLAY") || set("WAYLAND_DISPLAY"),
            ssh: set("SSH_CONNECTION"),
            container: container(environment),
            wsl: system == System::Linux && is_wsl(environment),
            browser: match environment.var("BROWSER") {
                None => BrowserVariable::Unset,
                Some(value) if value == "none" => BrowserVariable::Never,
                Some(value) => BrowserVariable::Command(value),
            },
            unattended,
            stdin_is_terminal,
        }
    }
}

/// What says that this is a container (CLIENT A2).
fn container(environment: &dyn Environment) -> Option<&'static str> {
    const FILES: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];
    const VARIABLES: [&str; 3] = ["REMOTE_CONTAINERS", "CODESPACES", "KUBERNETES_SERVICE_HOST"];
    VARIABLES
        .into_iter()
        .find(|name| environment.var(name).is_some())
        .or_else(|| FILES.into_iter().find(|path| environment.read(Path::new(path)).is_some()))
}

/// CLIENT A4.
fn is_wsl(environment: &dyn Environment) -> bool {
    environment.var("WSL_DISTRO_NAME").is_some()
        || environment.var("WSL_INTEROP").is_some()
        || environment
            .read(Path::new("/proc/version"))
            .is_some_and(|version| version.to_ascii_lowercase().contains("microsoft"))
}

/// Refuses at once where nobody can answer, before anything is sent or launched
/// (CLIENT A7, A8). An explicit wish is taken at its word.
pub fn check_person(facts: &Facts, wish: Wish, token_variable: &str) -> Result<(), Error> {
    let why = match (&facts.unattended, wish) {
        (_, Wish::Web | Wish::Device) => return Ok(()),
        (Some(why), Wish::Auto) => why.clone(),
        (None, Wish::Auto) if facts.stdin_is_terminal => return Ok(()),
        (None, Wish::Auto) => "standard input is not a terminal".to_owned(),
    };
    Err(Error::NobodyToAsk { why, variable: token_variable.to_owned() })
}

/// Decides. Call [`check_person`] first.
pub fn choose(facts: &Facts, options: &LoginOptions, offer: &Offer) -> Result<Choice, Error> {
    let (flow, reason) = prefer(facts, options.wish);
    let decided = match (offer.refusal(flow), options.wish) {
        (None, _) => Ok((flow, reason)),
        (Some(because), Wish::Auto) => {
            let other = match flow {
                Flow::Browser => Flow::Device,
                Flow::Device => Flow::Browser,
            };
            match offer.refusal(other) {
                None => Ok((other, Reason::Instead { of: flow, because })),
                Some(also) => Err(vec![(flow, because), (other, also)]),
            }
        }
        (Some(because), Wish::Web | Wish::Device) => Err(vec![(flow, because)]),
    };
    let (flow, reason) =
        decided.map_err(|refused| Error::NoFlow { offered: offer.grant_types.clone(), refused })?;
    Ok(Choice { flow, launch: launch(facts, options, flow, &reason), reason })
}

/// The flow that fits best, whatever the server offers.
fn prefer(facts: &Facts, wish: Wish) -> (Flow, Reason) {
    match wish {
        Wish::Web => return (Flow::Browser, Reason::Asked),
        Wish::Device => return (Flow::Device, Reason::Asked),
        Wish::Auto => {}
    }
    if let BrowserVariable::Command(_) = facts.browser {
        return (Flow::Browser, Reason::BrowserVariable);
    }
    if facts.ssh {
        return (Flow::Device, Reason::Ssh);
    }
    if let Some(what) = facts.container {
        return (Flow::Device, Reason::Container(what));
    }
    let needs_display = matches!(facts.system, System::Linux | System::Other) && !facts.wsl;
    if needs_display && !facts.display {
        return (Flow::Device, Reason::NoDisplay);
    }
    (Flow::Browser, Reason::Desktop)
}

/// What to launch at the page where a code is entered, for tools that do that.
pub(crate) fn page_launch(facts: &Facts, options: &LoginOptions) -> Launch {
    launch(facts, options, Flow::Browser, &Reason::Asked)
}

/// What to launch: never with a device code, never where nobody is, never where a
/// browser would not open on the screen that the person sees.
fn launch(facts: &Facts, options: &LoginOptions, flow: Flow, reason: &Reason) -> Launch {
    if flow == Flow::Device || options.no_browser || facts.unattended.is_some() {
        return Launch::Nothing;
    }
    match &facts.browser {
        BrowserVariable::Never => Launch::Nothing,
        BrowserVariable::Command(command) => Launch::Command(command.clone()),
        // The better flow was a device code, so there is no browser here.
        BrowserVariable::Unset if matches!(reason, Reason::Instead { .. }) => Launch::Nothing,
        BrowserVariable::Unset if facts.wsl => Launch::Wsl,
        BrowserVariable::Unset => Launch::Default,
    }
}

#[cfg(test)]
#[path = "choose_tests.rs"]
mod tests;
