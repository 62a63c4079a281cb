//! The code that a person types on the device page (RFC 8628 §6.1), and the sums
//! behind its length.

use std::fmt;

use crate::Random;

/// RFC 8628 §6.1: twenty consonants, so that no word appears and nothing looks alike.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// How a code is grouped for reading: `[4, 4]` gives `WDJB-MJHT`. A brand's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping(Vec<usize>);

/// Why a grouping cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user code needs between 8 and 16 characters in groups of at least 1, not {0:?}")]
pub struct BadGrouping(Vec<usize>);

impl Grouping {
    /// Group lengths, for example `[4, 4]`.
    pub fn new(groups: Vec<usize>) -> Result<Self, BadGrouping> {
        let sum = groups.iter().fold(0_usize, |sum, group| sum.saturating_add(*group));
        if (8..=16).contains(&sum) && !groups.contains(&0) {
            Ok(Self(groups))
        } else {
            Err(BadGrouping(groups))
        }
    }

    /// How many letters a code has.
    pub fn letters(&self) -> u32 {
        self.0.iter().sum::<usize>() as u32
    }
}

impl Default for Grouping {
    fn default() -> Self {
        Self(vec![4, 4])
    }
}

/// A user code in its canonical form: upper-case letters only, no punctuation.
///
/// It is a secret for as long as its device code lives, so it has no `Display`;
/// see [`UserCode::grouped`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UserCode(String);

impl UserCode {
    /// A new random code with as many letters as `grouping` wants.
    pub fn mint(grouping: &Grouping, random: &dyn Random) -> Self {
        let count = grouping.letters() as usize;
        let mut code = String::with_capacity(count);
        while code.len() < count {
            let mut bytes = [0u8; 32];
            random.fill(&mut bytes);
            // 240 = 12 · 20: without it some letters would be likelier than others.
            for byte in bytes.into_iter().filter(|b| *b < 240).take(count - code.len()) {
                code.push(char::from(ALPHABET[usize::from(byte % 20)]));
            }
        }
        Self(code)
    }

    /// Reads what a person typed: any case, punctuation and spaces ignored
    /// (RFC 8628 §6.1). `None` if it cannot be a code of this `grouping`.
    pub fn parse(typed: &str, grouping: &Grouping) -> Option<Self> {
        if typed.len() > 64 {
            return None;
        }
        let code: String =
            typed.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect();
        let fits = code.len() == grouping.letters() as usize
            && code.bytes().all(|b| ALPHABET.contains(&b));
        fits.then_some(Self(code))
    }

    /// The canonical letters, to digest and to compare.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As shown to a person, for example `WDJB-MJHT`.
    pub fn grouped(&self, grouping: &Grouping) -> String {
        let mut rest = self.0.as_str();
        let mut parts = Vec::new();
        for len in &grouping.0 {
            let (part, left) = rest.split_at((*len).min(rest.len()));
            parts.push(part);
            rest = left;
        }
        parts.join("-")
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

/// The chance that guessing hits any live code within one code lifetime:
/// `guesses · live / 20^letters` (RFC 8628 §5.1). The server refuses to start
/// if this exceeds [`GUESS_BUDGET`].
pub fn guess_chance(guesses: u64, live: u64, letters: u32) -> f64 {
    guesses as f64 * live as f64 / 20f64.powi(letters as i32)
}

/// The greatest acceptable [`guess_chance`].
pub const GUESS_BUDGET: f64 = 1e-5;

#[cfg(test)]
mod tests {
    use super::*;

    struct Same;
    impl Random for Same {
        fn fill(&self, bytes: &mut [u8]) {
            for (n, b) in bytes.iter_mut().enumerate() {
                *b = (n * 37) as u8;
            }
        }
    }

    // proves: D09
    #[test]
    fn what_a_person_types_is_read_kindly() {
        let grouping = Grouping::default();
        let code = UserCode::mint(&grouping, &Same);
        let shown = code.grouped(&grouping);
        assert_eq!(shown.len(), 9);
        for typed in [
            shown.clone(),
            shown.to_lowercase(),
            shown.replace('-', " "),
            shown.replace('-', "–"),
            format!("  {}  ", code.expose()),
            code.expose().chars().map(|c| format!("{c} ")).collect(),
        ] {
            assert_eq!(UserCode::parse(&typed, &grouping).as_ref(), Some(&code), "{typed}");
        }
        for wrong in ["", "ABCD-1234", "WDJB-MJH", "WDJB-MJHTT", "wdjb mjhé", &"B".repeat(900)] {
            assert_eq!(UserCode::parse(wrong, &grouping), None, "{wrong}");
        }
    }

    // proves: D07
    #[test]
    fn the_sums_of_the_requirements() {
        // 600 guesses a lifetime against 400 live codes of 8 letters fit the budget …
        assert!(guess_chance(600, 400, 8) <= GUESS_BUDGET);
        // … against 10,000 they do not, and ten letters carry 170,000.
        assert!(guess_chance(600, 10_000, 8) > GUESS_BUDGET);
        assert!(guess_chance(600, 170_000, 10) <= GUESS_BUDGET);
    }
}
