//! A refresh token is rotated (RFC 6749 §6, RFC 9700 §4.14).
