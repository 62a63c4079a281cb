//! Rows as CSV (RFC 4180), safe to be opened in a spreadsheet: names come from elsewhere, and a
//! cell that begins like a formula would be one.

use hallpass_core::wire::audit::Row;

/// The names of the columns.
pub(super) const HEAD: &str = "n,id,at,actor,action,subject,org,client,address,detail,hash\r\n";

/// One row.
pub(super) fn line(row: &Row) -> String {
    let n = row.n.map(|n| n.to_string());
    let cells = [
        n.as_deref(),
        Some(&*row.id),
        Some(&*row.at),
        Some(&*row.actor),
        Some(&*row.action),
        Some(&*row.subject),
        row.org.as_deref(),
        row.client.as_deref(),
        row.address.as_deref(),
        row.detail.as_deref(),
        row.hash.as_deref(),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell.unwrap_or_default())).collect();
    cells.join(",") + "\r\n"
}

/// A cell. What a spreadsheet would take for a formula gets an apostrophe in front, which makes
/// it a text there.
fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r', '\'', ';']) || formula {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: HP14
    #[test]
    fn no_cell_is_a_formula_and_none_leaves_its_place() {
        for (text, want) in [
            ("laptop", "laptop"),
            ("=1+1", "\"'=1+1\""),
            ("+49", "\"'+49\""),
            ("-2", "\"'-2\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("", ""),
        ] {
            assert_eq!(quoted(text), want);
        }
        let row = Row { id: "aud_1".to_owned(), detail: Some("=x".to_owned()), ..Row::default() };
        assert_eq!(line(&row), ",aud_1,,,,,,,,\"'=x\",\r\n");
        assert_eq!(HEAD.split(',').count(), line(&row).split(',').count());
    }
}
