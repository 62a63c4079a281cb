//! What the pages say of each policy, exchange and denied exchange.

use hallpass_core::Timestamp;
use hallpass_core::trust::{Changed, Check, Danger, GITHUB};
use hallpass_core::wire::trust::{
    DangerSaid, DeniedExchange, PolicyExplained, TrustExchange, TrustPolicy,
};

use super::super::shown::Shown;
use super::super::when;

/// A policy.
pub(super) struct PolicyLine {
    pub(super) id: Shown,
    pub(super) sentence: Shown,
    pub(super) dangers: Vec<String>,
    /// Names, and which id each goes with.
    pub(super) pins: Vec<(Shown, Shown)>,
    /// Why it lets nobody in at this moment.
    pub(super) keys_unknown: Option<(Shown, String)>,
    /// Whose tokens, if not github.com's.
    pub(super) issuer: Option<Shown>,
    pub(super) created_at: String,
    pub(super) created: String,
    pub(super) maker: Shown,
    pub(super) used: String,
}

impl PolicyLine {
    pub(super) fn of(policy: &TrustPolicy, now: Timestamp) -> Self {
        let maker = match (&policy.creator, policy.created_by.as_str()) {
            (Some(address), _) => Shown::new(address),
            (None, "system") => Shown::new("whoever runs this server"),
            (None, _) => Shown::new("a key"),
        };
        Self {
            id: Shown::new(&policy.id),
            sentence: Shown::typed(&policy.sentence),
            dangers: policy.dangers.iter().map(|danger| danger.says.clone()).collect(),
            pins: policy
                .pins
                .iter()
                .map(|pin| {
                    let id = format!("{} {}", pin.id_claim, pin.id);
                    (Shown::typed(&pin.name), Shown::typed(&id))
                })
                .collect(),
            keys_unknown: policy
                .keys_unknown
                .as_ref()
                .map(|it| (Shown::typed(&it.why), when::ago(now.since(it.at)))),
            issuer: (policy.issuer != GITHUB).then(|| Shown::typed(&policy.issuer)),
            created_at: when::date(policy.created_at),
            created: when::day(policy.created_at),
            maker,
            used: match policy.last_used_at {
                Some(at) => format!("last used {}", when::ago(now.since(at))),
                None => "never used".to_owned(),
            },
        }
    }
}

/// A denied exchange.
pub(super) struct DeniedLine {
    pub(super) id: Shown,
    pub(super) who: Shown,
    /// Whose token, if not github.com's.
    pub(super) issuer: Option<Shown>,
    pub(super) why: Shown,
    pub(super) alarm: bool,
    pub(super) when: String,
}

impl DeniedLine {
    pub(super) fn of(denied: &DeniedExchange, now: Timestamp) -> Self {
        let mut when = when::ago(now.since(denied.at));
        if denied.count > 1 {
            when = format!("{} times, last {when}", denied.count);
        }
        if let Some(address) = &denied.address {
            when = format!("{when}, from {}", Shown::new(address));
        }
        Self {
            id: Shown::new(&denied.id),
            who: Shown::typed(&denied.who),
            issuer: (denied.issuer != GITHUB).then(|| Shown::typed(&denied.issuer)),
            why: Shown::typed(&denied.why),
            alarm: denied.alarm,
            when,
        }
    }
}

/// An exchange.
pub(super) struct ExchangeLine {
    pub(super) id: Shown,
    pub(super) who: Shown,
    pub(super) may: Shown,
    pub(super) when: String,
}

impl ExchangeLine {
    pub(super) fn of(exchange: &TrustExchange, now: Timestamp) -> Self {
        let ends = match exchange.ended_at {
            Some(_) => "its pass was ended",
            None if exchange.expires_at <= now => "its pass is over",
            None => "its pass is good",
        };
        let mut when = format!("{}, {ends}", when::ago(now.since(exchange.at)));
        if let Some(address) = &exchange.address {
            when = format!("{when}, from {}", Shown::new(address));
        }
        Self {
            id: Shown::new(&exchange.id),
            who: Shown::typed(&exchange.who),
            may: Shown::typed(&format!("{} in {}", exchange.scope, exchange.project)),
            when,
        }
    }
}

/// What became of a token at one policy.
pub(super) struct ExplainedLines {
    pub(super) id: Shown,
    pub(super) sentence: Shown,
    pub(super) checks: Vec<CheckLine>,
}

/// A name that came with another id than the pinned one: as it is shown and sent back.
pub(super) struct ChangeLine {
    pub(super) claim: Shown,
    pub(super) name: Shown,
    pub(super) id_claim: Shown,
    pub(super) pinned: Shown,
    pub(super) found: Shown,
}

/// One condition.
pub(super) struct CheckLine {
    pub(super) claim: Shown,
    pub(super) wants: Shown,
    pub(super) found: Option<Shown>,
    pub(super) passed: bool,
    pub(super) hint: Option<Shown>,
}

impl ExplainedLines {
    pub(super) fn of(policy: &PolicyExplained) -> Self {
        Self {
            id: Shown::new(&policy.id),
            sentence: Shown::typed(&policy.sentence),
            checks: policy.checks.iter().map(CheckLine::of).collect(),
        }
    }
}

impl ChangeLine {
    pub(super) fn of(changed: &Changed) -> Self {
        Self {
            claim: Shown::typed(&changed.claim),
            name: Shown::typed(&changed.name),
            id_claim: Shown::typed(&changed.id_claim),
            pinned: Shown::typed(&changed.pinned),
            found: Shown::typed(&changed.found),
        }
    }
}

impl CheckLine {
    fn of(check: &Check) -> Self {
        let hint = check.hint.as_deref().map(super::super::setup::sentence);
        Self {
            claim: Shown::new(&check.claim),
            wants: Shown::typed(&check.wants),
            found: check.found.as_deref().map(Shown::typed),
            passed: check.passed,
            hint: hint.as_deref().map(Shown::typed),
        }
    }
}

/// What is dangerous about a policy that is to be made.
pub(super) struct DangerLine {
    pub(super) code: &'static str,
    pub(super) says: String,
    pub(super) accepted: bool,
}

impl DangerLine {
    pub(super) fn of(danger: &DangerSaid, accepted: &[Danger]) -> Self {
        Self {
            code: danger.danger.as_str(),
            says: danger.says.clone(),
            accepted: accepted.contains(&danger.danger),
        }
    }
}
