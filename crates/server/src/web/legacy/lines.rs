//! An older system's tokens, and the move away from them, as a person reads it.

use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::role::ProjectRole;
use hallpass_issuer::legacy::{InUse, Move, Phase};

use super::super::shown::Shown;
use super::super::views::Notice;
use super::super::when;

/// A token that was used within this time is in use.
const RECENT: Duration = Duration::from_secs(30 * 86_400);

/// A token of the older system, as an owner of its project reads it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) name: Shown,
    /// `stk_…x7Qa`; empty where the older system kept nothing of it.
    pub(super) text: String,
    pub(super) role: &'static str,
    pub(super) owner: Option<Shown>,
    pub(super) created_at: String,
    pub(super) created: String,
    pub(super) used: String,
    /// Tone and words of its badge.
    pub(super) badge: (&'static str, &'static str),
    pub(super) ends: Option<String>,
}

/// What the phase means for whoever still uses them, and what to do (ST13).
pub(super) fn banner(moved: Move) -> Notice {
    let since = when::day(moved.since);
    let end = match moved.sunset {
        Some(end) => format!("All of them end after {}.", when::last_day(end)),
        None => "No end is set for those that work now.".to_owned(),
    };
    let next = "For each one below: make a personal token, put it where the old one is, and revoke the old one when nothing uses it any more.";
    match moved.phase {
        Phase::A => Notice::caution(
            "Phase A: these tokens are on their way out.",
            format!("Since {since}, personal tokens take their place. {end} {next}"),
        ),
        Phase::B => Notice::caution(
            "Phase B: these tokens are deprecated.",
            format!(
                "Since {since}, none is made any more, and programs that use one warn. {end} {next}"
            ),
        ),
        Phase::C => Notice::problem(
            "Phase C: these tokens are over, but for those that are listed here.",
            format!("Since {since}, none is taken for a sign-in any more. {end} {next}"),
        ),
    }
}

/// How many are left, and how many of them somebody uses.
pub(super) fn summary(tokens: &[InUse], now: Timestamp) -> String {
    let used = tokens.iter().filter(|it| is_used(it, now)).count();
    let work = match tokens.len() {
        1 => "One of them still works".to_owned(),
        many => format!("{many} of them still work"),
    };
    match used {
        0 => format!("{work}; none was used in the last 30 days."),
        1 => format!("{work}; one was used in the last 30 days."),
        used => format!("{work}; {used} were used in the last 30 days."),
    }
}

fn is_used(it: &InUse, now: Timestamp) -> bool {
    it.token.last_used_at.is_some_and(|at| now.since(at) < RECENT)
}

pub(super) fn role(role: Option<ProjectRole>) -> &'static str {
    match role {
        Some(ProjectRole::Viewer) => "viewer",
        Some(ProjectRole::Owner) => "owner",
        _ => "collaborator",
    }
}

pub(super) fn line(it: &InUse, now: Timestamp) -> Line {
    let token = &it.token;
    let used = match token.last_used_at {
        None => "never used here".to_owned(),
        Some(at) => {
            let ago = when::ago(now.since(at));
            let from = Shown::some(token.last_used_address.as_deref());
            from.map_or(format!("last used {ago}"), |from| format!("last used {ago} from {from}"))
        }
    };
    let text = match &*token.last_four {
        "" => String::new(),
        last => format!("{}…{last}", token.prefix),
    };
    Line {
        id: token.id.to_string(),
        name: Shown::new(&token.name),
        text,
        role: role(token.role),
        owner: Shown::some(it.owner.as_deref()),
        created_at: token.created_at.to_rfc3339(),
        created: when::ago(now.since(token.created_at)),
        badge: match token.last_used_at {
            _ if is_used(it, now) => ("caution", "In use"),
            Some(_) => ("quiet", "Not used for 30 days"),
            None => ("quiet", "Never used here"),
        },
        used,
        ends: token.expires_at.map(|end| format!("Ends on {}.", when::last_day(end))),
    }
}
