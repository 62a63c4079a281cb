//! Counting wrong guesses.
