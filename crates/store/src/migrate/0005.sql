-- Organizations: invitations, and addresses that were given up.

-- A link that gives somebody a role. It is used once, and its secret is not here.
CREATE TABLE invitations (
    id TEXT PRIMARY KEY NOT NULL,
    digest BYTEA NOT NULL UNIQUE,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    project_id TEXT REFERENCES projects (id),
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    inviter_id TEXT NOT NULL REFERENCES users (id),
    mailed BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    end_reason TEXT
);
CREATE INDEX invitations_of_org ON invitations (org_id, id) WHERE ended_at IS NULL;
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

-- Whoever still asks for an old address means the one that had it: nobody else gets it.
CREATE TABLE former_orgs (
    slug TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    at BIGINT NOT NULL
);
CREATE TABLE former_projects (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    slug TEXT NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id),
    at BIGINT NOT NULL,
    PRIMARY KEY (org_id, slug)
);
CREATE INDEX memberships_of_project ON memberships (project_id) WHERE project_id IS NOT NULL;
