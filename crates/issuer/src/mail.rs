//! What people are told by mail.
//!
//! A letter is sealed and put into the outbox in the transaction of what it tells of, and sent
//! later, off the path of any request. A mail server that cannot be reached is tried again,
//! after longer and longer times; a letter that it refuses is not. Without a mail server no
//! letter is written. It may happen that one is sent twice, where a server dies in between;
//! both have one `Message-ID` then.
//!
//! A letter holds no secret, but for a link that is itself what it brings.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hallpass_core::Secret;
use hallpass_core::id::{MailId, OrgId};
use hallpass_core::permission::implied;
use hallpass_core::role::ProjectRole;
use hallpass_core::text::presentable;
use hallpass_store::{Credential, Mail, NewMail, Role, User};
use tokio::sync::Notify;

use crate::{Error, Issuer};

/// While one is being sent, nobody else takes it. Longer than any mailer takes.
const TAKEN: Duration = Duration::from_secs(5 * 60);
/// When it is tried again after the first failure; then after twice as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// The longest time between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// A letter that could not be sent for this long is old news.
const GIVEN_UP: Duration = Duration::from_secs(2 * 24 * 3600);
/// Members of a place that are looked through for its owners.
const LOOKED_AT: u32 = 200;
/// Most addresses that are told about one thing.
const MOST_TOLD: usize = 20;
/// Longest subject.
const MAX_SUBJECT: usize = 150;

/// A letter, as it is handed to the mail server.
#[derive(Debug)]
pub struct Letter {
    /// Its name for ever: the same in every attempt.
    pub id: MailId,
    /// To which address.
    pub to: String,
    /// Its subject, one line.
    pub subject: String,
    /// Its text, plain.
    pub text: Secret,
}

/// Why a letter was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It may be taken later.
    #[error("the mail server could not take it now: {0}")]
    Later(String),
    /// It never will be.
    #[error("the mail server refused it: {0}")]
    Never(String),
}

/// Who hands letters to a mail server.
pub trait Mailer: Send + Sync + 'static {
    /// Hands one over. It must give up within four minutes.
    fn send<'a>(
        &'a self,
        letter: &'a Letter,
    ) -> Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + 'a>>;
}

/// The mailer, if there is one, and the bell that calls for it.
#[derive(Default)]
pub(crate) struct Post {
    mailer: OnceLock<Arc<dyn Mailer>>,
    bell: Notify,
}

impl Issuer {
    /// From now on letters are written, and sent through `mailer` by whoever calls
    /// [`Issuer::send_mail`].
    pub fn send_mail_through(&self, mailer: Arc<dyn Mailer>) {
        // A second mailer is a mistake of our own, and the first one does.
        let _ = self.0.post.mailer.set(mailer);
    }

    /// Whether letters are written at all.
    pub fn sends_mail(&self) -> bool {
        self.0.post.mailer.get().is_some()
    }

    /// A letter to be put into the outbox with what it tells of; `None` where no mail is sent.
    /// Whatever is in `text` comes from us, or was made presentable.
    pub(crate) fn letter(
        &self,
        to: &str,
        subject: &str,
        text: &str,
    ) -> Result<Option<NewMail>, Error> {
        if !self.sends_mail() {
            return Ok(None);
        }
        let id = self.new_id(MailId::new);
        let sealed = self.0.keys.mail.seal(&id.to_string(), text.as_bytes(), &*self.0.random)?;
        let subject = presentable(subject, MAX_SUBJECT);
        Ok(Some(NewMail { id, recipient: to.to_owned(), subject, sealed }))
    }

    /// Rings the bell: letters were put into the outbox. Forgetting it only makes them late.
    pub(crate) fn call_for_mail(&self) {
        self.0.post.bell.notify_one();
    }

    /// Waits until the bell rings.
    pub async fn mail_rang(&self) {
        self.0.post.bell.notified().await;
    }

    /// Sends what is due. Stops at a mail server that cannot be reached.
    pub async fn send_mail(&self) -> Result<(), Error> {
        let Some(mailer) = self.0.post.mailer.get() else { return Ok(()) };
        let outbox = self.0.store.outbox();
        loop {
            let now = self.now();
            let Some(mail) = outbox.take(now, now + TAKEN).await? else { return Ok(()) };
            let Some(letter) = self.open_letter(&mail) else {
                tracing::error!(mail = %mail.id, "a mail was sealed with another master key; it is not sent");
                outbox.remove(mail.id).await?;
                continue;
            };
            let Err(error) = mailer.send(&letter).await else {
                outbox.remove(mail.id).await?;
                continue;
            };
            // What the mail server says may name the recipient: it is for the operator's log.
            let cause = presentable(&error.to_string(), 300);
            let old = self.now().since(mail.created_at) >= GIVEN_UP;
            if matches!(error, MailError::Never(_)) || old {
                tracing::error!(mail = %mail.id, %cause, "a mail is not sent");
                outbox.remove(mail.id).await?;
                continue;
            }
            outbox.put_off(mail.id, self.now() + wait_after(mail.attempts)).await?;
            tracing::warn!(mail = %mail.id, attempts = mail.attempts, %cause, "a mail waits");
            return Ok(());
        }
    }

    /// The addresses of those who are told about a credential: the person whose it is, or the
    /// owners of the place that it is bound to.
    pub(crate) async fn told_about(
        &self,
        kept: &Credential,
        person: Option<&User>,
    ) -> Result<Vec<String>, Error> {
        if let Some(person) = person {
            return Ok(person
                .disabled_at
                .is_none()
                .then(|| person.email.clone())
                .into_iter()
                .collect());
        }
        let Some(org) = self.org_of(kept).await? else { return Ok(Vec::new()) };
        let members = self.0.store.members();
        let mut told = BTreeSet::new();
        for place in kept.project_id.map(Some).into_iter().chain([None]) {
            let theirs = members.of(org, place, None, LOOKED_AT).await?;
            let maker = theirs.iter().find(|(user, _)| user.id.to_string() == kept.created_by);
            told.extend(
                maker
                    .filter(|(user, _)| user.disabled_at.is_none())
                    .map(|(user, _)| user.email.clone()),
            );
            let owners = theirs.into_iter().filter(|(user, role)| {
                let owns = match role {
                    Role::Org(role) => implied(*role) == Some(ProjectRole::Owner),
                    Role::Project(_, role) => *role == ProjectRole::Owner,
                };
                owns && user.disabled_at.is_none()
            });
            told.extend(owners.map(|(user, _)| user.email));
        }
        Ok(told.into_iter().take(MOST_TOLD).collect())
    }

    async fn org_of(&self, kept: &Credential) -> Result<Option<OrgId>, Error> {
        Ok(match (kept.org_id, kept.project_id) {
            (Some(org), _) => Some(org),
            (None, Some(project)) => {
                self.0.store.projects().by_id(project).await?.map(|project| project.org_id)
            }
            (None, None) => None,
        })
    }

    fn open_letter(&self, mail: &Mail) -> Option<Letter> {
        let text = self.0.keys.mail.open_text(&mail.id.to_string(), &mail.sealed)?;
        let (to, subject) = (mail.recipient.clone(), mail.subject.clone());
        Some(Letter { id: mail.id, to, subject, text })
    }
}

/// How long to wait after so many attempts.
fn wait_after(attempts: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
    FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_longer_each_time_and_never_longer_than_an_hour() {
        let waits = [0, 1, 2, 3, 10, 11, 40, u32::MAX].map(|n| wait_after(n).as_secs());
        assert_eq!(waits, [5, 5, 10, 20, 2560, 3600, 3600, 3600]);
    }
}
