//! The log goes out, portion by portion: whole, as lines that prove themselves
//! ([`super::verify`]), or what was looked for, as lines or as CSV.

use hallpass_core::Timestamp;
use hallpass_core::wire::audit::Row;
use hallpass_store::AuditFilter;
use serde::{Deserialize, Serialize};

use super::line::{self, CheckpointLine, FORM, First, KeyLine, Last, beginning, hex};
use super::seal::jwk;
use crate::{Error, Issuer};

/// Rows in one portion.
const PORTION: u32 = 500;

/// Where an export goes on. It can be kept between two portions, and by another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Export(Stage);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// Before the first line.
    First {
        after: i64,
        last: i64,
        tail: bool,
    },
    /// Rows of the chain up to `last`, and their checkpoints.
    Chain {
        after: i64,
        last: i64,
        tail: bool,
        key: Option<String>,
    },
    /// Rows that are not sealed.
    Tail {
        end: i64,
        after: i64,
        count: u64,
    },
    Over,
}

/// How rows that were looked for are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// One JSON object a line.
    Ndjson,
    /// RFC 4180, with a first line of names.
    Csv,
}

impl Form {
    /// `ndjson` or `csv`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ndjson" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    /// What a file of it ends in.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// What stands before the first row.
    pub const fn head(self) -> &'static str {
        match self {
            Self::Ndjson => "",
            Self::Csv => super::csv::HEAD,
        }
    }

    /// A row.
    pub fn row(self, row: &Row) -> String {
        match self {
            Self::Ndjson => line::write(row) + "\n",
            Self::Csv => super::csv::line(row),
        }
    }
}

impl Issuer {
    /// Begins to export the log, whole or from about `since` to about `until`: what is asked
    /// for is in it, and what else is needed to prove it. Everything that is committed by now
    /// is sealed first.
    pub async fn export_audit(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Export, Error> {
        self.seal_audit().await?;
        let audit = self.0.store.audit();
        let head = audit.head().await?.number;
        let (mut after, mut last) = (0, head);
        if since.is_some() || until.is_some() {
            let from = since.unwrap_or(Timestamp::from_millis(i64::MIN));
            let to = until.unwrap_or(Timestamp::from_millis(i64::MAX));
            match audit.between(from, to).await? {
                Some((first, to)) => {
                    after = first - 1;
                    // Up to the signature over the last of them.
                    let next = audit.checkpoints(to - 1, 1).await?;
                    last = next.first().map_or(head, |checkpoint| checkpoint.number);
                }
                None => after = head,
            }
        }
        Ok(Export(Stage::First { after, last, tail: until.is_none() }))
    }

    /// The next portion, whole lines; `None` after the last.
    pub async fn export_audit_on(&self, export: &mut Export) -> Result<Option<String>, Error> {
        let (text, next) = match export.0.clone() {
            Stage::First { after, last, tail } => self.export_first(after, last, tail).await?,
            Stage::Chain { after, last, tail, key } => {
                self.export_chain(after, last, tail, key).await?
            }
            Stage::Tail { end, after, count } => self.export_tail(end, after, count).await?,
            Stage::Over => return Ok(None),
        };
        export.0 = next;
        Ok(Some(text))
    }

    async fn export_first(
        &self,
        after: i64,
        last: i64,
        tail: bool,
    ) -> Result<(String, Stage), Error> {
        let before = match after {
            0 => None,
            _ => self.0.store.audit().sealed(after - 1, 1).await?.into_iter().next(),
        };
        let hash = before.and_then(|row| row.link).map_or(beginning(), |(_, hash)| hash);
        let first = First { hallpass_audit: FORM, after, hash: hex(&hash) };
        Ok((line::write(&first) + "\n", Stage::Chain { after, last, tail, key: None }))
    }

    async fn export_chain(
        &self,
        after: i64,
        last: i64,
        tail: bool,
        mut key: Option<String>,
    ) -> Result<(String, Stage), Error> {
        let audit = self.0.store.audit();
        let mut rows = audit.sealed(after, PORTION).await?;
        rows.retain(|row| row.link.is_some_and(|(n, _)| n <= last));
        // If rows are missing, what was signed over them is still written: it will tell.
        let reached = match rows.last().and_then(|row| row.link) {
            Some((n, _)) if rows.len() == PORTION as usize => n,
            _ => last,
        };
        let keys = audit.keys().await?;
        let mut checkpoints = Vec::new();
        let mut from = after;
        loop {
            let portion = audit.checkpoints(from, PORTION).await?;
            let Some(end) = portion.last().map(|it| it.number) else { break };
            checkpoints.extend(portion.into_iter().filter(|it| it.number <= reached));
            if end > reached {
                break;
            }
            from = end;
        }
        let mut text = String::new();
        let mut push = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        let mut checkpoints = checkpoints.iter().peekable();
        let mut rows = rows.iter().map(line::row).peekable();
        while rows.peek().is_some() || checkpoints.peek().is_some() {
            let next = checkpoints.peek().map_or(i64::MAX, |it| it.number);
            if let Some(row) = rows.next_if(|row| row.n.unwrap_or_default() <= next) {
                push(line::write(&row));
                continue;
            }
            let Some(checkpoint) = checkpoints.next() else { break };
            let signed: CheckpointLine = line::checkpoint(checkpoint);
            if key.as_ref() != Some(&signed.key) {
                if let Some(found) = keys.iter().find(|it| it.id == checkpoint.key) {
                    push(line::write(&KeyLine { key: jwk(found) }));
                }
                key = Some(signed.key.clone());
            }
            push(line::write(&signed));
        }
        let next = match (reached < last, tail) {
            (true, _) => Stage::Chain { after: reached, last, tail, key },
            (false, true) => Stage::Tail { end: last, after: 0, count: 0 },
            (false, false) => {
                push(line::write(&Last { end: last, unsealed: 0 }));
                Stage::Over
            }
        };
        Ok((text, next))
    }

    async fn export_tail(
        &self,
        end: i64,
        after: i64,
        count: u64,
    ) -> Result<(String, Stage), Error> {
        let rows = self.0.store.audit().unsealed(after, PORTION).await?;
        let mut text: String = rows.iter().map(|row| line::write(&line::row(row)) + "\n").collect();
        let count = count + rows.len() as u64;
        let next = match rows.last() {
            Some(last) if rows.len() == PORTION as usize => {
                Stage::Tail { end, after: last.seq, count }
            }
            _ => {
                text.push_str(&(line::write(&Last { end, unsealed: count }) + "\n"));
                Stage::Over
            }
        };
        Ok((text, next))
    }

    /// Rows that were looked for, the newest first, and where to go on.
    pub async fn export_rows(
        &self,
        form: Form,
        filter: &AuditFilter,
        before: Option<i64>,
    ) -> Result<(String, Option<i64>), Error> {
        let filter = self.by_ids(filter).await?;
        let found = self.0.store.audit().search(&filter, before, PORTION).await?;
        let head = if before.is_none() { form.head() } else { "" };
        let rows = found.rows.iter().map(|row| form.row(&line::row(row)));
        Ok((std::iter::once(head.to_owned()).chain(rows).collect(), found.next))
    }
}
