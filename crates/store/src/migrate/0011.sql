-- Who somebody is whom an outside issuer signs in: issuer and subject together, byte for byte
-- (OIDC Core, 5.7). An e-mail address is never it.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_of_user ON identities (user_id);
