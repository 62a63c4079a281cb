//! What is said about policies: lines, dangers, sentences, and why one cannot be used.

use super::policy;
use crate::trust::*;
use crate::wire::trust::NewTrustPolicy;

// proves: RB09
#[test]
fn a_line_is_conditions_on_claims() {
    let (conditions, pins) = parse_line("repo:acme/warehouse:ref:refs/heads/main").unwrap();
    let expected =
        [Condition::is("repository", "acme/warehouse"), Condition::is("ref", "refs/heads/main")];
    assert_eq!((conditions.as_slice(), pins.len()), (&expected[..], 0));
    let (conditions, pins) = parse_line(" repo:acme@123/warehouse@456:environment:a%3Ab ").unwrap();
    assert!(conditions.contains(&Condition::is("environment", "a:b")), "{conditions:?}");
    let ids: Vec<_> = pins.iter().map(|pin| (pin.id_claim.as_str(), pin.id.as_str())).collect();
    assert_eq!(ids, [("repository_id", "456"), ("repository_owner_id", "123")]);
    for bad in [
        "",
        "acme/warehouse",
        "repo:acme/warehouse",
        "repo:acme/warehouse:",
        "repo:acme/warehouse:ref:",
        "repo:acme/warehouse:ref:main",
        "repo:acme/warehouse:ref: refs/heads/main",
        "repo:acme/warehouse:environment:",
        "repo:acme/ware*:ref:refs/heads/main",
        "repo:*/warehouse:ref:refs/heads/main",
        "repo:*/*:*",
        "repo:*",
        "repo:acme*/x:*",
        "repo:acme@1/warehouse:*",
        "repo:acme/warehouse@1:*",
        "repo:acme@x/warehouse@1:*",
        "repo:acme/warehouse:actor:alice",
        "repo:acme/warehouse:workflow:ship",
        "repo:acme/warehouse:pull_request_target",
        "repo:acme/warehouse:ref:refs/**/main",
        "repo:acm\u{435}/warehouse:ref:refs/heads/main",
        "repo:acme/warehouse:ref:refs/heads/main\nrepo:evil/x:*",
        "Repo:acme/warehouse:*",
        "repo:acme/warehouse/x:*",
        "repo:/warehouse:*",
        "repo:acme/:*",
    ] {
        assert!(parse_line(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_ref_by_its_short_name_is_told_what_to_write() {
    for (line, write) in [
        ("repo:acme/warehouse:ref:main", "ref:refs/heads/main"),
        ("repo:acme/warehouse:ref:heads/main", "ref:refs/heads/main"),
        ("repo:acme/warehouse:ref:tags/v1", "ref:refs/tags/v1"),
    ] {
        let why = parse_line(line).unwrap_err().to_string();
        assert!(why.contains(write), "{line}: {why}");
    }
}

// proves: attack-20, HP04
#[test]
fn what_is_dangerous_is_said() {
    use Danger::*;
    let cases: &[(&str, &[Danger])] = &[
        ("repo:acme/warehouse:ref:refs/heads/main", &[]),
        ("repo:acme/warehouse:environment:production", &[]),
        ("repo:acme/warehouse:ref:refs/heads/release/*", &[]),
        ("repo:acme/*:ref:refs/heads/main", &[WholeOrganization]),
        ("repo:acme/*:*", &[WholeOrganization, AnyRef]),
        ("repo:acme/warehouse:*", &[AnyRef]),
        ("repo:acme/warehouse:ref:*", &[AnyRef]),
        ("repo:acme/warehouse:environment:*", &[AnyRef]),
        ("repo:acme/warehouse:ref:refs/heads/*", &[AnyRef]),
        ("repo:acme/warehouse:ref:refs/heads/**", &[AnyRef]),
        ("repo:acme/warehouse:ref:refs/tags/v*", &[MovableTag]),
        ("repo:acme/warehouse:pull_request", &[OutsidersEvent]),
        (
            r#"{"line":"repo:acme/warehouse:ref:refs/heads/main","pin_first_use":false}"#,
            &[NamesWithoutIds],
        ),
        (r#"{"line":"repo:acme@1/warehouse@2:ref:refs/heads/main","pin_first_use":false}"#, &[]),
        (
            r#"{"line":"repo:acme/warehouse:ref:refs/heads/main","conditions":[{"claim":"event_name","any":true}]}"#,
            &[AnyEvent],
        ),
        (
            r#"{"line":"repo:acme/warehouse:ref:refs/heads/main","conditions":[{"claim":"event_name","one_of":["push","pull_request_target"]}]}"#,
            &[OutsidersEvent],
        ),
        (
            r#"{"line":"repo:acme/warehouse:ref:refs/heads/main","conditions":[{"claim":"job_workflow_ref","is":"acme/f/.github/workflows/x.yml@refs/tags/v1"}]}"#,
            &[MovableWorkflow],
        ),
        (
            r#"{"line":"repo:acme/warehouse:ref:refs/heads/main","conditions":[{"claim":"job_workflow_ref","is":"acme/f/.github/workflows/x.yml@0123456789012345678901234567890123456789"}]}"#,
            &[],
        ),
        (
            r#"{"conditions":[{"claim":"repository_owner_id","is":"1"},{"claim":"workflow","is":"ship"}]}"#,
            &[WholeOrganization, AnyRef],
        ),
        (
            r#"{"conditions":[{"claim":"repository","is":"a/b"},{"claim":"actor","is":"alice"}]}"#,
            &[AnyRef],
        ),
        (
            r#"{"issuer":"https://gitlab.com","conditions":[{"claim":"project_path","is":"a/b"},{"claim":"ref_protected","one_of":["true","false"]}]}"#,
            &[AnyRef, UnprotectedRef],
        ),
        (
            r#"{"issuer":"https://gitlab.com","conditions":[{"claim":"namespace_path","is":"a"},{"claim":"ref","is":"main"}]}"#,
            &[WholeOrganization],
        ),
        (
            r#"{"issuer":"https://oidc.circleci.com/org/1","conditions":[{"claim":"oidc.circleci.com/project-id","is":"2"},{"claim":"oidc.circleci.com/ssh-rerun","any":true}]}"#,
            &[AnyRef, ShellInJob],
        ),
        (
            r#"{"issuer":"https://k8s.example","platform":"kubernetes","conditions":[{"claim":"/kubernetes.io/namespace","is":"ci"}]}"#,
            &[WholeIssuer],
        ),
        (r#"{"issuer":"https://x.example","conditions":[{"claim":"sub","is":"me"}]}"#, &[]),
    ];
    for (text, expected) in cases {
        let mut found = dangers(&policy(text));
        let mut expected = expected.to_vec();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{text}");
    }
}

// proves: attack-20
#[test]
fn what_lets_in_anybody_or_means_nothing_cannot_be_made() {
    for bad in [
        r#"{"conditions":[]}"#,
        r#"{"conditions":[{"claim":"ref","is":"refs/heads/main"}]}"#,
        r#"{"conditions":[{"claim":"workflow","is":"ship"}]}"#,
        r#"{"conditions":[{"claim":"actor","is":"alice"}]}"#,
        r#"{"conditions":[{"claim":"repository","any":true}]}"#,
        r#"{"conditions":[{"claim":"repository","like":"acme/*"}]}"#,
        r#"{"conditions":[{"claim":"repository","is":"acme/*"}]}"#,
        r#"{"conditions":[{"claim":"repository","one_of":["acme/a","*"]}]}"#,
        r#"{"conditions":[{"claim":"repository","one_of":[]}]}"#,
        r#"{"conditions":[{"claim":"repository","is":""}]}"#,
        r#"{"conditions":[{"claim":"repository","is":" a/b"}]}"#,
        r#"{"conditions":[{"claim":"sub","like":"repo:acme/*"}]}"#,
        r#"{"conditions":[{"claim":"sub","any":true}]}"#,
        r#"{"conditions":[{"claim":"repository","is":"a/b"},{"claim":"repository","is":"a/c"}]}"#,
        r#"{"conditions":[{"claim":"repository","is":"a/b"},{"claim":"aud","is":"x"}]}"#,
        r#"{"conditions":[{"claim":"repository","is":"a/b"},{"claim":"event_name","any":false}]}"#,
        r#"{"conditions":[{"claim":"repository","is":"a/b"},{"claim":"event_name","like":"pull*"}]}"#,
        r#"{"conditions":[{"claim":"","is":"x"}]}"#,
        r#"{"issuer":"https://gitlab.com","conditions":[{"claim":"ref","is":"main"}]}"#,
        r#"{"issuer":"https://gitlab.com","line":"repo:a/b:*"}"#,
        r#"{"issuer":"https://gitlab.com","platform":"other","conditions":[{"claim":"sub","is":"x"}]}"#,
        r#"{"issuer":"https://agent.buildkite.com","conditions":[{"claim":"pipeline_slug","is":"warehouse"}]}"#,
        r#"{"issuer":"http://ci.example","conditions":[{"claim":"sub","is":"x"}]}"#,
        r#"{"issuer":"https://me@ci.example","conditions":[{"claim":"sub","is":"x"}]}"#,
        r#"{"issuer":"https://ci.example/?a","conditions":[{"claim":"sub","is":"x"}]}"#,
        r#"{"issuer":"ci.example","conditions":[{"claim":"sub","is":"x"}]}"#,
        r#"{"line":"repo:a/b:*","ttl_seconds":901}"#,
        r#"{"line":"repo:a/b:*","ttl_seconds":59}"#,
        r#"{"line":"repo:a/b:*","pins":[{"claim":"repository","name":"a/c","id_claim":"repository_id","id":"1"}]}"#,
        r#"{"line":"repo:a/b:*","pins":[{"claim":"actor","name":"a","id_claim":"actor_id","id":"1"}]}"#,
    ] {
        let read = serde_json::from_str::<NewTrustPolicy>(bad).map_err(|error| error.to_string());
        let asked = read
            .map(|asked| NewTrustPolicy { permissions: "runs:create".parse().unwrap(), ..asked });
        let made = asked.and_then(|asked| asked.policy("lab/scans"));
        assert!(made.is_err(), "{bad}: {made:?}");
    }
    let nothing = NewTrustPolicy { line: Some("repo:a/b:*".into()), ..NewTrustPolicy::default() };
    assert!(nothing.policy("lab/scans").unwrap_err().contains("permission"));
}

#[test]
fn a_policy_in_a_sentence() {
    for (text, says) in [
        (
            "repo:acme/warehouse:ref:refs/heads/main",
            "The main branch of acme/warehouse may use runs:create in lab/scans.",
        ),
        (
            "repo:acme/warehouse:environment:production",
            "The environment production of acme/warehouse may use runs:create in lab/scans.",
        ),
        (
            "repo:acme/*:*",
            "Every branch and tag of every repository of acme may use runs:create in lab/scans.",
        ),
        (
            "repo:acme/warehouse:ref:refs/tags/v*",
            "The tag v* of acme/warehouse may use runs:create in lab/scans.",
        ),
        (
            "repo:acme/warehouse:pull_request",
            "Every pull request of acme/warehouse may use runs:create in lab/scans.",
        ),
        (
            r#"{"conditions":[{"claim":"repository","is":"acme/warehouse"},{"claim":"ref","one_of":["refs/heads/main","refs/heads/next"]},{"claim":"environment","is":"prod"}]}"#,
            "The main or next branch in the environment prod of acme/warehouse may use runs:create \
             in lab/scans.",
        ),
        (
            r#"{"issuer":"https://k8s.example","platform":"kubernetes","conditions":[{"claim":"sub","is":"system:serviceaccount:ci:runner"}]}"#,
            "Every job or account of https://k8s.example (kubernetes) whose sub is \
             system:serviceaccount:ci:runner may use runs:create in lab/scans.",
        ),
    ] {
        assert_eq!(sentence(&policy(text)), says);
    }
}

#[test]
fn a_condition_as_it_is_typed() {
    for (text, expected) in [
        ("event_name=push", Condition::is("event_name", "push")),
        ("environment=a=b", Condition::is("environment", "a=b")),
        ("event_name=*", Condition::any("event_name")),
        ("ref~refs/heads/*", Condition::like("ref", "refs/heads/*").unwrap()),
    ] {
        assert_eq!(Condition::parse(text), Ok(expected), "{text}");
    }
    for bad in ["", "push", "ref~refs/**/x"] {
        assert!(Condition::parse(bad).is_err(), "{bad}");
    }
}
