//! What a request carries through sign-in and consent: since when a sign-in counts as the
//! answer to it.
//!
//! `prompt=login` and `max_age` (OIDC Core §3.1.2.1) ask for a fresh sign-in. When the
//! browser comes back from it, the same request arrives again, and must be told from one
//! that has not been answered. The ticket is authenticated together with the whole
//! request, so a client cannot write one, and one request's is worth nothing to another.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::Timestamp;
use hallpass_core::wire::params::Params;
use subtle::ConstantTimeEq as _;

use crate::seal::Keys;

const NAME: &str = "hallpass_ticket";
/// How long a person may take to sign in and to decide.
const LIFE: Duration = Duration::from_secs(3600);

/// A sign-in at or after `since` answers the request that this stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) since: Timestamp,
    pub(super) issued: Timestamp,
}

impl Ticket {
    /// The ticket in `params`, if it is one of ours for this very request, and not too old.
    pub(super) fn of(params: &Params, keys: &Keys, now: Timestamp) -> Option<Self> {
        let mut parts = params.get(NAME)?.split('.');
        let mut number = || parts.next()?.parse().ok().map(Timestamp::from_millis);
        let ticket = Self { since: number()?, issued: number()? };
        let mac = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let ours: bool = mac.ct_eq(&ticket.mac(params, keys)).into();
        (ours && parts.next().is_none() && now.since(ticket.issued) <= LIFE).then_some(ticket)
    }

    /// Puts the ticket into `params`, in place of any other.
    pub(super) fn put(self, params: &mut Params, keys: &Keys) {
        let mac = URL_SAFE_NO_PAD.encode(self.mac(params, keys));
        params.set(NAME, &format!("{}.{}.{mac}", self.since.millis(), self.issued.millis()));
    }

    fn mac(self, params: &Params, keys: &Keys) -> [u8; 32] {
        let mut request = params.clone();
        request.remove(NAME);
        keys.ticket(&[
            &self.since.millis().to_be_bytes(),
            &self.issued.millis().to_be_bytes(),
            request.to_query().as_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MasterKey;

    #[test]
    fn a_ticket_is_good_for_its_request_and_for_an_hour() {
        let keys = Keys::derive(&MasterKey::new([1; 32])).unwrap();
        let now = Timestamp::from_secs(1_800_000_000);
        let ticket = Ticket { since: now - Duration::from_secs(60), issued: now };
        let mut params = Params::parse(b"client_id=a&prompt=login").unwrap();
        ticket.put(&mut params, &keys);
        assert_eq!(Ticket::of(&params, &keys, now), Some(ticket));
        assert_eq!(Ticket::of(&params, &keys, now + LIFE), Some(ticket));
        assert_eq!(Ticket::of(&params, &keys, now + LIFE + Duration::from_millis(1)), None);

        let text = params.get(NAME).unwrap().to_owned();
        let mut other = params.clone();
        other.set("client_id", "b");
        assert_eq!(Ticket::of(&other, &keys, now), None);
        for forged in [
            text.replacen('1', "2", 1),
            format!("{text}."),
            format!("{text}A"),
            text.rsplit_once('.').unwrap().0.to_owned(),
            "0.0.".to_owned(),
            "..".to_owned(),
            String::from("x"),
        ] {
            let mut params = params.clone();
            params.set(NAME, &forged);
            assert_eq!(Ticket::of(&params, &keys, now), None, "{forged}");
        }
        let others = Keys::derive(&MasterKey::new([2; 32])).unwrap();
        assert_eq!(Ticket::of(&params, &others, now), None);
    }
}
