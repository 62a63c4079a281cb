-- Keys and mail.

-- Mail that waits to be sent; what was sent is deleted. Texts are sealed, for one may be a
-- link that lets somebody in.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL
);
CREATE INDEX outbox_by_due ON outbox (due_at);

-- A name belongs to one key of a project, or of an organization itself: the one that was
-- neither revoked nor rotated.
CREATE UNIQUE INDEX credentials_by_key_name
    ON credentials (org_id, COALESCE(project_id, ''), name)
    WHERE kind IN ('project_key', 'org_key') AND revoked_at IS NULL AND overlap_until IS NULL;
CREATE INDEX credentials_of_keys ON credentials (org_id, id)
    WHERE kind IN ('project_key', 'org_key');
CREATE INDEX credentials_by_maker ON credentials (created_by)
    WHERE kind IN ('project_key', 'org_key');

-- Who has been told that a credential ends, and how near its end was then, in days. Another
-- end is told anew.
CREATE TABLE expiry_told (
    token_id TEXT PRIMARY KEY NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    days BIGINT NOT NULL
);
