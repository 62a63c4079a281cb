//! `org`: organizations.

use clap::{ArgMatches, Command};
use hallpass_core::wire::tokens::PlaceChange;

use super::{Done, ask, confirm, confirmed, done, flag, list, maybe, needed, option, text};
use crate::arguments::Globals;
use crate::commands::{context, retry};
use crate::tree::Below;
use crate::{Context, Exit, Failure, Output};

/// The command's part of the tree.
pub fn command() -> Command {
    let org = || needed("place", "ORG", "Its name in addresses, or its id");
    Command::new("org")
        .about("Organizations: see, make, rename, hand over, archive")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("list")
                .about("Those that you have a role in")
                .arg(flag("archived", "The archived ones instead, that you could bring back")),
        )
        .subcommand(
            Command::new("create")
                .about("Make an organization; you are its owner")
                .arg(needed("slug", "SLUG", "Its name in addresses"))
                .arg(option("name", "N", "What people call it [default: the slug]")),
        )
        .subcommand(
            Command::new("rename")
                .about("Give it another name; nobody else gets the old address")
                .arg(org())
                .arg(option("slug", "SLUG", "Another name in addresses"))
                .arg(option("name", "N", "What people call it")),
        )
        .subcommand(
            Command::new("transfer")
                .about("Make a member its owner in your place")
                .arg(org())
                .arg(needed("user", "EMAIL", "Who is its owner from then on"))
                .arg(confirm()),
        )
        .subcommand(
            Command::new("archive")
                .about("Nobody has any rights in it any more; nothing is lost")
                .arg(org())
                .arg(confirm()),
        )
        .subcommand(
            Command::new("unarchive").about("Bring it back, with everything in it").arg(org()),
        )
        .subcommand(context::org_use())
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
    let org = || text(matches, "place");
    match verb {
        "use" => context::run_org_use(cx, out, globals, matches),
        "create" => {
            let (slug, name) = (text(matches, "slug"), maybe(matches, "name"));
            let made =
                ask(cx, out, globals, "org create", |session| session.create_org(slug, name))?;
            let sentence = format!("Organization {} is made; you are its owner", made.slug);
            done(out, &made, &sentence)
        }
        "rename" => {
            let change = change(cx, matches, "org rename")?;
            let org = org();
            let renamed =
                ask(cx, out, globals, "org rename", |session| session.change_org(org, &change))?;
            let name = out.paint().foreign(&renamed.name, 80);
            let sentence = format!("It is {} now, called {name:?}", renamed.slug);
            done(out, &renamed, &sentence)
        }
        "transfer" => {
            let (org, user) = (org(), text(matches, "user"));
            let what = format!("{user} becomes an owner of {org} in your place");
            let command = format!("org transfer {org} {user}");
            confirmed(cx, globals, matches, &what, &command)?;
            ask(cx, out, globals, "org transfer", |session| session.transfer_org(org, user))?;
            let sentence = format!("{user} is an owner of {org} now, and you are an admin");
            done(out, &Done { done: "transferred", place: org }, &sentence)
        }
        "archive" => {
            let org = org();
            let what = format!("nobody has any rights in {org} and its projects afterwards");
            confirmed(cx, globals, matches, &what, &format!("org archive {org}"))?;
            ask(cx, out, globals, "org archive", |session| session.archive(org))?;
            let back = retry(cx, globals, &format!("org unarchive {org}"));
            let sentence = format!("{org} is archived; `{back}` brings it back");
            done(out, &Done { done: "archived", place: org }, &sentence)
        }
        "unarchive" => {
            let org = org();
            ask(cx, out, globals, "org list --archived", |session| session.unarchive(org))?;
            done(out, &Done { done: "unarchived", place: org }, &format!("{org} is back"))
        }
        _ => {
            let archived = matches.try_get_one::<bool>("archived").ok().flatten() == Some(&true);
            let items =
                ask(cx, out, globals, "org list", |session| session.organizations(archived))?;
            let next = retry(cx, globals, "org create SLUG");
            let empty = match archived {
                false => "You are in no organization. This makes one:",
                true => "There is none that you could bring back. This makes one:",
            };
            list(
                out,
                &items,
                |org| {
                    let role = org.role.map_or("in projects", |role| role.as_str());
                    let (slug, name, plan) = (&org.slug, &org.name, &org.plan);
                    vec![slug.clone(), role.to_owned(), plan.clone(), name.clone(), org.id.clone()]
                },
                (empty, &next),
            )
        }
    }
}

/// What `rename` changes; at least one of the two.
pub(super) fn change(
    cx: &Context<'_>,
    matches: &ArgMatches,
    command: &str,
) -> Result<PlaceChange, Failure> {
    let (slug, name) = (maybe(matches, "slug"), maybe(matches, "name"));
    if slug.is_none() && name.is_none() {
        let next = format!("{} {command} --help", cx.program);
        return Err(Failure::usage("say --slug, --name or both", next));
    }
    Ok(PlaceChange { slug: slug.map(str::to_owned), name: name.map(str::to_owned) })
}
