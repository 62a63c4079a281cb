//! argon2id, a few at a time.

/// Shortest password, in characters.
pub const MIN_CHARS: usize = 8;
/// Longest password, in bytes.
pub const MAX_BYTES: usize = 1024;

/// Why a password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Fewer than [`MIN_CHARS`] characters.
    #[error("a password needs at least {MIN_CHARS} characters")]
    TooShort,
    /// More than [`MAX_BYTES`] bytes.
    #[error("a password can have at most {MAX_BYTES} bytes")]
    TooLong,
}
