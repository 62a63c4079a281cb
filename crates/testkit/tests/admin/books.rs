//! The audit log, exported and proved by the real binary.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use hallpass_core::wire::audit::Row;
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::process::Finished;
use hallpass_testkit::server::{Plan, Server};
use serde_json::Value;

async fn exported(server: &Server, more: &[&str]) -> Result<String> {
    let finished = server.try_admin(&[&["audit", "export"], more].concat(), "").await?;
    ensure!(finished.code == Some(0), "{finished:?}");
    Ok(finished.stdout)
}

async fn verified(server: &Server, log: &str, more: &[&str]) -> Result<Finished> {
    server.try_admin(&[&["audit", "verify"], more].concat(), log).await
}

/// The keys, in a file; as somebody keeps them elsewhere.
async fn kept_keys(server: &Server) -> Result<String> {
    let file = server.scratch().join("keys.json");
    std::fs::write(&file, server.admin(&["audit", "keys"], "").await?)?;
    Ok(file.to_str().context("a path in UTF-8")?.to_owned())
}

// proves: HP14, attack-47
#[tokio::test]
async fn a_log_is_exported_and_proved_elsewhere() -> Result<()> {
    let mut server = Plan::new().start().await?;
    for number in 0..3 {
        server.person(&format!("p{number}@example.com"), "=HYPERLINK(\"x\")").await?;
    }
    let (log, keys) = (exported(&server, &[]).await?, kept_keys(&server).await?);
    let proven = verified(&server, &log, &["--key", &keys]).await?;
    ensure!(proven.code == Some(0), "{proven:?}");
    assert!(proven.stdout.starts_with("Rows 1 to "), "{proven:?}");
    assert!(proven.stdout.contains("which you trust"), "{proven:?}");
    let unpinned = verified(&server, &log, &[]).await?;
    assert!(unpinned.stdout.contains("which came with the file"), "{unpinned:?}");

    // A file, and no server: the same. The log goes on where it was.
    server.stop().await?;
    let file = server.scratch().join("audit.ndjson");
    std::fs::write(&file, &log)?;
    let path = file.to_str().context("a path in UTF-8")?;
    assert_eq!(verified(&server, "", &[path, "--key", &keys]).await?.code, Some(0));
    server.person("late@example.com", "Late").await?;
    let longer = exported(&server, &[]).await?;
    // What the first export proved stands in the second, byte for byte.
    let (body, _) = log.trim_end().rsplit_once('\n').context("lines")?;
    assert!(longer.starts_with(body), "{longer}");
    assert_eq!(verified(&server, &longer, &["--key", &keys]).await?.code, Some(0));

    // Whoever changes a row is found, by its name.
    let victim = log.lines().find(|line| line.contains("user.create")).context("a row")?;
    let row: Value = serde_json::from_str(victim)?;
    for (forged, says) in [
        (log.replace(victim, &victim.replace("user.create", "user.delete")), "it was changed"),
        (log.replace(&format!("{victim}\n"), ""), "should stand here"),
    ] {
        let bad = verified(&server, &forged, &["--key", &keys]).await?;
        assert_eq!((bad.code, bad.stdout.as_str()), (Some(1), ""));
        assert!(bad.stderr.contains(says) && bad.stderr.contains("row "), "{bad:?}");
        if says == "it was changed" {
            assert!(bad.stderr.contains(row["id"].as_str().context("an id")?), "{bad:?}");
        }
    }
    let cut: String = log.lines().take(4).map(|line| format!("{line}\n")).collect();
    assert_eq!(verified(&server, &cut, &[]).await?.code, Some(1));
    // Another server's keys prove nothing here.
    let other = Plan::new().start().await?;
    let foreign = verified(&server, &log, &["--key", &kept_keys(&other).await?]).await?;
    assert!(foreign.code == Some(1) && foreign.stderr.contains("are trusted"), "{foreign:?}");
    for missing in [["--key", "/does/not/exist"], ["--key", path]] {
        assert_eq!(verified(&server, &log, &missing).await?.code, Some(2));
    }

    // Another key signs, and whoever kept the first can follow the log to it.
    let both: Value = serde_json::from_str(&server.admin(&["audit", "keys", "rotate"], "").await?)?;
    let kid = |n: usize| both["keys"][n]["kid"].as_str().map(str::to_owned).context("a key");
    server.person("after@example.com", "After").await?;
    let log = exported(&server, &[]).await?;
    let proven = verified(&server, &log, &["--key", &keys]).await?;
    ensure!(proven.code == Some(0), "{proven:?}");
    assert!(proven.stdout.contains(&format!("{} was announced in the log", kid(1)?)), "{proven:?}");
    let proven = verified(&server, &log, &["--key", &keys, "--json"]).await?;
    let told: Value = serde_json::from_str(&proven.stdout)?;
    assert_eq!(told["keys"], serde_json::json!([kid(0)?, kid(1)?]));
    let kept = kept_keys(&server).await?;
    let proven = verified(&server, &log, &["--key", &kept]).await?;
    assert!(proven.stdout.contains("which you trust"), "{proven:?}");

    // A table for a spreadsheet, in which nothing is a formula.
    let csv = exported(&server, &["--format", "csv"]).await?;
    assert!(csv.starts_with("n,id,at,actor,"), "{csv}");
    assert!(!csv.contains(",=") && csv.lines().count() > 4, "{csv}");
    // Neither that nor what a search found has seals to be proved.
    let rows: String = log
        .lines()
        .filter(|line| line.starts_with("{\"n\""))
        .map(|line| format!("{line}\n"))
        .collect();
    for (part, says) in [(&csv, "is a CSV"), (&rows, "rows without their seals")] {
        let refused = verified(&server, part, &["--key", &keys]).await?;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
        assert!(refused.stderr.contains(says), "{refused:?}");
    }
    let (_, headless) = log.split_once('\n').context("a first line")?;
    let changed = verified(&server, headless, &["--key", &keys]).await?;
    assert_eq!((changed.code, changed.stdout.as_str()), (Some(1), ""));
    assert!(changed.stderr.contains("line 1: the line with which"), "{changed:?}");
    // Rows without seals, in the form of an export: they are anybody's.
    let mut row: Row = serde_json::from_str(victim)?;
    (row.n, row.hash) = (None, None);
    let zeros = "0".repeat(64);
    let loose = format!(
        "{{\"hallpass_audit\":1,\"after\":0,\"hash\":\"{zeros}\"}}\n{}\n{{\"end\":0,\"unsealed\":1}}\n",
        serde_json::to_string(&row)?
    );
    let refused = verified(&server, &loose, &["--key", &keys]).await?;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    assert!(refused.stderr.contains("none of its 1 rows is sealed"), "{refused:?}");
    // From a day on that has not come: nothing, and that is said.
    let none = exported(&server, &["--since", "2099-01-01"]).await?;
    let proven = verified(&server, &none, &[]).await?;
    assert!(proven.code == Some(0) && proven.stdout.contains("nothing is proved"), "{proven:?}");
    Ok(())
}

/// Several servers write and seal one database at once: one chain.
// proves: HP14
#[tokio::test(flavor = "multi_thread")]
async fn servers_that_share_a_database_seal_one_chain() -> Result<()> {
    let cluster = Cluster::start().await?;
    let url = cluster.url().await?;
    let first = Plan::new().database_url(&url).start().await?;
    let key = std::fs::read_to_string(first.directory().join("master.key"))?;
    let other = first.scratch().join("same.key");
    std::fs::write(&other, key)?;
    private(&other)?;
    let named = other.to_str().context("a path in UTF-8")?;
    let plan = Plan::new().database_url(&url).set("master_key_file", named);
    let second = plan.set("public_url", &first.url()).start().await?;
    let write = async |server: &Server, name: &str| {
        for number in 0..8 {
            server.person(&format!("{name}{number}@example.com"), name).await?;
        }
        anyhow::Ok(())
    };
    let (one, two) = tokio::join!(write(&first, "one"), write(&second, "two"));
    one.and(two)?;
    let log = exported(&second, &[]).await?;
    let proven = verified(&second, &log, &["--json"]).await?;
    ensure!(proven.code == Some(0), "{proven:?}");
    let proven: Value = serde_json::from_str(&proven.stdout)?;
    let rows: i64 = cluster.sql(&url, "SELECT count(*) FROM audit").await?.trim().parse()?;
    assert_eq!((&proven["first"], &proven["last"]), (&1.into(), &rows.into()), "{proven}");
    Ok(())
}

fn private(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?)
}
