-- Conversations, their messages, the events of answers, and what they cost.

CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces,
    title text NOT NULL,
    archived boolean NOT NULL DEFAULT false,
    -- The whole conversation as the domain type writes it.
    record jsonb NOT NULL
);
CREATE INDEX conversations_by_workspace ON conversations (workspace_id, id DESC);
CREATE INDEX conversations_by_words ON conversations USING gin (to_tsvector('simple', title));

CREATE TABLE messages (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    -- Absent: it begins the conversation. No reference: a branch goes as a whole.
    parent_id uuid,
    -- STREAMING, COMPLETE, STOPPED, FAILED, INTERRUPTED
    state text NOT NULL,
    -- The server that generates it, and that server's start. Nobody else writes
    -- the row while it is STREAMING.
    node_id uuid NOT NULL,
    fence bigint NOT NULL,
    -- Until when the node is believed to be alive, while STREAMING.
    lease_time timestamptz,
    -- Tokens set aside of which day's budget, while STREAMING.
    reserved_tokens bigint NOT NULL DEFAULT 0,
    reserved_day date,
    content text NOT NULL,
    -- The whole message but its content and the data of its images, as the
    -- domain type writes it.
    record jsonb NOT NULL
);
CREATE INDEX messages_by_conversation ON messages (conversation_id, id DESC);
CREATE INDEX messages_streaming ON messages (node_id) WHERE state = 'STREAMING';
-- The first 100,000 letters: a tsvector has an end.
CREATE INDEX messages_by_words ON messages USING gin (to_tsvector('simple', left(content, 100000)));

CREATE TABLE message_images (
    message_id uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
    position integer NOT NULL,
    media_type text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (message_id, position)
);

-- The events of an answer, many a row: one line each, as in the segment files.
CREATE TABLE message_events (
    message_id uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    lines text NOT NULL,
    PRIMARY KEY (message_id, first_sequence)
);

-- What models took and gave, by day (UTC) and model.
CREATE TABLE usage_days (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    day date NOT NULL,
    model text NOT NULL,
    input bigint NOT NULL DEFAULT 0,
    output bigint NOT NULL DEFAULT 0,
    cached bigint NOT NULL DEFAULT 0,
    thinking bigint NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0,
    estimated_attempts bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, day, model)
);

-- The budget of a day: what is used, and what is set aside for answers that are
-- being generated.
CREATE TABLE usage_budgets (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    day date NOT NULL,
    used bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, day)
);
