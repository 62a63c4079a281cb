//! JWTs: ours are written, and others are refused, strictly.

/// Why a text is none of our JWTs. It never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJwt {
    /// Not three canonical base64url parts, or too long.
    #[error("it is not a JWT")]
    Shape,
}
