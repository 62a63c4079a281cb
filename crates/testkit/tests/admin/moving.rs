//! Phases with dates, the end, and who still uses what.

use anyhow::Result;
use hallpass_core::Timestamp;
use serde_json::Value;

use crate::office::{Office, ask, permissions, sha256};

const ONE: &str = "stk_4f0c2b8e9a7d6c5b4a3f2e1d";
const TWO: &str = "stk_00112233445566778899aabb";

async fn phase(office: &Office) -> Result<Value> {
    Ok(office.rows(&["legacy", "phase"]).await?.remove(0))
}

async fn imported() -> Result<Office> {
    let office = Office::open().await?;
    let hashes = format!("{}\n{}\n", sha256(ONE), sha256(TWO));
    let done =
        office.try_admin(&["legacy", "import", "-", "--project", "acme/site"], &hashes).await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    Ok(office)
}

// proves: ST13
#[tokio::test]
async fn phases_are_kept_with_dates_and_go_back_only_if_that_is_meant() -> Result<()> {
    let mut office = Office::open().await?;
    assert_eq!(phase(&office).await?, Value::Null);
    office.server.stop().await?;
    office.server.start_again().await?;
    let done = office
        .try_admin(&["legacy", "import", "-", "--project", "acme/site"], &sha256(ONE))
        .await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    let begun = phase(&office).await?;
    assert_eq!((&begun["phase"], &begun["since"]), (&"A".into(), &begun["deprecated_since"]));

    let done = office.try_admin(&["legacy", "phase", "C"], "").await?;
    assert!(done.code == Some(0) && !done.stderr.contains("no such tokens here"), "{done:?}");
    let said = office.refused(&["legacy", "phase", "B"], "").await?;
    assert!(said.contains("phase C already") && said.contains("--back"), "{said}");
    office.server.stop().await?;
    office.admin(&["legacy", "phase", "b", "--back"]).await?;
    office.server.start_again().await?;
    let now = phase(&office).await?;
    assert_eq!((&now["phase"], &now["deprecated_since"]), (&"B".into(), &begun["since"]));

    office.admin(&["legacy", "phase", "--sunset", "2099-06-30"]).await?;
    assert_eq!(phase(&office).await?["sunset"], "2099-07-01T00:00:00Z");
    for (sunset, why) in [("2020-01-01", "future"), ("2100-01-01", "--back"), ("never", "--back")] {
        let words = ["legacy", "phase", "--sunset", sunset];
        let words =
            if why == "future" { [&words[..], &["--back"]].concat() } else { words.to_vec() };
        let said = office.refused(&words, "").await?;
        assert!(said.contains(why), "{said}");
    }
    // Each step is in the log, in words; what was refused is not.
    let log = office.rows(&["audit", "list"]).await?;
    let steps: Vec<&str> = log
        .iter()
        .filter(|row| row["action"] == "legacy.move")
        .filter_map(|row| row["detail"].as_str())
        .collect();
    let end = "phase B, end 2099-07-01T00:00:00Z";
    assert_eq!(steps, ["phase A, no end", "phase C, no end", "phase B, no end", end]);
    Ok(())
}

// proves: HP07
#[tokio::test]
async fn whoever_uses_one_is_told_that_it_ends_and_the_report_says_who_that_is() -> Result<()> {
    let mut office = imported().await?;
    let api = office.api().await?;
    // Good, bad or made up: the answer says the same of all that look alike.
    let since = phase(&office).await?["since"].as_str().and_then(Timestamp::parse);
    let since = format!("@{}", since.map_or(0, Timestamp::secs));
    for (token, status) in [(ONE, 200), ("stk_made-up-00000000", 401)] {
        let answer = office.whoami(token).await?;
        assert_eq!(
            (answer.status.as_u16(), answer.header("deprecation")),
            (status, since.as_str())
        );
        assert_eq!(answer.header("sunset"), "");
    }
    assert_eq!(office.whoami("sct_user_x").await?.header("deprecation"), "");
    office.admin(&["legacy", "phase", "B", "--sunset", "2099-06-30"]).await?;
    let answer = office.whoami(TWO).await?;
    assert_eq!(answer.header("sunset"), "Wed, 01 Jul 2099 00:00:00 GMT");
    let exp = ask(&api, ONE, ("project", "acme/site")).await?.json()["exp"].clone();
    let end = Timestamp::parse("2099-07-01T00:00:00Z").map(Timestamp::secs);
    assert_eq!(exp.as_i64(), end, "its end is the move's");

    // The last used first, with the time and the address.
    ask(&api, TWO, ("project", "acme/site")).await?;
    let report = office.rows(&["legacy", "report"]).await?;
    assert_eq!(report.len(), 2);
    assert!(report[0]["last_used_at"].is_string(), "{report:?}");
    assert_eq!(report[0]["project"], "acme/site");
    let told = office.admin(&["legacy", "report", "--project", "acme/site"]).await?;
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(office.admin(&["legacy", "report", "--project", "acme/docs"]).await?.is_empty());

    // It outlives the server.
    office.server.stop().await?;
    let kept = office.rows(&["legacy", "report"]).await?;
    assert_eq!(kept[0]["last_used_at"].is_string(), report[0]["last_used_at"].is_string());
    office.server.start_again().await?;

    office.admin(&["legacy", "revoke", "--project", "acme/site"]).await?;
    for token in [ONE, TWO] {
        let answer = ask(&api, token, ("project", "acme/site")).await?;
        assert_eq!((&answer.json()["active"], permissions(&answer)), (&false.into(), vec![]));
    }
    assert_eq!(office.rows(&["legacy", "report"]).await?.len(), 0);
    Ok(())
}

/// A phase may be set before anything was imported, and that is said.
#[tokio::test]
async fn a_phase_without_any_older_token_is_told() -> Result<()> {
    let office = Office::open().await?;
    let done = office.try_admin(&["legacy", "phase", "C"], "").await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    let said = [done.stdout, done.stderr].concat();
    assert!(said.contains("there are no such tokens here now."), "{said}");
    Ok(())
}
