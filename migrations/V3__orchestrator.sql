-- Jobs, the agents that are attempts at them, and the queue between.

-- Until when the node is believed to be alive, by the database's clock.
ALTER TABLE nodes ADD COLUMN lease_time timestamptz;

-- The agent whose terminal it is: those are not counted among a person's.
ALTER TABLE terminals ADD COLUMN agent_id uuid;

-- One row a workspace, made with its first job. Whoever makes a job or starts
-- an agent holds it, so that the limits of the workspace hold on all servers.
CREATE TABLE queues (
    workspace_id uuid PRIMARY KEY REFERENCES workspaces,
    paused boolean NOT NULL DEFAULT false,
    pause_reason text NOT NULL DEFAULT '',
    -- Grows with every KillAll. A job of an older epoch never starts.
    epoch bigint NOT NULL DEFAULT 0,
    -- Jobs that are not over.
    live bigint NOT NULL DEFAULT 0,
    -- The number in the last name that was made up.
    number bigint NOT NULL DEFAULT 0
);

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces,
    name text NOT NULL,
    -- QUEUED, RUNNING, INPUT_REQUIRED, BACKING_OFF, STOPPING, SUCCEEDED, FAILED,
    -- CANCELLED, TIMED_OUT, BUDGET_EXCEEDED, LOST
    state text NOT NULL,
    profile text NOT NULL,
    priority integer NOT NULL,
    -- The queue's when it was queued.
    epoch bigint NOT NULL,
    -- Jobs that it depends on and that have not succeeded yet.
    pending integer NOT NULL DEFAULT 0,
    -- Not before, by the database's clock; absent: at once.
    ready_time timestamptz,
    -- It is given up if it has not started by then.
    queued_until timestamptz,
    -- Grows with every claim. Whoever has an older one may not start it.
    fence bigint NOT NULL DEFAULT 0,
    -- While it waits: the server that is about to start it, and until when
    -- nobody else may take it.
    claim_node uuid,
    claim_time timestamptz,
    -- The whole job as the domain type writes it.
    record jsonb NOT NULL,
    create_time timestamptz NOT NULL,
    end_time timestamptz
);
CREATE UNIQUE INDEX jobs_live_name ON jobs (workspace_id, name) WHERE end_time IS NULL;
CREATE INDEX jobs_by_workspace ON jobs (workspace_id, id DESC);
CREATE INDEX jobs_waiting ON jobs (workspace_id, priority DESC, id)
    WHERE state IN ('QUEUED', 'BACKING_OFF') AND pending = 0;
CREATE INDEX jobs_claimed ON jobs (workspace_id) WHERE claim_time IS NOT NULL;
CREATE INDEX jobs_queued_until ON jobs (queued_until) WHERE state = 'QUEUED' AND queued_until IS NOT NULL;
CREATE INDEX jobs_by_name ON jobs (workspace_id, name, id DESC);
CREATE INDEX jobs_ended ON jobs (end_time) WHERE end_time IS NOT NULL;

CREATE TABLE job_dependencies (
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    -- No reference: the other one may be forgotten first.
    depends_on_id uuid NOT NULL,
    PRIMARY KEY (job_id, depends_on_id)
);
CREATE INDEX job_dependencies_by_other ON job_dependencies (depends_on_id);

CREATE TABLE agents (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    name text NOT NULL,
    -- STARTING, RUNNING, INPUT_REQUIRED, STOPPING, EXITED, UNREACHABLE, LOST
    state text NOT NULL,
    profile text NOT NULL,
    -- The server that started it. Nobody else ever starts this one.
    node_id uuid NOT NULL,
    -- The job's when it was claimed.
    fence bigint NOT NULL,
    terminal_id uuid NOT NULL,
    -- The whole agent as the domain type writes it.
    record jsonb NOT NULL,
    create_time timestamptz NOT NULL,
    end_time timestamptz,
    UNIQUE (job_id, fence)
);
CREATE INDEX agents_by_workspace ON agents (workspace_id, id DESC);
CREATE INDEX agents_by_name ON agents (workspace_id, name, id DESC);
CREATE INDEX agents_live ON agents (workspace_id, profile) WHERE end_time IS NULL;
CREATE INDEX agents_of_node ON agents (node_id) WHERE end_time IS NULL;
