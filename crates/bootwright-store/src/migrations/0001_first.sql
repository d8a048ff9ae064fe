-- The record: what happened, one row an entry, never changed. Everything below follows from it.
CREATE TABLE events (
    seq    INTEGER PRIMARY KEY,
    -- The site's own time, in milliseconds; only runs forward.
    at     INTEGER NOT NULL,
    -- The wall clock at the commit, in milliseconds since 1970; for people.
    wall   INTEGER NOT NULL,
    -- operator, rule, machine, clock or daemon; for the first two, the name.
    cause  TEXT NOT NULL,
    actor  TEXT,
    verb   TEXT NOT NULL,
    note   TEXT NOT NULL,
    -- What changed, as JSON.
    change TEXT NOT NULL,
    -- Checksum of all columns above.
    sum    INTEGER NOT NULL,
    host   TEXT GENERATED ALWAYS AS (change ->> '$.host') VIRTUAL
) STRICT;

CREATE INDEX events_by_host ON events (host, seq) WHERE host IS NOT NULL;

-- The hosts as they stand after the last event. What is generated is there for people; its types are loose, so that no
-- value that the program can hold is ever refused here.
CREATE TABLE hosts (
    id       TEXT PRIMARY KEY,
    body     TEXT NOT NULL,
    sum      INTEGER NOT NULL,
    state    TEXT GENERATED ALWAYS AS (body ->> '$.state.phase') VIRTUAL,
    profile  TEXT GENERATED ALWAYS AS (coalesce(
        body ->> '$.state.run.profile', body ->> '$.state.profile', body ->> '$.state.queue[0]')) VIRTUAL,
    run      ANY GENERATED ALWAYS AS (coalesce(
        body ->> '$.state.run.number', body ->> '$.state.number')) VIRTUAL,
    locked   ANY GENERATED ALWAYS AS (coalesce(body ->> '$.state.locked', 0)) VIRTUAL,
    since    ANY GENERATED ALWAYS AS (body ->> '$.since') VIRTUAL,
    uuid     TEXT GENERATED ALWAYS AS (body ->> '$.facts.uuid') VIRTUAL,
    serial   TEXT GENERATED ALWAYS AS (body ->> '$.facts.serial') VIRTUAL
) STRICT;

-- What is remembered of rules that may arm hosts.
CREATE TABLE rules (
    name    TEXT PRIMARY KEY,
    body    TEXT NOT NULL,
    sum     INTEGER NOT NULL,
    since   ANY GENERATED ALWAYS AS (body ->> '$.since') VIRTUAL,
    granted ANY GENERATED ALWAYS AS (body ->> '$.granted') VIRTUAL
) STRICT;

-- The site as it stands after the last event, and what the tables must add up to.
CREATE TABLE site (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    -- The last event that the tables hold.
    seq    INTEGER NOT NULL,
    hosts  INTEGER NOT NULL,
    rules  INTEGER NOT NULL,
    -- The sums of all rows of both tables, added up.
    digest INTEGER NOT NULL,
    body   TEXT NOT NULL,
    sum    INTEGER NOT NULL,
    paused TEXT GENERATED ALWAYS AS (body ->> '$.paused') VIRTUAL
) STRICT;

-- What the events amount to that are no longer kept: the world up to `seq`, from where the record can be folded again.
CREATE TABLE base (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    body TEXT NOT NULL,
    sum  INTEGER NOT NULL
) STRICT;

CREATE TABLE base_hosts (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    sum  INTEGER NOT NULL
) STRICT;

-- For people. Times are UTC.
CREATE VIEW timeline AS
SELECT seq, strftime('%Y-%m-%d %H:%M:%f', wall / 1000.0, 'unixepoch') AS time, host, verb, note,
    cause || coalesce(' ' || actor, '') AS cause
FROM events;

CREATE VIEW host_macs AS
SELECT hosts.id AS host, mac.value AS mac
FROM hosts, json_each(hosts.body, '$.facts.macs') AS mac;

CREATE VIEW runs AS
SELECT hosts.id AS host, run.value ->> '$.number' AS number, run.value ->> '$.profile' AS profile,
    strftime('%Y-%m-%d %H:%M:%f', (run.value ->> '$.started') / 1000.0, 'unixepoch') AS started,
    strftime('%Y-%m-%d %H:%M:%f', (run.value ->> '$.ended') / 1000.0, 'unixepoch') AS ended,
    run.value ->> '$.attempts' AS attempts,
    coalesce(run.value ->> '$.failure.kind', 'done') AS outcome,
    run.value ->> '$.failure.words' AS words
FROM hosts, json_each(hosts.body, '$.runs') AS run
UNION ALL
SELECT id, body ->> '$.state.run.number', body ->> '$.state.run.profile',
    strftime('%Y-%m-%d %H:%M:%f', (body ->> '$.state.run.started') / 1000.0, 'unixepoch'), NULL,
    body ->> '$.state.run.attempts', 'running', NULL
FROM hosts WHERE state = 'installing';
