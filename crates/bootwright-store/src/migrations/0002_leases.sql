-- The addresses that are lent, one row each: what was recorded last of an address. They stand beside the record of
-- events, not in it; nobody asks what an address was a year ago.
CREATE TABLE leases (
    -- The IPv4 address as a number; `ip` shows it as people write it.
    address   INTEGER PRIMARY KEY,
    -- The card that has it, or had it last.
    holder    TEXT NOT NULL,
    -- bound, released or declined.
    state     TEXT NOT NULL,
    -- On the site's time, in milliseconds.
    since     INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    -- Option 61 of the request, in hexadecimal.
    client_id TEXT,
    host_name TEXT,
    -- Checksum of all columns above.
    sum       INTEGER NOT NULL,
    ip        TEXT GENERATED ALWAYS AS (
        (address >> 24) || '.' || ((address >> 16) & 255) || '.' || ((address >> 8) & 255) || '.' || (address & 255)
    ) VIRTUAL
) STRICT;

-- What the leases must add up to, so that a row that is missing is noticed.
CREATE TABLE lease_total (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    leases INTEGER NOT NULL,
    -- The sums of all rows, added up.
    digest INTEGER NOT NULL,
    sum    INTEGER NOT NULL
) STRICT;

-- For people. Times are UTC.
CREATE VIEW addresses AS
SELECT ip, holder, state, host_name,
    (SELECT host FROM host_macs WHERE mac = holder) AS host,
    strftime('%Y-%m-%d %H:%M:%f', since / 1000.0, 'unixepoch') AS since,
    strftime('%Y-%m-%d %H:%M:%f', until / 1000.0, 'unixepoch') AS until
FROM leases;
