//! An exported audit log is proved, without any server or database.

use std::io::{self, BufRead, Read as _};

use hallpass_core::wire::audit::Jwks;
pub use hallpass_issuer::audit::verify::{Bad, Proven};
use hallpass_issuer::audit::verify::{MAX_LINE, Verifier, is_part};

/// A table and what a search found have no seals.
const PART: &str = "it holds rows without their seals, as a CSV or what a search found does; only a whole export in NDJSON can be proved";

/// Proves what is read, line by line. Memory does not grow with it.
pub fn verify(mut log: impl BufRead, pinned: Option<Jwks>) -> io::Result<Result<Proven, Bad>> {
    let mut verifier = Verifier::new(pinned);
    let mut line = Vec::new();
    let mut first = true;
    loop {
        line.clear();
        (&mut log).take(MAX_LINE as u64).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(verifier.end());
        }
        if std::mem::take(&mut first) && is_part(&line) {
            return Err(io::Error::other(PART));
        }
        if let Err(bad) = verifier.line(&line) {
            return Ok(Err(bad));
        }
    }
}

/// The keys in a file: a JWK set (RFC 7517 §5), as `admin audit keys` prints it.
pub fn keys(text: &str) -> Option<Jwks> {
    serde_json::from_str::<Jwks>(text).ok().filter(|set| !set.keys.is_empty())
}
