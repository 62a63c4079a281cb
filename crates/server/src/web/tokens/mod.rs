//! `/settings/tokens`: the tokens that a person has made for scripts, CI and servers, and
//! `/admin/users/…/tokens`: the same pages for an administrator, about somebody else's.
//!
//! | module | what |
//! |---|---|
//! | [`desk`] | whose tokens the pages are about |
//! | [`list`] | all of them, newest first; found by name |
//! | [`make`] | making one |
//! | [`reveal`] | the page that shows a token's text once |
//! | [`one`] | one of them: rename, change the end, rotate, revoke |
//! | [`lines`] | a token as a person reads it |
//! | [`others`] | what others did with one's tokens |
//! | [`expiry`], [`narrowing`] | when it ends and what it may do, as forms ask for them |
//! | [`views`] | what the templates show |
//!
//! A token's text is on one page: the answer to the post that made it. It is in no
//! address and no store, and the form that made it makes no other
//! ([`once`](super::once)). Every id is looked up among the tokens of whoever is
//! signed in, or of the person that an administrator acts for; anybody else's is like one
//! that does not exist (attack-27).

mod desk;
mod expiry;
mod lines;
mod list;
mod make;
mod narrowing;
mod one;
mod others;
mod reveal;
mod views;

use axum::Router;
use axum::routing::MethodRouter;

use crate::app::App;

pub(super) use desk::{Sign, base_of};
pub(super) use expiry::{Expiry, read_again, read_end};
pub(super) use lines::{end as end_of, of as lines_of};
pub(super) use make::SENT_BEFORE;
pub(super) use narrowing::{Choice, meaning};
pub(super) use one::OVERLAPS;
pub(super) use reveal::{Revealed, reveal};
pub(super) use views::Line;

/// The list.
const PAGE: &str = "/settings/tokens";
/// The list of somebody else's, for administrators.
const OTHERS: &str = "/admin/users/{user}/tokens";
/// Which tab of the settings this is.
const HERE: &str = "tokens";

pub(super) fn routes() -> Router<App> {
    Router::new().merge(list::routes()).merge(make::routes()).merge(one::routes())
}

/// The same page at both desks.
fn at_both(at: &str, page: impl Fn() -> MethodRouter<App>) -> Router<App> {
    Router::new().route(&format!("{PAGE}{at}"), page()).route(&format!("{OTHERS}{at}"), page())
}
