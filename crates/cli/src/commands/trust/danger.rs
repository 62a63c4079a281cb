//! A dangerous policy is not made by accident: what is dangerous is said aloud, and asked.

use hallpass_core::trust::Danger;
use hallpass_core::wire::trust::DangerSaid;

use crate::{Context, Failure, Input, Output};

/// What the command line accepts.
pub(super) fn accepted<'a>(
    cx: &Context<'_>,
    named: impl Iterator<Item = &'a str>,
    verb: &str,
) -> Result<Vec<Danger>, Failure> {
    named
        .map(|name| {
            serde_json::from_value(serde_json::Value::from(name)).map_err(|_| {
                Failure::usage(
                    format!("--accept: there is no danger called {name:?}"),
                    format!("{} trust {verb} --help", cx.program),
                )
            })
        })
        .collect()
}

/// Says what is dangerous. Whoever is there is asked; whoever is not has to have named each of
/// them on the command line. Answers what is accepted.
pub(super) fn agreed(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    dangers: &[DangerSaid],
    mut accepted: Vec<Danger>,
    again: &str,
) -> Result<Vec<Danger>, Failure> {
    let open: Vec<_> = dangers.iter().filter(|it| !accepted.contains(&it.danger)).collect();
    if open.is_empty() {
        return Ok(accepted);
    }
    for danger in dangers {
        out.warning(&danger.says);
    }
    let streams = out.terminal.streams;
    if streams.stdin && streams.stderr && !out.json && cx.unattended().is_none() {
        let said = stdin.confirm("This policy is dangerous. Make it all the same?");
        if matches!(said, Ok(Some(true))) {
            accepted.extend(open.iter().map(|it| it.danger));
            return Ok(accepted);
        }
        return Err(Failure::usage("the policy was not made", again.to_owned())
            .kept("Nothing was changed."));
    }
    let flags: Vec<_> = open.iter().map(|it| format!("--accept {}", it.danger.as_str())).collect();
    Err(Failure::usage(
        "the policy is dangerous, and nobody is here to be asked",
        format!("{again} {}", flags.join(" ")),
    )
    .kept("Nothing was changed."))
}
