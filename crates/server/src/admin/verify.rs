//! An exported audit log is proved, without any server or database.

use std::io::{self, BufRead, Read as _};

use hallpass_core::wire::audit::Jwks;
pub use hallpass_issuer::audit::verify::{Bad, Proven};
use hallpass_issuer::audit::verify::{MAX_LINE, Verifier, headless, is_csv, is_of_whole, is_row};

/// Why a file says nothing about whether a log was changed.
#[derive(Debug, thiserror::Error)]
pub enum Unproved {
    /// It cannot be read.
    #[error("cannot be read: {0}; name a file that \"admin audit export\" wrote")]
    Unreadable(#[from] io::Error),
    /// It is a table.
    #[error(
        "is a CSV, and in that nothing is sealed; write the log with \"admin audit export\", without --format csv"
    )]
    Csv,
    /// It holds rows, and nothing else.
    #[error(
        "holds rows without their seals, as what a search found does; write the whole log with \"admin audit export\""
    )]
    Part,
}

/// Proves what is read, line by line. Memory does not grow with it.
pub fn verify(
    mut log: impl BufRead,
    pinned: Option<Jwks>,
) -> Result<Result<Proven, Bad>, Unproved> {
    let mut verifier = Verifier::new(pinned);
    let mut line = Vec::new();
    let mut first = true;
    while next(&mut log, &mut line)? {
        if std::mem::take(&mut first) {
            if is_csv(&line) {
                return Err(Unproved::Csv);
            }
            if is_row(&line) {
                return Ok(Err(headless_of_whole(log)?));
            }
        }
        if let Err(bad) = verifier.line(&line) {
            return Ok(Err(bad));
        }
    }
    Ok(verifier.end())
}

/// Reads a line; `false`: there is none any more.
fn next(log: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    Ok(log.take(MAX_LINE as u64).read_until(b'\n', line)? > 0)
}

/// What follows a row with which a file begins: a part has rows alone; of a whole export somebody
/// took the first line away.
fn headless_of_whole(mut log: impl BufRead) -> Result<Bad, Unproved> {
    let mut line = Vec::new();
    while next(&mut log, &mut line)? {
        if is_of_whole(&line) {
            return Ok(headless());
        }
    }
    Err(Unproved::Part)
}

/// The keys in a file: a JWK set (RFC 7517 §5), as `admin audit keys` prints it.
pub fn keys(text: &str) -> Option<Jwks> {
    serde_json::from_str::<Jwks>(text).ok().filter(|set| !set.keys.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"id":"aud_1","at":"2026-01-01T00:00:00.000Z","actor":"system","action":"a","subject":"s"}"#;

    // proves: HP14
    #[test]
    fn a_table_and_a_part_are_told_apart_from_an_export_whose_first_line_is_gone() {
        let read = |log: &str| verify(log.as_bytes(), None);
        let table = "n,id,at,actor,action,subject,org,client,address,detail,hash\r\n";
        assert!(matches!(read(table), Err(Unproved::Csv)));
        assert!(matches!(read(&format!("{ROW}\n{ROW}\n")), Err(Unproved::Part)));
        for rest in [r#"{"key":{}}"#, r#"{"checkpoint":1}"#, r#"{"end":0,"unsealed":1}"#] {
            let bad = read(&format!("{ROW}\n{rest}\n")).unwrap().unwrap_err();
            assert_eq!((bad.line, bad.what.contains("removed")), (1, true), "{bad}");
        }
    }
}
