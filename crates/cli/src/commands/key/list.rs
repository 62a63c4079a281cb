//! `key list`: every key, when it ends, and which generation is still used.

use clap::Command;
use hallpass_client::Error;
use hallpass_client::keys::Place;
use hallpass_core::wire::keys::Key;
use hallpass_core::wire::tokens::Token;
use serde::Serialize;

use super::refused::refused;
use super::{Owned, place, place_of, session};
use crate::arguments::Globals;
use crate::commands::token::render;
use crate::commands::{retry, warn};
use crate::{Context, Exit, Failure, Output};

pub(super) fn command() -> Command {
    Command::new("list")
        .about("Every key of a project, of an organization, or of all that are yours to manage")
}

pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
) -> Result<Exit, Failure> {
    let place = place(cx, globals, "list")?;
    let session = session(cx, globals, "list")?;
    let refuse = |error: Error| refused(&error, cx, globals, "list", "");
    let mut items: Vec<Key> = Vec::new();
    match &place {
        Some(place) => items = session.keys(place.place()).map_err(refuse)?,
        None => {
            for org in session.organizations(false).map_err(refuse)? {
                match session.keys(Place { org: &org.slug, project: None }) {
                    Ok(keys) => items.extend(keys),
                    // Its keys are not this person's to manage.
                    Err(Error::Problem { status: 403 | 404, .. }) => {}
                    Err(error) => return Err(refuse(error)),
                }
            }
        }
    }
    warn(out, &session.take_warnings());
    if out.json {
        out.json(&View { schema_version: 1, items: &items })?;
    } else if items.is_empty() {
        let (at, new) = match &place {
            Some(Owned { org, project: Some(project) }) => {
                let at = format!("{org}/{project}");
                (format!(" in {at}"), format!("key create NAME --project {at}"))
            }
            Some(Owned { org, .. }) => {
                (format!(" in {org}"), format!("key create NAME --project {org}/PROJECT"))
            }
            None => (String::new(), "key create NAME --project ORG/PROJECT".to_owned()),
        };
        out.sentence(&format!("There are no keys that you manage{at}. One signs in CI:"));
        out.next(&retry(cx, globals, &new));
    } else {
        let shown: Vec<Token> = items.iter().map(token).collect();
        let text = render(&shown, cx.clock.now(), &out.terminal);
        out.data(text.as_bytes())?;
    }
    Ok(Exit::Usable)
}

/// In the words of a token: an old generation is named so, each with its last use.
fn token(key: &Key) -> Token {
    Token {
        projects: vec![place_of(key)],
        created_by: Some(key.creator.clone().unwrap_or_else(|| key.created_by.clone())),
        ..Token::from(key)
    }
}

/// `key list --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    items: &'a [Key],
}
