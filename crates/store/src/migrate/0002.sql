-- Tokens that people make, and tokens of an older system.

-- Nothing had been kept here yet, so it is made anew: a scope may be absent, a token may be
-- narrowed to projects, a key's role goes with it, and the token that took over from another
-- outlives it.
DROP TABLE credentials;
CREATE TABLE credentials (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    digest BYTEA NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    last_four TEXT NOT NULL,
    principal_id TEXT NOT NULL REFERENCES principals (id),
    org_id TEXT REFERENCES orgs (id),
    project_id TEXT REFERENCES projects (id),
    role TEXT,
    grant_id TEXT REFERENCES grants (id),
    name TEXT NOT NULL,
    scope TEXT,
    projects TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    last_used_address TEXT,
    rotated_from TEXT,
    overlap_until BIGINT,
    revoked_at BIGINT,
    revoke_reason TEXT
);
-- A name belongs to one token of a person: the one that was not revoked and not rotated.
CREATE UNIQUE INDEX credentials_by_name ON credentials (principal_id, name)
    WHERE kind = 'personal' AND revoked_at IS NULL AND overlap_until IS NULL;
CREATE INDEX credentials_of_principal ON credentials (principal_id, id);
CREATE INDEX credentials_of_project ON credentials (project_id, id) WHERE project_id IS NOT NULL;
CREATE INDEX credentials_by_end ON credentials (COALESCE(revoked_at, overlap_until, expires_at));

-- Salted hashes of legacy tokens, found by a part of the text until somebody presents it. They
-- stay, so that a token that is imported again is recognized.
CREATE TABLE legacy_hashes (
    credential_id TEXT PRIMARY KEY NOT NULL REFERENCES credentials (id),
    lookup TEXT NOT NULL,
    phc TEXT NOT NULL,
    adopted BOOLEAN NOT NULL
);
CREATE INDEX legacy_hashes_by_lookup ON legacy_hashes (lookup);

-- The image of the store is read in the order of ids, past the grants of personal tokens.
CREATE INDEX grants_of_clients ON grants (id) WHERE client_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX memberships_of_principal ON memberships (principal_id);
CREATE INDEX tombstones_until ON tombstones (until) WHERE until IS NOT NULL;
-- Guards are told what is newer than what they know.
CREATE INDEX tombstones_by_epoch ON tombstones (epoch);
