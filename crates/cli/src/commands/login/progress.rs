//! The flow's events, told to a person as prose or to a program as NDJSON (CLIENT C9).

use hallpass_client::login::Pending;
use hallpass_client::{Event, Login};
use hallpass_core::Timestamp;
use hallpass_core::brand::filled;
use serde::Serialize;

use super::prompt;
use crate::commands::status::{AccountView, Store, WarningView};
use crate::commands::warn;
use crate::{Context, Failure, Output, failure, own, words};

/// How often something that does not belong to the sign-in is spoken of. Who floods the
/// listener does not flood the terminal.
const IGNORED_TOLD: u8 = 3;

/// Tells one sign-in.
pub struct Progress<'o, 'a> {
    cx: &'o Context<'o>,
    out: &'o mut Output<'a>,
    qr: bool,
    can_paste: bool,
    pasting: bool,
    awaited: &'static str,
    /// Address and code, to be said again.
    shown: (String, String),
    last_trouble: Option<String>,
    ignored: u8,
    lost: Option<Failure>,
}

/// What an event asks of the one who feeds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asks {
    /// From now on, a line that is typed belongs to the sign-in (CLIENT A11).
    pub wants_paste: bool,
}

impl<'o, 'a> Progress<'o, 'a> {
    /// Tells on `out`. `qr`: draw the address, too. `can_paste`: somebody is there who
    /// could paste the address that their browser ended at.
    pub fn new(cx: &'o Context<'o>, out: &'o mut Output<'a>, qr: bool, can_paste: bool) -> Self {
        Self {
            cx,
            out,
            qr,
            can_paste,
            pasting: false,
            awaited: "you",
            shown: Default::default(),
            last_trouble: None,
            ignored: 0,
            lost: None,
        }
    }

    /// Tells `event`.
    pub fn event(&mut self, event: Event) -> Asks {
        let wants_paste = self.can_paste && matches!(event, Event::SignInAt { .. });
        self.pasting |= wants_paste;
        if self.out.json {
            self.tell_program(&event);
        } else {
            self.tell_person(event);
        }
        Asks { wants_paste }
    }

    /// The flow is over. Says if a program could not be told.
    pub fn finish(self) -> Option<Failure> {
        self.out.end_rewriting();
        self.lost
    }

    fn tell_person(&mut self, event: Event) {
        let out = &mut *self.out;
        match event {
            Event::Chosen(choice) => {
                out.reason(&format!("{}, because {}", choice.flow, choice.reason));
            }
            Event::SignInAt { url, launching, timeout } => {
                self.awaited = "your browser";
                let own = self.cx.brand.texts.browser.as_ref();
                if let Some(own) = own {
                    let shown = out.paint().foreign(&url, 4096);
                    out.own(&filled(own, &[("url", Some(shown))]));
                } else {
                    let text = prompt::browser(&url, launching, self.can_paste, &out.terminal);
                    out.line(&text);
                }
                self.shown = (url, String::new());
                if !out.terminal.can_rewrite() {
                    let span = words::duration(timeout);
                    out.sentence(&format!("Waiting for your browser, at most {span}."));
                }
            }
            Event::Launched { ok: true } => out.reason("the browser was started"),
            Event::Launched { ok: false } if self.cx.brand.texts.no_browser.is_some() => {
                let own = self.cx.brand.texts.no_browser.as_deref().unwrap_or_default();
                let (url, code) = self.shown.clone();
                let code = Some(code).filter(|code| !code.is_empty());
                out.own(&filled(own, &[("url", Some(url)), ("code", code)]));
            }
            Event::Launched { ok: false } => {
                out.sentence("Could not open a browser. Use the address above.");
            }
            Event::Verification {
                verification_uri,
                verification_uri_complete,
                user_code,
                expires_in,
                expires_at,
            } => {
                self.awaited = "your approval";
                let device = prompt::Device {
                    uri: &verification_uri,
                    uri_complete: verification_uri_complete.as_deref(),
                    code: &user_code,
                    expires_in,
                    expires_at,
                    qr: self.qr,
                    counted: true,
                };
                let text = prompt::in_words_of(self.cx.brand, &device, &out.terminal);
                out.line(&text);
                let paint = out.paint();
                self.shown = (paint.foreign(device.uri, 4096), paint.foreign(device.code, 64));
                // Where no line can be rewritten, what is awaited is said once.
                if let Some(waiting) = &self.cx.brand.texts.waiting
                    && !out.terminal.can_rewrite()
                {
                    out.own(&prompt::waiting(waiting, expires_in));
                }
            }
            Event::Waiting { remaining } => {
                let text = match &self.cx.brand.texts.waiting {
                    Some(waiting) => prompt::waiting(waiting, remaining),
                    None => prompt::countdown(self.awaited, remaining, self.pasting, &out.terminal),
                };
                out.rewrite(&text);
            }
            Event::SlowDown { interval } => {
                let span = words::duration(interval);
                out.reason(&format!("the server asked to be asked less often: every {span}"));
            }
            // Once for each trouble: the wait goes on and may see it many times.
            Event::Retrying { reason, after } if self.last_trouble.as_ref() != Some(&reason) => {
                let span = words::duration(after);
                out.warning(&format!("{reason}; trying again in {span}"));
                self.last_trouble = Some(reason);
            }
            Event::Ignored { why } if self.ignored < IGNORED_TOLD => {
                self.ignored += 1;
                out.sentence(&format!("Ignored: {why}."));
            }
            Event::Finishing => out.rewrite("Approved, finishing…"),
            Event::Authenticated(login) => self.lost = signed_in(self.cx, out, &login).err(),
            _ => {}
        }
    }

    fn tell_program(&mut self, event: &Event) {
        let told = match event {
            Event::Authenticated(login) => authenticated(login),
            Event::SignInAt { url, launching, timeout } => {
                Told::SignIn { url, browser: *launching, expires_in: words::seconds(*timeout) }
            }
            Event::Verification {
                verification_uri,
                verification_uri_complete,
                user_code,
                expires_in,
                expires_at,
            } => Told::Verification {
                verification_uri,
                verification_uri_complete: verification_uri_complete.as_deref(),
                user_code,
                expires_in: words::seconds(*expires_in),
                expires_at: *expires_at,
                handle: None,
            },
            Event::SlowDown { interval } => Told::SlowDown { interval: words::seconds(*interval) },
            Event::Retrying { reason, after } => {
                Told::Retrying { reason, after: words::seconds(*after) }
            }
            _ => return,
        };
        if let Err(failure) = self.out.object(&told) {
            self.lost.get_or_insert(failure);
        }
    }
}

/// It worked.
pub fn signed_in(cx: &Context<'_>, out: &mut Output<'_>, login: &Login) -> Result<(), Failure> {
    if out.json {
        return out.object(&authenticated(login));
    }
    if let Some(own) = &cx.brand.texts.signed_in {
        in_own_words(cx, out, login, own);
        return Ok(());
    }
    let paint = out.paint();
    let who = paint.foreign(login.account.label(), 320);
    out.success(&format!("Signed in to {} as {who}", login.server));
    let place = words::place(&login.store, cx.environment.home().as_deref());
    let only = if login.store.kind == "file" { " (readable by you only)" } else { "" };
    out.sentence(&format!("Kept in {place}{only}."));
    // The name that a profile gets when nobody gives it one is worth no line.
    if !login.server.ends_with(&format!("//{}", login.profile)) {
        out.sentence(&format!("Profile: {}", paint.foreign(&login.profile, 80)));
    }
    warn(out, &login.warnings);
    Ok(())
}

/// A token that was handed over is kept.
pub fn token_kept(cx: &Context<'_>, out: &mut Output<'_>, login: &Login) -> Result<(), Failure> {
    match &cx.brand.texts.token_kept {
        Some(own) if !out.json => {
            in_own_words(cx, out, login, own);
            Ok(())
        }
        _ => signed_in(cx, out, login),
    }
}

fn in_own_words(cx: &Context<'_>, out: &mut Output<'_>, login: &Login, text: &str) {
    let mut facts = own::account(&login.account, out.paint());
    facts.push(("server", Some(login.server.clone())));
    facts.push(("kept", own::kept(cx, &login.store)));
    out.own(&filled(text, &facts));
    warn(out, &login.warnings);
}

fn authenticated(login: &Login) -> Told<'_> {
    Told::Authenticated {
        profile: &login.profile,
        server: &login.server,
        issuer: &login.issuer,
        account: (&login.account).into(),
        scopes: login.scope.iter().collect(),
        expires_at: login.expires_at,
        store: (&login.store).into(),
        warnings: login.warnings.iter().map(WarningView::from).collect(),
    }
}

/// A device sign-in was begun and left.
pub fn begun(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    pending: &Pending,
    qr: bool,
) -> Result<(), Failure> {
    if out.json {
        return out.object(&Told::Verification {
            verification_uri: &pending.verification_uri,
            verification_uri_complete: pending.verification_uri_complete.as_deref(),
            user_code: &pending.user_code,
            expires_in: words::seconds(pending.expires_in),
            expires_at: pending.expires_at,
            handle: Some(&pending.handle),
        });
    }
    let device = prompt::Device {
        uri: &pending.verification_uri,
        uri_complete: pending.verification_uri_complete.as_deref(),
        code: &pending.user_code,
        expires_in: pending.expires_in,
        expires_at: pending.expires_at,
        qr,
        counted: false,
    };
    let text = prompt::in_words_of(cx.brand, &device, &out.terminal);
    out.line(&text);
    out.next(&format!("{} login --resume {}", cx.program, pending.handle));
    Ok(())
}

/// It did not work, told among the events.
pub fn failed(out: &mut Output<'_>, failure: &Failure) -> Result<(), Failure> {
    out.object(&Told::Error(failure.told().error))
}

/// One line of NDJSON. No field holds a secret: the user code is there to be shown.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told<'a> {
    SignIn {
        url: &'a str,
        browser: bool,
        expires_in: u64,
    },
    Verification {
        verification_uri: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        verification_uri_complete: Option<&'a str>,
        user_code: &'a str,
        expires_in: u64,
        expires_at: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        handle: Option<&'a str>,
    },
    SlowDown {
        interval: u64,
    },
    Retrying {
        reason: &'a str,
        after: u64,
    },
    Authenticated {
        profile: &'a str,
        server: &'a str,
        issuer: &'a str,
        account: AccountView<'a>,
        scopes: Vec<&'a str>,
        expires_at: Option<Timestamp>,
        store: Store,
        warnings: Vec<WarningView>,
    },
    Error(failure::Error<'a>),
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hallpass_client::status::Account;
    use hallpass_client::vault::Place;
    use hallpass_core::Scope;

    use super::*;
    use crate::testing::Town;

    fn verification() -> Event {
        Event::Verification {
            verification_uri: "https://id.example.com/device".into(),
            verification_uri_complete: Some(
                "https://id.example.com/device?user_code=WDJB-MJHT".into(),
            ),
            user_code: "WDJB-MJHT".into(),
            expires_in: Duration::from_secs(600),
            expires_at: Timestamp::from_secs(1_795_351_800),
        }
    }

    fn sign_in_at() -> Event {
        Event::SignInAt {
            url: "https://id.example.com/oauth/authorize?x".into(),
            launching: true,
            timeout: Duration::from_secs(300),
        }
    }

    fn waiting(secs: u64) -> Event {
        Event::Waiting { remaining: Duration::from_secs(secs) }
    }

    fn login(town: &Town) -> Login {
        Login {
            profile: "id.example.com".into(),
            server: "https://id.example.com".into(),
            issuer: "https://id.example.com".into(),
            account: Account {
                id: "usr_1".into(),
                email: Some("ada@example.com".into()),
                name: Some("Ada".into()),
            },
            scope: Scope::from_iter(["openid", "account"]),
            expires_at: Some(Timestamp::from_secs(1_795_351_500)),
            store: Place {
                kind: "file",
                path: town.home().join(".config/hallpass/credentials.json"),
                keyring: None,
            },
            warnings: vec![],
        }
    }

    fn told(town: &Town, events: Vec<Event>) -> String {
        town.told(|cx, out| {
            let mut progress = Progress::new(cx, out, false, false);
            for event in events {
                progress.event(event);
            }
            assert_eq!(progress.finish(), None);
        })
    }

    // proves: client-C1
    #[test]
    fn on_a_terminal_one_line_counts_down_in_its_place() {
        let text = told(&Town::new(), vec![verification(), waiting(600), waiting(599)]);
        let (_, counted) = text.split_once("started this sign-in here.").unwrap();
        assert_eq!(
            counted,
            "\n\n\r  Waiting for your approval, 10:00 left\u{1b}[K\
             \r  Waiting for your approval, 9:59 left\u{1b}[K\r\u{1b}[K"
        );
    }

    // proves: client-C1
    #[test]
    fn off_a_terminal_nothing_is_written_twice() {
        let once = told(&Town::new().piped(), vec![verification()]);
        let more = told(&Town::new().piped(), vec![verification(), waiting(600), waiting(1)]);
        assert_eq!(once, more);
        assert!(!once.contains(['\r', '\u{1b}']));
        assert_eq!(once.matches("10 minutes, until 2026-11-22 12:50:00 UTC").count(), 1, "{once}");
    }

    #[test]
    fn trouble_is_told_once() {
        let retrying = || Event::Retrying {
            reason: "id.example.com did not answer in time".into(),
            after: Duration::from_secs(10),
        };
        let text = told(&Town::new().piped(), vec![retrying(), retrying(), retrying()]);
        insta::assert_snapshot!(text, @"warning: id.example.com did not answer in time; trying again in 10 seconds");
    }

    // proves: client-A11
    #[test]
    fn a_paste_is_asked_for_in_the_browser_flow_and_where_somebody_is() {
        Town::new().told(|cx, out| {
            assert!(!Progress::new(cx, out, false, true).event(verification()).wants_paste);
            assert!(Progress::new(cx, out, false, true).event(sign_in_at()).wants_paste);
            assert!(!Progress::new(cx, out, false, false).event(sign_in_at()).wants_paste);
        });
    }

    // proves: client-C9
    #[test]
    fn a_program_reads_one_json_object_a_line() {
        let town = Town::new();
        let failure =
            Failure::new(crate::Exit::LoginEnded, "access_denied", "no", "hallpass login");
        let lines = town.data(|cx, out| {
            let mut progress = Progress::new(cx, out, false, false);
            progress.event(verification());
            progress.event(waiting(600));
            progress.event(Event::SlowDown { interval: Duration::from_secs(10) });
            progress.event(Event::Authenticated(Box::new(login(&town))));
            progress.finish();
            failed(out, &failure).unwrap();
        });
        let home = town.home().display().to_string();
        insta::assert_snapshot!(lines.replace(&home, "<home>"), @r#"
        {"schema_version":1,"event":"verification","verification_uri":"https://id.example.com/device","verification_uri_complete":"https://id.example.com/device?user_code=WDJB-MJHT","user_code":"WDJB-MJHT","expires_in":600,"expires_at":"2026-11-22T12:50:00Z"}
        {"schema_version":1,"event":"slow_down","interval":10}
        {"schema_version":1,"event":"authenticated","profile":"id.example.com","server":"https://id.example.com","issuer":"https://id.example.com","account":{"id":"usr_1","email":"ada@example.com","name":"Ada"},"scopes":["account","openid"],"expires_at":"2026-11-22T12:45:00Z","store":{"kind":"file","path":"<home>/.config/hallpass/credentials.json"},"warnings":[]}
        {"schema_version":1,"event":"error","code":"access_denied","message":"no","next":"hallpass login","exit":6}
        "#);
    }

    #[test]
    fn a_person_is_told_who_and_where_it_is_kept() {
        let town = Town::new();
        let mut login = login(&town);
        let text = town.told(|cx, out| signed_in(cx, out, &login).unwrap());
        assert!(!text.contains("Profile"), "{text}");
        login.profile = "work".into();
        let text = town.told(|cx, out| signed_in(cx, out, &login).unwrap());
        insta::assert_snapshot!(text, @"
        ✓ Signed in to https://id.example.com as ada@example.com
          Kept in ~/.config/hallpass/credentials.json (readable by you only).
          Profile: work
        ");
    }

    // proves: client-C10
    #[test]
    fn a_sign_in_that_was_left_says_how_to_go_on() {
        let pending = Pending {
            handle: "x7".into(),
            verification_uri: "https://id.example.com/device".into(),
            verification_uri_complete: None,
            user_code: "WDJB-MJHT".into(),
            expires_in: Duration::from_secs(600),
            expires_at: Timestamp::from_secs(1_795_351_800),
        };
        let text = Town::new().told(|cx, out| begun(cx, out, &pending, false).unwrap());
        assert!(text.ends_with("  Next: hallpass login --resume x7\n"), "{text}");
        assert!(text.contains("until 2026-11-22 12:50:00 UTC"), "{text}");
        let json = Town::new().data(|cx, out| begun(cx, out, &pending, false).unwrap());
        assert!(json.contains(r#""handle":"x7""#), "{json}");
    }
}
