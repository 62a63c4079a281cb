//! The right word that was probably meant.

/// Words less like it than this were not meant.
const LIKENESS: f64 = 0.7;

/// The one of `known` that `word` was probably meant to be.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(known, word), known))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// "; did you mean …?", if something is near.
pub(super) fn hint<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

/// The same for the parser's own words: ``unknown field `titel`, expected one of `name`, …``.
pub(super) fn of_message(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match (message.starts_with("unknown "), quoted.next()) {
        (true, Some(word)) => hint(word, quoted),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_named_and_nothing_far_is() {
        assert_eq!(hint("titel", ["name", "title"]), "; did you mean title?");
        assert_eq!(hint("zzz", ["name", "title"]), "");
        let message = "unknown field `acent`, expected `accent` or `accent_dark`";
        assert_eq!(of_message(message), "; did you mean accent?");
        assert_eq!(of_message("invalid type: `x`"), "");
    }
}
