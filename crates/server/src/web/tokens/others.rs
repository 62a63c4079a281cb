//! What others did with one's tokens, as a person reads it.

use std::collections::HashMap;
use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::id::UserId;
use hallpass_core::wire::tokens::Token;
use hallpass_issuer::Error;
use hallpass_store::{Act, ByOthers};

use super::super::shown::Shown;
use super::super::when;
use super::desk::Desk;
use super::views::Gone;

/// For how long a person is told that somebody else revoked a token of theirs.
const TOLD: Duration = Duration::from_secs(30 * 86_400);

/// What others did with the tokens of one person, and who they are.
#[derive(Default)]
pub(super) struct Others {
    done: Vec<ByOthers>,
    addresses: HashMap<String, String>,
}

impl Others {
    /// What is known about the owner's tokens, of which `tokens` are shown.
    pub(super) async fn of(desk: &Desk<'_>, tokens: &[Token]) -> Result<Self, Error> {
        let issuer = desk.app.issuer();
        let done = issuer.done_by_others(desk.owner().id).await?;
        let makers = tokens.iter().filter_map(|token| token.created_by.as_deref());
        let actors: Vec<&str> = makers.chain(done.iter().map(|it| &*it.actor)).collect();
        let addresses = issuer.addresses_of(actors).await?;
        Ok(Self { done, addresses })
    }

    /// Who that is: an e-mail address, or whoever runs the server.
    pub(super) fn who(&self, actor: &str) -> Shown {
        match self.addresses.get(actor) {
            Some(address) => Shown::new(address),
            None if actor.parse::<UserId>().is_ok() => Shown::new("an administrator"),
            None => Shown::new("whoever runs this server"),
        }
    }

    /// `Renamed by root@example.com 3 days ago.`
    pub(super) fn change(&self, id: &str, now: Timestamp) -> Option<String> {
        let it = self.done.iter().find(|it| it.id.to_string() == id)?;
        let what = match it.act {
            Act::Renamed => "Renamed",
            Act::EndChanged => "Its end was changed",
            Act::Revoked => return None,
        };
        Some(format!("{what} by {} {}.", self.who(&it.actor), when::ago(now.since(it.at))))
    }

    /// The tokens that others revoked lately.
    pub(super) fn gone(&self, now: Timestamp) -> Vec<Gone> {
        let told = |it: &&ByOthers| it.act == Act::Revoked && now.since(it.at) <= TOLD;
        let gone = |it: &ByOthers| Gone {
            name: Shown::new(&it.name),
            text: format!("{}…{}", it.prefix, it.last_four),
            by: self.who(&it.actor),
            at: it.at.to_rfc3339(),
            day: when::ago(now.since(it.at)),
        };
        self.done.iter().filter(told).map(gone).collect()
    }
}
