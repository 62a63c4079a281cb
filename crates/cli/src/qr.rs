//! A QR code for a terminal: two modules in one character, with its quiet zone.

use qrcode::{Color, EcLevel, QrCode};

use crate::paint::Paint;

/// Light modules around the code that scanners need (ISO/IEC 18004 asks for 4).
const QUIET: usize = 4;

/// `text` as a QR code with a line feed at the end of each row, or `None` if it does
/// not fit into `width` columns.
///
/// With Unicode, half blocks: one column and half a row for each module, so that it is
/// square. Without, two columns and one row. Dark on light where there is colour; else
/// the light modules are drawn, as most terminals are dark and most scanners do not mind.
pub fn draw(text: &str, width: usize, paint: Paint) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let modules = Modules { side: code.width(), colors: code.to_colors() };
    let side = modules.side + 2 * QUIET;
    let columns = if paint.unicode { side } else { 2 * side };
    if columns > width {
        return None;
    }
    let mut drawn = String::new();
    let step = if paint.unicode { 2 } else { 1 };
    for row in (0..side).step_by(step) {
        let line: String = (0..side)
            .map(|column| {
                let upper = modules.is_light(row, column);
                if paint.unicode {
                    match (upper, modules.is_light(row + 1, column)) {
                        (true, true) => "█",
                        (true, false) => "▀",
                        (false, true) => "▄",
                        (false, false) => " ",
                    }
                } else if upper {
                    "##"
                } else {
                    "  "
                }
            })
            .collect();
        // White letters on black, whatever the terminal's own colours are.
        let line = if paint.colour { format!("\x1b[97;40m{line}\x1b[0m") } else { line };
        drawn.push_str(&line);
        drawn.push('\n');
    }
    Some(drawn)
}

struct Modules {
    side: usize,
    colors: Vec<Color>,
}

impl Modules {
    /// Row and column count from the quiet zone's corner; what lies outside is light.
    fn is_light(&self, row: usize, column: usize) -> bool {
        let inside = |n: usize| n.checked_sub(QUIET).filter(|n| *n < self.side);
        match (inside(row), inside(column)) {
            (Some(row), Some(column)) => self.colors[row * self.side + column] == Color::Light,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "http://localhost:8470/device?user_code=WDJB-MJHT";
    const PLAIN: Paint = Paint { colour: false, unicode: true };

    // proves: client-C5
    #[test]
    fn a_quiet_zone_of_four_modules_is_all_around() {
        let drawn = draw(URI, 80, PLAIN).unwrap();
        let rows: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
        let side = rows[0].len();
        assert_eq!(rows.len(), side.div_ceil(2), "square");
        // Two rows of characters are four rows of modules.
        for row in [&rows[0], &rows[1]] {
            assert!(row.iter().all(|c| *c == '█'));
        }
        for row in &rows {
            assert!(row[..4].iter().chain(&row[side - 4..]).all(|c| *c == '█'));
        }
        // Right inside it, the finder pattern's dark edge: 7 modules, then a light one.
        assert!(rows[2][4..11].iter().all(|c| *c == '▄' || *c == ' '), "{drawn}");
        assert_eq!(rows[2][11], '█');
    }

    // proves: client-C5
    #[test]
    fn it_fits_40_columns_or_is_left_out() {
        assert!(draw(URI, 40, PLAIN).is_some());
        assert_eq!(draw(URI, 30, PLAIN), None);
    }

    #[test]
    fn without_unicode_it_is_drawn_in_ascii() {
        let drawn = draw(URI, 80, Paint { colour: false, unicode: false }).unwrap();
        assert!(drawn.is_ascii());
        assert_eq!(drawn.lines().count() * 2, drawn.lines().next().unwrap().len());
    }

    #[test]
    fn colour_makes_it_light_on_dark_everywhere() {
        let drawn = draw(URI, 80, Paint { colour: true, unicode: true }).unwrap();
        assert!(drawn.lines().all(|line| line.starts_with("\x1b[97;40m")));
    }
}
