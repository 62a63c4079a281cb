//! What a brand says in its own words, where it has any.

use std::time::Duration;

use hallpass_client::status::Account;
use hallpass_client::vault::Place;
use hallpass_client::{Source, Status, Target};
use hallpass_core::brand::filled;

use crate::paint::Paint;
use crate::{Context, words};

/// A fact for a text, under its name.
pub(crate) type Fact = (&'static str, Option<String>);

/// One line about a secret that stood on the command line.
pub(crate) fn in_argv(what: &str) -> String {
    format!("{what} on the command line is seen by other programs and kept in the shell's history")
}

/// The same about a token, for which there is a better place.
pub(crate) fn seen_in_argv(cx: &Context<'_>) -> String {
    format!("{}; {} is safer", in_argv("a token"), cx.brand.variable("TOKEN"))
}

/// Whose a sign-in is.
pub(crate) fn account(account: &Account, paint: Paint) -> Vec<Fact> {
    let shown = |text: &Option<String>| text.as_ref().map(|text| paint.foreign(text, 320));
    vec![
        ("account", Some(paint.foreign(account.label(), 320))),
        ("email", shown(&account.email)),
        ("name", shown(&account.name)),
    ]
}

/// Where it is kept, in the brand's words.
pub(crate) fn kept(cx: &Context<'_>, place: &Place) -> Option<String> {
    let texts = &cx.brand.texts;
    let text = match place.kind {
        "file" => texts.kept_in_file.as_ref(),
        "sealed_file" | "keyring" => texts.kept_in_keyring.as_ref(),
        _ => None,
    };
    let path = words::path(&place.path, cx.environment.home().as_deref());
    Some(match text {
        Some(text) => filled(text, &[("path", Some(path))]),
        None => format!("Kept in {}.", words::place(place, cx.environment.home().as_deref())),
    })
}

/// What is known of a credential that can be used.
pub(crate) fn status(
    cx: &Context<'_>,
    status: &Status,
    target: &Target,
    paint: Paint,
) -> Vec<Fact> {
    let now = cx.clock.now();
    let of = status.account.clone().unwrap_or_default();
    let mut facts = account(&of, paint);
    if status.account.is_none() {
        facts[0].1 = None;
    }
    let shown = |text: &str| Some(paint.foreign(text, 200));
    let end = status.expires_at.filter(|end| *end > now);
    let source = match &status.source {
        Source::Explicit => cx.brand.sources.flag.as_ref().map(|flag| format!("--{flag}")),
        Source::Variable { name } => Some(name.clone()),
        Source::Workload { platform } => Some(format!("this job's identity, from {platform}")),
        Source::Profile { .. } => Some(match status.store.keyring {
            Some(keyring) => format!("the keyring ({keyring})"),
            None => words::path(&status.store.path, cx.environment.home().as_deref()),
        }),
        Source::None => None,
    };
    // What the server says of the place; else what was chosen here.
    let at = status.place.as_ref();
    let org = at.map(|at| &at.org.slug).or(target.org.as_ref().map(|org| &org.name));
    let project = at.and_then(|at| at.project.as_ref()).map(|project| &project.slug);
    let chosen = target.project.as_ref().map(|project| &project.name).filter(|_| at.is_none());
    facts.extend([
        ("server", shown(&status.server)),
        ("org", org.and_then(|org| shown(org))),
        (
            "plan",
            at.map(|at| &at.org.plan).filter(|plan| !plan.is_empty()).and_then(|it| shown(it)),
        ),
        ("project", project.or(chosen).and_then(|project| shown(project))),
        ("ends", end.map(|end| end.to_human())),
        ("ends_in", end.map(|end| short(end.since(now)))),
        // One that was handed over is replaced by nobody.
        ("refreshes", status.token.is_none().then(|| "auto-refreshing".to_owned())),
        ("source", source),
    ]);
    facts
}

/// `58m`, `2h`, `3d`.
pub(crate) fn short(span: Duration) -> String {
    match words::seconds(span) {
        secs @ 0..60 => format!("{secs}s"),
        secs @ 60..3_600 => format!("{}m", secs / 60),
        secs @ 3_600..172_800 => format!("{}h", secs / 3_600),
        secs => format!("{}d", secs / 86_400),
    }
}
