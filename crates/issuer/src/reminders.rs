//! Telling people in time that a credential of theirs ends (HP12).
//!
//! When it is 14, 3 and 0 days to its end a mail goes out, each of them once, whichever of
//! several servers notices it, and also if all of them were down meanwhile; of those that were
//! missed only the last is sent. A credential that was made for less time than that is not
//! spoken of so early.

use std::time::Duration;

use hallpass_core::Timestamp;
use hallpass_core::text::presentable;
use hallpass_store::{Credential, NewMail};

use crate::{Error, Issuer};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Days to the end, and where that nearness begins and stops: the last one goes on for a while
/// after the end, for servers that were down.
const STAGES: [(u32, Duration); 3] =
    [(0, DAY), (3, DAY.saturating_mul(3)), (14, DAY.saturating_mul(14))];
/// For so long after its end people are told that something has ended.
const LATE: Duration = DAY.saturating_mul(3);
/// Credentials that are looked at in one go.
const PORTION: u32 = 100;

impl Issuer {
    /// Tells of what ends soon. Nothing happens, and nothing is marked as told, where no mail is
    /// sent.
    pub(crate) async fn remind(&self) -> Result<(), Error> {
        if !self.sends_mail() {
            return Ok(());
        }
        let now = self.now();
        let mut from = now - LATE;
        for (days, ahead) in STAGES {
            let to = now + ahead;
            while self.remind_of((from, to), days, ahead).await? == PORTION as usize {}
            from = to;
        }
        Ok(())
    }

    async fn remind_of(
        &self,
        (from, to): (Timestamp, Timestamp),
        days: u32,
        ahead: Duration,
    ) -> Result<usize, Error> {
        let (reminders, now) = (self.0.store.reminders(), self.now());
        let due = reminders.due(from, to, days, PORTION).await?;
        for kept in &due {
            let Some(ends) = kept.expires_at else { continue };
            // Whoever made it for less time than this knows.
            let short = ends.since(kept.created_at) <= ahead;
            let letters = if short { Vec::new() } else { self.reminder(kept, ends).await? };
            if reminders.tell(kept.id, ends, days, &letters, now).await? && !letters.is_empty() {
                self.call_for_mail();
            }
        }
        Ok(due.len())
    }

    /// What is sent to those whose credential this is.
    async fn reminder(&self, kept: &Credential, ends: Timestamp) -> Result<Vec<NewMail>, Error> {
        let person = match kept.user_id {
            Some(id) => self.0.store.users().by_id(id).await?,
            None => None,
        };
        let told = self.told_about(kept, person.as_ref()).await?;
        let (brand, url) = (&self.0.config.brand, &self.0.config.public_url);
        let (what, name) =
            (if kept.is_key() { "key" } else { "token" }, presentable(&kept.name, 80));
        let page = match (kept.is_key(), kept.org_id) {
            (true, Some(org)) => {
                let slug = self.0.store.orgs().by_id(org).await?.map(|org| org.slug);
                url.join(&format!("/orgs/{}/keys", slug.unwrap_or_else(|| org.to_string())))
            }
            _ => url.join("/settings/tokens"),
        };
        let day = ends.to_rfc3339();
        let verb = if ends <= self.now() { "ended" } else { "ends" };
        let used = match kept.last_used_at {
            Some(at) => format!("It was last used at {at}."),
            None => "It was never used.".to_owned(),
        };
        let subject = format!("\"{name}\" {verb} on {}", day.get(..10).unwrap_or(&day));
        let way = match brand.line(&format!("{what} rotate {} --overlap 7d", kept.id)) {
            Some(command) => format!("{command}\n\nor on this page:\n"),
            None => String::new(),
        };
        let text = format!(
            "The {what} \"{name}\" ({}…{}) at {} {verb} at {day}; from then on it is refused.\n{used}\n\n\
             To go on, put a new one in its place; the old one can stay good beside it for a while:\n\
             {way}{page}\n\n\
             If nothing needs it any more, there is nothing to do.\n",
            kept.prefix, kept.last_four, brand.title,
        );
        let letters = told.iter().map(|to| self.letter(to, &subject, &text));
        letters.filter_map(Result::transpose).collect()
    }
}
