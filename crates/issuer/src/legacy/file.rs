//! The file that an older system's tokens come in: their hashes, one on a line.
//!
//! Three shapes, told apart by the first line that is neither empty nor a comment:
//!
//! - a hash on each line, and nothing else;
//! - CSV (RFC 4180) with a header that names its columns;
//! - JSON Lines, one object on each.
//!
//! Columns and keys are `hash`, `lookup`, `length`, `name`, `created`, `owner`, `project` and
//! `role`; only `hash` must be there. A hash is SHA-256 or SHA-512 over the token's whole text, in
//! hex, or a salted one, which needs `lookup` and `length` too ([`salted`](super::salted)).
//! What is wrong is said with its line, and never repeats the line: it may hold a token.

use std::collections::HashMap;

use hallpass_core::Timestamp;
use hallpass_core::role::ProjectRole;
use serde::Deserialize;

use super::Hash;
use super::salted::MOST;

/// One token of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it stands, counted from 1.
    pub number: usize,
    /// Its hash.
    pub hash: Hash,
    /// What it was called.
    pub name: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whose it is: e-mail address or id.
    pub owner: Option<String>,
    /// What it is for: `ORG/PROJECT`.
    pub project: Option<String>,
    /// Its role there.
    pub role: Option<ProjectRole>,
}

/// A line that cannot be read. Nothing of the file was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}; nothing was imported")]
pub struct BadLine {
    /// Which, counted from 1.
    pub line: usize,
    /// What is wrong with it, and what would be right.
    pub what: String,
}

impl BadLine {
    pub(super) fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// A line as its shape holds it. An empty value is one that is not there.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    hash: Option<String>,
    lookup: Option<String>,
    length: Option<Text>,
    name: Option<String>,
    created: Option<String>,
    owner: Option<String>,
    project: Option<String>,
    role: Option<String>,
}

/// A text, or a number as JSON has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Number(u64),
}

const NAMES: [&str; 8] =
    ["hash", "lookup", "length", "name", "created", "owner", "project", "role"];
const COLUMNS: &str = "hash, lookup, length, name, created, owner, project and role";

/// Reads a whole file, or says which line cannot be read. The same hash twice is refused:
/// two lines could say different things about one token.
pub fn read(text: &str, legacy_prefix: &str) -> Result<Vec<Line>, BadLine> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| says_something(line));
    let Some((number, first)) = lines.next() else {
        return Err(BadLine::new(1, "there is no hash in this file"));
    };
    let mut all = Vec::new();
    let mut take = |number: usize, raw: Raw| -> Result<(), BadLine> {
        let line = typed(number, raw, legacy_prefix).map_err(|what| BadLine::new(number, what))?;
        all.push(line);
        Ok(())
    };
    if first.starts_with('{') {
        take(number, object(number, first)?)?;
        lines.try_for_each(|(number, line)| take(number, object(number, line)?))?;
    } else if let Some(columns) = header(number, first)? {
        lines.try_for_each(|(number, line)| take(number, record(number, line, &columns)?))?;
    } else {
        let bare = |hash: &str| Raw { hash: Some(hash.to_owned()), ..Raw::default() };
        take(number, bare(first))?;
        lines.try_for_each(|(number, line)| take(number, bare(line)))?;
    }
    no_twins(&all)?;
    Ok(all)
}

fn says_something(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

fn object(number: usize, line: &str) -> Result<Raw, BadLine> {
    serde_json::from_str(line).map_err(|_| {
        let what = format!("it is no JSON object of texts with the keys {COLUMNS}");
        BadLine::new(number, what)
    })
}

/// The columns, if this line names columns.
fn header(number: usize, line: &str) -> Result<Option<Vec<String>>, BadLine> {
    let cells = cells(line).map_err(|what| BadLine::new(number, what))?;
    let names: Vec<String> = cells.iter().map(|cell| cell.trim().to_ascii_lowercase()).collect();
    if !names.iter().any(|name| name == "hash") {
        return Ok(None);
    }
    if let Some(odd) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        let odd = hallpass_core::text::presentable(odd, 40);
        let what = format!("there is no column {odd:?}; the columns are {COLUMNS}");
        return Err(BadLine::new(number, what));
    }
    if (1..names.len()).any(|n| names[..n].contains(&names[n])) {
        return Err(BadLine::new(number, "a column is named twice"));
    }
    Ok(Some(names))
}

fn record(number: usize, line: &str, columns: &[String]) -> Result<Raw, BadLine> {
    let cells = cells(line).map_err(|what| BadLine::new(number, what))?;
    if cells.len() != columns.len() {
        let what = format!("it has {} values for {} columns", cells.len(), columns.len());
        return Err(BadLine::new(number, what));
    }
    let mut raw = Raw::default();
    for (column, cell) in columns.iter().zip(cells) {
        let place = match column.as_str() {
            "length" => {
                raw.length = Some(Text::Text(cell));
                continue;
            }
            "hash" => &mut raw.hash,
            "lookup" => &mut raw.lookup,
            "name" => &mut raw.name,
            "created" => &mut raw.created,
            "owner" => &mut raw.owner,
            "project" => &mut raw.project,
            _ => &mut raw.role,
        };
        *place = Some(cell);
    }
    Ok(raw)
}

/// RFC 4180 §2, but for values that go over several lines.
fn cells(line: &str) -> Result<Vec<String>, &'static str> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].trim().to_owned(), &rest[end..])
            }
        };
        cells.push(cell);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => return Ok(cells),
            None => return Err("something stands between a closing quote and the next comma"),
        }
    }
}

fn unquoted(quoted: &str) -> Result<(String, &str), &'static str> {
    let mut cell = String::new();
    let mut rest = quoted;
    while let Some(end) = rest.find('"') {
        cell.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                cell.push('"');
                rest = more;
            }
            None => return Ok((cell, rest)),
        }
    }
    Err("a quote is not closed on its line")
}

fn typed(number: usize, raw: Raw, legacy_prefix: &str) -> Result<Line, String> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let hash = given(raw.hash).ok_or("it has no hash")?;
    let created = given(raw.created).map(|text| instant(&text)).transpose()?;
    let role = given(raw.role).map(|text| text.parse::<ProjectRole>());
    let role = role.transpose().map_err(|unknown| unknown.to_string())?;
    let lookup = given(raw.lookup);
    let length = given(raw.length.map(|length| match length {
        Text::Text(text) => text,
        Text::Number(number) => number.to_string(),
    }));
    let beside = (lookup.as_deref().map(str::trim), length.as_deref().map(str::trim));
    Ok(Line {
        number,
        hash: Hash::read(hash.trim(), beside, legacy_prefix)?,
        name: given(raw.name),
        created,
        owner: given(raw.owner),
        project: given(raw.project),
        role,
    })
}

/// RFC 3339, a day, or Unix seconds.
fn instant(text: &str) -> Result<Timestamp, &'static str> {
    if let Ok(seconds) = text.parse() {
        return Ok(Timestamp::from_secs(seconds));
    }
    Timestamp::parse(text).ok_or(
        "created is an instant like 2024-05-01T12:00:00Z, a day like 2024-05-01, or Unix seconds",
    )
}

/// Neither the same hash twice, nor too many that one text would have to be tried against.
fn no_twins(lines: &[Line]) -> Result<(), BadLine> {
    let mut first = HashMap::new();
    let mut sharing: HashMap<&str, usize> = HashMap::new();
    for line in lines {
        let identity = match &line.hash {
            Hash::Sha256(digest) | Hash::Sha512(digest) => digest.as_bytes().as_slice(),
            Hash::Salted(salted) => salted.phc.as_bytes(),
        };
        if let Some(before) = first.insert(identity, line.number) {
            let what = format!("it is the token of line {before} again");
            return Err(BadLine::new(line.number, what));
        }
        if let Hash::Salted(salted) = &line.hash {
            let share = sharing.entry(&salted.key).or_default();
            *share += 1;
            if *share > MOST {
                return Err(BadLine::new(line.number, TOO_MANY));
            }
        }
    }
    Ok(())
}

/// Of a line whose lookup does not tell its token from others.
pub(super) const TOO_MANY: &str = "more than 4 tokens have this lookup, and each would have to be tried; say more characters of their text, up to 20";

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const TWO: &str = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

    fn lines(text: &str) -> Vec<Line> {
        read(text, "stk_").unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[track_caller]
    fn refused(text: &str, line: usize, why: &str) {
        let bad = read(text, "stk_").expect_err(text);
        assert_eq!(bad.line, line, "{text}: {bad}");
        assert!(bad.to_string().contains(why), "{text}: {bad}");
        assert!(bad.to_string().contains("nothing was imported"), "{bad}");
        assert!(!bad.to_string().contains("stk_"), "{bad}");
    }

    #[test]
    fn hashes_alone() {
        let read = lines(&format!("\u{feff}# from the old database\n\n{ONE}\r\n  {TWO}  \n"));
        let numbers: Vec<usize> = read.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [3, 4]);
        assert_eq!((&read[0].name, read[0].created, read[0].role), (&None, None, None));
    }

    #[test]
    fn csv_with_any_of_the_columns_in_any_order() {
        let text = format!(
            "Name,hash,owner,created,role,project\n\"CI, \"\"nightly\"\"\",{ONE},ada@example.com,2024-05-01,viewer,acme/site\n,{TWO},,,,\n"
        );
        let read = lines(&text);
        let first = &read[0];
        assert_eq!(first.name.as_deref(), Some("CI, \"nightly\""));
        assert_eq!(first.owner.as_deref(), Some("ada@example.com"));
        assert_eq!(first.project.as_deref(), Some("acme/site"));
        assert_eq!(first.role, Some(ProjectRole::Viewer));
        assert_eq!(first.created, Timestamp::parse("2024-05-01T00:00:00Z"));
        let second = &read[1];
        assert_eq!((&second.name, &second.owner, &second.project), (&None, &None, &None));
    }

    #[test]
    fn json_lines() {
        let text = format!(
            "{{\"hash\":\"{ONE}\",\"name\":\"ci\",\"created\":\"1714521600\"}}\n{{\"hash\":\"{TWO}\"}}\n"
        );
        let read = lines(&text);
        assert_eq!(read[0].created, Timestamp::parse("2024-05-01"));
        assert_eq!(read[1].number, 2);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_never_repeated() {
        refused("", 1, "no hash in this file");
        refused("# nothing\n\n", 1, "no hash in this file");
        refused(&format!("{ONE}\nstk_0123456789abcdef\n"), 2, "holds a token");
        refused(&format!("{ONE}\n{TWO}x\n"), 2, "neither SHA-256");
        refused(&format!("{ONE}\n\n{TWO}\n{ONE}\n"), 4, "line 1 again");
        refused("hash,colour\n", 1, "\"colour\"");
        refused("hash,hash\n", 1, "named twice");
        refused(&format!("hash,name\n{ONE}\n"), 2, "1 values for 2 columns");
        refused(&format!("hash,name\n{ONE},\"open\n"), 2, "not closed");
        refused(&format!("hash,name\n{ONE},\"a\"b\n"), 2, "closing quote");
        refused("hash,name\n,ci\n", 2, "has no hash");
        refused(&format!("hash,role\n{ONE},king\n"), 2, "no such role");
        refused(&format!("hash,created\n{ONE},yesterday\n"), 2, "created is");
        refused(&format!("{{\"hash\":\"{ONE}\"}}\n{{\"hsah\":\"stk_x\"}}\n"), 2, "JSON");
        refused("{\"hash\":\"stk_secret\"}", 1, "holds a token");
    }
}
