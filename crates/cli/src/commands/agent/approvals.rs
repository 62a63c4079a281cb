//! `agent approvals`: what agents ask their owner for, and the yes or no.

use clap::{Arg, ArgMatches, Command};
use hallpass_client::Session;
use hallpass_client::approvals::action_of;
use hallpass_core::Timestamp;
use hallpass_core::action::Action;
use hallpass_core::text::presentable;
use hallpass_core::wire::approvals::{Approval, ApprovalState};
use serde::Serialize;

use super::{list, refused, watch};
use crate::arguments::Globals;
use crate::commands::{flag, retry, warn};
use crate::terminal::Terminal;
use crate::tree::Below;
use crate::{Context, Exit, Failure, Input, Output, layout, words};

pub(super) fn command() -> Command {
    let id =
        || Arg::new("id").required(true).value_name("ID").help("As `agent approvals` shows it");
    Command::new("approvals")
        .about("What agents of yours ask you for, within a day; approve or deny it")
        .subcommand(Command::new("list").about("What waits for you, and what was decided"))
        .subcommand(Command::new("show").about("Everything that it will do").arg(id()))
        .subcommand(
            Command::new("approve")
                .about("See everything that it will do, and say yes; it can be done once")
                .arg(id())
                .arg(flag("confirm", "It is meant, and nobody needs to be asked")),
        )
        .subcommand(
            Command::new("deny")
                .about("Say no, also to what was approved and not done yet")
                .arg(id()),
        )
        .subcommand(watch::command())
}

#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    items: &'a [Approval],
}

#[derive(Serialize)]
struct Decided<'a> {
    schema_version: u32,
    id: &'a str,
    state: &'static str,
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    below: Below<'_>,
) -> Result<Exit, Failure> {
    let session = list::session(cx, globals, "approvals")?;
    let desk = Desk { cx, globals, session };
    let id = |matches: &ArgMatches| matches.get_one::<String>("id").cloned().unwrap_or_default();
    match below.verb() {
        None | Some(("list", _)) => desk.list(out),
        Some(("watch", matches)) => watch::run(cx, out, globals, &desk.session, matches),
        Some(("show", matches)) => desk.show(out, &id(matches)),
        Some(("approve", matches)) => {
            desk.approve(out, stdin, &id(matches), matches.get_flag("confirm"))
        }
        Some(("deny", matches)) => desk.deny(out, &id(matches)),
        _ => Err(Failure::usage("no command was given", retry(cx, globals, "agent approvals"))),
    }
}

struct Desk<'a> {
    cx: &'a Context<'a>,
    globals: &'a Globals,
    session: Session,
}

impl Desk<'_> {
    fn refused(&self, error: &hallpass_client::Error) -> Failure {
        refused(error, self.cx, self.globals, "approvals")
    }

    fn list(&self, out: &mut Output<'_>) -> Result<Exit, Failure> {
        let items = self.session.approvals().map_err(|error| self.refused(&error))?;
        warn(out, &self.session.take_warnings());
        if out.json {
            out.json(&View { schema_version: 1, items: &items })?;
            return Ok(Exit::Usable);
        }
        out.data(render(&items, self.cx.clock.now(), &out.terminal).as_bytes())?;
        let next = match items.iter().find(|item| item.state == ApprovalState::Pending) {
            Some(item) => format!(
                "To see all of it, and decide: {} agent approvals approve {}",
                self.cx.program,
                presentable(&item.id, 40)
            ),
            None => "Nothing waits for you.".to_owned(),
        };
        out.sentence(&next);
        Ok(Exit::Usable)
    }

    fn one(&self, out: &mut Output<'_>, id: &str) -> Result<(Approval, Action), Failure> {
        let approval = self.session.approval(id).map_err(|error| self.refused(&error))?;
        warn(out, &self.session.take_warnings());
        let action = action_of(&approval).map_err(|why| {
            let next = retry(self.cx, self.globals, "agent approvals");
            let what = format!("the server shows an action that cannot be read: {why}");
            Failure::new(Exit::Other, "bad_action", what, next).kept("Nothing was approved.")
        })?;
        Ok((approval, action))
    }

    fn show(&self, out: &mut Output<'_>, id: &str) -> Result<Exit, Failure> {
        let (approval, action) = self.one(out, id)?;
        if out.json {
            out.object(&approval)?;
        } else {
            let card = card(&approval, &action, self.cx.clock.now(), &out.terminal);
            out.data(card.as_bytes())?;
        }
        Ok(Exit::Usable)
    }

    /// What is approved is what was shown here: its digest is taken of that.
    fn approve(
        &self,
        out: &mut Output<'_>,
        stdin: &mut dyn Input,
        id: &str,
        confirmed: bool,
    ) -> Result<Exit, Failure> {
        let (approval, action) = self.one(out, id)?;
        if !out.json {
            let card = card(&approval, &action, self.cx.clock.now(), &out.terminal);
            out.data(card.as_bytes())?;
        }
        if !confirmed {
            let again =
                retry(self.cx, self.globals, &format!("agent approvals approve {id} --confirm"));
            let streams = out.terminal.streams;
            let asked =
                streams.stdin && streams.stderr && !out.json && self.cx.unattended().is_none();
            let said = asked.then(|| stdin.confirm("Approve exactly this, once?"));
            if !matches!(said, Some(Ok(Some(true)))) {
                let what = if asked { "it was not approved" } else { "nobody is here to be asked" };
                return Err(Failure::usage(what, again).kept("Nothing was approved."));
            }
        }
        self.session.approve_action(id, &action).map_err(|error| self.refused(&error))?;
        self.decided(out, id, "approved", "Approved; it can be done once, within 5 minutes")
    }

    fn deny(&self, out: &mut Output<'_>, id: &str) -> Result<Exit, Failure> {
        self.session.deny_action(id).map_err(|error| self.refused(&error))?;
        self.decided(out, id, "denied", "Denied; the agent is told so")
    }

    fn decided(
        &self,
        out: &mut Output<'_>,
        id: &str,
        state: &'static str,
        says: &str,
    ) -> Result<Exit, Failure> {
        warn(out, &self.session.take_warnings());
        if out.json {
            out.json(&Decided { schema_version: 1, id, state })?;
        } else {
            out.success(says);
        }
        Ok(Exit::Usable)
    }
}

/// Cards for people; one line of tab-separated fields for each where standard output is no
/// terminal: id, state, agent, what, digest, when it was asked for.
pub(super) fn render(items: &[Approval], now: Timestamp, terminal: &Terminal) -> String {
    let mut text = String::new();
    for item in items {
        let Ok(action) = action_of(item) else { continue };
        if !terminal.streams.stdout {
            let fields = [
                presentable(&item.id, 40),
                item.state.as_str().to_owned(),
                presentable(&item.agent_name, 80),
                presentable(&action.title(), 320),
                action.digest_text(),
                item.created_at.to_rfc3339(),
            ];
            text.push_str(&format!("{}\n", fields.join("\t")));
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&card(item, &action, now, terminal));
    }
    text
}

/// All of it: nothing that would be done is left out or cut.
fn card(approval: &Approval, action: &Action, now: Timestamp, terminal: &Terminal) -> String {
    let paint = terminal.data();
    let state = match approval.state {
        ApprovalState::Pending => paint.warning("waits for you"),
        ApprovalState::Approved => paint.good("approved, not done yet"),
        ApprovalState::Used => paint.good("approved and done"),
        ApprovalState::Denied => paint.faint("denied"),
        ApprovalState::Expired => paint.faint("ran out"),
    };
    let title = paint.strong(&paint.foreign(&action.title(), 200));
    let mut text = format!("{title}  {state}\n");
    let agent = paint.foreign(&approval.agent_name, 80);
    let place = approval.project.as_deref().map(|it| format!(" in {}", paint.foreign(it, 200)));
    let mut pairs = vec![(
        "Asked by".to_owned(),
        format!("{agent}{}, {}", place.unwrap_or_default(), words::ago(approval.created_at, now)),
    )];
    for (index, part) in action.lines().into_iter().enumerate() {
        if index > 0 {
            pairs.push(("And".to_owned(), String::new()));
        }
        for line in part {
            let label = if line.own { format!("{:?}", line.label) } else { line.label };
            pairs.push((label, paint.spelt(&line.text).into_owned()));
        }
    }
    let resources = approval.resources.iter().map(|it| paint.foreign(it, 500));
    pairs.push(("Done at".to_owned(), resources.collect::<Vec<_>>().join(", ")));
    if let Some(reason) = &approval.reason {
        pairs.push(("It says why".to_owned(), paint.foreign(reason, 400)));
    }
    pairs.push(("Digest".to_owned(), action.digest_text()));
    pairs.push(("Id".to_owned(), paint.foreign(&approval.id, 40)));
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    text.push_str(&layout::fields(&pairs, terminal.width, paint));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    // proves: HP09
    #[test]
    fn a_person_sees_all_that_will_be_done_and_programs_a_line_for_each() {
        let action = Action::read(
            r#"{"type":"deploy","actions":["build","restart"],"identifier":"shop","version":7}"#,
        );
        let action = action.unwrap();
        let approval = Approval {
            id: "apr_01JD2XW6S7Y8Z9ABCDEFGHJKMN".into(),
            agent: "agt_01JD2XW6S7Y8Z9ABCDEFGHJKMN".into(),
            agent_name: "builder\u{1b}[2J".into(),
            project: Some("acme/web".into()),
            digest: "what the server says".into(),
            authorization_details: action.details().to_vec(),
            resources: vec!["https://shop.example/api".into()],
            reason: Some("the tests are green".into()),
            state: ApprovalState::Pending,
            created_at: Timestamp::from_secs(1_795_351_000),
            expires_at: Timestamp::from_secs(1_795_351_600),
            decided_at: None,
            used_at: None,
            used_by: None,
        };
        let now = Timestamp::from_secs(1_795_351_300);
        let terminal = Town::new().columns(80).terminal();
        insta::assert_snapshot!(render(std::slice::from_ref(&approval), now, &terminal), @r#"
        deploy  waits for you
          Asked by      builder in acme/web, 5 minutes ago
          What          deploy
          It will       build, restart
          To            shop
          "version"     7
          Done at       https://shop.example/api
          It says why   the tests are green
          Digest        Y5YhZWlit7ordznbFXfzIrEvlBRNe3Oj96qNwBiM36U
          Id            apr_01JD2XW6S7Y8Z9ABCDEFGHJKMN
        "#);
        let town = Town::new();
        let line = render(&[approval], now, &town.terminal());
        assert!(!line.contains("what the server says"), "{line}");
    }
}
