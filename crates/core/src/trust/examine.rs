//! Whether claims meet a policy, condition by condition.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::claims::{Claim, Claims};
use super::condition::Condition;
use super::platform::Platform;
use super::policy::{Pin, Policy};
use super::subject::GithubSubject;
use crate::text::{escaped, presentable};

/// A claim is shown up to as many characters.
const SHOWN: usize = 300;

/// Why something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The policy says so.
    Policy,
    /// Every policy asks for it that says nothing about the same claim.
    Always,
    /// The id behind a name was given, or seen before.
    Pinned,
}

/// One condition, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The claim.
    pub claim: String,
    /// What it had to be, in words.
    pub wants: String,
    /// What it was, made safe to show; absent: it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// Whether that is good.
    pub passed: bool,
    /// Why it is asked for.
    pub standing: Standing,
    /// What helps, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A name that came back with another id than the pinned one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// The claim of the name.
    pub claim: String,
    /// The name.
    pub name: String,
    /// The claim of the id.
    pub id_claim: String,
    /// The id that it was pinned with.
    pub pinned: String,
    /// The id that it came back with.
    pub found: String,
}

impl Changed {
    /// Whether it is about this pin, as it is now.
    pub fn is_of(&self, pin: &Pin) -> bool {
        (&pin.claim, &pin.name, &pin.id_claim, &pin.id)
            == (&self.claim, &self.name, &self.id_claim, &self.pinned)
    }

    /// The name with the id that it came back with.
    pub fn pin(&self) -> Pin {
        Pin {
            claim: self.claim.clone(),
            name: self.name.clone(),
            id_claim: self.id_claim.clone(),
            id: self.found.clone(),
        }
    }
}

/// What became of claims at one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// Each condition; the issuer first.
    pub checks: Vec<Check>,
    /// Whether all passed.
    pub admitted: bool,
    /// Ids that they are let in with, if they are: those that are pinned, and those to be pinned.
    pub pins: Vec<Pin>,
    /// Names that came back with another id than the one that is pinned, here or, where this policy
    /// has pinned none, by another one of the organization.
    pub changed: Vec<Changed>,
    /// How far they are from being let in: the smaller, the nearer.
    pub distance: u32,
}

/// Holds claims against a policy. Issuer, signature, audience and time are whoever calls' to
/// check: here the issuer is only compared.
pub fn examine(policy: &Policy, claims: &Claims) -> Examined {
    let mut examined = Examined {
        checks: Vec::new(),
        admitted: false,
        pins: Vec::new(),
        changed: Vec::new(),
        distance: 0,
    };
    let issuer = Condition::is("iss", &policy.issuer);
    examined.note(&issuer, claims, Standing::Policy, 100_000);
    for condition in &policy.conditions {
        let weight = if is_identity(policy.platform, &condition.claim) { 1_000 } else { 10 };
        examined.note(condition, claims, Standing::Policy, weight);
    }
    for condition in policy.platform.standing() {
        // What a policy says itself counts instead.
        let instead = condition.claim == "ref_type" && policy.on("ref").is_none();
        if policy.on(&condition.claim).is_none() && !instead {
            examined.note(&condition, claims, Standing::Always, 10);
        }
    }
    if policy.platform == Platform::GitHub && policy.on("sub").is_none() {
        examined.note_subject(claims);
    }
    examined.note_ids(policy, claims);
    examined.admitted = examined.checks.iter().all(|check| check.passed);
    if !examined.admitted {
        examined.pins.clear();
    }
    examined
}

/// Policies with what became of claims at each, the nearest first.
pub fn nearest_first<'p, P>(
    policies: impl IntoIterator<Item = (P, &'p Policy)>,
    claims: &Claims,
) -> Vec<(P, Examined)> {
    let mut all: Vec<(P, Examined)> =
        policies.into_iter().map(|(key, policy)| (key, examine(policy, claims))).collect();
    all.sort_by_key(|(_, examined)| examined.distance);
    all
}

impl Examined {
    /// Whether they come from whom the policy is about, whatever else is wrong.
    pub fn is_about_them(&self) -> bool {
        self.distance < 1_000
    }

    fn note(&mut self, condition: &Condition, claims: &Claims, standing: Standing, weight: u32) {
        let found = claims.get(&condition.claim);
        let passed = condition.is_met(claims);
        let hint = (!passed).then(|| hint(condition, &found, standing)).flatten();
        self.push(
            Check {
                claim: condition.claim.clone(),
                wants: condition.wants(),
                found: shown(&found),
                passed,
                standing,
                hint,
            },
            weight,
        );
    }

    fn push(&mut self, check: Check, weight: u32) {
        if !check.passed {
            self.distance += weight;
        }
        self.checks.push(check);
    }

    /// That GitHub's `sub` is one that we can read, and says what the claims say.
    fn note_subject(&mut self, claims: &Claims) {
        let found = claims.get("sub");
        let read = match &found {
            Claim::Text(sub) => GithubSubject::parse(sub).and_then(|sub| sub.agrees(claims)),
            Claim::Missing | Claim::Odd => Err(super::BadSubject::Form),
        };
        let hint = read.err().map(|why| {
            format!("{why}; if your organization changed what sub says, add a condition on sub")
        });
        let check = Check {
            claim: "sub".to_owned(),
            wants: "what the other claims say".to_owned(),
            found: shown(&found),
            passed: hint.is_none(),
            standing: Standing::Always,
            hint,
        };
        self.push(check, 10);
    }

    /// That names come with the ids that were given or seen before.
    fn note_ids(&mut self, policy: &Policy, claims: &Claims) {
        for identity in policy.platform.identities() {
            let Some(condition) = policy.on(identity.name) else { continue };
            // The id is asked for by itself.
            if policy.on(identity.id).is_some() {
                continue;
            }
            let Claim::Text(name) = claims.get(identity.name) else { continue };
            if !condition.allows(&name) {
                continue;
            }
            let found = claims.get(identity.id);
            let of_it = |pin: &&Pin| {
                pin.claim == identity.name && pin.id_claim == identity.id && pin.name == name
            };
            let pin = policy.pins.iter().find(of_it);
            let shown_name = presentable(&name, SHOWN);
            // Its own comes first; what others pin counts where it would take whatever comes.
            let others: Vec<&Pin> = match pin {
                None if policy.pin_first_use => policy.org_pins.iter().filter(of_it).collect(),
                _ => Vec::new(),
            };
            let (wants, passed, hint) = match (pin, &found) {
                (Some(pin), Claim::Text(id)) if *id == pin.id => {
                    self.pins.push(pin.clone());
                    (pin.id.clone(), true, None)
                }
                (Some(pin), found) => {
                    if let Claim::Text(id) = found {
                        self.changed.push(changed(pin, id));
                    }
                    let hint = format!(
                        "the name {shown_name} had this id when it was pinned; another one means that the \
                         name belongs to somebody else now"
                    );
                    (pin.id.clone(), false, Some(hint))
                }
                (None, found) if !others.is_empty() && !all_have(&others, found) => {
                    let differs = |pin: &&&Pin| !matches!(found, Claim::Text(id) if *id == pin.id);
                    if let (Claim::Text(id), Some(pin)) = (found, others.iter().find(differs)) {
                        self.changed.push(changed(pin, id));
                    }
                    let (wants, hint) = pinned_elsewhere(&others, &shown_name);
                    (wants, false, Some(hint))
                }
                (None, Claim::Text(id)) if policy.pin_first_use => {
                    self.pins.push(Pin {
                        claim: identity.name.to_owned(),
                        name: name.clone(),
                        id_claim: identity.id.to_owned(),
                        id: id.clone(),
                    });
                    ("an id, to be pinned at first use".to_owned(), true, None)
                }
                (None, _) if policy.pin_first_use => {
                    let hint = format!("without an id, nobody knows whose {shown_name} is");
                    ("an id, to be pinned at first use".to_owned(), false, Some(hint))
                }
                (None, _) => continue,
            };
            let check = Check {
                claim: identity.id.to_owned(),
                wants,
                found: shown(&found),
                passed,
                standing: Standing::Pinned,
                hint,
            };
            self.push(check, 100);
        }
    }
}

/// Whether all of them pin what was found.
fn all_have(pins: &[&Pin], found: &Claim) -> bool {
    matches!(found, Claim::Text(id) if pins.iter().all(|pin| pin.id == *id))
}

/// What a policy wants that has not pinned a name itself, and what helps.
fn pinned_elsewhere(others: &[&Pin], name: &str) -> (String, String) {
    let ids: BTreeSet<&str> = others.iter().map(|pin| &*pin.id).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    match ids[..] {
        [one] => {
            let hint = format!(
                "another policy of the organization pinned this id for the name {name}; another one \
                 means that the name belongs to somebody else now"
            );
            (one.to_owned(), hint)
        }
        _ => {
            let hint = format!("policies of the organization disagree whose the name {name} is");
            (format!("the one id that all policies pin, and they pin {}", ids.join(" and ")), hint)
        }
    }
}

fn changed(pin: &Pin, found: &str) -> Changed {
    Changed {
        claim: pin.claim.clone(),
        name: pin.name.clone(),
        id_claim: pin.id_claim.clone(),
        pinned: pin.id.clone(),
        found: found.to_owned(),
    }
}

fn is_identity(platform: Platform, claim: &str) -> bool {
    let named = platform.identities().iter().any(|it| it.name == claim || it.id == claim);
    named || platform.ids().contains(&claim)
}

fn shown(found: &Claim) -> Option<String> {
    match found {
        Claim::Text(text) => Some(escaped(text, SHOWN)),
        Claim::Missing => None,
        Claim::Odd => Some("something that is no text".to_owned()),
    }
}

/// What helps whoever looks at a condition that was not met.
fn hint(condition: &Condition, found: &Claim, standing: Standing) -> Option<String> {
    let text = match found {
        Claim::Text(text) => text,
        // What was found says it already.
        Claim::Missing => return None,
        Claim::Odd => return Some("it is compared with texts and numbers only".to_owned()),
    };
    let wanted = condition.exact();
    let any = |same: &dyn Fn(&str) -> bool| wanted.iter().any(|value| same(value));
    if any(&|value| value.eq_ignore_ascii_case(text)) {
        return Some("it differs in upper and lower case only, and that counts".to_owned());
    }
    if any(&|value| value == text.trim()) {
        return Some("there is white space around it".to_owned());
    }
    if !text.is_ascii() && wanted.iter().all(|value| value.is_ascii()) {
        return Some("it has characters that may look like others, and are not".to_owned());
    }
    if any(&|value| value.replace(':', "%3A") == text.replace(':', "%3A")) {
        return Some("a colon and %3A are two different names".to_owned());
    }
    if standing == Standing::Always {
        return Some(
            "a policy has to allow this by name, with a condition on this claim".to_owned(),
        );
    }
    None
}
