//! What the demo shows: one idea a line, a number at its end.

use std::io::Write as _;
use std::time::Duration;

use owo_colors::OwoColorize as _;

/// Where the numbers stand.
const WIDTH: usize = 66;

/// Standard output, and how many steps were told.
pub(super) struct Screen {
    out: anstream::Stdout,
    steps: u32,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { out: anstream::stdout(), steps: 0 }
    }

    pub(super) fn title(&mut self, text: &str) {
        self.line(&format!("\n{}  {text}\n", "hallpass demo".bold()));
    }

    /// A step that is done, and how long it took.
    pub(super) fn step(&mut self, what: &str, took: Duration) {
        self.steps += 1;
        let number = format!("{:>2}", self.steps);
        self.line(&format!("{} {what:<WIDTH$}{:>8}", number.green().bold(), brief(took)));
    }

    /// What was typed.
    pub(super) fn command(&mut self, command: &str) {
        self.line(&format!("   {} {}", "$".dimmed(), command.cyan()));
    }

    /// What came of it.
    pub(super) fn says(&mut self, text: &str) {
        self.line(&format!("   {}", text.dimmed()));
    }

    /// Something takes a while.
    pub(super) fn wait(&mut self, text: &str) {
        self.line(&format!("   {}", text.dimmed().italic()));
    }

    pub(super) fn end(&mut self, took: Duration, records: usize) {
        self.line(&format!(
            "\nThat took {}, and left {records} records in the audit log. All of it is removed again.",
            brief(took)
        ));
        self.line(&format!("For real: {}", "hallpass serve".cyan()));
    }

    pub(super) fn failed(&mut self, error: &anyhow::Error) {
        let _ = writeln!(
            anstream::stderr(),
            "\nhallpass demo: step {} did not work: {error:#}\nNothing was kept. Please report it with this text.",
            self.steps + 1
        );
    }

    fn line(&mut self, text: &str) {
        // Nobody may be reading any more; the demo cleans up all the same.
        let _ = writeln!(self.out, "{text}");
        let _ = self.out.flush();
    }
}

fn brief(took: Duration) -> String {
    match took.as_millis() {
        0 => format!("{} µs", took.as_micros()),
        1..10 => format!("{:.1} ms", took.as_secs_f64() * 1e3),
        10..1000 => format!("{} ms", took.as_millis()),
        _ => format!("{:.1} s", took.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_brief() {
        for (micros, shown) in
            [(950, "950 µs"), (1_500, "1.5 ms"), (41_200, "41 ms"), (5_040_000, "5.0 s")]
        {
            assert_eq!(brief(Duration::from_micros(micros)), shown);
        }
    }
}
