//! All tokens of a person, newest first; found by name, by a near end, by being of no use.

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use hallpass_core::Timestamp;
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::Token;
use hallpass_issuer::tokens::{MAX_PAGE, TokenError};
use http::StatusCode;

use super::super::answer::Page;
use super::super::home::query;
use super::super::shown::Shown;
use super::super::views::Notice;
use super::super::{answer, legacy};
use super::desk::{Desk, Named};
use super::lines::{self, Reader};
use super::others::Others;
use super::views::{Choosable, Filter, List};
use super::{HERE, at_both};
use crate::app::App;
use crate::http::{Visitor, failure};

/// Tokens on a page.
const SHOWN: u32 = 50;
/// Tokens that a search asks for at once.
const ASKED: u32 = MAX_PAGE;
/// A search looks through this many lists, and then offers to go on.
const ROUNDS: usize = 20;
/// A token that was not used for so long may be of no use.
const IDLE: Duration = Duration::from_secs(90 * 86_400);

pub(super) fn routes() -> Router<App> {
    at_both("", || get(show))
}

async fn show(State(app): State<App>, visitor: Visitor, named: Named, request: Request) -> Page {
    let desk = Desk::visit(&app, &visitor, &named, "").await?;
    let asked = query(request.uri());
    let sought = Sought {
        name: asked.get("q").unwrap_or_default().to_owned(),
        filter: Filter::read(asked.get("show").unwrap_or_default()),
        now: app.clock().now(),
    };
    let cursor = asked.get("after");
    let (tokens, next) = match find(&desk, &sought, cursor).await {
        Ok(found) => found,
        Err(error) => return Ok(desk.refused(error)),
    };
    let known = async {
        let others = Others::of(&desk, &tokens).await?;
        Ok((others, legacy::places(&app, desk.person).await?))
    };
    let (others, older) = match known.await {
        Ok(known) => known,
        Err(error) => return Ok(failure::page(&app, &error)),
    };
    let sign = desk.sign();
    let own = sign.owner.is_none();
    let reader = Reader { brand: app.brand(), you: sign.you(), others: &others, now: sought.now };
    let first_of_all = cursor.is_none() && sought.is_anything();
    let filters = Filter::ALL.map(|(filter, _, label)| Choosable {
        label,
        href: address(&desk.base, &Sought { filter, ..sought.clone() }, None),
        chosen: filter == sought.filter,
    });
    let view = List {
        frame: answer::frame(&app, Some(desk.person)),
        here: HERE,
        notice: notice(asked.get("done").unwrap_or_default()),
        tokens: lines::all(&reader, &tokens),
        gone: if first_of_all { others.gone(sought.now) } else { Vec::new() },
        older: if own && first_of_all { older } else { Vec::new() },
        filter: sought.filter,
        filters: filters.into(),
        search: Shown::typed(&sought.name),
        more: next.map(|next| address(&desk.base, &sought, Some(&next))),
        first: address(&desk.base, &sought, None),
        further: cursor.is_some(),
        create_command: match &sign.owner {
            None => app.command("token create ci"),
            Some(owner) => app.command(&format!("token create ci --user {owner}")),
        },
        sign,
    };
    Ok(answer::page(StatusCode::OK, &view))
}

/// What is looked for.
#[derive(Clone)]
struct Sought {
    /// Part of a name.
    name: String,
    filter: Filter,
    now: Timestamp,
}

impl Sought {
    fn is_anything(&self) -> bool {
        self.name.is_empty() && self.filter == Filter::All
    }

    fn is(&self, token: &Token) -> bool {
        let named = token.name.to_lowercase().contains(&self.name.to_lowercase());
        let used = token.last_used_at.unwrap_or(token.created_at);
        named
            && match self.filter {
                Filter::All => true,
                Filter::Ending => lines::is_near(token, self.now),
                Filter::Idle => token.leaked_at.is_none() && self.now.since(used) >= IDLE,
            }
    }
}

/// A page of tokens that are `sought`, and where the next one begins.
async fn find(
    desk: &Desk<'_>,
    sought: &Sought,
    cursor: Option<&str>,
) -> Result<(Vec<Token>, Option<String>), TokenError> {
    let mut found = Vec::new();
    let mut cursor = cursor.map(str::to_owned);
    let (actor, owner) = (desk.actor(), desk.owner_id());
    let most = if sought.is_anything() { SHOWN } else { ASKED };
    for _ in 0..ROUNDS {
        let issuer = desk.app.issuer();
        let page = issuer.tokens_of(&actor, owner.as_deref(), cursor.as_deref(), most).await?;
        found.extend(page.items.into_iter().filter(|token| sought.is(token)));
        cursor = page.next_cursor;
        if cursor.is_none() || found.len() >= SHOWN as usize || sought.is_anything() {
            break;
        }
    }
    Ok((found, cursor))
}

fn address(base: &str, sought: &Sought, after: Option<&str>) -> String {
    let mut params = Params::default();
    let some = |text: &'static str| Some(text).filter(|text| !text.is_empty());
    for (name, value) in [
        ("q", Some(sought.name.as_str()).filter(|q| !q.is_empty())),
        ("show", some(sought.filter.word())),
        ("after", after),
    ] {
        if let Some(value) = value {
            params.set(name, value);
        }
    }
    match params.to_query() {
        query if query.is_empty() => base.to_owned(),
        query => format!("{base}?{query}"),
    }
}

fn notice(done: &str) -> Option<Notice> {
    match done {
        "revoked" => Some(Notice::done(
            "The token is revoked.",
            "Whatever still uses it is refused from now on.",
        )),
        "gone" => Some(Notice::done(
            "That token had been revoked or had ended before.",
            "Nothing was left to revoke.",
        )),
        _ => None,
    }
}
