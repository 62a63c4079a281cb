-- All nouns of the first design, so that later work finds them.
-- Times are Unix milliseconds. Secrets are SHA-256 digests or sealed. Lists are JSON.

-- Whoever can act: user, agent, workload, key.
CREATE TABLE principals (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL REFERENCES principals (id),
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    admin BOOLEAN NOT NULL,
    password TEXT
);

CREATE TABLE orgs (
    id TEXT PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE projects (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    UNIQUE (org_id, slug)
);

-- A role in an organization (project_id is null) or in one of its projects.
CREATE TABLE memberships (
    principal_id TEXT NOT NULL REFERENCES principals (id),
    org_id TEXT NOT NULL REFERENCES orgs (id),
    project_id TEXT REFERENCES projects (id),
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX memberships_in_org ON memberships (principal_id, org_id)
    WHERE project_id IS NULL;
CREATE UNIQUE INDEX memberships_in_project ON memberships (principal_id, project_id)
    WHERE project_id IS NOT NULL;
CREATE INDEX memberships_of_org ON memberships (org_id, project_id);

CREATE TABLE clients (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    secret BYTEA,
    redirect_uris TEXT NOT NULL,
    post_logout_redirect_uris TEXT NOT NULL,
    grant_types TEXT NOT NULL,
    scopes TEXT NOT NULL,
    pkce_required BOOLEAN NOT NULL,
    id_token_alg TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE resources (
    id TEXT PRIMARY KEY NOT NULL,
    uri TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Which client may introspect tokens for which resource.
CREATE TABLE resource_callers (
    client_id TEXT NOT NULL REFERENCES clients (id),
    resource_id TEXT NOT NULL REFERENCES resources (id),
    PRIMARY KEY (client_id, resource_id)
);

-- The root of one authorization. A personal token's grant has no client.
CREATE TABLE grants (
    id TEXT PRIMARY KEY NOT NULL,
    principal_id TEXT NOT NULL REFERENCES principals (id),
    client_id TEXT REFERENCES clients (id),
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    resources TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    session_id TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    ended_at BIGINT,
    end_reason TEXT,
    last_used_at BIGINT,
    address TEXT,
    reported_host TEXT,
    reported_user TEXT,
    reported_command TEXT
);
CREATE INDEX grants_live ON grants (principal_id) WHERE ended_at IS NULL;

CREATE TABLE codes (
    digest BYTEA PRIMARY KEY NOT NULL,
    grant_id TEXT NOT NULL REFERENCES grants (id),
    redirect_uri TEXT NOT NULL,
    challenge TEXT,
    nonce TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    spent_at BIGINT
);
CREATE INDEX codes_by_expiry ON codes (expires_at);

CREATE TABLE devices (
    id TEXT PRIMARY KEY NOT NULL,
    device_digest BYTEA NOT NULL UNIQUE,
    user_code_digest BYTEA NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (id),
    scope TEXT NOT NULL,
    resources TEXT NOT NULL,
    interval_secs BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    status TEXT NOT NULL,
    polled_at BIGINT,
    grant_id TEXT REFERENCES grants (id),
    address TEXT,
    reported_host TEXT,
    reported_user TEXT,
    reported_command TEXT
);
CREATE INDEX devices_by_expiry ON devices (expires_at);
CREATE INDEX devices_by_user_code ON devices (user_code_digest) WHERE status = 'pending';
CREATE INDEX devices_pending ON devices (expires_at) WHERE status = 'pending';

-- Of a spent token: its successor, and that one's text sealed under the spent one.
CREATE TABLE refresh (
    digest BYTEA PRIMARY KEY NOT NULL,
    grant_id TEXT NOT NULL REFERENCES grants (id),
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    spent_at BIGINT,
    successor BYTEA,
    sealed BYTEA
);
CREATE INDEX refresh_by_expiry ON refresh (expires_at);
CREATE INDEX refresh_sealed ON refresh (spent_at) WHERE sealed IS NOT NULL;

-- Long-lived credentials: personal tokens, keys of projects and organizations, tokens
-- of an older system. During an overlap a rotated one is good until overlap_until.
CREATE TABLE credentials (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    digest BYTEA NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    last_four TEXT NOT NULL,
    principal_id TEXT NOT NULL REFERENCES principals (id),
    org_id TEXT REFERENCES orgs (id),
    project_id TEXT REFERENCES projects (id),
    grant_id TEXT REFERENCES grants (id),
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    last_used_address TEXT,
    rotated_from TEXT REFERENCES credentials (id),
    overlap_until BIGINT,
    revoked_at BIGINT,
    revoke_reason TEXT
);
CREATE INDEX credentials_of_principal ON credentials (principal_id) WHERE revoked_at IS NULL;
CREATE INDEX credentials_of_org ON credentials (org_id, project_id)
    WHERE revoked_at IS NULL AND org_id IS NOT NULL;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    digest BYTEA NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    auth_time BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT,
    user_agent TEXT,
    ended_at BIGINT
);
CREATE INDEX sessions_of_user ON sessions (user_id, address);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- What was revoked, and at which epoch. Overwritten, not deleted.
CREATE TABLE tombstones (
    subject TEXT PRIMARY KEY NOT NULL,
    epoch BIGINT NOT NULL,
    at BIGINT NOT NULL,
    until BIGINT
);

-- One row: it grows with every revocation.
CREATE TABLE epoch (
    id BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    value BIGINT NOT NULL
);
INSERT INTO epoch (id, value) VALUES (1, 0);

CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY NOT NULL,
    alg TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_private BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    signs_until BIGINT,
    published_until BIGINT
);

CREATE TABLE settings (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- Failed attempts, counted by the second.
CREATE TABLE failures (
    key TEXT NOT NULL,
    second BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (key, second)
);
CREATE INDEX failures_by_second ON failures (second);
