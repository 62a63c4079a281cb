//! Who else comes to the server: an agent, a job of a CI platform, and a tool of another name.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::screen::Screen;
use super::town::Town;
use crate::system::Stopwatch;

/// Who may come in, as an administrator writes it.
const LINE: &str = "repo:acme/web:ref:refs/heads/main";

/// An agent gets a small pass of its own, says how far it is, and is over.
pub(super) fn agent(screen: &mut Screen, town: &Town) -> Result<()> {
    town.hallpass(&["org", "create", "acme"])?;
    town.hallpass(&["project", "create", "acme/web"])?;
    let watch = Stopwatch::start();
    let program = town.program().to_str().context("a path in UTF-8")?.to_owned();
    let run = ["agent", "run", "--name", "builder", "--project", "acme/web"];
    let pass = ["--allow", "project:read", "--"];
    let inside = [program.as_str(), "agent", "status", "compiling", "--progress", "40"];
    town.hallpass(&[&run[..], &pass, &inside].concat())?;
    let listed = town.hallpass(&["agent", "list", "--json"])?;
    ensure!(listed.contains("compiling"), "nobody heard of the agent: {listed}");
    screen
        .step("A program of hers runs as an agent, with a small pass of its own", watch.elapsed());
    screen.command(
        "hallpass agent run --project acme/web --allow project:read -- hallpass agent status …",
    );
    screen.says(
        "one project, one permission, fifteen minutes; it said: compiling, 40 %; now it is over",
    );
    Ok(())
}

/// A job of another branch is not let in, and she sees why.
pub(super) fn job(screen: &mut Screen, town: &Town) -> Result<()> {
    let watch = Stopwatch::start();
    town.hallpass(&["trust", "add", LINE, "--allow", "project:read", "--project", "acme/web"])?;
    let claims = json!({
        "aud": town.url(), "iss": "https://token.actions.githubusercontent.com",
        "ref": "refs/heads/feature", "repository": "acme/web", "repository_id": "7",
        "repository_owner": "acme", "repository_owner_id": "3",
        "sub": "repo:acme/web:ref:refs/heads/feature",
    });
    let file = town.file("claims.json", &claims.to_string())?;
    let file = file.to_str().context("a path in UTF-8")?;
    let (code, told) = town.tries(&["trust", "test", "--claims", file, "--project", "acme/web"])?;
    ensure!(code == Some(4) && told.contains("ref"), "the other branch: {code:?} {told}");
    screen.step("Jobs of her main branch may come without a secret; no others", watch.elapsed());
    screen.command(&format!("hallpass trust add {LINE} --allow project:read --project acme/web"));
    screen.command("hallpass trust test --claims feature.json --project acme/web");
    screen
        .says("a job of refs/heads/feature would not be let in: each condition, with pass or fail");
    Ok(())
}

/// The same as a tool of another name, from one file.
pub(super) fn brand(screen: &mut Screen, town: &Town) -> Result<()> {
    let watch = Stopwatch::start();
    let file = town.file("mytool.toml", &town.hallpass(&["brand", "new", "mytool"])?)?;
    let file = file.to_str().context("a path in UTF-8")?;
    town.hallpass(&["brand", "check", file])?;
    let help = town.hallpass(&["--brand", file, "--help"])?;
    ensure!(help.contains("mytool"), "it goes by another name: {help}");
    screen.step("And all of it becomes a tool of hers, from one file", watch.elapsed());
    screen.command("hallpass brand new mytool > mytool.toml");
    screen.command("hallpass --brand mytool.toml --help");
    screen.says("names, words, commands, colours: docs/brands.md; five real ones are in brands/");
    Ok(())
}
