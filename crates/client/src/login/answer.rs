//! Judging what came back to the redirect URI, from the listener or pasted
//! (RFC 6749 §4.1.2, RFC 9207 §2.4).
//!
//! The order matters: repeated parameters first, then `state`, then `iss`, and only
//! then the content. Whatever fails before `state` matched says nothing about our
//! login, so the login goes on (CLIENT B4, PROTOCOL J03).

use hallpass_core::Secret;
use hallpass_core::text::presentable;
use hallpass_core::wire::oauth::ErrorCode;
use url::form_urlencoded;

use crate::Error;

/// What an answer must be to be ours.
#[derive(Debug)]
pub(crate) struct Expected {
    /// The `state` of this attempt.
    pub state: Secret,
    /// Who was asked.
    pub issuer: String,
    /// Whether the metadata promises `iss` (RFC 9207 §3).
    pub iss_promised: bool,
}

/// What an answer is.
#[derive(Debug)]
pub(crate) enum Judged {
    /// Ours: the code, or the end of this login.
    Ours(Result<Secret, Error>),
    /// Not ours; says why.
    NotOurs(&'static str),
}

impl Expected {
    /// Judges the query of a callback.
    pub(crate) fn judge(&self, query: &str) -> Judged {
        let Some(answer) = Answer::read(query) else {
            return Judged::NotOurs("a parameter appears twice");
        };
        let Some(state) = &answer.state else { return Judged::NotOurs("it has no state") };
        // In constant time: `Secret` compares so.
        if *state != self.state {
            return Judged::NotOurs("its state belongs to another sign-in");
        }
        // RFC 9207 §2.4, compared byte for byte. A promised `iss` that is missing is as
        // bad as a wrong one.
        let right = match &answer.iss {
            Some(iss) => *iss == self.issuer,
            None => !self.iss_promised,
        };
        if !right {
            return Judged::Ours(Err(Error::IssuerMismatch { issuer: self.issuer.clone() }));
        }
        if let Some(error) = answer.error {
            return Judged::Ours(Err(if error == ErrorCode::AccessDenied.as_str() {
                Error::Denied
            } else {
                Error::Authorization {
                    code: presentable(&error, 60),
                    description: answer.description.map(|text| presentable(&text, 200)),
                }
            }));
        }
        match answer.code {
            Some(code) => Judged::Ours(Ok(code)),
            None => Judged::NotOurs("it has no code"),
        }
    }

    /// Judges a line that a person pasted: the address that their browser ended at, its
    /// query, or the bare code. A bare code needs no `state`: PKCE binds it to this
    /// attempt, and no web page can type into a terminal.
    pub(crate) fn judge_pasted(&self, line: &Secret) -> Judged {
        let line = line.expose().trim();
        if let Some((_, rest)) = line.split_once('?') {
            let query = rest.split('#').next().unwrap_or_default();
            return self.judge(query);
        }
        if line.contains("code=") || line.contains("error=") {
            return self.judge(line);
        }
        let code =
            !line.is_empty() && line.len() <= 512 && line.bytes().all(|b| b.is_ascii_graphic());
        if code && !line.contains("://") {
            Judged::Ours(Ok(Secret::new(line)))
        } else {
            Judged::NotOurs("it is neither the address that the browser ended at nor a code")
        }
    }
}

/// The parameters of an authorization response.
#[derive(Default)]
struct Answer {
    code: Option<Secret>,
    state: Option<Secret>,
    iss: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl Answer {
    /// `None` if a parameter appears twice (RFC 6749 §3.1). One without a value counts
    /// as omitted.
    fn read(query: &str) -> Option<Self> {
        let mut answer = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if value.is_empty() {
                continue;
            }
            let value = value.into_owned();
            let again = match &*name {
                "code" => answer.code.replace(Secret::new(value)).is_some(),
                "state" => answer.state.replace(Secret::new(value)).is_some(),
                "iss" => answer.iss.replace(value).is_some(),
                "error" => answer.error.replace(value).is_some(),
                "error_description" => answer.description.replace(value).is_some(),
                _ => false,
            };
            if again {
                return None;
            }
        }
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(iss_promised: bool) -> Expected {
        Expected {
            state: Secret::new("the-state"),
            issuer: "https://id.example.com".to_owned(),
            iss_promised,
        }
    }

    fn not_ours(judged: Judged) -> bool {
        matches!(judged, Judged::NotOurs(_))
    }

    const ISS: &str = "iss=https%3A%2F%2Fid.example.com";

    // proves: J03, client-B4
    #[test]
    fn only_the_right_state_ends_a_login() {
        let expected = expected(true);
        for query in [
            String::new(),
            format!("code=c&{ISS}"),
            format!("code=c&state=&{ISS}"),
            format!("code=c&state=the-stat&{ISS}"),
            format!("code=c&state=the-statee&{ISS}"),
            format!("code=c&state=THE-STATE&{ISS}"),
            format!("error=access_denied&{ISS}"),
            format!("error=access_denied&state=x&{ISS}"),
            format!("code=c&state=the-state&state=the-state&{ISS}"),
            format!("code=c&code=d&state=the-state&{ISS}"),
            format!("code=c&state=the-state&{ISS}&{ISS}"),
            format!("state=the-state&{ISS}"),
        ] {
            assert!(not_ours(expected.judge(&query)), "{query}");
        }
        let right = format!("code=c&state=the-state&{ISS}&unknown=1&unknown=2");
        assert!(matches!(expected.judge(&right), Judged::Ours(Ok(code)) if code.expose() == "c"));
    }

    // proves: J04, J05, client-B11
    #[test]
    fn another_issuers_answer_is_thrown_away_unread() {
        for query in [
            "code=c&state=the-state&iss=https%3A%2F%2Fid.example.com%2F",
            "code=c&state=the-state&iss=HTTPS%3A%2F%2Fid.example.com",
            "code=c&state=the-state&iss=https%3A%2F%2Fevil.example",
            "code=c&state=the-state",
            "error=server_error&error_description=call+555&state=the-state&iss=https%3A%2F%2Fevil.example",
        ] {
            let Judged::Ours(Err(error)) = expected(true).judge(query) else { panic!("{query}") };
            assert!(matches!(error, Error::IssuerMismatch { .. }), "{query}");
            assert!(!error.to_string().contains("555"));
        }
        // Where nobody promised it, it may be missing, but not wrong.
        assert!(matches!(expected(false).judge("code=c&state=the-state"), Judged::Ours(Ok(_))));
        assert!(matches!(
            expected(false).judge("code=c&state=the-state&iss=https%3A%2F%2Fevil.example"),
            Judged::Ours(Err(Error::IssuerMismatch { .. }))
        ));
    }

    // proves: client-B6, client-H5
    #[test]
    fn errors_end_the_login_and_are_presentable() {
        let denied = format!("error=access_denied&state=the-state&{ISS}");
        assert!(matches!(expected(true).judge(&denied), Judged::Ours(Err(Error::Denied))));
        let other =
            format!("error=server_error&error_description=a%1B%5B31mb&state=the-state&{ISS}");
        let Judged::Ours(Err(error)) = expected(true).judge(&other) else { panic!() };
        assert_eq!(error.to_string(), "the server did not sign you in: server_error (ab)");
    }

    // proves: client-A11
    #[test]
    fn an_address_its_query_or_a_bare_code_can_be_pasted() {
        let expected = expected(true);
        let code = |line: &str| match expected.judge_pasted(&Secret::new(line)) {
            Judged::Ours(Ok(code)) => Some(code.expose().to_owned()),
            _ => None,
        };
        let address =
            format!(" http://127.0.0.1:4711/callback?code=c&state=the-state&{ISS}#frag \n");
        assert_eq!(code(&address).as_deref(), Some("c"));
        assert_eq!(code(&format!("code=c&state=the-state&{ISS}")).as_deref(), Some("c"));
        assert_eq!(code("hp_ac_abc").as_deref(), Some("hp_ac_abc"));
        // An address is held to its state, even when pasted.
        assert_eq!(code(&format!("http://127.0.0.1:4711/callback?code=c&state=x&{ISS}")), None);
        for line in ["", "  ", "two words", "http://127.0.0.1:4711/callback", "é"] {
            assert_eq!(code(line), None, "{line}");
        }
    }
}
