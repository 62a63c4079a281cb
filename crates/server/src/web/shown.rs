//! Foreign text on its way to a page.
//!
//! Templates take foreign text only as [`Shown`], which takes out what deceives even
//! when escaped (attack-33); the templates escape the rest (attack-32).

use std::fmt;

use hallpass_core::text::presentable;

/// Longest name, machine or address line on a page.
const MAX: usize = 100;
/// Longest sentence.
const LONG: usize = 400;

/// Text from elsewhere, fit to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown(String);

impl Shown {
    /// `text`, made presentable. Text of which nothing is left is named as such, so
    /// that no button or list entry is blank.
    pub(super) fn new(text: &str) -> Self {
        let shown = presentable(text, MAX);
        Self(if shown.is_empty() { "(no name)".to_owned() } else { shown })
    }

    /// As [`Shown::new`]; nothing stays nothing.
    pub(super) fn some(text: Option<&str>) -> Option<Self> {
        text.map(|text| presentable(text, MAX)).filter(|text| !text.is_empty()).map(Self)
    }

    /// As [`Shown::some`], for a sentence.
    pub(super) fn long(text: Option<&str>) -> Option<Self> {
        text.map(|text| presentable(text, LONG)).filter(|text| !text.is_empty()).map(Self)
    }

    /// What a person typed, to be put back into the field. Nothing stays nothing.
    pub(super) fn typed(text: &str) -> Self {
        Self(presentable(text, 320))
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: attack-33
    #[test]
    fn nothing_deceptive_reaches_a_page_and_nothing_is_blank() {
        assert_eq!(Shown::new("lap\u{202e}top-7\u{200b}").to_string(), "laptop-7");
        assert_eq!(Shown::new("\u{200b}\u{202e} ").to_string(), "(no name)");
        assert_eq!(Shown::some(Some("\u{200b}")), None);
        assert!(Shown::typed(" \u{0}").is_empty());
        assert_eq!(Shown::new(&"x".repeat(500)).to_string().chars().count(), MAX + 1);
    }
}
