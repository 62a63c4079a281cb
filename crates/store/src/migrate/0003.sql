-- What somebody else did with a person's token: the last of it, for the person to see. An older
-- hallpass writes nothing here, and reads nothing.
CREATE TABLE token_changes (
    owner_id TEXT NOT NULL REFERENCES users (id),
    token_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    what TEXT NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (owner_id, token_id)
);
CREATE INDEX token_changes_of_token ON token_changes (token_id);
