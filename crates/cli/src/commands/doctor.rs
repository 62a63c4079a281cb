//! `doctor`: what decides here, on one screen (CLIENT L2).

use clap::Command;
use hallpass_client::Target;
use hallpass_client::doctor::{Finding, Health};
use hallpass_client::target::Asked;
use serde::Serialize;

use super::{client, retry};
use crate::arguments::Globals;
use crate::refusal::{exit_of, told};
use crate::{Context, Exit, Failure, Output, layout};

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("doctor")
        .about("Look at everything that decides here: store, server, clock, variables")
}

/// Looks, and ends with the code that other commands would end with.
pub fn run(cx: &Context<'_>, out: &mut Output<'_>, globals: &Globals) -> Result<Exit, Failure> {
    let client = client(cx, globals);
    let target = client
        .target(&Asked::from(globals))
        .unwrap_or_else(|error| Target { ignored: Some(error.to_string()), ..Target::default() });
    let findings = client.examine(&target, out.terminal.streams.stdin);
    let helps = |finding: &Finding| {
        let error = finding.error.as_ref()?;
        Some(told(error, cx, &retry(cx, globals, "doctor")).next)
    };
    let bad = findings.iter().find(|finding| matches!(finding.health, Health::Bad(_)));
    if out.json {
        let check = |finding| Check { next: helps(finding), ..Check::from(finding) };
        out.json(&View { schema_version: 1, checks: findings.iter().map(check).collect() })?;
    } else {
        let text: String = findings.iter().map(|finding| line(out, finding)).collect();
        out.data(text.as_bytes())?;
        // What comes first is in the way of the rest.
        if let Some(next) = bad.and_then(helps) {
            out.next(&next);
        }
    }
    Ok(match bad.map(|finding| finding.health) {
        Some(Health::Bad(class)) => exit_of(class),
        _ => Exit::Usable,
    })
}

fn line(out: &Output<'_>, finding: &Finding) -> String {
    let paint = out.terminal.data();
    let plain = match finding.health {
        Health::Good => paint.letters("✓", "ok  "),
        Health::Note => paint.letters("!", "note"),
        Health::Bad(_) => paint.letters("✗", "bad "),
    };
    let mark = match finding.health {
        Health::Good => paint.good(plain),
        Health::Note => paint.warning(plain),
        Health::Bad(_) => paint.bad(plain),
    };
    let took = match finding.took {
        Some(took) => format!(" ({} ms)", took.as_millis()),
        None => String::new(),
    };
    let first = format!("{plain} {:<12} ", finding.name);
    let rest = " ".repeat(first.chars().count());
    let said = paint.foreign(&format!("{}{took}", finding.said), 2000);
    let text = layout::wrap(&said, out.terminal.width, &first, &rest);
    format!("{}\n", text.replacen(plain, &mark, 1))
}

/// `doctor --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    checks: Vec<Check<'a>>,
}

#[derive(Serialize)]
struct Check<'a> {
    name: &'a str,
    state: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<'a> From<&'a Finding> for Check<'a> {
    fn from(finding: &'a Finding) -> Self {
        let state = match finding.health {
            Health::Good => "good",
            Health::Note => "note",
            Health::Bad(_) => "bad",
        };
        let milliseconds = finding.took.map(|took| took.as_millis());
        Self { name: finding.name, state, message: &finding.said, milliseconds, next: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    // proves: client-L2, HP15
    #[test]
    fn one_screen_and_the_exit_code_of_what_is_wrong() {
        // Nobody listens on this port.
        let town = Town::new().var("HALLPASS_SERVER", "http://localhost:1");
        let done = town.run("hallpass doctor");
        assert_eq!(done.exit, Exit::CannotVerify, "{done:?}");
        assert!(done.stdout.lines().count() <= 24, "{}", done.stdout);
        let normal: String = done
            .stdout
            .lines()
            .map(|line| format!("{}\n", line.split(" (").next().unwrap_or_default().trim_end()))
            .collect();
        assert!(normal.contains("✓ store        file "), "{normal}");
        assert!(normal.contains("✗ server "), "{normal}");
        assert!(
            normal.contains("✓ variables    HALLPASS_SERVER, HALLPASS_STORE, NO_COLOR"),
            "{normal}"
        );

        let done = town.run("hallpass doctor --json");
        let json: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((done.exit, &json["schema_version"]), (Exit::CannotVerify, &1.into()));
        let server = json["checks"].as_array().unwrap().iter().find(|c| c["name"] == "server");
        assert_eq!(server.unwrap()["state"], "bad");
    }
}
