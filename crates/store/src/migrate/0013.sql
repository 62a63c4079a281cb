-- The token through which an agent was started, if that was not its owner in person: a broker's.
-- Those below it have the same one. With the token they end.
ALTER TABLE agents ADD COLUMN broker_id TEXT;
CREATE INDEX agents_of_broker ON agents (broker_id) WHERE broker_id IS NOT NULL;

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
CREATE INDEX approvals_by_expiry ON approvals (expires_at);
CREATE INDEX approvals_of_agent ON approvals (agent_id);
