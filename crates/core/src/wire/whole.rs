//! Whole numbers in what is sent to us. JSON knows one kind of number, and programs in which
//! all are floating write `900.0` (RFC 8259 §6; a JSON Schema `integer` is either).

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Number;

/// Beyond it a floating number does not say which whole one was meant (RFC 8259 §6).
const EXACT: f64 = 9_007_199_254_740_991.0;

/// A whole number, however it is written.
pub(super) fn whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(d: D) -> Result<T, D::Error> {
    read(&Number::deserialize(d)?)
}

/// The same where there may be none.
pub(super) fn whole_or_none<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    d: D,
) -> Result<Option<T>, D::Error> {
    Option::<Number>::deserialize(d)?.as_ref().map(read).transpose()
}

fn read<T: TryFrom<i64>, E: Error>(number: &Number) -> Result<T, E> {
    let floating = || number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() <= EXACT);
    let whole = number.as_i64().or_else(|| floating().map(|it| it as i64));
    whole
        .and_then(|whole| T::try_from(whole).ok())
        .ok_or_else(|| E::custom("a whole number of another size is needed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_whole_however_it_is_written() {
        fn of(text: &str) -> Option<u32> {
            whole(&mut serde_json::Deserializer::from_str(text)).ok()
        }
        for (text, number) in [("0", 0), ("900", 900), ("900.0", 900), ("9e2", 900), ("-0.0", 0)] {
            assert_eq!(of(text), Some(number), "{text}");
        }
        for text in ["-1", "-1.0", "0.5", "4294967296", "1e300", "\"1\"", "null", "true", "[1]"] {
            assert_eq!(of(text), None, "{text}");
        }
        let none: Option<u64> =
            whole_or_none(&mut serde_json::Deserializer::from_str("null")).expect("none");
        assert_eq!(none, None);
    }
}
