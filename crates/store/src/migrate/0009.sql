-- Trust in outside issuers: who is let in, and who was.

-- Which outside identities are let in, and what they get. Conditions are JSON.
CREATE TABLE trust_policies (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    issuer TEXT NOT NULL,
    platform TEXT NOT NULL,
    conditions TEXT NOT NULL,
    pin_first_use BOOLEAN NOT NULL,
    permissions TEXT NOT NULL,
    ttl BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    ended_at BIGINT
);
CREATE INDEX trust_policies_of_issuer ON trust_policies (issuer) WHERE ended_at IS NULL;
CREATE INDEX trust_policies_of_place ON trust_policies (org_id, project_id) WHERE ended_at IS NULL;

-- The id behind a name, given or seen at first use: it never changes.
CREATE TABLE trust_pins (
    policy_id TEXT NOT NULL REFERENCES trust_policies (id),
    claim TEXT NOT NULL,
    name TEXT NOT NULL,
    id_claim TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (policy_id, claim, name)
);

-- Who was let in. The id is that of the pass.
CREATE TABLE trust_exchanges (
    id TEXT PRIMARY KEY NOT NULL,
    policy_id TEXT NOT NULL REFERENCES trust_policies (id),
    org_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    subject TEXT NOT NULL,
    scope TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT
);
CREATE INDEX trust_exchanges_of_policy ON trust_exchanges (policy_id, expires_at);
CREATE INDEX trust_exchanges_of_org ON trust_exchanges (org_id, id);
CREATE INDEX trust_exchanges_by_time ON trust_exchanges (at);

-- Who was not. Equal ones are one row, with their number.
CREATE TABLE trust_denied (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL,
    project_id TEXT,
    fingerprint BYTEA NOT NULL,
    first_at BIGINT NOT NULL,
    at BIGINT NOT NULL,
    count BIGINT NOT NULL,
    issuer TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    alarm BOOLEAN NOT NULL,
    address TEXT,
    claims TEXT NOT NULL,
    UNIQUE (org_id, fingerprint)
);
CREATE INDEX trust_denied_by_time ON trust_denied (org_id, at);
