//! `whoami`: asks the server whose credential this is.

use clap::Command;
use hallpass_client::target::Asked;
use hallpass_core::brand::filled;
use hallpass_core::wire::api::{Whoami, Whose};

use super::{client, retry, warn};
use crate::arguments::Globals;
use crate::paint::Paint;
use crate::refusal::told;
use crate::{Context, Exit, Failure, Output};

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("whoami").about("Ask the server who you are signed in as")
}

/// Prints e-mail address and display name, or the server's answer in JSON.
pub fn run(cx: &Context<'_>, out: &mut Output<'_>, globals: &Globals) -> Result<Exit, Failure> {
    let refuse = |error| told(&error, cx, &retry(cx, globals, "whoami"));
    let session = client(cx, globals).session_or_open().map_err(refuse)?;
    let target = client(cx, globals).target(&Asked::from(globals)).unwrap_or_default();
    let whoami = session.whoami_at(&target).map_err(refuse)?;
    warn(out, &session.take_warnings());
    if out.json {
        out.object(&whoami)?;
    } else {
        let own = cx.brand.texts.whoami.as_ref();
        let own = own.map(|own| in_own_words(&whoami, out.terminal.data(), own));
        // Where nothing is known that the brand tells, our own line says who it is.
        let own = own.filter(|own| !own.trim().is_empty());
        let line = own.unwrap_or_else(|| line(&whoami, out.terminal.data()));
        out.data(line.as_bytes())?;
        if let Some(org) = whoami.org.as_ref().filter(|org| !org.plan.is_empty()) {
            let (slug, plan) =
                (out.paint().foreign(&org.slug, 80), out.paint().foreign(&org.plan, 80));
            out.sentence(&format!("The organization {slug} has the plan {plan}."));
        }
    }
    Ok(Exit::Usable)
}

fn in_own_words(whoami: &Whoami, paint: Paint, own: &str) -> String {
    let shown = |text: &str| Some(paint.foreign(text, 320)).filter(|text| !text.is_empty());
    let facts = [("email", shown(&whoami.email)), ("name", shown(&whoami.name))];
    filled(own, &facts) + "\n"
}

/// `ada@example.com (Ada Lovelace)`, or `gitlab-ci (a key of acme/warehouse)`, and a line feed.
fn line(whoami: &Whoami, paint: Paint) -> String {
    let email = paint.foreign(&whoami.email, 320);
    let name = paint.foreign(&whoami.name, 200);
    if whoami.kind != Whose::User {
        let what = match whoami.kind {
            _ if whoami.older => "an older token of",
            Whose::Key => "a key of",
            _ => "a job, let in to",
        };
        let place = whoami.org.iter().map(|org| org.slug.as_str());
        let place = place.chain(whoami.project.iter().map(|project| project.slug.as_str()));
        let place = paint.foreign(&place.collect::<Vec<_>>().join("/"), 200);
        return format!("{name} ({what} {place})\n");
    }
    match name.as_str() {
        "" => format!("{email}\n"),
        name => format!("{email} ({name})\n"),
    }
}

#[cfg(test)]
mod tests {
    use hallpass_core::Scope;

    use super::*;

    fn whoami(name: &str) -> Whoami {
        Whoami {
            id: "usr_01JD2XW6S7Y8Z9ABCDEFGHJKMN".into(),
            kind: Whose::User,
            org: None,
            project: None,
            older: false,
            email: "ada@example.com".into(),
            name: name.into(),
            client_id: None,
            scope: Scope::empty(),
            expires_at: None,
        }
    }

    // proves: attack-33
    #[test]
    fn a_name_cannot_add_a_line() {
        let paint = Paint { colour: true, unicode: true };
        assert_eq!(line(&whoami("Ada\nroot\u{1b}[2J"), paint), "ada@example.com (Ada root)\n");
        assert_eq!(line(&whoami(""), paint), "ada@example.com\n");
        let older = Whoami { older: true, kind: Whose::Key, ..whoami("ci") };
        assert_eq!(line(&older, paint), "ci (an older token of )\n");
    }
}
