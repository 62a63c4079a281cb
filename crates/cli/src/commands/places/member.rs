//! `member`: who has which role in an organization or a project, and who is invited.

use clap::Command;
use hallpass_core::role::{OrgRole, ProjectRole};

use super::{Done, One, ask, confirm, confirmed, done, list, maybe, needed, option, text};
use crate::arguments::Globals;
use crate::commands::retry;
use crate::tree::Below;
use crate::{Context, Exit, Failure, Output};

/// The command's part of the tree.
pub fn command() -> Command {
    let place = || needed("place", "ORG[/PROJECT]", "The organization, or a project of it");
    let user = || needed("user", "EMAIL", "Who: e-mail address or id");
    let keys = |help: &'static str| option("keys", "WHAT", help).value_parser(["keep", "revoke"]);
    let role = || {
        let help = "member, admin or owner; in a project viewer, collaborator or owner";
        needed("role", "ROLE", help)
    };
    Command::new("member")
        .about("People and their roles: see, invite, change, remove")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("list").about("Who has a role there").arg(place()))
        .subcommand(
            Command::new("set")
                .about("Give somebody with an account a role")
                .arg(place())
                .arg(user())
                .arg(role()),
        )
        .subcommand(
            Command::new("remove")
                .about("Take somebody's role away")
                .arg(place())
                .arg(user())
                .arg(keys("What becomes of the keys that they made there")),
        )
        .subcommand(
            Command::new("leave")
                .about("Give up your own role")
                .arg(place())
                .arg(keys("What becomes of the keys that you made there"))
                .arg(confirm()),
        )
        .subcommand(
            Command::new("invite")
                .about("Invite somebody by a link, which is printed this once")
                .arg(place())
                .arg(user())
                .arg(role()),
        )
        .subcommand(
            Command::new("invitations").about("Invitations that can be accepted").arg(place()),
        )
        .subcommand(
            Command::new("uninvite").about("Revoke an invitation").arg(place()).arg(needed(
                "id",
                "ID",
                "As `member invitations` shows it",
            )),
        )
}

/// Refuses what is no role at such a place.
fn known_role(cx: &Context<'_>, command: &str, place: &str, role: &str) -> Result<(), Failure> {
    let unknown = match place.contains('/') {
        true => role.parse::<ProjectRole>().err(),
        false => role.parse::<OrgRole>().err(),
    };
    let Some(unknown) = unknown else { return Ok(()) };
    let what = format!("{role:?} is nobody's role in {place}: {unknown}");
    Err(Failure::usage(what, format!("{} {command} --help", cx.program)))
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
    let (place, name) = (text(matches, "place"), format!("member {verb}"));
    let has = |id: &str| matches.try_get_one::<String>(id).ok().flatten().cloned();
    let (user, role) = (has("user").unwrap_or_default(), has("role").unwrap_or_default());
    match verb {
        "set" | "invite" => known_role(cx, &name, place, &role)?,
        _ => {}
    }
    match verb {
        "set" => {
            let set = ask(cx, out, globals, &name, |it| it.set_member(place, &user, &role))?;
            let sentence = format!("{} is {role} of {place} from now on", set.email);
            done(out, &set, &sentence)
        }
        "remove" => {
            let keys = maybe(matches, "keys");
            ask(cx, out, globals, &name, |it| it.remove_member(place, &user, keys))?;
            let sentence = format!("{user} has no role of their own in {place} any more");
            done(out, &Done { done: "removed", place }, &sentence)
        }
        "leave" => {
            let what = format!("you lose your role in {place} at once");
            let keys = maybe(matches, "keys");
            let said = keys.map(|keys| format!(" --keys {keys}")).unwrap_or_default();
            confirmed(cx, globals, matches, &what, &format!("member leave {place}{said}"))?;
            ask(cx, out, globals, &name, |session| session.leave(place, keys))?;
            done(out, &Done { done: "left", place }, &format!("You have left {place}"))
        }
        "invite" => {
            let made = ask(cx, out, globals, &name, |it| it.invite(place, &user, &role))?;
            if out.json {
                out.json(&One { schema_version: 1, item: &made })?;
                return Ok(Exit::Usable);
            }
            let until = made.invitation.expires_at.to_human();
            let email = &made.invitation.email;
            match &made.link {
                Some(link) => {
                    out.data(format!("{}\n", link.expose()).as_bytes())?;
                    out.success(&format!("{email} is invited until {until}; send them the link"));
                }
                None => out.success(&format!("The link was sent to {email}; good until {until}")),
            }
            Ok(Exit::Usable)
        }
        "invitations" => {
            let items = ask(cx, out, globals, &name, |session| session.invitations(place))?;
            let next = retry(cx, globals, &format!("member invite {place} EMAIL ROLE"));
            let row = |it: &hallpass_core::wire::tokens::Invitation| {
                let until = it.expires_at.to_rfc3339();
                vec![it.email.clone(), it.role.clone(), it.invited_by.clone(), until, it.id.clone()]
            };
            list(out, &items, row, ("Nobody is invited. This invites somebody:", &next))
        }
        "uninvite" => {
            let id = has("id").unwrap_or_default();
            ask(cx, out, globals, &name, |session| session.revoke_invitation(place, &id))?;
            let sentence = format!("Invitation {id} is revoked");
            done(out, &Done { done: "uninvited", place }, &sentence)
        }
        _ => {
            let items = ask(cx, out, globals, &name, |session| session.members(place))?;
            let next = retry(cx, globals, &format!("member invite {place} EMAIL ROLE"));
            let row = |it: &hallpass_core::wire::tokens::Member<String>| {
                vec![it.email.clone(), it.role.clone(), it.name.clone(), it.user.clone()]
            };
            list(out, &items, row, ("Nobody has a role of their own here.", &next))
        }
    }
}
