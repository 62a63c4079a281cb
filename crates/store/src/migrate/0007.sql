-- A row of the audit log says which organization it belongs to, and is chained once it is
-- committed: its number, and the hash over it and all rows before it.
ALTER TABLE audit ADD COLUMN org_id TEXT;
ALTER TABLE audit ADD COLUMN number BIGINT;
ALTER TABLE audit ADD COLUMN hash BYTEA;
UPDATE audit SET org_id = subject WHERE substr(subject, 1, 4) = 'org_';
UPDATE audit SET org_id = (SELECT p.org_id FROM projects p WHERE p.id = audit.subject)
    WHERE substr(subject, 1, 4) = 'prj_';
UPDATE audit SET org_id = (SELECT c.org_id FROM credentials c WHERE c.id = audit.subject)
    WHERE substr(subject, 1, 4) = 'tok_';
UPDATE audit SET org_id = substr(detail, 1, 30)
    WHERE action IN ('member.set', 'member.remove') AND substr(detail, 1, 4) = 'org_';
CREATE INDEX audit_unsealed ON audit (seq) WHERE number IS NULL;
CREATE UNIQUE INDEX audit_by_number ON audit (number) WHERE number IS NOT NULL;
CREATE INDEX audit_of_org ON audit (org_id, seq) WHERE org_id IS NOT NULL;
CREATE INDEX audit_by_time ON audit (at, seq);

-- How far the log is chained. One row: whoever moves it on, seals.
CREATE TABLE audit_head (
    id BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    number BIGINT NOT NULL,
    hash BYTEA
);
INSERT INTO audit_head (id, number) VALUES (1, 0);

-- What was signed: the hash of all rows up to this one.
CREATE TABLE audit_checkpoints (
    number BIGINT PRIMARY KEY NOT NULL,
    at BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    signature BYTEA NOT NULL
);
CREATE TABLE audit_keys (
    id TEXT PRIMARY KEY NOT NULL,
    public BYTEA NOT NULL,
    sealed_private BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
