-- Agents: programs that a person lent a part of what they may do. Their grant is one of the
-- owner's, so all that ends the owner's grants ends theirs; what they are called stands in it,
-- because whoever checks a token reads no more than the grant.
ALTER TABLE grants ADD COLUMN agent TEXT;

-- depth: how many levels of agents may still come below it. root_id: the agent that its tree
-- begins with, which is held by whoever adds to the tree or stops a part of it.
CREATE TABLE agents (
    id TEXT PRIMARY KEY NOT NULL REFERENCES principals (id),
    owner_id TEXT NOT NULL REFERENCES users (id),
    project_id TEXT REFERENCES projects (id),
    grant_id TEXT NOT NULL UNIQUE REFERENCES grants (id),
    parent_id TEXT REFERENCES agents (id),
    root_id TEXT NOT NULL,
    depth BIGINT NOT NULL,
    name TEXT NOT NULL,
    ttl BIGINT NOT NULL,
    started_by TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    report TEXT,
    progress BIGINT,
    reported_at BIGINT
);
CREATE INDEX agents_of_owner ON agents (owner_id, id);
CREATE INDEX agents_of_parent ON agents (parent_id) WHERE parent_id IS NOT NULL;
