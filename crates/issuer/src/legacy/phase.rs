//! How far the move away from an older system is: server state, with dates.
//!
//! - **A**: announced. Its tokens work, and new ones can be had.
//! - **B**: warned of. Its tokens work, and no new ones can be had.
//! - **C**: over. Nobody is asked for such a token any more; those that are there work on.
//!
//! In each of them an end may be set, after which none of them works. A move goes forward:
//! going back, or setting a later end, has to be meant.

use hallpass_core::Timestamp;
use serde::{Deserialize, Serialize};

/// A phase of the move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// Announced.
    A,
    /// Warned of.
    B,
    /// Over.
    C,
}

impl Phase {
    /// As spoken.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        }
    }
}

impl std::str::FromStr for Phase {
    type Err = BadMove;

    fn from_str(text: &str) -> Result<Self, BadMove> {
        match text {
            "A" => Ok(Self::A),
            "B" => Ok(Self::B),
            "C" => Ok(Self::C),
            _ => Err(BadMove::Unknown),
        }
    }
}

/// Where the move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The phase that it is in.
    pub phase: Phase,
    /// Since when it is in this phase.
    pub since: Timestamp,
    /// Since when the tokens are deprecated (RFC 9745 §2): since the move began.
    pub deprecated_since: Timestamp,
    /// When the tokens end (RFC 8594 §3); `None`: not by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sunset: Option<Timestamp>,
}

/// What an operator wants of it. What is not said stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Another phase.
    pub phase: Option<Phase>,
    /// Another end; `Some(None)`: none.
    pub sunset: Option<Option<Timestamp>>,
    /// It may go back.
    pub back: bool,
}

/// Why it does not move so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMove {
    /// No phase is called that.
    #[error("the phases are A, B and C")]
    Unknown,
    /// An earlier phase, and nobody said that this is meant.
    #[error("it is in phase {} already; to go back to an earlier one, say --back", .0.as_str())]
    Back(Phase),
    /// A later end than the one that people were told, and nobody said that this is meant.
    #[error("its end was announced for {0}; to set a later one, say --back")]
    LaterEnd(Timestamp),
    /// An end that is over.
    #[error(
        "its end has to lie in the future; to end tokens now, revoke them: hallpass admin legacy revoke --project ORG/PROJECT"
    )]
    EndIsOver,
}

impl Move {
    /// A move that begins.
    pub const fn begin(now: Timestamp) -> Self {
        Self { phase: Phase::A, since: now, deprecated_since: now, sunset: None }
    }

    /// Where `step` leads at `now`, from where it is; `None`: it has not begun.
    pub fn step(from: Option<Self>, step: Step, now: Timestamp) -> Result<Self, BadMove> {
        let from = from.unwrap_or(Self::begin(now));
        let phase = step.phase.unwrap_or(from.phase);
        if phase < from.phase && !step.back {
            return Err(BadMove::Back(from.phase));
        }
        let sunset = step.sunset.unwrap_or(from.sunset);
        if let Some(told) = from.sunset
            && sunset.is_none_or(|at| at > told)
            && !step.back
        {
            return Err(BadMove::LaterEnd(told));
        }
        if sunset != from.sunset && sunset.is_some_and(|at| at <= now) {
            return Err(BadMove::EndIsOver);
        }
        let since = if phase == from.phase { from.since } else { now };
        Ok(Self { phase, since, sunset, ..from })
    }

    /// In words, for the audit log.
    pub fn in_words(&self) -> String {
        let end = self.sunset.map_or("no end".to_owned(), |at| format!("end {at}"));
        format!("phase {}, {end}", self.phase.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const LATER: Timestamp = Timestamp::from_secs(1_800_100_000);

    fn to(phase: Phase) -> Step {
        Step { phase: Some(phase), ..Step::default() }
    }

    fn end(at: Option<Timestamp>) -> Step {
        Step { sunset: Some(at), ..Step::default() }
    }

    fn back(step: Step) -> Step {
        Step { back: true, ..step }
    }

    #[test]
    fn it_goes_forward_and_back_only_if_that_is_meant() {
        let a = Move::step(None, Step::default(), NOW).unwrap();
        assert_eq!(a, Move::begin(NOW));
        let c = Move::step(Some(a), to(Phase::C), LATER).unwrap();
        assert_eq!((c.phase, c.since, c.deprecated_since), (Phase::C, LATER, NOW));
        // The same again changes nothing, not even the date.
        assert_eq!(Move::step(Some(c), to(Phase::C), NOW), Ok(c));
        for phase in [Phase::A, Phase::B] {
            assert_eq!(Move::step(Some(c), to(phase), LATER), Err(BadMove::Back(Phase::C)));
            assert_eq!(Move::step(Some(c), back(to(phase)), LATER).unwrap().phase, phase);
        }
    }

    #[test]
    fn an_end_lies_ahead_and_is_not_put_off_by_accident() {
        let at = |secs: i64| Some(Timestamp::from_secs(1_800_000_000 + secs));
        let a = Move::begin(NOW);
        assert_eq!(Move::step(Some(a), end(Some(NOW)), NOW), Err(BadMove::EndIsOver));
        let told = Move::step(Some(a), end(at(100)), NOW).unwrap();
        assert_eq!(told.sunset, at(100));
        assert_eq!(Move::step(Some(told), end(at(50)), NOW).unwrap().sunset, at(50));
        for later in [at(101), None] {
            let refused = Move::step(Some(told), end(later), NOW);
            assert_eq!(refused, Err(BadMove::LaterEnd(told.sunset.unwrap())));
            assert_eq!(Move::step(Some(told), back(end(later)), NOW).unwrap().sunset, later);
        }
        // Once it is over, the phase can still change.
        assert!(Move::step(Some(told), to(Phase::C), LATER).is_ok());
    }
}
