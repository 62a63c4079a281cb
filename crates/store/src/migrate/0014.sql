-- The pass of a job is a JWT, checked by its grant, which is its row here: job_… and grt_… have
-- one number.
ALTER TABLE trust_exchanges ADD COLUMN client_id TEXT REFERENCES clients (id);
ALTER TABLE trust_exchanges ADD COLUMN role TEXT;
ALTER TABLE trust_exchanges ADD COLUMN ended_at BIGINT;

-- Passes that were looked up end with the upgrade; a job that is under way asks for another one.
UPDATE trust_exchanges SET ended_at =
    (SELECT c.revoked_at FROM credentials c WHERE c.id = trust_exchanges.id);
UPDATE trust_exchanges SET id = 'job_' || substr(id, 5);
DELETE FROM credentials WHERE kind = 'workload';
