//! `org`, `project` and `member`: a team from its beginning on, at a terminal.

use anyhow::{Context as _, Result};
use hallpass_testkit::person::Person;
use hallpass_testkit::process::Finished;
use hallpass_testkit::server::PASSWORD;
use serde_json::Value;

use crate::desk::Desk;

async fn done(desk: &Desk, line: &str) -> Result<Finished> {
    let arguments: Vec<&str> = line.split(' ').collect();
    let finished = desk.cli.run(&arguments).await?;
    assert_eq!(finished.code, Some(0), "{line}: {finished:?}");
    Ok(finished)
}

/// Runs one that has to be refused, and answers what it said on one line.
async fn refused(desk: &Desk, line: &str, exit: i32) -> Result<String> {
    let arguments: Vec<&str> = line.split(' ').collect();
    let finished = desk.cli.run(&arguments).await?;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(exit), ""), "{line}: {finished:?}");
    assert_eq!(finished.stderr.matches("Next: ").count(), 1, "{finished:?}");
    Ok(finished.stderr.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The first field of each row.
fn firsts(finished: &Finished) -> Vec<&str> {
    finished.stdout.lines().filter_map(|line| line.split('\t').next()).collect()
}

#[tokio::test]
async fn a_team_is_made_invited_changed_archived_and_brought_back() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let nothing = done(&desk, "org list").await?;
    assert!(nothing.stdout.is_empty() && nothing.stderr.contains("hallpass org create SLUG"));
    assert!(done(&desk, "org create acme").await?.stderr.contains("you are its owner"));
    let taken = refused(&desk, "org create acme", 1).await?;
    assert!(taken.contains("this slug is taken") && taken.contains("Next: hallpass org list"));
    assert!(refused(&desk, "org create A_b", 2).await?.contains("lower-case letters"));
    done(&desk, "project create acme/atlas --name Atlas").await?;
    desk.server.admin(&["org", "plan", "acme", "Team"], "").await?;
    let listed = done(&desk, "org list").await?.stdout;
    assert!(listed.starts_with("acme\towner\tTeam\tacme\torg_"), "{listed}");
    let listed = done(&desk, "project list acme").await?.stdout;
    assert!(listed.starts_with("acme/atlas\towner\tAtlas\tprj_"), "{listed}");
    // Without a word of which: those of the chosen one, else all.
    assert_eq!(done(&desk, "project list").await?.stdout, listed);
    assert_eq!(done(&desk, "project list --org acme").await?.stdout, listed);

    // What a token was not made for is not had by another sign-in while the variable is there.
    let narrow = done(&desk, "token create narrow --scope account").await?.stdout;
    let variable = ("HALLPASS_TOKEN", narrow.trim_end());
    let refused_it = desk.run_with(variable, &["project", "create", "acme/other"]).await?;
    assert_eq!(refused_it.code, Some(4), "{refused_it:?}");
    assert!(refused_it.stderr.contains("Next: unset HALLPASS_TOKEN"), "{refused_it:?}");

    // A link goes to standard output, and nowhere else.
    desk.server.person("bo@example.com", "Bo").await?;
    let invited = done(&desk, "member invite acme bo@example.com admin").await?;
    let link = invited.stdout.trim_end().to_owned();
    let secret = link.split_once("code=").context("a code")?.1;
    assert!(secret.starts_with("hp_inv_") && !invited.stderr.contains(secret), "{invited:?}");
    let open = done(&desk, "member invitations acme").await?;
    assert_eq!(firsts(&open), ["bo@example.com"]);
    assert!(!open.stdout.contains(secret));
    let bo = Person::new(&desk.server)?;
    bo.sign_in("bo@example.com", PASSWORD).await?;
    let page = bo.get(&link).await?;
    let page = bo.submit(&page, "#accept", &[], None).await?;
    assert_eq!(page.url.path(), "/orgs/acme");
    let members = done(&desk, "member list acme").await?;
    let mut emails = firsts(&members);
    emails.sort_unstable();
    assert_eq!(emails, ["ada@example.com", "bo@example.com"]);
    let invited = done(&desk, "member invite acme/atlas cy@example.com viewer --json").await?;
    let invited: Value = serde_json::from_str(&invited.stdout)?;
    let id = invited["id"].as_str().context("an id")?;
    assert!(invited["link"].is_string());
    done(&desk, &format!("member uninvite acme/atlas {id}")).await?;
    refused(&desk, &format!("member uninvite acme/atlas {id}"), 1).await?;

    done(&desk, "member set acme/atlas bo@example.com collaborator").await?;
    let role = refused(&desk, "member set acme bo@example.com viewer", 2).await?;
    assert!(role.contains("the roles are member, admin, owner"), "{role}");
    let nobody = refused(&desk, "member set acme/atlas nobody@x.org viewer", 1).await?;
    assert!(nobody.contains("nobody who can sign in here has this e-mail address"), "{nobody}");
    assert!(nobody.ends_with("Next: hallpass member invite ORG EMAIL ROLE"), "{nobody}");
    let nobody = refused(&desk, "org transfer acme nobody@x.org --confirm", 1).await?;
    assert!(nobody.contains("no role here") && nobody.ends_with("member list ORG"), "{nobody}");
    done(&desk, "member remove acme/atlas bo@example.com").await?;
    let last = refused(&desk, "member leave acme --confirm", 1).await?;
    assert!(last.contains("last owner") && last.contains("Next: hallpass member set"), "{last}");

    // What cannot be meant by accident is asked for.
    let asked = refused(&desk, "project archive acme/atlas", 2).await?;
    assert!(asked.ends_with("Next: hallpass project archive acme/atlas --confirm"), "{asked}");
    done(&desk, "project archive acme/atlas --confirm").await?;
    assert!(done(&desk, "project list acme").await?.stdout.is_empty());
    assert_eq!(firsts(&done(&desk, "project list acme --archived").await?), ["acme/atlas"]);
    done(&desk, "project unarchive acme/atlas").await?;
    done(&desk, "org rename acme --slug works --name Works").await?;
    assert!(refused(&desk, "project list acme", 1).await?.contains("no such"));
    assert!(refused(&desk, "org create acme", 1).await?.contains("taken"));
    done(&desk, "org create beta").await?;
    refused(&desk, "project transfer works/atlas beta", 2).await?;
    done(&desk, "project transfer works/atlas beta --confirm").await?;
    assert_eq!(firsts(&done(&desk, "project list beta").await?), ["beta/atlas"]);
    done(&desk, "org transfer works bo@example.com --confirm").await?;
    assert!(refused(&desk, "org archive works --confirm", 4).await?.contains("ask an owner"));
    done(&desk, "member leave works --confirm").await?;
    assert_eq!(firsts(&done(&desk, "org list").await?), ["beta"]);
    done(&desk, "org archive beta --confirm").await?;
    assert_eq!(firsts(&done(&desk, "org list --archived").await?), ["beta"]);
    done(&desk, "org unarchive beta").await?;
    Ok(())
}
