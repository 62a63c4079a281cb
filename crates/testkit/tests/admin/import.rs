//! An older system's tokens, taken over by their hashes.

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::Cli;
use hallpass_testkit::oauth::OAuth;
use hallpass_testkit::server::Plan;
use serde_json::json;

use crate::office::{LEGACY, Office, ask, kept_anywhere, permissions, sha256, sha512};

const ONE: &str = "stk_4f0c2b8e9a7d6c5b4a3f2e1d";
const TWO: &str = "stk_older-system_kept-512bits";

/// Of nothing in particular, and no salted hash can be taken over without a lookup.
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuu9sTjoGGD/G6kIEcF1TMnwUUdlABg/Q6";

/// What a token that is not good may do everywhere.
const NOWHERE: [Vec<String>; 3] = [vec![], vec![], vec![]];

/// The permissions of a token at each place that there is.
async fn everywhere(api: &OAuth, token: &str) -> Result<[Vec<String>; 3]> {
    let at = async |name, place| anyhow::Ok(permissions(&ask(api, token, (name, place)).await?));
    Ok([
        at("project", "acme/site").await?,
        at("project", "acme/docs").await?,
        at("org", "acme").await?,
    ])
}

// proves: ST12, ST15
#[tokio::test]
async fn a_legacy_token_is_good_for_its_one_project_and_nothing_else() -> Result<()> {
    let mut office = Office::open().await?;
    let api = office.api().await?;
    // What its owner may do elsewhere is nothing to it.
    office.admin(&["member", "set", "acme", "ada@example.com", "owner"]).await?;
    let lines = [
        json!({"hash": sha256(ONE), "name": "nightly", "owner": "ada@example.com"}),
        json!({"hash": sha512(TWO), "role": "viewer", "created": "2021-03-04"}),
    ];
    let file = office.file("tokens.jsonl", &lines.map(|line| line.to_string()).join("\n"))?;
    assert_eq!(office.whoami(ONE).await?.status, 401);
    let import = ["legacy", "import", &file, "--project", "acme/site"];
    let done = office.try_admin(&import, "").await?;
    assert!(done.code == Some(0) && done.stderr.contains("2 of 2 tokens are new"), "{done:?}");

    let publish = ["project:publish", "project:read"].map(str::to_owned).to_vec();
    let read = vec!["project:read".to_owned()];
    for (token, may) in [(ONE, &publish), (TWO, &read)] {
        let answer = ask(&api, token, ("project", "acme/site")).await?;
        assert_eq!(answer.json()["active"], true, "{}", answer.body);
        assert_eq!(everywhere(&api, token).await?, [may.clone(), vec![], vec![]], "{token}");
        // It says where it belongs, and is nobody: no other part of our own API is for it.
        let itself = office.whoami(token).await?.json();
        assert_eq!((&itself["older"], &itself["email"]), (&true.into(), &"".into()), "{itself}");
        assert_eq!(itself["project"]["slug"], "site", "{itself}");
        for path in ["/api/v1/sessions", "/api/v1/tokens", "/api/v1/orgs"] {
            let client = OAuth::public(&office.server, "hallpass-cli");
            assert_eq!(client.get_with(path, token).await?.status, 403, "{path}");
        }
        let cli = OAuth::public(&office.server, "hallpass-cli");
        assert_eq!(cli.refresh(token).await?.outcome(), (400, "invalid_grant".to_owned()));
    }

    // A second run finds nothing new, and wakes nothing up.
    let report = office.rows(&["legacy", "report"]).await?;
    let first = report.iter().find(|row| row["name"] == "nightly").map(|row| row["id"].clone());
    let first = first.as_ref().and_then(|id| id.as_str()).unwrap_or_default();
    office.admin(&["legacy", "revoke", first]).await?;
    assert_eq!(everywhere(&api, ONE).await?, NOWHERE);
    let again = office.try_admin(&import, "").await?;
    assert!(again.stderr.contains("0 of 2 tokens are new; 2 were known"), "{again:?}");
    assert_eq!(everywhere(&api, ONE).await?, NOWHERE);
    assert_eq!(everywhere(&api, TWO).await?, [read, vec![], vec![]]);

    // Only what was there before is at rest: no text.
    office.server.stop().await?;
    for token in [ONE, TWO] {
        assert!(!kept_anywhere(office.server.directory(), token)?);
        assert!(!office.server.log().contains(token));
    }
    Ok(())
}

// The same file, with a server and without one, as CSV.
#[tokio::test]
async fn a_file_is_taken_over_without_a_server_too() -> Result<()> {
    let mut office = Office::open().await?;
    let api = office.api().await?;
    office.server.stop().await?;
    let csv =
        format!("name,hash,project\nci,{},acme/site\n,{},acme/docs\n", sha256(ONE), sha512(TWO));
    let done = office.try_admin(&["legacy", "import", "-"], &csv).await?;
    assert!(done.code == Some(0) && done.stderr.contains("2 of 2"), "{done:?}");
    office.server.start_again().await?;
    let publish = ["project:publish", "project:read"].map(str::to_owned).to_vec();
    assert_eq!(everywhere(&api, ONE).await?, [publish.clone(), vec![], vec![]]);
    assert_eq!(everywhere(&api, TWO).await?, [vec![], publish, vec![]]);
    // What is found under its second key is no longer found under the first.
    assert_eq!(everywhere(&api, &sha512(TWO)).await?, NOWHERE);
    Ok(())
}

#[tokio::test]
async fn a_bad_line_is_named_and_nothing_is_imported() -> Result<()> {
    let office = Office::open().await?;
    let (one, two) = (sha256(ONE), sha256(TWO));
    for (text, why) in [
        (format!("{one}\n{TWO}\n"), "line 2: it holds a token"),
        (format!("{one}\n{BCRYPT}\n"), "line 2: it is a salted hash"),
        (format!("{one}\n$6$salt$hash\n"), "line 2: of the salted hashes, bcrypt"),
        (
            format!("hash,lookup,length\n{BCRYPT},{},24\n", &ONE[4..12]),
            "line 2: its lookup leaves less than 20 characters",
        ),
        (format!("{one}\n{two}0\n"), "line 2: its hash is neither"),
        (
            format!("hash,owner\n{one},ada@example.com\n{two},bo@example.com\n"),
            "line 3: there is no such user",
        ),
        (
            format!("hash,project\n{one},acme/site\n{two},acme/nothing\n"),
            "line 3: there is no such project",
        ),
        (format!("hash,role\n{one},owner\n{two},king\n"), "line 3: no such role"),
        (format!("{one}\n{one}\n"), "line 2: it is the token of line 1 again"),
        (String::new(), "line 1: there is no hash"),
    ] {
        let said =
            office.refused(&["legacy", "import", "-", "--project", "acme/site"], &text).await?;
        assert!(said.contains(why) && said.contains("nothing was imported"), "{text}: {said}");
        assert!(!said.contains(TWO), "{said}");
    }
    let said = office.refused(&["legacy", "import", "-"], &one).await?;
    assert!(said.contains("line 1: nothing says which project"), "{said}");
    assert_eq!(office.rows(&["legacy", "report"]).await?.len(), 0);
    assert_eq!(office.admin(&["legacy", "phase"]).await?.lines().count(), 1);

    // One token cannot be two projects'.
    let to = |place| ["legacy", "import", "-", "--project", place];
    assert_eq!(office.try_admin(&to("acme/site"), &one).await?.code, Some(0));
    let said = office.refused(&to("acme/docs"), &one).await?;
    assert!(said.contains("for another project"), "{said}");
    Ok(())
}

#[tokio::test]
async fn without_a_prefix_nothing_is_taken_over() -> Result<()> {
    let office = Office::open().await?;
    // Straight to the server, and then without one: its own brand has no older system.
    let plain = hallpass_testkit::server::Server::start().await?;
    plain.admin(&["org", "create", "acme"], "").await?;
    plain.admin(&["project", "create", "acme/site"], "").await?;
    let import = ["legacy", "import", "-", "--project", "acme/site"];
    let refused = plain.try_admin(&import, &sha256(ONE)).await?;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("legacy_prefix"), "{refused:?}");
    assert!(office.admin(&["tokens", "patterns"]).await?.contains(LEGACY));
    Ok(())
}

/// What the older system made may begin as ours do; neither server nor tool takes it for a part of
/// one of ours.
// proves: HP07
#[tokio::test]
async fn an_older_systems_tokens_may_begin_as_ours_do() -> Result<()> {
    const OLD: &str = "scion_pat_4f0c2b8e9a7d6c5b4a3f2e1d";
    let tokens = "prefix = 'scion_pat_'\nlegacy_prefix = 'scion_pat_'";
    let office = Office::with(Plan::new(), tokens).await?;
    let line = json!({"hash": sha256(OLD), "name": "nightly"}).to_string();
    let file = office.file("tokens.jsonl", &line)?;
    office.admin(&["legacy", "import", &file, "--project", "acme/site"]).await?;
    let create = ["token", "create", "--user", "ada@example.com", "--name", "ci"];
    let new = office.admin(&create).await?;
    let brand = office.brand.to_str().context("a path in UTF-8")?;
    for (token, who) in [(OLD, "nightly"), (new.trim(), "ada@example.com")] {
        let shell = Cli::new(&office.server)?.variable("HALLPASS_TOKEN", token);
        let told = shell.run(&["--brand", brand, "whoami"]).await?;
        assert!(told.code == Some(0) && told.stdout.contains(who), "{told:?}");
        let kept = Cli::new(&office.server)?.variable("HALLPASS_STORE", "file");
        let login = ["--brand", brand, "login", "--with-token"];
        let login = kept.run_with(&login, &format!("{token}\n")).await?;
        // An older one is for its project alone, and nobody's sign-in.
        let older = login.code == Some(2) && login.stderr.contains("export HALLPASS_TOKEN=TOKEN");
        assert!(if token == OLD { older } else { login.code == Some(0) }, "{login:?}");
    }
    Ok(())
}
