//! Who is let in, and who is not: `table.txt` for GitHub, `elsewhere.txt` for the others.

use serde_json::{Map, Value, json};

use super::*;
use crate::wire::trust::NewTrustPolicy;

mod words;

/// A case of a table: a policy, the claims of a token, and whether that lets it in.
struct Case {
    at: String,
    policy: Policy,
    claims: Claims,
    let_in: bool,
}

fn object(text: &str, at: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{at}: {error}: {text}"))
}

pub(super) fn policy(text: &str) -> Policy {
    let asked: NewTrustPolicy = if text.starts_with('{') {
        serde_json::from_str(text).unwrap()
    } else {
        NewTrustPolicy { line: Some(text.to_owned()), ..NewTrustPolicy::default() }
    };
    let asked = NewTrustPolicy { permissions: "runs:create".parse().unwrap(), ..asked };
    asked.policy("lab/scans").unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// GitHub's subject, from the claims beside it, in both of its forms.
fn subjects(claims: &Map<String, Value>) -> Vec<String> {
    let text = |name: &str| match claims.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let context = match (claims.get("environment"), text("event_name").as_str()) {
        (Some(Value::String(name)), _) => format!("environment:{}", name.replace(':', "%3A")),
        (_, "pull_request") => "pull_request".to_owned(),
        _ => format!("ref:{}", text("ref")),
    };
    let repository = text("repository");
    let (owner, name) = repository.split_once('/').unwrap_or((&repository, ""));
    let (owner_id, id) = (text("repository_owner_id"), text("repository_id"));
    vec![
        format!("repo:{repository}:{context}"),
        format!("repo:{owner}@{owner_id}/{name}@{id}:{context}"),
    ]
}

fn cases(table: &str, name: &str) -> Vec<Case> {
    let (mut all, mut base, mut github, mut held) = (Vec::new(), Map::new(), false, None);
    for (number, line) in table.lines().enumerate() {
        let at = format!("{name}:{}", number + 1);
        let Some((word, rest)) = line.split_once(' ') else { continue };
        match word {
            "base" => {
                let (platform, claims) = rest.split_once(' ').unwrap();
                (base, github) = (object(claims, &at), platform == "github");
            }
            "policy" => held = Some(policy(rest)),
            "yes" | "no" => {
                let changed = object(rest, &at);
                let own = changed.contains_key("sub");
                let mut claims = base.clone();
                for (name, value) in changed {
                    match value {
                        Value::Null => claims.remove(&name),
                        value => claims.insert(name, value),
                    };
                }
                let mut add = |claims: &Map<String, Value>| {
                    let json = serde_json::to_vec(claims).unwrap();
                    all.push(Case {
                        at: at.clone(),
                        policy: held.clone().unwrap(),
                        claims: Claims::parse(&json).unwrap(),
                        let_in: word == "yes",
                    });
                };
                if own || !github {
                    add(&claims);
                    continue;
                }
                for subject in subjects(&claims) {
                    claims.insert("sub".to_owned(), json!(subject));
                    add(&claims);
                }
            }
            _ => assert!(word.starts_with('#'), "{at}: {line}"),
        }
    }
    all
}

fn all() -> Vec<Case> {
    let mut all = cases(include_str!("table.txt"), "table.txt");
    all.extend(cases(include_str!("elsewhere.txt"), "elsewhere.txt"));
    all
}

// proves: H09, HP05, attack-17, attack-18, attack-19, attack-20, attack-21, attack-22, attack-23, attack-25
#[test]
fn who_is_let_in() {
    let all = all();
    let mut wrong = Vec::new();
    for Case { at, policy, claims, let_in } in &all {
        let examined = examine(policy, claims);
        if examined.admitted != *let_in {
            let failed: Vec<_> = examined.checks.iter().filter(|check| !check.passed).collect();
            wrong.push(format!("{at}: {} {failed:?}", examined.admitted));
        }
        // Who is not let in is told why, and nobody's id is pinned.
        if !let_in {
            assert!(examined.checks.iter().any(|check| !check.passed), "{at}");
            assert!(examined.pins.is_empty() && examined.distance > 0, "{at}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let refused = all.iter().filter(|case| !case.let_in).count();
    assert!(all.len() >= 400 && refused * 2 > all.len(), "{refused} of {}", all.len());
    let github = all.iter().filter(|case| case.policy.platform == Platform::GitHub).count();
    assert!(github >= 160, "{github}");
}

// proves: HP04
#[test]
fn the_least_rule_lets_in_whom_it_was_made_for_and_no_other_repository() {
    let mut made = 0;
    for Case { at, policy, claims, let_in } in all() {
        let Some(least) = least(&claims, &policy) else { continue };
        made += 1;
        assert!(examine(&least, &claims).admitted, "{at}");
        assert_eq!(least.check(), Ok(()), "{at}");
        assert_eq!((&least.project, &least.permissions), (&policy.project, &policy.permissions));
        let dangers = dangers(&least);
        assert!(!dangers.contains(&Danger::WholeOrganization), "{at}: {dangers:?}");
        assert!(!dangers.contains(&Danger::NamesWithoutIds), "{at}: {dangers:?}");
        assert!(!dangers.contains(&Danger::AnyEvent), "{at}: {dangers:?}");
        // As it would be sent and read back.
        let json = serde_json::to_string(&NewTrustPolicy::from(&least)).unwrap();
        let again: NewTrustPolicy = serde_json::from_str(&json).unwrap();
        assert_eq!(again.policy(&least.project).as_ref(), Ok(&least), "{at}");
        let _ = let_in;
    }
    assert!(made > 200, "{made}");
}

// proves: HP04, attack-18
#[test]
fn the_nearest_policy_comes_first_and_a_changed_id_is_told_apart() {
    let main = policy("repo:acme@123/warehouse@456:ref:refs/heads/main");
    let prod = policy("repo:acme/warehouse:environment:production");
    let other = policy("repo:acme/other:ref:refs/heads/main");
    let all = [(1, &other), (2, &prod), (3, &main)];
    let claims = |repository_id: &str, at: &str| {
        let json = json!({
            "iss": GITHUB, "sub": format!("repo:acme/warehouse:ref:{at}"), "event_name": "push",
            "repository": "acme/warehouse", "repository_id": repository_id,
            "repository_owner": "acme", "repository_owner_id": "123", "ref": at,
        });
        Claims::parse(json.to_string().as_bytes()).unwrap()
    };
    let order = |claims: &Claims| -> Vec<i32> {
        nearest_first(all, claims).iter().map(|(key, _)| *key).collect()
    };
    assert_eq!(order(&claims("456", "refs/heads/main")), [3, 2, 1]);
    assert_eq!(order(&claims("456", "refs/heads/dev")), [2, 3, 1]);
    let examined = examine(&main, &claims("457", "refs/heads/main"));
    assert!(!examined.admitted && examined.is_about_them());
    assert_eq!(
        examined.changed.into_iter().map(|it| (it.name, it.found)).next(),
        Some(("acme/warehouse".into(), "457".into()))
    );
    assert!(!examine(&other, &claims("456", "refs/heads/main")).is_about_them());
    // Pinned when first seen, and compared from then on.
    let mut first = policy("repo:acme/warehouse:ref:refs/heads/main");
    let seen = examine(&first, &claims("456", "refs/heads/main"));
    assert!(seen.admitted && seen.pins.len() == 1, "{seen:?}");
    first.pins = seen.pins;
    assert_eq!(first.check(), Ok(()));
    assert!(examine(&first, &claims("456", "refs/heads/main")).admitted);
    let back = examine(&first, &claims("457", "refs/heads/main"));
    assert!(!back.admitted && !back.changed.is_empty(), "{back:?}");
}

// proves: attack-18
#[test]
fn a_name_goes_with_the_id_that_its_organization_has_pinned() {
    let pin = |id: &str| Pin {
        claim: "repository".to_owned(),
        name: "acme/warehouse".to_owned(),
        id_claim: "repository_id".to_owned(),
        id: id.to_owned(),
    };
    let claims = |id: Option<&str>| {
        let mut json = json!({
            "event_name": "push", "iss": GITHUB, "ref": "refs/heads/main",
            "repository": "acme/warehouse", "repository_owner": "acme",
            "sub": "repo:acme/warehouse:ref:refs/heads/main",
        });
        if let Some(id) = id {
            json["repository_id"] = json!(id);
        }
        Claims::parse(json.to_string().as_bytes()).unwrap()
    };
    let known = |own: &[&str], org: &[&str], text: &str| Policy {
        pins: own.iter().map(|id| pin(id)).collect(),
        org_pins: org.iter().map(|id| pin(id)).collect(),
        ..policy(text)
    };
    let line = "repo:acme/warehouse:ref:refs/heads/main";
    let alone = r#"{"line":"repo:acme/warehouse:ref:refs/heads/main","pin_first_use":false}"#;
    // Its own pins, what its organization pins, the id that came; let in, and what it had to be.
    type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a str, Option<&'a str>, Option<&'a str>);
    let cases: [Case<'_>; 8] = [
        (&[], &[], "456", None, None),
        (&[], &["456"], "456", None, None),
        (&[], &["456", "456"], "456", None, None),
        (&[], &["456"], "457", Some("456"), Some("456")),
        // Its own comes first.
        (&["457"], &["456", "457"], "457", None, None),
        (&["457"], &["456", "457"], "456", Some("457"), Some("457")),
        // Where others disagree, nobody is let in before somebody has said whose the name is.
        (
            &[],
            &["456", "457"],
            "456",
            Some("457"),
            Some("the one id that all policies pin, and they pin 456 and 457"),
        ),
        (
            &[],
            &["456", "457"],
            "458",
            Some("456"),
            Some("the one id that all policies pin, and they pin 456 and 457"),
        ),
    ];
    for (own, org, came, pinned, wants) in cases {
        let examined = examine(&known(own, org, line), &claims(Some(came)));
        let check = examined.checks.iter().find(|it| it.standing == Standing::Pinned).unwrap();
        assert_eq!(examined.admitted, pinned.is_none(), "{own:?} {org:?} {came}");
        let changed: Vec<_> = examined.changed.iter().map(|it| (&*it.pinned, &*it.found)).collect();
        assert_eq!(changed, Vec::from_iter(pinned.map(|it| (it, came))), "{own:?} {org:?} {came}");
        match wants {
            Some(wants) => assert_eq!((&*check.wants, &*examined.pins), (wants, &[][..])),
            None => assert_eq!(examined.pins, [pin(came)]),
        }
    }
    let without = examine(&known(&[], &["456"], line), &claims(None));
    assert!(!without.admitted && without.changed.is_empty(), "{without:?}");
    // Who goes by names alone has accepted that by name.
    assert!(examine(&known(&[], &["456"], alone), &claims(Some("457"))).admitted);
    let other = Pin { name: "acme/other".to_owned(), ..pin("1") };
    let apart = Policy { org_pins: [other].into(), ..policy(line) };
    assert!(examine(&apart, &claims(Some("456"))).admitted);
}
