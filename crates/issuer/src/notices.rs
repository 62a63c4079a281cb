//! What a person is told by mail that somebody else did with their account.
//!
//! Whoever does something with their own account needs no letter. The letter goes into the outbox
//! with the audit row, so that there is one if and only if something was changed.

use hallpass_core::id::UserId;
use hallpass_core::text::presentable;
use hallpass_store::{By, NewMail};

use crate::tokens::Actor;
use crate::{Error, Issuer, Origin};

/// What was done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed<'a> {
    /// A token of this name was made for them.
    Made(&'a str),
    /// A token of this name was rotated: somebody else has its successor.
    Rotated(&'a str),
    /// A token of this name was revoked.
    Revoked(&'a str),
    /// Their account was disabled.
    Disabled,
    /// They are let in again.
    Enabled,
    /// Every sign-in and token of theirs was ended.
    Ended,
    /// They were given another password.
    Password,
}

impl Issuer {
    /// Who does something with an account, and what its person is told of it.
    pub(crate) async fn by_about(
        &self,
        actor: &Actor<'_>,
        origin: &Origin,
        person: UserId,
        deed: Deed<'_>,
    ) -> Result<By, Error> {
        let letters = self.told(actor, person, deed).await?;
        Ok(By { letters, ..self.by(&actor.name(), None, Some(origin)) })
    }

    /// The letter, if mail is sent and somebody else acts.
    pub(crate) async fn told(
        &self,
        actor: &Actor<'_>,
        person: UserId,
        deed: Deed<'_>,
    ) -> Result<Vec<NewMail>, Error> {
        let acting = actor.person();
        if !self.sends_mail() || acting.is_some_and(|(id, ..)| id == person) {
            return Ok(Vec::new());
        }
        let Some(person) = self.0.store.users().by_id(person).await? else {
            return Ok(Vec::new());
        };
        let who = match acting {
            Some((_, email, _)) => format!("The administrator {}", presentable(email, 320)),
            None => "The operator of the server".to_owned(),
        };
        let title = &self.0.config.brand.title;
        let page = self.0.config.public_url.join("/settings/tokens");
        let named = |name: &str| presentable(name, 80);
        let (subject, what) = match deed {
            Deed::Made(name) => (
                format!("A token was made for you: \"{}\"", named(name)),
                format!(
                    "made the token \"{}\" for your account at {title}. Whoever has it acts as you.\n\n\
                     It is among your tokens, where you can revoke it:\n{page}",
                    named(name)
                ),
            ),
            Deed::Rotated(name) => (
                format!("A token of yours was rotated: \"{}\"", named(name)),
                format!(
                    "put a new token in the place of \"{}\" of your account at {title}, and has it. \
                     Whoever has it acts as you.\n\n\
                     It is among your tokens, where you can revoke it:\n{page}",
                    named(name)
                ),
            ),
            Deed::Revoked(name) => (
                format!("A token of yours was revoked: \"{}\"", named(name)),
                format!(
                    "revoked the token \"{}\" of your account at {title}. It is refused from now on.\n\n\
                     Your tokens are here:\n{page}",
                    named(name)
                ),
            ),
            Deed::Disabled => (
                "Your account was disabled".to_owned(),
                format!(
                    "disabled your account at {title}. Everything of yours has ended: browsers, programs \
                     and tokens. You cannot sign in until somebody lets you in again."
                ),
            ),
            Deed::Enabled => (
                "Your account is enabled again".to_owned(),
                format!(
                    "let you in again at {title}. Sign in with your password; what had ended stays ended."
                ),
            ),
            Deed::Ended => (
                "You were signed out everywhere".to_owned(),
                format!(
                    "ended every sign-in and token of your account at {title}. You can sign in again; tokens \
                     have to be made anew:\n{page}"
                ),
            ),
            Deed::Password => (
                "Your password was changed".to_owned(),
                format!(
                    "gave your account at {title} another password, and ended every sign-in of yours."
                ),
            ),
        };
        let text = format!("{who} {what}\n\nIf you did not expect this, ask them.\n");
        Ok(self.letter(&person.email, &subject, &text)?.into_iter().collect())
    }
}
