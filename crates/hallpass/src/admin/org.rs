//! `admin org`, `admin project`, `admin member`: where rights are, and who has which.

use clap::{Arg, ArgMatches, Command};
use hallpass_server::admin::Command as Asked;
use hallpass_server::admin::command::orgs;

use super::words::{group, maybe, one, place, text};

const PLACE: &str = "ORG[/PROJECT]";

pub(super) fn org() -> Command {
    group("org", "Organizations")
        .subcommand(
            Command::new("create")
                .about("Make an organization; prints its id")
                .arg(place("slug", "SLUG", "Its name in addresses"))
                .arg(text("name", "N").help("What people call it [default: the slug]"))
                .arg(text("owner", "E").help("Its first owner: e-mail address or id")),
        )
        .subcommand(Command::new("list").about("All organizations"))
        .subcommand(
            Command::new("plan")
                .about("Set the label of its plan, which its members see")
                .arg(place("org", "ORG", "Its slug or id"))
                .arg(place("plan", "LABEL", "For example Team; \"\" for none")),
        )
        .subcommand(
            Command::new("archive")
                .about("Nobody has any rights there any more; nothing is lost")
                .arg(place("place", PLACE, "An organization, or a project of it")),
        )
        .subcommand(
            Command::new("unarchive").about("Bring it back, with everything in it").arg(place(
                "place",
                PLACE,
                "An organization, or a project of it",
            )),
        )
}

pub(super) fn read_org(verb: &str, matches: &ArgMatches) -> Asked {
    Asked::Orgs(match verb {
        "create" => orgs::Command::Create {
            slug: one(matches, "slug"),
            name: one(matches, "name"),
            owner: maybe(matches, "owner"),
        },
        "plan" => orgs::Command::Plan { org: one(matches, "org"), plan: one(matches, "plan") },
        "archive" => orgs::Command::Archive { place: one(matches, "place") },
        "unarchive" => orgs::Command::Unarchive { place: one(matches, "place") },
        _ => orgs::Command::List,
    })
}

pub(super) fn project() -> Command {
    group("project", "Projects of organizations")
        .subcommand(
            Command::new("create")
                .about("Make a project; prints its id")
                .arg(place("place", "ORG/PROJECT", "Its organization and its name in addresses"))
                .arg(
                    text("name", "N").help("What people call it [default: its name in addresses]"),
                ),
        )
        .subcommand(
            Command::new("list")
                .about("The projects of one organization, or all")
                .arg(Arg::new("org").value_name("ORG").help("The organization's slug")),
        )
}

pub(super) fn read_project(verb: &str, matches: &ArgMatches) -> Asked {
    Asked::Orgs(match verb {
        "create" => orgs::Command::ProjectCreate {
            place: one(matches, "place"),
            name: one(matches, "name"),
        },
        _ => orgs::Command::ProjectList { org: maybe(matches, "org") },
    })
}

pub(super) fn member() -> Command {
    let at = || place("place", PLACE, "An organization, or a project in it");
    let who = || place("user", "EMAIL|ID", "Who");
    group("member", "Who has which role where")
        .subcommand(
            Command::new("set")
                .about("Give somebody a role, in place of the one that they have there")
                .arg(at())
                .arg(who())
                .arg(place(
                    "role",
                    "ROLE",
                    "owner, admin or member of an organization; owner, collaborator or viewer of a project",
                )),
        )
        .subcommand(
            Command::new("remove")
                .about("Take somebody's role away; it counts at once")
                .arg(at())
                .arg(who())
                .arg(super::words::keys_made()),
        )
        .subcommand(Command::new("list").about("Who has a role there").arg(at()))
}

pub(super) fn read_member(verb: &str, matches: &ArgMatches) -> Asked {
    let (place, user) = (one(matches, "place"), || one(matches, "user"));
    Asked::Orgs(match verb {
        "set" => orgs::Command::MemberSet { place, user: user(), role: one(matches, "role") },
        "remove" => {
            orgs::Command::MemberRemove { place, user: user(), keys: maybe(matches, "keys") }
        }
        _ => orgs::Command::MemberList { place },
    })
}
