-- The profiles that runs under way were started with: a run goes on with them, whatever the configuration says by then.
-- They stand beside the record of events, not in it, and go when no run needs them any more.
CREATE TABLE revisions (
    profile  TEXT NOT NULL,
    -- The digest of all that the profile says, in 16 hexadecimal digits; the hosts' runs name it.
    revision TEXT NOT NULL,
    -- The profile, as JSON.
    body     TEXT NOT NULL,
    -- Checksum of all columns above.
    sum      INTEGER NOT NULL,
    PRIMARY KEY (profile, revision)
) STRICT;
