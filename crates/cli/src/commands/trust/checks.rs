//! Conditions with pass or fail, told.

use hallpass_core::trust::{Check, Standing};

use crate::{Output, layout};

/// Each condition on a line; of those that failed, what was found instead and what helps.
pub(super) fn tell(out: &mut Output<'_>, checks: &[Check]) {
    let paint = out.paint();
    let width = out.terminal.width;
    for check in checks {
        let claim = paint.foreign(&check.claim, 130);
        let wants = paint.foreign(&check.wants, 600);
        let why = match check.standing {
            Standing::Policy => "",
            Standing::Always => " (always)",
            Standing::Pinned => " (pinned)",
        };
        let (good, word) = match check.passed {
            true => (true, paint.letters("✓", "ok:")),
            false => (false, paint.letters("✗", "no:")),
        };
        let line = format!("{claim}: {wants}{why}");
        let line = layout::wrap(&line, width, &format!("    {word} "), "      ");
        let mark = if good { paint.good(word) } else { paint.bad(word) };
        out.line(&line.replacen(word, &mark, 1));
        if check.passed {
            continue;
        }
        let found = match &check.found {
            Some(found) => format!("the token says {}", paint.foreign(found, 400)),
            None => "the token does not say it".to_owned(),
        };
        let text = match check.hint.as_deref() {
            Some(hint) => format!("{found}; {}", paint.foreign(hint, 400)),
            None => found,
        };
        out.line(&layout::wrap(&text, width, "      ", "      "));
    }
}
