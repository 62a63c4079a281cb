//! A job against a server and an issuer that answer as they are told.

use std::time::Duration;

use serde_json::json;

use crate::logout::Revocation;
use crate::testing::{FakeServer, Said, Table, Town};
use crate::{Class, Error, Platform, Selection, Source, State, Which};

/// `{"sub":"job_01JBBBBBBBBBBBBBBBBBBBBBBB","exp":4000000000}`
const JOB: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJqb2JfMDFKQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkIiLCJleHAi\
                   OjQwMDAwMDAwMDB9.c2ln";
const PASS: &str = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiIx";

/// Its nth pass is `PASS.n`, its nth identity `e30.e30.n`.
fn town(variables: &[(&str, &str)]) -> Town {
    let mut town = Town::new();
    let issuer = &town.server;
    let given = (1..=9).map(|n| json!({ "count": 1, "value": format!("e30.e30.n{n}") }));
    issuer.script("/request", given.map(|answer| Said::json(200, &answer)).collect());
    issuer.script("/auth/oidc/exchange", (1..=9).map(|n| Said::json(200, &pass(n))).collect());
    let url = format!("{}/request?api-version=2.0", issuer.origin);
    let mut table = Table::of(&[
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-this-job"),
        ("RUNNER_ENVIRONMENT", "github-hosted"),
        ("GITHUB_REPOSITORY", "acme/warehouse"),
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_JOB", "test"),
    ]);
    table.variables.insert("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), url);
    for (name, value) in variables {
        table.variables.insert((*name).to_owned(), (*value).to_owned());
    }
    town.table = table;
    let me = json!({ "id": "wkl_1", "email": "", "name": "acme/warehouse", "scope": "" });
    town.server.says("/api/v1/whoami", Said::json(200, &me));
    town
}

fn pass(n: u32) -> serde_json::Value {
    json!({
        "access_token": format!("{PASS}.n{n}"),
        "expires_in": 900,
        "org": "acme",
        "policy": "trp_1",
        "project": "warehouse",
        "scope": "runs:create",
        "token_type": "Bearer",
    })
}

fn count(server: &FakeServer, path: &str) -> usize {
    server.seen(path).len()
}

fn revoked(server: &FakeServer) -> Vec<String> {
    server.seen("/oauth/revoke").iter().map(|seen| seen.form("token")).collect()
}

fn bearer(server: &FakeServer) -> Vec<String> {
    let seen = server.seen("/api/v1/whoami");
    seen.iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect()
}

// proves: RB10, jobs-1
#[test]
fn a_later_step_is_signed_in_and_writes_nothing() {
    let town = town(&[]);
    let login = town.client().login_as_job(None).unwrap();
    assert_eq!((login.platform, login.project.as_str()), (Platform::GitHub, "acme/warehouse"));
    assert!(login.waits && login.stands && login.again);
    // The identity is made out for the server, and opened with the job's secret.
    let asked = &town.server.seen("/request")[0];
    assert_eq!(asked.header("authorization"), Some("Bearer of-this-job"));
    let audience = url::form_urlencoded::byte_serialize(town.server.origin.as_bytes());
    let audience: String = audience.collect();
    assert_eq!(asked.query, format!("api-version=2.0&audience={audience}"));
    let body = &town.server.seen("/auth/oidc/exchange")[0].body;
    assert_eq!(*body, r#"{"token":"e30.e30.n1"}"#);

    // Another process: no server named, and it goes where the first one signed in.
    let later = crate::Client::new(town.parts(), Selection::default());
    let status = later.status();
    assert_eq!(status.source, Source::Workload { platform: Platform::GitHub });
    assert_eq!((&status.server, status.state), (&town.server.origin, State::Valid));
    later.session().unwrap().whoami().unwrap();
    assert_eq!(bearer(&town.server), [format!("Bearer {PASS}.n1")]);
    assert_eq!(count(&town.server, "/auth/oidc/exchange"), 1);
    assert_eq!(town.shelf.seconds(), [900]);
    // It waits for the next step, so nobody ended it, and no file knows of it.
    assert_eq!(count(&town.server, "/oauth/revoke"), 0);
    assert!(std::fs::read_dir(town.home.path()).unwrap().next().is_none());

    let report = later.logout(Which::Selected).unwrap();
    assert_eq!(report.job.unwrap().revocation, Revocation::Revoked);
    assert_eq!(town.server.seen("/oauth/revoke")[0].form("token"), format!("{PASS}.n1"));
    assert!(town.shelf.bytes().is_empty());
    assert!(later.logout(Which::Selected).unwrap().job.is_none());
}

// proves: RB10
#[test]
fn where_a_machine_serves_many_jobs_each_step_trades_anew_and_leaves_nothing() {
    let town = town(&[("RUNNER_ENVIRONMENT", "self-hosted")]);
    for n in 1..=2 {
        assert_eq!(town.client().status().state, State::Refreshable);
        let session = town.client().session().unwrap();
        session.whoami().unwrap();
        session.whoami().unwrap();
        drop(session);
        assert_eq!(count(&town.server, "/auth/oidc/exchange"), n);
        assert_eq!(count(&town.server, "/oauth/revoke"), n, "each ends its own");
        assert!(town.shelf.bytes().is_empty());
    }
    // What another program was handed is not taken away from it, and is no later step's.
    let token = town.client().session().unwrap().access_token().unwrap();
    assert_eq!(token.expose(), format!("{PASS}.n3"));
    assert_eq!(count(&town.server, "/oauth/revoke"), 2);
    assert_eq!(town.client().status().state, State::Refreshable);
    // Unless that program is known to have ended.
    // However long it ran: the limit of the first requests is not that of the last.
    let session = town.client().within(Duration::from_secs(30)).session().unwrap();
    assert!(session.is_for_this_step());
    session.access_token().unwrap();
    town.time.pass(Duration::from_secs(31));
    session.take_back();
    assert_eq!(revoked(&town.server)[2], format!("{PASS}.n4"));
    // A login says that it works, and leaves nothing.
    let login = town.client().login_as_job(None).unwrap();
    assert!(!login.waits && login.stands && login.expires_at.is_none());
    assert_eq!(revoked(&town.server)[3], format!("{PASS}.n5"));
    // The end of the job revokes what is still about.
    let report = town.client().logout(Which::Selected).unwrap();
    assert_eq!(report.job.unwrap().revocation, Revocation::Revoked);
    assert!(revoked(&town.server)[4..].contains(&format!("{PASS}.n3")));
    assert!(town.shelf.bytes().is_empty());
}

// proves: jobs-1
#[test]
fn the_end_of_a_job_revokes_each_pass_that_it_was_given() {
    let town = town(&[]);
    town.client().login_as_job(None).unwrap();
    town.client().login_as_job(None).unwrap();
    town.time.pass(std::time::Duration::from_secs(850));
    town.client().session().unwrap().whoami().unwrap();
    assert_eq!(count(&town.server, "/oauth/revoke"), 0);
    town.client().logout(Which::Selected).unwrap();
    let all = [3, 2, 1].map(|n| format!("{PASS}.n{n}"));
    let mut revoked = revoked(&town.server);
    assert_eq!(revoked[0], all[0], "the newest first");
    revoked.sort_by(|one, other| other.cmp(one));
    assert_eq!(revoked, all);
}

// proves: jobs-1
#[test]
fn a_job_with_one_identity_serves_its_later_steps_or_spends_nothing() {
    let mut town = town(&[]);
    town.table = Table::of(&[("HALLPASS_ID_TOKEN", "e30.e30.once")]);
    for _ in 1..=2 {
        let login = town.client().login_as_job(None).unwrap();
        assert!(login.waits && !login.again && login.policy == "trp_1", "{login:?}");
    }
    town.client().session().unwrap().whoami().unwrap();
    assert_eq!(count(&town.server, "/auth/oidc/exchange"), 1);
    town.client().logout(Which::Selected).unwrap();
    assert_eq!(revoked(&town.server), [format!("{PASS}.n1")]);
    // Another project needs another identity, and that is said.
    let refused = json!({ "error": "access_denied", "error_description": "No policy does." });
    town.server.says("/auth/oidc/exchange", Said::json(403, &refused));
    let error = town.client().login_as_job(Some("acme/docs".to_owned())).unwrap_err();
    assert!(error.to_string().contains("a server takes it once"), "{error}");
    // Where nothing can wait, the identity is left for whoever can use its pass.
    town.table.system = Some(crate::environment::System::Mac);
    let error = town.client().login_as_job(None).unwrap_err();
    assert!(matches!(error, Error::TakenOnce { .. }), "{error}");
    let next = "export HALLPASS_TOKEN=\"$(hallpass token print)\"";
    assert_eq!(error.next("hallpass").unwrap(), next);
    assert_eq!(count(&town.server, "/auth/oidc/exchange"), 2);
}

// proves: jobs-1
#[test]
fn a_job_that_outlives_its_pass_trades_again_and_so_does_one_whose_pass_was_refused() {
    let town = town(&[]);
    let session = town.client().session().unwrap();
    session.whoami().unwrap();
    town.time.pass(std::time::Duration::from_secs(850));
    session.whoami().unwrap();
    assert_eq!(bearer(&town.server).last().unwrap(), &format!("Bearer {PASS}.n2"));
    // A refused one is replaced once.
    town.server.answers("/api/v1/whoami", |seen| {
        match seen.header("authorization").is_some_and(|it| it.ends_with("n2")) {
            true => Said::text(401, "text/plain", "")
                .with("WWW-Authenticate", "Bearer error=\"invalid_token\""),
            false => Said::json(200, &json!({ "id": "w", "email": "", "name": "", "scope": "" })),
        }
    });
    session.whoami().unwrap();
    assert_eq!(bearer(&town.server).last().unwrap(), &format!("Bearer {PASS}.n3"));
    // While the server cannot trade, what is still good will do.
    town.time.pass(std::time::Duration::from_secs(850));
    town.server.says("/auth/oidc/exchange", Said::text(503, "text/plain", ""));
    session.whoami().unwrap();
    town.server.says("/request", Said::text(503, "text/plain", ""));
    session.whoami().unwrap();
    town.time.pass(std::time::Duration::from_secs(60));
    assert!(matches!(session.whoami(), Err(Error::PlatformSilent { .. })));
}

#[test]
fn trouble_is_passing_or_final_and_says_which() {
    let town = town(&[]);
    let passing = Said::text(503, "text/plain", "");
    town.server.script(
        "/request",
        vec![
            passing.clone(),
            Said::json(200, &json!({ "value": "e30.e30.a" })),
            Said::json(200, &json!({ "value": "e30.e30.b" })),
        ],
    );
    town.server.script("/auth/oidc/exchange", vec![passing, Said::json(200, &pass(1))]);
    town.client().login_as_job(None).unwrap();
    let bodies = town.server.seen("/auth/oidc/exchange");
    assert!(bodies[0].body.contains("e30.e30.a") && bodies[1].body.contains("e30.e30.b"));

    let refused = json!({ "error": "access_denied", "error_description": "No policy does." });
    town.server.says("/auth/oidc/exchange", Said::json(403, &refused));
    let error = town.client().login_as_job(None).unwrap_err();
    assert!(error.to_string().contains("(access_denied: No policy does)"), "{error}");
    assert_eq!(error.next("hallpass").unwrap(), "hallpass trust denied");
    // The platform's own endpoint is not the server, and is asked no oftener than that says.
    town.server.says("/request", Said::text(503, "text/plain", ""));
    let (asked, traded) = (count(&town.server, "/request"), bodies.len() + 1);
    let error = town.client().login_as_job(None).unwrap_err();
    assert!(matches!(error, Error::PlatformSilent { .. }), "{error}");
    assert_eq!((error.class(), error.next("hallpass")), (Class::CannotVerify, None));
    let said = error.to_string();
    assert!(said.starts_with("GitHub Actions did not give this job its identity: "), "{said}");
    assert!(said.contains("answered 503") && said.contains("ACTIONS_ID_TOKEN_REQUEST_URL"));
    assert_eq!(count(&town.server, "/request"), asked + 3);
    town.server.says("/request", Said::text(200, "text/html", "<p>down</p>"));
    let error = town.client().login_as_job(None).unwrap_err();
    assert!(matches!(error, Error::PlatformSilent { .. }), "{error}");
    assert_eq!(count(&town.server, "/auth/oidc/exchange"), traded);
    town.server.says("/request", Said::text(401, "text/plain", ""));
    let error = town.client().login_as_job(None).unwrap_err();
    assert!(matches!(error, Error::NoIdentity { .. }), "{error}");
    town.server.says("/request", Said::json(200, &json!({ "value": "no jwt" })));
    let error = town.client().login_as_job(None).unwrap_err();
    assert!(error.to_string().ends_with("what it gave is not a JWT"), "{error}");
}

#[cfg(unix)]
#[test]
fn an_identity_from_a_variable_a_file_or_a_command() {
    let token = |variables: &[(&str, &str)]| {
        let mut town = town(&[]);
        town.table = Table::of(variables);
        let file = variables.iter().find(|(name, _)| *name == "HALLPASS_ID_TOKEN_FILE");
        if let Some((_, path)) = file {
            town.table.files.extend(std::fs::read_to_string(path).map(|it| (path.into(), it)));
        }
        let login = town.client().login_as_job(None)?;
        assert_eq!(login.waits, !login.again);
        let seen = town.server.seen("/auth/oidc/exchange");
        Ok::<_, Error>((seen[0].body.clone(), login.again))
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "e30.e30.file\n").unwrap();
    let said = |token: &str| format!(r#"{{"token":"{token}"}}"#);
    let file = file.to_str().unwrap();
    assert_eq!(token(&[("HALLPASS_ID_TOKEN", "e30.e30.v")]).unwrap(), (said("e30.e30.v"), false));
    assert_eq!(token(&[("HALLPASS_ID_TOKEN_FILE", file)]).unwrap(), (said("e30.e30.file"), false));
    let command = "printf 'e30.e30.%s' \"$(printf %s \"$HALLPASS_OIDC_AUDIENCE\" | cut -c1-4)\"";
    let got = token(&[("HALLPASS_ID_TOKEN_COMMAND", command)]).unwrap();
    assert_eq!(got, (said("e30.e30.http"), true));
    let why = |variables| token(variables).unwrap_err().to_string();
    assert!(why(&[("HALLPASS_ID_TOKEN_COMMAND", "exit 3")]).contains("the command failed"));
    assert!(why(&[("HALLPASS_ID_TOKEN_FILE", "/nowhere/token")]).contains("cannot be read"));
    assert!(why(&[("CI", "true")]).contains("no job of a platform"));
    assert!(why(&[("GITHUB_ACTIONS", "true")]).contains("id-token: write"));
}

#[test]
fn the_project_that_is_wanted_is_asked_for() {
    let town = town(&[("HALLPASS_ORG", "acme"), ("HALLPASS_PROJECT", "docs")]);
    town.client().login_as_job(None).unwrap();
    town.client().login_as_job(Some("acme/warehouse".to_owned())).unwrap();
    let bodies = town.server.seen("/auth/oidc/exchange");
    assert!(bodies[0].body.ends_with(r#""project":"acme/docs"}"#), "{}", bodies[0].body);
    assert!(bodies[1].body.ends_with(r#""project":"acme/warehouse"}"#), "{}", bodies[1].body);
}

// proves: jobs-1
#[test]
fn a_pass_in_the_variable_of_a_job_ends_with_a_logout_and_a_key_does_not() {
    for (token, ended) in [(JOB, true), ("hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA", false)] {
        let town = town(&[("HALLPASS_TOKEN", token)]);
        let report = town.client().logout(Which::Selected).unwrap();
        assert_eq!(report.job.is_some(), ended, "{token}");
        assert_eq!(report.variable.is_none(), ended);
        assert_eq!(count(&town.server, "/oauth/revoke"), usize::from(ended));
    }
}
