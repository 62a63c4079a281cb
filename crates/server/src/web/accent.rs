//! A brand's accent colour, made legible.
//!
//! A brand may choose any colour. Text in it must still have the contrast that WCAG
//! 2.2 §1.4.3 asks for (4.5 : 1) on our backgrounds, so the colour of links is mixed
//! with black or white until it has; the button keeps the brand's own colour, and its
//! label is black or white, whichever reads better.

use hallpass_core::brand::Look;

/// WCAG 2.2 §1.4.3, level AA.
const LEGIBLE: f64 = 4.5;

/// The backgrounds of `assets/style.css`, `--page` and `--surface`.
const LIGHT: [Rgb; 2] = [Rgb(0xfa, 0xf9, 0xf7), Rgb(0xff, 0xff, 0xff)];
const DARK: [Rgb; 2] = [Rgb(0x13, 0x15, 0x19), Rgb(0x1b, 0x1e, 0x24)];

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

const BLACK: Rgb = Rgb(0, 0, 0);
const WHITE: Rgb = Rgb(255, 255, 255);

/// The custom properties that the stylesheet leaves to the brand.
pub(super) fn properties(look: &Look) -> String {
    let light = scheme(&look.accent, &LIGHT, BLACK);
    let dark = scheme(&look.accent_dark, &DARK, WHITE);
    format!(
        "\n:root {{\n{light}}}\n\n@media (prefers-color-scheme: dark) {{\n  :root {{\n{dark}  }}\n}}\n"
    )
}

/// The accent for icons outside of a page, where no colour scheme is known.
pub(super) fn icon_colours(look: &Look) -> (String, String) {
    let accent = Rgb::parse(&look.accent);
    (accent.hex(), accent.label().hex())
}

fn scheme(accent: &str, backgrounds: &[Rgb], towards: Rgb) -> String {
    let accent = Rgb::parse(accent);
    let link = accent.legible_on(backgrounds, towards);
    format!(
        "  --accent: {};\n  --on-accent: {};\n  --link: {};\n",
        accent.hex(),
        accent.label().hex(),
        link.hex()
    )
}

impl Rgb {
    /// `#rrggbb`. A brand file with anything else is refused when it is read; a
    /// colour that comes from elsewhere and is none counts as grey.
    fn parse(text: &str) -> Self {
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6);
        match hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()) {
            Some(n) => Self((n >> 16) as u8, (n >> 8) as u8, n as u8),
            None => Self(0x66, 0x66, 0x66),
        }
    }

    fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// Black or white, whichever reads better on this. One of them always reaches
    /// 4.58 : 1.
    fn label(self) -> Self {
        if contrast(self, WHITE) >= contrast(self, BLACK) { WHITE } else { BLACK }
    }

    /// This, mixed with `towards` as little as it takes to be legible.
    fn legible_on(self, backgrounds: &[Rgb], towards: Rgb) -> Self {
        (0..=100u16)
            .map(|percent| self.mixed(towards, percent))
            .find(|mixed| backgrounds.iter().all(|back| contrast(*mixed, *back) >= LEGIBLE))
            .unwrap_or(towards)
    }

    fn mixed(self, other: Self, percent: u16) -> Self {
        let mix = |a: u8, b: u8| {
            ((u16::from(a) * (100 - percent) + u16::from(b) * percent + 50) / 100) as u8
        };
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// WCAG's relative luminance.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

/// WCAG's contrast ratio, from 1 to 21.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (a.luminance(), b.luminance());
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accent_becomes_legible() {
        for accent in ["#1f5fbf", "#ffff00", "#ffffff", "#000000", "#7f7f7f", "#00ff88", "#c0ffee"]
        {
            let own = Rgb::parse(accent);
            assert!(contrast(own, own.label()) >= LEGIBLE, "{accent}");
            for (backgrounds, towards) in [(LIGHT, BLACK), (DARK, WHITE)] {
                let link = own.legible_on(&backgrounds, towards);
                for back in backgrounds {
                    assert!(contrast(link, back) >= LEGIBLE, "{accent} on {}", back.hex());
                }
            }
        }
    }

    #[test]
    fn a_legible_accent_is_left_alone() {
        let own = Rgb::parse("#1f5fbf");
        assert_eq!(own.legible_on(&LIGHT, BLACK), own);
        assert_eq!(own.label(), WHITE);
    }

    /// Every pair of text and background in the stylesheet, in both schemes.
    #[test]
    fn the_stylesheet_keeps_the_contrast_that_it_promises() {
        let (light, dark) = super::super::assets::STYLE.split_once("@media").expect("two schemes");
        for (scheme, backgrounds) in [(light, LIGHT), (dark, DARK)] {
            let colour = |name: &str| {
                let (_, rest) = scheme.split_once(&format!("{name}: ")).expect(name);
                Rgb::parse(&rest[..7])
            };
            assert_eq!(colour("--page"), backgrounds[0]);
            assert_eq!(colour("--surface"), backgrounds[1]);
            for (text, back) in [
                ("--text", "--page"),
                ("--text", "--surface"),
                ("--text", "--problem-back"),
                ("--text", "--good-back"),
                ("--text", "--caution-back"),
                ("--quiet", "--page"),
                ("--quiet", "--surface"),
                ("--problem", "--problem-back"),
                ("--good", "--good-back"),
                ("--good", "--page"),
                ("--caution", "--caution-back"),
                ("--on-problem", "--problem"),
            ] {
                let ratio = contrast(colour(text), colour(back));
                assert!(ratio >= LEGIBLE, "{text} on {back}: {ratio:.2}");
            }
            // WCAG 2.2 §1.4.11: the edge of a field, 3 : 1.
            assert!(contrast(colour("--field"), colour("--page")) >= 3.0);
            assert!(contrast(colour("--field"), colour("--surface")) >= 3.0);
        }
    }
}
