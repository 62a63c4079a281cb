//! Salted hashes of an older system's tokens, and the whole move away from it, on both engines.

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::{Answer, OAuth};
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::server::Plan;
use serde_json::{Value, json};

use crate::office::{Office, ask, kept_anywhere, permissions, sha256};

/// By SHA-256; by bcrypt, as libcrypt hashes it; by argon2id.
const PLAIN: &str = "stk_ab12cd34.0123456789abcdef0123";
const BCRYPTED: &str = "stk_ab12cd35.0123456789abcdef0123";
const ARGONED: &str = "stk_ab12cd36.0123456789abcdef0123";
const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuufEejw3irKmSB1L9/HOxefE42cdE.eeK";
const ARGON2ID: &str = "$argon2id$v=19$m=64,t=2,p=1$YSBzYWx0IG9mIHRoZWlycw$6O9GpGPgPqcpL4MNNhoabcjq+0w6gCMc9sn6kshuK3o";

fn lines() -> String {
    let salted = |hash: &str, text: &str, lookup: &str| json!({ "hash": hash, "lookup": lookup, "length": text.len(), "name": lookup });
    [
        json!({ "hash": sha256(PLAIN), "name": "plain" }),
        salted(BCRYPT, BCRYPTED, "ab12cd35"),
        salted(ARGON2ID, ARGONED, "stk_ab12cd36"),
    ]
    .map(|line| line.to_string())
    .join("\n")
}

async fn import(office: &Office) -> Result<String> {
    let words = ["legacy", "import", "-", "--project", "acme/site"];
    let done = office.try_admin(&words, &lines()).await?;
    anyhow::ensure!(done.code == Some(0), "{done:?}");
    Ok(done.stderr)
}

/// Whether a text is good in its project, as introspection and `/check` say; they must agree.
async fn works(office: &Office, api: &OAuth, text: &str) -> Result<bool> {
    let introspected = ask(api, text, ("project", "acme/site")).await?;
    anyhow::ensure!(introspected.status == 200, "{introspected:?}");
    let checked = OAuth::public(&office.server, "hallpass-cli")
        .get_with("/check?project=acme%2Fsite&permission=project:publish", text)
        .await?;
    let good = permissions(&introspected).contains(&"project:publish".to_owned());
    anyhow::ensure!(checked.status == if good { 200 } else { 401 }, "{text}: {checked:?}");
    Ok(good)
}

async fn id_of(office: &Office, name: &str) -> Result<String> {
    let report = office.rows(&["legacy", "report"]).await?;
    let row = report.iter().find(|row| row["name"] == name).context("in the report")?;
    Ok(row["id"].as_str().context("an id")?.to_owned())
}

async fn play(mut office: Office) -> Result<()> {
    let api = office.api().await?;
    assert!(import(&office).await?.contains("3 of 3 tokens are new"));
    assert!(import(&office).await?.contains("0 of 3 tokens are new; 3 were known"));
    let guess = ARGONED.replace("0123", "3210");
    assert!(!works(&office, &api, &guess).await?);
    // Our own API admits it for the first time, too: it is told where it belongs.
    assert_eq!(office.whoami(BCRYPTED).await?.status, 200);
    assert_eq!(office.whoami(&guess).await?.status, 401);
    for text in [PLAIN, BCRYPTED] {
        assert!(works(&office, &api, text).await?, "{text}");
    }

    // Another process, beside the server or in its place, moves on and takes one away before
    // anybody has presented it.
    office.server.stop().await?;
    office.admin(&["legacy", "phase", "B", "--sunset", "2099-06-30"]).await?;
    office.admin(&["legacy", "revoke", &id_of(&office, "stk_ab12cd36").await?]).await?;
    office.server.start_again().await?;
    assert!(!works(&office, &api, ARGONED).await?);
    assert!(import(&office).await?.contains("0 of 3 tokens are new"));
    assert!(!works(&office, &api, ARGONED).await?);
    for text in [PLAIN, BCRYPTED] {
        assert!(works(&office, &api, text).await?, "{text}");
        let answer = office.whoami(text).await?;
        assert_eq!(answer.header("sunset"), "Wed, 01 Jul 2099 00:00:00 GMT");
    }
    office.admin(&["legacy", "revoke", "--project", "acme/site"]).await?;
    for text in [PLAIN, BCRYPTED] {
        assert!(!works(&office, &api, text).await?, "{text}");
    }
    let phase: Value = office.rows(&["legacy", "phase"]).await?.remove(0);
    assert_eq!((&phase["phase"], &phase["sunset"]), (&"B".into(), &"2099-07-01T00:00:00Z".into()));
    office.server.stop().await?;
    for text in [PLAIN, BCRYPTED, ARGONED] {
        assert!(!kept_anywhere(office.server.directory(), text)?);
        assert!(!office.server.log().contains(text));
    }
    Ok(())
}

// proves: HP07, ST12, ST15
#[tokio::test]
async fn salted_hashes_are_tried_at_first_use() -> Result<()> {
    play(Office::open().await?).await
}

// proves: HP07, ST13
#[tokio::test]
async fn the_move_goes_the_same_way_on_postgresql() -> Result<()> {
    let cluster = Cluster::start().await?;
    let plan = Plan::new().database_url(&cluster.url().await?);
    play(Office::of(plan).await?).await
}

/// Two servers on one database: each hears at once of what the other one revoked.
// proves: attack-30
#[tokio::test]
async fn a_guard_hears_of_what_another_process_revoked() -> Result<()> {
    let cluster = Cluster::start().await?;
    let url = cluster.url().await?;
    let office = Office::of(Plan::new().database_url(&url)).await?;
    let api = office.api().await?;
    import(&office).await?;
    let feed = async |applied: Option<&Value>| {
        let request = match applied {
            None => json!({ "holder": "g" }),
            Some(answer) => {
                json!({ "holder": "g", "server": answer["server"], "applied": answer["epoch"] })
            }
        };
        let secret = api.secret.clone().context("a confidential client")?;
        let asked = api.request("POST", "/api/v1/feed").basic_auth("api", Some(secret));
        let answer = Answer::of(asked.json(&request)).await?;
        anyhow::ensure!(answer.status == 200, "{answer:?}");
        anyhow::Ok(answer.json())
    };
    let begun = feed(None).await?;
    assert_eq!(begun["reset"], true);
    let id = id_of(&office, "plain").await?;
    // A process of its own, that knows of no server.
    let key = office.server.directory().join("master.key");
    let key = key.to_str().context("a path in UTF-8")?;
    let (beside, public) = (Plan::new().database_url(&url), office.server.url());
    let beside = beside.set("master_key_file", key).set("public_url", &public);
    let other = beside.start().await?;
    let revoked = other.try_admin(&["legacy", "revoke", &id], "").await?;
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    let news = feed(Some(&begun)).await?;
    assert_eq!((&news["reset"], &news["revoked"]), (&json!(false), &json!([id])));
    assert!(news["epoch"].as_i64() > begun["epoch"].as_i64());
    assert!(!works(&office, &api, PLAIN).await?);
    let after = feed(Some(&news)).await?;
    assert_eq!((&after["epoch"], &after["revoked"]), (&news["epoch"], &json!([])));
    Ok(())
}
