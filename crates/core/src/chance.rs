//! Randomness as an argument, so that a test can decide what chance brings.

/// A source of random bytes.
///
/// The server's and the client's sources are the operating system's; a test may
/// bring a counter.
pub trait Random: Send + Sync {
    /// Fills `bytes` with unpredictable bytes.
    ///
    /// A source that cannot deliver must panic: going on with predictable
    /// bytes would be worse.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` random bytes from `random`.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
