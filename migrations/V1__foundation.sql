-- Workspaces, tokens, terminals and the event log.
-- Migrations are append-only: a file that has landed never changes.

-- One row: which database this is. The keeper remembers it, so that it never
-- kills the terminals of another database's server.
CREATE TABLE database_identity (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO database_identity DEFAULT VALUES;

-- A server on this database. `fence` grows by one at each of its starts.
CREATE TABLE nodes (
    id uuid PRIMARY KEY,
    fence bigint NOT NULL,
    start_time timestamptz NOT NULL
);

CREATE TABLE workspaces (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    -- The newest event. Its row is the last lock that a transaction takes.
    event_sequence bigint NOT NULL DEFAULT 0,
    create_time timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tokens (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces,
    name text NOT NULL,
    -- VIEWER, MEMBER, ADMIN, OPERATOR
    role text NOT NULL,
    -- SHA-256 of the secret: 256 random bits need no salt.
    hash bytea NOT NULL UNIQUE,
    create_time timestamptz NOT NULL DEFAULT now(),
    expire_time timestamptz,
    last_use_time timestamptz,
    revoke_time timestamptz,
    terminal_id uuid,
    read_only boolean NOT NULL DEFAULT false
);
CREATE INDEX tokens_by_workspace ON tokens (workspace_id, id DESC);

CREATE TABLE sign_in_codes (
    hash bytea PRIMARY KEY,
    token_id uuid NOT NULL REFERENCES tokens,
    expire_time timestamptz NOT NULL,
    use_time timestamptz
);

-- What an idempotent call answered. `fingerprint` is a hash of the parsed request.
CREATE TABLE request_ids (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    request_id text NOT NULL,
    method text NOT NULL,
    fingerprint bytea NOT NULL,
    resource_id uuid NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, request_id)
);
CREATE INDEX request_ids_by_time ON request_ids (create_time);

CREATE TABLE events (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    sequence bigint NOT NULL,
    time timestamptz NOT NULL DEFAULT now(),
    -- Absent: the server itself.
    principal_token_id uuid,
    principal_name text NOT NULL,
    resource text NOT NULL,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (workspace_id, sequence)
);
CREATE INDEX events_by_time ON events (time);

CREATE TABLE terminals (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces,
    name text NOT NULL,
    -- STARTING, RUNNING, EXITED, LOST
    state text NOT NULL,
    node_id uuid NOT NULL,
    -- The fence of the server start that wrote the row last.
    fence bigint NOT NULL,
    -- The rest of the record (command, cwd, size, title, pid, exit ...) as the
    -- domain type writes it. The environment is never stored: it may hold secrets.
    record jsonb NOT NULL,
    create_time timestamptz NOT NULL,
    end_time timestamptz
);
CREATE UNIQUE INDEX terminals_live_name ON terminals (workspace_id, name) WHERE state IN ('STARTING', 'RUNNING');
CREATE INDEX terminals_by_workspace ON terminals (workspace_id, id DESC);
CREATE INDEX terminals_by_node ON terminals (node_id) WHERE state IN ('STARTING', 'RUNNING');
CREATE INDEX terminals_ended ON terminals (end_time) WHERE end_time IS NOT NULL;
