//! What each page shows: one struct for each template of `templates/`.
//!
//! No HTTP, no store. Foreign text is [`Shown`]; everything else is ours. The
//! templates escape all of it.

use askama::Template;
use hallpass_core::brand::Words;
use hallpass_core::scope::{ACCOUNT, EMAIL, OFFLINE_ACCESS, OPENID, PROFILE, TOKENS};

use super::shown::Shown;

/// What surrounds every page.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The brand's title.
    pub(super) brand: String,
    /// Path of the stylesheet.
    pub(super) stylesheet: String,
    /// Path of the icon.
    pub(super) icon: String,
    /// The icon is a logo of the brand's own.
    pub(super) logo: bool,
    /// E-mail of whoever is signed in.
    pub(super) account: Option<Shown>,
    /// They administer this deployment.
    pub(super) admin: bool,
    /// Nobody has to sign in.
    pub(super) local: bool,
    /// What things are called here.
    pub(super) words: Words,
    /// The pages about oneself.
    pub(super) menu: Vec<Entry>,
}

impl Frame {
    /// What a page of the menu is called.
    pub(super) fn called(&self, page: &str) -> &str {
        self.called_or(page, "")
    }

    /// The same for a page that is in the menu only of a brand that gives it a name.
    pub(super) fn called_or<'a>(&'a self, page: &str, usual: &'a str) -> &'a str {
        self.menu.iter().find(|entry| entry.page == page).map_or(usual, |entry| &entry.label)
    }
}

/// A page in the menu.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its path.
    pub(super) page: &'static str,
    /// What a view that belongs to it says of itself.
    pub(super) here: &'static str,
    /// What it is called.
    pub(super) label: String,
    /// There is something behind it for whoever looks.
    pub(super) shown: bool,
}

/// What happened, and what to do next.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    /// Class of the stylesheet.
    pub(super) tone: &'static str,
    /// What happened, and what was kept.
    pub(super) what: String,
    /// What to do next; may be empty.
    pub(super) next: String,
}

impl Notice {
    /// Something did not work.
    pub(super) fn problem(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { tone: "problem", what: what.into(), next: next.into() }
    }

    /// Something has to be known before going on.
    pub(super) fn caution(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { tone: "caution", what: what.into(), next: next.into() }
    }

    /// Something was done.
    pub(super) fn done(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { tone: "good", what: what.into(), next: next.into() }
    }

    /// How screen readers announce it.
    pub(super) fn role(&self) -> &'static str {
        if self.tone == "problem" { "alert" } else { "status" }
    }
}

/// A link to somewhere of ours.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) href: String,
    pub(super) label: &'static str,
}

/// A project whose page about an older system's tokens somebody should see.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// `ORG/PROJECT`.
    pub(super) name: Shown,
    pub(super) href: String,
}

const READING_ORDER: [&str; 6] = [OPENID, PROFILE, EMAIL, OFFLINE_ACCESS, ACCOUNT, TOKENS];

/// A scope and what it means.
#[derive(Clone, Debug)]
pub(super) struct ScopeLine {
    pub(super) token: String,
    pub(super) meaning: &'static str,
}

impl ScopeLine {
    /// From what the issuer says about a request.
    pub(super) fn all(scopes: &[(String, &'static str)]) -> Vec<Self> {
        let line =
            |(token, meaning): &(String, &'static str)| Self { token: token.clone(), meaning };
        let mut lines: Vec<_> = scopes.iter().map(line).collect();
        // Who you are first, what it may do last, as one reads it.
        let place = |line: &Self| READING_ORDER.iter().position(|token| *token == line.token);
        lines.sort_by_key(|line| place(line).unwrap_or(READING_ORDER.len()));
        lines
    }
}

/// `/`, signed out.
#[derive(Template)]
#[template(path = "welcome.html")]
pub(super) struct Welcome {
    pub(super) frame: Frame,
    pub(super) notice: Option<Notice>,
    pub(super) login_command: String,
}

/// `/`, signed in.
#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct Home {
    pub(super) frame: Frame,
    pub(super) notice: Option<Notice>,
    pub(super) name: Shown,
    pub(super) email: Shown,
    pub(super) login_command: String,
    /// Projects of theirs with tokens of an older system.
    pub(super) older: Vec<Place>,
    /// What agents of theirs ask them for, and waits.
    pub(super) approvals: u64,
    pub(super) csrf: String,
}

/// `/signin`.
#[derive(Template)]
#[template(path = "signin.html")]
pub(super) struct SignIn {
    pub(super) frame: Frame,
    pub(super) notice: Option<Notice>,
    pub(super) csrf: String,
    pub(super) return_to: String,
    /// What is waiting behind it.
    pub(super) purpose: Option<&'static str>,
    /// The person is signed in already, and a program asks for a fresh sign-in.
    pub(super) again: bool,
    /// The person is signed in already and may leave it at that.
    pub(super) stay: Option<Stay>,
    pub(super) email: Shown,
    /// The last attempt did not match.
    pub(super) rejected: bool,
}

/// Who is signed in already, and where that leads.
pub(super) struct Stay {
    pub(super) email: Shown,
    pub(super) href: String,
}

/// `/setup`.
#[derive(Template)]
#[template(path = "setup.html")]
pub(super) struct SetUp {
    pub(super) frame: Frame,
    pub(super) notice: Option<Notice>,
    pub(super) csrf: String,
    /// No link brought the code, so the person has to.
    pub(super) ask_code: bool,
    pub(super) email: Shown,
    pub(super) name: Shown,
    pub(super) min_password: usize,
    pub(super) password_label: &'static str,
}

/// Consent at `/oauth/authorize`.
#[derive(Template)]
#[template(path = "consent.html")]
pub(super) struct Consent {
    pub(super) frame: Frame,
    pub(super) csrf: String,
    pub(super) client_name: Shown,
    pub(super) client_id: Shown,
    pub(super) redirect_host: Shown,
    pub(super) loopback: bool,
    pub(super) private_scheme: bool,
    pub(super) scopes: Vec<ScopeLine>,
    /// What it is for, if not this server's own API.
    pub(super) resources: Vec<Shown>,
    pub(super) email: Shown,
    pub(super) other_account: String,
    /// The authorization request as a query string, to be posted back.
    pub(super) request: String,
}

impl Consent {
    /// What the button does.
    fn approve(&self) -> String {
        let Self { client_name, redirect_host, .. } = self;
        if self.loopback {
            format!("Approve sign-in for {client_name} on this computer")
        } else if self.private_scheme {
            format!("Approve sign-in for {client_name} on this device")
        } else {
            format!("Approve sign-in for {client_name} at {redirect_host}")
        }
    }
}

/// A page that goes on elsewhere by itself.
#[derive(Template)]
#[template(path = "continue.html")]
pub(super) struct Continue {
    pub(super) frame: Frame,
    pub(super) heading: &'static str,
    pub(super) text: String,
    pub(super) target: String,
}

/// `/device`: type the code.
#[derive(Template)]
#[template(path = "device.html")]
pub(super) struct Device {
    pub(super) frame: Frame,
    pub(super) notice: Option<Notice>,
    pub(super) csrf: String,
    pub(super) user_code: Shown,
    /// The code came with the link.
    pub(super) prefilled: bool,
    /// The last code matched nothing.
    pub(super) rejected: bool,
    pub(super) letters: u32,
}

/// Where a request comes from, compared with where its person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    Same,
    Other,
    /// One of the two addresses is not known.
    Unknown,
}

/// `/device/confirm`: compare and decide (HP11).
#[derive(Template)]
#[template(path = "device_confirm.html")]
pub(super) struct DeviceConfirm {
    pub(super) frame: Frame,
    pub(super) csrf: String,
    pub(super) client_name: Shown,
    pub(super) client_id: Shown,
    pub(super) email: Shown,
    pub(super) grouped_code: String,
    pub(super) network: Network,
    pub(super) address: Option<String>,
    pub(super) your_address: Option<String>,
    pub(super) requested_at: String,
    pub(super) age: String,
    pub(super) expires_in: String,
    pub(super) scopes: Vec<ScopeLine>,
    /// What it is for, if not this server's own API.
    pub(super) resources: Vec<Shown>,
    pub(super) host: Option<Shown>,
    pub(super) user: Option<Shown>,
    pub(super) command: Option<Shown>,
}

impl DeviceConfirm {
    fn elsewhere(&self) -> bool {
        self.network == Network::Other
    }

    fn unknown(&self) -> bool {
        self.network == Network::Unknown
    }

    fn network_text(&self) -> &'static str {
        match self.network {
            Network::Same => "the same network as yours",
            Network::Other => "another network than yours",
            Network::Unknown => "could not be compared with yours",
        }
    }

    /// What the button does.
    fn approve(&self) -> String {
        let place = self.place().unwrap_or("another device");
        format!("Approve sign-in for {} on {place}", self.client_name)
    }

    /// Where it is, in the sentence that asks.
    fn whence(&self) -> String {
        match self.place() {
            Some(place) => format!(", on a machine that calls itself {place},"),
            None => " on another device".to_owned(),
        }
    }

    /// The first label of the reported host, if it is one. A requester may report any
    /// sentence, and none of them is to stand in ours, or on the button.
    fn place(&self) -> Option<&str> {
        let label = self.host.as_ref()?.as_str().split('.').next()?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        ((1..=40).contains(&label.len()) && label.bytes().all(plain)).then_some(label)
    }

    /// The code for screen readers, which would try to say it as a word.
    fn spelt_code(&self) -> String {
        let letters = self.grouped_code.chars().map(|c| match c {
            '-' => "dash".to_owned(),
            letter => letter.to_string(),
        });
        letters.collect::<Vec<_>>().join(" ")
    }
}

/// A page that says something: an outcome, or an error.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message {
    pub(super) frame: Frame,
    /// For tests: `approved`, `denied`, `error-404`, …
    pub(super) outcome: String,
    pub(super) heading: String,
    pub(super) lines: Vec<String>,
    pub(super) way: Option<Way>,
}

/// One browser or program on `/settings/sessions`.
#[derive(Clone, Debug)]
pub(super) struct SessionLine {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) name: Shown,
    pub(super) host: Option<Shown>,
    pub(super) address: Option<Shown>,
    pub(super) created_at: String,
    pub(super) created: String,
    pub(super) used: Option<String>,
    pub(super) current: bool,
    /// What it holds is worth nothing without its key.
    pub(super) bound: bool,
    /// A copy was tried: from where, when (RFC 3339), and how long ago.
    pub(super) copy_tried: Option<(Shown, String, String)>,
}

impl SessionLine {
    /// How it came to be, where that tells one from another.
    fn how(&self) -> &'static str {
        match self.kind {
            "device" => "with a code ",
            "program" => "through a browser ",
            _ => "",
        }
    }
}

/// `/settings/sessions`.
#[derive(Template)]
#[template(path = "sessions.html")]
pub(super) struct Sessions {
    pub(super) frame: Frame,
    pub(super) here: &'static str,
    pub(super) notice: Option<Notice>,
    pub(super) csrf: String,
    pub(super) programs: Vec<SessionLine>,
    pub(super) browsers: Vec<SessionLine>,
    pub(super) login_command: String,
}

impl Sessions {
    /// How many could be ended from here.
    fn others(&self) -> usize {
        self.programs.iter().chain(&self.browsers).filter(|line| !line.current).count()
    }

    /// `2 programs and 1 other browser are signed out at once.`
    fn others_text(&self) -> String {
        let count = |list: &[SessionLine]| list.iter().filter(|line| !line.current).count();
        let (programs, browsers) = (count(&self.programs), count(&self.browsers));
        let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let who = match (programs, browsers) {
            (n, 0) => plural(n, "program"),
            (0, n) => plural(n, "other browser"),
            (p, b) => format!("{} and {}", plural(p, "program"), plural(b, "other browser")),
        };
        let verb = if programs + browsers == 1 { "is" } else { "are" };
        format!("{who} {verb} signed out at once.")
    }
}

/// `/settings/security`.
#[derive(Template)]
#[template(path = "security.html")]
pub(super) struct Security {
    pub(super) frame: Frame,
    pub(super) here: &'static str,
    pub(super) notice: Option<Notice>,
    pub(super) csrf: String,
    pub(super) email: Shown,
    /// The current password did not match.
    pub(super) rejected: bool,
    pub(super) min_password: usize,
    pub(super) password_label: &'static str,
}

/// `/oauth/logout`: the question (I13).
#[derive(Template)]
#[template(path = "logout.html")]
pub(super) struct Logout {
    pub(super) frame: Frame,
    pub(super) csrf: String,
    pub(super) client: Option<Shown>,
    pub(super) email: Shown,
    /// The logout request as a query string, to be posted back.
    pub(super) request: String,
}
