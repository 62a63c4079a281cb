-- Actions that an agent asks its owner to approve. details is in its one spelling (RFC 8785), and
-- digest the SHA-256 of it. expires_at: until when it can be decided; once approved, used.
CREATE TABLE approvals (
    id TEXT PRIMARY KEY NOT NULL,
    agent_id TEXT NOT NULL REFERENCES agents (id),
    owner_id TEXT NOT NULL REFERENCES users (id),
    details TEXT NOT NULL,
    digest BYTEA NOT NULL,
    resources TEXT NOT NULL,
    reason TEXT,
    interval_secs BIGINT NOT NULL,
    polled_at BIGINT,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    decided_at BIGINT,
    used_at BIGINT,
    used_by TEXT
);
CREATE INDEX approvals_of_owner ON approvals (owner_id, id);
CREATE INDEX approvals_of_agent ON approvals (agent_id);
