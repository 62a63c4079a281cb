//! The lines of an exported log, and what is hashed and signed. A line has one spelling: what
//! is read is written again and compared, so not a byte of it can be changed unnoticed.

use hallpass_core::wire::audit::{Jwk, Row};
use hallpass_core::{Digest, Timestamp};
use hallpass_store::{AuditRow, Checkpoint};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The form that is written here.
pub(super) const FORM: u32 = 1;

/// How an export begins: the chain goes on after the row `after`, whose hash is `hash`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct First {
    pub(super) hallpass_audit: u32,
    pub(super) after: i64,
    pub(super) hash: String,
}

/// The key of the checkpoints that follow.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyLine {
    pub(super) key: Jwk,
}

/// A signature over everything up to the row `checkpoint`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckpointLine {
    pub(super) checkpoint: i64,
    pub(super) at: String,
    pub(super) hash: String,
    pub(super) key: String,
    pub(super) signature: String,
}

/// How an export ends: at the row `end`, and after so many that are not sealed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Last {
    pub(super) end: i64,
    pub(super) unsealed: u64,
}

/// A line as it is written, without its end.
pub(super) fn write<T: Serialize>(line: &T) -> String {
    // Texts and numbers always have a JSON.
    serde_json::to_string(line).unwrap_or_default()
}

/// A line that is written exactly so.
pub(super) fn read<T: Serialize + DeserializeOwned>(line: &str) -> Option<T> {
    let read: T = serde_json::from_str(line).ok()?;
    (write(&read) == line).then_some(read)
}

/// A row as it is written.
pub(super) fn row(row: &AuditRow) -> Row {
    let (n, hash) = row.link.unzip();
    Row {
        n,
        id: row.id.to_string(),
        at: row.at.to_rfc3339_millis(),
        actor: row.actor.clone(),
        action: row.action.clone(),
        subject: row.subject.clone(),
        org: row.org_id.clone(),
        client: row.client_id.clone(),
        address: row.address.clone(),
        detail: row.detail.clone(),
        hash: hash.map(|hash| hex(&hash)),
    }
}

/// The hash over `row` and everything before it, whose hash is `before`.
pub(super) fn chained(before: &Digest, row: &Row) -> Digest {
    let text = write(&Row { hash: None, ..row.clone() });
    Digest::of(&[before.as_bytes().as_slice(), text.as_bytes()].concat())
}

/// The hash before the first row.
pub(super) const fn beginning() -> Digest {
    Digest::from_bytes([0; 32])
}

/// What is signed.
pub(super) fn signed(number: i64, at: &str, hash: &str, key: &str) -> String {
    format!("hallpass audit checkpoint v1\n{number}\n{at}\n{hash}\n{key}\n")
}

/// What is signed, when a checkpoint is made.
pub(super) fn to_sign(number: i64, at: Timestamp, hash: &Digest, key: &str) -> String {
    signed(number, &at.to_rfc3339_millis(), &hex(hash), key)
}

pub(super) fn checkpoint(it: &Checkpoint) -> CheckpointLine {
    use base64::Engine as _;
    CheckpointLine {
        checkpoint: it.number,
        at: it.at.to_rfc3339_millis(),
        hash: hex(&it.hash),
        key: it.key.to_string(),
        signature: base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&it.signature),
    }
}

pub(super) fn hex(digest: &Digest) -> String {
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest that is written so, in lower case.
pub(super) fn unhex(text: &str) -> Option<Digest> {
    let mut bytes = [0; 32];
    let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if text.len() != 64 || !text.bytes().all(plain) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(Digest::from_bytes(bytes))
}
