//! `context`: which organization and project commands are about, and who says so.
//!
//! `org use` and `project use` are the same for one of the two; their nouns bring them.

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_client::target::{Asked, BadTarget, Chooser, Chosen, Kept, file_name};
use hallpass_client::{Error, Target};
use hallpass_core::pin::{Pin, is_name};
use serde::Serialize;

use super::{client, retry};
use crate::arguments::Globals;
use crate::paint::Paint;
use crate::refusal::told;
use crate::tree::Below;
use crate::{Context, Exit, Failure, Output, layout, words};

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("context")
        .about("Show and choose the organization and project that commands are about")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("show").about("Say which they are, and who says so"))
        .subcommand(
            Command::new("use")
                .about("Keep an organization, or a project of it, for the profile")
                .arg(
                    Arg::new("place")
                        .required(true)
                        .value_name("ORG[/PROJECT]")
                        .help("For example lab, or lab/tools; nothing is sent"),
                )
                .arg(
                    Arg::new("here")
                        .long("here")
                        .action(ArgAction::SetTrue)
                        .help("Write it into a file in this directory instead, to be checked in"),
                ),
        )
        .subcommand(Command::new("clear").about("Forget what was kept for the profile"))
}

/// `org use`.
pub fn org_use() -> Command {
    Command::new("use")
        .about("Keep an organization for the profile")
        .arg(Arg::new("place").required(true).value_name("ORG").help("Nothing is sent"))
}

/// `project use`.
pub fn project_use() -> Command {
    Command::new("use")
        .about("Keep a project for the profile")
        .arg(Arg::new("place").required(true).value_name("[ORG/]PROJECT").help("Nothing is sent"))
}

/// Runs the verb.
pub(crate) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    match below.verb() {
        Some(("show", _)) => show(cx, out, globals),
        Some(("use", matches)) => {
            let text = place(matches);
            let kept = match text.split_once('/') {
                Some((org, project)) => Kept::Project(Some(org.to_owned()), project.to_owned()),
                None => Kept::Org(text.to_owned()),
            };
            match matches.get_flag("here") {
                true => pin(cx, out, globals, &kept),
                false => keep(cx, out, globals, &kept),
            }
        }
        Some(("clear", _)) => keep(cx, out, globals, &Kept::Nothing),
        _ => Err(Failure::usage("no command was given", format!("{} context --help", cx.program))),
    }
}

/// Runs `org use`.
pub fn run_org_use(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    keep(cx, out, globals, &Kept::Org(place(matches).to_owned()))
}

/// Runs `project use`.
pub fn run_project_use(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let (org, project) = match place(matches).split_once('/') {
        Some((org, project)) => (Some(org.to_owned()), project.to_owned()),
        None => (globals.org.clone(), place(matches).to_owned()),
    };
    keep(cx, out, globals, &Kept::Project(org, project))
}

fn place(matches: &ArgMatches) -> &str {
    matches.get_one::<String>("place").map_or("", String::as_str)
}

fn show(cx: &Context<'_>, out: &mut Output<'_>, globals: &Globals) -> Result<Exit, Failure> {
    // Without a server there is no answer; whatever else is in the way hides only what is kept.
    if let Err(error @ Error::BadServer { .. }) = client(cx, globals).server() {
        return Err(told(&error, cx, &retry(cx, globals, "context show")));
    }
    let target = client(cx, globals)
        .target(&Asked::from(globals))
        .map_err(|error| contradiction(cx, &error))?;
    if out.json {
        out.json(&Shown::of(&target))?;
        return Ok(Exit::Usable);
    }
    if let Some(why) = &target.ignored {
        out.warning(why);
    }
    let paint = out.terminal.data();
    let mut pairs = pairs(cx, &target, paint);
    if pairs.is_empty() {
        pairs.push(("Organization", "none chosen".to_owned()));
        without_a_profile(cx, out, globals);
    }
    let text = layout::fields(&pairs, out.terminal.width, paint);
    out.data(text.as_bytes())?;
    Ok(Exit::Usable)
}

fn contradiction(cx: &Context<'_>, error: &BadTarget) -> Failure {
    Failure::usage(error.to_string(), format!("{} context show", cx.program))
}

/// Organization and project, for people.
pub(super) fn pairs(
    cx: &Context<'_>,
    target: &Target,
    paint: Paint,
) -> Vec<(&'static str, String)> {
    let home = cx.environment.home();
    let line = |chosen: &Chosen| {
        let by = match &chosen.by {
            Chooser::Directory { path } => words::path(path, home.as_deref()),
            by => by.to_string(),
        };
        format!("{} (from {})", paint.foreign(&chosen.name, 100), paint.foreign(&by, 300))
    };
    [("Organization", &target.org), ("Project", &target.project)]
        .into_iter()
        .filter_map(|(title, chosen)| Some((title, line(chosen.as_ref()?))))
        .collect()
}

fn keep(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    kept: &Kept,
) -> Result<Exit, Failure> {
    check(cx, kept)?;
    let again = retry(cx, globals, "context show");
    let client = client(cx, globals);
    let profile = client.keep_target(kept).map_err(|error| told(&error, cx, &again))?;
    // What was kept may still not be what counts here.
    let target = client.target(&Asked::from(globals)).unwrap_or_default();
    if out.json {
        out.json(&Shown::of(&target))?;
        return Ok(Exit::Usable);
    }
    out.success(&match kept {
        Kept::Nothing => format!("Profile {profile} is about no organization any more"),
        kept => format!("Profile {profile} is about {} from now on", name(kept)),
    });
    let others = [&target.org, &target.project];
    let by_other = others.into_iter().flatten().map(|chosen| &chosen.by);
    let mut louder: Vec<_> = by_other
        .filter(|by| !matches!(by, Chooser::Profile { .. }))
        .map(Chooser::to_string)
        .collect();
    louder.dedup();
    if !louder.is_empty() {
        out.warning(&format!("here {} counts more", louder.join(", and ")));
    } else if target.org.is_none() && target.project.is_none() && *kept != Kept::Nothing {
        without_a_profile(cx, out, globals);
    }
    Ok(Exit::Usable)
}

/// What is handed over is used without a profile, so what a profile is about does not count; a key
/// has a place of its own.
fn without_a_profile(cx: &Context<'_>, out: &mut Output<'_>, globals: &Globals) {
    let variable = cx.brand.variable("TOKEN");
    let wins = cx.brand.sources.variable_wins() && globals.profile.is_none();
    if wins && cx.environment.var(&variable).is_some() {
        let status = format!("{} status", cx.program);
        out.warning(&format!(
            "{variable} is set and is used without a profile, so no context counts; {status} says \
             where it is good"
        ));
    }
}

fn name(kept: &Kept) -> String {
    match kept {
        Kept::Org(org) => org.clone(),
        Kept::Project(Some(org), project) => format!("{org}/{project}"),
        Kept::Project(None, project) => format!("the project {project}"),
        Kept::Nothing => String::new(),
    }
}

fn check(cx: &Context<'_>, kept: &Kept) -> Result<(), Failure> {
    let (org, project) = match kept {
        Kept::Org(org) => (Some(org), None),
        Kept::Project(org, project) => (org.as_ref(), Some(project)),
        Kept::Nothing => (None, None),
    };
    match org.into_iter().chain(project).find(|name| !is_name(name)) {
        None => Ok(()),
        Some(bad) => Err(Failure::usage(
            format!("nothing is called {bad:?}; write ORG or ORG/PROJECT"),
            format!("{} context use lab/tools", cx.program),
        )),
    }
}

/// Writes the directory's file. It names the server, so that at another one it says nothing.
fn pin(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    kept: &Kept,
) -> Result<Exit, Failure> {
    check(cx, kept)?;
    let path = cx.environment.working_dir().unwrap_or_default().join(file_name(cx.brand));
    let (org, project) = match kept.clone() {
        Kept::Org(org) => (Some(org), None),
        Kept::Project(org, project) => (org, Some(project)),
        Kept::Nothing => (None, None),
    };
    let server = Some(client(cx, globals).status().server);
    std::fs::write(&path, Pin { server, org, project }.text()).map_err(|error| {
        let what = format!("{} cannot be written: {error}", path.display());
        Failure::new(Exit::Other, "not_written", what, retry(cx, globals, "context show"))
            .kept("Nothing was changed.")
    })?;
    out.success(&format!("Commands in this directory are about {} from now on", name(kept)));
    out.sentence(&format!(
        "{} says so; it holds no secret and can be checked in.",
        words::path(&path, cx.environment.home().as_deref())
    ));
    Ok(Exit::Usable)
}

/// `context show --json`.
#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    org: Option<ChosenView<'a>>,
    project: Option<ChosenView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(target: &'a Target) -> Self {
        Self {
            schema_version: 1,
            org: target.org.as_ref().map(ChosenView::from),
            project: target.project.as_ref().map(ChosenView::from),
            ignored: target.ignored.as_deref(),
        }
    }
}

/// A name and who chose it, in JSON.
#[derive(Serialize)]
pub(crate) struct ChosenView<'a> {
    name: &'a str,
    source: ChooserView,
}

#[derive(Serialize)]
struct ChooserView {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl<'a> From<&'a Chosen> for ChosenView<'a> {
    fn from(chosen: &'a Chosen) -> Self {
        let name = match &chosen.by {
            Chooser::Flag => None,
            Chooser::Variable { name } | Chooser::Profile { name } => Some(name.clone()),
            Chooser::Directory { path } => Some(path.display().to_string()),
        };
        Self { name: &chosen.name, source: ChooserView { kind: chosen.by.kind(), name } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    // proves: RB12
    #[test]
    fn it_says_which_and_why() {
        let town = Town::new().var("HALLPASS_ORG", "lab");
        let done = town.run("hallpass context show --project tools");
        insta::assert_snapshot!(done.stdout, @r"
          Organization   lab (from the variable HALLPASS_ORG)
          Project        tools (from the command line)
        ");
        let done = town.run("hallpass context show --json");
        let json: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(json["org"]["name"], "lab");
        assert_eq!(json["org"]["source"]["name"], "HALLPASS_ORG");
        assert!(json["project"].is_null());
        let nothing = Town::new().run("hallpass context show");
        assert_eq!(
            (nothing.exit, nothing.stdout.trim()),
            (Exit::Usable, "Organization   none chosen")
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for line in [
            "context show --org lab --project other/tools",
            "context use ../x",
            "context use a/b/c",
            "context use",
        ] {
            let done = Town::new().run(&format!("hallpass {line}"));
            assert_eq!((done.exit, done.stdout.as_str()), (Exit::Usage, ""), "{line}: {done:?}");
        }
        let done = Town::new().run("hallpass context use lab");
        assert_eq!(done.exit, Exit::NotSignedIn, "there is no profile to keep it for");
    }
}
