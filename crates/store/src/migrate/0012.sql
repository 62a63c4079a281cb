-- Secrets for a person's agents, sealed: for one run (which: its id), for all of a name, or for all
-- in a project (which: its id).
CREATE TABLE agent_secrets (
    owner_id TEXT NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL,
    which TEXT NOT NULL,
    name TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    generation BIGINT NOT NULL,
    set_at BIGINT NOT NULL,
    read_at BIGINT,
    PRIMARY KEY (owner_id, kind, which, name)
);
CREATE INDEX agent_secrets_of_generation ON agent_secrets (generation);
CREATE INDEX agent_secrets_of_run ON agent_secrets (which) WHERE kind = 'run';
