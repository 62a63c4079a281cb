//! `project`: projects of organizations.

use clap::{ArgMatches, Command};
use hallpass_client::target::Asked;

use super::{
    Done, ask, confirm, confirmed, done, flag, list, maybe, needed, of_project, option, text,
};
use crate::arguments::Globals;
use crate::commands::{client, context, retry};
use crate::tree::Below;
use crate::{Context, Exit, Failure, Output};

/// The command's part of the tree.
pub fn command() -> Command {
    let place = || needed("place", "ORG/PROJECT", "The project");
    Command::new("project")
        .about("Projects: see, make, rename, move, archive")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("list")
                .about("Those that you have a role in")
                .arg(
                    needed("place", "ORG", "The organization [default: the chosen one, else all]")
                        .required(false),
                )
                .arg(flag("archived", "The archived ones instead, that you could bring back")),
        )
        .subcommand(Command::new("create").about("Make a project").arg(place()).arg(option(
            "name",
            "N",
            "What people call it [default: its slug]",
        )))
        .subcommand(
            Command::new("rename")
                .about("Give it another name; no other project gets the old address")
                .arg(place())
                .arg(option("slug", "SLUG", "Another name in addresses"))
                .arg(option("name", "N", "What people call it")),
        )
        .subcommand(
            Command::new("transfer")
                .about("Move it to another organization; what was bound to the old place ends")
                .arg(place())
                .arg(needed("to", "ORG", "Where it goes"))
                .arg(confirm()),
        )
        .subcommand(
            Command::new("archive")
                .about("Nobody has any rights in it any more; nothing is lost")
                .arg(place())
                .arg(confirm()),
        )
        .subcommand(
            Command::new("unarchive").about("Bring it back, with everything in it").arg(place()),
        )
        .subcommand(context::project_use())
}

/// Runs the verb.
pub(crate) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    let matches = below.matches;
    let (verb, matches) = below.verb().unwrap_or(("list", matches));
    match verb {
        "list" => return listed(cx, out, globals, matches),
        "use" => return context::run_project_use(cx, out, globals, matches),
        _ => {}
    }
    let place = text(matches, "place");
    let (org, slug) = of_project(cx, place)?;
    match verb {
        "create" => {
            let name = maybe(matches, "name");
            let made = ask(cx, out, globals, "project create", |session| {
                session.create_project(org, slug, name)
            })?;
            done(out, &made, &format!("Project {place} is made"))
        }
        "rename" => {
            let change = super::org::change(cx, matches, "project rename")?;
            let renamed = ask(cx, out, globals, "project rename", |session| {
                session.change_project(place, &change)
            })?;
            let name = out.paint().foreign(&renamed.name, 80);
            let sentence = format!("It is {org}/{} now, called {name:?}", renamed.slug);
            done(out, &renamed, &sentence)
        }
        "transfer" => {
            let to = text(matches, "to");
            let what = format!(
                "keys, older tokens and invitations of {place} end, and the roles of everybody who does not belong to {to}"
            );
            let command = format!("project transfer {place} {to}");
            confirmed(cx, globals, matches, &what, &command)?;
            let moved = ask(cx, out, globals, "project transfer", |session| {
                session.transfer_project(place, to)
            })?;
            done(out, &moved, &format!("It is {}/{} now", moved.org, moved.slug))
        }
        "archive" => {
            let what = format!("nobody has any rights in {place} afterwards");
            confirmed(cx, globals, matches, &what, &format!("project archive {place}"))?;
            ask(cx, out, globals, "project archive", |session| session.archive(place))?;
            let back = retry(cx, globals, &format!("project unarchive {place}"));
            let sentence = format!("{place} is archived; `{back}` brings it back");
            done(out, &Done { done: "archived", place }, &sentence)
        }
        _ => {
            ask(cx, out, globals, "project list ORG --archived", |session| {
                session.unarchive(place)
            })?;
            done(out, &Done { done: "unarchived", place }, &format!("{place} is back"))
        }
    }
}

fn listed(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let archived = matches.get_flag("archived");
    let org = match maybe(matches, "place") {
        Some(org) => Some(org.to_owned()),
        None => chosen(cx, globals)?,
    };
    let items = ask(cx, out, globals, "project list", |session| match &org {
        Some(org) => session.projects(org, archived),
        None => {
            let mut all = Vec::new();
            for org in session.organizations(false)? {
                all.extend(session.projects(&org.slug, archived)?);
            }
            Ok(all)
        }
    })?;
    let org = org.as_deref().unwrap_or("ORG");
    let next = retry(cx, globals, &format!("project create {org}/SLUG"));
    let empty = match archived {
        false => "There is none that you have a role in. This makes one:",
        true => "There is none that you could bring back. This makes one:",
    };
    list(
        out,
        &items,
        |it| {
            let role = it.role.map_or("", |role| role.as_str());
            let place = format!("{}/{}", it.org, it.slug);
            vec![place, role.to_owned(), it.name.clone(), it.id.clone()]
        },
        (empty, &next),
    )
}

/// The organization that this invocation is about, if one was chosen.
fn chosen(cx: &Context<'_>, globals: &Globals) -> Result<Option<String>, Failure> {
    let target = client(cx, globals)
        .target(&Asked::from(globals))
        .map_err(|error| Failure::usage(error.to_string(), retry(cx, globals, "context show")))?;
    Ok(target.org.map(|org| org.name))
}
