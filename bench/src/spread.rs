//! The middle of a few rounds, and how far apart they were.

/// Median, least and greatest of several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of one figure's rounds. There is at least one round.
    pub(crate) fn of(rounds: impl IntoIterator<Item = f64>) -> Self {
        let mut rounds: Vec<f64> = rounds.into_iter().collect();
        rounds.sort_by(f64::total_cmp);
        assert!(!rounds.is_empty(), "a figure was asked for before anything was measured");
        let middle = rounds.len() / 2;
        let median = if rounds.len() % 2 == 1 {
            rounds[middle]
        } else {
            f64::midpoint(rounds[middle - 1], rounds[middle])
        };
        Self { median, min: rounds[0], max: rounds[rounds.len() - 1] }
    }
}

/// One thing measured against another, side by side, round by round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs(Vec<(f64, f64)>);

impl Pairs {
    /// Adds a round: ours, and what it is measured against.
    pub(crate) fn push(&mut self, ours: f64, against: f64) {
        self.0.push((ours, against));
    }

    /// Ours alone.
    pub(crate) fn ours(&self) -> Spread {
        Spread::of(self.0.iter().map(|(ours, _)| *ours))
    }

    /// What it is measured against, alone.
    pub(crate) fn against(&self) -> Spread {
        Spread::of(self.0.iter().map(|(_, against)| *against))
    }

    /// Each round's ratio. A machine that slows down slows both sides of a round.
    pub(crate) fn ratio(&self) -> Spread {
        Spread::of(self.0.iter().map(|(ours, against)| ours / against))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_odd_and_even_rounds() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).median, 2.5);
    }

    #[test]
    fn the_ratio_is_taken_within_a_round_not_between_rounds() {
        let mut pairs = Pairs::default();
        // The machine slowed down to a tenth; the ratio did not change.
        pairs.push(900.0, 1000.0);
        pairs.push(90.0, 100.0);
        assert_eq!(pairs.ratio(), Spread { median: 0.9, min: 0.9, max: 0.9 });
        assert_eq!((pairs.ours().min, pairs.against().max), (90.0, 1000.0));
    }
}
