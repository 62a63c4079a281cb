-- Sender-constrained grants (RFC 9449).

-- The key that a grant's refresh tokens are bound to; null: to none.
ALTER TABLE grants ADD COLUMN jkt TEXT;
-- The key that alone may redeem a device code.
ALTER TABLE devices ADD COLUMN jkt TEXT;
-- Whether every token request of a client needs a proof (dpop_bound_access_tokens, section 5.2).
ALTER TABLE clients ADD COLUMN dpop_required BOOLEAN NOT NULL DEFAULT FALSE;

-- Proofs that were used, until they are of no use any more: what must not be seen twice.
CREATE TABLE proofs (
    digest BYTEA PRIMARY KEY NOT NULL,
    until BIGINT NOT NULL
);
CREATE INDEX proofs_by_end ON proofs (until);

-- A copy of a grant's refresh token was presented without its key: the last time, for the
-- person to see.
CREATE TABLE copies (
    grant_id TEXT PRIMARY KEY NOT NULL REFERENCES grants (id),
    at BIGINT NOT NULL,
    address TEXT
);
