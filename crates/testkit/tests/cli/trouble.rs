//! Refreshes that are killed, cut off and slowed down (CLIENT group E), with real processes
//! and the real server.

use std::time::Duration;

use anyhow::Result;
use hallpass_testkit::link::{Link, Wire};
use hallpass_testkit::process::{self, Running};
use hallpass_testkit::wait;

use crate::desk::Desk;

/// Lets the terminal reach the server over a wire; the sign-in is the server's own.
async fn over_a_wire(desk: &Desk) -> Result<Link> {
    let link = Link::to(desk.server.port()).await?;
    let url = format!("{}/oauth/token", link.url());
    desk.change(|credential| credential["endpoints"]["token"] = url.clone().into())?;
    Ok(link)
}

async fn reused(desk: &Desk) -> Result<bool> {
    Ok(desk.server.admin(&["audit", "list"], "").await?.contains("grant.reuse"))
}

// proves: client-E7, C15
#[tokio::test]
async fn a_process_that_is_killed_while_the_answer_is_on_its_way_costs_nothing() -> Result<()> {
    let desk = Desk::signed_in_unbound().await?;
    let link = over_a_wire(&desk).await?;
    desk.age()?;
    let before = std::fs::read(desk.credentials())?;
    link.set(Wire::Slow(Duration::from_secs(3600)));
    let mut process = desk.cli.start(&["token", "print"])?;
    wait::until("the server to have answered", async || {
        Ok((desk.counted("refresh_token", "issued").await? == 1).then_some(()))
    })
    .await?;
    process.kill()?;
    // The wire drops what was on its way.
    link.set(Wire::Cut);
    assert_eq!(std::fs::read(desk.credentials())?, before, "as it was, byte for byte");
    link.set(Wire::Whole);
    // Whoever comes next redeems the same token, and is given the same successor.
    let printed = desk.cli.run(&["token", "print"]).await?;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(!reused(&desk).await?, "a retry is no theft");
    desk.age()?;
    assert_eq!(desk.cli.run(&["token", "print"]).await?.code, Some(0), "and so on");
    Ok(())
}

// proves: client-E6, client-E12
#[tokio::test]
async fn a_server_that_is_cut_off_leaves_the_file_as_it_is() -> Result<()> {
    let desk = Desk::signed_in_unbound().await?;
    let link = over_a_wire(&desk).await?;
    desk.age()?;
    let before = std::fs::read(desk.credentials())?;
    link.set(Wire::Cut);
    let cut = desk.cli.run(&["token", "print"]).await?;
    assert_eq!(cut.code, Some(5), "{cut:?}");
    assert!(cut.stdout.is_empty() && !cut.stderr.contains("login"), "{cut:?}");
    assert_eq!(std::fs::read(desk.credentials())?, before);
    // Slow is not broken: each request has time of its own.
    link.set(Wire::Slow(Duration::from_millis(300)));
    let slow = desk.cli.run(&["token", "print"]).await?;
    assert_eq!(slow.code, Some(0), "{slow:?}");
    assert_eq!(desk.counted("refresh_token", "issued").await?, 1);
    Ok(())
}

// proves: client-E10
#[tokio::test]
async fn a_login_that_waits_for_its_person_holds_nobody_up() -> Result<()> {
    let desk = Desk::signed_in().await?;
    desk.age()?;
    let (mut login, code) = desk.begin(&["--device"], "user_code").await?;
    let printed = desk.cli.run(&["token", "print"]).await?;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert_eq!(desk.counted("refresh_token", "issued").await?, 1);
    desk.person.decide_device(&code, "approve").await?;
    assert_eq!(login.finished().await?.code, Some(0));
    assert_eq!(desk.cli.run(&["whoami"]).await?.code, Some(0));
    Ok(())
}

// proves: client-E5, C10
#[tokio::test]
async fn a_theft_is_told_from_a_retry() -> Result<()> {
    let desk = Desk::signed_in_unbound().await?;
    let stolen = std::fs::read(desk.credentials())?;
    for _ in 0..2 {
        desk.age()?;
        assert_eq!(desk.cli.run(&["token", "print"]).await?.code, Some(0));
    }
    // Two refreshes later the first token can only be somebody's copy: the family ends.
    let now = std::fs::read(desk.credentials())?;
    std::fs::write(desk.credentials(), &stolen)?;
    desk.age()?;
    assert_eq!(desk.cli.run(&["token", "print"]).await?.code, Some(3));
    assert!(reused(&desk).await?);
    std::fs::write(desk.credentials(), &now)?;
    desk.age()?;
    let over = desk.cli.run(&["token", "print"]).await?;
    assert_eq!(over.code, Some(3), "{over:?}");
    Ok(())
}

/// Where the file cannot be replaced a refresh would spend the token and lose the next one: it is
/// not even begun, and what is good is still used.
// proves: client-D9
#[tokio::test]
async fn a_directory_that_cannot_be_written_costs_nothing() -> Result<()> {
    let desk = Desk::signed_in().await?;
    let token = desk.token().await?;
    // A directory of her own would be made writable again; this one is behind a link.
    let closed = desk.cli.home().join("closed");
    std::fs::create_dir(&closed)?;
    std::fs::rename(desk.credentials(), closed.join("credentials.json"))?;
    std::os::unix::fs::symlink(closed.join("credentials.json"), desk.credentials())?;
    let program = desk.cli.home().join("hallpass");
    std::fs::copy(process::binary("hallpass")?, &program)?;
    let opens = async |mode: &str| {
        let mut command = process::command("chmod");
        let done = Running::finish(command.arg(mode).arg(&closed), b"").await?;
        anyhow::ensure!(done.code == Some(0), "{done:?}");
        Ok(())
    };
    let root = rustix::process::geteuid().is_root();
    let read_only = async |arguments: &[&str]| {
        let hallpass = desk.cli.command(arguments)?;
        let mut command = process::command(&program);
        if root {
            // Root may write everywhere.
            let mut chown = process::command("chown");
            Running::finish(chown.args(["-R", "65534"]).arg(desk.cli.home()), b"").await?;
            command = process::command("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&program);
        }
        command.args(arguments);
        for (name, value) in hallpass.get_envs() {
            command.envs(value.map(|value| (name, value)));
        }
        Running::finish(&mut command, b"").await
    };
    opens("500").await?;
    let good = read_only(&["token", "print"]).await?;
    assert_eq!((good.code, good.stdout.trim_end()), (Some(0), token.as_str()), "{good:?}");
    opens("700").await?;
    desk.age()?;
    opens("500").await?;
    let before = std::fs::read(desk.credentials())?;
    for arguments in [&["token", "print"][..], &["whoami"]] {
        let refused = read_only(arguments).await?;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(7), ""), "{refused:?}");
        let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("cannot write in") && said.contains("nothing was changed"), "{said}");
        assert_eq!(said.matches("Next: ").count(), 1, "{said}");
        assert_eq!(std::fs::read(desk.credentials())?, before);
    }
    assert_eq!(desk.counted("refresh_token", "issued").await?, 0, "nothing was spent");
    opens("700").await?;
    let token = desk.token().await?;
    // Signing out does at the server what it can, and says what is left here.
    opens("500").await?;
    let out = read_only(&["logout"]).await?;
    assert_eq!(out.code, Some(7), "{out:?}");
    let said = out.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("Signed out at") && said.contains("could not be removed here"), "{said}");
    assert!(said.contains(&format!("Next: chmod u+rwx {}", closed.display())), "{said}");
    assert_eq!(desk.admits(&token).await?, 401, "it is over");
    opens("700").await?;
    assert_eq!(desk.cli.run(&["logout"]).await?.code, Some(0));
    assert_eq!(desk.cli.run(&["status"]).await?.code, Some(3));
    Ok(())
}

/// A server that takes a request and says nothing: who waits is told for what, and not for ever.
// proves: client-E6, client-G2, client-I6
#[tokio::test]
async fn a_server_that_stalls_is_waited_for_aloud_and_not_for_long() -> Result<()> {
    let desk = Desk::signed_in_unbound().await?;
    let link = over_a_wire(&desk).await?;
    desk.age()?;
    let before = std::fs::read(desk.credentials())?;
    link.set(Wire::Slow(Duration::from_secs(3600)));
    let checked = desk.cli.run(&["status", "--check"]).await?;
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(5), ""), "{checked:?}");
    let helped = desk.cli.run(&["credential", "npm"]).await?;
    assert_eq!((helped.code, helped.stdout.as_str()), (Some(5), ""), "{helped:?}");
    let host = link.url();
    let host = host.trim_start_matches("http://");
    for done in [checked, helped] {
        let told = format!("waiting for {host} ...\n");
        assert_eq!(done.stderr.matches(&told).count(), 1, "{done:?}");
        let said = done.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&format!("{host} did not answer in time")), "{done:?}");
        assert!(!said.contains("another process"), "{done:?}");
    }
    assert_eq!(std::fs::read(desk.credentials())?, before);
    Ok(())
}
