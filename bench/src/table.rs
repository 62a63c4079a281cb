//! One table: what was measured, against what, the ratio, and the goal beside it.

use std::fmt::Write;

use crate::spread::{Pairs, Spread};

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    /// How many in a second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// So many.
    Count,
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::PerSecond if figure < 100.0 => format!("{figure:.1} /s"),
            Self::PerSecond => format!("{figure:.0} /s"),
            Self::Seconds if figure < 1e-3 => format!("{:.1} µs", figure * 1e6),
            Self::Seconds if figure < 1.0 => format!("{:.2} ms", figure * 1e3),
            Self::Seconds => format!("{figure:.2} s"),
            Self::Bytes => format!("{:.1} MB", figure / 1e6),
            Self::Count => format!("{figure:.0}"),
        }
    }
}

/// What DESIGN.md §8 asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// The ratio is at least this.
    AtLeast(f64),
    /// The ratio is at most this.
    AtMost(f64),
    /// Our figure itself is at most this, in its unit. Only memory has such a goal.
    NoMoreThan(f64),
    /// Nothing is asked for; the row explains another one.
    Nothing,
}

impl Goal {
    fn reached(self, ours: f64, ratio: f64) -> Option<bool> {
        match self {
            Self::AtLeast(goal) => Some(ratio >= goal),
            Self::AtMost(goal) => Some(ratio <= goal),
            Self::NoMoreThan(goal) => Some(ours <= goal),
            Self::Nothing => None,
        }
    }

    fn show(self, unit: Unit) -> String {
        match self {
            Self::AtLeast(goal) => format!("≥ {}", times(goal)),
            Self::AtMost(goal) => format!("≤ {}", times(goal)),
            Self::NoMoreThan(goal) => format!("≤ {}", unit.show(goal)),
            Self::Nothing => String::new(),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    what: String,
    unit: Unit,
    /// `None`: there was nothing to count it with here.
    figures: Option<Figures>,
    goal: Goal,
}

/// What was measured, against what, and the ratio of both.
#[derive(Clone, Debug)]
struct Figures {
    ours: Spread,
    against: Spread,
    ratio: Spread,
}

impl Row {
    /// From what was measured side by side.
    pub(crate) fn new(what: impl Into<String>, unit: Unit, pairs: &Pairs, goal: Goal) -> Self {
        Self {
            what: what.into(),
            unit,
            figures: Some(Figures {
                ours: pairs.ours(),
                against: pairs.against(),
                ratio: pairs.ratio(),
            }),
            goal,
        }
    }

    /// What could not be counted here; it says so, and asks for nothing.
    pub(crate) fn not_counted(what: impl Into<String>) -> Self {
        Self { what: what.into(), unit: Unit::Count, figures: None, goal: Goal::Nothing }
    }

    fn cells(&self) -> [String; 7] {
        let Some(Figures { ours, against, ratio }) = &self.figures else {
            let none = String::new;
            return [self.what.clone(), "n/a".to_owned(), none(), none(), none(), none(), none()];
        };
        let verdict = match self.goal.reached(ours.median, ratio.median) {
            Some(true) => "ok",
            Some(false) => "short",
            None => "",
        };
        [
            self.what.clone(),
            self.unit.show(ours.median),
            self.unit.show(against.median),
            times(ratio.median),
            format!("{}–{}", bare(ratio.min), bare(ratio.max)),
            self.goal.show(self.unit),
            verdict.to_owned(),
        ]
    }
}

fn times(ratio: f64) -> String {
    format!("{}×", bare(ratio))
}

fn bare(ratio: f64) -> String {
    if ratio >= 10.0 { format!("{ratio:.1}") } else { format!("{ratio:.2}") }
}

/// Renders the rows below a heading.
pub(crate) fn render(rows: &[Row]) -> String {
    let head = ["what", "measured", "against", "ratio", "min–max", "goal", ""].map(str::to_owned);
    let mut lines = vec![head];
    lines.extend(rows.iter().map(Row::cells));
    let width = |column: usize| {
        lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut text = String::new();
    for (number, cells) in lines.iter().enumerate() {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            // Words to the left, figures to the right.
            let left = column == 0 || column >= 5;
            let _ =
                if left { write!(line, "{cell}{pad}  ") } else { write!(line, "{pad}{cell}  ") };
        }
        let _ = writeln!(text, "{}", line.trim_end());
        if number == 0 {
            let _ = writeln!(text, "{}", "─".repeat(widths.iter().sum::<usize>() + 12));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, against: f64, unit: Unit, goal: Goal) -> Row {
        let mut pairs = Pairs::default();
        pairs.push(ours, against);
        Row::new("a row", unit, &pairs, goal)
    }

    fn verdict(row: &Row) -> String {
        row.cells()[6].clone()
    }

    #[test]
    fn a_goal_is_reached_on_its_own_side_only() {
        let rate = |goal| verdict(&row(95.0, 100.0, Unit::PerSecond, goal));
        assert_eq!(rate(Goal::AtLeast(0.95)), "ok");
        assert_eq!(rate(Goal::AtLeast(0.96)), "short");
        assert_eq!(rate(Goal::AtMost(0.95)), "ok");
        assert_eq!(rate(Goal::AtMost(0.94)), "short");
        assert_eq!(rate(Goal::Nothing), "");
        let memory = |bytes| verdict(&row(bytes, 1.0, Unit::Bytes, Goal::NoMoreThan(80e6)));
        assert_eq!((memory(80e6).as_str(), memory(81e6).as_str()), ("ok", "short"));
    }

    #[test]
    fn what_could_not_be_counted_says_so() {
        let text = render(&[
            Row::not_counted("system calls"),
            row(80.0, 20.0, Unit::Count, Goal::Nothing),
        ]);
        assert!(text.contains("system calls       n/a\n"), "{text}");
        assert!(text.contains("a row               80       20  4.00×"), "{text}");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let text = render(&[
            row(95_000.0, 100_000.0, Unit::PerSecond, Goal::AtLeast(0.95)),
            row(0.000_042, 0.000_021, Unit::Seconds, Goal::AtMost(1.05)),
        ]);
        assert_eq!(
            text,
            "what   measured    against  ratio    min–max  goal\n\
             ────────────────────────────────────────────────────────────\n\
             a row  95000 /s  100000 /s  0.95×  0.95–0.95  ≥ 0.95×  ok\n\
             a row   42.0 µs    21.0 µs  2.00×  2.00–2.00  ≤ 1.05×  short\n"
        );
    }
}
