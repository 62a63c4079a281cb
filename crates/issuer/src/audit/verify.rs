//! An exported log is proved, without a database, a server or a network: line by line, in
//! memory that does not grow. What is wrong is named by the first line and row at which it shows.
//!
//! What can be proved: that the rows between the first and the last checkpoint of the file are
//! those that were sealed, all of them, in that order, to the byte. What cannot: that nothing
//! followed the last checkpoint, unless a later one is known; nor anything about rows that were
//! not sealed yet. docs/audit.md says so to people.

use std::fmt;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::Digest;
use hallpass_core::text::presentable;
use hallpass_core::wire::audit::{Jwk, Jwks, Row};
use hallpass_store::KEY_ADDED;

use super::line::{
    CheckpointLine, FORM, First, KeyLine, Last, beginning, chained, hex, read, signed, unhex,
};

/// Keys that the rows between two checkpoints announce, at most: memory does not grow.
const MOST_ANNOUNCED: usize = 64;
/// No line of ours is longer.
pub const MAX_LINE: usize = 1024 * 1024;

/// Where and how a log is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// The line of the file.
    pub line: u64,
    /// The row, by number and id, as far as it is known.
    pub row: Option<(Option<i64>, String)>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        match &self.row {
            Some((Some(n), id)) => write!(f, ", row {n} ({})", presentable(id, 40))?,
            Some((None, id)) => write!(f, ", row {}", presentable(id, 40))?,
            None => {}
        }
        write!(f, ": {}", self.what)
    }
}

/// What is proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proven {
    /// The first and the last row that are.
    pub rows: Option<(i64, i64)>,
    /// By so many signatures.
    pub checkpoints: u64,
    /// When the last of them was made.
    pub signed_at: Option<String>,
    /// The keys that made them.
    pub keys: Vec<String>,
    /// Those of them that were not pinned, and that the log announces in rows which a trusted
    /// key has signed.
    pub announced: Vec<String>,
    /// Whether they were pinned. If not, they came with the file, and whoever made the file may
    /// have made them.
    pub pinned: bool,
    /// Rows after that, which nothing proves yet.
    pub unsealed: u64,
    /// The id of the first of them.
    pub first_unsealed: Option<String>,
}

/// Whether a file that begins with this line is a CSV, in which nothing is sealed.
pub fn is_csv(line: &[u8]) -> bool {
    line.trim_ascii_end() == super::csv::HEAD.trim_end().as_bytes()
}

/// Whether it is a row, with which no whole export begins.
pub fn is_row(line: &[u8]) -> bool {
    let line = std::str::from_utf8(line).ok().map(str::trim_end);
    line.and_then(read::<Row>).is_some()
}

/// Whether only a whole export has such a line.
pub fn is_of_whole(line: &[u8]) -> bool {
    [r#"{"key":"#, r#"{"checkpoint":"#, r#"{"end":"#]
        .iter()
        .any(|it| line.starts_with(it.as_bytes()))
}

/// What is wrong with a whole export that begins with a row.
pub fn headless() -> Bad {
    let what = "the line with which every export begins is missing: it was removed".to_owned();
    Bad { line: 1, row: None, what }
}

/// Reads one line after the other.
#[derive(Debug)]
pub struct Verifier {
    pinned: Option<Jwks>,
    line: u64,
    /// The last row, and its hash; `None` before the first line.
    last: Option<(i64, Digest)>,
    first: i64,
    key: Option<Jwk>,
    /// The key came after the last checkpoint, and has signed nothing yet.
    key_is_idle: bool,
    /// Keys that rows after the last checkpoint announce.
    announced: Vec<Jwk>,
    ended: bool,
    proven: Proven,
}

/// Proves a whole log at once.
pub fn verify(log: &[u8], pinned: Option<Jwks>) -> Result<Proven, Bad> {
    let mut verifier = Verifier::new(pinned);
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        verifier.line(line)?;
    }
    verifier.end()
}

impl Verifier {
    /// With the keys that are trusted; without, those that come with the file are believed.
    pub fn new(pinned: Option<Jwks>) -> Self {
        let proven = Proven { pinned: pinned.is_some(), ..Proven::default() };
        Self {
            pinned,
            line: 0,
            last: None,
            first: 0,
            key: None,
            key_is_idle: false,
            announced: Vec::new(),
            ended: false,
            proven,
        }
    }

    /// The next line, with its end.
    pub fn line(&mut self, line: &[u8]) -> Result<(), Bad> {
        self.line += 1;
        let Some(line) = line.strip_suffix(b"\n") else {
            return Err(self.bad("the file ends in the midst of this line: it was cut off"));
        };
        let unreadable = || self.bad("this is no line of an exported log: it was changed");
        let line = std::str::from_utf8(line).map_err(|_| unreadable())?;
        if self.ended {
            return Err(self.bad("there is something after the end: it was inserted"));
        }
        let Some((number, hash)) = self.last else {
            let first: First = read(line).ok_or_else(unreadable)?;
            return self.begin(&first);
        };
        match line.split(':').next() {
            Some(r#"{"n""#) => self.row(read(line).ok_or_else(unreadable)?, number, &hash),
            Some(r#"{"id""#) => self.unsealed(read(line).ok_or_else(unreadable)?, number),
            Some(r#"{"key""#) => self.key(read(line).ok_or_else(unreadable)?),
            Some(r#"{"checkpoint""#) => {
                self.checkpoint(&read(line).ok_or_else(unreadable)?, number, &hash)
            }
            Some(r#"{"end""#) => self.last_line(&read(line).ok_or_else(unreadable)?, number),
            _ => Err(unreadable()),
        }
    }

    /// After the last line.
    pub fn end(self) -> Result<Proven, Bad> {
        if !self.ended {
            return Err(Bad {
                line: self.line + 1,
                row: None,
                what: "the file ends without its last line: it was cut off".to_owned(),
            });
        }
        Ok(self.proven)
    }

    fn bad(&self, what: impl Into<String>) -> Bad {
        Bad { line: self.line, row: None, what: what.into() }
    }

    fn bad_row(&self, row: &Row, what: impl Into<String>) -> Bad {
        Bad { line: self.line, row: Some((row.n, row.id.clone())), what: what.into() }
    }

    fn begin(&mut self, first: &First) -> Result<(), Bad> {
        if first.hallpass_audit != FORM {
            return Err(
                self.bad("this form of log is not known here; a newer hallpass may know it")
            );
        }
        let hash = unhex(&first.hash).filter(|hash| match first.after {
            0 => *hash == beginning(),
            after => (1..i64::MAX / 2).contains(&after),
        });
        let hash =
            hash.ok_or_else(|| self.bad("this is no beginning of a chain: it was changed"))?;
        self.first = first.after + 1;
        self.last = Some((first.after, hash));
        Ok(())
    }

    fn row(&mut self, row: Row, number: i64, before: &Digest) -> Result<(), Bad> {
        if self.proven.unsealed > 0 {
            return Err(self.bad_row(&row, "it comes after rows that are not sealed: it was moved"));
        }
        let n = row.n.unwrap_or_default();
        if n > number + 1 {
            let what = format!("row {} should stand here: it was removed or moved", number + 1);
            return Err(self.bad_row(&row, what));
        }
        if n <= number {
            let what = format!("row {} should stand here: this was inserted or moved", number + 1);
            return Err(self.bad_row(&row, what));
        }
        let hash = chained(before, &row);
        if row.hash.as_deref() != Some(&*hex(&hash)) {
            let what = "its hash is not the one over its text and the row before: it was changed";
            return Err(self.bad_row(&row, what));
        }
        if row.action == KEY_ADDED && self.announced.len() < MOST_ANNOUNCED {
            self.announced.push(Jwk {
                kty: "OKP".to_owned(),
                crv: "Ed25519".to_owned(),
                x: row.detail.unwrap_or_default(),
                kid: row.subject,
            });
        }
        self.last = Some((n, hash));
        Ok(())
    }

    fn unsealed(&mut self, row: Row, number: i64) -> Result<(), Bad> {
        self.must_be_proven(number)?;
        if row.hash.is_some() {
            return Err(self.bad_row(&row, "it has a hash and no number: it was changed"));
        }
        self.proven.unsealed += 1;
        self.proven.first_unsealed.get_or_insert(row.id);
        Ok(())
    }

    fn key(&mut self, KeyLine { key }: KeyLine) -> Result<(), Bad> {
        if self.key_is_idle {
            return Err(self.bad("the key before it signed nothing: it was inserted"));
        }
        if let Some(pinned) = &self.pinned
            && !pinned.keys.contains(&key)
        {
            let id = presentable(&key.kid, 40);
            return Err(self.bad(format!("the key {id} is none of those that are trusted")));
        }
        self.key = Some(key);
        self.key_is_idle = true;
        Ok(())
    }

    fn checkpoint(&mut self, line: &CheckpointLine, number: i64, hash: &Digest) -> Result<(), Bad> {
        if self.proven.unsealed > 0 {
            return Err(self.bad("a checkpoint comes after rows that are not sealed: it was moved"));
        }
        let proven = self.proven.rows.map_or(self.first - 1, |(_, last)| last);
        if line.checkpoint > number {
            let what = format!("row {} should stand before this: it was removed", number + 1);
            return Err(self.bad(what));
        }
        if line.checkpoint < number || number == proven {
            return Err(self.bad("this checkpoint does not belong here: it was moved or repeated"));
        }
        if line.hash != hex(hash) {
            let what = format!(
                "it is signed for another hash: a row between {} and {number} was changed, and its hash with it",
                proven + 1
            );
            return Err(self.bad(what));
        }
        let Some(key) = self.key.as_ref().filter(|key| key.kid == line.key) else {
            return Err(self.bad("its key is missing: it was changed"));
        };
        if !is_signed(key, line) {
            return Err(self.bad("its signature is wrong: this checkpoint or its key was changed"));
        }
        if !self.proven.keys.contains(&line.key) {
            self.proven.keys.push(line.key.clone());
        }
        self.follow();
        self.key_is_idle = false;
        self.proven.rows = Some((self.first, number));
        self.proven.checkpoints += 1;
        self.proven.signed_at = Some(line.at.clone());
        Ok(())
    }

    /// Trusts the keys that the rows announce which a trusted key has just signed.
    fn follow(&mut self) {
        let announced = std::mem::take(&mut self.announced);
        let Some(pinned) = &mut self.pinned else { return };
        for key in announced {
            if !pinned.keys.contains(&key) {
                self.proven.announced.push(key.kid.clone());
                pinned.keys.push(key);
            }
        }
    }

    fn last_line(&mut self, last: &Last, number: i64) -> Result<(), Bad> {
        self.must_be_proven(number)?;
        if last.end != number || last.unsealed != self.proven.unsealed {
            let what = format!(
                "the log ended at row {} with {} rows not sealed, and the file ends at row {number} with {}",
                last.end, last.unsealed, self.proven.unsealed
            );
            return Err(self.bad(what));
        }
        self.ended = true;
        Ok(())
    }

    /// All rows so far are proved by a checkpoint.
    fn must_be_proven(&self, number: i64) -> Result<(), Bad> {
        let proven = self.proven.rows.map_or(self.first - 1, |(_, last)| last);
        if number > proven {
            let what = format!(
                "the checkpoint over the rows {} to {number} should stand before this: it was removed",
                proven + 1
            );
            return Err(self.bad(what));
        }
        if self.key_is_idle {
            return Err(self.bad("the key before this signed nothing: it was inserted"));
        }
        Ok(())
    }
}

fn is_signed(key: &Jwk, line: &CheckpointLine) -> bool {
    let (Ok(public), Ok(signature)) =
        (URL_SAFE_NO_PAD.decode(&key.x), URL_SAFE_NO_PAD.decode(&line.signature))
    else {
        return false;
    };
    let text = signed(line.checkpoint, &line.at, &line.hash, &line.key);
    (key.kty == "OKP" && key.crv == "Ed25519")
        && UnparsedPublicKey::new(&ED25519, public).verify(text.as_bytes(), &signature).is_ok()
}
